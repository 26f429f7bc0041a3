//! The document around a page: console with side bar and top bar, bare (sign-in, first set-up), portal.

mod bar;
mod nav;

pub use nav::{NavGroup, NavItem};

use crate::{
    assets,
    ui::{Flash, flash, href, logo},
};
use maud::{DOCTYPE, Markup, html};

/// Colours of the page. `Auto` follows the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the reader's machine says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// From the value of the cookie `theme`; anything unknown is `Auto`.
    #[must_use]
    pub fn parse(cookie: &str) -> Self {
        match cookie {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// Height of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Density {
    /// 34 px.
    #[default]
    Compact,
    /// 42 px.
    Roomy,
}

impl Density {
    /// From the value of the cookie `density`; anything unknown is `Compact`.
    #[must_use]
    pub fn parse(cookie: &str) -> Self {
        if cookie == "roomy" { Self::Roomy } else { Self::Compact }
    }
}

/// Who is signed in.
#[derive(Debug, Clone, Default)]
pub struct ShellUser {
    /// Full name.
    pub name: String,
    /// Their own page.
    pub href: String,
}

/// One choice of the New menu.
#[derive(Debug, Clone)]
pub struct Create {
    /// Icon name.
    pub icon: &'static str,
    /// "Ticket".
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Key that opens it from anywhere, such as `n t`.
    pub key: Option<&'static str>,
}

/// What stands around a page. Fill what you have: `Shell { title: "Tickets", nav: &nav, ..Shell::default() }`.
#[derive(Debug, Clone, Default)]
pub struct Shell<'a> {
    /// Title of the window, without the product's name.
    pub title: &'a str,
    /// Places, in groups.
    pub nav: &'a [NavGroup],
    /// Path of this page; the place with the longest matching path is marked.
    pub current: &'a str,
    /// Who is signed in.
    pub user: Option<ShellUser>,
    /// From the cookie `theme`.
    pub theme: Theme,
    /// From the cookie `density`.
    pub density: Density,
    /// Open alerts.
    pub alerts_count: u64,
    /// Where alerts are listed; empty hides the bell.
    pub alerts_href: &'a str,
    /// Token of the session.
    pub csrf: &'a str,
    /// What was just done.
    pub flash: Option<Flash>,
    /// Choices of the New menu; none hides it.
    pub create: &'a [Create],
    /// Page for a search without script; empty hides the box.
    pub search_href: &'a str,
    /// Single-letter keys are off for this person.
    pub keys_off: bool,
    /// The server offers `/_live`.
    pub live: bool,
}

impl Shell<'_> {
    fn document(&self, class: &str, body: &Markup) -> Markup {
        let density = (self.density == Density::Roomy).then_some("roomy");
        html! {
            (DOCTYPE)
            html lang="en" data-theme=[self.theme.attribute()] data-density=[density] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                    title { (self.title) @if !self.title.is_empty() { " · " } "Mainstay" }
                    link rel="stylesheet" href=(assets::css_href());
                    link rel="icon" type="image/svg+xml" href=(assets::logo_href());
                    meta name="color-scheme" content="light dark";
                    script type="module" src=(assets::js_href()) {}
                    // Shown when it is whole: tables do not grow under the reader's eyes.
                    link rel="expect" href="#end" blocking="render";
                }
                body class=(class) data-csrf=[(!self.csrf.is_empty()).then_some(self.csrf)] data-live-source=[self.live.then_some("/_live")]
                    data-keys=[self.keys_off.then_some("off")] {
                    a.skip href="#main" { "Skip to content" }
                    (body)
                    div #end hidden {}
                    (flash(self.flash.as_ref(), self.csrf))
                    div.progress-line aria-hidden="true" {}
                }
            }
        }
    }
}

/// The console: side bar, top bar, `body` in the main column, bottom bar on phones.
#[must_use]
pub fn page(shell: &Shell<'_>, body: &Markup) -> Markup {
    let inside = html! {
        div.app {
            (nav::side(shell.nav, shell.current))
            div.body {
                (bar::top(shell))
                main.main #main tabindex="-1" { (body) }
            }
        }
        (nav::bottom(shell.nav, shell.current))
    };
    shell.document("console", &inside)
}

/// Sign-in and first set-up: the logo and `body` in the middle, nothing to be led away by.
#[must_use]
pub fn bare(shell: &Shell<'_>, body: &Markup) -> Markup {
    bare_of("bare", shell, body)
}

/// As [`bare`], for set-up pages that need more room.
#[must_use]
pub fn bare_wide(shell: &Shell<'_>, body: &Markup) -> Markup {
    bare_of("bare wide", shell, body)
}

fn bare_of(class: &str, shell: &Shell<'_>, body: &Markup) -> Markup {
    let inside = html! { main #main tabindex="-1" { div.brand { (logo()) "Mainstay" } (body) } };
    shell.document(class, &inside)
}

/// The employees' portal: few places on top, one column. `name` is the organisation's.
#[must_use]
pub fn portal(shell: &Shell<'_>, name: &str, body: &Markup) -> Markup {
    let inside = html! {
        header {
            div {
                a.brand href="/portal" { (logo()) span dir="auto" { (name) } }
                nav aria-label="Portal" {
                    ul { @for item in shell.nav.iter().flat_map(|group| &group.items) {
                        li { a href=(href(&item.href)) aria-current=[nav::is_current(shell.nav, item, shell.current).then_some("page")] { (item.label) } }
                    } }
                }
                span.spring {}
                (bar::account(shell))
            }
        }
        main.main #main tabindex="-1" { (body) }
    };
    shell.document("portal", &inside)
}
