//! Buckets: what a source that added samples up hands out instead of them, and which functions can use which numbers.

use crate::labels::Labels;
use crate::source::Hint;
use std::sync::Arc;

/// One series, bucket by bucket: what comes after the begin of a bucket up to and including its end.
#[derive(Clone, Debug)]
pub struct Buckets {
    /// The series.
    pub labels: Labels,
    /// Ends of the buckets in ms since 1970 UTC, rising. A sample that was not added up has its own time.
    pub times: Arc<[i64]>,
    /// Length of each bucket in ms; 0 for a sample that was not added up.
    pub lengths: Arc<[i64]>,
    /// The columns that [`Hint::columns`] asks for; the others may be empty.
    pub numbers: Numbers,
}

/// The columns of buckets: one number for each of them. Staleness markers are no samples, but may stand on their own.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// How many samples.
    pub count: Vec<f64>,
    /// Their sum.
    pub sum: Vec<f64>,
    /// The smallest.
    pub min: Vec<f64>,
    /// The largest.
    pub max: Vec<f64>,
    /// The first.
    pub first: Vec<f64>,
    /// The last.
    pub last: Vec<f64>,
    /// How much a counter rose from the first to the last sample, resets counted.
    pub increase: Vec<f64>,
}

/// What a source of buckets hands out.
#[derive(Clone, Debug, Default)]
pub struct SelectedBuckets {
    /// The series.
    pub series: Vec<Buckets>,
    /// What the source wants to say about the answer, such as the tier it came from.
    pub notes: Vec<String>,
    /// What the asker should know about it.
    pub infos: Vec<String>,
    /// What the asker must know, such as damage that took samples.
    pub warnings: Vec<String>,
}

/// A column of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketColumn {
    /// [`Numbers::count`].
    Count,
    /// [`Numbers::sum`].
    Sum,
    /// [`Numbers::min`].
    Min,
    /// [`Numbers::max`].
    Max,
    /// [`Numbers::first`].
    First,
    /// [`Numbers::last`].
    Last,
    /// [`Numbers::increase`].
    Increase,
}

impl Hint<'_> {
    /// The columns that are needed of buckets.
    pub fn columns(&self) -> &'static [BucketColumn] {
        use BucketColumn::{Count, First, Increase, Last, Max, Min, Sum};
        match self.function {
            _ if self.range_ms == 0 => &[Last],
            "rate" | "increase" | "irate" => &[Count, First, Last, Increase],
            "delta" => &[Count, First, Last],
            "avg_over_time" => &[Count, Sum],
            "sum_over_time" => &[Sum],
            "count_over_time" | "present_over_time" => &[Count, Last],
            "min_over_time" => &[Min],
            "max_over_time" => &[Max],
            "first_over_time" => &[First],
            _ => &[Last],
        }
    }

    /// True if buckets answer as well as samples do, as long as windows begin and end with them. Of the latest value that
    /// is true too, but for a series that ended within a bucket.
    pub fn takes_buckets(&self) -> bool {
        const FUNCTIONS: [&str; 10] = [
            "avg_over_time",
            "count_over_time",
            "delta",
            "first_over_time",
            "increase",
            "last_over_time",
            "max_over_time",
            "min_over_time",
            "rate",
            "sum_over_time",
        ];
        self.range_ms == 0 && self.function != "timestamp" || FUNCTIONS.contains(&self.function)
    }
}

impl Numbers {
    fn columns(&self) -> [&Vec<f64>; 7] {
        [&self.count, &self.sum, &self.min, &self.max, &self.first, &self.last, &self.increase]
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.columns().iter().map(|column| column.len() * size_of::<f64>()).sum()
    }

    /// A column that holds values as they came: whoever stands for a sample can be seen in it.
    pub(crate) fn values(&self) -> &[f64] {
        [&self.last, &self.first, &self.sum, &self.min, &self.max]
            .into_iter()
            .find(|one| !one.is_empty())
            .map_or(&[], Vec::as_slice)
    }

    /// The rows that `keep` names.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let all = [
            &mut self.count,
            &mut self.sum,
            &mut self.min,
            &mut self.max,
            &mut self.first,
            &mut self.last,
            &mut self.increase,
        ];
        for column in all {
            let mut keep = keep.iter();
            column.retain(|_| keep.next().copied().unwrap_or(true));
        }
    }
}
