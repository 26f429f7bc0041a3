//! List the alerts of a group.

use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Member, find};
use crate::store;

/// List every alert that ever belonged to a group, a page at a time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct ListMembers {
    /// The group.
    pub id: i64,
    /// Only those that are out (true), or that are gone (false).
    #[serde(default)]
    pub open: Option<bool>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A page of alerts of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Members {
    /// The alerts, the newest checks first.
    pub items: Vec<Member>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl ListMembers {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.group.alerts";
}

impl Operation for ListMembers {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/groups/{id}/alerts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Members;

    fn run(&self, cx: &mut Cx) -> Result<Members> {
        let group = find(cx, Self::NAME, self.id)?;
        let limit = page::rows(self.limit)?;
        let before = page::before(self.cursor.as_deref())?;
        let found = store::members::page(cx.tx, group.id, self.open, before, limit + 1)?;
        let found = Page::of(found, limit, |member| member.check);
        Ok(Members { items: found.items, next: found.next })
    }
}
