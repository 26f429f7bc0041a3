//! A conversation in lines with a server, plain or secure: bounded lines, bounded answers, no trust in either.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::guard::plain;
use crate::text::{opening, shorten};
use crate::tls::{self, Shown};

/// Most bytes of one line.
const LINE_BYTES_MAX: usize = 4 * 1024;
/// Most lines of one answer.
const LINES_MAX: usize = 100;

/// The way of a conversation.
pub(crate) enum Way {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
    /// Between two states, and after a failed change of them.
    Gone,
}

/// A conversation.
pub(crate) struct Talk {
    way: Way,
    /// Read, and not yet asked for.
    ahead: Vec<u8>,
}

impl Talk {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self { way: Way::Plain(stream), ahead: Vec::new() }
    }

    /// Secures the rest of the conversation. What was sent before that and not asked for is an injection, and refused.
    ///
    /// # Errors
    /// In words; see [`tls::secure`].
    pub(crate) async fn secure(&mut self, name: &str, any_certificate: bool) -> Result<Shown, String> {
        if !self.ahead.is_empty() {
            return Err("the server said more than it was asked before the connection was secure".into());
        }
        match std::mem::replace(&mut self.way, Way::Gone) {
            Way::Plain(stream) => {
                let (stream, shown) = tls::secure(stream, name, any_certificate).await?;
                self.way = Way::Secure(Box::new(stream));
                Ok(shown)
            }
            other => {
                self.way = other;
                Err("the connection is secure already".into())
            }
        }
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        let failed = |e: std::io::Error| format!("nothing more could be said: {}", plain(&e));
        self.way.write_all(bytes).await.map_err(failed)?;
        self.way.flush().await.map_err(failed)
    }

    /// At least so many bytes more, or an error.
    async fn more(&mut self) -> Result<(), String> {
        let read = self.way.read_buf(&mut self.ahead).await;
        match read.map_err(|e| format!("the answer broke off: {}", plain(&e)))? {
            0 if self.ahead.is_empty() => Err("the connection was closed without an answer".into()),
            0 => Err(format!("the connection was closed in the middle of an answer: {}", opening(&self.ahead))),
            _ => Ok(()),
        }
    }

    /// One line, without its end.
    pub(crate) async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let rest = self.ahead.split_off(end.saturating_add(1));
                let line = std::mem::replace(&mut self.ahead, rest);
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.ahead.len() > LINE_BYTES_MAX {
                return Err(format!("a line of the answer is longer than {LINE_BYTES_MAX} bytes"));
            }
            self.more().await?;
        }
    }

    /// Exactly so many bytes.
    pub(crate) async fn exactly(&mut self, count: usize) -> Result<Vec<u8>, String> {
        while self.ahead.len() < count {
            self.more().await?;
        }
        let rest = self.ahead.split_off(count);
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    /// Reads until the end, until so many bytes, or until what was read is enough.
    pub(crate) async fn until(&mut self, bytes_max: usize, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        while self.ahead.len() < bytes_max && !enough(&self.ahead) {
            if self.more().await.is_err() {
                break;
            }
        }
        std::mem::take(&mut self.ahead)
    }
}

impl AsyncRead for Way {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Err(std::io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Way {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
            Self::Gone => Poll::Ready(Err(std::io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// One reply of SMTP (RFC 5321, section 4.2): its code and its lines.
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) lines: Vec<String>,
}

impl Reply {
    pub(crate) fn first(&self) -> &str {
        self.lines.first().map(String::as_str).unwrap_or_default()
    }
}

/// Reads a reply and refuses every code but the wanted one.
pub(crate) async fn smtp_reply(talk: &mut Talk, wanted: u16, to: &str) -> Result<Reply, String> {
    let mut reply = Reply { code: 0, lines: Vec::new() };
    while reply.lines.len() < LINES_MAX {
        let line = talk.line().await?;
        let code = line.get(..3).and_then(|digits| digits.parse().ok());
        let Some(code) = code else { return Err(format!("this is no mail server: it said {:?}", shorten(&line, 100))) };
        reply.code = code;
        reply.lines.push(line.get(4..).unwrap_or_default().to_owned());
        if line.as_bytes().get(3) != Some(&b'-') {
            if reply.code != wanted {
                return Err(format!("to {to} the server said {} {}", reply.code, shorten(reply.first(), 150)));
            }
            return Ok(reply);
        }
    }
    Err(format!("the answer to {to} has more than {LINES_MAX} lines"))
}

/// Banner, EHLO and STARTTLS; answers the banner.
pub(crate) async fn smtp_starttls(talk: &mut Talk) -> Result<String, String> {
    let banner = smtp_reply(talk, 220, "the connection").await?;
    let offers = smtp_hello(talk).await?;
    if !offers.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        return Err("the server does not offer STARTTLS".into());
    }
    talk.say(b"STARTTLS\r\n").await?;
    smtp_reply(talk, 220, "STARTTLS").await?;
    Ok(banner.first().to_owned())
}

/// EHLO; answers what the server offers.
pub(crate) async fn smtp_hello(talk: &mut Talk) -> Result<Vec<String>, String> {
    talk.say(b"EHLO mainstay.invalid\r\n").await?;
    Ok(smtp_reply(talk, 250, "EHLO").await?.lines)
}

/// The greeting of IMAP, which must be a good one.
pub(crate) async fn imap_greeting(talk: &mut Talk) -> Result<String, String> {
    let line = talk.line().await?;
    match line.strip_prefix("* OK") {
        Some(rest) => Ok(rest.trim().to_owned()),
        None => Err(format!("this is no mailbox server that takes people: it said {:?}", shorten(&line, 100))),
    }
}

/// Says a command of IMAP and waits for the tagged answer, which must be good.
pub(crate) async fn imap_command(talk: &mut Talk, tag: &str, command: &str, name: &str) -> Result<(), String> {
    talk.say(format!("{tag} {command}\r\n").as_bytes()).await?;
    for _ in 0..LINES_MAX {
        let line = talk.line().await?;
        if let Some(rest) = line.strip_prefix(tag) {
            let rest = rest.trim();
            return if rest.starts_with("OK") {
                Ok(())
            } else {
                Err(format!("to {name} the server said {}", shorten(rest, 150)))
            };
        }
    }
    Err(format!("the answer to {name} has more than {LINES_MAX} lines"))
}

/// Greeting and STARTTLS.
pub(crate) async fn imap_starttls(talk: &mut Talk) -> Result<(), String> {
    imap_greeting(talk).await?;
    imap_command(talk, "a1", "STARTTLS", "STARTTLS").await
}
