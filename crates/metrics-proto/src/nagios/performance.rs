//! Performance data: `'label'=value[unit];[warning];[critical];[minimum];[maximum]`, items separated by blanks.

use super::{Limits, Output, Range, Unit};
use crate::number;

/// One measured value. All numbers are in the base unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Performance {
    /// What was measured.
    pub label: String,
    /// The value; `None` if the plugin wrote `U` (it could not be determined).
    pub value: Option<f64>,
    /// The base unit.
    pub unit: Unit,
    /// Outside (or inside) of this it is a warning.
    pub warning: Option<Range>,
    /// Outside (or inside) of this it is critical.
    pub critical: Option<Range>,
    /// Least value that can be.
    pub minimum: Option<f64>,
    /// Largest value that can be.
    pub maximum: Option<f64>,
}

/// Reads the items of one piece of text into `output`.
pub(super) fn read(text: &str, limits: &Limits, output: &mut Output) {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (label, after) = label(rest);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (value, next) = after.split_at_checked(end).unwrap_or((after, ""));
        let whole = rest.get(..rest.len() - next.len()).unwrap_or(rest);
        let room = output.performance.len() < limits.performance_max;
        match label.filter(|label| room && label.len() <= limits.label_bytes_max).and_then(|label| item(label, value)) {
            Some(one) => output.performance.push(one),
            None => {
                output.unreadable += 1;
                output.unreadable_first.get_or_insert_with(|| whole.chars().take(80).collect());
            }
        }
        rest = next.trim_start();
    }
}

/// The label and what follows its `=`. In quotes it may hold blanks and `=`, and a quote written twice.
fn label(text: &str) -> (Option<String>, &str) {
    let Some(mut inner) = text.strip_prefix('\'') else {
        let end = text.find(|char: char| char == '=' || char.is_whitespace()).unwrap_or(text.len());
        let (label, after) = text.split_at_checked(end).unwrap_or((text, ""));
        return match after.strip_prefix('=') {
            Some(value) if !label.is_empty() => (Some(label.to_owned()), value),
            _ => (None, after),
        };
    };
    let mut label = String::new();
    loop {
        let Some((before, after)) = inner.split_once('\'') else { return (None, "") };
        label.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                label.push('\'');
                inner = more;
            }
            None => {
                let value = after.strip_prefix('=').filter(|_| !label.is_empty());
                return (value.map(|_| label), value.unwrap_or(after));
            }
        }
    }
}

fn item(label: String, text: &str) -> Option<Performance> {
    let mut parts = text.split(';');
    let (value, unit) = value_and_unit(parts.next()?)?;
    let (unit, factor) = Unit::read(unit);
    let mut range = || parts.next().filter(|text| !text.is_empty()).map(|text| Range::read(text)?.times(factor));
    let (warning, critical) = (range(), range());
    let mut bound = || parts.next().filter(|text| !text.is_empty()).map(|text| finite(number(text)? * factor));
    let (minimum, maximum) = (bound(), bound());
    let one = Performance {
        label,
        value: match value {
            Some(value) => Some(finite(value * factor)?),
            None => None,
        },
        unit,
        warning: flat(warning)?,
        critical: flat(critical)?,
        minimum: flat(minimum)?,
        maximum: flat(maximum)?,
    };
    // Trailing semicolons are common and harmless; a sixth part is not.
    parts.all(str::is_empty).then_some(one)
}

/// Nothing there is fine; something unreadable is not.
fn flat<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        Some(None) => None,
        Some(read) => Some(read),
        None => Some(None),
    }
}

/// Splits `12.5ms` into the number and the unit; `U` is no number.
fn value_and_unit(text: &str) -> Option<(Option<f64>, &str)> {
    if text == "U" {
        return Some((None, ""));
    }
    let digits = text.find(|char: char| !matches!(char, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    // An exponent belongs to the number if digits follow it: `1e-3s` yes, `5e` no.
    let exponent = text.get(digits..).and_then(|rest| rest.strip_prefix(['e', 'E'])).and_then(|after| {
        let signless = after.strip_prefix(['+', '-']).unwrap_or(after);
        let length = signless.find(|char: char| !char.is_ascii_digit()).unwrap_or(signless.len());
        (length > 0).then_some(1 + after.len() - signless.len() + length)
    });
    let (value, unit) = text.split_at_checked(digits + exponent.unwrap_or_default())?;
    // The guidelines: no digits, semicolons or quotes; and `1,5` is no number in any locale here.
    let sound = !unit.contains(|char: char| char.is_ascii_digit() || matches!(char, ',' | '.' | '\'' | '"'));
    Some((Some(number(value)?), unit)).filter(|_| sound)
}

pub(super) fn number(text: &str) -> Option<f64> {
    finite(number::float(text.as_bytes())?)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
