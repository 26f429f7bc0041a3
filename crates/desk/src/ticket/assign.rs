//! Give a ticket to somebody, or to another team.

use kernel::{Access, Change, Cx, Effect, Error, Ident, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::{Saved, Status, Ticket, some, subject};
use crate::directory;
use crate::events::TicketAssigned;

/// Assign a ticket to somebody or to a team.
///
/// A new ticket that gets an owner is in progress. Handing it to another team without naming somebody takes its owner away.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct AssignTicket {
    /// The ticket's number.
    pub id: i64,
    /// Take it yourself.
    pub me: Option<bool>,
    /// Who takes it, as a user's number; null puts it back into the queue.
    #[serde(default)]
    #[schemars(extend("x-kind" = "user"))]
    pub owner: Change<i64>,
    /// Whose queue it goes to, as a team's number.
    pub team: Option<i64>,
    /// The version you looked at; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl AssignTicket {
    fn apply(&self, cx: &mut Cx, ticket: &mut Ticket) -> Result<()> {
        let (team, owner) = (ticket.team, ticket.owner);
        if let Some(wanted) = self.team.filter(|wanted| *wanted != team) {
            directory::check_team(cx, "team", wanted)?;
            ticket.team = wanted;
            ticket.owner = 0;
        }
        let me = self.me.unwrap_or(false);
        match (&self.owner, me) {
            (Change::Set(_), true) => {
                return Err(Error::invalid("owner", "Name an owner or take it yourself, not both."));
            }
            (_, true) => {
                ticket.owner = cx.actor.user().ok_or_else(|| {
                    Error::invalid("me", "You are no user, so you cannot own a ticket. Name an owner.")
                })?;
            }
            (Change::Set(user), false) => {
                if *user != owner {
                    directory::check_user(cx, "owner", *user)?;
                }
                ticket.owner = *user;
            }
            (Change::Clear, false) if self.team.is_none() => ticket.owner = 0,
            _ => {}
        }
        Ok(())
    }
}

impl Operation for AssignTicket {
    const NAME: &'static str = "desk.ticket.assign";
    const ROUTE: Route = post("/desk/tickets/{id}/assign");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        cx.expect_version(&subject(self.id), self.expected_version, before.version)?;
        let mut after = before.clone();
        self.apply(cx, &mut after)?;
        if (after.team, after.owner) == (before.team, before.owner) {
            return Ok(Saved::of(&before));
        }
        if !before.status.is_open() {
            return Err(Error::conflict(format!("Ticket {} is done. Reopen it before you assign it.", self.id)));
        }
        match (after.owner, after.status) {
            (0, Status::InProgress) => after.become_status(Status::New, cx.now),
            (0, _) => {}
            (_, Status::New) => after.become_status(Status::InProgress, cx.now),
            _ => {}
        }
        after.handled |= after.owner != 0 && matches!(cx.actor.ident, Ident::User(_) | Ident::Os(_));
        change::save(cx, &before, &mut after)?;
        tell(cx, &after)?;
        Ok(Saved::of(&after))
    }
}

fn tell(cx: &mut Cx, ticket: &Ticket) -> Result<()> {
    let links = change::linked(cx, ticket.id)?;
    let (owner_name, team_name) = match some(ticket.owner) {
        Some(owner) => (people::names(cx.tx, "user", &[owner])?.remove(&owner), None),
        None => (None, people::names(cx.tx, "team", &[ticket.team])?.remove(&ticket.team)),
    };
    cx.emit(&TicketAssigned {
        ticket: subject(ticket.id),
        links,
        owner: some(ticket.owner),
        owner_name: owner_name.unwrap_or_default(),
        team: some(ticket.team),
        team_name: team_name.unwrap_or_default(),
    })
}
