//! The bytes of a connection, plain or secured: every wait ends with the deadline.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use rustls::ClientConnection;

use super::Failure;

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<ClientConnection>, TcpStream),
}

impl Stream {
    /// Reads what there is, with the deadline before each wait; 0 at the end.
    pub(super) fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Broken> {
        match self {
            Self::Plain(socket) => {
                wait_until(socket, deadline)?;
                socket.read(into).map_err(broke_off)
            }
            Self::Tls(connection, socket) => loop {
                match connection.reader().read(into) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        turn(connection, socket, deadline)?;
                    }
                    // Many servers close without saying so; the framing of the answer tells whether it is whole.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(0),
                    outcome => return outcome.map_err(broke_off),
                }
            },
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Broken> {
        let sent = match self {
            Self::Plain(socket) => {
                wait_until(socket, deadline)?;
                socket.write_all(bytes)
            }
            Self::Tls(connection, socket) => {
                wait_until(socket, deadline)?;
                connection.writer().write_all(bytes).and_then(|()| flush(connection, socket))
            }
        };
        sent.map_err(|error| if is_late(&error) { late() } else { Broken::Unheard })
    }
}

fn flush(connection: &mut ClientConnection, socket: &mut TcpStream) -> std::io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(socket)?;
    }
    Ok(())
}

/// Sends what TLS has to say, and reads one piece of what it waits for.
pub(super) fn turn(connection: &mut ClientConnection, socket: &mut TcpStream, deadline: Instant) -> Result<(), Broken> {
    wait_until(socket, deadline)?;
    flush(connection, socket).map_err(broke_off)?;
    if connection.wants_read() {
        let read = connection.read_tls(socket).map_err(broke_off)?;
        connection.process_new_packets().map_err(|error| Failure::new(format!("TLS: {error}")))?;
        if read == 0 && connection.is_handshaking() {
            return Err(Failure::new("the connection was closed during the TLS handshake").into());
        }
    }
    flush(connection, socket).map_err(broke_off)
}

fn broke_off(error: std::io::Error) -> Broken {
    if is_late(&error) { late() } else { Failure::new(format!("the answer broke off: {error}")).into() }
}

/// What ends a conversation.
pub(super) enum Broken {
    /// The connection was gone before anything of the answer came.
    Unheard,
    Failed(Failure),
}

impl Broken {
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Unheard => Failure::new("the connection was closed without an answer"),
            Self::Failed(failure) => failure,
        }
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub(super) fn too_late(what: &str) -> Failure {
    Failure { slow: true, words: format!("the timeout passed while waiting {what}") }
}

fn late() -> Broken {
    Broken::Failed(too_late("for the answer"))
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Lets the socket wait no longer than until the deadline.
fn wait_until(socket: &TcpStream, deadline: Instant) -> Result<(), Broken> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(late());
    }
    let set = socket.set_read_timeout(Some(left)).and_then(|()| socket.set_write_timeout(Some(left)));
    set.map_err(|error| Failure::new(format!("the socket takes no timeout: {error}")).into())
}
