//! What the engine does about what the server says.

use agent_proto::{Durable, FromAgent, FromServer, Lane, Welcome};
use tokio::time::Instant;

use super::Engine;
use crate::clock::{self, ServerTime};
use crate::jobs::Verdict;
use crate::link::connector::LinkEvent;
use crate::link::is_usable;
use crate::log;
use crate::ring::Keep;

impl Engine {
    pub(super) fn on_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Greeting(answer) => {
                // The link may have given up in the meantime; it will ask again.
                let _ = answer.send(self.hello());
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
        self.server_time = Some(ServerTime::told(welcome.server_time_us, std::time::Instant::now()));
        self.jobs.raise_epoch(welcome.stop_epoch);
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
            FromServer::Ack { lane, seq } => self.ring.ack(lane, seq),
            FromServer::Checks { generation, checks } => self.checks.replace(generation, checks, Instant::now()),
            FromServer::Job(signed) => {
                let verdict = self.jobs.take(&signed, self.server_us(), clock::wall_us());
                self.on_verdict(verdict);
            }
            FromServer::Stop(signed) => self.jobs.stop(&signed),
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

    fn on_verdict(&mut self, verdict: Verdict) {
        let at_us = clock::wall_us();
        match verdict {
            Verdict::Start(job, stop) => {
                self.counts.jobs += 1;
                let accepted = Durable::JobAccepted { job_id: job.job_id, at_us };
                self.say(Lane::Results, accepted, Keep::Lazily);
                self.start_job(job, stop);
            }
            Verdict::Runs(job_id) => self.say(Lane::Results, Durable::JobAccepted { job_id, at_us }, Keep::Lazily),
            Verdict::Report(result) => self.say(Lane::Results, Durable::JobResult(result), Keep::Synced),
            Verdict::Ignore => {}
        }
    }

    /// A bundle without one authority would lock this agent out for ever.
    fn on_trust(&mut self, bundle: Vec<Vec<u8>>) {
        if !is_usable(&bundle) {
            return log::note("the new trust bundle holds no certificate authority; it is ignored");
        }
        if bundle != self.enrolment.trust {
            self.enrolment.trust.clone_from(&bundle);
            match self.enrolment.save(&self.config.dir) {
                Ok(()) => log::note("the trust bundle was renewed"),
                Err(e) => log::note(e),
            }
            self.trust.send_replace(bundle);
        }
    }
}
