//! Whatever the order of appends, late and repeated samples, upkeep, merging, restarts and kills after a sync: the store
//! answers what a map would, and so do its roll-ups.

use crate::rig::{Points, Rig, STEP, T0, options};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tsdb::{Aggregate, Limits, Options, STALE_BITS};

#[derive(Clone, Debug)]
enum Step {
    /// Rows of one source: how many steps to wait before, and which of its four series get which value.
    Rows {
        source: u8,
        wait: i64,
        rows: Vec<[Option<f64>; 4]>,
    },
    /// Samples of one source this many steps ago, one after the other.
    Late {
        source: u8,
        metric: u8,
        steps: Vec<(i64, Option<f64>)>,
    },
    Maintain,
    Snapshot,
    Restart,
    Kill,
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        3 => Just(Some(1.0)),
        4 => (0_i32..500).prop_map(|n| Some(f64::from(n))),
        1 => any::<u64>().prop_map(|bits| Some(f64::from_bits(bits))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec([value(), value(), value(), value()], 1..60);
    let late = (0_u8..3, 0_u8..4, prop::collection::vec((0_i64..600, value()), 1..40))
        .prop_map(|(source, metric, steps)| Step::Late { source, metric, steps });
    prop_oneof![
        6 => (0_u8..3, 1_i64..40, rows).prop_map(|(source, wait, rows)| Step::Rows { source, wait, rows }),
        4 => late,
        4 => Just(Step::Maintain),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ]
}

/// What the store should hold: by source and metric, then by time, the bits of the value.
type Model = BTreeMap<(String, String), BTreeMap<i64, u64>>;

fn small() -> Options {
    Options { window_ms: 60 * STEP, grace_ms: STEP, file_ms: 3_600_000, slice_samples: 150, ..options() }
}

/// Runs the steps and keeps the same in a map.
fn run(steps: Vec<Step>) -> (Rig, Model, i64) {
    let mut rig = Rig::new(small());
    let mut model = Model::new();
    let mut now = T0 + 700 * STEP;
    for step in steps {
        match step {
            Step::Rows { source, wait, rows } => {
                now += wait * STEP;
                let source = format!("s{source}");
                let ids: Vec<_> = (0..4).map(|n| rig.id(&source, &format!("m{n}"))).collect();
                for row in rows {
                    now += STEP + i64::from(row[0].is_some());
                    let samples: Vec<_> = ids.iter().zip(row).filter_map(|(id, value)| Some((*id, value?))).collect();
                    let appended = rig.store().append(&source, now, &samples).unwrap();
                    assert_eq!((appended.accepted, appended.late), (samples.len(), 0));
                    for (n, value) in row.into_iter().enumerate().filter_map(|(n, value)| Some((n, value?))) {
                        model.entry((source.clone(), format!("m{n}"))).or_default().insert(now, value.to_bits());
                    }
                }
            }
            Step::Late { source, metric, steps } => {
                let (source, metric) = (format!("s{source}"), format!("m{metric}"));
                let id = rig.id(&source, &metric);
                for (back, value) in steps {
                    let (at, value) = (now - back * STEP, value.unwrap_or(-1.0));
                    let appended = rig.store().append(&source, at, &[(id, value)]).unwrap();
                    assert_eq!(appended.accepted + appended.repeated + appended.duplicate, 1);
                    let samples = model.entry((source.clone(), metric.clone())).or_default();
                    // What is on disk is not looked at, so more may be accepted than is new.
                    match samples.get(&at) {
                        None => assert_eq!(appended.accepted, 1),
                        Some(there) if *there == value.to_bits() => assert_eq!(appended.duplicate, 0),
                        Some(_) => assert_eq!(appended.repeated, 0),
                    }
                    samples.entry(at).or_insert(value.to_bits());
                }
            }
            Step::Maintain => rig.store().maintain(now).unwrap(),
            Step::Snapshot => rig.store().snapshot().unwrap(),
            Step::Restart => rig.close_and_open(now),
            Step::Kill => {
                rig.store().sync().unwrap();
                rig.crash(now, |_| {});
            }
        }
    }
    (rig, model, now)
}

fn points(model: &Model, key: &(String, String)) -> Points {
    model.get(key).into_iter().flatten().map(|(at, bits)| (*at, *bits)).collect()
}

fn check(rig: &Rig, model: &Model) {
    for (source, metric) in (0..3).flat_map(|source| (0..4).map(move |metric| (source, metric))) {
        let key = (format!("s{source}"), format!("m{metric}"));
        assert_eq!(rig.points(&key.0, &key.1), points(model, &key), "{key:?}");
    }
    let stats = rig.store().stats();
    assert_eq!((stats.damaged_pages, stats.damaged_frames, stats.lost_records), (0, 0, 0));
}

/// Count, first and last value of each bucket of five minutes.
fn buckets(points: &Points) -> BTreeMap<i64, (f64, u64, u64)> {
    let mut buckets = BTreeMap::new();
    for (at, bits) in points.iter().filter(|(_, bits)| *bits != STALE_BITS) {
        let bucket = buckets.entry((at + 299_999) / 300_000 * 300_000).or_insert((0.0, *bits, *bits));
        (bucket.0, bucket.2) = (bucket.0 + 1.0, *bits);
    }
    buckets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_store_answers_what_a_map_would(steps in prop::collection::vec(step(), 1..30)) {
        let (rig, model, now) = run(steps);
        check(&rig, &model);
        // Long after, everything is merged and rolled up.
        for n in 0..60 {
            rig.store().maintain(now + 20 * 3_600_000 + n * 1_000).unwrap();
        }
        check(&rig, &model);
        prop_assert_eq!(rig.files("blocks", "tmp").len(), 0);
        let answer = rig.store().select_rollup(&[], (0, i64::MAX), 300_000, Limits::default()).unwrap();
        for series in answer.series {
            let key = (series.labels.get("source").unwrap().to_owned(), series.labels.metric().to_owned());
            let column = |aggregate| series.column(aggregate).iter().copied();
            let values = column(Aggregate::Count).zip(column(Aggregate::First)).zip(column(Aggregate::Last));
            let got: BTreeMap<_, _> = series
                .times
                .iter()
                .zip(values)
                .map(|(at, ((count, first), last))| (*at, (count, first.to_bits(), last.to_bits())))
                .collect();
            prop_assert_eq!(got, buckets(&points(&model, &key)), "{:?} {:?}", key, answer.parts);
        }
    }
}
