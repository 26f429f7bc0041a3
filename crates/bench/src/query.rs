//! Questions in PromQL: a rate over 10,000 series on ten sites, at one moment and over an hour, and the panel of one host.

use std::time::{Duration, Instant};

use kernel::{Error, Result};

use crate::Run;
use crate::engine::{Engine, Peer, now_ms};
use crate::mix::{Fleet, KINDS, SITES, STEP_MS, host};
use crate::process::pause;
use crate::report::{Report, ms, percentile};

const TARGETS: usize = 100;
/// A hundred counters of each target, and some of every other kind for its panel.
const DEVICES: [usize; 10] = [100, 4, 4, 4, 4, 4, 4, 4, 4, 4];
const HOUR_MS: i64 = 3_600_000;
/// An hour, and what the first rate looks back over.
const SPAN_MS: i64 = HOUR_MS + 300_000;
const RATE: &str = "sum by (site) (rate(counter[5m]))";
/// The clock of a process ticks a hundred times a second: so many questions make one figure.
const TOGETHER: usize = 5;
/// Panels cost little.
const PANELS: usize = 40;

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let rounds = if run.quick { 3 } else { 7 };
    let scratch = run.scratch()?;
    report.datum("series", TARGETS * DEVICES.iter().sum::<usize>());
    report.datum("minutes", SPAN_MS / 60_000);
    report.datum("rounds", rounds);
    report.datum("panels_per_round", PANELS);
    let own = asked(&Engine::mainstay_of_people(run, &scratch.path().join("data"))?, rounds)?;
    own.told("", report);
    let Some(peer) = Engine::peer(Peer::Prometheus, &scratch.path().join("prometheus"))? else {
        report.say("prometheus is not installed: nothing to compare with");
        return Ok(());
    };
    let peer = asked(&peer.keeping_connections(), rounds)?;
    peer.told("_prometheus", report);
    report.figure("instant_share", own.instant.cpu_ms / peer.instant.cpu_ms);
    report.figure("range_share", own.range.cpu_ms / peer.range.cpu_ms);
    report.figure("panel_share", own.panel.cpu_ms / peer.panel.cpu_ms);
    Ok(())
}

/// What the questions of one kind cost.
struct Costs {
    instant: Cost,
    range: Cost,
    panel: Cost,
}

/// Medians of the rounds for one question; for one panel of ten.
struct Cost {
    /// CPU of the store.
    cpu_ms: f64,
    /// From asking until the client has read the answer.
    wall_ms: f64,
}

impl Costs {
    fn told(&self, of: &str, report: &mut Report) {
        report.figure(&format!("rate10k_instant_cpu_ms{of}"), self.instant.cpu_ms);
        report.figure(&format!("rate10k_range_cpu_ms{of}"), self.range.cpu_ms);
        report.figure(&format!("panel_ms{of}"), self.panel.cpu_ms);
        report.figure(&format!("panel_wall_ms{of}"), self.panel.wall_ms);
    }
}

/// Asks over one connection that is kept.
fn asked(engine: &Engine, rounds: usize) -> Result<Costs> {
    let end_ms = now_ms(STEP_MS);
    Fleet::new(TARGETS, DEVICES).backfill(engine, SPAN_MS / STEP_MS + 1, end_ms)?;
    pause(Duration::from_secs(3));
    let questions = panel(&host(7));
    let panel = || {
        questions.iter().try_for_each(|query| {
            let answer = engine.range(query, end_ms - HOUR_MS, end_ms, STEP_MS)?;
            if answer.is_empty() { Err(Error::unavailable(format!("{query} has no answer."))) } else { Ok(()) }
        })
    };
    Ok(Costs {
        instant: cost(engine, (rounds, TOGETHER), || sites(engine.instant(RATE, end_ms)?.len()))?,
        range: cost(engine, (rounds, TOGETHER), || {
            sites(engine.range(RATE, end_ms - HOUR_MS, end_ms, STEP_MS)?.len())
        })?,
        panel: cost(engine, (rounds, PANELS), panel)?,
    })
}

fn sites(found: usize) -> Result<()> {
    match found {
        SITES => Ok(()),
        _ => Err(Error::unavailable(format!("{RATE} has an answer for {found} sites, not {SITES}."))),
    }
}

/// The ten questions of one host's panel.
fn panel(host: &str) -> Vec<String> {
    let counts = ["counter", "cpu_seconds", "idle_counter", "rare_errors"];
    let one = |kind: &&str| {
        let series = format!("{kind}{{instance=\"{host}\"}}");
        if counts.contains(kind) { format!("sum(rate({series}[5m]))") } else { series }
    };
    KINDS.iter().map(one).collect()
}

/// What one question costs, of so many that are asked one after the other in each round.
fn cost(engine: &Engine, (rounds, together): (usize, usize), ask: impl Fn() -> Result<()>) -> Result<Cost> {
    ask()?;
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (before, began) = (engine.cpu(), Instant::now());
        (0..together).try_for_each(|_| ask())?;
        wall.push(ms(began.elapsed()) / together as f64);
        cpu.push(ms(engine.cpu() - before) / together as f64);
    }
    Ok(Cost { cpu_ms: percentile(&cpu, 0.5), wall_ms: percentile(&wall, 0.5) })
}
