//! Functions of windows over buckets: where a source has added samples up, each function takes the number that it needs.
//!
//! A bucket is in a window if its end is. Where windows do not begin with a bucket, what counts or adds up is scaled by the
//! time that the buckets cover; a window in which no bucket ends takes the newest one that was over by then.

use crate::bucket::Numbers;
use crate::eval::select::{Samples, Windows};
use crate::eval::{ABSENT, is_absent};
use crate::function::WindowWork;
use std::sync::Arc;

/// What a series has besides its times and values if it came in buckets.
#[derive(Debug)]
pub(crate) struct Rolled {
    pub(crate) lengths: Arc<[i64]>,
    pub(crate) numbers: Numbers,
}

/// The rows of a window.
struct Rows<'a> {
    times: &'a [i64],
    rolled: &'a Rolled,
    low: usize,
    high: usize,
    start: i64,
    end: i64,
}

/// Puts the steps right whose windows hold buckets; `values` are those of samples.
pub(crate) fn correct(samples: &Samples, rolled: &Rolled, windows: Windows, work: WindowWork, values: &mut [f64]) {
    let times = &*samples.times;
    let (mut low, mut high) = (0, 0);
    for (step, value) in values.iter_mut().enumerate() {
        let end = windows.end(step);
        let start = end.saturating_sub(windows.range);
        high += times.get(high..).unwrap_or_default().iter().take_while(|at| **at <= end).count();
        low += times.get(low..high).unwrap_or_default().iter().take_while(|at| **at <= start).count();
        let rows = Rows { times, rolled, low, high, start, end }.or_newest();
        if rows.is_rolled(work)
            && let Some(found) = rows.value(work)
        {
            *value = found;
        }
    }
}

/// How much a counter rose from one value to the next.
fn rise(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}

impl Rows<'_> {
    /// If there is no row in the window, the newest bucket that was over, as long as the next one cannot be.
    fn or_newest(mut self) -> Self {
        let newest = self.high.checked_sub(1).filter(|_| self.low == self.high);
        if let Some(newest) = newest.filter(|at| self.time(*at) > self.end.saturating_sub(self.length(*at))) {
            self.low = newest;
        }
        self
    }

    /// True if the answer depends on a bucket.
    fn is_rolled(&self, work: WindowWork) -> bool {
        let from = if work == WindowWork::Irate { self.low.max(self.high.saturating_sub(2)) } else { self.low };
        (from..self.high).any(|at| self.length(at) > 0)
    }

    fn value(&self, work: WindowWork) -> Option<f64> {
        let numbers = &self.rolled.numbers;
        let of = |column: &[f64]| column.get(self.low..self.high).unwrap_or_default().to_vec();
        let sum = |column: &[f64]| super::over_time::sum(&of(column));
        Some(match work {
            WindowWork::Sum => self.scaled(sum(&numbers.sum)),
            WindowWork::Count => self.scaled(sum(&numbers.count)),
            WindowWork::Avg => sum(&numbers.sum) / sum(&numbers.count),
            WindowWork::Min => of(&numbers.min).into_iter().fold(f64::NAN, f64::min),
            WindowWork::Max => of(&numbers.max).into_iter().fold(f64::NAN, f64::max),
            WindowWork::First => *numbers.first.get(self.low)?,
            WindowWork::Last => *numbers.last.get(self.high.checked_sub(1)?)?,
            WindowWork::Present => 1.0,
            WindowWork::Increase => self.scaled(self.change(rise, &numbers.increase)),
            WindowWork::Rate => per_second(self.scaled(self.change(rise, &numbers.increase)), self.end - self.start),
            WindowWork::Delta => self.scaled(self.change(|before, after| after - before, &[])),
            WindowWork::Irate => return self.newest_rate(),
            _ => return None,
        })
    }

    /// The change from before the first row to the last. Without a row before, the way from one sample to the next is
    /// added as `rate` does at the edges of a window.
    fn change(&self, step: fn(f64, f64) -> f64, within: &[f64]) -> f64 {
        let Numbers { first, last, count, .. } = &self.rolled.numbers;
        let at = |column: &[f64], at: usize| column.get(at).copied().unwrap_or(f64::NAN);
        let mut change = 0.0;
        for row in self.low..self.high {
            let inside = within.get(row).copied().unwrap_or_else(|| step(at(first, row), at(last, row)));
            let before = if row > self.low { Some(row - 1) } else { self.before() };
            change += inside + before.map_or(0.0, |before| step(at(last, before), at(first, row)));
        }
        if self.before().is_some() {
            return change;
        }
        let samples: f64 = count.get(self.low..self.high).unwrap_or_default().iter().sum();
        if samples < 2.0 { ABSENT } else { change * samples / (samples - 1.0) }
    }

    /// The rate within the newest row, from the one before it.
    fn newest_rate(&self) -> Option<f64> {
        let newest = self.high.checked_sub(1)?;
        let length = self.length(newest);
        if length == 0 {
            return None;
        }
        let end = self.time(newest);
        let one = Rows { low: newest, start: end - length, end, ..*self };
        Some(per_second(one.change(rise, &self.rolled.numbers.increase), length))
    }

    /// The row before the first one, if it ends where that one begins.
    fn before(&self) -> Option<usize> {
        let length = self.length(self.low);
        let begin = self.time(self.low).saturating_sub(length);
        self.low.checked_sub(1).filter(|before| length > 0 && self.time(*before) > begin.saturating_sub(length))
    }

    /// What would add up in the window if it adds up to `number` in the time that the rows cover.
    fn scaled(&self, number: f64) -> f64 {
        let (first, last) = (self.low, self.high.saturating_sub(1));
        let begin = self.time(first).saturating_sub(self.length(first));
        let head = if self.length(first) > 0 { (self.start - begin).max(0) } else { 0 };
        let tail = Some(self.end - self.time(last)).filter(|tail| *tail < self.length(last)).unwrap_or(0);
        let range = self.end - self.start;
        let covered = range + head - tail;
        // A marker for "no value" must not become another number.
        if covered == range || covered <= 0 || is_absent(number) {
            number
        } else {
            number * range as f64 / covered as f64
        }
    }

    fn time(&self, row: usize) -> i64 {
        self.times.get(row).copied().unwrap_or(i64::MIN)
    }

    fn length(&self, row: usize) -> i64 {
        self.rolled.lengths.get(row).copied().unwrap_or(0)
    }
}

/// The marker for "no value" stays what it is.
fn per_second(number: f64, ms: i64) -> f64 {
    if is_absent(number) { number } else { number / (ms as f64 / 1e3) }
}
