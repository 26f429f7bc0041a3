//! Starting again after kill -9, with 100,000 series in the head.

use std::time::{Duration, Instant};

use kernel::Result;

use crate::Run;
use crate::engine::{Engine, mb, now_ms};
use crate::mix::{Fleet, STEP_MS};
use crate::process::{pause, until};
use crate::report::Report;

const TARGETS: usize = 100;
/// A thousand series of each target.
const DEVICES: [usize; 10] = [100; 10];
/// What was sent is on disk by then, and memory that served requests is given back.
const SETTLE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let steps = if run.quick { 6 } else { 60 };
    let scratch = run.scratch()?;
    let data = scratch.path().join("data");
    let end_ms = now_ms(STEP_MS);
    let mut server = Engine::mainstay(run, &data)?;
    let samples = Fleet::new(TARGETS, DEVICES).send_until(&server, steps, end_ms)?;
    report.datum("series", TARGETS * DEVICES.iter().sum::<usize>());
    report.datum("samples", samples);
    pause(SETTLE);
    let before = mb(server.memory().all);
    server.process.kill();
    drop(server);
    let started = Instant::now();
    let server = Engine::mainstay(run, &data)?;
    // As many samples as were sent, of each of the counters of one site.
    let query = "count(count_over_time(counter{site=\"site-3\"}[20m]) == ".to_owned() + &steps.to_string() + ")";
    let counters = (TARGETS / crate::mix::SITES * 100).to_string();
    until("An answer with every sample", PATIENCE, Duration::from_millis(20), || {
        server.answers("/readyz")?;
        let answer = server.instant(&query, end_ms).ok()?;
        let found = answer.first()?.get("value")?.get(1)?.as_str()?;
        (found == counters).then_some(())
    })?;
    report.figure("ready_s", started.elapsed().as_secs_f64());
    pause(SETTLE);
    let after = mb(server.memory().all);
    report.figure("rss_mb", after);
    report.figure("rss_before_mb", before);
    report.figure("rss_share_of_before", after / before);
    Ok(())
}
