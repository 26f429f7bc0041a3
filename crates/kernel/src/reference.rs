//! References: how one domain points at another's noun without importing it. `ticket:4821`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A pointer to a noun: its kind and number, written `kind:number`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// The kind, for example `ticket`.
    pub kind: Cow<'static, str>,
    /// The number within the kind.
    pub id: i64,
}

impl Ref {
    /// A reference to a kind known at compile time.
    pub const fn new(kind: &'static str, id: i64) -> Self {
        Self { kind: Cow::Borrowed(kind), id }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

impl FromStr for Ref {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                "ref",
                format!("\"{}\" is not a reference. Write it like ticket:4821.", crate::text::shorten(text, 60)),
            )
        };
        let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
        let ok = !kind.is_empty() && kind.len() <= 32 && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        match (ok, id.parse::<i64>()) {
            (true, Ok(id)) if id > 0 => Ok(Self { kind: Cow::Owned(kind.to_owned()), id }),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for Ref {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.message))
    }
}

impl JsonSchema for Ref {
    fn schema_name() -> Cow<'static, str> {
        "Ref".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z_]+:[0-9]+$", "description": "A reference such as ticket:4821." })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Lists on pages that are drawn from many rows, or from memory, and so are no row themselves. Whoever changes what such a
/// list shows touches it, the page that shows it listens to it; both name it here. It is told to everybody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveList {
    /// "Needs you now".
    Needs = 1,
    /// How checks, rules and their alerts stand.
    Alerts = 2,
    /// How the targets of scraping stand.
    Targets = 3,
    /// Escalations, messages and the ways they go.
    Messages = 5,
}

impl LiveList {
    /// The kind of their references.
    pub const KIND: &'static str = "list";

    /// As a reference, to be touched.
    pub const fn reference(self) -> Ref {
        Ref::new(Self::KIND, self as i64)
    }
}

impl fmt::Display for LiveList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reference().fmt(f)
    }
}

/// What a reference shows as, for one actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The number within the kind.
    pub id: i64,
    /// Its name in a list or a sentence.
    pub title: String,
    /// Its page.
    pub href: String,
}
