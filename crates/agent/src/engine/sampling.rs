//! What the engine does when time comes: samples and facts.

use std::time::Duration;

use agent_proto::{Durable, FromAgent, Lane, Profile, ProfileKind, Samples};
use tokio::time::Instant;

use super::Engine;
use crate::clock;
use crate::log;
use crate::ring::Keep;

/// Most series of a moment.
const SERVER_SERIES_MAX: usize = 600;
const WORKSTATION_SERIES_MAX: usize = 40;
/// How long after the first sample the second is taken.
const SECOND_SAMPLE: Duration = Duration::from_secs(3);
const CONFIRM_EVERY: Duration = Duration::from_secs(24 * 3_600);

impl Engine {
    /// Takes a new profile; what was due sooner stays due sooner.
    pub(super) fn set_profile(&mut self, profile: Profile) {
        let now = Instant::now();
        self.profile = profile;
        self.next_sample = self.next_sample.min(now + self.sample_interval());
        self.next_facts = self.next_facts.min(now + self.facts_interval());
    }

    fn sample_interval(&self) -> Duration {
        Duration::from_millis(u64::from(self.profile.metrics_interval_ms).clamp(1_000, 3_600_000))
    }

    fn facts_interval(&self) -> Duration {
        Duration::from_millis(u64::from(self.profile.facts_interval_ms).clamp(10_000, 86_400_000))
    }

    pub(super) fn sample(&mut self) {
        let (now, wall_us) = (Instant::now(), clock::wall_us());
        // A rate needs two samples: the second comes soon, so that a new machine shows something at once.
        let pause = if self.sampled { self.sample_interval() } else { self.sample_interval().min(SECOND_SAMPLE) };
        self.sampled = true;
        self.next_sample = (self.next_sample + pause).max(now);
        if let Some(jump_us) = self.jumps.look(wall_us, std::time::Instant::now()) {
            self.counts.jumps += 1;
            log::note(format!("this machine's clock jumped by {} s", jump_us / 1_000_000));
        }
        let values_max = match self.profile.kind {
            ProfileKind::Server => SERVER_SERIES_MAX,
            ProfileKind::Workstation => WORKSTATION_SERIES_MAX,
        };
        self.register.begin(values_max);
        self.own_metrics();
        self.collector.collect(self.profile.kind, &mut self.register, wall_us as f64 / 1e6);
        self.register.settle();
        let fresh = self.register.take_fresh();
        if !fresh.is_empty() {
            self.send_now(FromAgent::Series { register: fresh });
        }
        self.register.values.sort_unstable_by_key(|(id, _)| *id);
        let samples = Samples { at_ms: wall_us.div_euclid(1_000), values: self.register.values.clone() };
        self.say(Lane::Metrics, Durable::Samples(samples), Keep::Lazily);
    }

    fn own_metrics(&mut self) {
        let waiting: u64 = self.ring.positions().iter().map(|position| position.waiting).sum();
        let values = [
            ("ring_bytes", self.ring.bytes()),
            ("ring_waiting", waiting),
            ("dropped_total", self.ring.dropped),
            ("connections_total", self.counts.connections),
            ("checks_total", self.counts.checks),
            ("jobs_total", self.counts.jobs),
            ("clock_jumps_total", self.counts.jumps),
            ("series_refused_total", self.register.refused),
        ];
        // A workstation has room for 40: these two tell most.
        let few = if self.profile.kind == ProfileKind::Server { values.len() } else { 2 };
        for (name, value) in values.into_iter().take(few) {
            self.register.put(&["mainstay_agent_", name], &[], value as f64);
        }
    }

    /// Asks for a look at the facts. One that still goes on is not asked again.
    pub(super) fn want_facts(&mut self) {
        let now = Instant::now();
        self.next_facts = now + self.facts_interval();
        let _ = self.ways.facts_wanted.try_send(());
        if now >= self.next_confirm && self.counts.connections > 0 {
            self.confirm_facts();
        }
    }

    pub(super) fn confirm_facts(&mut self) {
        self.next_confirm = Instant::now() + CONFIRM_EVERY;
        for facts in self.told.confirm(clock::wall_ms()) {
            self.say(Lane::Facts, Durable::Facts(facts), Keep::Lazily);
        }
    }
}
