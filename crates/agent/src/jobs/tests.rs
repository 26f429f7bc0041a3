//! At most once, only for us, only as the policy says.

use super::*;
use crate::pair::ToCollector;
use agent_proto::{Action, Class, Probe, ServiceVerb, SigningKey, approve_plan, plan_hash, sign_job, sign_job_within};

mod stopping;

const US: [u8; 16] = [7; 16];
const NOW: i64 = 1_700_000_000_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    /// A machine that allows `touch`, and everything that approver 2 signs.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let approver = agent_proto::hex(&key(2).public());
        let policy = format!(
            "[[allow]]\ncommand = [\"touch\", \"*\"]\n[[approvers]]\nname = \"Ada\"\npublic_key = \"{approver}\"\n"
        );
        files::replace(&dir.path().join("policy.toml"), policy.as_bytes()).unwrap();
        Self { dir }
    }

    fn jobs(&self) -> Jobs {
        let enrolment = Enrolment { agent_id: US, server_public_key: key(1).public(), trust: vec![], servers: vec![] };
        Jobs::open(self.dir.path(), &enrolment, &self.dir.path().join("policy.toml")).unwrap()
    }

    fn mark(&self) -> PathBuf {
        self.dir.path().join("mark")
    }

    fn touch(&self, id: u8) -> Job {
        job(id, command(&["touch", self.mark().to_str().unwrap()]))
    }
}

fn command(words: &[&str]) -> Action {
    Action::Command {
        argv: words.iter().map(|word| (*word).to_owned()).collect(),
        env: vec![],
        input_json: None,
        timeout_ms: 20_000,
        detach: false,
    }
}

fn job(id: u8, action: Action) -> Job {
    Job {
        job_id: [id; 16],
        agent_id: US,
        class: Class::A,
        action,
        plan_hash: [0; 32],
        plan: vec![],
        not_before_us: NOW - 1,
        not_after_us: NOW + 1_000_000,
        nonce: [0; 16],
        stop_epoch: 0,
        approval: None,
    }
}

fn approved(mut job: Job, approver: u8) -> Job {
    job.class = Class::B;
    job.plan = vec![action_digest(&US, &job.action)];
    job.plan_hash = plan_hash(&job.plan);
    job.approval = Some(approve_plan(&job.plan_hash, NOW + 5_000_000, &key(approver)));
    job
}

fn signed(job: &Job) -> SignedJob {
    sign_job(job, &key(1)).unwrap()
}

/// Hands of a collector that acts.
fn hands() -> Hands {
    let hands = Hands::default();
    let (collector, mut asked) = tokio::sync::mpsc::channel(8);
    hands.attach(collector);
    let way = hands.clone();
    tokio::spawn(async move {
        while let Some(ToCollector::Act { job_id, action }) = asked.recv().await {
            way.answer(&job_id, crate::collector::perform(&action, &probes::Around::default()).await);
        }
    });
    hands
}

async fn run(jobs: &mut Jobs, job: &Job) -> JobResult {
    match jobs.take(&signed(job), NOW, NOW) {
        Verdict::Start(job, stop) => {
            let result = execute(jobs.dir.clone(), job, None, hands(), stop).await;
            jobs.finish(&result);
            result
        }
        Verdict::Report(result) => result,
        Verdict::Runs(_) | Verdict::Ignore => panic!("neither started nor reported"),
    }
}

#[track_caller]
fn check(jobs: &mut Jobs, signed: &SignedJob, now: (i64, i64), state: JobState, part: &str) {
    match jobs.take(signed, now.0, now.1) {
        Verdict::Report(result) => {
            assert_eq!(result.state, state, "{}", result.reason);
            assert!(result.reason.contains(part), "{}", result.reason);
        }
        _ => panic!("not reported"),
    }
}

#[tokio::test]
async fn a_replayed_job_returns_its_stored_result_and_is_not_done_twice() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let first = run(&mut jobs, &machine.touch(1)).await;
    assert_eq!(first.state, JobState::Done, "{}", first.reason);
    std::fs::remove_file(machine.mark()).unwrap();
    assert_eq!(run(&mut jobs, &machine.touch(1)).await, first);
    let mut jobs = machine.jobs();
    assert_eq!(run(&mut jobs, &machine.touch(1)).await, first, "also after a restart");
    check(&mut jobs, &signed(&machine.touch(1)), (NOW + 9_000_000, NOW), JobState::Done, "");
    assert!(!machine.mark().exists());
}

#[tokio::test]
async fn a_job_that_was_started_and_has_no_result_is_unknown_and_not_done_again() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let Verdict::Start(..) = jobs.take(&signed(&machine.touch(1)), NOW, NOW) else { panic!("not started") };
    assert!(matches!(jobs.take(&signed(&machine.touch(1)), NOW, NOW), Verdict::Runs(id) if id == [1; 16]));
    let mut jobs = machine.jobs();
    let unknown = jobs.owed(&HashSet::new(), 9);
    assert_eq!(unknown.len(), 1);
    assert_eq!((unknown[0].job_id, unknown[0].state), ([1; 16], JobState::Unknown));
    assert_eq!(run(&mut jobs, &machine.touch(1)).await, unknown[0]);
    assert!(!machine.mark().exists());
    assert_eq!(machine.jobs().owed(&HashSet::new(), 9), unknown, "it is owed until it was kept");
    jobs.kept(&[1; 16]);
    assert!(machine.jobs().owed(&HashSet::new(), 9).is_empty(), "it is reported once");
    assert_eq!(run(&mut machine.jobs(), &machine.touch(1)).await, unknown[0]);
}

#[tokio::test]
async fn jobs_of_others_with_other_signatures_or_at_other_times_are_refused() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let now = (NOW, NOW);
    let other = Job { agent_id: [8; 16], ..machine.touch(1) };
    check(&mut jobs, &signed(&other), now, JobState::Refused, "another agent");
    let mut tampered = signed(&machine.touch(2));
    let last = tampered.bytes.len() - 1;
    tampered.bytes[last] ^= 1;
    check(&mut jobs, &tampered, now, JobState::Refused, "signature");
    let foreign = sign_job(&machine.touch(3), &key(9)).unwrap();
    check(&mut jobs, &foreign, now, JobState::Refused, "signature");
    check(&mut jobs, &signed(&machine.touch(4)), (NOW + 2_000_000, NOW), JobState::Expired, "time is over");
    check(&mut jobs, &signed(&machine.touch(5)), (NOW - 2_000_000, NOW), JobState::Refused, "not come");
    assert!(!machine.mark().exists());
}

#[tokio::test]
async fn a_job_with_a_limit_is_judged_as_any_other_and_its_limit_is_known() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let limited = |job: &Job, by| sign_job_within(job, 9_000, &key(by)).unwrap();
    assert_eq!(jobs.limit_ms(&limited(&machine.touch(1), 1)), Some(9_000));
    assert_eq!(jobs.limit_ms(&limited(&machine.touch(1), 9)), None, "not the server's signature");
    assert_eq!(jobs.limit_ms(&signed(&machine.touch(1))), None);
    assert!(matches!(jobs.take(&limited(&machine.touch(1), 1), NOW, NOW), Verdict::Start(..)));
    assert!(matches!(jobs.take(&signed(&machine.touch(1)), NOW, NOW), Verdict::Runs(id) if id == [1; 16]));
    let other = job(2, command(&["echo"]));
    check(&mut jobs, &limited(&other, 1), (NOW, NOW), JobState::Refused, "does not name");
}

#[tokio::test]
async fn a_tampered_repetition_of_a_known_job_says_nothing_about_it() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    run(&mut jobs, &machine.touch(1)).await;
    let mut tampered = signed(&machine.touch(1));
    let last = tampered.bytes.len() - 1;
    tampered.bytes[last] ^= 1;
    assert!(matches!(jobs.take(&tampered, NOW, NOW), Verdict::Ignore));
    let short = SignedJob { bytes: vec![1], ..tampered };
    assert!(matches!(jobs.take(&short, NOW, NOW), Verdict::Ignore));
}

#[tokio::test]
async fn what_no_rule_names_needs_a_pinned_approver_and_each_approval_is_used_once() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let now = (NOW, NOW);
    let echo = |id| job(id, command(&["echo", "hello"]));
    check(&mut jobs, &signed(&echo(1)), now, JobState::Refused, "does not name");
    check(&mut jobs, &signed(&Job { class: Class::B, ..echo(2) }), now, JobState::Refused, "does not name");
    check(&mut jobs, &signed(&approved(echo(3), 9)), now, JobState::Refused, "does not pin");
    let done = run(&mut jobs, &approved(echo(4), 2)).await;
    assert_eq!((done.state, done.output.as_str()), (JobState::Done, "hello\n"));
    check(&mut jobs, &signed(&approved(echo(5), 2)), now, JobState::Refused, "done already");
    let mut jobs = machine.jobs();
    check(&mut jobs, &signed(&approved(echo(6), 2)), now, JobState::Refused, "done already");
}

#[tokio::test]
async fn a_clock_that_jumped_stops_approvals_but_not_the_servers_own_jobs() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let days = 3 * 24 * 3_600 * 1_000_000;
    let apart = (NOW, NOW + days);
    check(&mut jobs, &signed(&approved(job(1, command(&["echo"])), 2)), apart, JobState::Refused, "too far apart");
    let verdict = jobs.take(&signed(&machine.touch(2)), NOW, NOW + days);
    assert!(matches!(verdict, Verdict::Start(..)));
}

#[tokio::test]
async fn observing_needs_no_policy() {
    let machine = Machine::new();
    std::fs::remove_file(machine.dir.path().join("policy.toml")).unwrap();
    let mut jobs = machine.jobs();
    let probe = Probe::FileSystem { mount: "/".into(), max_used_percent: 100.0 };
    let seen = run(&mut jobs, &job(1, Action::Probe { probe: probe.clone(), timeout_ms: 5_000 })).await;
    assert_eq!(seen.state, JobState::Done, "{}", seen.reason);
    let waited = run(&mut jobs, &job(2, Action::WaitFor { probe, every_ms: 100, timeout_ms: 5_000 })).await;
    assert_eq!(waited.state, JobState::Done);
    let never = Probe::FileSystem { mount: "/".into(), max_used_percent: -1.0 };
    let late = run(&mut jobs, &job(3, Action::WaitFor { probe: never, every_ms: 100, timeout_ms: 50 })).await;
    assert_eq!(late.state, JobState::TimedOut);
    check(&mut jobs, &signed(&machine.touch(4)), (NOW, NOW), JobState::Refused, "does not name");
}

#[tokio::test]
async fn a_command_gets_its_input_in_a_private_file_and_a_clean_environment() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let script = "cat \"$MAINSTAY_INPUT\"; stat -c ' %a' \"$MAINSTAY_INPUT\"; env | cut -d= -f1 | sort | tr '\\n' ' '";
    let Action::Command { argv, .. } = command(&["sh", "-c", script]) else { unreachable!() };
    let action = Action::Command {
        argv,
        env: vec![("A".into(), "b".into())],
        input_json: Some("{\"name\":\"; rm -rf /\"}".into()),
        timeout_ms: 20_000,
        detach: false,
    };
    let result = run(&mut jobs, &approved(job(1, action), 2)).await;
    assert_eq!(result.output, "{\"name\":\"; rm -rf /\"} 600\nA HOME LANG MAINSTAY_INPUT PATH PWD ");
    assert_eq!(std::fs::read_dir(machine.dir.path().join("inputs")).unwrap().count(), 0, "the input is gone");
}

#[tokio::test]
async fn failures_time_outs_and_long_output_are_told_apart() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let failed = run(&mut jobs, &approved(job(1, command(&["sh", "-c", "echo no >&2; exit 3"])), 2)).await;
    assert_eq!((failed.state, failed.exit_code, failed.output.as_str()), (JobState::Failed, Some(3), "no\n"));
    let absent = run(&mut jobs, &approved(job(2, command(&["/no/such/program"])), 2)).await;
    assert!(absent.state == JobState::Failed && absent.reason.contains("/no/such/program"));
    let Action::Command { argv, .. } = command(&["sleep", "60"]) else { unreachable!() };
    let short = Action::Command { argv, env: vec![], input_json: None, timeout_ms: 50, detach: false };
    assert_eq!(run(&mut jobs, &approved(job(3, short), 2)).await.state, JobState::TimedOut);
    let long = run(&mut jobs, &approved(job(4, command(&["sh", "-c", "yes | head -c 200000; echo end"])), 2)).await;
    assert!(long.state == JobState::Done && long.output.ends_with("end\n"));
    assert_eq!(long.output.len() as u64 + long.output_dropped_bytes, 200_004);
}

#[tokio::test]
async fn a_detached_program_is_left_running_and_one_that_fails_at_once_did_not_start() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let detached = |id, words: &[&str]| {
        let Action::Command { argv, .. } = command(words) else { unreachable!() };
        approved(job(id, Action::Command { argv, env: vec![], input_json: None, timeout_ms: 1, detach: true }), 2)
    };
    let result = run(&mut jobs, &detached(1, &["sleep", "59.125"])).await;
    assert_eq!(result.state, JobState::Done, "{}", result.reason);
    let pid: i32 = result.output.rsplit(' ').next().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    assert_eq!(rustix::process::getsid(Some(pid)), Ok(pid), "it leads a session of its own");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(run(&mut jobs, &detached(2, &["false"])).await.state, JobState::Failed);
    assert_eq!(run(&mut jobs, &detached(3, &["/no/such"])).await.state, JobState::Failed);
}

#[tokio::test]
async fn old_jobs_are_forgotten_only_when_nobody_can_deliver_them_any_more() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    run(&mut jobs, &machine.touch(1)).await;
    let count = || std::fs::read_dir(machine.dir.path().join("jobs")).unwrap().count();
    assert_eq!(count(), 2);
    jobs.journal.forget_before(NOW + 24 * 3_600 * 1_000_000);
    assert_eq!(count(), 2);
    jobs.journal.forget_before(NOW + 8 * 24 * 3_600 * 1_000_000);
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn a_job_without_a_result_and_one_whose_file_was_cut_are_forgotten_too() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let Verdict::Start(..) = jobs.take(&signed(&machine.touch(1)), NOW, NOW) else { panic!("not started") };
    run(&mut jobs, &machine.touch(2)).await;
    let folder = machine.dir.path().join("jobs");
    let count = || std::fs::read_dir(&folder).unwrap().count();
    let cut = folder.join(format!("{}.started", agent_proto::hex(&[2; 16])));
    std::fs::write(&cut, b"").unwrap();
    let (mut journal, unfinished) = Journal::open(&folder).unwrap();
    assert_eq!((count(), unfinished), (3, vec![[1; 16]]));
    let day = 24 * 3_600 * 1_000_000;
    journal.forget_before(NOW + 8 * day);
    assert_eq!(count(), 2, "how long the cut one could be used is not known: its file is of today");
    let written = cut.metadata().unwrap().modified().unwrap();
    let written_us = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
    journal.forget_before(written_us + 30 * day);
    assert_eq!(count(), 2);
    journal.forget_before(written_us + 39 * day);
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn looks_leave_nothing_in_the_journal_once_their_result_is_kept() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let probe = |max| Probe::FileSystem { mount: "/".into(), max_used_percent: max };
    let look = |id, max| job(id, Action::Probe { probe: probe(max), timeout_ms: 20_000 });
    let count = || std::fs::read_dir(machine.dir.path().join("jobs")).unwrap().count();
    let first = run(&mut jobs, &look(1, -1.0)).await;
    assert_eq!(first.state, JobState::Failed);
    assert_eq!(machine.jobs().owed(&HashSet::new(), 9), vec![first.clone()], "it is owed, also after a restart");
    let again = run(&mut jobs, &look(1, 100.0)).await;
    assert_eq!(again, first, "it is told again as long as it is owed");
    let late = Job { not_after_us: NOW - 1, ..look(2, 100.0) };
    check(&mut jobs, &signed(&late), (NOW, NOW), JobState::Expired, "over");
    assert_eq!(count(), 2);
    jobs.kept(&[1; 16]);
    jobs.kept(&[2; 16]);
    assert_eq!(count(), 0);
    let Verdict::Start(..) = jobs.take(&signed(&look(3, 100.0)), NOW, NOW) else { panic!("not started") };
    assert!(matches!(jobs.take(&signed(&look(3, 100.0)), NOW, NOW), Verdict::Runs(id) if id == [3; 16]));
}

#[tokio::test]
async fn who_could_not_look_says_neither_yes_nor_no() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let nowhere = || Probe::FileSystem { mount: "/no/such/mount".into(), max_used_percent: 90.0 };
    let unit = "--all".to_owned();
    for (id, action) in [
        (1, Action::Probe { probe: nowhere(), timeout_ms: 20_000 }),
        (2, Action::WaitFor { probe: nowhere(), every_ms: 100, timeout_ms: 250 }),
        (3, Action::Service { unit: unit.clone(), verb: ServiceVerb::Status }),
    ] {
        let result = run(&mut jobs, &job(id, action)).await;
        assert_eq!(result.state, JobState::Refused, "job {id}: {}", result.reason);
        assert!(result.reason.contains("could not be looked at"), "{}", result.reason);
        assert!(result.reason.contains("/no/such/mount") || result.reason.contains("not the name of a unit"));
    }
    let full = Probe::FileSystem { mount: "/".into(), max_used_percent: -1.0 };
    let seen = run(&mut jobs, &job(4, Action::Probe { probe: full, timeout_ms: 20_000 })).await;
    assert_eq!(seen.state, JobState::Failed, "{}", seen.reason);
}

#[tokio::test]
async fn what_a_collector_was_doing_when_it_ended_is_unknown() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let probe = Probe::FileSystem { mount: "/".into(), max_used_percent: 100.0 };
    let look = |id| job(id, Action::Probe { probe: probe.clone(), timeout_ms: 5_000 });
    let Verdict::Start(first, stop) = jobs.take(&signed(&look(1)), NOW, NOW) else { panic!("not started") };
    let hands = Hands::default();
    let away = execute(jobs.dir.clone(), first, None, hands.clone(), stop).await;
    assert_eq!(away.state, JobState::Refused, "nobody looked: {}", away.reason);
    assert!(away.reason.contains("is away"));
    let (collector, mut asked) = tokio::sync::mpsc::channel(8);
    hands.attach(collector);
    let Verdict::Start(second, stop) = jobs.take(&signed(&look(2)), NOW, NOW) else { panic!("not started") };
    let running = tokio::spawn(execute(jobs.dir.clone(), second, None, hands.clone(), stop));
    assert!(matches!(asked.recv().await, Some(ToCollector::Act { .. })));
    hands.detach();
    assert_eq!(running.await.unwrap().state, JobState::Unknown);
}
