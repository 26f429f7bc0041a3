//! Places: the side bar, and the bottom bar on phones.

use crate::ui::{count_capped, href, icon, logo};
use maud::{Markup, html};

/// One place.
#[derive(Debug, Clone, Default)]
pub struct NavItem {
    /// "Service desk".
    pub label: String,
    /// Path; also marks the pages below it.
    pub href: String,
    /// Icon name.
    pub icon: &'static str,
    /// How many wait there.
    pub count: Option<u64>,
    /// The count hurts.
    pub hot: bool,
    /// Short word in the bottom bar of phones; at most four places have one.
    pub phone: Option<&'static str>,
}

/// Places under one heading.
#[derive(Debug, Clone, Default)]
pub struct NavGroup {
    /// "Respond"; empty has no heading.
    pub title: String,
    /// Its places.
    pub items: Vec<NavItem>,
    /// Stands at the foot of the bar.
    pub foot: bool,
}

/// Whether this is the place of the page: its path is the longest that the current one begins with.
pub(crate) fn is_current(groups: &[NavGroup], item: &NavItem, current: &str) -> bool {
    let path = current.split(['?', '#']).next().unwrap_or_default();
    let fits = |item: &NavItem| {
        let place = item.href.trim_end_matches('/');
        path == item.href
            || (!place.is_empty()
                && path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let longest =
        groups.iter().flat_map(|group| &group.items).filter(|item| fits(item)).map(|item| item.href.len()).max();
    fits(item) && Some(item.href.len()) == longest
}

pub(super) fn side(groups: &[NavGroup], current: &str) -> Markup {
    html! {
        nav.nav #nav aria-label="Places" {
            a.brand href="/" { (logo()) "Mainstay" }
            a.nav-close href="#main" { (icon("close")) span.sr { "Close menu" } }
            @for group in groups {
                div class=[group.foot.then_some("foot")] {
                    @if !group.title.is_empty() { h2 { (group.title) } }
                    ul { @for item in &group.items {
                        li {
                            a href=(href(&item.href)) aria-current=[is_current(groups, item, current).then_some("page")] {
                                (icon(item.icon)) span.clip { (item.label) }
                                @if let Some(count) = item.count.filter(|count| *count > 0) {
                                    span class=(if item.hot { "n hot" } else { "n" }) { (count_capped(count, 1000)) }
                                }
                            }
                        }
                    } }
                }
            }
        }
    }
}

pub(super) fn bottom(groups: &[NavGroup], current: &str) -> Markup {
    let items = groups.iter().flat_map(|group| &group.items);
    html! {
        nav.bottom aria-label="Main places" {
            @for (item, word) in items.filter_map(|item| item.phone.map(|word| (item, word))).take(4) {
                a href=(href(&item.href)) aria-current=[is_current(groups, item, current).then_some("page")] { (icon(item.icon)) (word) }
            }
            a href="#nav" { (icon("menu")) "More" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NavGroup, NavItem, is_current};

    #[test]
    fn the_place_with_the_longest_path_is_marked() {
        let item = |href: &str| NavItem { href: href.to_owned(), ..NavItem::default() };
        let groups = [NavGroup { items: vec![item("/"), item("/desk"), item("/desk/answers")], ..NavGroup::default() }];
        let marked = |path: &str| {
            let all: Vec<&str> = groups[0]
                .items
                .iter()
                .filter(|item| is_current(&groups, item, path))
                .map(|item| item.href.as_str())
                .collect();
            all.join(" ")
        };
        assert_eq!(marked("/"), "/");
        assert_eq!(marked("/desk?q=x"), "/desk");
        assert_eq!(marked("/desk/tickets/1"), "/desk");
        assert_eq!(marked("/desk/answers/7"), "/desk/answers");
        assert_eq!(marked("/desktop"), "");
    }
}
