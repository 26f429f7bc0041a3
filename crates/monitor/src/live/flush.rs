//! Writing transitions: in order, in slices, each in one transaction. Then the cause engine is told what fired and what
//! cleared, and what it decides is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causes::Observation;
use kernel::{Actor, Cx, Handle, LiveList, Ref, Result};

use super::outbox::Next;
use super::{Monitor, Pending, lock};
use crate::check::Check;
use crate::machine::Flap;
use crate::{group, store};

/// Decisions of the cause engine that are written in one transaction.
const DECISIONS: usize = 500;

/// Who writes what results mean.
pub(crate) fn actor() -> Actor {
    Actor::service("monitor", &["monitor.*"])
}

impl Monitor {
    /// Writes what waits. An error leaves the rest waiting.
    pub(crate) fn flush(&self, handle: &Handle) -> Result<()> {
        let _one_at_a_time = lock(&self.flushing);
        let now = handle.now();
        let mut trouble = Ok(());
        loop {
            let slice = Arc::new(lock(&self.outbox).slice(now));
            if slice.is_empty() {
                return trouble;
            }
            let inside = slice.clone();
            let written = handle.write_as(actor(), "monitor.alert.move", move |cx| write(cx, &inside));
            let error = match written {
                Ok(stood) => {
                    let written = lock(&self.outbox).written(&slice);
                    self.told(&slice, &stood, &written);
                    continue;
                }
                Err(error) => error,
            };
            let next = lock(&self.outbox).failed(&slice, error.is_passing(), now);
            match next {
                Next::Smaller => {}
                Next::Wait => return Err(error),
                Next::PutOff => trouble = Err(error),
                Next::GiveUp(check) => self.give_up(handle, check, &error)?,
            }
        }
    }

    /// What is on disk is told to the cause engine; what was left out of the writing is not.
    fn told(&self, slice: &[Pending], stood: &[bool], written: &[Pending]) {
        let stood = slice.iter().zip(stood).filter(|(_, stood)| **stood);
        let stood: BTreeSet<u64> = stood.map(|(one, _)| one.number).collect();
        for one in written.iter().filter(|one| stood.contains(&one.number)) {
            if let Some(symptom) = &one.symptom {
                self.causal.fired(symptom, one.at);
            }
            if one.step.cleared {
                let key = u64::try_from(one.check).unwrap_or_default();
                self.causal.observe(Observation::Cleared { key, at_ms: one.at.millis() }, one.at);
            }
        }
    }

    /// Moves the cause engine on, has looked at again what it wants to know, and writes what it decided. An error leaves
    /// the rest waiting. Results come in while it judges; only what is written waits for each other.
    pub(super) fn decide(&self, handle: &Handle) -> Result<()> {
        let now = handle.now();
        let mut judge = self.causal.judge();
        let wanted = judge.turn(now, |check| self.can_look(check, now));
        let asked = self.look_again(handle, wanted, now);
        if judge.may_gather(now) {
            return asked;
        }
        let _one_at_a_time = lock(&self.flushing);
        let mut size = DECISIONS;
        loop {
            let (numbers, slice, known) = judge.slice(size, now);
            let Some(first) = numbers.first() else { return asked };
            let count = numbers.len();
            let (slice, known) = (Arc::new(slice), Arc::new(known));
            let write = move |cx: &mut Cx| group::decide::apply(cx, &slice, &known);
            match handle.write_as(actor(), "monitor.group.decide", write) {
                Ok(applied) => judge.written(&numbers, applied),
                Err(error) if error.is_passing() => return Err(error),
                // Together they were too much, or one of them is refused: the others must not wait for it.
                Err(_) if count > 1 => size = count / 2,
                Err(error) => {
                    tracing::error!(
                        error = error.message,
                        cause = error.cause,
                        "a decision about alert groups is refused; its alerts are judged anew, an end is tried again"
                    );
                    judge.refused(*first, now);
                    size = DECISIONS;
                }
            }
        }
    }

    /// The database refuses a transition of a check for good: memory goes back to what is on disk, so that the next
    /// results lead to the same decision again.
    fn give_up(&self, handle: &Handle, check: i64, error: &kernel::Error) -> Result<()> {
        let stored = handle.db.read(|tx| store::alerts::machines(tx, &[check]))?.pop();
        tracing::error!(
            check,
            error = error.message,
            cause = error.cause,
            "a change of state was given up; the check is judged anew from what is stored"
        );
        let mut lives = lock(&self.lives);
        lock(&self.outbox).forget(check);
        if let (Some(live), Some((_, machine))) = (lives.checks.get_mut(&check), stored) {
            live.machine = machine;
        }
        Ok(())
    }
}

/// Writes transitions; answers of each whether it still counts.
fn write(cx: &mut Cx, slice: &[Pending]) -> Result<Vec<bool>> {
    let ids: Vec<i64> = slice.iter().map(|pending| pending.check).collect();
    let known = store::alerts::known(cx.tx, &ids)?;
    let is_newer = |pending: &Pending| known.get(&pending.check).is_some_and(|one| one.generation > pending.generation);
    let newer: Vec<i64> = slice.iter().filter(|pending| is_newer(pending)).map(|pending| pending.check).collect();
    let anew = if newer.is_empty() { BTreeSet::new() } else { store::alerts::waiting(cx.tx, &newer)? };
    // The check was closed after this was seen: what is known of it begins anew.
    let stands =
        |pending: &Pending| known.contains_key(&pending.check) && !(is_newer(pending) && anew.contains(&pending.check));
    let stood: Vec<bool> = slice.iter().map(stands).collect();
    let valid: Vec<&Pending> = slice.iter().zip(&stood).filter(|(_, stood)| **stood).map(|(one, _)| one).collect();
    if valid.is_empty() {
        return Ok(stood);
    }
    let moves: Vec<store::alerts::Moved<'_>> =
        valid.iter().filter_map(|one| Some(one.moved(known.get(&one.check)?.asset))).collect();
    store::alerts::moved(cx.tx, &moves)?;
    for (pending, one) in valid.iter().filter_map(|pending| Some((pending, known.get(&pending.check)?))) {
        cx.touch(Ref::new("alert", pending.alert));
        if let Some(asset) = one.asset {
            cx.touch(Ref::new("asset", asset));
        }
    }
    cx.touch(LiveList::Alerts.reference());
    tell(cx, &valid)?;
    Ok(stood)
}

impl Pending {
    fn moved(&self, asset: Option<i64>) -> store::alerts::Moved<'_> {
        let evidence = self.evidence.last().map(String::as_str).unwrap_or_default();
        store::alerts::Moved {
            check: self.check,
            asset,
            step: &self.step,
            machine: &self.machine,
            evidence,
            at: self.at,
        }
    }

    /// It began or ended to go back and forth while it is out, and that is news.
    fn flaps(&self) -> Option<Flap> {
        self.step.flap.filter(|_| self.machine.open && !self.step.fired)
    }
}

/// What else follows from transitions: that alerts are gone, and that they come and go.
fn tell(cx: &mut Cx, moved: &[&Pending]) -> Result<()> {
    let news = moved.iter().filter(|one| one.step.cleared || one.flaps().is_some());
    let ids: Vec<i64> = news.map(|one| one.check).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let checks: BTreeMap<i64, Check> =
        store::checks::by_id(cx.tx, &ids)?.into_iter().map(|check| (check.id, check)).collect();
    let mut cleared: Vec<(&Check, &[String])> = Vec::new();
    for pending in moved {
        let Some(check) = checks.get(&pending.check) else { continue };
        if pending.step.cleared {
            cleared.push((check, pending.evidence.as_slice()));
        }
        if let Some(flap) = pending.flaps() {
            let text = pending.evidence.last().map(String::as_str).unwrap_or_default();
            group::flaps::told(cx, check, matches!(flap, Flap::Goes(_)), text)?;
        }
    }
    group::recover::cleared(cx, &cleared)
}
