//! List maintenance windows.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Window;
use crate::store;

/// List maintenance windows, newest first.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListWindows {
    /// Also those that are over.
    pub over: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

/// A page of maintenance windows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Windows {
    /// The windows.
    pub items: Vec<Window>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl ListWindows {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.maintenance.list";
}

impl Operation for ListWindows {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/maintenance");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Windows;

    fn run(&self, cx: &mut Cx) -> Result<Windows> {
        let reach = cx.reach(Self::NAME)?;
        let current = (!self.over).then_some(cx.now);
        let limit = page::rows(self.limit)?;
        let before = page::before(self.cursor.as_deref())?;
        let found = Page::of(store::windows::page(cx.tx, current, &reach, before, limit + 1)?, limit, |one| one.id);
        let count = store::windows::count(cx.tx, current, &reach, COUNT_MAX)?;
        Ok(Windows { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}
