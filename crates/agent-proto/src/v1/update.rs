//! Updates: what program an agent is offered, and what came of it.

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::limits::TEXT_BYTES_MAX;
use crate::sign::Signature;

/// A version of the agent's program for one kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its version, such as `1.4.0` or `1.4.0-rc.1`.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub version: String,
    /// What it was built for, such as `x86_64-unknown-linux-gnu`.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub target: String,
    /// Length of the program in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the program.
    pub sha256: [u8; 32],
    /// It may take the place of a newer version.
    pub downgrade: bool,
}

/// A release with the signature of a release key, made by [`crate::sign_release`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRelease {
    /// What is signed.
    pub release: Release,
    /// Which key signed. An agent goes by the keys that its own policy pins.
    pub public_key: [u8; 32],
    /// Over the release.
    pub signature: Signature,
}

/// A release for this agent. May come twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The release as it was signed.
    pub signed: SignedRelease,
    /// Try it although it was rolled back here before.
    pub again: bool,
}

/// How far an agent came with a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateReport {
    /// SHA-256 of the release's program.
    pub sha256: [u8; 32],
    /// Where it stands.
    pub state: UpdateState,
    /// Why, in plain words.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub reason: String,
}

/// How far an agent came with a release. All but `Trying` are the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateState {
    /// It was fetched and verified; it runs on trial next.
    Trying,
    /// It runs, and has taken the place of the one before.
    Done,
    /// It was not taken: signature, version, target, size or the machine's policy.
    Refused,
    /// It was tried and did not do; the one before runs.
    RolledBack,
}
