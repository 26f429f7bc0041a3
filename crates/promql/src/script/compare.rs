//! Is an answer what a script expects?

use crate::answer::{Points, Sample, Value};
use crate::engine::When;
use crate::labels::Labels;
use crate::notation::Point;
use crate::number::format_value;
use crate::script::{Eval, Expected, Reply};

/// Values may differ by this share of the sum of their sizes.
const TOLERANCE: f64 = 1e-6;

pub(crate) fn check(eval: &Eval, reply: &Reply) -> Result<(), String> {
    check_annotations(eval, reply)?;
    check_value(eval, &reply.value)
}

fn check_annotations(eval: &Eval, reply: &Reply) -> Result<(), String> {
    for wanted in &eval.annotations {
        let (kind, given) = if wanted.warning { ("warning", &reply.warnings) } else { ("info", &reply.infos) };
        let found = given.iter().any(|text| wanted.text.as_ref().is_none_or(|test| test.accepts(text)));
        if found != wanted.wanted {
            let need = if wanted.wanted { "a fitting" } else { "no" };
            return Err(format!("expected {need} {kind}, got {given:?}"));
        }
    }
    Ok(())
}

pub(crate) fn check_value(eval: &Eval, value: &Value) -> Result<(), String> {
    match (&eval.expected, value) {
        (Expected::Fail(_), value) => Err(format!("expected an error, got {value:?}")),
        (Expected::Scalar(wanted), Value::Scalar(_, got)) => same(*wanted, *got, "scalar"),
        (Expected::Text(wanted), Value::Text(_, got)) if wanted == got => Ok(()),
        (Expected::Series(wanted), Value::Vector(got)) => check_vector(wanted, got, eval.ordered),
        (Expected::Series(wanted), Value::Matrix(got)) => match eval.when {
            When::Range { start_ms, step_ms, .. } => check_matrix(wanted, got, start_ms, step_ms),
            When::Instant(_) => Err(format!("expected an instant vector, got {got:?}")),
        },
        (Expected::Scalar(wanted), Value::Matrix(got)) => match got.as_slice() {
            [one] => one.points.iter().try_for_each(|(_, value)| same(*wanted, *value, "scalar")),
            _ => Err(format!("expected a scalar, got {got:?}")),
        },
        (Expected::Matrix(start_ms, step_ms, wanted), Value::Matrix(got)) => {
            check_matrix(wanted, got, *start_ms, *step_ms)
        }
        (wanted, got) => Err(format!("expected {wanted:?}, got {got:?}")),
    }
}

fn same(wanted: f64, got: f64, what: &str) -> Result<(), String> {
    let near = (wanted - got).abs() < TOLERANCE * (wanted.abs() + got.abs());
    if wanted == got || near || (wanted.is_nan() && got.is_nan()) {
        return Ok(());
    }
    Err(format!("{what}: expected {}, got {}", format_value(wanted), format_value(got)))
}

fn check_vector(wanted: &[(Labels, Vec<Point>)], got: &[Sample], ordered: bool) -> Result<(), String> {
    if let Some(extra) = got.iter().find(|sample| !wanted.iter().any(|(labels, _)| *labels == sample.labels)) {
        return Err(format!("unexpected series {} {}", extra.labels, format_value(extra.value)));
    }
    if got.len() > wanted.len() {
        return Err(format!("expected {} series, got {}", wanted.len(), got.len()));
    }
    for (index, (labels, points)) in wanted.iter().enumerate() {
        let Some(place) = got.iter().position(|sample| sample.labels == *labels) else {
            return Err(format!("series {labels} is missing"));
        };
        if ordered && place != index {
            return Err(format!("series {labels} is at place {} and not at {}", place + 1, index + 1));
        }
        let value = got.get(place).map_or(f64::NAN, |sample| sample.value);
        match points.as_slice() {
            [Point::Value(wanted)] => same(*wanted, value, &labels.to_string())?,
            other => return Err(format!("series {labels} should be {other:?}")),
        }
    }
    Ok(())
}

fn check_matrix(wanted: &[(Labels, Vec<Point>)], got: &[Points], start_ms: i64, step_ms: i64) -> Result<(), String> {
    if let Some(extra) = got.iter().find(|one| !wanted.iter().any(|(labels, _)| *labels == one.labels)) {
        return Err(format!("unexpected series {} {:?}", extra.labels, extra.points));
    }
    for (labels, points) in wanted {
        let mut times = (0i64..).map(|step| start_ms.saturating_add(step_ms.saturating_mul(step)));
        let points = points.iter().filter_map(|point| {
            let at = times.next()?;
            match point {
                Point::Value(value) => Some((at, *value)),
                _ => None,
            }
        });
        let points: Vec<(i64, f64)> = points.collect();
        let given = got.iter().find(|one| one.labels == *labels).map(|one| one.points.as_slice()).unwrap_or_default();
        if points.len() != given.len() {
            return Err(format!("series {labels}: expected {points:?}, got {given:?}"));
        }
        for ((at, wanted), (when, value)) in points.iter().zip(given) {
            if at != when {
                return Err(format!("series {labels}: expected a point at {at} ms, got one at {when} ms"));
            }
            same(*wanted, *value, &format!("series {labels} at {at} ms"))?;
        }
    }
    Ok(())
}
