//! Scrape jobs from the configuration of a Prometheus, once and again and again.

use serde_json::{Value, json};

use crate::house::House;
use crate::scrapes::job;

#[test]
fn a_changed_file_replaces_the_jobs_that_came_by_an_import_and_no_others() {
    let house = House::new();
    let text = |every: &str, second: &str| {
        format!(
            "scrape_configs:\n- job_name: node\n  scrape_interval: {every}\n  basic_auth: {{username: prom, password_file: /x}}\n  \
             static_configs: [{{targets: ['db-01:9100']}}]\n- job_name: web\n  static_configs: [{{targets: ['{second}']}}]\n- job_name: mine\n  \
             static_configs: [{{targets: ['x:1']}}]\n"
        )
    };
    let own = job(&house, "mine", json!({ "targets": ["mine:9100"] }));
    let import = |text: String, replace: bool| {
        let done = house.call("monitor.scrape.import", json!({ "text": text, "replace": replace }));
        let count = |name: &str| done[name].as_u64().unwrap();
        ([count("added"), count("changed"), count("kept")], done)
    };
    let (counts, first) = import(text("30s", "web-01:9100"), false);
    assert_eq!(counts, [2, 0, 0]);
    assert!(first["notes"].to_string().contains("mine: a job of this name was made by hand; it was left as it is"));
    let node = first["jobs"][0]["id"].clone();
    // What could not be taken over is given by hand, and looked at.
    house.call("monitor.scrape.update", json!({ "id": node, "password": "geheim" }));
    house.call("monitor.scrape.resume", json!({ "id": node }));
    assert_eq!(import(text("30s", "web-01:9100"), false).0, [0, 0, 2], "the same file changes nothing");
    let (counts, again) = import(text("15s", "web-02:9100"), false);
    assert_eq!(counts, [0, 2, 0]);
    assert_eq!((&again["jobs"][0]["id"], &again["jobs"][0]["changed"]), (&node, &json!(true)));
    let shown = house.call("monitor.scrape.show", json!({ "id": node }));
    assert_eq!(shown["job"]["spec"]["interval_s"], 15, "{shown}");
    assert_eq!(shown["secrets"], json!(["password"]), "what was given for the same places stays");
    assert_eq!(shown["job"]["paused"], false, "and what lacks as before was looked at");
    let mine = house.call("monitor.scrape.show", json!({ "id": own }));
    assert_eq!(mine["job"]["spec"]["groups"][0]["targets"], json!(["mine:9100"]));
    assert_eq!(import(text("15s", "web-02:9100"), true).0, [0, 1, 2]);
    let mine = house.call("monitor.scrape.show", json!({ "id": own }));
    assert_eq!(mine["job"]["spec"]["groups"][0]["targets"], json!(["x:1"]));
}

#[test]
fn what_was_changed_by_hand_stays_until_the_file_says_something_new_of_it() {
    let house = House::new();
    let text = |password: &str, target: &str| {
        let auth = if password.is_empty() {
            String::new()
        } else {
            format!("  basic_auth: {{username: prom, password: {password}}}\n")
        };
        format!("scrape_configs:\n- job_name: node\n{auth}  static_configs: [{{targets: ['{target}:9100']}}]\n")
    };
    let import = |password: &str, target: &str| {
        let done = house.call("monitor.scrape.import", json!({ "text": text(password, target) }));
        (done["changed"].as_u64().unwrap(), done["kept"].as_u64().unwrap(), done["notes"].to_string())
    };
    import("", "db-01");
    let id = house.call("monitor.scrape.list", json!({}))["items"][0]["id"].clone();
    let shown = || house.call("monitor.scrape.show", json!({ "id": id }));
    house
        .call("monitor.scrape.update", json!({ "id": id, "bearer_token": "a token", "interval_s": 5, "timeout_s": 5 }));
    assert_eq!(import("", "db-01").0, 0, "the file says nothing new");
    assert_eq!((&shown()["secrets"], &shown()["job"]["spec"]["interval_s"]), (&json!(["bearer_token"]), &json!(5)));
    assert_eq!(import("geheim", "db-01").0, 1, "it brings a password");
    assert_eq!(shown()["secrets"], json!(["password"]));
    house.call("monitor.scrape.update", json!({ "id": id, "password": "newer" }));
    assert_eq!(import("geheim", "db-01").1, 1, "the file still says the old one, and that is not new");
    let (changed, _, notes) = import("", "elsewhere");
    assert_eq!((changed, &shown()["secrets"]), (1, &json!([])), "nobody else is told the password");
    assert!(notes.contains("it asks other places now; give its credentials again"), "{notes}");
}

#[test]
fn jobs_are_imported_listed_and_named_once() {
    let house = House::new();
    let text = "global: {scrape_interval: 30s}\nscrape_configs:\n- job_name: node\n  static_configs: [{targets: ['db-01:9100']}]\n- job_name: pods\n  kubernetes_sd_configs: [{role: pod}]\n";
    let imported = house.call("monitor.scrape.import", json!({ "text": text }));
    assert_eq!(imported["jobs"][0]["paused"], false);
    assert_eq!((&imported["jobs"][1]["name"], &imported["jobs"][1]["paused"]), (&json!("pods"), &json!(true)));
    assert!(imported["notes"][0].as_str().unwrap().contains("kubernetes_sd_configs"));
    let again = house.call("monitor.scrape.import", json!({ "text": text }));
    assert_eq!(again["jobs"], json!([]));
    assert_eq!(house.refused("monitor.scrape.create", json!({"name": "node"})).field.as_deref(), Some("name"));
    let page = house.call("monitor.scrape.list", json!({ "limit": 1 }));
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("node"), &json!("node")));
    let page = house.call("monitor.scrape.list", json!({ "limit": 1, "cursor": "node" }));
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("pods"), &Value::Null));
}

/// Imports the one job of a text; it and the answer.
fn import(house: &House, text: &str) -> (Value, Value) {
    let done = house.call("monitor.scrape.import", json!({ "text": text }));
    let id = house.call("monitor.scrape.list", json!({}))["items"][0]["id"].clone();
    (house.call("monitor.scrape.show", json!({ "id": id })), done)
}

#[test]
fn a_job_that_runs_is_paused_only_when_more_of_it_is_lacking_than_before() {
    let house = House::new();
    let text = |parts: &str| format!("- job_name: node\n  static_configs: [{{targets: ['db-01:9100']}}]\n{parts}");
    let sharded = "  relabel_configs: [{action: nonsense}]\n";
    let (shown, _) = import(&house, &text(&format!("  oauth2: {{}}\n{sharded}")));
    let id = shown["job"]["id"].clone();
    assert_eq!(shown["job"]["paused"], true);
    house.call("monitor.scrape.resume", json!({ "id": id }));
    let paused = |parts: &str| {
        let (shown, done) = import(&house, &text(parts));
        assert_eq!(done["changed"], 1, "{parts}");
        shown["job"]["paused"].clone()
    };
    assert_eq!(paused(sharded), false, "less is lacking");
    assert_eq!(paused("  relabel_configs: [{action: rubbish}]\n"), false, "the same place, in other words");
    assert_eq!(paused(""), false);
    assert_eq!(paused("  proxy_url: x\n"), true, "more is lacking");
}

#[test]
fn the_same_job_in_another_order_is_nothing_new_and_leaves_what_was_changed_by_hand() {
    let house = House::new();
    let (shown, _) = import(&house, "- {job_name: node, honor_labels: true, scrape_interval: 30s}\n");
    house.call("monitor.scrape.update", json!({ "id": shown["job"]["id"], "interval_s": 5, "timeout_s": 5 }));
    let same = "global: {scrape_interval: 30s, evaluation_interval: 1m}\nscrape_configs: [{honor_labels: true, job_name: node}]\n";
    let (shown, done) = import(&house, same);
    assert_eq!((&done["kept"], &shown["job"]["spec"]["interval_s"]), (&json!(1), &json!(5)));
    let (shown, done) = import(&house, &same.replace("30s", "45s"));
    assert_eq!((&done["changed"], &shown["job"]["spec"]["interval_s"]), (&json!(1), &json!(45)));
}

#[test]
fn credentials_that_leave_the_file_leave_the_job_unless_the_file_says_where_they_went() {
    let house = House::new();
    let text = |parts: &str| format!("- job_name: node\n  static_configs: [{{targets: ['db-01:9100']}}]\n{parts}");
    let secrets = |parts: &str| {
        let (shown, done) = import(&house, &text(parts));
        assert!(!done["notes"].to_string().contains("not taken over"), "{done}");
        (shown["secrets"].clone(), done["notes"].to_string().contains("were removed"))
    };
    assert_eq!(secrets("  basic_auth: {username: prom, password: geheim}\n"), (json!(["password"]), false));
    assert_eq!(secrets("  basic_auth: {username: prom, password_file: /pw}\n"), (json!(["password"]), false));
    assert_eq!(secrets("  basic_auth: {username: prom, password: geheim}\n"), (json!(["password"]), false));
    assert_eq!(secrets(""), (json!([]), true), "nothing is sent that nobody asked for");
    assert_eq!(secrets("  bearer_token: old\n"), (json!(["bearer_token"]), false));
    assert_eq!(
        secrets("  basic_auth: {username: prom, password_file: /pw}\n"),
        (json!([]), true),
        "no token beside a name"
    );
    // A name from a file of its own is given by hand, and so is its password.
    let given = "  basic_auth: {username_file: /user, password_file: /pw}\n";
    assert_eq!(secrets(given), (json!([]), false));
    let id = house.call("monitor.scrape.list", json!({}))["items"][0]["id"].clone();
    house.call("monitor.scrape.update", json!({ "id": id, "username": "prom", "password": "geheim" }));
    assert_eq!(secrets(&format!("{given}  honor_labels: true\n")), (json!(["password"]), false));
    let shown = house.call("monitor.scrape.show", json!({ "id": id }));
    assert_eq!(shown["job"]["spec"]["username"], "prom");
}

#[test]
fn jobs_without_a_limit_on_samples_get_the_highest_and_one_note_says_so() {
    let house = House::new();
    let (shown, done) = import(&house, "- {job_name: a}\n- {job_name: b}\n- {job_name: c, sample_limit: 9}\n");
    assert_eq!(shown["job"]["spec"]["sample_limit"], 100_000);
    assert_eq!(done["notes"].as_array().unwrap().len(), 1, "{done}");
    assert!(done["notes"][0].as_str().unwrap().contains("2 jobs set none"), "{done}");
}

#[test]
fn a_password_that_is_new_in_the_file_leaves_the_key_that_was_given_by_hand() {
    let house = House::new();
    let text = |password: &str| {
        format!(
            "- job_name: node\n  static_configs: [{{targets: ['db-01:9100']}}]\n  basic_auth: {{username: prom, password: {password}}}\n  \
             tls_config: {{cert_file: /c, key_file: /k}}\n"
        )
    };
    let (shown, _) = import(&house, &text("old"));
    let (certificate, key) = ("-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----");
    let given = json!({ "id": shown["job"]["id"], "tls_certificate": certificate, "tls_key": key });
    house.call("monitor.scrape.update", given);
    let (shown, done) = import(&house, &text("new"));
    assert_eq!((&done["changed"], &shown["secrets"]), (&json!(1), &json!(["password", "tls_key"])), "{done}");
    let (shown, done) = import(&house, &text("newer").replace(", key_file: /k", "").replace("cert_file: /c", ""));
    assert_eq!(shown["secrets"], json!(["password"]));
    assert!(done["notes"].to_string().contains("credentials that the file does not have were removed"), "{done}");
}
