//! `rate`, `increase`, `delta` and their instant kin.

use crate::eval::select::{Samples, Windows};
use crate::eval::window::{Window, slide};
use crate::eval::{ABSENT, Result};
use crate::guard::Guard;

/// The change over each window, extrapolated to its edges as Prometheus does it: up to half an average interval beyond
/// the first and last sample, or to the edge if that is nearer than 1.1 intervals; counters never before they were zero.
pub(crate) fn extrapolated(
    samples: &Samples,
    windows: Windows,
    guard: &Guard,
    counter: bool,
    per_second: bool,
) -> Result<Vec<f64>> {
    let drops = if counter { drops(&samples.values) } else { Vec::new() };
    let (mut first, mut next) = (0, 0);
    slide(samples, windows, guard, |window| {
        // A drop counts if the sample before it is in the window too.
        next += drops.get(next..).unwrap_or_default().iter().take_while(|(at, _)| *at < window.high).count();
        first += drops.get(first..next).unwrap_or_default().iter().take_while(|(at, _)| *at <= window.low).count();
        let lost = drops.get(first..next).unwrap_or_default();
        let ([_, .., last], [oldest, .., newest]) = (window.times, window.values) else { return ABSENT };
        let mut change = newest - oldest;
        lost.iter().for_each(|(_, value)| change += value);
        change * stretch(&window, *last, *oldest, change, counter, per_second)
    })
}

/// Where a counter fell, and from what.
fn drops(values: &[f64]) -> Vec<(usize, f64)> {
    let pairs = values.iter().zip(values.iter().skip(1)).enumerate();
    pairs.filter(|(_, (before, after))| after < before).map(|(at, (before, _))| (at + 1, *before)).collect()
}

fn stretch(window: &Window<'_>, last: i64, oldest: f64, change: f64, counter: bool, per_second: bool) -> f64 {
    let first = window.times.first().copied().unwrap_or(last);
    let sampled = (last - first) as f64 / 1e3;
    let average = sampled / (window.times.len() - 1) as f64;
    let threshold = average * 1.1;
    let mut to_start = (first - window.start) as f64 / 1e3;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter {
        let to_zero = if change > 0.0 && oldest >= 0.0 { sampled * (oldest / change) } else { to_start };
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    let mut to_end = (window.end - last) as f64 / 1e3;
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let factor = (sampled + to_start + to_end) / sampled;
    if per_second { factor / ((window.end - window.start) as f64 / 1e3) } else { factor }
}

/// The change between the last two samples; per second and aware of resets if `per_second`.
pub(crate) fn instant(window: &Window<'_>, per_second: bool) -> f64 {
    let ([.., earlier, later], [.., before, after]) = (window.times, window.values) else { return ABSENT };
    let interval = (later - earlier) as f64 / 1e3;
    if interval == 0.0 {
        return ABSENT;
    }
    match per_second {
        true if after < before => after / interval,
        true => (after - before) / interval,
        false => after - before,
    }
}
