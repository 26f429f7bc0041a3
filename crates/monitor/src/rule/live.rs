//! The rules in memory, and when each group is evaluated.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kernel::{Handle, Result, Time};
use promql::Labels;
use rules::{Alerts, Extras, Pairs, Written};

use super::show::RuleAlert;
use super::{Standing, load, rows, turn};
use crate::limits::{RULE_ALERTS_SHOWN, RULE_GROUPS_AT_ONCE};
use crate::live::lock;

/// All groups of rules.
#[derive(Default)]
pub(crate) struct Engine {
    groups: Mutex<BTreeMap<i64, Arc<Mutex<Group>>>>,
    /// Rules were changed, and memory is behind.
    dirty: AtomicBool,
    /// One look at the clock at a time.
    looking: Mutex<()>,
}

/// A group in memory.
pub(crate) struct Group {
    pub(crate) id: i64,
    pub(crate) def: rules::Group,
    pub(crate) file: Option<String>,
    pub(crate) interval_ms: i64,
    /// When within an interval it is evaluated.
    pub(crate) phase_ms: i64,
    /// The evaluation that comes next, in ms since 1970.
    pub(crate) due_ms: i64,
    pub(crate) evaluated_ms: Option<i64>,
    pub(crate) took: Duration,
    pub(crate) missed: u64,
    pub(crate) rules: Vec<LiveRule>,
}

/// A rule in memory.
pub(crate) struct LiveRule {
    pub(crate) id: i64,
    pub(crate) stored: super::Stored,
    /// Its labels and those of its group.
    pub(crate) labels: Pairs,
    pub(crate) extras: Extras,
    pub(crate) alerts: Alerts,
    pub(crate) written: Written,
    /// The alerts that have a check, by their labels.
    pub(crate) known: HashMap<Labels, Known>,
    pub(crate) error: Option<String>,
    pub(crate) evaluated_ms: Option<i64>,
    pub(crate) took: Duration,
    pub(crate) samples: usize,
    pub(crate) series: usize,
}

/// An alert that has a check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) row: i64,
    pub(crate) check: i64,
    /// How it is stored: nothing when it is over.
    pub(crate) phase: Option<rules::Phase>,
}

/// Reads the rules and listens for changes of them.
pub(crate) fn start(handle: &Handle) -> Result<()> {
    let engine = Arc::new(Engine::default());
    engine.load(handle)?;
    let listening = engine.clone();
    handle.listen(Box::new(move |refs| {
        if refs.iter().any(|one| one.kind == "rule") {
            listening.dirty.store(true, Ordering::Release);
        }
    }));
    handle.put(engine);
    Ok(())
}

/// Evaluates the groups that are due: the service calls it several times a second.
pub fn evaluate(handle: &Handle) -> Result<()> {
    let engine = handle.get::<Engine>()?;
    let _one_at_a_time = lock(&engine.looking);
    if engine.dirty.swap(false, Ordering::AcqRel) {
        engine.load(handle).inspect_err(|_| engine.dirty.store(true, Ordering::Release))?;
    }
    let now = handle.now();
    let due: Vec<Arc<Mutex<Group>>> = {
        let groups = lock(&engine.groups);
        groups.values().filter(|group| lock(group).due_ms <= now.millis()).cloned().collect()
    };
    let share = due.len().div_ceil(RULE_GROUPS_AT_ONCE).max(1);
    let mut parts = due.chunks(share);
    let first = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || run(handle, part, now))).collect();
        let mut done = run(handle, first, now);
        for other in others {
            let ended = other.join().unwrap_or_else(|_| Err(kernel::Error::internal("rule-thread", "ended early")));
            done = done.and(ended);
        }
        done
    })
}

fn run(handle: &Handle, groups: &[Arc<Mutex<Group>>], now: Time) -> Result<()> {
    let mut done = Ok(());
    for group in groups {
        let mut group = lock(group);
        // What one group cannot write does not hold up the others.
        done = done.and(turn::group(handle, &mut group, now));
    }
    done
}

/// Looks four times a second until the server stops.
pub(crate) fn serve(handle: Handle) {
    let mut failing = false;
    let mut cleaned = Time(0);
    while handle.wait(Duration::from_millis(250)) {
        let now = handle.now();
        let mut done = evaluate(&handle);
        if now.since(cleaned) >= 10 * kernel::time::SECOND || now < cleaned {
            cleaned = now;
            done = done.and(rows::clean(&handle));
        }
        match done {
            Ok(()) if failing => {
                tracing::info!("rules are evaluated again");
                failing = false;
            }
            Ok(()) => {}
            // Said once, not every time.
            Err(error) if !failing => {
                tracing::error!(error = error.message, cause = error.cause, "rules are held up; trying again");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

impl Engine {
    /// Brings memory to what the database says; alerts of rules that stay go on.
    fn load(&self, handle: &Handle) -> Result<()> {
        let now = handle.now();
        let mut old = std::mem::take(&mut *lock(&self.groups));
        let mut memory: HashMap<i64, LiveRule> = HashMap::new();
        let mut times = HashMap::new();
        for group in old.values() {
            let mut group = lock(group);
            times.insert(group.id, (group.interval_ms, group.due_ms, group.evaluated_ms, group.took, group.missed));
            memory.extend(group.rules.drain(..).map(|rule| (rule.id, rule)));
        }
        let loaded = load::groups(handle, memory, now);
        let mut groups = match loaded {
            Ok(groups) => groups,
            Err(error) => {
                // Without its rules a group evaluates nothing; the next try loads all of them again.
                old.clear();
                return Err(error);
            }
        };
        for group in &mut groups {
            if let Some((interval_ms, due, evaluated, took, missed)) = times.get(&group.id)
                && *interval_ms == group.interval_ms
            {
                (group.due_ms, group.evaluated_ms, group.took, group.missed) = (*due, *evaluated, *took, *missed);
            }
        }
        let by_id = groups.into_iter().map(|group| (group.id, Arc::new(Mutex::new(group))));
        *lock(&self.groups) = by_id.collect();
        Ok(())
    }

    /// How the evaluation of a rule went.
    pub(crate) fn standing(&self, id: i64) -> Standing {
        let unknown = Standing { health: "unknown".to_owned(), ..Standing::default() };
        self.with(id, |group, rule| rule.standing(group)).unwrap_or(unknown)
    }

    /// The alerts of a rule that are pending or out.
    pub(crate) fn alerts(&self, id: i64) -> Vec<RuleAlert> {
        self.with(id, |_, rule| rule.shown()).unwrap_or_default()
    }

    /// Nobody waits for a group that is being evaluated: that writes, and who asks may be the writer.
    fn with<T>(&self, id: i64, read: impl Fn(&Group, &LiveRule) -> T) -> Option<T> {
        let groups: Vec<_> = lock(&self.groups).values().cloned().collect();
        groups.iter().find_map(|group| {
            let group = group.try_lock().ok()?;
            group.rules.iter().find(|rule| rule.id == id).map(|rule| read(&group, rule))
        })
    }

    /// Every group, in the order of files and groups.
    pub(crate) fn all(&self) -> Vec<Arc<Mutex<Group>>> {
        let mut all: Vec<_> = lock(&self.groups).values().cloned().collect();
        all.sort_by_key(|group| {
            let group = lock(group);
            (group.file.clone(), group.def.name.clone(), group.id)
        });
        all
    }
}

impl LiveRule {
    fn standing(&self, group: &Group) -> Standing {
        let firing = self.alerts.active().filter(|one| one.phase == rules::Phase::Firing).count();
        Standing {
            health: match (&self.error, self.evaluated_ms) {
                (Some(_), _) => "err",
                (None, Some(_)) => "ok",
                (None, None) => "unknown",
            }
            .to_owned(),
            error: self.error.clone(),
            evaluated_at: self.evaluated_ms.map(|ms| Time(ms.saturating_mul(1_000))),
            took_us: u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            samples: self.samples,
            series: self.series,
            pending: self.alerts.len() - firing,
            firing,
            missed: group.missed,
        }
    }

    fn shown(&self) -> Vec<RuleAlert> {
        let words = |labels: &Labels| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let shown = |one: &rules::Active| RuleAlert {
            labels: words(&one.labels),
            annotations: words(&one.annotations),
            state: one.phase.as_str().to_owned(),
            value: promql::format_value(one.value),
            active_at: Time(one.active_at_ms.saturating_mul(1_000)),
            unknown: one.unknown,
            check: self.known.get(&one.labels).map(|known| known.check),
        };
        let mut all: Vec<RuleAlert> = self.alerts.active().map(shown).collect();
        all.sort_by(|a, b| a.state.cmp(&b.state).then(a.active_at.cmp(&b.active_at)));
        all.truncate(RULE_ALERTS_SHOWN);
        all
    }
}
