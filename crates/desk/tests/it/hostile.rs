//! Hostile text in every field: kept as text, or refused by field.

use kernel::ErrorKind;
use serde_json::json;

use crate::town::Town;

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "'; DROP TABLE desk_tickets; --",
    "\u{202e}gnirts\u{202c} 🙂 Åse \u{200d}",
    "NUL\u{0}inside",
    "{{7*7}} ${jndi:ldap://x} %s %n",
];

#[test]
fn hostile_text_stays_text() {
    let town = Town::new();
    for text in HOSTILE {
        let id = town.open(&town.admin, json!({ "summary": text, "detail": text, "team": town.desk }));
        town.done(&town.sam, "desk.ticket.reply", json!({ "id": id, "text": text }));
        town.done(&town.sam, "desk.ticket.note", json!({ "id": id, "text": text }));
        town.done(&town.sam, "desk.ticket.resolve", json!({ "id": id, "how": text }));
        let shown = town.show(&town.sam, id);
        let kept = text.replace('\0', "");
        assert_eq!(shown["summary"], kept);
        assert_eq!(shown["detail"], kept);
        for one in shown["conversation"].as_array().unwrap() {
            assert_eq!(one["text"], kept);
        }
    }
    assert_eq!(town.list(&town.admin, "").len(), HOSTILE.len());
}

#[test]
fn what_does_not_fit_is_refused_by_field() {
    let town = Town::new();
    let id = town.open(&town.sam, json!({ "summary": "x", "team": town.desk }));
    let long = "x".repeat(20_001);
    for (operation, input, field) in [
        ("desk.ticket.open", json!({ "summary": "" }), "summary"),
        ("desk.ticket.open", json!({ "summary": "a\nb" }), "summary"),
        ("desk.ticket.open", json!({ "summary": "x".repeat(201) }), "summary"),
        ("desk.ticket.open", json!({ "summary": "x", "detail": long }), "detail"),
        ("desk.ticket.open", json!({ "summary": "x", "team": 999 }), "team"),
        ("desk.ticket.open", json!({ "summary": "x", "requester": 999 }), "requester"),
        ("desk.ticket.open", json!({ "summary": "x", "about": ["ticket:999"] }), "about"),
        ("desk.ticket.reply", json!({ "id": id, "text": "  " }), "text"),
        ("desk.ticket.resolve", json!({ "id": id, "how": "" }), "how"),
        ("desk.ticket.assign", json!({ "id": id, "owner": 999 }), "owner"),
        ("desk.ticket.list", json!({ "filter": "status:odd" }), "filter"),
        ("desk.ticket.list", json!({ "filter": "colour:red" }), "filter"),
        ("desk.ticket.list", json!({ "filter": "team:nowhere" }), "filter"),
        ("desk.ticket.list", json!({ "filter": "owner:\"unclosed" }), "filter"),
        ("desk.ticket.list", json!({ "cursor": "' OR 1=1" }), "cursor"),
        ("desk.ticket.list", json!({ "view": "odd" }), "view"),
        ("desk.ticket.list", json!({ "limit": 100_000 }), "limit"),
        ("desk.view.save", json!({ "name": "x", "filter": "status:odd" }), "filter"),
    ] {
        let error = town.call(&town.sam, operation, input.clone()).unwrap_err();
        assert_eq!(
            (error.kind, error.field.as_deref()),
            (ErrorKind::Invalid, Some(field)),
            "{operation} {input}: {error}"
        );
    }
    let huge =
        town.call(&town.sam, "desk.ticket.open", json!({ "summary": "x", "detail": "x".repeat(1 << 20) })).unwrap_err();
    assert_eq!(huge.kind, ErrorKind::OverLimit);
}
