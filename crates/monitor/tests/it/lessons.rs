//! The lessons about alerts (docs/checks-and-alerts.md), each proven by a test of its name. Those about on-call, channels,
//! rules and agents are proven where those live.

use agent_proto::CheckState;
use serde_json::json;

use crate::house::House;

/// What people are told, in order.
fn messages(house: &House) -> Vec<String> {
    house.settle();
    house.announced()
}

/// Each letter is a result of every one of the checks, ten seconds apart.
fn all_report(house: &House, checks: &[(i64, i64)], letters: &str) {
    for letter in letters.chars() {
        house.wait(10);
        let state = if letter == 'g' { CheckState::Ok } else { CheckState::Fail };
        for (asset, check) in checks {
            house.send(*asset, vec![house.result(*check, state)]).unwrap();
        }
    }
}

/// A switch with machines on it, each with a check that was good.
fn access_switch(house: &House, machines: usize) -> ((i64, i64), Vec<(i64, i64)>) {
    let switch = house.thing("sw-01", "switch");
    let up = (switch, house.check(switch, "Switch answers"));
    let children: Vec<(i64, i64)> = (0..machines)
        .map(|n| {
            let asset = house.asset(&format!("srv-{n:03}"));
            house.link(asset, "connected_to", switch);
            (asset, house.check(asset, "Port 443 answers"))
        })
        .collect();
    house.wait(1);
    all_report(house, &[up], "g");
    all_report(house, &children, "g");
    (up, children)
}

#[test]
fn lesson_01_suppression_holds_back_notifications_only() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.call("monitor.silence.create", json!({"asset": web, "minutes": 60, "reason": "Update"}));
    house.report(web, check, "gbbbgg");
    let groups = house.groups("recovered");
    assert_eq!((groups.len(), &groups[0]["announced"]), (1, &json!(false)), "it was recorded");
    assert_eq!(house.events("asset", web, "monitor.alert.fired").len(), 1);
    assert!(messages(&house).is_empty(), "no recovery of what was never announced");
    let other = house.asset("web-02");
    let second = house.check(other, "Web server runs");
    house.wait(60);
    house.report(other, second, "bb");
    assert_eq!(messages(&house).len(), 1);
    house.call("monitor.silence.create", json!({"asset": other, "minutes": 60, "reason": "On it"}));
    house.report(other, second, "gg");
    assert_eq!(messages(&house).len(), 2, "the recovery of what was announced is told, also under a silence");
}

#[test]
fn lesson_02_a_parent_is_looked_at_before_its_child_is_told_and_its_recovery_is_no_storm() {
    let house = House::new();
    let (up, children) = access_switch(&house, 8);
    // The children are seen to fail first; the switch's own look comes a little later.
    all_report(&house, &children, "bb");
    house.wait(2);
    for _ in 0..2 {
        house.send(up.0, vec![house.result(up.1, CheckState::Fail)]).unwrap();
        house.wait(1);
    }
    assert_eq!(messages(&house), ["Alert: Fails on sw-01: Switch answers"], "the parent is told, no child");
    // The switch is back; its children are stale for a cycle, and nobody is told of them.
    all_report(&house, &[up], "gg");
    all_report(&house, &children, "b");
    assert_eq!(messages(&house).len(), 1, "what is still bad right after is held back");
    all_report(&house, &children, "gg");
    all_report(&house, &[up], "g");
    house.wait(60);
    assert_eq!(messages(&house).len(), 2, "one recovery");
    assert!(house.groups("open").is_empty());
}

#[test]
fn lesson_03_unreachable_only_when_all_paths_are_down() {
    let house = House::new();
    let (left, right) = (house.thing("sw-left", "switch"), house.thing("sw-right", "switch"));
    let web = house.asset("web-01");
    house.link(web, "connected_to", left);
    house.link(web, "connected_to", right);
    for switch in [left, right] {
        let input = json!({"name": "Heard from", "asset": switch, "kind": "silent", "silent_after_s": 60});
        house.call("monitor.check.create", input);
    }
    // Each switch is heard from by a look of its own.
    let (on_left, on_right) = (house.check(left, "Agent runs"), house.check(right, "Agent runs"));
    let service = house.check(web, "Web server runs");
    house.wait(1);
    all_report(&house, &[(left, on_left), (right, on_right), (web, service)], "gg");
    all_report(&house, &[(right, on_right), (web, service)], &"g".repeat(9));
    house.wait(1);
    assert_eq!(house.state(service), "degraded", "one of two paths is out");
    assert_eq!(house.show(service)["check"]["open"], false, "that is no outage");
    all_report(&house, &[(web, service)], &"b".repeat(9));
    house.wait(1);
    assert_eq!(house.state(service), "unreachable", "now both are");
    assert_eq!(house.show(service)["check"]["open"], true);
    all_report(&house, &[(left, on_left), (right, on_right), (web, service)], "gggg");
    assert_eq!(house.state(service), "ok");
}

#[test]
fn lesson_03_how_a_thing_stands_is_judged_again_when_its_relations_change() {
    let house = House::new();
    let (switch, web) = (house.thing("sw-left", "switch"), house.asset("web-01"));
    let input = json!({"name": "Heard from", "asset": switch, "kind": "silent", "silent_after_s": 60});
    house.call("monitor.check.create", input);
    let (on_switch, service) = (house.check(switch, "Agent runs"), house.check(web, "Web server runs"));
    house.wait(1);
    all_report(&house, &[(switch, on_switch), (web, service)], "gg");
    all_report(&house, &[(web, service)], "gggggggbb");
    assert_eq!(house.state(service), "firing", "nobody knows that it stands on what is out");
    house.link(web, "connected_to", switch);
    house.world.settle().unwrap();
    house.wait(2);
    assert_eq!(house.state(service), "unreachable");
    let relations = house.call("assets.relation.list", json!({"id": web}));
    let relation = relations["items"][0]["relation"].as_i64().unwrap();
    house.call("assets.relation.remove", json!({"relation": relation}));
    house.world.settle().unwrap();
    house.wait(2);
    assert_eq!(house.state(service), "firing");
}

#[test]
fn lesson_04_missing_data_never_resolves_and_absence_has_an_owner() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.connected(web, true);
    house.report(web, check, "bb");
    assert_eq!(house.groups("open").len(), 1);
    house.wait(40);
    assert_eq!((house.state(check).as_str(), house.groups("open").len()), ("no_data", 1));
    house.connected(web, false);
    house.wait(40);
    assert_eq!((house.state(check).as_str(), house.groups("open").len()), ("stale", 1), "nothing resolves it");
    // Nobody wrote a rule for absence: the check that expects the series says that it is missing.
    let lost = house.call("monitor.alert.list", json!({"state": "stale"}));
    assert_eq!((lost["items"][0]["asset"].as_i64(), lost["items"][0]["check"].as_i64()), (Some(web), Some(check)));
}

#[test]
fn lesson_05_a_monitor_that_did_not_look_blames_nobody() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Heard from", "asset": web, "kind": "silent", "silent_after_s": 60});
    let silent = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    let check = house.check(web, "Web server runs");
    house.report(web, check, "ggg");
    house.world.clock.advance(kernel::time::HOUR);
    house.wait(15);
    assert_eq!((house.state(silent).as_str(), house.groups("open").len()), ("ok", 0));
}

#[test]
fn lesson_07_a_gap_does_not_reset_what_counts() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "b");
    house.wait(45);
    assert_eq!(house.state(check), "no_data");
    house.report(web, check, "b");
    assert_eq!(house.state(check), "firing", "the bad result before the gap counts");
}

#[test]
fn lesson_10_the_graph_comes_from_the_inventory_and_follows_it() {
    let house = House::new();
    let (host, vm) = (house.thing("host-01", "server"), house.thing("vm-01", "virtual_machine"));
    let (runs, service) = (house.check(host, "Host runs"), house.check(vm, "Service"));
    house.link(vm, "runs_on", host);
    house.wait(1);
    all_report(&house, &[(host, runs), (vm, service)], "gbb");
    let open = house.groups("open");
    assert_eq!((open.len(), open[0]["asset"].as_i64()), (1, Some(host)), "{open:?}");
    assert_eq!(open[0]["open_alerts"], 2);
}

#[test]
fn lesson_11_an_access_switch_with_300_children_is_one_page_and_one_recovery() {
    let house = House::new();
    let (up, children) = access_switch(&house, 300);
    let all: Vec<(i64, i64)> = std::iter::once(up).chain(children).collect();
    all_report(&house, &all, "bb");
    let open = house.groups("open");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["open_alerts"].as_i64(), Some(301));
    assert_eq!((open[0]["asset"].as_i64(), open[0]["check"].as_i64()), (Some(up.0), Some(up.1)));
    let cause = &open[0]["cause"]["candidates"][0];
    assert_eq!((cause["asset"].as_i64(), cause["kind"].as_str()), (Some(up.0), Some("thing")), "{cause}");
    assert!(!cause["reasons_for"].as_array().unwrap().is_empty(), "{cause}");
    let group = open[0]["id"].as_i64().unwrap();
    assert_eq!(messages(&house), ["Alert: Fails on sw-01: Switch answers"]);
    all_report(&house, &all, "gg");
    house.wait(60);
    assert!(house.groups("open").is_empty());
    assert_eq!(house.groups("recovered").len(), 1, "no other group was made");
    let recovered = house.events("alert_group", group, "monitor.group.recovered");
    assert_eq!((recovered.len(), &recovered[0].payload["announced"]), (1, &json!(true)), "one recovery");
}

#[test]
fn lesson_13_a_recovery_ends_the_group_with_proof_and_a_fault_that_comes_later_is_told_anew() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "gbbbgg");
    house.wait(120);
    let first = house.groups("recovered")[0]["id"].as_i64().unwrap();
    let ended = house.call("monitor.group.show", json!({"id": first}));
    assert_eq!((&ended["group"]["state"], &ended["group"]["proven"]), (&json!("recovered"), &json!(true)));
    assert!(!ended["group"]["recovery"].as_array().unwrap().is_empty());
    house.wait(20 * 60);
    house.report(web, check, "bbb");
    let open = house.groups("open");
    assert_eq!(open.len(), 1);
    assert_ne!(open[0]["id"].as_i64(), Some(first), "what was over for long enough is over");
    assert_eq!(messages(&house).len(), 3, "told, over, and told anew");
}

#[test]
fn what_recovers_while_it_waits_is_recorded_and_nobody_is_told() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Service", "asset": web, "kind": "process", "process": "x", "clear_k": 1, "fire_n": 1});
    let check = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    house.wait(1);
    house.send(web, vec![house.result(check, CheckState::Fail)]).unwrap();
    assert_eq!(house.state(check), "firing", "how it stands is known at once");
    house.wait(2);
    house.send(web, vec![house.result(check, CheckState::Ok)]).unwrap();
    assert!(messages(&house).is_empty() && house.groups("open").is_empty() && house.groups("recovered").is_empty());
    assert!(house.events("asset", web, "monitor.alert.fired").is_empty());
    let history = house.call("monitor.alert.show", json!({"id": house.show(check)["check"]["alert"]})).to_string();
    assert!(history.contains("\"fired\":true") && history.contains("\"cleared\":true"), "{history}");
}

#[test]
fn an_alert_that_waits_is_told_also_when_its_check_is_paused_meanwhile() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Service");
    house.report(web, check, "gbb");
    house.call("monitor.check.pause", json!({ "id": check }));
    assert_eq!(house.groups("open").len(), 1, "an alert that is out stays out");
}

#[test]
fn lesson_05_when_all_fall_silent_at_once_it_is_the_monitor_that_is_blind() {
    let house = House::new();
    let hosts: Vec<(i64, i64)> = (0..8)
        .map(|n| {
            let asset = house.asset(&format!("srv-{n}"));
            let input = json!({"name": "Heard from", "asset": asset, "kind": "silent", "silent_after_s": 60});
            house.call("monitor.check.create", input);
            (asset, house.check(asset, "Agent runs"))
        })
        .collect();
    house.wait(1);
    all_report(&house, &hosts, "gg");
    house.wait(90);
    let open = house.groups("open");
    let title = open[0]["title"].as_str().unwrap();
    assert_eq!((open.len(), title.starts_with("This monitor is blind")), (1, true), "{open:?}");
    assert_eq!(messages(&house).len(), 1);
    all_report(&house, &hosts, "gggggggg");
    assert_eq!((messages(&house).len(), house.groups("open").len()), (2, 0));
}

#[test]
fn lesson_05_when_names_are_not_found_and_addresses_answer_it_is_the_monitors_own_trouble() {
    let house = House::new();
    let host = |n: usize| if n == 5 { "10.0.0.5".to_owned() } else { format!("web-{n}.example.org") };
    let checks: Vec<(i64, String)> = (0..6)
        .map(|n| {
            let asset = house.asset(&format!("web-{n}"));
            let input = json!({"name": "Port answers", "asset": asset, "kind": "tcp", "host": host(n), "port": 443, "vantage": 0});
            (house.call("monitor.check.create", input)["id"].as_i64().unwrap(), host(n))
        })
        .collect();
    let look = |named: bool| {
        house.wait(5);
        let at = house.kernel().now();
        let fed: Vec<monitor::Fed> = checks
            .iter()
            .map(|(check, host)| {
                let good = named || host.starts_with("10.");
                let evidence = if good {
                    format!("{host} takes connections")
                } else {
                    format!("{host} cannot be resolved: no name server answers within 4 s")
                };
                let outcome = if good { monitor::machine::Outcome::Good } else { monitor::machine::Outcome::Bad };
                monitor::Fed { check: *check, outcome, value: None, at, took_us: 1, evidence }
            })
            .collect();
        monitor::feed(house.kernel(), &fed).unwrap();
        house.news.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    look(true);
    for _ in 0..5 {
        look(false);
    }
    let open = house.groups("open");
    let title = open[0]["title"].as_str().unwrap();
    assert_eq!((open.len(), title), (1, "This monitor cannot look up names: checks fail at once"), "{open:?}");
    for _ in 0..40 {
        look(true);
    }
    assert_eq!((messages(&house).len(), house.groups("open").len()), (2, 0), "one alert, one recovery");
}

#[test]
fn lesson_08_every_alert_explains_why_it_was_told_or_not() {
    let house = House::new();
    let (up, children) = access_switch(&house, 4);
    let explain = |check: i64| {
        let alert = house.show(check)["check"]["alert"].clone();
        house.call("monitor.alert.explain", json!({ "id": alert }))
    };
    let well = explain(children[0].1);
    assert_eq!(well["verdict"], "There is nothing to tell: the alert is not out.");
    let all: Vec<(i64, i64)> = std::iter::once(up).chain(children.iter().copied()).collect();
    all_report(&house, &all, "b");
    assert!(explain(up.1)["verdict"].as_str().unwrap().contains("not often or not long enough"));
    all_report(&house, &all, "b");
    assert!(explain(up.1)["verdict"].as_str().unwrap().contains("looked at again first"));
    house.settle();
    let told = explain(up.1);
    let verdict = told["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("It was handed to on-call") && told["told"].is_null(), "nothing here sends: {verdict}");
    let child = explain(children[0].1);
    assert!(child["verdict"].as_str().unwrap().contains("Fails on sw-01: Switch answers"), "{child}");
    let about: Vec<&str> =
        child["steps"].as_array().unwrap().iter().map(|step| step["about"].as_str().unwrap()).collect();
    assert_eq!(about, ["looked", "rule", "state", "group", "cause", "again", "told"]);
    let silence = json!({"check": children[0].1, "minutes": 60, "reason": "Being replaced"});
    house.call("monitor.silence.create", silence);
    let child = explain(children[0].1);
    let held = child["steps"].as_array().unwrap().iter().find(|step| step["about"] == "silence").unwrap().clone();
    assert!(held["holds_back"] == true && held["text"].as_str().unwrap().contains("Being replaced"), "{held}");
}
