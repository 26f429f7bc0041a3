//! Point a ticket at something, and take the pointer away.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, delete, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::{LINKS_MAX, LinkKind, Saved, subject};
use crate::events::{TicketLinked, TicketUnlinked};
use crate::store::link::Link;
use crate::{directory, store};

/// Point a ticket at a thing, an alert, another ticket or anything else that has a reference.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct LinkTicket {
    /// The ticket's number.
    pub id: i64,
    /// What it points at, for example `asset:417`.
    pub to: Ref,
    /// Why; `about` when left out.
    pub kind: Option<LinkKind>,
}

/// Take a pointer of a ticket away.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct UnlinkTicket {
    /// The ticket's number.
    pub id: i64,
    /// What it points at.
    pub to: Ref,
    /// Why; `about` when left out.
    pub kind: Option<LinkKind>,
}

impl Operation for LinkTicket {
    const NAME: &'static str = "desk.ticket.link";
    const ROUTE: Route = post("/desk/tickets/{id}/links");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        if self.to == subject(self.id) {
            return Err(Error::invalid("to", "A ticket cannot point at itself."));
        }
        directory::check_refs(cx, "to", std::slice::from_ref(&self.to))?;
        let link = Link { to: self.to.clone(), kind: self.kind.unwrap_or(LinkKind::About) };
        let mut links = change::linked(cx, self.id)?;
        if links.len() >= LINKS_MAX {
            return Err(Error::over_limit(format!("A ticket points at no more than {LINKS_MAX} things.")).at("to"));
        }
        let by = cx.actor.ident.to_string();
        if !store::link::insert(cx.tx, self.id, &link, &by, cx.now)? {
            return Ok(Saved::of(&before));
        }
        cx.changed(&subject(self.id), &format!("link {} {}", link.kind.word(), link.to), (), true)?;
        let mut after = before.clone();
        change::save(cx, &before, &mut after)?;
        links.push(self.to.clone());
        cx.emit(&TicketLinked { ticket: subject(self.id), links, to: link.to, kind: link.kind.word().into() })?;
        Ok(Saved::of(&after))
    }
}

impl Operation for UnlinkTicket {
    const NAME: &'static str = "desk.ticket.unlink";
    const ROUTE: Route = delete("/desk/tickets/{id}/links");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        let before = change::find(cx, Self::NAME, self.id)?;
        let link = Link { to: self.to.clone(), kind: self.kind.unwrap_or(LinkKind::About) };
        let links = change::linked(cx, self.id)?;
        if !store::link::delete(cx.tx, self.id, &link)? {
            return Err(Error::not_found(format!("The link from ticket {} to {}", self.id, self.to)));
        }
        cx.changed(&subject(self.id), &format!("link {} {}", link.kind.word(), link.to), true, ())?;
        let mut after = before.clone();
        change::save(cx, &before, &mut after)?;
        cx.emit(&TicketUnlinked { ticket: subject(self.id), links, to: link.to, kind: link.kind.word().into() })?;
        Ok(Saved::of(&after))
    }
}
