//! The executor: the process that is started, and the only one that runs anything. It holds the policy, the journal and
//! the server's key, and judges every order by them. It has no network and reads nothing foreign but the messages of its
//! collector, a process of its own without rights, which it starts again when it ends. Jobs go on meanwhile; their
//! results are owed until a collector has them on disk.

mod account;
mod child;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use agent_proto::{JobResult, SignedJob};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::clock::{self, ServerTime};
use crate::config::Config;
use crate::error::Error;
use crate::identity::Enrolment;
use crate::jobs::{self, Hands, Jobs, Verdict};
use crate::pair::{PolicyWords, Start, ToCollector, ToExecutor};
use crate::status::{self, Executor as Said};
use crate::{log, platform, policy};
use account::{Account, Apart};
use child::{Collector, Heard, What};

const EVENTS_MAX: usize = 16;
/// From one look at the collector, the policy and the parent to the next.
const ROUND: Duration = Duration::from_secs(5);
/// Before a collector that ended is started again; the wait doubles.
const BACKOFF_LEAST: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);
/// Results on their way to the collector.
const HANDED_MAX: usize = 8;
/// A server's clock that is told anew may be this much behind what it was: not enough to make an old job young again.
const BACK_US_MAX: i64 = 300_000_000;

/// Why the executor is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To work.
    Run,
    /// To make this machine known, and end.
    Enrol,
}

struct Executor {
    config: Config,
    purpose: Purpose,
    apart: Option<Account>,
    enrolment: Option<Enrolment>,
    /// There are none before the enrolment.
    jobs: Option<Jobs>,
    hands: Hands,
    server_time: Option<ServerTime>,
    policy: PolicyWords,
    said: Said,
    on_their_way: HashSet<[u8; 16]>,
    done: mpsc::Sender<JobResult>,
    events: mpsc::Sender<Heard>,
    collector: Option<Collector>,
    generation: u64,
    start_at: Instant,
    backoff: Duration,
}

/// Runs until the process is told to end, or until the enrolment is done.
pub(crate) async fn run(mut config: Config, purpose: Purpose) -> Result<(), Error> {
    config.dir = absolute(config.dir)?;
    config.policy_path = absolute(config.policy_path)?;
    let enrolment = Enrolment::load(&config.dir)?;
    if purpose == Purpose::Enrol && enrolment.is_some() {
        let dir = config.dir.display();
        return Err(Error::new(format!("this machine is enrolled already; to enrol it anew, remove {dir}")));
    }
    let _lock = status::lock(&config.dir)?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let parent = platform::parent_process();
    let (done, mut finished) = mpsc::channel(EVENTS_MAX);
    let (events, mut heard) = mpsc::channel(EVENTS_MAX);
    let mut executor = Executor::open(config, purpose, enrolment, done, events)?;
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (away, start_at) = (executor.collector.is_none(), executor.start_at);
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(heard) = heard.recv() => {
                if executor.on_heard(heard).await? == Next::End {
                    break;
                }
            }
            Some(result) = finished.recv() => executor.on_finished(&result),
            () = sleep_until(start_at), if away => executor.start_collector()?,
            _ = rounds.tick() => {
                if executor.config.end_with_parent && platform::parent_process() != parent {
                    break;
                }
                executor.look_around();
            }
        }
    }
    executor.hands.detach();
    if let Some(collector) = executor.collector.take() {
        collector.farewell().await;
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Next {
    On,
    End,
}

fn absolute(path: PathBuf) -> Result<PathBuf, Error> {
    std::path::absolute(&path).map_err(|e| Error::io("find", &path, &e))
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Error> {
    signal(kind).map_err(|e| Error::new(format!("signals cannot be heard: {e}")))
}

impl Executor {
    fn open(
        config: Config,
        purpose: Purpose,
        enrolment: Option<Enrolment>,
        done: mpsc::Sender<JobResult>,
        events: mpsc::Sender<Heard>,
    ) -> Result<Self, Error> {
        let Apart { account, words } = account::choose(config.user.as_deref())?;
        let home = account::folder(&config.dir, account.as_ref())?;
        // The collector inherits it: it could not come here by the path when a folder above is private.
        std::env::set_current_dir(&home).map_err(|e| Error::io("enter", &home, &e))?;
        let exposed = account.as_ref().and_then(|_| account::exposed(&config.dir));
        let apart_words = exposed.unwrap_or(words);
        if purpose == Purpose::Run {
            log::note(format!("collector and executor are kept apart: {apart_words}"));
        }
        let mut executor = Self {
            jobs: None,
            hands: Hands::default(),
            server_time: None,
            policy: PolicyWords::default(),
            said: Said { pid: std::process::id(), apart: apart_words, ..Said::default() },
            on_their_way: HashSet::new(),
            collector: None,
            generation: 0,
            start_at: Instant::now(),
            backoff: BACKOFF_LEAST,
            apart: account,
            config,
            purpose,
            enrolment,
            done,
            events,
        };
        executor.open_jobs()?;
        executor.look_at_policy();
        Ok(executor)
    }

    fn open_jobs(&mut self) -> Result<(), Error> {
        if let (Some(enrolment), Purpose::Run) = (&self.enrolment, self.purpose) {
            self.jobs = Some(Jobs::open(&self.config.dir, enrolment, &self.config.policy_path)?);
        }
        Ok(())
    }

    /// The first collector must start; a later one is waited for.
    fn start_collector(&mut self) -> Result<(), Error> {
        self.generation += 1;
        let started = child::start(self.generation, self.apart.as_ref(), self.events.clone());
        let collector = match started {
            Ok(collector) => collector,
            Err(why) if self.generation == 1 => {
                return Err(Error::new(format!("{why}; `user = \"root\"` in agent.toml does without another user")));
            }
            Err(why) => {
                self.pause();
                log::note(why);
                return Ok(());
            }
        };
        self.hands.attach(collector.to.clone());
        self.on_their_way.clear();
        if let Some(jobs) = &mut self.jobs {
            jobs.told_epoch(0);
        }
        self.said.collector_pid = collector.pid();
        self.collector = Some(collector);
        let start = Start {
            servers: self.config.servers.clone(),
            token: self.config.token.clone(),
            proxy: self.config.proxy.clone(),
            ring_bytes_max: self.config.ring_bytes_max,
            enrol_only: self.purpose == Purpose::Enrol,
            enrolment: self.enrolment.clone(),
            policy: self.policy.clone(),
            guarded: platform::guarded_words(),
        };
        self.tell(ToCollector::Start(Box::new(start)));
        self.hand_over();
        self.write_status();
        Ok(())
    }

    fn pause(&mut self) {
        self.start_at = Instant::now() + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF_MOST);
    }

    async fn on_heard(&mut self, heard: Heard) -> Result<Next, Error> {
        let Some(collector) = self.collector.as_mut().filter(|now| now.generation == heard.generation) else {
            return Ok(Next::On);
        };
        collector.lives();
        match heard.what {
            What::Said(message) => self.on_message(message),
            What::Over(why) => {
                if let Some(why) = why {
                    collector.end_now(&format!("the collector says what cannot be understood: {why}"));
                }
                self.on_ended().await?;
                Ok(Next::On)
            }
        }
    }

    async fn on_ended(&mut self) -> Result<(), Error> {
        self.hands.detach();
        let Some(collector) = self.collector.take() else { return Ok(()) };
        let lived = collector.since.elapsed();
        let why = collector.bury().await;
        if self.purpose == Purpose::Enrol {
            return Err(Error::new(format!("{why}, before the machine was enrolled")));
        }
        if lived >= BACKOFF_MOST {
            self.backoff = BACKOFF_LEAST;
        }
        log::note(format!("{why}; it is started again in {} s", self.backoff.as_secs()));
        self.pause();
        self.said.collector_pid = 0;
        self.write_status();
        Ok(())
    }

    fn on_message(&mut self, message: ToExecutor) -> Result<Next, Error> {
        match message {
            ToExecutor::Pulse => {}
            ToExecutor::Enrolled(enrolment) => return self.on_enrolled(enrolment),
            ToExecutor::Failed(why) if self.enrolment.is_none() => return Err(Error::new(why)),
            ToExecutor::Failed(why) => log::note(why),
            ToExecutor::Welcomed { server_time_us, stop_epoch } => self.on_welcomed(server_time_us, stop_epoch),
            ToExecutor::Job(signed) => self.on_job(&signed),
            ToExecutor::Stop(signed) => {
                if let Some(jobs) = &mut self.jobs {
                    jobs.stop(&signed);
                }
            }
            ToExecutor::Acted { job_id, outcome } => self.hands.answer(&job_id, outcome),
            ToExecutor::Kept { job_id } => {
                if let (true, Some(jobs)) = (self.on_their_way.remove(&job_id), &mut self.jobs) {
                    jobs.kept(&job_id);
                    self.hand_over();
                }
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

    /// The server's clock is told by the collector, so it may not run back: that would make old jobs young.
    fn on_welcomed(&mut self, server_time_us: i64, stop_epoch: u64) {
        let now = std::time::Instant::now();
        let behind_us = self.server_time.map_or(0, |known| known.at(now).saturating_sub(server_time_us));
        if behind_us > BACK_US_MAX {
            let seconds = behind_us / 1_000_000;
            log::note(format!(
                "the server's clock went back by {seconds} s; the former is kept until the agent restarts"
            ));
        } else {
            self.server_time = Some(ServerTime::told(server_time_us, now));
        }
        if let Some(jobs) = &mut self.jobs {
            jobs.told_epoch(stop_epoch);
        }
    }

    fn on_job(&mut self, signed: &SignedJob) {
        let wall_us = clock::wall_us();
        let server_us = self.server_time.map_or(wall_us, |time| time.at(std::time::Instant::now()));
        let Some(jobs) = &mut self.jobs else { return log::note("a job came before the enrolment; it is ignored") };
        match jobs.take(signed, server_us, wall_us) {
            Verdict::Start(job, stop) => {
                self.tell(ToCollector::Accepted { job_id: job.job_id, at_us: wall_us, fresh: true });
                let (dir, hands, done) = (self.config.dir.clone(), self.hands.clone(), self.done.clone());
                tokio::spawn(async move {
                    let result = jobs::execute(dir, job, hands, stop).await;
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

    fn on_finished(&mut self, result: &JobResult) {
        if let Some(jobs) = &mut self.jobs {
            jobs.finish(result);
        }
        self.hand_over();
    }

    /// Sends what is owed, a few at a time.
    fn hand_over(&mut self) {
        let room = HANDED_MAX.saturating_sub(self.on_their_way.len());
        let (Some(jobs), true) = (&self.jobs, self.collector.is_some() && room > 0) else { return };
        for result in jobs.owed(&self.on_their_way, room) {
            self.on_their_way.insert(result.job_id);
            self.tell(ToCollector::Result(result));
        }
    }

    /// A collector that takes nothing more is ended: what it should have heard is owed to the next.
    fn tell(&mut self, message: ToCollector) {
        if let (false, Some(collector)) = (self.hands.say(message), &mut self.collector) {
            collector.end_now("the collector takes nothing more");
        }
    }

    fn look_around(&mut self) {
        if let Some(collector) = &mut self.collector {
            collector.watch();
        }
        if self.look_at_policy() {
            self.tell(ToCollector::Policy(self.policy.clone()));
        }
        self.hand_over();
    }

    /// True when the policy is another than it was.
    fn look_at_policy(&mut self) -> bool {
        let found = policy::find(&self.config.policy_path);
        let words = PolicyWords { digest: found.digest, classes_allowed: found.policy.classes_allowed() };
        let trouble = found.trouble.unwrap_or_default();
        if trouble != self.said.policy_trouble {
            self.said.policy_trouble = trouble;
            self.write_status();
        }
        let changed = words != self.policy;
        self.policy = words;
        changed
    }

    fn write_status(&self) {
        if self.purpose == Purpose::Run {
            status::write_executor(&self.config.dir, &self.said);
        }
    }
}
