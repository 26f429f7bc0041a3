//! Bytes on disk per sample: 12 hours at 15 seconds of the mix.
//!
//! `cargo run --release -p tsdb --example storage [SOURCES]`, each with 100 series.
#![expect(clippy::print_stdout, reason = "a figure is printed")]

#[path = "support/mix.rs"]
mod mix;

use mix::{START_MS, STEP_MS};
use std::error::Error;

const EACH: usize = 100;
const ROWS: i64 = 12 * 240;

fn main() -> Result<(), Box<dyn Error>> {
    let sources: usize = std::env::args().nth(1).map_or(Ok(100), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let store = tsdb::Store::open(dir.path(), tsdb::Options::default(), START_MS)?;
    let mut houses = mix::register(&store, sources, EACH)?;
    let (mut batch, mut samples) = (Vec::new(), 0);
    for row in 0..ROWS {
        store.maintain(START_MS + row * STEP_MS)?;
        for house in &mut houses {
            let (name, at_ms) = house.next_batch(row, &mut batch);
            samples += store.append(name, at_ms, &batch)?.accepted;
        }
    }
    let series = sources * EACH;
    println!("series {series}, samples {samples}, {:.1} MB as pairs of 16 bytes", samples as f64 * 16.0 / 1e6);
    let end = START_MS + ROWS * STEP_MS;
    store.maintain(end + 400_000)?;
    print_stored(&store, "two hours a file");
    // The day is over, and so is the window after it.
    for n in 0..200 {
        store.maintain(START_MS + 86_400_000 + 2 * 7_200_000 + n * 1_000)?;
    }
    print_stored(&store, "one day a file");
    Ok(())
}

fn print_stored(store: &tsdb::Store, what: &str) {
    let stats = store.stats();
    for tier in &stats.tiers {
        println!(
            "{what}, resolution {} s: {} files, {:.2} MB, {:.3} bytes per sample taken",
            tier.resolution_ms / 1_000,
            tier.blocks,
            tier.bytes as f64 / 1e6,
            tier.bytes as f64 / stats.block_samples as f64
        );
    }
}
