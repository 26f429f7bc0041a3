//! Versions never change, and somebody else approves them.

use kernel::{ErrorKind, Ident};
use serde_json::json;

use crate::town::*;

#[test]
fn the_same_text_is_the_same_version_and_another_is_a_new_one() {
    let town = Town::new();
    let first = town.call("runbooks.runbook.save", json!({ "yaml": BOOK }));
    let again = town.call("runbooks.runbook.save", json!({ "yaml": format!("# a remark\n{BOOK}") }));
    assert_eq!((first["version"].clone(), again["unchanged"].as_bool()), (again["version"].clone(), Some(true)));
    let other = town.call("runbooks.runbook.save", json!({ "yaml": BOOK.replace("port: 80", "port: 81") }));
    assert_eq!((other["id"].clone(), other["number"].as_i64()), (first["id"].clone(), Some(2)));
    let old = town.call("runbooks.runbook.show", json!({ "id": 1, "version": first["version"] }));
    assert!(old["yaml"].as_str().unwrap().contains("port: 80"));
}

#[test]
fn an_author_does_not_approve_alone_unless_this_is_a_team_of_one() {
    let town = Town::new();
    let author = person(5, &["runbooks.*"]);
    let saved = town.world.call(&author, "runbooks.runbook.save", json!({ "yaml": BOOK })).unwrap();
    let approve = json!({ "id": saved["id"], "version": saved["version"] });
    assert_eq!(town.refused(&author, "runbooks.runbook.approve", approve.clone()).kind, ErrorKind::Conflict);
    let policy = json!({ "key": "kernel.approvals", "value": { "one_person_team": true, "required": [] } });
    town.call("kernel.setting.set", policy);
    let done = town.world.call(&author, "runbooks.runbook.approve", approve.clone()).unwrap();
    assert!(done["approval_note"].as_str().unwrap().contains("team of one person"), "{done}");
    assert_eq!(town.refused(&admin(), "runbooks.runbook.approve", approve).kind, ErrorKind::Conflict, "once only");
}

#[test]
fn somebody_else_approves_exactly_the_version_they_read() {
    let town = Town::new();
    let author = person(5, &["runbooks.*"]);
    let saved = town.world.call(&author, "runbooks.runbook.save", json!({ "yaml": BOOK })).unwrap();
    assert_eq!(town.needs(), ["Approve runbook:1"]);
    let wrong = json!({ "id": saved["id"], "version": "00" });
    assert_eq!(town.refused(&admin(), "runbooks.runbook.approve", wrong).field.as_deref(), Some("version"));
    let reader = person(6, &["runbooks.runbook.*"]);
    let approve = json!({ "id": saved["id"], "version": saved["version"] });
    let done = town.world.call(&reader, "runbooks.runbook.approve", approve).unwrap();
    assert_eq!((done["approved_by"].as_str(), done["approval_note"].as_str()), (Some("Person 6"), Some("")));
    assert!(town.needs().is_empty());
}

#[test]
fn the_owner_of_the_machine_may_write_and_approve_and_it_is_written_down() {
    let town = Town::new();
    assert!(matches!(admin().ident, Ident::Os(_)));
    let (id, version) = town.approved(BOOK);
    let shown = town.call("runbooks.runbook.show", json!({ "id": id, "version": version }));
    assert!(shown["shown"]["approval_note"].as_str().unwrap().contains("owns this machine"), "{shown}");
}

#[test]
fn a_version_that_is_not_approved_does_not_start() {
    let town = Town::new();
    let saved = town.call("runbooks.runbook.save", json!({ "yaml": BOOK }));
    let named = json!({ "runbook": saved["id"], "version": saved["version"], "asset": 1 });
    assert_eq!(town.refused(&admin(), "runbooks.run.start", named).kind, ErrorKind::Conflict);
    assert_eq!(
        town.refused(&admin(), "runbooks.run.start", json!({ "runbook": 1, "asset": 1 })).kind,
        ErrorKind::Conflict
    );
    assert_eq!(town.refused(&admin(), "runbooks.run.start", json!({ "runbook": 77 })).kind, ErrorKind::NotFound);
    assert_eq!(town.refused(&admin(), "runbooks.run.start", json!({})).field.as_deref(), Some("runbook"));
}

#[test]
fn strangers_touch_nothing() {
    let town = Town::new();
    town.approved(BOOK);
    let stranger = person(9, &[]);
    let whole =
        json!({ "id": 1, "yaml": BOOK, "version": "a", "check": "check:1", "runbook": 1, "mode": "auto", "step": 1 });
    for entry in town.world.kernel.registry().operations().filter(|entry| entry.name.starts_with("runbooks.")) {
        let known = entry.input_schema()["properties"].as_object().unwrap();
        let input: serde_json::Map<_, _> = whole
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| known.contains_key(*key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let input = serde_json::Value::Object(input);
        assert_eq!(town.refused(&stranger, entry.name, input.clone()).kind, ErrorKind::Denied, "{}", entry.name);
        assert_eq!(town.refused(&kernel::Actor::nobody(), entry.name, input).kind, ErrorKind::SignIn, "{}", entry.name);
    }
}

#[test]
fn mistakes_come_back_about_the_text_with_their_line() {
    let town = Town::new();
    for operation in ["runbooks.runbook.save", "runbooks.runbook.validate"] {
        let error = town.refused(&admin(), operation, json!({ "yaml": "name: a\ntitle: b\nstep: []\n" }));
        assert_eq!(error.field.as_deref(), Some("yaml"));
        assert!(error.message.contains("line 3"), "{error}");
    }
    let valid = town.call("runbooks.runbook.validate", json!({ "yaml": BOOK }));
    let saved = town.call("runbooks.runbook.save", json!({ "yaml": BOOK }));
    assert_eq!(valid["version"], saved["version"]);
}

#[test]
fn every_version_can_be_shown_however_many_came_after_it() {
    let town = Town::new();
    let save = |number: i64| {
        let yaml = BOOK.replace("title: Restart the web server", &format!("title: Text {number}"));
        town.world.call(&admin(), "runbooks.runbook.save", json!({ "yaml": yaml })).unwrap()
    };
    let first = save(1);
    (2..=104).for_each(|number| drop(save(number)));
    let shown = town.call("runbooks.runbook.show", json!({ "id": first["id"], "version": first["version"] }));
    assert_eq!((&shown["shown"]["number"], &shown["title"]), (&json!(1), &json!("Text 1")));
    let newest = town.call("runbooks.runbook.show", json!({ "id": first["id"] }));
    assert_eq!((&newest["shown"]["number"], newest["versions"].as_array().unwrap().len()), (&json!(104), 100));
    town.call("runbooks.runbook.approve", json!({ "id": first["id"], "version": first["version"] }));
    assert_eq!(town.needs().len(), 1, "the newest still waits for its approval");
}
