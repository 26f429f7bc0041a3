//! How long a store takes to open, and the memory it has then: on the folder that the example `ingest` left.
//!
//! `cargo run --release -p tsdb --example restart FOLDER`
#![expect(clippy::print_stdout, reason = "a figure is printed")]

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/memory.rs"]
mod memory;

use cpu::cpu_ns;
use memory::rss_bytes;
use std::error::Error;

/// The moment the data of `ingest` begins.
const START_MS: i64 = 1_700_006_400_000;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("which folder?")?;
    let start = std::time::Instant::now();
    let store = tsdb::Store::open(std::path::Path::new(&dir), tsdb::Options::default(), START_MS)?;
    let ready = start.elapsed();
    let stats = store.stats();
    let (now, peak) = rss_bytes()?;
    println!("ready_s {:.2}, cpu {:.2} s", ready.as_secs_f64(), cpu_ns()? as f64 / 1e9);
    println!(
        "series {}, samples {} in memory, {} in {} blocks",
        stats.series, stats.samples, stats.block_samples, stats.blocks
    );
    println!("rss {:.1} MB, peak {:.1} MB", now as f64 / 1e6, peak as f64 / 1e6);
    println!("damaged frames {}, lost records {}", stats.damaged_frames, stats.lost_records);
    Ok(())
}
