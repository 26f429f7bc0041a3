//! What keeps runs where they belong: the machine of the check, silences, orders to stop, an end to all waiting, and who
//! sees them.

use kernel::{ErrorKind, Grant, Scope, time};
use serde_json::{Value, json};

use crate::town::*;

const NOTE: &str = "name: note\ntitle: Note\ninputs: { text: { type: text, required: true } }\nsteps:\n  - name: write\n    \
                    operation: { name: desk.note.write, input: { text: { input: text } } }\n";
const HUMAN: &str = "name: human\ntitle: Human\nsteps:\n  - name: look\n    human: { instructions: Look at it. }\n";

fn bind(town: &Town, check: &str, runbook: i64) {
    town.call("runbooks.binding.add", json!({ "check": check, "runbook": runbook, "mode": "auto" }));
}

/// A group whose cause is the check 1 on machine 1, with the alerts of other checks in it.
fn opened(town: &Town, group: i64, more: Value) {
    let mut fields = json!({ "group": format!("alert_group:{group}"), "check": "check:1", "checks": ["check:1", "check:3"],
        "asset": "asset:1", "team": null, "silenced": false });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    town.tell("monitor.group.opened", fields);
}

fn where_and_how(town: &Town) -> Vec<(String, String)> {
    let word = |run: &Value, field: &str| run[field].as_str().unwrap_or("none").to_owned();
    town.runs().iter().map(|run| (word(run, "asset"), word(run, "state"))).collect()
}

#[test]
fn the_alerts_of_one_group_are_answered_each_on_the_machine_of_its_check() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, "check:1", runbook);
    bind(&town, "check:3", runbook);
    opened(&town, 9, json!({ "again": true }));
    let mut found = where_and_how(&town);
    found.sort();
    assert_eq!(found, [("asset:1".into(), "running".into()), ("asset:3".into(), "running".into())]);
}

#[test]
fn an_alert_that_was_answered_is_not_answered_again_under_its_real_cause() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, "check:3", runbook);
    town.open_group(8, 3);
    town.answers(1, &["done", "done"]);
    opened(&town, 9, json!({ "again": true }));
    assert_eq!(where_and_how(&town), [("asset:3".into(), "done".into())]);
}

#[test]
fn where_the_machine_of_a_check_is_not_known_the_run_is_only_proposed() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, "check:99", runbook);
    opened(&town, 9, json!({ "checks": ["check:1", "check:99"] }));
    assert_eq!(where_and_how(&town), [("none".into(), "proposed".into())]);
}

#[test]
fn an_alert_under_a_silence_starts_nothing_in_whatever_group_it_is() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    bind(&town, "check:3", runbook);
    opened(&town, 8, json!({ "covered": ["check:3"] }));
    let joined = |silenced: bool| {
        let fields = json!({ "group": "alert_group:9", "asset": "asset:1", "change": "joined", "check": "check:3",
            "severity": "critical", "silenced": silenced, "detail": "" });
        town.tell("monitor.group.changed", fields);
    };
    joined(true);
    assert!(town.runs().is_empty());
    joined(false);
    assert_eq!(town.runs().len(), 1);
}

#[test]
fn that_nobody_could_look_is_taken_for_neither_a_yes_nor_a_no() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let checked = town.start(runbook);
    town.answers(checked, &["done", "refused"]);
    let run = town.run(checked);
    assert_eq!(run["state"], "failed");
    assert!(run["outcome"].as_str().unwrap().contains("start: could not be checked"), "{run}");
    assert_eq!(town.history(), ["free", "look"], "it does not act");
    let verified = town.start(runbook);
    town.answers(verified, &["done", "failed", "done", "refused"]);
    let run = town.run(verified);
    assert_eq!(run["state"], "failed");
    assert!(run["outcome"].as_str().unwrap().contains("was done, but could not be looked at"), "{run}");
    assert_eq!(town.history().split_off(2), ["free", "look", "start", "wait"], "it undoes nothing");
}

#[test]
fn an_operation_that_cannot_be_called_ends_its_run_in_time() {
    let town = Town::new();
    let (runbook, _) = town.approved(NOTE);
    let input = json!({ "runbook": runbook, "inputs": { "text": "not now" } });
    let run = town.call("runbooks.run.start", input)["id"].as_i64().unwrap();
    assert_eq!(town.run(run)["state"], "running", "it is tried again");
    town.world.pass(31 * time::MINUTE).unwrap();
    let shown = town.run(run);
    assert_eq!(shown["state"], "failed");
    assert!(shown["outcome"].as_str().unwrap().contains("nobody knows whether it ran"), "{shown}");
}

#[test]
fn an_operation_that_was_tried_often_enough_ends_its_run_then() {
    let town = Town::new();
    let (runbook, _) = town.approved(NOTE);
    let input = json!({ "runbook": runbook, "inputs": { "text": "not now" } });
    let run = town.call("runbooks.run.start", input)["id"].as_i64().unwrap();
    for _ in 1..10 {
        assert_eq!(town.run(run)["state"], "running");
        let gone = town.sql("UPDATE kernel_jobs SET run_at = 0 WHERE kind = 'runbooks.operate'");
        assert_eq!(gone, 1);
        town.world.settle().unwrap();
    }
    let shown = town.run(run);
    assert_eq!(shown["state"], "failed");
    assert!(shown["outcome"].as_str().unwrap().contains("The desk is busy"), "{shown}");
    let letters = town.call("kernel.job.dead-letters", json!({}));
    assert_eq!(letters["items"], json!([]), "it did not end as a dead letter");
}

#[test]
fn a_word_that_cannot_be_followed_ends_its_run_in_time() {
    let town = Town::new();
    let (runbook, _) = town.approved(HUMAN);
    let run = town.call("runbooks.run.start", json!({ "runbook": runbook }))["id"].as_i64().unwrap();
    town.world.call(&admin(), "runbooks.run.confirm-step", json!({ "id": run, "step": 1 })).unwrap();
    assert_eq!(town.sql("DELETE FROM kernel_jobs WHERE kind = 'runbooks.confirmed'"), 1, "as a dead letter would");
    town.world.pass(31 * time::MINUTE).unwrap();
    assert_eq!(town.run(run)["state"], "failed");
}

#[test]
fn a_stop_reaches_what_was_at_work_and_nothing_that_started_later() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let before: Vec<i64> = (0..60).map(|_| town.start(runbook)).collect();
    let order = json!({ "name": "fleet.stop.ordered", "fields": { "epoch": 1, "by": "Alex", "reason": "" } });
    town.world.call(&admin(), "town.event.tell", order).unwrap();
    town.world.clock.advance(time::SECOND);
    // The order was released before the runner came to it.
    let later = town.start(runbook);
    for run in before {
        assert_eq!(town.run(run)["state"], "stopped");
    }
    assert_eq!(town.run(later)["state"], "running");
}

#[test]
fn while_all_runs_are_stopped_none_starts_and_none_goes_on() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let (note, _) = town.approved(NOTE);
    bind(&town, "check:3", runbook);
    let start = json!({ "runbook": note, "inputs": { "text": "hello" } });
    let run = town.world.call(&admin(), "runbooks.run.start", start.clone()).unwrap()["id"].as_i64().unwrap();
    town.sql("INSERT INTO town_stops (ordered_by) VALUES ('Alex')");
    town.world.settle().unwrap();
    let shown = town.run(run);
    assert_eq!((shown["state"].as_str(), town.notes().len()), (Some("stopped"), 0), "{shown}");
    let refused = town.refused(&admin(), "runbooks.run.start", start.clone());
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains("All runs were stopped by Alex"), "{refused}");
    town.open_group(9, 3);
    let proposed = town.runs().pop().unwrap();
    assert_eq!(proposed["state"], "proposed");
    assert!(proposed["reason"].as_str().unwrap().contains("stopped by Alex"), "{proposed}");
    assert!(town.jobs().is_empty());
    town.sql("DELETE FROM town_stops");
    town.call("runbooks.run.start", start);
    assert_eq!(town.notes().len(), 1);
}

#[test]
fn an_operation_that_waits_while_all_runs_are_stopped_is_not_called() {
    let town = Town::new();
    let (note, _) = town.approved(NOTE);
    let run = town.call("runbooks.run.start", json!({ "runbook": note, "inputs": { "text": "not now" } }));
    let run = run["id"].as_i64().unwrap();
    town.sql("INSERT INTO town_stops (ordered_by) VALUES ('Alex')");
    town.world.pass(time::MINUTE).unwrap();
    assert_eq!(town.run(run)["state"], "stopped");
}

#[test]
fn who_sees_a_run_follows_its_machine() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let team = |name: &str| {
        town.call("people.team.create", json!({ "name": name, "slug": name.to_lowercase() }))["id"].as_i64().unwrap()
    };
    let (web, mail) = (team("Web"), team("Mail"));
    town.owned(1, web);
    town.owned(3, mail);
    town.call("runbooks.binding.add", json!({ "check": "check:3", "runbook": runbook, "mode": "propose" }));
    town.open_group(9, 3);
    let sees = |team: i64| {
        let grant = Grant { pattern: "runbooks.run.*".into(), scope: Scope::Teams(vec![team]), expires_at: None };
        let reader = kernel::Actor { grants: vec![grant], ..person(30, &[]) };
        town.world.call(&reader, "runbooks.run.show", json!({ "id": 1 })).is_ok()
    };
    assert_eq!((sees(web), sees(mail)), (false, true));
    town.call("runbooks.run.start", json!({ "run": 1, "inputs": { "machine": 1 } }));
    assert_eq!(town.run(1)["asset"], "asset:1");
    assert_eq!((sees(web), sees(mail)), (true, false), "it was started on another machine");
    town.owned(1, mail);
    assert_eq!((sees(web), sees(mail)), (false, true), "its machine changed hands");
}
