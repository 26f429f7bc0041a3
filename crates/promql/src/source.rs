//! Where samples come from.

use crate::bucket::SelectedBuckets;
use crate::error::SourceError;
use crate::expr::Grouping;
use crate::labels::Labels;
use crate::matcher::Matcher;
use std::sync::Arc;

/// A store of samples, asked once per selector of a query, from any thread.
pub trait Source: Sync {
    /// The series that all matchers accept, each with its samples in `(after_ms, until_ms]` in order of time. Series
    /// without samples there are left out; no two have the same labels. Staleness markers are handed out like samples.
    ///
    /// # Errors
    /// [`SourceError::TooManySamples`] beyond `samples_max`; otherwise in the store's words.
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError>;

    /// The same series in buckets, if the store would rather answer with these; [`select`](Self::select) is asked if not.
    /// A bucket belongs to the windows in which it ends. Those that end up to [`BUCKET_MS_MAX`] before `after_ms` help too.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn select_buckets(&self, _selection: &Selection<'_>) -> Result<Option<SelectedBuckets>, SourceError> {
        Ok(None)
    }
}

/// Longest bucket, in ms.
pub const BUCKET_MS_MAX: i64 = 3_600_000;

/// What a query wants to read.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    /// Which series.
    pub matchers: &'a [Matcher],
    /// Samples after this time, in ms.
    pub after_ms: i64,
    /// Samples up to and at this time, in ms.
    pub until_ms: i64,
    /// What will be done with them: a store that holds roll-ups may choose by it.
    pub hint: Hint<'a>,
    /// No more samples than this, all series together.
    pub samples_max: usize,
    /// True once nobody waits for the answer any more; to be asked now and then.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// What is done with the samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hint<'a> {
    /// The function right around the selector; empty if there is none.
    pub function: &'a str,
    /// The selector's range in ms; zero if it takes the latest value.
    pub range_ms: i64,
    /// Time between two steps in ms; zero for one moment.
    pub step_ms: i64,
    /// The aggregation right around it.
    pub grouping: Option<&'a Grouping>,
}

/// What a source hands out.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// The series.
    pub series: Vec<SeriesData>,
    /// What the source wants to say about the answer, such as the tier it came from.
    pub notes: Vec<String>,
    /// What the asker must know, such as damage that took samples.
    pub warnings: Vec<String>,
}

/// The samples of one series as columns of the same length. Series that were sampled together may share their times.
#[derive(Clone, Debug)]
pub struct SeriesData {
    /// The series.
    pub labels: Labels,
    /// Times in ms since 1970 UTC, each later than the one before.
    pub times: Arc<[i64]>,
    /// Values.
    pub values: Vec<f64>,
}
