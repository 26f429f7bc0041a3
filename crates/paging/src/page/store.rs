//! Escalations, their groups and their notes in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::limits::COUNT_MAX;
use kernel::permission::Visible;
use kernel::{Error, Reach, Result, Time};

use super::{Noted, Page, PageState, Told};

const PAGES: &str = "SELECT id, group_id, policy_id, route, state, step, round, told, due_at, wait_us, severity, team_id, place_id, opened_at, \
                     ended_at, first_round, own, own_team, own_check, acknowledged_by, acknowledged_at FROM paging_pages";

fn some(row: &Row, column: usize) -> Result<Option<Time>> {
    Ok(Some(row.time(column)?).filter(|at| at.0 != 0))
}

fn page(row: &Row) -> Result<Page> {
    Ok(Page {
        id: row.int(0)?,
        group: row.int(1)?,
        policy: row.int(2)?,
        route: row.text(3)?,
        state: PageState::parse(row.str(4)?).unwrap_or_default(),
        step: row.int(5)?,
        round: row.int(6)?,
        told: row.int(7)?,
        due_at: some(row, 8)?,
        wait_us: row.int(9)?,
        severity: row.text(10)?,
        team: row.opt_int(11)?,
        place: row.opt_int(12)?,
        opened_at: row.time(13)?,
        ended_at: some(row, 14)?,
        first_round: row.int(15)?,
        own: row.text(16)?,
        own_team: row.int(17)?,
        check: row.int(18)?,
        acknowledged_by: row.text(19)?,
        acknowledged_at: some(row, 20)?,
    })
}

/// Adds an escalation; `None` when the group has one by that policy for that team.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Page) -> Result<Option<i64>> {
    let added = tx.first(
        "INSERT INTO paging_pages (group_id, policy_id, route, state, step, round, told, due_at, wait_us, severity, team_id, place_id, \
         opened_at, ended_at, first_round, own, own_team, own_check) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?6, \
         ?13, ?14, ?15) \
         ON CONFLICT (group_id, policy_id, own_team) DO NOTHING RETURNING id",
        &[
            new.group.into(),
            new.policy.into(),
            (&new.route).into(),
            new.state.as_str().into(),
            new.step.into(),
            new.round.into(),
            new.due_at.unwrap_or_default().into(),
            new.wait_us.into(),
            (&new.severity).into(),
            new.team.into(),
            new.place.into(),
            new.opened_at.into(),
            (&new.own).into(),
            new.own_team.into(),
            new.check.into(),
        ],
    )?;
    added.map(|row| row.int(0)).transpose()
}

pub(crate) fn save(tx: &mut Tx<'_>, one: &Page) -> Result<()> {
    tx.execute(
        "UPDATE paging_pages SET state = ?1, step = ?2, round = ?3, told = ?4, due_at = ?5, wait_us = ?6, severity = ?7, ended_at = ?8, \
         route = ?9, first_round = ?10, own = ?11, own_check = ?12, team_id = ?13, place_id = ?14, opened_at = ?15, acknowledged_by = ?16, \
         acknowledged_at = ?17 WHERE id = ?18",
        &[
            one.state.as_str().into(),
            one.step.into(),
            one.round.into(),
            one.told.into(),
            one.due_at.unwrap_or_default().into(),
            one.wait_us.into(),
            (&one.severity).into(),
            one.ended_at.unwrap_or_default().into(),
            (&one.route).into(),
            one.first_round.into(),
            (&one.own).into(),
            one.check.into(),
            one.team.into(),
            one.place.into(),
            one.opened_at.into(),
            (&one.acknowledged_by).into(),
            one.acknowledged_at.unwrap_or_default().into(),
            one.id.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Page>> {
    let mut query = Query::new(PAGES);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(page).transpose()
}

/// The escalations of an alert group, oldest first.
pub(crate) fn of_group(tx: &mut Tx<'_>, group: i64) -> Result<Vec<Page>> {
    let mut query = Query::new(PAGES);
    query.push(" WHERE group_id = ").bind(group).push(" ORDER BY id LIMIT 300");
    tx.run(&query)?.iter().map(page).collect()
}

/// Escalations that are due, or so far ahead that the clock must have gone back since.
pub(crate) fn due(tx: &mut Tx<'_>, now: Time, slack: i64) -> Result<Vec<Page>> {
    let mut query = Query::new(PAGES);
    query.push(" WHERE due_at > 0 AND due_at <= ").bind(now).push(" ORDER BY due_at LIMIT 200");
    let mut all: Vec<Page> = tx.run(&query)?.iter().map(page).collect::<Result<_>>()?;
    let mut ahead = Query::new(PAGES);
    ahead.push(" WHERE due_at > ").bind(now.plus(slack)).push(" AND due_at - wait_us > ").bind(now.plus(slack));
    ahead.push(" ORDER BY due_at LIMIT 200");
    for row in tx.run(&ahead)? {
        all.push(page(&row)?);
    }
    Ok(all)
}

/// True while an escalation by a policy has not ended.
pub(crate) fn runs_by(tx: &mut Tx<'_>, policy: i64) -> Result<bool> {
    let sql = "SELECT id FROM paging_pages WHERE policy_id = ?1 AND state <> 'ended' LIMIT 1";
    Ok(tx.first(sql, &[policy.into()])?.is_some())
}

/// Which escalations are wanted.
#[derive(Default)]
pub(crate) struct Filter {
    pub(crate) open: Option<bool>,
    pub(crate) group: Option<i64>,
    /// Those that told this person.
    pub(crate) user: Option<i64>,
}

/// Who sees an escalation: those who see what it is about.
const SEEN: Visible = Visible { place: "place_id", team: "team_id", owner: None };

fn narrowed(query: &mut Query, filter: &Filter, before: i64) {
    query.push(" AND id < ").bind(before);
    match filter.open {
        Some(true) => drop(query.push(" AND state IN ('muted', 'active', 'acknowledged', 'spent')")),
        Some(false) => drop(query.push(" AND state = 'ended'")),
        None => {}
    }
    if let Some(group) = filter.group {
        query.push(" AND group_id = ").bind(group);
    }
    if let Some(user) = filter.user {
        query.push(" AND id IN (SELECT m.page_id FROM paging_messages m WHERE m.user_id = ").bind(user);
        query.push(" AND m.page_id > 0 AND m.what = 'page')");
    }
}

/// The numbers of the newest escalations that fit and that a reach covers.
fn newest(query: &mut Query, filter: &Filter, reach: &Reach, before: i64, rows: i64) {
    const FROM: &str = "SELECT id FROM paging_pages WHERE id > 0";
    if filter.open == Some(true) || filter.group.is_some() || filter.user.is_some() {
        // These are found by an index of their own, and are few.
        query.push(FROM);
        narrowed(query, filter, before);
        SEEN.narrow(query, reach);
        query.push(" ORDER BY id DESC LIMIT ").bind(rows);
    } else {
        SEEN.newest(query, reach, rows, FROM, &|query| narrowed(query, filter, before));
    }
}

fn list_query(filter: &Filter, reach: &Reach, before: i64, rows: usize) -> Query {
    let mut query = Query::new(PAGES);
    query.push(" WHERE id IN (");
    newest(&mut query, filter, reach, before, i64::try_from(rows).unwrap_or(i64::MAX));
    query.push(") ORDER BY id DESC");
    query
}

fn count_query(filter: &Filter, reach: &Reach) -> Query {
    let mut query = Query::new("SELECT id FROM (");
    newest(&mut query, filter, reach, i64::MAX, COUNT_MAX);
    query.push(") AS those");
    query.counted(COUNT_MAX)
}

pub(crate) fn list(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, before: i64, rows: usize) -> Result<Vec<Page>> {
    tx.run(&list_query(filter, reach, before, rows))?.iter().map(page).collect()
}

/// One that a reach covers.
pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Page>> {
    let mut query = Query::new(PAGES);
    query.push(" WHERE id = ").bind(id);
    SEEN.narrow(&mut query, reach);
    tx.run(&query)?.first().map(page).transpose()
}

/// How many fit, counted up to the limit.
pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach) -> Result<i64> {
    tx.count(&count_query(filter, reach))
}

const GROUPS: &str = "SELECT group_id, root_id, title, facts, lines, trace, silenced, opened_at, ended_at, acknowledged_by, \
                      acknowledged_at, again_at, own FROM paging_groups";

fn told(row: &Row) -> Result<Told> {
    Ok(Told {
        group: row.int(0)?,
        root: row.int(1)?,
        title: row.text(2)?,
        facts: row.json(3)?,
        lines: row.json(4)?,
        trace: row.json(5)?,
        silenced: row.bool(6)?,
        opened_at: row.time(7)?,
        ended_at: some(row, 8)?,
        acknowledged_by: row.text(9)?,
        acknowledged_at: some(row, 10)?,
        again_at: some(row, 11)?,
        own: row.json(12)?,
    })
}

pub(crate) fn group(tx: &mut Tx<'_>, id: i64) -> Result<Option<Told>> {
    let mut query = Query::new(GROUPS);
    query.push(" WHERE group_id = ").bind(id);
    tx.run(&query)?.first().map(told).transpose()
}

/// The titles of alert groups.
pub(crate) fn titles(tx: &mut Tx<'_>, ids: &[i64]) -> Result<std::collections::BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT group_id, title FROM paging_groups WHERE group_id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The alert groups whose recovery is that of one: itself, and those that were merged into it.
pub(crate) fn under(tx: &mut Tx<'_>, root: i64) -> Result<Vec<i64>> {
    let rows =
        tx.query("SELECT group_id FROM paging_groups WHERE root_id = ?1 ORDER BY group_id LIMIT 500", &[root.into()])?;
    rows.iter().map(|row| row.int(0)).collect()
}

pub(crate) fn put_group(tx: &mut Tx<'_>, one: &Told) -> Result<()> {
    let text = |value: serde_json::Result<String>| value.map_err(|error| Error::internal("group-not-json", error));
    tx.execute(
        "INSERT INTO paging_groups (group_id, root_id, title, facts, lines, trace, silenced, opened_at, \
         ended_at, acknowledged_by, acknowledged_at, again_at, own) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
         ON CONFLICT (group_id) DO UPDATE SET root_id = excluded.root_id, title = excluded.title, facts = excluded.facts, \
         lines = excluded.lines, trace = excluded.trace, silenced = excluded.silenced, ended_at = excluded.ended_at, \
         acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at, again_at = excluded.again_at, \
         own = excluded.own",
        &[
            one.group.into(),
            one.root.into(),
            (&one.title).into(),
            text(serde_json::to_string(&one.facts))?.into(),
            text(serde_json::to_string(&one.lines))?.into(),
            text(serde_json::to_string(&one.trace))?.into(),
            one.silenced.into(),
            one.opened_at.into(),
            one.ended_at.unwrap_or_default().into(),
            (&one.acknowledged_by).into(),
            one.acknowledged_at.unwrap_or_default().into(),
            one.again_at.unwrap_or_default().into(),
            text(serde_json::to_string(&one.own))?.into(),
        ],
    )?;
    Ok(())
}

/// Whoever was told of a group so far, or of what was merged into it, was told of an earlier time.
pub(crate) fn told_before(tx: &mut Tx<'_>, root: i64) -> Result<()> {
    tx.execute(
        "UPDATE paging_groups SET again_from = (SELECT COALESCE(MAX(m.id), 0) FROM paging_messages m) WHERE root_id = ?1",
        &[root.into()],
    )?;
    Ok(())
}

/// From now on the recovery of one group is another's, and so is that of those that were merged into it.
pub(crate) fn merge(tx: &mut Tx<'_>, group: i64, into: i64) -> Result<()> {
    tx.execute("UPDATE paging_groups SET root_id = ?1 WHERE root_id = ?2", &[into.into(), group.into()])?;
    Ok(())
}

pub(crate) fn note(tx: &mut Tx<'_>, page: i64, group: i64, one: &Noted) -> Result<()> {
    let users = serde_json::Value::from(one.users.clone());
    tx.execute(
        "INSERT INTO paging_notes (page_id, group_id, at, step, round, line, users) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            page.into(),
            group.into(),
            one.at.into(),
            one.step.into(),
            one.round.into(),
            kernel::text::shorten(&one.line, 500).into(),
            (&users).into(),
        ],
    )?;
    Ok(())
}

/// What was done for an alert group and why, oldest first.
pub(crate) fn notes(tx: &mut Tx<'_>, group: i64) -> Result<Vec<Noted>> {
    let sql = "SELECT at, step, round, line, users FROM paging_notes WHERE group_id = ?1 ORDER BY id LIMIT 500";
    tx.query(sql, &[group.into()])?
        .iter()
        .map(|row| {
            Ok(Noted {
                at: row.time(0)?,
                step: row.int(1)?,
                round: row.int(2)?,
                line: row.text(3)?,
                users: row.json(4)?,
            })
        })
        .collect()
}

/// The escalations of a group with a note that begins so and is about this person.
pub(crate) fn noted_for(tx: &mut Tx<'_>, group: i64, begins: &str, user: i64) -> Result<Vec<i64>> {
    let sql = "SELECT page_id, users FROM paging_notes WHERE group_id = ?1 AND line LIKE ?2 ORDER BY id LIMIT 500";
    let rows = tx.query(sql, &[group.into(), format!("{begins}%").into()])?;
    let mut pages = Vec::new();
    for row in rows {
        if row.json::<Vec<i64>>(1)?.contains(&user) {
            pages.push(row.int(0)?);
        }
    }
    Ok(pages)
}

/// Deletes groups that ended before a moment with their escalations and notes; answers how many.
pub(crate) fn clean(tx: &mut Tx<'_>, before: Time, rows: i64) -> Result<u64> {
    let old = tx.query(
        "SELECT group_id FROM paging_groups WHERE ended_at > 0 AND ended_at < ?1 ORDER BY ended_at LIMIT ?2",
        &[before.into(), rows.into()],
    )?;
    let ids: Vec<i64> = old.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    for id in &ids {
        for sql in [
            "DELETE FROM paging_notes WHERE group_id = ?1",
            "DELETE FROM paging_pages WHERE group_id = ?1",
            "DELETE FROM paging_groups WHERE group_id = ?1",
        ] {
            tx.execute(sql, &[(*id).into()])?;
        }
    }
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests;
