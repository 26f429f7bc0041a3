//! List jobs.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobView, store};
use crate::list_page::{self, ListPage};

/// The operation that decides who sees jobs.
pub(crate) const NAME: &str = "fleet.job.list";

/// List jobs of machines, newest first. Outputs are left out; show one job to read its output.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListJobs {
    /// Only jobs of this asset.
    #[serde(default)]
    pub asset: Option<i64>,
    /// Only jobs of this agent.
    #[serde(default)]
    pub agent: Option<i64>,
    /// Only jobs in this state.
    #[serde(default)]
    pub state: Option<String>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<i64>,
}

/// Which jobs.
pub(crate) struct Filter {
    pub(crate) asset: Option<i64>,
    pub(crate) agent: Option<i64>,
    pub(crate) state: Option<String>,
    pub(crate) before: i64,
}

impl Operation for ListJobs {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/fleet/jobs");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ListPage<JobView>;

    fn run(&self, cx: &mut Cx) -> Result<ListPage<JobView>> {
        let reach = cx.reach(NAME)?;
        let limit = list_page::limit(self.limit)?;
        let before = list_page::before(self.cursor.as_deref())?;
        let filter = Filter { asset: self.asset, agent: self.agent, state: self.state.clone(), before };
        let rows = store::page(cx.tx, &filter, &reach, limit + 1)?;
        let count = store::count(cx.tx, &filter, &reach)?;
        let views = rows.into_iter().map(|row| JobView { output: String::new(), ..row.view() }).collect();
        Ok(ListPage::new(views, limit, count, |row| row.id))
    }
}
