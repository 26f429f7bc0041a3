//! The portal of employees: their requests, a form of at most three questions, one request with its conversation.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Table, post_button};

use super::conversation::{self, Composer};
use super::status_pill;
use crate::ticket::Status;
use crate::ticket::list::{ListTickets, TicketPage};
use crate::ticket::show::{ShowTicket, ShownTicket};

fn portal_href(id: i64) -> String {
    format!("/portal/tickets/{id}")
}

/// `GET /portal`
pub(crate) fn list(page: &mut PageCx) -> Result<Content> {
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let wanted = ListTickets { filter: Some("requester:me".into()), cursor, ..ListTickets::default() };
    let found = page.cx.call(&wanted)?;
    Ok(Content::new("My requests", draw_list(&found, first, &page.here, &page.clock())))
}

fn draw_list(found: &TicketPage, first: bool, here: &str, clock: &Clock) -> Markup {
    let row = |one: &crate::ticket::list::TicketRow| {
        Row::new(one.summary.clone())
            .href(portal_href(one.id))
            .cell(html! { (one.id) })
            .main()
            .cell(status_pill(one.status))
            .cell(clock.short(one.updated_at.timestamp()))
    };
    let table = Table::new("My requests")
        .columns([
            Column::new("No.").num().wide(),
            Column::new("Subject").main(),
            Column::new("Status"),
            Column::new("Updated").num(),
        ])
        .rows(found.items.iter().map(row));
    let next = found.next.as_deref().map(|cursor| with_query("/portal", &[("cursor", cursor)]));
    let ask = || Button::link("Ask for help", "/portal/new").primary().icon("plus").key("c");
    let list = List::new("requests", table)
        .paging(next, (!first).then(|| "/portal".to_owned()))
        .empty(
            Empty::new(
                "You have not asked for anything yet",
                "Tell the service desk what you need or what does not work. You see here how it goes on.",
            )
            .action(ask()),
        )
        .live("list:ticket", here);
    let header = PageHeader::new("My requests");
    html! { @if found.items.is_empty() { (header) } @else { (header.action(ask())) } (list) }
}

/// `GET /portal/new`
pub(crate) fn new(page: &mut PageCx) -> Result<Content> {
    Ok(Content::new("Ask for help", draw_new(&page.csrf)))
}

fn draw_new(csrf: &str) -> Markup {
    let form = Form::post("/do/desk.ticket.open", csrf)
        .back("/portal/tickets/{id}")
        .field(Field::hidden("source", "portal"))
        .field(Field::hidden("_done", "Sent. The service desk has it now."))
        .field(
            Field::select(
                "kind",
                "What is it",
                [("incident", "Something does not work"), ("request", "I need something")],
            )
            .required(),
        )
        .field(
            Field::text("summary", "In one line").required().autofocus().length_max(crate::ticket::SUMMARY_CHARS_MAX),
        )
        .field(
            Field::textarea("detail", "More about it").help("Since when, on which device, what you see on the screen."),
        )
        .action(Button::submit("Send").primary())
        .action(Button::link("Cancel", "/portal"));
    html! { (PageHeader::new("Ask for help").crumb("My requests", Some("/portal"))) (Card::new("").body(html! { (form) })) }
}

/// `GET /portal/tickets/{id}`
pub(crate) fn ticket(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let before = page.param("before").and_then(|text| text.parse().ok());
    let shown = page.cx.call(&ShowTicket { id, before })?;
    let may_reopen = page.cx.may("desk.ticket.reopen");
    let title = format!("{id} {}", shown.summary);
    Ok(Content::new(title, draw_ticket(&shown, &page.csrf, &page.clock(), may_reopen)))
}

fn draw_ticket(shown: &ShownTicket, csrf: &str, clock: &Clock, may_reopen: bool) -> Markup {
    let here = portal_href(shown.id);
    let older = shown.conversation.first().filter(|_| shown.older).map(|first| format!("{here}?before={}", first.id));
    let public: Vec<_> =
        shown.conversation.iter().filter(|one| one.kind != crate::ticket::EntryKind::Note).cloned().collect();
    let mut header = PageHeader::new(shown.summary.clone())
        .crumb("My requests", Some("/portal"))
        .crumb(shown.id.to_string(), None)
        .pill(status_pill(shown.status));
    if !shown.status.is_open() && may_reopen {
        let id = shown.id.to_string();
        let fields = [("id", id.as_str()), ("_back", here.as_str()), ("_done", "Reopened.")];
        header =
            header.action(post_button("/do/desk.ticket.reopen", csrf, &fields, &Button::submit("It is not solved")));
    }
    let compose = Composer {
        id: shown.id,
        csrf,
        here: &here,
        note: false,
        may_reply: shown.status != Status::Closed,
        may_note: false,
    };
    let facts = Facts::new()
        .known("With", shown.owner.as_ref().or(shown.team.as_ref()).map(|one| one.name.as_str()))
        .known("Waits for", shown.wait_reason.as_deref())
        .row("Sent", clock.ago(shown.created_at.timestamp()));
    let talk = html! {
        (Card::new("").tight(html! { (facts) }))
        (conversation::card(&conversation::detail(shown, clock), &public, older.as_deref(), clock))
    };
    html! {
        (header)
        (web::ui::live("conversation", &shown.reference.to_string(), &here, &talk))
        (conversation::composer(&compose))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_portal_is_drawn_empty_with_one_with_many_and_with_hostile_text() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        for (count, text) in [(0, "VPN"), (1, "VPN"), (120, "VPN"), (3, sample::HOSTILE)] {
            sample::check(&draw_list(&sample::page(count, text), true, "/portal", &clock).0);
            sample::check(&draw_ticket(&sample::shown(count, text), "token", &clock, true).0);
        }
        sample::check(&draw_new("token").0);
    }

    #[test]
    fn a_note_never_shows_in_the_portal_and_the_form_asks_three_questions() {
        let html = draw_ticket(&sample::shown(9, "x"), "token", &Clock::utc_us(0), false).0;
        assert!(!html.contains("Internal"), "{html}");
        let form = draw_new("token").0;
        let asked =
            form.matches("<select").count() + form.matches("<textarea").count() + form.matches("type=\"text\"").count();
        assert_eq!(asked, 3);
    }
}
