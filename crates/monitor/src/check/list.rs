//! List checks.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Check;
use crate::labels::Asked;
use crate::machine::State;
use crate::probe::Kind;
use crate::store::{self, checks::Filter};

/// List checks by name, a page at a time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListChecks {
    /// Words that the name must hold; `name=value` is a label of the check, `name=` one with any value.
    pub q: Option<String>,
    /// Only checks of this asset.
    pub asset: Option<i64>,
    /// Only checks of this kind.
    pub kind: Option<Kind>,
    /// Only checks in this state.
    pub state: Option<State>,
    /// Only paused ones, or only those that run.
    pub paused: Option<bool>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

impl ListChecks {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.check.list";
}

/// A page of checks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// The checks.
    pub items: Vec<Check>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl Operation for ListChecks {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/checks");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Checks;

    fn run(&self, cx: &mut Cx) -> Result<Checks> {
        let reach = cx.reach(Self::NAME)?;
        let asked = Asked::read(self.q.as_deref());
        let filter = Filter { asset: self.asset, kind: self.kind, state: self.state, paused: self.paused, asked };
        let limit = page::rows(self.limit)?;
        let after: Option<(i64, String)> = page::after(self.cursor.as_deref())?;
        let after = after.as_ref().map(|(id, name)| (name.as_str(), *id));
        let found = store::checks::page(cx.tx, &filter, &reach, after, limit + 1)?;
        let found = Page::by(found, limit, |last| page::keyed(last.id, &last.name));
        let count = store::checks::count(cx.tx, &filter, &reach, COUNT_MAX)?;
        Ok(Checks { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}
