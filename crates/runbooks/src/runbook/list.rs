//! List runbooks.

use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunbookView, store};

/// The operation that decides who sees runbooks.
pub(crate) const NAME: &str = "runbooks.runbook.list";

/// List runbooks, newest first.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListRunbooks {
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListRunbooks {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/runbooks");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<RunbookView>;

    fn run(&self, cx: &mut Cx) -> Result<Page<RunbookView>> {
        let rows = page::rows(self.limit)?;
        let found = store::page(cx.tx, page::before(self.cursor.as_deref())?, rows + 1)?;
        Ok(Page::of(found, rows, |runbook| runbook.id))
    }
}
