//! What was said on a ticket, and the box to say more: public replies and internal notes look different at first sight.

use maud::{Markup, html};
use web::ui::{Button, Card, Clock, Entry, Field, Form, Tab, Tabs, Tone, pill, timeline};

use super::{prose, told};
use crate::ticket::show::{Said, ShownTicket};
use crate::ticket::{EntryKind, Source};

fn entry(said: &Said, clock: &Clock) -> Entry {
    let text = if said.author.starts_with("service:") { told(&said.text, clock) } else { prose(&said.text) };
    let name = web::ui::actor(&said.author, &said.author_name);
    let (tone, title, detail, body) = match said.kind {
        EntryKind::Reply => (Tone::Info, format!("{name} replied"), None, text),
        EntryKind::Resolution => (Tone::Ok, format!("{name} resolved it"), Some(pill(Tone::Ok, "Resolution")), text),
        EntryKind::Note => (
            Tone::Warn,
            format!("Note by {name}"),
            Some(pill(Tone::Warn, "Internal: the requester does not see this")),
            html! { div class="notice t-warn" { div.tx { (text) } } },
        ),
    };
    Entry { tone, title, href: None, detail, body: Some(body), at: clock.when(said.at.timestamp()) }
}

/// What a ticket says when it opens.
pub(crate) fn detail(ticket: &ShownTicket, clock: &Clock) -> Markup {
    match (ticket.detail.is_empty(), ticket.source) {
        (true, _) => html! { p.none { "There is no description." } },
        (false, Source::Alert) => told(&ticket.detail, clock),
        (false, _) => prose(&ticket.detail),
    }
}

/// The conversation, oldest first, after what the ticket itself says.
pub(crate) fn card(detail: &Markup, said: &[Said], older: Option<&str>, clock: &Clock) -> Markup {
    let entries: Vec<Entry> = said.iter().map(|one| entry(one, clock)).collect();
    let body = html! {
        (detail)
        @if let Some(older) = older { p { a href=(web::ui::href(older)) { "Show older entries" } } }
        (timeline(&entries))
        @if said.is_empty() { p.none { "Nothing was said yet." } }
    };
    html! { (Card::new("Conversation").count(said.len()).body(body)) }
}

/// Where the box stands and what it may send.
pub(crate) struct Composer<'a> {
    pub(crate) id: i64,
    pub(crate) csrf: &'a str,
    /// The ticket's page.
    pub(crate) here: &'a str,
    /// A note is being written, not a reply.
    pub(crate) note: bool,
    pub(crate) may_reply: bool,
    pub(crate) may_note: bool,
}

/// The box: Public or Internal, one of them at a time.
pub(crate) fn composer(one: &Composer<'_>) -> Markup {
    let note = one.may_note && (one.note || !one.may_reply);
    if !one.may_reply && !one.may_note {
        return html! {};
    }
    let tabs = Tabs::new(
        "Who reads it",
        [
            Tab::new("Public reply", one.here).current(!note),
            Tab::new("Internal note", format!("{}?say=note", one.here)).current(note),
        ],
    )
    .swap("composer");
    let (operation, label, help, button) = if note {
        ("desk.ticket.note", "Internal note", "Only the desk reads this.", "Add note")
    } else {
        ("desk.ticket.reply", "Public reply", "The requester reads this.", "Send reply")
    };
    let form = Form::post(format!("/do/{operation}"), one.csrf)
        .back(one.here)
        .field(Field::hidden("id", one.id.to_string()))
        .field(Field::hidden("_done", if note { "Note added." } else { "Reply sent." }))
        .field(Field::textarea("text", label).required().help(help).length_max(crate::ticket::TEXT_CHARS_MAX))
        .action(Button::submit(button).primary().icon(if note { "lock" } else { "reply" }));
    html! {
        section.card id="composer" {
            @if one.may_note && one.may_reply { (tabs) }
            div.in { @if note { div class="notice t-warn" { div.tx { (form) } } } @else { (form) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_note_looks_different_and_says_who_does_not_see_it() {
        let clock = Clock::utc_us(0);
        let shown = sample::shown(3, sample::HOSTILE);
        let html = card(&detail(&shown, &clock), &shown.conversation, None, &clock).0;
        sample::check(&html);
        assert_eq!(html.matches("the requester does not see this").count(), 1);
        let box_of = |note: bool, may_note: bool| {
            composer(&Composer { id: 1, csrf: "t", here: "/desk/tickets/1", note, may_reply: true, may_note }).0
        };
        assert!(box_of(false, true).contains("/do/desk.ticket.reply"));
        assert!(box_of(true, true).contains("/do/desk.ticket.note") && box_of(true, true).contains("t-warn"));
        assert!(box_of(true, false).contains("/do/desk.ticket.reply"), "who may not note replies");
    }
}
