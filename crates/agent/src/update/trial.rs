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

use super::record::Records;
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
/// It must go on so long after a server acknowledged it.
const HOLD: Duration = Duration::from_secs(3);
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
        let sha256 = self.staged.release.sha256;
        let version = &self.staged.release.version;
        log::note(format!("version {version} is tried for {} s at most", at_most.as_secs()));
        let begun = self.records.name(&sha256, version).and_then(|()| self.records.begin(&sha256));
        let verdict = match begun {
            Ok(()) => self.watch(at_most, end).await,
            Err(why) => Verdict::Failed(why),
        };
        match verdict {
            Verdict::Interrupted => Ok(()),
            Verdict::Proved => match self.put_in_place() {
                Ok(()) => Err(self.become_program(&self.program.path)),
                Err(why) => Err(self.roll_back(&why)),
            },
            Verdict::Failed(why) => Err(self.roll_back(&why)),
        }
    }

    async fn watch(&self, at_most: Duration, end: impl Future<Output = ()>) -> Verdict {
        let deadline = Instant::now() + at_most;
        let sha256 = self.staged.release.sha256;
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
                let held = proved_at.is_some_and(|at| at.elapsed() >= HOLD);
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
        let mut command = self.command(&self.staged.path);
        command.env(MARK, "1");
        tokio::process::Command::from(command).kill_on_drop(true).spawn()
    }

    fn command(&self, program: &Path) -> Command {
        let mut words = std::env::args_os();
        let mut command = Command::new(program);
        command.arg0(words.next().unwrap_or_else(|| "mainstay-agent".into())).args(words);
        command.current_dir(&self.origin).env_remove(MARK);
        command
    }

    /// After each step what lies in place is a whole program that works.
    fn put_in_place(&self) -> Result<(), String> {
        let Program { path, version, sha256 } = &self.program;
        let broken = |e: std::io::Error| format!("it cannot be put in place: {e}");
        self.records.name(sha256, version)?;
        let previous = with_end(path, ".previous");
        let aside = with_end(path, ".previous.new");
        let _ = std::fs::remove_file(&aside);
        std::fs::hard_link(path, &aside).map_err(broken)?;
        std::fs::rename(&aside, &previous).map_err(broken)?;
        std::fs::rename(&self.staged.path, path).map_err(broken)?;
        files::sync_parent(path).map_err(broken)?;
        self.records.end(&report(self.staged.release.sha256, UpdateState::Done, ""));
        log::note(format!(
            "version {} is in place; {} is kept as {}",
            self.staged.release.version,
            version,
            previous.display()
        ));
        Ok(())
    }

    fn roll_back(&self, why: &str) -> Error {
        log::note(format!("version {} is given up: {why}", self.staged.release.version));
        let _ = std::fs::remove_file(&self.staged.path);
        self.records.give_up(&report(self.staged.release.sha256, UpdateState::RolledBack, why));
        self.become_program(Path::new("/proc/self/exe"))
    }

    /// Does not come back, unless it failed.
    fn become_program(&self, program: &Path) -> Error {
        Error::io("become", program, &self.command(program).exec())
    }
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
