//! What is held back, by a mute time or because somebody is on it, and when it is told after all.

use kernel::time::MINUTE;
use serde_json::{Value, json};

use crate::house::{Catcher, House, counts, three};

fn change(house: &House, change: &str, more: Value) {
    let mut fields = json!({ "group": "alert_group:1", "change": change, "severity": "critical" });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.tell("monitor.group.changed", fields);
    house.world.settle().unwrap();
}

fn own(title: &str, severity: &str) -> Value {
    let labels = json!({ "alertname": title });
    json!({ "check": "check:4", "title": title, "severity": severity, "labels": labels, "evidence": ["b is 0"] })
}

fn texts(to: &Catcher) -> Vec<String> {
    let read = |body: &str| serde_json::from_str::<Value>(body).unwrap()["message"].as_str().unwrap().to_owned();
    to.got().iter().map(|(_, body)| read(body)).collect()
}

/// All of it goes to channel one, and nothing before nine o'clock.
fn muted(again_after_s: i64) -> (House, [Catcher; 3]) {
    let (house, all) = three();
    let policy = house.policy("0 channel:one", json!({ "again_after_s": again_after_s }));
    let route =
        json!({ "name": "Quiet", "matchers": "alertname!=\"Payment\"", "policy": policy, "mute": "mon 07:00-09:00" });
    house.call("paging.route.add", route);
    (house, all)
}

#[test]
fn what_a_mute_time_holds_back_stays_held_back_when_somebody_takes_it_on_and_leaves_it() {
    let (house, all) = muted(0);
    house.opened(1, json!({}));
    house.pass(600);
    house.acknowledged(1, &house.actor(house.user("ada")));
    change(&house, "unacknowledged", json!({}));
    house.pass(1_200);
    assert_eq!(counts(&all), [0, 0, 0], "it is half past eight");
    house.pass(2_400);
    assert_eq!(counts(&all), [1, 0, 0], "it still lasts, and nobody is on it");
}

#[test]
fn who_is_on_what_a_mute_time_held_back_is_on_it_when_that_ends_for_as_long_as_the_policy_says() {
    let (house, all) = muted(5_400);
    house.opened(1, json!({}));
    house.pass(600);
    house.acknowledged(1, &house.actor(house.user("ada")));
    house.pass(4_500);
    assert_eq!(counts(&all), [0, 0, 0], "Ada is on it");
    house.pass(1_200);
    assert_eq!(counts(&all), [1, 0, 0], "an hour and a half after she said so");
    let (house, all) = muted(1_800);
    house.opened(1, json!({}));
    house.acknowledged(1, &house.actor(house.user("ada")));
    house.pass(3_540);
    assert_eq!(counts(&all), [0, 0, 0]);
    house.pass(120);
    assert_eq!(counts(&all), [1, 0, 0], "she said so too long ago");
}

#[test]
fn an_alert_that_no_mute_time_holds_back_leaves_the_group_its_own_escalation() {
    let (house, all) = muted(0);
    house.opened(1, json!({ "labels": { "alertname": "Disk" }, "own": [own("Payment", "critical")] }));
    assert_eq!(all[0].titles(), ["Alert: Payment"]);
    let pages = house.call("paging.page.list", json!({}));
    let of = |title: &str| {
        let all = pages["items"].as_array().unwrap().iter();
        all.clone().find(|one| one["own"] == title).unwrap()["id"].clone()
    };
    house.call("paging.page.acknowledge", json!({ "id": of("Payment") }));
    change(&house, "unacknowledged", json!({}));
    house.pass(3_700);
    assert!(all[0].titles().contains(&"Alert: Fault 1".to_owned()), "{:?}", all[0].titles());
}

#[test]
fn nothing_leaves_late_when_somebody_took_on_all_of_it() {
    let house = House::new();
    let chat = Catcher::new();
    house.channel("chat", &chat);
    chat.answers(503);
    let doors = house.policy("0 channel:chat", json!({ "name": "doors" }));
    house.policy("0 channel:chat", json!({}));
    house.call("paging.route.add", json!({ "name": "Door", "matchers": "alertname=\"Door\"", "policy": doors }));
    house.opened(1, json!({ "own": [own("Door", "critical")] }));
    let states = || house.messages().into_iter().map(|(_, _, state)| state).collect::<Vec<_>>();
    assert_eq!(states(), ["waiting"], "one message names both: {:?}", house.messages());
    house.acknowledged(1, &house.actor(house.user("ada")));
    assert_eq!(states()[0], "stopped");
    chat.answers(200);
    house.world.clock.advance(10 * MINUTE);
    house.pass(600);
    assert!(!chat.titles().iter().any(|title| title.starts_with("Alert: ")), "{:?}", chat.titles());
}

/// What is critical goes to channel two, the rest to channel one.
fn by_severity() -> (House, [Catcher; 3]) {
    let (house, all) = three();
    let (rest, rota) = (house.policy("0 channel:one", json!({})), house.policy("0 channel:two", json!({})));
    house.call("paging.route.add", json!({ "name": "Critical", "severity": "critical", "policy": rota }));
    house.call("paging.route.add", json!({ "name": "Rest", "policy": rest }));
    house.opened(1, json!({ "severity": "warning" }));
    assert_eq!(counts(&all), [1, 0, 0]);
    (house, all)
}

#[test]
fn a_critical_alert_that_joins_a_warning_wakes_people_by_its_own_name() {
    let (house, all) = by_severity();
    let down = own("Database down", "critical");
    change(&house, "joined", json!({ "own": [down], "rest": "" }));
    assert_eq!((counts(&all), all[1].titles()), (vec![1, 1, 0], vec!["Alert: Database down".to_owned()]));
    assert!(texts(&all[1])[0].contains("Severity: critical\nb is 0"), "{:?}", texts(&all[1]));
    // The group itself is a warning still, whatever happens to it next.
    change(&house, "flapping", json!({ "rest": "" }));
    assert_eq!(counts(&all), [1, 1, 0]);
    house.pass(600);
    change(&house, "joined", json!({ "rest": "critical" }));
    assert_eq!(counts(&all), [1, 1, 0], "they know");
}

#[test]
fn a_group_that_turned_critical_says_so_and_names_what_is_told_with_it() {
    let (house, all) = by_severity();
    change(&house, "joined", json!({ "own": [own("Database down", "critical")], "rest": "critical" }));
    assert_eq!(all[1].titles(), ["Alert: Fault 1"]);
    let text = &texts(&all[1])[0];
    assert!(text.contains("Severity: critical\nWith it: Database down\n"), "{text}");
    assert!(!text.contains("Severity: warning"), "{text}");
}

#[test]
fn a_critical_alert_reaches_those_who_were_told_of_a_warning_by_the_same_policy() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two", json!({}));
    house.opened(1, json!({ "severity": "warning" }));
    let joins = |title: &str, severity: &str| {
        change(&house, "joined", json!({ "own": [own(title, severity)], "rest": "" }));
    };
    joins("Disk slow", "warning");
    assert_eq!(counts(&all), [1, 0, 0]);
    joins("Database down", "critical");
    joins("Database lost", "critical");
    assert_eq!(all[0].titles(), ["Alert: Fault 1", "Alert: Database down"], "once");
    house.recovered(1);
    assert_eq!(counts(&all), [3, 0, 0]);
}
