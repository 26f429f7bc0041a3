//! What comes back again and again: one group that stays open on purpose, says why, and ends by itself.

use serde_json::{Value, json};

use crate::house::House;

fn evidence(group: &Value) -> Vec<String> {
    group["evidence"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

fn changes(house: &House, group: i64) -> Vec<String> {
    let all = house.events("alert_group", group, "monitor.group.changed");
    all.iter().map(|event| event.payload["change"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_third_fault_in_a_row_stays_open_says_why_and_ends_when_it_is_stable() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "gggggbb");
    assert_eq!(house.groups("open").len(), 1);
    house.report(web, check, "ggbbggbb");
    let group = &house.groups("open")[0];
    let why = evidence(group).pop().unwrap();
    assert!(why.contains("It keeps coming back: it failed 3 times in "), "{why}");
    assert!(
        why.contains("It stays open until 12 good results in a row, about 2 min, show that it is stable."),
        "{why}"
    );
    let attention = house.kernel().read_as(&house.admin, |cx| cx.attention(10)).unwrap();
    assert!(attention[0].why.contains("keeps coming back"), "{}", attention[0].why);
    assert!(house.show(check)["check"]["evidence"].as_str().unwrap().contains("keeps coming back"));
    house.report(web, check, &"g".repeat(11));
    assert_eq!((house.groups("open").len(), house.state(check).as_str()), (1, "flapping"));
    house.report(web, check, &"g".repeat(40));
    assert_eq!((house.groups("open").len(), house.state(check).as_str()), (0, "ok"), "stable for a while longer");
    let ended = house.call("monitor.group.show", json!({"id": group["id"]}));
    let proof = ended["group"]["recovery"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
    assert!(proof.contains("It failed 3 times; 12 good results in a row show that it is stable."), "{proof}");
    assert_eq!(ended["group"]["proven"], true);
}

#[test]
fn an_open_group_says_when_it_begins_to_flap_and_again_only_when_it_doubles() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Line", "asset": web, "kind": "process", "process": "x", "clear_k": 3});
    let check = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    house.report(web, check, "bbggbbggb");
    let group = house.groups("open")[0]["id"].as_i64().unwrap();
    assert_eq!(changes(&house, group), [""; 0]);
    house.report(web, check, "bgg");
    assert_eq!(changes(&house, group), ["flapping"]);
    house.report(web, check, "bggbggbgg");
    assert_eq!(changes(&house, group), ["flapping", "flapping"], "told at 3 and at 6 failures");
    let lines = evidence(&house.groups("open")[0]);
    assert!(lines.last().unwrap().starts_with("web-01, Line: "), "{lines:?}");
    assert!(lines.last().unwrap().contains("it failed 6 times"), "{lines:?}");
    assert_eq!(house.needs().len(), 1);
    house.report(web, check, &"b".repeat(12));
    assert_eq!(house.state(check), "firing");
    assert_eq!(changes(&house, group), ["flapping", "flapping", "steady"]);
    house.report(web, check, "ggg");
    assert!(house.groups("open").is_empty(), "down for good and then good again needs no long proof");
    assert_eq!(house.events("asset", web, "monitor.group.opened").len(), 1);
}

#[test]
fn what_never_becomes_an_alert_opens_no_group_however_often_it_comes_and_goes() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Line", "asset": web, "kind": "process", "process": "x", "fire_n": 3, "fire_m": 3});
    let check = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    house.report(web, check, "gbgbgbgbgbgbg");
    let shown = house.show(check);
    assert_eq!(shown["check"]["state"], "flapping");
    assert!(shown["check"]["evidence"].as_str().unwrap().contains("comes and goes"), "{shown}");
    assert!(house.groups("open").is_empty());
}
