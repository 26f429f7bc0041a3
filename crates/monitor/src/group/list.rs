//! List alert groups.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, GroupState};
use crate::check::Severity;
use crate::labels::Asked;
use crate::store::{self, groups::Filter};

/// List alert groups, newest first, a page at a time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListGroups {
    /// Only groups in this state: open, recovered or merged.
    pub state: Option<GroupState>,
    /// Only groups caused by this asset.
    pub asset: Option<i64>,
    /// Only groups of this team.
    pub team: Option<i64>,
    /// Words that the title must hold; `name=value` is a label of the alert that opened it, `name=` one with any value.
    pub q: Option<String>,
    /// Only critical ones, or only warnings.
    pub severity: Option<Severity>,
    /// Only those that somebody is on, or that nobody is on.
    pub acknowledged: Option<bool>,
    /// Only those that a silence covers, or that none does.
    pub silenced: Option<bool>,
    /// Oldest first.
    pub oldest: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

impl ListGroups {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.group.list";
}

/// A page of alert groups.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Groups {
    /// The groups.
    pub items: Vec<Group>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl Operation for ListGroups {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/groups");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Groups;

    fn run(&self, cx: &mut Cx) -> Result<Groups> {
        let reach = cx.reach(Self::NAME)?;
        let filter = Filter {
            state: self.state,
            asset: self.asset,
            team: self.team,
            asked: Asked::read(self.q.as_deref()),
            severity: self.severity,
            acknowledged: self.acknowledged,
            silenced: self.silenced,
            oldest: self.oldest,
        };
        let limit = page::rows(self.limit)?;
        let at = match self.cursor.as_deref().filter(|text| !text.is_empty()) {
            None if self.oldest => 0,
            cursor => page::before(cursor)?,
        };
        let found = Page::of(store::groups::page(cx.tx, &filter, &reach, at, limit + 1)?, limit, |one| one.id);
        let count = store::groups::count(cx.tx, &filter, &reach, COUNT_MAX)?;
        Ok(Groups { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}
