//! List agents.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentView, State, store};
use crate::hub::Hub;
use crate::list_page::{self, ListPage};

/// The operation that decides who sees agents.
pub(crate) const NAME: &str = "fleet.agent.list";

/// List the agents of machines, newest first. Revoked ones show only when asked for.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListAgents {
    /// Only agents in this state.
    #[serde(default)]
    pub state: Option<State>,
    /// Only agents of this asset.
    #[serde(default)]
    pub asset: Option<i64>,
    /// Only agents that are connected (true) or away (false).
    #[serde(default)]
    pub online: Option<bool>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<i64>,
}

/// Which agents.
pub(crate) struct Filter {
    pub(crate) state: Option<State>,
    pub(crate) asset: Option<i64>,
    pub(crate) online: Option<bool>,
    pub(crate) before: Option<i64>,
}

impl Operation for ListAgents {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/fleet/agents");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ListPage<AgentView>;

    fn run(&self, cx: &mut Cx) -> Result<ListPage<AgentView>> {
        let reach = cx.reach(NAME)?;
        let hub = cx.kernel.get::<Hub>()?;
        let limit = list_page::limit(self.limit)?;
        let before = Some(list_page::before(self.cursor.as_deref())?);
        let filter = Filter { state: self.state, asset: self.asset, online: self.online, before };
        let rows = store::page(cx.tx, &filter, &reach, limit + 1)?;
        let count = store::count(cx.tx, &filter, &reach)?;
        Ok(ListPage::new(rows.into_iter().map(|row| row.view(&hub)).collect(), limit, count, |row| row.id))
    }
}
