//! Audit: found, undone, sealed, verified; and what was given up comes back or goes.

use kernel::db::Priority;
use kernel::world::World;
use kernel::*;
use serde_json::{Value, json};

use crate::notes;

fn world() -> (World, Actor) {
    (World::new(vec![notes::domain()]).unwrap(), Actor::os("boss"))
}

fn write(world: &World, actor: &Actor, text: &str) -> i64 {
    world.answer(actor, "notes.note.write", json!({ "text": text })).unwrap().audit.unwrap()
}

fn spoil(world: &World, sql: &'static str) {
    world.kernel.db.write("test.spoil", Priority::Interactive, move |tx| tx.execute(sql, &[])).unwrap();
}

fn verified(world: &World) -> Value {
    world.call(&Actor::os("boss"), "kernel.audit.verify", json!({})).unwrap()
}

#[test]
fn entries_are_listed_newest_first_by_page_actor_and_thing() {
    let (world, boss) = world();
    for text in ["a", "b", "c"] {
        write(&world, &boss, text);
    }
    write(&world, &Actor::os("other"), "d");
    let page = world.call(&boss, "kernel.audit.list", json!({"limit": 3})).unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    let rest = world.call(&boss, "kernel.audit.list", json!({"limit": 3, "cursor": page["next"]})).unwrap();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    let one = world.call(&boss, "kernel.audit.list", json!({"actor": "os:other"})).unwrap();
    assert_eq!(one["items"][0]["changes"][0]["new"], "d");
    let about = world.call(&boss, "kernel.audit.list", json!({"ref": "note:2"})).unwrap();
    assert_eq!(about["items"].as_array().unwrap().len(), 1);
    let narrow =
        Actor { grants: vec![Grant { pattern: "*".into(), scope: Scope::Teams(vec![1]), expires_at: None }], ..boss };
    assert_eq!(world.call(&narrow, "kernel.audit.list", json!({})).unwrap_err().kind, ErrorKind::Denied);
}

#[test]
fn undo_puts_back_what_nobody_touched_since_and_else_names_who_did() {
    let (world, boss) = world();
    write(&world, &boss, "first");
    let change =
        |text: &str, by: &Actor| world.answer(by, "notes.note.change", json!({"id": 1, "text": text})).unwrap().audit;
    let second = change("second", &boss);
    world.call(&boss, "kernel.audit.undo", json!({"id": second})).unwrap();
    assert_eq!(world.call(&boss, "notes.note.list", json!({})).unwrap()[0]["text"], "first");
    let third = change("third", &boss);
    change("fourth", &Actor::os("other"));
    let error = world.call(&boss, "kernel.audit.undo", json!({"id": third})).unwrap_err();
    assert!(error.message.contains("other changed text of note:1"), "{error}");
    assert_eq!(world.call(&boss, "kernel.audit.undo", json!({"id": 99})).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn undo_of_somebody_elses_call_needs_the_grant_and_the_calls_own_grant() {
    let (world, boss) = world();
    let id = write(&world, &boss, "a");
    let stranger = Actor { ident: Ident::User(4), ..Actor::service("stranger", &["notes.*"]) };
    assert_eq!(world.call(&stranger, "kernel.audit.undo", json!({"id": id})).unwrap_err().kind, ErrorKind::NotFound);
    let helper = Actor { ident: Ident::User(5), ..Actor::service("helper", &["kernel.audit.undo"]) };
    assert_eq!(world.call(&helper, "kernel.audit.undo", json!({"id": id})).unwrap_err().kind, ErrorKind::Denied);
    world.call(&boss, "kernel.audit.undo", json!({"id": id})).unwrap();
    assert_eq!(world.call(&boss, "notes.note.list", json!({})).unwrap(), json!([]));
}

#[test]
fn sealed_entries_verify_and_every_tampering_is_found() {
    for damage in [
        "UPDATE kernel_audit SET actor = 'os:nobody' WHERE id = 2",
        "UPDATE kernel_audit SET at = at + 1 WHERE id = 1",
        "UPDATE kernel_audit SET outcome = 'refused' WHERE id = 3",
        "DELETE FROM kernel_audit WHERE id = 2",
        "UPDATE kernel_audit_details SET detail = '{}' WHERE audit_id = 2",
        "DELETE FROM kernel_audit_details WHERE audit_id = 3",
        "UPDATE kernel_audit_seals SET digest = 'x' WHERE id = 1",
        "UPDATE kernel_audit_seals SET previous = 'x' WHERE id = 2",
        "DELETE FROM kernel_audit_seals WHERE id = 2",
        "INSERT INTO kernel_audit (id, at, actor, operation, via, outcome, subject_kind, subject_id, digest) VALUES (-1, 1, 'a', 'b', 'c', 'd', '', 0, '')",
    ] {
        let (world, boss) = world();
        for round in 0..4 {
            write(&world, &boss, &format!("note {round}"));
            world.pass(time::HOUR).unwrap();
        }
        let before = verified(&world);
        assert_eq!((&before["ok"], before["seals"].as_i64() > Some(3)), (&json!(true), true), "{before}");
        spoil(&world, damage);
        assert_eq!(verified(&world)["ok"], false, "{damage}");
    }
}

#[test]
fn details_deleted_by_age_leave_the_audit_verifiable() {
    let (world, boss) = world();
    write(&world, &boss, "personal words");
    world.pass(time::HOUR).unwrap();
    world.pass(800 * time::DAY).unwrap();
    let details = world.kernel.db.read(|tx| tx.query("SELECT detail FROM kernel_audit_details", &[])).unwrap();
    assert!(details.iter().all(|row| !row.str(0).unwrap().contains("personal")));
    let shown = world.call(&boss, "kernel.audit.show", json!({"id": 1})).unwrap();
    assert_eq!((&shown["operation"], &shown["input"]), (&json!("notes.note.write"), &Value::Null));
    assert_eq!(verified(&world)["ok"], true, "{}", verified(&world));
    assert_eq!(
        world
            .kernel
            .db
            .read(|tx| tx.one("SELECT COUNT(*) FROM kernel_events WHERE name = 'notes.note.written'", &[])?.int(0))
            .unwrap(),
        0
    );
}

#[test]
fn what_was_given_up_is_retried_or_discarded_and_leaves_the_list() {
    let (world, boss) = world();
    write(&world, &boss, "poison");
    for _ in 0..=limits::REACTION_TRIES {
        world.pass(time::HOUR).unwrap();
    }
    let letters = world.call(&boss, "kernel.job.dead-letters", json!({})).unwrap();
    assert_eq!(letters["items"][0]["name"], "notes.copier");
    let needs = |world: &World| world.kernel.read_as(&boss, |cx| cx.attention(10)).unwrap().len();
    assert_eq!(needs(&world), 1);
    spoil(
        &world,
        "UPDATE kernel_events SET payload = '{\"note\": 1, \"text\": \"cured\"}' WHERE name = 'notes.note.written'",
    );
    world.call(&boss, "kernel.job.retry", json!({"id": letters["items"][0]["id"]})).unwrap();
    world.settle().unwrap();
    assert_eq!(world.kernel.db.read(|tx| tx.one("SELECT copies FROM notes_notes", &[])?.int(0)).unwrap(), 1);
    assert_eq!(needs(&world), 0);
    assert_eq!(world.call(&boss, "kernel.job.discard", json!({"id": 1})).unwrap_err().kind, ErrorKind::NotFound);
    assert!(world.call(&boss, "kernel.job.list", json!({})).unwrap()["items"].is_array());
}
