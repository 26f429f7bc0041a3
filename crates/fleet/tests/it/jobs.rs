//! Jobs: signed for one agent, done once, reported once, by whom they were for.

use agent_proto::*;
use kernel::time::{HOUR, MINUTE, SECOND};
use kernel::world::World;
use kernel::{Actor, ErrorKind, Grant, Ident, Scope};
use serde_json::{Value, json};

use crate::machine::*;

fn restart_job() -> Value {
    json!({ "asset": 1, "action": { "Service": { "unit": "nginx.service", "verb": "Restart" } }, "timeout_s": 60, "expires_s": 600,
        "cause": "alert_group:4", "run": "run:9" })
}

pub(crate) fn queue(world: &World, input: Value) -> i64 {
    let queued = world.call(&admin(), "fleet.job.queue", input).unwrap();
    fleet::round(&world.kernel).unwrap();
    queued["id"].as_i64().unwrap()
}

fn job(world: &World, id: i64) -> Value {
    world.call(&admin(), "fleet.job.show", json!({ "id": id })).unwrap()
}

pub(crate) fn signed(frames: &[FromServer]) -> Vec<SignedJob> {
    frames.iter().filter_map(|one| if let FromServer::Job(job) = one { Some(job.clone()) } else { None }).collect()
}

pub(crate) fn result(job_id: [u8; 16], state: JobState) -> Durable {
    Durable::JobResult(JobResult {
        job_id,
        state,
        reason: String::new(),
        exit_code: Some(0),
        started_us: 10,
        finished_us: 20,
        output: "restarted\n".into(),
        output_dropped_bytes: 0,
    })
}

fn finished(world: &World, id: i64) -> usize {
    count(&events(world, "agent_job", id), "fleet.job.finished")
}

#[test]
fn a_job_is_signed_for_its_agent_done_and_told_to_asset_run_and_cause() {
    let world = world();
    let machine = enrolled(&world, "web-01");
    let (mut connection, _) = machine.connect(&world.kernel);
    let id = queue(&world, restart_job());
    let sent = signed(&connection.pushed());
    assert_eq!((sent.len(), job(&world, id)["state"].as_str()), (1, Some("sent")));
    let now = world.clock.now().0;
    let verified = verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, now).unwrap();
    assert_eq!(
        agent_proto::limit_ms(&sent[0], &machine.server_key),
        Some(60_000),
        "a service action gets the job's limit"
    );
    assert_eq!(verify_job(&sent[0], &machine.server_key, &[5; 16], 0, now).unwrap_err().0, JobRefusal::Target);
    let late = now + 601 * SECOND;
    assert_eq!(
        verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, late).unwrap_err().0,
        JobRefusal::Expired
    );
    connection.durable(1, Durable::JobAccepted { job_id: verified.job_id, at_us: now });
    assert_eq!(job(&world, id)["state"], "accepted");
    connection.durable(2, result(verified.job_id, JobState::Done));
    let shown = job(&world, id);
    assert_eq!((shown["state"].as_str(), shown["output"].as_str()), (Some("done"), Some("restarted\n")));
    for (kind, number) in [("asset", 1), ("run", 9), ("alert_group", 4), ("agent_job", id)] {
        assert_eq!(count(&events(&world, kind, number), "fleet.job.finished"), 1, "{kind}");
    }
}

#[test]
fn a_result_that_comes_again_or_differently_changes_nothing_and_is_told_once() {
    let world = world();
    let machine = enrolled(&world, "web-02");
    let (mut connection, _) = machine.connect(&world.kernel);
    let id = queue(&world, restart_job());
    let sent = signed(&connection.pushed());
    let job_id = verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, world.clock.now().0).unwrap().job_id;
    connection.durable(1, result(job_id, JobState::Failed));
    connection.durable(2, result(job_id, JobState::Done));
    connection.durable(3, Durable::JobAccepted { job_id, at_us: 1 });
    assert_eq!(job(&world, id)["state"], "failed");
    assert_eq!(finished(&world, id), 1);
}

#[test]
fn a_result_for_somebody_elses_job_is_refused_counted_and_told() {
    let world = world();
    let (owner, liar) = (enrolled(&world, "owner"), enrolled(&world, "liar"));
    let (connection, _) = owner.connect(&world.kernel);
    let id = queue(&world, restart_job());
    let sent = signed(&connection.pushed());
    let job_id = verify_job(&sent[0], &owner.server_key, &owner.agent_id, 0, world.clock.now().0).unwrap().job_id;
    let (mut lying, _) = liar.connect(&world.kernel);
    let answers = lying.durable(1, result(job_id, JobState::Done));
    assert_eq!(answers, [FromServer::Ack { lane: Lane::Results, seq: 1 }], "it is not asked for again");
    lying.durable(2, Durable::JobAccepted { job_id, at_us: 1 });
    lying.durable(3, result([1; 16], JobState::Done));
    assert_eq!(job(&world, id)["state"], "sent");
    assert_eq!(finished(&world, id), 0);
    let hub = world.kernel.get::<fleet::hub::Hub>().unwrap();
    assert_eq!(hub.counters.refused.load(std::sync::atomic::Ordering::Relaxed), 3);
    assert_eq!(count(&events(&world, "agent", 2), "fleet.agent.refused"), 1, "once a minute");
}

#[test]
fn what_was_queued_for_an_absent_machine_waits_and_comes_again_until_it_is_answered() {
    let world = world();
    let machine = enrolled(&world, "web-03");
    let id = queue(&world, restart_job());
    assert_eq!(job(&world, id)["state"], "queued");
    let (connection, frames) = machine.connect(&world.kernel);
    assert_eq!(signed(&frames).len(), 1);
    drop(connection);
    let world = restart(world);
    let (mut connection, frames) = machine.connect(&world.kernel);
    let again = signed(&frames);
    let job_id = verify_job(&again[0], &machine.server_key, &machine.agent_id, 0, world.clock.now().0).unwrap().job_id;
    connection.durable(1, result(job_id, JobState::Done));
    let (_, frames) = machine.connect(&world.kernel);
    assert!(signed(&frames).is_empty());
    assert_eq!(job(&world, id)["state"], "done");
}

#[test]
fn a_job_nobody_fetched_expires_and_one_nobody_answered_is_unknown_until_the_agent_says_otherwise() {
    let world = world();
    let machine = enrolled(&world, "web-04");
    let absent = queue(&world, restart_job());
    world.clock.advance(601 * SECOND);
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(job(&world, absent)["state"], "expired");
    let id = queue(&world, restart_job());
    let (connection, frames) = machine.connect(&world.kernel);
    let sent = signed(&frames);
    let job_id = verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, world.clock.now().0).unwrap().job_id;
    drop(connection);
    world.clock.advance(HOUR);
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(job(&world, id)["state"], "unknown");
    let (mut connection, _) = machine.connect(&world.kernel);
    connection.durable(1, result(job_id, JobState::Done));
    assert_eq!(job(&world, id)["state"], "done", "the record is completed");
    assert_eq!(finished(&world, id), 1, "and nobody is told twice that it ended");
    connection.durable(2, result(job_id, JobState::Done));
    for (kind, number) in [("run", 9), ("asset", 1), ("agent_job", id)] {
        assert_eq!(
            count(&events(&world, kind, number), "fleet.job.completed"),
            1,
            "what is known after all is told: {kind}"
        );
    }
}

#[test]
fn a_job_is_waited_for_at_least_as_long_as_its_action_may_take() {
    let world = world();
    let machine = enrolled(&world, "web-05");
    let (_connection, _) = machine.connect(&world.kernel);
    let command = json!({ "Command": { "argv": ["/bin/long"], "env": [], "input_json": null, "timeout_ms": 3_600_000, "detach": false } });
    let id = queue(&world, json!({ "asset": 1, "action": command, "timeout_s": 60, "expires_s": 60 }));
    world.clock.advance(HOUR);
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(job(&world, id)["state"], "sent");
    world.clock.advance(10 * MINUTE);
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(job(&world, id)["state"], "unknown");
}

#[test]
fn class_b_without_an_approver_is_refused_before_anything_is_sent() {
    let world = world();
    let machine = enrolled(&world, "web-05");
    let (connection, _) = machine.connect(&world.kernel);
    let action = json!({ "Command": { "argv": ["rm", "-rf", "/srv/x"], "env": [], "input_json": null, "timeout_ms": 1000, "detach": false } });
    let plain = json!({ "asset": 1, "class": "B", "action": action });
    let error = world.call(&admin(), "fleet.job.queue", plain).unwrap_err();
    assert_eq!((error.kind, error.field.as_deref()), (ErrorKind::Invalid, Some("class")));
    let (approver, _) = SigningKey::generate().unwrap();
    let decoded: Action = serde::Deserialize::deserialize(&action).unwrap();
    let plan = [action_digest(&machine.agent_id, &decoded)];
    let hash = plan_hash(&plan);
    let end = world.clock.now().0 + HOUR;
    let made = approve_plan(&hash, end, &approver);
    let hex = |bytes: &[u8]| kernel::text::hex(bytes);
    let approved = |action: &Value, end: i64| {
        json!({ "asset": 1, "class": "B", "action": action, "plan": [hex(&plan[0])], "approval": {
            "public_key": hex(&approver.public()), "not_after_us": end, "signature": hex(&made.signature.0) } })
    };
    let other = json!({ "Command": { "argv": ["reboot"], "env": [], "input_json": null, "timeout_ms": 1000, "detach": false } });
    assert_eq!(
        world.call(&admin(), "fleet.job.queue", approved(&other, end)).unwrap_err().field.as_deref(),
        Some("plan")
    );
    let longer = world.call(&admin(), "fleet.job.queue", approved(&action, end + 1)).unwrap_err();
    assert_eq!(longer.field.as_deref(), Some("approval"));
    queue(&world, approved(&action, end));
    let sent = signed(&connection.pushed());
    let job = verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, world.clock.now().0).unwrap();
    assert_eq!((job.class, job.approval.is_some()), (Class::B, true));
}

#[test]
fn only_a_job_that_was_not_sent_can_be_cancelled() {
    let world = world();
    let machine = enrolled(&world, "web-06");
    let id = queue(&world, restart_job());
    world.call(&admin(), "fleet.job.cancel", json!({ "id": id })).unwrap();
    assert_eq!(job(&world, id)["state"], "cancelled");
    let (_, frames) = machine.connect(&world.kernel);
    assert!(signed(&frames).is_empty());
    let (_connection, _) = machine.connect(&world.kernel);
    let sent = queue(&world, restart_job());
    assert_eq!(world.call(&admin(), "fleet.job.cancel", json!({ "id": sent })).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn input_that_makes_no_job_is_refused_by_field() {
    let world = world();
    enrolled(&world, "web-07");
    let refused = |input: Value, field: &str| {
        let error = world.call(&admin(), "fleet.job.queue", input).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{error}");
    };
    refused(json!({ "asset": 1, "action": { "Format": {} } }), "action");
    refused(
        json!({ "asset": 1, "action": { "Command": { "argv": [], "env": [], "input_json": null, "timeout_ms": 1, "detach": false } } }),
        "action",
    );
    refused(json!({ "asset": 77, "action": restart_job()["action"] }), "asset");
    refused(json!({ "asset": 1, "action": restart_job()["action"], "timeout_s": 0 }), "timeout_s");
    refused(json!({ "asset": 1, "action": restart_job()["action"], "class": "C" }), "class");
    refused(json!({ "asset": 1, "action": restart_job()["action"], "plan_hash": "xyz" }), "plan_hash");
}

#[test]
fn a_look_before_an_act_is_told_as_not_so_yet_and_an_act_that_failed_as_failed() {
    let world = world();
    let machine = enrolled(&world, "web-01");
    let (mut connection, _) = machine.connect(&world.kernel);
    let tcp = json!({ "Tcp": { "host": "localhost", "port": 80 } });
    let look = json!({ "Probe": { "probe": tcp, "timeout_ms": 1_000 } });
    let wait = json!({ "WaitFor": { "probe": tcp, "every_ms": 1_000, "timeout_ms": 1_000 } });
    for (number, action, state, title, mark) in [
        (1, &look, JobState::Failed, "Not so yet: TCP localhost:80 (connection refused)", "info"),
        (2, &look, JobState::Done, "Done: look at TCP localhost:80", "ok"),
        (3, &look, JobState::Refused, "Refused: look at TCP localhost:80 (connection refused)", "critical"),
        (4, &wait, JobState::Failed, "Failed: wait for TCP localhost:80 (connection refused)", "critical"),
    ] {
        queue(&world, json!({ "asset": 1, "action": action, "run": "run:9" }));
        let sent = signed(&connection.pushed());
        let job_id =
            verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, world.clock.now().0).unwrap().job_id;
        let Durable::JobResult(plain) = result(job_id, state) else { panic!() };
        let ended = JobResult { exit_code: None, reason: "connection refused".into(), output: String::new(), ..plain };
        connection.durable(number, Durable::JobResult(ended));
        world.settle().unwrap();
        let asset = kernel::Ref::new("asset", 1);
        let told = world.kernel.read_as(&admin(), |cx| cx.timeline(&asset, None, 50)).unwrap();
        let newest = told.into_iter().find(|event| event.name == "fleet.job.finished").unwrap();
        assert_eq!((newest.title.as_str(), newest.mark.as_str()), (title, mark));
    }
}

#[test]
fn who_does_not_see_a_machine_cannot_see_or_queue_its_jobs() {
    let world = world();
    enrolled(&world, "web-08");
    let id = queue(&world, restart_job());
    let grant = |pattern: &str| Grant { pattern: pattern.into(), scope: Scope::Teams(vec![99]), expires_at: None };
    let scoped = Actor {
        ident: Ident::User(5),
        name: "Scoped".into(),
        grants: vec![grant("fleet.*")],
        teams: vec![99],
        proof: kernel::Proof::Standing,
        ..Actor::nobody()
    };
    assert_eq!(world.call(&scoped, "fleet.job.show", json!({ "id": id })).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(world.call(&scoped, "fleet.agent.show", json!({ "id": 1 })).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(world.call(&scoped, "fleet.job.queue", restart_job()).unwrap_err().kind, ErrorKind::NotFound);
    let listed = world.call(&scoped, "fleet.job.list", json!({})).unwrap();
    assert_eq!((listed["items"].as_array().unwrap().len(), listed["count"].as_i64()), (0, Some(0)));
    let reader = Actor { grants: vec![Grant::everywhere("fleet.*.list"), Grant::everywhere("fleet.*.show")], ..scoped };
    assert_eq!(world.call(&reader, "fleet.job.show", json!({ "id": id })).unwrap()["id"], id);
    assert_eq!(world.call(&reader, "fleet.job.cancel", json!({ "id": id })).unwrap_err().kind, ErrorKind::Denied);
}

#[test]
fn two_threads_that_end_the_same_job_end_it_once() {
    let world = world();
    let machine = enrolled(&world, "web-09");
    for round in 0..10 {
        let (mut connection, _) = machine.connect(&world.kernel);
        let id = queue(&world, restart_job());
        let sent = signed(&connection.pushed());
        let job_id =
            verify_job(&sent[0], &machine.server_key, &machine.agent_id, 0, world.clock.now().0).unwrap().job_id;
        let kernel = world.kernel.clone();
        world.clock.advance(20 * MINUTE);
        let sweeper = std::thread::spawn(move || fleet::sweep(&kernel));
        connection.durable(1, result(job_id, JobState::Done));
        sweeper.join().unwrap().unwrap();
        assert_eq!(finished(&world, id), 1, "round {round}");
        assert_eq!(job(&world, id)["state"], "done", "the agent's own word stays");
    }
}

#[test]
fn old_finished_jobs_are_forgotten() {
    let world = world();
    enrolled(&world, "web-10");
    let id = queue(&world, restart_job());
    world.call(&admin(), "fleet.job.cancel", json!({ "id": id })).unwrap();
    world.pass(181 * 24 * HOUR).unwrap();
    assert_eq!(world.call(&admin(), "fleet.job.show", json!({ "id": id })).unwrap_err().kind, ErrorKind::NotFound);
}
