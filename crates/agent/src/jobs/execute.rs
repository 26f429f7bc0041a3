//! Doing what a job says, with a deadline, and with an ear for *Stop all runs*.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use agent_proto::{Action, CheckState, Job, JobResult, JobState, ServiceVerb, hex};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::hands::Hands;
use super::output::Tail;
use crate::clock;
use crate::error::Error;
use crate::files;
use crate::pair::Outcome;
use crate::probe::{self, Seen};
use crate::subprocess::{PATH, Said};

/// Between asking a program to end and killing it.
const GRACE: Duration = Duration::from_millis(300);
/// After a program has ended, its children may still hold its output open.
const DRAIN: Duration = Duration::from_millis(500);
/// A detached program that fails within this time did not start.
const START: Duration = Duration::from_millis(500);
/// What systemctl is given when the job has no limit either; the server counts with it too.
const SERVICE_LIMIT_MS: u32 = 120_000;
/// Nothing of systemd's own takes longer.
const SYSTEMCTL_MOST: Duration = Duration::from_secs(24 * 3_600);

/// Does a job that was judged and written down. Looking and asking is the collector's. `limit_ms` is for an action that
/// names no limit of its own.
pub(crate) async fn execute(
    dir: PathBuf,
    job: Box<Job>,
    limit_ms: Option<u32>,
    hands: Hands,
    mut stop: oneshot::Receiver<()>,
) -> JobResult {
    let started_us = clock::wall_us();
    let outcome = match &job.action {
        Action::Command { detach: false, .. } => run_command(&dir, &job, &mut stop).await,
        other => tokio::select! {
            outcome = act(&dir, &job.job_id, other, limit_ms, &hands) => outcome,
            _ = &mut stop => {
                hands.halt(job.job_id);
                Outcome::stopped()
            }
        },
    };
    let Outcome { state, reason, exit_code, output, output_dropped_bytes } = outcome.bounded();
    let (job_id, finished_us) = (job.job_id, clock::wall_us());
    JobResult { job_id, state, reason, exit_code, started_us, finished_us, output, output_dropped_bytes }
}

async fn act(dir: &Path, job_id: &[u8; 16], action: &Action, limit_ms: Option<u32>, hands: &Hands) -> Outcome {
    match action {
        Action::Command { argv, env, input_json, .. } => detach(dir, job_id, argv, env, input_json.as_deref()).await,
        Action::Service { unit, verb } => service(unit, *verb, limit_ms.unwrap_or(SERVICE_LIMIT_MS)).await,
        Action::Http { .. } | Action::Probe { .. } | Action::WaitFor { .. } => hands.act(*job_id, action).await,
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms.max(1)))
}

async fn service(unit: &str, verb: ServiceVerb, limit_ms: u32) -> Outcome {
    let word = match verb {
        ServiceVerb::Start => Some("start"),
        ServiceVerb::Stop => Some("stop"),
        ServiceVerb::Restart => Some("restart"),
        ServiceVerb::Reload => Some("reload"),
        ServiceVerb::Status => None,
    };
    let mut code = None;
    if let Some(word) = word {
        let asked = [word, "--no-ask-password"];
        match within(limit_ms, probe::systemctl(&asked, unit, SYSTEMCTL_MOST)).await {
            Ok(said) => code = Some(said.code.unwrap_or(-1)),
            Err(outcome) => return outcome,
        }
    }
    told(code, probe::unit(unit).await)
}

/// What systemctl said, unless its time is over: then it is killed.
async fn within(limit_ms: u32, asking: impl Future<Output = Result<Said, String>>) -> Result<Said, Outcome> {
    match timeout(millis(limit_ms), asking).await {
        Ok(said) => said.map_err(Outcome::failed),
        Err(_) => {
            let why = format!("systemctl did not end within {limit_ms} ms and was killed; systemd may still be at it");
            Err(Outcome::not(JobState::TimedOut, why))
        }
    }
}

/// What became of a service: by what systemctl ended with, if it was asked for something, and by what is seen now.
fn told(code: Option<i32>, seen: Seen) -> Outcome {
    match (code, seen.state) {
        (None, CheckState::Error) => Outcome::unseen(&seen.evidence),
        // A unit that was made for a moment is gone when it is stopped: that it cannot be looked at is no failure.
        (Some(0) | None, _) => Outcome { exit_code: code, ..Outcome::done(seen.evidence) },
        (Some(code), _) => {
            let reason = format!("systemctl ended with {code}: {}", seen.evidence);
            Outcome { exit_code: Some(code), ..Outcome::failed(reason) }
        }
    }
}

/// A command with an empty environment but for what the job names.
fn command(
    dir: &Path,
    job_id: &[u8; 16],
    words: &[String],
    env: &[(String, String)],
    input: Option<&str>,
) -> Result<Command, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    if words.iter().chain(env.iter().flat_map(|(name, value)| [name, value])).any(|text| text.contains('\0')) {
        return Err("the command holds a zero byte".into());
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).env("LANG", "C.UTF-8").env("HOME", "/");
    command.current_dir("/").stdin(Stdio::null());
    for (name, value) in env {
        if name.is_empty() || name.contains('=') {
            return Err(format!("{name:?} is not the name of a variable"));
        }
        command.env(name, value);
    }
    if let Some(input) = input {
        let path = input_path(dir, job_id);
        files::replace(&path, input.as_bytes()).map_err(|e| format!("the input cannot be written: {e}"))?;
        command.env("MAINSTAY_INPUT", path);
    }
    Ok(command)
}

fn input_path(dir: &Path, job_id: &[u8; 16]) -> PathBuf {
    dir.join("inputs").join(format!("{}.json", hex(job_id)))
}

/// Inputs of an earlier run may hold secrets: they go.
pub(super) fn clear_inputs(dir: &Path) -> Result<(), Error> {
    let folder = dir.join("inputs");
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("clear", &folder, &e)),
        _ => {}
    }
    files::make_folder(&folder).map_err(|e| Error::io("make the folder", &folder, &e))
}

async fn run_command(dir: &Path, job: &Job, stop: &mut oneshot::Receiver<()>) -> Outcome {
    let Action::Command { argv, env, input_json, timeout_ms, .. } = &job.action else {
        return Outcome::failed("not a command");
    };
    let outcome = match command(dir, &job.job_id, argv, env, input_json.as_deref()) {
        Err(e) => Outcome::failed(e),
        Ok(mut command) => {
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
            match command.spawn() {
                Err(e) => Outcome::failed(format!("{} cannot be run: {e}", argv.join(" "))),
                Ok(child) => watch(child, Instant::now() + millis(*timeout_ms), stop).await,
            }
        }
    };
    if input_json.is_some() {
        // Nothing more can be done about a file that will not go; the next start tries again.
        let _ = std::fs::remove_file(input_path(dir, &job.job_id));
    }
    outcome
}

/// Reads what a program writes until it ends, its time is over, or everything is stopped.
async fn watch(mut child: Child, deadline: Instant, stop: &mut oneshot::Receiver<()>) -> Outcome {
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = ([0; 4096], [0; 4096]);
    let mut tail = Tail::new();
    let mut kill: Option<JobState> = None;
    let mut until = deadline;
    let mut status: Option<ExitStatus> = None;
    loop {
        tokio::select! {
            read = next(&mut stdout, &mut out), if stdout.is_some() => keep(&mut stdout, read, &out, &mut tail),
            read = next(&mut stderr, &mut err), if stderr.is_some() => keep(&mut stderr, read, &err, &mut tail),
            ended = child.wait(), if status.is_none() => {
                match ended {
                    Ok(ended) => status = Some(ended),
                    Err(e) => return Outcome::failed(format!("the program was lost: {e}")),
                }
                until = Instant::now() + DRAIN;
            }
            _ = &mut *stop, if kill.is_none() && status.is_none() => {
                kill = Some(JobState::Stopped);
                signal(group, Signal::TERM);
                until = Instant::now() + GRACE;
            }
            () = sleep_until(until) => match (status, kill) {
                (Some(_), _) => break,
                (None, None) => {
                    kill = Some(JobState::TimedOut);
                    signal(group, Signal::TERM);
                    until = Instant::now() + GRACE;
                }
                (None, Some(_)) => {
                    signal(group, Signal::KILL);
                    until = Instant::now() + Duration::from_secs(3_600);
                }
            },
        }
        if status.is_some() && stdout.is_none() && stderr.is_none() {
            break;
        }
    }
    if kill.is_some() {
        // What the program started goes with it.
        signal(group, Signal::KILL);
    }
    ended(status, kill, tail)
}

async fn next(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

fn keep<P>(pipe: &mut Option<P>, read: usize, buffer: &[u8], tail: &mut Tail) {
    match buffer.get(..read) {
        Some(bytes) if read > 0 => tail.push(bytes),
        _ => *pipe = None,
    }
}

/// The group may be gone already; that is what was wanted.
fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

fn ended(status: Option<ExitStatus>, kill: Option<JobState>, tail: Tail) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let code = status.and_then(|status| status.code());
    let (state, reason) = match (kill, code) {
        (Some(JobState::TimedOut), _) => (JobState::TimedOut, "its time was over; it was killed".to_owned()),
        (Some(_), _) => (JobState::Stopped, "all runs were stopped; it was killed".to_owned()),
        (None, Some(0)) => (JobState::Done, String::new()),
        (None, Some(code)) => (JobState::Failed, format!("it ended with {code}")),
        (None, None) => {
            let number = status.and_then(|status| status.signal()).unwrap_or(0);
            (JobState::Failed, format!("it was ended by signal {number}"))
        }
    };
    Outcome { state, reason, exit_code: code, ..tail.into_outcome() }
}

/// Starts a program in a session of its own and leaves it running. What it writes is not kept: it has no reader.
async fn detach(
    dir: &Path,
    job_id: &[u8; 16],
    argv: &[String],
    env: &[(String, String)],
    input: Option<&str>,
) -> Outcome {
    const SETSID: &str = "/usr/bin/setsid";
    let Some(program) = argv.first() else { return Outcome::failed("the command is empty") };
    if !exists(program) {
        return Outcome::failed(format!("{program} is not on this machine"));
    }
    let session = Path::new(SETSID).exists();
    let words: Vec<String> = session.then(|| SETSID.to_owned()).into_iter().chain(argv.iter().cloned()).collect();
    let mut command = match command(dir, job_id, &words, env, input) {
        Ok(command) => command,
        Err(e) => return Outcome::failed(e),
    };
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if !session {
        command.process_group(0);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Outcome::failed(format!("{program} cannot be run: {e}")),
    };
    let pid = child.id().unwrap_or(0);
    match timeout(START, child.wait()).await {
        Ok(Ok(status)) if !status.success() => {
            let reason = format!("it ended at once with {}", status.code().unwrap_or(-1));
            Outcome { exit_code: status.code(), ..Outcome::failed(reason) }
        }
        // Still running, or gone well into the background of its own making.
        _ => Outcome::done(format!("started as process {pid}")),
    }
}

fn exists(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    PATH.split(':').any(|folder| Path::new(folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn systemctl_gets_the_time_that_the_job_names_and_no_more() {
        let late = within(20, std::future::pending()).await.err().unwrap();
        assert_eq!(late.state, JobState::TimedOut);
        assert!(late.reason.contains("within 20 ms"), "{}", late.reason);
        let said = Said { code: Some(3), output: String::new(), capped: false };
        assert_eq!(within(20_000, std::future::ready(Ok(said))).await.ok().unwrap().code, Some(3));
        let failed = within(20_000, std::future::ready(Err("no systemd".into()))).await.err().unwrap();
        assert_eq!((failed.state, failed.reason.as_str()), (JobState::Failed, "no systemd"));
    }

    #[test]
    fn a_service_is_told_by_what_systemctl_said_and_what_is_seen() {
        let seen = || [Seen::ok(1.0, "runs"), Seen::fail(None, "does not run"), Seen::error("no such unit")];
        let states = |code| seen().map(|seen| told(code, seen).state);
        assert_eq!(states(None), [JobState::Done, JobState::Done, JobState::Refused]);
        assert_eq!(states(Some(0)), [JobState::Done; 3]);
        assert_eq!(states(Some(5)), [JobState::Failed; 3]);
    }
}
