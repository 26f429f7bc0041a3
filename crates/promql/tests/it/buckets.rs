//! Buckets instead of samples: the same answers where windows begin and end with them, and near ones where they do not.

use promql::{
    BUCKET_MS_MAX, Buckets, Hint, Labels, MemorySource, Numbers, Options, Selected, SelectedBuckets, Selection, Source,
    SourceError, Value, When, query,
};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;
const FIVE: i64 = 5 * MINUTE;
const HOUR: i64 = 12 * FIVE;

/// Samples before `seam` are gone: what is left of them are buckets.
struct Rolled {
    samples: MemorySource,
    all: Vec<(i64, f64)>,
    length: i64,
    seam: i64,
}

impl Rolled {
    fn new(all: &[(i64, f64)], length: i64, seam: i64) -> Self {
        let mut samples = MemorySource::new();
        all.iter().for_each(|(at, value)| samples.push(&labels(), *at, *value));
        Self { samples, all: all.to_vec(), length, seam }
    }

    fn buckets(&self, hint: &Hint<'_>, after: i64, until: i64) -> Buckets {
        let end = |at: i64| if at > self.seam { at } else { at + (-at).rem_euclid(self.length) };
        let after = after - after.rem_euclid(self.length);
        let within = self.all.iter().filter(|(at, _)| *at > after && end(*at) <= until.max(end(until)));
        let mut rows: Vec<(i64, Vec<f64>)> = Vec::new();
        for (at, value) in within {
            match rows.last_mut().filter(|(last, _)| *last == end(*at)) {
                Some((_, values)) => values.push(*value),
                None => rows.push((end(*at), vec![*value])),
            }
        }
        let of = |work: fn(&[f64]) -> f64| rows.iter().map(|(_, values)| work(values)).collect::<Vec<f64>>();
        let asked = |column: promql::BucketColumn, values: Vec<f64>| {
            if hint.columns().contains(&column) { values } else { Vec::new() }
        };
        use promql::BucketColumn as C;
        let numbers = Numbers {
            count: asked(C::Count, of(|values| values.len() as f64)),
            sum: asked(C::Sum, of(|values| values.iter().sum())),
            min: asked(C::Min, of(|values| values.iter().copied().fold(f64::NAN, f64::min))),
            max: asked(C::Max, of(|values| values.iter().copied().fold(f64::NAN, f64::max))),
            first: asked(C::First, of(|values| values[0])),
            last: asked(C::Last, of(|values| values[values.len() - 1])),
            increase: asked(C::Increase, of(|values| values.windows(2).map(rise).sum())),
        };
        let lengths = rows.iter().map(|(at, _)| if *at > self.seam { 0 } else { self.length });
        let times = rows.iter().map(|(at, _)| *at).collect();
        Buckets { labels: labels(), times, lengths: lengths.collect(), numbers }
    }
}

impl Source for Rolled {
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError> {
        self.samples.select(selection)
    }

    fn select_buckets(&self, selection: &Selection<'_>) -> Result<Option<SelectedBuckets>, SourceError> {
        let series = vec![self.buckets(&selection.hint, selection.after_ms - BUCKET_MS_MAX, selection.until_ms)];
        Ok(Some(SelectedBuckets {
            series,
            notes: vec!["buckets".into()],
            infos: vec!["told".into()],
            ..Default::default()
        }))
    }
}

fn rise(pair: &[f64]) -> f64 {
    if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] }
}

fn labels() -> Labels {
    Labels::from_pairs([("__name__", "m_total")])
}

fn ask(text: &str, source: &dyn Source, when: When) -> Vec<(i64, f64)> {
    let answer = query(text, source, when, &Options { experimental: true, ..Options::default() }).unwrap();
    match answer.value {
        Value::Matrix(mut all) => all.pop().map(|one| one.points).unwrap_or_default(),
        Value::Vector(mut all) => all.pop().map(|one| vec![(one.at_ms, one.value)]).unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// A counter that is read each 15 s and begins anew at some of the moments.
fn counter(rises: &[u8], resets: &[usize]) -> Vec<(i64, f64)> {
    let mut value = 0.0;
    let one = |(at, rise): (usize, &u8)| {
        value = if resets.contains(&at) { f64::from(*rise) } else { value + f64::from(*rise) };
        (15_000 * (at as i64 + 1), value)
    };
    rises.iter().enumerate().map(one).collect()
}

fn hours(from: i64, to: i64, step: i64) -> When {
    When::Range { start_ms: from * HOUR, end_ms: to * HOUR, step_ms: step }
}

const EXACT: [&str; 7] = [
    "sum_over_time(m_total[10m])",
    "avg_over_time(m_total[1h])",
    "count_over_time(m_total[5m])",
    "min_over_time(m_total[30m])",
    "max_over_time(m_total[1h])",
    "last_over_time(m_total[5m])",
    "m_total",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn aligned_windows_are_answered_exactly_and_rates_within_a_step_at_each_edge(
        rises in prop::collection::vec(0_u8..9, 1_300), resets in prop::collection::vec(0_usize..1_300, 0..6),
        seam in 0_i64..60,
    ) {
        let all = counter(&rises, &resets);
        let (raw, rolled) = (Rolled::new(&all, FIVE, i64::MIN).samples, Rolled::new(&all, FIVE, seam * FIVE));
        for text in EXACT {
            prop_assert_eq!(ask(text, &rolled, hours(2, 5, FIVE)), ask(text, &raw, hours(2, 5, FIVE)), "{}", text);
        }
        for (text, seconds) in [("increase(m_total[5m])", 300.0), ("rate(m_total[1h])", 3_600.0), ("delta(m_total[10m])", 600.0)] {
            let (ours, theirs) = (ask(text, &rolled, hours(2, 5, FIVE)), ask(text, &raw, hours(2, 5, FIVE)));
            prop_assert_eq!(ours.len(), theirs.len(), "{}", text);
            // Prometheus extrapolates a step at each edge by the mean; buckets hold the true rise of the one at the begin.
            let highest = all.iter().map(|(_, value)| *value).fold(0.0, f64::max);
            let edge = if text.starts_with("delta") { 1.2 * highest } else { 2.2 * 9.0 + 9.0 };
            let bound = if text.starts_with("rate") { edge / seconds } else { edge };
            for ((at, ours), (_, theirs)) in ours.iter().zip(&theirs) {
                prop_assert!((ours - theirs).abs() <= bound, "{text} at {at}: {ours}, not {theirs}");
            }
        }
    }

    #[test]
    fn windows_that_begin_within_buckets_are_off_by_one_bucket_at_most(
        rises in prop::collection::vec(0_u8..9, 1_300), shift in 1_i64..20,
    ) {
        let all = counter(&rises, &[]);
        let (raw, rolled) = (Rolled::new(&all, FIVE, i64::MIN).samples, Rolled::new(&all, FIVE, i64::MAX));
        let at = |hour: i64| hour * HOUR + shift * 15_000;
        let when = When::Range { start_ms: at(2), end_ms: at(4), step_ms: 4 * MINUTE };
        let (ours, theirs) = (ask("rate(m_total[30m])", &rolled, when), ask("rate(m_total[30m])", &raw, when));
        prop_assert_eq!(ours.len(), theirs.len());
        for ((_, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            // Two buckets of twenty samples in 30 minutes.
            prop_assert!((ours - theirs).abs() <= 2.0 * 20.0 * 9.0 / 1_800.0, "{ours}, not {theirs}");
        }
    }
}

fn steady() -> Vec<(i64, f64)> {
    (1..=6 * 240).map(|at| (at * 15_000, at as f64 * 3.0)).collect()
}

#[test]
fn windows_shorter_than_a_bucket_have_no_holes() {
    let rolled = Rolled::new(&steady(), HOUR, i64::MAX);
    let when = When::Range { start_ms: 3 * HOUR + 7 * MINUTE, end_ms: 5 * HOUR, step_ms: 5 * MINUTE };
    for (text, expected) in [
        ("rate(m_total[5m])", 0.2),
        ("increase(m_total[10m])", 120.0),
        ("irate(m_total[5m])", 0.2),
        ("count_over_time(m_total[5m])", 20.0),
    ] {
        let found = ask(text, &rolled, when);
        assert_eq!(found.len(), 23, "{text}");
        assert!(found.iter().all(|(_, value)| (value - expected).abs() < 1e-9), "{text}: {found:?}");
    }
    assert_eq!(ask("m_total", &rolled, when).len(), 23, "the last value of an hour holds for the next");
    assert!(ask("absent_over_time(m_total[5m])", &rolled, when).is_empty());
    let over = When::Instant(7 * HOUR + MINUTE);
    assert!(ask("rate(m_total[5m])", &rolled, over).is_empty(), "the series ended more than an hour ago");
}

#[test]
fn a_window_over_the_seam_counts_each_sample_once() {
    let all = steady();
    for seam in [HOUR, 3 * HOUR, 5 * HOUR] {
        let rolled = Rolled::new(&all, HOUR, seam);
        let count = ask("count_over_time(m_total[6h])", &rolled, When::Instant(6 * HOUR));
        assert_eq!(count, [(6 * HOUR, 1_440.0)]);
        let rate = ask("rate(m_total[4h])", &rolled, When::Instant(6 * HOUR))[0].1;
        assert!((rate - 0.2).abs() < 1e-4, "{rate}");
    }
}

#[test]
fn a_counter_that_began_within_a_bucket_is_extrapolated_like_one_of_samples() {
    let all: Vec<(i64, f64)> = (100..=140).map(|at| (at * 15_000, (at - 100) as f64)).collect();
    let (raw, rolled) = (Rolled::new(&all, FIVE, i64::MIN).samples, Rolled::new(&all, FIVE, i64::MAX));
    let at = When::Instant(30 * MINUTE);
    let (ours, theirs) = (ask("increase(m_total[30m])", &rolled, at), ask("increase(m_total[30m])", &raw, at));
    assert!((ours[0].1 - theirs[0].1).abs() <= 1.0, "{ours:?}, not {theirs:?}");
    let one = Rolled::new(&all[..1], FIVE, i64::MAX);
    assert!(ask("rate(m_total[30m])", &one, at).is_empty(), "one sample has no rate");
}

#[test]
fn the_answer_tells_what_the_source_told() {
    let rolled = Rolled::new(&steady(), FIVE, i64::MAX);
    let answer = query("rate(m_total[1h])", &rolled, When::Instant(6 * HOUR), &Options::default()).unwrap();
    assert_eq!((answer.stats.notes, answer.infos), (vec!["buckets".to_owned()], vec!["told".to_owned()]));
}
