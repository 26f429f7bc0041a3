//! What the cause engine makes of relations: alternatives of which one is enough, and what agents find.

use agent_proto::CheckState;
use agent_proto::facts::{Section, whole};
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

/// A check that says of a database that nobody gets to it, and of anything else that it gives errors.
fn look(name: &str, asset: i64, kind: &str) -> Value {
    let symptom = if kind == "database" { "unreachable" } else { "errors" };
    json!({"name": name, "asset": asset, "kind": "process", "process": "nginx", "labels": {"symptom": symptom}})
}

/// The two databases are alternatives when they have a group.
fn billing(house: &House, group: &str) -> Billing {
    let thing = |name: &str, kind: &str| {
        let asset = house.thing(name, kind);
        (asset, house.call("monitor.check.create", look(name, asset, kind))["id"].as_i64().unwrap())
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

    /// Ten seconds pass, so many times, in which these fail and the others are well.
    fn goes_on(&self, house: &House, times: usize, failing: &[(i64, i64)]) {
        let all = [self.app, self.databases[0], self.databases[1]];
        let well: Vec<(i64, i64)> = all.into_iter().filter(|one| !failing.contains(one)).collect();
        for _ in 0..times {
            self.say(house, failing, CheckState::Fail);
            self.say(house, &well, CheckState::Ok);
        }
    }

    /// One database is lost, and a good minute later the application fails: right away it would be a takeover that came
    /// late.
    fn fails_after_its_database(&self, house: &House) {
        self.goes_on(house, 8, &[self.databases[0]]);
        assert_eq!(open_groups(house), [(self.databases[0].0, 1)]);
        self.goes_on(house, 2, &[self.databases[0], self.app]);
    }

    /// Both in one group, or each in its own.
    fn together(&self) -> Vec<(i64, i64)> {
        vec![(self.databases[0].0, 2)]
    }

    fn apart(&self) -> Vec<(i64, i64)> {
        vec![(self.app.0, 1), (self.databases[0].0, 1)]
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

#[test]
fn an_application_on_any_of_two_databases_does_not_fail_for_the_loss_of_one() {
    let house = House::new();
    let billing = billing(&house, "databases");
    billing.fails_after_its_database(&house);
    assert_eq!(open_groups(&house), billing.apart(), "one database is left, so this is a fault of its own");
}

#[test]
fn an_application_that_needs_both_of_its_databases_fails_with_one() {
    let house = House::new();
    let billing = billing(&house, "");
    billing.fails_after_its_database(&house);
    assert_eq!(open_groups(&house), billing.together());
}

#[test]
fn what_is_said_of_alternatives_later_counts_at_once() {
    for (first, then) in [("databases", ""), ("", "databases")] {
        let house = House::new();
        let billing = billing(&house, first);
        for relation in billing.relations {
            house.call("assets.relation.update", json!({"relation": relation, "group": then}));
        }
        billing.fails_after_its_database(&house);
        let expected = if then.is_empty() { billing.together() } else { billing.apart() };
        assert_eq!(open_groups(&house), expected, "{first} {then}");
    }
}

#[test]
fn alternatives_are_still_alternatives_after_a_restart() {
    assert_eq!(groups_after_a_restart("databases"), 2);
    assert_eq!(groups_after_a_restart(""), 1);
}

/// How many groups there are when an application fails after one of its databases, both after a restart.
fn groups_after_a_restart(group: &str) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_alternatives_{}{group}", std::process::id());
    let thing = |kernel: &Handle, name: &str, kind: &str| {
        let asset = call(kernel, "assets.thing.create", json!({"name": name, "kind": kind}))["id"].as_i64().unwrap();
        (asset, call(kernel, "monitor.check.create", look(name, asset, kind))["id"].as_i64().unwrap())
    };
    let (app, [lost, left]) = {
        let kernel = open(folder.path(), &clock, &name);
        let app = thing(&kernel, "billing", "service");
        let databases = ["db-1", "db-2"].map(|name| thing(&kernel, name, "database"));
        for (database, _) in databases {
            let input = json!({"id": app.0, "kind": "depends_on", "to": database, "group": group});
            call(&kernel, "assets.relation.add", input);
        }
        kernel.shut_down();
        (app, databases)
    };
    let kernel = open(folder.path(), &clock, &name);
    for turn in 0..10 {
        let failing = |yes: bool| if yes { CheckState::Fail } else { CheckState::Ok };
        for ((asset, check), state) in [(app, failing(turn > 7)), (left, CheckState::Ok), (lost, failing(turn > 0))] {
            message(&kernel, "check_results", asset, &vec![result(&kernel, check, state)]).unwrap();
        }
        pass(&kernel, &clock, 10);
    }
    pass(&kernel, &clock, 20);
    let groups = call(&kernel, "monitor.group.list", json!({"state": "open"}))["count"].as_i64().unwrap();
    kernel.shut_down();
    groups
}

/// An agent reports the addresses of its machine and its gateway, and what follows is done.
fn addressed(house: &House, asset: i64, own: &str, gateway: Option<&str>) {
    let facts = [("interfaces.eth0", json!({"addresses": [own]})), ("network.gateway", json!(gateway))];
    let section: Section = facts.into_iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect();
    message(house.kernel(), "facts", asset, &whole("interfaces", house.kernel().now().millis(), &section)).unwrap();
    house.world.settle().unwrap();
}

/// Of how many things a switch or gateway is known: all, known, found by agents; and the names of the others.
fn network(house: &House) -> (i64, i64, i64, Vec<String>) {
    let coverage = house.call("assets.relation.coverage", json!({}));
    let of = coverage["items"].as_array().unwrap().iter().find(|one| one["need"] == "network").unwrap().clone();
    let number = |field: &str| of[field].as_i64().unwrap();
    let others = house.call("assets.thing.list", json!({"filter": of["filter"]}));
    let names = others["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
    (number("things"), number("known"), number("discovered"), names.collect())
}

#[test]
fn lesson_10_the_graph_is_discovered_too_a_typed_relation_goes_before_and_coverage_is_shown() {
    let house = House::new();
    let [gate, pair] = ["gate-01", "gate-pair"].map(|name| house.thing(name, "router"));
    let [web, mail] = ["web-01", "mail-01"].map(|name| house.asset(name));
    let both = || vec!["mail-01".to_owned(), "web-01".to_owned()];
    assert_eq!(network(&house), (2, 0, 0, both()), "nothing is known yet, and who is to be filled in is listed");
    addressed(&house, gate, "10.0.0.1/24", None);
    addressed(&house, web, "10.0.0.5/24", Some("10.0.0.1"));
    assert_eq!(network(&house), (2, 1, 1, vec!["mail-01".to_owned()]));
    let look = |asset: i64| (asset, house.check(asset, "Runs"));
    let checks = [look(gate), look(web), look(mail)];
    house.wait(1);
    for state in [CheckState::Ok, CheckState::Fail, CheckState::Fail] {
        house.wait(5);
        for (asset, check) in &checks[..2] {
            house.send(*asset, vec![house.result(*check, state)]).unwrap();
        }
        house.send(mail, vec![house.result(checks[2].1, CheckState::Ok)]).unwrap();
    }
    assert_eq!(open_groups(&house), [(gate, 2)], "what goes out by the gateway is in its group");
    house.link(web, "routes_by", pair);
    assert_eq!(network(&house), (2, 1, 0, vec!["mail-01".to_owned()]));
    let relations = house.call("assets.relation.list", json!({"id": web}));
    assert_eq!(
        (relations["items"][0]["other"].as_i64(), relations["items"].as_array().unwrap().len()),
        (Some(pair), 1)
    );
}
