//! Status: shape, word and colour together, so that none of them is needed alone.

use super::Tone;
use maud::{Markup, html};

/// The shape of a tone as a drawing, hidden from screen readers: a word must stand next to it.
pub(crate) fn drawing(tone: Tone) -> Markup {
    html! {
        svg class="st" viewBox="0 0 12 12" aria-hidden="true" {
            @match tone {
                Tone::Ok => { circle cx="6" cy="6" r="6" {} path class="k" stroke-width="1.6" stroke-linecap="round" d="m3.5 6.2 1.8 1.8L8.6 4.4" {} }
                Tone::Working => { circle class="o" cx="6" cy="6" r="4.9" stroke-width="1.7" {} path d="M6 3.1a2.9 2.9 0 0 1 0 5.8z" {} }
                Tone::Warn => { path d="M5.1 1.1a1 1 0 0 1 1.8 0l4.8 9a1 1 0 0 1-.9 1.4H1.2a1 1 0 0 1-.9-1.4z" {} }
                Tone::Critical => { path d="M3.7.4h4.6l3.3 3.3v4.6l-3.3 3.3H3.7L.4 8.3V3.7z" {} }
                Tone::Info => { path d="M6 .2 11.8 6 6 11.8.2 6z" {} }
                Tone::Planned => { rect x=".8" y=".8" width="10.4" height="10.4" rx="1.8" {} }
                Tone::Idle => { circle class="o" cx="6" cy="6" r="4.4" stroke-width="1.8" {} }
            }
        }
    }
}

/// Shape alone, for narrow columns; `word` is read aloud and shown on hover.
#[must_use]
pub fn shape(tone: Tone, word: &str) -> Markup {
    html! { span class={ "shape " (tone.class()) } title=(word) { (drawing(tone)) span.sr { (word) } } }
}

/// Shape and word on the page's own ground: "Down 4 min".
#[must_use]
pub fn status(tone: Tone, word: &str) -> Markup {
    html! { span class={ "status " (tone.class()) } { (drawing(tone)) span { (word) } } }
}

/// Shape and word on a soft ground: "Healthy".
#[must_use]
pub fn pill(tone: Tone, word: &str) -> Markup {
    html! { span class={ "pill " (tone.class()) } { (drawing(tone)) span { (word) } } }
}

/// A word somebody put on a thing: "critical", "core". Has no tone.
#[must_use]
pub fn tag(word: &str) -> Markup {
    html! { span.tag { (word) } }
}
