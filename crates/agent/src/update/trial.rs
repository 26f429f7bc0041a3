//! The trial: this process, whose program is known to work, runs the new one as its child and watches. When a server has
//! acknowledged what the new one said, it is put in place and this process becomes it; else this process starts anew as
//! what it is. The service manager sees one process all the while.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use agent_proto::UpdateState;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::record::{Records, Young};
use super::stage::Staged;
use super::{MARK, Program, report};
use crate::error::Error;
use crate::{files, log};

/// Between two looks at the trial.
const LOOK: Duration = Duration::from_millis(250);
/// The child may end so often.
const ENDS_MAX: u32 = 3;
/// Before a child that ended is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// It must go on so long after a server acknowledged it, or as long as the whole trial may take if that is shorter: its
/// first facts, checks and rounds lie within.
const HOLD: Duration = Duration::from_secs(60);
/// A child that was told to end is given so long.
const FAREWELL: Duration = Duration::from_secs(10);

/// A trial that is to begin.
pub(crate) struct Trial {
    pub(super) records: Records,
    pub(super) program: Program,
    pub(super) origin: PathBuf,
    pub(super) staged: Staged,
}

/// How it ended.
enum Verdict {
    /// A server acknowledged it.
    Proved,
    /// Why not.
    Failed(String),
    /// This process shall end. The next one goes on from the record.
    Interrupted,
}

impl Trial {
    /// Tries the new program for so long at most. On the way out this process becomes another program, unless it shall
    /// end.
    ///
    /// # Errors
    /// This process could not become what it shall be; the service manager starts what is in place.
    pub(crate) async fn run(self, at_most: Duration, end: impl Future<Output = ()>) -> Result<(), Error> {
        let sha256 = self.staged.release().sha256;
        let version = &self.staged.release().version;
        log::note(format!("version {version} is tried for {} s at most", at_most.as_secs()));
        let begun = self.records.name(&sha256, version).and_then(|()| self.records.begin(&sha256));
        let verdict = match begun {
            Ok(()) => self.watch(at_most, end).await,
            Err(why) => Verdict::Failed(why),
        };
        match verdict {
            Verdict::Interrupted => Ok(()),
            Verdict::Proved => match self.put_in_place() {
                Ok(()) => Err(become_program(&self.origin, &self.program.path)),
                Err(why) => Err(self.roll_back(&why)),
            },
            Verdict::Failed(why) => Err(self.roll_back(&why)),
        }
    }

    async fn watch(&self, at_most: Duration, end: impl Future<Output = ()>) -> Verdict {
        let (deadline, hold) = (Instant::now() + at_most, HOLD.min(at_most));
        let sha256 = self.staged.release().sha256;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end = std::pin::pin!(end);
        let mut ends = 0;
        loop {
            let mut child = match self.start() {
                Ok(child) => child,
                Err(e) => return Verdict::Failed(format!("it cannot be started: {e}")),
            };
            let mut proved_at = None;
            let ended = loop {
                tokio::select! {
                    () = &mut end => {
                        bury(child).await;
                        return Verdict::Interrupted;
                    }
                    ended = child.wait() => break how(ended),
                    _ = looks.tick() => {}
                }
                if proved_at.is_none() && self.records.is_proved(&sha256) {
                    proved_at = Some(Instant::now());
                }
                let held = proved_at.is_some_and(|at| at.elapsed() >= hold);
                if held || (proved_at.is_none() && Instant::now() >= deadline) {
                    bury(child).await;
                    let why = || format!("no server acknowledged it within {} s", at_most.as_secs());
                    return if held { Verdict::Proved } else { Verdict::Failed(why()) };
                }
            };
            ends += 1;
            self.records.unprove();
            if ends >= ENDS_MAX {
                return Verdict::Failed(format!("it ended {ends} times, at last with {ended}"));
            }
            sleep(PAUSE).await;
        }
    }

    /// The new program with the words this process was started with.
    fn start(&self) -> std::io::Result<Child> {
        let mut command = command(&self.origin, &self.staged.path);
        command.env(MARK, std::process::id().to_string());
        tokio::process::Command::from(command).kill_on_drop(true).spawn()
    }

    /// After each step what lies in place is a whole program that works.
    fn put_in_place(&self) -> Result<(), String> {
        let Program { path, version, sha256 } = &self.program;
        let broken = |e: std::io::Error| format!("it cannot be put in place: {e}");
        self.records.name(sha256, version)?;
        let (previous, release) = (previous_of(path), self.staged.release());
        let aside = with_end(path, ".previous.new");
        let _ = std::fs::remove_file(&aside);
        std::fs::hard_link(path, &aside).map_err(broken)?;
        std::fs::rename(&aside, &previous).map_err(broken)?;
        // Should this process end before the rename, the next one is not that program, and forgets it.
        self.records.keep_young(&Young { sha256: release.sha256, previous: *sha256, starts: 0 })?;
        std::fs::rename(&self.staged.path, path).map_err(broken)?;
        files::sync_parent(path).map_err(broken)?;
        self.records.end(&report(release.sha256, UpdateState::Done, ""));
        log::note(format!("version {} is in place; {} is kept as {}", release.version, version, previous.display()));
        Ok(())
    }

    fn roll_back(&self, why: &str) -> Error {
        log::note(format!("version {} is given up: {why}", self.staged.release().version));
        let _ = std::fs::remove_file(&self.staged.path);
        self.records.give_up(&report(self.staged.release().sha256, UpdateState::RolledBack, why));
        become_program(&self.origin, Path::new("/proc/self/exe"))
    }
}

/// A program with the words this process was started with.
fn command(origin: &Path, program: &Path) -> Command {
    let mut words = std::env::args_os();
    let mut command = Command::new(program);
    command.arg0(words.next().unwrap_or_else(|| "mainstay-agent".into())).args(words);
    command.current_dir(origin).env_remove(MARK);
    command
}

/// Does not come back, unless it failed.
pub(super) fn become_program(origin: &Path, program: &Path) -> Error {
    Error::io("become", program, &command(origin, program).exec())
}

/// Where the program is kept that was in place before.
pub(super) fn previous_of(path: &Path) -> PathBuf {
    with_end(path, ".previous")
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

async fn bury(mut child: Child) {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::TERM);
    }
    if timeout(FAREWELL, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn how(ended: std::io::Result<ExitStatus>) -> String {
    ended.map_or_else(|e| e.to_string(), |status| status.to_string())
}
