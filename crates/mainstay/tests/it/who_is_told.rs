//! Who is told of the alerts of one group and who is on what, with monitoring and on-call both at work.

use std::sync::{Arc, Mutex};

use kernel::{Actor, Grant, Ident};
use serde_json::{Value, json};

use crate::coming_back::{Web, chat};

/// A machine with a disk, a payment and a door to look after; what was told of them.
struct Scene {
    web: Web,
    disk: i64,
    payment: i64,
    door: i64,
    titles: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    /// Alerts of payments and of the door go by policies of their own, and so does what is critical of the disk.
    fn new() -> Self {
        let web = Web::new();
        let (url, titles) = chat();
        let sending = json!({ "address": "https://it.example.org", "allow_private": true, "test_hour": -1 });
        web.call("kernel.setting.set", json!({ "key": "paging.sending", "value": sending }));
        let policy = |name: &str, again_after_s: i64| {
            let name = name.to_lowercase();
            web.call("paging.channel.save", json!({ "name": name, "kind": "ntfy", "url": url, "address": name }));
            let lines = format!("0 channel:{name}");
            web.call("paging.policy.save", json!({ "name": name, "lines": lines, "again_after_s": again_after_s }))["id"].clone()
        };
        let rest = policy("rest", 60);
        for name in ["Payment", "Door"] {
            let matchers = format!("alertname=\"{name}\"");
            web.call("paging.route.add", json!({ "name": name, "matchers": matchers, "policy": policy(name, 0) }));
        }
        let critical = json!({ "name": "Critical", "severity": "critical", "policy": policy("rota", 0) });
        web.call("paging.route.add", critical);
        web.call("kernel.setting.set", json!({ "key": "paging.default", "value": { "policy": rest } }));
        let check = |name: &str| web.check(name);
        let (disk, payment, door) = (check("Disk"), check("Payment"), check("Door"));
        web.call("monitor.check.update", json!({ "id": disk, "severity": "warning" }));
        Self { web, disk, payment, door, titles }
    }

    fn titles(&self) -> Vec<String> {
        self.titles.lock().unwrap().clone()
    }

    fn group(&self) -> Value {
        self.web.call("monitor.group.list", json!({ "state": "open" }))["items"][0].clone()
    }

    /// Which alert each escalation is for, who is on it, and its number.
    fn pages(&self) -> Vec<(String, String, i64)> {
        let all = self.web.call("paging.page.list", json!({ "group": self.group()["id"] }));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let by =
            |one: &Value| if one["state"] == "acknowledged" { text(&one["acknowledged_by"]) } else { String::new() };
        let of = |one: &Value| (text(&one["own"]), by(one), one["id"].as_i64().unwrap());
        all["items"].as_array().unwrap().iter().rev().map(of).collect()
    }

    fn on_it(&self) -> Vec<String> {
        self.pages().into_iter().map(|(_, by, _)| by).collect()
    }

    /// Somebody presses the link of an escalation: with no more rights than that gives.
    fn presses(&self, name: &str, nth: usize) {
        let grants = ["paging.page.acknowledge", "monitor.group.acknowledge"].map(Grant::everywhere).to_vec();
        let actor = Actor { ident: Ident::User(2), name: name.into(), grants, ..Actor::nobody() };
        self.web.house.call(&actor, "paging.page.acknowledge", json!({ "id": self.pages()[nth].2 }));
        self.web.house.world.settle().unwrap();
    }

    /// The administrator does something; answers by what it can be undone.
    fn does(&self, operation: &str, input: Value) -> Option<i64> {
        let world = &self.web.house.world;
        let answer = world.answer(&self.web.house.admin(), operation, input).unwrap();
        world.settle().unwrap();
        answer.audit
    }

    fn undoes(&self, entry: Option<i64>) -> Option<i64> {
        self.does("kernel.audit.undo", json!({ "id": entry }))
    }

    fn later(&self, results: &str) {
        self.web.report(self.disk, results);
        paging::tick(&self.web.house.world.kernel).unwrap();
        self.web.house.world.settle().unwrap();
    }
}

#[test]
fn after_an_acknowledgement_ran_out_a_link_takes_on_its_alert_and_the_link_of_the_group_takes_it_over() {
    let scene = Scene::new();
    scene.later("gbbbb");
    scene.presses("Ada", 0);
    scene.later("bbbbbbbb");
    assert_eq!(scene.titles().len(), 2, "it begins anew: {:?}", scene.titles());
    scene.web.report(scene.payment, "gbbb");
    scene.presses("Carol", 1);
    assert_eq!(scene.on_it(), ["", "Carol"], "the group calls on");
    assert_eq!(scene.group()["acknowledged_by"], "Ada");
    scene.presses("Bob", 0);
    assert_eq!((scene.on_it(), &scene.group()["acknowledged_by"]), (vec!["Bob".into(), "Carol".into()], &json!("Bob")));
}

#[test]
fn the_link_of_an_alert_that_somebody_is_on_takes_on_nothing_more() {
    let scene = Scene::new();
    scene.later("gbbbb");
    let group = scene.group()["id"].clone();
    let taken = scene.does("monitor.group.acknowledge", json!({ "id": group }));
    scene.web.report(scene.payment, "gbbb");
    scene.presses("Carol", 1);
    scene.undoes(taken);
    assert_eq!(scene.on_it(), ["", "Carol"]);
    scene.presses("Bob", 1);
    assert_eq!((scene.on_it(), &scene.group()["acknowledged_by"]), (vec![String::new(), "Carol".into()], &Value::Null));
}

#[test]
fn a_takeover_that_is_undone_and_done_again_leaves_each_what_was_theirs() {
    let scene = Scene::new();
    scene.later("gbbbb");
    scene.presses("Bob", 0);
    scene.web.report(scene.payment, "gbbb");
    scene.does("paging.page.acknowledge", json!({ "id": scene.pages()[1].2 }));
    scene.web.report(scene.door, "gbbb");
    let me = "Ada Admin";
    assert_eq!(scene.on_it(), ["Bob", me, ""]);
    let taken = scene.does("monitor.group.acknowledge", json!({ "id": scene.group()["id"], "take_over": true }));
    assert_eq!(scene.on_it(), [me, me, me]);
    let undone = scene.undoes(taken);
    assert_eq!(scene.on_it(), ["Bob", me, ""], "the payment was taken on before");
    scene.undoes(undone);
    assert_eq!(scene.on_it(), [me, me, me]);
}

#[test]
fn what_is_back_is_told_once_and_by_the_name_of_what_is_back() {
    let scene = Scene::new();
    scene.later("gbbbb");
    scene.web.report(scene.payment, "gbbb");
    scene.later("gggg");
    scene.web.report(scene.payment, "gggggg");
    assert!(scene.group().is_null(), "{}", scene.group());
    let before = scene.titles().len();
    scene.web.report(scene.payment, "bbbb");
    let told = scene.titles().split_off(before);
    assert!(scene.group()["reopened"] == 1, "{}", scene.group());
    assert_eq!(told, ["Again: Fails on web-01: Payment", "Again: Fails on web-01: Payment"], "each of the two once");
}

#[test]
fn a_critical_alert_in_a_group_of_warnings_is_told_by_its_own_name_and_to_nobody_else() {
    let scene = Scene::new();
    scene.later("gbbbb");
    assert_eq!(scene.titles(), ["Alert: Fails on web-01: Disk"]);
    scene.web.report(scene.payment, "gbbb");
    assert_eq!(scene.group()["severity"], "critical");
    assert_eq!(scene.titles()[1..], ["Alert: Fails on web-01: Payment".to_owned()], "not by the rota of the disk");
    scene.later("g");
    assert_eq!(scene.titles().len(), 2, "{:?}", scene.titles());
}
