//! What a change does: old and new side by side; and text as machines wrote it.

use super::Button;
use maud::{Markup, html};

/// One field that changes.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// Which thing, when several change: "#4821".
    pub subject: Option<String>,
    /// Field, in the words of the console.
    pub field: String,
    /// Before; `None` was empty.
    pub old: Option<String>,
    /// After; `None` becomes empty.
    pub new: Option<String>,
}

fn side(value: Option<&str>, new: bool) -> Markup {
    html! {
        @match value {
            None => span.none { "empty" },
            Some(text) if new => ins dir="auto" { (text) },
            Some(text) => del dir="auto" { (text) },
        }
    }
}

/// A table of what changes.
#[must_use]
pub fn differences(changes: &[Difference]) -> Markup {
    let subjects = changes.iter().any(|change| change.subject.is_some());
    html! {
        div.scroll tabindex="0" role="region" aria-label="What changes" {
            table class="tbl free" {
                thead { tr { @if subjects { th { "Of" } } th { "Field" } th { "Before" } th { "After" } } }
                tbody { @for change in changes {
                    tr {
                        @if subjects { td.nowrap { (change.subject.as_deref().unwrap_or_default()) } }
                        td.nowrap { (change.field) }
                        td { (side(change.old.as_deref(), false)) }
                        td { (side(change.new.as_deref(), true)) }
                    }
                } }
            }
        }
    }
}

/// Text as a machine wrote it: commands, output, configuration. With a button that copies it.
#[must_use]
pub fn code(text: &str) -> Markup {
    html! {
        div.copy {
            pre.code.line[!text.contains('\n')] tabindex="0" dir="ltr" { code { (text) } }
            (Button::plain("Copy").quiet().small().icon_only("copy").hook("copy", ""))
        }
    }
}
