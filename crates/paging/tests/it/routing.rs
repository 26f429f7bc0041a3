//! The tree and policies as they are kept: order, refusals, undo.

use serde_json::{Value, json};

use crate::house::House;

fn names(house: &House) -> Vec<String> {
    let all = house.call("paging.route.list", json!({}));
    all["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn routes_are_listed_in_the_order_of_the_tree_and_can_be_moved() {
    let house = House::new();
    let add = |name: &str, parent: Value| {
        house.call("paging.route.add", json!({ "name": name, "parent": parent }))["id"].clone()
    };
    let a = add("a", json!(null));
    let b = add("b", json!(null));
    add("a1", a.clone());
    assert_eq!(names(&house), ["a", "a1", "b"]);
    house.call("paging.route.move", json!({ "id": b }));
    assert_eq!(names(&house), ["b", "a", "a1"]);
    house.call("paging.route.move", json!({ "id": b }));
    assert_eq!(names(&house), ["b", "a", "a1"], "the first stays first");
    house.call("paging.route.update", json!({ "id": a, "parent": b, "severity": "critical" }));
    assert_eq!(names(&house), ["b", "a", "a1"]);
    assert_eq!(house.refused("paging.route.update", json!({ "id": b, "parent": a })).field.as_deref(), Some("parent"));
    assert!(house.refused("paging.route.remove", json!({ "id": b })).message.contains("stand below"));
}

#[test]
fn what_names_nothing_is_refused_by_the_name_of_the_field() {
    let house = House::new();
    for (input, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x", "matchers": "site" }), "matchers"),
        (json!({ "name": "x", "severity": "bad" }), "severity"),
        (json!({ "name": "x", "teams": [999] }), "teams"),
        (json!({ "name": "x", "places": [999] }), "places"),
        (json!({ "name": "x", "hours": "whenever" }), "hours"),
        (json!({ "name": "x", "mute": "whenever" }), "mute"),
        (json!({ "name": "x", "policy": 999 }), "policy"),
        (json!({ "name": "x", "parent": 999 }), "parent"),
    ] {
        assert_eq!(house.refused("paging.route.add", input.clone()).field.as_deref(), Some(field), "{input}");
    }
    for (input, field) in [
        (json!({ "name": "x" }), "steps"),
        (json!({ "name": "x", "lines": "0 user:nobody" }), "steps"),
        (json!({ "name": "x", "lines": "8d team" }), "steps"),
        (json!({ "name": "x", "lines": "0 team", "repeats": 99 }), "repeats"),
        (json!({ "name": "x", "lines": "0 team", "repeats": 1, "repeat_after_s": 1 }), "repeat_after_s"),
        (json!({ "name": "x", "lines": "0 team", "again_after_s": 5 }), "again_after_s"),
    ] {
        assert_eq!(house.refused("paging.policy.save", input.clone()).field.as_deref(), Some(field), "{input}");
    }
}

#[test]
fn the_setting_of_earlier_versions_is_taken_over() {
    let house = House::new();
    house.set("paging.default", json!({ "emails": ["ops@example.org"], "webhook": null }));
    let default = house.call("kernel.setting.show", json!({ "key": "paging.default" }));
    assert_eq!(default["value"]["emails"], json!(["ops@example.org"]));
    let back = |cx: &mut kernel::Cx| kernel::settings::rename(cx.tx, "paging.default", "monitor.notify");
    house.world.kernel.write_as(house.admin.clone(), "test.back", back).unwrap();
    let gone = house.call("kernel.setting.show", json!({ "key": "paging.default" }));
    assert_eq!(gone["value"]["emails"], json!([]));
    let domain = paging::domain().kernel;
    (domain.start.unwrap())(&house.world.kernel).unwrap();
    let again = house.call("kernel.setting.show", json!({ "key": "paging.default" }));
    assert_eq!(again["value"]["emails"], json!(["ops@example.org"]));
}
