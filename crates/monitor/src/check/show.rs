//! Show a check with its history.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, find};
use crate::alert::Transition;
use crate::live::{Monitor, Seen};
use crate::store;

/// Show a check: what it looks at, how it stands, what changed, and the newest results.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowCheck {
    /// The check.
    pub id: i64,
}

/// A check with what is known about it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckDetail {
    /// The check.
    pub check: Check,
    /// What it looks at, in plain words.
    pub looks_at: String,
    /// Changes of state, newest first, at most 50.
    pub transitions: Vec<Transition>,
    /// The newest results since the server started, newest first.
    pub results: Vec<Seen>,
}

impl Operation for ShowCheck {
    const NAME: &'static str = "monitor.check.show";
    const ROUTE: Route = get("/monitor/checks/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = CheckDetail;

    fn run(&self, cx: &mut Cx) -> Result<CheckDetail> {
        let check = find(cx, Self::NAME, self.id)?;
        let transitions = store::alerts::transitions(cx.tx, check.id, 50)?;
        let results = cx.kernel.get::<Monitor>()?.recent(check.id);
        Ok(CheckDetail { looks_at: check.probe.words(), check, transitions, results })
    }
}
