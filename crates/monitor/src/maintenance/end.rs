//! End a maintenance window.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Window, find};
use crate::store;

/// End a maintenance window for good: now if it is in force, and nothing of it comes again. What is bad then is told.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct EndWindow {
    /// The window.
    pub id: i64,
}

impl EndWindow {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.maintenance.end";
}

impl Operation for EndWindow {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = post("/monitor/maintenance/{id}/end");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Window;

    fn run(&self, cx: &mut Cx) -> Result<Window> {
        let window = find(cx, Self::NAME, self.id)?;
        if window.over_at.is_some_and(|over| over <= cx.now) {
            return Err(Error::conflict(format!("The maintenance window {} is over already.", window.id)));
        }
        let by = cx.actor.name.clone();
        store::windows::finish(cx.tx, window.id, &by, cx.now)?;
        cx.changed(&window.reference(), "over_at", window.over_at, cx.now)?;
        find(cx, Self::NAME, self.id)
    }
}
