//! Runs do what the runbook says, survive restarts, prove, undo, and stop.

use kernel::{ErrorKind, time};
use serde_json::json;

use crate::town::*;

#[test]
fn a_run_checks_acts_verifies_and_keeps_the_evidence() {
    let town = Town::new();
    let (runbook, version) = town.approved(BOOK);
    let run = town.start(runbook);
    assert_eq!(town.jobs()[0].1["Command"]["argv"], json!(["/bin/free", "web.service"]));
    let done: Vec<String> = ["done", "failed", "done", "done"].iter().map(|state| town.answer(run, state)).collect();
    assert_eq!(done, ["free", "look", "start", "wait"]);
    let shown = town.run(run);
    assert_eq!((shown["state"].as_str(), shown["version"].as_str()), (Some("done"), Some(version.as_str())));
    let phases: Vec<String> = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["phases"].as_array().unwrap())
        .map(|phase| {
            format!(
                "{} {} {}",
                phase["phase"].as_str().unwrap(),
                phase["state"].as_str().unwrap(),
                phase["output"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        phases,
        ["act done output of 1", "check failed output of 2", "act done output of 3", "verify done output of 4"]
    );
    assert_eq!(town.events(run), ["started", "step-finished", "step-finished", "finished"]);
    let told = town.payload(run, "runbooks.run.finished");
    assert_eq!((told["asset"].as_str(), told["tried"].as_array().unwrap().len()), (Some("asset:1"), 2), "{told}");
}

#[test]
fn a_failed_verification_undoes_in_reverse_and_tells_what_was_tried() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    town.answers(run, &["done", "failed", "done", "failed", "done", "failed"]);
    assert_eq!(town.history(), ["free", "look", "start", "wait", "stop", "unfree"]);
    assert_eq!(town.run(run)["state"], "failed");
    let told = town.payload(run, "runbooks.run.failed");
    let tried: Vec<&str> = told["tried"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(
        tried,
        [
            "free: done",
            "start: done",
            "start: was done, but is not so: exit code 1",
            "start: undone",
            "free: could not be undone (exit code 1)"
        ]
    );
    assert!(town.jobs().is_empty());
}

#[test]
fn a_restart_of_the_server_in_the_middle_loses_and_repeats_nothing() {
    let mut town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    for state in ["done", "failed", "done"] {
        town = town.restart();
        town.world.settle().unwrap();
        town.answer(run, state);
    }
    town = town.restart();
    town.answer(run, "done");
    assert_eq!(town.run(run)["state"], "done");
    assert_eq!(town.history(), ["free", "look", "start", "wait"]);
}

#[test]
fn an_unknown_result_is_looked_at_again_and_never_run_again() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    town.answers(run, &["done", "failed", "unknown", "done"]);
    assert_eq!(town.history(), ["free", "look", "start", "wait"], "the act is proven, not repeated");
    assert_eq!(town.run(run)["state"], "done");
    let other = town.start(runbook);
    town.answers(other, &["unknown"]);
    assert_eq!(town.run(other)["state"], "failed", "nothing can prove the first step");
}

#[test]
fn results_of_other_jobs_runs_and_repeats_move_nothing() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let (one, two) = (town.start(runbook), town.start(runbook));
    let before = (town.run(one), town.run(two));
    town.tell("fleet.job.finished", town.finished(one, 2, "done"));
    town.tell("fleet.job.finished", town.finished(two, 1, "done"));
    town.tell("fleet.job.finished", town.finished(99, 1, "done"));
    town.tell("fleet.job.finished", json!({ "job": "agent_job:1", "asset": "asset:1", "run": null, "state": "done" }));
    assert_eq!((town.run(one), town.run(two)), before);
    for _ in 0..3 {
        town.tell("fleet.job.finished", town.finished(one, 1, "done"));
    }
    assert_eq!(town.history().iter().filter(|one| *one == "look").count(), 1);
}

#[test]
fn a_machine_that_takes_no_jobs_fails_the_run_with_its_reason() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.call("runbooks.run.start", json!({ "runbook": runbook, "asset": 2 }))["id"].as_i64().unwrap();
    let shown = town.run(run);
    assert_eq!(shown["state"], "failed");
    assert!(shown["outcome"].as_str().unwrap().contains("quarantined"), "{shown}");
}

#[test]
fn when_no_word_comes_the_run_goes_on_as_unknown() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    town.answers(run, &["done", "failed"]);
    town.world.pass(time::HOUR).unwrap();
    assert_eq!(town.history().last().map(String::as_str), Some("wait"), "the act is looked at");
    for _ in 0..3 {
        town.world.pass(time::HOUR).unwrap();
    }
    assert_eq!(town.history(), ["free", "look", "start", "wait", "wait"], "looked again, and nothing is undone unseen");
    assert_eq!(town.run(run)["state"], "failed");
}

#[test]
fn stop_all_runs_stops_every_run_and_a_stopped_run_stays_stopped() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let runs: Vec<i64> = (0..120)
        .map(|_| town.call("runbooks.run.start", json!({ "runbook": runbook, "asset": 1 }))["id"].as_i64().unwrap())
        .collect();
    town.tell("fleet.stop.ordered", json!({ "epoch": 1, "by": "Alex", "reason": "" }));
    for run in &runs {
        assert_eq!(town.run(*run)["state"], "stopped");
    }
    assert!(town.run(runs[0])["outcome"].as_str().unwrap().contains("Alex"));
    town.tell("fleet.job.finished", town.finished(runs[0], 1, "done"));
    assert_eq!(town.run(runs[0])["state"], "stopped");
    assert!(town.jobs().is_empty(), "what was not sent yet is cancelled");
}

#[test]
fn a_person_stops_one_run_and_its_waiting_job_is_called_back() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    town.call("runbooks.run.stop", json!({ "id": run, "reason": "wrong machine" }));
    assert_eq!(town.run(run)["outcome"], "Stopped by root: wrong machine");
    assert!(town.jobs().is_empty());
    assert_eq!(town.refused(&admin(), "runbooks.run.stop", json!({ "id": run })).kind, ErrorKind::Conflict);
    assert_eq!(town.events(run), ["started", "stopped"]);
}

#[test]
fn a_job_that_agents_stopped_stops_the_run() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    town.answer(run, "stopped");
    assert_eq!(town.run(run)["state"], "stopped");
}

#[test]
fn two_threads_that_report_the_same_job_move_the_run_once() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    for _ in 0..5 {
        let run = town.start(runbook);
        let job = town.jobs().last().unwrap().0;
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (kernel, fields) = (town.world.kernel.clone(), town.finished(run, job, "failed"));
                std::thread::spawn(move || {
                    let input = json!({ "name": "fleet.job.finished", "fields": fields });
                    kernel.dispatch(kernel_call(admin(), "town.event.tell", input)).unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let (left, right) = (town.world.kernel.clone(), town.world.kernel.clone());
        let racer = std::thread::spawn(move || left.settle());
        right.settle().unwrap();
        racer.join().unwrap().unwrap();
        town.world.settle().unwrap();
        assert_eq!(town.run(run)["state"], "failed");
        assert_eq!(town.events(run), ["started", "step-finished", "failed"]);
    }
}

#[test]
fn a_stop_and_a_result_at_the_same_time_end_the_run_once() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    for _ in 0..8 {
        let run = town.start(runbook);
        let job = town.jobs().last().unwrap().0;
        let input = json!({ "name": "fleet.job.finished", "fields": town.finished(run, job, "failed") });
        town.world.call(&admin(), "town.event.tell", input).unwrap();
        let kernel = town.world.kernel.clone();
        let stopper = std::thread::spawn(move || {
            drop(kernel.dispatch(kernel_call(admin(), "runbooks.run.stop", json!({ "id": run }))));
        });
        town.world.settle().unwrap();
        stopper.join().unwrap();
        town.world.settle().unwrap();
        let ends =
            town.events(run).iter().filter(|name| matches!(name.as_str(), "failed" | "stopped" | "finished")).count();
        assert_eq!(ends, 1, "{:?}", town.events(run));
    }
}

#[test]
fn an_operation_step_runs_once_as_whoever_both_may_and_names_the_run() {
    let town = Town::new();
    let yaml = "name: note\ntitle: Note\ninputs: { text: { type: text, required: true } }\nsteps:\n  - name: write\n    \
                operation: { name: desk.note.write, input: { text: { input: text }, cause: { run: cause } } }\n";
    let (runbook, _) = town.approved(yaml);
    let input = json!({ "runbook": runbook, "inputs": { "text": "hello {{ world }}" }, "cause": "alert_group:5" });
    let run = town.call("runbooks.run.start", input)["id"].as_i64().unwrap();
    assert_eq!(town.run(run)["state"], "done");
    assert_eq!(town.notes(), [format!("hello {{{{ world }}}} Some(\"alert_group:5\") by run {run} for root")]);
    // Somebody without the grant starts it: the step is refused although the author might.
    let weak = person(7, &["runbooks.run.start", "runbooks.run.list"]);
    let started =
        town.world.call(&weak, "runbooks.run.start", json!({ "runbook": runbook, "inputs": { "text": "x" } })).unwrap();
    town.world.settle().unwrap();
    let shown = town.run(started["id"].as_i64().unwrap());
    assert_eq!(shown["state"], "failed");
    assert!(shown["outcome"].as_str().unwrap().contains("not allowed to both"), "{shown}");
    assert_eq!(town.notes().len(), 1);
}

#[test]
fn an_author_who_lost_the_grant_runs_nothing_on_machines() {
    let town = Town::new();
    let author = person(8, &["runbooks.*", "fleet.*"]);
    let saved = town.world.call(&author, "runbooks.runbook.save", json!({ "yaml": BOOK })).unwrap();
    town.call("runbooks.runbook.approve", json!({ "id": saved["id"], "version": saved["version"] }));
    // People knows no person 8 any more: they left.
    let run = town.start(saved["id"].as_i64().unwrap());
    let shown = town.run(run);
    assert_eq!(shown["state"], "failed");
    assert!(shown["outcome"].as_str().unwrap().contains("no longer holds a grant"), "{shown}");
    assert!(town.history().is_empty());
}

#[test]
fn a_run_reaches_no_machine_that_the_author_of_its_version_does_not_reach() {
    let town = Town::new();
    let (sam, team) = town.hired("administrator");
    town.owned(3, team);
    // When Sam wrote it, Sam reached everything; now only what is the web team's.
    let before = kernel::Actor { grants: vec![kernel::Grant::everywhere("*")], ..sam };
    let saved = town.world.call(&before, "runbooks.runbook.save", json!({ "yaml": BOOK })).unwrap();
    town.call("runbooks.runbook.approve", json!({ "id": saved["id"], "version": saved["version"] }));
    let start = |asset: i64| {
        let run = town.call("runbooks.run.start", json!({ "runbook": saved["id"], "asset": asset }));
        town.run(run["id"].as_i64().unwrap())
    };
    let refused = start(1);
    assert_eq!(refused["state"], "failed");
    assert!(
        refused["outcome"].as_str().unwrap().contains("has no grant for fleet.job.queue that reaches this machine"),
        "{refused}"
    );
    assert!(town.history().is_empty());
    let within = start(3);
    assert_eq!(within["state"], "running", "whoever starts it may more, and that adds nothing: {within}");
    assert_eq!(town.history(), ["free"]);
}

#[test]
fn a_cause_that_who_starts_a_run_may_not_see_does_not_exist() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let start = json!({ "runbook": runbook, "asset": 1, "cause": "alert_group:9" });
    let blind = person(7, &["runbooks.run.*"]);
    let error = town.refused(&blind, "runbooks.run.start", start.clone());
    assert_eq!((error.kind, error.field.as_deref()), (ErrorKind::NotFound, Some("cause")));
    let missing = json!({ "runbook": runbook, "asset": 1, "cause": "alert_group:900" });
    let absent = town.refused(&admin(), "runbooks.run.start", missing);
    assert_eq!(
        (absent.kind, absent.field.as_deref()),
        (error.kind, error.field.as_deref()),
        "hidden and absent look alike"
    );
    assert!(town.runs().is_empty());
    let sees = person(7, &["runbooks.run.*", "town.event.tell"]);
    assert!(town.world.call(&sees, "runbooks.run.start", start).is_ok());
}

#[test]
fn old_runs_are_forgotten() {
    let town = Town::new();
    let (runbook, _) = town.approved(BOOK);
    let run = town.start(runbook);
    town.answer(run, "refused");
    assert_eq!(town.run(run)["state"], "failed");
    town.world.pass(731 * time::DAY).unwrap();
    assert!(town.runs().is_empty());
}
