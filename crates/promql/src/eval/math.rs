//! Functions of one number, and limits.

use crate::eval::{ABSENT, Column, Vector};

pub(crate) fn deg(value: f64) -> f64 {
    value * 180.0 / std::f64::consts::PI
}

pub(crate) fn rad(value: f64) -> f64 {
    value * std::f64::consts::PI / 180.0
}

pub(crate) fn sgn(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// To the nearest multiple, halves up.
pub(crate) fn round(value: f64, nearest: f64) -> f64 {
    // The inverse keeps 0.1 and the like exact.
    let inverse = 1.0 / nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// The larger; NaN if either is.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The smaller; NaN if either is.
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// Nothing where the limits are the wrong way around.
pub(crate) fn clamp(vector: Vector, least: &Column, most: &Column) -> Vector {
    let mut vector = vector.map(|step, value| {
        let (least, most) = (least.at(step), most.at(step));
        if most < least { ABSENT } else { larger(least, smaller(most, value)) }
    });
    vector.series.retain(crate::eval::Series::has_any);
    vector
}
