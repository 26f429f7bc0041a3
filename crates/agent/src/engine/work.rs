//! Work that goes on beside the loop, and what becomes of it.

use agent_proto::facts::Section;
use agent_proto::{Action, CheckResult, Durable, Lane, LookResult};
use probes::{Around, Memory};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Engine, RESULTS_WAIT};
use crate::pair::{Outcome, ToExecutor};
use crate::platform::Sections;
use crate::ring::Keep;
use crate::{checks, clock, collector, probe};

/// Results with figures that go in one message: they are long.
const LOOKED_MAX: usize = 100;

/// Work that came to an end.
pub(super) enum Done {
    Check(LookResult, Memory),
    Act([u8; 16], Outcome),
    Section(&'static str, Section),
}

/// The collector of facts: looks when it is asked, one section after the other.
pub(super) fn spawn_facts(done: mpsc::Sender<Done>) -> mpsc::Sender<()> {
    let (wanted, mut asked) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut sections = Sections::new();
        while asked.recv().await.is_some() {
            let hand = |name, section| {
                let done = done.clone();
                async move {
                    // The engine is gone when this fails: then nobody asks again either.
                    let _ = done.send(Done::Section(name, section)).await;
                }
            };
            sections.collect(hand).await;
        }
    });
    wanted
}

impl Engine {
    pub(super) fn on_done(&mut self, done: Done) {
        match done {
            Done::Check(result, memory) => self.on_check(result, memory),
            Done::Act(job_id, outcome) => {
                self.acting.remove(&job_id);
                self.tell(ToExecutor::Acted { job_id, outcome });
            }
            Done::Section(name, section) => {
                if let Some(facts) = self.told.tell(name, clock::wall_ms(), &section) {
                    self.say(Lane::Facts, Durable::Facts(facts), Keep::Lazily);
                }
            }
        }
    }

    /// What looks need to know of this machine: what its policy lets run, and where they may not look.
    fn around(&self) -> Around {
        Around { plugins: self.policy.plugins.clone(), closed: self.config.closed.clone(), ..Around::default() }
    }

    /// Does for the executor what needs no rights.
    pub(super) fn start_act(&mut self, job_id: [u8; 16], action: Action) {
        let done = self.ways.done.clone();
        let around = self.around();
        let acting = tokio::spawn(async move {
            let outcome = collector::perform(&action, &around).await;
            let _ = done.send(Done::Act(job_id, outcome)).await;
        });
        self.acting.insert(job_id, acting.abort_handle());
    }

    pub(super) fn start_checks(&mut self) {
        for (spec, mut memory) in self.checks.start_due(Instant::now()) {
            let done = self.ways.done.clone();
            let around = self.around();
            tokio::spawn(async move {
                let (seen, took) = probe::look(&spec.probe, &around, &mut memory, checks::deadline(&spec)).await;
                let result = CheckResult {
                    check_id: spec.check_id,
                    generation: spec.generation,
                    at_ms: clock::wall_ms(),
                    state: seen.state,
                    value: seen.value,
                    took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    evidence: seen.evidence,
                };
                let _ = done.send(Done::Check(LookResult { result, figures: seen.figures }, memory)).await;
            });
        }
    }

    /// What changed or was asked for is said at once, a repetition waits for company. What else changes within the same
    /// second waits for its end: when much changes, the server takes it in few pieces.
    fn on_check(&mut self, found: LookResult, memory: Memory) {
        let Some(changed) = self.checks.finish(&found.result, memory) else { return };
        self.counts.checks += 1;
        if found.figures.is_empty() {
            self.results.push(found.result);
        } else {
            self.looked.push(found);
        }
        let many = self.results.len() >= agent_proto::limits::CHECKS_MAX / 2 || self.looked.len() >= LOOKED_MAX;
        let now = Instant::now();
        let alone = self.change_said.is_none_or(|at| now.duration_since(at) >= RESULTS_WAIT);
        if many || changed && alone {
            self.change_said = changed.then_some(now).or(self.change_said);
            self.flush_results();
        } else if self.results_due.is_none() {
            self.results_due = Some(now + RESULTS_WAIT);
        }
    }

    pub(super) fn flush_results(&mut self) {
        self.results_due = None;
        if !self.results.is_empty() {
            let results = std::mem::take(&mut self.results);
            self.say(Lane::Results, Durable::CheckResults { results }, Keep::Lazily);
        }
        if !self.looked.is_empty() {
            let results = std::mem::take(&mut self.looked);
            self.say(Lane::Results, Durable::LookResults { results }, Keep::Lazily);
        }
    }
}
