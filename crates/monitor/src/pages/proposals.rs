//! Checks that facts suggest: all of them on a page, those of an asset in a panel of its page. One key accepts.

use kernel::address::with_query;
use kernel::{Ref, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Bulk, Button, Card, Clock, Column, Empty, List, PageHeader, Row, Table, count_capped, post_button, tag};

use super::{Names, ago, tabs};
use crate::proposal::list::{ListProposals, Proposals};
use crate::proposal::{Proposal, ProposalState};

/// Proposals that the panel shows.
const PANEL_ROWS: usize = 8;

struct View {
    clock: Clock,
    proposals: Proposals,
    names: Names,
    state: ProposalState,
    asset: String,
    cursor: String,
    may: bool,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let text = |name: &str| page.param(name).unwrap_or_default().to_owned();
    let (asset, cursor) = (text("asset"), text("cursor"));
    let state = page.param("state").and_then(ProposalState::parse).unwrap_or(ProposalState::Open);
    let asked =
        ListProposals { asset: asset.parse().ok(), state: Some(state), cursor: Some(cursor.clone()), limit: None };
    let proposals = page.cx.call(&asked)?;
    let assets: Vec<i64> = proposals.items.iter().map(|one| one.asset).collect();
    let names = Names::load(page, &assets, &[])?;
    let may = page.cx.may("monitor.proposal.accept");
    let view = View { clock: page.clock(), proposals, names, state, asset, cursor, may, csrf: page.csrf.clone() };
    Ok(Content::new("Proposals", draw(&view)))
}

impl View {
    /// This page, from a row on.
    fn here(&self, cursor: &str) -> String {
        let state = if self.state == ProposalState::Open { "" } else { self.state.as_str() };
        with_query("/monitoring/proposals", &[("asset", &self.asset), ("state", state), ("cursor", cursor)])
    }
}

fn draw(view: &View) -> Markup {
    let here = |cursor: &str| view.here(cursor);
    let columns = [
        Column::new("Check").main(),
        Column::new("Asset"),
        Column::new("Kind").wide(),
        Column::new("Why").wide(),
        Column::new("Since").wide(),
        Column::new(""),
    ];
    let rows = view.proposals.items.iter().map(|one| row(view, one));
    let total = u64::try_from(view.proposals.count).unwrap_or(0);
    let mut list = List::new("proposals", Table::new("Proposed checks").columns(columns).rows(rows))
        .total(format!("{} {}", count_capped(total, 1_000), if total == 1 { "proposal" } else { "proposals" }))
        .paging(view.proposals.next.as_deref().map(here), (!view.cursor.is_empty()).then(|| here("")))
        .empty(Empty::new(
            "Nothing is proposed",
            "When an agent tells what its machine runs, the checks that suit it are proposed here.",
        ));
    if view.may && view.state == ProposalState::Open {
        list = list.bulk(
            Bulk::new("/_bulk", view.csrf.clone())
                .back(here(&view.cursor))
                .button(Button::submit("Accept").value("op", "monitor.proposal.accept").key("a"))
                .button(Button::submit("Dismiss").value("op", "monitor.proposal.dismiss").key("d")),
        );
    }
    html! {
        (PageHeader::new("Proposals").crumb("Monitoring", Some("/monitoring"))
            .subtitle(html! { "Checks that suit what machines run. Nothing is looked at before somebody accepts." }))
        (tabs("/monitoring/proposals"))
        (list)
    }
}

fn row(view: &View, one: &Proposal) -> Row {
    let mut row = Row::new(one.name.clone()).reference(one.reference().to_string());
    if let Some(check) = one.check {
        row = row.href(format!("/monitoring/checks/{check}"));
    }
    row.main()
        .cell(view.names.asset(Some(one.asset)))
        .cell(tag(one.kind.title()))
        .text(&one.why)
        .cell(ago(&view.clock, one.created_at))
        .cell(html! { @if view.may && one.state == ProposalState::Open { (decide(one, &view.here(&view.cursor), &view.csrf)) } })
}

/// The two answers to a proposal.
fn decide(one: &Proposal, back: &str, csrf: &str) -> Markup {
    let id = one.id.to_string();
    let button =
        |op: &str, button: Button| post_button(op, csrf, &[("id", id.as_str()), ("_back", back)], &button.small());
    html! {
        span.pair {
            (button("/do/monitor.proposal.accept", Button::submit("Accept")))
            (button("/do/monitor.proposal.dismiss", Button::submit("Dismiss").quiet()))
        }
    }
}

/// The panel on an asset's page; nothing when nothing is proposed.
pub(crate) fn panel(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    let asked = ListProposals { asset: Some(subject.id), limit: Some(PANEL_ROWS), ..ListProposals::default() };
    let proposals = page.cx.call(&asked)?;
    let may = page.cx.may("monitor.proposal.accept");
    Ok((!proposals.items.is_empty()).then(|| draw_panel(subject.id, &proposals, may, &page.csrf)))
}

fn draw_panel(asset: i64, proposals: &Proposals, may: bool, csrf: &str) -> Markup {
    let back = format!("/assets/{asset}");
    let rows = proposals.items.iter().map(|one| {
        let buttons = html! { @if may { (decide(one, &back, csrf)) } };
        Row::new(one.name.clone()).main().text(&one.why).cell(buttons)
    });
    let columns = [Column::new("Check").main(), Column::new("Why").wide(), Column::new("")];
    let table = Table::new("Proposed checks").columns(columns).rows(rows);
    let all = with_query("/monitoring/proposals", &[("asset", &asset.to_string())]);
    let card = Card::new("Proposed checks")
        .id("monitor-proposals")
        .count(proposals.count)
        .link("Accept several", &all)
        .live(format!("asset:{asset}"), format!("/_panel/monitor.proposals/asset/{asset}"));
    html! { (card.flush(html! { (table) })) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;
    use crate::probe::Kind;

    fn proposals(text: &str, many: usize) -> Proposals {
        let one = Proposal {
            id: 5,
            asset: 417,
            kind: Kind::Http,
            name: text.into(),
            why: text.into(),
            fields: serde_json::Map::new(),
            state: ProposalState::Open,
            check: None,
            created_at: kernel::Time(0),
            decided_by: None,
            version: 1,
        };
        Proposals { items: vec![one; many], next: Some("5".into()), count: 1_000, count_capped: true }
    }

    fn drawn(text: &str, many: usize) -> String {
        let view = View {
            clock: Clock::utc_us(0),
            proposals: proposals(text, many),
            names: Names::default(),
            state: ProposalState::Open,
            asset: text.into(),
            cursor: String::new(),
            may: true,
            csrf: "token".into(),
        };
        draw(&view).into_string()
    }

    #[test]
    fn the_list_draws_nothing_one_many_and_hostile_text() {
        assert!(drawn("Web", 0).contains("Nothing is proposed"));
        let one = drawn("Web", 1);
        assert!(one.contains("proposal:5") && one.contains("monitor.proposal.accept"));
        assert!(drawn("Web", 50).len() < 120_000);
        assert!(!drawn(HOSTILE, 1).contains("<script>alert"));
    }

    #[test]
    fn the_panel_offers_both_decisions_only_to_who_may_decide() {
        assert!(
            draw_panel(417, &proposals("Web", 2), true, "token").into_string().contains("monitor.proposal.dismiss")
        );
        let hostile = draw_panel(417, &proposals(HOSTILE, 2), false, "token").into_string();
        assert!(!hostile.contains("monitor.proposal.dismiss") && !hostile.contains("<script>alert"));
    }
}
