//! Escalation: steps, rounds, acknowledgements, gaps, restarts, clocks.

use kernel::time::{HOUR, SECOND};
use serde_json::json;

use crate::house::{Catcher, House, counts, three};

#[test]
fn steps_come_after_their_waits_and_rounds_repeat_until_they_are_spent() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two", json!({ "repeats": 1, "repeat_after_s": 600 }));
    house.opened(1, json!({}));
    assert_eq!(counts(&all), [1, 0, 0]);
    house.pass(590);
    assert_eq!(counts(&all), [1, 0, 0]);
    house.pass(60);
    assert_eq!(counts(&all), [1, 1, 0]);
    house.pass(660);
    assert_eq!(counts(&all), [2, 1, 0]);
    house.pass(3_600);
    assert_eq!(counts(&all), [2, 2, 0]);
    assert_eq!(house.page()["state"], "spent");
    house.recovered(1);
    assert_eq!(counts(&all), [3, 3, 0], "one recovery each, however often they were told");
    assert_eq!(house.page()["state"], "ended");
}

#[test]
fn an_acknowledgement_stops_the_steps_and_what_lasts_begins_anew() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two", json!({ "again_after_s": 3600 }));
    house.opened(1, json!({}));
    house.acknowledged(1, &house.actor(house.user("ada")));
    assert_eq!(house.page()["state"], "acknowledged");
    house.pass(1_800);
    assert_eq!(counts(&all), [1, 0, 0]);
    house.pass(2_000);
    assert_eq!(counts(&all), [2, 0, 0]);
    assert!(all[0].got()[1].1.contains("it was acknowledged and still lasts"), "{:?}", all[0].got());
    house.recovered(1);
    house.pass(3_600);
    assert_eq!(counts(&all), [3, 0, 0]);
}

#[test]
fn a_rota_with_nobody_on_says_so_and_the_next_step_comes_at_once() {
    let (house, all) = three();
    house.person("grace");
    let rota = json!({ "name": "Nights", "slug": "nights", "time_zone": "UTC", "rotations": [
        { "kind": "daily", "start": "2026-03-01T20:00", "participants": ["grace"], "restrictions": [{ "from": "20:00", "to": "06:00" }] }] });
    house.call("people.rota.create", rota);
    house.policy("0 rota:nights\n30m channel:one", json!({}));
    house.opened(1, json!({}));
    assert_eq!(counts(&all), [1, 0, 0]);
    let notes = house.notes();
    assert!(notes.contains("Nobody is on call in Nights") && notes.contains("the next step comes at once"), "{notes}");
}

#[test]
fn a_policy_that_reaches_nobody_falls_back_to_the_default_and_says_so() {
    let house = House::new();
    let chat = Catcher::new();
    let channel = house.channel("chat", &chat);
    let ada = house.user("ada");
    house.call("paging.contact.save", json!({ "user": ada, "items": [{ "channel": channel, "address": "ada" }] }));
    let team = house.call("people.team.create", json!({ "slug": "empty", "name": "Empty" }))["id"].clone();
    house.policy(&format!("0 team:{team}"), json!({}));
    house.opened(1, json!({}));
    assert_eq!(chat.titles(), ["Alert: Fault 1"], "{}", house.notes());
    assert!(house.notes().contains("those are told whom the default names"));
}

#[test]
fn what_is_merged_into_another_group_stops_and_its_people_hear_when_that_one_is_over() {
    let (house, all) = three();
    let policy = house.policy("0 channel:one\n10m channel:two", json!({}));
    house.opened(1, json!({}));
    let quiet = house.call("paging.policy.save", json!({ "name": "Cause", "lines": "0 channel:three" }));
    house.call("paging.route.add", json!({ "name": "Cause", "matchers": "what=cause", "policy": quiet["id"] }));
    house.opened(2, json!({ "labels": { "what": "cause" } }));
    house.tell("monitor.group.merged", json!({ "group": "alert_group:1", "into": "alert_group:2" }));
    house.pass(1_200);
    assert_eq!(counts(&all), [1, 0, 1]);
    house.recovered(2);
    assert_eq!(counts(&all), [2, 0, 2]);
    assert_eq!(all[0].titles()[1], "Recovered: Fault 2");
    assert!(house.refused("paging.policy.remove", json!({ "id": policy })).message.contains("lead to it"));
}

#[test]
fn a_clock_that_jumps_ahead_takes_one_step_and_one_that_goes_back_delays_none_for_ever() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two\n10m channel:three", json!({}));
    house.opened(1, json!({}));
    house.world.clock.advance(5 * HOUR);
    paging::tick(&house.world.kernel).unwrap();
    house.world.settle().unwrap();
    assert_eq!(counts(&all), [1, 1, 0], "not two steps at once");
    house.world.clock.advance(-6 * HOUR);
    house.pass(660);
    // Messages that leave by a job of before the jump wait for the loop to notice.
    assert_eq!(house.messages().len(), 3, "{:?}", house.messages());
}

#[test]
fn ticks_that_meet_and_events_that_come_twice_page_nobody_twice() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two", json!({}));
    house.opened(1, json!({}));
    house.opened(1, json!({ "again": true }));
    house.world.clock.advance(700 * SECOND);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| paging::tick(&house.world.kernel));
        }
    });
    house.world.settle().unwrap();
    assert_eq!(counts(&all), [1, 1, 0]);
}

#[test]
fn a_mute_time_holds_back_and_what_lasts_is_told_at_its_end() {
    let (house, all) = three();
    let policy = house.policy("0 channel:one", json!({}));
    house.call("paging.route.add", json!({ "name": "Quiet", "mute": "mon 07:00-09:00", "policy": policy }));
    house.opened(1, json!({}));
    house.opened(2, json!({}));
    house.pass(1_800);
    house.recovered(2);
    assert_eq!(counts(&all), [0, 0, 0]);
    house.pass(1_900);
    assert_eq!(all[0].titles(), ["Alert: Fault 1"]);
}

#[test]
fn what_becomes_critical_goes_by_the_routes_for_what_is_critical_as_well() {
    let (house, all) = three();
    let (soft, hard) = (house.policy("0 channel:one", json!({})), house.policy("0 channel:two", json!({})));
    house.call(
        "paging.route.add",
        json!({ "name": "Critical", "severity": "critical", "policy": hard, "continue": true }),
    );
    house.call("paging.route.add", json!({ "name": "All", "policy": soft }));
    house.opened(1, json!({ "severity": "warning" }));
    assert_eq!(counts(&all), [1, 0, 0]);
    house
        .tell("monitor.group.changed", json!({ "group": "alert_group:1", "change": "joined", "severity": "critical" }));
    house.world.settle().unwrap();
    assert_eq!(counts(&all), [1, 1, 0]);
}

#[test]
fn without_any_configuration_the_team_is_told_and_somebody_sees_when_nobody_could_be() {
    let house = House::new();
    house.opened(1, json!({}));
    house.pass(60);
    let all = house.messages();
    assert_eq!(all[0].1, "Ada by mail", "{all:?}");
    assert_eq!(all[0].2, "failed");
    assert!(house.needs().iter().any(|need| need.contains("mail do not get through")), "{:?}", house.needs());
    house.set("paging.default", json!({ "team": false }));
    house.opened(2, json!({}));
    assert!(house.needs().iter().any(|need| need.starts_with("Nobody could be told of")), "{:?}", house.needs());
}
