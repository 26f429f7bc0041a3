//! What can keep the agent from working, in words for the person at the machine.

use std::fmt;
use std::path::Path;

use agent_proto::Refusal;

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Said in full.
    Message(String),
    /// The server said no.
    Refused(Refusal),
}

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    pub(crate) fn io(doing: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self::Message(format!("cannot {doing} {}: {cause}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(text) => f.write_str(text),
            Self::Refused(refusal) => write!(f, "the server refused this agent: {} ({:?})", refusal.text, refusal.code),
        }
    }
}

impl std::error::Error for Error {}
