//! The block format does not change: a file written once is read for ever, and today's writer writes the same bytes.
//!
//! If an upgrade of pco or zstd changes the bytes without changing the format, keep the old file for the reader and add
//! a new one for the writer.

use crate::rig::{Points, Rig, STEP, T0, WINDOW, noisy, options};
use std::path::Path;
use tsdb::Store;

const GOLDEN: &[u8] = include_bytes!("../golden/version-1.block");
const NAME: &str = "001699999200000-001700006400000-0001.block";

/// Two sources, a constant, a counter with a reset, odd values, a late series, times that are not regular.
fn value(metric: &str, n: i64) -> f64 {
    match metric {
        "constant" => 42.5,
        "counter" => ((n * 3) % 700) as f64,
        "odd" if n % 50 == 7 => f64::from_bits(0x7ff0_0000_0000_0002),
        "odd" if n % 50 == 8 => f64::NEG_INFINITY,
        _ => noisy(n),
    }
}

const METRICS: [&str; 4] = ["constant", "counter", "late", "odd"];

fn time(source: &str, n: i64) -> i64 {
    T0 + n * 14_000 + if source == "jittery" { (n * n) % 300 } else { 0 }
}

fn expected(source: &str, metric: &str) -> Points {
    let from = if metric == "late" { 200 } else { 0 };
    (from..500).map(|n| (time(source, n), value(metric, n).to_bits())).collect()
}

fn written() -> Rig {
    let rig = Rig::new(options());
    for source in ["jittery", "regular"] {
        let ids: Vec<_> = METRICS.iter().map(|metric| rig.id(source, metric)).collect();
        for n in 0..500 {
            rig.store().maintain(time(source, n)).unwrap();
            let samples = METRICS.iter().zip(&ids).filter(|(metric, _)| **metric != "late" || n >= 200);
            let samples: Vec<_> = samples.map(|(metric, id)| (*id, value(metric, n))).collect();
            assert_eq!(rig.store().append(source, time(source, n), &samples).unwrap().accepted, samples.len());
        }
    }
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    rig
}

#[test]
fn the_writer_writes_the_golden_bytes() {
    let rig = written();
    let bytes = std::fs::read(rig.dir.path().join("blocks").join(NAME)).unwrap();
    if bytes != GOLDEN {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME);
        std::fs::write(&path, bytes).unwrap();
        panic!("the block written now differs from tests/golden/version-1.block; it is in {}", path.display());
    }
}

#[test]
fn the_reader_reads_the_golden_block() {
    let rig = Rig::new(options()).without_store();
    std::fs::write(rig.dir.path().join("blocks").join(NAME), GOLDEN).unwrap();
    let mut rig = rig;
    rig.crash(T0 + WINDOW + STEP, |_| {});
    for source in ["jittery", "regular"] {
        for metric in METRICS {
            assert_eq!(rig.points(source, metric), expected(source, metric), "{source} {metric}");
        }
    }
    assert_eq!(rig.store().stats().block_samples, 2 * (3 * 500 + 300));
    assert_eq!(rig.store().stats().damaged_pages, 0);
}

#[test]
fn a_file_that_is_no_block_is_left_alone() {
    let rig = Rig::new(options()).without_store();
    std::fs::write(rig.dir.path().join("blocks/notes.txt"), "hello").unwrap();
    let store = Store::open(rig.dir.path(), options(), T0).unwrap();
    assert_eq!(store.stats().blocks, 0);
    assert!(rig.dir.path().join("blocks/notes.txt").exists());
}
