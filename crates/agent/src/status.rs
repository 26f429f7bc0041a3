//! What the agent is doing, in a file that the next command reads: no socket, no port.

use std::fmt;
use std::path::{Path, PathBuf};

use agent_proto::hex;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;
use crate::identity::Enrolment;

/// Much more than it ever writes.
const BYTES_MAX: u64 = 64 * 1024;

/// What is known about the agent of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The agent's name on the server, 32 hexadecimal digits; empty when the machine is not enrolled.
    pub agent_id: String,
    /// Process id of the agent's executor, which is the one that was started; 0 when none was.
    pub pid: u32,
    /// Process id of its collector; 0 when there is none.
    pub collector_pid: u32,
    /// Is the collector kept apart from what runs jobs? In words that begin with yes or no.
    pub apart: String,
    /// Is such an agent running now?
    #[serde(skip)]
    pub running: bool,
    /// The server it is connected to; empty when to none.
    pub server: String,
    /// What it last had to say about the connection.
    pub note: String,
    /// Since when, in milliseconds of Unix time.
    pub since_ms: i64,
    /// Messages that wait on disk.
    pub waiting: u64,
    /// Trouble with the machine's own policy file; empty when there is none.
    pub policy_trouble: String,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.agent_id.as_str() {
            "" => writeln!(f, "enrolled   no")?,
            id => writeln!(f, "enrolled   yes, as {id}")?,
        }
        match self.running {
            true => writeln!(f, "running    yes, process {}, its collector {}", self.pid, self.collector_pid)?,
            false => writeln!(f, "running    no")?,
        }
        if !self.apart.is_empty() {
            writeln!(f, "apart      {}", self.apart)?;
        }
        match self.server.as_str() {
            "" => writeln!(f, "connected  no: {}", self.note)?,
            server => writeln!(f, "connected  to {server}")?,
        }
        write!(f, "waiting    {} messages", self.waiting)?;
        match self.policy_trouble.as_str() {
            "" => Ok(()),
            trouble => write!(f, "\npolicy     {trouble}"),
        }
    }
}

/// What the executor says; the rest is the collector's word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Executor {
    pub(crate) pid: u32,
    pub(crate) collector_pid: u32,
    pub(crate) apart: String,
    pub(crate) policy_trouble: String,
}

/// Reads the status of the agent in a folder.
///
/// # Errors
/// The folder's files cannot be read.
pub fn status(dir: &Path) -> Result<Status, Error> {
    let mut status: Status = read(&path(&dir.join("collector")))?;
    let Executor { pid, collector_pid, apart, policy_trouble } = read(&executor_path(dir))?;
    status = Status { pid, collector_pid, apart, policy_trouble, ..status };
    // The collector's words go to a terminal, perhaps root's.
    for text in [&mut status.server, &mut status.note] {
        text.retain(|c| !c.is_control());
    }
    status.agent_id = Enrolment::load(dir)?.map(|enrolment| hex(&enrolment.agent_id)).unwrap_or_default();
    status.running = is_locked(dir);
    if !status.running {
        status.server.clear();
        status.note = "the agent is not running".into();
    }
    Ok(status)
}

fn read<T: Default + serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = files::read_foreign(path, BYTES_MAX).map_err(|e| Error::io("read", path, &e))?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// Writes the collector's part into its folder.
pub(crate) fn write(home: &Path, status: &Status) {
    keep(&path(home), status);
}

/// Writes the executor's part.
pub(crate) fn write_executor(dir: &Path, said: &Executor) {
    keep(&executor_path(dir), said);
}

/// It is a courtesy: a full disk must not stop the agent.
fn keep(path: &Path, words: &impl Serialize) {
    if let Ok(json) = serde_json::to_vec_pretty(words) {
        let aside = path.with_extension("new");
        if std::fs::write(&aside, json).is_ok() {
            let _ = std::fs::rename(&aside, path);
        }
    }
}

fn path(home: &Path) -> PathBuf {
    home.join("status.json")
}

fn executor_path(dir: &Path) -> PathBuf {
    dir.join("executor.json")
}

/// Takes the folder for this process: one folder, one agent. Held as long as the file lives.
///
/// # Errors
/// Another agent has it.
pub(crate) fn lock(dir: &Path) -> Result<std::fs::File, Error> {
    let path = dir.join("lock");
    let file = files::append(&path).map_err(|e| Error::io("open", &path, &e))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(Error::new(format!("another agent already runs in {}; stop it first", dir.display()))),
    }
}

fn is_locked(dir: &Path) -> bool {
    let Ok(file) = std::fs::File::open(dir.join("lock")) else { return false };
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockShared).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_has_one_agent_and_its_status_says_whether_it_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!status(dir.path()).unwrap().running);
        let home = dir.path().join("collector");
        files::make_folder(&home).unwrap();
        write(&home, &Status { pid: 9, server: "wss://a\u{1b}".into(), ..Status::default() });
        write_executor(dir.path(), &Executor { pid: 7, collector_pid: 8, apart: "yes".into(), ..Executor::default() });
        let held = lock(dir.path()).unwrap();
        assert!(lock(dir.path()).unwrap_err().to_string().contains("another agent"));
        let running = status(dir.path()).unwrap();
        assert_eq!((running.running, running.pid, running.collector_pid), (true, 7, 8), "the executor's word");
        assert!(running.to_string().contains("connected  to wss://a\n"));
        drop(held);
        assert!(status(dir.path()).unwrap().to_string().contains("running    no"));
    }
}
