//! What is said at the start of a connection: the challenge, and either an enrolment or a proof with a greeting.

use std::time::Duration;

use agent_proto::{
    Enrol, Enrolled, Frame, FromAgent, FromServer, IdentityHints, Prove, Purpose, Refusal, SigningKey, Welcome, decode,
    encode, prove,
};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{Link, Socket};

/// Longest wait for each message of the handshake.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why the handshake ended without work.
pub(crate) enum NoEntry {
    /// The server said no.
    Refused(Refusal),
    /// Something broke.
    Broken(String),
}

impl From<String> for NoEntry {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

/// Presents a new key with a token.
pub(crate) async fn enrol(
    link: &mut Link,
    key: &SigningKey,
    token_secret: [u8; 16],
    hints: IdentityHints,
) -> Result<Enrolled, NoEntry> {
    let nonce = challenge(&mut link.socket).await?;
    let enrol = Enrol {
        token_secret,
        public_key: key.public(),
        signature: prove(key, Purpose::Enrol, &nonce, &link.tls_export),
        agent_version: crate::VERSION.to_owned(),
        hints,
    };
    send(&mut link.socket, FromAgent::Enrol(enrol)).await?;
    match receive(&mut link.socket).await? {
        FromServer::Enrolled(enrolled) => Ok(enrolled),
        FromServer::Refused(refusal) => Err(NoEntry::Refused(refusal)),
        _ => Err(NoEntry::Broken("the server answered the enrolment with something else".into())),
    }
}

/// Signs in with the enrolled key; `greeting` is a `Greeting` or a `Hello`.
pub(crate) async fn sign_in(link: &mut Link, key: &SigningKey, greeting: FromAgent) -> Result<Welcome, NoEntry> {
    let nonce = challenge(&mut link.socket).await?;
    let signature = prove(key, Purpose::Prove, &nonce, &link.tls_export);
    send(&mut link.socket, FromAgent::Prove(Prove { public_key: key.public(), signature })).await?;
    send(&mut link.socket, greeting).await?;
    match receive(&mut link.socket).await? {
        FromServer::Welcome(welcome) => Ok(welcome),
        FromServer::Refused(refusal) => Err(NoEntry::Refused(refusal)),
        _ => Err(NoEntry::Broken("the server answered the greeting with something else".into())),
    }
}

async fn challenge(socket: &mut Socket) -> Result<[u8; 32], NoEntry> {
    match receive(socket).await? {
        FromServer::Challenge { nonce, .. } => Ok(nonce),
        FromServer::Refused(refusal) => Err(NoEntry::Refused(refusal)),
        _ => Err(NoEntry::Broken("the server did not begin with a challenge".into())),
    }
}

async fn send(socket: &mut Socket, message: FromAgent) -> Result<(), String> {
    let frame = encode(&Frame::direct(message)).map_err(|e| e.to_string())?;
    match timeout(PATIENCE, socket.send(Message::Binary(Bytes::from(frame)))).await {
        Ok(sent) => sent.map_err(|e| format!("the connection broke: {e}")),
        Err(_) => Err("the server takes nothing".into()),
    }
}

async fn receive(socket: &mut Socket) -> Result<FromServer, String> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.map_err(|_| "the server says nothing".to_owned())?;
        match message {
            Some(Ok(Message::Binary(bytes))) => {
                let frame = decode::<FromServer>(&bytes).map_err(|e| format!("a frame cannot be read: {e}"))?;
                return Ok(frame.message);
            }
            Some(Ok(Message::Close(_))) | None => return Err("the server closed the connection".into()),
            Some(Ok(_)) => {}
            Some(Err(e)) => return Err(format!("the connection broke: {e}")),
        }
    }
}
