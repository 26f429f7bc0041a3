//! Version 2 of the block format, of merged files and of roll-ups: read for ever, and written as ever.

use crate::rig::{Points, Rig, STEP, T0, WINDOW, noisy, options};
use std::path::Path;
use tsdb::{Aggregate, Limits, Matcher, Options};

const START: i64 = T0 + WINDOW;
const END: i64 = START + 2 * WINDOW;

const GOLDEN: [(&str, &[u8]); 3] = [
    ("001700006400000-001700020800000-0003.block", include_bytes!("../golden/version-2.block")),
    ("001700006400000-001700020800000-0004.5m.block", include_bytes!("../golden/version-2.5m.block")),
    ("001700006400000-001700020800000-0005.1h.block", include_bytes!("../golden/version-2.1h.block")),
];

/// A constant, a counter with resets, one that falls and rises, one that begins late.
fn value(metric: &str, n: i64) -> f64 {
    match metric {
        "constant" => 42.5,
        "counter" => ((n * 3) % 700) as f64,
        _ => noisy(n),
    }
}

const METRICS: [&str; 4] = ["constant", "counter", "late", "noisy"];

fn samples(metric: &str) -> impl Iterator<Item = (i64, f64)> {
    let from = if metric == "late" { 600 } else { 0 };
    (from..900).map(move |n| (START + n * STEP, value(metric, n)))
}

fn merging() -> Options {
    Options { file_ms: 2 * WINDOW, slice_samples: 1 << 20, ..options() }
}

fn written() -> Rig {
    let rig = Rig::new(merging());
    for metric in METRICS {
        let id = rig.id("s", metric);
        for (at, value) in samples(metric) {
            assert_eq!(rig.store().append("s", at, &[(id, value)]).unwrap().accepted, 1);
        }
    }
    rig.store().maintain(END + WINDOW + 400_000).unwrap();
    rig
}

#[test]
fn the_writer_writes_the_golden_bytes_of_version_2() {
    let rig = written();
    let mut different = Vec::new();
    for (name, golden) in GOLDEN {
        let bytes = std::fs::read(rig.dir.path().join("blocks").join(name)).unwrap();
        if bytes != golden {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&path, bytes).unwrap();
            different.push(path);
        }
    }
    assert!(different.is_empty(), "blocks written now differ from those in tests/golden: {different:?}");
}

#[test]
fn the_reader_reads_the_golden_blocks_of_version_2() {
    let mut rig = Rig::new(merging()).without_store();
    for (name, golden) in GOLDEN {
        std::fs::write(rig.dir.path().join("blocks").join(name), golden).unwrap();
    }
    rig.crash(END + WINDOW + 400_000, |_| {});
    for metric in METRICS {
        let bits: Points = samples(metric).map(|(at, value)| (at, value.to_bits())).collect();
        assert_eq!(rig.points("s", metric), bits, "{metric}");
        for tier_ms in [300_000, 3_600_000] {
            let answer = rig
                .store()
                .select_rollup(&[Matcher::metric(metric)], (START + 1, END), tier_ms, Limits::default())
                .unwrap();
            assert!(answer.parts.len() == 1 && answer.parts[0].is_stored);
            let inside = || samples(metric).filter(|(at, _)| *at > START).map(|(_, value)| value);
            let got = answer.series[0].over(START, END, 0).unwrap();
            let fold = |pick: fn(f64, f64) -> f64| inside().reduce(pick).unwrap();
            assert_eq!(got[Aggregate::Count as usize], inside().count() as f64);
            assert_eq!(got[Aggregate::Min as usize], fold(f64::min));
            assert_eq!(got[Aggregate::Max as usize], fold(f64::max));
            assert_eq!(got[Aggregate::Last as usize], inside().last().unwrap());
            let sum: f64 = inside().sum();
            assert!((got[Aggregate::Sum as usize] - sum).abs() < sum * 1e-12);
        }
    }
    let stats = rig.store().stats();
    assert_eq!((stats.blocks, stats.damaged_pages, stats.block_samples), (3, 0, 3_000));
}
