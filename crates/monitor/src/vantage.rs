//! The server as a vantage point: it runs the checks that are its own to run. One thread, one timer, a bounded number of
//! looks at a time; new checks begin the further apart the more there are, so that thousands never start together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use agent_proto::Figure;
use kernel::{Actor, Handle, Result, Time};
use probes::{Around, Look, Memory, Outcome as Found, Seen};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::check::{self, Check};
use crate::feed::TIMEOUT_MS_MAX;
use crate::live::{Fed, Monitor, feed_and_keep};
use crate::looks;
use crate::machine::Outcome;
use crate::probe::{Judge, Probe};
use crate::{fill_up, store};

/// Looks at a time; the others wait for their turn.
const LOOKS_MAX: usize = 256;
/// How often checks that are new, changed or gone are looked for.
const REVIEW: Duration = Duration::from_secs(1);
/// How often it is said anew when file systems will be full.
const FORECAST: Duration = Duration::from_secs(600);
/// File systems that are foretold in one go: each costs a week of figures.
const FORETOLD_MAX: usize = 16;
/// How long results wait for company.
const COMPANY: Duration = Duration::from_millis(250);
/// A new check begins within this time, and the later the more there are.
const FIRST: Duration = Duration::from_millis(200);
const APART: Duration = Duration::from_millis(6);
/// Names that are resolved at a time: the system's resolver takes a thread each.
const RESOLVERS_MAX: usize = 16;

/// Looks until the server stops.
pub(crate) fn run(handle: Handle) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .max_blocking_threads(RESOLVERS_MAX)
        .thread_keep_alive(Duration::from_secs(10))
        .build();
    match runtime {
        Ok(runtime) => {
            // The database is let go of outside: closing a connection waits, which the runtime does not allow.
            runtime.block_on(Looks::new(handle.clone()).run());
            // A name that the system does not resolve is not waited for.
            runtime.shutdown_background();
        }
        Err(error) => tracing::error!(%error, "the server's own checks cannot run"),
    }
}

/// A look that ended.
struct Done {
    check: i64,
    generation: i64,
    asset: Option<i64>,
    at: Time,
    took: Duration,
    seen: Seen,
}

/// What is known of one check.
struct Plan {
    generation: i64,
    asset: Option<i64>,
    interval: Duration,
    work: Work,
    due: Instant,
    running: bool,
}

/// How a check is found out about.
enum Work {
    /// By a look over the network.
    Look(Box<Look>),
    /// By what was heard and kept.
    Known(Box<Probe>),
}

/// What is found out without looking: check, its shape, its asset, what it is.
type Unseen = (i64, i64, Option<i64>, Box<Probe>);

struct Looks {
    handle: Handle,
    plans: HashMap<i64, Plan>,
    due: BTreeSet<(Instant, i64)>,
    /// What is looked at beside its rhythm, as soon as there is room.
    again: BTreeSet<i64>,
    running: usize,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    found: Vec<Done>,
    /// File systems that wait to be foretold: check, asset, mount point.
    mounts: Vec<(i64, i64, String)>,
    forecast: Instant,
    failing: bool,
    /// What the server itself may look at.
    allowed: looks::Looks,
}

impl Looks {
    fn new(handle: Handle) -> Self {
        Self {
            handle,
            plans: HashMap::new(),
            due: BTreeSet::new(),
            again: BTreeSet::new(),
            running: 0,
            // Bounded by the looks at a time.
            done: mpsc::unbounded_channel(),
            found: Vec::new(),
            mounts: Vec::new(),
            forecast: Instant::now(),
            failing: false,
            allowed: looks::Looks::default(),
        }
    }

    async fn run(mut self) {
        let monitor = match self.handle.get::<Monitor>() {
            Ok(monitor) => monitor,
            Err(error) => return self.say(Err(error), "the server's own checks cannot run"),
        };
        let mut review = Instant::now();
        let mut flush = None;
        while !self.handle.stopping() {
            let now = Instant::now();
            if now >= review {
                review = now + REVIEW;
                let reviewed = tokio::task::block_in_place(|| self.review(now));
                self.say(reviewed, "the server's own checks cannot be read");
                let foretold = tokio::task::block_in_place(|| self.foretell(now));
                self.say(foretold, "file systems cannot be foretold");
            }
            self.start(now);
            let next = self.due.first().map(|(at, _)| *at).filter(|_| self.running < LOOKS_MAX);
            let wake = [Some(review), next, flush].into_iter().flatten().min().unwrap_or(review);
            tokio::select! {
                Some(done) = self.done.1.recv() => {
                    self.finish(done);
                    flush = flush.or(Some(Instant::now() + COMPANY));
                }
                () = monitor.again.wait() => self.again.append(&mut monitor.again.take_own()),
                () = tokio::time::sleep_until(wake) => {}
            }
            if flush.is_some_and(|at| at <= Instant::now()) {
                flush = None;
                let fed = tokio::task::block_in_place(|| self.hand_over());
                self.say(fed, "results of the server's own checks wait");
            }
        }
    }

    /// Said once, not every second.
    fn say(&mut self, done: Result<()>, what: &'static str) {
        match done {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                tracing::error!(error = error.message, cause = error.cause, "{what}; trying again");
                self.failing = true;
            }
            Err(_) => {}
        }
    }

    /// Takes over checks that are new or changed, and lets go of the others.
    fn review(&mut self, now: Instant) -> Result<()> {
        let monitor = self.handle.get::<Monitor>()?;
        monitor.refresh(&self.handle)?;
        let actor = Actor::service("monitor", &["monitor.*"]);
        self.allowed = self.handle.read_as(&actor, |cx| cx.setting::<looks::Looks>())?;
        let plans = &self.plans;
        let (fresh, all) = monitor.own(|id, generation| plans.get(&id).map(|plan| plan.generation) == Some(generation));
        if all.len() < self.plans.len() {
            self.plans.retain(|id, _| all.contains(id));
            self.due.retain(|(_, id)| all.contains(id));
        }
        let many = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        let mut planned = Ok(());
        for check in fresh {
            // One that cannot be planned keeps no other waiting.
            let one = self.plan(&check, now, FIRST.saturating_add(APART.saturating_mul(many)));
            planned = planned.and(one);
        }
        planned
    }

    /// Says anew when the file systems that checks look at will be full, a few at a time.
    fn foretell(&mut self, now: Instant) -> Result<()> {
        let (monitor, forecasts) = (self.handle.get::<Monitor>()?, self.handle.get::<fill_up::Forecasts>()?);
        if self.mounts.is_empty() && now >= self.forecast {
            self.forecast = now + FORECAST;
            let mounts = &mut self.mounts;
            monitor.each(|check| {
                if let (Probe::FileSystem { mount, .. }, Some(asset)) = (&check.probe, check.asset) {
                    mounts.push((check.id, asset, mount.clone()));
                }
            });
            forecasts.keep(&mounts.iter().map(|(id, ..)| *id).collect());
        }
        let (at, left) = (self.handle.now(), self.mounts.len().saturating_sub(FORETOLD_MAX));
        for (id, asset, mount) in self.mounts.drain(left..) {
            let trend = fill_up::read(&monitor.series, asset, &mount, at).filter(|trend| trend.rate.is_some());
            forecasts.put(id, trend.map(|trend| trend.words()));
        }
        Ok(())
    }

    fn plan(&mut self, check: &Check, now: Instant, within: Duration) -> Result<()> {
        let work = match check.probe.look() {
            Some(look) => {
                let actor = Actor::service("monitor", &["monitor.*"]);
                let secrets = self.handle.read_as(&actor, |cx| check::secrets(cx, check))?;
                Work::Look(Box::new(secrets.put_into(look)))
            }
            None => Work::Known(Box::new(check.probe.clone())),
        };
        let interval = Duration::from_secs(u64::try_from(check.interval_s).unwrap_or(60).max(1));
        let due = now + begins_within(check.id, interval.min(within));
        let running = match self.plans.remove(&check.id) {
            Some(old) => {
                self.due.remove(&(old.due, check.id));
                old.running
            }
            None => false,
        };
        self.due.insert((due, check.id));
        let plan = Plan { generation: check.generation, asset: check.asset, interval, work, due, running };
        self.plans.insert(check.id, plan);
        Ok(())
    }

    /// Starts what was asked for, then what is due, as far as there is room. What still runs is left out this time.
    fn start(&mut self, now: Instant) {
        let mut known = Vec::new();
        while self.running < LOOKS_MAX
            && let Some(id) = self.again.pop_first()
        {
            known.extend(self.begin(id));
        }
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= now && self.running < LOOKS_MAX) {
            self.due.remove(&(at, id));
            let Some(plan) = self.plans.get_mut(&id) else { continue };
            // Keep the rhythm; after a long pause begin a new one instead of running what was missed.
            plan.due = if now < at + plan.interval { at + plan.interval } else { now + plan.interval };
            self.due.insert((plan.due, id));
            known.extend(self.begin(id));
        }
        let judged = tokio::task::block_in_place(|| self.judge(&known));
        self.say(judged, "what was heard cannot be judged");
    }

    /// Begins a look that does not run; answers what is known without looking.
    fn begin(&mut self, id: i64) -> Option<Unseen> {
        let plan = self.plans.get_mut(&id).filter(|plan| !plan.running)?;
        let look = match &plan.work {
            Work::Known(probe) => return Some((id, plan.generation, plan.asset, probe.clone())),
            Work::Look(look) => look.clone(),
        };
        plan.running = true;
        self.running += 1;
        let now_s = self.handle.now().millis().div_euclid(1_000);
        let around = Around { now_s, allowed: self.allowed.allowed(), ..Around::default() };
        let refused = self.allowed.refuses(&look);
        let deadline = (plan.interval / 5 * 4).min(Duration::from_millis(u64::from(TIMEOUT_MS_MAX)));
        let (done, handle) = (self.done.0.clone(), self.handle.clone());
        let (generation, asset) = (plan.generation, plan.asset);
        tokio::spawn(async move {
            let start = Instant::now();
            let seen = match refused {
                Some(why) => Seen::unknown(why),
                None => probes::look(&look, &around, &mut Memory::default(), deadline).await,
            };
            // The loop is gone when this fails: then nobody wants to know either.
            let _ = done.send(Done { check: id, generation, asset, at: handle.now(), took: start.elapsed(), seen });
        });
        None
    }

    fn finish(&mut self, done: Done) {
        self.running = self.running.saturating_sub(1);
        if let Some(plan) = self.plans.get_mut(&done.check) {
            plan.running = false;
            // What was seen of another shape of the check says nothing about this one.
            if plan.generation == done.generation {
                self.found.push(done);
            }
        }
    }

    /// Judges what the server knows without looking: heartbeats and forecasts.
    fn judge(&self, known: &[Unseen]) -> Result<()> {
        if known.is_empty() {
            return Ok(());
        }
        let monitor = self.handle.get::<Monitor>()?;
        let (now, gaps) = (self.handle.now(), monitor.listening.gaps());
        let heartbeats: Vec<i64> =
            known.iter().filter(|(_, _, _, probe)| matches!(**probe, Probe::Heartbeat(_))).map(|one| one.0).collect();
        let beats = match heartbeats.as_slice() {
            [] => BTreeMap::new(),
            ids => self.handle.db.read(|tx| store::heartbeats::of(tx, ids))?,
        };
        let mut fed = Vec::new();
        for (id, _, asset, probe) in known {
            let verdict = match &**probe {
                Probe::Heartbeat(heartbeat) => beats.get(id).and_then(|beat| heartbeat.judge(beat, now, &gaps)),
                Probe::FillUp { mount, full_within_h } => {
                    asset.map(|asset| fill_up::judge(&monitor.series, asset, mount, *full_within_h, now))
                }
                _ => None,
            };
            let Some((outcome, value, evidence)) = verdict else { continue };
            monitor.keep_figures(*id, *asset, now.millis(), value, &[]);
            fed.push(Fed { check: *id, outcome, value, at: now, took_us: 0, evidence });
        }
        feed_and_keep(&self.handle, &fed)
    }

    /// Gives results to the alerts, and figures to the series.
    fn hand_over(&mut self) -> Result<()> {
        let found = std::mem::take(&mut self.found);
        if found.is_empty() {
            return Ok(());
        }
        let monitor = self.handle.get::<Monitor>()?;
        let mut fed = Vec::with_capacity(found.len());
        for done in found {
            let figures = done.seen.figures.into_iter().map(|one| Figure { name: one.name, value: one.value });
            let figures: Vec<Figure> = figures.collect();
            monitor.keep_figures(done.check, done.asset, done.at.millis(), done.seen.value, &figures);
            if done.seen.outcome == Found::Bad {
                monitor.note_sign(done.check, None, done.seen.value, &figures);
            }
            fed.push(Fed {
                check: done.check,
                outcome: match done.seen.outcome {
                    Found::Good => Outcome::Good,
                    Found::Bad => Outcome::Bad,
                    Found::Unknown => Outcome::Unknown,
                },
                value: done.seen.value,
                at: done.at,
                took_us: u64::try_from(done.took.as_micros()).unwrap_or(u64::MAX),
                evidence: done.seen.evidence,
            });
        }
        feed_and_keep(&self.handle, &fed)
    }
}

/// Where in a span of time a check begins: always the same, and spread over all of it (Fibonacci hashing; Knuth, The Art of
/// Computer Programming, volume 3, section 6.4).
fn begins_within(check: i64, span: Duration) -> Duration {
    let spread = (check.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as f64 / f64::from(u32::MAX);
    span.mul_f64(spread.clamp(0.0, 1.0))
}

impl Monitor {
    /// The checks that the server itself judges and that `known` does not know in this shape; and the numbers of all.
    fn own(&self, known: impl Fn(i64, i64) -> bool) -> (Vec<Check>, BTreeSet<i64>) {
        let mut fresh = Vec::new();
        let mut all = BTreeSet::new();
        self.each(|check| {
            let ours = check.vantage.is_none() && !check.paused && is_ours(&check.probe);
            if ours {
                all.insert(check.id);
                if !known(check.id, check.generation) {
                    fresh.push(check.clone());
                }
            }
        });
        (fresh, all)
    }
}

/// True for what this service finds out about.
fn is_ours(probe: &Probe) -> bool {
    let known = matches!(probe, Probe::Heartbeat(_) | Probe::FillUp { .. });
    known || (probe.judge() == Judge::Vantage && probe.kind().server_sees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_thousand_checks_begin_spread_over_their_interval() {
        let interval = Duration::from_secs(30);
        let mut seconds = [0; 31];
        for check in 1..=5_000 {
            let begins = begins_within(check, interval);
            assert!(begins <= interval);
            seconds[begins.as_secs() as usize] += 1;
        }
        assert!(seconds[..30].iter().all(|count| (120..220).contains(count)), "{seconds:?}");
    }
}
