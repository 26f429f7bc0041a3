//! Results of checks as agents send them.

use std::any::Any;

use agent_proto::{CheckResult, CheckState, Durable};
use kernel::registry::AgentFrom;
use kernel::{Error, Handle, Result, Time};

use super::{Monitor, Seen, lock, word};
use crate::limits::{EVIDENCE_CHARS_MAX, LATE_MICROS};
use crate::machine::Outcome;

/// Transitions that may wait for the database; past that agents are told to keep their results.
const WAITING_MAX: usize = 10_000;

/// Takes what an agent found. Answers only when what follows from it is on disk; the same results again change nothing.
pub(crate) fn check_results(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let results: &[CheckResult] = if let Some(results) = body.downcast_ref::<Vec<CheckResult>>() {
        results
    } else if let Some(Durable::CheckResults { results }) = body.downcast_ref::<Durable>() {
        results
    } else {
        return Err(Error::internal("check-results-type", "the gateway handed over something else"));
    };
    let monitor = handle.get::<Monitor>()?;
    monitor.heard(from.asset, from.at);
    monitor.refresh(handle)?;
    if lock(&monitor.outbox).len() > WAITING_MAX {
        return Err(Error::unavailable(
            "The database does not keep up with monitoring. The results will be sent again.",
        )
        .passing());
    }
    let taken = monitor.judge(from, results);
    monitor.record(&taken);
    monitor.flush(handle)
}

/// A result that belongs to a check of this agent.
struct Taken<'a> {
    asset: i64,
    result: &'a CheckResult,
}

impl Monitor {
    fn judge<'a>(&self, from: &AgentFrom, results: &'a [CheckResult]) -> Vec<Taken<'a>> {
        let mut taken = Vec::new();
        let mut lives = lock(&self.lives);
        for result in results {
            // An agent speaks only for checks that it was given, in the shape they have now.
            let Some(live) = lives.checks.get_mut(&result.check_id) else { continue };
            let foreign = live.check.vantage != from.asset || live.check.probe.for_agent().is_none();
            if foreign || live.check.paused || live.check.generation != result.generation {
                continue;
            }
            if live.machine.knows(result.at_ms) || live.recent.iter().any(|seen| seen.at.millis() == result.at_ms) {
                continue;
            }
            taken.push(Taken { asset: live.check.asset, result });
            let at = Time(result.at_ms.saturating_mul(1_000));
            if from.at.since(at) > LATE_MICROS {
                live.late = Some(at);
                continue;
            }
            let (seen, outcome) = seen(result, at);
            if let Some(pending) = live.take(seen, outcome, from.at) {
                lock(&self.outbox).push(pending);
            }
        }
        taken
    }

    /// Keeps results as series: whether it was up, and how long the run took.
    fn record(&self, taken: &[Taken<'_>]) {
        for Taken { asset, result } in taken {
            let check = result.check_id.to_string();
            let source = format!("check:{check}");
            let asset = asset.to_string();
            let register = |metric: &str| {
                self.series.register(&source, &[("__name__", metric), ("asset", &asset), ("check", &check)])
            };
            let mut samples = Vec::new();
            let up = match result.state {
                CheckState::Ok => Some(1.0),
                CheckState::Fail => Some(0.0),
                CheckState::Error => None,
            };
            if let (Some(up), Ok(id)) = (up, register("mainstay_check_up")) {
                samples.push((id, up));
            }
            if let Ok(id) = register("mainstay_check_duration_seconds") {
                samples.push((id, std::time::Duration::from_micros(result.took_us).as_secs_f64()));
            }
            if let Err(error) = self.series.append(&source, result.at_ms, &samples) {
                tracing::warn!(check, %error, "a check's result could not be kept as a series");
            }
        }
    }
}

fn seen(result: &CheckResult, at: Time) -> (Seen, Outcome) {
    let outcome = match result.state {
        CheckState::Ok => Outcome::Good,
        CheckState::Fail => Outcome::Bad,
        CheckState::Error => Outcome::Unknown,
    };
    let text = kernel::text::shorten(&result.evidence, EVIDENCE_CHARS_MAX).replace('\0', "");
    let value = result.value.filter(|value| value.is_finite());
    (Seen { at, outcome: word(outcome).to_owned(), value, took_us: result.took_us, text }, outcome)
}
