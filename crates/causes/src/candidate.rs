//! A candidate: what may be the cause, how well it fits, and why.

use crate::words::What;

/// What may be the cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A fault of a thing.
    Thing {
        /// Its number.
        thing: u64,
        /// The state it is in.
        state: What,
        /// The name of the fault in the rules.
        fault: String,
    },
    /// A change of several things.
    Change {
        /// What the changes have in common.
        label: String,
    },
    /// The looker itself, or its way out: what it says about others is worth nothing.
    Vantage {
        /// The thing that looks; none for the server itself.
        thing: Option<u64>,
        /// Only its lookups of names fail; addresses answer.
        names: bool,
    },
}

impl Cause {
    /// The thing that it is, if it is one.
    pub fn thing(&self) -> Option<u64> {
        match self {
            Self::Thing { thing, .. } => Some(*thing),
            Self::Vantage { thing, .. } => *thing,
            Self::Change { .. } => None,
        }
    }
}

/// A sentence for or against a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// It speaks for the candidate; else against it.
    pub speaks_for: bool,
    /// In plain English. Times are UTC.
    pub text: String,
    /// The thing it is about, if it is one other than the candidate.
    pub thing: Option<u64>,
    /// The time it is about, in milliseconds.
    pub at_ms: Option<i64>,
}

/// What may be the cause, how well it fits, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What may be the cause.
    pub cause: Cause,
    /// Points: what it explains, less what should be bad and is not, the distance and how rare it is.
    pub score: f64,
    /// Its share among the candidates of the group, from 0 to 1.
    pub share: f64,
    /// How many of the group's symptoms it explains.
    pub explained: usize,
    /// How many symptoms the group has.
    pub symptoms: usize,
    /// How many looks should be bad too, and are good.
    pub absent: usize,
    /// Why: first what speaks for it, then what speaks against it.
    pub reasons: Vec<Reason>,
}

/// The time of the day, UTC.
pub(crate) fn clock(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A span of time in words.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..=1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3_600),
    }
}
