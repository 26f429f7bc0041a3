//! Durable jobs: what reaches beyond the database after commit. Leases, back-off, dead letters, schedules. A job may run
//! twice; each says why that is harmless.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::running::Handle;
use crate::time::Time;

pub(crate) mod dead;
pub mod operations;
pub(crate) mod store;
pub(crate) mod worker;

/// A job to queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its kind, as registered.
    pub kind: &'static str,
    /// Its input.
    pub payload: Value,
    /// Not before this moment; `None` is now.
    pub run_at: Option<Time>,
    /// While a job with this key waits, another is not queued.
    pub key: Option<String>,
}

impl Job {
    /// A job to run soon.
    pub fn new(kind: &'static str, payload: &impl Serialize) -> Result<Self> {
        let payload = serde_json::to_value(payload).map_err(|error| Error::internal("job-not-json", error))?;
        Ok(Self { kind, payload, run_at: None, key: None })
    }

    /// Not before a moment.
    #[must_use]
    pub fn at(mut self, run_at: Time) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// At most one waiting under this key.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// A running job.
pub struct Running<'a> {
    /// The kernel.
    pub kernel: &'a Handle,
    /// Its row.
    pub id: i64,
    /// Which try this is, from 1.
    pub attempt: i64,
    /// Its input.
    pub payload: &'a Value,
}

impl Running<'_> {
    /// The input as a type.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.payload.clone()).map_err(|error| Error::internal("job-input", error))
    }
}

/// A kind of job.
pub struct JobEntry {
    /// `domain.job-name`, imperative; stored, so it never changes.
    pub kind: &'static str,
    /// Does it. An error means: again later, with back-off, at most `limits::JOB_TRIES` times.
    pub run: fn(&Running<'_>) -> Result<()>,
}

/// When a job runs by itself.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The job's kind.
    pub kind: &'static str,
    /// How often, in microseconds.
    pub every: i64,
}
