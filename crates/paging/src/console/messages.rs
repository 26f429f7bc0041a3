//! `/on-call/messages`: who was told of what, when, by what, and what the other side said; and one message with every try.

use kernel::{LiveList, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Card, Clock, Column, Empty, Facts, List, PageHeader, Row, Split, Tab, Table, Tabs, Tone, columns, pill, status,
};

use super::{ago, message_looks, tabs};
use crate::message::list::{ListMessages, Messages, ShowMessage, ShownMessage};
use crate::message::{Message, MessageState};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let view = page.param("state").unwrap_or("all").to_owned();
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let found = page.cx.call(&ListMessages { state: MessageState::parse(&view), cursor, ..ListMessages::default() })?;
    Ok(Content::new("Messages", draw(&found, &view, first, &page.clock())))
}

fn draw(found: &Messages, view: &str, first: bool, clock: &Clock) -> Markup {
    let tab = |name: &'static str, label: &'static str| {
        Tab::new(label, format!("/on-call/messages?state={name}")).current(view == name)
    };
    let states = [
        tab("all", "All"),
        tab("waiting", "On their way"),
        tab("sent", "Taken"),
        tab("failed", "Failed"),
        tab("stopped", "Stopped"),
    ];
    let next = found.next.as_ref().map(|cursor| format!("/on-call/messages?state={view}&cursor={cursor}"));
    let back = (!first).then(|| format!("/on-call/messages?state={view}"));
    let many = if found.count_capped { "999+ messages".to_owned() } else { format!("{} messages", found.count) };
    let empty = Empty::new(
        "No message here",
        "Whatever people are told of alerts is written down here, with what the other side said.",
    );
    html! {
        (PageHeader::new("Messages").crumb("On call", Some("/on-call")))
        (tabs("/on-call/messages"))
        (List::new("messages", table(&found.items, clock)).tabs(Tabs::new("Which messages", states)).total(many).paging(next, back).empty(empty).live(LiveList::Messages.to_string(), format!("/on-call/messages?state={view}")))
    }
}

/// Messages as a table, here and on the page of an alert group.
pub(crate) fn table(items: &[Message], clock: &Clock) -> Table {
    let row = |one: &Message| {
        let (tone, word) = message_looks(one.state);
        Row::new(one.subject.as_str())
            .href(format!("/on-call/messages/{}", one.id))
            .cell(status(tone, word))
            .cell(html! { span.soft dir="auto" { (one.to) } })
            .main()
            .text(&one.answer)
            .cell(clock.ago(one.sent_at.unwrap_or(one.at).timestamp()))
    };
    Table::new("Messages")
        .columns([
            Column::new("State"),
            Column::new("To"),
            Column::new("What").main(),
            Column::new("The other side said").wide(),
            Column::new("When"),
        ])
        .rows(items.iter().map(row))
}

pub(super) fn one(page: &mut PageCx) -> Result<Content> {
    let shown = page.cx.call(&ShowMessage { id: page.id("id")? })?;
    Ok(Content::new(format!("Message {}", shown.message.id), one_body(&shown, &page.clock())))
}

fn one_body(shown: &ShownMessage, clock: &Clock) -> Markup {
    let message = &shown.message;
    let (tone, word) = message_looks(message.state);
    let tries = shown.tries.iter().map(|one| {
        let (tone, word) = if one.ok { (Tone::Ok, "Taken") } else { (Tone::Critical, "Failed") };
        Row::new(format!("Try {}", one.attempt))
            .cell(status(tone, word))
            .main()
            .text(&one.answer)
            .cell(clock.at(one.at.timestamp()))
    });
    let names =
        [Column::new("Result"), Column::new("Try"), Column::new("The other side said").main(), Column::new("When")];
    let tried = Table::new("Tries").columns(names).rows(tries);
    let mut facts = Facts::new()
        .row("State", status(tone, word))
        .text("To", &message.to)
        .text("Tries", &message.attempts.to_string())
        .row("Written", clock.at(message.at.timestamp()))
        .row("Taken", ago(clock, message.sent_at, "Not taken"));
    if message.step > 0 {
        facts = facts.text("Because of", &format!("Step {} of round {}", message.step, message.round));
    }
    if let Some(group) = message.group {
        facts = facts.row("About", html! { a href={ "/monitoring/groups/" (group) } { "Alert group " (group) } });
    }
    let main = html! {
        (Card::new("What it says").body(html! { ul.lines { @for line in &shown.text { li dir="auto" { (line) } } } }))
        (Card::new("What the other side said").count(shown.tries.len()).flush(html! {
            @if shown.tries.is_empty() { (Empty::new("Not tried yet", "It leaves within a second, or waits for a channel that fails.")) } @else { (tried) }
        }))
    };
    html! {
        (PageHeader::new(message.subject.as_str()).crumb("On call", Some("/on-call")).crumb("Messages", Some("/on-call/messages")).pill(pill(tone, word)))
        (columns(Split::Wide, &main, &html! { (Card::new("At a glance").tight(html! { (facts) })) }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;
    use crate::message::Attempt;

    fn message(text: &str) -> Message {
        Message {
            id: 1,
            group: Some(9),
            step: 1,
            round: 1,
            to: text.into(),
            subject: text.into(),
            answer: text.into(),
            ..Message::default()
        }
    }

    #[test]
    fn messages_draw_none_one_many_and_hostile_text() {
        let clock = Clock::utc_us(kernel::world::START.0);
        check(&draw(&Messages::default(), "all", true, &clock), &["No message here"]);
        let many =
            Messages { items: vec![message(HOSTILE); 50], next: Some("7".into()), count: 1_000, count_capped: true };
        check(&draw(&many, "failed", false, &clock), &["999+ messages", "On its way"]);
        let tried = Attempt { at: kernel::world::START, attempt: 1, ok: false, answer: HOSTILE.into() };
        let shown = ShownMessage { message: message(HOSTILE), text: vec![HOSTILE.into()], tries: vec![tried] };
        check(&one_body(&shown, &clock), &["Alert group 9", "Failed"]);
        check(&one_body(&ShownMessage::default(), &clock), &["Not tried yet"]);
    }
}
