//! The executor: the process that is started, and the only one that runs anything. It holds the policy, the journal and
//! the server's key, and judges every order by them. It has no network and reads nothing foreign but the messages of its
//! collector, a process of its own without rights, which it starts again when it ends. Jobs go on meanwhile; their
//! results are owed until a collector has them on disk.

mod account;
mod child;
mod orders;
mod updating;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use agent_proto::JobResult;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::clock::ServerTime;
use crate::config::Config;
use crate::error::Error;
use crate::identity::Enrolment;
use crate::jobs::{Hands, Jobs};
use crate::pair::{PolicyWords, Start, ToCollector};
use crate::status::{self, Executor as Said};
use crate::update::{self, Updates};
use crate::{log, platform, policy};
use account::Apart;
use child::{Collector, Heard, What};

const EVENTS_MAX: usize = 16;
/// From one look at the collector, the policy and the parent to the next.
const ROUND: Duration = Duration::from_secs(5);
/// Before a collector that ended is started again; the wait doubles.
const BACKOFF_LEAST: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);
/// A collector that was told to end is given so long, and one that closed the pair itself.
const FAREWELL: Duration = Duration::from_secs(3);
const LAST_BREATH: Duration = Duration::from_millis(500);
/// Results on their way to the collector.
const HANDED_MAX: usize = 8;

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
    enrolment: Option<Enrolment>,
    /// There are none before the enrolment.
    jobs: Option<Jobs>,
    /// None where the program is not the agent's own.
    updates: Option<Updates>,
    hands: Hands,
    server_time: Option<ServerTime>,
    /// The server's clock where it was told to be furthest.
    latest_time: Option<ServerTime>,
    policy: PolicyWords,
    said: Said,
    on_their_way: HashSet<[u8; 16]>,
    done: mpsc::Sender<JobResult>,
    events: mpsc::Sender<Heard>,
    collector: Option<Collector>,
    /// The collector shall be no more.
    doomed: Option<Doom>,
    starter: Starter,
    generation: u64,
    start_at: Instant,
    backoff: Duration,
    round: Duration,
}

/// How a collector is started: its number, and where what it says goes.
type Starter = Box<dyn FnMut(u64, mpsc::Sender<Heard>) -> Result<Collector, String> + Send>;

/// What the executor waits for.
struct News {
    heard: mpsc::Receiver<Heard>,
    finished: mpsc::Receiver<JobResult>,
}

/// Why a collector shall be no more.
enum Doom {
    /// It closed the pair.
    Closed,
    /// It broke the rules.
    Broke(String),
}

/// Runs until the process is told to end, or until the enrolment is done.
pub(crate) async fn run(mut config: Config, purpose: Purpose) -> Result<(), Error> {
    let origin = std::env::current_dir().unwrap_or_else(|_| "/".into());
    config.dir = absolute(config.dir)?;
    config.policy_path = absolute(config.policy_path)?;
    let enrolment = Enrolment::load(&config.dir);
    if purpose == Purpose::Enrol && matches!(enrolment, Ok(Some(_))) {
        let dir = config.dir.display();
        return Err(Error::new(format!("this machine is enrolled already; to enrol it anew, remove {dir}")));
    }
    let lock = status::lock(&config.dir)?;
    let own = config.updates && purpose == Purpose::Run;
    // Before all that a version could break: this may put the one before it back.
    let updates = own.then(|| Updates::open(&config.dir, origin)).transpose()?;
    let enrolment = enrolment?;
    let Apart { account, words } = account::choose(config.user.as_deref(), &config.dir)?;
    let home = account::folder(&config.dir, account.as_ref())?;
    // The collector inherits it: it could not come here by the path when a folder above is private.
    std::env::set_current_dir(&home).map_err(|e| Error::io("enter", &home, &e))?;
    let exposed = account.as_ref().and_then(|_| account::exposed(&config.dir));
    let apart = exposed.unwrap_or(words);
    if purpose == Purpose::Run {
        log::note(format!("collector and executor are kept apart: {apart}"));
    }
    let watcher = if own { update::watcher() } else { None };
    let parent = watcher.or_else(|| config.end_with_parent.then(platform::parent_process));
    let mut end = std::pin::pin!(end(parent)?);
    let trial_at_most = config.trial;
    let starter = move |generation, events| child::start(account.as_ref(), generation, events);
    let (mut executor, news) = Executor::open(config, purpose, enrolment, apart, Box::new(starter))?;
    executor.updates = updates;
    let ended = executor.work(news, end.as_mut()).await?;
    if let Some(updates) = &executor.updates {
        updates.ends_as_told();
    }
    let trial = executor.updates.take().and_then(Updates::into_trial).filter(|_| ended == Ended::ForTrial);
    // The new program needs the folder for itself.
    drop(executor);
    drop(lock);
    match trial {
        Some(trial) => trial.run(trial_at_most, end).await,
        None => Ok(()),
    }
}

/// Ends when this process shall: also when its parent is not the one it is to end with.
fn end(parent: Option<Option<i32>>) -> Result<impl Future<Output = ()>, Error> {
    let listen = |kind| signal(kind).map_err(|e| Error::new(format!("signals cannot be heard: {e}")));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let orphaned = async move {
        let mut rounds = interval(ROUND);
        while parent.is_none_or(|parent| platform::parent_process() == parent) {
            rounds.tick().await;
        }
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = orphaned => {}
        }
    })
}

#[derive(PartialEq, Eq)]
enum Next {
    On,
    End,
}

/// Why the loop ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// The process shall end, or has done what it was for.
    AsTold,
    /// A new version is to be tried.
    ForTrial,
}

fn absolute(path: PathBuf) -> Result<PathBuf, Error> {
    std::path::absolute(&path).map_err(|e| Error::io("find", &path, &e))
}

impl Executor {
    fn open(
        config: Config,
        purpose: Purpose,
        enrolment: Option<Enrolment>,
        apart: String,
        starter: Starter,
    ) -> Result<(Self, News), Error> {
        let (done, finished) = mpsc::channel(EVENTS_MAX);
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let mut executor = Self {
            jobs: None,
            updates: None,
            hands: Hands::default(),
            server_time: None,
            latest_time: None,
            policy: PolicyWords::default(),
            said: Said { pid: std::process::id(), apart, ..Said::default() },
            on_their_way: HashSet::new(),
            collector: None,
            doomed: None,
            generation: 0,
            start_at: Instant::now(),
            backoff: BACKOFF_LEAST,
            round: ROUND,
            starter,
            config,
            purpose,
            enrolment,
            done,
            events,
        };
        executor.open_jobs()?;
        executor.look_at_policy();
        Ok((executor, News { heard, finished }))
    }

    /// The loop. Ends with `end`, or with the enrolment when there is nothing else to do.
    async fn work(&mut self, mut news: News, end: impl Future<Output = ()>) -> Result<Ended, Error> {
        let mut rounds = interval(self.round);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end = std::pin::pin!(end);
        let mut ended = Ended::AsTold;
        loop {
            let (away, start_at) = (self.collector.is_none(), self.start_at);
            tokio::select! {
                () = &mut end => break,
                Some(heard) = news.heard.recv() => {
                    if self.on_heard(heard)? == Next::End {
                        break;
                    }
                }
                Some(result) = news.finished.recv() => self.on_finished(&result),
                verdict = update::test_ended(self.updates.as_mut()) => self.on_tested(verdict),
                () = sleep_until(start_at), if away => self.start_collector()?,
                _ = rounds.tick() => self.look_around(),
            }
            if let Some(doom) = self.doomed.take() {
                self.end_collector(doom).await?;
            }
            if self.may_try() {
                ended = Ended::ForTrial;
                break;
            }
        }
        self.hands.detach();
        if let Some(collector) = self.collector.take() {
            collector.bury(FAREWELL).await;
        }
        Ok(ended)
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
        let started = (self.starter)(self.generation, self.events.clone());
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
        let (updates, on_trial) = self.updating();
        let start = Start {
            version: self.version(),
            updates,
            on_trial,
            servers: self.config.servers.clone(),
            token: self.config.token.clone(),
            proxy: self.config.proxy.clone(),
            ring_bytes_max: self.config.ring_bytes_max,
            enrol_only: self.purpose == Purpose::Enrol,
            enrolment: self.enrolment.clone(),
            policy: self.policy.clone(),
            guarded: platform::guarded_words(),
            closed: self.config.really_closed(),
        };
        self.tell(ToCollector::Start(Box::new(start)));
        self.tell_of_trial();
        self.hand_over();
        self.write_status();
        Ok(())
    }

    fn pause(&mut self) {
        self.start_at = Instant::now() + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF_MOST);
    }

    fn on_heard(&mut self, heard: Heard) -> Result<Next, Error> {
        let Some(collector) = self.collector.as_mut().filter(|now| now.generation == heard.generation) else {
            return Ok(Next::On);
        };
        collector.lives();
        match heard.what {
            What::Said(message) => return self.on_message(message),
            What::Over(None) => self.doomed = Some(Doom::Closed),
            What::Over(Some(why)) => self.doomed = Some(Doom::Broke(format!("it says what cannot be read: {why}"))),
        }
        Ok(Next::On)
    }

    /// What it was doing has no known end; what it should have heard is owed to the next.
    async fn end_collector(&mut self, doom: Doom) -> Result<(), Error> {
        self.hands.detach();
        let Some(collector) = self.collector.take() else { return Ok(()) };
        let lived = collector.since.elapsed();
        let why = match doom {
            Doom::Closed => collector.bury(LAST_BREATH).await,
            Doom::Broke(why) => {
                collector.bury(Duration::ZERO).await;
                format!("the collector was killed: {why}")
            }
        };
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
        if !self.hands.say(message) && self.collector.is_some() {
            self.doomed = Some(Doom::Broke("it takes nothing more".into()));
        }
    }

    fn look_around(&mut self) {
        if self.collector.as_mut().is_some_and(|collector| !collector.watch()) {
            self.doomed = Some(Doom::Broke("it gives no sign of life".into()));
        }
        if let Some(updates) = &mut self.updates {
            updates.look(std::time::Instant::now());
        }
        if self.look_at_policy() {
            self.tell(ToCollector::Policy(self.policy.clone()));
        }
        self.hand_over();
    }

    /// True when the policy is another than it was.
    fn look_at_policy(&mut self) -> bool {
        let found = policy::find(&self.config.policy_path);
        let words = PolicyWords {
            digest: found.digest,
            classes_allowed: found.policy.classes_allowed(),
            plugins: found.policy.plugins.iter().map(policy::Plugin::permit).collect(),
        };
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

#[cfg(test)]
mod tests;
