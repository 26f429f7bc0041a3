//! Bindings: what happens when a check fails, and what keeps runs that start by themselves within bounds.

use kernel::{ErrorKind, time};
use serde_json::{Value, json};

use crate::town::*;

fn bind(town: &Town, runbook: i64, mode: &str) -> Value {
    town.call("runbooks.binding.add", json!({ "check": "check:3", "runbook": runbook, "mode": mode }))
}

#[test]
fn an_automatic_binding_starts_the_run_on_the_machine_of_the_alert() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    town.open_group(9, 3);
    let runs = town.runs();
    assert_eq!(runs.len(), 1);
    let facts = (runs[0]["state"].as_str(), runs[0]["asset"].as_str(), runs[0]["cause"].as_str());
    assert_eq!(facts, (Some("running"), Some("asset:3"), Some("alert_group:9")));
    town.answers(1, &["done", "done"]);
    let told = town.payload(1, "runbooks.run.finished");
    assert_eq!((told["cause"].as_str(), told["check"].as_str()), (Some("alert_group:9"), Some("check:3")));
    town.open_group(9, 3);
    assert_eq!(town.runs().len(), 1, "the same group told again starts nothing");
}

#[test]
fn a_proposal_waits_for_a_person_and_goes_when_the_alert_does() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "propose");
    town.open_group(9, 1);
    assert_eq!(town.runs()[0]["state"], "proposed");
    assert_eq!(town.needs(), ["Proposed run:1"]);
    assert!(town.jobs().is_empty());
    let person = person(4, &["runbooks.run.*"]);
    town.world.call(&person, "runbooks.run.start", json!({ "run": 1 })).unwrap();
    town.world.settle().unwrap();
    assert_eq!((town.jobs().len(), town.runs()[0]["started_by"].as_str()), (1, Some("Person 4")));
    town.open_group(10, 2);
    town.tell("monitor.group.recovered", json!({ "group": "alert_group:10", "evidence": [], "lasted_s": 5 }));
    assert_eq!(town.runs()[1]["state"], "stopped");
    assert!(town.needs().is_empty());
    assert_eq!(town.refused(&admin(), "runbooks.run.start", json!({ "run": 2 })).kind, ErrorKind::Conflict);
}

#[test]
fn an_approval_starts_the_run_and_a_refusal_ends_it() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "approve");
    for (group, decision, state) in [(9, true, "running"), (10, false, "stopped")] {
        town.open_group(group, 1);
        let run = town.runs().last().unwrap().clone();
        assert_eq!(run["state"], "approval");
        let pending = town.call("kernel.approval.list", json!({ "state": "pending" }));
        let approval = &pending["items"][0];
        let decide = json!({ "id": approval["id"], "plan_hash": approval["plan_hash"], "approved": decision });
        town.call("kernel.approval.decide", decide);
        assert_eq!(town.run(run["id"].as_i64().unwrap())["state"], state);
    }
    assert_eq!(town.jobs().len(), 1);
}

#[test]
fn the_approval_to_start_is_that_of_the_alerts_team_or_else_of_the_machines() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "approve");
    let team = town.call("people.team.create", json!({ "name": "Web", "slug": "web" }))["id"].clone();
    town.call("assets.thing.update", json!({ "id": 1, "team": team }));
    town.open_group(9, 1);
    let opened = json!({ "group": "alert_group:10", "check": "check:3", "asset": "asset:3", "team": 55 });
    town.tell("monitor.group.opened", opened);
    let pending = town.call("kernel.approval.list", json!({ "state": "pending" }));
    let teams: Vec<_> = pending["items"].as_array().unwrap().iter().map(|one| one["team"].clone()).collect();
    assert_eq!(teams, [json!(55), team]);
}

#[test]
fn a_group_that_is_back_is_answered_anew_and_once() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "propose");
    town.open_group(9, 1);
    town.world.clock.advance(60 * kernel::time::SECOND);
    town.tell("monitor.group.recovered", json!({ "group": "alert_group:9", "evidence": [], "lasted_s": 5 }));
    town.world.clock.advance(60 * kernel::time::SECOND);
    let since = town.world.clock.now();
    let back = json!({ "group": "alert_group:9", "check": "check:3", "asset": "asset:1", "open_since": since });
    let mut silenced = back.clone();
    silenced["silenced"] = json!(true);
    town.tell("monitor.group.reopened", silenced.clone());
    assert_eq!(town.runs().len(), 1, "what is silenced starts nothing");
    town.tell("monitor.group.reopened", back.clone());
    town.tell("monitor.group.reopened", back);
    let joined = json!({ "group": "alert_group:9", "change": "joined", "check": "check:3", "open_since": since });
    town.tell("monitor.group.changed", joined);
    let states: Vec<String> = town.runs().iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["stopped", "proposed"]);
    // Back once more, under a silence that ends while it still is bad.
    town.tell("monitor.group.recovered", json!({ "group": "alert_group:9", "evidence": [], "lasted_s": 5 }));
    town.world.clock.advance(60 * kernel::time::SECOND);
    silenced["open_since"] = json!(town.world.clock.now());
    town.tell("monitor.group.reopened", silenced.clone());
    assert_eq!(town.runs().len(), 2);
    silenced["silenced"] = json!(false);
    silenced["again"] = json!(true);
    town.tell("monitor.group.opened", silenced);
    let states: Vec<String> = town.runs().iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["stopped", "stopped", "proposed"]);
}

#[test]
fn an_edited_runbook_does_not_run_under_the_old_binding() {
    let town = Town::new();
    let (runbook, first) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    let (same, second) = town.approved(&BOOK.replace("/bin/free", "/bin/other"));
    assert_eq!(same, runbook);
    assert_ne!(first, second);
    town.open_group(9, 1);
    assert_eq!(town.runs()[0]["version"], json!(first));
    assert_eq!(town.jobs()[0].1["Command"]["argv"][0], "/bin/free");
    let listed = town.call("runbooks.binding.list", json!({ "check": "check:3" }));
    assert_eq!((listed["items"][0]["number"].as_i64(), listed["items"][0]["latest"].as_i64()), (Some(1), Some(2)));
}

#[test]
fn only_an_approved_version_and_the_right_grant_bind_automatically() {
    let town = Town::new();
    let saved = town.call("runbooks.runbook.save", json!({ "yaml": BOOK }));
    let add =
        |mode: &str| json!({ "check": "check:3", "runbook": saved["id"], "version": saved["version"], "mode": mode });
    assert_eq!(town.refused(&admin(), "runbooks.binding.add", add("auto")).kind, ErrorKind::Conflict);
    town.call("runbooks.runbook.approve", json!({ "id": saved["id"], "version": saved["version"] }));
    let binder = person(5, &["runbooks.binding.add", "town.event.tell"]);
    let denied = town.refused(&binder, "runbooks.binding.add", add("auto"));
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert!(town.world.call(&binder, "runbooks.binding.add", add("propose")).is_ok());
    let unknown = json!({ "check": "check:500", "runbook": saved["id"], "mode": "propose" });
    assert_eq!(town.refused(&admin(), "runbooks.binding.add", unknown).field.as_deref(), Some("check"));
    let wrong = json!({ "check": "check:3", "runbook": saved["id"], "mode": "propose", "inputs": { "colour": 1 } });
    assert_eq!(town.refused(&admin(), "runbooks.binding.add", wrong).field.as_deref(), Some("inputs.colour"));
}

#[test]
fn a_binder_who_lost_the_grant_starts_nothing_by_itself() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let binder = person(8, &["*"]);
    let add = json!({ "check": "check:3", "runbook": runbook, "mode": "auto" });
    town.world.call(&binder, "runbooks.binding.add", add).unwrap();
    town.open_group(9, 1);
    let run = &town.runs()[0];
    assert_eq!(run["state"], "proposed");
    assert!(run["reason"].as_str().unwrap().contains("no longer may"), "{run}");
}

#[test]
fn the_fourth_automatic_run_within_an_hour_is_only_proposed_and_says_why() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    for group in 1..=3 {
        town.open_group(group, 1);
        town.answers(group, &["done", "done"]);
        town.world.clock.advance(10 * time::MINUTE);
    }
    town.open_group(4, 1);
    let fourth = town.runs()[3].clone();
    assert_eq!(fourth["state"], "proposed");
    assert!(fourth["reason"].as_str().unwrap().contains("within an hour"), "{fourth}");
    assert!(town.payload(4, "runbooks.run.proposed")["outcome"].as_str().unwrap().contains("within an hour"));
    town.open_group(5, 3);
    assert_eq!(town.runs()[4]["state"], "running", "another machine counts for itself");
    town.world.clock.advance(time::HOUR);
    town.open_group(6, 1);
    assert_eq!(town.runs()[5]["state"], "running", "an hour later it may again");
}

#[test]
fn a_machine_at_which_a_run_is_at_work_gets_no_second_one_by_itself() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    town.open_group(9, 1);
    town.open_group(10, 1);
    assert_eq!(town.runs()[1]["state"], "proposed");
    assert_eq!(town.jobs().len(), 1);
}

#[test]
fn a_silenced_group_starts_nothing() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    let fields =
        json!({ "group": "alert_group:9", "check": "check:3", "checks": [], "asset": "asset:1", "silenced": true });
    town.tell("monitor.group.opened", fields);
    assert!(town.runs().is_empty());
}

#[test]
fn when_the_alert_recovers_a_run_at_work_proves_its_step_and_finishes() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    town.open_group(9, 1);
    town.tell("monitor.group.recovered", json!({ "group": "alert_group:9", "evidence": [], "lasted_s": 5 }));
    town.answer(1, "done");
    let run = town.run(1);
    assert_eq!(run["state"], "done");
    assert_eq!(town.history(), ["free"], "the second step is left out: {run}");
}

#[test]
fn a_removed_binding_answers_no_more() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let id = bind(&town, runbook, "auto")["id"].clone();
    town.call("runbooks.binding.remove", json!({ "id": id }));
    town.open_group(9, 1);
    assert!(town.runs().is_empty());
    assert_eq!(town.refused(&admin(), "runbooks.binding.remove", json!({ "id": id })).kind, ErrorKind::NotFound);
}

#[test]
fn a_check_that_joins_a_group_is_answered_by_what_is_bound_to_it_once_and_on_its_own_machine() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, runbook, "auto");
    let joined = |change: &str, check: i64| {
        let fields = json!({ "group": "alert_group:9", "asset": "asset:1", "change": change, "check": format!("check:{check}"),
            "severity": "critical", "detail": "Joined: Web fails on web-03" });
        town.tell("monitor.group.changed", fields);
    };
    joined("flapping", 3);
    joined("left", 3);
    joined("joined", 4);
    assert!(town.runs().is_empty(), "another change, and another check");
    joined("joined", 3);
    joined("joined", 3);
    let runs = town.runs();
    assert_eq!(runs.len(), 1, "once a group");
    let facts = (runs[0]["state"].as_str(), runs[0]["asset"].as_str(), runs[0]["cause"].as_str());
    assert_eq!(
        facts,
        (Some("running"), Some("asset:3"), Some("alert_group:9")),
        "the machine of the check, not of the cause"
    );
}

#[test]
fn a_binder_whose_reach_became_less_starts_nothing_by_itself_on_what_they_no_longer_reach() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let (sam, team) = town.hired("lead");
    town.owned(3, team);
    // When Sam bound it, Sam reached everything; now only what is the web team's.
    let before = kernel::Actor { grants: vec![kernel::Grant::everywhere("*")], ..sam.clone() };
    let add = json!({ "check": "check:3", "runbook": runbook, "mode": "auto" });
    assert_eq!(town.refused(&sam, "runbooks.binding.add", add.clone()).kind, ErrorKind::Denied);
    town.world.call(&before, "runbooks.binding.add", add).unwrap();
    town.open_group(9, 1);
    let run = town.runs()[0].clone();
    assert_eq!(run["state"], "proposed");
    assert!(run["reason"].as_str().unwrap().contains("Sam Reyes may not start runs on this machine"), "{run}");
    assert!(town.jobs().is_empty());
    town.open_group(10, 3);
    assert_eq!(town.runs()[1]["state"], "running", "the web team's machine is still within reach");
}
