//! Time-series figures drawn in the browser from JSON; the numbers are also there as a table.

use super::href;
use maud::{Markup, Render, html};

/// Points of one line, as the chart's JSON carries them.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Sampled {
    /// Name in the legend.
    pub name: String,
    /// `%`, `B`, `B/s`, `b/s`, `s`, `ms` or any word.
    pub unit: String,
    /// Milliseconds since 1970 and the value; `None` is a gap.
    pub points: Vec<(i64, Option<f64>)>,
}

/// A figure whose numbers come from `src` as
/// `{"from","to","series":[{"name","unit","points":[[t_ms,value|null],..]}],"bands":[{"from","to","title","tone"}],"marks":[{"at","title","tone"}]}`,
/// and, where they are wanted, `"thresholds":[{"value","title","tone"}]` and `"notes":["who answered"]`.
#[derive(Debug, Clone)]
pub struct Chart {
    title: String,
    src: String,
    tall: bool,
    refs: Option<String>,
    link: Option<(String, String)>,
    bare: bool,
    shared: bool,
    drawn: Option<String>,
}

impl Chart {
    /// A chart headed `title`; `src` must accept `from` and `to` (milliseconds) when zoomed.
    pub fn new(title: impl Into<String>, src: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            src: src.into(),
            tall: false,
            refs: None,
            link: None,
            bare: false,
            shared: false,
            drawn: None,
        }
    }

    /// Twice as high: the subject of a page.
    #[must_use]
    pub const fn tall(mut self) -> Self {
        self.tall = true;
        self
    }

    /// Also fetched again when one of these refs (separated by spaces) changes, besides every 15 s.
    #[must_use]
    pub fn live(mut self, refs: impl Into<String>) -> Self {
        self.refs = Some(refs.into());
        self
    }

    /// A link at the end of the heading line: "Explore".
    #[must_use]
    pub fn link(mut self, label: impl Into<String>, to: impl Into<String>) -> Self {
        self.link = Some((label.into(), to.into()));
        self
    }

    /// Without a card around it, to stand in another card.
    #[must_use]
    pub const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The page's address says which time is shown: zooming changes `from` and `to` in it.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// A picture for those without script, fetched by them alone.
    #[must_use]
    pub fn drawn(mut self, src: impl Into<String>) -> Self {
        self.drawn = Some(src.into());
        self
    }

    fn figure(&self) -> Markup {
        html! {
            figure class=(if self.tall { "chart tall" } else { "chart" }) data-chart data-src=(href(&self.src)) data-refs=[&self.refs]
                data-share[self.shared] aria-label=(self.title) {
                @if let Some(drawn) = &self.drawn { noscript { img src=(href(drawn)) alt=(self.title) width="960" height="260"; } }
                div.legend { "\u{a0}" }
                div.plot {
                    canvas tabindex="0" role="img" aria-label=(self.title) {}
                    div.read {}
                    div.say role="status" { noscript { "Drawing needs script. The numbers: " a href=(href(&self.src)) { "JSON" } } }
                }
                div.notes {}
                details { summary { "Numbers" } div {} }
            }
        }
    }
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
                    span.live data-chart-state { "Loading" }
                    @if let Some((label, to)) = &self.link { span.more { a href=(href(to)) { (label) } } }
                }
                (self.figure())
            }
        }
    }
}
