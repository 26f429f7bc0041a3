//! What monitoring keeps in memory: every check with its machine, which agents are heard from, and the store of series.
//! Rows are written on transitions only; a transition that could not be written waits and is tried again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::settings::Setting as _;
use kernel::settings::operations::setting_ref;
use kernel::{Actor, Error, Handle, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::causal::{self, Causal};
use crate::cause_rules::CauseRules;
use crate::check::Check;
use crate::machine::{Machine, Outcome, State, Step};
use crate::metrics::keeping::Keeping;
use crate::store;

mod agents;
mod blind;
mod feed;
mod flaps;
mod flush;
mod intake;
mod judging;
mod outbox;
pub(crate) mod standing;
mod states;
#[cfg(test)]
mod tests;
mod tick;
mod together;

pub(crate) use agents::{Agent, Link};
pub use feed::{Fed, feed, feed_and_keep};
pub(crate) use flush::actor;
pub(crate) use intake::check_results;
use judging::line;
pub(crate) use judging::word;
pub use tick::{tick, tick_with_room, upkeep};

/// Results of each check that are kept for show and evidence.
const RECENT_MAX: usize = 5;
/// Checks read from the database at a time.
const LOAD_ROWS: i64 = 1_000;

/// One result as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// When it was made.
    pub at: Time,
    /// `good`, `bad`, `between` or `unknown`.
    pub outcome: String,
    /// The measured value.
    pub value: Option<f64>,
    /// How long the run took, in microseconds.
    pub took_us: u64,
    /// What was seen, in plain words.
    pub text: String,
}

/// A check in memory.
pub(crate) struct Live {
    pub(crate) check: Check,
    pub(crate) machine: Machine,
    /// When the newest result arrived.
    pub(crate) seen_at: Time,
    /// A result came that was too old to be judged; its time.
    pub(crate) late: Option<Time>,
    /// What the last bad look said of the thing, when it said more than its kind does.
    pub(crate) sign: Option<causes::What>,
    /// What gives no value any more, of a rule whose alert nothing is known of.
    pub(crate) lost: Option<String>,
    pub(crate) recent: VecDeque<Seen>,
}

/// A transition that waits to be written.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) check: i64,
    pub(crate) alert: i64,
    /// The shape of the check that was looked at.
    pub(crate) generation: i64,
    pub(crate) step: Step,
    pub(crate) machine: Machine,
    pub(crate) evidence: Vec<String>,
    /// What it is to the cause engine, when it fired.
    pub(crate) symptom: Option<causes::Symptom>,
    pub(crate) at: Time,
    pub(crate) tries: u32,
    /// It is not tried again before this.
    pub(crate) not_before: Time,
    /// Its number in the outbox.
    pub(crate) number: u64,
}

/// All checks, and since when the server has looked without a break.
pub(crate) struct Lives {
    pub(crate) checks: BTreeMap<i64, Live>,
    pub(crate) awake: Time,
    pub(crate) ticked: Time,
    pub(crate) reviewed: Time,
    /// The assets that are gone as a whole, and of which version of the ground that was judged.
    out: Vec<i64>,
    grounded: u64,
}

/// What monitoring keeps in memory.
pub(crate) struct Monitor {
    pub(crate) series: tsdb::Store,
    pub(crate) sink: crate::metrics::Sink,
    pub(crate) questions: crate::metrics::Turns,
    pub(crate) scraper: Arc<crate::scrape::Scraper>,
    /// Why nothing is stored at this moment, if so.
    pub(crate) full: crate::full::Full,
    lives: Mutex<Lives>,
    dirty: Mutex<BTreeSet<i64>>,
    /// The house's own rules about causes were changed, and the cause engine has others.
    rules_changed: AtomicBool,
    outbox: Mutex<outbox::Outbox>,
    flushing: Mutex<()>,
    together: together::Together,
    agents: Mutex<BTreeMap<i64, Agent>>,
    /// What alerts have one cause.
    pub(crate) causal: Causal,
    /// What is to be looked at again at once.
    pub(crate) again: crate::again::Asked,
    /// What of the server's own looks fails for reasons of its own.
    pub(crate) blind: blind::Blind,
    pub(crate) registers: Mutex<HashMap<i64, crate::samples::Register>>,
    /// When this server listened.
    pub(crate) listening: crate::listening::Listening,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the store of series, reads the checks, and listens for changes of them.
pub(crate) fn start(handle: &Handle) -> Result<()> {
    let now = handle.now();
    let folder = handle.data().join("tsdb");
    let keeping = handle.read_as(&Actor::service("monitor", &["monitor.*"]), |cx| cx.setting::<Keeping>())?;
    let series = tsdb::Store::open(&folder, keeping.options(), now.millis())
        .map_err(|error| Error::unavailable(format!("The store of series cannot be opened: {error}.")))?;
    let lives = Lives { checks: BTreeMap::new(), awake: now, ticked: now, reviewed: now, out: Vec::new(), grounded: 0 };
    let monitor = Arc::new(Monitor {
        series,
        sink: crate::metrics::Sink::new(keeping.series_max / 2),
        questions: crate::metrics::Turns::default(),
        scraper: Arc::new(crate::scrape::Scraper::new(keeping.series_max / 4 * 3)),
        full: crate::full::Full::default(),
        lives: Mutex::new(lives),
        dirty: Mutex::default(),
        rules_changed: AtomicBool::new(false),
        outbox: Mutex::default(),
        flushing: Mutex::default(),
        together: together::Together::default(),
        agents: Mutex::default(),
        causal: handle.db.read(|tx| Causal::load(tx, now))?,
        again: crate::again::Asked::default(),
        blind: blind::Blind::default(),
        registers: Mutex::default(),
        listening: handle.db.read(|tx| crate::listening::Listening::load(tx, now))?,
    });
    monitor.load(handle, now)?;
    let listening = monitor.clone();
    let cause_rules = setting_ref(CauseRules::KEY);
    handle.listen(Box::new(move |refs| {
        let checks = refs.iter().filter(|one| one.kind == "check").map(|one| one.id);
        let mut dirty = lock(&listening.dirty);
        dirty.extend(checks);
        drop(dirty);
        if refs.contains(&cause_rules) {
            listening.rules_changed.store(true, Ordering::Release);
        }
        refs.iter().filter(|one| one.kind == "scrape").for_each(|one| listening.scraper.touch(one.id));
    }));
    handle.put(monitor);
    handle.put(Arc::new(crate::fill_up::Forecasts::default()));
    handle.put(Arc::new(crate::proposal::Facts::default()));
    Ok(())
}

impl Monitor {
    fn load(&self, handle: &Handle, now: Time) -> Result<()> {
        let mut after = 0;
        loop {
            let found = handle.db.read(|tx| {
                let checks = store::checks::after(tx, after, LOAD_ROWS)?;
                let ids: Vec<i64> = checks.iter().map(|check| check.id).collect();
                Ok((checks, store::alerts::machines(tx, &ids)?))
            })?;
            let Some(last) = found.0.last().map(|check| check.id) else { return Ok(()) };
            after = last;
            self.merge(found, &BTreeSet::new(), now);
        }
    }

    /// Brings what was changed by operations into memory.
    pub(crate) fn refresh(&self, handle: &Handle) -> Result<()> {
        let dirty = std::mem::take(&mut *lock(&self.dirty));
        if dirty.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = dirty.iter().copied().collect();
        let found = handle
            .db
            .read(|tx| Ok((store::checks::by_id(tx, &ids)?, store::alerts::machines(tx, &ids)?)))
            .inspect_err(|_| lock(&self.dirty).extend(ids.iter().copied()))?;
        self.merge(found, &dirty, handle.now());
        Ok(())
    }

    /// Gives the cause engine the rules of the house, when those were changed.
    fn renew_rules(&self, handle: &Handle) -> Result<()> {
        if !self.rules_changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let rules = handle.db.read(crate::cause_rules::in_force);
        let rules = rules.inspect_err(|_| self.rules_changed.store(true, Ordering::Release))?;
        self.causal.rules(rules, handle.now());
        Ok(())
    }

    /// Takes checks over from the database; those of `asked` that are not there are gone.
    fn merge(&self, (checks, machines): (Vec<Check>, Vec<(i64, Machine)>), asked: &BTreeSet<i64>, now: Time) {
        let mut machines: BTreeMap<i64, Machine> = machines.into_iter().collect();
        let mut lives = lock(&self.lives);
        let mut gone = asked.clone();
        for check in checks {
            gone.remove(&check.id);
            let Some(machine) = machines.remove(&check.id) else { continue };
            match lives.checks.get_mut(&check.id) {
                None => {
                    self.resume(&check, now);
                    let recent = VecDeque::new();
                    let live = Live { seen_at: now, late: None, machine, check, sign: None, lost: None, recent };
                    lives.checks.insert(live.check.id, live);
                    // How it stands with what it stands on is not known yet.
                    lives.grounded = 0;
                }
                Some(live) if live.check.version <= check.version => {
                    let renewed = live.check.generation != check.generation;
                    let resumed = live.check.paused && !check.paused;
                    if renewed && check.state == State::Waiting {
                        // It was closed, or never judged: what memory knows and the database does not is over.
                        live.machine = machine;
                        lock(&self.outbox).forget(check.id);
                        self.forget(check.id, now);
                    } else if renewed {
                        live.machine.forget();
                    }
                    if renewed || resumed {
                        live.seen_at = now;
                    }
                    live.sign = live.sign.filter(|_| !renewed);
                    let loud = live.check.labels.is_quiet() && !check.labels.is_quiet();
                    live.check = check;
                    if loud {
                        self.loud(live, now);
                    }
                }
                Some(_) => {}
            }
        }
        for id in gone {
            lives.checks.remove(&id);
            self.forget(id, now);
        }
    }

    /// An alert that is out and belongs to no group was on its way to one when the server ended.
    fn resume(&self, check: &Check, now: Time) {
        if check.open && check.group.is_none() && !check.labels.is_quiet() {
            let since_ms = check.fired_at.unwrap_or(now).millis();
            let symptom = causal::symptom(check, None, since_ms, check.evidence.clone());
            self.causal.fired(&symptom, now);
        }
    }

    /// Somebody is to be told of it from now on. What waits for the database is told with its writing; what is there is told
    /// now, also when the check was read before.
    fn loud(&self, live: &Live, now: Time) {
        let waits = lock(&self.outbox).told_as(&live.check, live.sign);
        if waits || !live.machine.open {
            return;
        }
        if live.check.open {
            self.resume(&live.check, now);
        } else {
            self.causal.fired(&live.symptom(now), now);
        }
    }

    /// Nobody looks at this any more.
    fn forget(&self, check: i64, now: Time) {
        let key = u64::try_from(check).unwrap_or_default();
        self.causal.observe(causes::Observation::Forgotten { key }, now);
    }

    /// What was looked at is told to the cause engine, also what changes nothing.
    pub(crate) fn seen(&self, check: &Check, outcome: Outcome, at: Time, now: Time) {
        let good = match outcome {
            Outcome::Good => true,
            Outcome::Bad => false,
            Outcome::Between | Outcome::Unknown => return,
        };
        let look = causal::look(check);
        self.causal.observe(causes::Observation::Seen { look, good, at_ms: at.millis() }, now);
    }

    /// True while there is such a check, as far as memory goes.
    pub(crate) fn has(&self, check: i64) -> bool {
        lock(&self.lives).checks.contains_key(&check)
    }

    /// Shows a check to somebody, if there is such a one.
    pub(crate) fn with<T>(&self, check: i64, read: impl FnOnce(&Check) -> T) -> Option<T> {
        lock(&self.lives).checks.get(&check).map(|live| read(&live.check))
    }

    /// Shows every check to somebody.
    pub(crate) fn each(&self, mut look: impl FnMut(&Check)) {
        lock(&self.lives).checks.values().for_each(|live| look(&live.check));
    }

    /// What a check is about, when it is looked at from there: outside, nothing.
    pub(crate) fn about(&self, check: i64, vantage: Option<i64>) -> Option<Option<i64>> {
        let lives = lock(&self.lives);
        lives.checks.get(&check).filter(|live| live.check.vantage == vantage).map(|live| live.check.asset)
    }

    /// The newest results of a check, newest first.
    pub(crate) fn recent(&self, check: i64) -> Vec<Seen> {
        lock(&self.lives).checks.get(&check).map(|live| live.recent.iter().rev().cloned().collect()).unwrap_or_default()
    }
}
