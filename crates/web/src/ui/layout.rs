//! Where things stand on a page, and parts that load or renew themselves.

use super::href;
use maud::{Markup, html};

/// How two columns share the width. On narrow screens they stand below each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Two thirds and one third: thing pages.
    Wide,
    /// A little more for the first: home.
    Home,
    /// Halves.
    Even,
    /// Halves, of which the second stays in view: a form and what comes of it.
    Beside,
}

/// Two columns.
#[must_use]
pub fn columns(split: Split, main: &Markup, side: &Markup) -> Markup {
    let class = match split {
        Split::Wide => "cols",
        Split::Home => "cols home",
        Split::Even => "cols even",
        Split::Beside => "cols even beside",
    };
    html! { div class=(class) { div.stack { (main) } div.stack { (side) } } }
}

/// Parts below each other with the usual gap.
#[must_use]
pub fn stack(parts: &Markup) -> Markup {
    html! { div.stack { (parts) } }
}

/// Cards side by side, as many as fit.
#[must_use]
pub fn grid(parts: &Markup) -> Markup {
    html! { div.grid { (parts) } }
}

/// A part that is fetched from `src` when it comes into view. The answer may be a whole page,
/// of which the element with `id` is taken; or only the content; or nothing, and then the part goes away.
#[must_use]
pub fn lazy(id: &str, what: &str, src: &str) -> Markup {
    html! {
        div.lazy id=(id) data-lazy=(href(src)) aria-busy="true" { p.problem { "Loading " (what) " … " a href=(href(src)) { "Open " (what) } } }
    }
}

/// A part that fetches itself again from `src` when one of `refs` (separated by spaces) changes.
#[must_use]
pub fn live(id: &str, refs: &str, src: &str, body: &Markup) -> Markup {
    html! { div.stack id=(id) data-live=(refs) data-src=(href(src)) { (body) } }
}
