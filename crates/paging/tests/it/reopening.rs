//! What comes back shortly after it was over: the same group, steps anew, and exactly those who were told hear of it first.

use serde_json::json;

use crate::house::{counts, three};

#[test]
fn what_is_back_is_told_to_exactly_those_who_were_told_and_its_steps_begin_anew() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two\n10m channel:three", json!({}));
    house.opened(1, json!({}));
    house.pass(700);
    house.recovered(1);
    assert_eq!(counts(&all), [2, 2, 0]);
    house.pass(240);
    house.reopened(1, json!({}));
    assert_eq!(all[0].titles(), ["Alert: Fault 1", "Recovered: Fault 1", "Again: Fault 1"]);
    assert_eq!(all[1].titles(), all[0].titles(), "who was told by a later step hears at once");
    assert_eq!(counts(&all), [3, 3, 0], "and nobody else, and nobody twice");
    let said = &all[1].got()[2].1;
    assert!(said.contains("It is back since 2026-03-02 08:") && said.contains("it fails again"), "{said}");
    assert!(said.contains("/acknowledge/"), "it can be acknowledged: {said}");
    assert_eq!(house.page()["state"], "active");
    house.pass(660);
    assert_eq!(counts(&all), [3, 4, 0], "the second step comes after its wait");
    house.pass(660);
    assert_eq!(counts(&all), [3, 4, 1]);
    house.recovered(1);
    assert_eq!(counts(&all), [4, 5, 2], "each of them hears once that it is over");
    assert!(house.notes().contains("Told, as they were told before: one, two."), "{}", house.notes());
}

#[test]
fn what_comes_back_again_and_again_is_told_each_time_once() {
    let (house, all) = three();
    house.policy("0 channel:one", json!({}));
    house.opened(1, json!({}));
    for _ in 0..3 {
        house.recovered(1);
        house.pass(60);
        house.reopened(1, json!({}));
        house.reopened(1, json!({}));
        house.pass(60);
    }
    let expected = ["Alert", "Recovered", "Again", "Recovered", "Again", "Recovered", "Again"];
    assert_eq!(all[0].titles(), expected.map(|word| format!("{word}: Fault 1")));
}

#[test]
fn who_acknowledged_before_is_asked_anew() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two", json!({}));
    house.opened(1, json!({}));
    house.acknowledged(1, &house.actor(house.user("ada")));
    house.recovered(1);
    house.reopened(1, json!({}));
    house.pass(700);
    assert_eq!(counts(&all), [3, 1, 0], "nobody said yet that they are on it this time");
    house.acknowledged(1, &house.actor(house.user("ada")));
    assert_eq!(house.page()["state"], "acknowledged");
}

#[test]
fn what_is_back_under_a_silence_is_told_when_that_ends() {
    let (house, all) = three();
    house.policy("0 channel:one", json!({}));
    house.opened(1, json!({}));
    house.recovered(1);
    house.reopened(1, json!({ "silenced": true }));
    house.pass(60);
    assert_eq!(counts(&all), [2, 0, 0]);
    house.opened(1, json!({ "again": true }));
    assert_eq!(all[0].titles()[2..], ["Again: Fault 1".to_owned()]);
    house.recovered(1);
    house.reopened(1, json!({ "silenced": true }));
    house.recovered(1);
    assert_eq!(counts(&all), [4, 0, 0], "for them it is over since the last recovery");
    house.reopened(1, json!({}));
    assert_eq!(all[0].titles()[4..], ["Again: Fault 1".to_owned()]);
}

#[test]
fn what_nobody_was_told_of_before_is_told_like_a_new_one() {
    let (house, all) = three();
    house.policy("0 channel:one", json!({}));
    house.opened(1, json!({ "silenced": true }));
    house.recovered(1);
    house.reopened(1, json!({}));
    house.reopened(2, json!({}));
    assert_eq!(all[0].titles(), ["Alert: Fault 1", "Alert: Fault 2"]);
}

#[test]
fn a_recovery_that_has_not_left_yet_is_not_told_of_what_is_back() {
    let (house, all) = three();
    house.policy("0 channel:one", json!({}));
    house.opened(1, json!({}));
    all[0].answers(503);
    house.recovered(1);
    all[0].answers(200);
    house.reopened(1, json!({}));
    house.pass(120);
    assert_eq!(all[0].titles(), ["Alert: Fault 1", "Again: Fault 1"]);
    house.recovered(1);
    assert_eq!(all[0].titles()[2..], ["Recovered: Fault 1".to_owned()]);
}

#[test]
fn a_round_repeats_as_often_after_a_reopening_as_before() {
    let (house, all) = three();
    house.policy("0 channel:one", json!({ "repeats": 1, "repeat_after_s": 600 }));
    house.opened(1, json!({}));
    house.pass(1_300);
    assert_eq!((counts(&all)[0], house.page()["state"].clone()), (2, json!("spent")));
    house.recovered(1);
    house.reopened(1, json!({}));
    house.pass(1_300);
    assert_eq!((counts(&all)[0], house.page()["state"].clone()), (5, json!("spent")));
}

#[test]
fn a_route_that_is_muted_hides_no_other_to_the_same_policy() {
    let (house, all) = three();
    let policy = house.policy("0 channel:one", json!({}));
    let quiet = json!({ "name": "Quiet", "mute": "mon 07:00-20:00", "policy": policy, "continue": true });
    house.call("paging.route.add", quiet);
    house.call("paging.route.add", json!({ "name": "Hard", "severity": "critical", "policy": policy }));
    house.opened(1, json!({}));
    assert_eq!(all[0].titles(), ["Alert: Fault 1"]);
    house.opened(2, json!({ "severity": "warning" }));
    assert_eq!(counts(&all), [1, 0, 0], "only the muted route takes a warning");
    let worse = json!({ "group": "alert_group:2", "change": "joined", "severity": "critical" });
    house.tell("monitor.group.changed", worse);
    house.world.settle().unwrap();
    assert_eq!(all[0].titles()[1..], ["Alert: Fault 2".to_owned()], "and what becomes critical is told at once");
}
