//! Taking samples by remote write: 100 targets of 1,000 series, sampled every 15 s for 15 minutes, sent back to back. The
//! first sample of each series, with which it becomes known, is a figure of its own. Then the same by scraping.

use std::time::Duration;

use kernel::Result;

use crate::Run;
use crate::engine::{Engine, Peer, mb, now_ms};
use crate::mix::{Fleet, REQUEST_SAMPLES, STEP_MS};
use crate::process::pause;
use crate::report::Report;

mod scraping;

const TARGETS: usize = 100;
/// A thousand series of each target.
const DEVICES: [usize; 10] = [100; 10];
/// What is put on disk each second has been put there by then.
const SETTLE: Duration = Duration::from_secs(4);

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    pushed(run, report)?;
    scraping::measure(run, report, TARGETS, DEVICES)
}

fn pushed(run: &Run, report: &mut Report) -> Result<()> {
    let steps = if run.quick { 6 } else { 60 };
    let scratch = run.scratch()?;
    report.datum("series", TARGETS * DEVICES.iter().sum::<usize>());
    report.datum("samples_per_series", steps);
    report.datum("samples_per_request", REQUEST_SAMPLES);
    let own = taken(&Engine::mainstay(run, &scratch.path().join("data"))?, steps)?;
    report.figure("cpu_us_per_sample", own.cpu_us);
    report.figure("rss_mb", own.rss_mb);
    report.figure("first_cpu_us_per_series", own.first_us);
    let Some(peer) = Engine::peer(Peer::Prometheus, &scratch.path().join("prometheus"))? else {
        report.say("prometheus is not installed: nothing to compare with");
        return Ok(());
    };
    let peer = taken(&peer, steps)?;
    report.figure("cpu_us_per_sample_prometheus", peer.cpu_us);
    report.figure("rss_mb_prometheus", peer.rss_mb);
    report.figure("first_cpu_us_per_series_prometheus", peer.first_us);
    report.figure("cpu_share", own.cpu_us / peer.cpu_us);
    report.figure("rss_share", own.rss_mb / peer.rss_mb);
    Ok(())
}

struct Taken {
    /// CPU of a sample of a series that is known.
    cpu_us: f64,
    /// CPU of a series that comes for the first time.
    first_us: f64,
    /// The most memory that was resident.
    rss_mb: f64,
}

fn taken(engine: &Engine, steps: i64) -> Result<Taken> {
    let mut fleet = Fleet::new(TARGETS, DEVICES);
    let last_ms = now_ms(STEP_MS);
    pause(SETTLE);
    let start = engine.cpu();
    fleet.send(engine, last_ms - (steps - 1) * STEP_MS)?;
    pause(SETTLE);
    let known = engine.cpu();
    let samples = fleet.send_until(engine, steps - 1, last_ms)?;
    pause(SETTLE);
    let per = |cpu: Duration, count: usize| cpu.as_secs_f64() * 1e6 / count as f64;
    Ok(Taken {
        cpu_us: per(engine.cpu() - known, samples),
        first_us: per(known - start, fleet.len()),
        rss_mb: mb(engine.memory().peak),
    })
}
