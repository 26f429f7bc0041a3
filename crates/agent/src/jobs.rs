//! Jobs: judged by signature, target, epoch, plan, time and the machine's own policy; written to the journal before
//! they start; done at most once. A job that comes again gets the result that it had.

mod execute;
mod hands;
mod journal;
mod output;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use agent_proto::{
    Job, JobRefusal, JobResult, JobState, SignedJob, SignedStop, action_digest, limits, verify_job, verify_stop,
};
use tokio::sync::oneshot;

use crate::error::Error;
use crate::identity::Enrolment;
use crate::probe::truncate;
use crate::{clock, files, log, policy};
use journal::{Journal, Known};

pub(crate) use execute::execute;
pub(crate) use hands::Hands;
pub(crate) use output::Tail;

/// Jobs that run at the same moment.
const RUNNING_MAX: usize = 8;

/// What to do about a job that was delivered.
pub(crate) enum Verdict {
    /// It is in the journal: say that it was accepted, and run it.
    Start(Box<Job>, oneshot::Receiver<()>),
    /// It runs already: say again that it was accepted.
    Runs([u8; 16]),
    /// Say this.
    Report(JobResult),
    /// Nothing can be said: the bytes name no job.
    Ignore,
}

/// The jobs of this agent.
pub(crate) struct Jobs {
    dir: PathBuf,
    agent_id: [u8; 16],
    server_key: [u8; 32],
    policy_path: PathBuf,
    journal: Journal,
    /// By signed orders alone; on disk.
    stop_epoch: u64,
    told_epoch: u64,
    running: HashMap<[u8; 16], Run>,
}

/// A job that runs. One that was told to stop runs until its result is here.
struct Run {
    /// In which the job was made.
    stop_epoch: u64,
    /// How to stop it, once.
    stop: Option<oneshot::Sender<()>>,
}

impl Jobs {
    /// Opens the journal. What was started and has no result gets one now: nobody knows.
    pub(crate) fn open(dir: &Path, enrolment: &Enrolment, policy_path: &Path) -> Result<Self, Error> {
        let (journal, unfinished) = Journal::open(&dir.join("jobs"))?;
        execute::clear_inputs(dir)?;
        let stop_epoch = files::read_if_there(&dir.join("stop_epoch"))
            .map_err(|e| Error::io("read", &dir.join("stop_epoch"), &e))?
            .and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok())
            .unwrap_or(0);
        let mut jobs = Self {
            dir: dir.to_owned(),
            agent_id: enrolment.agent_id,
            server_key: enrolment.server_public_key,
            policy_path: policy_path.to_owned(),
            journal,
            stop_epoch,
            told_epoch: 0,
            running: HashMap::new(),
        };
        let why = "the agent ended while this ran; it is not run again, look before you repeat it";
        for job_id in unfinished {
            jobs.keep(&without_run(job_id, JobState::Unknown, why.into()));
        }
        Ok(jobs)
    }

    /// Results that the collector does not have yet, without those that are on their way: `limit` of them at most.
    pub(crate) fn owed(&self, on_their_way: &HashSet<[u8; 16]>, limit: usize) -> Vec<JobResult> {
        let owed = self.journal.owed().filter(|job_id| !on_their_way.contains(*job_id));
        owed.filter_map(|job_id| self.journal.result(job_id)).take(limit).collect()
    }

    /// Does none run?
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The collector has this result on its disk.
    pub(crate) fn kept(&mut self, job_id: &[u8; 16]) {
        self.journal.kept(job_id);
    }

    /// Judges a job that was delivered. `server_us` is the server's time, `wall_us` this machine's.
    pub(crate) fn take(&mut self, signed: &SignedJob, server_us: i64, wall_us: i64) -> Verdict {
        let stop_epoch = self.stop_epoch.max(self.told_epoch);
        let judged = verify_job(signed, &self.server_key, &self.agent_id, stop_epoch, server_us);
        let (job, refusal) = match judged {
            Ok(job) => (Box::new(job), None),
            Err((refusal, Some(job))) => (job, Some(refusal)),
            Err((refusal, None)) => return self.refuse_unsigned(signed, refusal),
        };
        if refusal == Some(JobRefusal::Target) {
            // Not ours to remember.
            return Verdict::Report(without_run(job.job_id, JobState::Refused, JobRefusal::Target.to_string()));
        }
        if self.running.contains_key(&job.job_id) {
            return Verdict::Runs(job.job_id);
        }
        match self.journal.known(&job.job_id) {
            Known::No => {}
            Known::Ended(result) => return Verdict::Report(*result),
            Known::Started => {
                let why = "the job was started before and its result is lost; it is not run again";
                return Verdict::Report(without_run(job.job_id, JobState::Unknown, why.into()));
            }
        }
        self.journal.forget_before(server_us.min(wall_us));
        let verdict = match refusal {
            Some(JobRefusal::Expired) => Err((JobState::Expired, JobRefusal::Expired.to_string())),
            Some(refusal) => Err((JobState::Refused, refusal.to_string())),
            None => self.judge(&job, server_us, wall_us).map_err(|why| (JobState::Refused, why)),
        };
        match verdict.and_then(|()| self.begin(&job).map_err(|why| (JobState::Refused, why))) {
            Ok(stop) => Verdict::Start(job, stop),
            Err((state, why)) => {
                let result = without_run(job.job_id, state, why);
                if self.write_down(&job, None).is_ok() {
                    self.keep(&result);
                }
                Verdict::Report(result)
            }
        }
    }

    /// How long an action may take that names no limit of its own, in milliseconds, when the server says.
    pub(crate) fn limit_ms(&self, signed: &SignedJob) -> Option<u32> {
        agent_proto::limit_ms(signed, &self.server_key)
    }

    fn judge(&self, job: &Job, server_us: i64, wall_us: i64) -> Result<(), String> {
        let found = policy::find(&self.policy_path);
        let verdict = found.policy.judge(job, server_us, wall_us);
        if let (Err(why), Some(trouble)) = (&verdict, &found.trouble) {
            return Err(format!("{why} ({trouble})"));
        }
        verdict?;
        let digest = action_digest(&self.agent_id, &job.action);
        let approved = job.plan.iter().filter(|planned| **planned == digest).count();
        if job.approval.is_some() && self.journal.uses(&job.plan_hash, &digest) >= approved {
            return Err("this action of the approved plan was done already; a repetition needs a new approval".into());
        }
        if self.running.len() >= RUNNING_MAX {
            return Err(format!("{RUNNING_MAX} jobs run already; send it again later under a new number"));
        }
        Ok(())
    }

    /// Nothing starts that the journal does not hold.
    fn begin(&mut self, job: &Job) -> Result<oneshot::Receiver<()>, String> {
        let approved = job.approval.as_ref().map(|_| (job.plan_hash, action_digest(&self.agent_id, &job.action)));
        self.write_down(job, approved)?;
        let (stop, stopped) = oneshot::channel();
        self.running.insert(job.job_id, Run { stop_epoch: job.stop_epoch, stop: Some(stop) });
        Ok(stopped)
    }

    /// Looks are not written down: they change nothing, so that one may come twice, and there are many of them.
    fn write_down(&mut self, job: &Job, approved: Option<([u8; 32], [u8; 32])>) -> Result<(), String> {
        if job.action.is_observation() { Ok(()) } else { self.journal.start(job, approved) }
    }

    /// The signature does not hold, so the number is only repeated, and never when it is one that we know.
    fn refuse_unsigned(&self, signed: &SignedJob, refusal: JobRefusal) -> Verdict {
        log::note(format!("a job was refused: {refusal}"));
        let Some(job_id) = signed.bytes.first_chunk::<16>() else { return Verdict::Ignore };
        match self.journal.known(job_id) {
            Known::No => Verdict::Report(without_run(*job_id, JobState::Refused, refusal.to_string())),
            _ => Verdict::Ignore,
        }
    }

    /// A job ended: keeps its result.
    pub(crate) fn finish(&mut self, result: &JobResult) {
        self.running.remove(&result.job_id);
        self.keep(result);
    }

    fn keep(&mut self, result: &JobResult) {
        if let Err(e) = self.journal.end(result) {
            log::note(format!("the result of a job cannot be kept: {e}"));
        }
    }

    /// *Stop all runs*: kills what was made before, and remembers the epoch. An order that is sent again stops nothing
    /// that was made after it.
    pub(crate) fn stop(&mut self, signed: &SignedStop) -> bool {
        match verify_stop(signed, &self.server_key) {
            Ok(order) => {
                self.raise_epoch(order.stop_epoch);
                self.halt_before(order.stop_epoch);
                true
            }
            Err(refusal) => {
                log::note(refusal);
                false
            }
        }
    }

    /// The epoch of a greeting: whoever was away while all runs were stopped and released hears of it only here. It is
    /// not signed, so it can only prevent and end, and counts as long as the collector that told it is there.
    pub(crate) fn told_epoch(&mut self, stop_epoch: u64) {
        self.told_epoch = stop_epoch;
        self.halt_before(stop_epoch);
    }

    fn halt_before(&mut self, stop_epoch: u64) {
        let old = self.running.values_mut().filter(|run| run.stop_epoch < stop_epoch);
        let stops: Vec<_> = old.filter_map(|run| run.stop.take()).collect();
        if !stops.is_empty() {
            log::note(format!("all runs were stopped, epoch {stop_epoch}; {} end here", stops.len()));
        }
        for stop in stops {
            // The job may have ended in this moment: then there is nothing to stop.
            let _ = stop.send(());
        }
    }

    /// Epochs only grow.
    fn raise_epoch(&mut self, stop_epoch: u64) {
        if stop_epoch > self.stop_epoch {
            self.stop_epoch = stop_epoch;
            if let Err(e) = files::replace(&self.dir.join("stop_epoch"), stop_epoch.to_string().as_bytes()) {
                log::note(format!("the stop epoch cannot be kept: {e}"));
            }
        }
    }
}

/// A result of a job that was not run, or of which nothing is known.
fn without_run(job_id: [u8; 16], state: JobState, mut reason: String) -> JobResult {
    truncate(&mut reason, limits::TEXT_BYTES_MAX);
    JobResult {
        job_id,
        state,
        reason,
        exit_code: None,
        started_us: 0,
        finished_us: clock::wall_us(),
        output: String::new(),
        output_dropped_bytes: 0,
    }
}

#[cfg(test)]
mod tests;
