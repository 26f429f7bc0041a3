//! Steps that people do, and approvals inside and before runs.

use kernel::{ErrorKind, Grant, Scope, time};
use serde_json::json;

use crate::town::*;

const HUMAN: &str = "
name: swap
title: Swap the disk
target: machine
inputs: { machine: { type: asset } }
steps:
  - name: swap
    human: { instructions: Swap the disk in bay 2. }
    timeout_s: 3600
  - name: look
    wait_for: { probe: { unit: raid.service } }
";

#[test]
fn a_person_confirms_a_step_and_the_run_goes_on_with_its_own_grants() {
    let town = Town::new();
    let (runbook, _) = town.approved(HUMAN);
    let run = town.start(runbook);
    assert_eq!(town.needs(), [format!("To do run:{run}")]);
    let helper = person(7, &["runbooks.run.*"]);
    let confirm = |step: i64| json!({ "id": run, "step": step, "done": true, "note": "bay 2 was dusty" });
    assert_eq!(town.refused(&helper, "runbooks.run.confirm-step", confirm(2)).kind, ErrorKind::Conflict);
    town.world.call(&helper, "runbooks.run.confirm-step", confirm(1)).unwrap();
    assert_eq!(town.refused(&helper, "runbooks.run.confirm-step", confirm(1)).kind, ErrorKind::Conflict, "only once");
    town.world.settle().unwrap();
    assert_eq!(town.answer(run, "done"), "wait", "the next job is queued although the helper may not queue jobs");
    let shown = town.run(run);
    assert_eq!(shown["state"], "done");
    assert!(shown["evidence"][0].as_str().unwrap().contains("bay 2 was dusty"), "{shown}");
    assert!(town.needs().is_empty());
}

#[test]
fn a_step_that_a_person_cannot_do_or_never_does_fails() {
    let town = Town::new();
    let (runbook, _) = town.approved(HUMAN);
    let run = town.start(runbook);
    town.call("runbooks.run.confirm-step", json!({ "id": run, "step": 1, "done": false }));
    assert_eq!(town.run(run)["state"], "failed");
    let late = town.start(runbook);
    town.world.pass(3_601 * time::SECOND).unwrap();
    assert_eq!(town.run(late)["state"], "failed");
    assert!(town.needs().is_empty());
}

#[test]
fn an_approval_step_waits_for_somebody_else_and_goes_on_or_fails() {
    let town = Town::new();
    let yaml = "name: careful\ntitle: Careful\ntarget: m\ninputs: { m: { type: asset } }\nsteps:\n  - name: ask\n    \
                approval: { question: May it restart? }\n  - name: go\n    service: { unit: a.service, verb: restart }\n";
    let (runbook, _) = town.approved(yaml);
    for (decision, state) in [(true, "running"), (false, "failed")] {
        let run = town.start(runbook);
        let waiting = town.run(run)["awaits"].as_str().unwrap().to_owned();
        let approval: i64 = waiting.strip_prefix("approval:").unwrap().parse().unwrap();
        let plan = town.call("kernel.approval.show", json!({ "id": approval }))["plan_hash"].clone();
        let approver = person(9, &["kernel.approval.*", "runbooks.run.*"]);
        let decide = json!({ "id": approval, "plan_hash": plan, "approved": decision, "comment": "so be it" });
        town.world.call(&approver, "kernel.approval.decide", decide).unwrap();
        town.world.settle().unwrap();
        assert_eq!(town.run(run)["state"], state);
        assert_eq!(town.jobs().len(), 1, "the restart of the first round only");
    }
}

#[test]
fn who_does_not_see_a_machine_neither_sees_nor_moves_its_runs() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    let grant = Grant { pattern: "runbooks.*".into(), scope: Scope::Teams(vec![99]), expires_at: None };
    let scoped = kernel::Actor { grants: vec![grant], ..person(5, &[]) };
    for operation in ["runbooks.run.show", "runbooks.run.stop"] {
        assert_eq!(town.refused(&scoped, operation, json!({ "id": run })).kind, ErrorKind::NotFound, "{operation}");
    }
    let start = json!({ "runbook": runbook, "asset": 1 });
    assert_eq!(town.refused(&scoped, "runbooks.run.start", start).kind, ErrorKind::NotFound);
    let confirm = json!({ "id": run, "step": 1 });
    assert_eq!(town.refused(&scoped, "runbooks.run.confirm-step", confirm).kind, ErrorKind::NotFound);
    assert!(town.world.call(&scoped, "runbooks.run.list", json!({})).unwrap()["items"].as_array().unwrap().is_empty());
    let reader = person(6, &["runbooks.*.list", "runbooks.*.show"]);
    assert_eq!(town.refused(&reader, "runbooks.run.stop", json!({ "id": run })).kind, ErrorKind::Denied);
}

const CAREFUL: &str = "
name: careful
title: Careful
steps:
  - name: ask
    approval: { question: May it be done? }
  - name: do
    human: { instructions: Do it. }
    timeout_s: 3600
";

/// Somebody who decides and helps for one team.
fn of_team(id: i64, team: i64) -> kernel::Actor {
    let grant = |pattern: &str| Grant { pattern: pattern.into(), scope: Scope::Teams(vec![team]), expires_at: None };
    kernel::Actor { grants: vec![grant("kernel.approval.*"), grant("runbooks.run.*")], ..person(id, &[]) }
}

/// Has the approval of a run decided by its team, and by nobody of another; then the next step waits for the team too.
fn decided_by(town: &Town, run: i64, team: i64) {
    let waiting = town.run(run)["awaits"].as_str().unwrap().to_owned();
    let approval: i64 = waiting.strip_prefix("approval:").unwrap().parse().unwrap();
    let plan = town.call("kernel.approval.show", json!({ "id": approval }))["plan_hash"].clone();
    let decide = json!({ "id": approval, "plan_hash": plan, "approved": true });
    let (ours, theirs) = (of_team(21, team), of_team(22, team + 1));
    let needs = |actor: &kernel::Actor| town.world.kernel.read_as(actor, |cx| cx.attention(9)).unwrap().len();
    assert_eq!((needs(&ours), needs(&theirs)), (1, 0));
    assert_eq!(town.refused(&theirs, "kernel.approval.decide", decide.clone()).kind, ErrorKind::NotFound);
    town.world.call(&ours, "kernel.approval.decide", decide).unwrap();
    town.world.settle().unwrap();
    assert_eq!(town.run(run)["awaits"], "human");
    assert_eq!((needs(&ours), needs(&theirs)), (1, 0));
    town.world.call(&ours, "runbooks.run.confirm-step", json!({ "id": run, "step": 2 })).unwrap();
    town.world.settle().unwrap();
    assert_eq!(town.run(run)["state"], "done");
}

#[test]
fn the_team_of_the_machine_or_else_of_the_cause_decides_inside_a_run() {
    let town = Town::new();
    let (runbook, _) = town.approved(CAREFUL);
    let team = town.call("people.team.create", json!({ "name": "Web", "slug": "web" }))["id"].as_i64().unwrap();
    town.call("assets.thing.update", json!({ "id": 1, "team": team }));
    let on_the_machine = town.start(runbook);
    decided_by(&town, on_the_machine, team);
    let start = json!({ "runbook": runbook, "cause": "ticket:77" });
    let for_the_ticket = town.call("runbooks.run.start", start)["id"].as_i64().unwrap();
    decided_by(&town, for_the_ticket, 77);
}
