//! List tickets.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, Time, get, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Priority, Status, Ticket, some, subject};
use crate::filter::{self, Plan};
use crate::store;
use crate::store::ranges::{self, Position, Wanted};
use crate::view;

/// How many of the newest tickets with the words of a filter are looked at.
pub(crate) const FOUND_MAX: usize = 500;

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The latest change first.
    #[default]
    Updated,
    /// The longest untouched first.
    Oldest,
}

/// List tickets.
///
/// The filter takes words and the fields `status`, `priority`, `kind`, `team`, `owner`, `requester`, `asset` and `is`, as in
/// `is:open owner:me priority:high,urgent printer`. Words are looked for in the newest 500 tickets that have them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct ListTickets {
    /// Which tickets.
    pub filter: Option<String>,
    /// A view: `mine`, `unassigned`, `waiting`, `open`, `resolved`, or the number of a saved one. The filter narrows it further.
    pub view: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// The order; the latest change first when left out.
    pub sort: Option<Sort>,
    /// Rows a page, 1 to 200; 50 when left out.
    pub limit: Option<usize>,
}

/// A thing that a row points at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pointed {
    /// What it is.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub title: String,
    /// Its page.
    pub href: String,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketRow {
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
    /// Whose queue it is in.
    pub team: Option<i64>,
    /// That team's name.
    pub team_name: String,
    /// Who asks.
    pub requester: Option<i64>,
    /// Their name.
    pub requester_name: String,
    /// Who has taken it.
    pub owner: Option<i64>,
    /// Their name.
    pub owner_name: String,
    /// The thing it is about.
    pub about: Option<Pointed>,
    /// When it was opened.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// Counts changes.
    pub version: i64,
}

/// A page of tickets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketPage {
    /// The rows.
    pub items: Vec<TicketRow>,
    /// Send it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// How many there are in all, counted up to 1000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl Operation for ListTickets {
    const NAME: &'static str = "desk.ticket.list";
    const ROUTE: Route = get("/desk/tickets");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = TicketPage;

    fn run(&self, cx: &mut Cx) -> Result<TicketPage> {
        let limit = self.limit.unwrap_or(limits::PAGE_ROWS);
        if !(1..=200).contains(&limit) {
            return Err(Error::invalid("limit", "Ask for 1 to 200 rows."));
        }
        let after = self.cursor.as_deref().map(position).transpose()?;
        let plan = plan(cx, self.view.as_deref(), self.filter.as_deref())?;
        let reach = cx.reach(Self::NAME)?;
        let found = found(cx, &plan)?;
        let wanted = Wanted { plan: &plan, reach: &reach, me: cx.actor.user(), found: found.as_deref() };
        let oldest = self.sort == Some(Sort::Oldest);
        let mut at = ranges::page(cx.tx, &wanted, after, oldest, i64::try_from(limit + 1).unwrap_or(i64::MAX))?;
        let more = at.len() > limit;
        at.truncate(limit);
        let next = at.last().filter(|_| more).map(|one| format!("{}.{}", one.updated_at.0, one.id));
        let count = if after.is_none() && !more {
            i64::try_from(at.len()).unwrap_or(limits::COUNT_MAX)
        } else {
            let counts = ranges::counts(cx.tx, &[wanted], limits::COUNT_MAX)?;
            counts.first().copied().unwrap_or(0)
        };
        let ids: Vec<i64> = at.iter().map(|one| one.id).collect();
        let items = rows(cx, &ids)?;
        Ok(TicketPage { items, next, count, count_capped: count >= limits::COUNT_MAX })
    }
}

/// The plan of a view narrowed by a filter.
fn plan(cx: &mut Cx, view: Option<&str>, filter: Option<&str>) -> Result<Plan> {
    let of_view = view.map(|view| view::text(cx, view)).transpose()?;
    let parts = [of_view.as_deref(), filter].map(|part| part.unwrap_or_default().trim());
    filter::plan(cx, parts.join(" ").trim())
}

/// What the words of a plan find; `None` when it has none. A lone number also finds the ticket of that number.
pub(crate) fn found(cx: &mut Cx, plan: &Plan) -> Result<Option<Vec<i64>>> {
    if plan.words.is_empty() {
        return Ok(None);
    }
    let mut ids: Vec<i64> = match plan.words.as_slice() {
        [one] => one.trim_start_matches('#').parse().into_iter().collect(),
        _ => Vec::new(),
    };
    let hits = cx.search(&plan.words.join(" "), &["ticket"], FOUND_MAX)?;
    ids.extend(hits.iter().map(|hit| hit.subject.id));
    Ok(Some(ids))
}

fn position(cursor: &str) -> Result<Position> {
    let parts = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) = parts.ok_or_else(|| Error::invalid("cursor", "Take the cursor from the page before, unchanged."))?;
    Ok(Position { updated_at: Time(at), id })
}

/// The rows of these tickets in this order, with names.
pub(crate) fn rows(cx: &mut Cx, ids: &[i64]) -> Result<Vec<TicketRow>> {
    let reach = cx.reach(ListTickets::NAME)?;
    let tickets = store::ticket::among(cx.tx, ids, &reach)?;
    let people: BTreeSet<i64> = tickets.iter().flat_map(|one| [one.requester, one.owner]).collect();
    let teams: BTreeSet<i64> = tickets.iter().map(|one| one.team).collect();
    let listed = |set: BTreeSet<i64>| set.into_iter().filter(|id| *id != 0).collect::<Vec<i64>>();
    let people = people::names(cx.tx, "user", &listed(people))?;
    let teams = people::names(cx.tx, "team", &listed(teams))?;
    let about = store::link::about_assets(cx.tx, ids)?;
    let assets: BTreeSet<Ref> = about.values().map(|id| Ref::new("asset", *id)).collect();
    let assets = cx.resolve(&assets.into_iter().collect::<Vec<_>>())?;
    let mut by_id: BTreeMap<i64, Ticket> = tickets.into_iter().map(|one| (one.id, one)).collect();
    let row = |one: Ticket| {
        let name = |names: &BTreeMap<i64, String>, id: i64| names.get(&id).cloned().unwrap_or_default();
        let thing = about.get(&one.id).map(|id| Ref::new("asset", *id));
        let thing = thing.and_then(|thing| assets.get(&thing).map(|found| (thing, found.clone())));
        TicketRow {
            id: one.id,
            reference: subject(one.id),
            kind: one.kind,
            status: one.status,
            priority: one.priority,
            team: some(one.team),
            team_name: name(&teams, one.team),
            requester: some(one.requester),
            requester_name: name(&people, one.requester),
            owner: some(one.owner),
            owner_name: name(&people, one.owner),
            about: thing.map(|(reference, found)| Pointed { reference, title: found.title, href: found.href }),
            summary: one.summary,
            created_at: one.created_at,
            updated_at: one.updated_at,
            version: one.version,
        }
    };
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_was_changed_is_refused() {
        assert_eq!(position("12.7").unwrap(), Position { updated_at: Time(12), id: 7 });
        for bad in ["", "12", "x.7", "12.7.9", "99999999999999999999.1"] {
            assert_eq!(position(bad).unwrap_err().field.as_deref(), Some("cursor"), "{bad}");
        }
    }
}
