//! Smallest and largest samples of sliding windows, each sample looked at once.

use crate::eval::select::{Samples, Windows};
use crate::eval::window::{seconds, slide};
use crate::eval::{ABSENT, Result};
use crate::guard::Guard;
use std::collections::VecDeque;

pub(crate) fn values(
    samples: &Samples,
    windows: Windows,
    guard: &Guard,
    better: impl Fn(f64, f64) -> bool,
) -> Result<Vec<f64>> {
    let of = |at: usize| samples.values.get(at).copied().unwrap_or(ABSENT);
    places(samples, windows, guard, better, of)
}

/// Times in seconds; of equal samples the last counts.
pub(crate) fn times(
    samples: &Samples,
    windows: Windows,
    guard: &Guard,
    better: impl Fn(f64, f64) -> bool,
) -> Result<Vec<f64>> {
    places(samples, windows, guard, better, |at| seconds(samples.times.get(at)))
}

/// The place of the best sample in each window; NaN counts only where there is nothing else.
fn places(
    samples: &Samples,
    windows: Windows,
    guard: &Guard,
    better: impl Fn(f64, f64) -> bool,
    show: impl Fn(usize) -> f64,
) -> Result<Vec<f64>> {
    // Places of samples that may still become the best, the best first.
    let mut queue: VecDeque<(usize, f64)> = VecDeque::new();
    let mut seen = 0;
    slide(samples, windows, guard, |window| {
        let from = seen.max(window.low);
        let fresh = samples.values.get(from..window.high).unwrap_or_default();
        for (at, value) in (from..).zip(fresh.iter().copied()).filter(|(_, value)| !value.is_nan()) {
            while queue.back().is_some_and(|(_, last)| !better(*last, value)) {
                queue.pop_back();
            }
            queue.push_back((at, value));
        }
        seen = window.high;
        while queue.front().is_some_and(|(at, _)| *at < window.low) {
            queue.pop_front();
        }
        show(queue.front().map_or(window.high - 1, |(at, _)| *at))
    })
}
