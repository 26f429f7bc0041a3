//! Shares and progress as short bars, always with a word or number next to them.

use super::Tone;
use maud::{Markup, html};

/// A bar filled to `share` (0 to 1), for reading together with a word. Hidden from screen readers.
#[must_use]
pub fn bar(share: f64, tone: Tone, wide: bool) -> Markup {
    let filled = (share.clamp(0.0, 1.0) * 100.0).round();
    let filled = if filled.is_nan() { 0.0 } else { filled };
    html! {
        svg class={ "bar " (tone.class()) @if wide { " wide" } } viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect width=(filled) height="6" {}
        }
    }
}

/// A short bar and its word: time left, disk used.
#[must_use]
pub fn meter(share: f64, tone: Tone, word: &str) -> Markup {
    html! {
        span class={ "meter " (tone.class()) } {
            (bar(share, tone, false))
            @if matches!(tone, Tone::Warn | Tone::Critical) { b { (word) } } @else { span { (word) } }
        }
    }
}

/// How far something has come: `done` of `total`, with a word.
#[must_use]
pub fn progress(done: u64, total: u64, word: &str) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "a bar is at most a thousand pixels wide")]
    let share = if total == 0 { 0.0 } else { done as f64 / total as f64 };
    html! {
        span class="meter full" role="progressbar" aria-valuemin="0" aria-valuemax=(total) aria-valuenow=(done.min(total)) aria-label=(word) {
            (bar(share, Tone::Working, true)) span { (done) " of " (total) }
        }
    }
}
