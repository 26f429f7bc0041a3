//! Writing transitions: in order, in slices, each in one transaction with the groups and events that follow from it.

use std::sync::Arc;

use kernel::{Actor, Cx, Handle, Ref, Result};

use super::outbox::Next;
use super::{Monitor, Pending, hold, lock};
use crate::machine::State;
use crate::{group, store};

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
            let written = handle.write_as(actor(), "monitor.alert.move", move |cx| {
                inside.iter().try_for_each(|pending| write(cx, pending))
            });
            let Err(error) = written else {
                lock(&self.outbox).written(&slice);
                continue;
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

fn write(cx: &mut Cx, pending: &Pending) -> Result<()> {
    let Some(check) = store::checks::by_id(cx.tx, &[pending.check])?.into_iter().next() else { return Ok(()) };
    // The check was closed after this was seen: what is known of it begins anew.
    if pending.generation < check.generation && check.state == State::Waiting {
        return Ok(());
    }
    let text = pending.evidence.last().cloned().unwrap_or_default();
    store::alerts::moved(cx.tx, check.id, check.asset, &pending.step, &pending.machine, &text, pending.at)?;
    let step = &pending.step;
    cx.touch(Ref::new("alert", check.alert));
    if let Some(asset) = check.about() {
        cx.touch(asset);
    }
    cx.touch(Ref::new("list", 2));
    if step.fired && !hold::wait(cx, &check, pending)? {
        group::open::fired(cx, &check, &pending.evidence, &[])?;
    }
    if step.cleared {
        group::recover::cleared(cx, &check, &pending.evidence)?;
    }
    if let Some(flap) = step.flap.filter(|_| pending.machine.open && !step.fired) {
        group::flaps::told(cx, &check, flap, &text)?;
    }
    Ok(())
}
