//! Order of instant answers.

use crate::eval::call::arg;
use crate::eval::statistics::nan_first;
use crate::eval::{Cx, Grid, Result, Series, Vector};
use crate::expr::{Call, Span};
use crate::function::Special;
use std::cmp::Ordering;

impl Cx<'_> {
    pub(crate) fn sorted(
        &self,
        mut vector: Vector,
        special: Special,
        call: &Call,
        grid: Grid,
        span: Span,
    ) -> Result<Vector> {
        if self.is_range {
            self.warn(span, "sort is ineffective for range queries since results are always ordered by labels");
            return Ok(vector);
        }
        let first = |series: &Series| series.values.first().copied().unwrap_or(f64::NAN);
        let names =
            || (1..call.args.len()).map(|index| self.string(arg(call, index)?, grid)).collect::<Result<Vec<_>>>();
        match special {
            Special::Sort => vector.series.sort_by(|a, b| nan_last(first(a), first(b), false)),
            Special::SortDesc => vector.series.sort_by(|a, b| nan_last(first(a), first(b), true)),
            Special::SortByLabel => {
                let names = names()?;
                vector.series.sort_by(|a, b| compare(a, b, &names));
            }
            Special::SortByLabelDesc => {
                let names = names()?;
                vector.series.sort_by(|a, b| compare(b, a, &names));
            }
            _ => return Err(crate::eval::internal("not a sorting function")),
        }
        Ok(vector)
    }
}

/// NaN comes last whichever way the rest goes.
pub(crate) fn nan_last(a: f64, b: f64, down: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if down => nan_first(&b, &a),
        (false, false) => nan_first(&a, &b),
        (a, b) => a.cmp(&b),
    }
}

fn compare(a: &Series, b: &Series, names: &[String]) -> Ordering {
    let value = |series: &Series, name: &str| series.labels.get(name).unwrap_or_default().to_owned();
    let by_names = names.iter().map(|name| natural(&value(a, name), &value(b, name)));
    by_names.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.labels.cmp(&b.labels))
}

/// As people sort: digits count as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (left, left_rest) = chunk(a);
        let (right, right_rest) = chunk(b);
        if left.is_empty() || right.is_empty() {
            return left.len().cmp(&right.len());
        }
        let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(left) && digits(right) {
            let bare = |text: &str| text.trim_start_matches('0').to_owned();
            let (x, y) = (bare(left), bare(right));
            x.len().cmp(&y.len()).then_with(|| x.cmp(&y)).then_with(|| left.len().cmp(&right.len()))
        } else {
            left.cmp(right)
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (left_rest, right_rest);
    }
}

/// The digits, or the other characters, that a text begins with.
fn chunk(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_sort_as_numbers() {
        let mut names = ["cpu10", "cpu2", "cpu", "a", "cpu02", "10", "9"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["9", "10", "a", "cpu", "cpu2", "cpu02", "cpu10"]);
    }

    #[test]
    fn nan_is_last_both_ways() {
        for down in [false, true] {
            let mut values = [f64::NAN, 1.0, 2.0];
            values.sort_by(|a, b| nan_last(*a, *b, down));
            assert!(values[2].is_nan());
            assert_eq!(values[0], if down { 2.0 } else { 1.0 });
        }
    }
}
