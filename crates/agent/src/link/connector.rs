//! Keeps a connection: tries the servers in turn, waits longer after each failure, carries frames both ways, and
//! notices a dead peer. It owns no state of the agent; the engine hears events and hands over frames.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use agent_proto::{FrameError, FromAgent, FromServer, Greeting, Refusal, RefusalCode, SigningKey, Welcome, decode};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::session::{self, NoEntry};
use super::{Address, Socket, Trust, dial};

/// The first wait after a failure, and the longest.
const BACKOFF_LEAST: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);
/// Silent pings after which a peer is dead.
const SILENT_PINGS_MAX: u32 = 3;
/// A peer that takes no frame for so long is dead.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// What the engine hears from the link.
pub(crate) enum LinkEvent {
    /// A connection was made; the engine answers with its greeting.
    Greeting(oneshot::Sender<Greeting>),
    /// Work begins.
    Up { welcome: Welcome, server: String },
    /// The server spoke.
    Message(FromServer),
    /// The connection ended, or could not be made.
    Down(String),
    /// The server said no.
    Refused(Refusal),
}

/// What a connector needs.
pub(crate) struct Connector {
    pub(crate) servers: Vec<Address>,
    pub(crate) proxy: Option<String>,
    pub(crate) key: SigningKey,
    /// The trust bundle in DER form; the engine changes it.
    pub(crate) trust: tokio::sync::watch::Receiver<Vec<Vec<u8>>>,
    pub(crate) events: mpsc::Sender<LinkEvent>,
    pub(crate) frames: mpsc::Receiver<Vec<u8>>,
}

impl Connector {
    /// Runs until the engine is gone.
    pub(crate) async fn run(mut self) {
        let mut failures = 0_u32;
        let mut next = 0_usize;
        // Greet as agents did before there were abilities: the server knows no better.
        let mut plainly = false;
        loop {
            let Some(server) = self.servers.get(next % self.servers.len().max(1)).cloned() else { return };
            next = next.wrapping_add(1);
            let (event, worked, wait) = match self.one_connection(&server, plainly).await {
                Ended::Engine => return,
                Ended::Broken { why, worked } => (LinkEvent::Down(format!("{}: {why}", server.url)), worked, None),
                Ended::Refused(refusal) => {
                    plainly = !plainly && refusal.code == RefusalCode::Protocol;
                    let wait = Duration::from_millis(u64::from(refusal.retry_after_ms)).min(BACKOFF_MOST * 10);
                    (LinkEvent::Refused(refusal), false, Some(wait))
                }
            };
            plainly &= !worked;
            failures = if worked { 0 } else { failures.saturating_add(1) };
            if self.events.send(event).await.is_err() {
                return;
            }
            let pause = backoff(failures, dice()).max(wait.unwrap_or_default());
            tokio::select! {
                () = sleep(pause) => {}
                () = self.events.closed() => return,
            }
        }
    }

    async fn one_connection(&mut self, server: &Address, plainly: bool) -> Ended {
        let trust = Trust::Bundle(self.trust.borrow().clone());
        let mut link = match dial(server, self.proxy.as_deref(), &trust).await {
            Ok(link) => link,
            Err(why) => return Ended::Broken { why, worked: false },
        };
        let (ask, answer) = oneshot::channel();
        if self.events.send(LinkEvent::Greeting(ask)).await.is_err() {
            return Ended::Engine;
        }
        let Ok(greeting) = answer.await else { return Ended::Engine };
        let greeting =
            if plainly { FromAgent::Hello(Box::new(greeting.hello)) } else { FromAgent::Greeting(Box::new(greeting)) };
        let welcome = match session::sign_in(&mut link, &self.key, greeting).await {
            Ok(welcome) => welcome,
            Err(NoEntry::Refused(refusal)) => return Ended::Refused(refusal),
            Err(NoEntry::Broken(why)) => return Ended::Broken { why, worked: false },
        };
        // What was meant for an earlier connection waits on disk as well.
        while self.frames.try_recv().is_ok() {}
        let ping_every = Duration::from_millis(u64::from(welcome.profile.ping_interval_ms).clamp(1_000, 600_000));
        if self.events.send(LinkEvent::Up { welcome, server: server.url.clone() }).await.is_err() {
            return Ended::Engine;
        }
        self.carry(&mut link.socket, ping_every).await
    }

    async fn carry(&mut self, socket: &mut Socket, ping_every: Duration) -> Ended {
        let mut ping = interval(ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let broken = |why: String| Ended::Broken { why, worked: true };
        loop {
            tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match self.take(message).await {
                        Ok(()) => {}
                        Err(ended) => return ended,
                    }
                }
                frame = self.frames.recv() => {
                    let Some(frame) = frame else {
                        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
                        return Ended::Engine;
                    };
                    if let Err(why) = write(socket, Message::Binary(Bytes::from(frame))).await {
                        return broken(why);
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > ping_every * SILENT_PINGS_MAX {
                        return broken("the server is silent".into());
                    }
                    if let Err(why) = write(socket, Message::Ping(Bytes::new())).await {
                        return broken(why);
                    }
                }
            }
        }
    }

    async fn take(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Ended> {
        let broken = |why: String| Ended::Broken { why, worked: true };
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_))) | None => return Err(broken("the server closed the connection".into())),
            Some(Ok(_)) => return Ok(()),
            Some(Err(e)) => return Err(broken(format!("the connection broke: {e}"))),
        };
        let frame = match decode::<FromServer>(&bytes) {
            Ok(frame) => frame,
            // A newer server has something to say that is not for us.
            Err(unknown @ FrameError::Unknown(_)) => {
                crate::log::note(format!("a message is passed over: {unknown}"));
                return Ok(());
            }
            Err(e) => return Err(broken(format!("a frame cannot be read: {e}"))),
        };
        if let FromServer::Refused(refusal) = frame.message {
            return Err(Ended::Refused(refusal));
        }
        self.events.send(LinkEvent::Message(frame.message)).await.map_err(|_| Ended::Engine)
    }
}

enum Ended {
    /// The engine is gone: nothing more to do.
    Engine,
    Broken {
        why: String,
        /// Was there a welcome before?
        worked: bool,
    },
    Refused(Refusal),
}

async fn write(socket: &mut Socket, message: Message) -> Result<(), String> {
    match timeout(WRITE_PATIENCE, socket.send(message)).await {
        Ok(sent) => sent.map_err(|e| format!("the connection broke: {e}")),
        Err(_) => Err("the server takes nothing".into()),
    }
}

/// Doubles with each failure, from one second to a minute; half of it is left to chance, so that a thousand agents do
/// not come back in the same second.
fn backoff(failures: u32, dice: u64) -> Duration {
    let whole = BACKOFF_LEAST.saturating_mul(1 << failures.min(10)).min(BACKOFF_MOST);
    let half = whole / 2;
    half + half.mul_f64((dice % 1_000) as f64 / 1_000.0)
}

/// Chance enough to spread agents; nothing here is secret.
pub(crate) fn dice() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_differ_between_agents() {
        assert_eq!(backoff(0, 0), Duration::from_millis(500));
        assert!(backoff(0, 999) <= Duration::from_secs(1));
        assert_eq!(backoff(3, 0), Duration::from_secs(4));
        for failures in 6..40 {
            assert!(backoff(failures, 999) <= BACKOFF_MOST);
            assert_eq!(backoff(failures, 0), BACKOFF_MOST / 2);
        }
    }
}
