//! The journal of jobs: a file per job that is on the disk before the job starts, and one beside it with the result.
//! It is what makes "at most once" true over restarts and power cuts. Of what changes nothing there is only the result,
//! until somebody else keeps it.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use agent_proto::{Job, JobResult, hex, unhex};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;

/// A job that is over is remembered so much longer than it could have been started.
const REMEMBER_US: i64 = 7 * 24 * 3_600 * 1_000_000;
/// No server lets a job wait for longer: by this the end of one is judged whose file was cut.
const WAIT_US_MAX: i64 = 31 * 24 * 3_600 * 1_000_000;
const JOBS_MAX: usize = 4_096;
/// How the file of a result ends: before and after it was handed over.
const OWED: &str = "owed";
const KEPT: &str = "result";

pub(super) struct Journal {
    dir: PathBuf,
    jobs: HashMap<[u8; 16], Entry>,
    /// Results that nobody has yet said to keep: in files of their own, until somebody does.
    owed: BTreeSet<[u8; 16]>,
}

/// What the file of a started job holds.
#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    /// Later than this, neither the job nor its approval can be used again.
    over_us: i64,
    /// Plan and action, when a person approved them.
    approved: Option<([u8; 32], [u8; 32])>,
}

/// What the journal says about a job.
pub(super) enum Known {
    No,
    Started,
    Ended(Box<JobResult>),
}

impl Journal {
    /// Reads the journal, and says which jobs have no result.
    pub(super) fn open(dir: &Path) -> Result<(Self, Vec<[u8; 16]>), Error> {
        files::make_folder(dir).map_err(|e| Error::io("make the folder", dir, &e))?;
        let mut journal = Self { dir: dir.to_owned(), jobs: HashMap::new(), owed: BTreeSet::new() };
        let entries = std::fs::read_dir(dir).map_err(|e| Error::io("read the journal", dir, &e))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(unhex::<16>);
            let started = path.extension().is_some_and(|extension| extension == "started");
            if let (Some(id), true) = (id, path.extension().is_some_and(|extension| extension == OWED)) {
                journal.owed.insert(id);
            }
            if let (Some(id), true) = (id, started) {
                // A file that was cut still proves that the job was about to start.
                let bytes = files::read_if_there(&path).ok().flatten().unwrap_or_default();
                journal.jobs.insert(id, postcard::from_bytes(&bytes).unwrap_or_else(|_| cut(&path)));
            }
        }
        let open = journal.jobs.keys().filter(|id| journal.result(id).is_none()).copied().collect();
        Ok((journal, open))
    }

    pub(super) fn known(&self, job_id: &[u8; 16]) -> Known {
        let started = self.jobs.contains_key(job_id);
        match self.result(job_id) {
            Some(result) if started || self.owed.contains(job_id) => Known::Ended(Box::new(result)),
            _ if started => Known::Started,
            _ => Known::No,
        }
    }

    pub(super) fn result(&self, job_id: &[u8; 16]) -> Option<JobResult> {
        let what = if self.owed.contains(job_id) { OWED } else { KEPT };
        let bytes = files::read_if_there(&self.path(job_id, what)).ok()??;
        postcard::from_bytes::<JobResult>(&bytes).ok().filter(|result| result.job_id == *job_id)
    }

    /// Writes down that a job is about to start, or will not be; when this returns it is on the disk. `approved` is the
    /// plan and the action of a job that uses up a person's approval.
    ///
    /// # Errors
    /// In words: the journal is full, or the disk refuses. Then the job must not start.
    pub(super) fn start(&mut self, job: &Job, approved: Option<([u8; 32], [u8; 32])>) -> Result<(), String> {
        if self.jobs.contains_key(&job.job_id) {
            return Ok(());
        }
        if self.jobs.len() >= JOBS_MAX {
            return Err(format!("the journal holds {JOBS_MAX} jobs of the last days; it takes no more"));
        }
        let approval_over_us = job.approval.as_ref().map_or(0, |approval| approval.not_after_us);
        let entry = Entry { over_us: job.not_after_us.max(approval_over_us), approved };
        let bytes = postcard::to_allocvec(&entry).map_err(|e| e.to_string())?;
        let path = self.path(&job.job_id, "started");
        files::create(&path, &bytes).map_err(|e| format!("the journal cannot be written: {e}"))?;
        self.jobs.insert(job.job_id, entry);
        Ok(())
    }

    /// Writes a result down. It is owed until it is [`Self::kept`].
    pub(super) fn end(&mut self, result: &JobResult) -> io::Result<()> {
        let bytes = postcard::to_allocvec(result).map_err(io::Error::other)?;
        files::replace(&self.path(&result.job_id, OWED), &bytes)?;
        self.owed.insert(result.job_id);
        Ok(())
    }

    /// Somebody else has the result on disk. Before a power cut this may be forgotten: then it is said twice.
    pub(super) fn kept(&mut self, job_id: &[u8; 16]) {
        if !self.owed.contains(job_id) {
            return;
        }
        let owed = self.path(job_id, OWED);
        let done = if self.jobs.contains_key(job_id) {
            std::fs::rename(owed, self.path(job_id, KEPT))
        } else {
            // It was never written down that it started: nothing asks for its result again.
            remove(&owed)
        };
        if done.is_ok() {
            self.owed.remove(job_id);
        }
    }

    /// Results that are owed.
    pub(super) fn owed(&self) -> impl Iterator<Item = &[u8; 16]> {
        self.owed.iter()
    }

    /// How often an action of an approved plan was begun.
    pub(super) fn uses(&self, plan_hash: &[u8; 32], action: &[u8; 32]) -> usize {
        self.jobs.values().filter(|entry| entry.approved == Some((*plan_hash, *action))).count()
    }

    /// Forgets jobs that nobody can deliver any more.
    pub(super) fn forget_before(&mut self, now_us: i64) {
        let over = |entry: &Entry| entry.over_us.saturating_add(REMEMBER_US) < now_us;
        let gone: Vec<[u8; 16]> = self.jobs.iter().filter(|(_, entry)| over(entry)).map(|(id, _)| *id).collect();
        for id in gone {
            // The start goes last: a result without a start is no memory of anything. There may be no result.
            let what = if self.owed.contains(&id) { OWED } else { KEPT };
            if remove(&self.path(&id, what)).is_ok() && remove(&self.path(&id, "started")).is_ok() {
                self.jobs.remove(&id);
                self.owed.remove(&id);
            }
        }
    }

    fn path(&self, job_id: &[u8; 16], what: &str) -> PathBuf {
        self.dir.join(format!("{}.{what}", hex(job_id)))
    }
}

/// The entry of a file that was cut, dated by the file.
fn cut(path: &Path) -> Entry {
    let written = path.metadata().and_then(|meta| meta.modified()).ok();
    let written = written.and_then(|at| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok());
    let over_us = written.map_or(i64::MAX, |written_us| written_us.saturating_add(WAIT_US_MAX));
    Entry { over_us, approved: None }
}

/// A file that is gone is what was wanted.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
