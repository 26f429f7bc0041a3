//! List proposals.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Proposal, ProposalState};
use crate::store;

/// List checks that facts suggest and nobody has decided about, newest first; or those that were decided.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListProposals {
    /// Of this asset only.
    pub asset: Option<i64>,
    /// open, accepted or dismissed; open if left out.
    pub state: Option<ProposalState>,
    /// Where to start: `next` of the page before.
    pub cursor: Option<String>,
    /// How many on a page.
    pub limit: Option<usize>,
}

impl ListProposals {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.proposal.list";
}

/// A page of proposals.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proposals {
    /// The proposals.
    pub items: Vec<Proposal>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl Operation for ListProposals {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/proposals");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Proposals;

    fn run(&self, cx: &mut Cx) -> Result<Proposals> {
        let reach = cx.reach(Self::NAME)?;
        let state = self.state.unwrap_or(ProposalState::Open);
        let limit = page::rows(self.limit)?;
        let before = page::before(self.cursor.as_deref())?;
        let found = store::proposals::page(cx.tx, state, self.asset, &reach, before, limit + 1)?;
        let found = Page::of(found, limit, |one| one.id);
        let count = store::proposals::count(cx.tx, state, self.asset, &reach, COUNT_MAX)?;
        Ok(Proposals { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}
