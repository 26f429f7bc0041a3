//! Variance, quantiles and medians.

use crate::eval::kahan::Sum;

/// Population variance by Welford's method, compensated.
pub(crate) fn variance(values: &[f64]) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
    for value in values {
        count += 1.0;
        let delta = value - (mean.sum + mean.lost);
        mean.add(delta / count);
        squares.add(delta * (value - (mean.sum + mean.lost)));
    }
    (squares.sum + squares.lost) / count
}

/// The quantile of values, which it sorts: NaN comes first, neighbours are interpolated.
pub(crate) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(nan_first);
    let rank = quantile * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let weight = rank - rank.floor();
    let at = |index: usize| values.get(index.min(values.len() - 1)).copied().unwrap_or(f64::NAN);
    at(lower) * (1.0 - weight) + at(lower + 1) * weight
}

pub(crate) fn nan_first(a: &f64, b: &f64) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The median of the distances from the median.
pub(crate) fn median_deviation(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    let median = quantile(0.5, &mut sorted);
    sorted.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, &mut sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_nan_is_smallest() {
        assert!((quantile(0.8, &mut [1.0, 0.0, 4.0]) - 2.8).abs() < 1e-9);
        assert!((quantile(0.8, &mut [0.0, f64::NAN, 1.0]) - 0.6).abs() < 1e-9);
        assert!(quantile(0.2, &mut [0.0, f64::NAN, 1.0]).is_nan());
        assert_eq!((quantile(-0.1, &mut [1.0]), quantile(1.1, &mut [1.0])), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn medians_of_deviations() {
        assert_eq!(median_deviation(&[4.0, 6.0, 2.0, 1.0, 999.0, 1.0, 2.0]), 1.0);
    }

    #[test]
    fn equal_values_do_not_vary() {
        assert_eq!(variance(&[1.5990505637277868; 3]), 0.0);
    }
}
