//! Processor time per sample of taking, logging and sealing; of cutting, merging and snapshots besides; and memory.
//!
//! `cargo run --release -p tsdb --example ingest [SERIES] [MINUTES] [FOLDER]`. With a folder the data stays there, and the
//! process ends as after `kill -9`, for the example `restart`.
#![expect(clippy::print_stdout, reason = "a figure is printed")]

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/mix.rs"]
mod mix;

use cpu::cpu_ns;
use memory::rss_bytes;
use mix::{START_MS, STEP_MS};
use std::error::Error;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EACH: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let series: usize = args.first().map_or(Ok(100_000), |text| text.parse())?;
    let minutes: i64 = args.get(1).map_or(Ok(130), |text| text.parse())?;
    let temporary = tempfile::tempdir()?;
    let dir = args.get(2).map_or_else(|| temporary.path().to_owned(), std::path::PathBuf::from);
    let store = tsdb::Store::open(&dir, tsdb::Options::default(), START_MS)?;
    let before = rss_bytes()?.0;
    let mut houses = mix::register(&store, series / EACH, EACH)?;
    let registered = rss_bytes()?.0;
    let (mut batches, mut samples, mut append_ns, mut upkeep_ns, mut longest_ns) = (Vec::new(), 0_u64, 0, 0, 0);
    for row in 0..minutes * 60_000 / STEP_MS {
        // Made before the clock starts; each source comes at its own moment, so each second has its share of the batches.
        batches.clear();
        for house in &mut houses {
            let mut batch = Vec::with_capacity(EACH);
            let (name, at_ms) = house.next_batch(row, &mut batch);
            batches.push((name.to_owned(), at_ms, batch));
        }
        let share = batches.len().div_ceil(15);
        for (second, batches) in (0..).zip(batches.chunks(share)) {
            let start = cpu_ns()?;
            for (name, at_ms, batch) in batches {
                samples += store.append(name, *at_ms, batch)?.accepted as u64;
            }
            store.sync()?;
            let synced = cpu_ns()?;
            store.maintain(START_MS + row * STEP_MS + second * 1_000)?;
            let kept = cpu_ns()? - synced;
            append_ns += synced - start;
            upkeep_ns += kept;
            longest_ns = longest_ns.max(kept);
        }
    }
    let per_sample = |ns: u64| ns as f64 / 1e3 / samples as f64;
    println!("series {series}, minutes {minutes}, samples {samples}");
    println!(
        "cpu_us_per_sample taking, sealing and log {:.3}, upkeep {:.3}, all {:.3}",
        per_sample(append_ns),
        per_sample(upkeep_ns),
        per_sample(append_ns + upkeep_ns)
    );
    println!("longest upkeep {:.0} ms of cpu", longest_ns as f64 / 1e6);
    drop((houses, batches));
    let stats = store.stats();
    let (now, peak) = rss_bytes()?;
    println!(
        "rss {:.1} MB, peak {:.1} MB; before registering {:.1} MB, after {:.1} MB; {:.0} bytes per series",
        now as f64 / 1e6,
        peak as f64 / 1e6,
        before as f64 / 1e6,
        registered as f64 / 1e6,
        (now - before) as f64 / series as f64
    );
    println!(
        "sealed {:.1} MB, {} blocks of {:.1} MB",
        stats.sealed_bytes as f64 / 1e6,
        stats.blocks,
        stats.block_bytes as f64 / 1e6
    );
    if args.len() > 2 {
        std::process::abort();
    }
    Ok(())
}
