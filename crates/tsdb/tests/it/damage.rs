//! A damaged block costs what is damaged, never the start of the program.

use crate::rig::{Points, Rig, T0, WINDOW, expected, noisy, options};
use std::fs;

const METRICS: [&str; 3] = ["a", "b", "c"];

fn value(metric: &str, n: i64) -> f64 {
    noisy(n + metric.len() as i64 + i64::from(metric.as_bytes()[0]))
}

/// A window of 5 s steps: three pages a series.
fn written() -> (Rig, Vec<u8>) {
    let rig = Rig::new(options());
    for source in ["s", "t"] {
        let ids: Vec<_> = METRICS.iter().map(|metric| rig.id(source, metric)).collect();
        for n in 0..1_440 {
            rig.store().maintain(T0 + n * 5_000).unwrap();
            let samples: Vec<_> = METRICS.iter().zip(&ids).map(|(metric, id)| (*id, value(metric, n))).collect();
            let _ = rig.store().append(source, T0 + n * 5_000, &samples).unwrap();
        }
    }
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    let bytes = fs::read(&rig.files("blocks", "block")[0]).unwrap();
    (rig, bytes)
}

fn read(rig: &Rig) -> Vec<Points> {
    ["s", "t"].iter().flat_map(|source| METRICS.iter().map(|metric| rig.points(source, metric))).collect()
}

#[test]
fn a_flipped_byte_in_a_page_loses_exactly_that_page() {
    let (mut rig, bytes) = written();
    let whole = read(&rig);
    assert!(whole.iter().all(|points| points.len() == 1_440));
    let path = rig.files("blocks", "block")[0].clone();
    // The first group begins after the header of 16 bytes; its times are regular and have no page.
    for at in [16, 20, 100] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        rig.crash(T0 + WINDOW + 400_000, |_| fs::write(&path, &damaged).unwrap());
        for _ in 0..2 {
            let left = read(&rig);
            assert_eq!(left[0], whole[0][480..], "the first page of the first series is gone");
            assert_eq!(left[1..], whole[1..], "nothing else is");
        }
        assert_eq!(rig.store().stats().damaged_pages, 1, "a damaged page is counted once");
    }
}

#[test]
fn a_damaged_directory_costs_the_block_and_not_the_start() {
    let (mut rig, bytes) = written();
    rig.fill("s", "a", T0 + WINDOW + 400_000, 5, noisy);
    rig.store().sync().unwrap();
    let path = rig.files("blocks", "block")[0].clone();
    for damaged in [&bytes[..bytes.len() - 1], &bytes[..30], &[]] {
        rig.crash(T0 + WINDOW + 400_000, |_| fs::write(&path, damaged).unwrap());
        assert_eq!(rig.points("s", "a"), expected(T0 + WINDOW + 400_000, 5, noisy));
        assert_eq!((rig.store().stats().blocks, rig.store().stats().damaged_pages), (1, 1));
    }
}
