//! A connection that is kept open to ask one server the same thing again and again (HTTP/1.1, RFC 9112), as a scraper
//! does: nothing is allocated for an answer but its body, every read has the deadline of the whole, the body a limit, and
//! addresses nobody may reach are refused as for every other request. Redirects are not followed: whoever configured
//! the address is told to where it leads.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::answer::{Framing, Head, parse_head};
use super::refusal;
use super::tls::Tls;

/// Most bytes of status line and header lines.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Bytes that are read at a time.
const READ_BYTES: usize = 64 << 10;
/// Longest line between two chunks of a body.
const CHUNK_LINE_BYTES_MAX: usize = 1 << 10;
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

/// Memory for reading, one for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Scratch {
    fn waiting(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    fn take(&mut self, count: usize) {
        self.from = (self.from + count).min(self.to);
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<ClientConnection>, TcpStream),
}

impl Stream {
    /// Reads what there is, with the deadline before each wait; 0 at the end.
    fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Broken> {
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

    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Broken> {
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
fn turn(connection: &mut ClientConnection, socket: &mut TcpStream, deadline: Instant) -> Result<(), Broken> {
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
        (scratch.from, scratch.to) = (0, 0);
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

/// What ends a conversation.
enum Broken {
    /// The connection was gone before anything of the answer came.
    Unheard,
    Failed(Failure),
}

impl Broken {
    fn failure(self) -> Failure {
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

fn too_late(what: &str) -> Failure {
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

/// Reads what there is; 0 at the end.
fn fill(stream: &mut Stream, deadline: Instant, scratch: &mut Scratch) -> Result<usize, Broken> {
    if scratch.bytes.len() < READ_BYTES {
        scratch.bytes.resize(READ_BYTES, 0);
    }
    if scratch.from > 0 {
        scratch.bytes.copy_within(scratch.from..scratch.to, 0);
        (scratch.from, scratch.to) = (0, scratch.to - scratch.from);
    }
    let room = scratch.bytes.get_mut(scratch.to..).unwrap_or_default();
    let read = stream.read(room, deadline)?;
    scratch.to += read;
    Ok(read)
}

fn read_head(stream: &mut Stream, deadline: Instant, scratch: &mut Scratch) -> Result<Head, Broken> {
    let mut heard = false;
    loop {
        let end = scratch.waiting().windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = parse_head(scratch.waiting().get(..end).unwrap_or_default()).map_err(Failure::new)?;
            scratch.take(end + 4);
            // 1xx are words in between.
            if head.status >= 200 {
                return Ok(head);
            }
            continue;
        }
        if scratch.waiting().len() >= HEAD_BYTES_MAX {
            return Err(Failure::new(format!("the answer's header is longer than {HEAD_BYTES_MAX} bytes")).into());
        }
        match fill(stream, deadline, scratch) {
            Ok(0) if heard => return Err(Failure::new("the answer broke off in its header").into()),
            Ok(0) => return Err(Broken::Unheard),
            Ok(_) => heard = true,
            Err(Broken::Failed(failure)) if !heard && !failure.slow => return Err(Broken::Unheard),
            Err(broken) => return Err(broken),
        }
    }
}

fn too_large(ask: &Ask<'_>) -> Broken {
    Failure::new(format!("the answer is larger than {} bytes, the most that may be", ask.body_bytes_max)).into()
}

/// Moves `count` bytes of the answer into the body.
fn move_on(
    stream: &mut Stream,
    mut count: usize,
    ask: &Ask<'_>,
    scratch: &mut Scratch,
    body: &mut Vec<u8>,
) -> Result<(), Broken> {
    if body.len().saturating_add(count) > ask.body_bytes_max {
        return Err(too_large(ask));
    }
    while count > 0 {
        if scratch.waiting().is_empty() && fill(stream, ask.deadline, scratch)? == 0 {
            return Err(Failure::new("the answer broke off in its body").into());
        }
        let piece = scratch.waiting();
        let piece = piece.get(..count).unwrap_or(piece);
        body.extend_from_slice(piece);
        let moved = piece.len();
        scratch.take(moved);
        count -= moved;
    }
    Ok(())
}

fn read_to_end(stream: &mut Stream, ask: &Ask<'_>, scratch: &mut Scratch, body: &mut Vec<u8>) -> Result<(), Broken> {
    loop {
        let waiting = scratch.waiting().len();
        move_on(stream, waiting, ask, scratch, body)?;
        if fill(stream, ask.deadline, scratch)? == 0 {
            return Ok(());
        }
    }
}

fn read_chunks(stream: &mut Stream, ask: &Ask<'_>, scratch: &mut Scratch, body: &mut Vec<u8>) -> Result<(), Broken> {
    loop {
        let size = chunk_line(stream, ask.deadline, scratch, |line| {
            let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
            usize::from_str_radix(digits, 16).ok()
        })?;
        if size == 0 {
            break;
        }
        move_on(stream, size, ask, scratch, body)?;
        chunk_line(stream, ask.deadline, scratch, |line| line.is_empty().then_some(()))?;
    }
    // Trailers, of which nothing is needed, up to the empty line.
    let mut bytes = 0;
    while !chunk_line(stream, ask.deadline, scratch, |line| {
        bytes += line.len();
        (bytes <= HEAD_BYTES_MAX).then_some(line.is_empty())
    })? {}
    Ok(())
}

/// Reads one line of the framing.
fn chunk_line<T>(
    stream: &mut Stream,
    deadline: Instant,
    scratch: &mut Scratch,
    mut read: impl FnMut(&[u8]) -> Option<T>,
) -> Result<T, Broken> {
    let wrong = || Broken::from(Failure::new("the chunks of the answer are damaged"));
    loop {
        if let Some(end) = scratch.waiting().windows(2).position(|two| two == b"\r\n") {
            let read = read(scratch.waiting().get(..end).unwrap_or_default());
            scratch.take(end + 2);
            return read.ok_or_else(wrong);
        }
        if scratch.waiting().len() > CHUNK_LINE_BYTES_MAX {
            return Err(wrong());
        }
        if fill(stream, deadline, scratch)? == 0 {
            return Err(Failure::new("the answer broke off in its body").into());
        }
    }
}
