//! Show one ticket with its conversation.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Operation, Ref, Resolved, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change;
use super::{EntryKind, Kind, LinkKind, Priority, Source, Status, href, some, subject};
use crate::store;

/// Entries of the conversation in one answer.
const ENTRIES_MAX: usize = 300;

/// Show a ticket: its fields, what was said, and what it points at.
///
/// Internal notes are left out for whoever only sees the ticket because they asked for it or follow it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowTicket {
    /// The ticket's number.
    pub id: i64,
    /// Entries older than the one with this number; the newest when left out.
    pub before: Option<i64>,
}

/// Somebody by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Their number.
    pub id: i64,
    /// Their name.
    pub name: String,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// Its number.
    pub id: i64,
    /// Public reply, internal note, or resolution.
    pub kind: EntryKind,
    /// Who said it, for example `user:3`.
    pub author: String,
    /// Their name then.
    pub author_name: String,
    /// What they said.
    pub text: String,
    /// When.
    pub at: Time,
}

/// What a ticket points at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pointer {
    /// Why.
    pub kind: LinkKind,
    /// At what.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub title: String,
    /// Its page.
    pub href: String,
}

/// A ticket with everything about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShownTicket {
    /// Its number.
    pub id: i64,
    /// `ticket:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// What it is.
    pub kind: Kind,
    /// How it stands.
    pub status: Status,
    /// How soon it matters.
    pub priority: Priority,
    /// One line.
    pub summary: String,
    /// Everything that helps.
    pub detail: String,
    /// Whose queue it is in.
    pub team: Option<Person>,
    /// Where it is.
    pub place: Option<Person>,
    /// Who asks.
    pub requester: Option<Person>,
    /// Who has taken it.
    pub owner: Option<Person>,
    /// Who else follows it.
    pub participants: Vec<Person>,
    /// Where it came from.
    pub source: Source,
    /// What it waits for.
    pub wait_reason: Option<String>,
    /// When it comes back by itself.
    pub wait_until: Option<Time>,
    /// What was said, oldest first.
    pub conversation: Vec<Said>,
    /// Older entries are left out: ask with the first one's number as `before`.
    pub older: bool,
    /// Whether internal notes are part of the conversation.
    pub notes_shown: bool,
    /// What it points at, as far as you may see it.
    pub links: Vec<Pointer>,
    /// When it was opened.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When it was resolved.
    pub resolved_at: Option<Time>,
    /// Counts changes; send it back as `expected_version`.
    pub version: i64,
}

impl Operation for ShowTicket {
    const NAME: &'static str = "desk.ticket.show";
    const ROUTE: Route = get("/desk/tickets/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownTicket;

    fn run(&self, cx: &mut Cx) -> Result<ShownTicket> {
        let one = change::find(cx, Self::NAME, self.id)?;
        let notes_shown = change::sees_notes(cx, &one);
        let (conversation, older) = conversation(cx, self.id, notes_shown, self.before.unwrap_or(i64::MAX))?;
        let participants = store::ticket::participants(cx.tx, self.id)?;
        let mut people = vec![one.requester, one.owner];
        people.extend(&participants);
        people.retain(|id| *id != 0);
        let people = people::names(cx.tx, "user", &people)?;
        let teams = people::names(cx.tx, "team", &some(one.team).into_iter().collect::<Vec<_>>())?;
        let places = people::names(cx.tx, "place", &some(one.place).into_iter().collect::<Vec<_>>())?;
        Ok(ShownTicket {
            id: one.id,
            reference: subject(one.id),
            kind: one.kind,
            status: one.status,
            priority: one.priority,
            team: named(&teams, one.team),
            place: named(&places, one.place),
            requester: named(&people, one.requester),
            owner: named(&people, one.owner),
            participants: participants.iter().filter_map(|id| named(&people, *id)).collect(),
            source: one.source,
            wait_reason: (!one.wait_reason.is_empty()).then_some(one.wait_reason),
            wait_until: some(one.wait_until.0).map(Time),
            conversation,
            older,
            notes_shown,
            links: pointers(cx, self.id)?,
            created_at: one.created_at,
            updated_at: one.updated_at,
            resolved_at: some(one.resolved_at.0).map(Time),
            version: one.version,
            summary: one.summary,
            detail: one.detail,
        })
    }
}

fn named(names: &BTreeMap<i64, String>, id: i64) -> Option<Person> {
    let name = names.get(&id).cloned();
    some(id).map(|id| Person { id, name: name.unwrap_or_else(|| format!("Number {id}")) })
}

fn conversation(cx: &mut Cx, ticket: i64, notes: bool, before: i64) -> Result<(Vec<Said>, bool)> {
    let limit = i64::try_from(ENTRIES_MAX + 1).unwrap_or(i64::MAX);
    let mut entries = store::entry::newest(cx.tx, ticket, notes, before, limit)?;
    let older = entries.len() > ENTRIES_MAX;
    entries.truncate(ENTRIES_MAX);
    let said = |one: store::entry::Entry| Said {
        id: one.id,
        kind: one.kind,
        author: one.author,
        author_name: one.author_name,
        text: one.body,
        at: one.at,
    };
    Ok((entries.into_iter().rev().map(said).collect(), older))
}

fn pointers(cx: &mut Cx, ticket: i64) -> Result<Vec<Pointer>> {
    let links = store::link::of(cx.tx, ticket)?;
    let targets: Vec<Ref> = links.iter().map(|link| link.to.clone()).collect();
    let resolved = cx.resolve(&targets)?;
    let pointer = |link: store::link::Link| {
        let found = resolved.get(&link.to)?;
        Some(Pointer { kind: link.kind, reference: link.to, title: found.title.clone(), href: found.href.clone() })
    };
    Ok(links.into_iter().filter_map(pointer).collect())
}

/// Titles and links of tickets that the actor may see.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach("desk.ticket.list") else { return Ok(Vec::new()) };
    let tickets = store::ticket::among(cx.tx, ids, &reach)?;
    Ok(tickets.into_iter().map(|one| Resolved { id: one.id, title: one.summary, href: href(one.id) }).collect())
}
