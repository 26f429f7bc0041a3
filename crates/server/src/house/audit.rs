//! Audit: who did what, when, through which door, and the difference it made.

use kernel::Result;
use kernel::audit::operations::{AuditEntry, ListAudit, ShowAudit};
use maud::{Markup, html};
use serde_json::Value;
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Difference, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Table, Tone,
    code, columns, differences, pill, post_button, tag,
};

/// `GET /audit`
pub(super) fn list(page: &mut PageCx) -> Result<Content> {
    let text = |name: &str| page.param(name).map(str::to_owned);
    let (actor, operation, about) = (text("actor"), text("operation"), text("ref"));
    let subject = about.as_deref().map(str::parse).transpose()?;
    let asked =
        ListAudit { actor: actor.clone(), operation: operation.clone(), subject, cursor: text("cursor"), limit: None };
    let found = page.cx.call(&asked)?;
    let filter = Filter {
        actor: actor.unwrap_or_default(),
        operation: operation.unwrap_or_default(),
        about: about.unwrap_or_default(),
    };
    Ok(Content::new("Audit", list_view(&filter, &found.items, found.next.as_deref(), &page.clock())))
}

struct Filter {
    actor: String,
    operation: String,
    about: String,
}

impl Filter {
    fn query(&self) -> String {
        let pairs = [("actor", &self.actor), ("operation", &self.operation), ("ref", &self.about)];
        let pairs: Vec<String> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}={}", kernel::address::percent(value)))
            .collect();
        pairs.join("&")
    }
}

fn list_view(filter: &Filter, items: &[AuditEntry], next: Option<&str>, clock: &Clock) -> Markup {
    let rows = items.iter().map(|entry| {
        let about = entry.subject.as_ref().map(ToString::to_string).unwrap_or_default();
        Row::new(entry.operation.clone())
            .href(format!("/audit/{}", entry.id))
            .cell(html! { (entry.id) })
            .main()
            .text(if entry.actor_name.is_empty() { &entry.actor } else { &entry.actor_name })
            .cell(html! { span.mono { (about) } })
            .cell(if entry.outcome == "done" { pill(Tone::Ok, "Done") } else { pill(Tone::Critical, "Refused") })
            .cell(tag(&entry.via))
            .cell(clock.short(entry.at.timestamp()))
    });
    let table = Table::new("Audit")
        .columns([
            Column::new("No.").num().wide(),
            Column::new("Operation").main(),
            Column::new("Who"),
            Column::new("About").wide(),
            Column::new("Outcome"),
            Column::new("Via").wide(),
            Column::new("When").wide(),
        ])
        .rows(rows);
    let more = next.map(|cursor| format!("/audit?{}&cursor={cursor}", filter.query()));
    let form = Form::get("/audit")
        .field(Field::text("actor", "Who").value(filter.actor.clone()).placeholder("user:3"))
        .field(Field::text("operation", "Operation").value(filter.operation.clone()).placeholder("desk.ticket.assign"))
        .field(Field::text("ref", "About").value(filter.about.clone()).placeholder("ticket:12"))
        .action(Button::submit("Filter"));
    let list = html! { (List::new("audit", table).paging(more, None).empty(Empty::new("Nothing fits", "Nobody did this. Widen the filter."))) };
    html! {
        (PageHeader::new("Audit").subtitle(html! { "Everything that was done or refused. Entries are sealed; \"mainstay kernel audit verify\" proves that none was changed." }))
        (columns(Split::Wide, &list, &html! { (Card::new("Filter").body(html! { (form) })) }))
    }
}

/// `GET /audit/{id}`
pub(super) fn show(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let entry = page.cx.call(&ShowAudit { id })?;
    Ok(Content::new(format!("Audit {id}"), show_view(&entry, &page.csrf, &page.clock())))
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn show_view(entry: &AuditEntry, csrf: &str, clock: &Clock) -> Markup {
    let difference = |change: &kernel::FieldChange| Difference {
        subject: Some(change.subject.to_string()),
        field: change.field.clone(),
        old: shown(&change.old),
        new: shown(&change.new),
    };
    let changes: Vec<Difference> = entry.changes.iter().map(difference).collect();
    let facts = Facts::new()
        .text("Who", if entry.actor_name.is_empty() { &entry.actor } else { &entry.actor_name })
        .mono("Identity", &entry.actor)
        .text("Through", &entry.via)
        .row("When", clock.at(entry.at.timestamp()));
    let number = entry.id.to_string();
    let main = html! {
        @if changes.is_empty() { (Card::new("What changed").body(html! { p { "No field of a thing changed." } })) } @else { (Card::new("What changed").flush(differences(&changes))) }
        @if !entry.input.is_null() { (Card::new("Input").body(html! { (code(&serde_json::to_string_pretty(&entry.input).unwrap_or_default())) })) }
    };
    html! {
        (PageHeader::new(entry.operation.clone()).mono().crumb("Audit", Some("/audit")).crumb(format!("No. {}", entry.id), None)
            .pill(if entry.outcome == "done" { pill(Tone::Ok, "Done") } else { pill(Tone::Critical, "Refused") }))
        (columns(Split::Wide, &main, &html! {
            (Card::new("At a glance").tight(html! { (facts) }))
            @if !changes.is_empty() && entry.outcome == "done" {
                (Card::new("Undo").body(html! {
                    p { "Puts every field back, unless somebody changed one of them since." }
                    (post_button("/do/kernel.audit.undo", csrf, &[("id", &number), ("_back", &format!("/audit/{number}")), ("_done", "Put back.")], &Button::submit("Undo").key("z")))
                }))
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_in_an_entry_is_escaped() {
        let entry = AuditEntry {
            id: 1,
            at: kernel::Time(0),
            actor: "user:1".into(),
            actor_name: "<script>".into(),
            operation: "a.b.c".into(),
            via: "rest".into(),
            outcome: "done".into(),
            subject: None,
            input: serde_json::json!({"x": "</code><script>alert(1)</script>"}),
            changes: vec![],
        };
        let page = show_view(&entry, "", &Clock::utc_us(0)).into_string();
        assert!(!page.contains("<script>"), "{page}");
        let filter = Filter { actor: "\"><script>".into(), operation: String::new(), about: String::new() };
        assert!(!list_view(&filter, &[entry], Some("1"), &Clock::utc_us(0)).into_string().contains("<script>"));
    }
}
