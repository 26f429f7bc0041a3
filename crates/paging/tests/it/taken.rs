//! Taking on a group, or one alert of it: who is on what, and who is still called.

use kernel::time::SECOND;
use serde_json::{Value, json};

use crate::house::{Catcher, House};

/// Disks call Ada; payments call Carol, after ten minutes the shift; doors call Dan, after ten minutes the guard.
struct Two {
    house: House,
    chat: Catcher,
}

impl Two {
    fn new() -> Self {
        let house = House::new();
        let chat = Catcher::new();
        let channel = house.channel("chat", &chat);
        for login in ["ada", "carol", "dan", "shift", "guard"] {
            let user = if login == "ada" { house.user(login) } else { house.person(login) };
            let ways = json!([{ "channel": channel, "address": login }]);
            house.call("paging.contact.save", json!({ "user": user, "items": ways }));
        }
        for (name, lines) in [("Payment", "0 user:carol\n10m user:shift"), ("Door", "0 user:dan\n10m user:guard")] {
            let policy = house.policy(lines, json!({}));
            let matchers = format!("alertname=\"{name}\"");
            house.call("paging.route.add", json!({ "name": name, "matchers": matchers, "policy": policy }));
        }
        house.policy("0 user:ada", json!({ "again_after_s": 3_600 }));
        house.opened(1, json!({}));
        Self { house, chat }
    }

    fn joins(&self, name: &str, title: &str) {
        let own = json!([{ "check": "check:4", "title": title, "severity": "critical", "labels": { "alertname": name }, "evidence": ["b is 0"] }]);
        let fields = json!({ "group": "alert_group:1", "change": "joined", "severity": "warning", "own": own });
        self.house.tell("monitor.group.changed", fields);
    }

    /// What somebody got, oldest first.
    fn got(&self, who: &str) -> Vec<Value> {
        let all = self.chat.got().into_iter().map(|(_, body)| serde_json::from_str::<Value>(&body).unwrap());
        all.filter(|body| body["topic"] == who).collect()
    }

    fn token(&self, who: &str) -> String {
        let got = self.got(who);
        let url = got.last().unwrap()["actions"][0]["url"].as_str().unwrap().to_owned();
        url.rsplit_once('/').unwrap().1.to_owned()
    }

    /// Looks at the last link of somebody.
    fn looks(&self, who: &str) -> String {
        let door = paging::domain().doors.remove(0);
        (door.show)(&self.house.world.kernel, &self.token(who)).unwrap().body.0
    }

    fn presses(&self, who: &str) -> String {
        let door = paging::domain().doors.remove(0);
        let page = (door.act)(&self.house.world.kernel, &self.token(who), &[]).unwrap();
        self.house.world.settle().unwrap();
        page.body.0
    }

    fn states(&self) -> Vec<(String, String, String)> {
        let all = self.house.call("paging.page.list", json!({}));
        let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
        let mut all: Vec<_> = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (text(one, "own"), text(one, "state"), text(one, "acknowledged_by")))
            .collect();
        all.reverse();
        all
    }
}

fn state(own: &str, state: &str, by: &str) -> (String, String, String) {
    (own.to_owned(), state.to_owned(), by.to_owned())
}

#[test]
fn an_alert_that_joined_later_is_taken_on_by_its_link() {
    let two = Two::new();
    assert!(two.presses("ada").contains("Ada is on it"));
    two.house.pass(600);
    two.joins("Payment", "Payment fails");
    two.house.world.settle().unwrap();
    let said = two.got("carol")[0]["message"].as_str().unwrap().to_owned();
    assert!(said.starts_with("Ada is on the alert group; nobody is on this alert yet.\n"), "{said}");
    assert!(!said.contains("still lasts"), "{said}");
    let page = two.looks("carol");
    assert!(page.contains("Payment fails") && page.contains("b is 0"), "what it is about: {page}");
    assert!(page.contains("method=\"post\"") && !page.contains("is on it."), "nobody is on it: {page}");
    assert!(two.presses("carol").contains("carol is on it"));
    assert!(two.looks("ada").contains("Ada is on it") && !two.looks("ada").contains("Payment"), "{}", two.looks("ada"));
    two.house.pass(1_200);
    assert!(two.got("shift").is_empty(), "nobody else is called");
}

#[test]
fn who_takes_on_one_alert_of_a_group_leaves_the_others_and_the_group_as_they_are() {
    let two = Two::new();
    two.presses("ada");
    two.house.pass(1_800);
    two.joins("Payment", "Payment fails");
    two.joins("Door", "Door open");
    two.house.world.settle().unwrap();
    for who in ["carol", "carol", "ada"] {
        two.presses(who);
    }
    let all = [
        state("", "acknowledged", "Ada"),
        state("Payment fails", "acknowledged", "carol"),
        state("Door open", "active", ""),
    ];
    assert_eq!(two.states(), all);
    assert!(two.house.notes().contains("carol acknowledged \"Payment fails\"; nobody else is called for it."));
    two.house.pass(660);
    assert_eq!((two.got("guard").len(), two.got("shift").len()), (1, 0), "the door calls on");
    two.house.pass(1_260);
    assert_eq!(two.got("ada").len(), 2, "an hour after Ada took the group on, not after Carol did");
    assert!(two.got("ada")[1]["message"].as_str().unwrap().contains("it was acknowledged and still lasts"));
}

#[test]
fn who_is_no_longer_on_the_group_leaves_whoever_is_on_an_alert_of_it() {
    let two = Two::new();
    two.presses("ada");
    two.joins("Payment", "Payment fails");
    two.house.world.settle().unwrap();
    two.presses("carol");
    let fields = json!({ "group": "alert_group:1", "change": "unacknowledged", "severity": "critical" });
    two.house.tell("monitor.group.changed", fields);
    two.house.world.settle().unwrap();
    assert_eq!(two.states(), [state("", "active", ""), state("Payment fails", "acknowledged", "carol")]);
    two.house.pass(1_200);
    assert!(two.got("shift").is_empty());
}

#[test]
fn an_acknowledgement_counts_for_what_had_begun_when_it_was_made() {
    let two = Two::new();
    let ada = two.house.actor(two.house.user("ada"));
    // Both are told before either is worked on.
    two.joins("Payment", "Payment fails");
    let fields = json!({ "group": "alert_group:1", "change": "acknowledged", "severity": "critical" });
    two.house.tell_as(ada.clone(), "monitor.group.changed", fields);
    two.house.world.clock.advance(2 * SECOND);
    two.house.world.settle().unwrap();
    assert_eq!(two.states(), [state("", "acknowledged", "Ada"), state("Payment fails", "active", "")]);
    assert_eq!(two.got("carol").len(), 1, "she hears of what Ada could not mean");
    two.house.pass(660);
    assert_eq!(two.got("shift").len(), 1);
    two.house.acknowledged(1, &ada);
    assert_eq!(two.states()[1], state("Payment fails", "acknowledged", "Ada"), "and later it covers all of the group");
}

#[test]
fn who_takes_on_the_first_of_several_takes_on_the_group() {
    let two = Two::new();
    two.joins("Payment", "Payment fails");
    two.house.world.settle().unwrap();
    assert!(two.presses("carol").contains("carol is on it"));
    assert_eq!(two.states(), [state("", "acknowledged", "carol"), state("Payment fails", "acknowledged", "carol")]);
    assert!(two.looks("ada").contains("carol is on it"));
}

#[test]
fn an_acknowledgement_counts_also_after_the_clock_was_set_back() {
    let two = Two::new();
    two.joins("Payment", "Payment fails");
    two.house.world.settle().unwrap();
    two.house.world.clock.advance(-3_600 * SECOND);
    two.house.acknowledged(1, &two.house.actor(two.house.user("ada")));
    assert_eq!(two.states()[1], state("Payment fails", "acknowledged", "Ada"));
}

#[test]
fn a_takeover_and_its_undo_are_of_the_group_and_of_what_was_taken_on_with_it() {
    let two = Two::new();
    let says = |change: &str, by: &str| {
        let fields = json!({ "group": "alert_group:1", "change": change, "by": by, "severity": "critical" });
        two.house.tell("monitor.group.changed", fields);
        two.house.world.settle().unwrap();
    };
    says("acknowledged", "Ada");
    two.joins("Payment", "Payment fails");
    two.house.world.settle().unwrap();
    two.presses("carol");
    two.house.pass(600);
    two.joins("Door", "Door open");
    two.house.world.settle().unwrap();
    two.house.pass(60);
    says("acknowledged", "Bob");
    let payment = state("Payment fails", "acknowledged", "carol");
    assert_eq!(
        two.states(),
        [state("", "acknowledged", "Bob"), payment.clone(), state("Door open", "acknowledged", "Bob")]
    );
    says("handed_back", "Ada");
    assert_eq!(two.states(), [state("", "acknowledged", "Ada"), payment, state("Door open", "active", "")]);
    two.house.pass(660);
    assert_eq!(two.got("guard").len(), 1, "nobody is on the door any more");
}

#[test]
fn who_took_one_alert_on_keeps_it_when_their_takeover_of_the_group_is_undone() {
    let two = Two::new();
    let says = |change: &str, by: &str| {
        let fields = json!({ "group": "alert_group:1", "change": change, "by": by, "severity": "critical" });
        two.house.tell("monitor.group.changed", fields);
        two.house.world.settle().unwrap();
    };
    says("acknowledged", "Ada");
    two.joins("Payment", "Payment fails");
    two.house.world.settle().unwrap();
    two.presses("carol");
    two.house.pass(600);
    two.joins("Door", "Door open");
    two.house.world.settle().unwrap();
    two.house.pass(60);
    for (change, by, door) in [
        ("acknowledged", "carol", state("Door open", "acknowledged", "carol")),
        ("handed_back", "Ada", state("Door open", "active", "")),
        ("acknowledged", "carol", state("Door open", "acknowledged", "carol")),
    ] {
        says(change, by);
        let all = [state("", "acknowledged", by), state("Payment fails", "acknowledged", "carol"), door];
        assert_eq!(two.states(), all, "{change} {by}");
        two.house.world.clock.advance(5 * SECOND);
    }
}

#[test]
fn a_link_takes_on_its_alert_alone_also_after_the_acknowledgement_of_the_group_ran_out() {
    let two = Two::new();
    two.presses("ada");
    two.house.pass(3_700);
    assert_eq!(two.got("ada").len(), 2, "it begins anew");
    two.joins("Door", "Door open");
    two.house.world.settle().unwrap();
    assert!(two.presses("dan").contains("dan is on it"));
    assert_eq!(two.states()[1], state("Door open", "acknowledged", "dan"));
    assert_ne!(two.states()[0].1, "acknowledged", "the group calls on");
    two.presses("ada");
    assert_eq!(two.states()[0], state("", "acknowledged", "Ada"));
}

#[test]
fn the_button_of_a_message_that_names_two_alerts_takes_on_both_for_whoever_got_no_other() {
    let two = Two::new();
    two.presses("ada");
    let gate = two.house.policy("0 user:carol\n10m user:guard", json!({ "name": "Gate" }));
    let matchers = "alertname=\"Gate\"";
    two.house.call("paging.route.add", json!({ "name": "Gate", "matchers": matchers, "policy": gate }));
    two.house.pass(60);
    let own = |name: &str, check: i64| json!({ "check": format!("check:{check}"), "title": format!("{name} fails"), "severity": "critical", "labels": { "alertname": name } });
    let all = json!([own("Payment", 4), own("Gate", 5), own("Door", 6)]);
    two.house.tell("monitor.group.changed", json!({ "group": "alert_group:1", "change": "joined", "own": all }));
    two.house.world.settle().unwrap();
    assert_eq!(two.got("carol").len(), 1, "one message for two alerts");
    two.presses("carol");
    let taken = |title: &str| state(title, "acknowledged", "carol");
    assert_eq!(two.states()[1..], [taken("Payment fails"), taken("Gate fails"), state("Door fails", "active", "")]);
    two.house.pass(660);
    assert_eq!(two.got("guard").len(), 1, "of the door, which is not hers");
}
