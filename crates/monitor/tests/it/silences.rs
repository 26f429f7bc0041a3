//! Silences: nobody is told, everything is recorded.

use agent_proto::CheckState;
use serde_json::json;

use crate::house::House;

fn messages(house: &House) -> Vec<String> {
    house.announced()
}

#[test]
fn people_are_told_once_of_opening_and_once_of_recovery() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bbbbgg");
    house.settle();
    assert_eq!(
        messages(&house),
        ["Alert: Fails on web-01: Web server runs", "Recovered: Fails on web-01: Web server runs"]
    );
}

#[test]
fn a_silenced_group_is_recorded_but_nobody_is_told_not_even_of_its_recovery() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.call("monitor.silence.create", json!({"asset": web, "minutes": 60, "reason": "Disk is being replaced"}));
    house.report(web, check, "bb");
    let group = &house.groups("open")[0];
    assert_eq!((&group["silenced"], &group["announced"]), (&json!(true), &json!(false)));
    let id = group["id"].as_i64().unwrap();
    assert_eq!(house.events("alert_group", id, "monitor.group.opened")[0].payload["silenced"], true);
    assert!(house.needs().is_empty());
    house.report(web, check, "gg");
    assert_eq!(house.events("alert_group", id, "monitor.group.recovered")[0].payload["announced"], false);
    assert!(messages(&house).is_empty());
}

#[test]
fn when_a_silence_ends_what_is_still_open_is_told() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    let silence = house.call("monitor.silence.create", json!({"check": check, "minutes": 60, "reason": "Update"}));
    house.report(web, check, "bb");
    house.settle();
    assert!(messages(&house).is_empty());
    house.call("monitor.silence.end", json!({"id": silence["id"]}));
    house.wait(6);
    assert_eq!(messages(&house), ["Alert: Fails on web-01: Web server runs"]);
    assert!(house.needs().contains(&"Fails on web-01: Web server runs".to_owned()));
    let id = house.groups("open")[0]["id"].as_i64().unwrap();
    let opened = house.events("alert_group", id, "monitor.group.opened");
    let flags: Vec<_> =
        opened.iter().map(|event| (event.payload["silenced"] == true, event.payload["again"] == true)).collect();
    assert_eq!(flags, [(true, false), (false, true)]);
}

#[test]
fn a_silence_that_runs_out_ends_by_itself_and_covers_only_who_is_told_never_how_it_stands() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.call("monitor.silence.create", json!({"asset": web, "minutes": 2, "reason": "Update"}));
    house.report(web, check, "gbb");
    let shown = house.show(check);
    assert_eq!((&shown["check"]["state"], &shown["check"]["open"]), (&json!("firing"), &json!(true)));
    assert_eq!(house.events("asset", web, "monitor.alert.fired").len(), 1, "what happens is recorded");
    let alert = house.call("monitor.alert.show", json!({"id": shown["check"]["alert"]})).to_string();
    assert!(alert.contains("\"fired\":true"), "{alert}");
    house.report(web, check, "b");
    assert!(messages(&house).is_empty(), "the silence holds");
    house.report(web, check, "bbbbb");
    assert_eq!(messages(&house), ["Alert: Fails on web-01: Web server runs"]);
    assert_eq!(house.groups("open")[0]["silenced"], false);
    house.report(web, check, "gg");
    house.settle();
    assert_eq!(messages(&house).len(), 2, "and so is the recovery");
}

#[test]
fn the_recovery_of_what_was_told_is_told_even_under_a_silence() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.settle();
    house.call("monitor.silence.create", json!({"asset": web, "minutes": 60, "reason": "Somebody is on it"}));
    house.report(web, check, "gg");
    house.settle();
    assert_eq!(messages(&house).len(), 2);
}

#[test]
fn a_silence_by_labels_holds_back_alerts_with_them_and_no_others() {
    let house = House::new();
    let (web, db) = (house.asset("web-01"), house.asset("unrelated-db"));
    let (runs, answers) = (house.check(web, "Web server runs"), house.check(db, "Database answers"));
    let matchers = r#"alertname=~"Web.*", severity!="info""#;
    house.call("monitor.silence.create", json!({"matchers": matchers, "minutes": 60, "reason": "Rollout"}));
    house.report(web, runs, "bb");
    house.settle();
    assert!(messages(&house).is_empty());
    house.report(db, answers, "bb");
    house.settle();
    assert_eq!(messages(&house), ["Alert: Fails on unrelated-db: Database answers"]);
    let why = house.call("monitor.alert.explain", json!({"id": house.show(runs)["check"]["alert"]})).to_string();
    assert!(why.contains("Rollout"), "{why}");
}

#[test]
fn a_silence_that_no_longer_covers_an_open_group_lets_it_be_told_and_a_longer_one_holds_on() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    let silence = house.call("monitor.silence.create", json!({"asset": web, "minutes": 2, "reason": "Update"}));
    let id = &silence["id"];
    let longer = house.call("monitor.silence.update", json!({"id": id, "minutes": 60}));
    assert_eq!((&longer["version"], &longer["reason"]), (&json!(2), &json!("Update")));
    house.report(web, check, "bbbbbbbbbbbbbbbb");
    house.settle();
    assert!(messages(&house).is_empty(), "the end was moved");
    let stale = house.refused("monitor.silence.update", json!({"id": id, "minutes": 5, "expected_version": 1}));
    assert_eq!(stale.kind, kernel::ErrorKind::Conflict);
    house.call("monitor.silence.update", json!({"id": id, "matchers": "severity=\"none\"", "reason": "Only these"}));
    house.wait(6);
    assert_eq!(messages(&house), ["Alert: Fails on web-01: Web server runs"]);
    let told = house.events("silence", id.as_i64().unwrap(), "monitor.silence.changed");
    assert_eq!(told.len(), 2);
    house.call("monitor.silence.end", json!({"id": id}));
    let over = house.refused("monitor.silence.update", json!({"id": id, "minutes": 5}));
    assert!(over.message.contains("has ended"), "{over}");
}

#[test]
fn silences_say_what_is_wrong_with_them() {
    let house = House::new();
    let web = house.asset("web-01");
    for (input, field) in [
        (json!({"minutes": 5, "reason": "x"}), "asset"),
        (json!({"asset": 999_999, "minutes": 5, "reason": "x"}), "asset"),
        (json!({"check": 999_999, "minutes": 5, "reason": "x"}), "check"),
        (json!({"team": 999_999, "minutes": 5, "reason": "x"}), "team"),
        (json!({"asset": web, "reason": "x"}), "minutes"),
        (json!({"asset": web, "minutes": 0, "reason": "x"}), "minutes"),
        (json!({"asset": web, "minutes": 999_999_999_999_i64, "reason": "x"}), "minutes"),
        (json!({"asset": web, "until": "2020-01-01T00:00:00Z", "reason": "x"}), "until"),
        (json!({"asset": web, "minutes": 5, "reason": " "}), "reason"),
        (json!({"matchers": "site=oslo", "minutes": 5, "reason": "x"}), "matchers"),
        (json!({"matchers": "severity!=\"critical\"", "minutes": 5, "reason": "x"}), "matchers"),
    ] {
        assert_eq!(house.refused("monitor.silence.create", input.clone()).field.as_deref(), Some(field), "{input}");
    }
    house.call("monitor.silence.create", json!({"asset": web, "minutes": 5, "reason": "x"}));
    assert_eq!(house.call("monitor.silence.list", json!({}))["count"], 1);
    house.wait(300);
    assert_eq!(house.call("monitor.silence.list", json!({}))["count"], 0);
    assert_eq!(house.call("monitor.silence.list", json!({"ended": true}))["count"], 1);
}

/// The checks of an event's list.
fn listed(event: &kernel::StoredEvent, field: &str) -> Vec<String> {
    event.payload[field].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_alert_that_joins_under_a_silence_says_so() {
    let house = House::new();
    let web = house.asset("web-01");
    let (runs, answers) = (house.check(web, "Web server runs"), house.check(web, "Port answers"));
    house.call("monitor.silence.create", json!({"check": answers, "minutes": 60, "reason": "Update"}));
    house.report(web, runs, "bb");
    house.report(web, answers, "bb");
    let id = house.groups("open")[0]["id"].as_i64().unwrap();
    let joined = house.events("alert_group", id, "monitor.group.changed");
    assert_eq!((joined.len(), &joined[0].payload["silenced"]), (1, &json!(true)));
    let third = house.check(web, "Page is there");
    house.report(web, third, "bb");
    let flags: Vec<_> = house
        .events("alert_group", id, "monitor.group.changed")
        .iter()
        .map(|event| (event.payload["check"].clone(), event.payload["silenced"] == true))
        .collect();
    assert!(flags.contains(&(json!(format!("check:{third}")), false)), "{flags:?}");
}

#[test]
fn a_group_that_is_told_after_all_says_which_of_its_alerts_are_still_under_a_silence() {
    let house = House::new();
    let web = house.asset("web-01");
    let (runs, answers) = (house.check(web, "Web server runs"), house.check(web, "Port answers"));
    house.call("monitor.silence.create", json!({"check": runs, "minutes": 60, "reason": "Update"}));
    house.report(web, runs, "bb");
    house.report(web, answers, "bb");
    let id = house.groups("open")[0]["id"].as_i64().unwrap();
    let opened = house.events("alert_group", id, "monitor.group.opened");
    let again = opened.iter().find(|event| event.payload["again"] == true).unwrap();
    assert_eq!(listed(again, "checks"), [format!("check:{runs}"), format!("check:{answers}")]);
    assert_eq!(listed(again, "covered"), [format!("check:{runs}")]);
    // The silence goes on: it is another alert that people are told of, and by its labels.
    assert_eq!(again.payload["bare_by"], "joined");
    let title = "An alert that no silence covers joined a silenced alert group: Fails on web-01: Port answers";
    assert_eq!(again.title, title);
    assert_eq!(again.payload["labels"]["alertname"], "Port answers");
    house.settle();
    assert_eq!(messages(&house), ["Alert: Fails on web-01: Port answers"]);
    let members = house.call("monitor.group.alerts", json!({"id": id}));
    let labels: Vec<&str> =
        members["items"].as_array().unwrap().iter().map(|one| one["labels"]["alertname"].as_str().unwrap()).collect();
    assert_eq!(labels, ["Port answers", "Web server runs"], "{members}");
}

#[test]
fn every_group_whose_silence_ends_is_told_however_many_there_are() {
    let house = House::new();
    let all: Vec<(i64, i64)> = (0..103)
        .map(|n| {
            let asset = house.asset(&apart(n));
            (asset, house.check(asset, "Web server runs"))
        })
        .collect();
    for (nth, (_, check)) in all.iter().enumerate() {
        let minutes = if nth == 50 { 600 } else { 5 };
        house.call("monitor.silence.create", json!({"check": check, "minutes": minutes, "reason": "Update"}));
    }
    for _ in 0..2 {
        house.wait(10);
        for (asset, check) in &all {
            house.send(*asset, vec![house.result(*check, agent_proto::CheckState::Fail)]).unwrap();
        }
    }
    let told = || {
        let needs = house.kernel().read_as(&house.admin, |cx| cx.attention(500)).unwrap();
        needs.iter().filter(|need| need.subject.kind == "alert_group").count()
    };
    house.settle();
    assert_eq!(told(), 0);
    house.world.clock.advance(310 * kernel::time::SECOND);
    house.wait(6);
    assert_eq!(told(), 102);
}

/// Names that have nothing in common.
fn apart(n: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    [letter(n * 7), letter(n / 26 + n), letter(n * 3 + 5), letter(n * 11 + 1), 'x'].iter().collect()
}

#[test]
fn a_silenced_thing_covers_what_follows_from_it_as_long_as_that_lasts() {
    let house = House::new();
    let switch = house.thing("sw-01", "switch");
    let up = house.check(switch, "Switch answers");
    let servers: Vec<(i64, i64)> = (0..5)
        .map(|n| {
            let asset = house.asset(&format!("srv-{n}"));
            house.link(asset, "connected_to", switch);
            (asset, house.check(asset, "Port 443 answers"))
        })
        .collect();
    let other = house.asset("elsewhere");
    let fine = house.check(other, "Port 443 answers");
    let report = |bad: &dyn Fn(i64) -> bool, times: usize| {
        for _ in 0..times {
            house.wait(10);
            for (asset, check) in servers.iter().copied().chain([(switch, up), (other, fine)]) {
                let state = if bad(check) { CheckState::Fail } else { CheckState::Ok };
                house.send(asset, vec![house.result(check, state)]).unwrap();
            }
        }
    };
    report(&|_| false, 2);
    let silence =
        house.call("monitor.silence.create", json!({"asset": switch, "minutes": 60, "reason": "New firmware"}));
    let late = servers[4].1;
    report(&|check| check != fine && check != late, 3);
    house.wait(20);
    report(&|check| check != fine, 3);
    house.wait(20);
    let open = house.groups("open");
    assert_eq!((open.len(), &open[0]["silenced"], &open[0]["open_alerts"]), (1, &json!(true), &json!(6)), "{open:?}");
    assert!(messages(&house).is_empty() && house.needs().is_empty(), "{:?} {:?}", messages(&house), house.needs());
    // Over and back within the quarter of an hour it is covered as well.
    report(&|_| false, 4);
    house.wait(60);
    assert_eq!(house.groups("open").len(), 0);
    report(&|check| check != fine, 3);
    house.wait(20);
    assert_eq!(house.groups("open").len(), 1);
    assert!(messages(&house).is_empty(), "{:?}", messages(&house));
    house.call("monitor.silence.end", json!({"id": silence["id"]}));
    house.wait(10);
    assert_eq!(messages(&house).len(), 1, "what is bad when it ends is told");
}

#[test]
fn a_changed_silence_and_an_ended_one_are_put_back() {
    let house = House::new();
    let web = house.asset("web-01");
    let silence = house.call("monitor.silence.create", json!({"asset": web, "minutes": 60, "reason": "Update"}));
    let shown = || house.call("monitor.silence.list", json!({"ended": true}))["items"][0].clone();
    let done = |operation: &str, input: serde_json::Value| {
        house.world.answer(&house.admin, operation, input).unwrap().audit.unwrap()
    };
    let undo = |audit: i64| house.call("kernel.audit.undo", json!({"id": audit}));
    // What it covered was an asset, then labels: a half of either would cover everything, or nothing.
    let change = json!({"id": silence["id"], "asset": null, "matchers": "alertname=\"HighLoad\"", "minutes": 120, "reason": "More"});
    let changed = done("monitor.silence.update", change);
    assert_eq!((&shown()["asset"], &shown()["reason"]), (&json!(null), &json!("More")));
    undo(changed);
    for field in ["asset", "matchers", "until", "reason"] {
        assert_eq!(shown()[field], silence[field], "{field}");
    }
    let ended = done("monitor.silence.end", json!({"id": silence["id"]}));
    undo(ended);
    assert_eq!((&shown()["until"], &shown()["ended_by"]), (&silence["until"], &json!(null)));
    let ended = done("monitor.silence.end", json!({"id": silence["id"]}));
    house.world.clock.advance(2 * kernel::time::HOUR);
    let error = house.refused("kernel.audit.undo", json!({"id": ended}));
    assert!(error.message.contains("Its time is over"), "{error}");
    // Setting one is undone by its end.
    let other = json!({"asset": web, "minutes": 60, "reason": "Once more"});
    undo(done("monitor.silence.create", other));
    assert!(house.call("monitor.silence.list", json!({}))["items"].as_array().unwrap().is_empty());
}
