//! Checks as records: input, versions, visibility, what agents get.

use agent_proto::{Frame, FromServer, Probe};
use kernel::{Actor, ErrorKind, Grant, Ident, Proof, Scope};
use serde_json::json;

use crate::house::House;

fn feed(house: &House, asset: i64) -> (i64, Vec<agent_proto::CheckSpec>) {
    let feed = house.kernel().registry().feeds().find(|feed| feed.kind == "checks").unwrap();
    let bytes = house.kernel().read_as(&house.admin, |cx| (feed.make)(cx, asset)).unwrap().unwrap();
    let frame: Frame<FromServer> = agent_proto::decode(&bytes).unwrap();
    match frame.message {
        FromServer::Checks { generation, checks } => (generation, checks),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_is_made_and_reaches_its_agent_except_what_the_server_judges() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("probe-01"));
    let (none, _) = feed(&house, web);
    for input in [
        json!({"asset": web, "kind": "process", "process": "nginx"}),
        json!({"asset": web, "kind": "tcp", "host": "localhost", "port": 443}),
        json!({"asset": web, "kind": "file_system", "mount": "/var", "max_used_percent": 80}),
        json!({"asset": web, "kind": "unit", "unit": "nginx"}),
        json!({"asset": web, "kind": "silent"}),
        json!({"asset": web, "vantage": other, "kind": "http", "url": "https://web-01.example.org/", "expect_status": [200, 302]}),
    ] {
        house.call("monitor.check.create", input);
    }
    let (generation, specs) = feed(&house, web);
    assert_eq!(specs.len(), 4);
    assert!(generation != none && generation > 0);
    assert_eq!(feed(&house, web).0, generation, "the same set has the same number");
    let (_, far) = feed(&house, other);
    assert!(matches!(&far[0].probe, Probe::Look(text) if text.contains("\"expect_status\":[200,302]")));
    assert_eq!((far[0].interval_ms, far[0].timeout_ms, far[0].generation), (10_000, 8_000, 1));
    let first = specs[0].check_id;
    house.call("monitor.check.pause", json!({"id": first}));
    assert_eq!(feed(&house, web).1.len(), 3);
    house.call("monitor.check.resume", json!({"id": first}));
    house.call("monitor.check.update", json!({"id": first, "process": "apache2"}));
    assert_eq!(feed(&house, web).1[0].generation, 2);
}

#[test]
fn a_change_of_the_feed_is_told_to_the_gateway() {
    let house = House::new();
    let web = house.asset("web-01");
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listening = heard.clone();
    house.kernel().listen(Box::new(move |refs| listening.lock().unwrap().extend(refs.iter().map(ToString::to_string))));
    house.check(web, "Web server runs");
    assert!(heard.lock().unwrap().contains(&format!("agent_feed:{web}")));
}

#[test]
fn input_is_refused_by_field() {
    let house = House::new();
    let web = house.asset("web-01");
    for (input, field) in [
        (json!({"kind": "process", "process": "x"}), "asset"),
        (json!({"asset": web, "process": "x"}), "kind"),
        (json!({"asset": web, "kind": "process"}), "process"),
        (json!({"asset": web, "kind": "tcp", "host": "x"}), "port"),
        (json!({"asset": web, "kind": "http", "url": "http://169.254.169.254/"}), "url"),
        (json!({"asset": web, "kind": "process", "process": "x", "interval_s": 9}), "interval_s"),
        (json!({"asset": web, "kind": "process", "process": "x", "fire_n": 4, "fire_m": 3}), "fire_n"),
        (json!({"asset": web, "kind": "process", "process": "x", "fire_m": 21}), "fire_m"),
        (json!({"asset": web, "kind": "process", "process": "x", "clear_k": 0}), "clear_k"),
        (json!({"asset": web, "kind": "process", "process": "x", "team": 999_999}), "team"),
        (json!({"asset": web, "kind": "process", "process": "x", "vantage": 999_999}), "vantage"),
        (json!({"asset": web, "kind": "process", "process": "x", "name": "n".repeat(121)}), "name"),
    ] {
        let error = house.refused("monitor.check.create", input.clone());
        assert_eq!(error.field.as_deref(), Some(field), "{input}: {error}");
    }
    let blank = json!({"asset": web, "kind": "process", "process": "nginx", "url": "", "mount": " ", "name": ""});
    assert_eq!(house.call("monitor.check.create", blank)["name"], "process nginx runs", "forms send empty texts");
}

#[test]
fn a_change_against_an_old_version_is_a_conflict() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    let changed = house.call("monitor.check.update", json!({"id": check, "name": "Web", "expected_version": 1}));
    assert_eq!((changed["version"].as_i64(), changed["generation"].as_i64()), (Some(2), Some(1)));
    let error = house.refused("monitor.check.update", json!({"id": check, "name": "X", "expected_version": 1}));
    assert_eq!(error.kind, ErrorKind::Conflict);
    let answer =
        house.world.answer(&house.admin, "monitor.check.update", json!({"id": check, "interval_s": 30})).unwrap();
    let fields: Vec<_> = answer.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["interval_s"]);
}

#[test]
fn checks_groups_and_alerts_are_seen_as_far_as_the_grant_reaches() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    let group = house.groups("open")[0]["id"].clone();
    let stranger = Actor {
        ident: Ident::User(77),
        name: "Eve".into(),
        grants: vec![Grant { pattern: "monitor.*".into(), scope: Scope::Teams(vec![4_711]), expires_at: None }],
        proof: Proof::Standing,
        ..Actor::nobody()
    };
    let see = |operation: &str, input| house.world.call(&stranger, operation, input);
    for list in ["monitor.check.list", "monitor.group.list", "monitor.alert.list"] {
        assert_eq!(see(list, json!({})).unwrap()["count"], 0, "{list}");
    }
    for (operation, id) in [
        ("monitor.check.show", json!(check)),
        ("monitor.check.pause", json!(check)),
        ("monitor.check.delete", json!(check)),
        ("monitor.group.show", group.clone()),
        ("monitor.group.acknowledge", group),
        ("monitor.alert.show", house.show(check)["check"]["alert"].clone()),
    ] {
        assert_eq!(see(operation, json!({"id": id})).unwrap_err().kind, ErrorKind::NotFound, "{operation}");
    }
    let input = json!({"asset": web, "kind": "process", "process": "x"});
    assert_eq!(see("monitor.check.create", input).unwrap_err().field.as_deref(), Some("asset"));
    assert!(see("monitor.series.read", json!({"asset": web, "metric": ["node_load1"]})).is_err());
    assert!(see("monitor.chart.read", json!({"asset": web, "panel": "cpu"})).is_err());
    let needs = house.kernel().read_as(&stranger, |cx| cx.attention(10)).unwrap();
    assert!(needs.is_empty());
}

#[test]
fn lists_page_filter_and_count() {
    let house = House::new();
    let web = house.asset("web-01");
    for n in 0..7 {
        house.check(web, &format!("Check 100% {n}"));
    }
    let mut names = Vec::new();
    let mut cursor = json!(null);
    loop {
        let page = house.call("monitor.check.list", json!({"limit": 3, "cursor": cursor}));
        names.extend(page["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        assert_eq!(page["count"], 7);
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(names.len(), 7);
    assert!(names.is_sorted());
    let count = |input| house.call("monitor.check.list", input)["count"].clone();
    assert_eq!(count(json!({"q": "100% 3"})), 1);
    assert_eq!(count(json!({"q": "check_"})), 0, "a wildcard is a plain character");
    assert_eq!(count(json!({"kind": "tcp"})), 0);
    assert_eq!(count(json!({"state": "waiting", "asset": web})), 7);
    assert_eq!(count(json!({"paused": true})), 0);
    assert!(house.refused("monitor.check.list", json!({"cursor": "x"})).field.is_some());
}
