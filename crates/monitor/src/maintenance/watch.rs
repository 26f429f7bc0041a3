//! Windows that begin and end: told once each, with what is bad when they end. And tickets that end a window.

use kernel::{Cx, Handle, Ref, Result, StoredEvent, Time};
use serde::Deserialize;

use super::Window;
use crate::events::{MaintenanceEnded, MaintenanceStarted};
use crate::live::actor;
use crate::shade::Shade;
use crate::store;

/// Checks that are named as bad when a window ends.
const BAD_MAX: usize = 20;

/// Tells of windows that began or ended since the last look. What they held back is told by the review of silences.
pub(crate) fn pass(handle: &Handle) -> Result<()> {
    let now = handle.now();
    let moved = |window: &Window| window.at(now).is_some() != window.active_since.is_some();
    let windows: Vec<Window> =
        handle.db.read(|tx| store::windows::watched(tx, now))?.into_iter().filter(moved).collect();
    for window in windows {
        handle.write_as(actor(), "monitor.maintenance.move", move |cx| turn(cx, window.id))?;
    }
    Ok(())
}

fn turn(cx: &mut Cx, id: i64) -> Result<()> {
    let Some(window) = store::windows::by_id(cx.tx, id)? else { return Ok(()) };
    match (window.at(cx.now), window.active_since) {
        (Some((from, until)), None) => {
            store::windows::set_active(cx.tx, id, Some(from))?;
            cx.emit(&MaintenanceStarted {
                maintenance: window.reference(),
                covers: window.subjects(),
                name: window.name.clone(),
                until,
            })
        }
        (None, Some(since)) => {
            store::windows::set_active(cx.tx, id, None)?;
            let bad = bad(cx, &window, since)?;
            cx.emit(&MaintenanceEnded {
                maintenance: window.reference(),
                covers: window.subjects(),
                name: window.name.clone(),
                bad,
            })
        }
        _ => Ok(()),
    }
}

/// The check after it: alerts that are out and that the window covered until now, or that fired while it lasted.
fn bad(cx: &mut Cx, window: &Window, since: Time) -> Result<Vec<String>> {
    let during = Shade::only(cx.tx, window, since)?;
    let out = store::alerts::out(cx.tx, crate::limits::OUT_MAX)?;
    let covered = out.iter().filter(|alert| during.covers(&alert.facing(), alert.told_team));
    Ok(covered.take(BAD_MAX).map(|alert| alert.name.clone()).collect())
}

#[derive(Deserialize)]
struct TicketDone {
    ticket: Ref,
}

/// A ticket was resolved or closed: windows that last until then are over.
pub(crate) fn ticket_done(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let ticket = event.fields::<TicketDone>()?.ticket;
    if ticket.kind == "ticket" {
        store::windows::finish_for(cx.tx, ticket.id, &format!("{ticket}"), cx.now)?;
    }
    Ok(())
}
