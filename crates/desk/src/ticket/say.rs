//! Reply to the requester, or leave a note for the desk.

use kernel::{Access, Cx, Effect, Error, Ident, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::{EntryKind, Saved, Status, TEXT_CHARS_MAX, Ticket, subject};
use crate::events::{TicketNoted, TicketReplied};
use crate::store;
use crate::store::entry::Entry;

/// Reply on a ticket, so that its requester reads it.
///
/// A reply of the requester reopens a ticket that waits or is resolved. The first reply of the desk takes a new one in hand;
/// a reply of somebody who only follows it does not.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Reply {
    /// The ticket's number.
    pub id: i64,
    /// What to say.
    pub text: String,
    /// The version the reply was written against; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

/// Leave an internal note, which the requester does not see.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct AddNote {
    /// The ticket's number.
    pub id: i64,
    /// What to note.
    pub text: String,
}

impl Operation for Reply {
    const NAME: &'static str = "desk.ticket.reply";
    const ROUTE: Route = post("/desk/tickets/{id}/replies");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        cx.expect_version(&subject(self.id), self.expected_version, before.version)?;
        if before.status == Status::Closed {
            return Err(Error::conflict(format!(
                "Ticket {} is closed. Reopen it, or open a new ticket that points at it.",
                self.id
            )));
        }
        let by_requester = cx.actor.user().is_some_and(|user| user == before.requester && user != before.owner);
        let entry = write(cx, self.id, EntryKind::Reply, "text", &self.text)?;
        let mut after = before.clone();
        let person = matches!(cx.actor.ident, Ident::User(_) | Ident::Os(_));
        if by_requester && matches!(before.status, Status::Waiting | Status::Resolved) {
            after.become_status(resumed(&before), cx.now);
        } else if !by_requester && person && change::speaks_for_desk(cx, &before) {
            after.handled = true;
            if before.status == Status::New {
                after.become_status(Status::InProgress, cx.now);
            }
        }
        change::save(cx, &before, &mut after)?;
        let links = change::linked(cx, self.id)?;
        cx.emit(&TicketReplied { ticket: subject(self.id), links, entry, by_requester })?;
        Ok(Saved::of(&after))
    }
}

impl Operation for AddNote {
    const NAME: &'static str = "desk.ticket.note";
    const ROUTE: Route = post("/desk/tickets/{id}/notes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        if !change::sees_notes(cx, &before) {
            return Err(Error::denied(Self::NAME));
        }
        note(cx, &before, &self.text).map(|after| Saved::of(&after))
    }
}

/// The status that a ticket goes back to when it is taken up again.
pub(crate) fn resumed(ticket: &Ticket) -> Status {
    if ticket.owner == 0 { Status::New } else { Status::InProgress }
}

/// Leaves a note and tells of it.
pub(crate) fn note(cx: &mut Cx, before: &Ticket, text: &str) -> Result<Ticket> {
    let entry = write(cx, before.id, EntryKind::Note, "text", text)?;
    let mut after = before.clone();
    after.handled |= matches!(cx.actor.ident, Ident::User(_) | Ident::Os(_));
    change::save(cx, before, &mut after)?;
    let links = change::linked(cx, before.id)?;
    cx.emit(&TicketNoted { ticket: subject(before.id), links, entry })?;
    Ok(after)
}

/// Writes an entry of the conversation as the actor; `field` is what an error names.
pub(crate) fn write(cx: &mut Cx, ticket: i64, kind: EntryKind, field: &str, text: &str) -> Result<i64> {
    let entry = Entry {
        id: 0,
        kind,
        author: cx.actor.ident.to_string(),
        author_name: cx.actor.name.clone(),
        body: kernel::text::body(field, text, TEXT_CHARS_MAX)?,
        at: cx.now,
    };
    store::entry::insert(cx.tx, ticket, &entry)
}
