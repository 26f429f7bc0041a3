//! Work on an open session: what the agent reports goes to the domains that take it, and is acknowledged after their
//! commit.

use std::any::Any;
use std::sync::atomic::Ordering;

use agent_proto::{Durable, FromAgent, FromServer, Lane, RefusalCode};
use kernel::registry::AgentFrom;
use kernel::{Error, ErrorKind, Result};

use super::{End, Phase, Session, service};
use crate::agent;
use crate::events::{AgentRefused, agent_ref, asset_ref};

/// A message that something of ours chokes on is given up after so many tries, so that it does not block its lane for ever.
/// While the database is away the lane waits: the agent keeps what it has to say.
const TRIES: u32 = 5;

impl Session {
    pub(super) fn work(&mut self, message: FromAgent) -> Result<(), End> {
        let Phase::Open(open) = &self.phase else { return Err(End::protocol("the greeting is missing")) };
        let (agent, asset, boot_id) = (open.agent, open.asset, open.boot_id.clone());
        let now = self.kernel.now();
        match self.hub.heard(agent, self.id, now) {
            Ok(()) => {}
            Err(Some(other)) if *other != *boot_id => return Err(self.two_machines(agent)),
            Err(Some(_)) => return Err(End::Drop("a newer connection of the same machine is open")),
            Err(None) => return Err(End::Done),
        }
        let from = AgentFrom { asset, agent, at: now };
        match message {
            FromAgent::Series { register } => match self.hand(&from, "series", &register) {
                Err(error) if user_error(&error) => {
                    self.refused(&from, "series", &error);
                    Ok(())
                }
                other => Ok(other?),
            },
            FromAgent::Durable { lane, seq, event } => self.durable(&from, lane, seq, &event),
            _ => Err(End::protocol("this message does not belong here")),
        }
    }

    /// The earlier connection still speaks although another boot has taken its place: two machines hold the key.
    fn two_machines(&self, id: i64) -> End {
        let written = self.kernel.write_as(service(), "fleet.agent.clone", move |cx| {
            let Some(agent) = agent::store::by_id(cx.tx, id)? else { return Ok(()) };
            agent::quarantine(
                cx,
                &agent,
                "Two machines with different boots are connected with its key at the same time",
            )
        });
        if let Err(error) = written {
            return End::from(error);
        }
        let refusal = End::refuse(RefusalCode::Quarantined, "this key was seen from two machines; enrol anew");
        let last = match &refusal {
            End::Refuse(refusal) => super::frame(FromServer::Refused(refusal.clone())).ok(),
            _ => None,
        };
        self.hub.cut(id, last, self.kernel.now());
        refusal
    }

    fn durable(&mut self, from: &AgentFrom, lane: Lane, seq: u64, event: &Durable) -> Result<(), End> {
        let stored = match &self.phase {
            Phase::Open(open) => open.stored.get(index(lane)).copied().unwrap_or(0),
            _ => 0,
        };
        if seq == 0 {
            return Err(End::protocol("durable messages are numbered from 1"));
        }
        if seq > stored {
            match self.store(from, event) {
                Ok(()) => {
                    self.hub.counters.stored.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if user_error(&error) => self.refused(from, kind(event), &error),
                Err(error) if error.is_passing() => return Err(error.into()),
                Err(error) if self.hub.failed(from.agent, lane as u8, seq) < TRIES => return Err(error.into()),
                Err(error) => {
                    tracing::error!(agent = from.agent, kind = kind(event), cause = error.cause, "given up");
                    self.refused(from, kind(event), &error);
                }
            }
            if let Phase::Open(open) = &mut self.phase
                && let Some(last) = open.stored.get_mut(index(lane))
            {
                *last = seq;
            }
        }
        Ok(self.send(FromServer::Ack { lane, seq })?)
    }

    fn store(&mut self, from: &AgentFrom, event: &Durable) -> Result<()> {
        match event {
            Durable::Facts(facts) => match self.hand(from, "facts", facts) {
                Err(error) if error.kind == ErrorKind::Conflict => {
                    self.send(FromServer::FactsResend { section: facts.section.clone() })
                }
                other => other,
            },
            Durable::Samples(samples) => self.hand(from, "samples", samples),
            Durable::CheckResults { results } => self.hand(from, "check_results", results),
            Durable::JobAccepted { job_id, at_us } => self.hand(from, "job_accepted", &(*job_id, *at_us)),
            Durable::JobResult(result) => self.hand(from, "job_result", result),
            Durable::Gap(gap) => self.hand(from, "gap", gap),
            Durable::Update(report) => self.hand(from, "update", report),
            Durable::LookResults { results } => self.hand(from, "look_results", results),
        }
    }

    fn hand(&self, from: &AgentFrom, kind: &str, body: &dyn Any) -> Result<()> {
        for taker in self.kernel.registry().messages(kind) {
            (taker.handle)(&self.kernel, from, body)?;
        }
        Ok(())
    }

    /// A message that no domain accepts is counted, told once a minute, and not asked for again.
    fn refused(&self, from: &AgentFrom, kind: &'static str, error: &Error) {
        self.hub.counters.refused.fetch_add(1, Ordering::Relaxed);
        if !self.hub.may_tell(from.agent, from.at) {
            return;
        }
        let (id, asset, why) = (from.agent, from.asset, error.message.clone());
        let written = self.kernel.write_as(service(), "fleet.agent.refuse", move |cx| {
            let hostname = agent::store::by_id(cx.tx, id)?.map(|agent| agent.hostname).unwrap_or_default();
            let detail = format!("{kind}: {why}");
            cx.emit(&AgentRefused { asset: asset_ref(asset), agent: agent_ref(id), hostname, detail })
        });
        if let Err(error) = written {
            tracing::warn!(error = error.message, "a refusal could not be recorded");
        }
    }
}

/// Errors that repeating the message would not cure.
fn user_error(error: &Error) -> bool {
    !matches!(error.kind, ErrorKind::Internal | ErrorKind::Unavailable)
}

fn index(lane: Lane) -> usize {
    match lane {
        Lane::Results => 0,
        Lane::Facts => 1,
        Lane::Metrics => 2,
    }
}

fn kind(event: &Durable) -> &'static str {
    match event {
        Durable::Facts(_) => "facts",
        Durable::Samples(_) => "samples",
        Durable::CheckResults { .. } => "check_results",
        Durable::JobAccepted { .. } => "job_accepted",
        Durable::JobResult(_) => "job_result",
        Durable::Gap(_) => "gap",
        Durable::LookResults { .. } => "look_results",
        Durable::Update(_) => "update",
    }
}
