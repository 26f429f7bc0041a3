//! The one loop that owns all state. It waits for time, for the link, and for work that was started; nothing in it
//! blocks on the network, and everything it has to say goes through the disk ring.

mod answers;
mod sampling;
mod work;

use std::time::Duration;

use agent_proto::{Durable, Frame};
use agent_proto::{FromAgent, Hello, Lane, Profile, encode};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::checks::Checks;
use crate::clock::{self, JumpDetector, ServerTime};
use crate::config::Config;
use crate::error::Error;
use crate::facts::Told;
use crate::identity::{self, Enrolment};
use crate::jobs::Jobs;
use crate::link::Address;
use crate::link::connector::{Connector, dice};
use crate::platform::{self, Collector};
use crate::register::Register;
use crate::ring::{Keep, Ring};
use crate::status::{self, Status};
use crate::{enrol, log, policy};
use work::Done;

/// Frames on their way to the link: more than may be in flight, so that an acknowledgement always finds room.
const FRAMES_MAX: usize = 64;
const EVENTS_MAX: usize = 64;
/// Between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Every so many rounds the slower part of it.
const SLOW_ROUNDS: u32 = 12;
/// Results of checks that changed nothing wait so long for company.
const RESULTS_WAIT: Duration = Duration::from_secs(1);

/// All state of a running agent.
struct Engine {
    config: Config,
    enrolment: Enrolment,
    run_id: [u8; 16],
    ring: Ring,
    register: Register,
    collector: Collector,
    told: Told,
    checks: Checks,
    jobs: Jobs,
    profile: Profile,
    server_time: Option<ServerTime>,
    jumps: JumpDetector,
    /// Frames to the link, and whether anybody takes them.
    frames: mpsc::Sender<Vec<u8>>,
    connected: bool,
    trust: watch::Sender<Vec<Vec<u8>>>,
    /// Where started work reports.
    done: mpsc::Sender<Done>,
    /// Asks the collector of facts to begin.
    facts_wanted: mpsc::Sender<()>,
    results: Vec<agent_proto::CheckResult>,
    results_due: Option<Instant>,
    next_sample: Instant,
    /// Whether a sample was taken since the start.
    sampled: bool,
    next_facts: Instant,
    next_confirm: Instant,
    status: Status,
    counts: Counts,
}

/// What the agent's own metrics count.
#[derive(Default)]
struct Counts {
    connections: u64,
    checks: u64,
    jobs: u64,
    jumps: u64,
}

/// Runs the agent until it is told to end.
pub(crate) async fn run(config: Config) -> Result<(), Error> {
    let _lock = status::lock(&config.dir)?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let parent = platform::parent_process();
    let enrolment = tokio::select! {
        enrolment = enrol::ensure(&config) => enrolment?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let (done, mut finished) = mpsc::channel(EVENTS_MAX);
    let (events, mut heard) = mpsc::channel(EVENTS_MAX);
    let (frames, outgoing) = mpsc::channel(FRAMES_MAX);
    let (trust, trusted) = watch::channel(enrolment.trust.clone());
    let connector = Connector {
        servers: servers(&config, &enrolment)?,
        proxy: config.proxy.clone(),
        key: identity::key(&config.dir)?,
        trust: trusted,
        events,
        frames: outgoing,
    };
    let facts_wanted = work::spawn_facts(done.clone());
    let mut engine = Engine::open(config, enrolment, frames, trust, done, facts_wanted)?;
    let link = tokio::spawn(connector.run());
    let mut housekeeping = interval(HOUSEKEEPING);
    housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds = 0_u32;
    loop {
        let far = Instant::now() + Duration::from_secs(3_600);
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(event) = heard.recv() => engine.on_link(event),
            Some(done) = finished.recv() => engine.on_done(done),
            () = sleep_until(engine.next_sample) => engine.sample(),
            () = sleep_until(engine.next_facts) => engine.want_facts(),
            () = sleep_until(engine.checks.next_due().unwrap_or(far)) => engine.start_checks(),
            () = sleep_until(engine.results_due.unwrap_or(far)) => engine.flush_results(),
            _ = housekeeping.tick() => {
                if engine.config.end_with_parent && platform::parent_process() != parent {
                    break;
                }
                rounds = rounds.wrapping_add(1);
                engine.keep_house(rounds.is_multiple_of(SLOW_ROUNDS));
            }
        }
        engine.pump();
    }
    engine.close();
    // The link closes when its frames end; it need not be waited for longer than a moment.
    let _ = tokio::time::timeout(Duration::from_secs(2), link).await;
    Ok(())
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Error> {
    signal(kind).map_err(|e| Error::new(format!("signals cannot be heard: {e}")))
}

fn servers(config: &Config, enrolment: &Enrolment) -> Result<Vec<Address>, Error> {
    let named = if config.servers.is_empty() { &enrolment.servers } else { &config.servers };
    if named.is_empty() {
        return Err(Error::new("no server is named; give its address, such as wss://mainstay.example.org:7301/agent"));
    }
    named.iter().map(|server| Address::parse(server)).collect()
}

impl Engine {
    fn open(
        config: Config,
        enrolment: Enrolment,
        frames: mpsc::Sender<Vec<u8>>,
        trust: watch::Sender<Vec<Vec<u8>>>,
        done: mpsc::Sender<Done>,
        facts_wanted: mpsc::Sender<()>,
    ) -> Result<Self, Error> {
        let now = Instant::now();
        let ring = Ring::open(&config.dir.join("ring"), config.ring_bytes_max, clock::wall_ms())?;
        let no_samples_wait = ring.positions().iter().all(|at| at.lane != Lane::Metrics || at.waiting == 0);
        let (jobs, unknown) = Jobs::open(&config.dir, &enrolment, &config.policy_path)?;
        let mut engine = Self {
            run_id: (u128::from(dice()) << 64 | u128::from(dice())).to_le_bytes(),
            register: Register::open(&config.dir, no_samples_wait),
            collector: Collector::new(),
            told: Told::open(&config.dir)?,
            checks: Checks::open(&config.dir, now),
            profile: Profile::SERVER,
            server_time: None,
            jumps: JumpDetector::new(),
            connected: false,
            results: Vec::new(),
            results_due: None,
            next_sample: now,
            sampled: false,
            next_facts: now,
            next_confirm: now,
            status: Status { pid: std::process::id(), note: "connecting".into(), ..Status::default() },
            counts: Counts::default(),
            config,
            enrolment,
            ring,
            jobs,
            frames,
            trust,
            done,
            facts_wanted,
        };
        for result in unknown {
            engine.say(Lane::Results, Durable::JobResult(result), Keep::Synced);
        }
        Ok(engine)
    }

    /// Keeps a message until the server has stored it.
    fn say(&mut self, lane: Lane, event: Durable, keep: Keep) {
        self.ring.append(lane, clock::wall_ms(), event, keep);
    }

    /// Hands over what waits, while the window is open.
    fn pump(&mut self) {
        while self.connected {
            let Ok(room) = self.frames.try_reserve() else { return };
            let Some(frame) = self.ring.next_unsent() else { return };
            room.send(frame);
        }
    }

    /// Sends what need not be kept. When there is no room the connection is in trouble and will be made again.
    fn send_now(&mut self, message: FromAgent) {
        if !self.connected {
            return;
        }
        match encode(&Frame::direct(message)) {
            Ok(frame) => {
                if self.frames.try_send(frame).is_err() {
                    log::note("the link takes nothing");
                }
            }
            Err(e) => log::note(format!("a message cannot be sent: {e}")),
        }
    }

    fn hello(&self) -> Hello {
        let found = policy::find(&self.config.policy_path);
        Hello {
            agent_version: crate::VERSION.to_owned(),
            boot_id: platform::boot_id(),
            run_id: self.run_id,
            hints: platform::identity_hints(),
            policy_digest: found.digest,
            classes_allowed: found.policy.classes_allowed(),
            clock_us: clock::wall_us(),
            resume: self.ring.positions(),
            checks_generation: self.checks.generation,
        }
    }

    /// What the server's clock says now, or ours when it was never told.
    fn server_us(&self) -> i64 {
        match &self.server_time {
            Some(time) => time.at(std::time::Instant::now()),
            None => clock::wall_us(),
        }
    }

    fn keep_house(&mut self, slow: bool) {
        if slow {
            self.ring.expire(clock::wall_ms());
            self.ring.save();
            self.write_status();
        }
    }

    fn write_status(&mut self) {
        self.status.waiting = self.ring.positions().iter().map(|position| position.waiting).sum();
        self.status.policy_trouble = policy::find(&self.config.policy_path).trouble.unwrap_or_default();
        status::write(&self.config.dir, &self.status);
    }

    fn close(&mut self) {
        self.flush_results();
        self.ring.save();
        self.status.server.clear();
        self.write_status();
        // The link hears it when its frames end.
        let (nobody, _) = mpsc::channel(1);
        self.frames = nobody;
    }
}
