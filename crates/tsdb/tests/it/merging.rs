//! Merged files and roll-ups: what they hold, what a crash or damage in between costs, what is deleted when.

use crate::rig::{Points, Rig, STEP, T0, WINDOW, copy, files, noisy, options};
use std::fs;
use tsdb::{Aggregate, Class, Limits, Matcher, Options, Part, Rollups, Store};

const DAY: i64 = 86_400_000;
/// Midnight after `T0`.
const DAY0: i64 = T0 + WINDOW;
const FIVE: i64 = 300_000;

fn merging() -> Options {
    Options { slice_samples: 1 << 20, ..options() }
}

/// A counter that begins again now and then.
fn counter(n: i64) -> f64 {
    ((n * 3) % 2_000) as f64
}

/// Samples from `DAY0` on, the head cut as time goes on.
fn filled(options: Options, windows: i64) -> Rig {
    let rig = Rig::new(options);
    for window in 0..windows {
        let start = DAY0 + window * WINDOW;
        rig.store().maintain(start).unwrap();
        for (source, metric) in [("s", "a"), ("s", "b"), ("t", "a")] {
            rig.fill(source, metric, start, 60, |n| counter(n + 60 * window));
        }
    }
    rig.store().maintain(DAY0 + windows * WINDOW + 400_000).unwrap();
    rig
}

fn all(rig: &Rig) -> Vec<Points> {
    [("s", "a"), ("s", "b"), ("t", "a")].iter().map(|(source, metric)| rig.points(source, metric)).collect()
}

fn rollups(store: &Store, span: (i64, i64), coarsest_ms: i64) -> Rollups {
    let matchers = [Matcher::metric("a"), Matcher::equal("source", "s")];
    store.select_rollup(&matchers, span, coarsest_ms, Limits::default()).unwrap()
}

fn counts(store: &Store) -> (usize, usize, usize) {
    let tiers = store.stats().tiers;
    let of = |resolution| tiers.iter().filter(|tier| tier.resolution_ms == resolution).map(|tier| tier.blocks).sum();
    (of(0), of(300_000), of(3_600_000))
}

#[test]
fn a_day_becomes_one_file_and_two_tiers_in_slices_and_reads_stay_the_same() {
    let mut rig = filled(Options { slice_samples: 0, ..merging() }, 13);
    let before = all(&rig);
    assert_eq!(counts(rig.store()), (13, 0, 0));
    rig.options.slice_samples = 100;
    let now = DAY0 + 13 * WINDOW + 400_000;
    rig.crash(now, |_| {});
    let mut calls = 0;
    while counts(rig.store()) != (2, 1, 1) {
        rig.store().maintain(now).unwrap();
        assert_eq!(all(&rig), before);
        calls += 1;
        assert!(calls < 100, "{:?}", counts(rig.store()));
    }
    assert!(calls > 5, "a slice is a slice");
    assert_eq!(rig.files("blocks", "tmp").len(), 0);
    assert_eq!(rig.store().stats().damaged_pages, 0);
    rig.crash(now, |_| {});
    assert_eq!(all(&rig), before);
}

#[test]
fn roll_ups_say_what_the_samples_say_whatever_tier_answers() {
    let rig = filled(merging(), 30);
    assert_eq!(counts(rig.store()), (8, 2, 2));
    let samples: Vec<(i64, f64)> =
        rig.points("s", "a").into_iter().map(|(at, bits)| (at, f64::from_bits(bits))).collect();
    let end = DAY0 + 30 * WINDOW;
    for (coarsest, stored, length) in [(FIVE, 300_000, FIVE), (3_599_999, 300_000, FIVE), (DAY, 3_600_000, 3_600_000)] {
        let answer = rollups(rig.store(), (DAY0, end), coarsest);
        let expected = [
            // The very first sample lies at the end of a bucket that no tier has.
            Part { after_ms: DAY0 - length, to_ms: DAY0, resolution_ms: stored, is_stored: false },
            Part { after_ms: DAY0, to_ms: DAY0 + 2 * DAY, resolution_ms: stored, is_stored: true },
            Part { after_ms: DAY0 + 2 * DAY, to_ms: end, resolution_ms: stored, is_stored: false },
        ];
        assert_eq!(answer.parts[answer.parts.len() - 2..], expected[1..]);
        let series = &answer.series[0];
        assert!(series.times.is_sorted_by(|a, b| a < b));
        let window = 6 * length;
        for to in (DAY0 + window..=end).step_by(window as usize) {
            let inside: Vec<f64> =
                samples.iter().filter(|(at, _)| *at > to - window && *at <= to).map(|(_, value)| *value).collect();
            let got = series.over(to - window, to, 0);
            let Some(first) = inside.first() else {
                assert!(got.is_none());
                continue;
            };
            let [count, sum, min, max, one, last, increase] = got.unwrap();
            assert_eq!((count, sum), (inside.len() as f64, inside.iter().sum()));
            assert_eq!(min, inside.iter().copied().reduce(f64::min).unwrap());
            assert_eq!(max, inside.iter().copied().reduce(f64::max).unwrap());
            assert_eq!((one, last), (*first, *inside.last().unwrap()));
            let rise = |pair: &[f64]| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] };
            assert_eq!(increase, inside.windows(2).map(rise).sum());
        }
    }
    let answer = rollups(rig.store(), (DAY0, end), 15_000);
    assert_eq!(answer.series[0].times.len(), samples.len(), "each sample is a bucket where no tier is fine enough");
    assert!(answer.parts.iter().all(|part| !part.is_stored && part.resolution_ms == 0));
}

#[test]
fn where_samples_are_gone_the_tiers_answer_and_say_so() {
    let options = Options { retention_ms: DAY, five_minutes_retention_ms: 2 * DAY, ..merging() };
    let rig = filled(options, 50);
    let first = rig.points("s", "a").first().unwrap().0;
    assert!(first >= DAY0 + 3 * DAY, "samples are kept for a day");
    let answer = rollups(rig.store(), (DAY0, DAY0 + 50 * WINDOW), 0);
    let kinds: Vec<_> = answer.parts.iter().map(|part| (part.resolution_ms, part.is_stored)).collect();
    assert_eq!(kinds, [(3_600_000, true), (300_000, true), (0, false)]);
    assert!(answer.parts.windows(2).all(|pair| pair[0].to_ms == pair[1].after_ms));
    let count: f64 = answer.series[0].column(Aggregate::Count).iter().sum();
    assert_eq!(count, 50.0 * 60.0 - 1.0, "all but the very first sample, whose bucket ended before the first day");
    let end = DAY0 + 50 * WINDOW;
    assert!(!rig.store().samples_suffice((DAY0, end), 0) && rig.store().samples_suffice((first, end), 0));
    assert!(!rig.store().samples_suffice((first, end), FIVE), "a tier has the newest whole day too");
    let matchers = [Matcher::metric("a"), Matcher::equal("source", "s")];
    let (wanted, limits) = ([Aggregate::Min, Aggregate::Increase], Limits::default());
    let some = rig.store().select_aggregates(&matchers, (DAY0, end), 0, limits, &wanted).unwrap();
    for aggregate in wanted {
        assert_eq!(some.series[0].column(aggregate), answer.series[0].column(aggregate));
    }
    assert_eq!((some.series[0].column(Aggregate::Sum), &some.series[0].times), (&[][..], &answer.series[0].times));
    let whole = answer.series[0].counter();
    let rise: f64 = (1..3_000).map(|n| if counter(n) < counter(n - 1) { counter(n) } else { 3.0 }).sum();
    assert_eq!(whole.last().unwrap() - whole[0], rise - (whole[0] + 3.0));
}

#[test]
fn a_crash_between_the_new_file_and_the_last_deletion_loses_and_doubles_nothing() {
    let mut rig = filled(Options { slice_samples: 0, ..merging() }, 13);
    let (before, now) = (all(&rig), DAY0 + 13 * WINDOW + 400_000);
    let inputs = tempfile::tempdir().unwrap();
    copy(&rig.dir.path().join("blocks"), inputs.path());
    rig.options.slice_samples = 1 << 20;
    rig.crash(now, |_| {});
    rig.store().maintain(now).unwrap();
    assert_eq!(counts(rig.store()), (2, 1, 1));
    for left in [1, 5, 12] {
        rig.crash(now, |dir| {
            for path in files(inputs.path(), "", "block").into_iter().take(left) {
                fs::copy(&path, dir.join("blocks").join(path.file_name().unwrap())).unwrap();
            }
            fs::write(dir.join("blocks/000000000000000-000000000000001-0099.tmp"), b"half").unwrap();
        });
        assert_eq!(all(&rig), before);
        assert_eq!((counts(rig.store()), rig.files("blocks", "tmp").len()), ((2, 1, 1), 0));
    }
    // The merged file did not reach the disk whole, and nothing was deleted yet.
    rig.crash(now, |dir| {
        for path in files(&dir.join("blocks"), "", "block") {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
        copy(inputs.path(), &dir.join("blocks"));
    });
    assert_eq!(all(&rig), before);
    rig.store().maintain(now).unwrap();
    assert_eq!(all(&rig), before);
}

#[test]
fn when_the_merged_file_cannot_be_written_nothing_is_lost_and_it_is_tried_again() {
    let mut rig = filled(Options { slice_samples: 0, ..merging() }, 13);
    let (before, now) = (all(&rig), DAY0 + 13 * WINDOW + 400_000);
    rig.options.slice_samples = 1 << 20;
    rig.crash(now, |_| {});
    let blocked = rig.dir.path().join("blocks").join(format!("{DAY0:015}-{:015}-0014.tmp", DAY0 + DAY));
    fs::create_dir(&blocked).unwrap();
    let error = rig.store().maintain(now).unwrap_err().to_string();
    assert!(error.contains("could not create") && error.contains("-0014.tmp"), "{error}");
    assert_eq!(all(&rig), before);
    fs::remove_dir(&blocked).unwrap();
    rig.store().maintain(now + 30_000).unwrap();
    assert_eq!(counts(rig.store()), (13, 0, 0), "not before a minute has passed");
    rig.store().maintain(now + 61_000).unwrap();
    assert_eq!((counts(rig.store()), all(&rig)), ((2, 1, 1), before));
}

#[test]
fn a_damaged_page_of_an_input_costs_that_page_and_a_lost_input_stops_the_merge() {
    let mut rig = filled(Options { slice_samples: 0, ..merging() }, 13);
    let (mut before, now) = (all(&rig), DAY0 + 13 * WINDOW + 400_000);
    rig.options.slice_samples = 1 << 20;
    let path = rig.files("blocks", "block")[3].clone();
    rig.crash(now, |_| {
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 0x10;
        fs::write(&path, bytes).unwrap();
    });
    rig.store().maintain(now).unwrap();
    assert_eq!(counts(rig.store()), (2, 1, 1));
    assert_eq!(rig.store().stats().damaged_pages, 1);
    before[0].drain(180..240);
    assert_eq!(all(&rig), before);
}

#[test]
fn late_samples_of_a_merged_day_come_into_the_file_and_the_tiers() {
    let rig = filled(merging(), 13);
    assert_eq!(counts(rig.store()), (2, 1, 1));
    let at = DAY0 + 3 * WINDOW + 1_000 * STEP / 4;
    rig.put("s", "a", at, 5_000.0);
    rig.store().maintain(DAY0 + 14 * WINDOW + 400_000).unwrap();
    assert!(rig.points("s", "a").contains(&(at, 5_000.0_f64.to_bits())));
    for window in 14..40 {
        rig.fill("s", "a", DAY0 + window * WINDOW, 1, noisy);
        rig.store().maintain(DAY0 + (window + 1) * WINDOW + 400_000).unwrap();
    }
    let max = |answer: &Rollups| answer.series[0].column(Aggregate::Max).iter().copied().fold(0.0, f64::max);
    let answer = rollups(rig.store(), (DAY0 + 1, DAY0 + DAY), DAY);
    assert!(answer.parts.iter().all(|part| part.is_stored), "{:?}", answer.parts);
    assert_eq!(max(&answer), 5_000.0);
    assert!(rig.points("s", "a").contains(&(at, 5_000.0_f64.to_bits())));
}

#[test]
fn classes_have_files_and_ages_of_their_own() {
    let class = |name: &str, source_prefix: &str, matchers, days| Class {
        name: name.to_owned(),
        source_prefix: source_prefix.to_owned(),
        matchers,
        retention_ms: days * DAY,
        five_minutes_retention_ms: 0,
        hour_retention_ms: 30 * DAY,
    };
    let classes = vec![class("lab", "t", vec![], 1), class("long", "", vec![Matcher::metric("b")], 5)];
    let options = Options { classes, retention_ms: 3 * DAY, ..merging() };
    let mut rig = filled(options, 60);
    let now = DAY0 + 60 * WINDOW + 400_000;
    for _ in 0..2 {
        let first = |source, metric| (rig.points(source, metric)[0].0 - DAY0) / DAY;
        assert_eq!((first("t", "a"), first("s", "a"), first("s", "b")), (4, 2, 0));
        let tiers = rig.store().stats().tiers;
        let names: Vec<_> = tiers.iter().map(|tier| (tier.class.as_str(), tier.resolution_ms)).collect();
        let expected =
            [("", 0), ("", 300_000), ("", 3_600_000), ("lab", 0), ("lab", 3_600_000), ("long", 0), ("long", 3_600_000)];
        assert_eq!(names, expected);
        rig.crash(now, |dir| fs::remove_dir_all(dir.join("head")).unwrap());
    }
    let bad = Options { classes: vec![class("5m", "", vec![], 1)], ..merging() };
    let error = Store::open(tempfile::tempdir().unwrap().path(), bad, T0).unwrap_err().to_string();
    assert!(error.contains("no class of series named \"5m\""), "{error}");
}

#[test]
fn over_the_budget_samples_go_before_roll_ups_and_the_oldest_first() {
    let full = filled(merging(), 40).store().stats();
    let tiers: u64 = full.tiers.iter().filter(|tier| tier.resolution_ms > 0).map(|tier| tier.bytes).sum();
    let budget = full.disk_bytes - full.block_bytes + tiers + (full.block_bytes - tiers) / 2;
    let rig = filled(Options { disk_bytes_max: budget, ..merging() }, 40);
    let stats = rig.store().stats();
    assert!(stats.disk_bytes <= budget, "{} of {budget}", stats.disk_bytes);
    let (raw, five, hour) = counts(rig.store());
    assert_eq!((five, hour), (3, 3));
    assert!((1..7).contains(&raw), "{raw}");
    assert!(rig.points("s", "a")[0].0 > DAY0);
}

#[test]
fn directories_in_memory_stay_within_their_bound() {
    let rig = filled(Options { slice_samples: 0, directory_bytes_max: 2_000, ..merging() }, 30);
    let whole = all(&rig);
    assert!(whole.iter().all(|points| points.len() == 1_800));
    let bytes = rig.store().stats().directory_bytes;
    assert!(bytes > 0 && bytes <= 2_000, "{bytes}");
}
