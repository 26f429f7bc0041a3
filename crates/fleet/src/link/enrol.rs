//! First contact: a token lets a new key in. The machine is looked up by its signs or becomes a new asset.

use agent_proto::{Enrol, Enrolled, FromServer, Purpose, RefusalCode, verify_proof};
use kernel::attention::Attention;
use kernel::{Cx, Error, Mark, Result};

use super::{End, Session, admitted, service};
use crate::agent::{self, State, store::New};
use crate::asset;
use crate::events::{AgentEnrolled, agent_ref, asset_ref};
use crate::keys::Keys;
use crate::token::{self, Token};

/// What came of an enrolment.
enum Outcome {
    In { agent_id: [u8; 16], pending: bool },
    WrongToken,
    NotAgain(State),
}

impl Session {
    pub(super) fn enrol(&mut self, enrol: Enrol) -> Result<(), End> {
        if !verify_proof(&enrol.public_key, Purpose::Enrol, &self.nonce, &self.tls_export, &enrol.signature) {
            return Err(End::refuse(RefusalCode::BadProof, "the proof does not hold for this connection"));
        }
        let hash = token::hash(&enrol.token_secret);
        // Strangers with wrong tokens never reach the writer.
        if self.kernel.read_as(&service(), |cx| token::store::by_hash(cx.tx, &hash))?.is_none() {
            return Err(wrong_token());
        }
        let agent_id: [u8; 16] = self.kernel.random()?;
        let outcome =
            self.kernel.write_as(service(), "fleet.agent.enrol", move |cx| admit(cx, &enrol, &hash, agent_id))?;
        match outcome {
            Outcome::WrongToken => Err(wrong_token()),
            Outcome::NotAgain(state) => {
                admitted(state)?;
                Err(End::protocol("this key is enrolled already"))
            }
            Outcome::In { agent_id, pending } => {
                let keys = self.kernel.get::<Keys>()?;
                self.send(FromServer::Enrolled(Enrolled {
                    agent_id,
                    server_public_key: keys.job().public(),
                    trust: vec![keys.authority().to_vec()],
                    pending,
                }))?;
                Err(End::Done)
            }
        }
    }
}

fn wrong_token() -> End {
    End::refuse(RefusalCode::WrongToken, "the token is wrong, used up, revoked or expired; ask for a new one")
}

fn admit(cx: &mut Cx, enrol: &Enrol, hash: &[u8; 32], agent_id: [u8; 16]) -> Result<Outcome> {
    let Some(token) = token::store::by_hash(cx.tx, hash)? else { return Ok(Outcome::WrongToken) };
    if let Some(known) = agent::store::by_key(cx.tx, &enrol.public_key)? {
        // The answer was lost on its way: the same key with the same token gets it again.
        return Ok(match known.state {
            State::Active | State::Pending if known.token == token.id => {
                Outcome::In { agent_id: known.agent_id, pending: known.state == State::Pending }
            }
            state => Outcome::NotAgain(state),
        });
    }
    let now = cx.now;
    if !token::store::take(cx.tx, token.id, now)? {
        return Ok(Outcome::WrongToken);
    }
    let pending = enter(cx, enrol, &token, agent_id)?;
    Ok(Outcome::In { agent_id, pending })
}

/// Enters a new agent; answers whether it waits for approval.
fn enter(cx: &mut Cx, enrol: &Enrol, token: &Token, agent_id: [u8; 16]) -> Result<bool> {
    let hostname = kernel::text::shorten(enrol.hints.hostname.trim(), 200);
    if hostname.is_empty() {
        return Err(Error::invalid("hostname", "The machine does not say its name."));
    }
    let hints = agent_proto::IdentityHints { hostname: hostname.clone(), ..enrol.hints.clone() };
    let found = match token.asset {
        Some(asset) => asset::Found { asset, known: true, doubt: None },
        None => asset::find_or_create(cx, &hints, token)?,
    };
    let asset = found.asset;
    let others = agent::store::others_on(cx.tx, asset, 0)?;
    let known = others.iter().any(|other| other.state != State::Pending);
    let (state, reason) = match (&found.doubt, token.asset) {
        (Some(doubt), _) => (State::Pending, doubt.as_str()),
        (None, Some(_)) => (State::Active, "It has a new key"),
        (None, None) if known => {
            (State::Pending, "This machine has an agent already; approving this one revokes the other")
        }
        (None, None) if !others.is_empty() => {
            (State::Pending, "Another agent that says it is this machine waits for approval already")
        }
        (None, None) if found.known => {
            (State::Pending, "Its signs are those of a thing that is known already, and signs can be copied")
        }
        (None, None) if token.auto_approve => (State::Active, ""),
        (None, None) => (State::Pending, "The token leaves the approval to a person"),
    };
    let id = agent::store::insert(
        cx.tx,
        &New {
            agent_id,
            public_key: enrol.public_key,
            asset,
            state,
            reason,
            hints: &hints,
            agent_version: &enrol.agent_version,
            profile: if token.asset_kind == "workstation" { "workstation" } else { "server" },
            token: token.id,
            now: cx.now,
        },
    )?;
    asset::follow(cx, asset)?;
    let reference = agent_ref(id);
    cx.changed(&reference, "state", serde_json::Value::Null, state)?;
    let detail = if state == State::Pending { "it waits for approval".to_owned() } else { String::new() };
    cx.emit(&AgentEnrolled { asset: asset_ref(asset), agent: reference.clone(), hostname: hostname.clone(), detail })?;
    if state == State::Active {
        asset::keep_signs(cx, asset, id)?;
        agent::change::replace(cx, asset, id)?;
    } else {
        wait_for_approval(cx, id, &hostname, reason)?;
    }
    cx.touch(asset_ref(asset));
    Ok(state == State::Pending)
}

fn wait_for_approval(cx: &mut Cx, id: i64, hostname: &str, reason: &str) -> Result<()> {
    let since = cx.now;
    cx.needs_attention(&Attention {
        subject: agent_ref(id),
        need: "approval",
        title: format!("{hostname} asks to be managed"),
        why: format!("{reason}. Until then nothing is known of the machine."),
        mark: Mark::Info,
        word: "Approve",
        weight: 350,
        since,
        action: "Look at it",
        href: format!("/fleet/agents/{id}"),
        team: None,
        user: None,
        grant: agent::list::NAME,
    })
}
