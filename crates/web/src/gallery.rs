//! The gallery at `/_ui`: every component in every state, with hostile text, for eyes and for tests.

mod charts;
mod parts;
mod sample;

use crate::ui::{Clock, PageHeader, stack};
use maud::{Markup, html};

/// Text that breaks careless pages: markup, right-to-left, joined emoji, a word without end, control and format characters.
pub const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "جهاز التوجيه في المكتب الرئيسي لا يستجيب منذ الساعة الثامنة",
    "👩🏽‍💻🧑‍🚒🏴‍☠️ crew laptop 🚢🚢🚢🚢🚢🚢🚢🚢",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorsitzendenstellvertreter",
    "\u{202e}evil.exe\u{202c} \u{200b}\u{feff}zero",
    "{{7*7}} ${7*7} %s %n '; DROP TABLE tickets; --",
    "javascript:alert(document.cookie)",
];

pub use charts::numbers as chart_numbers;

/// The page's content, to be put in a [`crate::shell::page`].
#[must_use]
pub fn page() -> Markup {
    let clock = Clock::utc_us(sample::NOW_US);
    html! {
        (PageHeader::new("Components").subtitle(html! { "Every component in every state. Pages are built from these and nothing else." }))
        (stack(&html! {
            (parts::tones()) (parts::icons()) (parts::buttons()) (parts::fields()) (parts::notices())
            (parts::figures()) (charts::charts(&clock)) (parts::attention()) (parts::facts()) (parts::times(&clock)) (parts::changes())
            (parts::timeline(&clock)) (parts::steps()) (parts::list()) (parts::empty()) (parts::hostile())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{HOSTILE, page};
    use crate::shell::{self, Shell};

    fn document() -> String {
        let flash = crate::ui::Flash::done(HOSTILE[0]);
        let create =
            [shell::Create { icon: "ticket", label: HOSTILE[0].into(), href: HOSTILE[6].into(), key: Some("n t") }];
        let nav = [shell::NavGroup {
            title: HOSTILE[0].into(),
            items: vec![shell::NavItem {
                label: HOSTILE[0].into(),
                href: HOSTILE[6].into(),
                icon: "home",
                ..Default::default()
            }],
            foot: false,
        }];
        let user = shell::ShellUser { name: HOSTILE[0].into(), href: HOSTILE[6].into() };
        let shell = Shell {
            title: HOSTILE[0],
            nav: &nav,
            current: "/_ui",
            user: Some(user),
            csrf: HOSTILE[0],
            flash: Some(flash),
            create: &create,
            alerts_href: HOSTILE[6],
            search_href: HOSTILE[6],
            alerts_count: 4,
            live: true,
            ..Shell::default()
        };
        let mut all = shell::page(&shell, &page()).0;
        all.push_str(&shell::portal(&shell, HOSTILE[0], &page()).0);
        all.push_str(&shell::bare(&shell, &page()).0);
        all
    }

    #[test]
    fn hostile_text_stays_text() {
        let html = document();
        assert!(html.contains("&lt;script&gt;alert(1)"));
        assert!(!html.contains("<script>"), "a script element was written");
        assert!(!html.contains("<img"), "an image element was written");
        assert!(!html.contains("href=\"javascript:"));
        assert!(!html.contains("action=\"javascript:"));
    }

    #[test]
    fn nothing_is_inline_so_that_the_content_policy_can_forbid_it() {
        let html = document();
        assert!(!html.contains(" style="), "a style attribute was written");
        assert!(!html.contains("<style"));
        for tag in html.split('<').filter(|tag| tag.starts_with("script")) {
            assert!(tag.starts_with("script type=\"module\" src=\"/_static/"), "{tag}");
        }
        let handlers = html.split('<').filter_map(|tag| tag.split('>').next()).filter(|tag| {
            tag.split('"').step_by(2).any(|outside| outside.split_whitespace().any(|name| name.starts_with("on")))
        });
        assert_eq!(handlers.count(), 0);
    }

    #[test]
    fn every_icon_used_is_drawn_and_every_label_names_a_field() {
        let html = document();
        assert!(!html.contains("data-icon=\"unknown\""));
        for id in html.split("<label for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn the_document_is_small_enough_for_fifty_rows() {
        let nodes = shell::page(&Shell::default(), &page()).0.matches('<').count() / 2;
        assert!(nodes < 2500, "{nodes}");
    }
}
