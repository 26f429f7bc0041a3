//! Places, users and lists.

use crate::office::Office;
use kernel::ErrorKind;
use serde_json::{Value, json};

fn place(office: &Office, name: &str, kind: &str, parent: i64) -> i64 {
    let input = json!({ "name": name, "kind": kind, "parent": parent });
    office.call(&office.admin(), "people.place.create", input).unwrap()["id"].as_i64().unwrap()
}

#[test]
fn moving_a_place_moves_what_is_in_it_and_never_into_itself() {
    let office = Office::new();
    let root = office.world.kernel.db.read(people::organisation).unwrap().unwrap();
    let (oslo, bergen) = (place(&office, "Oslo", "site", root), place(&office, "Bergen", "site", root));
    let floor = place(&office, "Floor 1", "floor", oslo);
    let room = place(&office, "Room", "room", floor);
    let update = |input: Value| office.call(&office.admin(), "people.place.update", input);
    update(json!({ "id": floor, "parent": bergen })).unwrap();
    let below = |id: i64| office.world.kernel.db.read(|tx| people::places_below(tx, id)).unwrap();
    assert_eq!(below(oslo), [oslo]);
    assert_eq!(below(bergen), [bergen, floor, room]);
    for (id, parent) in [(bergen, room), (bergen, bergen), (root, oslo)] {
        assert_eq!(update(json!({ "id": id, "parent": parent })).unwrap_err().field.as_deref(), Some("parent"));
    }
    let shown = office.call(&office.admin(), "people.place.show", json!({ "id": room })).unwrap();
    assert_eq!(shown["line"], json!(["Harbour Works", "Bergen", "Floor 1", "Room"]));
    let named = office.world.kernel.db.read(|tx| people::places_named(tx, "BERGEN")).unwrap();
    assert_eq!(named, [bergen, floor, room]);
}

#[test]
fn a_place_with_something_in_it_is_not_removed() {
    let office = Office::new();
    let root = office.world.kernel.db.read(people::organisation).unwrap().unwrap();
    let site = place(&office, "Oslo", "site", root);
    let room = place(&office, "Room", "room", site);
    let remove = |id: i64| office.call(&office.admin(), "people.place.remove", json!({ "id": id }));
    assert_eq!(remove(site).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(remove(root).unwrap_err().kind, ErrorKind::Conflict);
    remove(room).unwrap();
    remove(site).unwrap();
}

#[test]
fn a_list_of_users_pages_by_name_and_filters() {
    let office = Office::new();
    for number in 0..7 {
        office.user(&format!("u{number}"));
    }
    let admin = office.admin();
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = office.call(&admin, "people.user.list", json!({ "limit": 3, "cursor": after })).unwrap();
        names.extend(page["items"].as_array().unwrap().iter().map(|user| user["login"].as_str().unwrap().to_owned()));
        assert_eq!(page["count"], 8);
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(names, ["ada", "u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
    let count =
        |filter: &str| office.call(&admin, "people.user.list", json!({ "filter": filter })).unwrap()["count"].clone();
    assert_eq!(count("u3"), 1);
    assert_eq!(count("-u3"), 7);
    assert_eq!(count("team:service-desk"), 1);
    assert_eq!(count("role:administrator"), 1);
    assert_eq!(count("status:disabled"), 0);
    assert_eq!(count("100%"), 0);
    let error = office.call(&admin, "people.user.list", json!({ "filter": "colour:red" })).unwrap_err();
    assert!(error.message.starts_with("At character 1:"), "{}", error.message);
}

#[test]
fn a_change_against_an_old_version_is_refused() {
    let office = Office::new();
    let sam = office.user("sam");
    let update = |input: Value| office.call(&office.admin(), "people.user.update", input);
    update(json!({ "id": sam, "name": "Sam One", "expected_version": 1 })).unwrap();
    let error = update(json!({ "id": sam, "name": "Sam Two", "expected_version": 1 })).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    let cleared = update(json!({ "id": sam, "email": "sam@example.org" })).unwrap();
    assert_eq!((cleared["name"].as_str(), cleared["email"].as_str()), (Some("Sam One"), Some("sam@example.org")));
    assert_eq!(update(json!({ "id": sam, "email": null })).unwrap()["email"], "");
}

#[test]
fn hostile_text_is_kept_as_text_or_refused_by_field() {
    let office = Office::new();
    let create = |input: Value| office.call(&office.admin(), "people.user.create", input);
    let name = "<script>alert(1)</script>'; DROP TABLE people_users; -- \u{202e}🙂";
    let made = create(json!({ "login": "x", "name": name })).unwrap();
    assert_eq!(made["name"], name);
    for (field, input) in [
        ("login", json!({ "login": "a b", "name": "x" })),
        ("login", json!({ "login": "x", "name": "again" })),
        ("name", json!({ "login": "y", "name": "a\nb" })),
        ("email", json!({ "login": "y", "name": "x", "email": "a@b\r\nBcc: c@d" })),
        ("zone", json!({ "login": "y", "name": "x", "zone": "../../etc/passwd" })),
        ("password", json!({ "login": "y", "name": "x", "password": "short" })),
        ("place", json!({ "login": "y", "name": "x", "place": 999 })),
    ] {
        assert_eq!(create(input).unwrap_err().field.as_deref(), Some(field));
    }
}

#[test]
fn undoing_a_change_sets_the_old_value_back() {
    let office = Office::new();
    let sam = office.user("sam");
    office.call(&office.admin(), "people.user.update", json!({ "id": sam, "name": "Wrong" })).unwrap();
    let noun = office.world.kernel.registry().noun("user").unwrap().set.unwrap();
    let admin = office.admin();
    office.world.kernel.write_as(admin, "test.undo", move |cx| noun(cx, sam, "name", &json!("User sam"))).unwrap();
    let shown = office.call(&office.admin(), "people.user.show", json!({ "id": sam })).unwrap();
    assert_eq!(shown["name"], "User sam");
}
