//! Notifications: what left the house, to whom, and what the other side said.

use kernel::Result;
use kernel::notifications::Outgoing;
use kernel::notifications::operations::{ListNotifications, ShowNotification, ShownNotification};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Entry, Facts, List, PageHeader, Row, Split, Tab, Table, Tabs, Tone, code,
    columns, pill, post_button, timeline,
};

/// `GET /notifications`
pub(super) fn list(page: &mut PageCx) -> Result<Content> {
    let state = page.param("state").unwrap_or("all").to_owned();
    let cursor = page.param("cursor").map(str::to_owned);
    let asked = ListNotifications { state: (state != "all").then(|| state.clone()), about: None, cursor, limit: None };
    let found = page.cx.call(&asked)?;
    let may_test = page.cx.may("kernel.notification.test");
    Ok(Content::new("Notifications", list_view(&state, &found.items, found.next.as_deref(), may_test, &page.clock())))
}

fn tone(state: &str) -> (Tone, &'static str) {
    match state {
        "sent" => (Tone::Ok, "Sent"),
        "failed" => (Tone::Critical, "Failed"),
        "waiting" => (Tone::Working, "Waiting"),
        _ => (Tone::Idle, "Stopped"),
    }
}

fn list_view(state: &str, items: &[Outgoing], next: Option<&str>, may_test: bool, clock: &Clock) -> Markup {
    let tabs = [("all", "All"), ("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed")];
    let tabs = tabs.map(|(key, label)| Tab::new(label, format!("/notifications?state={key}")).current(key == state));
    let rows = items.iter().map(|one| {
        let (tone, word) = tone(&one.state);
        Row::new(one.subject.clone())
            .href(format!("/notifications/{}", one.id))
            .main()
            .text(&one.channel)
            .text(&one.recipient)
            .cell(pill(tone, word))
            .cell(clock.short(one.at.timestamp()))
    });
    let heads = [
        Column::new("Message").main(),
        Column::new("Channel"),
        Column::new("To"),
        Column::new("State"),
        Column::new("Written"),
    ];
    let table = Table::new("Notifications").columns(heads).rows(rows);
    let more = next.map(|cursor| format!("/notifications?state={state}&cursor={cursor}"));
    let mut header = PageHeader::new("Notifications").subtitle(html! { "Mail and webhooks that left, or could not." });
    if may_test {
        header = header.action(Button::link("Send a test", "/do/kernel.notification.test"));
    }
    html! {
        (header)
        (List::new("notifications", table)
            .tabs(Tabs::new("States of notifications", tabs))
            .paging(more, None)
            .empty(Empty::new("Nothing was sent", "Set the mail server in the setting kernel.smtp, or add a webhook.").action(Button::link("Mail settings", "/settings/kernel.smtp"))))
    }
}

/// `GET /notifications/{id}`
pub(super) fn show(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let shown = page.cx.call(&ShowNotification { id })?;
    let may = page.cx.may("kernel.notification.retry");
    Ok(Content::new(format!("Notification {id}"), show_view(&shown, may, &page.csrf, &page.clock())))
}

fn show_view(shown: &ShownNotification, may_retry: bool, csrf: &str, clock: &Clock) -> Markup {
    let one = &shown.message;
    let (tone, word) = tone(&one.state);
    let number = one.id.to_string();
    let facts = Facts::new()
        .text("Channel", &one.channel)
        .text("To", &one.recipient)
        .row("Written", clock.ago(one.at.timestamp()))
        .mono("About", &one.about.to_string());
    let tries: Vec<Entry> = shown
        .deliveries
        .iter()
        .map(|try_| Entry {
            tone: if try_.ok { Tone::Ok } else { Tone::Critical },
            title: format!("Try {}", try_.attempt),
            href: None,
            detail: Some(html! { (try_.answer) }),
            body: None,
            at: clock.when(try_.at.timestamp()),
        })
        .collect();
    let retry = post_button(
        "/do/kernel.notification.retry",
        csrf,
        &[("id", &number), ("_back", &format!("/notifications/{number}")), ("_done", "Queued again.")],
        &Button::submit("Try again"),
    );
    html! {
        (PageHeader::new(one.subject.clone()).crumb("Notifications", Some("/notifications")).crumb(format!("No. {number}"), None).pill(pill(tone, word)))
        (columns(Split::Wide, &html! { (Card::new("Text").body(code(&one.body))) (Card::new("Tries").body(timeline(&tries))) }, &html! {
            (Card::new("At a glance").tight(html! { (facts) }))
            @if may_retry && one.state == "failed" { (Card::new("Again").body(retry)) }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_answers_of_other_servers_are_escaped() {
        let message = Outgoing {
            id: 1,
            at: kernel::Time(0),
            actor: "service:x".into(),
            channel: "webhook".into(),
            recipient: "<b>".into(),
            subject: "<script>".into(),
            body: "</pre><script>".into(),
            about: kernel::Ref::new("ticket", 1),
            state: "failed".into(),
            send_at: kernel::Time(0),
        };
        let listed = list_view("all", std::slice::from_ref(&message), Some("1"), true, &Clock::utc_us(0)).into_string();
        let delivery =
            kernel::notifications::Delivery { at: kernel::Time(0), attempt: 1, ok: false, answer: "<script>".into() };
        let page = show_view(&ShownNotification { message, deliveries: vec![delivery] }, true, "t", &Clock::utc_us(0))
            .into_string();
        assert!(!page.contains("<script>") && !listed.contains("<script>"), "{page}");
        assert!(list_view("all", &[], None, false, &Clock::utc_us(0)).into_string().contains("Nothing was sent"));
    }
}
