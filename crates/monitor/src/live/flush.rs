//! Writing transitions: in order, in slices, each in one transaction with the groups and events that follow from it.

use std::sync::Arc;

use kernel::{Actor, Cx, ErrorKind, Handle, Ref, Result};

use super::{Monitor, Pending, hold, lock};
use crate::limits::SLICE;
use crate::{group, store};

/// Tries of a transition that the database refuses before it is given up, so that one cannot hold up all others.
const TRIES_MAX: u32 = 5;

/// Who writes what results mean.
pub(crate) fn actor() -> Actor {
    Actor::service("monitor", &["monitor.*"])
}

impl Monitor {
    /// Writes what waits. An error leaves the rest waiting.
    pub(crate) fn flush(&self, handle: &Handle) -> Result<()> {
        let _one_at_a_time = lock(&self.flushing);
        let mut size = SLICE;
        loop {
            let slice: Arc<Vec<Pending>> = Arc::new(lock(&self.outbox).iter().take(size).cloned().collect());
            if slice.is_empty() {
                return Ok(());
            }
            let inside = slice.clone();
            let written = handle.write_as(actor(), "monitor.alert.move", move |cx| {
                inside.iter().try_for_each(|pending| write(cx, pending))
            });
            match written {
                Ok(()) => {
                    lock(&self.outbox).drain(..slice.len());
                }
                Err(error) if error.kind == ErrorKind::Unavailable => return Err(error),
                Err(_) if slice.len() > 1 => size = 1,
                Err(error) => self.put_off(error)?,
            }
        }
    }

    /// The first transition was refused by itself: later again, or never.
    fn put_off(&self, error: kernel::Error) -> Result<()> {
        let mut outbox = lock(&self.outbox);
        let Some(first) = outbox.front_mut() else { return Ok(()) };
        first.tries += 1;
        if first.tries < TRIES_MAX {
            return Err(error);
        }
        tracing::error!(
            check = first.check,
            error = error.message,
            cause = error.cause,
            "a change of state was given up"
        );
        outbox.pop_front();
        Ok(())
    }
}

fn write(cx: &mut Cx, pending: &Pending) -> Result<()> {
    let Some(check) = store::checks::by_id(cx.tx, &[pending.check])?.into_iter().next() else { return Ok(()) };
    let text = pending.evidence.last().cloned().unwrap_or_default();
    let asset = check.asset;
    store::alerts::moved(cx.tx, check.id, asset, &pending.step, &pending.machine, &text, pending.at)?;
    let step = &pending.step;
    cx.touch(Ref::new("alert", check.alert));
    cx.touch(Ref::new("asset", asset));
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
