//! Show one agent.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentView, list};
use crate::hub::Hub;

/// Show one agent.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowAgent {
    /// The agent's number.
    pub id: i64,
}

impl Operation for ShowAgent {
    const NAME: &'static str = "fleet.agent.show";
    const ROUTE: Route = get("/fleet/agents/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = AgentView;

    fn run(&self, cx: &mut Cx) -> Result<AgentView> {
        let reach = cx.reach(list::NAME)?;
        let hub = cx.kernel.get::<Hub>()?;
        Ok(super::find(cx, self.id, &reach)?.view(&hub))
    }
}
