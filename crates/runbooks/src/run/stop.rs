//! Stop a run.

use kernel::job::{Job, Running};
use kernel::{Access, Cx, Effect, Error, ErrorKind, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunState, RunView, drive, end::end, find_for, store};

/// Runs that one transaction stops.
const SLICE: i64 = 50;

/// Stop a run, or decline one that was proposed. What it did stays done. A command that the machine has already goes on to its own end; *Stop all runs* ends it.
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

/// Stops everything that was at work when the order was given; a large number in slices.
pub(crate) fn stop_all(cx: &mut Cx, why: &str, at: Time) -> Result<()> {
    let active = store::active(cx.tx, at, SLICE)?;
    let more = i64::try_from(active.len()).unwrap_or(SLICE) >= SLICE;
    for mut run in active {
        end(cx, &mut run, RunState::Stopped, why)?;
    }
    if more {
        cx.enqueue(&Job::new("runbooks.stop-rest", &(why, at))?)?;
    }
    Ok(())
}

/// Goes on with [`stop_all`]. Running twice stops nothing twice: an ended run is not at work.
pub(crate) fn stop_rest(running: &Running<'_>) -> Result<()> {
    let (why, at): (String, Time) = running.input()?;
    running.kernel.write_as(drive::runner(), "runbooks.run.stop-all", move |cx| stop_all(cx, &why, at))
}

#[derive(Deserialize)]
struct StopState {
    stopped: bool,
    by: Option<String>,
}

/// What to say while an order to stop all runs holds; nothing when none does, or who asks may not know.
pub(crate) fn holds(cx: &mut Cx) -> Result<Option<String>> {
    let state = match cx.call_named("fleet.stop.show", serde_json::json!({})) {
        Ok(state) => state,
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unavailable) => return Err(error),
        Err(_) => return Ok(None),
    };
    let state: StopState = serde_json::from_value(state).map_err(|error| Error::internal("stop-answer", error))?;
    let by = state.by.map(|by| format!(" by {by}")).unwrap_or_default();
    Ok(state.stopped.then(|| format!("All runs were stopped{by}. Nothing starts until fleet.stop.release.")))
}
