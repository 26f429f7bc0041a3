//! The one loop that owns all state. It waits for time, for the link, and for work that was started; nothing in it
//! blocks on the network, and everything it has to say goes through the disk ring.

mod answers;
mod sampling;
mod work;

use std::collections::HashMap;
use std::time::Duration;

use agent_proto::{Durable, Frame};
use agent_proto::{FromAgent, Greeting, Hello, Lane, Profile, ability, encode};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::checks::Checks;
use crate::clock::{self, JumpDetector};
use crate::collector::Executor;
use crate::config::Config;
use crate::error::Error;
use crate::facts::Told;
use crate::identity::{self, Enrolment};
use crate::link::Address;
use crate::link::connector::{Connector, dice};
use crate::pair::{PolicyWords, ToCollector, ToExecutor};
use crate::platform::{self, Collector};
use crate::register::Register;
use crate::ring::{Keep, Ring};
use crate::status::{self, Status};
use crate::{enrol, log, update};
use work::Done;

/// Frames on their way to the link: more than may be in flight, so that an acknowledgement always finds room.
const FRAMES_MAX: usize = 64;
const EVENTS_MAX: usize = 64;
/// Messages to the executor for which there is always room.
const ROOM_LEAST: usize = 16;
/// Between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Every so many rounds the slower part of it.
const SLOW_ROUNDS: u32 = 12;
/// Results of checks that changed nothing wait so long for company.
const RESULTS_WAIT: Duration = Duration::from_secs(1);

/// What the program says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) version: String,
    /// It may be replaced.
    pub(crate) updates: bool,
    /// The executor waits for a server's first acknowledgement.
    pub(crate) on_trial: bool,
}

/// All state of a running collector.
struct Engine {
    config: Config,
    enrolment: Enrolment,
    about: About,
    run_id: [u8; 16],
    ring: Ring,
    register: Register,
    collector: Collector,
    told: Told,
    checks: Checks,
    policy: PolicyWords,
    /// What the executor let us do, and how to end it.
    acting: HashMap<[u8; 16], AbortHandle>,
    profile: Profile,
    jumps: JumpDetector,
    connected: bool,
    ways: Ways,
    results: Vec<agent_proto::CheckResult>,
    /// Those that have figures.
    looked: Vec<agent_proto::LookResult>,
    results_due: Option<Instant>,
    /// When a change was said at once.
    change_said: Option<Instant>,
    next_sample: Instant,
    /// Whether a sample was taken since the start.
    sampled: bool,
    next_facts: Instant,
    next_confirm: Instant,
    status: Status,
    counts: Counts,
}

/// Where the engine sends things.
struct Ways {
    /// Frames to the link.
    frames: mpsc::Sender<Vec<u8>>,
    trust: watch::Sender<Vec<Vec<u8>>>,
    /// Where started work reports.
    done: mpsc::Sender<Done>,
    /// Asks for a look at the facts.
    facts_wanted: mpsc::Sender<()>,
    executor: mpsc::Sender<ToExecutor>,
}

/// What the agent's own metrics count.
#[derive(Default)]
struct Counts {
    connections: u64,
    checks: u64,
    jobs: u64,
    jumps: u64,
}

/// Runs until the executor ends, or the process is told to end.
pub(crate) async fn run(
    config: Config,
    enrolment: Option<Enrolment>,
    policy: PolicyWords,
    about: About,
    executor: Executor,
) -> Result<(), Error> {
    let mut told_to_end = Signals::listen()?;
    let Executor { heard: mut ordered, to } = executor;
    let enrolled = tokio::select! {
        enrolment = enrolment_of(&config, enrolment, &to) => enrolment?,
        () = closed(&mut ordered) => return Ok(()),
        () = told_to_end.recv() => return Ok(()),
    };
    let (done, mut finished) = mpsc::channel(EVENTS_MAX);
    let (events, mut heard) = mpsc::channel(EVENTS_MAX);
    let (frames, outgoing) = mpsc::channel(FRAMES_MAX);
    let (trust, trusted) = watch::channel(enrolled.trust.clone());
    let connector = Connector {
        servers: servers(&config, &enrolled)?,
        proxy: config.proxy.clone(),
        key: identity::key(&config.dir)?,
        trust: trusted,
        events,
        frames: outgoing,
    };
    let facts_wanted = work::spawn_facts(done.clone());
    let way = to.clone();
    let ways = Ways { frames, trust, done, facts_wanted, executor: to };
    let mut engine = Engine::open(config, enrolled, policy, about, ways)?;
    let link = tokio::spawn(connector.run());
    let mut housekeeping = interval(HOUSEKEEPING);
    housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds = 0_u32;
    loop {
        let far = Instant::now() + Duration::from_secs(3_600);
        // What cannot be handed on is not taken in.
        let room = way.capacity() > ROOM_LEAST;
        tokio::select! {
            room = way.reserve_many(ROOM_LEAST + 1), if !room => {
                if room.is_err() {
                    break;
                }
            }
            () = told_to_end.recv() => break,
            order = ordered.recv(), if room => match order {
                Some(order) => engine.on_executor(order),
                None => break,
            },
            Some(event) = heard.recv(), if room => engine.on_link(event),
            Some(done) = finished.recv() => engine.on_done(done),
            () = sleep_until(engine.next_sample) => engine.sample(),
            () = sleep_until(engine.next_facts) => engine.want_facts(),
            () = sleep_until(engine.checks.next_due().unwrap_or(far)) => engine.start_checks(),
            () = sleep_until(engine.results_due.unwrap_or(far)) => engine.flush_results(),
            _ = housekeeping.tick() => {
                rounds = rounds.wrapping_add(1);
                engine.keep_house(rounds.is_multiple_of(SLOW_ROUNDS));
            }
        }
        engine.pump();
    }
    drop(way);
    engine.close();
    // The link closes when its frames end; it need not be waited for longer than a moment.
    let _ = tokio::time::timeout(Duration::from_secs(2), link).await;
    Ok(())
}

/// The enrolment, which is the executor's to keep, with the trust as the server last renewed it.
async fn enrolment_of(
    config: &Config,
    known: Option<Enrolment>,
    to: &mpsc::Sender<ToExecutor>,
) -> Result<Enrolment, Error> {
    let mut enrolment = match known {
        Some(enrolment) => enrolment,
        None => {
            let enrolment = enrol::ensure(config).await?;
            let gone = |_| Error::new("the executor ended");
            to.send(ToExecutor::Enrolled(enrolment.clone())).await.map_err(gone)?;
            enrolment
        }
    };
    if let Some(trust) = identity::renewed_trust(&config.dir) {
        enrolment.trust = trust;
    }
    Ok(enrolment)
}

/// Before the enrolment there is nothing to be ordered.
async fn closed(ordered: &mut mpsc::Receiver<ToCollector>) {
    while ordered.recv().await.is_some() {}
}

/// What tells a process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|e| Error::new(format!("signals cannot be heard: {e}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
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
        policy: PolicyWords,
        about: About,
        ways: Ways,
    ) -> Result<Self, Error> {
        let now = Instant::now();
        let ring = Ring::open(&config.dir.join("ring"), config.ring_bytes_max, clock::wall_ms())?;
        let no_samples_wait = ring.positions().iter().all(|at| at.lane != Lane::Metrics || at.waiting == 0);
        Ok(Self {
            about,
            run_id: (u128::from(dice()) << 64 | u128::from(dice())).to_le_bytes(),
            register: Register::open(&config.dir, no_samples_wait),
            collector: Collector::new(),
            told: Told::open(&config.dir)?,
            checks: Checks::open(&config.dir, now),
            profile: Profile::SERVER,
            jumps: JumpDetector::new(),
            connected: false,
            results: Vec::new(),
            looked: Vec::new(),
            results_due: None,
            change_said: None,
            next_sample: now,
            sampled: false,
            next_facts: now,
            next_confirm: now,
            status: Status { pid: std::process::id(), note: "connecting".into(), ..Status::default() },
            counts: Counts::default(),
            config,
            enrolment,
            ring,
            policy,
            acting: HashMap::new(),
            ways,
        })
    }

    /// Keeps a message until the server has stored it.
    fn say(&mut self, lane: Lane, event: Durable, keep: Keep) {
        self.ring.append(lane, clock::wall_ms(), event, keep);
    }

    /// Hands over what waits, while the window is open.
    fn pump(&mut self) {
        while self.connected {
            let Ok(room) = self.ways.frames.try_reserve() else { return };
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
                if self.ways.frames.try_send(frame).is_err() {
                    log::note("the link takes nothing");
                }
            }
            Err(e) => log::note(format!("a message cannot be sent: {e}")),
        }
    }

    fn greeting(&self) -> Greeting {
        let known = ability::ALL.iter().filter(|word| self.about.updates || **word != ability::UPDATE);
        let abilities = known.map(|word| (*word).to_owned()).collect();
        Greeting { hello: self.hello(), abilities, target: update::target() }
    }

    fn hello(&self) -> Hello {
        Hello {
            agent_version: self.about.version.clone(),
            boot_id: platform::boot_id(),
            run_id: self.run_id,
            hints: platform::identity_hints(),
            policy_digest: self.policy.digest,
            classes_allowed: self.policy.classes_allowed.clone(),
            clock_us: clock::wall_us(),
            resume: self.ring.positions(),
            checks_generation: self.checks.generation,
        }
    }

    /// Says something to the executor. One that takes nothing is about to end, or to end us.
    fn tell(&self, message: ToExecutor) {
        if self.ways.executor.try_send(message).is_err() {
            log::note("the executor takes nothing");
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
        status::write(&self.config.dir, &self.status);
    }

    fn close(&mut self) {
        self.flush_results();
        self.ring.save();
        self.status.server.clear();
        self.write_status();
        // The link hears it when its frames end.
        let (nobody, _) = mpsc::channel(1);
        self.ways.frames = nobody;
    }
}
