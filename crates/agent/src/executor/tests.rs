//! An executor whose collector has fallen to somebody else: the tests speak in its place.

use std::os::unix::net::UnixStream as Pair;
use std::process::Stdio;

use agent_proto::{Action, Class, Job, JobState, SigningKey, StopOrder, sign_job, sign_stop};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::clock;
use crate::pair::{MESSAGE_BYTES_MAX, ToExecutor, hear, say};

const US: [u8; 16] = [7; 16];
/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const SECOND: i64 = 1_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

fn enrolment(seed: u8) -> Enrolment {
    Enrolment { agent_id: US, server_public_key: key(seed).public(), trust: vec![], servers: vec![] }
}

struct Machine {
    dir: tempfile::TempDir,
    collectors: mpsc::UnboundedReceiver<Pair>,
    running: JoinHandle<Result<Ended, Error>>,
    end: oneshot::Sender<()>,
}

/// A collector in other hands.
struct Rogue(UnixStream);

impl Machine {
    /// It allows `touch` and `sleep`, and starts its collectors without a pause.
    fn start(enrolment: Option<Enrolment>, round: Duration) -> Self {
        Self::with_updates(enrolment, round, |_| None)
    }

    fn with_updates(
        enrolment: Option<Enrolment>,
        round: Duration,
        updates: impl FnOnce(&std::path::Path) -> Option<Updates>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let policy = "[[allow]]\ncommand = [\"touch\", \"*\"]\n[[allow]]\ncommand = [\"sleep\", \"*\"]\n";
        crate::files::replace(&dir.path().join("policy.toml"), policy.as_bytes()).unwrap();
        let (hand, collectors) = mpsc::unbounded_channel();
        let starter = move |generation, events| {
            let (ours, theirs) = Pair::pair().unwrap();
            hand.send(theirs).unwrap();
            let mut process = Command::new("sleep");
            process.arg("3600").stdin(Stdio::null());
            child::adopt(process, ours, generation, events)
        };
        let config = Config::blank(dir.path().to_owned());
        let opened = Executor::open(config, Purpose::Run, enrolment, String::new(), Box::new(starter));
        let (mut executor, news) = opened.unwrap();
        executor.backoff = Duration::from_millis(1);
        executor.round = round;
        executor.updates = updates(dir.path());
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(async move { executor.work(news, async { ended.await.unwrap_or(()) }).await });
        Self { dir, collectors, running, end }
    }

    fn enrolled() -> Self {
        Self::start(Some(enrolment(1)), ROUND)
    }

    async fn rogue(&mut self) -> (Rogue, Start) {
        let pair = timeout(PATIENCE, self.collectors.recv()).await.expect("a collector is started").unwrap();
        pair.set_nonblocking(true).unwrap();
        let mut rogue = Rogue(UnixStream::from_std(pair).unwrap());
        let ToCollector::Start(start) = rogue.hear().await.unwrap() else { panic!("not the start") };
        (rogue, *start)
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        timeout(PATIENCE, self.running).await.expect("it ends").unwrap().unwrap();
    }

    fn touch(&self, id: u8) -> Job {
        job(id, &["touch", self.dir.path().join("mark").to_str().unwrap()])
    }

    fn marked(&self) -> bool {
        self.dir.path().join("mark").exists()
    }
}

impl Rogue {
    async fn say(&mut self, message: ToExecutor) {
        say(&mut self.0, &message).await.unwrap();
    }

    async fn hear(&mut self) -> Option<ToCollector> {
        timeout(PATIENCE, hear(&mut self.0)).await.expect("the executor says something").unwrap()
    }

    /// The result of this job.
    async fn result(&mut self, of: u8) -> JobResult {
        loop {
            match self.hear().await.expect("the executor is there") {
                ToCollector::Result(result) if result.job_id == [of; 16] => return result,
                _ => {}
            }
        }
    }

    async fn deliver(&mut self, job: &Job, by: u8) -> JobResult {
        self.say(ToExecutor::Job(sign_job(job, &key(by)).unwrap())).await;
        self.result(job.job_id[0]).await
    }

    async fn accepted(&mut self, wanted: u8) {
        loop {
            match self.hear().await.expect("the executor is there") {
                ToCollector::Accepted { job_id, .. } if job_id == [wanted; 16] => return,
                _ => {}
            }
        }
    }

    /// Everything up to the answer to something harmless.
    async fn results_up_to_now(&mut self) -> Vec<u8> {
        let foreign = Job { agent_id: [8; 16], ..job(250, &["touch"]) };
        self.say(ToExecutor::Job(sign_job(&foreign, &key(1)).unwrap())).await;
        let mut ids = Vec::new();
        loop {
            match self.hear().await.expect("the executor is there") {
                ToCollector::Result(result) if result.job_id == [250; 16] => return ids,
                ToCollector::Result(result) => ids.push(result.job_id[0]),
                _ => {}
            }
        }
    }

    async fn sees_the_end(mut self) {
        // What it has said before may still be on its way.
        loop {
            match timeout(PATIENCE, hear::<ToCollector>(&mut self.0)).await.expect("the pair is closed") {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }
}

fn job(id: u8, words: &[&str]) -> Job {
    Job {
        job_id: [id; 16],
        agent_id: US,
        class: Class::A,
        action: Action::Command {
            argv: words.iter().map(|word| (*word).to_owned()).collect(),
            env: vec![],
            input_json: None,
            timeout_ms: 60_000,
            detach: false,
        },
        plan_hash: [0; 32],
        plan: vec![],
        not_before_us: clock::wall_us() - 3_600 * SECOND,
        not_after_us: clock::wall_us() + 60 * SECOND,
        nonce: [0; 16],
        stop_epoch: 0,
        approval: None,
    }
}

#[tokio::test]
async fn a_collector_in_other_hands_cannot_have_anything_done_that_the_server_did_not_sign() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    let forged = rogue.deliver(&machine.touch(1), 9).await;
    assert!(forged.state == JobState::Refused && forged.reason.contains("signature"), "{}", forged.reason);
    let mut changed = sign_job(&machine.touch(2), &key(1)).unwrap();
    *changed.bytes.last_mut().unwrap() ^= 1;
    rogue.say(ToExecutor::Job(changed)).await;
    assert_eq!(rogue.result(2).await.state, JobState::Refused);
    let cases = [
        (Job { agent_id: [8; 16], ..machine.touch(3) }, JobState::Refused, "another agent"),
        (Job { not_after_us: clock::wall_us() - SECOND, ..machine.touch(4) }, JobState::Expired, "over"),
        (Job { class: Class::B, ..machine.touch(5) }, JobState::Refused, "does not name"),
        (job(6, &["rm", "-rf", "/nowhere"]), JobState::Refused, "does not name"),
    ];
    for (job, state, part) in cases {
        let result = rogue.deliver(&job, 1).await;
        assert_eq!(result.state, state, "{}", result.reason);
        assert!(result.reason.contains(part), "{}", result.reason);
    }
    assert!(!machine.marked());
    machine.end().await;
}

#[tokio::test]
async fn a_job_that_is_played_again_is_not_done_again_also_by_the_next_collector() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    let touch = machine.touch(1);
    let first = rogue.deliver(&touch, 1).await;
    assert_eq!(first.state, JobState::Done, "{}", first.reason);
    std::fs::remove_file(machine.dir.path().join("mark")).unwrap();
    rogue.say(ToExecutor::Kept { job_id: [1; 16] }).await;
    assert_eq!(rogue.deliver(&touch, 1).await, first);
    drop(rogue);
    let (mut rogue, _) = machine.rogue().await;
    assert_eq!(rogue.deliver(&touch, 1).await, first);
    assert!(!machine.marked());
}

#[tokio::test]
async fn a_collector_that_turns_the_clock_back_makes_no_old_job_young() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    let now = clock::wall_us();
    let old = |id| Job { not_after_us: now - 1_800 * SECOND, ..machine.touch(id) };
    rogue.say(ToExecutor::Welcomed { server_time_us: now, stop_epoch: 0 }).await;
    assert_eq!(rogue.deliver(&old(1), 1).await.state, JobState::Expired);
    rogue.say(ToExecutor::Welcomed { server_time_us: now - 3_000 * SECOND, stop_epoch: 0 }).await;
    for step in 1..15 {
        // Nor by little and little.
        rogue.say(ToExecutor::Welcomed { server_time_us: now - step * 200 * SECOND, stop_epoch: 0 }).await;
    }
    assert_eq!(rogue.deliver(&old(2), 1).await.state, JobState::Expired);
    assert!(!machine.marked());
}

#[tokio::test]
async fn a_server_whose_clock_was_ahead_and_was_put_right_is_believed_and_not_further_back() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    let now = clock::wall_us();
    let short = |id| Job { not_after_us: now + 1_800 * SECOND, ..machine.touch(id) };
    rogue.say(ToExecutor::Welcomed { server_time_us: now + 3_600 * SECOND, stop_epoch: 0 }).await;
    assert_eq!(rogue.deliver(&short(1), 1).await.state, JobState::Expired);
    rogue.say(ToExecutor::Welcomed { server_time_us: now, stop_epoch: 0 }).await;
    assert_eq!(rogue.deliver(&short(2), 1).await.state, JobState::Done);
    rogue.say(ToExecutor::Welcomed { server_time_us: now - 600 * SECOND, stop_epoch: 0 }).await;
    let old = Job { not_after_us: now - SECOND, ..machine.touch(3) };
    assert_eq!(rogue.deliver(&old, 1).await.state, JobState::Expired);
    machine.end().await;
}

#[tokio::test]
async fn a_result_that_a_collector_could_not_keep_is_handed_over_again() {
    let mut machine = Machine::start(Some(enrolment(1)), Duration::from_secs(1));
    let (mut rogue, _) = machine.rogue().await;
    let first = rogue.deliver(&machine.touch(1), 1).await;
    rogue.say(ToExecutor::NotKept { job_id: [1; 16] }).await;
    assert_eq!(rogue.result(1).await, first, "to the same collector");
    machine.end().await;
}

#[tokio::test]
async fn the_servers_key_is_taken_once_and_cannot_be_replaced_by_a_collector() {
    let mut machine = Machine::start(None, ROUND);
    let (mut rogue, start) = machine.rogue().await;
    assert_eq!(start.enrolment, None);
    rogue.say(ToExecutor::Job(sign_job(&machine.touch(1), &key(1)).unwrap())).await;
    rogue.say(ToExecutor::Enrolled(enrolment(1))).await;
    rogue.say(ToExecutor::Enrolled(enrolment(9))).await;
    let forged = rogue.deliver(&machine.touch(2), 9).await;
    assert!(forged.reason.contains("signature"), "{}", forged.reason);
    assert!(!machine.marked(), "before the enrolment nothing is done");
    assert_eq!(Enrolment::load(machine.dir.path()), Ok(Some(enrolment(1))));
    assert_eq!(rogue.deliver(&machine.touch(3), 1).await.state, JobState::Done);
}

#[tokio::test]
async fn a_job_goes_on_when_its_collector_ends_and_its_result_is_owed_until_it_was_kept() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    let sleep = job(1, &["sleep", "0.5"]);
    rogue.say(ToExecutor::Job(sign_job(&sleep, &key(1)).unwrap())).await;
    rogue.accepted(1).await;
    drop(rogue);
    let (mut second, _) = machine.rogue().await;
    let result = second.result(1).await;
    assert_eq!(result.state, JobState::Done, "{}", result.reason);
    drop(second);
    let (mut third, _) = machine.rogue().await;
    assert_eq!(third.result(1).await, result, "the second did not say that it kept it");
    third.say(ToExecutor::Kept { job_id: [1; 16] }).await;
    assert!(third.results_up_to_now().await.is_empty());
    drop(third);
    let (mut fourth, _) = machine.rogue().await;
    assert!(fourth.results_up_to_now().await.is_empty(), "it was kept");
    machine.end().await;
}

#[tokio::test]
async fn rubbish_and_endless_messages_end_the_collector_and_not_the_executor() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    rogue.0.write_all(b"\x04\0\0\0rubbish and more of it").await.unwrap();
    rogue.sees_the_end().await;
    let (mut rogue, _) = machine.rogue().await;
    rogue.0.write_all(&(MESSAGE_BYTES_MAX as u32 + 1).to_le_bytes()).await.unwrap();
    rogue.sees_the_end().await;
    let (mut rogue, _) = machine.rogue().await;
    rogue.0.write_all(&[0xff, 0xff, 0, 0, 2]).await.unwrap();
    drop(rogue);
    let (mut rogue, _) = machine.rogue().await;
    assert_eq!(rogue.deliver(&machine.touch(1), 1).await.state, JobState::Done);
    machine.end().await;
}

#[tokio::test]
async fn what_nobody_asked_for_changes_nothing() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    let outcome = crate::pair::Outcome::done("it is all fine".into());
    rogue.say(ToExecutor::Acted { job_id: [1; 16], outcome }).await;
    rogue.say(ToExecutor::Kept { job_id: [1; 16] }).await;
    rogue.say(ToExecutor::Failed("all is lost".into())).await;
    rogue.say(ToExecutor::Stop(sign_stop(StopOrder { stop_epoch: 9, at_us: 0 }, &key(9)))).await;
    assert_eq!(rogue.deliver(&machine.touch(1), 1).await.state, JobState::Done);
    machine.end().await;
}

#[tokio::test]
async fn a_collector_that_gives_no_sign_of_life_is_replaced_and_one_that_does_is_not() {
    let mut machine = Machine::start(Some(enrolment(1)), Duration::from_millis(5));
    machine.rogue().await.0.sees_the_end().await;
    let (mut alive, _) = machine.rogue().await;
    for _ in 0..20 {
        let ToCollector::Pulse = alive.hear().await.expect("it is not cut off") else { panic!("not a pulse") };
        alive.say(ToExecutor::Pulse).await;
    }
    machine.end().await;
}

#[tokio::test]
async fn stop_all_runs_needs_the_servers_signature_and_then_ends_what_runs() {
    let mut machine = Machine::enrolled();
    let (mut rogue, _) = machine.rogue().await;
    rogue.say(ToExecutor::Job(sign_job(&job(1, &["sleep", "3000"]), &key(1)).unwrap())).await;
    rogue.accepted(1).await;
    drop(rogue);
    let (mut next, _) = machine.rogue().await;
    next.say(ToExecutor::Stop(sign_stop(StopOrder { stop_epoch: 1, at_us: 0 }, &key(1)))).await;
    assert_eq!(next.result(1).await.state, JobState::Stopped);
    let before = next.deliver(&machine.touch(2), 1).await;
    assert!(before.reason.contains("stopped"), "{}", before.reason);
}

#[tokio::test]
async fn a_version_that_waits_is_dropped_by_a_signed_stop_and_when_the_policy_does_not_pin_its_key_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::blank(dir.path().to_owned());
    let nobody = Box::new(|_, _| Err(String::new()));
    let opened = Executor::open(config, Purpose::Run, Some(enrolment(1)), String::new(), nobody);
    let (mut executor, _news) = opened.unwrap();
    let ready = |executor: &Executor| executor.updates.as_ref().unwrap().ready.is_some();
    for (signer, waits) in [(9, true), (1, false)] {
        executor.updates = Some(update::tests::waiting(dir.path()));
        let stop = sign_stop(StopOrder { stop_epoch: 1, at_us: 0 }, &key(signer));
        executor.on_message(ToExecutor::Stop(stop)).unwrap();
        assert_eq!(ready(&executor), waits, "signed by {signer}");
    }
    executor.updates = Some(update::tests::waiting(dir.path()));
    let pinned: String = key(1).public().iter().map(|byte| format!("{byte:02x}")).collect();
    let policy = format!("[[release_keys]]\nname = \"the house\"\npublic_key = \"{pinned}\"\n");
    crate::files::replace(&dir.path().join("policy.toml"), policy.as_bytes()).unwrap();
    assert!(executor.may_try());
    std::fs::remove_file(dir.path().join("policy.toml")).unwrap();
    assert!(!executor.may_try() && !ready(&executor), "it is refused, not tried");
}

#[tokio::test]
async fn while_a_new_version_tests_itself_jobs_are_done_and_stop_all_runs_ends_the_test() {
    // Its test of itself has no end.
    let program = b"#!/bin/sh\necho $$ >\"$2/tested\"\nexec sleep 3000\n";
    let mut fetched = None;
    let mut machine = Machine::with_updates(Some(enrolment(1)), ROUND, |dir| {
        let (updates, sha256, new) = update::tests::fetching(dir, program);
        fetched = Some((sha256, new));
        Some(updates)
    });
    let (sha256, new) = fetched.unwrap();
    let (mut rogue, _) = machine.rogue().await;
    rogue.say(ToExecutor::Part { sha256, offset: 0, bytes: program.to_vec() }).await;
    // The process of the test, once it runs and as long as it does.
    let tested = machine.dir.path().join("tested");
    let process = || {
        let pid = std::fs::read_to_string(&tested).ok()?;
        std::fs::read(format!("/proc/{}/cmdline", pid.trim())).ok().filter(|line| line.starts_with(b"sleep"))
    };
    timeout(PATIENCE, async {
        while process().is_none() {
            rogue.results_up_to_now().await;
        }
    })
    .await
    .expect("the test begins");
    assert_eq!(rogue.deliver(&machine.touch(1), 1).await.state, JobState::Done, "nothing waits for the test");
    rogue.say(ToExecutor::Stop(sign_stop(StopOrder { stop_epoch: 1, at_us: 0 }, &key(1)))).await;
    rogue.results_up_to_now().await;
    assert!(!new.exists(), "the new version is dropped at once");
    timeout(PATIENCE, async {
        while process().is_some() {
            rogue.results_up_to_now().await;
        }
    })
    .await
    .expect("its test ends");
    machine.end().await;
}
