//! Paths of lines in whole numbers, each point relative to the one before: short, and the same in every browser.

use super::scale::Scale;
use super::times::share;
use std::fmt::Write as _;

/// The box that lines are drawn in; it is stretched over the plot.
pub(super) const WIDTH: i64 = 1_000;
pub(super) const HEIGHT: i64 = 500;

/// One line as paths.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Traced {
    /// What is joined; a new `M` begins after every gap.
    pub(super) line: String,
    /// Points with a gap on both sides; empty when there are none.
    pub(super) dots: String,
    /// What is under the line, down to zero.
    pub(super) area: String,
}

/// A line between two instants. A point without a value is a gap.
pub(super) fn trace(points: &[(i64, Option<f64>)], (from_ms, to_ms): (i64, i64), scale: &Scale) -> Traced {
    let mut out = Traced::default();
    let ground = whole((1.0 - scale.share(scale.low.max(0.0))) * size(HEIGHT));
    let mut run: Vec<(i64, i64)> = Vec::new();
    for (at, value) in points.iter().filter(|(at, _)| (from_ms..=to_ms).contains(at)) {
        match value.filter(|value| value.is_finite()) {
            Some(value) => {
                let x = whole(share(*at, from_ms, to_ms) * size(WIDTH));
                let y = whole((1.0 - scale.share(value)) * size(HEIGHT));
                if run.last() != Some(&(x, y)) {
                    run.push((x, y));
                }
            }
            None => end(&mut out, &mut run, ground),
        }
    }
    end(&mut out, &mut run, ground);
    out
}

fn end(out: &mut Traced, run: &mut Vec<(i64, i64)>, ground: i64) {
    let (Some((x, y)), Some((last, _))) = (run.first().copied(), run.last().copied()) else { return };
    if run.len() == 1 {
        let _ = write!(out.dots, "M{x} {y}h0");
    } else {
        let mut way = String::new();
        let steps = run.iter().zip(run.iter().skip(1)).map(|(a, b)| (b.0 - a.0, b.1 - a.1));
        for (nth, (dx, dy)) in steps.enumerate() {
            let between = if nth == 0 || dx < 0 { "" } else { " " };
            let _ = write!(way, "{between}{dx}{}{dy}", if dy < 0 { "" } else { " " });
        }
        let _ = write!(out.line, "M{x} {y}l{way}");
        let _ = write!(out.area, "M{x} {y}l{way}L{last} {ground}H{x}z");
    }
    run.clear();
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the box and a little more")]
fn whole(value: f64) -> i64 {
    value.clamp(-9_999.0, 9_999.0).round() as i64
}

#[expect(clippy::cast_precision_loss, reason = "a box has few units")]
const fn size(units: i64) -> f64 {
    units as f64
}

#[cfg(test)]
mod tests {
    use super::{super::scale::Scale, trace};

    fn line(points: &[(i64, Option<f64>)]) -> (String, String, String) {
        let scale = Scale::of([0.0, 100.0].into_iter(), "%");
        let traced = trace(points, (0, 1_000), &scale);
        (traced.line, traced.dots, traced.area)
    }

    #[test]
    fn paths_join_points_break_at_gaps_and_leave_out_what_is_outside() {
        type Case = (&'static [(i64, Option<f64>)], &'static str, &'static str);
        let cases: [Case; 6] = [
            (&[], "", ""),
            (&[(0, Some(0.0)), (500, Some(100.0)), (1_000, Some(50.0))], "M0 500l500-500 500 250", ""),
            (&[(0, Some(0.0)), (10, None), (20, Some(0.0)), (30, Some(0.0))], "M20 500l10 0", "M0 500h0"),
            (&[(-5, Some(0.0)), (0, Some(f64::NAN)), (2_000, Some(1.0))], "", ""),
            (&[(0, None), (5, Some(20.0)), (5, Some(20.0)), (6, None)], "", "M5 400h0"),
            (&[(0, Some(1e300)), (1_000, Some(-1e300))], "M0-9999l1000 19998", ""),
        ];
        for (points, expected, dots) in cases {
            let (path, dotted, _) = line(points);
            assert_eq!((path.replace("M0 -", "M0-").as_str(), dotted.as_str()), (expected, dots), "{points:?}");
        }
    }

    #[test]
    fn an_area_reaches_down_to_zero() {
        let (.., area) = line(&[(0, Some(50.0)), (1_000, Some(50.0))]);
        assert_eq!(area, "M0 250l1000 0L1000 500H0z");
    }
}
