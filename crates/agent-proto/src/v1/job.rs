//! Jobs: what an agent may be asked to do, signed and bound to its target.

use serde::{Deserialize, Serialize};

use super::check::Probe;
use crate::bounded;
use crate::limits::{ITEMS_MAX, JOB_BYTES_MAX, LONG_TEXT_BYTES_MAX, OUTPUT_BYTES_MAX, PLAN_MAX, TEXT_BYTES_MAX};
use crate::sign::Signature;

/// A job as it travels: the exact bytes that were signed, and the signature of the server's job key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedJob {
    /// A [`Job`] in postcard form; with a limit behind it when it was signed by [`crate::sign_job_within`].
    #[serde(deserialize_with = "bounded::bytes::<JOB_BYTES_MAX, _>")]
    pub bytes: Vec<u8>,
    /// Over the bytes.
    pub signature: Signature,
}

/// One action for one agent, to be done at most once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Random; the agent never executes the same id twice.
    pub job_id: [u8; 16],
    /// The one agent that may do this.
    pub agent_id: [u8; 16],
    /// How dangerous the server says it is. The agent decides for itself and takes the stricter of both.
    pub class: Class,
    /// What to do.
    pub action: Action,
    /// [`crate::plan_hash`] of `plan`.
    pub plan_hash: [u8; 32],
    /// [`crate::action_digest`] of every action of the plan that was approved. May be empty without an approval.
    #[serde(deserialize_with = "bounded::list::<PLAN_MAX, _, _>")]
    pub plan: Vec<[u8; 32]>,
    /// Not to be started before, in microseconds of Unix time.
    pub not_before_us: i64,
    /// Not to be started after, in microseconds of Unix time.
    pub not_after_us: i64,
    /// Random.
    pub nonce: [u8; 16],
    /// The stop epoch in which the job was made; an agent that has seen a later one refuses it.
    pub stop_epoch: u64,
    /// A person's key over the plan. Needed for class B.
    pub approval: Option<Approval>,
}

/// How dangerous an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// Observing, or something that the agent's local policy names.
    A,
    /// Everything else: needs an approver whose key the agent's local policy pins.
    B,
}

/// A person's signature over a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The approver's Ed25519 key; worth something only where the local policy pins it.
    pub public_key: [u8; 32],
    /// The approval ends, in microseconds of Unix time. Part of what is signed.
    pub not_after_us: i64,
    /// Made by [`crate::approve_plan`].
    pub signature: Signature,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Run a program. No shell is involved; the environment starts empty but for `PATH`, `LANG` and `HOME`.
    Command {
        /// Program and arguments.
        #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
        argv: Vec<String>,
        /// Environment to add.
        #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
        env: Vec<(String, String)>,
        /// Written to a private file whose path the program finds in `MAINSTAY_INPUT`.
        #[serde(deserialize_with = "bounded::optional_text::<LONG_TEXT_BYTES_MAX, _>")]
        input_json: Option<String>,
        /// After this many milliseconds the program and its children are killed.
        timeout_ms: u32,
        /// Start it and leave it running, also beyond the agent's own end. Done means that it started.
        detach: bool,
    },
    /// Ask systemd.
    Service {
        /// Name with its suffix, such as `nginx.service`.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        unit: String,
        /// What to ask for.
        verb: ServiceVerb,
    },
    /// Send one HTTP request. Redirects are not followed.
    Http {
        /// `GET`, `POST`, ..
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        method: String,
        /// `http://` or `https://`.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        url: String,
        /// Header lines to add.
        #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
        headers: Vec<(String, String)>,
        /// Body to send.
        #[serde(deserialize_with = "bounded::optional_text::<LONG_TEXT_BYTES_MAX, _>")]
        body: Option<String>,
        /// Status codes that are good; empty means 200 to 299.
        #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
        expect_status: Vec<u16>,
        /// Longest exchange, in milliseconds.
        timeout_ms: u32,
    },
    /// Look once. Observing: always allowed.
    Probe {
        /// What to look at.
        probe: Probe,
        /// Longest look, in milliseconds.
        timeout_ms: u32,
    },
    /// Look again and again until it is good. Observing: always allowed.
    WaitFor {
        /// What to look at.
        probe: Probe,
        /// From one look to the next, in milliseconds; at least 100.
        every_ms: u32,
        /// Give up after so many milliseconds.
        timeout_ms: u32,
    },
}

impl Action {
    /// Does this action only look?
    pub fn is_observation(&self) -> bool {
        matches!(self, Self::Probe { .. } | Self::WaitFor { .. } | Self::Service { verb: ServiceVerb::Status, .. })
    }
}

/// What to ask systemd for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceVerb {
    /// `systemctl start`
    Start,
    /// `systemctl stop`
    Stop,
    /// `systemctl restart`
    Restart,
    /// `systemctl reload`
    Reload,
    /// `systemctl show`: observing
    Status,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// Which job.
    pub job_id: [u8; 16],
    /// How it ended.
    pub state: JobState,
    /// Why, in plain words. Empty when done.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub reason: String,
    /// The program's exit code; absent when it did not exit by itself or there was no program.
    pub exit_code: Option<i32>,
    /// When it started, in microseconds of Unix time; 0 when it never did.
    pub started_us: i64,
    /// When it ended, in microseconds of Unix time.
    pub finished_us: i64,
    /// The last bytes of output and error output, as text; damaged UTF-8 is replaced.
    #[serde(deserialize_with = "bounded::text::<OUTPUT_BYTES_MAX, _>")]
    pub output: String,
    /// How many bytes of output came before that and were dropped.
    pub output_dropped_bytes: u64,
}

/// How a job ended. Each is different, and only `Done` is a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// It ran and gave what was expected.
    Done,
    /// It ran and gave something else.
    Failed,
    /// It was not started: signature, target, policy, approval or stop epoch. Or it was a look and nobody could look,
    /// which is neither yes nor no.
    Refused,
    /// It was not started: its time window is over.
    Expired,
    /// It ran too long and was killed.
    TimedOut,
    /// The agent ended while it ran, so nobody knows. It is not run again.
    Unknown,
    /// It was killed by *Stop all runs*.
    Stopped,
}

/// *Stop all runs*, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedStop {
    /// What is ordered.
    pub order: StopOrder,
    /// Of the server's job key, made by [`crate::sign_stop`].
    pub signature: Signature,
}

/// *Stop all runs*: kill what runs of an earlier epoch, and refuse every job of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopOrder {
    /// The new epoch. Agents keep the highest they have seen.
    pub stop_epoch: u64,
    /// When it was ordered, in microseconds of Unix time.
    pub at_us: i64,
}
