//! Grants in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Reach, Result, Time};

use super::{Given, GrantScope};
use crate::user;

const COLUMNS: &str = "SELECT g.id, g.role, g.user_id, g.team_id, g.scope, g.scope_place_id, g.scope_team_id, g.reason, g.given_by, g.given_at, \
                       g.expires_at, g.revoked_at, g.revoked_by, g.revoke_reason FROM people_grants g";

fn given(row: &Row) -> Result<Given> {
    Ok(Given {
        id: row.int(0)?,
        role: row.text(1)?,
        user: row.opt_int(2)?,
        team: row.opt_int(3)?,
        scope: GrantScope::parse(row.str(4)?),
        scope_place: row.opt_int(5)?,
        scope_team: row.opt_int(6)?,
        reason: row.text(7)?,
        given_by: row.text(8)?,
        given_at: row.time(9)?,
        expires_at: row.opt_time(10)?,
        revoked_at: row.opt_time(11)?,
        revoked_by: row.text(12)?,
        revoke_reason: row.text(13)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Given) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_grants (role, user_id, team_id, scope, scope_place_id, scope_team_id, reason, given_by, given_at, expires_at, revoked_by, revoke_reason) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '', '') RETURNING id",
        &[
            new.role.as_str().into(),
            new.user.into(),
            new.team.into(),
            new.scope.as_str().into(),
            new.scope_place.into(),
            new.scope_team.into(),
            new.reason.as_str().into(),
            new.given_by.as_str().into(),
            new.given_at.into(),
            new.expires_at.into(),
        ],
    )
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Given>> {
    tx.first(&format!("{COLUMNS} WHERE g.id = ?1"), &[id.into()])?.as_ref().map(given).transpose()
}

pub(crate) fn revoke(tx: &mut Tx<'_>, id: i64, by: &str, reason: &str, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE people_grants SET revoked_at = ?1, revoked_by = ?2, revoke_reason = ?3 WHERE id = ?4",
        &[now.into(), by.into(), reason.into(), id.into()],
    )?;
    Ok(())
}

/// What counts now for a user: given to them or to one of their teams.
pub(crate) fn current_of_user(tx: &mut Tx<'_>, user: i64, now: Time) -> Result<Vec<Given>> {
    let sql = format!(
        "{COLUMNS} WHERE g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > ?1) \
         AND (g.user_id = ?2 OR g.team_id IN (SELECT m.team_id FROM people_members m WHERE m.user_id = ?3)) ORDER BY g.id"
    );
    tx.query(&sql, &[now.into(), user.into(), user.into()])?.iter().map(given).collect()
}

/// What was given to any of these users or teams; with those that no longer count when `all`.
pub(crate) fn list(tx: &mut Tx<'_>, users: &[i64], teams: &[i64], all: bool, now: Time) -> Result<Vec<Given>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE (g.user_id IN ").list(users);
    query.push(" OR g.team_id IN ").list(teams).push(")");
    if !all {
        current(&mut query, now);
    }
    query.push(" ORDER BY g.id DESC LIMIT ").bind(kernel::limits::PAGE_ROWS_MAX);
    tx.run(&query)?.iter().map(given).collect()
}

/// Appends that a given role counts now.
pub(crate) fn current(query: &mut Query, now: Time) {
    query.push(" AND g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > ").bind(now).push(")");
}

/// Whose given roles a page of a list has.
pub(crate) enum Whose<'a> {
    /// Those of a user or a team and of these teams.
    Of(Option<i64>, &'a [i64]),
    /// Those of every user within a reach and of the teams it names.
    Seen(&'a Reach),
}

/// What a page of given roles asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) whose: Whose<'a>,
    /// Also those that no longer count.
    pub(crate) all: bool,
    /// Only those with a smaller number.
    pub(crate) before: i64,
    pub(crate) limit: usize,
}

/// A page of given roles, newest first.
pub(crate) fn page(tx: &mut Tx<'_>, wanted: &Wanted<'_>, now: Time) -> Result<Vec<Given>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE g.id < ").bind(wanted.before);
    match &wanted.whose {
        Whose::Of(user, teams) => {
            query.push(" AND (g.user_id IN ").list(&user.iter().copied().collect::<Vec<i64>>());
            query.push(" OR g.team_id IN ").list(teams).push(")");
        }
        Whose::Seen(reach) if reach.everything => {}
        Whose::Seen(reach) => {
            query.push(" AND (g.team_id IN ").list(&reach.teams);
            query.push(" OR g.user_id IN (SELECT u.id FROM people_users u WHERE 1 = 1");
            user::store::visible(&mut query, reach);
            query.push("))");
        }
    }
    if !wanted.all {
        current(&mut query, now);
    }
    query.push(" ORDER BY g.id DESC LIMIT ").bind(wanted.limit);
    tx.run(&query)?.iter().map(given).collect()
}

/// Users who may sign in and are administrators of everything now without an end, leaving one grant, one user or one membership out.
pub(crate) fn administrators_without(
    tx: &mut Tx<'_>,
    grant: Option<i64>,
    user: Option<i64>,
    member: Option<(i64, i64)>,
) -> Result<bool> {
    let (team, member) = member.unwrap_or_default();
    let direct = "SELECT u.id FROM people_grants g JOIN people_users u ON u.id = g.user_id WHERE g.role = 'administrator' AND g.scope = 'everything' \
                  AND g.revoked_at IS NULL AND g.expires_at IS NULL AND u.disabled_at IS NULL AND g.id <> ?1 AND u.id <> ?2";
    let through = "SELECT u.id FROM people_grants g JOIN people_members m ON m.team_id = g.team_id JOIN people_users u ON u.id = m.user_id \
                   WHERE g.role = 'administrator' AND g.scope = 'everything' AND g.revoked_at IS NULL AND g.expires_at IS NULL \
                   AND u.disabled_at IS NULL AND g.id <> ?3 AND u.id <> ?4 AND NOT (m.team_id = ?5 AND m.user_id = ?6)";
    let (grant, user) = (grant.unwrap_or_default(), user.unwrap_or_default());
    let sql = format!("{direct} UNION ALL {through} LIMIT 1");
    let params = [grant.into(), user.into(), grant.into(), user.into(), team.into(), member.into()];
    Ok(tx.first(&sql, &params)?.is_some())
}
