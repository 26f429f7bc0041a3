//! Time-series figures: drawn by the server as SVG, right without script; script adds the cursor, the zoom and the table.
//!
//! The numbers under the cursor are fetched from the figure's source when somebody first touches it, so a page carries
//! paths and no numbers. What happens at an instant is a mark, what lasts is a band, what must not be crossed is a limit.

mod lines;
mod numbers;
mod plot;
mod scale;
mod times;

use super::time::Clock;
use super::{href, tone::Tone};
use maud::{Markup, Render, html};
use scale::Scale;
use serde::{Deserialize, Serialize};

/// Lines that a figure draws; a question that finds more says so in its table.
pub const CHART_LINES_MAX: usize = 20;
/// Colours and dash patterns; lines beyond them combine the two anew.
const STYLES: usize = 8;

/// Points of one line, as the chart's JSON carries them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// Name in the legend.
    pub name: String,
    /// `%`, `B`, `B/s`, `b/s`, `s`, `ms` or any word.
    #[serde(default)]
    pub unit: String,
    /// Milliseconds since 1970 and the value; `None` is a gap.
    pub points: Vec<(i64, Option<f64>)>,
}

/// Something that lasted: a maintenance window, an alert, a gap in what was kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartBand {
    /// Begin, in milliseconds since 1970.
    pub from: i64,
    /// End.
    pub to: i64,
    /// What it is.
    pub title: String,
    /// The word of a [`Tone`].
    pub tone: String,
}

/// Something that happened: a change, a run, an alert.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartMark {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What happened.
    pub title: String,
    /// The word of a [`Tone`].
    pub tone: String,
}

/// A value that should not be crossed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartLimit {
    /// The value, in the unit of the first line.
    pub value: f64,
    /// What it says: "Alert above 90 %".
    pub title: String,
    /// The word of a [`Tone`].
    pub tone: String,
    /// True when what is below is bad, as with free space.
    #[serde(default)]
    pub bad_below: bool,
}

/// Everything a figure shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartData {
    /// Begin, in milliseconds since 1970.
    pub from: i64,
    /// End.
    pub to: i64,
    /// The lines; those whose unit differs from the first one's are in the table alone.
    pub series: Vec<Sampled>,
    /// What lasted.
    #[serde(default)]
    pub bands: Vec<ChartBand>,
    /// What happened.
    #[serde(default)]
    pub marks: Vec<ChartMark>,
    /// Values that should not be crossed.
    #[serde(default)]
    pub thresholds: Vec<ChartLimit>,
    /// What answered, and what is missing.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl ChartData {
    fn unit(&self) -> &str {
        self.series.first().map_or("", |line| line.unit.as_str())
    }

    /// The lines that share the axis.
    fn drawn(&self) -> impl Iterator<Item = &Sampled> {
        let unit = self.unit();
        self.series.iter().filter(move |line| line.unit == unit).take(CHART_LINES_MAX)
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let inside = self.from..=self.to;
        let points = self.drawn().flat_map(|line| line.points.iter());
        points
            .filter(move |(at, _)| inside.contains(at))
            .filter_map(|(_, value)| value.filter(|value| value.is_finite()))
    }

    /// The axis of values. A limit stretches it unless everything is far from it.
    fn scale(&self) -> Scale {
        let high = self.values().fold(0.0, f64::max);
        let near = self.thresholds.iter().map(|limit| limit.value).filter(move |value| *value <= high * 4.0);
        Scale::of(self.values().chain(near), self.unit())
    }
}

/// A figure of one or more lines over time.
#[derive(Debug, Clone)]
pub struct Chart {
    id: String,
    title: String,
    src: String,
    data: ChartData,
    clock: Clock,
    tall: bool,
    link: Option<(String, String)>,
    note: Option<Markup>,
    bare: bool,
}

impl Chart {
    /// A figure headed `title`, whose id is `id` on its page. `src` answers the same data as JSON and accepts `from` and
    /// `to` in milliseconds; times are shown on `clock`.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        src: impl Into<String>,
        data: ChartData,
        clock: &Clock,
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            src: src.into(),
            data,
            clock: clock.clone(),
            tall: false,
            link: None,
            note: None,
            bare: false,
        }
    }

    /// Twice as high: the subject of a page.
    #[must_use]
    pub const fn tall(mut self) -> Self {
        self.tall = true;
        self
    }

    /// A link at the end of the heading line: "Explore".
    #[must_use]
    pub fn link(mut self, label: impl Into<String>, to: impl Into<String>) -> Self {
        self.link = Some((label.into(), to.into()));
        self
    }

    /// A quiet remark next to the heading.
    #[must_use]
    pub fn note(mut self, note: Markup) -> Self {
        self.note = Some(note);
        self
    }

    /// Without a card around it, to stand in another card.
    #[must_use]
    pub const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    fn figure(&self) -> Markup {
        let scale = self.data.scale();
        let empty = self.data.values().next().is_none();
        html! {
            figure class=(if self.tall { "chart tall" } else { "chart" }) id=(self.id) aria-label=(self.title)
                data-chart data-src=(href(&self.src)) data-zone=(self.clock.zone_name())
                data-from=(self.data.from) data-to=(self.data.to) data-low=(scale.low) data-high=(scale.high) {
                (self.legend())
                div.plot {
                    (plot::plot(&self.id, &self.title, &self.data, &scale, &self.clock))
                    div.read {}
                    @if empty { p.say { "No numbers in this time. They appear as soon as the first ones arrive." } }
                }
                @for note in &self.data.notes { p.hint dir="auto" { (note) } }
                details {
                    summary { "Numbers" }
                    div.twin { (numbers::summary(&self.title, &self.data, &self.clock)) a href=(href(&self.src)) { "All of them as JSON" } }
                }
            }
        }
    }

    /// Every line with its newest value. A tick takes it out of the picture; that needs no script.
    fn legend(&self) -> Markup {
        html! {
            div.legend {
                @for (at, line) in self.data.drawn().enumerate() {
                    @let (colour, dash) = style(at);
                    label class={ "s" (colour) " k" (at + 1) } title=(line.name) {
                        input type="checkbox" checked data-line=(at);
                        svg viewBox="0 0 24 8" aria-hidden="true" { path class={ "d" (dash) } d="M0 4h24" {} }
                        span dir="auto" { (line.name) } " " b { (numbers::newest(line)) }
                    }
                }
                @if self.data.series.is_empty() { span { "No lines" } }
            }
        }
    }
}

/// The colour and the dash pattern of a line, from 1 on: no two of the first twenty look alike.
const fn style(at: usize) -> (usize, usize) {
    (at % STYLES + 1, (at + 3 * (at / STYLES)) % STYLES + 1)
}

fn tone_class(word: &str) -> &'static str {
    Tone::parse(word).unwrap_or_default().class()
}

impl Render for Chart {
    fn render(&self) -> Markup {
        if self.bare {
            return self.figure();
        }
        html! {
            section.card {
                div.head {
                    h2 { (self.title) }
                    @if let Some(note) = &self.note { span.note { (note) } }
                    @if let Some((label, to)) = &self.link { span.more { a href=(href(to)) { (label) } } }
                }
                (self.figure())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn drawn(data: ChartData) -> String {
        Chart::new("cpu", "Processor", "/numbers", data, &Clock::utc_us(0)).render().0
    }

    fn line(name: &str, unit: &str, values: &[Option<f64>]) -> Sampled {
        let points = (0..).map(|at| at * 60_000).zip(values.iter().copied()).collect();
        Sampled { name: name.into(), unit: unit.into(), points }
    }

    #[test]
    fn twenty_lines_look_different_from_each_other() {
        let mut all: Vec<(usize, usize)> = (0..CHART_LINES_MAX).map(style).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), CHART_LINES_MAX);
    }

    #[test]
    fn a_figure_without_numbers_says_so_and_keeps_its_axes() {
        let html = drawn(ChartData { to: HOUR, ..ChartData::default() });
        assert!(html.contains("No numbers in this time") && html.contains("00:10"), "{html}");
        let hole =
            ChartData { to: HOUR, series: vec![line("In", "b/s", &[None, Some(f64::NAN)])], ..ChartData::default() };
        assert!(drawn(hole).contains("No numbers in this time"));
    }

    #[test]
    fn lines_limits_bands_and_marks_are_drawn_with_their_words() {
        let html = drawn(ChartData {
            to: HOUR,
            series: vec![line("Busy", "%", &[Some(10.0), Some(42.5)]), line("Bytes", "B", &[Some(1.0)])],
            bands: vec![ChartBand { from: 0, to: HOUR / 2, title: "Maintenance".into(), tone: "planned".into() }],
            marks: vec![ChartMark { at: HOUR / 2, title: "Change 118".into(), tone: "info".into() }],
            thresholds: vec![ChartLimit {
                value: 90.0,
                title: "Alert above 90 %".into(),
                tone: "critical".into(),
                bad_below: false,
            }],
            ..ChartData::default()
        });
        for text in ["42.5 %", "Maintenance", "Change 118", "Alert above 90 %", "class=\"l1 s1\"", "x=\"50%\""] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("l2 s2"), "another unit does not share the axis");
        assert!(html.contains("<td>Bytes</td>") || html.contains("Bytes"), "but is in the table");
    }

    #[test]
    fn what_is_far_below_its_limit_is_not_squeezed_by_it() {
        let limit = ChartLimit { value: 90.0, ..ChartLimit::default() };
        let data = ChartData {
            to: HOUR,
            series: vec![line("Busy", "%", &[Some(2.0)])],
            thresholds: vec![limit],
            ..ChartData::default()
        };
        assert!(data.scale().high < 10.0);
    }

    #[test]
    fn hostile_names_stay_text() {
        for text in crate::gallery::HOSTILE {
            let html = drawn(ChartData {
                to: HOUR,
                series: vec![line(text, text, &[Some(1.0)])],
                bands: vec![ChartBand { from: i64::MIN, to: i64::MAX, title: text.into(), tone: text.into() }],
                marks: vec![ChartMark { at: 5, title: text.into(), tone: text.into() }],
                thresholds: vec![ChartLimit {
                    value: f64::NAN,
                    title: text.into(),
                    tone: text.into(),
                    bad_below: true,
                }],
                ..ChartData::default()
            });
            assert!(!html.contains("<script>") && !html.contains("<img") && !html.contains("NaN"), "{html}");
        }
    }
}
