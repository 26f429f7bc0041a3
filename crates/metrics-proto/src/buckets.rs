//! Native (exponential) histograms as classic buckets, so that `histogram_quantile` works on them.
//!
//! The grid is fixed: bounds are powers of 2^(1/2^schema), and a coarser schema's bounds are among a finer one's. The
//! schema is lowered to [`SCHEMA_MAX`], then further until the buckets from the lowest to the highest populated one number
//! at most [`BUCKETS_MAX`]. One empty bucket below and one above are given too, so a histogram that grows into its
//! neighbour finds the series already there.

use std::fmt;

/// Finest grid: each bound is the square root of two times the one before (19 % off at most in the middle of a bucket).
pub(crate) const SCHEMA_MAX: i32 = 1;
/// Most populated range of buckets after lowering the schema, per sign.
pub(crate) const BUCKETS_MAX: i64 = 60;
/// Most spans or counts that one histogram may send, per sign.
pub(crate) const COUNTS_MAX: usize = 4_096;
/// The schema number that says "custom bounds" (Prometheus, native histograms specification).
pub(crate) const SCHEMA_CUSTOM: i64 = -53;

/// A run of buckets: index of the first, counts of them all.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// Index (Prometheus numbering: bucket `i` ends at base^i) and count of each bucket.
    pub(crate) counts: Vec<(i64, f64)>,
}

/// A native histogram, read.
#[derive(Debug, Default)]
pub(crate) struct Native {
    pub(crate) schema: i64,
    pub(crate) count: f64,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: f64,
    pub(crate) positive: Side,
    pub(crate) negative: Side,
    /// Upper bounds if the schema is [`SCHEMA_CUSTOM`].
    pub(crate) custom_bounds: Vec<f64>,
}

/// Why a histogram cannot become buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Schema,
    Index,
    Count,
    Bounds,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schema => "its schema is not between -4 and 8, nor -53",
            Self::Index => {
                "a bucket lies outside what a double can hold, or the lists of spans and counts differ in length"
            }
            Self::Count => "a count is negative or not a number, or the buckets hold more than the count",
            Self::Bounds => "its bounds do not rise",
        })
    }
}

/// Upper bounds and cumulative counts, rising, without `+Inf`.
pub(crate) fn classic(native: &Native) -> Result<Vec<(f64, f64)>, Refused> {
    let all = native.positive.counts.iter().chain(&native.negative.counts).map(|(_, count)| *count);
    let fine = |count: f64| count.is_finite() && count >= 0.0;
    if !all.chain([native.zero_count, native.count]).all(fine) || !fine(native.zero_threshold) {
        return Err(Refused::Count);
    }
    if native.schema == SCHEMA_CUSTOM {
        return custom(native);
    }
    let schema = i32::try_from(native.schema).ok().filter(|schema| (-4..=8).contains(schema)).ok_or(Refused::Schema)?;
    let top = top(schema);
    let inside = |(index, _): &(i64, f64)| (-top - (top >> 4)..=top).contains(index);
    if !native.positive.counts.iter().chain(&native.negative.counts).all(inside) {
        return Err(Refused::Index);
    }
    let negative = dense(&native.negative, schema);
    let positive = dense(&native.positive, schema);
    let mut buckets = Vec::with_capacity(negative.counts.len() + positive.counts.len() + 4);
    let mut total = 0.0;
    if let Some(last) = negative.last_index() {
        push(&mut buckets, -negative.bound(last), 0.0);
        for (index, count) in negative.descending() {
            total += count;
            push(&mut buckets, -negative.bound(index - 1), total);
        }
    }
    total += native.zero_count;
    if native.zero_count > 0.0 || !negative.counts.is_empty() {
        push(&mut buckets, native.zero_threshold, total);
    }
    if !positive.counts.is_empty() {
        push(&mut buckets, positive.bound(positive.first - 1), total);
        for (index, count) in positive.ascending() {
            total += count;
            push(&mut buckets, positive.bound(index), total);
        }
        let above = positive.first + positive.counts.len() as i64;
        push(&mut buckets, positive.bound(above), total);
    }
    agree(total, native.count)?;
    Ok(buckets)
}

/// The index of the bucket that ends beyond the largest double.
fn top(schema: i32) -> i64 {
    if schema < 0 { 1_024 >> -schema } else { 1_024 << schema }
}

/// Adds a bucket if its bound is finite and lies above the one before; a bound that repeats takes the larger count.
fn push(buckets: &mut Vec<(f64, f64)>, bound: f64, total: f64) {
    let bound = if bound == 0.0 { 0.0 } else { bound };
    match buckets.last_mut() {
        Some((last, held)) if bound <= *last => *held = total,
        _ if bound.is_finite() => buckets.push((bound, total)),
        _ => {}
    }
}

/// Buckets hold at most the count (NaN observations are counted but lie in no bucket); sums of doubles may be off a little.
fn agree(total: f64, count: f64) -> Result<(), Refused> {
    if total <= count * (1.0 + 1e-9) { Ok(()) } else { Err(Refused::Count) }
}

fn custom(native: &Native) -> Result<Vec<(f64, f64)>, Refused> {
    let rising = native.custom_bounds.iter().zip(native.custom_bounds.iter().skip(1)).all(|(one, next)| one < next);
    if !rising || native.custom_bounds.iter().any(|bound| bound.is_nan()) {
        return Err(Refused::Bounds);
    }
    let last = native.custom_bounds.len() as i64;
    if native.positive.counts.iter().any(|(index, _)| !(0..=last).contains(index)) {
        return Err(Refused::Index);
    }
    let mut counts = vec![0.0; native.custom_bounds.len() + 1];
    for (index, count) in &native.positive.counts {
        if let Some(slot) = usize::try_from(*index).ok().and_then(|index| counts.get_mut(index)) {
            *slot += count;
        }
    }
    let mut total = 0.0;
    let mut buckets = Vec::with_capacity(counts.len());
    for (bound, count) in native.custom_bounds.iter().zip(&counts) {
        total += count;
        if bound.is_finite() {
            buckets.push((*bound, total));
        }
    }
    agree(counts.iter().sum(), native.count)?;
    Ok(buckets)
}

/// Every bucket between the lowest and the highest populated one, on a grid coarse enough.
struct Dense {
    schema: i32,
    first: i64,
    counts: Vec<f64>,
}

impl Dense {
    fn bound(&self, index: i64) -> f64 {
        bound(index, self.schema)
    }

    fn last_index(&self) -> Option<i64> {
        (!self.counts.is_empty()).then(|| self.first + self.counts.len() as i64 - 1)
    }

    fn ascending(&self) -> impl Iterator<Item = (i64, f64)> {
        (self.first..).zip(self.counts.iter().copied())
    }

    fn descending(&self) -> impl Iterator<Item = (i64, f64)> {
        let end = self.first + self.counts.len() as i64;
        (self.first..end).rev().zip(self.counts.iter().rev().copied())
    }
}

fn dense(side: &Side, schema: i32) -> Dense {
    let populated = || side.counts.iter().filter(|(_, count)| *count > 0.0);
    let indexes = || populated().map(|(index, _)| *index);
    let (Some(low), Some(high)) = (indexes().min(), indexes().max()) else {
        return Dense { schema, first: 0, counts: Vec::new() };
    };
    let mut down = (schema - SCHEMA_MAX).max(0);
    while lowered(high, down) - lowered(low, down) >= BUCKETS_MAX {
        down += 1;
    }
    let first = lowered(low, down);
    let mut counts = vec![0.0; usize::try_from(lowered(high, down) - first + 1).unwrap_or_default()];
    for (index, count) in populated() {
        let slot = usize::try_from(lowered(*index, down) - first).unwrap_or_default();
        if let Some(slot) = counts.get_mut(slot) {
            *slot += count;
        }
    }
    Dense { schema: schema - down, first, counts }
}

/// The index, `down` schemas coarser, of the bucket that holds bucket `index`.
fn lowered(index: i64, down: i32) -> i64 {
    ((index - 1) >> down) + 1
}

/// Upper bound of a bucket: 2^(index / 2^schema); 0 or infinite where a double ends.
fn bound(index: i64, schema: i32) -> f64 {
    let (whole, odd) = if schema > 0 { (index >> schema, index & ((1 << schema) - 1)) } else { (index << -schema, 0) };
    let power = 2.0_f64.powi(whole.clamp(-1_100, 1_100) as i32);
    // The grid goes no finer than square roots, so there is one odd step; the constant gives the same text everywhere.
    if odd == 0 { power } else { power * std::f64::consts::SQRT_2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::SQRT_2;

    use proptest::prelude::*;

    fn native(schema: i64, positive: &[(i64, f64)], negative: &[(i64, f64)], zero: f64) -> Native {
        let count = zero + positive.iter().chain(negative).map(|(_, count)| count).sum::<f64>();
        Native {
            schema,
            count,
            zero_threshold: 0.001,
            zero_count: zero,
            positive: Side { counts: positive.to_vec() },
            negative: Side { counts: negative.to_vec() },
            custom_bounds: Vec::new(),
        }
    }

    #[test]
    fn powers_of_two_become_their_bounds() {
        let buckets = classic(&native(0, &[(1, 3.0), (3, 1.0)], &[], 0.0)).unwrap();
        assert_eq!(buckets, [(1.0, 0.0), (2.0, 3.0), (4.0, 3.0), (8.0, 4.0), (16.0, 4.0)]);
    }

    #[test]
    fn negative_observations_and_zeros_come_first() {
        let buckets = classic(&native(0, &[(0, 4.0)], &[(1, 1.0), (2, 2.0)], 3.0)).unwrap();
        let expected = [(-4.0, 0.0), (-2.0, 2.0), (-1.0, 3.0), (0.001, 6.0), (0.5, 6.0), (1.0, 10.0), (2.0, 10.0)];
        assert_eq!(buckets, expected);
    }

    #[test]
    fn a_fine_grid_is_lowered_and_its_bounds_stay_on_the_coarse_grid() {
        let fine: Vec<(i64, f64)> = (1..=256).map(|index| (index, 1.0)).collect();
        let buckets = classic(&native(8, &fine, &[], 0.0)).unwrap();
        assert_eq!(buckets, [(1.0, 0.0), (SQRT_2, 128.0), (2.0, 256.0), (2.0 * SQRT_2, 256.0)]);
    }

    #[test]
    fn a_wide_range_is_lowered_until_the_buckets_are_few() {
        let buckets = classic(&native(8, &[(-200_000, 1.0), (200_000, 1.0)], &[], 0.0)).unwrap();
        assert!(buckets.len() <= BUCKETS_MAX as usize + 3, "{}", buckets.len());
        assert_eq!(buckets.last().map(|(_, total)| *total), Some(2.0));
    }

    #[test]
    fn custom_bounds_are_taken_as_they_are() {
        let mut custom = native(SCHEMA_CUSTOM, &[(0, 1.0), (2, 2.0), (3, 4.0)], &[], 0.0);
        custom.custom_bounds = vec![0.1, 0.5, 1.0];
        assert_eq!(classic(&custom).unwrap(), [(0.1, 1.0), (0.5, 1.0), (1.0, 3.0)]);
        custom.custom_bounds = vec![0.5, 0.1, 1.0];
        assert_eq!(classic(&custom), Err(Refused::Bounds));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(classic(&native(9, &[], &[], 0.0)), Err(Refused::Schema));
        assert_eq!(classic(&native(-5, &[], &[], 0.0)), Err(Refused::Schema));
        assert_eq!(classic(&native(0, &[(i64::MAX, 1.0)], &[], 0.0)), Err(Refused::Index));
        assert_eq!(classic(&native(0, &[(i64::MIN, 1.0)], &[], 0.0)), Err(Refused::Index));
        assert_eq!(classic(&native(0, &[(1, -1.0)], &[], 0.0)), Err(Refused::Count));
        assert_eq!(classic(&native(0, &[(1, f64::NAN)], &[], 0.0)), Err(Refused::Count));
        let mut more = native(0, &[(1, 5.0)], &[], 0.0);
        more.count = 4.0;
        assert_eq!(classic(&more), Err(Refused::Count));
    }

    proptest! {
        #[test]
        fn buckets_rise_and_end_with_everything(
            schema in -4_i64..=8,
            positive in prop::collection::vec((-1_000_i64..1_000, 0_u32..1_000), 0..50),
            negative in prop::collection::vec((-1_000_i64..1_000, 0_u32..1_000), 0..50),
            zero in 0_u32..9,
        ) {
            let top = top(schema as i32) * 3 / 4;
            let side = |counts: Vec<(i64, u32)>| -> Vec<(i64, f64)> {
                counts.into_iter().map(|(index, count)| (index.clamp(-top, top), f64::from(count))).collect()
            };
            let native = native(schema, &side(positive), &side(negative), f64::from(zero));
            let buckets = classic(&native).unwrap();
            prop_assert!(buckets.len() <= 2 * BUCKETS_MAX as usize + 5);
            for (one, next) in buckets.iter().zip(buckets.iter().skip(1)) {
                prop_assert!(one.0 < next.0 && one.1 <= next.1, "{:?}", buckets);
            }
            prop_assert_eq!(buckets.last().map_or(0.0, |(_, total)| *total), native.count, "{:?}", buckets);
        }
    }
}
