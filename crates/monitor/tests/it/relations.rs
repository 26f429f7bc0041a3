//! What the cause engine makes of relations as people write them down: alternatives of which one is enough.

use agent_proto::CheckState;
use kernel::time::SECOND;
use kernel::{Clock, Handle};
use serde_json::{Value, json};

use crate::house::{House, message, result};
use crate::restart::{call, open, pass};

/// An application on two databases, each with a check.
struct Billing {
    app: (i64, i64),
    databases: [(i64, i64); 2],
    relations: [i64; 2],
}

/// The two databases are alternatives when they have a group.
fn billing(house: &House, group: &str) -> Billing {
    let thing = |name: &str, kind: &str| {
        let asset = house.thing(name, kind);
        (asset, house.check(asset, "Runs"))
    };
    let (app, databases) = (thing("billing", "service"), ["db-1", "db-2"].map(|name| thing(name, "database")));
    let relations = databases.map(|(database, _)| {
        let input = json!({"id": app.0, "kind": "depends_on", "to": database, "group": group});
        house.call("assets.relation.add", input)["id"].as_i64().unwrap()
    });
    house.wait(1);
    let billing = Billing { app, databases, relations };
    billing.say(house, &[app, billing.databases[0], billing.databases[1]], CheckState::Ok);
    billing
}

impl Billing {
    fn say(&self, house: &House, checks: &[(i64, i64)], state: CheckState) {
        house.wait(5);
        for (asset, check) in checks {
            house.send(*asset, vec![house.result(*check, state)]).unwrap();
        }
    }

    fn fails(&self, house: &House, checks: &[(i64, i64)]) {
        self.say(house, checks, CheckState::Fail);
        self.say(house, checks, CheckState::Fail);
    }
}

/// The assets of the open groups, in order, with how many alerts each has.
fn open_groups(house: &House) -> Vec<(i64, i64)> {
    let number = |group: &Value, field: &str| group[field].as_i64().unwrap();
    let mut open: Vec<_> =
        house.groups("open").iter().map(|group| (number(group, "asset"), number(group, "open_alerts"))).collect();
    open.sort_unstable();
    open
}

/// What speaks against the first candidate of the only group.
fn against(house: &House) -> String {
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups[0]["cause"]["candidates"][0]["reasons_against"].to_string()
}

#[test]
fn an_application_on_any_of_two_databases_is_well_while_one_of_them_is() {
    let house = House::new();
    let billing = billing(&house, "databases");
    let [lost, left] = billing.databases;
    billing.fails(&house, &[lost]);
    assert_eq!(open_groups(&house), [(lost.0, 1)]);
    assert!(!against(&house).contains("billing"), "that it is well is no wonder: {}", against(&house));
    // Right away it would be a takeover that came late.
    for _ in 0..60 {
        billing.say(&house, &[lost], CheckState::Fail);
        billing.say(&house, &[left, billing.app], CheckState::Ok);
    }
    billing.fails(&house, &[billing.app]);
    let own = [(billing.app.0, 1), (lost.0, 1)];
    assert_eq!(open_groups(&house), own, "one database is left, so this is a fault of its own");
}

#[test]
fn an_application_that_needs_both_of_its_databases_fails_with_one() {
    let house = House::new();
    let billing = billing(&house, "");
    billing.fails(&house, &[billing.databases[0]]);
    assert!(against(&house).contains("billing"), "it should fail too: {}", against(&house));
    billing.fails(&house, &[billing.app]);
    assert_eq!(open_groups(&house), [(billing.databases[0].0, 2)]);
}

#[test]
fn what_is_said_of_alternatives_later_counts_at_once() {
    for (first, then) in [("databases", ""), ("", "databases")] {
        let house = House::new();
        let billing = billing(&house, first);
        for relation in billing.relations {
            house.call("assets.relation.update", json!({"relation": relation, "group": then}));
        }
        house.wait(1);
        billing.fails(&house, &[billing.databases[0]]);
        assert_eq!(against(&house).contains("billing"), then.is_empty(), "{}", against(&house));
    }
}

#[test]
fn alternatives_are_still_alternatives_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_alternatives_{}", std::process::id());
    let thing = |kernel: &Handle, name: &str, kind: &str| {
        let made = call(kernel, "assets.thing.create", json!({"name": name, "kind": kind}));
        let asset = made["id"].as_i64().unwrap();
        let input = json!({"asset": asset, "kind": "process", "process": "nginx"});
        (asset, call(kernel, "monitor.check.create", input)["id"].as_i64().unwrap())
    };
    let (app, databases) = {
        let kernel = open(folder.path(), &clock, &name);
        let app = thing(&kernel, "billing", "service");
        let databases = ["db-1", "db-2"].map(|name| thing(&kernel, name, "database"));
        for (database, _) in databases {
            let input = json!({"id": app.0, "kind": "depends_on", "to": database, "group": "databases"});
            call(&kernel, "assets.relation.add", input);
        }
        kernel.shut_down();
        (app, databases)
    };
    let kernel = open(folder.path(), &clock, &name);
    let say = |(asset, check): (i64, i64), state: CheckState| {
        clock.advance(SECOND);
        monitor::tick(&kernel).unwrap();
        message(&kernel, "check_results", asset, &vec![result(&kernel, check, state)]).unwrap();
    };
    for state in [CheckState::Ok, CheckState::Fail, CheckState::Fail] {
        say(app, CheckState::Ok);
        say(databases[1], CheckState::Ok);
        say(databases[0], state);
    }
    pass(&kernel, &clock, 20);
    let groups = call(&kernel, "monitor.group.list", json!({"state": "open"}));
    assert_eq!((groups["count"].as_i64(), groups["items"][0]["asset"].as_i64()), (Some(1), Some(databases[0].0)));
    let against = groups["items"][0]["cause"]["candidates"][0]["reasons_against"].to_string();
    assert!(!against.contains("billing"), "{against}");
    kernel.shut_down();
}
