//! Rules through restarts, beside slow ones, and while they are changed.

use std::time::Duration;

use kernel::time::SECOND;
use kernel::{Clock, Handle};
use serde_json::{Value, json};

use crate::house::House;
use crate::restart::{call, open};
use crate::rules::{FILE, load};

/// How each rule stands after every evaluation, ten seconds apart, with the process that ends before some of them.
fn stands(name: &str, values: &[f64], restarts: &[usize]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_{name}_{}", std::process::id());
    let mut kernel = open(folder.path(), &clock, &name);
    let rule = |more: Value| {
        let mut input = json!({"expr": "load > 90", "interval": "10s"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&kernel, "monitor.rule.create", input)["id"].as_i64().unwrap()
    };
    let rules = [
        rule(json!({"name": "Waits", "for": "30s"})),
        rule(json!({"name": "Keeps", "keep_firing_for": "30s"})),
        rule(json!({"name": "Often", "fire_n": 2, "fire_m": 3})),
    ];
    let mut said = vec![String::new(); rules.len()];
    for (place, value) in (1..).zip(values) {
        if restarts.contains(&place) {
            monitor::upkeep(&kernel).unwrap();
            kernel.shut_down();
            drop(kernel);
            kernel = open(folder.path(), &clock, &name);
        }
        turn(&kernel, &clock, *value);
        for (said, rule) in said.iter_mut().zip(rules) {
            said.push(letter(&kernel, rule));
        }
    }
    kernel.shut_down();
    said
}

fn turn(kernel: &Handle, clock: &Clock, value: f64) {
    let samples = json!([{"metric": "load", "labels": {"instance": "web-01"}, "value": value}]);
    call(kernel, "monitor.metrics.write", json!({"samples": samples}));
    clock.advance(10 * SECOND);
    monitor::tick(kernel).unwrap();
    monitor::evaluate_rules(kernel).unwrap();
}

fn letter(kernel: &Handle, rule: i64) -> char {
    let alert = call(kernel, "monitor.rule.show", json!({"id": rule}))["alerts"][0].clone();
    match (alert["unknown"].as_bool(), alert["state"].as_str()) {
        (Some(true), _) => '?',
        (_, Some("pending")) => 'p',
        (_, Some(_)) => 'f',
        (_, None) => '.',
    }
}

#[test]
fn a_restart_neither_fires_nor_ends_an_alert_whenever_it_comes() {
    let values: Vec<f64> = (1..=13).map(|place| if (8..=11).contains(&place) { 50.0 } else { 95.0 }).collect();
    let through = stands("through", &values, &[]);
    assert_eq!(through, [".pppfff....pp", ".fffffffff.ff", "..ffffff....f"]);
    // While it is pending, has one hit of two, is out, is kept out, and is not.
    for (name, restarts) in [("early", &[3, 6, 9][..]), ("late", &[4, 8, 10, 13])] {
        assert_eq!(stands(name, &values, restarts), through, "restarted before {restarts:?}");
    }
}

#[test]
fn a_slow_group_is_named_and_holds_up_nobody() {
    let house = House::new();
    house.call("monitor.metrics.write", json!({"samples": [{"metric": "load", "labels": {}, "value": 95.0}]}));
    let heavy = "quantile_over_time(0.5, quantile_over_time(0.5, vector(time())[12h:1s])[12h:1s]) > 0";
    let slow = house.rule(json!({"name": "Heavy", "group": "Heavy things", "expr": heavy}));
    let quick: Vec<i64> = (0..5).map(|n| house.rule(json!({"name": "Q", "group": format!("Quick {n}")}))).collect();
    let kernel = house.kernel().clone();
    let serve = monitor::domain().kernel.services.into_iter().find(|one| one.name == "rules").unwrap().run;
    let served = kernel.clone();
    let server = std::thread::spawn(move || serve(served));
    let standing = |rule: i64| house.call("monitor.rule.show", json!({"id": rule}))["rule"]["standing"].clone();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let rounds = (0..3_000).take_while(|_| !done() && kernel.wait(Duration::from_millis(10))).count();
        assert!(rounds < 3_000, "{what}");
    };
    // Seconds go by, until the rules were read and their time came.
    let second = || house.world.clock.advance(SECOND);
    until("the quick ones are on time", &|| {
        second();
        quick.iter().all(|rule| standing(*rule)["health"] == "ok")
    });
    let listed = || house.call("monitor.rule.list", json!({"q": "heavy"}))["items"][0]["standing"].clone();
    let says = |standing: &Value, part: &str| standing["slow"].as_str().is_some_and(|said| said.contains(part));
    until("the slow one is named", &|| {
        second();
        says(&listed(), "\"Heavy things\" has been evaluated for") && says(&standing(slow), "at present \"Heavy\"")
    });
    assert_ne!(standing(slow)["health"], json!("ok"));
    // What is deleted is not asked any longer, and stopping waits for nobody.
    house.call("monitor.rule.delete", json!({"id": slow}));
    kernel.shut_down();
    server.join().unwrap();
}

#[test]
fn an_edit_is_followed_at_once_and_the_alert_goes_on() {
    let house = House::new();
    let team = house.call("people.team.create", json!({"name": "Network", "slug": "network"}))["id"].clone();
    let rule = house.rule(json!({"for": "10m"}));
    house.play(30, &load(95.0));
    let before = house.alerts_of(rule)[0].clone();
    let check = before["check"].as_i64().unwrap();
    house.call(
        "monitor.rule.update",
        json!({"id": rule, "for": "20s", "team": team, "interval": "20s", "expr": "load > 80"}),
    );
    let shown = house.show(check)["check"].clone();
    assert_eq!((&shown["for_ms"], &shown["team"], &shown["interval_s"]), (&json!(20_000), &team, &json!(20)));
    house.play(45, &load(85.0));
    let after = house.alerts_of(rule)[0].clone();
    assert_eq!((&after["active_at"], &after["state"]), (&before["active_at"], &json!("firing")));
    assert_eq!(house.state(check), "firing");
}

#[test]
fn an_edit_of_a_rule_is_put_back_and_its_file_is_byte_for_byte_what_it_was() {
    let house = House::new();
    house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    let export = || house.call("monitor.rule.export", json!({"file": "web.yml"}));
    let id = house.call("monitor.rule.list", json!({"makes": "alert"}))["items"][0]["id"].clone();
    let edit = json!({"id": id, "name": "Gone", "expr": null, "metric": "up", "compare": "below", "threshold": 1,
        "clear_threshold": 2, "for": "1m", "keep_firing_for": "5m", "severity": "warning", "interval": "1m",
        "fire_n": 2, "fire_m": 3, "annotations": "b: two\na: one"});
    house.call("monitor.rule.update", edit);
    assert_eq!(export()["unchanged"], json!(false));
    let last = || house.call("kernel.audit.list", json!({"limit": 1}))["items"][0]["id"].clone();
    let edited = last();
    house.call("kernel.audit.undo", json!({"id": edited}));
    assert_eq!((&export()["text"], &export()["unchanged"]), (&json!(FILE), &json!(true)));
    // Undoing that does it again, the form with it.
    house.call("kernel.audit.undo", json!({"id": last()}));
    let rule = house.call("monitor.rule.show", json!({"id": id}))["rule"].clone();
    assert_eq!((&rule["name"], &rule["form"]["metric"], &rule["fire_m"]), (&json!("Gone"), &json!("up"), &json!(3)));
    house.call("monitor.rule.pause", json!({"id": id}));
    house.call("kernel.audit.undo", json!({"id": last()}));
    assert_eq!(house.call("monitor.rule.show", json!({"id": id}))["rule"]["paused"], json!(false));
}

#[test]
fn an_alert_of_which_nothing_is_known_goes_with_its_check() {
    let house = House::new();
    let rule = house.rule(json!({}));
    house.play(30, &load(95.0));
    let check = house.alerts_of(rule)[0]["check"].clone();
    house.call("monitor.check.delete", json!({"id": check}));
    house.play(20, &load(95.0));
    assert_ne!(house.alerts_of(rule)[0]["check"], check, "it is true, so that it has another one");
    house.play(400, &[]);
    let alert = house.alerts_of(rule)[0].clone();
    assert_eq!(alert["unknown"], json!(true));
    house.call("monitor.check.delete", json!({"id": alert["check"]}));
    house.play(20, &[]);
    assert!(house.alerts_of(rule).is_empty() && house.groups("open").is_empty());
}

#[test]
fn hundreds_of_alerts_at_once_each_find_their_asset() {
    let house = House::new();
    let web = house.asset("web-7");
    let rule = house.rule(json!({"expr": "load > 90"}));
    for part in 0..2 {
        let sample = |n: i64| json!({"metric": "load", "labels": {"instance": format!("web-{n}:9100")}, "value": 95.0});
        let samples: Vec<Value> = (part * 350..(part + 1) * 350).map(sample).collect();
        house.call("monitor.metrics.write", json!({"samples": samples}));
    }
    house.play(12, &[]);
    let standing = house.call("monitor.rule.show", json!({"id": rule}))["rule"]["standing"].clone();
    assert_eq!(standing["firing"], json!(700), "{standing}");
    let found = house.call("monitor.check.list", json!({"asset": web, "kind": "rule"}));
    assert_eq!((found["count"].as_i64(), &found["items"][0]["name"]), (Some(1), &json!("High")));
}
