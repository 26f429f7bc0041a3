//! Windows that look beyond their edges: `anchored` takes the last sample before them, `smoothed` draws lines between
//! the samples on both sides (Prometheus proposal 52). Both are experiments.

use crate::eval::ABSENT;
use crate::eval::select::{Samples, Windows};
use crate::expr::Edges;
use crate::function::WindowWork;

type Sample = (i64, f64);

/// A window's samples, and the values at its edges.
struct Span<'a> {
    first: f64,
    within: &'a [f64],
    last: f64,
}

/// The function at each step.
pub(crate) fn over(samples: &Samples, windows: Windows, edges: Edges, work: WindowWork, lookback: i64) -> Vec<f64> {
    let counter = matches!(work, WindowWork::Rate | WindowWork::Increase);
    let seconds = windows.range as f64 / 1e3;
    let one = |step| {
        let span = match edges {
            Edges::Smoothed => smoothed(samples, windows, step, lookback, counter),
            _ => anchored(samples, windows, step, lookback),
        };
        let Some(span) = span else { return ABSENT };
        match work {
            WindowWork::Changes => span.count(|a, b| a != b && !(a.is_nan() && b.is_nan())),
            WindowWork::Resets => span.count(|a, b| b < a),
            WindowWork::Delta => span.last - span.first,
            WindowWork::Rate => span.increase() / seconds,
            _ => span.increase(),
        }
    };
    (0..windows.steps).map(one).collect()
}

/// The value at each step of a selector without range.
pub(crate) fn at_steps(samples: &Samples, windows: Windows, edges: Edges) -> Vec<f64> {
    let one = |step| {
        let at = windows.end(step);
        let Some(before) = last_until(samples, at).filter(|(when, _)| *when > at.saturating_sub(windows.range)) else {
            return ABSENT;
        };
        match first_after(samples, at).filter(|(when, _)| *when < at.saturating_add(windows.range)) {
            Some(after) if edges == Edges::Smoothed => between(before, after, at, false, false),
            _ => before.1,
        }
    };
    (0..windows.steps).map(one).collect()
}

impl Span<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        std::iter::once(self.first).chain(self.within.iter().copied()).chain(std::iter::once(self.last))
    }

    fn count(&self, counts: impl Fn(f64, f64) -> bool) -> f64 {
        self.values().zip(self.values().skip(1)).filter(|(a, b)| counts(*a, *b)).count() as f64
    }

    /// With what was lost in resets.
    fn increase(&self) -> f64 {
        let lost: f64 = self.values().zip(self.values().skip(1)).filter(|(a, b)| b < a).map(|(a, _)| a).sum();
        self.last - self.first + lost
    }
}

/// Places of the samples in a window: the first, and one past the last.
fn places(samples: &Samples, windows: Windows, step: usize) -> (i64, i64, usize, usize) {
    let end = windows.end(step);
    let start = end.saturating_sub(windows.range);
    let until = |time: i64| samples.times.partition_point(|at| *at <= time);
    (start, end, until(start), until(end))
}

fn anchored(samples: &Samples, windows: Windows, step: usize, lookback: i64) -> Option<Span<'_>> {
    let (start, _, low, high) = places(samples, windows, step);
    let within = samples.values.get(low..high)?;
    let before = last_until(samples, start).filter(|(at, _)| *at > start.saturating_sub(lookback));
    Some(Span { first: before.map_or(*within.first()?, |(_, value)| value), within, last: *within.last()? })
}

fn smoothed(samples: &Samples, windows: Windows, step: usize, lookback: i64, counter: bool) -> Option<Span<'_>> {
    let (start, end, low, high) = places(samples, windows, step);
    let within = samples.values.get(low..high)?;
    let before = last_until(samples, start).filter(|(at, _)| *at > start.saturating_sub(lookback));
    let after = first_after(samples, end).filter(|(at, _)| *at <= end.saturating_add(lookback));
    let sample = |place: usize| Some((*samples.times.get(place)?, *samples.values.get(place)?));
    let inner = (!within.is_empty()).then_some(());
    let first_inner = inner.and_then(|()| sample(low));
    let last_inner = inner.and_then(|()| sample(high.checked_sub(1)?));
    let first = match (before, first_inner.or(after)) {
        (Some(before), Some(next)) => between(before, next, start, counter, true),
        _ => first_inner?.1,
    };
    let last = match (last_inner.or(before), after) {
        (Some(previous), Some(after)) => between(previous, after, end, counter, false),
        _ => last_inner?.1,
    };
    Some(Span { first, within, last })
}

/// The value at `at` on the line between two samples. A counter that fell in between began again at zero.
fn between((x1, y1): Sample, (x2, y2): Sample, at: i64, counter: bool, left: bool) -> f64 {
    let fell = counter && y2 < y1;
    let (y1, y2) = match (fell, left) {
        (true, true) => (0.0, y2),
        (true, false) => (y1, y2 + y1),
        (false, _) => (y1, y2),
    };
    y1 + (y2 - y1) * ((at - x1) as f64 / (x2 - x1) as f64)
}

fn last_until(samples: &Samples, at: i64) -> Option<Sample> {
    let place = samples.times.partition_point(|time| *time <= at).checked_sub(1)?;
    Some((*samples.times.get(place)?, *samples.values.get(place)?))
}

fn first_after(samples: &Samples, at: i64) -> Option<Sample> {
    let place = samples.times.partition_point(|time| *time <= at);
    Some((*samples.times.get(place)?, *samples.values.get(place)?))
}
