//! The top bar: search, New, freshness, theme, alerts, account.

use super::Shell;
use crate::ui::{Button, Menu, avatar, count_capped, href, icon};
use maud::{Markup, html};

pub(super) fn top(shell: &Shell<'_>) -> Markup {
    html! {
        header.top {
            @if !shell.search_href.is_empty() {
                a.search href=(href(shell.search_href)) data-palette role="button" {
                    (icon("search")) span.clip { "Search or run a command" } kbd { "Ctrl K" }
                }
            }
            span.spring {}
            div.act {
                @if shell.live { span.live data-live-state role="status" { "Connecting" } }
                @if !shell.create.is_empty() { div.desktop { (create(shell)) } }
                span.desktop { (Button::plain("Row height").quiet().icon_only("menu").hook("density", "")) }
                (Button::plain("Light or dark").quiet().icon_only("moon").hook("theme", ""))
                @if !shell.alerts_href.is_empty() { (bell(shell)) }
                (account(shell))
            }
        }
    }
}

fn create(shell: &Shell<'_>) -> Markup {
    let menu = Menu::new(Button::plain("New").icon("plus"));
    let menu = shell.create.iter().fold(menu, |menu, item| menu.link(item.icon, &item.label, &item.href, item.key));
    html! { (menu) }
}

fn bell(shell: &Shell<'_>) -> Markup {
    let words = format!("Open alerts: {}", shell.alerts_count);
    html! {
        a class="btn quiet square bell" href=(href(shell.alerts_href)) title=(words) {
            (icon("bell")) span.sr { (words) }
            @if shell.alerts_count > 0 { span.hot aria-hidden="true" { (count_capped(shell.alerts_count, 100)) } }
        }
    }
}

pub(super) fn account(shell: &Shell<'_>) -> Markup {
    html! {
        @if let Some(user) = &shell.user {
            details.menu {
                summary class="btn quiet square" title=(user.name) { (avatar(&user.name, true)) span.sr { "Account of " (user.name) } }
                div {
                    div.who dir="auto" { (user.name) }
                    a.item href=(href(&user.href)) { (icon("user")) span { "Your account" } }
                    button.item type="button" data-do="help" { (icon("question")) span { "Keys" } kbd { "?" } }
                    form method="post" action="/signout" {
                        input type="hidden" name="_csrf" value=(shell.csrf);
                        button.item type="submit" { (icon("sign-out")) span { "Sign out" } }
                    }
                }
            }
        }
    }
}
