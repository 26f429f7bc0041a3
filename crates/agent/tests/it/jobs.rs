//! Jobs from end to end: at most once, only ours, only what the machine's policy allows.

use std::time::Duration;

use agent_proto::{
    Action, Class, FromServer, Job, JobState, SigningKey, StopOrder, action_digest, approve_plan, plan_hash, sign_stop,
};
use tokio::time::Instant;

use crate::server::{AGENT_ID, Server, connected};

pub(crate) const POLICY: &str = "[[allow]]\ncommand = [\"sleep\", \"*\"]\n[[allow]]\ncommand = [\"touch\", \"*\"]\n";

pub(crate) fn command(words: &[&str]) -> Action {
    Action::Command {
        argv: words.iter().map(|word| (*word).to_owned()).collect(),
        env: vec![],
        input_json: None,
        timeout_ms: 120_000,
        detach: false,
    }
}

pub(crate) fn job(server: &Server, id: u8, action: Action) -> Job {
    Job {
        job_id: [id; 16],
        agent_id: AGENT_ID,
        class: Class::A,
        action,
        plan_hash: [0; 32],
        plan: vec![],
        not_before_us: server.now_us() - 60_000_000,
        not_after_us: server.now_us() + 60_000_000,
        nonce: [0; 16],
        stop_epoch: server.stop_epoch,
        approval: None,
    }
}

#[tokio::test]
async fn a_job_is_done_once_however_often_it_is_delivered_and_whoever_restarts() {
    let server = Server::start().await;
    let (mut machine, mut peer, hello) = connected(&server, POLICY).await;
    assert_eq!(hello.classes_allowed, [Class::A]);
    let mark = machine.path("mark");
    let job = server.sign(&job(&server, 1, command(&["touch", mark.to_str().unwrap()])));
    peer.say(job.clone()).await;
    peer.accepted([1; 16]).await;
    let first = peer.result([1; 16]).await;
    assert_eq!(first.state, JobState::Done, "{}", first.reason);
    std::fs::remove_file(&mark).unwrap();
    peer.say(job.clone()).await;
    assert_eq!(peer.result([1; 16]).await, first);
    machine.kill();
    machine.run(&[]);
    let (mut peer, _) = server.welcome().await;
    peer.say(job).await;
    assert_eq!(peer.result([1; 16]).await, first);
    assert!(!mark.exists());
}

#[tokio::test]
async fn jobs_that_are_not_ours_not_signed_not_in_time_or_not_allowed_are_refused_with_a_reason() {
    let server = Server::start().await;
    let (_machine, mut peer, _) = connected(&server, POLICY).await;
    let touch = |id| job(&server, id, command(&["touch", "/tmp/never-made-by-a-test"]));
    let mut tampered = server.sign(&touch(2));
    if let FromServer::Job(signed) = &mut tampered {
        *signed.bytes.last_mut().unwrap() ^= 1;
    }
    let cases = [
        (1, server.sign(&Job { agent_id: [8; 16], ..touch(1) }), JobState::Refused, "another agent"),
        (2, tampered, JobState::Refused, "signature"),
        (3, server.sign(&Job { not_after_us: server.now_us() - 1, ..touch(3) }), JobState::Expired, "over"),
        (4, server.sign(&job(&server, 4, command(&["rm", "-rf", "/tmp/x"]))), JobState::Refused, "does not name"),
        (5, server.sign(&Job { class: Class::B, ..touch(5) }), JobState::Refused, "does not name"),
    ];
    for (id, message, state, part) in cases {
        peer.say(message).await;
        let result = peer.result([id; 16]).await;
        assert_eq!(result.state, state, "{}", result.reason);
        assert!(result.reason.contains(part), "{}", result.reason);
    }
}

#[tokio::test]
async fn class_b_runs_with_the_signature_of_a_pinned_approver_even_when_the_server_is_not_trusted_with_it() {
    let server = Server::start().await;
    let ada = SigningKey::from_seed(&[2; 32]).unwrap();
    let digits: String = ada.public().iter().map(|byte| format!("{byte:02x}")).collect();
    let policy = format!("[[approvers]]\nname = \"Ada\"\npublic_key = \"{digits}\"\n");
    let (_machine, mut peer, hello) = connected(&server, &policy).await;
    assert_eq!(hello.classes_allowed, [Class::B]);
    let approved = |id, by: &SigningKey| {
        let mut job = job(&server, id, command(&["echo", "approved"]));
        job.class = Class::B;
        job.plan = vec![action_digest(&AGENT_ID, &job.action)];
        job.plan_hash = plan_hash(&job.plan);
        job.approval = Some(approve_plan(&job.plan_hash, server.now_us() + 60_000_000, by));
        job
    };
    peer.say(server.sign(&approved(1, &server.key))).await;
    assert!(peer.result([1; 16]).await.reason.contains("does not pin"));
    peer.say(server.sign(&approved(2, &ada))).await;
    let result = peer.result([2; 16]).await;
    assert_eq!((result.state, result.output.as_str()), (JobState::Done, "approved\n"), "{}", result.reason);
}

#[tokio::test]
async fn an_agent_that_died_in_the_middle_reports_unknown_and_does_not_repeat() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, POLICY).await;
    let sleep = server.sign(&job(&server, 1, command(&["sleep", "3"])));
    peer.say(sleep.clone()).await;
    peer.accepted([1; 16]).await;
    machine.kill();
    machine.run(&[]);
    let (mut peer, _) = server.welcome().await;
    assert_eq!(peer.result([1; 16]).await.state, JobState::Unknown);
    peer.say(sleep).await;
    assert_eq!(peer.result([1; 16]).await.state, JobState::Unknown);
}

#[tokio::test]
async fn stop_all_runs_kills_a_running_command_and_refuses_jobs_of_before() {
    let mut server = Server::start().await;
    let (_machine, mut peer, _) = connected(&server, POLICY).await;
    let before = server.sign(&job(&server, 2, command(&["touch", "/tmp/never-made-by-a-test"])));
    peer.say(server.sign(&job(&server, 1, command(&["sleep", "60"])))).await;
    peer.accepted([1; 16]).await;
    let asked = Instant::now();
    server.stop_epoch = 1;
    let order = StopOrder { stop_epoch: 1, at_us: server.now_us() };
    peer.say(FromServer::Stop(sign_stop(order, &server.key))).await;
    let result = peer.result([1; 16]).await;
    assert_eq!(result.state, JobState::Stopped, "{}", result.reason);
    assert!(asked.elapsed() < Duration::from_secs(50), "it was not waited for");
    peer.say(before).await;
    assert!(peer.result([2; 16]).await.reason.contains("stopped"));
    peer.say(server.sign(&job(&server, 3, command(&["sleep", "0"])))).await;
    assert_eq!(peer.result([3; 16]).await.state, JobState::Done);
}

#[tokio::test]
async fn a_machine_whose_clock_is_days_off_still_judges_jobs_by_the_servers_time() {
    let mut server = Server::start().await;
    server.clock_shift_us = 3 * 24 * 3_600 * 1_000_000;
    let (_machine, mut peer, _) = connected(&server, POLICY).await;
    peer.say(server.sign(&job(&server, 1, command(&["sleep", "0"])))).await;
    assert_eq!(peer.result([1; 16]).await.state, JobState::Done);
    let late = Job { not_after_us: server.now_us() - 1_000_000, ..job(&server, 2, command(&["sleep", "0"])) };
    peer.say(server.sign(&late)).await;
    assert_eq!(peer.result([2; 16]).await.state, JobState::Expired);
}
