//! What the last scrape of a target showed, as people see it.

use kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target::Target;

/// What the last scrape of a target showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `None` before the first.
    pub(crate) up: Option<bool>,
    pub(crate) at_ms: i64,
    pub(crate) took_us: u64,
    /// Of the answer, unpacked.
    pub(crate) bytes: usize,
    pub(crate) scraped: usize,
    pub(crate) kept: usize,
    /// Series that are there now.
    pub(crate) series: usize,
    pub(crate) refused: usize,
    pub(crate) because: Option<String>,
    pub(crate) error: Option<String>,
}

/// A target and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetState {
    /// The job it belongs to.
    pub job: i64,
    /// The job's name.
    pub job_name: String,
    /// What it is called: the label instance.
    pub instance: String,
    /// Its address.
    pub url: String,
    /// What every series of it has.
    pub labels: std::collections::BTreeMap<String, String>,
    /// The asset it is on, if that is known.
    pub asset: Option<i64>,
    /// up, down, or waiting for its first scrape.
    pub state: String,
    /// Why it is down.
    pub error: Option<String>,
    /// When it was scraped last.
    pub at: Option<Time>,
    /// How long that took, in microseconds.
    pub took_us: u64,
    /// Bytes of the answer, unpacked.
    pub bytes: usize,
    /// Samples in the answer.
    pub samples: usize,
    /// Samples that the rules left.
    pub kept: usize,
    /// Series that are there now.
    pub series: usize,
    /// Series and samples that were refused one by one.
    pub refused: usize,
    /// Why the first of them were.
    pub because: Option<String>,
    /// Seconds from one scrape to the next.
    pub interval_s: f64,
}

impl TargetState {
    /// A target as it was seen last.
    pub(crate) fn of(target: &Target, seen: &Seen, job_name: String) -> Self {
        let state = match seen.up {
            None => "waiting",
            Some(true) => "up",
            Some(false) => "down",
        };
        Self {
            job: target.job,
            job_name,
            instance: target.instance().to_owned(),
            url: target.url(),
            labels: target.labels.clone(),
            asset: target.asset,
            state: state.to_owned(),
            error: seen.error.clone(),
            at: seen.up.map(|_| Time(seen.at_ms.saturating_mul(1_000))),
            took_us: seen.took_us,
            bytes: seen.bytes,
            samples: seen.scraped,
            kept: seen.kept,
            series: seen.series,
            refused: seen.refused,
            because: seen.because.clone(),
            interval_s: target.interval_ms as f64 / 1_000.0,
        }
    }
}
