//! What was synced survives any stop.

use crate::rig::{Rig, STEP, T0, WINDOW, copy, expected, files, noisy, options};
use std::fs;
use tsdb::{Error, Options, Store};

#[test]
fn what_was_synced_survives_a_kill() {
    let mut rig = Rig::new(options());
    rig.fill("s", "a", T0, 200, noisy);
    rig.store().sync().unwrap();
    rig.fill("s", "a", T0 + 200 * STEP, 5, noisy);
    rig.crash(T0, |_| {});
    assert_eq!(rig.points("s", "a"), expected(T0, 200, noisy));
    rig.fill("s", "a", T0 + 200 * STEP, 3, noisy);
    rig.store().sync().unwrap();
    rig.crash(T0, |_| {});
    assert_eq!(rig.points("s", "a").len(), 203);
}

#[test]
fn a_log_cut_at_any_byte_loses_at_most_its_last_frames() {
    let rig = Rig::new(options());
    let mut ends = Vec::new();
    let log = rig.files("head", "log")[0].clone();
    for n in 0..6 {
        rig.put("s", "a", T0 + n * STEP, noisy(n));
        rig.put("t", "b", T0 + n * STEP, noisy(-n * n));
        rig.store().sync().unwrap();
        ends.push(fs::metadata(&log).unwrap().len());
    }
    let bytes = fs::read(&log).unwrap();
    for length in 0..=bytes.len() {
        let other = tempfile::tempdir().unwrap();
        fs::create_dir(other.path().join("head")).unwrap();
        fs::write(other.path().join("head").join(log.file_name().unwrap()), &bytes[..length]).unwrap();
        let store = Store::open(other.path(), options(), T0).unwrap();
        let whole = ends.iter().filter(|end| **end <= length as u64).count() as u64;
        let stats = store.stats();
        assert_eq!((stats.samples, stats.damaged_frames, stats.lost_records), (2 * whole, 0, 0), "at byte {length}");
        let id = store.register("s", &[("__name__", "a"), ("source", "s")]).unwrap();
        assert_eq!(store.append("s", T0 + 9 * STEP, &[(id, 1.0)]).unwrap().accepted, 1);
        store.close().unwrap();
    }
}

#[test]
fn a_damaged_frame_of_the_log_costs_that_frame() {
    let mut rig = Rig::new(options());
    let log = rig.files("head", "log")[0].clone();
    rig.put("s", "a", T0, 1.0);
    rig.store().sync().unwrap();
    let start = fs::metadata(&log).unwrap().len() as usize;
    rig.put("s", "a", T0 + STEP, 2.0);
    rig.store().sync().unwrap();
    rig.put("s", "a", T0 + 2 * STEP, 3.0);
    rig.store().sync().unwrap();
    rig.crash(T0, |_| {
        let mut bytes = fs::read(&log).unwrap();
        bytes[start + 14] ^= 0x40;
        fs::write(&log, bytes).unwrap();
    });
    let bits = |at, value: f64| (at, value.to_bits());
    assert_eq!(rig.points("s", "a"), [bits(T0, 1.0), bits(T0 + 2 * STEP, 3.0)]);
    assert_eq!(rig.store().stats().damaged_frames, 1);
}

#[test]
fn a_damaged_length_costs_that_frame_is_counted_and_the_rest_is_found_again() {
    for (at, bit) in [(3, 0x40), (0, 0x01), (1, 0x02), (5, 0x10), (9, 0x01)] {
        let mut rig = Rig::new(options());
        let log = rig.files("head", "log")[0].clone();
        rig.put("s", "a", T0, 1.0);
        rig.store().sync().unwrap();
        let start = fs::metadata(&log).unwrap().len() as usize;
        for n in 1..20 {
            rig.put("s", "a", T0 + n * STEP, noisy(n));
            rig.store().sync().unwrap();
        }
        rig.crash(T0, |_| {
            let mut bytes = fs::read(&log).unwrap();
            bytes[start + at] ^= bit;
            fs::write(&log, bytes).unwrap();
        });
        assert_eq!(rig.points("s", "a").len(), 19, "byte {at} of the frame's head");
        assert_eq!(rig.points("s", "a")[1..], expected(T0, 20, noisy)[2..]);
        assert_eq!(rig.store().stats().damaged_frames, 1);
    }
}

#[test]
fn a_cut_log_is_what_a_crash_leaves_only_if_it_is_the_newest() {
    let mut rig = Rig::new(options());
    rig.fill("s", "a", T0, 3, noisy);
    rig.store().sync().unwrap();
    let cut = |path: &std::path::Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 3]).unwrap();
    };
    let log = rig.files("head", "log").pop().unwrap();
    for _ in 0..3 {
        rig.crash(T0, |_| cut(&log));
        assert_eq!(rig.store().stats().damaged_frames, u64::from(rig.files("head", "log").len() > 2));
        if rig.files("head", "log").len() > 2 {
            return;
        }
        rig.crash(T0, |_| {});
        assert_eq!(rig.store().stats().damaged_frames, 0, "what a crash left stays what a crash left");
    }
}

#[test]
fn samples_whose_series_was_lost_are_dropped_and_never_given_to_another() {
    let mut rig = Rig::new(options());
    let log = rig.files("head", "log")[0].clone();
    rig.put("s", "a", T0, 1.0);
    rig.store().sync().unwrap();
    let start = fs::metadata(&log).unwrap().len() as usize;
    rig.put("s", "b", T0, 2.0);
    rig.store().sync().unwrap();
    rig.put("s", "b", T0 + STEP, 3.0);
    rig.store().sync().unwrap();
    rig.crash(T0, |_| {
        let mut bytes = fs::read(&log).unwrap();
        bytes[start + 14] ^= 0x40;
        fs::write(&log, bytes).unwrap();
    });
    rig.put("s", "c", T0 + 2 * STEP, 4.0);
    assert_eq!(rig.points("s", "a"), [(T0, 1.0_f64.to_bits())]);
    assert_eq!(rig.points("s", "b"), []);
    assert_eq!(rig.points("s", "c"), [(T0 + 2 * STEP, 4.0_f64.to_bits())]);
}

#[test]
fn a_restart_reads_a_snapshot_and_a_short_log() {
    let mut rig = Rig::new(options());
    rig.fill("s", "a", T0, 300, noisy);
    rig.store().maintain(T0 + 300_000).unwrap();
    rig.store().maintain(T0 + 600_000).unwrap();
    assert_eq!((rig.files("head", "snapshot").len(), rig.files("head", "log").len()), (2, 2));
    rig.fill("s", "a", T0 + 300 * STEP, 50, noisy);
    rig.store().sync().unwrap();
    let points = rig.points("s", "a");
    assert_eq!(points.len(), 350);
    rig.crash(T0, |_| {});
    assert_eq!(rig.points("s", "a"), points);
}

#[test]
fn a_half_written_or_damaged_snapshot_falls_back_to_the_one_before() {
    let mut rig = Rig::new(options());
    for n in 0..4 {
        rig.fill("s", "a", T0 + n * 100 * STEP, 100, noisy);
        rig.store().snapshot().unwrap();
    }
    rig.fill("s", "a", T0 + 400 * STEP, 20, noisy);
    rig.store().sync().unwrap();
    let points = rig.points("s", "a");
    assert_eq!(points.len(), 420);
    let newest = rig.files("head", "snapshot").pop().unwrap();
    let whole = fs::read(&newest).unwrap();
    let original = tempfile::tempdir().unwrap();
    copy(&rig.dir.path().join("head"), original.path());
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [&whole[..0], &whole[..7], &whole[..whole.len() / 2], &whole[..whole.len() - 1], &flipped] {
        rig.crash(T0, |dir| {
            fs::remove_dir_all(dir.join("head")).unwrap();
            copy(original.path(), &dir.join("head"));
            fs::write(&newest, bytes).unwrap();
            fs::write(dir.join("head/000000000099.tmp"), b"half").unwrap();
        });
        assert_eq!(rig.points("s", "a"), points);
        assert_eq!(rig.store().stats().damaged_frames, 1);
        assert_eq!(rig.files("head", "tmp").len(), 0);
    }
}

#[test]
fn a_crash_between_a_block_and_the_snapshot_loses_and_doubles_nothing() {
    let mut rig = Rig::new(options());
    rig.fill("s", "a", T0, 480, noisy);
    rig.store().sync().unwrap();
    let before = tempfile::tempdir().unwrap();
    copy(&rig.dir.path().join("head"), before.path());
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    rig.crash(T0 + WINDOW + 400_000, |dir| {
        fs::remove_dir_all(dir.join("head")).unwrap();
        copy(before.path(), &dir.join("head"));
    });
    assert_eq!(rig.points("s", "a"), expected(T0, 480, noisy));
    rig.store().maintain(T0 + WINDOW + 500_000).unwrap();
    assert_eq!(rig.store().stats().sealed_bytes, 0);
    assert_eq!(rig.points("s", "a"), expected(T0, 480, noisy));
}

#[test]
fn when_blocks_cannot_be_written_nothing_is_lost_and_it_heals() {
    let rig = Rig::new(options());
    rig.fill("s", "a", T0, 480, noisy);
    let blocks = rig.dir.path().join("blocks");
    fs::remove_dir(&blocks).unwrap();
    let now = T0 + WINDOW + 400_000;
    let error = rig.store().maintain(now).unwrap_err().to_string();
    assert!(error.contains("could not create") && error.contains("blocks"), "{error}");
    assert_eq!(rig.points("s", "a"), expected(T0, 480, noisy));
    fs::create_dir(&blocks).unwrap();
    rig.store().maintain(now + 59_000).unwrap();
    assert_eq!(rig.store().stats().blocks, 0, "a failed cut waits a minute");
    rig.store().maintain(now + 61_000).unwrap();
    assert_eq!((rig.store().stats().blocks, rig.store().stats().sealed_bytes), (1, 0));
    assert_eq!(rig.points("s", "a"), expected(T0, 480, noisy));
}

#[test]
fn a_head_that_cannot_be_cut_stays_within_its_bound() {
    let rig = Rig::new(Options { head_bytes_max: 3_000, ..options() });
    fs::remove_dir(rig.dir.path().join("blocks")).unwrap();
    for window in 0..3 {
        let start = T0 + window * WINDOW;
        rig.store().maintain(start).ok();
        rig.fill("s", "a", start, 400, noisy);
        assert!(rig.store().maintain(start + WINDOW + 400_000).is_err());
    }
    let stats = rig.store().stats();
    assert!(stats.sealed_bytes <= 3_000 && stats.dropped_chunks > 0, "{stats:?}");
    assert_eq!(rig.store().last(&[], 0)[0].1, T0 + 2 * WINDOW + 399 * STEP);
}

#[test]
fn files_of_a_newer_version_are_refused_with_the_version_named() {
    for (folder, extension, at) in [("head", "log", 8), ("head", "snapshot", 8), ("blocks", "block", 8)] {
        let mut rig = Rig::new(options());
        rig.fill("s", "a", T0, 10, noisy);
        rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
        rig.close_and_open(T0 + WINDOW + 500_000);
        let dir = rig.dir.path().to_owned();
        let path = files(&dir, folder, extension).pop().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] = 9;
        fs::write(&path, bytes).unwrap();
        let Rig { dir, options, .. } = rig.without_store();
        let error = Store::open(dir.path(), options, T0).unwrap_err();
        assert!(matches!(error, Error::NewerVersion { version: 9, .. }), "{error}");
    }
}
