//! A connection that is kept open to ask one server the same thing again and again (HTTP/1.1, RFC 9112), as a scraper
//! does: nothing is allocated for an answer but its body, every read has the deadline of the whole, the body a limit, and
//! addresses nobody may reach are refused as for every other request. Redirects are not followed: whoever configured
//! the address is told to where it leads.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::answer::{Framing, Head};
use super::refusal;
use super::tls::Tls;

mod read;
mod stream;

pub use read::Scratch;
use read::{move_on, read_chunks, read_head, read_to_end};
use stream::{Broken, Stream, too_late, turn};

/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// An address of several gets this much of the time that is left.
const ADDRESS_SHARE: u32 = 2;

/// Which server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// For https.
    pub tls: Option<Tls>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Path and query, beginning with a slash.
    pub path: &'a str,
    /// Header lines, each ending with CR LF; see [`header_line`].
    pub headers: &'a str,
    /// When the whole answer must be there.
    pub deadline: Instant,
    /// Most bytes of the body.
    pub body_bytes_max: usize,
}

/// What came besides the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// The `Content-Encoding`, in small letters.
    pub encoding: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// It took too long, or nobody could be reached: the next try may take as long.
    pub slow: bool,
    /// In words, without a full stop.
    pub words: String,
}

impl Failure {
    fn new(words: impl Into<String>) -> Self {
        Self { slow: false, words: words.into() }
    }
}

/// A header line, or `None` when the name or value cannot stand in one.
pub fn header_line(name: &str, value: &str) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let fits = !name.is_empty() && name.bytes().all(token) && !value.chars().any(|c| c.is_control() && c != '\t');
    fits.then(|| format!("{name}: {value}\r\n"))
}

/// The connection to one server.
pub struct Line {
    server: Server,
    stream: Option<Stream>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Line {
    /// Connects when something is asked for.
    pub fn new(server: Server) -> Self {
        Self { server, stream: None }
    }

    /// Asks, and reads the whole body into `body`, whose old content goes. Only the status 200 is an answer.
    ///
    /// # Errors
    /// In words what kept it from being answered; the next question begins with a new connection.
    pub fn get(&mut self, ask: &Ask<'_>, scratch: &mut Scratch, body: &mut Vec<u8>) -> Result<Heard, Failure> {
        let mut request = String::with_capacity(256 + ask.headers.len());
        request.push_str("GET ");
        request.push_str(ask.path);
        request.push_str(" HTTP/1.1\r\nHost: ");
        request.push_str(&self.host_line());
        request.push_str("\r\n");
        request.push_str(ask.headers);
        request.push_str("\r\n");
        if let Some(stream) = self.stream.take() {
            match self.converse(stream, &request, ask, scratch, body) {
                // Servers close what was idle for too long; a question that changes nothing is asked again.
                Err(Broken::Unheard) => {}
                outcome => return outcome.map_err(Broken::failure),
            }
        }
        let stream = self.connect(ask.deadline)?;
        self.converse(stream, &request, ask, scratch, body).map_err(Broken::failure)
    }

    /// The `Host` line leaves out the port that the scheme implies.
    fn host_line(&self) -> String {
        let Server { host, port, tls } = &self.server;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let implied = if tls.is_some() { 443 } else { 80 };
        if *port == implied { host } else { format!("{host}:{port}") }
    }

    fn connect(&self, deadline: Instant) -> Result<Stream, Failure> {
        let Server { host, port, tls } = &self.server;
        let unreachable = |why: &dyn std::fmt::Display| Failure {
            slow: true,
            words: format!("{} cannot be reached: {why}", self.host_line()),
        };
        let found = (host.as_str(), *port).to_socket_addrs().map_err(|error| unreachable(&error))?;
        let mut why: Option<Failure> = None;
        for address in found.take(ADDRESSES_MAX) {
            if let Some(refused) = refusal(address.ip(), true) {
                why = Some(Failure::new(format!("{host} is not connected to: it is {refused}")));
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(why.unwrap_or_else(|| too_late("to connect")));
            }
            match TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1)) / ADDRESS_SHARE) {
                Ok(socket) => return self.secure(socket, tls.as_ref(), deadline),
                Err(error) => why = Some(unreachable(&error)),
            }
        }
        Err(why.unwrap_or_else(|| unreachable(&"the name has no address")))
    }

    fn secure(&self, socket: TcpStream, tls: Option<&Tls>, deadline: Instant) -> Result<Stream, Failure> {
        // Without it small packets wait for each other; what cannot be set is only slower.
        drop(socket.set_nodelay(true));
        let Some(tls) = tls else { return Ok(Stream::Plain(socket)) };
        let host = tls.server_name.clone().unwrap_or_else(|| self.server.host.clone());
        let name = ServerName::try_from(host.clone())
            .map_err(|_| Failure::new(format!("{host} is no name that a certificate can prove")))?;
        let client = ClientConnection::new(Arc::clone(&tls.config), name)
            .map_err(|error| Failure::new(format!("TLS with {host}: {error}")))?;
        let (mut client, mut socket) = (Box::new(client), socket);
        while client.is_handshaking() {
            turn(&mut client, &mut socket, deadline).map_err(Broken::failure)?;
        }
        Ok(Stream::Tls(client, socket))
    }

    fn converse(
        &mut self,
        mut stream: Stream,
        request: &str,
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        body: &mut Vec<u8>,
    ) -> Result<Heard, Broken> {
        scratch.clear();
        body.clear();
        stream.send(request.as_bytes(), ask.deadline)?;
        let head = read_head(&mut stream, ask.deadline, scratch)?;
        if head.status != 200 {
            return Err(Failure::new(refused(&head)).into());
        }
        match head.framing {
            Framing::Length(length) => move_on(&mut stream, length, ask, scratch, body)?,
            Framing::Chunked => read_chunks(&mut stream, ask, scratch, body)?,
            Framing::ToEnd => read_to_end(&mut stream, ask, scratch, body)?,
        }
        if head.keep && scratch.waiting().is_empty() {
            self.stream = Some(stream);
        }
        Ok(Heard { content_type: head.content_type, encoding: head.encoding })
    }
}

fn refused(head: &Head) -> String {
    match (&head.location, head.status) {
        (Some(location), 300..=399) => {
            let to = crate::text::shorten(location, 200);
            format!("the answer has the status {} and leads to {to}: ask there", head.status)
        }
        (_, 401 | 403) => format!("the answer has the status {}: the credentials are missing or wrong", head.status),
        (_, 404) => "the answer has the status 404: check the path".to_owned(),
        (_, status) => format!("the answer has the status {status}"),
    }
}
