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
fn texts_that_are_sent_and_arguments_of_plugins_are_sealed_and_stay_where_they_were_given_for() {
    let house = House::new();
    let web = house.asset("web-01");
    let tcp = json!({"kind": "tcp", "host": "a.example", "port": 6379, "send": "AUTH hunter2\\r\\n"});
    let tcp = house.call("monitor.check.create", on(web, tcp));
    let plugin = json!({"kind": "plugin", "plugin": "/p/check_mysql", "arguments": "-w\n5\n-p\nhunter2"});
    let plugin = house.call("monitor.check.create", on(web, plugin));
    assert_eq!((&tcp["probe"]["send"], &plugin["probe"]["arguments"]), (&json!("(set)"), &json!("-w\n5\n-p\n(set)")));
    let audit = house.call("kernel.audit.list", json!({}));
    assert!(!format!("{audit}{}", house.call("monitor.check.list", json!({}))).contains("hunter2"));
    let sent = |word: &str| feed(&house, web).iter().filter(|one| format!("{:?}", one.probe).contains(word)).count();
    assert_eq!(sent("hunter2"), 2, "who looks gets them");
    house.call("monitor.check.update", json!({"id": tcp["id"], "send": "(set)", "expect": "+OK"}));
    house.call("monitor.check.update", json!({"id": plugin["id"], "arguments": "-w\n9\n-p\n(set)"}));
    assert_eq!(sent("hunter2"), 2, "a form that is saved as it is shown keeps them");
    for (id, change, field) in [
        (&tcp["id"], json!({"host": "b.example"}), "send"),
        (&plugin["id"], json!({"plugin": "/p/check_echo"}), "arguments"),
    ] {
        let mut change = change;
        change["id"] = id.clone();
        let refused = house.refused("monitor.check.update", change);
        assert!(refused.message.contains("elsewhere") && refused.field.as_deref() == Some(field), "{refused}");
    }
}

/// A check as an older version kept it: its words stand in its row and in the audit.
fn open_words(kernel: &Handle, id: i64, probe: &Value) {
    let change = json!({"ref": format!("check:{id}"), "field": "probe", "old": null, "new": probe});
    let detail = json!({"actor_name": "ada", "input": {"headers": "X-Key: hunter2"}, "changes": [change]}).to_string();
    let (probe, digest) = (probe.to_string(), kernel::text::sha256_hex(detail.as_bytes()));
    let write = move |tx: &mut kernel::db::Tx<'_>| {
        tx.execute("UPDATE monitor_checks SET probe = ?1 WHERE id = ?2", &[probe.as_str().into(), id.into()])?;
        let entry = "SELECT id FROM kernel_audit WHERE subject_kind = 'check' AND subject_id = ?1 LIMIT 1";
        let entry = tx.one(entry, &[id.into()])?.int(0)?;
        tx.execute("UPDATE kernel_audit SET digest = ?1 WHERE id = ?2", &[digest.as_str().into(), entry.into()])?;
        let put = "UPDATE kernel_audit_details SET detail = ?1 WHERE audit_id = ?2";
        tx.execute(put, &[detail.as_str().into(), entry.into()])?;
        tx.execute("UPDATE kernel_counters SET value = 1 WHERE name = 'audit_blank_rules'", &[])
    };
    kernel.db.write("test.older", kernel::db::Priority::Background, write).unwrap();
}

#[test]
fn words_that_older_versions_kept_open_are_sealed_everywhere_and_one_check_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_older_{}", std::process::id());
    let kernel = open(folder.path(), &clock, &name);
    let web = new_asset(&kernel, "web-01");
    let ids = ["a", "b", "c"].map(|host| {
        let fields = json!({"kind": "http", "url": format!("https://{host}.example/"), "headers": "X-Key: first"});
        call(&kernel, "monitor.check.create", on(web, fields))["id"].as_i64().unwrap()
    });
    for (id, headers) in ids.into_iter().zip(["X-Key: hunter2", "X-Key: (set)\nX-Other: hunter2", "X-Key: hunter2"]) {
        let mut probe = call(&kernel, "monitor.check.show", json!({"id": id}))["check"]["probe"].clone();
        probe["headers"] = json!(headers);
        open_words(&kernel, id, &probe);
    }
    // The second has a mark whose word is lost, beside a word that is open.
    let lost = format!("monitor.check.{}.request", ids[1]);
    let lose = move |tx: &mut kernel::db::Tx<'_>| {
        tx.execute("DELETE FROM kernel_secrets WHERE name = ?1", &[lost.as_str().into()])
    };
    assert_eq!(kernel.db.write("test.lose", kernel::db::Priority::Background, lose).unwrap(), 1);
    kernel.shut_down();
    drop(kernel);
    let kernel = open(folder.path(), &clock, &name);
    kernel.settle().unwrap();
    kernel.shut_down();
    let service = monitor::domain().kernel.services.into_iter().find(|one| one.name == "monitor").unwrap();
    (service.run)(kernel.clone());
    let rows = kernel.db.read(|tx| tx.query("SELECT probe FROM monitor_checks ORDER BY id", &[])).unwrap();
    let open: Vec<bool> = rows.iter().map(|row| row.str(0).unwrap().contains("hunter2")).collect();
    assert_eq!(open, [false, true, false]);
    let details = kernel.db.read(|tx| tx.query("SELECT detail FROM kernel_audit_details", &[])).unwrap();
    assert!(details.iter().all(|row| !row.str(0).unwrap().contains("hunter2")));
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
