//! Hours or days side by side: was it up? Shape differs as well as colour.

use super::Tone;
use maud::{Markup, html};

/// `name`, its share of time up, and one cell per span: tone and what to read on hover.
#[must_use]
pub fn uptime(name: &str, share: &str, cells: &[(Tone, String)]) -> Markup {
    let troubled = cells.iter().filter(|(tone, _)| matches!(tone, Tone::Warn | Tone::Critical)).count();
    html! {
        div.uptime {
            b dir="auto" { (name) } span { (share) }
            svg viewBox={ "0 0 " (cells.len() * 14) " 18" } preserveAspectRatio="none" role="img"
                aria-label={ (name) ": " (troubled) " of " (cells.len()) " spans with trouble" } {
                @for (at, (tone, title)) in cells.iter().enumerate() {
                    g class=(tone.class()) transform={ "translate(" (at * 14) ")" } {
                        title { (title) }
                        @match tone {
                            Tone::Critical => rect y="9" width="12" height="9" rx="2" {},
                            Tone::Warn => { rect width="12" height="18" rx="2" {} path d="m0 8 8-8M0 14 12 2M2 18 12 8" {} }
                            _ => rect width="12" height="18" rx="2" {},
                        }
                    }
                }
            }
        }
    }
}
