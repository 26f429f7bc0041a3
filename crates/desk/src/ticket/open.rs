//! Open a ticket.

use kernel::{Access, Cx, Effect, Error, Ident, Operation, Ref, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::{
    Kind, LINKS_MAX, LinkKind, PARTICIPANTS_MAX, Priority, SUMMARY_CHARS_MAX, Saved, Source, Status, TEXT_CHARS_MAX,
    Ticket, some, subject,
};
use crate::events::TicketOpened;
use crate::store::link::Link;
use crate::{directory, needs, store};

/// Open a ticket.
///
/// Whoever may only see their own tickets opens them for themselves; kind, priority, team, place and requester are then
/// chosen by the service desk.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct OpenTicket {
    /// What is wrong or wanted, in one line.
    pub summary: String,
    /// Everything that helps: what happened, since when, what was tried.
    #[serde(default)]
    pub detail: String,
    /// Incident, request or task; a request when left out.
    pub kind: Option<Kind>,
    /// How soon it matters; normal when left out.
    pub priority: Option<Priority>,
    /// Whose queue it goes to, as a team's number; the service desk when left out.
    pub team: Option<i64>,
    /// Where it is, as a place's number.
    pub place: Option<i64>,
    /// Who asks, as a user's number; you when left out.
    #[schemars(extend("x-kind" = "user"))]
    pub requester: Option<i64>,
    /// The thing it is about, as an asset's number.
    pub asset: Option<i64>,
    /// What it is about, as references such as `asset:417`.
    #[serde(default)]
    pub about: Vec<Ref>,
    /// Who else follows it, as users' numbers.
    #[serde(default)]
    #[schemars(extend("x-kind" = "user"))]
    pub participants: Vec<i64>,
    /// Where it came from; `api` when left out.
    pub source: Option<Source>,
    /// Your own name for it: a second ticket under the same name is not opened, the first is answered instead. Names like
    /// `alert_group:9` are Mainstay's own.
    pub external_key: Option<String>,
}

impl OpenTicket {
    /// What the ticket points at.
    fn links(&self) -> Result<Vec<Ref>> {
        let asset = self.asset.map(|id| Ref::new("asset", id));
        let mut links: Vec<Ref> = asset.into_iter().chain(self.about.iter().cloned()).collect();
        links.sort();
        links.dedup();
        if links.len() > LINKS_MAX {
            return Err(Error::over_limit(format!("A ticket points at no more than {LINKS_MAX} things.")).at("about"));
        }
        Ok(links)
    }

    /// Refuses what only the desk may choose.
    fn check_choices(&self, cx: &mut Cx) -> Result<()> {
        if self.source == Some(Source::Alert) && !matches!(cx.actor.ident, Ident::Service(_)) {
            return Err(Error::invalid("source", "Only alerts have this source."));
        }
        let foreign = self.requester.is_some() && self.requester != cx.actor.user();
        if !cx.may("desk.ticket.update") {
            let chosen = [
                ("priority", self.priority.is_some()),
                ("team", self.team.is_some()),
                ("place", self.place.is_some()),
                ("requester", foreign),
                ("participants", !self.participants.is_empty()),
                ("external_key", self.external_key.is_some()),
                ("kind", self.kind == Some(Kind::Task)),
            ];
            return match chosen.iter().find(|(_, is)| *is) {
                Some((field, _)) => Err(Error::invalid(field, "Only the service desk chooses this. Leave it out.")),
                None => Ok(()),
            };
        }
        if let Some(user) = self.requester.filter(|_| foreign) {
            directory::check_user(cx, "requester", user)?;
        }
        if let Some(team) = self.team {
            directory::check_team(cx, "team", team)?;
        }
        if let Some(place) = self.place {
            directory::check_place(cx, "place", place)?;
        }
        if self.participants.len() > PARTICIPANTS_MAX {
            let message = format!("A ticket has at most {PARTICIPANTS_MAX} participants.");
            return Err(Error::over_limit(message).at("participants"));
        }
        self.participants.iter().try_for_each(|user| directory::check_user(cx, "participants", *user))
    }

    fn ticket(&self, cx: &mut Cx) -> Result<Ticket> {
        let team = match self.team {
            Some(team) => team,
            None => people::default_team(cx.tx)?.unwrap_or(0),
        };
        let key = self.external_key.as_deref().map(|key| own_key(cx, key)).transpose()?;
        let detail = self.detail.trim();
        Ok(Ticket {
            id: 0,
            kind: self.kind.unwrap_or(Kind::Request),
            status: Status::New,
            priority: self.priority.unwrap_or(Priority::Normal),
            summary: kernel::text::line("summary", &self.summary, SUMMARY_CHARS_MAX)?,
            detail: if detail.is_empty() {
                String::new()
            } else {
                kernel::text::body("detail", detail, TEXT_CHARS_MAX)?
            },
            team,
            place: self.place.unwrap_or(0),
            requester: self.requester.or(cx.actor.user()).unwrap_or(0),
            owner: 0,
            source: self.source.unwrap_or(Source::Api),
            external_key: key,
            handled: false,
            wait_reason: String::new(),
            wait_until: Time(0),
            version: 1,
            created_at: cx.now,
            updated_at: cx.now,
            resolved_at: Time(0),
        })
    }
}

/// A name that a program may give. References are Mainstay's: the incident of a group of alerts is found by the group's, so
/// whoever takes it beforehand would keep the incident from being opened.
fn own_key(cx: &Cx, key: &str) -> Result<String> {
    let key = kernel::text::line("external_key", key, 200)?;
    if key.parse::<Ref>().is_ok() && !matches!(cx.actor.ident, Ident::Service(_)) {
        let message = "Names like alert_group:9 are Mainstay's own. Put your program's name in front, such as erp-9.";
        return Err(Error::invalid("external_key", message));
    }
    Ok(key)
}

impl Operation for OpenTicket {
    const NAME: &'static str = "desk.ticket.open";
    const ROUTE: Route = post("/desk/tickets");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Saved;

    fn run(&self, cx: &mut Cx) -> Result<Saved> {
        self.check_choices(cx)?;
        let ticket = self.ticket(cx)?;
        let links = self.links()?;
        directory::check_refs(cx, "about", &links)?;
        let links: Vec<Link> = links.into_iter().map(|to| Link { to, kind: LinkKind::About }).collect();
        match insert(cx, ticket, &links, &self.participants)? {
            Opened::New(ticket) => Ok(Saved::of(&ticket)),
            Opened::Known(id) => Ok(Saved::of(&change::find(cx, Self::NAME, id)?)),
        }
    }
}

/// What came of opening.
pub(crate) enum Opened {
    /// A new ticket.
    New(Ticket),
    /// The external key was known: this ticket has it.
    Known(i64),
}

/// Writes a new ticket with its links and tells of it.
pub(crate) fn insert(cx: &mut Cx, mut ticket: Ticket, links: &[Link], participants: &[i64]) -> Result<Opened> {
    ticket.id = match store::ticket::insert(cx.tx, &ticket)? {
        Some(id) => id,
        None => {
            let key = ticket.external_key.as_deref().unwrap_or_default();
            let known = store::ticket::by_external_key(cx.tx, key)?;
            return known.map(Opened::Known).ok_or_else(|| Error::internal("ticket-neither-new-nor-known", key));
        }
    };
    let by = cx.actor.ident.to_string();
    for link in links {
        store::link::insert(cx.tx, ticket.id, link, &by, cx.now)?;
    }
    for user in participants {
        store::ticket::add_participant(cx.tx, ticket.id, *user)?;
    }
    change::record(cx, None, &ticket)?;
    change::index(cx, &ticket, participants)?;
    needs::follow(cx, None, &ticket)?;
    cx.emit(&TicketOpened {
        ticket: subject(ticket.id),
        links: links.iter().map(|link| link.to.clone()).collect(),
        kind: ticket.kind,
        priority: ticket.priority,
        summary: ticket.summary.clone(),
        team: some(ticket.team),
        requester: some(ticket.requester),
    })?;
    Ok(Opened::New(ticket))
}
