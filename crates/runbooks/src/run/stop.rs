//! Stop a run.

use kernel::job::{Job, Running};
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunState, RunView, drive, end::end, find_for, store};

/// Runs that one transaction stops.
const SLICE: i64 = 50;

/// Stop a run, or decline one that was proposed. What it did stays done; what runs on the machine right now ends there.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct StopRun {
    /// The run's number.
    pub id: i64,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Operation for StopRun {
    const NAME: &'static str = "runbooks.run.stop";
    const ROUTE: Route = post("/runs/{id}/stop");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = RunView;

    fn run(&self, cx: &mut Cx) -> Result<RunView> {
        let mut run = find_for(cx, self.id, Self::NAME)?;
        if !run.state.is_active() {
            return Err(Error::conflict(format!("This run is {} already.", run.state.as_str())));
        }
        let reason = match self.reason.as_deref().map(str::trim) {
            None | Some("") => String::new(),
            Some(text) => format!(": {}", kernel::text::line("reason", text, 300)?),
        };
        let word = if run.state == RunState::Running { "Stopped" } else { "Declined" };
        let outcome = format!("{word} by {}{reason}", cx.actor.name);
        end(cx, &mut run, RunState::Stopped, &outcome)?;
        Ok(run.view())
    }
}

/// Stops everything that is at work; a large number in slices.
pub(crate) fn stop_all(cx: &mut Cx, why: &str) -> Result<()> {
    let active = store::active(cx.tx, SLICE)?;
    let more = i64::try_from(active.len()).unwrap_or(SLICE) >= SLICE;
    for mut run in active {
        end(cx, &mut run, RunState::Stopped, why)?;
    }
    if more {
        cx.enqueue(&Job::new("runbooks.stop-rest", &why)?)?;
    }
    Ok(())
}

/// Goes on with [`stop_all`]. Running twice stops nothing twice: an ended run is not at work.
pub(crate) fn stop_rest(running: &Running<'_>) -> Result<()> {
    let why: String = running.input()?;
    running.kernel.write_as(drive::runner(), "runbooks.run.stop-all", move |cx| stop_all(cx, &why))
}
