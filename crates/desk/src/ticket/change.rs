//! How every change of a ticket is made: found within reach, compared, saved, told.

use kernel::search::{Document, ScopeToken};
use kernel::{Cx, Error, Reach, Ref, Result, Time};

use super::{Ticket, some, subject};
use crate::{needs, store};

/// A ticket that the actor may see and change with an operation. What they may not see is not found.
pub(crate) fn find(cx: &mut Cx, operation: &str, id: i64) -> Result<Ticket> {
    let sees = cx.reach("desk.ticket.list")?;
    let ticket = store::ticket::find(cx.tx, id, &sees)?.ok_or_else(|| Error::not_found(format!("Ticket {id}")))?;
    let may = cx.reach(operation)?;
    if may != sees && store::ticket::find(cx.tx, id, &may)?.is_none() {
        return Err(Error::denied(operation));
    }
    Ok(ticket)
}

/// Whether a reach covers a ticket by what it is, and not only because it is the actor's own.
fn covers(reach: &Reach, ticket: &Ticket) -> bool {
    reach.everything || reach.teams.contains(&ticket.team) || reach.places.contains(&ticket.place)
}

/// Whether the actor may read internal notes: who reaches the ticket's team or place, or works on it.
pub(crate) fn sees_notes(cx: &Cx, ticket: &Ticket) -> bool {
    let list = cx.actor.reach("desk.ticket.list", cx.now);
    let note = cx.actor.reach("desk.ticket.note", cx.now);
    let works = |reach: &Reach| reach.own.is_some_and(|user| user == ticket.owner);
    list.as_ref().is_some_and(|reach| covers(reach, ticket))
        || note.as_ref().is_some_and(|reach| covers(reach, ticket) || works(reach))
}

/// Whether the actor speaks for the desk on a ticket: they own it, or may hand it over or change it. Who asks or follows does not.
pub(crate) fn speaks_for_desk(cx: &Cx, ticket: &Ticket) -> bool {
    let owns = ticket.owner != 0 && cx.actor.user() == Some(ticket.owner);
    let may = |operation| cx.actor.reach(operation, cx.now).is_some_and(|reach| covers(&reach, ticket));
    owns || may("desk.ticket.assign") || may("desk.ticket.update")
}

/// What a ticket points at, for the subjects of its events.
pub(crate) fn linked(cx: &mut Cx, ticket: i64) -> Result<Vec<Ref>> {
    Ok(store::link::of(cx.tx, ticket)?.into_iter().map(|link| link.to).collect())
}

/// Saves what differs, keeps search and attention up to date, and records each field. Answers the names of the changed fields.
pub(crate) fn save(cx: &mut Cx, before: &Ticket, after: &mut Ticket) -> Result<Vec<&'static str>> {
    let fields = record(cx, Some(before), after)?;
    after.version = before.version + 1;
    after.updated_at = cx.now;
    store::ticket::save(cx.tx, after)?;
    cx.touch(subject(after.id));
    needs::follow(cx, Some(before), after)?;
    let found_by = ["summary", "detail", "team", "place", "requester", "owner"];
    if fields.iter().any(|field| found_by.contains(field)) {
        let participants = store::ticket::participants(cx.tx, after.id)?;
        index(cx, after, &participants)?;
    }
    Ok(fields)
}

/// Records every field that differs.
pub(crate) fn record(cx: &mut Cx, before: Option<&Ticket>, after: &Ticket) -> Result<Vec<&'static str>> {
    let reference = subject(after.id);
    let mut fields = Vec::new();
    macro_rules! compare {
        ($name:literal, $one:ident => $value:expr) => {
            let old = before.map(|$one| $value);
            let new = Some({
                let $one = after;
                $value
            });
            if old != new {
                cx.changed(&reference, $name, old, new)?;
                fields.push($name);
            }
        };
    }
    compare!("summary", one => one.summary.as_str());
    compare!("detail", one => filled(&one.detail));
    compare!("kind", one => one.kind);
    compare!("status", one => one.status);
    compare!("priority", one => one.priority);
    compare!("team", one => some(one.team));
    compare!("place", one => some(one.place));
    compare!("requester", one => some(one.requester));
    compare!("owner", one => some(one.owner));
    compare!("wait_reason", one => filled(&one.wait_reason));
    compare!("wait_until", one => some(one.wait_until.0).map(Time));
    Ok(fields)
}

/// A text that is there.
fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Makes a ticket findable by those who may see it.
pub(crate) fn index(cx: &mut Cx, ticket: &Ticket, participants: &[i64]) -> Result<()> {
    let people = [ticket.requester, ticket.owner].into_iter().chain(participants.iter().copied());
    let mut scopes: Vec<ScopeToken> = people.filter(|user| *user != 0).map(ScopeToken::User).collect();
    scopes.extend(some(ticket.team).map(ScopeToken::Team));
    scopes.extend(some(ticket.place).map(ScopeToken::Place));
    cx.index(&Document {
        subject: subject(ticket.id),
        title: ticket.summary.clone(),
        body: ticket.detail.clone(),
        scopes,
        at: ticket.created_at,
    })
}
