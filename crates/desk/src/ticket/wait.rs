//! Let a ticket wait, and wake it; close what has been resolved for long.

use kernel::job::{Job, Running};
use kernel::{Access, Actor, Cx, Effect, Error, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::say::{resumed, write};
use super::{EntryKind, Saved, Status, Ticket, subject};
use crate::events::{TicketClosed, TicketWaiting, TicketWoken};
use crate::settings::Closing;
use crate::store;

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 300;
/// Furthest wake date from now, in microseconds: two years.
const WAIT_MICROS_MAX: i64 = 730 * kernel::time::DAY;
/// Tickets closed in one transaction.
const SLICE: i64 = 100;

/// The job that wakes one ticket.
pub(crate) const WAKE: &str = "desk.wake-ticket";
/// The job that closes what has been resolved for long.
pub(crate) const CLOSE: &str = "desk.close-resolved";

/// Let a ticket wait for something until a date, on which it comes back.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct WaitTicket {
    /// The ticket's number.
    pub id: i64,
    /// What it waits for.
    pub reason: String,
    /// When it comes back by itself.
    pub until: Time,
    /// The version you looked at; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl Operation for WaitTicket {
    const NAME: &'static str = "desk.ticket.wait";
    const ROUTE: Route = post("/desk/tickets/{id}/wait");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let reason = kernel::text::line("reason", &self.reason, REASON_CHARS_MAX)?;
        if self.until <= cx.now || self.until > cx.now.plus(WAIT_MICROS_MAX) {
            return Err(Error::invalid("until", "Choose a moment in the future, at most two years from now."));
        }
        let before = change::find(cx, Self::NAME, self.id)?;
        cx.expect_version(&subject(self.id), self.expected_version, before.version)?;
        before.may_become(Status::Waiting)?;
        let mut after = before.clone();
        after.become_status(Status::Waiting, cx.now);
        after.wait_reason = reason.clone();
        after.wait_until = self.until;
        change::save(cx, &before, &mut after)?;
        wake_later(cx, &after)?;
        let links = change::linked(cx, self.id)?;
        cx.emit(&TicketWaiting { ticket: subject(self.id), links, reason, until: self.until.to_string() })?;
        Ok(Saved::of(&after))
    }
}

/// Has a waiting ticket woken on its date, at once when the date is over. A job that comes too early or too often does nothing.
pub(crate) fn wake_later(cx: &mut Cx, ticket: &Ticket) -> Result<()> {
    let at = ticket.wait_until.max(cx.now);
    cx.enqueue(&Job::new(WAKE, &ticket.id)?.at(at))
}

/// Wakes a ticket whose date has come. Running twice is harmless: it only touches a ticket that still waits and is due.
pub(crate) fn wake(running: &Running<'_>) -> Result<()> {
    let id: i64 = running.input()?;
    let actor = Actor::service("desk.clock", &["desk.ticket.*"]);
    running.kernel.write_as(actor, WAKE, move |cx| {
        let everything = cx.reach("desk.ticket.list")?;
        let Some(before) = store::ticket::find(cx.tx, id, &everything)? else { return Ok(()) };
        if before.status != Status::Waiting || before.wait_until > cx.now {
            return Ok(());
        }
        let reason = before.wait_reason.clone();
        let mut after = before.clone();
        after.become_status(resumed(&before), cx.now);
        write(cx, id, EntryKind::Note, "text", &format!("Waited for: {reason}. The date has come."))?;
        change::save(cx, &before, &mut after)?;
        let links = change::linked(cx, id)?;
        cx.emit(&TicketWoken { ticket: subject(id), links, reason })
    })
}

/// Closes what has been resolved for as long as the setting says. Running twice is harmless: a closed ticket is passed over.
pub(crate) fn close(running: &Running<'_>) -> Result<()> {
    loop {
        let actor = Actor::service("desk.clock", &["desk.ticket.*"]);
        let closed = running.kernel.write_as(actor, CLOSE, |cx| {
            let Closing { after_days } = cx.setting()?;
            let before = cx.now.plus(-after_days.saturating_mul(kernel::time::DAY));
            let settled = store::ticket::settled(cx.tx, before, SLICE)?;
            for id in &settled {
                close_one(cx, *id)?;
            }
            Ok(settled.len())
        })?;
        if closed == 0 || running.kernel.stopping() {
            return Ok(());
        }
    }
}

fn close_one(cx: &mut Cx, id: i64) -> Result<()> {
    let before = change::find(cx, "desk.ticket.update", id)?;
    let mut after = before.clone();
    after.become_status(Status::Closed, cx.now);
    change::save(cx, &before, &mut after)?;
    let links = change::linked(cx, id)?;
    cx.emit(&TicketClosed { ticket: subject(id), links })
}
