//! Samples that come late, twice, or one by one.

use crate::rig::{Rig, STEP, T0, WINDOW, expected, noisy, options};
use tsdb::{Appended, Matcher, Options, Sample};

/// Writes every third sample late, in three passes from the newest to the oldest.
fn fill_late(rig: &Rig, count: i64) {
    let id = rig.id("s", "a");
    for n in (0..count).filter(|n| n % 3 == 0) {
        assert_eq!(rig.store().append("s", T0 + n * STEP, &[(id, noisy(n))]).unwrap().accepted, 1);
    }
    for n in (0..count).rev().filter(|n| n % 3 != 0) {
        let appended = rig.store().append("s", T0 + n * STEP, &[(id, noisy(n))]).unwrap();
        assert_eq!(appended.accepted, 1, "{appended:?}");
    }
}

#[test]
fn late_samples_are_read_in_order_and_survive_kill_snapshot_cut_and_restart() {
    let mut rig = Rig::new(options());
    fill_late(&rig, 1_000);
    let whole = expected(T0, 1_000, noisy);
    assert_eq!(rig.points("s", "a"), whole);
    assert!(rig.store().stats().late_samples > 600 && rig.store().stats().late_bytes > 9_000);
    rig.store().sync().unwrap();
    rig.crash(T0, |_| {});
    assert_eq!(rig.points("s", "a"), whole, "after a kill");
    rig.close_and_open(T0);
    assert_eq!(rig.points("s", "a"), whole, "after a snapshot");
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    assert_eq!(rig.store().stats().blocks, 1);
    assert_eq!(rig.points("s", "a"), whole, "half in a block");
    rig.store().maintain(T0 + 3 * WINDOW + 400_000).unwrap();
    let stats = rig.store().stats();
    assert_eq!((stats.blocks, stats.block_samples, stats.late_bytes, stats.sealed_bytes), (3, 1_000, 0, 0));
    assert_eq!(rig.points("s", "a"), whole, "all in blocks");
    rig.crash(T0 + 3 * WINDOW, |_| {});
    assert_eq!(rig.points("s", "a"), whole);
}

#[test]
fn a_window_that_is_on_disk_gets_a_second_block_for_what_comes_after() {
    let rig = Rig::new(options());
    rig.fill("s", "a", T0, 10, noisy);
    rig.fill("s", "a", T0 + WINDOW, 10, noisy);
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    let id = rig.id("s", "a");
    let old = T0 + 100 * STEP;
    assert_eq!(
        rig.store().append("s", old, &[(id, 5.0)]).unwrap(),
        Appended { accepted: 1, late: 1, ..Appended::default() }
    );
    rig.store().maintain(T0 + 2 * WINDOW + 400_000).unwrap();
    assert_eq!(rig.store().stats().blocks, 3);
    assert_eq!(rig.points("s", "a")[10], (old, 5.0_f64.to_bits()));
    assert_eq!(rig.points("s", "a").len(), 21);
}

#[test]
fn what_comes_twice_is_repeated_or_a_duplicate_wherever_the_first_one_is() {
    let rig = Rig::new(options());
    rig.fill("s", "a", T0, 300, noisy);
    let id = rig.id("s", "a");
    let _ = rig.store().append("s", T0 + 7, &[(id, 0.5)]).unwrap();
    // The newest row, an open one, a sealed one, a late sample.
    for (at, value) in [(299, noisy(299)), (290, noisy(290)), (3, noisy(3))] {
        let at_ms = T0 + at * STEP;
        assert_eq!(rig.store().append("s", at_ms, &[(id, value)]).unwrap().repeated, 1, "{at}");
        assert_eq!(rig.store().append("s", at_ms, &[(id, value + 1.0)]).unwrap().duplicate, 1, "{at}");
    }
    assert_eq!(rig.store().append("s", T0 + 7, &[(id, 0.5)]).unwrap().repeated, 1);
    assert_eq!(rig.store().append("s", T0 + 7, &[(id, 0.6)]).unwrap().duplicate, 1);
    let stats = rig.store().stats();
    assert_eq!((stats.repeated, stats.rejected.duplicate, stats.samples), (4, 4, 301));
    let mut whole = expected(T0, 300, noisy);
    whole.insert(1, (T0 + 7, 0.5_f64.to_bits()));
    assert_eq!(rig.points("s", "a"), whole);
    // On disk: taken, and the older one is what reads answer.
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    assert_eq!(rig.store().append("s", T0 + STEP, &[(id, -1.0)]).unwrap().accepted, 1);
    assert_eq!(rig.points("s", "a"), whole);
    rig.store().maintain(T0 + 2 * WINDOW + 400_000).unwrap();
    assert_eq!(rig.points("s", "a"), whole);
}

#[test]
fn a_row_that_another_series_of_the_source_has_is_filled_in() {
    let rig = Rig::new(options());
    let (a, b) = (rig.id("s", "a"), rig.id("s", "b"));
    for n in 0..60 {
        let _ = rig.store().append("s", T0 + n * STEP, &[(a, noisy(n))]).unwrap();
    }
    for n in (0..60).rev() {
        assert_eq!(rig.store().append("s", T0 + n * STEP, &[(b, noisy(-n))]).unwrap().accepted, 1);
    }
    assert_eq!(rig.store().stats().late_bytes, 0, "the rows are open, so nothing is kept aside");
    assert_eq!(rig.points("s", "b"), expected(T0, 60, |n| noisy(-n)));
    assert_eq!(rig.store().last(&[Matcher::metric("b")], 0)[0].1, T0 + 59 * STEP);
    let columns = rig.store().select_columns(&[], 0, i64::MAX, tsdb::Limits::default()).unwrap();
    assert!(std::sync::Arc::ptr_eq(&columns[0].times, &columns[1].times), "they share the times");
}

#[test]
fn a_batch_with_times_of_its_own_takes_any_source_and_order() {
    let rig = Rig::new(options());
    let ids = [rig.id("s", "a"), rig.id("s", "b"), rig.id("t", "a")];
    let mut batch: Vec<Sample> = Vec::new();
    for (n, id) in (0..300).flat_map(|n| ids.iter().map(move |id| (n, *id))) {
        batch.push(Sample { id, at_ms: T0 + n * STEP, value: noisy(n) });
    }
    batch.reverse();
    let appended = rig.store().append_each(&batch).unwrap();
    assert_eq!((appended.accepted, appended.late), (900, 0), "they are put in order first");
    let again = rig.store().append_each(&batch[..10]).unwrap();
    assert_eq!(again, Appended { repeated: 10, ..Appended::default() });
    for (source, metric) in [("s", "a"), ("s", "b"), ("t", "a")] {
        assert_eq!(rig.points(source, metric), expected(T0, 300, noisy));
    }
}

#[test]
fn too_late_is_refused_and_counted() {
    let rig = Rig::new(Options { late_window_ms: 3_600_000, ..options() });
    let id = rig.id("s", "a");
    let _ = rig.store().append("s", T0 + 3_600_000, &[(id, 1.0)]).unwrap();
    assert_eq!(rig.store().append("s", T0, &[(id, 1.0)]).unwrap().accepted, 1);
    assert_eq!(rig.store().append("s", T0 - 1, &[(id, 1.0)]).unwrap().out_of_order, 1);
    assert_eq!(rig.store().stats().rejected.out_of_order, 1);
}

#[test]
fn late_samples_beyond_their_memory_go_to_blocks_at_once() {
    let rig = Rig::new(Options { late_bytes_max: 2_000, ..options() });
    let now = T0 + 5 * WINDOW;
    rig.fill("s", "a", now, 1, noisy);
    rig.store().maintain(now).unwrap();
    let id = rig.id("s", "a");
    for n in 0..500 {
        let _ = rig.store().append("s", T0 + n * STEP, &[(id, noisy(n))]).unwrap();
    }
    assert!(rig.store().stats().late_bytes > 8_000);
    rig.store().maintain(now + 1_000).unwrap();
    assert_eq!((rig.store().stats().late_bytes, rig.store().stats().blocks), (0, 2));
    assert_eq!(rig.points("s", "a").len(), 501);
}
