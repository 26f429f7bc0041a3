//! Who is told of one alert of a group for itself, under silences and after them.

use agent_proto::CheckState;
use serde_json::{Value, json};

use crate::house::House;

/// A machine with checks, each with its service and team.
struct Scene {
    house: House,
    asset: i64,
    checks: Vec<i64>,
    teams: Vec<i64>,
}

impl Scene {
    fn new(services: &[(&str, usize)]) -> Self {
        let house = House::new();
        let asset = house.asset("pay-01");
        let team = |name: &str| {
            house.call("people.team.create", json!({"name": name, "slug": name.to_lowercase()}))["id"].as_i64().unwrap()
        };
        let teams: Vec<i64> = ["Web", "Databases"].into_iter().map(team).collect();
        let check = |(service, team): &(&str, usize)| {
            let labels = json!([format!("service={service}")]);
            let input = json!({"name": format!("{service} runs"), "asset": asset, "kind": "process", "process": service,
                "labels": labels, "team": teams[*team]});
            house.call("monitor.check.create", input)["id"].as_i64().unwrap()
        };
        let checks = services.iter().map(check).collect();
        Self { house, asset, checks, teams }
    }

    fn say(&self, states: &[CheckState], checks: &[usize]) {
        for state in states {
            self.house.wait(10);
            let results = checks.iter().map(|nth| self.house.result(self.checks[*nth], *state)).collect();
            self.house.send(self.asset, results).unwrap();
        }
        self.house.wait(15);
    }

    fn fail(&self, checks: &[usize]) {
        self.say(&[CheckState::Ok, CheckState::Fail, CheckState::Fail], checks);
    }

    fn silence(&self, what: Value) -> i64 {
        let mut input = json!({"minutes": 60, "reason": "It is known"});
        input.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        self.house.call("monitor.silence.create", input)["id"].as_i64().unwrap()
    }

    fn group(&self) -> Value {
        let open = self.house.groups("open");
        assert_eq!(open.len(), 1, "{open:?}");
        open[0].clone()
    }

    /// The services of the alerts that are told for themselves, event by event.
    fn own(&self, event: &str) -> Vec<Vec<String>> {
        let events = self.house.events("alert_group", self.group()["id"].as_i64().unwrap(), event);
        let service = |one: &Value| one["labels"]["service"].as_str().unwrap().to_owned();
        let own = |event: &kernel::StoredEvent| {
            let fields: Value = event.fields().unwrap();
            fields["own"].as_array().unwrap().iter().map(service).collect::<Vec<String>>()
        };
        events.iter().map(own).collect()
    }

    /// Those of alerts that joined.
    fn joined(&self) -> Vec<String> {
        self.own("monitor.group.changed").concat()
    }
}

#[test]
fn an_alert_that_joins_under_a_silence_is_told_for_itself_when_that_ends() {
    let scene = Scene::new(&[("disk", 0), ("queue", 1), ("mail", 1)]);
    scene.fail(&[0]);
    scene.fail(&[1]);
    assert_eq!(scene.joined(), ["queue"]);
    let silence = scene.silence(json!({"check": scene.checks[2]}));
    scene.fail(&[2]);
    assert_eq!(scene.joined(), ["queue"], "a silence covers it");
    scene.house.call("monitor.silence.end", json!({"id": silence}));
    scene.house.wait(6);
    assert_eq!(scene.joined(), ["queue", "mail"]);
    scene.house.wait(60);
    assert_eq!(scene.joined(), ["queue", "mail"], "once");
}

#[test]
fn a_silence_of_a_team_covers_what_that_team_is_told_of_and_nothing_else() {
    let scene = Scene::new(&[("disk", 0), ("queue", 1)]);
    scene.silence(json!({"team": scene.teams[1]}));
    scene.fail(&[0]);
    scene.fail(&[1]);
    assert_eq!(scene.joined(), Vec::<String>::new(), "it is silenced by its own people");
    let other = Scene::new(&[("disk", 0), ("queue", 1)]);
    other.silence(json!({"team": other.teams[0]}));
    other.fail(&[0]);
    assert_eq!(other.group()["silenced"], true);
    other.fail(&[1]);
    let group = other.group();
    assert_eq!((&group["silenced"], &group["team"]), (&json!(false), &json!(other.teams[1])), "{group}");
    assert_eq!(group["title"], "Fails on pay-01: queue runs");
}

#[test]
fn a_group_whose_first_alert_is_over_or_under_a_silence_is_led_by_one_that_is_not() {
    let scene = Scene::new(&[("disk", 0), ("queue", 1)]);
    scene.silence(json!({"check": scene.checks[0]}));
    let second = scene.silence(json!({"check": scene.checks[1]}));
    scene.fail(&[0, 1]);
    assert_eq!(scene.group()["silenced"], true);
    scene.say(&[CheckState::Ok, CheckState::Ok], &[0]);
    scene.house.call("monitor.silence.end", json!({"id": second}));
    scene.house.wait(6);
    let group = scene.group();
    assert_eq!((&group["team"], &group["labels"]["service"]), (&json!(scene.teams[1]), &json!("queue")), "{group}");
    assert!(group["title"].as_str().unwrap().ends_with("queue runs"), "{group}");
}

#[test]
fn alerts_that_fail_at_once_are_led_by_the_first_that_no_silence_covers() {
    let scene = Scene::new(&[("disk", 0), ("queue", 1)]);
    scene.house.call("monitor.check.update", json!({"id": scene.checks[1], "severity": "warning"}));
    scene.silence(json!({"check": scene.checks[0]}));
    scene.fail(&[0, 1]);
    let group = scene.group();
    assert_eq!((&group["team"], &group["labels"]["service"]), (&json!(scene.teams[1]), &json!("queue")), "{group}");
    assert!(group["title"].as_str().unwrap().ends_with("queue runs"), "{group}");
    assert_eq!((&group["silenced"], &group["severity"]), (&json!(false), &json!("warning")), "{group}");
    assert_eq!(scene.own("monitor.group.opened"), [Vec::<String>::new()], "nobody is told of the disk");
}

#[test]
fn what_a_silence_covers_wakes_nobody_by_how_much_it_matters_until_the_silence_ends() {
    let scene = Scene::new(&[("disk", 0), ("queue", 1)]);
    scene.house.call("monitor.check.update", json!({"id": scene.checks[0], "severity": "warning"}));
    let silence = scene.silence(json!({"check": scene.checks[1]}));
    scene.fail(&[0]);
    scene.fail(&[1]);
    assert_eq!(scene.group()["severity"], "warning", "the queue is critical, and covered");
    scene.house.call("monitor.silence.end", json!({"id": silence}));
    scene.house.wait(6);
    assert_eq!((scene.group()["severity"].as_str(), scene.joined()), (Some("critical"), vec!["queue".to_owned()]));
}

#[test]
fn what_is_back_without_the_alert_that_led_is_led_by_it_and_told_once() {
    let scene = Scene::new(&[("disk", 0), ("queue", 1), ("mail", 0)]);
    scene.fail(&[0]);
    scene.fail(&[1]);
    scene.say(&[CheckState::Ok, CheckState::Ok, CheckState::Ok], &[0, 1]);
    scene.house.wait(60);
    assert_eq!(scene.house.groups("open").len(), 0);
    scene.fail(&[1, 2]);
    let group = scene.group();
    assert_eq!((&group["team"], &group["reopened"]), (&json!(scene.teams[1]), &json!(1)), "{group}");
    assert!(group["title"].as_str().unwrap().ends_with("queue runs"), "{group}");
    assert_eq!(scene.own("monitor.group.reopened"), [["mail"]]);
    assert_eq!(scene.joined(), ["queue"], "of the first time: what is told with the group is not told again");
}
