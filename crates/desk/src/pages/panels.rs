//! What the desk adds to other pages: the tickets about a thing, the incident of a group of alerts.

use kernel::address::with_query;
use kernel::{Ref, Result};
use maud::{Markup, html};
use web::page::{PageCx, Panel, PanelPlace};
use web::ui::{Button, Card, nobody};

use super::queue;
use crate::store;
use crate::ticket::list::{ListTickets, rows};

/// Rows in a panel.
const ROWS: usize = 8;

/// The panels.
pub(crate) fn all() -> Vec<Panel> {
    vec![
        Panel {
            name: "desk-tickets",
            about: "asset",
            title: "Tickets",
            place: PanelPlace::Main,
            grant: "desk.ticket.list",
            render: of_asset,
        },
        Panel {
            name: "desk-incident",
            about: "alert_group",
            title: "Incident",
            place: PanelPlace::Main,
            grant: "desk.ticket.list",
            render: of_group,
        },
    ]
}

fn of_asset(page: &mut PageCx, asset: &Ref) -> Result<Option<Markup>> {
    let filter = format!("asset:{}", asset.id);
    let wanted = ListTickets { filter: Some(filter.clone()), limit: Some(ROWS), ..ListTickets::default() };
    let found = page.cx.call(&wanted)?;
    let new = with_query("/desk/new", &[("thing", &asset.to_string())]);
    let mut card = Card::new("Tickets").count(web::ui::count_capped(u64::try_from(found.count).unwrap_or(0), 1_000));
    if found.next.is_some() {
        card = card.link("All", &with_query("/desk", &[("view", "open"), ("q", &filter)]));
    }
    if page.cx.may("desk.ticket.open") {
        card = card.action(Button::link("Ticket", new).small().icon("plus"));
    }
    if found.items.is_empty() {
        return Ok(Some(html! { (card.body(nobody("No ticket is about this."))) }));
    }
    let clock = page.clock();
    Ok(Some(html! { (card.flush(queue::plain("Tickets about this", &found.items, &clock))) }))
}

fn of_group(page: &mut PageCx, group: &Ref) -> Result<Option<Markup>> {
    let ids = store::link::pointing_at(page.cx.tx, group, 20)?;
    let items = rows(page.cx, &ids)?;
    if items.is_empty() {
        return Ok(None);
    }
    let clock = page.clock();
    Ok(Some(html! { (Card::new("Incident").flush(queue::plain("Incident of this group", &items, &clock))) }))
}
