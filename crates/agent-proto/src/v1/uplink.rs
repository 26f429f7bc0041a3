//! What an agent says.

use serde::{Deserialize, Serialize};

use super::check::{CheckResult, LookResult};
use super::columns;
use super::job::{Class, JobResult};
use super::update::UpdateReport;
use crate::bounded;
use crate::limits::{CHECKS_MAX, FACTS_MAX, ITEMS_MAX, LABELS_MAX, SAMPLES_MAX, SERIES_MAX, TEXT_BYTES_MAX};
use crate::sign::Signature;

const _: () = assert!(SAMPLES_MAX >= SERIES_MAX, "one sample of every series fits in a message");

/// A message from an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromAgent {
    /// Answers the challenge with a known key.
    Prove(Prove),
    /// Answers the challenge with a new key and a token.
    Enrol(Enrol),
    /// Follows `Prove` at once.
    Hello(Box<Hello>),
    /// Names series by number. After each `Welcome` the whole register comes again (in several messages if it is
    /// long), later only what is new, and always before the samples that use it. Numbers are never given twice.
    Series {
        /// Number and name.
        #[serde(deserialize_with = "bounded::list::<SERIES_MAX, _, _>")]
        register: Vec<(u32, SeriesName)>,
    },
    /// Kept on the agent's disk until the server has acknowledged it; may come twice.
    Durable {
        /// Each lane has its own order.
        lane: Lane,
        /// Grows by at least one within the lane, also over restarts of the agent.
        seq: u64,
        /// What happened.
        event: Durable,
    },
    /// In the place of `Hello`: the same with what this agent understands. A server that does not know it refuses it,
    /// and the agent comes again with `Hello`.
    Greeting(Box<Greeting>),
    /// Asks for a part of the program that was offered.
    Fetch {
        /// Which program.
        sha256: [u8; 32],
        /// From where on, in bytes.
        offset: u64,
    },
}

/// The answer to a challenge by an agent that is enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prove {
    /// The agent's key: its identity.
    pub public_key: [u8; 32],
    /// Made by [`crate::prove`].
    pub signature: Signature,
}

/// The answer to a challenge by a new agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrol {
    /// The secret half of the token.
    pub token_secret: [u8; 16],
    /// The new agent's key.
    pub public_key: [u8; 32],
    /// Made by [`crate::prove`] for [`crate::Purpose::Enrol`].
    pub signature: Signature,
    /// Version of the agent program.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub agent_version: String,
    /// Who this machine may be.
    pub hints: IdentityHints,
}

/// Signs of a machine's identity. Hints only: the key is the identity, and "Default string" is no serial number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityHints {
    /// The machine's own name.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub hostname: String,
    /// `/etc/machine-id`
    #[serde(deserialize_with = "bounded::optional_text::<TEXT_BYTES_MAX, _>")]
    pub machine_id: Option<String>,
    /// UUID of the mainboard or virtual machine.
    #[serde(deserialize_with = "bounded::optional_text::<TEXT_BYTES_MAX, _>")]
    pub dmi_uuid: Option<String>,
    /// Serial number of the machine.
    #[serde(deserialize_with = "bounded::optional_text::<TEXT_BYTES_MAX, _>")]
    pub serial: Option<String>,
    /// Hardware addresses of physical interfaces, lower case with colons, sorted.
    #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
    pub macs: Vec<String>,
}

/// The greeting of an enrolled agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the agent program.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub agent_version: String,
    /// The kernel's boot id: a change is a reboot.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub boot_id: String,
    /// Random per start of the agent program.
    pub run_id: [u8; 16],
    /// Who this machine may be.
    pub hints: IdentityHints,
    /// SHA-256 of the local policy file; of nothing when there is none.
    pub policy_digest: [u8; 32],
    /// What the local policy lets through besides observing.
    #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
    pub classes_allowed: Vec<Class>,
    /// The agent's clock, in microseconds of Unix time.
    pub clock_us: i64,
    /// What waits on the agent's disk, per lane.
    #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
    pub resume: Vec<LanePosition>,
    /// The generation of checks the agent runs, 0 for none. The server sends `Checks` when it has another.
    pub checks_generation: i64,
}

/// A greeting with what the agent understands beyond what all of them do: a server says nothing else to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    /// What every agent says.
    pub hello: Hello,
    /// Words of [`crate::ability`]. Those that a server does not know are nothing to it.
    #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
    pub abilities: Vec<String>,
    /// What the agent's program was built for, such as `x86_64-unknown-linux-gnu`.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub target: String,
}

/// Where a lane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanePosition {
    /// Which lane.
    pub lane: Lane,
    /// The number that comes next from the disk.
    pub next_seq: u64,
    /// How many messages wait.
    pub waiting: u64,
}

/// Lanes of durable messages, most important first. A lane that is full never pushes out a more important one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lane {
    /// Job and check results, gaps.
    Results,
    /// Facts.
    Facts,
    /// Samples.
    Metrics,
}

/// What is kept until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Durable {
    /// A section of facts changed.
    Facts(Facts),
    /// Values at one moment.
    Samples(Samples),
    /// What checks found.
    CheckResults {
        /// At least one.
        #[serde(deserialize_with = "bounded::list::<CHECKS_MAX, _, _>")]
        results: Vec<CheckResult>,
    },
    /// A job was written to the journal and is about to start.
    JobAccepted {
        /// Which job.
        job_id: [u8; 16],
        /// When, in microseconds of Unix time.
        at_us: i64,
    },
    /// A job ended. Comes again, unchanged, when the job is delivered again.
    JobResult(JobResult),
    /// Something was lost, said explicitly.
    Gap(Gap),
    /// What looks found that have more to tell than a value. Sent only by who was asked for a [`Probe::Look`].
    ///
    /// [`Probe::Look`]: super::Probe::Look
    LookResults {
        /// At least one.
        #[serde(deserialize_with = "bounded::list::<CHECKS_MAX, _, _>")]
        results: Vec<LookResult>,
    },
    /// How far it came with a release that was offered.
    Update(UpdateReport),
}

/// One section of facts, whole or as a difference; see [`crate::facts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Such as `cpu` or `packages`.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub section: String,
    /// When it was looked at, in milliseconds of Unix time.
    pub at_ms: i64,
    /// Hash of the section that the difference starts from.
    pub base_hash: [u8; 32],
    /// Hash of the section afterwards.
    pub hash: [u8; 32],
    /// `set` is the whole section; `base_hash` says nothing.
    pub full: bool,
    /// Keys with new values; values are JSON texts.
    #[serde(deserialize_with = "bounded::list::<FACTS_MAX, _, _>")]
    pub set: Vec<(String, String)>,
    /// Keys that are gone.
    #[serde(deserialize_with = "bounded::list::<FACTS_MAX, _, _>")]
    pub removed: Vec<String>,
}

/// The name of a series. The server adds and overwrites labels that say which machine it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesName {
    /// Metric name, such as `node_load1`.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub name: String,
    /// Labels, sorted by name.
    #[serde(deserialize_with = "bounded::list::<LABELS_MAX, _, _>")]
    pub labels: Vec<(String, String)>,
}

/// Values of one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Milliseconds of Unix time.
    pub at_ms: i64,
    /// Series number and value, by growing number.
    #[serde(with = "columns")]
    pub values: Vec<(u32, f64)>,
}

/// Messages that were dropped because the disk ring was full, too old or damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which lane lost them.
    pub lane: Lane,
    /// Time of the first, in milliseconds of Unix time.
    pub from_ms: i64,
    /// Time of the last.
    pub to_ms: i64,
    /// How many messages.
    pub dropped: u64,
    /// Why, in plain words.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub why: String,
}
