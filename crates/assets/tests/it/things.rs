//! Things: adding, changing, listing, relating, and who sees what.

use crate::store_room::Room;
use kernel::{ErrorKind, Scope};
use serde_json::{Value, json};

#[test]
fn a_thing_gets_a_tag_of_its_own_and_a_given_tag_is_unique() {
    let room = Room::new();
    let add = |input: Value| room.call(&room.os(), "assets.thing.create", input);
    let first = add(json!({ "name": "srv-01", "kind": "server" })).unwrap();
    assert_eq!((first["tag"].as_str(), first["status"].as_str()), (Some("MS-00001"), Some("in_use")));
    add(json!({ "name": "lt", "kind": "laptop", "tag": "LT-1" })).unwrap();
    let twice = add(json!({ "name": "lt", "kind": "laptop", "tag": "LT-1" })).unwrap_err();
    assert_eq!(twice.field.as_deref(), Some("tag"));
    for (field, input) in [
        ("kind", json!({ "name": "x", "kind": "spaceship" })),
        ("name", json!({ "name": " ", "kind": "server" })),
        ("tag", json!({ "name": "x", "kind": "server", "tag": "MS-00009" })),
        ("place", json!({ "name": "x", "kind": "server", "place": 999 })),
        ("owner", json!({ "name": "x", "kind": "server", "owner": 999 })),
        ("team", json!({ "name": "x", "kind": "server", "team": 999 })),
    ] {
        assert_eq!(add(input).unwrap_err().field.as_deref(), Some(field));
    }
}

#[test]
fn changing_tells_in_words_what_changed_and_against_an_old_version_is_refused() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let update = |input: Value| room.call(&room.os(), "assets.thing.update", input);
    let changed = update(json!({ "id": id, "status": "in_repair", "team": room.team, "expected_version": 1 })).unwrap();
    assert_eq!(changed["version"], 2);
    assert_eq!(room.titles(id)[0], "srv-01: status from in use to in repair, team from none to Infrastructure");
    assert_eq!(update(json!({ "id": id, "name": "x", "expected_version": 1 })).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(update(json!({ "id": id, "team": null })).unwrap()["team"], Value::Null);
    let same = update(json!({ "id": id, "status": "in_repair" })).unwrap();
    assert_eq!(same["version"], 3, "what changes nothing is no change");
}

#[test]
fn handing_over_leaves_alone_what_is_left_empty() {
    let room = Room::new();
    let id = room.add("srv-01", json!({ "team": room.team, "criticality": "high" }));
    let input = json!({ "id": id, "owner": room.user, "team": null, "criticality": null });
    let changed = room.call(&room.os(), "assets.thing.assign", input).unwrap();
    assert_eq!((changed["owner"].as_i64(), changed["team"].as_i64()), (Some(room.user), Some(room.team)));
    assert_eq!(changed["criticality"], "high");
}

#[test]
fn a_dry_run_shows_the_difference_and_keeps_nothing() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let actor = std::sync::Arc::new(room.os());
    let call =
        kernel::Call::new(actor, "assets.thing.assign", json!({ "id": id, "status": "stored" }), kernel::Via::Page);
    let answer = room.world.kernel.dispatch(kernel::Call { dry_run: true, ..call }).unwrap();
    assert_eq!((answer.changes[0].field.as_str(), &answer.changes[0].new), ("status", &json!("stored")));
    let shown = room.call(&room.os(), "assets.thing.show", json!({ "id": id })).unwrap();
    assert_eq!((shown["status"].as_str(), shown["version"].as_i64()), (Some("in_use"), Some(1)));
}

#[test]
fn undo_sets_each_field_back() {
    let room = Room::new();
    let id = room.add("srv-01", json!({ "team": room.team }));
    let input = json!({ "id": id, "name": "other", "status": "stored", "team": null, "notes": "x" });
    let answer = room.world.answer(&room.os(), "assets.thing.update", input).unwrap();
    let set = room.world.kernel.registry().noun("asset").unwrap().set.unwrap();
    let changes = answer.changes.clone();
    room.world
        .kernel
        .write_as(room.os(), "test.undo", move |cx| {
            changes.iter().try_for_each(|change| set(cx, id, &change.field, &change.old))
        })
        .unwrap();
    let shown = room.call(&room.os(), "assets.thing.show", json!({ "id": id })).unwrap();
    let fields = ["name", "status", "team", "notes"].map(|field| shown[field].clone());
    assert_eq!(fields, [json!("srv-01"), json!("in_use"), json!(room.team), json!("")]);
}

#[test]
fn a_retired_thing_stays_with_its_history() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let retire = || room.call(&room.os(), "assets.thing.retire", json!({ "id": id, "reason": "replaced" }));
    assert_eq!(retire().unwrap()["status"], "retired");
    assert_eq!(retire().unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(room.titles(id), ["srv-01 was retired: replaced", "srv-01 was added as MS-00001"]);
}

#[test]
fn retiring_by_the_status_takes_the_grant_for_retiring() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    let tech = room.role("technician");
    for operation in ["assets.thing.update", "assets.thing.assign"] {
        let denied = room.call(&tech, operation, json!({ "id": id, "status": "retired" })).unwrap_err();
        assert_eq!((denied.kind, denied.field.as_deref()), (ErrorKind::Denied, Some("status")), "{operation}");
        assert!(denied.message.contains("assets.thing.retire"), "{}", denied.message);
        room.call(&tech, operation, json!({ "id": id, "status": "stored" })).unwrap();
        let lead = room.role("lead");
        assert_eq!(room.call(&lead, operation, json!({ "id": id, "status": "retired" })).unwrap()["status"], "retired");
        room.call(&tech, "assets.thing.update", json!({ "id": id, "notes": operation })).unwrap();
        let retired = room.titles(id).iter().filter(|title| title.contains("was retired")).count();
        room.call(&tech, "assets.thing.assign", json!({ "id": id, "status": "in_use" })).unwrap();
        assert_eq!(
            retired,
            if operation == "assets.thing.update" { 1 } else { 2 },
            "what is retired is not retired again"
        );
    }
}

#[test]
fn the_list_pages_in_both_orders_and_counts() {
    let room = Room::new();
    for number in 0..7 {
        room.add(&format!("srv-{number}"), json!({}));
        room.world.clock.advance(1);
    }
    for (order, expected) in [("name", "0123456"), ("updated", "6543210")] {
        let mut names = String::new();
        let mut cursor = Value::Null;
        loop {
            let input = json!({ "order": order, "limit": 3, "cursor": cursor });
            let page = room.call(&room.os(), "assets.thing.list", input).unwrap();
            assert_eq!(page["count"], 7);
            names.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|thing| thing["name"].as_str().unwrap().chars().last().unwrap()),
            );
            cursor = page["next"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(names, expected, "{order}");
    }
    let wrong = room.call(&room.os(), "assets.thing.list", json!({ "cursor": "x" })).unwrap_err();
    assert_eq!(wrong.field.as_deref(), Some("cursor"));
}

#[test]
fn each_filter_finds_what_it_says() {
    let room = Room::new();
    let server = room.add("srv-01", json!({ "place": room.site, "team": room.team, "criticality": "critical" }));
    room.add("prn-floor-3", json!({ "kind": "printer", "owner": room.user, "notes": "Jams 100% of the time" }));
    let seen = room.world.kernel.now();
    room.world.kernel.write_as(room.os(), "test.seen", move |cx| assets::seen(cx, server, seen)).unwrap();
    room.world.clock.advance(kernel::time::HOUR);
    let sam = room.sam(Scope::Everything);
    let names = |filter: &str| -> Vec<String> {
        let found = room
            .call(&sam, "assets.thing.list", json!({ "filter": filter }))
            .unwrap_or_else(|error| panic!("{filter}: {error}"));
        assert_eq!(found["count"], found["items"].as_array().unwrap().len());
        found["items"].as_array().unwrap().iter().map(|thing| thing["name"].as_str().unwrap().to_owned()).collect()
    };
    for (filter, expected) in [
        ("", vec!["prn-floor-3", "srv-01"]),
        ("kind:server", vec!["srv-01"]),
        ("kind:server,printer", vec!["prn-floor-3", "srv-01"]),
        ("-kind:server", vec!["prn-floor-3"]),
        ("team:infrastructure", vec!["srv-01"]),
        ("team:none", vec!["prn-floor-3"]),
        ("-team:infrastructure", vec!["prn-floor-3"]),
        ("-team:none", vec!["srv-01"]),
        ("-team:ghosts", vec!["prn-floor-3", "srv-01"]),
        ("-owner:sam,none", vec![]),
        ("-place:\"head office\"", vec!["prn-floor-3"]),
        ("-seen>30min", vec!["prn-floor-3"]),
        ("-seen<30min", vec!["prn-floor-3", "srv-01"]),
        ("team:ghosts", vec![]),
        ("owner:me", vec!["prn-floor-3"]),
        ("owner:sam,none", vec!["prn-floor-3", "srv-01"]),
        ("place:\"head OFFICE\"", vec!["srv-01"]),
        ("place:\"harbour works\"", vec!["srv-01"]),
        ("criticality:critical,high", vec!["srv-01"]),
        ("tag:MS-00001", vec!["srv-01"]),
        ("100%", vec!["prn-floor-3"]),
        ("FLOOR jams", vec!["prn-floor-3"]),
        ("seen<2h", vec!["srv-01"]),
        ("seen>30min", vec!["srv-01"]),
        ("seen:never", vec!["prn-floor-3"]),
        ("-seen:never", vec!["srv-01"]),
        ("seen<30min", vec![]),
        ("status:retired", vec![]),
    ] {
        assert_eq!(names(filter), expected, "{filter}");
    }
    for bad in ["colour:red", "seen:2h", "seen<soon", "kind<server"] {
        let error = room.call(&sam, "assets.thing.list", json!({ "filter": bad })).unwrap_err();
        assert!(error.message.starts_with("At character 1:"), "{bad}: {}", error.message);
    }
}

#[test]
fn a_list_takes_the_same_few_statements_however_long_it_is() {
    let room = Room::new();
    for number in 0..30 {
        room.add(&format!("srv-{number:02}"), json!({ "place": room.site, "team": room.team, "owner": room.user }));
    }
    let count = |limit: usize| {
        let reads = &room.world.kernel.db.stats().statements;
        let before = reads.load(std::sync::atomic::Ordering::Relaxed);
        room.call(&room.os(), "assets.thing.list", json!({ "limit": limit })).unwrap();
        reads.load(std::sync::atomic::Ordering::Relaxed) - before
    };
    assert_eq!(count(2), 5);
    assert_eq!(count(50), 5);
}

#[test]
fn what_one_may_not_see_is_not_there() {
    let room = Room::new();
    let mine = room.add("mine", json!({ "owner": room.user }));
    let team = room.add("team", json!({ "team": room.team }));
    let placed = room.add("placed", json!({ "place": room.site }));
    let hidden = room.add("hidden", json!({}));
    for (scope, seen) in [
        (Scope::Own, vec![mine]),
        (Scope::Teams(vec![room.team]), vec![team]),
        (Scope::Places(vec![room.site]), vec![placed]),
    ] {
        let sam = room.sam(scope);
        let list = room.call(&sam, "assets.thing.list", json!({})).unwrap();
        let ids: Vec<i64> =
            list["items"].as_array().unwrap().iter().map(|thing| thing["id"].as_i64().unwrap()).collect();
        assert_eq!((ids, list["count"].clone()), (seen.clone(), json!(1)));
        for (operation, input) in [
            ("assets.thing.show", json!({ "id": hidden })),
            ("assets.thing.timeline", json!({ "id": hidden })),
            ("assets.fact.list", json!({ "id": hidden })),
            ("assets.relation.list", json!({ "id": hidden })),
            ("assets.thing.update", json!({ "id": hidden, "name": "x" })),
            ("assets.thing.assign", json!({ "id": hidden, "status": "stored" })),
            ("assets.thing.retire", json!({ "id": hidden, "reason": "x" })),
            ("assets.relation.add", json!({ "id": seen[0], "kind": "runs_on", "to": hidden })),
        ] {
            assert_eq!(room.call(&sam, operation, input).unwrap_err().kind, ErrorKind::NotFound, "{operation}");
        }
        let found = room
            .world
            .kernel
            .read_as(&sam, |cx| cx.resolve(&[kernel::Ref::new("asset", hidden), kernel::Ref::new("asset", seen[0])]))
            .unwrap();
        assert_eq!(found.len(), 1);
        let search = room.world.kernel.read_as(&sam, |cx| cx.search("server", &["asset"], 10)).unwrap();
        assert_eq!(search.iter().map(|hit| hit.subject.id).collect::<Vec<_>>(), seen);
    }
}

#[test]
fn nobody_moves_a_thing_or_makes_one_where_their_role_does_not_reach() {
    let room = Room::new();
    let id = room.add("team", json!({ "team": room.team }));
    let sam = room.sam(Scope::Teams(vec![room.team]));
    let out = room.call(&sam, "assets.thing.update", json!({ "id": id, "team": null })).unwrap_err();
    assert_eq!(out.field.as_deref(), Some("team"));
    let made = room.call(&sam, "assets.thing.create", json!({ "name": "x", "kind": "server" })).unwrap_err();
    assert_eq!(made.field.as_deref(), Some("team"));
    room.call(&sam, "assets.thing.create", json!({ "name": "x", "kind": "server", "team": room.team })).unwrap();
}

#[test]
fn relations_point_at_what_a_thing_stands_on_and_may_go_in_circles() {
    let room = Room::new();
    let (site, host) = (room.add("intranet", json!({ "kind": "service" })), room.add("srv-01", json!({})));
    let add = |from: i64, kind: &str, to: i64| {
        room.call(&room.os(), "assets.relation.add", json!({ "id": from, "kind": kind, "to": to }))
    };
    let relation = add(site, "runs_on", host).unwrap()["id"].as_i64().unwrap();
    add(host, "depends_on", site).unwrap();
    assert_eq!(add(site, "runs_on", host).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(add(site, "part_of", site).unwrap_err().field.as_deref(), Some("to"));
    assert_eq!(room.titles(host)[0], "srv-01 depends on intranet");
    let (parents, children) =
        room.world.kernel.db.read(|tx| Ok((assets::parents(tx, &[site])?, assets::children(tx, &[site])?))).unwrap();
    assert_eq!((parents[0].to, children[0].from), (host, host));
    let shown = room.call(&room.os(), "assets.relation.list", json!({ "id": host })).unwrap();
    let words: Vec<_> = shown["items"].as_array().unwrap().iter().map(|one| one["words"].as_str().unwrap()).collect();
    assert_eq!(words, ["depends on", "hosts"]);
    room.call(&room.os(), "assets.relation.remove", json!({ "relation": relation })).unwrap();
    assert_eq!(room.titles(site)[0], "No longer: intranet runs on srv-01");
}

#[test]
fn hostile_text_is_kept_as_text() {
    let room = Room::new();
    let name = "<img src=x onerror=alert(1)>'; DROP TABLE assets_things; -- \u{202e}🙂 %_\\";
    let id = room.add(name, json!({ "notes": "a\u{0}b\n<script>" }));
    let shown = room.call(&room.os(), "assets.thing.show", json!({ "id": id })).unwrap();
    assert_eq!((shown["name"].as_str(), shown["notes"].as_str()), (Some(name), Some("ab\n<script>")));
    let found = room.call(&room.os(), "assets.thing.list", json!({ "filter": "\"DROP TABLE\"" })).unwrap();
    assert_eq!(found["count"], 1);
    let long =
        room.call(&room.os(), "assets.thing.update", json!({ "id": id, "name": "x".repeat(1_000_000) })).unwrap_err();
    assert_eq!(long.kind, ErrorKind::OverLimit);
}
