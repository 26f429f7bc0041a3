//! Results of checks as agents send them.

use std::any::Any;
use std::collections::BTreeSet;

use agent_proto::{CheckResult, CheckState, Durable};
use kernel::registry::AgentFrom;
use kernel::{Error, Handle, Result, Time};

use super::{Fed, Monitor, lock};
use crate::limits::LATE_MICROS;
use crate::machine::Outcome;
use crate::probe::Judge;

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
    monitor.room()?;
    for (asset, fed) in monitor.judge(from, results) {
        monitor.keep(asset, &fed);
    }
    monitor.put_down(handle, from, results)
}

impl Monitor {
    /// Answers when what these results changed is on disk. What others changed fails for them alone.
    fn put_down(&self, handle: &Handle, from: &AgentFrom, results: &[CheckResult]) -> Result<()> {
        let checks: BTreeSet<i64> = results.iter().map(|result| result.check_id).collect();
        // Also what was sent before, and is written for somebody else just now.
        let own = lock(&self.outbox).of(&checks);
        if own.is_empty() {
            return Ok(());
        }
        let written = self.together.write(from.agent, from.at, || self.flush(handle));
        if !lock(&self.outbox).has_any(&own) {
            return Ok(());
        }
        let unsaid = || Error::unavailable("The results could not be written. They will be sent again.").passing();
        Err(written.err().unwrap_or_else(unsaid))
    }

    /// Judges results; answers those that belong to checks of this agent, with the asset they are about.
    fn judge(&self, from: &AgentFrom, results: &[CheckResult]) -> Vec<(Option<i64>, Fed)> {
        let mut taken = Vec::new();
        let mut lives = lock(&self.lives);
        for result in results {
            // An agent speaks only for checks that it was given, in the shape they have now.
            let Some(live) = lives.checks.get_mut(&result.check_id) else { continue };
            let foreign = live.check.vantage != Some(from.asset) || live.check.probe.judge() != Judge::Vantage;
            if foreign || live.check.paused || live.check.generation != result.generation {
                continue;
            }
            if live.machine.knows(result.at_ms) || live.recent.iter().any(|seen| seen.at.millis() == result.at_ms) {
                continue;
            }
            let fed = fed(result);
            if from.at.since(fed.at) > LATE_MICROS {
                live.late = Some(fed.at);
            } else if let Some(pending) = live.take(fed.seen(), fed.outcome, from.at) {
                lock(&self.outbox).push(pending);
            }
            self.seen(&live.check, fed.outcome, fed.at, from.at);
            taken.push((live.check.asset, fed));
        }
        taken
    }
}

fn fed(result: &CheckResult) -> Fed {
    Fed {
        check: result.check_id,
        outcome: match result.state {
            CheckState::Ok => Outcome::Good,
            CheckState::Fail => Outcome::Bad,
            CheckState::Error => Outcome::Unknown,
        },
        value: result.value,
        at: Time(result.at_ms.saturating_mul(1_000)),
        took_us: result.took_us,
        evidence: result.evidence.clone(),
    }
}
