//! What the executor does about new versions of the agent's program.

use std::time::Instant;

use agent_proto::{Offer, UpdateReport, UpdateState};

use super::Executor;
use crate::pair::ToCollector;
use crate::update::{Step, Updates};
use crate::{log, policy};

impl Executor {
    pub(super) fn version(&self) -> String {
        self.updates.as_ref().map_or_else(|| crate::VERSION.to_owned(), |updates| updates.version().to_owned())
    }

    /// May this agent update itself, and is it on trial?
    pub(super) fn updating(&self) -> (bool, bool) {
        self.updates.as_ref().map_or((false, false), |updates| (true, updates.on_trial))
    }

    pub(super) fn on_offer(&mut self, offer: &Offer) {
        let keys = policy::find(&self.config.policy_path).policy.release_keys();
        let step = match &mut self.updates {
            Some(updates) => updates.offered(offer, &keys),
            None => Step::End(UpdateReport {
                sha256: offer.signed.release.sha256,
                state: UpdateState::Refused,
                reason: "this agent is a part of another program and is updated with it".into(),
            }),
        };
        self.go(step);
    }

    /// A part of the new program.
    pub(super) fn on_part(&mut self, sha256: &[u8; 32], offset: u64, bytes: &[u8]) {
        let Some(updates) = &mut self.updates else { return };
        match updates.part(sha256, offset, bytes) {
            Step::Whole => updates.test(&self.config.dir),
            other => self.go(other),
        }
    }

    /// The new program's test of itself is over.
    pub(super) fn on_tested(&mut self, verdict: Result<(), String>) {
        let Some(updates) = &mut self.updates else { return };
        let report = match updates.tested(verdict) {
            Ok(trying) => {
                log::note("a new version is here; it is tried when no job runs");
                trying
            }
            Err(refused) => refused,
        };
        self.go(Step::End(report));
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Fetch { sha256, offset } => self.tell(ToCollector::Fetch { sha256, offset }),
            Step::End(report) => {
                if report.state == UpdateState::Refused {
                    log::note(format!("a new version is refused: {}", report.reason));
                }
                self.tell(ToCollector::Report(report));
            }
            Step::Whole | Step::Nothing => {}
        }
    }

    /// What came of an earlier trial, as long as it was not told.
    pub(super) fn tell_of_trial(&mut self) {
        if let Some(report) = self.updates.as_ref().filter(|updates| !updates.on_trial).and_then(Updates::owed) {
            self.tell(ToCollector::Report(report));
        }
    }

    /// Is there a new version to try, and nothing that it would interrupt? It may have waited long for that: policy and
    /// offer must still allow it.
    pub(super) fn may_try(&mut self) -> bool {
        let idle = self.jobs.as_ref().is_some_and(crate::jobs::Jobs::is_idle);
        let Some(updates) = self.updates.as_mut().filter(|updates| idle && updates.ready.is_some()) else {
            return false;
        };
        updates.look(Instant::now());
        let keys = policy::find(&self.config.policy_path).policy.release_keys();
        match updates.judge_again(&keys) {
            Ok(()) => updates.ready.is_some(),
            Err(refused) => {
                self.go(Step::End(refused));
                false
            }
        }
    }

    /// All runs are stopped: nothing new begins here until the server offers it again.
    pub(super) fn call_off_update(&mut self) {
        if let Some(updates) = &mut self.updates {
            updates.call_off();
        }
    }
}
