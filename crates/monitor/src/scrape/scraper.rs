//! What is scraped when, and by whom. Every target has its own moment in the interval, drawn from its address, so that
//! a thousand targets are not asked at once. Threads come when they are needed and go when they are not; targets that
//! let us wait have lanes of their own, so that whoever answers is never held up by who does not.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Handle, LiveList, Result};

use super::ask;
use super::discover::{self, Look};
use super::figures::Counters;
use super::plan::Plan;
use super::queue::{Running, SLOW_MAX, State, Turn, next_due};
use super::seen::Seen;
use super::target::Target;
use crate::live::{Monitor, lock};
use crate::store;

/// Most threads that ask.
const THREADS_MAX: usize = 256;
/// A thread without work ends after this time, but for a few.
const IDLE: Duration = Duration::from_secs(30);
const THREADS_KEPT: usize = 2;
/// Stack of such a thread.
const STACK_BYTES: usize = 512 << 10;
/// Jobs read at a time.
const LOAD_ROWS: i64 = 500;
/// A scrape that begins this much later than it should has the time at which it should: even steps take less room.
const TOLERANCE_MS: i64 = 100;
/// Sources that can change by themselves are looked at this often.
const LOOK_EVERY_MS: i64 = 30_000;
/// What is written down is looked at again this often, since an asset may have come that it belongs to.
const STAMP_EVERY_MS: i64 = 300_000;
/// The longest that nobody looks whether something is due.
const PAUSE_MS: i64 = 500;

/// Everything that is scraped.
pub(crate) struct Scraper {
    /// Most series of all targets together.
    series_max: usize,
    /// Series that all targets have now.
    series: AtomicUsize,
    state: Mutex<State>,
    come: Condvar,
    dirty: Mutex<BTreeSet<i64>>,
    loaded: AtomicBool,
    /// Pages that show how targets stand are out of date.
    moved: AtomicBool,
    pub(super) counters: Counters,
}

/// How a job stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) targets: usize,
    pub(crate) up: usize,
    pub(crate) down: usize,
    pub(crate) samples: usize,
    pub(crate) dropped: usize,
    pub(crate) wrong: Option<String>,
}

impl Scraper {
    /// Takes so many series at most.
    pub(crate) fn new(series_max: usize) -> Self {
        Self {
            series_max,
            series: AtomicUsize::new(0),
            state: Mutex::default(),
            come: Condvar::new(),
            dirty: Mutex::default(),
            loaded: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            counters: Counters::default(),
        }
    }

    /// How many series may come yet.
    pub(super) fn room(&self) -> usize {
        self.series_max.saturating_sub(self.series.load(Ordering::Relaxed))
    }

    /// Series that all targets have now.
    pub(super) fn series(&self) -> usize {
        self.series.load(Ordering::Relaxed)
    }

    /// How many targets there are, and how many of them are down.
    pub(super) fn standing_of_all(&self) -> (usize, usize) {
        let state = lock(&self.state);
        let down = state.targets.values().filter(|slot| slot.seen.up == Some(false)).count();
        (state.targets.len(), down)
    }

    /// A job was made, changed or deleted.
    pub(crate) fn touch(&self, job: i64) {
        lock(&self.dirty).insert(job);
    }

    /// Brings jobs that have changed into memory; at first all of them.
    pub(super) fn refresh(&self, handle: &Handle) -> Result<()> {
        if !self.loaded.load(Ordering::Acquire) {
            let mut after = 0;
            loop {
                let jobs = handle.db.read(|tx| store::scrapes::after(tx, after, LOAD_ROWS))?;
                let Some(last) = jobs.last().map(|job| job.id) else { break };
                after = last;
                jobs.into_iter().for_each(|job| self.put(Plan::load(handle, job)));
            }
            self.loaded.store(true, Ordering::Release);
        }
        let dirty = std::mem::take(&mut *lock(&self.dirty));
        if dirty.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = dirty.iter().copied().collect();
        let jobs = handle
            .db
            .read(|tx| store::scrapes::by_id(tx, &ids))
            .inspect_err(|_| lock(&self.dirty).extend(ids.iter().copied()))?;
        let there: BTreeSet<i64> = jobs.iter().map(|job| job.id).collect();
        jobs.into_iter().for_each(|job| self.put(Plan::load(handle, job)));
        for gone in dirty.difference(&there) {
            lock(&self.state).jobs.remove(gone);
            self.settle(handle, *gone, None);
        }
        Ok(())
    }

    fn put(&self, plan: Plan) {
        let mut state = lock(&self.state);
        let job = plan.job.id;
        // What is older than what is known comes from a read that was overtaken.
        if state.jobs.get(&job).is_none_or(|there| there.plan.job.version <= plan.job.version) {
            state.jobs.insert(job, Running { plan: Arc::new(plan), looked_ms: None, dropped: 0, wrong: None });
        }
    }

    /// Looks at the sources of jobs for which it is time.
    pub(super) fn look(&self, handle: &Handle) {
        let now_ms = handle.now().millis();
        let due = |one: &Running| {
            let spec = &one.plan.job.spec;
            let moves = !(spec.files.is_empty() && spec.dns.is_empty() && spec.assets.is_empty());
            let every_ms = if moves { LOOK_EVERY_MS } else { STAMP_EVERY_MS };
            one.looked_ms.is_none_or(|looked| !(0..every_ms).contains(&(now_ms - looked)))
        };
        let plans: Vec<Arc<Plan>> =
            lock(&self.state).jobs.values().filter(|one| due(one)).map(|one| one.plan.clone()).collect();
        for plan in plans {
            let look = if plan.job.paused { Look::default() } else { discover::look(handle, &plan) };
            if let Some(running) = lock(&self.state).jobs.get_mut(&plan.job.id) {
                if running.plan.job.version != plan.job.version {
                    continue;
                }
                running.looked_ms = Some(now_ms);
                let stands = (look.dropped, look.wrong.clone());
                if stands != (running.dropped, running.wrong.clone()) {
                    self.moved.store(true, Ordering::Relaxed);
                }
                (running.dropped, running.wrong) = stands;
            }
            self.settle(handle, plan.job.id, Some((&plan, look)));
            if handle.stopping() {
                return;
            }
        }
    }

    /// Takes over what a look brought; without one, the job is gone. What is not a target any more ends.
    fn settle(&self, handle: &Handle, job: i64, look: Option<(&Arc<Plan>, Look)>) {
        let now_ms = handle.now().millis();
        let mut ended = Vec::new();
        {
            let mut state = lock(&self.state);
            let (plan, mut look) = look.map_or((None, Look::default()), |(plan, look)| (Some(plan), look));
            let there: Vec<String> = state.of_job(job).map(|(key, _)| key.clone()).collect();
            for key in there {
                match (look.targets.remove(&key), plan) {
                    (Some(target), Some(plan)) => state.renew(&key, plan, Some(target)),
                    (None, Some(plan)) if look.wrong.is_some() && !plan.job.paused => state.renew(&key, plan, None),
                    _ => {
                        let there = state.targets.get(&key).map_or(0, |slot| slot.seen.series);
                        self.series.fetch_sub(there, Ordering::Relaxed);
                        ended.extend(state.remove(&key));
                        self.moved.store(true, Ordering::Relaxed);
                    }
                }
            }
            for (key, target) in plan.into_iter().flat_map(|_| std::mem::take(&mut look.targets)) {
                if let Some(plan) = plan {
                    state.add(key, target, plan, now_ms);
                    self.moved.store(true, Ordering::Relaxed);
                }
            }
        }
        if let Ok(monitor) = handle.get::<Monitor>() {
            for (target, plan, mut work) in ended {
                let source = source(&target);
                work.book.close(&monitor.series, &super::turn::owner(&source, &target, &plan), now_ms);
            }
        }
    }

    /// Puts what is due into the queues; answers how long until the next.
    pub(super) fn line_up(&self, now_ms: i64) -> Duration {
        let mut state = lock(&self.state);
        while let Some((due_ms, key)) = state.due.first().cloned() {
            if due_ms > now_ms {
                let left = (due_ms - now_ms).min(PAUSE_MS);
                return Duration::from_millis(u64::try_from(left).unwrap_or(0).max(1));
            }
            state.due.pop_first();
            let Some(slot) = state.targets.get_mut(&key) else { continue };
            let at_ms = if now_ms - due_ms <= TOLERANCE_MS { due_ms } else { now_ms };
            slot.due_ms = next_due(&key, slot.target.interval_ms, now_ms);
            let (next_ms, slow) = (slot.due_ms, slot.slow);
            let waits = std::mem::replace(&mut slot.waits, true);
            state.due.insert((next_ms, key.clone()));
            if waits {
                // It is still being asked, or waits for it: this turn falls out.
                continue;
            }
            let queue = if slow { &mut state.slow } else { &mut state.ready };
            queue.push_back((key, at_ms));
            self.come.notify_one();
        }
        Duration::from_millis(PAUSE_MS.unsigned_abs())
    }

    /// The next scrape to be done, if there is one.
    pub(super) fn turn(&self) -> Option<Turn> {
        lock(&self.state).turn()
    }

    /// A scrape is over.
    pub(super) fn done(&self, handle: &Handle, turn: Turn, seen: Seen, slow: bool) {
        self.counters.take(&seen);
        let ended = {
            let mut state = lock(&self.state);
            state.slow_busy = state.slow_busy.saturating_sub(usize::from(turn.slow));
            match state.targets.get_mut(&turn.key) {
                Some(slot) => {
                    (slot.waits, slot.slow) = (false, slow);
                    self.series.fetch_add(seen.series, Ordering::Relaxed);
                    self.series.fetch_sub(slot.seen.series, Ordering::Relaxed);
                    if slot.seen.up != seen.up {
                        self.moved.store(true, Ordering::Relaxed);
                    }
                    slot.seen = seen;
                    slot.work = Some(turn.work);
                    None
                }
                None => Some((turn.target, turn.plan, turn.work)),
            }
        };
        if let (Some((target, plan, mut work)), Ok(monitor)) = (ended, handle.get::<Monitor>()) {
            let source = source(&target);
            work.book.close(&monitor.series, &super::turn::owner(&source, &target, &plan), handle.now().millis());
        }
    }

    /// Starts threads for what waits.
    pub(super) fn staff(self: &Arc<Self>, handle: &Handle) {
        let mut state = lock(&self.state);
        let waiting = state.ready.len() + state.slow.len().min(SLOW_MAX.saturating_sub(state.slow_busy));
        let wanted = waiting.saturating_sub(state.idle).min(THREADS_MAX.saturating_sub(state.threads));
        for _ in 0..wanted {
            let (scraper, handle) = (Arc::clone(self), Arc::clone(handle));
            let thread = std::thread::Builder::new().name("scrape".into()).stack_size(STACK_BYTES);
            match thread.spawn(move || scraper.work(&handle)) {
                Ok(_) => state.threads += 1,
                Err(error) => {
                    tracing::error!(%error, "a thread for scraping cannot be started");
                    return;
                }
            }
        }
    }

    fn work(&self, handle: &Handle) {
        let mut hands = ask::Hands::default();
        while !handle.stopping() {
            let mut state = lock(&self.state);
            if let Some(turn) = state.turn() {
                drop(state);
                super::turn::scrape(handle, self, turn, &mut hands);
                continue;
            }
            state.idle += 1;
            let (mut state, waited) = self.come.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
            if waited.timed_out() && state.threads > THREADS_KEPT && state.ready.is_empty() {
                break;
            }
        }
        let mut state = lock(&self.state);
        state.threads = state.threads.saturating_sub(1);
    }

    /// Tells pages when something of how targets stand is another thing than when this was last asked: once for many.
    pub(super) fn tell(&self, handle: &Handle) {
        if self.moved.swap(false, Ordering::Relaxed) {
            handle.tell(&[LiveList::Targets.reference()]);
        }
    }

    /// Nobody waits any more: the server stops.
    pub(super) fn send_home(&self) {
        self.come.notify_all();
    }

    /// How a job stands; `None` when it is not known yet.
    pub(crate) fn standing(&self, job: i64) -> Option<Standing> {
        let state = lock(&self.state);
        let running = state.jobs.get(&job)?;
        let wrong = running.wrong.clone().or_else(|| running.plan.wrong.clone());
        let mut standing = Standing { dropped: running.dropped, wrong, ..Standing::default() };
        for (_, slot) in state.of_job(job) {
            standing.targets += 1;
            standing.up += usize::from(slot.seen.up == Some(true));
            standing.down += usize::from(slot.seen.up == Some(false));
            standing.samples += slot.seen.kept;
        }
        Some(standing)
    }

    /// Targets after a key, of one job or all, down ones alone if asked for; with their keys.
    pub(crate) fn list(
        &self,
        job: Option<i64>,
        down: bool,
        after: &str,
        limit: usize,
    ) -> Vec<(String, Arc<Target>, Seen)> {
        let state = lock(&self.state);
        let from = (std::ops::Bound::Excluded(after.to_owned()), std::ops::Bound::Unbounded);
        let wanted = state
            .targets
            .range::<String, _>(from)
            .filter(|(_, slot)| job.is_none_or(|job| slot.target.job == job) && (!down || slot.seen.up == Some(false)));
        wanted.take(limit).map(|(key, slot)| (key.clone(), slot.target.clone(), slot.seen.clone())).collect()
    }
}

/// What the series of a target are sampled together as.
pub(super) fn source(target: &Target) -> String {
    kernel::text::shorten(&format!("scrape:{}/{}", target.job, target.url()), 250)
}
