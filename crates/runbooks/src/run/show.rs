//! Show a run.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PhaseView, RunView, drive, find, list, store};
use crate::book::Act;

/// Show a run with every step and what proves it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowRun {
    /// The run's number.
    pub id: i64,
}

/// A step of a run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// Its number, from 1.
    pub step: i64,
    /// What it does.
    pub name: String,
    /// command, service, http, wait_for, operation, approval or human.
    pub kind: String,
    /// What a person should do, for such a step.
    pub instructions: String,
    /// What was done about it, in order.
    pub phases: Vec<PhaseView>,
}

/// A run with its steps.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownRun {
    /// The run.
    #[serde(flatten)]
    pub run: RunView,
    /// What it waits for: an agent's job, an approval, operation or human; empty when nothing.
    pub awaits: String,
    /// Its steps.
    pub steps: Vec<StepView>,
}

impl Operation for ShowRun {
    const NAME: &'static str = "runbooks.run.show";
    const ROUTE: Route = get("/runs/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownRun;

    fn run(&self, cx: &mut Cx) -> Result<ShownRun> {
        let reach = cx.reach(list::NAME)?;
        let run = find(cx, self.id, &reach)?;
        let book = drive::book(cx, &run)?;
        let phases = store::phases(cx.tx, run.id)?;
        let steps = book.steps.iter().zip(1_i64..).map(|(step, number)| StepView {
            step: number,
            name: step.name.clone(),
            kind: step.act().map_or("", |act| act.word()).to_owned(),
            instructions: match step.act() {
                Some(Act::Human(human)) => human.instructions.clone(),
                Some(Act::Approval(approval)) => approval.question.clone(),
                _ => String::new(),
            },
            phases: phases.iter().filter(|phase| phase.step == number).cloned().collect(),
        });
        let steps = steps.collect();
        let awaits = if run.state.is_active() { run.awaits.clone() } else { String::new() };
        Ok(ShownRun { run: run.view(), awaits, steps })
    }
}
