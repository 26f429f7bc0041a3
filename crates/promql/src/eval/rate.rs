//! `rate`, `increase`, `delta` and their instant kin.

use crate::eval::ABSENT;
use crate::eval::select::{Samples, Windows};
use crate::eval::window::Window;

/// How one window is stretched, which its times decide: the same for all series that were sampled together.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Of the first sample and one past the last; the same if there are fewer than two.
    low: usize,
    high: usize,
    /// In seconds: between the first and the last sample, from the edges to them, and the range to divide by.
    sampled: f64,
    to_start: f64,
    to_end: f64,
    seconds: f64,
    /// What a change is multiplied by if the counter was not zero within reach.
    factor: f64,
    /// Below this part of the change the oldest value may have been zero within reach.
    near_zero: f64,
}

/// Stretches of the windows over one column of times.
#[derive(Debug)]
pub(crate) struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Up to half an average interval beyond the first and last sample, or to the edge if that is nearer than 1.1
    /// intervals, as Prometheus does it.
    pub(crate) fn new(times: &[i64], windows: Windows, per_second: bool) -> Self {
        let (mut low, mut high) = (0, 0);
        let one = |step| {
            let end = windows.end(step);
            let start = end.saturating_sub(windows.range);
            high += times.get(high..).unwrap_or_default().iter().take_while(|at| **at <= end).count();
            low += times.get(low..high).unwrap_or_default().iter().take_while(|at| **at <= start).count();
            match times.get(low..high) {
                Some([first, .., last]) => Stretch::new((low, high), (*first, *last), (start, end), per_second),
                _ => Stretch::none(low),
            }
        };
        Self((0..windows.steps).map(one).collect())
    }
}

impl Stretch {
    fn none(low: usize) -> Self {
        let none = f64::NAN;
        let (sampled, to_start, to_end, seconds, factor, near_zero) = (none, none, none, none, none, none);
        Self { low, high: low, sampled, to_start, to_end, seconds, factor, near_zero }
    }

    fn new((low, high): (usize, usize), (first, last): (i64, i64), (start, end): (i64, i64), per_second: bool) -> Self {
        let sampled = (last - first) as f64 / 1e3;
        let average = sampled / (high - low - 1) as f64;
        let to_edge = |way: i64| {
            let way = way as f64 / 1e3;
            if way >= average * 1.1 { average / 2.0 } else { way }
        };
        let (to_start, to_end) = (to_edge(first - start), to_edge(end - last));
        let seconds = if per_second { (end - start) as f64 / 1e3 } else { 1.0 };
        // A little more, so that rounding leaves nothing out: what may be is looked at exactly.
        let near_zero = to_start / sampled * (1.0 + 1e-9);
        let stretch = Self { low, high, sampled, to_start, to_end, seconds, factor: 1.0, near_zero };
        Self { factor: stretch.by(to_start), ..stretch }
    }

    fn by(&self, to_start: f64) -> f64 {
        let factor = (self.sampled + to_start + self.to_end) / self.sampled;
        // Dividing by one changes nothing.
        factor / self.seconds
    }

    /// A counter was never below zero, so the line is drawn no further back than there.
    fn of_counter(&self, oldest: f64, change: f64) -> f64 {
        if change > 0.0 && oldest >= 0.0 && oldest <= change * self.near_zero {
            let to_zero = self.sampled * (oldest / change);
            if to_zero < self.to_start {
                return self.by(to_zero);
            }
        }
        self.factor
    }
}

/// The change over each window, extrapolated to its edges as Prometheus does it; counters never to before they were zero.
pub(crate) fn extrapolated(samples: &Samples, stretches: &Stretches, counter: bool) -> Vec<f64> {
    let values = samples.values.as_slice();
    let drops = if counter { drops(values) } else { Vec::new() };
    let (mut first, mut next) = (0, 0);
    let one = |stretch: &Stretch| {
        let Some([oldest, .., newest]) = values.get(stretch.low..stretch.high) else { return ABSENT };
        let mut change = newest - oldest;
        if !drops.is_empty() {
            // A drop counts if the sample before it is in the window too.
            next += drops.get(next..).unwrap_or_default().iter().take_while(|(at, _)| *at < stretch.high).count();
            first += drops.get(first..next).unwrap_or_default().iter().take_while(|(at, _)| *at <= stretch.low).count();
            drops.get(first..next).unwrap_or_default().iter().for_each(|(_, value)| change += value);
        }
        change * if counter { stretch.of_counter(*oldest, change) } else { stretch.factor }
    };
    stretches.0.iter().map(one).collect()
}

/// Where a counter fell, and from what.
fn drops(values: &[f64]) -> Vec<(usize, f64)> {
    let pairs = values.iter().zip(values.iter().skip(1)).enumerate();
    pairs.filter(|(_, (before, after))| after < before).map(|(at, (before, _))| (at + 1, *before)).collect()
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
