//! Questions in PromQL: a rate over 10,000 series on ten sites, at one moment and over an hour, and the panel of one host.

use std::time::Duration;

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

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let rounds = if run.quick { 3 } else { 7 };
    let scratch = run.scratch()?;
    report.datum("series", TARGETS * DEVICES.iter().sum::<usize>());
    report.datum("minutes", SPAN_MS / 60_000);
    report.datum("rounds", rounds);
    let own = asked(&Engine::mainstay(run, &scratch.path().join("data"))?, rounds)?;
    for (name, cpu) in FIGURES.iter().zip(own) {
        report.figure(name, cpu);
    }
    let Some(peer) = Engine::peer(Peer::Prometheus, &scratch.path().join("prometheus"))? else {
        report.say("prometheus is not installed: nothing to compare with");
        return Ok(());
    };
    let peer = asked(&peer, rounds)?;
    for (name, cpu) in FIGURES.iter().zip(peer) {
        report.figure(&format!("{name}_prometheus"), cpu);
    }
    for (name, (own, peer)) in ["instant_share", "range_share", "panel_share"].iter().zip(own.into_iter().zip(peer)) {
        report.figure(name, own / peer);
    }
    Ok(())
}

const FIGURES: [&str; 3] = ["rate10k_instant_cpu_ms", "rate10k_range_cpu_ms", "panel_ms"];

fn asked(engine: &Engine, rounds: usize) -> Result<[f64; 3]> {
    let end_ms = now_ms(STEP_MS);
    Fleet::new(TARGETS, DEVICES).backfill(engine, SPAN_MS / STEP_MS + 1, end_ms)?;
    pause(Duration::from_secs(3));
    let panel = panel(&host(7));
    Ok([
        cpu_ms(engine, rounds, || sites(engine.instant(RATE, end_ms)?.len()))?,
        cpu_ms(engine, rounds, || sites(engine.range(RATE, end_ms - HOUR_MS, end_ms, STEP_MS)?.len()))?,
        cpu_ms(engine, rounds, || {
            panel.iter().try_for_each(|query| {
                let answer = engine.range(query, end_ms - HOUR_MS, end_ms, STEP_MS)?;
                if answer.is_empty() { Err(Error::unavailable(format!("{query} has no answer."))) } else { Ok(()) }
            })
        })?,
    ])
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

/// CPU of the store for one question: the median of the rounds.
fn cpu_ms(engine: &Engine, rounds: usize, ask: impl Fn() -> Result<()>) -> Result<f64> {
    ask()?;
    let mut costs = Vec::new();
    for _ in 0..rounds {
        let before = engine.cpu();
        (0..TOGETHER).try_for_each(|_| ask())?;
        costs.push(ms(engine.cpu() - before) / TOGETHER as f64);
    }
    Ok(percentile(&costs, 0.5))
}
