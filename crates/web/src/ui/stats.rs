//! The strip of figures on top of a page, each with a small line of its last values.

use super::{Tone, href};
use maud::{Markup, html};
use std::fmt::Write as _;

/// One figure.
#[derive(Debug, Clone, Default)]
pub struct Stat {
    /// What is counted: "Services up".
    pub label: String,
    /// The figure with its unit: "46 / 48".
    pub value: String,
    /// What it means or is compared with: "goal 30 min".
    pub note: String,
    /// Its last values, oldest first; empty draws nothing.
    pub spark: Vec<f64>,
    /// Critical and warn colour the line.
    pub tone: Tone,
    /// Where the figure comes from.
    pub href: Option<String>,
}

/// A strip of up to six figures.
#[must_use]
pub fn stats(figures: &[Stat]) -> Markup {
    html! {
        section class="card stats" aria-label="Figures" {
            @for figure in figures {
                @let inside = html! {
                    span.l { (figure.label) } span.v { (figure.value) } span.n { (figure.note) }
                    @if figure.spark.len() > 1 { (sparkline(&figure.spark, figure.tone)) }
                };
                @if let Some(to) = &figure.href { a href=(href(to)) { (inside) } } @else { div { (inside) } }
            }
        }
    }
}

/// A line of values without axes, drawn on the server. Values that are not finite are left out.
#[must_use]
pub fn sparkline(values: &[f64], tone: Tone) -> Markup {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let (line, area) = outline(&finite);
    html! {
        svg class={ "spark " (tone.class()) } viewBox="0 0 84 28" preserveAspectRatio="none" aria-hidden="true" {
            path.a d=(area) {} path.p d=(line) {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sparkline has at most a few hundred points")]
fn outline(values: &[f64]) -> (String, String) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let step = 84.0 / values.len().saturating_sub(1).max(1) as f64;
    let mut line = String::new();
    for (at, value) in values.iter().enumerate() {
        let (x, y) = (at as f64 * step, 25.0 - (value - low) / span * 22.0);
        let _ = write!(line, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
    }
    let area = if line.is_empty() { String::new() } else { format!("{line}V28H0z") };
    (line, area)
}

#[cfg(test)]
mod tests {
    use super::sparkline;
    use crate::ui::Tone;

    #[test]
    fn a_line_survives_flat_empty_and_broken_values() {
        assert!(sparkline(&[3.0, 3.0], Tone::Ok).0.contains("M0.0 25.0L84.0 25.0"));
        for values in [&[][..], &[1.0], &[f64::NAN, f64::INFINITY]] {
            let html = sparkline(values, Tone::Ok).0;
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }
}
