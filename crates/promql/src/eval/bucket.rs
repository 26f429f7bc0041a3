//! The arithmetic of classic histograms: cumulative counts per upper bound.

/// Differences of neighbouring counts up to this share of their sum come from rounding.
const TOLERANCE: f64 = 1e-12;

/// The observations up to a bound, and the bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) bound: f64,
    pub(crate) count: f64,
}

/// The quantile within buckets sorted by bound, and whether counts had to be raised because they fell.
pub(crate) fn quantile(quantile: f64, buckets: &mut Vec<Bucket>) -> (f64, bool) {
    if quantile.is_nan() {
        return (f64::NAN, false);
    }
    if !(0.0..=1.0).contains(&quantile) {
        return (if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }, false);
    }
    if buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
        return (f64::NAN, false);
    }
    coalesce(buckets);
    let forced = make_monotonic(buckets);
    (within(quantile, buckets), forced)
}

fn within(quantile: f64, buckets: &[Bucket]) -> f64 {
    let [bounded @ .., highest, last] = buckets else { return f64::NAN };
    if last.count == 0.0 {
        return f64::NAN;
    }
    let rank = quantile * last.count;
    let found = bounded.iter().chain([highest]).position(|bucket| bucket.count >= rank);
    let Some(place) = found else { return highest.bound };
    let Some(bucket) = buckets.get(place) else { return f64::NAN };
    match place.checked_sub(1).and_then(|before| buckets.get(before)) {
        None if bucket.bound <= 0.0 => bucket.bound,
        None => bucket.bound * (rank / bucket.count),
        Some(before) => {
            let share = (rank - before.count) / (bucket.count - before.count);
            before.bound + (bucket.bound - before.bound) * share
        }
    }
}

/// The share of observations between two values, in buckets sorted by bound.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
        return f64::NAN;
    }
    coalesce(buckets);
    let total = buckets.last().map_or(0.0, |last| last.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets, total) - rank_of(lower, buckets, total)) / total
}

/// How many observations are at most `value`, as far as the buckets tell.
fn rank_of(value: f64, buckets: &[Bucket], total: f64) -> f64 {
    let (mut start, mut rank) = (f64::NEG_INFINITY, 0.0);
    for (index, bucket) in buckets.iter().enumerate() {
        if start >= value {
            return rank;
        }
        if bucket.bound > value {
            // The lowest bucket begins at zero if it ends above it, as for quantiles.
            let start = if index == 0 && bucket.bound > 0.0 { 0.0 } else { start };
            if start.is_infinite() || bucket.bound.is_infinite() || value <= start {
                return rank;
            }
            return (rank + (bucket.count - rank) * (value - start) / (bucket.bound - start)).min(total);
        }
        (start, rank) = (bucket.bound, bucket.count);
    }
    total
}

/// Adds up buckets with the same bound.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.bound == kept.bound;
        if same {
            kept.count += next.count;
        }
        same
    });
}

/// Raises counts that are below the one before them; true if more than rounding explains.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut forced = false;
    let Some(mut before) = buckets.first().map(|bucket| bucket.count) else { return false };
    for bucket in buckets.iter_mut().skip(1) {
        if almost_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            bucket.count = before;
            forced = true;
        } else {
            before = bucket.count;
        }
    }
    forced
}

fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count }).collect()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_are_interpolated() {
        let check = |q: f64, pairs: &[(f64, f64)], expected: f64| {
            let (got, _) = quantile(q, &mut buckets(pairs));
            assert!(got == expected || (got.is_nan() && expected.is_nan()), "{q} of {pairs:?}: {got}");
        };
        let usual = [(1.0, 2.0), (2.0, 4.0), (INF, 5.0)];
        check(0.2, &usual, 0.5);
        check(0.6, &usual, 1.5);
        check(1.0, &usual, 2.0);
        check(0.5, &[(-1.0, 4.0), (INF, 5.0)], -1.0);
        check(0.5, &[(INF, 5.0)], f64::NAN);
        check(0.5, &[(1.0, 5.0)], f64::NAN);
        check(0.5, &[(1.0, 0.0), (INF, 0.0)], f64::NAN);
        check(0.5, &[], f64::NAN);
        check(-1.0, &usual, -INF);
        check(0.5, &[(1.0, 1.0), (1.0, 1.0), (INF, 4.0)], 1.0);
    }

    #[test]
    fn counts_that_fall_are_raised_and_told() {
        assert_eq!(quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 5.0), (INF, 10.0)])), (0.5, true));
        let (_, forced) = quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-13), (INF, 11.0)]));
        assert!(!forced);
    }

    #[test]
    fn fractions_are_differences_of_ranks() {
        let check = |low: f64, high: f64, expected: f64| {
            let pairs = [(0.1, 5.0), (0.2, 7.0), (1.0, 11.0), (INF, 12.0)];
            assert!((fraction(low, high, &mut buckets(&pairs)) - expected).abs() < 1e-12, "{low} to {high}");
        };
        check(0.0, 0.2, 7.0 / 12.0);
        check(0.05, 0.2, 4.5 / 12.0);
        check(-INF, INF, 1.0);
        check(1.0, 5.0, 0.0);
        check(0.2, 0.1, 0.0);
    }
}
