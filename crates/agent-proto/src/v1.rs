//! Version 1 of every message. Frozen: golden frames in `tests/golden/v1` prove that released bytes still read the same.
//! To change a shape, copy this module to the next version.

mod check;
mod columns;
mod downlink;
mod job;
mod update;
mod uplink;

pub use check::{CheckResult, CheckSpec, CheckState, Figure, LookResult, Probe, ProcessName};
pub use downlink::{Enrolled, FromServer, Profile, ProfileKind, Refusal, RefusalCode, Welcome};
pub use job::{Action, Approval, Class, Job, JobResult, JobState, ServiceVerb, SignedJob, SignedStop, StopOrder};
pub use update::{Offer, Release, SignedRelease, UpdateReport, UpdateState};
pub use uplink::{
    Durable, Enrol, Facts, FromAgent, Gap, Greeting, Hello, IdentityHints, Lane, LanePosition, Prove, Samples,
    SeriesName,
};

impl FromAgent {
    /// How many kinds of messages there are.
    pub const KINDS: u32 = 7;
}

impl FromServer {
    /// How many kinds of messages there are.
    pub const KINDS: u32 = 13;
}
