//! What the engine is told, what it answers, and how it is to judge.

use crate::candidate::Cause;
use crate::looks::{Change, Look};
use crate::solve::{Cluster, Symptom};
use crate::words::What;

use super::Member;

/// What the engine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// An alert is out.
    Fired(Symptom),
    /// An alert is gone.
    Cleared {
        /// Its look.
        key: u64,
        /// When, in milliseconds.
        at_ms: i64,
    },
    /// A look gave a result: each one, also those that change nothing, and the answers to what was asked again.
    Seen {
        /// The look.
        look: Look,
        /// As it should be.
        good: bool,
        /// When it was made, in milliseconds.
        at_ms: i64,
    },
    /// A thing was changed.
    Changed(Change),
    /// Nobody looks any more: the check was removed or paused.
    Forgotten {
        /// The look.
        key: u64,
    },
    /// What was asked by [`Decision::Recheck`] cannot be looked at at will: it is not waited for.
    Unable {
        /// The look.
        key: u64,
    },
}

/// A look that was asked again before a group opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// Its number.
    pub key: u64,
    /// The thing it is about.
    pub thing: u64,
    /// What it means when it is bad.
    pub what: What,
    /// What came of it.
    pub answer: Answer,
}

/// What came of asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is good, as of this time in milliseconds.
    Good(i64),
    /// It is bad, as of this time in milliseconds.
    Bad(i64),
    /// No answer came in time.
    None,
    /// It cannot be looked at at will.
    Unable,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Look at these again at once, and tell the results by then.
    Recheck {
        /// The looks.
        looks: Vec<u64>,
        /// Until when answers count for the first judgement, in milliseconds.
        until_ms: i64,
    },
    /// A group is open: its symptoms have one cause.
    Open {
        /// Its number.
        group: u64,
        /// Ranking and evidence.
        cluster: Cluster,
        /// Its symptoms.
        members: Vec<Member>,
        /// What was looked at again before.
        again: Vec<Again>,
    },
    /// Tell people of a group; once for each group.
    Page {
        /// Its number.
        group: u64,
    },
    /// A symptom belongs to an open group.
    Join {
        /// The group's number.
        group: u64,
        /// The symptom.
        member: Member,
    },
    /// The judgement of an open group changed.
    Rerank {
        /// Its number.
        group: u64,
        /// Ranking and evidence.
        cluster: Cluster,
    },
    /// A group turned out to have the cause of another: its symptoms belong to that one.
    Merge {
        /// The group that ends.
        from: u64,
        /// The one that goes on.
        into: u64,
    },
    /// The cause is gone: these symptoms are stale, look again now, and let nobody be told of them until then.
    Suspend {
        /// The group's number.
        group: u64,
        /// The looks.
        looks: Vec<u64>,
        /// Until when, in milliseconds.
        until_ms: i64,
    },
    /// All symptoms of a group are gone, and stayed so for its quiet time.
    Recover {
        /// Its number.
        group: u64,
        /// People were told of it, so tell them that it is over.
        announce: bool,
    },
    /// A group that was over has its cause again: go on with it, tell those who know of it, and page nobody anew.
    Reopen {
        /// Its number.
        group: u64,
        /// The symptom that came back.
        member: Member,
    },
}

/// How the engine judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most steps from a symptom to its cause.
    pub hops: u32,
    /// Shortest and longest wait between the first symptom and the page, for looking again, in milliseconds.
    pub settle_ms: [i64; 2],
    /// Shortest and longest time that all must be good before a group of several things is over, in milliseconds.
    pub quiet_ms: [i64; 2],
    /// A cause that comes back within this time after its end is the same group, in milliseconds.
    pub relapse_ms: i64,
    /// Shortest time from one full judgement to the next, in milliseconds; it grows in storms.
    pub solve_ms: i64,
    /// Most looks that are asked again for one group.
    pub rechecks_max: usize,
    /// The number of the first group.
    pub first_group: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hops: 6,
            settle_ms: [4_000, 12_000],
            quiet_ms: [30_000, 300_000],
            relapse_ms: 15 * 60_000,
            solve_ms: 1_000,
            rechecks_max: 60,
            first_group: 1,
        }
    }
}

/// A group as it was kept, for [`Engine::restore`].
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// Its number.
    pub group: u64,
    /// People were told of it.
    pub paged: bool,
    /// When it opened, in milliseconds.
    pub opened_ms: i64,
    /// How often its cause came back.
    pub relapses: u32,
    /// Its symptoms, and when those that are gone were gone.
    pub members: Vec<(Symptom, Option<i64>)>,
    /// How it ended; none while it is open.
    pub over: Option<Over>,
}

/// The end of a group that may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// When it ended, in milliseconds.
    pub at_ms: i64,
    /// What its cause was, if that was determined.
    pub cause: Option<Cause>,
}
