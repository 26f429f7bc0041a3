//! Checks of every kind: their fields, who looks, passwords, heartbeats, proposals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_proto::{Frame, FromServer, LookResult, Probe};
use kernel::{Actor, Asked, Handle, Reach, Said};
use serde_json::{Value, json};

use crate::house::{House, message};

pub(crate) fn feed(house: &House, asset: i64) -> Vec<agent_proto::CheckSpec> {
    let feed = house.kernel().registry().feeds().find(|feed| feed.kind == "checks").unwrap();
    let bytes = house.kernel().read_as(&house.admin, |cx| (feed.make)(cx, asset)).unwrap().unwrap();
    let frame: Frame<FromServer> = agent_proto::decode(&bytes).unwrap();
    match frame.message {
        FromServer::Checks { checks, .. } => checks,
        other => panic!("{other:?}"),
    }
}

/// One good example of each kind.
fn examples() -> Vec<Value> {
    vec![
        json!({"kind": "http", "url": "https://a.example/", "json_path": "status", "max_ms": 500}),
        json!({"kind": "tls", "host": "a.example", "min_days": 21}),
        json!({"kind": "tcp", "host": "a.example", "port": 6379, "send": "PING\\r\\n", "expect": "PONG"}),
        json!({"kind": "icmp", "host": "10.0.0.1", "max_rtt_ms": 20.5}),
        json!({"kind": "dns", "domain": "a.example", "record": "mx", "values": "10 mx.a.example"}),
        json!({"kind": "smtp", "host": "mx.a.example", "user": "probe", "password": "hunter2"}),
        json!({"kind": "imap", "host": "mx.a.example", "security": "tls"}),
        json!({"kind": "ssh", "host": "a.example", "expect": "OpenSSH"}),
        json!({"kind": "postgres", "host": "db.a.example", "user": "probe", "password": "hunter2", "max_value": 30}),
        json!({"kind": "mysql", "host": "db.a.example", "query": "SELECT 1"}),
        json!({"kind": "heartbeat", "cron": "30 2 * * *", "time_zone": "Europe/Oslo"}),
        json!({"kind": "process", "process": "nginx"}),
        json!({"kind": "unit", "unit": "nginx"}),
        json!({"kind": "file_system", "mount": "/"}),
        json!({"kind": "fill_up", "mount": "/", "full_within_h": 24}),
        json!({"kind": "file", "path": "/var/backups/db.dump", "max_age_s": 90_000}),
        json!({"kind": "log", "path": "/var/log/app.log", "pattern": "ERROR"}),
        json!({"kind": "plugin", "plugin": "/usr/lib/nagios/plugins/check_load", "arguments": "-w\n5"}),
        json!({"kind": "silent"}),
    ]
}

pub(crate) fn on(asset: i64, mut fields: Value) -> Value {
    fields["asset"] = json!(asset);
    fields
}

#[test]
fn every_kind_is_made_shown_changed_by_nothing_and_deleted() {
    let house = House::new();
    let web = house.asset("web-01");
    assert_eq!(examples().len(), monitor::Kind::ALL.len());
    for example in examples() {
        let made = house.call("monitor.check.create", on(web, example.clone()));
        assert_eq!(made["probe"]["kind"], example["kind"]);
        let id = &made["id"];
        let same = house.call("monitor.check.update", json!({"id": id, "name": made["name"]}));
        assert_eq!((&same["version"], &same["probe"], &same["vantage"]), (&json!(1), &made["probe"], &made["vantage"]));
        house.call("monitor.check.delete", json!({"id": id}));
    }
    assert!(feed(&house, web).is_empty());
}

#[test]
fn looks_go_to_agents_in_their_own_words_and_the_servers_own_stay_at_home() {
    let house = House::new();
    let web = house.asset("web-01");
    for example in examples() {
        house.call("monitor.check.create", on(web, example));
    }
    let specs = feed(&house, web);
    assert_eq!(specs.len(), 16, "all but what the server judges itself");
    let own = json!({"kind": "icmp", "host": "10.0.0.1", "vantage": 0});
    let made = house.call("monitor.check.create", on(web, own));
    assert!(made["vantage"].is_null());
    assert_eq!(feed(&house, web).len(), 16);
    let refused = house
        .refused("monitor.check.create", on(web, json!({"kind": "log", "path": "/x", "pattern": "a", "vantage": 0})));
    assert_eq!(refused.field.as_deref(), Some("vantage"));
    let moved = house.call("monitor.check.update", json!({"id": made["id"], "vantage": null}));
    assert_eq!((moved["vantage"].as_i64(), feed(&house, web).len()), (Some(web), 17));
}

#[test]
fn a_password_reaches_who_looks_and_nobody_else() {
    let house = House::new();
    let web = house.asset("web-01");
    let fields = json!({"kind": "postgres", "host": "db", "user": "probe", "password": "hunter2"});
    let made = house.call("monitor.check.create", on(web, fields));
    let id = made["id"].as_i64().unwrap();
    let shown = |value: &Value| value.to_string().contains("hunter2");
    assert!(!shown(&made) && !shown(&house.show(id)) && !shown(&house.call("monitor.check.list", json!({}))));
    assert!(!shown(&house.call("kernel.audit.list", json!({}))));
    let sent = |word: &str| matches!(&feed(&house, web)[0].probe, Probe::Look(text) if text.contains(word));
    assert!(sent("hunter2"));
    house.call("monitor.check.update", json!({"id": id, "password": "", "max_ms": 900}));
    assert!(sent("hunter2"), "a form that leaves it empty leaves it");
    let generation = feed(&house, web)[0].generation;
    house.call("monitor.check.update", json!({"id": id, "password": "battery"}));
    assert!(sent("battery") && !sent("hunter2") && feed(&house, web)[0].generation > generation);
    let elsewhere = house.refused("monitor.check.update", json!({"id": id, "host": "elsewhere"}));
    assert!(elsewhere.to_string().contains("password"), "it goes nowhere else: {elsewhere}");
    house.call("monitor.check.update", json!({"id": id, "kind": "tcp", "host": "db", "port": 5432}));
    house.call("monitor.check.update", json!({"id": id, "kind": "postgres", "host": "db"}));
    assert!(!sent("battery"), "another kind forgets it");
}

#[test]
fn what_a_look_measured_is_kept_as_series_for_its_own_agent_only() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("web-02"));
    let made = house.call("monitor.check.create", on(web, json!({"kind": "icmp", "host": "10.0.0.1"})));
    let id = made["id"].as_i64().unwrap();
    house.wait(1);
    let mut result = house.result(id, agent_proto::CheckState::Ok);
    result.value = Some(12.5);
    let figures = vec![agent_proto::Figure { name: "loss_percent".into(), value: 33.0 }];
    let body = vec![LookResult { result, figures }];
    message(house.kernel(), "look_results", other, &body).unwrap();
    let read = |metric: &str| {
        let answer = house.call("monitor.series.read", json!({"asset": web, "metric": [metric]}));
        answer["series"].as_array().unwrap().clone()
    };
    assert!(read("mainstay_check_figure").is_empty(), "another agent's word counts for nothing");
    message(house.kernel(), "look_results", web, &body).unwrap();
    let figure = read("mainstay_check_figure");
    assert_eq!(
        (figure[0]["labels"]["figure"].as_str(), &figure[0]["points"][0][1]),
        (Some("loss_percent"), &json!(33.0))
    );
    assert_eq!(read("mainstay_check_value")[0]["points"][0][1], json!(12.5));
    assert_eq!(house.state(id), "ok");
}

/// A job asks for its address.
fn ping(house: &House, path: &str) -> Said {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let template = if parts.len() > 2 { "/heartbeat/{secret}/{signal}" } else { "/heartbeat/{secret}" };
    let endpoint = house.kernel().registry().endpoints().find(|one| one.path == template).unwrap();
    let mut fields = BTreeMap::from([("secret", parts[1])]);
    fields.extend(parts.get(2).map(|signal| ("signal", *signal)));
    let asked = Asked {
        actor: Arc::new(Actor::nobody()),
        reach: Reach::default(),
        path: fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        fields: Vec::new(),
        content_type: None,
        content_encoding: None,
        body: b"17 rows\nkept".to_vec(),
        gone: Arc::default(),
    };
    (endpoint.answer)(house.kernel(), &asked)
}

/// Lets the server's own looks run until a check stands so.
pub(crate) fn until(kernel: &Handle, check: i64, state: &str) {
    let show = || crate::restart::call(kernel, "monitor.check.show", json!({"id": check}));
    for _ in 0..2_000 {
        if show()["check"]["state"] == state {
            return;
        }
        kernel.wait(Duration::from_millis(10));
    }
    panic!("{}", show());
}

pub(crate) fn looking(kernel: &Handle) {
    let handle = kernel.clone();
    let service = monitor::domain().kernel.services.into_iter().find(|one| one.name == "looks").unwrap();
    std::thread::spawn(move || (service.run)(handle));
}

#[test]
fn a_job_is_heard_at_its_secret_address_and_its_failure_is_an_alert() {
    let house = House::new();
    let web = house.asset("web-01");
    let made =
        house.call("monitor.check.create", on(web, json!({"kind": "heartbeat", "every_s": 3_600, "interval_s": 10})));
    let id = made["id"].as_i64().unwrap();
    let path = house.call("monitor.heartbeat.address", json!({"id": id}))["path"].as_str().unwrap().to_owned();
    assert_eq!(path.len(), "/heartbeat/".len() + 48);
    assert_eq!(ping(&house, "/heartbeat/guessed").status, 404);
    assert_eq!(ping(&house, &format!("{path}/sleep")).status, 404);
    assert_eq!(ping(&house, &format!("{path}/start")).status, 200);
    house.wait(90);
    assert_eq!(ping(&house, &format!("{path}/3")).status, 200);
    looking(house.kernel());
    until(house.kernel(), id, "firing");
    let shown = house.show(id);
    assert!(shown["check"]["evidence"].as_str().unwrap().contains("exit code 3. It said: 17 rows kept"), "{shown}");
    assert_eq!(shown["results"][0]["value"], json!(90.0));
    house.call("monitor.check.delete", json!({"id": id}));
    assert_eq!(ping(&house, &path).status, 404, "a deleted check hears nothing");
}

#[test]
fn the_server_looks_itself_where_it_is_the_vantage_point() {
    let house = House::new();
    let web = house.asset("web-01");
    house.call("kernel.setting.set", json!({"key": "monitor.looks", "value": {"loopback": true}}));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let fields = json!({"kind": "tcp", "host": "127.0.0.1", "port": port, "vantage": 0, "fire_n": 1, "fire_m": 1});
    let good = house.call("monitor.check.create", on(web, fields))["id"].as_i64().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fields = json!({"kind": "tcp", "host": "127.0.0.1", "port": closed, "vantage": 0, "fire_n": 1, "fire_m": 1});
    let bad = house.call("monitor.check.create", on(web, fields))["id"].as_i64().unwrap();
    looking(house.kernel());
    until(house.kernel(), good, "ok");
    until(house.kernel(), bad, "firing");
    assert!(house.show(bad)["check"]["evidence"].as_str().unwrap().contains("refused"));
    house.call("monitor.check.pause", json!({"id": good}));
    house.call("monitor.check.delete", json!({"id": bad}));
}

#[test]
fn a_fill_up_forecast_is_made_of_the_agents_own_figures() {
    let house = House::new();
    let web = house.asset("web-01");
    house.wait(2 * 86_400);
    let labels = |metric: &str| {
        let labels = [("device", "sda1"), ("mountpoint", "/var")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        agent_proto::SeriesName { name: metric.into(), labels }
    };
    let names = ["node_filesystem_size_bytes", "node_filesystem_avail_bytes", "node_filesystem_free_bytes"];
    let register: Vec<_> = (1_u32..).zip(names.map(labels)).collect();
    message(house.kernel(), "series", web, &register).unwrap();
    let now_ms = house.kernel().now().millis();
    for quarter in 0..96_i64 {
        let left = 60e9 - 0.5e9 * quarter as f64;
        // Root keeps 5 GB back: neither used nor free, as df counts.
        let values = vec![(1, 100e9), (2, left), (3, left + 5e9)];
        let samples = agent_proto::Samples { at_ms: now_ms - (95 - quarter) * 900_000, values };
        message(house.kernel(), "samples", web, &samples).unwrap();
    }
    let check = house.call("monitor.check.create", on(web, json!({"kind": "fill_up", "mount": "/var"})));
    looking(house.kernel());
    until(house.kernel(), check["id"].as_i64().unwrap(), "firing");
    let shown = house.show(check["id"].as_i64().unwrap());
    let evidence = shown["check"]["evidence"].as_str().unwrap();
    assert!(evidence.contains("/var is 86.8 % full; it fills by 44.7 GiB a day and will be full in 6 h"), "{evidence}");
}

#[test]
fn facts_propose_checks_that_one_decision_makes_or_dismisses_for_good() {
    let house = House::new();
    let web = house.asset("web-01");
    house.check(web, "Web server runs");
    let facts = |ports: &[u16]| {
        let section =
            ports.iter().map(|port| (format!("listening.tcp.{port}"), "{\"for\":\"all\"}".to_owned())).collect();
        let facts = agent_proto::facts::whole("listening", house.kernel().now().millis(), &section);
        message(house.kernel(), "facts", web, &facts).unwrap();
    };
    let service = monitor::domain().kernel.services.into_iter().find(|one| one.name == "proposals").unwrap();
    let handle = house.kernel().clone();
    std::thread::spawn(move || (service.run)(handle));
    let list = || house.call("monitor.proposal.list", json!({"asset": web}))["items"].as_array().unwrap().clone();
    let names = || list().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let wait_for = |expected: &[&str]| {
        for _ in 0..2_000 {
            if names() == expected {
                return;
            }
            house.kernel().wait(Duration::from_millis(10));
        }
        panic!("{:?}, expected {expected:?}", names());
    };
    facts(&[22, 443, 5432]);
    let certificate = "Certificate of the web server holds";
    let (web_server, database) = ("Web server answers on port 443", "PostgreSQL takes connections");
    wait_for(&[database, certificate, web_server, "SSH server answers"]);
    let found = list();
    let of = |kind: &str| found.iter().find(|one| one["kind"] == kind).unwrap()["id"].clone();
    let accepted = house.call("monitor.proposal.accept", json!({"id": of("tls")}));
    let check = house.show(accepted["check"].as_i64().unwrap());
    assert_eq!((check["check"]["probe"]["port"].as_i64(), accepted["state"].as_str()), (Some(443), Some("accepted")));
    house.call("monitor.proposal.dismiss", json!({"id": of("ssh")}));
    assert!(house.refused("monitor.proposal.accept", json!({"id": of("ssh")})).message.contains("dismissed by"));
    facts(&[22, 443, 6379]);
    // What closed is gone, what was decided stays so.
    wait_for(&["Redis answers", web_server]);
    // What was accepted and deleted since is proposed again, without another fact.
    house.call("monitor.check.delete", json!({"id": accepted["check"]}));
    house.wait(1);
    wait_for(&[certificate, "Redis answers", web_server]);
}

#[test]
fn a_switch_without_an_agent_is_to_be_pinged_from_here() {
    let house = House::new();
    let service = monitor::domain().kernel.services.into_iter().find(|one| one.name == "proposals").unwrap();
    let old = house.thing("sw-01", "switch");
    let handle = house.kernel().clone();
    std::thread::spawn(move || (service.run)(handle));
    let new = house.thing("sw-02", "switch");
    house.wait(1);
    let proposed = |asset: i64| {
        for _ in 0..2_000 {
            let found =
                house.call("monitor.proposal.list", json!({"asset": asset}))["items"].as_array().unwrap().clone();
            if let [one] = found.as_slice() {
                return one.clone();
            }
            house.kernel().wait(Duration::from_millis(10));
        }
        panic!("nothing is proposed for {asset}");
    };
    assert_eq!(proposed(new)["name"], "sw-02 answers to pings");
    let ping = proposed(old);
    let accepted = house.call("monitor.proposal.accept", json!({"id": ping["id"]}));
    let check = &house.show(accepted["check"].as_i64().unwrap())["check"];
    assert_eq!((&check["probe"]["host"], &check["vantage"]), (&json!("sw-01"), &json!(null)), "{check}");
}
