//! Change the fields of a ticket.

use kernel::{Access, Change, Cx, Effect, Error, Operation, Result, Route, Time, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change;
use super::link::{LinkTicket, UnlinkTicket};
use super::{
    Kind, LinkKind, PARTICIPANTS_MAX, Priority, SUMMARY_CHARS_MAX, Saved, Status, TEXT_CHARS_MAX, Ticket, subject,
};
use crate::events::{TicketClosed, TicketUpdated};
use crate::{directory, store};

/// Change a ticket's fields. What is left out stays.
///
/// To make it wait, resolve or reopen it, use the operations of those names: they ask for a reason.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateTicket {
    /// The ticket's number.
    pub id: i64,
    /// What is wrong or wanted, in one line.
    pub summary: Option<String>,
    /// Everything that helps.
    #[serde(default)]
    pub detail: Change<String>,
    /// Incident, request or task.
    pub kind: Option<Kind>,
    /// How soon it matters.
    pub priority: Option<Priority>,
    /// In progress, or closed when it is resolved.
    pub status: Option<Status>,
    /// Where it is, as a place's number.
    #[serde(default)]
    pub place: Change<i64>,
    /// Who asks, as a user's number.
    #[serde(default)]
    #[schemars(extend("x-kind" = "user"))]
    pub requester: Change<i64>,
    /// Who else follows it, as users' numbers; the whole list.
    #[schemars(extend("x-kind" = "user"))]
    pub participants: Option<Vec<i64>>,
    /// The version you looked at; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl UpdateTicket {
    fn apply(&self, cx: &mut Cx, ticket: &mut Ticket) -> Result<()> {
        if let Some(summary) = &self.summary {
            ticket.summary = kernel::text::line("summary", summary, SUMMARY_CHARS_MAX)?;
        }
        match &self.detail {
            Change::Keep => {}
            Change::Clear => ticket.detail = String::new(),
            Change::Set(text) if text.trim().is_empty() => ticket.detail = String::new(),
            Change::Set(text) => ticket.detail = kernel::text::body("detail", text, TEXT_CHARS_MAX)?,
        }
        ticket.kind = self.kind.unwrap_or(ticket.kind);
        ticket.priority = self.priority.unwrap_or(ticket.priority);
        if let Change::Set(place) = self.place {
            directory::check_place(cx, "place", place)?;
        }
        if let Change::Set(user) = self.requester {
            directory::check_user(cx, "requester", user)?;
        }
        ticket.place = self.place.apply(Some(ticket.place)).unwrap_or(0);
        ticket.requester = self.requester.apply(Some(ticket.requester)).unwrap_or(0);
        self.apply_status(cx.now, ticket)
    }

    fn apply_status(&self, now: Time, ticket: &mut Ticket) -> Result<()> {
        let Some(status) = self.status.filter(|status| *status != ticket.status) else { return Ok(()) };
        match status {
            Status::InProgress if ticket.status.is_open() => ticket.become_status(status, now),
            Status::Closed => {
                ticket.may_become(status)?;
                ticket.become_status(status, now);
            }
            _ => {
                return Err(Error::invalid("status", "Use wait, resolve or reopen for this: they ask for a reason."));
            }
        }
        Ok(())
    }

    /// Answers whether the list of participants changed.
    fn apply_participants(&self, cx: &mut Cx) -> Result<bool> {
        let Some(wanted) = &self.participants else { return Ok(false) };
        if wanted.len() > PARTICIPANTS_MAX {
            let message = format!("A ticket has at most {PARTICIPANTS_MAX} participants.");
            return Err(Error::over_limit(message).at("participants"));
        }
        let mut wanted = wanted.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let present = store::ticket::participants(cx.tx, self.id)?;
        for user in wanted.iter().filter(|user| !present.contains(user)) {
            directory::check_user(cx, "participants", *user)?;
            store::ticket::add_participant(cx.tx, self.id, *user)?;
        }
        for user in present.iter().filter(|user| !wanted.contains(user)) {
            store::ticket::remove_participant(cx.tx, self.id, *user)?;
        }
        cx.changed(&subject(self.id), "participants", &present, &wanted)?;
        Ok(present != wanted)
    }
}

impl Operation for UpdateTicket {
    const NAME: &'static str = "desk.ticket.update";
    const ROUTE: Route = patch("/desk/tickets/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        cx.expect_version(&subject(self.id), self.expected_version, before.version)?;
        let mut after = before.clone();
        self.apply(cx, &mut after)?;
        let followers = self.apply_participants(cx)?;
        if after == before && !followers {
            return Ok(Saved::of(&before));
        }
        let mut fields: Vec<String> = change::save(cx, &before, &mut after)?.into_iter().map(str::to_owned).collect();
        if followers {
            fields.push("participants".into());
            let participants = store::ticket::participants(cx.tx, self.id)?;
            change::index(cx, &after, &participants)?;
        }
        let links = change::linked(cx, self.id)?;
        if after.status == Status::Closed && before.status != Status::Closed {
            cx.emit(&TicketClosed { ticket: subject(self.id), links })?;
        } else {
            cx.emit(&TicketUpdated { ticket: subject(self.id), links, fields })?;
        }
        Ok(Saved::of(&after))
    }
}

/// Puts one field back to an earlier value, for undo.
pub(crate) fn set(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    fn read<T: serde::de::DeserializeOwned>(field: &str, value: &Value) -> Result<T> {
        serde_json::from_value(value.clone()).map_err(|_| {
            Error::conflict(format!("{field} had no value before, so it cannot be put back. Change it by hand."))
        })
    }
    if let Some(link) = field.strip_prefix("link ") {
        return set_link(cx, id, link, !value.is_null());
    }
    let before = change::find(cx, UpdateTicket::NAME, id)?;
    let mut after = before.clone();
    let number = |value: &Value| Ok::<i64, Error>(read::<Option<i64>>(field, value)?.unwrap_or(0));
    let text = |value: &Value| Ok::<String, Error>(read::<Option<String>>(field, value)?.unwrap_or_default());
    match field {
        "summary" => after.summary = text(value)?,
        "detail" => after.detail = text(value)?,
        "kind" => after.kind = read(field, value)?,
        "priority" => after.priority = read(field, value)?,
        // Without a team those who take it back would not see it any more.
        "team" => after.team = read(field, value)?,
        "place" => after.place = number(value)?,
        "requester" => after.requester = number(value)?,
        "owner" => after.owner = number(value)?,
        "wait_reason" => after.wait_reason = text(value)?,
        "wait_until" => after.wait_until = read::<Option<Time>>(field, value)?.unwrap_or(Time(0)),
        "status" => {
            after.status = read(field, value)?;
            after.resolved_at = if after.status.is_open() { Time(0) } else { cx.now };
        }
        "participants" => {
            let wanted: Vec<i64> = read(field, value)?;
            let update = UpdateTicket { id, participants: Some(wanted), ..UpdateTicket::default() };
            return update.run(cx).map(|_| ());
        }
        _ => return Err(Error::conflict(format!("The change of \"{field}\" cannot be taken back."))),
    }
    change::save(cx, &before, &mut after)?;
    // The fields come back one by one, in any order; the job of the first wait may have run since.
    let waits = after.status == Status::Waiting && after.wait_until != Time(0);
    if waits && (after.status, after.wait_until) != (before.status, before.wait_until) {
        super::wait::wake_later(cx, &after)?;
    }
    Ok(())
}

/// Puts a link back, or takes it away again; `link` is its kind and target as they were recorded.
fn set_link(cx: &mut Cx, id: i64, link: &str, wanted: bool) -> Result<()> {
    let parts = link.split_once(' ').and_then(|(kind, to)| Some((LinkKind::parse(kind)?, to.parse().ok()?)));
    let (kind, to) = parts.ok_or_else(|| Error::internal("undo-link", link))?;
    if wanted {
        cx.call(&LinkTicket { id, to, kind: Some(kind) }).map(|_| ())
    } else {
        cx.call(&UnlinkTicket { id, to, kind: Some(kind) }).map(|_| ())
    }
}
