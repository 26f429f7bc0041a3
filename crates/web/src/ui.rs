//! The components every page is built from: maud functions and small builders, one idea a file.
//!
//! Builders implement [`maud::Render`], so they are written into a page as `(Button::link("Reply", "/x").key("r"))`.
//! Text is escaped by maud; addresses pass [`href()`], which refuses `javascript:` and the like.

mod again;
mod attention;
mod button;
mod card;
mod chart;
mod dialog;
mod difference;
mod empty;
mod facts;
mod field;
mod filter;
mod form;
mod header;
mod icon;
mod layout;
mod list;
mod map;
mod meter;
mod notice;
mod person;
mod range;
mod stats;
mod status;
mod steps;
mod strip;
mod table;
mod tabs;
mod time;
mod timeline;
mod tone;
mod units;
mod uptime;

pub use again::{Again, drawn_again};
pub use attention::{Attention, attention_list};
pub use button::{Button, Menu, Tile, post_button, tiles};
pub use card::Card;
pub use chart::{CHART_LINES_MAX, Chart, ChartBand, ChartData, ChartLimit, ChartMark, Sampled};
pub use dialog::Dialog;
pub use difference::{Difference, code, differences};
pub use empty::Empty;
pub use facts::Facts;
pub use field::Field;
pub use filter::Filter;
pub use form::Form;
pub use header::PageHeader;
pub use icon::{ICON_NAMES, icon, logo};
pub use layout::{Split, columns, grid, lazy, live, stack};
pub use list::{Bulk, List};
pub use map::{Map, MapBranch, MapNode};
pub use meter::{bar, meter, progress};
pub use notice::{Flash, Undo, flash, notice};
pub use person::{actor, avatar, initials, nobody, person};
pub use range::{Charts, Range};
pub use stats::{Stat, sparkline, stats};
pub use status::{pill, shape, status, tag};
pub use steps::{Step, StepState, steps};
pub use strip::{Fill, Stripe, Strips};
pub use table::{Column, Row, Sorted, Table};
pub use tabs::{Tab, Tabs};
pub use time::{Clock, Stamped, duration, stamped};
pub use timeline::{Entry, timeline};
pub use tone::Tone;
pub use units::{bit_rate, byte_rate, bytes, count, count_capped, percent};
pub use uptime::uptime;

use std::borrow::Cow;

/// An address that is safe to link to: a path, query or fragment of this server, or http, https, mailto, tel, ssh.
/// Everything else becomes `#`, whatever its spelling.
#[must_use]
pub fn href(address: &str) -> Cow<'_, str> {
    let trimmed = address.trim();
    let known = ["http://", "https://", "mailto:", "tel:", "ssh://"]
        .iter()
        .any(|scheme| trimmed.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let local = trimmed.starts_with(['/', '?', '#']) && !trimmed.starts_with("//") && !trimmed.starts_with("/\\");
    if known || local { Cow::Borrowed(trimmed) } else { Cow::Borrowed("#") }
}

/// A key as it is shown next to what it does.
#[must_use]
pub fn key(name: &str) -> maud::Markup {
    maud::html! { kbd { (name) } }
}

#[cfg(test)]
mod tests {
    use super::href;

    #[test]
    fn addresses_that_could_run_script_or_leave_unseen_are_refused() {
        for bad in
            ["javascript:alert(1)", " JaVaScRiPt:x", "data:text/html,x", "//evil.example", "/\\evil.example", "x"]
        {
            assert_eq!(href(bad), "#", "{bad}");
        }
        for good in ["/desk", "?page=2", "#top", "https://example.org/a", "mailto:a@example.org"] {
            assert_eq!(href(good), good);
        }
    }
}
