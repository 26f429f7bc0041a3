//! List runs.

use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunState, RunView, store};

/// The operation that decides who sees runs.
pub(crate) const NAME: &str = "runbooks.run.list";

/// List runs, newest first.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListRuns {
    /// Only runs in this state.
    #[serde(default)]
    pub state: Option<RunState>,
    /// Only runs on this machine.
    #[serde(default)]
    pub asset: Option<i64>,
    /// Only runs of this runbook.
    #[serde(default)]
    pub runbook: Option<i64>,
    /// Only runs that answer this check.
    #[serde(default)]
    pub check: Option<Ref>,
    /// Only runs with this cause, such as an alert group.
    #[serde(default)]
    pub cause: Option<Ref>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListRuns {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/runs");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<RunView>;

    fn run(&self, cx: &mut Cx) -> Result<Page<RunView>> {
        let reach = cx.reach(NAME)?;
        let rows = page::rows(self.limit)?;
        let filter = store::Filter {
            state: self.state,
            asset: self.asset,
            runbook: self.runbook,
            check: self.check.as_ref().map(|check| check.id),
            cause: self.cause.clone(),
        };
        let found = store::page(cx.tx, &filter, &reach, page::before(self.cursor.as_deref())?, rows + 1)?;
        Ok(Page::of(found.into_iter().map(super::Run::view).collect(), rows, |run| run.id))
    }
}
