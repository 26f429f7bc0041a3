//! What the executor does about what its collector says.

use agent_proto::SignedJob;

use super::{Executor, Next, Purpose};
use crate::clock::{self, ServerTime};
use crate::error::Error;
use crate::identity::Enrolment;
use crate::jobs::{self, Verdict};
use crate::log;
use crate::pair::{ToCollector, ToExecutor};

/// A server's clock that is told anew may be this much behind the latest that was told: not enough to make an old job young again.
const BACK_US_MAX: i64 = 300_000_000;

impl Executor {
    pub(super) fn on_message(&mut self, message: ToExecutor) -> Result<Next, Error> {
        match message {
            ToExecutor::Pulse => {}
            ToExecutor::Part { sha256, offset, bytes } => self.on_part(&sha256, offset, &bytes),
            ToExecutor::Enrolled(enrolment) => return self.on_enrolled(enrolment),
            ToExecutor::Failed(why) if self.enrolment.is_none() => return Err(Error::new(why)),
            ToExecutor::Failed(why) => log::note(why),
            ToExecutor::Welcomed { server_time_us, stop_epoch } => self.on_welcomed(server_time_us, stop_epoch),
            ToExecutor::Job(signed) => self.on_job(&signed),
            ToExecutor::Stop(signed) => {
                if self.jobs.as_mut().is_some_and(|jobs| jobs.stop(&signed)) {
                    self.call_off_update();
                }
            }
            ToExecutor::Offer(offer) => self.on_offer(&offer),
            ToExecutor::Told { sha256 } => {
                if let Some(updates) = &self.updates {
                    updates.told(&sha256);
                }
            }
            ToExecutor::Acknowledged => {
                if let Some(updates) = &self.updates {
                    updates.proved();
                }
            }
            ToExecutor::Acted { job_id, outcome } => self.hands.answer(&job_id, outcome),
            ToExecutor::Kept { job_id } => {
                if let (true, Some(jobs)) = (self.on_their_way.remove(&job_id), &mut self.jobs) {
                    jobs.kept(&job_id);
                    self.hand_over();
                }
            }
            // It is still owed, and handed over again with the next round: a full disk needs time.
            ToExecutor::NotKept { job_id } => {
                self.on_their_way.remove(&job_id);
            }
        }
        Ok(Next::On)
    }

    /// Taken once. Afterwards the server's key and our name stand, whatever the collector says.
    fn on_enrolled(&mut self, enrolment: Enrolment) -> Result<Next, Error> {
        if self.enrolment.is_some() {
            log::note("the collector wants to enrol this machine again; that is refused: remove the folder to do it");
            return Ok(Next::On);
        }
        enrolment.save(&self.config.dir)?;
        self.enrolment = Some(enrolment);
        self.config.token = None;
        self.open_jobs()?;
        Ok(if self.purpose == Purpose::Enrol { Next::End } else { Next::On })
    }

    /// The server's clock is told by the collector, so it may not run back: that would make old jobs young. Back to this
    /// machine's own clock it may: then the server's was ahead, and was put right.
    fn on_welcomed(&mut self, server_time_us: i64, stop_epoch: u64) {
        let now = std::time::Instant::now();
        let told = ServerTime::told(server_time_us, now);
        let latest = self.latest_time.get_or_insert(told);
        let behind_us = latest.at(now).saturating_sub(server_time_us);
        if behind_us <= 0 {
            *latest = told;
        }
        let wall_us = clock::wall_us();
        if behind_us > BACK_US_MAX && server_time_us.saturating_sub(wall_us).saturating_abs() <= BACK_US_MAX {
            log::note("the server's clock was ahead and was put right");
            // From here on it may not fall behind our own clock.
            self.latest_time = Some(ServerTime::told(server_time_us.max(wall_us), now));
            self.server_time = Some(told);
        } else if behind_us > BACK_US_MAX {
            let seconds = behind_us / 1_000_000;
            log::note(format!(
                "the server's clock went back by {seconds} s and this machine's did not; if that is true, restart the agent"
            ));
        } else {
            self.server_time = Some(told);
        }
        if let Some(jobs) = &mut self.jobs {
            jobs.told_epoch(stop_epoch);
        }
    }

    fn on_job(&mut self, signed: &SignedJob) {
        if self.updating().1 {
            // This process may be ended at any moment. The server sends the job again with the next greeting.
            return log::note("a job came to a version on trial; the next greeting brings it again");
        }
        let wall_us = clock::wall_us();
        let server_us = self.server_time.map_or(wall_us, |time| time.at(std::time::Instant::now()));
        let Some(jobs) = &mut self.jobs else { return log::note("a job came before the enrolment; it is ignored") };
        let limit_ms = jobs.limit_ms(signed);
        match jobs.take(signed, server_us, wall_us) {
            Verdict::Start(job, stop) => {
                self.tell(ToCollector::Accepted { job_id: job.job_id, at_us: wall_us, fresh: true });
                let (dir, hands, done) = (self.config.dir.clone(), self.hands.clone(), self.done.clone());
                tokio::spawn(async move {
                    let result = jobs::execute(dir, job, limit_ms, hands, stop).await;
                    // Without an executor the journal holds a start without an end, which is the truth.
                    let _ = done.send(result).await;
                });
            }
            Verdict::Runs(job_id) => self.tell(ToCollector::Accepted { job_id, at_us: wall_us, fresh: false }),
            Verdict::Report(result) => {
                self.on_their_way.insert(result.job_id);
                self.tell(ToCollector::Result(result));
            }
            Verdict::Ignore => {}
        }
    }
}
