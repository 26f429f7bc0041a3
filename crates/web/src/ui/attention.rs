//! "Needs you now": one ranked list of rows, each with what, why, since when and one button.

use super::{Button, Tone, href, status};
use maud::{Markup, html};

/// One row that needs somebody.
#[derive(Debug, Clone)]
pub struct Attention {
    /// How bad.
    pub tone: Tone,
    /// Status word and since when, short: "Down 4 min".
    pub word: String,
    /// What: "sw-flr3-02 is unreachable".
    pub title: String,
    /// Where to read more.
    pub href: Option<String>,
    /// Why it matters and what changed just before.
    pub why: Markup,
    /// The one thing to do.
    pub action: Option<Button>,
}

/// The rows in the order given.
#[must_use]
pub fn attention_list(rows: &[Attention]) -> Markup {
    html! {
        ol.attend {
            @for row in rows {
                li {
                    (status(row.tone, &row.word))
                    div {
                        @if let Some(to) = &row.href { a.t href=(href(to)) dir="auto" { (row.title) } } @else { span.t dir="auto" { (row.title) } }
                        div.why { (row.why) }
                    }
                    @if let Some(action) = &row.action { (action.clone().small()) }
                }
            }
        }
    }
}
