//! Checks that a thing's facts suggest, or what it is: a web server is asked, its certificate counted down, a disk foretold,
//! a switch pinged. Somebody accepts or dismisses each; nothing is looked at before that.

use kernel::{Cx, Error, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::probe::Kind;
use crate::store;

pub mod decide;
mod find;
pub mod list;
mod watch;

pub(crate) use find::Suggested;
pub(crate) use watch::{Facts, again, facts, run};

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Somebody may decide.
    Open,
    /// A check was made of it.
    Accepted,
    /// It is not wanted, and not proposed again.
    Dismissed,
}

impl ProposalState {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Accepted, Self::Dismissed].into_iter().find(|state| state.as_str() == word)
    }
}

/// A check that is proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// Its number.
    pub id: i64,
    /// The asset it is about.
    pub asset: i64,
    /// What would be looked at.
    pub kind: Kind,
    /// What the check would be called.
    pub name: String,
    /// Which facts suggest it.
    pub why: String,
    /// The fields that the check would be created with.
    pub fields: Map<String, Value>,
    /// What became of it.
    pub state: ProposalState,
    /// The check that was made of it.
    pub check: Option<i64>,
    /// Since when it is proposed.
    pub created_at: Time,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// A proposal that the actor's grant for `operation` covers; what they may not see does not exist.
pub(crate) fn seen(cx: &mut Cx, operation: &str, id: i64) -> Result<Proposal> {
    let reach = cx.reach(operation)?;
    store::proposals::find(cx.tx, id, &reach)?.ok_or_else(|| Error::not_found(format!("The proposal {id}")))
}

/// Titles and pages of proposals, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(list::ListProposals::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let found = store::proposals::visible(cx.tx, ids, &reach)?;
    Ok(found
        .into_iter()
        .map(|one| Resolved { id: one.id, title: one.name, href: "/monitoring/proposals".into() })
        .collect())
}

impl Proposal {
    /// As a reference.
    pub fn reference(&self) -> Ref {
        Ref::new("proposal", self.id)
    }
}
