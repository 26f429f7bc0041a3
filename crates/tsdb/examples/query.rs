//! Processor time of reads: one metric of 10,000 series over five minutes, an hour, four hours and a day; one source's
//! panel; a regular expression; roll-ups.
//!
//! `cargo run --release -p tsdb --example query`
#![expect(clippy::print_stdout, reason = "a figure is printed")]

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/mix.rs"]
mod mix;

use cpu::cpu_ns;
use mix::{START_MS, STEP_MS};
use std::error::Error;
use tsdb::{Limits, Matcher, Store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SOURCES: usize = 1_000;
const EACH: usize = 100;
const HOUR_MS: i64 = 3_600_000;

fn main() -> Result<(), Box<dyn Error>> {
    let hours: i64 = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path(), tsdb::Options::default(), START_MS)?;
    let mut houses = mix::register(&store, SOURCES, EACH)?;
    let mut batch = Vec::new();
    let rows = hours * HOUR_MS / STEP_MS;
    for row in 0..rows {
        store.maintain(START_MS + row * STEP_MS)?;
        for house in &mut houses {
            let (name, at_ms) = house.next_batch(row, &mut batch);
            let _ = store.append(name, at_ms, &batch)?;
        }
    }
    let end = START_MS + rows * STEP_MS;
    println!("{} series, {hours} h; 10,000 of one metric:", SOURCES * EACH);
    let limits = Limits { samples: usize::MAX, bytes: usize::MAX, ..Limits::default() };
    for metric in ["counter", "constant"] {
        for (name, ms) in [("5 min", HOUR_MS / 12), ("1 h", HOUR_MS), ("4 h", 4 * HOUR_MS)] {
            timed(&format!("{metric}, {name}"), || {
                let read = store.select_columns(&[Matcher::metric(metric)], end - ms + 1, end, limits)?;
                Ok((read.len(), read.iter().map(|one| one.values.len()).sum()))
            })?;
        }
    }
    let sites = Matcher::matching("site", "site-1[0-4]?")?;
    timed("counter of 6 of 20 sites by expression, 5 min", || {
        let read = store.select_columns(&[Matcher::metric("counter"), sites.clone()], end - 300_000, end, limits)?;
        Ok((read.len(), read.iter().map(|one| one.values.len()).sum()))
    })?;
    timed("one source, all metrics, 4 h", || {
        let read = store.select_columns(&[Matcher::equal("asset", "asset:7")], end - 4 * HOUR_MS, end, limits)?;
        Ok((read.len(), read.iter().map(|one| one.values.len()).sum()))
    })?;
    timed("counter, 4 h, buckets of 5 min", || {
        let read = store.select_rollup(&[Matcher::metric("counter")], (end - 4 * HOUR_MS, end), 300_000, limits)?;
        Ok((read.series.len(), read.series.iter().map(|one| one.times.len()).sum()))
    })?;
    Ok(())
}

/// The average of twenty, in milliseconds of processor time.
fn timed(what: &str, mut read: impl FnMut() -> tsdb::Result<(usize, usize)>) -> Result<(), Box<dyn Error>> {
    let (start, mut answer) = (cpu_ns()?, (0, 0));
    for _ in 0..20 {
        answer = read()?;
    }
    let each_ms = (cpu_ns()? - start) as f64 / 20e6;
    println!("{what}: {each_ms:.2} ms, {} series, {} samples", answer.0, answer.1);
    Ok(())
}
