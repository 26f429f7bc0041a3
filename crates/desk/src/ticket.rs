//! Tickets: the words for what they are and how they stand, and what may follow what. Pure.

use kernel::{Error, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod assign;
pub(crate) mod change;
pub mod count;
pub mod link;
pub mod list;
pub mod open;
pub mod resolve;
pub mod say;
pub mod show;
pub mod update;
pub mod wait;

/// Longest summary, in characters.
pub const SUMMARY_CHARS_MAX: usize = 200;
/// Longest detail, reply or note, in characters.
pub const TEXT_CHARS_MAX: usize = 20_000;
/// Most things a ticket may point at.
pub const LINKS_MAX: usize = 50;
/// Most people who follow a ticket besides its requester and owner.
pub const PARTICIPANTS_MAX: usize = 50;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $word:literal, $label:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number in the database.
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The stable word.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// As people read it.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// From the number in the database.
            pub(crate) fn from_code(code: i64) -> Result<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
                    .ok_or_else(|| Error::internal("desk-code", format!("{} {code}", stringify!($name))))
            }

            /// From the stable word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// What a ticket is.
    Kind {
        /// Something is broken or worse than it should be.
        Incident = 0, "incident", "Incident";
        /// Somebody wants something.
        Request = 1, "request", "Request";
        /// Work that nobody asked for.
        Task = 2, "task", "Task";
    }
}

words! {
    /// How a ticket stands.
    Status {
        /// Nobody has begun.
        New = 0, "new", "New";
        /// Somebody is on it.
        InProgress = 1, "in_progress", "In progress";
        /// It waits for something, with a reason and a date on which it wakes.
        Waiting = 2, "waiting", "Waiting";
        /// Done; it can be reopened.
        Resolved = 3, "resolved", "Resolved";
        /// Done for good.
        Closed = 4, "closed", "Closed";
    }
}

words! {
    /// How soon it matters.
    Priority {
        /// When there is time.
        Low = 0, "low", "Low";
        /// In turn.
        Normal = 1, "normal", "Normal";
        /// Before others.
        High = 2, "high", "High";
        /// Now.
        Urgent = 3, "urgent", "Urgent";
    }
}

words! {
    /// Where a ticket came from.
    Source {
        /// An employee's form.
        Portal = 0, "portal", "Portal";
        /// The console.
        Console = 1, "console", "Console";
        /// A program.
        Api = 2, "api", "API";
        /// An alert.
        Alert = 3, "alert", "Alert";
    }
}

words! {
    /// What was said.
    EntryKind {
        /// A reply that the requester reads.
        Reply = 0, "reply", "Public reply";
        /// A note for the desk alone.
        Note = 1, "note", "Internal note";
        /// How it was resolved; the requester reads it.
        Resolution = 2, "resolution", "Resolution";
    }
}

words! {
    /// Why a ticket points at something.
    LinkKind {
        /// It is about this thing.
        About = 0, "about", "About";
        /// This is the cause.
        CausedBy = 1, "caused_by", "Caused by";
        /// It says the same as this one.
        Duplicate = 2, "duplicate", "Duplicate of";
        /// It has to do with this.
        Related = 3, "related", "Related to";
    }
}

impl Status {
    /// Work is left to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::InProgress | Self::Waiting)
    }

    /// Whether a ticket may go from this status to another.
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::New => matches!(self, Self::InProgress | Self::Resolved | Self::Closed),
            Self::InProgress => !matches!(self, Self::InProgress),
            Self::Waiting => matches!(self, Self::New | Self::InProgress | Self::Waiting),
            Self::Resolved => self.is_open(),
            Self::Closed => matches!(self, Self::Resolved),
        }
    }
}

/// The reference of a ticket.
pub const fn subject(id: i64) -> Ref {
    Ref::new("ticket", id)
}

/// The page of a ticket.
pub fn href(id: i64) -> String {
    format!("/desk/tickets/{id}")
}

/// A ticket as the database has it; numbers of people, team and place are 0 when there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticket {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) summary: String,
    pub(crate) detail: String,
    pub(crate) team: i64,
    pub(crate) place: i64,
    pub(crate) requester: i64,
    pub(crate) owner: i64,
    pub(crate) source: Source,
    pub(crate) external_key: Option<String>,
    /// A person has taken it in hand: owned, replied or noted.
    pub(crate) handled: bool,
    pub(crate) wait_reason: String,
    pub(crate) wait_until: Time,
    pub(crate) version: i64,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) resolved_at: Time,
}

impl Ticket {
    /// The number that the indexes sort by: status and whether somebody owns it.
    pub(crate) const fn stage(&self) -> i64 {
        stage(self.status, self.owner != 0)
    }

    /// Refuses a status that may not follow the present one.
    pub(crate) fn may_become(&self, next: Status) -> Result<()> {
        if self.status.may_become(next) {
            return Ok(());
        }
        let (is, next) = (self.status.label().to_lowercase(), next.label().to_lowercase());
        let advice = match self.status {
            Status::Closed => " Reopen it first, or open a new ticket.",
            Status::Resolved => " Reopen it first.",
            _ => "",
        };
        Err(Error::conflict(format!("Ticket {} is {is}; it cannot become {next} from there.{advice}", self.id)))
    }

    /// Moves to a status: waiting keeps its reason only while it waits, and the moment of resolution only while it is resolved.
    pub(crate) fn become_status(&mut self, next: Status, now: Time) {
        if next != Status::Waiting {
            self.wait_reason = String::new();
            self.wait_until = Time(0);
        }
        self.resolved_at = match next {
            Status::Resolved => now,
            Status::Closed => self.resolved_at,
            _ => Time(0),
        };
        self.status = next;
    }
}

/// See [`Ticket::stage`].
pub(crate) const fn stage(status: Status, owned: bool) -> i64 {
    2 * status.code() + if owned { 1 } else { 0 }
}

/// A number that is 0 when there is none, as outside sees it.
pub(crate) const fn some(id: i64) -> Option<i64> {
    if id == 0 { None } else { Some(id) }
}

/// What a change of a ticket answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saved {
    /// Its number.
    pub id: i64,
    /// `ticket:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// How it stands now.
    pub status: Status,
    /// Whose queue it is in.
    pub team: Option<i64>,
    /// Who has taken it.
    pub owner: Option<i64>,
    /// Counts changes; send it back as `expected_version`.
    pub version: i64,
}

impl Saved {
    pub(crate) fn of(ticket: &Ticket) -> Self {
        Self {
            id: ticket.id,
            reference: subject(ticket.id),
            status: ticket.status,
            team: some(ticket.team),
            owner: some(ticket.owner),
            version: ticket.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_only_where_the_process_allows_it() {
        use Status::*;
        for (from, to, allowed) in [
            (New, InProgress, true),
            (New, Resolved, true),
            (New, Closed, false),
            (InProgress, New, true),
            (InProgress, InProgress, false),
            (Waiting, Waiting, true),
            (Waiting, InProgress, true),
            (Waiting, Resolved, true),
            (Waiting, New, false),
            (Resolved, Waiting, false),
            (Resolved, Closed, true),
            (Resolved, InProgress, true),
            (Closed, InProgress, true),
            (Closed, Resolved, false),
        ] {
            assert_eq!(from.may_become(to), allowed, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn every_code_and_word_reads_back_and_stages_do_not_overlap() {
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()).unwrap(), *status);
            assert_eq!(Status::parse(status.word()), Some(*status));
            assert_eq!(stage(*status, true) / 2, status.code());
            assert_eq!(stage(*status, false) / 2, status.code());
            assert_ne!(stage(*status, true), stage(*status, false));
        }
        assert!(Kind::from_code(9).is_err());
        assert_eq!(Priority::parse("Urgent"), None);
    }
}
