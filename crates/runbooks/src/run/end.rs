//! How a run ends: told with everything that was tried, and nothing left waiting for it.

use kernel::{Cx, Result};

use super::store::{self, Evidence};
use super::{Run, RunState};
use crate::events::{RunFailed, RunFinished, RunStopped};

/// Ends a run. What it waited for stays in `awaits`, so that a job that was not sent yet can be cancelled.
pub(crate) fn end(cx: &mut Cx, run: &mut Run, state: RunState, outcome: &str) -> Result<()> {
    if !run.state.is_active() {
        return Ok(());
    }
    let (before, now) = (run.state, cx.now);
    run.state = state;
    run.outcome = kernel::text::shorten(outcome, 1_000);
    run.finished_at = now;
    run.engine.phase = None;
    store::update(cx.tx, run)?;
    let evidence = Evidence { reason: run.outcome.clone(), ..Evidence::default() };
    store::end_phase(cx.tx, run.id, "unknown", &evidence, now)?;
    let reference = run.reference();
    cx.changed(&reference, "state", before, state)?;
    for need in ["proposed", "human"] {
        cx.attention_done(&reference, need)?;
    }
    cx.cancel_approvals(&reference, "The run has ended.")?;
    let facts = run.facts();
    match state {
        RunState::Done => cx.emit(&RunFinished { facts }),
        RunState::Failed => cx.emit(&RunFailed { facts }),
        _ => cx.emit(&RunStopped { facts }),
    }
}
