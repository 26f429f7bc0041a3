//! The journal of jobs: a file per job that is on the disk before the job starts, and one beside it with the result.
//! It is what makes "at most once" true over restarts and power cuts.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use agent_proto::{Job, JobResult};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files::{self, hex, unhex};

/// A job that is over is remembered so much longer than it could have been started.
const REMEMBER_US: i64 = 7 * 24 * 3_600 * 1_000_000;
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
                let entry = postcard::from_bytes(&bytes).unwrap_or(Entry { over_us: i64::MAX, approved: None });
                journal.jobs.insert(id, entry);
            }
        }
        let open = journal.jobs.keys().filter(|id| journal.result(id).is_none()).copied().collect();
        Ok((journal, open))
    }

    pub(super) fn known(&self, job_id: &[u8; 16]) -> Known {
        match (self.jobs.contains_key(job_id), self.result(job_id)) {
            (false, _) => Known::No,
            (true, None) => Known::Started,
            (true, Some(result)) => Known::Ended(Box::new(result)),
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
    pub(super) fn end(&mut self, result: &JobResult) -> std::io::Result<()> {
        let bytes = postcard::to_allocvec(result).map_err(std::io::Error::other)?;
        files::replace(&self.path(&result.job_id, OWED), &bytes)?;
        self.owed.insert(result.job_id);
        Ok(())
    }

    /// Somebody else has the result on disk. Before a power cut this may be forgotten: then it is said twice.
    pub(super) fn kept(&mut self, job_id: &[u8; 16]) {
        if self.owed.contains(job_id) && std::fs::rename(self.path(job_id, OWED), self.path(job_id, KEPT)).is_ok() {
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
            // The start goes last: a result without a start is no memory of anything.
            let what = if self.owed.contains(&id) { OWED } else { KEPT };
            let removed = std::fs::remove_file(self.path(&id, what));
            if removed.is_ok() && std::fs::remove_file(self.path(&id, "started")).is_ok() {
                self.jobs.remove(&id);
                self.owed.remove(&id);
            }
        }
    }

    fn path(&self, job_id: &[u8; 16], what: &str) -> PathBuf {
        self.dir.join(format!("{}.{what}", hex(job_id)))
    }
}
