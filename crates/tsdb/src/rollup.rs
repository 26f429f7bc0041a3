//! Roll-ups: what the samples of a bucket (five minutes, an hour) add up to.
//!
//! A bucket is named by its end and holds the samples after its begin up to and including its end, as the windows of
//! PromQL do: the buckets with ends in `(t - r, t]` hold exactly the samples of that window if `t` and `r` are multiples
//! of the bucket's length. Staleness markers are no samples; other NaN are, as in PromQL: the sum becomes NaN, the
//! smallest and largest leave them out.

use crate::Labels;
use std::sync::Arc;

/// How many numbers a bucket has.
pub(crate) const AGGREGATES: usize = 7;

/// The bits of Prometheus' staleness marker.
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The numbers of a bucket, in the order of their columns; the role in a block is one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many samples.
    Count,
    /// Their sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The first value.
    First,
    /// The last value.
    Last,
    /// How much a counter rose from the first to the last sample: a value smaller than the one before it begins at 0.
    Increase,
}

impl Aggregate {
    pub(crate) fn at(self) -> usize {
        self as usize
    }
}

/// Which numbers of a bucket are asked for, in the order of their columns.
pub(crate) type Asked = [bool; AGGREGATES];

/// All of them.
pub(crate) const EVERYTHING: Asked = [true; AGGREGATES];

/// A series, bucket by bucket.
#[derive(Clone, Debug)]
pub struct Rollup {
    /// What names it.
    pub labels: Labels,
    /// Ends of the buckets in milliseconds since 1970 UTC, rising; buckets without samples are left out. A bucket is as
    /// long as the resolution of the part of the answer in which its end lies; in a part of resolution 0 each sample is
    /// a bucket of its own, at its own time. Series share the column where they can.
    pub times: Arc<[i64]>,
    /// Which tier answered what for this series, in order of time.
    pub parts: Arc<[Part]>,
    pub(crate) columns: [Vec<f64>; AGGREGATES],
}

/// A part of the time asked for, and what answered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The part begins after this.
    pub after_ms: i64,
    /// The part ends with this.
    pub to_ms: i64,
    /// Length of its buckets; 0 if each sample is one.
    pub resolution_ms: u32,
    /// True if a tier on disk answered, false if samples did.
    pub is_stored: bool,
}

impl Rollup {
    /// A column: one number for each time; empty if it was not asked for.
    pub fn column(&self, aggregate: Aggregate) -> &[f64] {
        self.columns.get(aggregate.at()).map(Vec::as_slice).unwrap_or_default()
    }

    /// A column to keep; see [`column`](Self::column).
    pub fn take(&mut self, aggregate: Aggregate) -> Vec<f64> {
        self.columns.get_mut(aggregate.at()).map(std::mem::take).unwrap_or_default()
    }

    /// The average of each bucket.
    pub fn averages(&self) -> Vec<f64> {
        self.column(Aggregate::Sum).iter().zip(self.column(Aggregate::Count)).map(|(sum, count)| sum / count).collect()
    }

    /// A counter without resets: for each bucket how much the series rose up to its end, from its first sample on. The
    /// difference of two of these is the increase between the ends of their buckets, resets and the steps between buckets
    /// counted; so rate and increase over it are right.
    pub fn counter(&self) -> Vec<f64> {
        let rows = self.column(Aggregate::First).iter().zip(self.column(Aggregate::Last));
        let mut before: Option<f64> = None;
        let mut total = 0.0;
        let rise = |((first, last), increase): ((&f64, &f64), &f64)| {
            total += before.map_or(*increase, |before| rise(before, *first) + increase);
            before = Some(*last);
            total
        };
        rows.zip(self.column(Aggregate::Increase)).map(rise).collect()
    }

    /// What all buckets with ends in `(after_ms, to_ms]` add up to; `None` if there is none. `Increase` counts the step
    /// from the bucket before the first, if that one ends after `after_ms - reach_ms`, as the sample before a window of
    /// samples would.
    pub fn over(&self, after_ms: i64, to_ms: i64, reach_ms: i64) -> Option<[f64; AGGREGATES]> {
        let from = self.times.partition_point(|at| *at <= after_ms);
        let to = self.times.partition_point(|at| *at <= to_ms);
        let mut all = Bucket::default();
        let near = |at: &usize| self.times.get(*at).is_some_and(|at| *at > after_ms.saturating_sub(reach_ms));
        if let Some(before) = from.checked_sub(1).filter(near) {
            all.before = self.column(Aggregate::Last).get(before).copied();
        }
        for row in from..to {
            let number = |aggregate| self.column(aggregate).get(row).copied().unwrap_or(f64::NAN);
            all.add_bucket(number);
        }
        (from < to).then(|| all.numbers())
    }
}

/// How much a counter rose from one value to the next.
fn rise(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}

/// A bucket while samples or smaller buckets are added.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    count: f64,
    sum: f64,
    /// The error of the sum (Neumaier), added at the end.
    error: f64,
    min: Option<f64>,
    max: Option<f64>,
    first: Option<f64>,
    before: Option<f64>,
    increase: f64,
}

impl Bucket {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.add_sum(value);
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        self.first = self.first.or(Some(value));
        self.increase += self.before.map_or(0.0, |before| rise(before, value));
        self.before = Some(value);
    }

    fn add_bucket(&mut self, number: impl Fn(Aggregate) -> f64) {
        self.count += number(Aggregate::Count);
        self.add_sum(number(Aggregate::Sum));
        let (min, max, first) = (number(Aggregate::Min), number(Aggregate::Max), number(Aggregate::First));
        self.min = Some(self.min.map_or(min, |one| one.min(min)));
        self.max = Some(self.max.map_or(max, |one| one.max(max)));
        self.first = self.first.or(Some(first));
        self.increase += self.before.map_or(0.0, |before| rise(before, first)) + number(Aggregate::Increase);
        self.before = Some(number(Aggregate::Last));
    }

    fn add_sum(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_finite() {
            self.error +=
                if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        }
        self.sum = sum;
    }

    fn numbers(&self) -> [f64; AGGREGATES] {
        let nan = |number: Option<f64>| number.unwrap_or(f64::NAN);
        let sum = if self.sum.is_finite() { self.sum + self.error } else { self.sum };
        [self.count, sum, nan(self.min), nan(self.max), nan(self.first), nan(self.before), self.increase]
    }
}

/// The end of the bucket that holds `at_ms`.
pub(crate) fn bucket_end(at_ms: i64, resolution_ms: u32) -> i64 {
    let length = i64::from(resolution_ms.max(1));
    let over = at_ms.rem_euclid(length);
    if over == 0 { at_ms } else { at_ms.saturating_add(length - over) }
}

/// The buckets of a series: their ends, and a column for each number.
pub(crate) fn roll_up(
    times: &[i64],
    values: &[f64],
    resolution_ms: u32,
    asked: Asked,
) -> (Vec<i64>, [Vec<f64>; AGGREGATES]) {
    let mut ends: Vec<i64> = Vec::new();
    let mut columns: [Vec<f64>; AGGREGATES] = std::array::from_fn(|_| Vec::new());
    let mut bucket = Bucket::default();
    let mut close = |bucket: &Bucket| {
        for ((column, number), _) in columns.iter_mut().zip(bucket.numbers()).zip(asked).filter(|(_, asked)| *asked) {
            column.push(number);
        }
    };
    for (at, value) in times.iter().zip(values).filter(|(_, value)| value.to_bits() != STALE_BITS) {
        let end = bucket_end(*at, resolution_ms);
        if ends.last() != Some(&end) {
            if !ends.is_empty() {
                close(&bucket);
            }
            bucket = Bucket::default();
            ends.push(end);
        }
        bucket.add(*value);
    }
    if !ends.is_empty() {
        close(&bucket);
    }
    (ends, columns)
}

/// Every sample as a bucket of its own.
pub(crate) fn each_sample(values: &[f64], asked: Asked) -> [Vec<f64>; AGGREGATES] {
    std::array::from_fn(|at| match asked.get(at) {
        Some(true) if at == Aggregate::Count.at() => vec![1.0; values.len()],
        Some(true) if at == Aggregate::Increase.at() => vec![0.0; values.len()],
        Some(true) => values.to_vec(),
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use proptest::prelude::*;

    fn rollup(samples: &[(i64, f64)], resolution_ms: u32) -> Rollup {
        let (times, values): (Vec<_>, Vec<_>) = samples.iter().copied().unzip();
        let (times, columns) = roll_up(&times, &values, resolution_ms, EVERYTHING);
        let labels = Labels::new(&[("__name__", "m")], &Options::default()).unwrap();
        Rollup { labels, times: times.into(), parts: Vec::new().into(), columns }
    }

    #[test]
    fn a_bucket_holds_what_comes_after_its_begin_up_to_its_end() {
        let all = rollup(&[(0, 1.0), (1, 2.0), (10, 3.0), (11, 4.0), (35, 5.0)], 10);
        assert_eq!(&all.times[..], [0, 10, 20, 40]);
        assert_eq!(all.column(Aggregate::Count), [1.0, 2.0, 1.0, 1.0]);
        assert_eq!(all.column(Aggregate::Sum), [1.0, 5.0, 4.0, 5.0]);
        assert_eq!(all.averages(), [1.0, 2.5, 4.0, 5.0]);
    }

    #[test]
    fn an_increase_goes_over_resets_within_and_between_buckets() {
        let all = rollup(&[(1, 10.0), (5, 30.0), (9, 4.0), (12, 2.0), (19, 7.0), (25, 17.0)], 10);
        assert_eq!(all.column(Aggregate::Increase), [24.0, 5.0, 0.0]);
        // 10 -> 30 -> (reset) 4 -> (reset) 2 -> 7 -> 17
        assert_eq!(all.counter(), [24.0, 31.0, 41.0]);
        assert_eq!(all.over(0, 30, 0).unwrap()[Aggregate::Increase.at()], 41.0);
        assert_eq!(all.over(10, 30, 0).unwrap()[Aggregate::Increase.at()], 15.0, "without a bucket before");
        assert_eq!(all.over(10, 30, 10).unwrap()[Aggregate::Increase.at()], 17.0, "with the step from the one before");
        assert!(all.over(30, 90, 10).is_none());
    }

    #[test]
    fn staleness_markers_are_no_samples_and_nan_counts_as_in_promql() {
        let stale = f64::from_bits(STALE_BITS);
        let all = rollup(&[(1, 5.0), (2, stale), (3, f64::NAN), (4, 3.0), (11, stale)], 10);
        assert_eq!(&all.times[..], [10], "a bucket of markers alone is none");
        let [count, sum, min, max, first, last, _] = all.over(0, 10, 0).unwrap();
        assert!(sum.is_nan());
        assert_eq!((count, min, max, first, last), (3.0, 3.0, 5.0, 5.0, 3.0));
    }

    proptest! {
        #[test]
        fn buckets_of_buckets_are_what_the_samples_give(
            steps in prop::collection::vec((1_i64..30, 0_i32..50), 1..200), window in 1_i64..9,
        ) {
            let samples: Vec<(i64, f64)> = steps
                .iter()
                .scan(0, |at, (step, value)| { *at += step; Some((*at, f64::from(*value))) })
                .collect();
            let all = rollup(&samples, 20);
            let end = all.times.last().copied().unwrap();
            for to in (20..=end).step_by(20) {
                let after = to - window * 20;
                let inside: Vec<f64> =
                    samples.iter().filter(|(at, _)| *at > after && *at <= to).map(|(_, value)| *value).collect();
                let Some([count, sum, min, max, first, last, increase]) = all.over(after, to, 0) else {
                    prop_assert!(inside.is_empty());
                    continue;
                };
                let rises: f64 = inside.iter().zip(inside.iter().skip(1)).map(|(a, b)| rise(*a, *b)).sum();
                prop_assert_eq!((count, sum), (inside.len() as f64, inside.iter().sum::<f64>()));
                let fold = |pick: fn(f64, f64) -> f64| inside.iter().copied().reduce(pick).unwrap();
                prop_assert_eq!((min, max), (fold(f64::min), fold(f64::max)));
                prop_assert_eq!((first, last, increase), (inside[0], inside[inside.len() - 1], rises));
            }
        }
    }
}
