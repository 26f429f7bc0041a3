//! Lists and counts of tickets as merges of index ranges.
//!
//! A list of any filter is the union of ranges that an index already holds in order: one per team (or place, or person) and
//! stage. Both engines merge such a union lazily, so that a page costs the rows it shows and not the rows it passes. Ranges of one
//! reach never overlap: the second kind leaves out what the first holds, and so on. A `+` before a column keeps the engine from
//! choosing an index for what is only a filter of a range.

use kernel::db::{Query, Tx};
use kernel::{Reach, Result, Time};

use super::visible;
use crate::filter::Plan;

/// Most ranges in one statement (SQLite takes 500); above, the ranges of all tickets are filtered by the reach instead.
const RANGES_MAX: usize = 400;

/// Where a page starts: behind this ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) updated_at: Time,
    pub(crate) id: i64,
}

/// Which tickets, for whom.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) reach: &'a Reach,
    /// Whoever asks, for `me`.
    pub(crate) me: Option<i64>,
    /// What the words found; `None` when there are no words.
    pub(crate) found: Option<&'a [i64]>,
}

/// What a range holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drive {
    All,
    Team(i64),
    Place(i64),
    Owner(i64),
    Requester(i64),
    Participant(i64),
    Assets,
    Found,
}

/// What a range leaves out because an earlier one holds it, or must check because it is not made from the reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Nothing,
    Visible,
    NotTeams,
    NotTeamsPlaces,
    NotRequested,
    NotRequestedOwned,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    drive: Drive,
    check: Check,
    stage: Option<i64>,
    rank: Option<(i64, i64)>,
}

/// The page of numbers after a position, newest change first (or oldest first), at most `limit`.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    wanted: &Wanted<'_>,
    after: Option<Position>,
    oldest_first: bool,
    limit: i64,
) -> Result<Vec<Position>> {
    let ranges = ranges(wanted);
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::default();
    for (index, range) in ranges.iter().enumerate() {
        query.push(if index == 0 { "SELECT t.updated_at, t.id" } else { " UNION ALL SELECT t.updated_at, t.id" });
        push_range(&mut query, wanted, range);
        if let Some(after) = after {
            query.push(if oldest_first { " AND (t.updated_at, t.id) > (" } else { " AND (t.updated_at, t.id) < (" });
            query.bind(after.updated_at).push(", ").bind(after.id).push(")");
        }
    }
    query.push(if oldest_first { " ORDER BY 1, 2 LIMIT " } else { " ORDER BY 1 DESC, 2 DESC LIMIT " }).bind(limit);
    tx.run(&query)?.iter().map(|row| Ok(Position { updated_at: row.time(0)?, id: row.int(1)? })).collect()
}

/// How many there are for each, counted up to `cap`: one statement for all.
pub(crate) fn counts(tx: &mut Tx<'_>, all: &[Wanted<'_>], cap: i64) -> Result<Vec<i64>> {
    let mut counts = vec![0; all.len()];
    let mut query = Query::default();
    let mut first = true;
    for (index, wanted) in all.iter().enumerate() {
        let ranges = ranges(wanted);
        if ranges.is_empty() {
            continue;
        }
        query.push(if first { "SELECT CAST(" } else { " UNION ALL SELECT CAST(" }).bind(index);
        query.push(" AS BIGINT), COUNT(*) FROM (");
        first = false;
        for (at, range) in ranges.iter().enumerate() {
            query.push(if at == 0 { "SELECT t.id" } else { " UNION ALL SELECT t.id" });
            push_range(&mut query, wanted, range);
        }
        query.push(" LIMIT ").bind(cap).push(") AS c");
    }
    if first {
        return Ok(counts);
    }
    for row in tx.run(&query)? {
        let at = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(at) {
            *count = row.int(1)?;
        }
    }
    Ok(counts)
}

/// The ranges whose union is what is wanted.
fn ranges(wanted: &Wanted<'_>) -> Vec<Range> {
    let plan = wanted.plan;
    if plan.stages.is_empty() || plan.priorities.is_empty() || plan.kinds.is_empty() {
        return Vec::new();
    }
    let driven = drives(wanted);
    let ranges: Vec<Range> = driven.iter().flat_map(|one| split(plan, *one)).collect();
    if ranges.len() <= RANGES_MAX {
        return ranges;
    }
    let coarse: Vec<Range> = split(plan, (Drive::All, Check::Visible));
    if coarse.len() < ranges.len() { coarse } else { ranges }
}

/// What to walk through: the narrowest field of the filter when there is one, else the reach.
fn drives(wanted: &Wanted<'_>) -> Vec<(Drive, Check)> {
    let Wanted { plan, reach, me, found } = wanted;
    let check = if reach.everything { Check::Nothing } else { Check::Visible };
    if found.is_some() {
        return vec![(Drive::Found, check)];
    }
    if !plan.assets.is_empty() {
        return vec![(Drive::Assets, check)];
    }
    if let Some(who) = plan.requester {
        return vec![(Drive::Requester(who.id(*me)), check)];
    }
    if let Some(who) = plan.owner {
        return vec![(Drive::Owner(who.id(*me)), check)];
    }
    let team_passes =
        |team: &i64| (plan.teams.is_empty() || plan.teams.contains(team)) && !plan.not_teams.contains(team);
    if reach.everything {
        return match plan.teams.as_slice() {
            [] => vec![(Drive::All, Check::Nothing)],
            teams => {
                teams.iter().filter(|team| team_passes(team)).map(|team| (Drive::Team(*team), Check::Nothing)).collect()
            }
        };
    }
    let mut drives: Vec<(Drive, Check)> =
        reach.teams.iter().filter(|team| team_passes(team)).map(|team| (Drive::Team(*team), Check::Nothing)).collect();
    drives.extend(reach.places.iter().map(|place| (Drive::Place(*place), Check::NotTeams)));
    if let Some(user) = reach.own {
        drives.push((Drive::Requester(user), Check::NotTeamsPlaces));
        drives.push((Drive::Owner(user), Check::NotRequested));
        drives.push((Drive::Participant(user), Check::NotRequestedOwned));
    }
    drives
}

/// One range per stage where the index is by stage, and per priority and kind where the filter names one and the index allows it.
fn split(plan: &Plan, (drive, check): (Drive, Check)) -> Vec<Range> {
    let whole = Range { drive, check, stage: None, rank: None };
    let by_stage = |stage: &i64| Range { stage: Some(*stage), ..whole };
    match drive {
        Drive::Requester(_) | Drive::Participant(_) | Drive::Assets | Drive::Found => vec![whole],
        Drive::Owner(_) => plan.stages.iter().filter(|stage| *stage % 2 == 1).map(by_stage).collect(),
        Drive::Place(_) => plan.stages.iter().map(by_stage).collect(),
        Drive::All | Drive::Team(_) if plan.any_priority() && plan.any_kind() => {
            plan.stages.iter().map(by_stage).collect()
        }
        Drive::All | Drive::Team(_) => {
            let ranks = plan.priorities.iter().flat_map(|one| plan.kinds.iter().map(move |kind| (*one, *kind)));
            let ranks: Vec<(i64, i64)> = ranks.collect();
            let of = |stage: &i64| {
                let stage = by_stage(stage);
                ranks.iter().map(move |rank| Range { rank: Some(*rank), ..stage }).collect::<Vec<_>>()
            };
            plan.stages.iter().flat_map(of).collect()
        }
    }
}

fn push_range(query: &mut Query, wanted: &Wanted<'_>, range: &Range) {
    let plan = wanted.plan;
    match range.drive {
        Drive::All => query.push(" FROM desk_tickets t WHERE 1 = 1"),
        Drive::Team(team) => query.push(" FROM desk_tickets t WHERE t.team_id = ").bind(team),
        Drive::Place(place) => query.push(" FROM desk_tickets t WHERE t.place_id = ").bind(place),
        Drive::Owner(user) => query.push(" FROM desk_tickets t WHERE t.owner_id = ").bind(user),
        Drive::Requester(user) => query.push(" FROM desk_tickets t WHERE t.requester_id = ").bind(user),
        Drive::Participant(user) => query
            .push(" FROM desk_participants f CROSS JOIN desk_tickets t WHERE t.id = f.ticket_id AND f.user_id = ")
            .bind(user),
        Drive::Assets => query
            .push(" FROM desk_tickets t WHERE t.id IN (SELECT l.ticket_id FROM desk_links l WHERE l.target_kind = 'asset' AND l.target_id IN ")
            .list(&plan.assets)
            .push(")"),
        Drive::Found => query.push(" FROM desk_tickets t WHERE t.id IN ").list(wanted.found.unwrap_or_default()),
    };
    match range.stage {
        Some(stage) => {
            query.push(" AND t.stage = ").bind(stage);
        }
        None if plan.any_stage() => {}
        None => {
            query.push(" AND +t.stage IN ").list(&plan.stages);
        }
    }
    push_filter(query, wanted, range);
    push_check(query, wanted.reach, range.check);
}

fn push_filter(query: &mut Query, wanted: &Wanted<'_>, range: &Range) {
    let plan = wanted.plan;
    if let Some((priority, kind)) = range.rank {
        query.push(" AND t.priority = ").bind(priority).push(" AND t.kind = ").bind(kind);
    } else {
        if !plan.any_priority() {
            query.push(" AND +t.priority IN ").list(&plan.priorities);
        }
        if !plan.any_kind() {
            query.push(" AND +t.kind IN ").list(&plan.kinds);
        }
    }
    if !plan.teams.is_empty() && !matches!(range.drive, Drive::Team(_)) {
        query.push(" AND +t.team_id IN ").list(&plan.teams);
    }
    if !plan.not_teams.is_empty() && !matches!(range.drive, Drive::Team(_)) {
        query.push(" AND +t.team_id NOT IN ").list(&plan.not_teams);
    }
    if let Some(who) = plan.owner
        && !matches!(range.drive, Drive::Owner(_))
    {
        query.push(" AND +t.owner_id = ").bind(who.id(wanted.me));
    }
    if let Some(who) = plan.not_owner {
        query.push(" AND +t.owner_id <> ").bind(who.id(wanted.me));
    }
    if let Some(who) = plan.requester
        && !matches!(range.drive, Drive::Requester(_))
    {
        query.push(" AND +t.requester_id = ").bind(who.id(wanted.me));
    }
    if !plan.assets.is_empty() && range.drive != Drive::Assets {
        query.push(
            " AND t.id IN (SELECT l.ticket_id FROM desk_links l WHERE l.target_kind = 'asset' AND l.target_id IN ",
        );
        query.list(&plan.assets).push(")");
    }
}

fn push_check(query: &mut Query, reach: &Reach, check: Check) {
    if check == Check::Nothing {
        return;
    }
    if check == Check::Visible {
        query.push(" AND ");
        visible::push(query, reach);
        return;
    }
    if !reach.teams.is_empty() {
        query.push(" AND +t.team_id NOT IN ").list(&reach.teams);
    }
    if check == Check::NotTeams {
        return;
    }
    if !reach.places.is_empty() {
        query.push(" AND +t.place_id NOT IN ").list(&reach.places);
    }
    let user = reach.own.unwrap_or(0);
    if matches!(check, Check::NotRequested | Check::NotRequestedOwned) {
        query.push(" AND +t.requester_id <> ").bind(user);
    }
    if check == Check::NotRequestedOwned {
        query.push(" AND +t.owner_id <> ").bind(user);
    }
}
