//! List and show escalations.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page as Rows};
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Noted, Page, store};
use crate::message::list::ListMessages;
use crate::message::{Message, store as messages};
use crate::route::Decision;

/// List pages, newest first: what is being told of which alert group by which policy.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListPages {
    /// Only those that have not ended, or only those that have.
    pub open: Option<bool>,
    /// Only those of this alert group.
    #[schemars(extend("x-kind" = "alert_group"))]
    pub group: Option<i64>,
    /// Only those that you were told of.
    pub mine: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

/// A page with what its alert group is called.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PageRow {
    /// The page.
    #[serde(flatten)]
    pub page: Page,
    /// The alert group's title.
    pub title: String,
}

/// A page of pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Pages {
    /// The pages.
    pub items: Vec<PageRow>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl ListPages {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "paging.page.list";
}

impl Operation for ListPages {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/paging/pages");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Pages;

    fn run(&self, cx: &mut Cx) -> Result<Pages> {
        let reach = cx.reach(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let user = if self.mine { Some(cx.actor.user().unwrap_or(-1)) } else { None };
        let filter = store::Filter { open: self.open, group: self.group, user };
        let found = store::list(cx.tx, &filter, &reach, page::before(self.cursor.as_deref())?, rows + 1)?;
        let found = Rows::of(found, rows, |one| one.id);
        let groups: Vec<i64> = found.items.iter().map(|one| one.group).collect();
        let titles = store::titles(cx.tx, &groups)?;
        let row = |page: Page| PageRow { title: titles.get(&page.group).cloned().unwrap_or_default(), page };
        let count = store::count(cx.tx, &filter, &reach)?;
        Ok(Pages {
            items: found.items.into_iter().map(row).collect(),
            next: found.next,
            count,
            count_capped: count >= COUNT_MAX,
        })
    }
}

/// An alert group as it was told.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ShownPage {
    /// The page.
    #[serde(flatten)]
    pub page: Page,
    /// The alert group's title.
    pub title: String,
    /// Where the routing tree led, and why.
    pub routing: Decision,
    /// What was done and why, oldest first; of all pages of the group.
    pub notes: Vec<Noted>,
    /// Who was told, oldest first; the newest 200.
    pub messages: Vec<Message>,
}

/// Show a page: how it was routed, which steps were taken, who was told, and what the other side said.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ShowPage {
    /// Its number.
    pub id: i64,
}

impl Operation for ShowPage {
    const NAME: &'static str = "paging.page.show";
    const ROUTE: Route = get("/paging/pages/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownPage;

    fn run(&self, cx: &mut Cx) -> Result<ShownPage> {
        let reach = cx.reach(Self::NAME)?;
        let found = store::find(cx.tx, self.id, &reach)?;
        let page = found.ok_or_else(|| Error::not_found(format!("The page {}", self.id)))?;
        let group = store::group(cx.tx, page.group)?.unwrap_or_default();
        let mut sent = Vec::new();
        if let Ok(reach) = cx.reach(ListMessages::OPERATION) {
            let filter = messages::Filter { group: Some(page.group), ..messages::Filter::default() };
            sent = messages::page(cx.tx, &filter, &reach, i64::MAX, 200)?;
            sent.reverse();
        }
        Ok(ShownPage {
            title: group.title,
            routing: group.trace,
            notes: store::notes(cx.tx, page.group)?,
            messages: sent,
            page,
        })
    }
}
