//! Alerts of imported rules take part in finding causes: what their expressions look for is read from them.

use kernel::{Actor, Event, Ref};
use serde::Serialize;
use serde_json::{Value, json};

use crate::house::House;

const NODES: &str = "groups:\n- name: node\n  interval: 10s\n  rules:\n  \
                     - {alert: InstanceDown, expr: 'up{job=\"node\"} == 0', labels: {severity: critical}}\n  \
                     - {alert: SwitchDown, expr: 'up{job=\"snmp\"} == 0', labels: {severity: critical}}\n";

/// A server elsewhere, ten servers and their switch as their exporters say.
fn farm(elsewhere: f64, servers: f64, switch: f64) -> Vec<(&'static str, Value, f64)> {
    let server = |n: i64, value: f64| ("up", json!({"job": "node", "instance": format!("srv-{n}:9100")}), value);
    let mut all = vec![server(0, elsewhere)];
    all.extend((1..=10).map(|n| server(n, servers)));
    all.push(("up", json!({"job": "snmp", "instance": "sw-1"}), switch));
    all
}

/// The rule of an imported file with this name.
fn rule_named(house: &House, name: &str) -> Value {
    let rules = house.call("monitor.rule.list", json!({}))["items"].as_array().unwrap().clone();
    rules.into_iter().find(|rule| rule["name"] == name).unwrap()
}

#[test]
fn a_switch_and_its_servers_that_do_not_answer_any_more_are_one_group_of_the_switch() {
    let house = House::new();
    let switch = house.thing("sw-1", "switch");
    for n in 1..=10 {
        house.link(house.thing(&format!("srv-{n}"), "server"), "connected_to", switch);
    }
    house.call("monitor.rule.import", json!({"name": "node.yml", "text": NODES}));
    // What is known to be well while the others are lost: not everything is.
    house.thing("srv-0", "server");
    house.play(60, &farm(0.0, 1.0, 1.0));
    house.play(1_200, &farm(1.0, 1.0, 1.0));
    assert!(house.groups("open").is_empty());
    house.play(60, &farm(1.0, 0.0, 0.0));
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1, "{groups:?}");
    let id = groups[0]["id"].as_i64().unwrap();
    let shown = house.call("monitor.group.show", json!({"id": id}));
    assert_eq!((&groups[0]["open_alerts"], &groups[0]["asset"]), (&json!(11), &json!(switch)), "{shown}");
    let first = &shown["group"]["cause"]["candidates"][0];
    assert_eq!((&first["what"], &first["explained"]), (&json!("sw-1 is down"), &json!(11)), "{first}");
    assert_eq!(house.events("alert_group", id, "monitor.group.opened").len(), 1, "told once, so one incident");
    house.play(600, &farm(1.0, 1.0, 1.0));
    assert!(house.groups("open").is_empty());
    // A server alone is itself.
    let mut one = farm(1.0, 1.0, 1.0);
    one[4].2 = 0.0;
    house.play(60, &one);
    let groups = house.groups("open");
    assert_eq!((groups.len(), &groups[0]["open_alerts"]), (1, &json!(1)), "{groups:?}");
    assert!(groups[0]["title"].as_str().unwrap().contains("srv-4"), "{groups:?}");
}

#[test]
fn a_rule_says_what_its_alerts_are_taken_as_and_their_checks_follow_a_change_of_it() {
    let house = House::new();
    let (switch, server) = (house.thing("sw-1", "switch"), house.thing("srv-1", "server"));
    house.link(server, "connected_to", switch);
    let text = "groups:\n- name: node\n  interval: 10s\n  rules:\n  - {alert: Dark, expr: orders < 1}\n  - {alert: SwitchDown, expr: 'up == 0'}\n";
    house.call("monitor.rule.import", json!({"name": "node.yml", "text": text}));
    let taken = |name: &str| rule_named(&house, name)["taken_as"].as_str().unwrap().to_owned();
    assert_eq!(taken("SwitchDown"), "down, as it compares up");
    assert!(taken("Dark").starts_with("other, as its expression says nothing that is known"));
    let page =
        crate::pages::page(&house, "/monitoring/rules/{id}", rule_named(&house, "SwitchDown")["id"].as_i64(), &[]);
    assert!(page.contains("Taken as") && page.contains("down, as it compares up"));
    // Known as an alert of what says nothing, before the rule is changed to what does.
    let orders = |value: f64, up: f64| {
        vec![
            ("orders", json!({"instance": "srv-1:9100"}), value),
            ("pg_up", json!({"instance": "srv-1:9100"}), value),
            ("up", json!({"instance": "sw-1"}), up),
        ]
    };
    house.play(30, &orders(0.0, 1.0));
    house.play(600, &orders(1.0, 1.0));
    assert!(house.groups("open").is_empty());
    house.call("monitor.rule.update", json!({"id": rule_named(&house, "Dark")["id"], "expr": "pg_up == 0"}));
    assert_eq!(taken("Dark"), "down, as it compares pg_up");
    house.play(60, &orders(0.0, 0.0));
    let groups = house.groups("open");
    assert_eq!((groups.len(), &groups[0]["asset"]), (1, &json!(switch)), "{groups:?}");
}

#[test]
fn alerts_of_one_rule_at_things_of_which_nothing_is_known_are_one_group() {
    let house = House::new();
    let names = ["a-1", "web-2", "db-3", "cache-4", "mail-5", "w-6", "w-7", "w-8", "x-9", "y-10"];
    for name in names {
        house.asset(name);
    }
    let text = "groups:\n- name: own\n  interval: 10s\n  rules:\n  - {alert: Stuck, expr: orders == 0}\n  \
                - {alert: Gone, expr: pg_up == 0}\n";
    house.call("monitor.rule.import", json!({"name": "own.yml", "text": text}));
    for (metric, rule) in [("orders", "Stuck"), ("pg_up", "Gone")] {
        let all = |value: f64| -> Vec<(&str, Value, f64)> {
            // One that was well again keeps the monitor from doubting itself.
            let other = (metric, json!({"instance": "elsewhere"}), 1.0);
            names
                .iter()
                .map(|name| (metric, json!({"instance": format!("{name}:9100")}), value))
                .chain([other])
                .collect()
        };
        house.play(30, &[(metric, json!({"instance": "elsewhere"}), 0.0)]);
        house.play(900, &all(1.0));
        assert!(house.groups("open").is_empty(), "{rule}");
        house.play(60, &all(0.0));
        let groups = house.groups("open");
        assert_eq!((groups.len(), &groups[0]["open_alerts"]), (1, &json!(10)), "{rule}: {groups:?}");
        let shown = house.call("monitor.group.show", json!({"id": groups[0]["id"]}));
        let doubt = shown["group"]["cause"]["undetermined"].as_str().unwrap().to_owned();
        assert!(doubt.contains(&format!("({rule})")) && doubt.contains("Grouped by time and labels alone"), "{doubt}");
        house.play(900, &all(1.0));
    }
}

/// An interface of a machine has these addresses.
fn addressed(house: &House, asset: i64, addresses: &[&str]) {
    let addresses = json!(addresses);
    let write = move |cx: &mut kernel::Cx| {
        let section =
            [("interfaces.eth0".to_owned(), json!({"physical": true, "addresses": addresses.clone()}).to_string())];
        let section: agent_proto::facts::Section = section.into_iter().collect();
        let facts = agent_proto::facts::whole("interfaces", cx.now.millis(), &section);
        assets::store_facts(cx, asset, "agent", &facts).map(|_| ())
    };
    house.kernel().write_as(house.admin.clone(), "test.facts", write).unwrap();
}

#[test]
fn an_alert_whose_instance_is_an_address_is_about_the_one_thing_that_has_it() {
    let house = House::new();
    let (web, twin, other) = (house.asset("web-01"), house.asset("web-02"), house.asset("web-03"));
    addressed(&house, web, &["10.20.0.5/24", "172.17.0.1/16", "fe80::1/64", "2001:db8::5/64"]);
    addressed(&house, twin, &["10.20.0.6/24", "172.17.0.1/16"]);
    addressed(&house, other, &["10.20.0.7/24"]);
    house.call("assets.thing.retire", json!({"id": other, "reason": "gone"}));
    let rule = house.rule(json!({}));
    let at = |address: &str| ("load", json!({"instance": format!("{address}:9100")}), 95.0);
    let hosts = ["10.20.0.5", "[2001:db8::5]", "10.20.0.6", "172.17.0.1", "10.20.0.7", "10.20.0.55", "[fe80::1]"];
    house.play(30, &hosts.map(at));
    let alerts = house.alerts_of(rule);
    let about = |host: &str| {
        let alert = alerts.iter().find(|one| one["labels"]["instance"] == format!("{host}:9100")).unwrap();
        house.show(alert["check"].as_i64().unwrap())["check"]["asset"].as_i64()
    };
    let found = hosts.map(about);
    assert_eq!(
        found,
        [Some(web), Some(web), Some(twin), None, None, None, None],
        "of several, of none in use, of none"
    );
}

#[derive(Serialize)]
struct Finished {
    group: i64,
}

impl Event for Finished {
    const NAME: &'static str = "runbooks.run.finished";
    fn subjects(&self) -> Vec<Ref> {
        [("run", 4), ("asset", 1), ("alert_group", self.group), ("runbook", 6)]
            .map(|(kind, id)| Ref::new(kind, id))
            .into()
    }
    fn title(&self) -> String {
        "Runbook \"Restart it\" finished".into()
    }
    fn sample() -> Self {
        Self { group: 9 }
    }
}

/// A rule fires, a runbook finishes for its group, and it fires again; what the next group says of the first.
fn happens_again(house: &House, instance: &str, again: &str) -> (Value, String) {
    let load = |instance: &str, value: f64| vec![("load", json!({"instance": instance, "job": "web"}), value)];
    house.play(60, &load(instance, 95.0));
    let first = house.groups("open")[0]["id"].as_i64().unwrap();
    let tell = move |cx: &mut kernel::Cx| cx.emit(&Finished { group: first });
    house.kernel().write_as(Actor::service("runbooks", &["*"]), "test.finished", tell).unwrap();
    house.play(1_800, &load(instance, 20.0));
    assert!(house.groups("open").is_empty());
    house.play(60, &load(again, 95.0));
    let second = house.groups("open")[0]["id"].as_i64().unwrap();
    assert_ne!(first, second);
    let shown = house.call("monitor.group.show", json!({"id": second}));
    (shown["similar"].clone(), crate::pages::page(house, "/monitoring/groups/{id}", Some(second), &[]))
}

#[test]
fn what_fixed_a_group_is_offered_when_it_happens_again_also_where_no_asset_is_known() {
    for (known, again, startable) in
        [(true, "web-01:9100", true), (false, "web-01:9100", true), (false, "web-02:9100", false)]
    {
        let house = House::new();
        if known {
            house.asset("web-01");
        }
        house.rule(json!({}));
        let (similar, page) = happens_again(&house, "web-01:9100", again);
        assert_eq!(similar.as_array().map(Vec::len), Some(1), "{known} {again}: {similar}");
        let one = &similar[0];
        assert_eq!((&one["fixed_by"], &one["run"]), (&json!("Runbook \"Restart it\" finished"), &json!("run:4")));
        assert_eq!(one["runbook"], if startable { json!("runbook:6") } else { Value::Null }, "{known} {again}");
        assert_eq!(page.contains("Run it again"), startable, "{known} {again}");
        assert!(page.contains("It happened before") && page.contains("/runs/4"));
    }
}
