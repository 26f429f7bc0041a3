//! Before people are told of an alert, what its asset stands on is looked at again: the alert waits for newer results of
//! those checks, one interval of theirs at most and never longer than [`HOLD_MICROS_MAX`]. When one of them is out, the
//! alert joins its group; else it opens one of its own. An alert that waits is out and has no group: a restart finds it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::SECOND;
use kernel::{Cx, ErrorKind, Handle, Result, Time};

use super::flush::actor;
use super::{Lives, Monitor, Pending, lock};
use crate::check::Check;
use crate::limits::{HOLD_MICROS_MAX, HOLD_PARENTS_MAX, SLICE};
use crate::machine::State;
use crate::{ground, group, store};

/// Lines about what was looked at again that a group keeps.
const LOOKED_MAX: usize = 3;

/// An alert that waits.
#[derive(Clone)]
pub(super) struct Held {
    /// When it fired.
    since: Time,
    evidence: Vec<String>,
    /// The checks of what its asset stands on.
    parents: Vec<i64>,
}

/// An alert whose wait is over: the check, what was seen, and how each check of what it stands on turned out.
type Due = (i64, Vec<String>, Vec<(i64, Turned)>);

/// How a check of what an asset stands on turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// A newer result is good.
    Good,
    /// A newer result is bad, but not enough of them yet.
    Pending,
    /// It is out.
    Out,
    /// Nothing newer is known.
    Unknown,
}

/// Lets an alert that fired wait, when there is something to wait for; answers whether it does.
pub(super) fn wait(cx: &mut Cx, check: &Check, pending: &Pending) -> Result<bool> {
    let ancestors = ground::below(cx.tx, check.asset)?;
    let near: Vec<i64> = check.asset.iter().chain(&ancestors).copied().collect();
    if ancestors.is_empty() || store::alerts::open_group_on(cx.tx, &near)?.is_some() {
        return Ok(false);
    }
    let parents = store::checks::on_assets(cx.tx, &ancestors, HOLD_PARENTS_MAX)?;
    let monitor = cx.kernel.get::<Monitor>()?;
    let parents = monitor.looked_at(&parents);
    if parents.is_empty() {
        return Ok(false);
    }
    let held = Held { since: pending.at, evidence: pending.evidence.clone(), parents };
    lock(&monitor.held).insert(check.id, held);
    Ok(true)
}

impl Monitor {
    /// Those of the checks from which a newer result can be expected.
    fn looked_at(&self, checks: &[i64]) -> Vec<i64> {
        let lives = lock(&self.lives);
        let speaks = |id: &i64| {
            lives.checks.get(id).is_some_and(|live| {
                !live.check.paused && !matches!(live.machine.state, State::Waiting | State::NoData | State::Stale)
            })
        };
        checks.iter().copied().filter(speaks).collect()
    }

    /// An alert that is out and belongs to no group was waiting when the server ended: its wait is over.
    pub(super) fn resume_hold(&self, check: &Check, now: Time) {
        if check.open && check.group.is_none() {
            let evidence = vec![check.evidence.clone()];
            lock(&self.held).insert(check.id, Held { since: now, evidence, parents: Vec::new() });
        }
    }

    /// Tells of the alerts whose wait is over.
    pub(super) fn release(&self, handle: &Handle) -> Result<()> {
        // No transition may be on its way meanwhile: it has noted its wait and is not yet in the database.
        let _one_at_a_time = lock(&self.flushing);
        let (due, mut trouble) = (self.due(handle.now()), Ok(()));
        for slice in due.chunks(SLICE) {
            if self.let_go(handle, slice).is_ok() {
                continue;
            }
            // Together they were too much, or one of them is refused: the others must not wait for it.
            for one in slice {
                match self.let_go_alone(handle, one) {
                    Err(error) if error.is_passing() => return Err(error),
                    Err(error) => trouble = Err(error),
                    Ok(()) => {}
                }
            }
        }
        trouble
    }

    fn let_go(&self, handle: &Handle, slice: &[Due]) -> Result<()> {
        let inside = slice.to_vec();
        handle.write_as(actor(), "monitor.alert.release", move |cx| inside.iter().try_for_each(|one| tell(cx, one)))?;
        let mut held = lock(&self.held);
        for (check, ..) in slice {
            held.remove(check);
        }
        Ok(())
    }

    /// One that is refused by itself is given up, so that it does not hold up the others.
    fn let_go_alone(&self, handle: &Handle, one: &Due) -> Result<()> {
        match self.let_go(handle, std::slice::from_ref(one)) {
            Err(error) if error.kind != ErrorKind::Unavailable => {
                tracing::error!(check = one.0, error = error.message, cause = error.cause, "an alert was not told");
                lock(&self.held).remove(&one.0);
                Ok(())
            }
            done => done,
        }
    }

    /// The alerts whose wait is over. What one of them stands on and waits too comes before it, so that it can be joined.
    fn due(&self, now: Time) -> Vec<Due> {
        let lives = lock(&self.lives);
        let mut held = lock(&self.held);
        held.retain(|check, _| lives.checks.contains_key(check));
        // A check that was paused meanwhile still has an alert out: it is told.
        let over = |(_, one): &(&i64, &Held)| {
            one.parents.iter().all(|parent| turned(&lives, *parent, one.since, now).is_some())
        };
        let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
        for (check, _) in held.iter().filter(over) {
            parents_first(*check, &held, &mut seen, &mut order);
        }
        order
            .into_iter()
            .filter_map(|check| {
                let one = held.get(&check)?;
                let word = |parent: &i64| (*parent, turned(&lives, *parent, one.since, now).unwrap_or(Turned::Unknown));
                Some((check, one.evidence.clone(), one.parents.iter().map(word).collect()))
            })
            .collect()
    }
}

fn parents_first(check: i64, held: &BTreeMap<i64, Held>, seen: &mut BTreeSet<i64>, order: &mut Vec<i64>) {
    let Some(one) = held.get(&check).filter(|_| seen.insert(check)) else { return };
    for parent in &one.parents {
        parents_first(*parent, held, seen, order);
    }
    order.push(check);
}

/// How a check of what an asset stands on turned out since a moment; nothing while it is worth waiting.
fn turned(lives: &Lives, parent: i64, since: Time, now: Time) -> Option<Turned> {
    let Some(live) = lives.checks.get(&parent).filter(|live| !live.check.paused) else { return Some(Turned::Unknown) };
    if live.machine.open {
        return Some(Turned::Out);
    }
    let newer = match live.machine.state {
        _ if live.seen_at <= since => Turned::Unknown,
        State::Ok => return Some(Turned::Good),
        State::Pending | State::Flapping => Turned::Pending,
        _ => return Some(Turned::Unknown),
    };
    let patience = live.check.interval_s.saturating_mul(SECOND).min(HOLD_MICROS_MAX);
    let waited = now.since(since);
    // A clock that went back ends the wait: it would last as long as the jump.
    (waited < 0 || waited >= patience).then_some(newer)
}

/// Tells of one alert, unless it has cleared or found its group meanwhile.
fn tell(cx: &mut Cx, (id, evidence, parents): &Due) -> Result<()> {
    let Some(check) = store::checks::by_id(cx.tx, &[*id])?.into_iter().next() else { return Ok(()) };
    if !check.open || check.group.is_some() {
        return Ok(());
    }
    let looked = looked_words(cx, parents)?;
    group::open::fired(cx, &check, evidence, &looked)
}

fn looked_words(cx: &mut Cx, parents: &[(i64, Turned)]) -> Result<Vec<String>> {
    let ids: Vec<i64> = parents.iter().map(|(check, _)| *check).take(LOOKED_MAX).collect();
    let checks = store::checks::by_id(cx.tx, &ids)?;
    let assets: Vec<i64> = checks.iter().filter_map(|check| check.asset).collect();
    let names = ground::asset_names(cx.tx, &assets)?;
    let words = |check: &Check| {
        let (_, turned) = parents.iter().find(|(id, _)| *id == check.id)?;
        let asset = names.get(&check.asset?)?;
        Some(match turned {
            Turned::Good => format!("Looked again at what it stands on: {} on {asset} is as it should be.", check.name),
            Turned::Out => format!("Looked again at what it stands on: {} on {asset} fails too.", check.name),
            Turned::Pending => {
                format!("Looked again at what it stands on: {} on {asset} failed, not yet for long.", check.name)
            }
            Turned::Unknown => {
                format!("Looked again at what it stands on: no newer result of {} on {asset} came.", check.name)
            }
        })
    };
    Ok(checks.iter().filter_map(words).collect())
}
