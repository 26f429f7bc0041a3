//! Lines through samples, and smoothing.

use crate::eval::ABSENT;
use crate::eval::kahan::Sum;
use crate::eval::window::Window;

/// The slope per second of the line that fits best.
pub(crate) fn slope(window: &Window<'_>) -> f64 {
    match window.times {
        [first, _, ..] => line(window, *first).0,
        _ => ABSENT,
    }
}

/// Where the line that fits best is `ahead` seconds after `now` (ms).
pub(crate) fn predict(window: &Window<'_>, now: i64, ahead: f64) -> f64 {
    if window.times.len() < 2 {
        return ABSENT;
    }
    let (slope, intercept) = line(window, now);
    slope * ahead + intercept
}

/// Slope and height at `origin` (ms) of the least-squares line.
fn line(window: &Window<'_>, origin: i64) -> (f64, f64) {
    let first = window.values.first().copied().unwrap_or(f64::NAN);
    if window.values.iter().all(|value| *value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) =
        (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for (at, y) in window.times.iter().zip(window.values) {
        let x = (*at - origin) as f64 / 1e3;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let count = window.values.len() as f64;
    let [x_sum, y_sum, xy_sum, xx_sum] = [x_sum, y_sum, xy_sum, xx_sum].map(|sum| sum.sum + sum.lost);
    let slope = (xy_sum - x_sum * y_sum / count) / (xx_sum - x_sum * x_sum / count);
    (slope, y_sum / count - slope * x_sum / count)
}

/// Double exponential smoothing (Holt's linear method; NIST handbook 6.4.3.3).
pub(crate) fn smooth(window: &Window<'_>, level: f64, trend: f64) -> f64 {
    let [first, second, ..] = window.values else { return ABSENT };
    let (mut before, mut smoothed, mut slope) = (0.0, *first, second - first);
    for (index, value) in window.values.iter().enumerate().skip(1) {
        if index > 1 {
            slope = trend * (smoothed - before) + (1.0 - trend) * slope;
        }
        let next = level * value + (1.0 - level) * (smoothed + slope);
        (before, smoothed) = (smoothed, next);
    }
    smoothed
}
