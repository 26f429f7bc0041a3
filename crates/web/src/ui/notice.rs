//! Notices in the page, and the flash that says what was just done and offers to undo it.

use super::{Button, Tone, post_button, status::drawing};
use maud::{Markup, html};

/// A sentence that must be seen before the rest: what happened, what it means, what to do.
#[must_use]
pub fn notice(tone: Tone, text: &str) -> Markup {
    let role = if matches!(tone, Tone::Critical) { "alert" } else { "status" };
    html! { div class={ "notice " (tone.class()) } role=(role) { (drawing(tone)) div.tx { (text) } } }
}

/// How to take back what was just done.
#[derive(Debug, Clone)]
pub struct Undo {
    /// Where it is posted.
    pub action: String,
    /// Hidden fields sent with it.
    pub fields: Vec<(String, String)>,
}

/// What was just done.
#[derive(Debug, Clone)]
pub struct Flash {
    /// Ok when it worked.
    pub tone: Tone,
    /// "Ticket 4821 resolved".
    pub text: String,
    /// Offered while it can be taken back.
    pub undo: Option<Undo>,
}

impl Flash {
    /// It worked, and cannot be taken back or need not be.
    pub fn done(text: impl Into<String>) -> Self {
        Self { tone: Tone::Ok, text: text.into(), undo: None }
    }

    /// It did not work.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { tone: Tone::Critical, text: text.into(), undo: None }
    }
}

/// The flash area: always in the page, so that fragments can fill it.
#[must_use]
pub fn flash(flash: Option<&Flash>, csrf: &str) -> Markup {
    html! {
        div #flash role="status" aria-live="polite" {
            @if let Some(flash) = flash {
                div.toast data-toast {
                    (drawing(flash.tone)) span { (flash.text) }
                    @if let Some(undo) = &flash.undo {
                        @let fields: Vec<(&str, &str)> = undo.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                        (post_button(&undo.action, csrf, &fields, &Button::submit("Undo").small().key("z")))
                    }
                    (Button::plain("Dismiss").small().icon_only("close").hook("dismiss", ""))
                }
            }
        }
    }
}
