//! Rules that were deleted and files that were imported come back by undo.

use serde_json::{Value, json};

use crate::house::House;

const FILE: &str = "# kept\ngroups:\n- name: web\n  interval: 30s\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    \
                    labels: {severity: page}\n  - record: job:up\n    expr: sum by (job) (up)\n";
const LATER: &str = "groups:\n- name: web\n  rules:\n  - alert: Down\n    expr: up < 1\n";

fn done(house: &House, operation: &str, input: Value) -> i64 {
    house.world.answer(&house.admin, operation, input).unwrap().audit.unwrap()
}

fn undo(house: &House, audit: i64) -> i64 {
    done(house, "kernel.audit.undo", json!({"id": audit}))
}

fn names(house: &House) -> Vec<String> {
    let all = house.call("monitor.rule.list", json!({}));
    all["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_deleted_rule_comes_back_in_its_file_as_it_was() {
    let house = House::new();
    house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    let found = |name: &str| {
        let all = house.call("monitor.rule.list", json!({}))["items"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == name).unwrap()
    };
    let down = found("Down");
    house.call("monitor.rule.pause", json!({"id": down["id"]}));
    let deleted = done(&house, "monitor.rule.delete", json!({"id": down["id"]}));
    assert_eq!(names(&house), ["job:up"]);
    let undone = undo(&house, deleted);
    let again = found("Down");
    assert_ne!(again["id"], down["id"], "what was out under the old number ends");
    for field in ["expr", "for_ms", "labels", "severity", "group", "group_id", "file", "interval_ms"] {
        assert_eq!(again[field], down[field], "{field}");
    }
    assert_eq!(again["paused"], true);
    let export = house.call("monitor.rule.export", json!({"file": "web.yml"}));
    assert_eq!((&export["text"], &export["unchanged"]), (&json!(FILE), &json!(true)));
    // Once: a second undo of the same would bring it twice.
    let error = house.refused("kernel.audit.undo", json!({"id": deleted}));
    assert!(error.message.contains("since"), "{error}");
    undo(&house, undone);
    assert_eq!(names(&house), ["job:up"]);
}

#[test]
fn the_last_rule_of_a_group_brings_the_group_back() {
    let house = House::new();
    let rule = json!({"name": "Full", "expr": "disk > 90", "group": "Disks", "interval": "1m", "for": "5m"});
    let rule = house.call("monitor.rule.create", rule);
    undo(&house, done(&house, "monitor.rule.delete", json!({"id": rule["id"]})));
    let again = house.call("monitor.rule.list", json!({}))["items"][0].clone();
    for field in ["name", "group", "interval_ms", "for_ms", "expr"] {
        assert_eq!(again[field], rule[field], "{field}");
    }
    assert_ne!(again["group_id"], rule["group_id"]);
}

#[test]
fn an_import_is_taken_back_to_the_file_that_was_there_or_to_none() {
    let house = House::new();
    let first = done(&house, "monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    let all = house.call("monitor.rule.list", json!({}));
    let [down, record] = [0, 1].map(|at| all["items"][at].clone());
    assert_eq!((&down["name"], &record["name"]), (&json!("Down"), &json!("job:up")));
    house.call("monitor.rule.pause", json!({"id": record["id"]}));
    let second = done(&house, "monitor.rule.import", json!({"name": "web.yml", "text": LATER}));
    assert_eq!(names(&house), ["Down"]);
    let undone = undo(&house, second);
    let export = || house.call("monitor.rule.export", json!({"file": "web.yml"}));
    assert_eq!((&export()["text"], &export()["unchanged"]), (&json!(FILE), &json!(true)));
    let all = house.call("monitor.rule.list", json!({}));
    assert_eq!((&all["items"][0]["id"], &all["items"][0]["paused"]), (&down["id"], &json!(false)), "it goes on");
    assert_eq!((&all["items"][1]["name"], &all["items"][1]["paused"]), (&json!("job:up"), &json!(true)));
    undo(&house, undone);
    assert_eq!((names(&house), &export()["text"]), (vec!["Down".to_owned()], &json!(LATER)));
    let other = done(&house, "monitor.rule.import", json!({"name": "other.yml", "text": FILE}));
    let undone = undo(&house, other);
    assert_eq!(names(&house), ["Down"], "what was not there before is gone");
    undo(&house, undone);
    assert_eq!(names(&house).len(), 3);
    let error = house.refused("kernel.audit.undo", json!({"id": first}));
    assert!(error.message.contains("since"), "{error}");
}

#[test]
fn an_import_whose_rules_were_changed_since_is_not_taken_back() {
    let house = House::new();
    let import = done(&house, "monitor.rule.import", json!({"name": "web.yml", "text": LATER}));
    let id = house.call("monitor.rule.list", json!({}))["items"][0]["id"].clone();
    house.call("monitor.rule.update", json!({"id": id, "expr": "up < 2"}));
    let error = house.refused("kernel.audit.undo", json!({"id": import}));
    assert!(error.message.contains("Rules of web.yml were changed since"), "{error}");
    assert_eq!(house.call("monitor.rule.list", json!({}))["items"][0]["expr"], "up < 2");
}

#[test]
fn a_rule_that_an_import_brought_back_is_not_put_back_once_more() {
    let house = House::new();
    let import = || house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    import();
    let down = house.call("monitor.rule.list", json!({}))["items"][0].clone();
    let deleted = done(&house, "monitor.rule.delete", json!({"id": down["id"]}));
    import();
    let error = house.refused("kernel.audit.undo", json!({"id": deleted}));
    assert!(error.message.contains("An import has brought it back already"), "{error}");
    let export = house.call("monitor.rule.export", json!({"file": "web.yml"}));
    assert_eq!((&export["text"], &export["unchanged"]), (&json!(FILE), &json!(true)));
}

#[test]
fn a_rule_comes_back_into_the_group_that_an_import_made_anew() {
    let house = House::new();
    house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    let all = house.call("monitor.rule.list", json!({}));
    let deleted = done(&house, "monitor.rule.delete", json!({"id": all["items"][1]["id"]}));
    house.call("monitor.rule.import", json!({"name": "web.yml", "text": LATER}));
    undo(&house, deleted);
    assert_eq!(names(&house), ["Down", "job:up"]);
    let text = house.call("monitor.rule.export", json!({"file": "web.yml"}))["text"].as_str().unwrap().to_owned();
    assert_eq!(text.matches("name: web").count(), 1, "{text}");
}

#[test]
fn an_import_says_how_many_of_its_alerts_are_told_to_nobody() {
    let house = House::new();
    let rules = "  - {alert: Watchdog, expr: vector(1), labels: {severity: none}}\n  - {alert: B, expr: up, labels: {severity: page}}\n  \
                 - {alert: C, expr: up}\n  - {record: x, expr: up}\n";
    let text = format!("groups:\n- name: a\n  labels: {{severity: info}}\n  rules:\n{rules}");
    let done = house.call("monitor.rule.import", json!({"name": "a.yml", "text": text}));
    assert_eq!((&done["added"], &done["quiet"]), (&json!(4), &json!(2)));
}
