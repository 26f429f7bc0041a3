//! Resolve a ticket, and reopen it.

use kernel::{Access, Cx, Effect, Error, Ident, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::say::{resumed, write};
use super::{EntryKind, Saved, Status, Ticket, subject};
use crate::events::{TicketReopened, TicketResolved};

/// Resolve a ticket: say how, so that the requester reads it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ResolveTicket {
    /// The ticket's number.
    pub id: i64,
    /// What was done, or why nothing needs to be done.
    pub how: String,
    /// The version you looked at; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

/// Reopen a ticket that is resolved or closed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ReopenTicket {
    /// The ticket's number.
    pub id: i64,
    /// Why it is not done.
    #[serde(default)]
    pub why: String,
    /// The version you looked at; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl Operation for ResolveTicket {
    const NAME: &'static str = "desk.ticket.resolve";
    const ROUTE: Route = post("/desk/tickets/{id}/resolve");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        cx.expect_version(&subject(self.id), self.expected_version, before.version)?;
        resolve(cx, &before, &self.how).map(|after| Saved::of(&after))
    }
}

/// Resolves a ticket and tells of it.
pub(crate) fn resolve(cx: &mut Cx, before: &Ticket, how: &str) -> Result<Ticket> {
    before.may_become(Status::Resolved)?;
    write(cx, before.id, EntryKind::Resolution, "how", how)?;
    let mut after = before.clone();
    after.become_status(Status::Resolved, cx.now);
    let person = matches!(cx.actor.ident, Ident::User(_) | Ident::Os(_));
    after.handled |= person;
    change::save(cx, before, &mut after)?;
    let links = change::linked(cx, before.id)?;
    let how = kernel::text::shorten(how.trim(), 300);
    cx.emit(&TicketResolved { ticket: subject(before.id), links, how, automatic: !person })?;
    Ok(after)
}

impl Operation for ReopenTicket {
    const NAME: &'static str = "desk.ticket.reopen";
    const ROUTE: Route = post("/desk/tickets/{id}/reopen");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        cx.expect_version(&subject(self.id), self.expected_version, before.version)?;
        if before.status.is_open() {
            return Err(Error::conflict(format!("Ticket {} is open already.", self.id)));
        }
        if !self.why.trim().is_empty() {
            write(cx, self.id, EntryKind::Reply, "why", &self.why)?;
        }
        reopen(cx, &before, &self.why).map(|after| Saved::of(&after))
    }
}

/// Takes a ticket up again and tells of it.
pub(crate) fn reopen(cx: &mut Cx, before: &Ticket, why: &str) -> Result<Ticket> {
    let mut after = before.clone();
    after.become_status(resumed(before), cx.now);
    change::save(cx, before, &mut after)?;
    let links = change::linked(cx, before.id)?;
    let why = kernel::text::shorten(why.trim(), 300);
    cx.emit(&TicketReopened { ticket: subject(before.id), links, why })?;
    Ok(after)
}

/// The same by an alert that is back: a note says why, for the desk alone.
pub(crate) fn reopen_noted(cx: &mut Cx, before: &Ticket, text: &str) -> Result<Ticket> {
    write(cx, before.id, EntryKind::Note, "text", text)?;
    reopen(cx, before, text.lines().next().unwrap_or_default())
}
