//! The life of alerts: from results to states.

use agent_proto::{CheckState, Durable};
use kernel::time::{HOUR, SECOND};
use serde_json::json;

use crate::house::{House, message};

#[test]
fn an_alert_goes_from_ok_over_pending_to_firing_and_back_with_one_group() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    assert_eq!(house.state(check), "waiting");
    house.report(web, check, "gg");
    assert_eq!(house.state(check), "ok");
    house.report(web, check, "b");
    assert_eq!(house.state(check), "pending");
    assert!(house.groups("open").is_empty(), "one bad result is no alert");
    house.report(web, check, "b");
    assert_eq!(house.state(check), "firing");
    house.report(web, check, "bbb");
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1);
    let group = groups[0]["id"].as_i64().unwrap();
    assert_eq!(groups[0]["title"], "Fails on web-01: Web server runs");
    assert_eq!(groups[0]["evidence"].as_array().unwrap().len(), 2);
    assert_eq!(house.needs(), ["Fails on web-01: Web server runs"]);
    house.report(web, check, "gg");
    assert_eq!(house.state(check), "ok");
    assert!(house.groups("open").is_empty());
    assert!(house.needs().is_empty());
    let ended = house.call("monitor.group.show", json!({"id": group}));
    assert_eq!(ended["group"]["state"], "recovered");
    assert_eq!(ended["group"]["proven"], true);
    assert_eq!(ended["group"]["recovery"].as_array().unwrap().len(), 2);
    for name in ["monitor.alert.fired", "monitor.group.opened", "monitor.group.recovered", "monitor.alert.recovered"] {
        assert_eq!(house.events("asset", web, name).len(), 1, "{name}");
    }
    let opened = &house.events("alert_group", group, "monitor.group.opened")[0].payload;
    assert_eq!(opened["check"], format!("check:{check}"));
    assert_eq!(opened["asset"], format!("asset:{web}"));
    assert_eq!(opened["silenced"], false);
    assert!(
        opened["changed_before"].as_array().unwrap().iter().any(|one| one["title"] == "Check created: Web server runs")
    );
    let recovered = &house.events("alert_group", group, "monitor.group.recovered")[0].payload;
    let lasted_s = recovered["lasted_s"].as_i64().unwrap();
    assert!((50..=80).contains(&lasted_s), "from the group's opening to the end of its quiet time: {lasted_s}");
}

#[test]
fn results_that_come_twice_count_once() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    let bad = house.result(check, CheckState::Fail);
    for _ in 0..5 {
        house.send(web, vec![bad.clone(), bad.clone()]).unwrap();
    }
    assert_eq!(house.state(check), "pending");
}

#[test]
fn an_agent_speaks_only_for_its_own_checks_in_their_present_shape() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("other"));
    let check = house.check(web, "Web server runs");
    house.report(other, check, "bbb");
    assert_eq!(house.state(check), "waiting", "another machine's agent");
    house.call("monitor.check.update", json!({"id": check, "process": "apache2"}));
    house.report(web, check, "bbb");
    assert_eq!(house.state(check), "waiting", "results of what the check was before");
    house.call("monitor.check.pause", json!({"id": check}));
    let mut late = house.result(check, CheckState::Fail);
    late.generation = 2;
    house.send(web, vec![late]).unwrap();
    assert_eq!(house.state(check), "waiting", "a paused check takes nothing");
    assert!(message(house.kernel(), "check_results", web, &"nonsense").is_err());
}

#[test]
fn missing_results_are_no_data_while_the_agent_is_there_and_stale_when_it_is_not() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.connected(web, true);
    house.report(web, check, "gg");
    house.wait(29);
    assert_eq!(house.state(check), "ok");
    house.wait(1);
    assert_eq!(house.state(check), "no_data");
    house.report(web, check, "g");
    assert_eq!(house.state(check), "ok");
    house.connected(web, false);
    house.wait(30);
    assert_eq!(house.state(check), "stale");
    assert!(house.groups("open").is_empty(), "not knowing is no alert");
    house.connected(web, true);
    house.report(web, check, "g");
    assert_eq!(house.state(check), "ok");
}

#[test]
fn missing_data_never_resolves_an_alert_and_never_sends_it_again() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    let group = house.groups("open")[0]["id"].as_i64().unwrap();
    for _ in 0..3 {
        house.wait(61);
        assert_eq!(house.state(check), "stale");
        assert_eq!(house.show(check)["check"]["open"], true);
        house.report(web, check, "e");
        house.report(web, check, "b");
        assert_eq!(house.state(check), "firing");
    }
    assert_eq!(house.groups("open").len(), 1);
    assert_eq!(house.events("alert_group", group, "monitor.group.opened").len(), 1);
    house.report(web, check, "ee");
    assert_eq!(house.state(check), "error");
    assert_eq!(house.groups("open").len(), 1, "an error is no recovery");
    house.report(web, check, "gg");
    assert_eq!(house.groups("open").len(), 0);
}

#[test]
fn a_flapping_check_is_one_alert() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bbggbbggbbggbbgg");
    assert_eq!(house.state(check), "flapping");
    let opened = house.events("asset", web, "monitor.group.opened").len();
    house.report(web, check, "bbggbbggbbgg");
    assert_eq!(house.events("asset", web, "monitor.group.opened").len(), opened, "it stays one group");
    house.report(web, check, &"g".repeat(20));
    assert_eq!(house.state(check), "ok");
}

#[test]
fn a_silent_host_fires_and_recovers_when_it_is_heard_again() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Heard from", "asset": web, "kind": "silent", "silent_after_s": 60});
    let check = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    let other = house.check(web, "Web server runs");
    house.report(web, other, "ggg");
    assert_eq!(house.state(check), "ok");
    house.wait(75);
    assert_eq!(house.state(check), "firing");
    assert_eq!(house.state(other), "stale");
    assert_eq!(house.groups("open")[0]["title"], "web-01 is not heard from");
    house.report(web, other, "gg");
    assert_eq!(house.state(check), "ok");
    assert!(house.groups("open").is_empty());
}

#[test]
fn a_server_that_did_not_look_blames_nobody() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Heard from", "asset": web, "kind": "silent", "silent_after_s": 60});
    let silent = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    let check = house.check(web, "Web server runs");
    house.report(web, check, "ggg");
    house.world.clock.advance(HOUR);
    house.wait(15);
    assert_eq!(house.state(silent), "ok");
    assert_eq!(house.state(check), "ok");
    house.wait(60);
    assert_eq!((house.state(silent).as_str(), house.state(check).as_str()), ("firing", "stale"));
}

#[test]
fn old_results_are_history_and_say_so_when_nothing_newer_comes() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.connected(web, true);
    house.wait(10);
    let old: Vec<_> = (0..10)
        .map(|n| {
            let mut one = house.result(check, CheckState::Fail);
            one.at_ms -= HOUR / 1_000 - n * 10 * SECOND / 1_000;
            one
        })
        .collect();
    message(house.kernel(), "check_results", web, &Durable::CheckResults { results: old }).unwrap();
    assert_eq!(house.state(check), "waiting");
    house.wait(30);
    let shown = house.show(check);
    assert_eq!(shown["check"]["state"], "no_data");
    assert!(shown["check"]["evidence"].as_str().unwrap().contains("clock"), "{shown}");
}

#[test]
fn hostile_evidence_stays_text_and_is_cut() {
    let house = House::new();
    let web = house.asset("<b>web</b>");
    let check = house.check(web, "'; DROP TABLE monitor_checks; --");
    let long = format!("<script>alert(1)</script>\n\r\u{202e}\u{0}{}", "🙂".repeat(2_000));
    for _ in 0..2 {
        house.wait(10);
        let mut one = house.result(check, CheckState::Fail);
        one.evidence.clone_from(&long);
        one.value = Some(f64::NAN);
        house.send(web, vec![one]).unwrap();
    }
    let group = &house.groups("open")[0];
    let line = group["evidence"][0].as_str().unwrap();
    assert!(line.contains("<script>") && line.chars().count() <= 501 && !line.contains(['\n', '\r', '\0']), "{line}");
}

#[test]
fn two_agents_results_for_one_group_meet_without_loss() {
    let house = House::new();
    let web = house.asset("web-01");
    let checks: Vec<i64> = (0..4).map(|n| house.check(web, &format!("Check {n}"))).collect();
    for _ in 0..2 {
        house.wait(10);
        std::thread::scope(|scope| {
            for check in &checks {
                let house = &house;
                scope.spawn(move || house.send(web, vec![house.result(*check, CheckState::Fail)]).unwrap());
            }
        });
    }
    assert!(checks.iter().all(|check| house.state(*check) == "firing"));
    let groups = house.groups("open");
    assert_eq!((groups.len(), groups[0]["open_alerts"].as_i64()), (1, Some(4)), "one asset, one group");
    house.wait(10);
    house.wait(1);
    for _ in 0..2 {
        house.wait(10);
        std::thread::scope(|scope| {
            for check in &checks {
                let house = &house;
                scope.spawn(move || house.send(web, vec![house.result(*check, CheckState::Ok)]).unwrap());
            }
        });
    }
    assert!(house.groups("open").is_empty());
    assert_eq!(house.events("asset", web, "monitor.group.recovered").len(), 1);
}
