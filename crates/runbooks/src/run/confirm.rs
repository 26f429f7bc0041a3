//! Confirm a step that a person does.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunView, drive, find_for, store};

/// The operation whose grant lets somebody confirm steps and decide on approvals inside runs.
pub(crate) const NAME: &str = "runbooks.run.confirm-step";

/// Say that a step for a person is done, or that it cannot be done.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ConfirmStep {
    /// The run's number.
    pub id: i64,
    /// The step's number, from 1: the run must still be there.
    pub step: i64,
    /// False when it could not be done. True when left out.
    #[serde(default)]
    pub done: Option<bool>,
    /// What was done or seen.
    #[serde(default)]
    pub note: Option<String>,
}

impl Operation for ConfirmStep {
    const NAME: &'static str = NAME;
    const ROUTE: Route = post("/runs/{id}/confirm");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = RunView;

    fn run(&self, cx: &mut Cx) -> Result<RunView> {
        let mut run = find_for(cx, self.id, NAME)?;
        let here = i64::try_from(run.engine.step).unwrap_or(-1) + 1;
        if run.awaits != "human" || here != self.step || !run.state.is_active() {
            return Err(Error::conflict(
                "This run does not wait for a person at this step any more. Look at it again.",
            ));
        }
        let note = match self.note.as_deref().map(str::trim) {
            None | Some("") => String::new(),
            Some(text) => kernel::text::body("note", text, 2_000)?,
        };
        let name = cx.actor.name.clone();
        let done = self.done.unwrap_or(true);
        let words = if done { format!("{name} did it") } else { format!("{name} could not do it") };
        let reason = if note.is_empty() { words } else { format!("{words}: {note}") };
        cx.attention_done(&run.reference(), "human")?;
        cx.changed(&run.reference(), "step", here, here + 1)?;
        drive::hand_over(cx, &mut run, done, reason)?;
        let after = store::by_id(cx.tx, self.id)?.ok_or_else(|| Error::internal("run-missing", self.id))?;
        Ok(after.view())
    }
}
