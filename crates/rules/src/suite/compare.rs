//! What was expected and what came, compared and shown.

use promql::{Labels, format_float};

pub(super) fn same_alerts(expected: &[(Labels, Labels)], got: &[(Labels, Labels)]) -> bool {
    expected == got
}

/// Both in order of labels. `fuzzy` lets the last bit differ.
pub(super) fn same_samples(expected: &[(Labels, f64)], got: &[(Labels, f64)], fuzzy: bool) -> bool {
    let same = |(a, b): (&(Labels, f64), &(Labels, f64))| a.0 == b.0 && same_number(a.1, b.1, fuzzy);
    expected.len() == got.len() && expected.iter().zip(got).all(same)
}

fn same_number(a: f64, b: f64, fuzzy: bool) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (fuzzy && (a.next_down() == b || a.next_up() == b))
}

pub(super) fn alerts_text(all: &[(Labels, Labels)]) -> String {
    if all.is_empty() {
        return "[]".to_owned();
    }
    let lines = all.iter().enumerate().map(|(place, (labels, annotations))| {
        format!("\n            {place}:\n              Labels:{labels}\n              Annotations:{annotations}")
    });
    format!("[{}\n            ]", lines.collect::<Vec<_>>().join(","))
}

pub(super) fn samples_text(all: &[(Labels, f64)]) -> String {
    let all: Vec<String> = all.iter().map(|(labels, value)| format!("{labels} {}", format_float(*value))).collect();
    if all.is_empty() { "nil".to_owned() } else { all.join(", ") }
}
