//! The folder as released versions wrote it: a version on trial works in the folder of the one before it, and after a
//! rollback the one before it works in that of the newer one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use agent_proto::{
    Action, Class, Durable, FromAgent, Gap, Job, JobResult, JobState, Lane, SigningKey, StopOrder, action_digest,
    approve_plan, decode, plan_hash, sign_job, sign_stop,
};

use crate::identity::Enrolment;
use crate::jobs::{Jobs, Verdict};
use crate::register::Register;
use crate::ring::{Keep, Ring};

const RING_BYTES: u64 = 256 * 1024;

fn enrolment() -> Enrolment {
    Enrolment {
        agent_id: [1; 16],
        server_public_key: [2; 32],
        trust: vec![vec![3, 4]],
        servers: vec!["wss://mainstay.example.org:7301/agent".into()],
    }
}

fn event() -> Durable {
    Durable::Gap(Gap { lane: Lane::Metrics, from_ms: 1, to_ms: 2, dropped: 3, why: "a full disk".into() })
}

/// When the jobs were made, and long after anybody reads them.
const THEN_US: i64 = 1_790_000_000_000_000;
const OVER_US: i64 = 9_000_000_000_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

/// The journal of a machine that allows `touch`, and everything that approver 2 signs.
fn jobs(dir: &Path) -> Jobs {
    let approver: String = key(2).public().iter().map(|byte| format!("{byte:02x}")).collect();
    let policy = format!(
        "[[allow]]\ncommand = [\"touch\", \"*\"]\n[[approvers]]\nname = \"Ada\"\npublic_key = \"{approver}\"\n"
    );
    let path = dir.join("policy.toml");
    std::fs::write(&path, policy).unwrap();
    let ours = Enrolment { server_public_key: key(1).public(), ..enrolment() };
    Jobs::open(dir, &ours, &path).unwrap()
}

fn job(id: u8, program: &str) -> Job {
    let action = Action::Command {
        argv: vec![program.into(), "/tmp/mark".into()],
        env: vec![],
        input_json: None,
        timeout_ms: 20_000,
        detach: false,
    };
    Job {
        job_id: [id; 16],
        agent_id: enrolment().agent_id,
        class: Class::A,
        action,
        plan_hash: [0; 32],
        plan: vec![],
        not_before_us: THEN_US - 1,
        not_after_us: OVER_US,
        nonce: [0; 16],
        stop_epoch: 1,
        approval: None,
    }
}

/// One that the policy does not name, which a person approved once.
fn approved(id: u8) -> Job {
    let mut job = Job { class: Class::B, ..job(id, "rm") };
    job.plan = vec![action_digest(&job.agent_id, &job.action)];
    job.plan_hash = plan_hash(&job.plan);
    job.approval = Some(approve_plan(&job.plan_hash, OVER_US, &key(2)));
    job
}

fn done(id: u8) -> JobResult {
    JobResult {
        job_id: [id; 16],
        state: JobState::Done,
        reason: String::new(),
        exit_code: Some(0),
        started_us: THEN_US,
        finished_us: THEN_US + 1,
        output: "as it was\n".into(),
        output_dropped_bytes: 3,
    }
}

fn take(jobs: &mut Jobs, job: &Job) -> Option<JobResult> {
    match jobs.take(&sign_job(job, &key(1)).unwrap(), THEN_US, THEN_US) {
        Verdict::Report(result) => Some(result),
        Verdict::Start(..) => None,
        Verdict::Runs(_) | Verdict::Ignore => panic!("neither started nor reported"),
    }
}

/// Job 1 is done and its result was kept, 2 is done and owed, 3 was running when the agent ended, 4 used up an approval, and
/// all runs were stopped once before.
fn write_jobs(dir: &Path) {
    let mut jobs = jobs(dir);
    assert!(jobs.stop(&sign_stop(StopOrder { stop_epoch: 1, at_us: THEN_US }, &key(1))));
    for job in [job(1, "touch"), job(2, "touch"), job(3, "touch"), approved(4)] {
        assert_eq!(take(&mut jobs, &job), None, "it starts");
    }
    for id in [1, 2, 4] {
        jobs.finish(&done(id));
    }
    jobs.kept(&[1; 16]);
    jobs.kept(&[4; 16]);
    drop(jobs);
    std::fs::remove_file(dir.join("policy.toml")).unwrap();
}

fn write(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    enrolment().save(dir).unwrap();
    let mut ring = Ring::open(&dir.join("ring"), RING_BYTES, 1_000).unwrap();
    ring.append(Lane::Results, 1_000, event(), Keep::Synced);
    drop(ring);
    let mut register = Register::open(dir, true);
    register.begin(10);
    register.put(&["node_disk"], &[("device", "sda")], 1.0);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

fn golden(name: &str, write: impl FnOnce(&Path)) -> tempfile::TempDir {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("GOLDEN_WRITE").is_some() && !golden.exists() {
        std::fs::create_dir_all(&golden).unwrap();
        write(&golden);
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&golden, folder.path());
    folder
}

/// Each version of the formats has a folder here, which is never changed.
#[test]
fn the_folder_that_an_older_version_left_is_read() {
    let folder = golden("folder-1", write);
    assert_eq!(Enrolment::load(folder.path()).unwrap(), Some(enrolment()));
    let mut ring = Ring::open(&folder.path().join("ring"), RING_BYTES, 2_000).unwrap();
    let frame = ring.next_unsent().unwrap();
    match decode::<FromAgent>(&frame).unwrap().message {
        FromAgent::Durable { lane: Lane::Results, event: kept, .. } => assert_eq!(kept, event()),
        other => panic!("{other:?}"),
    }
    assert!(ring.next_unsent().is_none(), "nothing of it is damaged");
    let mut register = Register::open(folder.path(), false);
    register.begin(10);
    register.put(&["node_load1"], &[], 1.0);
    register.put(&["node_disk"], &[("device", "sda")], 2.0);
    assert_eq!(register.values, [(2, 1.0), (1, 2.0)], "the series keeps its number");
}

#[test]
fn the_journal_of_jobs_that_an_older_version_left_is_read_and_nothing_is_done_again() {
    let folder = golden("jobs-1", write_jobs);
    let mut jobs = jobs(folder.path());
    let mut owed = jobs.owed(&HashSet::new(), 10);
    owed.sort_by_key(|result| result.job_id);
    assert_eq!(owed.first(), Some(&done(2)), "it is handed over again, as it was");
    let states: Vec<(u8, JobState)> = owed.iter().map(|result| (result.job_id[0], result.state)).collect();
    assert_eq!(states, [(2, JobState::Done), (3, JobState::Unknown)], "and what was running has no known end");
    assert_eq!(take(&mut jobs, &job(1, "touch")), Some(done(1)), "it is not done again");
    assert_eq!(take(&mut jobs, &job(3, "touch")).map(|result| result.state), Some(JobState::Unknown));
    let again = take(&mut jobs, &approved(5)).unwrap();
    assert!(again.reason.contains("needs a new approval"), "{}", again.reason);
    let before = take(&mut jobs, &Job { stop_epoch: 0, ..job(6, "touch") }).unwrap();
    assert!(before.reason.contains("stopped"), "{}", before.reason);
    assert_eq!(take(&mut jobs, &job(7, "touch")), None, "what is new starts");
}
