//! Facts as agents send them.

use crate::store_room::Room;
use agent_proto::facts::{Section, difference, whole};
use agent_proto::v1::Facts;
use kernel::registry::AgentFrom;
use kernel::{Error, ErrorKind};
use serde_json::json;

fn section(pairs: &[(&str, &str)]) -> Section {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn send(room: &Room, asset: i64, facts: &Facts) -> Result<(), Error> {
    let from = AgentFrom { asset, agent: 1, at: room.world.kernel.now() };
    let handler = room.world.kernel.registry().messages("facts").next().unwrap().handle;
    handler(&room.world.kernel, &from, facts)
}

fn at_ms(room: &Room) -> i64 {
    room.world.kernel.now().millis()
}

fn value(room: &Room, asset: i64, name: &str, key: &str) -> Option<serde_json::Value> {
    room.world.kernel.db.read(|tx| assets::fact(tx, asset, name, key)).unwrap()
}

#[test]
fn a_section_and_its_differences_are_stored_and_news_is_told_once() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let first = section(&[("openssl", "\"3.0.2\""), ("curl", "\"8.1\"")]);
    let second = section(&[("openssl", "\"3.0.3\""), ("curl", "\"8.1\""), ("vim", "\"9\"")]);
    send(&room, id, &whole("packages", at_ms(&room), &first)).unwrap();
    assert_eq!(room.titles(id).len(), 1, "the first look at a machine is no change");
    let delta = difference("packages", at_ms(&room), &first, &second).unwrap();
    send(&room, id, &delta).unwrap();
    send(&room, id, &delta).unwrap();
    assert_eq!(room.titles(id), ["2 packages changed: openssl 3.0.2 -> 3.0.3, vim 9", "srv-01 was added as MS-00001"]);
    assert_eq!(value(&room, id, "packages", "vim"), Some(json!("9")));
    let back = difference("packages", at_ms(&room), &second, &first).unwrap();
    send(&room, id, &back).unwrap();
    assert_eq!(value(&room, id, "packages", "vim"), None);
}

#[test]
fn a_difference_that_does_not_fit_asks_for_the_whole_section_and_stores_nothing() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let one = section(&[("os.kernel", "\"6.1\"")]);
    let two = section(&[("os.kernel", "\"6.8\"")]);
    let delta = difference("os", at_ms(&room), &one, &two).unwrap();
    assert_eq!(send(&room, id, &delta).unwrap_err().kind, ErrorKind::Conflict);
    let mut lie = whole("os", at_ms(&room), &one);
    lie.set.clear();
    assert_eq!(send(&room, id, &lie).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(value(&room, id, "os", "os.kernel"), None);
    send(&room, id, &whole("os", at_ms(&room), &two)).unwrap();
    assert_eq!(value(&room, id, "os", "os.kernel"), Some(json!("6.8")));
}

#[test]
fn a_whole_section_after_a_break_tells_what_is_different_and_removes_what_is_gone() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    send(&room, id, &whole("disks", at_ms(&room), &section(&[("disks.sda", "{}"), ("disks.sdb", "{}")]))).unwrap();
    send(&room, id, &whole("disks", at_ms(&room), &section(&[("disks.sda", "{}")]))).unwrap();
    assert_eq!(room.titles(id)[0], "1 disk removed: sdb removed");
    let facts = room.call(&room.os(), "assets.fact.list", json!({ "id": id })).unwrap();
    assert_eq!(facts["items"].as_array().unwrap().len(), 1);
}

#[test]
fn facts_say_who_reports_them_when_they_were_looked_at_and_since_when_they_are_so() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let facts = section(&[("cpu.model", "\"EPYC\""), ("cpu.threads", "8")]);
    send(&room, id, &whole("cpu", at_ms(&room), &facts)).unwrap();
    let changed = room.world.kernel.now();
    room.world.clock.advance(kernel::time::HOUR);
    send(&room, id, &whole("cpu", at_ms(&room), &facts)).unwrap();
    let listed = room.call(&room.os(), "assets.fact.list", json!({ "id": id, "limit": 1 })).unwrap();
    let first = &listed["items"][0];
    assert_eq!(
        (&first["key"], &first["value"], &first["source"]),
        (&json!("cpu.model"), &json!("EPYC"), &json!("agent"))
    );
    assert_eq!(
        (first["seen_at"].clone(), first["changed_at"].clone()),
        (json!(room.world.kernel.now()), json!(changed))
    );
    let rest = room.call(&room.os(), "assets.fact.list", json!({ "id": id, "cursor": listed["next"] })).unwrap();
    assert_eq!(rest["items"][0]["value"], json!(8));
    let found = room.call(&room.os(), "assets.fact.list", json!({ "id": id, "word": "THREADS" })).unwrap();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_clock_that_runs_ahead_does_not_date_facts_into_the_future() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    send(&room, id, &whole("cpu", i64::MAX, &section(&[("cpu.model", "1")]))).unwrap();
    let listed = room.call(&room.os(), "assets.fact.list", json!({ "id": id })).unwrap();
    assert_eq!(listed["items"][0]["seen_at"], json!(room.world.kernel.now()));
}

#[test]
fn hostile_facts_are_refused_or_kept_as_text() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let refused = |name: &str, pairs: &[(&str, &str)]| {
        send(&room, id, &whole(name, at_ms(&room), &section(pairs))).unwrap_err().kind
    };
    assert_eq!(refused("../x", &[("a", "1")]), ErrorKind::Invalid);
    assert_eq!(refused("os", &[("a", &"x".repeat(20_000))]), ErrorKind::OverLimit);
    assert_eq!(refused("os", &[("a\0b", "1")]), ErrorKind::Invalid);
    assert_eq!(send(&room, 999, &whole("os", 0, &section(&[("a", "1")]))).unwrap_err().kind, ErrorKind::NotFound);
    send(&room, id, &whole("os", at_ms(&room), &section(&[("os.name", "not json <b>")]))).unwrap();
    assert_eq!(value(&room, id, "os", "os.name"), Some(json!("not json <b>")));
}

#[test]
fn ten_thousand_packages_are_stored_in_one_message() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let many: Section = (0..10_000).map(|n| (format!("package-{n}"), format!("\"1.{n}\""))).collect();
    send(&room, id, &whole("packages", at_ms(&room), &many)).unwrap();
    let known = room.world.kernel.db.read(|tx| assets::section(tx, id, "packages")).unwrap();
    assert_eq!(known.len(), 10_000);
}

#[test]
fn a_section_grows_to_its_limit_and_not_beyond_however_small_the_messages_are() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let many = |count: usize| -> Section { (0..count).map(|n| (format!("package-{n}"), "1".to_owned())).collect() };
    let full = many(20_000);
    send(&room, id, &whole("packages", at_ms(&room), &full)).unwrap();
    let one_more = difference("packages", at_ms(&room), &full, &many(20_001)).unwrap();
    assert_eq!(send(&room, id, &one_more).unwrap_err().kind, ErrorKind::OverLimit);
    let fewer = difference("packages", at_ms(&room), &full, &many(19_999)).unwrap();
    send(&room, id, &fewer).unwrap();

    let long = |count: usize| -> Section { (0..count).map(|n| (format!("a{n}"), "x".repeat(16_000))).collect() };
    let (most, more) = (long(200), long(300));
    send(&room, id, &whole("os", at_ms(&room), &most)).unwrap();
    let error = send(&room, id, &difference("os", at_ms(&room), &most, &more).unwrap()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::OverLimit);
    assert!(error.message.contains("300 facts"), "{}", error.message);
    assert_eq!(value(&room, id, "os", "a299"), None);
}

#[test]
fn a_thing_has_a_bounded_number_of_sections() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let one = section(&[("a", "1")]);
    for number in 0..32 {
        send(&room, id, &whole(&format!("section{number}"), at_ms(&room), &one)).unwrap();
    }
    let error = send(&room, id, &whole("another", at_ms(&room), &one)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::OverLimit);
    assert!(error.message.contains("srv-01") && error.message.contains("another"), "{}", error.message);
    send(&room, id, &whole("section7", at_ms(&room), &section(&[("a", "2")]))).unwrap();
    assert_eq!(value(&room, id, "section7", "a"), Some(json!(2)));
}

#[test]
fn a_machine_that_changes_its_name_is_found_by_its_last_names_and_by_no_more() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    for number in 10..30 {
        room.world.clock.advance(kernel::time::SECOND);
        let name = format!("\"renamed-{number}\"");
        send(&room, id, &whole("os", at_ms(&room), &section(&[("os.hostname", &name)]))).unwrap();
    }
    let found = |word: &str| {
        let listed = room.call(&room.os(), "assets.thing.list", json!({ "filter": word })).unwrap();
        listed["items"].as_array().unwrap().len()
    };
    assert_eq!((found("renamed-29"), found("renamed-22"), found("renamed-21")), (1, 1, 0));
    let hits = room.world.kernel.read_as(&room.os(), |cx| cx.search("\"renamed-29\"", &["asset"], 5)).unwrap();
    assert_eq!(hits.len(), 1, "also by the search of everything");
}
