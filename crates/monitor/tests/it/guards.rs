//! Checks that are safe and honest: where the server looks, what stays sealed, who looks, and jobs that nobody could hear.

use std::time::Duration;

use kernel::time::SECOND;
use kernel::{Clock, Handle};
use serde_json::{Value, json};

use crate::house::{House, new_asset};
use crate::kinds::{feed, looking, on, until};
use crate::restart::{call, open, pass};

fn allow(house: &House, looks: Value) {
    house.call("kernel.setting.set", json!({"key": "monitor.looks", "value": looks}));
}

#[test]
fn the_server_looks_neither_at_itself_nor_with_methods_that_change_things_unless_it_is_allowed() {
    let house = House::new();
    let web = house.asset("web-01");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let own =
        json!({"kind": "http", "url": format!("http://127.0.0.1:{port}/"), "vantage": 0, "fire_n": 1, "fire_m": 1});
    let post = json!({"kind": "http", "url": "http://10.0.0.1/", "method": "POST", "vantage": 0});
    let metadata = json!({"kind": "tcp", "host": "169.254.169.254", "port": 80});
    for (fields, field) in [(&own, "url"), (&post, "method"), (&metadata, "host")] {
        let refused = house.refused("monitor.check.create", on(web, fields.clone()));
        assert_eq!(refused.field.as_deref(), Some(field), "{refused}");
    }
    let mut elsewhere = own.clone();
    elsewhere["vantage"] = Value::Null;
    let made = house.call("monitor.check.create", on(web, elsewhere));
    let moved = house.refused("monitor.check.update", json!({"id": made["id"], "vantage": 0}));
    assert!(moved.message.contains("loopback") && moved.message.contains("monitor.looks"), "{moved}");
    // What was saved while it was allowed is refused where it connects once it is not.
    allow(&house, json!({"loopback": true, "any_method": true}));
    let id = house.call("monitor.check.create", on(web, own))["id"].as_i64().unwrap();
    house.call("monitor.check.create", on(web, post));
    allow(&house, json!({}));
    looking(house.kernel());
    until(house.kernel(), id, "firing");
    assert!(house.show(id)["check"]["evidence"].as_str().unwrap().contains("is a loopback address"));
}

#[test]
fn words_of_a_request_that_may_be_secret_are_sealed_and_stay_with_their_server() {
    let house = House::new();
    let web = house.asset("web-01");
    let fields = json!({"kind": "http", "url": "https://a.example/x", "method": "POST", "body": "pin=hunter2",
        "headers": "Accept: text/html\nAuthorization: Bearer hunter2"});
    let made = house.call("monitor.check.create", on(web, fields));
    let id = made["id"].as_i64().unwrap();
    let shown = "Accept: text/html\nAuthorization: (set)";
    assert_eq!((&made["probe"]["headers"], &made["probe"]["body"]), (&json!(shown), &json!("(set)")));
    let leaks = |value: &Value| value.to_string().contains("hunter2");
    assert!(!leaks(&made) && !leaks(&house.show(id)) && !leaks(&house.call("monitor.check.list", json!({}))));
    assert!(!leaks(&house.call("kernel.audit.list", json!({}))));
    let sent = |word: &str| feed(&house, web).iter().any(|one| format!("{:?}", one.probe).contains(word));
    assert!(sent("Bearer hunter2") && sent("pin=hunter2"), "who looks gets them");
    house.call("monitor.check.update", json!({"id": id, "headers": shown, "body": "(set)", "max_ms": 900}));
    assert!(sent("Bearer hunter2") && sent("pin=hunter2"), "a form that is saved as it is shown keeps them");
    house.call("monitor.check.update", json!({"id": id, "url": "https://a.example/y"}));
    for change in [json!({"url": "https://b.example/x"}), json!({"vantage": 0, "method": "GET"})] {
        let mut change = change;
        change["id"] = json!(id);
        let refused = house.refused("monitor.check.update", change.clone());
        assert!(refused.message.contains("elsewhere"), "{change}: {refused}");
    }
    let before = feed(&house, web)[0].generation;
    house.call("monitor.check.update", json!({"id": id, "headers": "Authorization: Bearer battery"}));
    assert!(sent("Bearer battery") && !sent("Bearer hunter2") && feed(&house, web)[0].generation > before);
    house.call("monitor.check.update", json!({"id": id, "url": "https://b.example/", "headers": "", "body": ""}));
    assert!(!sent("battery") && !sent("hunter2"));
    let nothing = house.refused("monitor.check.update", json!({"id": id, "headers": "Authorization: (set)"}));
    assert_eq!(nothing.field.as_deref(), Some("headers"));
}

#[test]
fn one_thing_seen_from_several_places_is_several_checks_made_in_one_go() {
    let house = House::new();
    let (web, oslo) = (house.asset("web-01"), house.asset("oslo-gw"));
    let fields = |places: Value| json!({"kind": "http", "url": "https://a.example/", "vantages": places});
    let made =
        house.call("monitor.check.create", on(web, fields(json!(["own", "server", oslo.to_string(), "own", ""]))));
    assert_eq!(made["also"].as_array().map(Vec::len), Some(2), "{made}");
    let listed = house.call("monitor.check.list", json!({"asset": web}));
    let mut seen: Vec<(i64, String, String)> = Vec::new();
    for one in listed["items"].as_array().unwrap() {
        let label = one["labels"]["vantage"].as_str().unwrap_or_default().to_owned();
        seen.push((one["vantage"].as_i64().unwrap_or(0), label, one["name"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    let expected = |id: i64, label: &str, from: &str| {
        (id, label.to_owned(), format!("https://a.example/ answers as expected, from {from}"))
    };
    let mut wanted = vec![
        expected(0, "server", "this server"),
        expected(web, "web-01", "web-01"),
        expected(oslo, "oslo-gw", "oslo-gw"),
    ];
    wanted.sort();
    assert_eq!(seen, wanted);
    assert_eq!((feed(&house, web).len(), feed(&house, oslo).len()), (1, 1));
    let one = house.call("monitor.check.create", on(web, fields(json!(["server"]))));
    assert!(one["vantage"].is_null() && one["also"] == json!([]) && one["labels"] == json!({}), "{one}");
    let both = json!({"kind": "http", "url": "https://a.example/", "vantages": ["own"], "vantage": 0});
    for fields in [fields(json!(["mars"])), fields(json!(["999999"])), both] {
        let refused = house.refused("monitor.check.create", on(web, fields));
        assert_eq!(refused.field.as_deref(), Some("vantages"), "{refused}");
    }
    let local = json!({"kind": "unit", "unit": "nginx", "vantages": ["own", oslo.to_string()]});
    assert_eq!(house.refused("monitor.check.create", on(web, local)).field.as_deref(), Some("vantages"));
}

#[test]
fn a_job_that_was_late_before_a_restart_stays_late_and_one_that_nobody_could_hear_is_not_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_deaf_{}", std::process::id());
    let heartbeat = |kernel: &Handle, asset: i64, every_s: i64| {
        let input = json!({"asset": asset, "kind": "heartbeat", "every_s": every_s, "grace_s": 0, "interval_s": 10});
        call(kernel, "monitor.check.create", input)["id"].as_i64().unwrap()
    };
    let state = |kernel: &Handle, id: i64| {
        call(kernel, "monitor.check.show", json!({"id": id}))["check"]["state"].as_str().unwrap().to_owned()
    };
    let (late, unheard) = {
        let kernel = open(folder.path(), &clock, &name);
        let asset = new_asset(&kernel, "web-01");
        let both = (heartbeat(&kernel, asset, 60), heartbeat(&kernel, asset, 120));
        pass(&kernel, &clock, 61);
        // The last word is put down once a minute; the service puts down its end as well.
        pass(&kernel, &clock, 1);
        kernel.shut_down();
        both
    };
    clock.advance(600 * SECOND);
    let kernel = open(folder.path(), &clock, &name);
    monitor::tick(&kernel).unwrap();
    looking(&kernel);
    until(&kernel, late, "firing");
    kernel.wait(Duration::from_millis(50));
    assert_ne!(state(&kernel, unheard), "firing", "it came due while nobody listened");
    pass(&kernel, &clock, 125);
    until(&kernel, unheard, "firing");
    kernel.shut_down();
}
