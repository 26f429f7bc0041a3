//! What comes back within a quarter of an hour is the same group; what comes later, or has another cause, is a new one.

use agent_proto::CheckState;
use serde_json::{Value, json};

use crate::house::House;

/// A check that fired, was acknowledged by somebody, and is over.
fn over() -> (House, i64, i64, i64) {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "gbb");
    let group = house.groups("open")[0]["id"].as_i64().unwrap();
    house.call("monitor.group.acknowledge", json!({ "id": group }));
    house.report(web, check, "gg");
    house.wait(30);
    assert_eq!(house.groups("recovered").len(), 1);
    (house, web, check, group)
}

fn shown(house: &House, group: i64) -> Value {
    house.call("monitor.group.show", json!({ "id": group }))["group"].clone()
}

#[test]
fn what_is_back_within_a_quarter_of_an_hour_is_the_same_group_and_nobody_is_on_it_yet() {
    let (house, web, check, group) = over();
    house.wait(240);
    house.report(web, check, "bb");
    let open = house.groups("open");
    assert_eq!((open.len(), open[0]["id"].as_i64()), (1, Some(group)));
    assert_eq!((&open[0]["acknowledged_by"], &open[0]["ended_at"]), (&json!(null), &json!(null)));
    assert_eq!((&open[0]["reopened"], &open[0]["open_alerts"]), (&json!(1), &json!(1)));
    let told = house.events("alert_group", group, "monitor.group.reopened");
    assert_eq!(told.len(), 1);
    let event = &told[0].payload;
    assert!((200..400).contains(&event["over_s"].as_i64().unwrap()), "{event}");
    assert_eq!((&event["announced"], &event["silenced"], &event["times"]), (&json!(true), &json!(false), &json!(1)));
    assert_eq!(event["open_since"], open[0]["reopened_at"]);
    assert!(event["evidence"][0].as_str().unwrap().contains("no process nginx runs"), "{event}");
    assert_eq!(house.events("asset", web, "monitor.group.reopened").len(), 1, "the timeline of the thing says so too");
    assert_eq!(house.needs(), ["Fails on web-01: Web server runs"]);
    house.call("monitor.group.acknowledge", json!({ "id": group }));
    house.report(web, check, "gg");
    house.wait(120);
    assert_eq!(shown(&house, group)["state"], "recovered");
    let title = "Fails on web-01: Web server runs";
    assert_eq!(house.announced(), ["Alert", "Recovered", "Again", "Recovered"].map(|word| format!("{word}: {title}")));
}

#[test]
fn what_comes_back_later_is_a_new_group() {
    let (house, web, check, group) = over();
    house.wait(16 * 60);
    house.report(web, check, "bb");
    let open = house.groups("open");
    assert_eq!(open.len(), 1);
    assert_ne!(open[0]["id"].as_i64(), Some(group));
    assert_eq!(shown(&house, group)["state"], "recovered");
}

#[test]
fn what_is_back_under_a_silence_is_recorded_and_told_when_that_ends() {
    let (house, web, check, group) = over();
    let silence = house.call("monitor.silence.create", json!({ "asset": web, "minutes": 60, "reason": "Update" }));
    house.report(web, check, "bb");
    assert_eq!(house.groups("open")[0]["silenced"], true);
    assert_eq!(house.announced().len(), 2, "the first time and its end");
    assert!(house.needs().is_empty(), "{:?}", house.needs());
    house.call("monitor.silence.end", json!({ "id": silence["id"] }));
    house.wait(60);
    let told = house.events("alert_group", group, "monitor.group.opened");
    assert_eq!(told.last().unwrap().payload["again"], true);
    assert_eq!(house.announced().len(), 3);
    house.report(web, check, "gg");
    house.wait(120);
    assert_eq!(house.announced().len(), 4);
}

#[test]
fn a_recovery_of_what_was_back_in_silence_is_not_announced() {
    let (house, web, check, group) = over();
    house.call("monitor.silence.create", json!({ "asset": web, "minutes": 60, "reason": "Update" }));
    house.report(web, check, "bb");
    assert_eq!(house.groups("open").len(), 1);
    house.report(web, check, "gg");
    house.wait(120);
    let ends = house.events("alert_group", group, "monitor.group.recovered");
    let announced: Vec<bool> = ends.iter().map(|event| event.payload["announced"] == true).collect();
    assert_eq!(announced, [true, false]);
}

#[test]
fn a_fault_of_its_own_of_what_followed_from_a_cause_is_not_taken_for_the_cause() {
    let house = House::new();
    let switch = house.thing("sw-01", "switch");
    let up = house.check(switch, "Switch answers");
    let all: Vec<(i64, i64)> = (0..6)
        .map(|n| {
            let asset = house.asset(&format!("srv-{n}"));
            house.link(asset, "connected_to", switch);
            (asset, house.check(asset, "Port 443 answers"))
        })
        .collect();
    house.wait(1);
    let report = |bad: &dyn Fn(i64) -> bool, times: usize| {
        for _ in 0..times {
            house.wait(10);
            for (asset, check) in all.iter().copied().chain([(switch, up)]) {
                let state = if bad(check) { CheckState::Fail } else { CheckState::Ok };
                house.send(asset, vec![house.result(check, state)]).unwrap();
            }
        }
    };
    report(&|_| false, 2);
    report(&|_| true, 2);
    let group = house.groups("open")[0]["id"].as_i64().unwrap();
    report(&|_| false, 6);
    house.wait(60);
    assert_eq!(house.groups("open").len(), 0);
    let lone = all[2].1;
    report(&|check| check == lone, 4);
    let open = house.groups("open");
    assert_eq!(open.len(), 1);
    assert_ne!(open[0]["id"].as_i64(), Some(group), "one server's own fault: {}", open[0]["title"]);
    report(&|_| false, 6);
    house.wait(60);
    report(&|_| true, 3);
    let open: Vec<i64> = house.groups("open").iter().map(|one| one["id"].as_i64().unwrap()).collect();
    assert!(open.contains(&group), "the switch is out again: {open:?} and not {group}");
}
