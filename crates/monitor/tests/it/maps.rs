//! What a group affects: the cause, what hangs on it and how, and every alert of it in a list.

use std::sync::atomic::Ordering;

use agent_proto::CheckState;
use kernel::{Actor, Grant, Ident, Scope};
use serde_json::{Value, json};

use crate::house::House;
use crate::pages::page;

/// A switch with so many hosts, all of which cannot be reached; a service on the first; the group.
fn outage(house: &House, hosts: usize) -> (i64, i64, i64) {
    let switch = house.thing("sw-01", "switch");
    let probe = house.asset("probe-01");
    let ping = |asset: i64, name: &str| {
        let input = json!({"name": name, "asset": asset, "vantage": probe, "kind": "icmp", "host": "10.0.0.1"});
        house.call("monitor.check.create", input)["id"].as_i64().unwrap()
    };
    let mut checks = vec![ping(switch, "Switch answers")];
    let mut first = 0;
    for at in 0..hosts {
        let host = house.thing(&format!("host-{at:02}"), "server");
        house.link(host, "connected_to", switch);
        checks.push(ping(host, "Host answers"));
        first = if at == 0 { host } else { first };
    }
    let service = house.thing("intranet", "service");
    house.link(service, "runs_on", first);
    checks.push(ping(service, "Intranet answers"));
    for state in [CheckState::Ok, CheckState::Fail, CheckState::Fail] {
        house.wait(10);
        house.send(probe, checks.iter().map(|check| house.result(*check, state)).collect()).unwrap();
    }
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1, "{groups:?}");
    (groups[0]["id"].as_i64().unwrap(), switch, service)
}

fn map(house: &House, group: i64) -> Value {
    house.call("monitor.group.map", json!({"id": group}))
}

#[test]
fn the_map_of_a_group_begins_at_the_cause_and_says_how_each_thing_hangs_on_it() {
    let house = House::new();
    let (group, switch, service) = outage(&house, 3);
    let map = map(&house, group);
    assert_eq!((map["cause"]["asset"].as_i64(), map["cause"]["behind"].as_i64()), (Some(switch), Some(4)));
    assert_eq!((map["total"].as_i64(), map["out"].as_i64()), (Some(5), Some(5)));
    let things = map["things"].as_array().unwrap();
    let of = |name: &str| things.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        (of("host-00")["relation"].as_str(), of("host-00")["on"].as_i64()),
        (Some("connected_to"), Some(switch))
    );
    assert_eq!(
        (of("intranet")["relation"].as_str(), of("intranet")["on"].as_i64()),
        (Some("runs_on"), of("host-00")["asset"].as_i64())
    );
    assert_eq!(things[0]["name"], "host-00", "what has something behind it comes first");
    let shown = page(&house, "/monitoring/groups/{id}", Some(group), &[]);
    for part in
        ["What is affected", "uplink of", "hosts", "svg class=\"map\"", "As a list", &format!("/assets/{service}")]
    {
        assert!(shown.contains(part), "{part}");
    }
}

#[test]
fn a_map_names_only_things_that_the_viewer_may_see() {
    let house = House::new();
    let (group, ..) = outage(&house, 2);
    let grant = |pattern: &str| Grant { pattern: pattern.into(), scope: Scope::Everything, expires_at: None };
    let viewer = Actor { ident: Ident::User(7), grants: vec![grant("monitor.group.*")], ..Actor::nobody() };
    let map = |actor: &Actor| house.world.call(actor, "monitor.group.map", json!({"id": group})).unwrap();
    let seen = map(&viewer);
    assert!(!["sw-01", "host-0", "intranet"].iter().any(|name| seen.to_string().contains(name)), "{seen}");
    let hidden = |one: &Value| one["hidden"] == true && one["name"] == "a thing you may not see";
    assert!(hidden(&seen["cause"]) && seen["things"].as_array().unwrap().iter().all(hidden), "{seen}");
    assert_eq!(seen["total"], map(&house.admin)["total"]);
    let wider = Actor { grants: vec![grant("monitor.group.*"), grant("assets.thing.list")], ..viewer };
    assert_eq!(map(&wider), map(&house.admin));
}

#[test]
fn a_wide_fan_is_a_few_things_and_a_count_and_the_rest_is_a_list_with_pages() {
    let house = House::new();
    let (group, ..) = outage(&house, 30);
    let map = map(&house, group);
    assert_eq!(map["things"].as_array().unwrap().len(), 10, "nine hosts and the service");
    assert_eq!(
        (map["more"][0]["things"].as_i64(), map["more"][0]["relation"].as_str()),
        (Some(21), Some("connected_to"))
    );
    let shown = page(&house, "/monitoring/groups/{id}", Some(group), &[]);
    assert!(shown.contains("21 more") && shown.contains(&format!("/monitoring/groups/{group}/alerts")));
    let list = |input: Value| house.call("monitor.group.alerts", input);
    let first = list(json!({"id": group, "limit": 20}));
    let next = list(json!({"id": group, "limit": 20, "cursor": first["next"]}));
    assert_eq!((first["items"].as_array().unwrap().len(), next["items"].as_array().unwrap().len()), (20, 12));
    assert!(
        next["next"].is_null() && list(json!({"id": group, "open": false}))["items"].as_array().unwrap().is_empty()
    );
    let all = page(&house, "/monitoring/groups/{id}/alerts", Some(group), &[("open", "true")]);
    assert!(all.contains("Host answers") && all.contains("Cleared"));
}

#[test]
fn a_map_asks_the_database_the_same_few_questions_for_five_and_for_five_thousand_things() {
    let house = House::new();
    let (group, ..) = outage(&house, 3);
    let asked = || {
        let statements = &house.kernel().db.stats().statements;
        let before = statements.load(Ordering::Relaxed);
        let map = map(&house, group);
        (statements.load(Ordering::Relaxed) - before, map)
    };
    let (few, _) = asked();
    let put = move |cx: &mut kernel::Cx| {
        for at in 0..5_000_i64 {
            let sql = "INSERT INTO monitor_group_alerts (group_id, check_id, asset_id, check_name, joined_at, cleared_at) VALUES (?1, ?2, ?3, 'x', 1, 0)";
            cx.tx.execute(sql, &[group.into(), (100_000 + at).into(), (100_000 + at).into()])?;
        }
        Ok(())
    };
    house.kernel().write_as(house.admin.clone(), "test.many", put).unwrap();
    let (many, map) = asked();
    assert_eq!(few, many);
    assert!(map["things"].as_array().unwrap().len() <= 41 && map["total"].as_i64() == Some(5_000));
    let shown = page(&house, "/monitoring/groups/{id}", Some(group), &[]);
    assert!(shown.len() < 120_000 && shown.contains("A broken line"), "{}", shown.len());
}

#[test]
fn who_may_not_see_a_group_sees_neither_its_map_nor_its_alerts() {
    let house = House::new();
    for operation in ["monitor.group.map", "monitor.group.alerts"] {
        assert_eq!(house.refused(operation, json!({"id": 77})).kind, kernel::ErrorKind::NotFound, "{operation}");
    }
}
