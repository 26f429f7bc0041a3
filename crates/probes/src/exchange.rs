//! A small HTTP/1.1 client (RFC 9112) for looks and requests: one exchange per connection, bounded in bytes, with no
//! cookies, no compression and no trust in what comes back. The caller sets the deadline.

use std::time::{Duration, Instant};

use ::http::Uri;
use outbound::Allowed;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::guard::{self, plain};
use crate::tls;

/// Most bytes of a body that are read; the rest is left unread.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of status line and header lines.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method, such as `GET`.
    pub method: &'a str,
    /// Header lines, by name.
    pub headers: &'a [(String, String)],
    /// The body; empty for none.
    pub body: &'a str,
    /// Do not ask who the server is.
    pub any_certificate: bool,
    /// The program that asks.
    pub agent: &'a str,
    /// Where it may be sent.
    pub allowed: Allowed,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self {
            method: "GET",
            headers: &[],
            body: "",
            any_certificate: false,
            agent: "mainstay",
            allowed: Allowed::MACHINE,
        }
    }
}

/// How long the parts of an exchange took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Resolving the name.
    pub resolved: Duration,
    /// Opening the connection.
    pub connected: Duration,
    /// Securing it; nothing for a plain one.
    pub secured: Duration,
    /// From the request to the end of the answer's header.
    pub first_byte: Duration,
    /// All of it.
    pub total: Duration,
}

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header lines, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// How long the parts took.
    pub times: Times,
    /// When the server's certificate ends, in seconds of Unix time.
    pub certificate_ends_s: Option<i64>,
}

impl Response {
    /// The first header line of a name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An address that may be requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `https`, not `http`.
    pub tls: bool,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and query.
    pub path: String,
}

impl Target {
    /// Reads an absolute `http` or `https` address.
    ///
    /// # Errors
    /// In words: what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|e| format!("{url} is not an address: {e}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("{url} is neither http:// nor https://")),
        };
        let authority = uri.authority().ok_or_else(|| format!("{url} names no host"))?;
        if authority.as_str().contains('@') {
            return Err(format!("{} has a user name in its address; use a header", authority.host()));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(format!("{url} names no host"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self { tls, host, port, path: if path.is_empty() { "/".into() } else { path.into() } })
    }

    /// Where a `Location` leads from here.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn redirected(&self, location: &str) -> Result<Self, String> {
        let location = location.split('#').next().unwrap_or_default();
        if location.contains("://") {
            return Self::parse(location);
        }
        let scheme = if self.tls { "https" } else { "http" };
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let folder = match self.path.split('?').next().and_then(|path| path.rsplit_once('/')) {
            _ if location.starts_with('/') => "",
            Some((folder, _)) => folder,
            None => "",
        };
        let slash = if location.starts_with('/') { "" } else { "/" };
        Self::parse(&format!("{scheme}://{}{folder}{slash}{location}", self.authority()))
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The `Host` line leaves out the port that the scheme implies: some servers compare it word for word.
    fn host_line(&self) -> String {
        let implied = if self.tls { ":443" } else { ":80" };
        let authority = self.authority();
        authority.strip_suffix(implied).unwrap_or(&authority).to_owned()
    }
}

/// Most header lines of an answer that are kept.
const HEADERS_MAX: usize = 100;

/// Sends one request and reads the answer. Redirects are the caller's.
///
/// # Errors
/// In words: what kept it from being answered.
pub async fn exchange(target: &Target, request: &Request<'_>) -> Result<Response, String> {
    let text = request_text(target, request)?;
    let start = Instant::now();
    let connected = guard::connect(&target.host, target.port, request.allowed).await?;
    let (resolved, opened) = (connected.resolved, connected.connected);
    let secured = Instant::now();
    let mut response = if target.tls {
        let (stream, shown) = tls::secure(connected.stream, &target.host, request.any_certificate).await?;
        let secured = secured.elapsed();
        let mut response = converse(stream, &text, request.method).await?;
        response.times.secured = secured;
        response.certificate_ends_s = shown.certificate().map(|read| read.not_after_s);
        response
    } else {
        converse(connected.stream, &text, request.method).await?
    };
    response.times = Times { resolved, connected: opened, total: start.elapsed(), ..response.times };
    Ok(response)
}

fn request_text(target: &Target, request: &Request<'_>) -> Result<String, String> {
    let token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !token(request.method) {
        return Err("the method is not a word".into());
    }
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nUser-Agent: {}\r\nAccept: */*\r\n",
        request.method,
        target.path,
        target.host_line(),
        request.agent
    );
    for (name, value) in request.headers {
        let ours = ["host", "connection", "content-length", "transfer-encoding"];
        if !token(name) || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(format!("the header {name:?} is not a header line"));
        }
        if ours.iter().any(|mine| name.eq_ignore_ascii_case(mine)) {
            return Err(format!("the header {name} is set by itself"));
        }
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !request.body.is_empty() || !matches!(request.method, "GET" | "HEAD") {
        text.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    text.push_str("\r\n");
    text.push_str(request.body);
    Ok(text)
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    text: &str,
    method: &str,
) -> Result<Response, String> {
    let start = Instant::now();
    let refused = |e: std::io::Error| format!("the request was not taken: {}", plain(&e));
    stream.write_all(text.as_bytes()).await.map_err(refused)?;
    stream.flush().await.map_err(refused)?;
    let (head, rest) = read_head(&mut stream).await?;
    let times = Times { first_byte: start.elapsed(), ..Times::default() };
    let head = parse_head(&head)?;
    let empty = method == "HEAD" || matches!(head.status, 100..200 | 204 | 304);
    let body = if empty { Vec::new() } else { read_body(&mut stream, rest, &head.framing).await };
    Ok(Response { status: head.status, headers: head.headers, body, times, certificate_ends_s: None })
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((bytes, rest));
        }
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(format!("the answer's header is longer than {HEAD_BYTES_MAX} bytes"));
        }
        let read = stream.read_buf(&mut bytes).await.map_err(|e| format!("the answer broke off: {}", plain(&e)))?;
        if read == 0 {
            return Err("the connection was closed without an answer".into());
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    ToEnd,
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    framing: Framing,
}

fn parse_head(bytes: &[u8]) -> Result<Head, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let http = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    let status = words.next().and_then(|word| word.parse().ok()).filter(|status| (100..1000).contains(status));
    let (true, Some(status)) = (http, status) else {
        return Err("the answer is not HTTP/1.1".into());
    };
    let mut head = Head { status, headers: Vec::new(), framing: Framing::ToEnd };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if head.headers.len() < HEADERS_MAX {
            head.headers.push((name.trim().to_ascii_lowercase(), value.to_owned()));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") && value.to_ascii_lowercase().contains("chunked") {
            head.framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case("content-length") && head.framing == Framing::ToEnd {
            let length = value.parse().map_err(|_| "the answer's length is not a number".to_owned())?;
            head.framing = Framing::Length(length);
        }
    }
    Ok(head)
}

/// A body that breaks off is a shorter body: the status is known by then, and a text that is missed will be missed.
async fn read_body<S: AsyncRead + Unpin>(stream: &mut S, mut bytes: Vec<u8>, framing: &Framing) -> Vec<u8> {
    let wanted = match framing {
        Framing::Length(length) => (*length).min(BODY_BYTES_MAX),
        Framing::Chunked | Framing::ToEnd => BODY_BYTES_MAX,
    };
    while bytes.len() < wanted {
        if *framing == Framing::Chunked && bytes.ends_with(b"0\r\n\r\n") && unchunk(&bytes).1 {
            break;
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    bytes.truncate(wanted);
    if *framing == Framing::Chunked { unchunk(&bytes).0 } else { bytes }
}

/// The data of all whole chunks, and whether the last chunk was seen.
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return (out, false) };
        let (line, rest) = bytes.split_at(end);
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let (Some(size), Some(rest)) = (size, rest.get(2..)) else { return (out, false) };
        if size == 0 {
            return (out, true);
        }
        let Some(data) = rest.get(..size) else {
            out.extend_from_slice(rest);
            return (out, false);
        };
        out.extend_from_slice(data);
        bytes = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_refused() {
        let target = Target::parse("https://example.org/a?b=c").unwrap();
        assert_eq!((target.tls, target.port, target.path.as_str()), (true, 443, "/a?b=c"));
        let target = Target::parse("http://[::1]:8080").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("::1", 8080, "/"));
        for url in ["ftp://a/", "/a", "http://", "http://a\r\nb/", "http://user:pw@a/", "http://a b/"] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_redirect_is_resolved_against_where_it_came_from() {
        let from = Target::parse("http://a:81/x/y?z").unwrap();
        let to = |location| {
            let target = from.redirected(location).unwrap();
            format!("{} {}{}", target.tls, target.authority(), target.path)
        };
        assert_eq!(to("https://b/c#d"), "true b:443/c");
        assert_eq!(to("//b/c"), "false b:80/c");
        assert_eq!(to("/c"), "false a:81/c");
        assert_eq!(to("c"), "false a:81/x/c");
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        let target = Target::parse("http://a/").unwrap();
        let text = |name: &str, value: &str| {
            let headers = [(name.to_owned(), value.to_owned())];
            request_text(&target, &Request { headers: &headers, ..Request::default() })
        };
        assert!(text("X-One", "1").unwrap().contains("X-One: 1\r\n"));
        assert!(text("X-One", "1\r\nX-Two: 2").is_err());
        assert!(text("X One", "1").is_err());
        assert!(text("Transfer-Encoding", "chunked").is_err());
        assert!(request_text(&target, &Request { method: "GET / X", ..Request::default() }).is_err());
    }

    #[test]
    fn heads_and_chunks_are_read_and_damage_is_named() {
        let head = parse_head(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 5\r\n\r\n").unwrap();
        assert_eq!(
            head,
            Head {
                status: 302,
                headers: vec![("location".into(), "/x".into()), ("content-length".into(), "5".into())],
                framing: Framing::Length(5)
            }
        );
        assert!(parse_head(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 20x\r\n\r\n").is_err());
        assert_eq!(unchunk(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), (b"abcde".to_vec(), true));
        assert_eq!(unchunk(b"ffffffffffffffff\r\nabc"), (b"abc".to_vec(), false));
        assert_eq!(unchunk(b"zz\r\n"), (Vec::new(), false));
    }
}
