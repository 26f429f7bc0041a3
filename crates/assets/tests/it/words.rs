//! Words in every alphabet find things and facts, and forms keep what is stored.

use crate::store_room::Room;
use agent_proto::facts::{Section, whole};
use kernel::db::Priority;
use serde_json::{Value, json};
use web::PageCx;

fn found(room: &Room, filter: &str) -> Vec<String> {
    let list = room.call(&room.os(), "assets.thing.list", json!({ "filter": filter })).unwrap();
    list["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn things_are_found_by_name_and_notes_whatever_the_case_of_their_letters() {
    let room = Room::new();
    let id = room.add("Åse's Drucker", json!({ "notes": "Steht im GRÜNEN Raum", "tag": "LT-22" }));
    for filter in ["åse", "Åse", "ÅSE", "grünen", "Grünen", "lt-22"] {
        assert_eq!(found(&room, filter), ["Åse's Drucker"], "{filter}");
    }
    room.call(&room.os(), "assets.thing.update", json!({ "id": id, "name": "Øre" })).unwrap();
    assert_eq!((found(&room, "øRE"), found(&room, "åse")), (vec!["Øre".to_owned()], vec![]));
    let place = json!({ "name": "Østre", "kind": "site", "parent": 1 });
    let place = room.call(&room.os(), "people.place.create", place).unwrap()["id"].clone();
    room.add("srv-1", json!({ "place": place }));
    assert_eq!(found(&room, "place:østre"), ["srv-1"]);
}

#[test]
fn things_of_an_earlier_version_are_folded_at_the_next_start() {
    let room = Room::new();
    room.add("Åse", json!({}));
    let forget = |tx: &mut kernel::db::Tx<'_>| tx.execute("UPDATE assets_things SET folded = NULL", &[]);
    room.world.kernel.db.write("test", Priority::Interactive, forget).unwrap();
    assert_eq!(found(&room, "åse"), [] as [&str; 0]);
    assets::domain().kernel.start.unwrap()(&room.world.kernel).unwrap();
    assert_eq!(found(&room, "åse"), ["Åse"]);
}

#[test]
fn facts_are_found_by_a_word_on_every_page() {
    let room = Room::new();
    let id = room.add("srv-1", json!({}));
    let mut section: Section = (0..1_200).map(|number| (format!("package {number:04}"), "1".to_owned())).collect();
    for name in ["package 0003 Ünal", "package 0600 ÜNAL", "package 1199 ünal"] {
        section.insert(name.to_owned(), "1".to_owned());
    }
    let message = whole("packages", room.world.kernel.now().millis(), &section);
    let store = move |cx: &mut kernel::Cx| assets::store_facts(cx, id, "agent", &message);
    room.world.kernel.write_as(room.os(), "test.facts", store).unwrap();
    let (mut keys, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let input = json!({ "id": id, "word": "üNAL", "limit": 1, "cursor": cursor });
        let page = room.call(&room.os(), "assets.fact.list", input).unwrap();
        keys.extend(page["items"].as_array().unwrap().iter().map(|fact| fact["key"].as_str().unwrap().to_owned()));
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(keys, ["package 0003 Ünal", "package 0600 ÜNAL", "package 1199 ünal"]);
}

/// What a browser sends for a select of the form that a page draws.
fn chosen(body: &str, name: &str) -> Value {
    let select = body.split(&format!("id=\"f-{name}\"")).nth(1).unwrap().split("</select>").next().unwrap();
    let values = |text: &str| text.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let options: Vec<&str> = select.split("<option").skip(1).collect();
    let option = options.iter().find(|option| option.split('>').next().unwrap().contains(" selected"));
    let value = values(option.unwrap_or(&options[0]));
    value.parse::<i64>().map_or(Value::Null, |id| json!(id))
}

#[test]
fn saving_the_form_of_a_thing_as_it_is_drawn_changes_only_what_was_typed() {
    let room = Room::new();
    let id = room.add("srv-1", json!({ "place": room.site, "team": room.team, "owner": room.user }));
    room.call(&room.os(), "people.user.disable", json!({ "id": room.user, "reason": "left" })).unwrap();
    let page = assets::domain().pages.into_iter().find(|page| page.path == "/assets/{id}").unwrap();
    let body = room
        .world
        .kernel
        .read_as(&room.os(), |cx| {
            let mut page_cx = PageCx {
                cx,
                path: [("id".to_owned(), id.to_string())].into(),
                query: Vec::new(),
                here: "/assets/1".to_owned(),
                origin: "http://127.0.0.1:7300".to_owned(),
                csrf: "token".to_owned(),
                zone: jiff::tz::TimeZone::UTC,
                all_panels: &[],
                later: web::Later::default(),
            };
            Ok((page.render)(&mut page_cx)?.body.into_string())
        })
        .unwrap();
    let input = json!({
        "id": id, "name": "srv-2", "owner": chosen(&body, "owner"), "team": chosen(&body, "team"), "place": chosen(&body, "place"),
    });
    let saved = room.call(&room.os(), "assets.thing.update", input).unwrap();
    assert_eq!(saved["name"], "srv-2");
    assert_eq!((saved["owner"].as_i64(), saved["team"].as_i64()), (Some(room.user), Some(room.team)));
    assert_eq!(saved["place"].as_i64(), Some(room.site));
}
