//! Columns of numbers, one per step.

use crate::error::EvalError;
use crate::eval::Result;
use crate::guard::Charge;
use crate::labels::{Labels, is_metadata};
use std::collections::HashMap;

/// The bits of the value that marks a series as gone: what Prometheus calls a staleness marker. In columns it says that
/// there is no value; arithmetic never makes it, for it always makes quiet NaNs.
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// No value at this step.
pub(crate) const ABSENT: f64 = f64::from_bits(STALE_BITS);

pub(crate) fn is_absent(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// The steps of an evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) start: i64,
    /// Zero if there is one step.
    pub(crate) step: i64,
    pub(crate) steps: usize,
}

impl Grid {
    pub(crate) fn time(&self, step: usize) -> i64 {
        self.start.saturating_add(self.step.saturating_mul(i64::try_from(step).unwrap_or(i64::MAX)))
    }

    pub(crate) fn end(&self) -> i64 {
        self.time(self.steps.saturating_sub(1))
    }
}

/// A scalar at all steps.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Same(f64),
    Each(Vec<f64>),
}

impl Column {
    pub(crate) fn at(&self, step: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(step).copied().unwrap_or(f64::NAN),
        }
    }

    pub(crate) fn map(self, work: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Same(value) => Self::Same(work(value)),
            Self::Each(mut values) => {
                values.iter_mut().for_each(|value| *value = work(*value));
                Self::Each(values)
            }
        }
    }

    /// The values at `steps` steps; one if they are all the same.
    pub(crate) fn distinct(&self) -> &[f64] {
        match self {
            Self::Same(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

/// What an expression evaluates to.
#[derive(Debug)]
pub(crate) enum Data {
    Scalar(Column),
    Text(String),
    Vector(Vector),
}

/// A series with a value, or [`ABSENT`], at each step.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
    /// The metric's name goes at the end.
    pub(crate) nameless: bool,
}

impl Series {
    pub(crate) fn new(labels: Labels, values: Vec<f64>) -> Self {
        Self { labels, values, nameless: false }
    }

    pub(crate) fn has_any(&self) -> bool {
        self.values.iter().any(|value| !is_absent(*value))
    }
}

/// Series with different labels, and the memory they take.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) series: Vec<Series>,
    pub(crate) room: Charge,
}

impl Vector {
    /// `work` on every value that is there.
    pub(crate) fn map(mut self, work: impl Fn(usize, f64) -> f64) -> Self {
        for series in &mut self.series {
            for (step, value) in series.values.iter_mut().enumerate() {
                if !is_absent(*value) {
                    *value = work(step, *value);
                }
            }
        }
        self
    }

    /// Takes the metric's name away; fails if series become the same and have values at one step.
    pub(crate) fn without_names(mut self) -> Result<Self> {
        // Series of one metric do not become the same without its name.
        let metadata = |series: &Series| {
            let pairs = series.labels.iter().filter(|(name, _)| is_metadata(name));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let same = |series: &Series, first: &[(String, String)]| {
            let pairs = series.labels.iter().filter(|(name, _)| is_metadata(name));
            pairs.eq(first.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        };
        let first = self.series.first().map(metadata).unwrap_or_default();
        let one_name = self.series.iter().all(|series| same(series, &first));
        for series in &mut self.series {
            series.labels = series.labels.without_name();
        }
        if one_name { Ok(self) } else { self.merged() }
    }

    /// Takes away the names that were to go at the end.
    pub(crate) fn cleaned(mut self) -> Result<Self> {
        if !self.series.iter().any(|series| series.nameless) {
            return Ok(self);
        }
        for series in self.series.iter_mut().filter(|series| series.nameless) {
            series.labels = series.labels.without_name();
        }
        self.merged()
    }

    /// Puts series with the same labels together; fails if two have values at one step.
    pub(crate) fn merged(self) -> Result<Self> {
        Ok(Self { series: merge(self.series)?, room: self.room })
    }
}

pub(crate) fn merge(series: Vec<Series>) -> Result<Vec<Series>> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    let mut merged: Vec<Series> = Vec::with_capacity(series.len());
    for one in series {
        let place = *places.entry(one.labels.clone()).or_insert(merged.len());
        match merged.get_mut(place) {
            None => merged.push(one),
            Some(other) => {
                for (into, from) in other.values.iter_mut().zip(&one.values).filter(|(_, from)| !is_absent(**from)) {
                    if !is_absent(*into) {
                        return Err(same_labels());
                    }
                    *into = *from;
                }
            }
        }
    }
    Ok(merged)
}

pub(crate) fn same_labels() -> EvalError {
    EvalError::Invalid("vector cannot contain metrics with the same labelset".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_never_makes_the_mark_of_absence() {
        for value in [ABSENT + 1.0, ABSENT * 0.0, -ABSENT + 0.0, f64::NAN, f64::INFINITY - f64::INFINITY, ABSENT.sqrt()]
        {
            assert!(!is_absent(value), "{:x}", value.to_bits());
        }
        assert!(is_absent([ABSENT; 2].iter().copied().last().unwrap()));
    }

    #[test]
    fn series_merge_only_where_one_has_no_value() {
        let series = |values: &[f64]| Series::new(Labels::empty(), values.to_vec());
        let merged = merge(vec![series(&[1.0, ABSENT]), series(&[ABSENT, 2.0])]).unwrap();
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].values, [1.0, 2.0]);
        assert_eq!(merge(vec![series(&[1.0]), series(&[1.0])]).unwrap_err(), same_labels());
    }
}
