//! Addresses whose protocol others defined, beside REST: bytes in, bytes out. The server brings the request, its sender
//! and their grant; the domain speaks the protocol, its errors included.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;
use crate::operation::Method;
use crate::permission::{Actor, Reach};
use crate::running::Handle;

/// An address of a protocol.
pub struct Endpoint {
    /// Its path on the server; `{name}` stands for one segment, `{*rest}` at the end for all that follow.
    pub path: &'static str,
    /// The methods it takes.
    pub methods: &'static [Method],
    /// The operation whose grant a caller needs; its effect says whether a browser's session must prove where it is. Empty
    /// where the address itself holds a secret that is the key: then anybody may ask, as nobody.
    pub grant: &'static str,
    /// Largest body, in bytes, as it comes.
    pub body_bytes_max: usize,
    /// Answers a request.
    pub answer: fn(&Handle, &Asked) -> Said,
    /// Says in the protocol's own form, under a status of HTTP, why a request was refused before it was answered; without
    /// it the server says so in its own form.
    pub refused: Option<Refused>,
}

/// How a protocol says that a request was refused.
pub type Refused = fn(u16, &Error) -> Said;

/// A request.
#[derive(Debug)]
pub struct Asked {
    /// Who asks.
    pub actor: Arc<Actor>,
    /// How far their grant reaches.
    pub reach: Reach,
    /// The fields of the path.
    pub path: Vec<(String, String)>,
    /// The fields of the query, followed by those of a form in the body, in order, repeats kept.
    pub fields: Vec<(String, String)>,
    /// Header `Content-Type`.
    pub content_type: Option<String>,
    /// Header `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// The body as it came; empty when it was a form.
    pub body: Vec<u8>,
    /// Raised when nobody waits for the answer any more.
    pub gone: Arc<AtomicBool>,
}

impl Asked {
    /// The first field of a name that is not empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Every field of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A field of the path.
    pub fn in_path(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// True once nobody waits for the answer any more.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The HTTP status (RFC 9110, section 15).
    pub status: u16,
    /// Header `Content-Type`.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Said {
    /// An answer in JSON.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "application/json", headers: Vec::new(), body: body.into() }
    }

    /// An answer in plain words.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", headers: Vec::new(), body: body.into().into_bytes() }
    }

    /// An answer without a body.
    pub fn nothing() -> Self {
        Self::text(204, "")
    }
}
