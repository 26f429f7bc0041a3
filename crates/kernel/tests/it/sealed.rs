//! What is secret although nobody called it a password: addresses in settings, and what older versions wrote down.

use kernel::db::Priority;
use kernel::job::Job;
use kernel::world::World;
use kernel::*;
use serde_json::{Value, json};

use crate::notes;

const HOOKS: &str = "kernel.webhooks";
const ADDRESS: &str = "https://hooks.example.org/services/T0/s3cret";

fn world() -> (World, Actor) {
    (World::new(vec![notes::domain()]).unwrap(), Actor::os("boss"))
}

fn hooks(url: &str) -> Value {
    json!({ "webhooks": [{ "name": "chat", "url": url, "events": [] }], "allow_private": false })
}

fn set(world: &World, value: &Value) -> Result<Value> {
    world.call(&Actor::os("boss"), "kernel.setting.set", json!({ "key": HOOKS, "value": value }))
}

fn shown(world: &World) -> Value {
    world.call(&Actor::os("boss"), "kernel.setting.show", json!({ "key": HOOKS })).unwrap()["value"].clone()
}

fn whole(world: &World) -> String {
    let read = |cx: &mut Cx| cx.setting::<kernel::notifications::settings::Webhooks>();
    world.kernel.read_as(&Actor::os("boss"), read).unwrap().webhooks[0].url.clone()
}

fn spoil(world: &World, sql: &'static str) {
    world.kernel.db.write("test.spoil", Priority::Interactive, move |tx| tx.execute(sql, &[])).unwrap();
}

/// Everything that is kept as text and could hold a secret.
fn kept(world: &World) -> String {
    let sql = "SELECT detail FROM kernel_audit_details UNION ALL SELECT value FROM kernel_settings \
               UNION ALL SELECT input FROM kernel_approvals UNION ALL SELECT detail FROM kernel_approvals \
               UNION ALL SELECT payload FROM kernel_events";
    let rows = world.kernel.db.read(|tx| tx.query(sql, &[])).unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

#[test]
fn an_address_is_sealed_shown_by_its_host_and_stays_as_it_is_shown() {
    let (world, boss) = world();
    set(&world, &hooks(ADDRESS)).unwrap();
    let masked = shown(&world)["webhooks"][0]["url"].as_str().unwrap().to_owned();
    assert!(masked.starts_with("https://hooks.example.org/(set-") && masked.ends_with(')'), "{masked}");
    assert_eq!(whole(&world), ADDRESS);
    assert!(!kept(&world).contains("s3cret"), "{}", kept(&world));
    // Saved as it is shown, it stays; beside another of the same host each keeps its own.
    let two = json!([{ "name": "new", "url": "https://hooks.example.org/other" }, { "name": "chat", "url": masked }]);
    set(&world, &json!({ "webhooks": two, "allow_private": true })).unwrap();
    let list = world.call(&boss, "kernel.webhook.list", json!({})).unwrap();
    assert_eq!(list["items"][1]["url"], masked);
    assert_ne!(list["items"][0]["url"], masked);
    assert_eq!(whole(&world), "https://hooks.example.org/other");
    world.call(&boss, "kernel.webhook.remove", json!({ "name": "new" })).unwrap();
    assert_eq!(whole(&world), ADDRESS);
    let error = set(&world, &hooks("https://hooks.example.org/(set-0123456789ab)")).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("value.webhooks.url"));
    assert_eq!(set(&world, &hooks("ftp://example.org/x")).unwrap_err().field.as_deref(), Some("value.webhooks.url"));
}

#[test]
fn a_webhook_is_saved_without_its_address_when_that_stays() {
    let (world, boss) = world();
    let saved = world.call(&boss, "kernel.webhook.save", json!({ "name": "chat", "url": ADDRESS })).unwrap();
    assert!(saved["url"].as_str().unwrap().contains("(set-"), "{saved}");
    world.call(&boss, "kernel.webhook.save", json!({ "name": "chat", "events": ["notes.*"] })).unwrap();
    assert_eq!(whole(&world), ADDRESS);
    assert_eq!(shown(&world)["webhooks"][0]["events"], json!(["notes.*"]));
    let error = world.call(&boss, "kernel.webhook.save", json!({ "name": "other" })).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("value.webhooks.url"));
    assert!(!kept(&world).contains("s3cret"));
}

#[test]
fn undo_brings_a_sealed_address_back() {
    let (world, boss) = world();
    set(&world, &hooks(ADDRESS)).unwrap();
    let input = json!({ "key": HOOKS, "value": hooks("https://hooks.example.org/next") });
    let audit = world.answer(&boss, "kernel.setting.set", input).unwrap().audit;
    assert_eq!(whole(&world), "https://hooks.example.org/next");
    world.call(&boss, "kernel.audit.undo", json!({ "id": audit })).unwrap();
    assert_eq!(whole(&world), ADDRESS);
}

#[test]
fn a_held_change_shows_no_address_and_runs_with_it() {
    let (world, boss) = world();
    let policy = json!({ "required": ["kernel.*"] });
    world.call(&boss, "kernel.setting.set", json!({ "key": "kernel.approvals", "value": policy })).unwrap();
    assert_eq!(set(&world, &hooks(ADDRESS)).unwrap_err().kind, ErrorKind::Held);
    assert!(!kept(&world).contains("s3cret"), "{}", kept(&world));
    let other = Actor::os("other");
    let asked = world.call(&other, "kernel.approval.list", json!({})).unwrap()["items"][0].clone();
    let input = json!({ "id": asked["id"], "plan_hash": asked["plan_hash"], "approved": true });
    world.call(&other, "kernel.approval.decide", input).unwrap();
    world.settle().unwrap();
    assert_eq!(whole(&world), ADDRESS);
    assert!(!kept(&world).contains("s3cret"), "{}", kept(&world));
}

/// The world again after a restart.
fn restarted(world: World) -> World {
    let (folder, clock) = (world.folder().to_owned(), world.clock.clone());
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let moved = folder.with_file_name(format!("{name}.again"));
    std::fs::rename(&folder, &moved).unwrap();
    let postgres = std::env::var("MAINSTAY_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    let source = match postgres {
        Some(url) => db::Source::Postgres(url, name),
        None => db::Source::Sqlite(moved.join("mainstay.db")),
    };
    drop(world);
    World::open(vec![notes::domain()], db::Options::default(), source, moved, clock).unwrap()
}

#[test]
fn what_older_versions_kept_in_plain_words_is_sealed_at_the_start() {
    let (world, _) = world();
    set(&world, &hooks("https://hooks.example.org/")).unwrap();
    world
        .kernel
        .db
        .write("test.older", Priority::Interactive, |tx| {
            let value = hooks(ADDRESS).to_string();
            tx.execute("UPDATE kernel_settings SET value = ?1 WHERE key = 'kernel.webhooks'", &[value.into()])
        })
        .unwrap();
    let world = restarted(world);
    assert_eq!(whole(&world), ADDRESS);
    assert!(shown(&world)["webhooks"][0]["url"].as_str().unwrap().contains("(set-"));
    assert!(!kept(&world).contains("s3cret"));
}

/// An entry as an older version wrote it: the words stand in its details, and the digest is of those.
fn older_entry(world: &World, id: i64, detail: Value) {
    let detail = detail.to_string();
    let digest = text::sha256_hex(detail.as_bytes());
    let write = move |tx: &mut db::Tx<'_>| {
        tx.execute("UPDATE kernel_audit SET digest = ?1 WHERE id = ?2", &[digest.clone().into(), id.into()])?;
        tx.execute(
            "UPDATE kernel_audit_details SET detail = ?1 WHERE audit_id = ?2",
            &[detail.clone().into(), id.into()],
        )
    };
    assert_eq!(world.kernel.db.write("test.older", Priority::Interactive, write).unwrap(), 1);
}

/// As after an update that declares more fields secret.
fn look_through(world: &World) {
    spoil(world, "UPDATE kernel_counters SET value = 1 WHERE name = 'audit_blank_rules'");
    let job = |cx: &mut Cx| cx.enqueue(&Job::new("kernel.blank-audit", &0_i64)?);
    world.kernel.write_as(Actor::service("test", &[]), "test.blank", job).unwrap();
    world.settle().unwrap();
}

#[test]
fn secret_words_of_older_entries_are_taken_out_and_the_audit_stays_true() {
    let (world, boss) = world();
    let write = |text: &str| world.answer(&boss, "notes.note.write", json!({ "text": text })).unwrap().audit.unwrap();
    let (one, other) = (write("one"), write("other"));
    let setting = world.answer(&boss, "kernel.setting.set", json!({ "key": HOOKS, "value": hooks("https://a/") }));
    let setting = setting.unwrap().audit.unwrap();
    let change = json!({ "ref": "note:1", "field": "text", "old": null, "new": "one" });
    older_entry(
        &world,
        one,
        json!({ "actor_name": "boss", "input": { "text": "one", "password": "s3cret" }, "changes": [change] }),
    );
    let change = json!({ "ref": "setting:1", "field": HOOKS, "old": null, "new": hooks(ADDRESS) });
    let input = json!({ "key": HOOKS, "value": hooks(ADDRESS) });
    older_entry(&world, setting, json!({ "actor_name": "boss", "input": input, "changes": [change] }));
    let untouched = |world: &World| world.call(&boss, "kernel.audit.show", json!({ "id": other })).unwrap();
    let before = untouched(&world);
    world.pass(time::HOUR).unwrap();
    let verified = |world: &World| world.call(&boss, "kernel.audit.verify", json!({})).unwrap();
    assert_eq!((&verified(&world)["ok"], &verified(&world)["blanked"]), (&json!(true), &json!([])));
    assert!(kept(&world).contains("s3cret"));

    look_through(&world);
    assert!(!kept(&world).contains("s3cret"), "{}", kept(&world));
    let entry = world.call(&boss, "kernel.audit.show", json!({ "id": one })).unwrap();
    assert_eq!((&entry["input"]["password"], &entry["changes"][0]["new"]), (&json!("(secret)"), &json!("one")));
    assert_eq!(untouched(&world), before);
    world.pass(time::HOUR).unwrap();
    let seen = verified(&world);
    assert_eq!(seen["ok"], true, "{seen}");
    assert!(seen["blanked"].as_array().unwrap().contains(&json!(one)), "it is said: {seen}");
    let entries = |world: &World| {
        let list = world.call(&boss, "kernel.audit.list", json!({ "operation": "kernel.audit.blank" })).unwrap();
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(entries(&world), 1);
    look_through(&world);
    assert_eq!(entries(&world), 1, "there was nothing left to take out");

    // Nobody else takes something out and says that it was this.
    spoil(
        &world,
        "UPDATE kernel_audit_details SET detail = '{}', blanked = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' WHERE audit_id = 1",
    );
    assert_eq!(verified(&world)["ok"], false);
}
