//! Relations with alternatives: said, changed, told, shown and undone.

use crate::store_room::Room;
use kernel::{ErrorKind, Scope};
use serde_json::{Value, json};

fn related(room: &Room, id: i64) -> Vec<(String, String, String)> {
    let shown = room.call(&room.os(), "assets.relation.list", json!({ "id": id })).unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    let row = |one: &Value| (text(one, "words"), text(one, "other_name"), text(one, "group"));
    shown["items"].as_array().unwrap().iter().map(row).collect()
}

fn row(words: &str, other: &str, group: &str) -> (String, String, String) {
    (words.to_owned(), other.to_owned(), group.to_owned())
}

#[test]
fn a_relation_is_one_of_some_alternatives_when_it_has_their_group_and_everybody_is_told() {
    let room = Room::new();
    let [app, one, two] = ["billing", "db-1", "db-2"].map(|name| room.add(name, json!({})));
    let add = |to: i64, group: &str| {
        let input = json!({ "id": app, "kind": "depends_on", "to": to, "group": group });
        room.call(&room.os(), "assets.relation.add", input).unwrap()["id"].as_i64().unwrap()
    };
    add(one, " databases ");
    assert_eq!(room.titles(one)[0], "billing depends on any of databases: db-1");
    let second = add(two, "");
    let update =
        |group: Value| room.call(&room.os(), "assets.relation.update", json!({ "relation": second, "group": group }));
    assert_eq!(update(json!("databases")).unwrap()["group"], "databases");
    assert_eq!(room.titles(two)[0], "billing depends on any of databases: db-2");
    let both = [row("depends on", "db-1", "databases"), row("depends on", "db-2", "databases")];
    assert_eq!(related(&room, app), both);
    assert_eq!(related(&room, two), [row("is needed by", "billing", "databases")]);
    let told = room.titles(app).len();
    update(json!("databases")).unwrap();
    room.call(&room.os(), "assets.relation.update", json!({ "relation": second })).unwrap();
    assert_eq!(room.titles(app).len(), told, "what stays as it is is not told");
    assert_eq!(update(json!("x".repeat(61))).unwrap_err().field.as_deref(), Some("group"));
    update(Value::Null).unwrap();
    assert_eq!(room.titles(app)[0], "billing depends on db-2, no longer one of databases");
    assert_eq!(related(&room, two), [row("is needed by", "billing", "")]);
}

#[test]
fn what_was_done_to_a_relation_can_be_undone() {
    let room = Room::new();
    let [app, one] = ["billing", "db-1"].map(|name| room.add(name, json!({})));
    let done = |operation: &str, input: Value| room.world.answer(&room.os(), operation, input).unwrap();
    let undo = |audit: Option<i64>| done("kernel.audit.undo", json!({ "id": audit })).audit;
    let added =
        done("assets.relation.add", json!({ "id": app, "kind": "depends_on", "to": one, "group": "databases" }));
    let (relation, with, without) =
        (&added.output["id"], [row("depends on", "db-1", "databases")], [row("depends on", "db-1", "")]);
    let changed = done("assets.relation.update", json!({ "relation": relation, "group": null }));
    assert_eq!(related(&room, app), without);
    undo(changed.audit);
    assert_eq!(related(&room, app), with);
    let removed = done("assets.relation.remove", json!({ "relation": relation }));
    assert_eq!(related(&room, app), []);
    let undone = undo(removed.audit);
    assert_eq!(related(&room, app), with);
    undo(undone);
    assert_eq!(related(&room, app), []);
    let again = done("assets.relation.add", json!({ "id": app, "kind": "depends_on", "to": one }));
    undo(again.audit);
    assert_eq!(related(&room, app), []);
}

#[test]
fn nobody_changes_a_relation_of_a_thing_beyond_reach() {
    let room = Room::new();
    let (mine, other) = (room.add("mine", json!({ "team": room.team })), room.add("other", json!({})));
    let add = |id: i64, to: i64| {
        let input = json!({ "id": id, "kind": "runs_on", "to": to });
        room.call(&room.os(), "assets.relation.add", input).unwrap()["id"].as_i64().unwrap()
    };
    let (ours, theirs) = (add(mine, other), add(other, mine));
    let sam = room.sam(Scope::Teams(vec![room.team]));
    let update =
        |relation: i64| room.call(&sam, "assets.relation.update", json!({ "relation": relation, "group": "hosts" }));
    assert_eq!(update(ours).unwrap()["group"], "hosts");
    assert_eq!(update(theirs).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(update(999).unwrap_err().kind, ErrorKind::NotFound);
}
