//! Rows of spans over days: who does something when. Each span has a shape and words, so that colour is not needed, and is named
//! in full when pointed at; a table beside it says the same to those who do not see it.

use std::collections::BTreeMap;

use super::person::{hue_class, hues, initials};
use maud::{Markup, Render, html};

/// What a span says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// Somebody: coloured by their name.
    #[default]
    Person,
    /// Nobody, where somebody should be.
    Gap,
    /// Nobody, as planned.
    Quiet,
    /// Something that is planned, such as maintenance.
    Planned,
    /// Nobody is told.
    Silenced,
}

/// A span of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stripe {
    /// Where it begins, as a share of the row from 0 to 1.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// What stands in it where there is room.
    pub text: String,
    /// What it is in full.
    pub title: String,
    /// What it says.
    pub fill: Fill,
}

/// Rows of spans under one scale.
#[derive(Debug, Clone, Default)]
pub struct Strips {
    label: String,
    marks: Vec<(f64, String)>,
    now: Option<f64>,
    rows: Vec<(String, Vec<Stripe>)>,
}

impl Strips {
    /// Rows that show what `label` says.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// The days above the rows: where each begins, as a share, and its name, whose second word stands below the first.
    #[must_use]
    pub fn marks(mut self, marks: impl IntoIterator<Item = (f64, String)>) -> Self {
        self.marks = marks.into_iter().collect();
        self
    }

    /// Where the present moment is, as a share.
    #[must_use]
    pub const fn now(mut self, at: f64) -> Self {
        self.now = Some(at);
        self
    }

    /// A row with its name.
    #[must_use]
    pub fn row(mut self, name: impl Into<String>, stripes: Vec<Stripe>) -> Self {
        self.rows.push((name.into(), stripes));
        self
    }
}

/// A share as a percentage that is safe to write into an attribute.
fn share(at: f64) -> String {
    let at = if at.is_finite() { at.clamp(0.0, 1.0) } else { 0.0 };
    format!("{:.3}%", at * 100.0)
}

/// A span is drawn at least so wide, so that it is seen in a month too.
const WIDTH_MIN: f64 = 0.006;

/// What of a text there is room for in a share of a row: all of it, the initials of a person, or nothing. Rows are about 640
/// pixels wide.
fn fitting(text: &str, width: f64, person: bool) -> Option<String> {
    let letters = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
    if width > 0.02 + 0.011 * f64::from(letters) {
        Some(text.to_owned())
    } else {
        (person && width > 0.035).then(|| initials(text))
    }
}

fn stripe(one: &Stripe, colours: &BTreeMap<&str, u32>) -> Markup {
    let class = match one.fill {
        Fill::Person => hue_class(colours.get(one.text.as_str()).copied().unwrap_or(0)),
        Fill::Gap => "gap",
        Fill::Quiet => "quiet",
        Fill::Planned => "planned",
        Fill::Silenced => "silenced",
    };
    let width = (one.to - one.from).max(WIDTH_MIN);
    let person = one.fill == Fill::Person;
    html! {
        svg class=(class) x=(share(one.from)) width=(share(width)) height="26" {
            title { (one.title) }
            rect x="1" y="1" width="100%" height="24" rx="4" {}
            @if let Some(text) = fitting(&one.text, width, person) { text x="7" y="17" { (text) } }
        }
    }
}

impl Render for Strips {
    fn render(&self) -> Markup {
        let people = self.rows.iter().flat_map(|(_, stripes)| stripes).filter(|one| one.fill == Fill::Person);
        let colours = hues(people.map(|one| one.text.as_str()));
        html! {
            div.scroll tabindex="0" role="group" aria-label=(self.label) {
                div.strips {
                    div {
                        b {}
                        svg.days aria-hidden="true" {
                            @for (at, name) in &self.marks {
                                @let (day, number) = name.split_once(' ').unwrap_or((name, ""));
                                text x=(share(*at)) y="11" { (day) }
                                text x=(share(*at)) y="25" { (number) }
                            }
                        }
                    }
                    @for (name, stripes) in &self.rows {
                        div {
                            b title=(name) dir="auto" { (name) }
                            svg role="img" aria-label=(name) {
                                @for (at, _) in &self.marks { line x1=(share(*at)) x2=(share(*at)) y1="0" y2="26" {} }
                                @for one in stripes { (stripe(one, &colours)) }
                                @if let Some(at) = self.now { line.now x1=(share(at)) x2=(share(at)) y1="0" y2="26" {} }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_names_its_spans_and_escapes_them() {
        let gap = Stripe { from: 0.5, to: 2.0, text: "Nobody".into(), title: "<b>gap</b>".into(), fill: Fill::Gap };
        let sliver = Stripe { from: 0.0, to: 0.01, text: "Sam".into(), title: "Sam".into(), fill: Fill::Person };
        let html = Strips::new("Who")
            .marks([(0.0, "Mon 2".to_owned())])
            .now(f64::NAN)
            .row("Layer", vec![gap, sliver])
            .render()
            .0;
        assert!(html.contains("&lt;b&gt;gap&lt;/b&gt;") && html.contains(">Nobody</text>"), "{html}");
        assert!(!html.contains(">Sam</text>"), "there is no room for a name: {html}");
        assert_eq!(fitting("Ada Lind", 0.05, true).as_deref(), Some("AL"));
        assert_eq!(fitting("Patch night", 0.05, false), None, "only people have initials");
        assert!(html.contains("x=\"50.000%\" width=\"100.000%\"") && !html.contains("style="), "{html}");
    }
}
