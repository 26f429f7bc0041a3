//! `/assets/coverage`: of how many things it is known what they stand on, and the way to those of which it is not.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Card, Column, Empty, PageHeader, Row, Table, Tone, meter, percent};

use crate::{Coverage, Covered, ShowCoverage};

/// From this share on enough is known to find most causes.
const ENOUGH: f64 = 0.9;

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let coverage = page.cx.call(&ShowCoverage {})?;
    Ok(Content::new("What things stand on", body(&coverage)))
}

fn body(coverage: &Coverage) -> Markup {
    let table = Table::new("What things stand on")
        .columns([
            Column::new("They need").main(),
            Column::new("Things").num(),
            Column::new("Known"),
            Column::new("By agents").num().wide(),
            Column::new("Not known").num(),
        ])
        .rows(coverage.items.iter().map(row));
    html! {
        (PageHeader::new("What things stand on").crumb("Assets", Some("/assets")).subtitle(html! {
            "Alerts of many things become one, with its cause, only where it is known what the things stand on."
        }))
        (Card::new("Coverage").flush(html! {
            @if table.is_empty() {
                (Empty::new("Nothing to know yet", "Servers, switches, services and other things that stand on something are counted here."))
            } @else { (table) }
        }))
        p.hint {
            "Agents name gateways and name servers by their addresses: a thing without an agent is found when its page says its addresses. "
            "Everything else is said with " b { "Relate" } " on the page of a thing."
        }
    }
}

fn row(one: &Covered) -> Row {
    #[expect(clippy::cast_precision_loss, reason = "a share is shown in whole percents")]
    let share = if one.things == 0 { 1.0 } else { one.known as f64 / one.things as f64 };
    let tone = if share >= ENOUGH { Tone::Ok } else { Tone::Warn };
    let missing = one.things - one.known;
    let list = with_query("/assets", &[("q", one.filter.as_str())]);
    Row::new(one.words.as_str())
        .text(&one.words)
        .text(&one.things.to_string())
        .cell(html! { (meter(share, tone, &percent(share))) })
        .text(&one.discovered.to_string())
        .cell(html! { @if missing > 0 { a href=(list) { (missing) " to fill in" } } @else { "0" } })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check};
    use super::*;
    use crate::Need;

    fn covered(words: &str, things: i64, known: i64) -> Covered {
        let filter = "lacks:network".to_owned();
        Covered { need: Need::Network, words: words.to_owned(), things, known, discovered: known.min(1), filter }
    }

    #[test]
    fn what_is_not_known_leads_to_the_things_and_what_is_known_needs_nothing() {
        check(&body(&Coverage { items: vec![] }), &["Nothing to know yet"]);
        let some = body(&Coverage { items: vec![covered("A switch or gateway", 400, 312), covered(HOSTILE, 3, 3)] });
        check(&some, &["A switch or gateway", "78", "88 to fill in", "/assets?q=lacks%3Anetwork"]);
        assert_eq!(some.0.matches("to fill in").count(), 1);
    }
}
