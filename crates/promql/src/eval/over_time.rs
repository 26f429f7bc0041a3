//! Sums, means and counts over windows.

use crate::eval::Result;
use crate::eval::kahan::{Mean, Sum};
use crate::eval::select::{Samples, Windows};
use crate::eval::window::slide;
use crate::guard::Guard;

pub(crate) fn sum(values: &[f64]) -> f64 {
    let mut sum = Sum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum.total()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    Mean::of(values)
}

/// How many samples differ from the one before them in the way `counts` says; both must be in the window.
pub(crate) fn count_pairs(
    samples: &Samples,
    windows: Windows,
    guard: &Guard,
    counts: impl Fn(f64, f64) -> bool,
) -> Result<Vec<f64>> {
    let pairs = samples.values.iter().zip(samples.values.iter().skip(1)).enumerate();
    let places: Vec<usize> = pairs.filter(|(_, (a, b))| counts(**a, **b)).map(|(at, _)| at + 1).collect();
    let (mut first, mut next) = (0, 0);
    slide(samples, windows, guard, |window| {
        next += places.get(next..).unwrap_or_default().iter().take_while(|at| **at < window.high).count();
        first += places.get(first..next).unwrap_or_default().iter().take_while(|at| **at <= window.low).count();
        (next - first) as f64
    })
}
