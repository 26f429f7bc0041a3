//! Teams in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::{Reach, Result, Time};

use super::{Member, Team};

const COLUMNS: &str = "SELECT t.id, t.slug, t.name, t.about, t.created_at, t.version FROM people_teams t";

fn team(row: &Row) -> Result<Team> {
    let id = row.int(0)?;
    Ok(Team {
        id,
        reference: Team::subject(id),
        slug: row.text(1)?,
        name: row.text(2)?,
        about: row.text(3)?,
        created_at: row.time(4)?,
        version: row.int(5)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, slug: &str, name: &str, about: &str, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_teams (slug, name, about, created_at, version) VALUES (?1, ?2, ?3, ?4, 1) RETURNING id",
        &[slug.into(), name.into(), about.into(), now.into()],
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, team: &Team) -> Result<()> {
    tx.execute(
        "UPDATE people_teams SET name = ?1, about = ?2, version = version + 1 WHERE id = ?3",
        &[team.name.as_str().into(), team.about.as_str().into(), team.id.into()],
    )?;
    Ok(())
}

/// A team by number, whoever asks.
pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Team>> {
    tx.first(&format!("{COLUMNS} WHERE t.id = ?1"), &[id.into()])?.as_ref().map(team).transpose()
}

pub(crate) fn by_slug(tx: &mut Tx<'_>, slug: &str) -> Result<Option<Team>> {
    tx.first(&format!("{COLUMNS} WHERE t.slug = ?1"), &[slug.into()])?.as_ref().map(team).transpose()
}

/// The team that takes what nobody else does: the service desk, else the oldest.
pub(crate) fn default_team(tx: &mut Tx<'_>) -> Result<Option<i64>> {
    let sql = "SELECT id FROM people_teams ORDER BY CASE WHEN slug = 'service-desk' THEN 0 ELSE 1 END, id LIMIT 1";
    tx.first(sql, &[])?.map(|row| row.int(0)).transpose()
}

/// Appends the one predicate that decides which teams an actor sees: those of the reach, and their own.
fn visible(query: &mut Query, reach: &Reach) {
    if reach.everything {
        return;
    }
    query.push(" AND (t.id IN ").list(&reach.teams);
    query.push(" OR t.id IN (SELECT m.team_id FROM people_members m WHERE m.user_id IN ");
    query.list(&reach.own.into_iter().collect::<Vec<i64>>()).push("))");
}

pub(crate) fn list(tx: &mut Tx<'_>, only: Option<&[i64]>, reach: &Reach) -> Result<Vec<Team>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE 1 = 1");
    if let Some(ids) = only {
        query.push(" AND t.id IN ").list(ids);
    }
    visible(&mut query, reach);
    query.push(" ORDER BY t.name, t.id LIMIT ").bind(kernel::limits::PAGE_ROWS_MAX);
    tx.run(&query)?.iter().map(team).collect()
}

/// A page of teams by name, from after one on.
pub(crate) fn page(tx: &mut Tx<'_>, reach: &Reach, after: Option<(String, i64)>, limit: usize) -> Result<Vec<Team>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE 1 = 1");
    visible(&mut query, reach);
    if let Some((name, id)) = after {
        query.push(" AND (t.name, t.id) > (").bind(name).push(", ").bind(id).push(")");
    }
    query.push(" ORDER BY t.name, t.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(team).collect()
}

pub(crate) fn names(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT id, name FROM people_teams WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

pub(crate) fn slugs(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT id, slug FROM people_teams WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

pub(crate) fn options(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT id, name FROM people_teams ORDER BY name, id LIMIT ?1";
    tx.query(sql, &[limit.into()])?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The numbers of a team's members who may sign in.
pub(crate) fn member_ids(tx: &mut Tx<'_>, team: i64) -> Result<Vec<i64>> {
    let sql = "SELECT m.user_id FROM people_members m JOIN people_users u ON u.id = m.user_id \
               WHERE m.team_id = ?1 AND u.disabled_at IS NULL ORDER BY m.user_id";
    tx.query(sql, &[team.into()])?.iter().map(|row| row.int(0)).collect()
}

/// The members of a team, leads first.
pub(crate) fn members(tx: &mut Tx<'_>, team: i64) -> Result<Vec<Member>> {
    let sql = "SELECT u.id, u.name, m.is_lead, m.since FROM people_members m JOIN people_users u ON u.id = m.user_id \
               WHERE m.team_id = ?1 ORDER BY m.is_lead DESC, u.name, u.id";
    let member =
        |row: &Row| Ok(Member { user: row.int(0)?, name: row.text(1)?, lead: row.bool(2)?, since: row.time(3)? });
    tx.query(sql, &[team.into()])?.iter().map(member).collect()
}

/// How many members each team has.
pub(crate) fn sizes(tx: &mut Tx<'_>, teams: &[i64]) -> Result<BTreeMap<i64, i64>> {
    let mut query = Query::new("SELECT team_id, COUNT(*) FROM people_members WHERE team_id IN ");
    query.list(teams).push(" GROUP BY team_id");
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// The teams of each user, as number and name.
pub(crate) fn of_users(tx: &mut Tx<'_>, users: &[i64]) -> Result<BTreeMap<i64, Vec<(i64, String)>>> {
    let mut query = Query::new(
        "SELECT m.user_id, t.id, t.name FROM people_members m JOIN people_teams t ON t.id = m.team_id WHERE m.user_id IN ",
    );
    query.list(users).push(" ORDER BY t.name, t.id");
    let mut teams: BTreeMap<i64, Vec<(i64, String)>> = BTreeMap::new();
    for row in tx.run(&query)? {
        teams.entry(row.int(0)?).or_default().push((row.int(1)?, row.text(2)?));
    }
    Ok(teams)
}

/// The numbers of the teams a user is in.
pub(crate) fn of_user(tx: &mut Tx<'_>, user: i64) -> Result<Vec<i64>> {
    let sql = "SELECT team_id FROM people_members WHERE user_id = ?1 ORDER BY team_id";
    tx.query(sql, &[user.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Whether a user is in a team, and leads it.
pub(crate) fn membership(tx: &mut Tx<'_>, team: i64, user: i64) -> Result<Option<bool>> {
    let sql = "SELECT is_lead FROM people_members WHERE team_id = ?1 AND user_id = ?2";
    tx.first(sql, &[team.into(), user.into()])?.map(|row| row.bool(0)).transpose()
}

pub(crate) fn add_member(tx: &mut Tx<'_>, team: i64, user: i64, lead: bool, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO people_members (team_id, user_id, is_lead, since) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (team_id, user_id) DO UPDATE SET is_lead = excluded.is_lead",
        &[team.into(), user.into(), lead.into(), now.into()],
    )?;
    Ok(())
}

pub(crate) fn remove_member(tx: &mut Tx<'_>, team: i64, user: i64) -> Result<()> {
    tx.execute("DELETE FROM people_members WHERE team_id = ?1 AND user_id = ?2", &[team.into(), user.into()])?;
    Ok(())
}
