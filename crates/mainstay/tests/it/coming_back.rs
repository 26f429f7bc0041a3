//! From results to incidents with every domain at work and a clock of the test's own: what keeps coming back stays open,
//! says why where people look, and ends by itself; what joins a group is answered by the runbook bound to it.

use std::any::Any;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use agent_proto::{CheckResult, CheckState};
use kernel::Ref;
use kernel::registry::AgentFrom;
use kernel::time::SECOND;
use serde_json::{Value, json};

use crate::house::House;

pub(crate) struct Web {
    pub(crate) house: House,
    asset: i64,
}

const BOOK: &str = "
name: look-after-web
title: Look after the web server
target: machine
inputs: { machine: { type: asset } }
steps:
  - name: restart
    service: { unit: web.service, verb: restart }
";

impl Web {
    pub(crate) fn new() -> Self {
        let house = House::new();
        let made = house.call(&house.admin(), "assets.thing.create", json!({"name": "web-01", "kind": "server"}));
        let asset = made["id"].as_i64().unwrap();
        Self { house, asset }
    }

    pub(crate) fn call(&self, operation: &str, input: Value) -> Value {
        self.house.call(&self.house.admin(), operation, input)
    }

    pub(crate) fn check(&self, name: &str) -> i64 {
        let input = json!({"name": name, "asset": self.asset, "kind": "process", "process": "nginx"});
        self.call("monitor.check.create", input)["id"].as_i64().unwrap()
    }

    /// Every ten seconds the agent reports one result of a check: `g` good, `b` bad.
    pub(crate) fn report(&self, check: i64, results: &str) {
        let kernel = &self.house.world.kernel;
        for letter in results.chars() {
            for _ in 0..10 {
                self.house.world.clock.advance(SECOND);
                monitor::tick(kernel).unwrap();
            }
            let bad = letter == 'b';
            let result = CheckResult {
                check_id: check,
                generation: 1,
                at_ms: kernel.now().millis(),
                state: if bad { CheckState::Fail } else { CheckState::Ok },
                value: None,
                took_us: 1_000,
                evidence: if bad { "no process nginx runs" } else { "1 process nginx runs" }.into(),
            };
            let from = AgentFrom { asset: self.asset, agent: 1, at: kernel.now() };
            let body: &dyn Any = &vec![result];
            for handler in kernel.registry().messages("check_results") {
                (handler.handle)(kernel, &from, body).unwrap();
            }
            self.house.world.settle().unwrap();
        }
    }

    /// Incidents, oldest first: state and everything that stands on the ticket.
    fn incidents(&self) -> Vec<(String, String)> {
        let page = self.call("desk.ticket.list", json!({"filter": "kind:incident"}));
        let mut ids: Vec<i64> =
            page["items"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        let show = |id: i64| {
            let ticket = self.call("desk.ticket.show", json!({"id": id}));
            (ticket["status"].as_str().unwrap().to_owned(), format!("{} {}", ticket["detail"], ticket["conversation"]))
        };
        ids.into_iter().map(show).collect()
    }
}

#[test]
fn the_third_fault_in_a_row_leaves_an_incident_that_says_why_it_is_open_and_resolves_when_it_is_stable() {
    let web = Web::new();
    let check = web.check("Web server runs");
    let states = |web: &Web| web.incidents().into_iter().map(|one| one.0).collect::<Vec<_>>();
    web.report(check, "gggbbbggg");
    assert_eq!(states(&web), ["resolved"]);
    web.report(check, "bbb");
    assert_eq!(states(&web), ["new"], "what is back is the same incident");
    assert!(web.incidents()[0].1.contains("The alert is back, "), "{}", web.incidents()[0].1);
    web.report(check, "gggbbbgggggggg");
    assert_eq!(states(&web), ["new"], "good again, and still open");
    let told = &web.incidents()[0].1;
    assert!(told.contains("It keeps coming back: it failed 3 times in "), "{told}");
    assert!(told.contains("It stays open until 12 good results in a row"), "{told}");
    web.report(check, &"g".repeat(24));
    assert_eq!(states(&web), ["resolved"]);
    assert!(web.incidents()[0].1.contains("12 good results in a row show that it is stable"));
    web.report(check, &"g".repeat(100));
    web.report(check, "bbbb");
    assert_eq!(states(&web), ["resolved", "new"], "a fault long after that is one like any other");
}

/// A server of the web that takes what is sent, and keeps the titles of what came by ntfy.
pub(crate) fn chat() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, titles) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<String>>>::default());
    let keeps = titles.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            keeps.lock().unwrap().push(body["title"].as_str().unwrap().to_owned());
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer).unwrap();
        }
    });
    (url, titles)
}

#[test]
fn what_is_back_within_a_quarter_of_an_hour_is_one_group_one_incident_and_told_to_who_knows() {
    let web = Web::new();
    let (url, titles) = chat();
    let sending = json!({"address": "https://it.example.org", "allow_private": true, "test_hour": -1});
    web.call("kernel.setting.set", json!({"key": "paging.sending", "value": sending}));
    for (name, topic) in [("told", "told"), ("later", "later")] {
        web.call("paging.channel.save", json!({"name": name, "kind": "ntfy", "url": url, "address": topic}));
    }
    let policy = json!({"name": "On duty", "lines": "0 channel:told\n4h channel:later"});
    let policy = web.call("paging.policy.save", policy)["id"].clone();
    web.call("kernel.setting.set", json!({"key": "paging.default", "value": {"policy": policy}}));
    let check = web.check("Web server runs");
    web.report(check, "gggbbbb");
    let group = web.call("monitor.group.list", json!({"state": "open"}))["items"][0]["id"].clone();
    web.call("monitor.group.acknowledge", json!({"id": group}));
    web.report(check, "ggggg");
    assert_eq!(web.incidents()[0].0, "resolved");
    web.report(check, &"g".repeat(12));
    web.report(check, "bbb");
    let open = web.call("monitor.group.list", json!({"state": "open"}))["items"].clone();
    assert_eq!((&open[0]["id"], &open[0]["acknowledged_by"], &open[1]), (&group, &Value::Null, &Value::Null));
    let incidents = web.incidents();
    assert_eq!((incidents.len(), incidents[0].0.as_str()), (1, "new"), "the same incident");
    let title = "Fails on web-01: Web server runs";
    let told = || titles.lock().unwrap().clone();
    assert_eq!(told(), ["Alert", "Recovered", "Again"].map(|word| format!("{word}: {title}")));
    web.report(check, &"g".repeat(14));
    assert_eq!((web.incidents()[0].0.as_str(), told().len()), ("resolved", 4), "{:?}", told());
    let timeline =
        web.house.world.kernel.read_as(&web.house.admin(), |cx| {
            cx.timeline(&Ref::new("alert_group", group.as_i64().unwrap()), None, 100)
        });
    let names: Vec<String> = timeline.unwrap().into_iter().rev().map(|event| event.name).collect();
    let turns = names.iter().filter(|name| {
        ["monitor.group.opened", "monitor.group.recovered", "monitor.group.reopened"].contains(&name.as_str())
    });
    let turns: Vec<&str> = turns.map(|name| name.trim_start_matches("monitor.group.")).collect();
    assert_eq!(turns, ["opened", "recovered", "reopened", "recovered"]);
}

#[test]
fn an_incident_that_was_open_before_is_told_that_its_alert_comes_and_goes() {
    let web = Web::new();
    let check = web.check("Web server runs");
    web.call("monitor.check.update", json!({"id": check, "clear_k": 3}));
    web.report(check, "bbggbggbgg");
    let incidents = web.incidents();
    assert_eq!((incidents.len(), incidents[0].0.as_str()), (1, "new"));
    assert!(incidents[0].1.contains("The alert comes and goes."), "{}", incidents[0].1);
    web.report(check, &"g".repeat(20));
    assert_eq!(web.incidents()[0].0, "resolved");
}

#[test]
fn what_is_bound_to_a_check_that_joins_a_group_is_proposed_for_that_group() {
    let web = Web::new();
    let (first, second) = (web.check("Web server runs"), web.check("Port 443 answers"));
    let saved = web.call("runbooks.runbook.save", json!({"yaml": BOOK}));
    let bind = json!({"check": format!("check:{second}"), "runbook": saved["id"], "version": saved["version"], "mode": "propose"});
    web.call("runbooks.binding.add", bind);
    web.report(first, "bb");
    let runs = |web: &Web| web.call("runbooks.run.list", json!({}))["items"].as_array().unwrap().clone();
    assert!(runs(&web).is_empty(), "nothing is bound to the check that opened the group");
    web.report(second, "bbb");
    let groups = web.call("monitor.group.list", json!({"state": "open"}));
    assert_eq!((groups["count"].as_i64(), groups["items"][0]["open_alerts"].as_i64()), (Some(1), Some(2)));
    let runs = runs(&web);
    assert_eq!(runs.len(), 1);
    let facts = (runs[0]["state"].as_str(), runs[0]["asset"].as_str(), runs[0]["cause"].as_str());
    let (asset, group) = (format!("asset:{}", web.asset), format!("alert_group:{}", groups["items"][0]["id"]));
    assert_eq!(facts, (Some("proposed"), Some(asset.as_str()), Some(group.as_str())));
}
