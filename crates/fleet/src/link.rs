//! One agent's connection as a state machine without a transport: bytes in, frames out. The WebSocket handler of the
//! server feeds it; everything that waits for the database happens inside [`Session::receive`]. What others have for the
//! agent later goes through the [`Push`] that the handler gave.
//!
//! The asset of a message comes from the connection, never from the message: an agent speaks only for itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use agent_proto::{
    Frame, FrameError, FromAgent, FromServer, Greeting, Prove, Purpose, Refusal, RefusalCode, TLS_EXPORT_BYTES,
};
use agent_proto::{decode, encode, verify_proof};
use kernel::{Actor, Error, Handle, Result};

use crate::agent::State;
use crate::hub::{Hub, Push};

mod durable;
mod enrol;
mod fetch;
mod hello;

/// One connection of an agent.
pub struct Session {
    kernel: Handle,
    hub: Arc<Hub>,
    id: u64,
    tls_export: [u8; TLS_EXPORT_BYTES],
    nonce: [u8; 32],
    peer: Box<str>,
    phase: Phase,
    /// Until the session is open; the hub has it then, so that dropping it there ends the connection.
    push: Option<Push>,
    out: Vec<Vec<u8>>,
}

/// What one message leads to.
#[derive(Debug, Default)]
pub struct Reply {
    /// Frames to send, in this order, before anything that was pushed meanwhile.
    pub frames: Vec<Vec<u8>>,
    /// Close the connection after that.
    pub close: bool,
}

enum Phase {
    /// The challenge was sent.
    Challenged,
    /// The key is known and proven; the greeting is awaited.
    Proved { agent: i64 },
    /// Work goes on.
    Open(Open),
    /// Over.
    Closed,
}

/// What an open session keeps.
struct Open {
    agent: i64,
    asset: i64,
    boot_id: Box<str>,
    /// The last stored number of each lane.
    stored: [u64; 3],
}

/// Why a connection ends.
enum End {
    /// Tell the agent, then close.
    Refuse(Refusal),
    /// Close without a word: the agent will come again.
    Drop(&'static str),
    /// All is said.
    Done,
}

impl End {
    fn refuse(code: RefusalCode, text: impl Into<String>) -> Self {
        Self::Refuse(Refusal { code, text: text.into(), retry_after_ms: 0 })
    }

    fn protocol(text: impl Into<String>) -> Self {
        Self::refuse(RefusalCode::Protocol, text)
    }
}

impl From<Error> for End {
    /// Whatever went wrong here is not the agent's fault: it comes again a little later.
    fn from(error: Error) -> Self {
        tracing::warn!(error = error.message, cause = error.cause, "an agent could not be served");
        let text = "the server cannot do this right now".to_owned();
        Self::Refuse(Refusal { code: RefusalCode::Busy, text, retry_after_ms: 5_000 })
    }
}

impl Session {
    /// A session on a connection whose TLS session exports `tls_export` under [`agent_proto::EXPORTER_LABEL`], and the first
    /// frame to send. `peer` is the address, for the log; `push` hands later frames to the connection.
    ///
    /// # Errors
    /// The system has no random bytes, or fleet was not started.
    pub fn open(
        kernel: &Handle,
        tls_export: [u8; TLS_EXPORT_BYTES],
        peer: &str,
        push: Push,
    ) -> Result<(Self, Vec<u8>)> {
        let hub = kernel.get::<Hub>()?;
        let nonce = kernel.random()?;
        let challenge = frame(FromServer::Challenge { nonce, server_time_us: kernel.now().0 })?;
        let (id, kernel, peer, phase) = (hub.next_session(), kernel.clone(), peer.into(), Phase::Challenged);
        let push = Some(push);
        Ok((Self { kernel, hub, id, tls_export, nonce, peer, phase, push, out: Vec::new() }, challenge))
    }

    /// True once the greeting was answered with a welcome.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Takes one binary message. Blocks on the database.
    ///
    /// # Errors
    /// A refusal could not be written; close the connection.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Reply> {
        if matches!(self.phase, Phase::Closed) {
            return Ok(Reply { frames: Vec::new(), close: true });
        }
        self.hub.counters.frames.fetch_add(1, Ordering::Relaxed);
        let taken = self.take(bytes);
        if let Err(end) = &taken {
            self.leave();
            match end {
                End::Refuse(refusal) => {
                    let counter = &self.hub.counters.broken;
                    counter.fetch_add(u64::from(refusal.code == RefusalCode::Protocol), Ordering::Relaxed);
                    tracing::debug!(peer = &*self.peer, text = refusal.text, "an agent was refused");
                    self.send(FromServer::Refused(refusal.clone()))?;
                }
                End::Drop(why) => tracing::debug!(peer = &*self.peer, why, "a connection was dropped"),
                End::Done => {}
            }
        }
        Ok(Reply { frames: std::mem::take(&mut self.out), close: taken.is_err() })
    }

    /// Ends the session: the connection is gone.
    pub fn close(mut self) {
        self.leave();
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), End> {
        let frame = decode::<FromAgent>(bytes).map_err(|error| match error {
            FrameError::Version(_) => End::refuse(RefusalCode::Version, error.to_string()),
            _ => End::protocol(error.to_string()),
        })?;
        if frame.to.is_some() || frame.via.is_some() {
            return Err(End::protocol("this server takes no frames through a relay"));
        }
        match (&self.phase, frame.message) {
            (Phase::Challenged, FromAgent::Prove(prove)) => self.prove(&prove),
            (Phase::Challenged, FromAgent::Enrol(enrol)) => self.enrol(enrol),
            (Phase::Proved { agent }, FromAgent::Hello(hello)) => {
                let agent = *agent;
                self.hello(agent, Greeting { hello: *hello, abilities: Vec::new(), target: String::new() })
            }
            (Phase::Proved { agent }, FromAgent::Greeting(greeting)) => {
                let agent = *agent;
                self.hello(agent, *greeting)
            }
            (Phase::Open(_), FromAgent::Fetch { sha256, offset }) => self.fetch(&sha256, offset),
            (Phase::Open(_), message @ (FromAgent::Series { .. } | FromAgent::Durable { .. })) => self.work(message),
            _ => Err(End::protocol("this message does not belong here")),
        }
    }

    fn prove(&mut self, prove: &Prove) -> Result<(), End> {
        if !verify_proof(&prove.public_key, Purpose::Prove, &self.nonce, &self.tls_export, &prove.signature) {
            return Err(End::refuse(RefusalCode::BadProof, "the proof does not hold for this connection"));
        }
        let key = prove.public_key;
        let known = self.kernel.read_as(&service(), |cx| crate::agent::store::by_key(cx.tx, &key))?;
        let Some(agent) = known else {
            return Err(End::refuse(RefusalCode::UnknownKey, "this key is not enrolled here; enrol with a new token"));
        };
        admitted(agent.state)?;
        self.phase = Phase::Proved { agent: agent.id };
        Ok(())
    }

    fn send(&mut self, message: FromServer) -> Result<()> {
        self.out.push(frame(message)?);
        Ok(())
    }

    fn leave(&mut self) {
        if let Phase::Open(open) = &self.phase {
            self.hub.closed(open.agent, self.id, self.kernel.now());
        }
        self.push = None;
        self.phase = Phase::Closed;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A message for an agent as bytes.
pub(crate) fn frame(message: FromServer) -> Result<Vec<u8>> {
    encode(&Frame::direct(message)).map_err(|error| Error::internal("frame-too-long", error))
}

/// The refusal of an agent that is not active.
fn admitted(state: State) -> Result<(), End> {
    let (code, text, retry_after_ms) = match state {
        State::Active => return Ok(()),
        State::Pending => (RefusalCode::Pending, "an administrator has not approved this machine yet", 10_000),
        State::Quarantined => (RefusalCode::Quarantined, "this key was seen from two machines; enrol anew", 0),
        State::Revoked => (RefusalCode::Revoked, "this key was revoked; enrol with a new token", 0),
    };
    Err(End::Refuse(Refusal { code, text: text.to_owned(), retry_after_ms }))
}

/// The service identity of the gateway.
pub(crate) fn service() -> Actor {
    Actor::service("fleet.link", &["assets.thing.*", "fleet.*"])
}
