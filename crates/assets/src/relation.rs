//! Relations: what runs on, hangs on, needs, is fed by or is part of what. Circles are allowed, a thing and itself are not.

use kernel::db::Tx;
use kernel::{Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod add;
pub(crate) mod coverage;
pub(crate) mod discover;
pub(crate) mod events;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod store;
pub(crate) mod update;
pub(crate) mod write;

/// Longest name of a group of alternatives, in characters.
const GROUP_CHARS_MAX: usize = 60;

/// How one thing stands to another. It points from what would suffer to what it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// A virtual machine, container or service on its host.
    RunsOn,
    /// A machine to its switch.
    ConnectedTo,
    /// A service to what it needs.
    DependsOn,
    /// A machine to its power supply.
    PoweredBy,
    /// A part to its whole.
    PartOf,
    /// A machine or service to its name server.
    ResolvesBy,
    /// A machine to its gateway.
    RoutesBy,
    /// A machine or service to its storage.
    StoresOn,
    /// A service to its certificate.
    SecuredBy,
    /// A machine to its time server.
    SyncedBy,
}

impl RelationKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::RunsOn,
        Self::ConnectedTo,
        Self::DependsOn,
        Self::PoweredBy,
        Self::PartOf,
        Self::ResolvesBy,
        Self::RoutesBy,
        Self::StoresOn,
        Self::SecuredBy,
        Self::SyncedBy,
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunsOn => "runs_on",
            Self::ConnectedTo => "connected_to",
            Self::DependsOn => "depends_on",
            Self::PoweredBy => "powered_by",
            Self::PartOf => "part_of",
            Self::ResolvesBy => "resolves_by",
            Self::RoutesBy => "routes_by",
            Self::StoresOn => "stores_on",
            Self::SecuredBy => "secured_by",
            Self::SyncedBy => "synced_by",
        }
    }

    /// In words, read from the first thing to the second.
    pub fn words(self) -> &'static str {
        match self {
            Self::RunsOn => "runs on",
            Self::ConnectedTo => "is connected to",
            Self::DependsOn => "depends on",
            Self::PoweredBy => "is powered by",
            Self::PartOf => "is part of",
            Self::ResolvesBy => "resolves names by",
            Self::RoutesBy => "goes out by",
            Self::StoresOn => "stores on",
            Self::SecuredBy => "is secured by",
            Self::SyncedBy => "takes its time from",
        }
    }

    /// In words, read from the second thing to the first.
    pub fn words_back(self) -> &'static str {
        match self {
            Self::RunsOn => "hosts",
            Self::ConnectedTo => "connects",
            Self::DependsOn => "is needed by",
            Self::PoweredBy => "powers",
            Self::PartOf => "holds",
            Self::ResolvesBy => "resolves names for",
            Self::RoutesBy => "is the way out of",
            Self::StoresOn => "stores for",
            Self::SecuredBy => "secures",
            Self::SyncedBy => "gives the time to",
        }
    }

    /// Many share what it points at, such as a switch or a name server: work on it is no work on who uses it.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::ConnectedTo | Self::PoweredBy | Self::ResolvesBy | Self::RoutesBy | Self::SyncedBy => true,
            Self::RunsOn | Self::DependsOn | Self::PartOf | Self::StoresOn | Self::SecuredBy => false,
        }
    }

    /// What goes wrong with the thing that it points at may go wrong with the one it comes from. A whole does not make
    /// its parts fail.
    pub const fn spreads(self) -> bool {
        !matches!(self, Self::PartOf)
    }

    /// The kind of a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A relation from a thing to what it stands on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relation {
    /// Its number.
    pub id: i64,
    /// The thing that would suffer.
    pub from: i64,
    /// How they stand.
    pub kind: RelationKind,
    /// The thing it stands on: the parent.
    pub to: i64,
    /// Relations of one kind and one group from one thing are alternatives: one of them is enough. Empty: this one is in
    /// no group.
    pub group: String,
    /// Who says so: a person, an agent, a scan.
    pub source: String,
    /// Since when it is known.
    pub since: Time,
    /// Facts speak for it and nobody said it: it goes when they no longer do.
    pub discovered: bool,
}

/// What any of the things stands on, their own relations to others, 5,000 at most.
pub fn parents(tx: &mut Tx<'_>, assets: &[i64]) -> Result<Vec<Relation>> {
    store::from_any(tx, assets)
}

/// What stands on any of the things, 5,000 relations at most.
pub fn children(tx: &mut Tx<'_>, assets: &[i64]) -> Result<Vec<Relation>> {
    store::to_any(tx, assets)
}

/// The name of a group of alternatives as it is kept; empty for none.
fn group(text: &str) -> Result<String> {
    if text.trim().is_empty() { Ok(String::new()) } else { kernel::text::line("group", text, GROUP_CHARS_MAX) }
}
