//! Approvals: what waits for somebody's word, with exactly the plan that is approved.

use kernel::Result;
use kernel::approvals::Approval;
use kernel::approvals::operations::{ListApprovals, ShowApproval, ShownApproval};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Tab, Table, Tabs, Tone, code,
    columns, notice, person, pill,
};

/// `GET /approvals`
pub(super) fn list(page: &mut PageCx) -> Result<Content> {
    let state = page.param("state").unwrap_or("pending").to_owned();
    let asked = ListApprovals {
        state: (state != "all").then(|| state.clone()),
        subject: None,
        cursor: page.param("cursor").map(str::to_owned),
        limit: None,
    };
    let found = page.cx.call(&asked)?;
    Ok(Content::new("Approvals", list_view(&state, &found.items, found.next.as_deref(), &page.clock())))
}

fn tone(state: &str) -> (Tone, &'static str) {
    match state {
        "pending" => (Tone::Warn, "Waiting"),
        "approved" => (Tone::Ok, "Approved"),
        "rejected" => (Tone::Critical, "Rejected"),
        "expired" => (Tone::Idle, "Expired"),
        _ => (Tone::Idle, "Withdrawn"),
    }
}

fn list_view(state: &str, items: &[Approval], next: Option<&str>, clock: &Clock) -> Markup {
    let tabs = [("pending", "Waiting"), ("approved", "Approved"), ("rejected", "Rejected"), ("all", "All")];
    let tabs = tabs.map(|(key, label)| Tab::new(label, format!("/approvals?state={key}")).current(key == state));
    let rows = items.iter().map(|one| {
        let (tone, word) = tone(&one.state);
        Row::new(one.title.clone())
            .href(format!("/approvals/{}", one.id))
            .cell(html! { (one.id) })
            .main()
            .cell(person(&one.requested_name, None))
            .cell(pill(tone, word))
            .cell(clock.short(one.requested_at.timestamp()))
    });
    let table = Table::new("Approvals")
        .columns([
            Column::new("No.").num().wide(),
            Column::new("What").main(),
            Column::new("Asked by").wide(),
            Column::new("State"),
            Column::new("Asked"),
        ])
        .rows(rows);
    let more = next.map(|cursor| format!("/approvals?state={state}&cursor={cursor}"));
    html! {
        (PageHeader::new("Approvals").subtitle(html! { "What needs somebody's word before it happens." }))
        (List::new("approvals", table)
            .tabs(Tabs::new("States of approvals", tabs))
            .paging(more, None)
            .live("list:approval", format!("/approvals?state={state}"))
            .empty(Empty::new("Nothing waits here", "Runbooks and dangerous operations ask for approval here when policy says so.")))
    }
}

/// `GET /approvals/{id}`
pub(super) fn show(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let shown = page.cx.call(&ShowApproval { id })?;
    let subject = page.cx.resolve(std::slice::from_ref(&shown.approval.subject))?;
    let about = subject.values().next().map(|one| (one.title.clone(), one.href.clone()));
    Ok(Content::new(format!("Approval {id}"), show_view(&shown, about.as_ref(), &page.csrf, &page.clock())))
}

fn decide(one: &Approval, csrf: &str, approved: bool) -> Markup {
    let button =
        if approved { Button::submit("Approve").primary().key("a") } else { Button::submit("Reject").danger() };
    let form = Form::post("/do/kernel.approval.decide", csrf)
        .back(format!("/approvals/{}", one.id))
        .field(Field::hidden("id", one.id.to_string()))
        .field(Field::hidden("approved", approved.to_string()))
        .field(Field::hidden("plan_hash", one.plan_hash.clone()))
        .field(Field::hidden("_done", if approved { "Approved." } else { "Rejected." }))
        .field(Field::text("comment", if approved { "Comment" } else { "Why not" }).help("Kept with the decision."));
    html! { (form.action(button)) }
}

fn show_view(shown: &ShownApproval, about: Option<&(String, String)>, csrf: &str, clock: &Clock) -> Markup {
    let one = &shown.approval;
    let (tone, word) = tone(&one.state);
    let mut facts = Facts::new()
        .row("Asked by", person(&one.requested_name, None))
        .row("Asked", clock.ago(one.requested_at.timestamp()))
        .row("Too late", clock.ago(one.expires_at.timestamp()));
    if let Some((title, href)) = about {
        facts = facts.row("About", html! { a href=(web::ui::href(href)) { (title) } });
    }
    if let Some(at) = one.decided_at {
        facts = facts
            .row("Decided by", person(&one.decided_name, None))
            .row("Decided", clock.ago(at.timestamp()))
            .known("Comment", Some(one.comment.as_str()).filter(|text| !text.is_empty()));
    }
    facts = facts.mono("Plan", one.plan_hash.get(..16).unwrap_or(&one.plan_hash));
    let main = html! {
        (Card::new("What will happen").body(html! { (code(&one.detail)) @if !one.operation.is_empty() { p { "Operation " code { (one.operation) } } (code(&one.input.to_string())) } }))
        @if one.state == "pending" {
            @match &shown.undecidable {
                Some(why) => (notice(Tone::Info, why)),
                None => {
                    (Card::new("Your decision").body(html! {
                        @if shown.one_person_team { (notice(Tone::Warn, "The team is set to one person: you may approve what you asked for yourself, and it is recorded so.")) }
                        (decide(one, csrf, true)) (decide(one, csrf, false))
                    }))
                }
            }
        }
    };
    html! {
        (PageHeader::new(one.title.clone()).crumb("Approvals", Some("/approvals")).crumb(format!("No. {}", one.id), None).pill(pill(tone, word)))
        (columns(Split::Wide, &main, &html! { (Card::new("At a glance").tight(html! { (facts) })) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_what_will_stand_there() {
        let page = list_view("pending", &[], None, &Clock::utc_us(0)).into_string();
        assert!(page.contains("Nothing waits here"), "{page}");
    }
}
