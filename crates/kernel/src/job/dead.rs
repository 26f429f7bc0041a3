//! What waits and what was given up, as operators see it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::time::Time;

mod store;

pub(crate) use store::{Buried, bury};
pub(super) use store::{list, take, waiting};

/// A job that waits or runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WaitingJob {
    /// Its number.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// Not before this moment; while it runs, the end of its lease.
    pub run_at: Time,
    /// Tries so far.
    pub attempts: i64,
    /// True while a worker has it.
    pub running: bool,
    /// Why the last try failed; empty when none did.
    pub last_error: String,
    /// Since when it waits.
    pub created_at: Time,
}

/// A job or a reaction that was given up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// `job` or `reaction`.
    pub source: String,
    /// The job's kind or the reaction's name.
    pub name: String,
    /// The event that the reaction could not take.
    pub event: Option<i64>,
    /// Why.
    pub error: String,
    /// When it was given up.
    pub at: Time,
    #[serde(skip)]
    pub(super) payload: Value,
}
