//! One timeline fed by every domain: newest first, each entry with a shape and a time.

use super::{Tone, href, shape};
use maud::{Markup, html};

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// How good or bad.
    pub tone: Tone,
    /// What happened: "Link down Te1/0/12".
    pub title: String,
    /// Where to read more.
    pub href: Option<String>,
    /// Who, and what it led to.
    pub detail: Option<Markup>,
    /// Text that came with it, such as a reply; shown in a frame.
    pub body: Option<Markup>,
    /// From [`super::Clock::when`].
    pub at: Markup,
}

/// The entries in the order given.
#[must_use]
pub fn timeline(entries: &[Entry]) -> Markup {
    html! {
        ol.timeline {
            @for entry in entries {
                li {
                    (shape(entry.tone, entry.tone.as_str()))
                    div {
                        @if let Some(to) = &entry.href { a.t href=(href(to)) dir="auto" { (entry.title) } } @else { span.t dir="auto" { (entry.title) } }
                        @if let Some(detail) = &entry.detail { div.d { (detail) } }
                    }
                    (entry.at)
                    @if let Some(body) = &entry.body { div.body dir="auto" { (body) } }
                }
            }
        }
    }
}
