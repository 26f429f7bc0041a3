//! Agents: one key each, on one asset. What the key may do follows from the state.

use kernel::{Cx, Error, Mark, Reach, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::agent_ref;
use crate::hub::Hub;

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod pages;
pub(crate) mod show;
pub(crate) mod store;

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Enrolled, not yet approved: it is not let in.
    Pending,
    /// It works.
    Active,
    /// Its key was seen on two machines, or a person doubts it: it is not let in until it has a new key.
    Quarantined,
    /// Its key is worth nothing any more.
    Revoked,
}

impl State {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Revoked => "revoked",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        [Self::Pending, Self::Active, Self::Quarantined, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::internal("agent-state", text))
    }
}

/// An agent as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: i64,
    pub(crate) agent_id: [u8; 16],
    pub(crate) asset: i64,
    pub(crate) state: State,
    pub(crate) reason: String,
    pub(crate) hostname: String,
    pub(crate) machine_id: String,
    pub(crate) dmi_uuid: String,
    pub(crate) boot_id: String,
    pub(crate) boot_id_before: String,
    pub(crate) agent_version: String,
    pub(crate) profile: String,
    pub(crate) classes: String,
    pub(crate) token: i64,
    pub(crate) online: bool,
    pub(crate) enrolled_at: Time,
    pub(crate) last_seen: Time,
    pub(crate) version: i64,
}

/// An agent as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AgentView {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// What it calls itself in its own status, 32 hexadecimal digits.
    pub agent_id: String,
    /// The machine it runs on.
    pub asset: Ref,
    /// The machine's own name.
    pub hostname: String,
    /// Where it stands.
    pub state: State,
    /// Why, when somebody or something changed it.
    pub reason: String,
    /// True while it is connected.
    pub connected: bool,
    /// The version of its program; empty before its first greeting.
    pub agent_version: String,
    /// How much it sends: server or workstation.
    pub profile: String,
    /// What the machine's own policy lets through besides observing: A, B; empty means it only observes.
    pub classes: String,
    /// When it enrolled.
    pub enrolled_at: Time,
    /// When it was last heard of.
    pub last_seen: Time,
    /// Grows with every change.
    pub version: i64,
}

impl Agent {
    /// As it is shown, with what the hub knows.
    pub(crate) fn view(self, hub: &Hub) -> AgentView {
        AgentView {
            connected: hub.is_connected(self.id),
            id: self.id,
            reference: agent_ref(self.id),
            agent_id: kernel::text::hex(&self.agent_id),
            asset: crate::events::asset_ref(self.asset),
            hostname: self.hostname,
            state: self.state,
            reason: self.reason,
            agent_version: self.agent_version,
            profile: self.profile,
            classes: self.classes,
            enrolled_at: self.enrolled_at,
            last_seen: self.last_seen,
            version: self.version,
        }
    }
}

/// An agent that the reach covers; what it does not cover does not exist.
pub(crate) fn find(cx: &mut Cx, id: i64, reach: &Reach) -> Result<Agent> {
    store::find(cx.tx, id, reach)?.ok_or_else(|| Error::not_found(format!("agent:{id}")))
}

/// The noun's titles, as far as the actor may see them.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(list::NAME) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for agent in store::by_ids(cx.tx, ids, &reach)? {
        found.push(Resolved {
            id: agent.id,
            title: format!("Agent of {}", agent.hostname),
            href: format!("/fleet/agents/{}", agent.id),
        });
    }
    Ok(found)
}

/// Puts an agent into quarantine: it gets no jobs until it has a new key. Its connections are cut after commit by
/// whoever called.
pub(crate) fn quarantine(cx: &mut Cx, agent: &Agent, reason: &str) -> Result<()> {
    if agent.state == State::Quarantined {
        return Ok(());
    }
    store::set_state(cx.tx, agent.id, State::Quarantined, reason)?;
    cx.changed(&agent_ref(agent.id), "state", agent.state, State::Quarantined)?;
    crate::job::abandon(cx, agent.id, "The agent was put into quarantine")?;
    cx.emit(&crate::events::AgentQuarantined {
        asset: crate::events::asset_ref(agent.asset),
        agent: agent_ref(agent.id),
        hostname: agent.hostname.clone(),
        detail: reason.to_owned(),
    })?;
    let since = cx.now;
    cx.needs_attention(&kernel::attention::Attention {
        subject: agent_ref(agent.id),
        need: "quarantine",
        title: format!("The agent of {} is in quarantine", agent.hostname),
        why: format!("{reason}. It gets no jobs and is not believed until it has a new key."),
        mark: Mark::Critical,
        word: "Quarantine",
        weight: 700,
        since,
        action: "Look at it",
        href: format!("/fleet/agents/{}", agent.id),
        team: None,
        user: None,
        grant: list::NAME,
    })
}
