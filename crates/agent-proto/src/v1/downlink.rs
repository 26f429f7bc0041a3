//! What a server says.

use serde::{Deserialize, Serialize};

use super::check::CheckSpec;
use super::job::{SignedJob, SignedStop};
use super::update::Offer;
use super::uplink::Lane;
use crate::bounded;
use crate::limits::{CHECKS_MAX, ITEMS_MAX, PART_BYTES_MAX, TEXT_BYTES_MAX};

/// A message from a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromServer {
    /// The first message on every connection.
    Challenge {
        /// Random, used once.
        nonce: [u8; 32],
        /// The server's clock, in microseconds of Unix time.
        server_time_us: i64,
    },
    /// The token was good. The agent keeps what this says and connects again.
    Enrolled(Enrolled),
    /// The key was good; work begins.
    Welcome(Welcome),
    /// Not now, or not at all. The server closes the connection afterwards.
    Refused(Refusal),
    /// Every message of this lane up to this number is stored.
    Ack {
        /// Which lane.
        lane: Lane,
        /// The last number that is stored.
        seq: u64,
    },
    /// All checks of this agent; they replace those before.
    Checks {
        /// Names this set.
        generation: i64,
        /// The checks.
        #[serde(deserialize_with = "bounded::list::<CHECKS_MAX, _, _>")]
        checks: Vec<CheckSpec>,
    },
    /// Something to do. May come twice; it is done at most once.
    Job(SignedJob),
    /// *Stop all runs*.
    Stop(SignedStop),
    /// The chain of a section is broken, or was never begun: send it whole.
    FactsResend {
        /// Which section; empty means all.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        section: String,
    },
    /// The certificate authorities to trust from now on, current and next.
    Trust {
        /// Certificates in DER form.
        #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
        bundle: Vec<Vec<u8>>,
    },
    /// Take these looks at once, beside their rhythm, and say at once what they found: something depends on it. Checks
    /// that the agent does not have are left out. Only for agents that greeted with [`crate::ability::LOOK`].
    Look {
        /// Names this request.
        number: i64,
        /// The checks, by number.
        #[serde(deserialize_with = "bounded::list::<CHECKS_MAX, _, _>")]
        checks: Vec<i64>,
    },
    /// Another version of the agent's program. Only for agents that greeted with [`crate::ability::UPDATE`].
    Update(Box<Offer>),
    /// The answer to [`super::FromAgent::Fetch`].
    Part {
        /// Of which program.
        sha256: [u8; 32],
        /// Where in it, in bytes.
        offset: u64,
        /// What stands there; nothing when the program is not to be had any more.
        #[serde(deserialize_with = "bounded::bytes::<PART_BYTES_MAX, _>")]
        bytes: Vec<u8>,
    },
}

/// What a new agent must keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The agent's name from now on.
    pub agent_id: [u8; 16],
    /// The Ed25519 key that signs jobs and stops.
    pub server_public_key: [u8; 32],
    /// Certificate authorities to trust, in DER form: current and next.
    #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
    pub trust: Vec<Vec<u8>>,
    /// An administrator still has to approve; until then `Prove` is refused as pending.
    pub pending: bool,
}

/// The start of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The agent's name, as a cross-check.
    pub agent_id: [u8; 16],
    /// How much to send.
    pub profile: Profile,
    /// The server's clock, in microseconds of Unix time.
    pub server_time_us: i64,
    /// The highest stop epoch; jobs of an earlier one are refused.
    pub stop_epoch: u64,
}

/// How much an agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Which series.
    pub kind: ProfileKind,
    /// From one sample to the next, in milliseconds.
    pub metrics_interval_ms: u32,
    /// From one look at the facts to the next, in milliseconds.
    pub facts_interval_ms: u32,
    /// From one ping to the next, in milliseconds; three without an answer end the connection.
    pub ping_interval_ms: u32,
}

impl Profile {
    /// About 300 series every 15 s.
    pub const SERVER: Self = Self {
        kind: ProfileKind::Server,
        metrics_interval_ms: 15_000,
        facts_interval_ms: 600_000,
        ping_interval_ms: 30_000,
    };
    /// At most 40 series every 60 s.
    pub const WORKSTATION: Self = Self {
        kind: ProfileKind::Workstation,
        metrics_interval_ms: 60_000,
        facts_interval_ms: 1_800_000,
        ping_interval_ms: 60_000,
    };
}

/// Which series an agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProfileKind {
    /// About 300.
    Server,
    /// At most 40.
    Workstation,
}

/// Why an agent is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For the program.
    pub code: RefusalCode,
    /// For a person.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub text: String,
    /// Not to try again before so many milliseconds; 0 leaves it to the agent.
    pub retry_after_ms: u32,
}

/// Why an agent is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalCode {
    /// An administrator has not approved yet.
    Pending,
    /// The key was revoked.
    Revoked,
    /// The key was seen from two machines.
    Quarantined,
    /// The key is not enrolled here.
    UnknownKey,
    /// The token is wrong, used up or expired.
    WrongToken,
    /// The proof does not hold for this connection.
    BadProof,
    /// The server does not speak this version any more.
    Version,
    /// The server has too much to do.
    Busy,
    /// The agent broke the order of messages or a limit.
    Protocol,
}
