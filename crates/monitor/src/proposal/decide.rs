//! Accept or dismiss a proposal.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Proposal, ProposalState, seen};
use crate::store;

/// Accept a proposal: the check is created, with what was proposed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct AcceptProposal {
    /// The proposal.
    pub id: i64,
}

impl Operation for AcceptProposal {
    const NAME: &'static str = "monitor.proposal.accept";
    const ROUTE: Route = post("/monitor/proposals/{id}/accept");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Proposal;

    fn run(&self, cx: &mut Cx) -> Result<Proposal> {
        let proposal = open(cx, Self::NAME, self.id)?;
        let mut fields = proposal.fields.clone();
        fields.insert("asset".into(), json!(proposal.asset));
        fields.insert("kind".into(), json!(proposal.kind));
        fields.insert("name".into(), json!(proposal.name));
        let made = cx.call_named("monitor.check.create", Value::Object(fields))?;
        let check =
            made.get("id").and_then(Value::as_i64).ok_or_else(|| Error::internal("check-without-id", self.id))?;
        decide(cx, &proposal, ProposalState::Accepted, Some(check))?;
        seen(cx, Self::NAME, self.id)
    }
}

/// Dismiss a proposal: it is not proposed again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DismissProposal {
    /// The proposal.
    pub id: i64,
}

impl Operation for DismissProposal {
    const NAME: &'static str = "monitor.proposal.dismiss";
    const ROUTE: Route = post("/monitor/proposals/{id}/dismiss");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Proposal;

    fn run(&self, cx: &mut Cx) -> Result<Proposal> {
        let proposal = open(cx, Self::NAME, self.id)?;
        decide(cx, &proposal, ProposalState::Dismissed, None)?;
        seen(cx, Self::NAME, self.id)
    }
}

/// A proposal that nobody has decided about.
fn open(cx: &mut Cx, operation: &str, id: i64) -> Result<Proposal> {
    let proposal = seen(cx, operation, id)?;
    match proposal.state {
        ProposalState::Open => Ok(proposal),
        state => {
            let who = proposal.decided_by.as_deref().unwrap_or("somebody");
            Err(Error::conflict(format!("The proposal \"{}\" was {} by {who} already.", proposal.name, state.as_str())))
        }
    }
}

fn decide(cx: &mut Cx, proposal: &Proposal, state: ProposalState, check: Option<i64>) -> Result<()> {
    let by = cx.actor.name.clone();
    store::proposals::decide(cx.tx, proposal.id, state, check, &by)?;
    cx.changed(&proposal.reference(), "state", proposal.state.as_str(), state.as_str())?;
    cx.touch(kernel::Ref::new("asset", proposal.asset));
    Ok(())
}
