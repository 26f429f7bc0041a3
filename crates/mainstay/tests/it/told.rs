//! What is said about an alert is what became of its messages, with every domain at work.

use serde_json::{Value, json};

use crate::coming_back::{Web, chat};

fn explained(web: &Web, check: i64) -> Value {
    let alert = web.call("monitor.check.show", json!({ "id": check }))["check"]["alert"].clone();
    web.call("monitor.alert.explain", json!({ "id": alert }))
}

fn step(explained: &Value) -> Value {
    explained["steps"].as_array().unwrap().iter().find(|step| step["about"] == "told").unwrap().clone()
}

#[test]
fn lesson_08_where_no_message_was_taken_the_verdict_says_so_and_why() {
    let web = Web::new();
    let policy = web.call("paging.policy.save", json!({ "name": "Ada", "lines": "0 user:ada" }))["id"].clone();
    web.call("kernel.setting.set", json!({ "key": "paging.default", "value": { "policy": policy } }));
    let check = web.check("Web server runs");
    web.report(check, "gggbbbb");
    let said = explained(&web, check);
    let verdict = said["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("Nobody could be told: "), "{verdict}");
    assert!(verdict.contains("by mail (No mail server is set. Set kernel.smtp)"), "{verdict}");
    assert_eq!((&step(&said)["holds_back"], step(&said)["text"].as_str()), (&json!(true), Some(verdict)));
    assert_eq!((&said["told"]["state"], &said["told"]["messages"][0]["state"]), (&json!("failed"), &json!("failed")));
    web.report(check, "gggggg");
    let over = explained(&web, check);
    let verdict = over["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("It is over. Nobody could be told: ") && !verdict.contains("Told"), "{verdict}");
}

#[test]
fn lesson_08_where_a_message_was_taken_the_verdict_names_whom_and_the_end_as_well() {
    let web = Web::new();
    let (url, _) = chat();
    let sending = json!({ "address": "https://it.example.org", "allow_private": true, "test_hour": -1 });
    web.call("kernel.setting.set", json!({ "key": "paging.sending", "value": sending }));
    web.call("paging.channel.save", json!({ "name": "ops", "kind": "ntfy", "url": url, "address": "ops" }));
    let policy = web.call("paging.policy.save", json!({ "name": "On duty", "lines": "0 channel:ops" }))["id"].clone();
    web.call("kernel.setting.set", json!({ "key": "paging.default", "value": { "policy": policy } }));
    let check = web.check("Web server runs");
    web.report(check, "gggbbbb");
    let said = explained(&web, check);
    assert_eq!(said["verdict"], "Told: ops.", "{said}");
    assert_eq!(step(&said)["holds_back"], false);
    assert_eq!(said["told"]["messages"][0]["to"], "ops");
    web.report(check, "gggggg");
    assert_eq!(explained(&web, check)["verdict"], "It is over. Told: ops. Told that it is over: ops.");
    // Who may not see pages is not told a guess either.
    let os = kernel::Actor::service("test", &["monitor.*"]);
    let alert = said["alert"]["id"].clone();
    let narrow = web.house.call(&os, "monitor.alert.explain", json!({ "id": alert }));
    assert!(narrow["told"].is_null() && !narrow["verdict"].as_str().unwrap().contains("Told"), "{narrow}");
}

#[test]
fn the_address_of_the_server_is_set_once_and_the_addresses_of_heartbeats_begin_with_it() {
    let web = Web::new();
    let asset = web.call("assets.thing.create", json!({"name": "db-01", "kind": "server"}))["id"].clone();
    let backup = json!({"name": "Backup", "asset": asset, "kind": "heartbeat", "cron": "0 3 * * *"});
    let check = web.call("monitor.check.create", backup);
    let address = || web.call("monitor.heartbeat.address", json!({ "id": check["id"] }));
    assert_eq!(address()["url"], Value::Null);
    let sending = json!({ "address": "https://it.example.org/", "test_hour": -1 });
    web.call("kernel.setting.set", json!({ "key": "paging.sending", "value": sending }));
    let said = address();
    assert_eq!(
        said["url"].as_str(),
        Some(format!("https://it.example.org{}", said["path"].as_str().unwrap()).as_str())
    );
}
