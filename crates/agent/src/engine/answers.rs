//! What the engine does about what the server says.

use agent_proto::{Durable, FromAgent, FromServer, Lane, Welcome};
use tokio::time::Instant;

use super::Engine;
use crate::link::connector::LinkEvent;
use crate::link::is_usable;
use crate::pair::{ToCollector, ToExecutor};
use crate::ring::Keep;
use crate::{clock, identity, log};

impl Engine {
    pub(super) fn on_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Greeting(answer) => {
                // The link may have given up in the meantime; it will ask again.
                let _ = answer.send(self.greeting());
            }
            LinkEvent::Up { welcome, server } => self.on_welcome(&welcome, server),
            LinkEvent::Message(message) => self.on_message(message),
            LinkEvent::Down(why) => self.on_down(why),
            LinkEvent::Refused(refusal) => self.on_down(format!("refused: {} ({:?})", refusal.text, refusal.code)),
        }
    }

    fn on_welcome(&mut self, welcome: &Welcome, server: String) {
        if welcome.agent_id != self.enrolment.agent_id {
            return self.on_down(format!("{server} welcomed another agent; nothing is sent"));
        }
        let first = self.counts.connections == 0;
        self.counts.connections += 1;
        let (server_time_us, stop_epoch) = (welcome.server_time_us, welcome.stop_epoch);
        self.tell(ToExecutor::Welcomed { server_time_us, stop_epoch });
        self.set_profile(welcome.profile);
        self.connected = true;
        self.ring.rewind();
        for register in self.register.everything() {
            self.send_now(FromAgent::Series { register });
        }
        if first || Instant::now() >= self.next_confirm {
            self.confirm_facts();
        }
        log::note(format!("connected to {server}"));
        self.status.server = server;
        self.status.since_ms = clock::wall_ms();
        self.status.note.clear();
        self.write_status();
    }

    fn on_down(&mut self, why: String) {
        self.connected = false;
        if self.status.note != why {
            log::note(&why);
            self.status.server.clear();
            self.status.note = why;
            self.status.since_ms = clock::wall_ms();
            self.write_status();
        }
    }

    fn on_message(&mut self, message: FromServer) {
        match message {
            FromServer::Ack { lane, seq } => {
                self.ring.ack(lane, seq);
                if std::mem::take(&mut self.about.on_trial) {
                    self.tell(ToExecutor::Acknowledged);
                }
            }
            FromServer::Update(offer) => self.tell(ToExecutor::Offer(offer)),
            FromServer::Part { sha256, offset, bytes } => self.tell(ToExecutor::Part { sha256, offset, bytes }),
            FromServer::Checks { generation, checks } => self.checks.replace(generation, checks, Instant::now()),
            FromServer::Look { checks, .. } => self.checks.ask(&checks, Instant::now()),
            FromServer::Job(signed) => self.tell(ToExecutor::Job(signed)),
            FromServer::Stop(signed) => self.tell(ToExecutor::Stop(signed)),
            FromServer::FactsResend { section } => {
                for facts in self.told.again(&section, clock::wall_ms()) {
                    self.say(Lane::Facts, Durable::Facts(facts), Keep::Lazily);
                }
            }
            FromServer::Trust { bundle } => self.on_trust(bundle),
            FromServer::Challenge { .. }
            | FromServer::Enrolled(_)
            | FromServer::Welcome(_)
            | FromServer::Refused(_) => log::note("the server said something out of order; it is ignored"),
        }
    }

    pub(super) fn on_executor(&mut self, order: ToCollector) {
        match order {
            ToCollector::Policy(policy) => self.policy = policy,
            ToCollector::Accepted { job_id, at_us, fresh } => {
                self.counts.jobs += u64::from(fresh);
                self.say(Lane::Results, Durable::JobAccepted { job_id, at_us }, Keep::Lazily);
            }
            ToCollector::Result(result) => {
                let job_id = result.job_id;
                let kept = self.ring.offer(Lane::Results, clock::wall_ms(), Durable::JobResult(result), Keep::Synced);
                self.tell(if kept { ToExecutor::Kept { job_id } } else { ToExecutor::NotKept { job_id } });
            }
            ToCollector::Act { job_id, action } => self.start_act(job_id, action),
            ToCollector::Halt { job_id } => {
                if let Some(acting) = self.acting.remove(&job_id) {
                    acting.abort();
                }
            }
            ToCollector::Fetch { sha256, offset } => self.send_now(FromAgent::Fetch { sha256, offset }),
            ToCollector::Report(report) => {
                let sha256 = report.sha256;
                if self.ring.offer(Lane::Results, clock::wall_ms(), Durable::Update(report), Keep::Synced) {
                    self.tell(ToExecutor::Told { sha256 });
                }
            }
            ToCollector::Start(_) | ToCollector::Pulse => {}
        }
    }

    /// A bundle without one authority would lock this agent out for ever.
    fn on_trust(&mut self, bundle: Vec<Vec<u8>>) {
        if !is_usable(&bundle) {
            return log::note("the new trust bundle holds no certificate authority; it is ignored");
        }
        if bundle != self.enrolment.trust {
            self.enrolment.trust.clone_from(&bundle);
            match identity::keep_trust(&self.config.dir, &self.enrolment.trust) {
                Ok(()) => log::note("the trust bundle was renewed"),
                Err(e) => log::note(e),
            }
            self.ways.trust.send_replace(bundle);
        }
    }
}

#[cfg(test)]
mod tests {
    use agent_proto::{JobResult, JobState};
    use tokio::sync::{mpsc, watch};

    use super::super::{About, Ways};
    use super::*;
    use crate::config::Config;
    use crate::identity::Enrolment;
    use crate::pair::PolicyWords;

    /// What a collector whose ring has so much room answers to a result.
    fn answer(ring_bytes_max: u64) -> ToExecutor {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { ring_bytes_max, ..Config::blank(dir.path().to_owned()) };
        let enrolment = Enrolment { agent_id: [7; 16], server_public_key: [0; 32], trust: vec![], servers: vec![] };
        let (executor, mut told) = mpsc::channel(1);
        let ways = Ways {
            frames: mpsc::channel(1).0,
            trust: watch::channel(vec![]).0,
            done: mpsc::channel(1).0,
            facts_wanted: mpsc::channel(1).0,
            executor,
        };
        let mut engine = Engine::open(config, enrolment, PolicyWords::default(), About::default(), ways).unwrap();
        engine.on_executor(ToCollector::Result(JobResult {
            job_id: [1; 16],
            state: JobState::Done,
            reason: String::new(),
            exit_code: Some(0),
            started_us: 1,
            finished_us: 2,
            output: String::new(),
            output_dropped_bytes: 0,
        }));
        told.try_recv().unwrap()
    }

    #[test]
    fn a_result_is_said_to_be_kept_only_when_the_ring_took_it() {
        assert_eq!(answer(256 * 1024), ToExecutor::Kept { job_id: [1; 16] });
        assert_eq!(answer(0), ToExecutor::NotKept { job_id: [1; 16] });
    }
}
