//! Change what an agent's key may do: approve, revoke, quarantine, rekey.

use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Agent, AgentView, State, find, store};
use crate::asset;
use crate::events::{AgentApproved, AgentRevoked, agent_ref, asset_ref};
use crate::hub::Hub;
use crate::token::{self, NewToken, Wanted};

/// Let a machine that enrolled work.
///
/// If the machine has another agent already, that one is revoked.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ApproveAgent {
    /// The agent's number.
    pub id: i64,
    /// The version that was seen; the call is refused when it changed since.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

impl Operation for ApproveAgent {
    const NAME: &'static str = "fleet.agent.approve";
    const ROUTE: Route = post("/fleet/agents/{id}/approve");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = AgentView;

    fn run(&self, cx: &mut Cx) -> Result<AgentView> {
        let agent = seen(cx, self.id, Self::NAME, self.expected_version)?;
        if agent.state != State::Pending {
            return Err(Error::conflict(format!(
                "This agent is {}; only a pending one is approved.",
                agent.state.as_str()
            )));
        }
        let reference = agent_ref(agent.id);
        set(cx, &agent, State::Active, "")?;
        asset::keep_signs(cx, agent.asset, agent.id)?;
        cx.attention_done(&reference, "approval")?;
        let (asset, hostname) = (asset_ref(agent.asset), agent.hostname.clone());
        cx.emit(&AgentApproved { asset, agent: reference, hostname, detail: String::new() })?;
        replace(cx, agent.asset, agent.id)?;
        view(cx, self.id)
    }
}

/// Make an agent's key worthless for ever. The machine can enrol again with a new token.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RevokeAgent {
    /// The agent's number.
    pub id: i64,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Operation for RevokeAgent {
    const NAME: &'static str = "fleet.agent.revoke";
    const ROUTE: Route = post("/fleet/agents/{id}/revoke");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = AgentView;

    fn run(&self, cx: &mut Cx) -> Result<AgentView> {
        let agent = seen(cx, self.id, Self::NAME, None)?;
        if agent.state == State::Revoked {
            return Err(Error::conflict("This agent was revoked already."));
        }
        let reason = reason(self.reason.as_deref())?;
        revoke(cx, &agent, if reason.is_empty() { "Revoked by a person" } else { &reason })?;
        view(cx, self.id)
    }
}

/// Doubt an agent: it gets no jobs and is not believed until it has a new key.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct QuarantineAgent {
    /// The agent's number.
    pub id: i64,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Operation for QuarantineAgent {
    const NAME: &'static str = "fleet.agent.quarantine";
    const ROUTE: Route = post("/fleet/agents/{id}/quarantine");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = AgentView;

    fn run(&self, cx: &mut Cx) -> Result<AgentView> {
        let agent = seen(cx, self.id, Self::NAME, None)?;
        if !matches!(agent.state, State::Active | State::Pending) {
            return Err(Error::conflict(format!("This agent is {} already.", agent.state.as_str())));
        }
        let reason = reason(self.reason.as_deref())?;
        super::quarantine(cx, &agent, if reason.is_empty() { "A person doubts it" } else { &reason })?;
        cx.attention_done(&agent_ref(agent.id), "approval")?;
        cx.touch(Ref::new("agent_feed", agent.asset));
        view(cx, self.id)
    }
}

/// Give a machine a new key: makes a token for one day and this machine only.
///
/// The old key stays as it is until the new one is there, and is revoked then.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RekeyAgent {
    /// The agent's number.
    pub id: i64,
}

impl Operation for RekeyAgent {
    const NAME: &'static str = "fleet.agent.rekey";
    const ROUTE: Route = post("/fleet/agents/{id}/rekey");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = NewToken;

    fn run(&self, cx: &mut Cx) -> Result<NewToken> {
        let agent = seen(cx, self.id, Self::NAME, None)?;
        let name = format!("New key for {}", agent.hostname);
        let made = token::make(
            cx,
            &Wanted {
                name: &name,
                uses_max: 1,
                expires_at: cx.now.plus(DAY),
                auto_approve: true,
                asset_kind: &agent.profile,
                place: None,
                team: None,
                asset: Some(agent.asset),
            },
        )?;
        cx.changed(&agent_ref(agent.id), "new key", serde_json::Value::Null, made.id)?;
        Ok(made)
    }
}

/// The agent, if this operation's grant and the sight of agents both reach it.
fn seen(cx: &mut Cx, id: i64, operation: &str, expected: Option<i64>) -> Result<Agent> {
    let agent = find(cx, id, &cx.reach(super::list::NAME)?)?;
    find(cx, id, &cx.reach(operation)?).map_err(|_| Error::denied(operation))?;
    cx.expect_version(&agent_ref(id), expected, agent.version)?;
    Ok(agent)
}

fn reason(text: Option<&str>) -> Result<String> {
    match text.map(str::trim) {
        None | Some("") => Ok(String::new()),
        Some(text) => kernel::text::line("reason", text, 300),
    }
}

fn set(cx: &mut Cx, agent: &Agent, state: State, reason: &str) -> Result<()> {
    store::set_state(cx.tx, agent.id, state, reason)?;
    cx.changed(&agent_ref(agent.id), "state", agent.state, state)?;
    cx.touch(Ref::new("agent_feed", agent.asset));
    Ok(())
}

fn revoke(cx: &mut Cx, agent: &Agent, reason: &str) -> Result<()> {
    set(cx, agent, State::Revoked, reason)?;
    crate::job::abandon(cx, agent.id, "The agent was revoked")?;
    let reference = agent_ref(agent.id);
    cx.attention_done(&reference, "approval")?;
    cx.attention_done(&reference, "quarantine")?;
    let (asset, hostname) = (asset_ref(agent.asset), agent.hostname.clone());
    cx.emit(&AgentRevoked { asset, agent: reference, hostname, detail: reason.to_owned() })
}

/// Revokes every other agent of an asset: a new key took their place.
pub(crate) fn replace(cx: &mut Cx, asset: i64, by: i64) -> Result<()> {
    for other in store::others_on(cx.tx, asset, by)? {
        if other.state != State::Pending {
            revoke(cx, &other, "A newer agent of the same machine took its place")?;
        }
    }
    Ok(())
}

/// Revokes every agent of an asset, those that wait for approval too.
pub(crate) fn revoke_all(cx: &mut Cx, asset: i64, reason: &str) -> Result<()> {
    for agent in store::others_on(cx.tx, asset, 0)? {
        revoke(cx, &agent, reason)?;
    }
    Ok(())
}

fn view(cx: &mut Cx, id: i64) -> Result<AgentView> {
    let hub = cx.kernel.get::<Hub>()?;
    let agent = store::by_id(cx.tx, id)?.ok_or_else(|| Error::internal("agent-missing", id))?;
    Ok(agent.view(&hub))
}
