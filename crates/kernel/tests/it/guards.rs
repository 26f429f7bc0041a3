//! What guards the house itself: settings that switch guards off, undo of what was dangerous, calls that are repeated
//! while they wait, and the rows that refusals leave.

use std::sync::Arc;

use kernel::db::Priority;
use kernel::world::World;
use kernel::*;
use serde_json::{Value, json};

use crate::notes;

fn world() -> (World, Actor, Actor) {
    (World::new(vec![notes::domain()]).unwrap(), Actor::os("asker"), Actor::os("boss"))
}

fn set(key: &str, value: Value) -> (&'static str, Value) {
    ("kernel.setting.set", json!({ "key": key, "value": value }))
}

/// A call that nobody confirmed, and one that somebody confirmed with an old proof.
fn careless(world: &World, actor: &Actor, operation: &str, input: &Value) -> [Option<ErrorKind>; 2] {
    let call = |actor: &Actor, confirmed| Call {
        confirmed,
        ..Call::new(Arc::new(actor.clone()), operation, input.clone(), Via::Rest)
    };
    let old = Actor { proof: Proof::At(world.clock.now().plus(-6 * time::MINUTE)), ..actor.clone() };
    [call(actor, false), call(&old, true)].map(|call| world.kernel.dispatch(call).err().map(|error| error.kind))
}

fn require(world: &World, boss: &Actor, pattern: &str) -> i64 {
    let (operation, input) = set("kernel.approvals", json!({ "required": [pattern] }));
    world.answer(boss, operation, input).unwrap().audit.unwrap()
}

fn approve(world: &World, by: &Actor, id: i64) {
    let shown = world.call(by, "kernel.approval.show", json!({ "id": id })).unwrap();
    let input = json!({ "id": id, "approved": true, "plan_hash": shown["plan_hash"] });
    world.call(by, "kernel.approval.decide", input).unwrap();
    world.settle().unwrap();
}

fn held(error: Error) -> i64 {
    assert_eq!(error.kind, ErrorKind::Held, "{error}");
    error.subject.unwrap().id
}

fn policy(world: &World) -> Value {
    world.call(&Actor::os("boss"), "kernel.setting.show", json!({ "key": "kernel.approvals" })).unwrap()["value"]
        .clone()
}

#[test]
fn what_guards_the_house_is_changed_only_with_a_confirmation_and_a_fresh_proof() {
    let (world, boss, _) = world();
    let unconfirmed = [Some(ErrorKind::Unconfirmed); 2];
    for key in ["kernel.approvals", "kernel.retention", "kernel.webhooks"] {
        let (operation, input) = set(key, json!({}));
        assert_eq!(careless(&world, &boss, operation, &input), unconfirmed, "{key}");
        assert_eq!(careless(&world, &boss, "kernel.setting.reset", &json!({ "key": key })), unconfirmed, "{key}");
    }
    let webhook = json!({ "name": "in", "url": "https://example.com/", "events": ["*"] });
    assert_eq!(careless(&world, &boss, "kernel.webhook.save", &webhook), unconfirmed);
    assert_eq!(careless(&world, &boss, "kernel.webhook.remove", &json!({ "name": "in" })), unconfirmed);
    let (operation, input) = set("kernel.smtp", json!({}));
    assert_eq!(careless(&world, &boss, operation, &input), [None; 2], "an ordinary setting asks for neither");
    let fresh = Actor { proof: Proof::At(world.clock.now()), ..boss };
    let (operation, input) = set("kernel.approvals", json!({ "one_person_team": true }));
    assert_eq!(world.call(&fresh, operation, input).unwrap()["version"], 1);
}

#[test]
fn undo_of_a_guard_or_of_something_dangerous_asks_for_as_much_as_doing_it() {
    let (world, boss, stranger) = world();
    let unconfirmed = [Some(ErrorKind::Unconfirmed); 2];
    let change = require(&world, &boss, "fleet.*");
    assert_eq!(careless(&world, &boss, "kernel.audit.undo", &json!({ "id": change })), unconfirmed);
    let (operation, input) = set("kernel.smtp", json!({ "port": 25 }));
    let plain = world.answer(&boss, operation, input).unwrap().audit.unwrap();
    assert_eq!(careless(&world, &boss, "kernel.audit.undo", &json!({ "id": plain }))[0], None);
    world.call(&boss, "notes.note.write", json!({ "text": "a" })).unwrap();
    let burnt = world.answer(&boss, "notes.note.burn", json!({})).unwrap().audit.unwrap();
    assert_eq!(careless(&world, &boss, "kernel.audit.undo", &json!({ "id": burnt })), unconfirmed);
    let stranger = Actor { ident: Ident::User(9), grants: Vec::new(), ..stranger };
    assert_eq!(
        careless(&world, &stranger, "kernel.audit.undo", &json!({ "id": burnt }))[0],
        Some(ErrorKind::NotFound),
        "who may not undo it learns nothing about it"
    );
}

#[test]
fn the_undo_of_an_undo_is_as_dangerous_as_the_first_call() {
    let (world, boss, _) = world();
    world.call(&boss, "notes.note.write", json!({ "text": "a" })).unwrap();
    let burnt = world.answer(&boss, "notes.note.burn", json!({})).unwrap().audit.unwrap();
    let undone = world.answer(&boss, "kernel.audit.undo", json!({ "id": burnt })).unwrap().audit.unwrap();
    assert_eq!(world.call(&boss, "notes.note.list", json!({})).unwrap()[0]["text"], "a");
    let again = json!({ "id": undone });
    assert_eq!(careless(&world, &boss, "kernel.audit.undo", &again), [Some(ErrorKind::Unconfirmed); 2]);
}

#[test]
fn while_policy_wants_approvals_nobody_loosens_it_alone() {
    let (world, asker, boss) = world();
    let change = require(&world, &boss, "notes.note.burn");
    let (operation, off) = set("kernel.approvals", json!({ "one_person_team": true, "required": [] }));
    let waiting = held(world.call(&asker, operation, off).unwrap_err());
    held(world.call(&asker, "kernel.setting.reset", json!({ "key": "kernel.approvals" })).unwrap_err());
    held(world.call(&boss, "kernel.audit.undo", json!({ "id": change })).unwrap_err());
    let (operation, short) = set("kernel.retention", json!({ "audit_days": 1, "audit_details_days": 1 }));
    held(world.call(&asker, operation, short).unwrap_err());
    assert_eq!(policy(&world)["required"], json!(["notes.note.burn"]));
    approve(&world, &boss, waiting);
    assert_eq!(policy(&world), json!({ "one_person_team": true, "required": [] }));
}

#[test]
fn a_script_cannot_change_a_guard_on_the_way() {
    let (world, asker, _) = world();
    for (operation, input, refused) in [
        ("kernel.setting.set", json!({ "key": "kernel.approvals", "value": {} }), true),
        ("kernel.setting.set", json!({ "key": "kernel.smtp", "value": {} }), false),
    ] {
        let call = move |cx: &mut Cx| cx.call_named(operation, input.clone());
        let outcome = world.kernel.write_as(asker.clone(), "notes.script", call);
        assert_eq!(outcome.err().map(|error| error.kind), refused.then_some(ErrorKind::Conflict));
    }
}

fn keyed(actor: &Actor, operation: &str, input: Value) -> Call {
    let key = Some("k".to_owned());
    Call { idempotency_key: key, confirmed: true, ..Call::new(Arc::new(actor.clone()), operation, input, Via::Rest) }
}

#[test]
fn a_held_call_that_is_repeated_waits_once_runs_once_and_then_answers_what_it_did() {
    let (world, asker, boss) = world();
    require(&world, &boss, "notes.note.burn");
    world.call(&asker, "notes.note.write", json!({ "text": "a" })).unwrap();
    let call = || keyed(&asker, "notes.note.burn", json!({}));
    let waiting = held(world.kernel.dispatch(call()).unwrap_err());
    assert_eq!(held(world.kernel.dispatch(call()).unwrap_err()), waiting);
    approve(&world, &boss, waiting);
    world.call(&asker, "notes.note.write", json!({ "text": "b" })).unwrap();
    let answer = world.kernel.dispatch(call()).unwrap();
    assert_eq!((answer.output, answer.replayed), (json!(1), true));
    assert_eq!(world.call(&asker, "notes.note.list", json!({})).unwrap()[0]["text"], "b", "it ran once");
    let other = world.kernel.dispatch(keyed(&asker, "notes.note.change", json!({ "id": 2, "text": "c" })));
    assert_eq!(other.unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn a_held_call_that_was_rejected_says_so_when_it_is_repeated() {
    let (world, asker, boss) = world();
    require(&world, &boss, "notes.note.burn");
    let waiting = held(world.kernel.dispatch(keyed(&asker, "notes.note.burn", json!({}))).unwrap_err());
    let shown = world.call(&boss, "kernel.approval.show", json!({ "id": waiting })).unwrap();
    let no = json!({ "id": waiting, "approved": false, "plan_hash": shown["plan_hash"] });
    world.call(&boss, "kernel.approval.decide", no).unwrap();
    let error = world.kernel.dispatch(keyed(&asker, "notes.note.burn", json!({}))).unwrap_err();
    assert!(error.kind == ErrorKind::Conflict && error.message.contains("rejected"), "{error}");
}

#[test]
fn the_order_of_fields_does_not_make_another_call() {
    let (world, asker, _) = world();
    let first = keyed(&asker, "notes.note.write", json!({ "text": "a", "password": "b" }));
    let second = keyed(&asker, "notes.note.write", json!({ "password": "b", "text": "a" }));
    assert_ne!(first.input.to_string(), second.input.to_string());
    assert!(!world.kernel.dispatch(first).unwrap().replayed);
    assert!(world.kernel.dispatch(second).unwrap().replayed);
}

fn rows(world: &World, sql: &'static str) -> i64 {
    world.kernel.db.read(|tx| tx.one(sql, &[])?.int(0)).unwrap()
}

#[test]
fn what_is_refused_inside_a_call_leaves_a_row_too() {
    let (world, boss, _) = world();
    let grants = vec![Grant { pattern: "*".into(), scope: Scope::Teams(vec![1]), expires_at: None }];
    let scoped = Actor { ident: Ident::User(7), grants, ..boss.clone() };
    let (operation, input) = set("kernel.smtp", json!({}));
    assert_eq!(world.call(&scoped, operation, input).unwrap_err().kind, ErrorKind::Denied);
    let (operation, input) = set("kernel.approvals", json!({}));
    assert_eq!(careless(&world, &boss, operation, &input)[0], Some(ErrorKind::Unconfirmed));
    for (sql, expected) in [
        ("SELECT COUNT(*) FROM kernel_audit WHERE outcome = 'refused' AND actor = 'user:7'", 1),
        ("SELECT COUNT(*) FROM kernel_audit WHERE outcome = 'refused' AND operation = 'kernel.setting.set'", 2),
    ] {
        assert_eq!(rows(&world, sql), expected, "{sql}");
    }
}

#[test]
fn a_wrong_password_leaves_one_row_a_minute_that_says_what_was_tried() {
    let (world, boss, _) = world();
    for _ in 0..3 {
        let input = json!({ "text": "a", "password": "wrong" });
        assert_eq!(world.call(&boss, "notes.note.write", input).unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(world.call(&boss, "notes.note.write", json!({ "text": "" })).unwrap_err().kind, ErrorKind::Invalid);
    let listed = world.call(&boss, "kernel.audit.list", json!({ "operation": "notes.note.write" })).unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["input"], "invalid: a guess at a password");
}

#[test]
fn letting_a_restored_server_act_is_written_down() {
    let (world, boss, _) = world();
    world.kernel.db.write("test.restore", Priority::Interactive, meta::restored).unwrap();
    world.kernel.release_held(Actor::os("root")).unwrap();
    let listed = world.call(&boss, "kernel.audit.list", json!({ "operation": "kernel.release-held" })).unwrap();
    let entry = &listed["items"][0];
    assert_eq!((&entry["actor"], &entry["via"]), (&json!("os:root"), &json!("cli")));
    assert_eq!(entry["changes"][0]["field"], "held");
    assert_eq!(rows(&world, "SELECT value FROM kernel_counters WHERE name = 'held'"), 0);
}
