//! Room on disk: 12 hours of ten kinds of series at 15 s, in blocks.

use std::path::Path;
use std::time::Duration;

use kernel::{Error, Result};

use crate::Run;
use crate::engine::{Engine, Peer, now_ms};
use crate::mix::{Fleet, STEP_MS};
use crate::process::{pause, until};
use crate::report::Report;

const HOURS: i64 = 12;
/// A hundred series of each target, ten of each kind.
const DEVICES: [usize; 10] = [10; 10];
/// Blocks cover windows of two hours; the newest sample lies before the end of one that is over.
const WINDOW_MS: i64 = 7_200_000;
/// How long the files must stay as they are to count as finished.
const STILL: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let targets = if run.quick { 6 } else { 30 };
    let scratch = run.scratch()?;
    let data = scratch.path().join("data");
    let last_ms = now_ms(STEP_MS) - 2 * WINDOW_MS;
    let last_ms = last_ms - last_ms.rem_euclid(WINDOW_MS) + WINDOW_MS - STEP_MS;
    let samples = fill(&Engine::mainstay(run, &data)?, targets, last_ms)?;
    report.datum("series", samples as i64 / steps());
    report.datum("samples", samples);
    report.datum("hours", HOURS);
    // A start cuts what is over into blocks. Of two snapshots of the head the older one goes with the next: the second start
    // leaves none that holds what is in blocks.
    for _ in 0..2 {
        let _server = Engine::mainstay(run, &data)?;
        let store = data.join("tsdb");
        until("A block", PATIENCE, STILL, || (bytes(&store.join("blocks"), &any) > 0).then_some(()))?;
        settle(&store)?;
    }
    let store = data.join("tsdb");
    let per = |bytes: u64| bytes as f64 / samples as f64;
    let all = bytes(&store, &any);
    let tiers = bytes(&store.join("blocks"), &is_rollup);
    let own = per(all - tiers);
    report.say(format!(
        "blocks {} bytes, head {} bytes",
        bytes(&store.join("blocks"), &any),
        bytes(&store.join("head"), &any)
    ));
    report.figure("bytes_per_sample", own);
    report.figure("bytes_per_sample_with_tiers", per(all));
    let folder = scratch.path().join("victoria");
    let Some(peer) = Engine::peer(Peer::Victoria, &folder)? else {
        report.say("victoria-metrics is not installed: nothing to compare with");
        return Ok(());
    };
    fill(&peer, targets, last_ms)?;
    let flushed = ["/internal/force_flush", "/internal/force_merge"].map(|path| peer.answers(path));
    if flushed.contains(&None) {
        return Err(Error::unavailable("victoria-metrics did not flush and merge its files."));
    }
    let stored = folder.join("data");
    settle(&stored.join("data"))?;
    drop(peer);
    let victoria = per(bytes(&stored.join("data"), &any) + bytes(&stored.join("indexdb"), &any));
    report.figure("bytes_per_sample_victoria", victoria);
    report.figure("share_of_victoria", own / victoria);
    Ok(())
}

fn steps() -> i64 {
    HOURS * 3_600_000 / STEP_MS
}

fn fill(engine: &Engine, targets: usize, last_ms: i64) -> Result<usize> {
    Fleet::new(targets, DEVICES).backfill(engine, steps(), last_ms)
}

/// Waits until the files of a folder stay as large as they are.
fn settle(folder: &Path) -> Result<()> {
    let mut before = 0;
    pause(STILL);
    until("An end of the work on the files", PATIENCE, STILL, || {
        let now = bytes(folder, &any);
        let still = now == before;
        before = now;
        still.then_some(())
    })
}

/// Every file counts.
fn any(_: &str) -> bool {
    true
}

/// Blocks of the tiers of five minutes and of an hour say so in their names.
fn is_rollup(name: &str) -> bool {
    name.split(['-', '.', '_']).any(|part| part == "5m" || part == "1h")
}

/// Bytes of the files in a folder and below it.
fn bytes(folder: &Path, counts: &impl Fn(&str) -> bool) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(file) if file.is_dir() => bytes(&entry.path(), counts),
        Ok(file) if counts(&entry.file_name().to_string_lossy()) => file.len(),
        _ => 0,
    });
    sizes.sum()
}
