//! What is deleted, and when.

use crate::rig::{ALWAYS, Rig, STEP, T0, WINDOW, expected, noisy, options};
use tsdb::{Limits, Matcher, Options};

fn filled(options: Options, windows: i64) -> Rig {
    let rig = Rig::new(options);
    for window in 0..windows {
        let start = T0 + window * WINDOW;
        rig.store().maintain(start + 400_000).unwrap();
        rig.fill("s", "a", start + 400_000, 100, noisy);
        rig.put(&format!("only{window}"), "once", start + 400_000, 1.0);
    }
    rig.store().maintain(T0 + windows * WINDOW + 400_000).unwrap();
    rig
}

#[test]
fn blocks_older_than_the_retention_are_deleted_and_their_series_forgotten() {
    let rig = filled(Options { retention_ms: 3 * WINDOW, ..options() }, 8);
    let stats = rig.store().stats();
    assert_eq!((stats.blocks, stats.removed_blocks), (3, 5));
    assert_eq!(rig.files("blocks", "block").len(), 3);
    assert_eq!(rig.points("s", "a").first().unwrap().0, T0 + 5 * WINDOW + 400_000);
    let sources = rig.store().label_values("source", &[Matcher::metric("once")], ALWAYS, Limits::default()).unwrap();
    assert_eq!(sources, ["only5", "only6", "only7"]);
    assert_eq!(stats.sources, 4);
}

#[test]
fn beyond_the_disk_budget_the_oldest_blocks_go_first() {
    let rig = filled(options(), 8);
    let all = rig.store().stats();
    assert_eq!(all.blocks, 8);
    let budget = all.disk_bytes - all.block_bytes / 2;
    let rig = filled(Options { disk_bytes_max: budget, ..options() }, 8);
    let stats = rig.store().stats();
    assert!(stats.disk_bytes <= budget, "{stats:?}");
    assert!((2..=6).contains(&stats.blocks), "{stats:?}");
    let first = T0 + (8 - stats.blocks as i64) * WINDOW + 400_000;
    assert_eq!(rig.points("s", "a").first().unwrap().0, first);
    assert_eq!(rig.points("s", "a").len(), 100 * stats.blocks);
}

#[test]
fn a_clock_that_jumps_ahead_deletes_nothing() {
    let rig = filled(options(), 3);
    rig.store().maintain(T0 + 3_650 * 86_400_000).unwrap();
    assert_eq!(rig.store().stats().blocks, 3);
    rig.store().maintain(T0 + 3 * WINDOW + 500_000).unwrap();
    rig.fill("s", "a", T0 + 3 * WINDOW + 500_000, 5, noisy);
    assert_eq!(rig.points("s", "a").len(), 305);
}

#[test]
fn a_forgotten_series_gets_a_new_id_and_an_old_id_is_unknown() {
    let options = Options { retention_ms: 2 * WINDOW, ..options() };
    let mut rig = Rig::new(options);
    let old = rig.id("s", "a");
    let _ = rig.store().append("s", T0, &[(old, 1.0)]).unwrap();
    for n in 1..8 {
        rig.store().maintain(T0 + n * WINDOW + 400_000).unwrap();
        rig.put("other", "b", T0 + n * WINDOW + 400_000, 2.0);
        rig.store().snapshot().unwrap();
    }
    assert_eq!(rig.store().stats().series, 1);
    let now = T0 + 7 * WINDOW + 500_000;
    let new = rig.id("t", "c");
    assert_eq!(rig.store().append("t", now, &[(old, 5.0)]).unwrap().unknown, 1);
    assert_eq!(rig.store().append("t", now, &[(new, 6.0)]).unwrap().accepted, 1);
    rig.close_and_open(now);
    assert_eq!(rig.points("t", "c"), [(now, 6.0_f64.to_bits())]);
    assert_eq!(rig.points("s", "a"), []);
}

#[test]
fn the_catalogue_can_be_rebuilt_from_blocks_alone() {
    let mut rig = filled(options(), 3);
    rig.crash(T0 + 3 * WINDOW + 400_000, |dir| std::fs::remove_dir_all(dir.join("head")).unwrap());
    assert_eq!(rig.store().stats().series, 4);
    assert_eq!(rig.points("s", "a").len(), 300);
    let start = T0 + 2 * WINDOW + 400_000;
    let read = rig.store().select(&[Matcher::metric("a")], start, i64::MAX, Limits::default()).unwrap();
    let bits: Vec<_> = read[0].points.iter().map(|(at, value)| (*at, value.to_bits())).collect();
    assert_eq!(bits, expected(start, 100, noisy));
    rig.put("s", "a", T0 + 3 * WINDOW + STEP, 1.0);
    assert_eq!(rig.store().stats().series, 4);
}

#[test]
fn a_clock_that_was_ahead_for_a_moment_stops_nothing() {
    for broken in [false, true] {
        let rig = Rig::new(options());
        rig.fill("s", "a", T0, 10, noisy);
        let blocks = rig.dir.path().join("blocks");
        if broken {
            std::fs::remove_dir(&blocks).unwrap();
        }
        assert_eq!(rig.store().maintain(T0 + 30 * 86_400_000).is_err(), broken);
        std::fs::create_dir_all(&blocks).unwrap();
        rig.store().maintain(T0 + 60_000).unwrap();
        for window in 0..3 {
            let start = T0 + window * WINDOW + 300_000;
            rig.fill("s", "a", start, 400, noisy);
            rig.store().maintain(T0 + (window + 1) * WINDOW + 400_000).unwrap();
        }
        let stats = rig.store().stats();
        assert!(stats.blocks >= 3 && stats.sealed_bytes == 0, "{stats:?}");
        assert_eq!(rig.points("s", "a").len(), 1_210);
    }
}

#[test]
fn the_head_stays_within_its_bound_also_between_cuts() {
    let rig = Rig::new(Options { head_bytes_max: 2_000, ..options() });
    rig.store().maintain(T0 + 300_000).unwrap();
    rig.fill("s", "a", T0 + 300_000, 400, noisy);
    let before = rig.store().stats();
    rig.store().maintain(T0 + 301_000).unwrap();
    let after = rig.store().stats();
    assert!(before.sealed_bytes > 2_000 && after.sealed_bytes <= 2_000 && after.dropped_chunks > 0, "{after:?}");
}
