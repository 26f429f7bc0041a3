//! Users in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::{Reach, Result, Time};

use super::User;
use crate::filter::Filter;
use crate::grants;

const COLUMNS: &str = "SELECT u.id, u.login, u.name, u.email, u.zone, u.locale, u.place_id, u.disabled_at, u.created_at, u.version FROM people_users u";

fn user(row: &Row) -> Result<User> {
    let id = row.int(0)?;
    Ok(User {
        id,
        reference: User::subject(id),
        login: row.text(1)?,
        name: row.text(2)?,
        email: row.text(3)?,
        zone: row.text(4)?,
        locale: row.text(5)?,
        place: row.opt_int(6)?,
        disabled_at: row.opt_time(7)?,
        created_at: row.time(8)?,
        version: row.int(9)?,
    })
}

/// A new user's row.
pub(crate) struct NewUser<'a> {
    pub(crate) login: &'a str,
    pub(crate) name: &'a str,
    pub(crate) email: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) zone: &'a str,
    pub(crate) locale: &'a str,
    pub(crate) place: Option<i64>,
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewUser<'_>, now: Time) -> Result<i64> {
    let id = tx.insert(
        "INSERT INTO people_users (login, name, email, password_hash, zone, locale, place_id, created_at, updated_at, folded, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1) RETURNING id",
        &[
            new.login.into(),
            new.name.into(),
            new.email.into(),
            new.password_hash.into(),
            new.zone.into(),
            new.locale.into(),
            new.place.into(),
            now.into(),
            now.into(),
            folded(new.name, new.login, new.email).into(),
        ],
    )?;
    tx.execute(
        "INSERT INTO people_identities (issuer, subject, user_id, since) VALUES ('local', ?1, ?2, ?3)",
        &[new.login.into(), id.into(), now.into()],
    )?;
    Ok(id)
}

/// What words are looked for in.
fn folded(name: &str, login: &str, email: &str) -> String {
    crate::filter::fold(&format!("{name}\n{login}\n{email}"))
}

/// Folds the names of some users who have none yet; answers how many.
pub(crate) fn fold_some(tx: &mut Tx<'_>) -> Result<usize> {
    let rows =
        tx.query("SELECT id, name, login, email FROM people_users WHERE folded IS NULL ORDER BY id LIMIT 500", &[])?;
    for row in &rows {
        let folded = folded(row.str(1)?, row.str(2)?, row.str(3)?);
        tx.execute("UPDATE people_users SET folded = ?1 WHERE id = ?2", &[folded.into(), row.int(0)?.into()])?;
    }
    Ok(rows.len())
}

/// A user by number, whoever asks.
pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<User>> {
    tx.first(&format!("{COLUMNS} WHERE u.id = ?1"), &[id.into()])?.as_ref().map(user).transpose()
}

/// A user by the subject an issuer knows them under; `local` is this server's own sign-in.
///
/// # Errors
/// The database fails.
pub fn by_identity(tx: &mut Tx<'_>, issuer: &str, subject: &str) -> Result<Option<User>> {
    let sql = format!("{COLUMNS} JOIN people_identities i ON i.user_id = u.id WHERE i.issuer = ?1 AND i.subject = ?2");
    tx.first(&sql, &[issuer.into(), subject.into()])?.as_ref().map(user).transpose()
}

/// The login taken already, by whom.
pub(crate) fn login_taken(tx: &mut Tx<'_>, login: &str) -> Result<bool> {
    Ok(tx.first("SELECT id FROM people_users WHERE login = ?1", &[login.into()])?.is_some())
}

/// The number and password hash behind a login; the hash is empty when the user has no password.
pub(crate) fn password(tx: &mut Tx<'_>, login: &str) -> Result<Option<(i64, String)>> {
    let row = tx.first("SELECT id, password_hash FROM people_users WHERE login = ?1", &[login.into()])?;
    row.map(|row| Ok((row.int(0)?, row.text(1)?))).transpose()
}

pub(crate) fn password_of(tx: &mut Tx<'_>, id: i64) -> Result<Option<String>> {
    let row = tx.first("SELECT password_hash FROM people_users WHERE id = ?1", &[id.into()])?;
    row.map(|row| row.text(0)).transpose()
}

pub(crate) fn set_password(tx: &mut Tx<'_>, id: i64, hash: &str, now: Time) -> Result<()> {
    let sql = "UPDATE people_users SET password_hash = ?1, updated_at = ?2, version = version + 1 WHERE id = ?3";
    tx.execute(sql, &[hash.into(), now.into(), id.into()])?;
    Ok(())
}

/// Writes what may change of a user.
pub(crate) fn update(tx: &mut Tx<'_>, user: &User, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE people_users SET name = ?1, email = ?2, zone = ?3, locale = ?4, place_id = ?5, disabled_at = ?6, updated_at = ?7, folded = ?8, version = version + 1 \
         WHERE id = ?9",
        &[
            user.name.as_str().into(),
            user.email.as_str().into(),
            user.zone.as_str().into(),
            user.locale.as_str().into(),
            user.place.into(),
            user.disabled_at.into(),
            now.into(),
            folded(&user.name, &user.login, &user.email).into(),
            user.id.into(),
        ],
    )?;
    Ok(())
}

/// Appends the one predicate that decides which users an actor sees: those at the places, in the teams, or themselves.
pub(crate) fn visible(query: &mut Query, reach: &Reach) {
    if reach.everything {
        return;
    }
    query.push(" AND (u.id IN ").list(&reach.own.into_iter().collect::<Vec<i64>>());
    query.push(" OR u.place_id IN ").list(&reach.places);
    query.push(" OR u.id IN (SELECT m.user_id FROM people_members m WHERE m.team_id IN ").list(&reach.teams);
    query.push("))");
}

/// Users by number, as far as the reach goes.
pub(crate) fn find(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<User>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE u.id IN ").list(ids);
    visible(&mut query, reach);
    query.push(" ORDER BY u.id");
    tx.run(&query)?.iter().map(user).collect()
}

/// What a list asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) after: Option<(String, i64)>,
    pub(crate) limit: i64,
    pub(crate) now: Time,
}

fn narrowed(query: &mut Query, filter: &Filter, reach: &Reach, now: Time) -> Result<()> {
    query.push(" WHERE 1 = 1");
    visible(query, reach);
    for term in filter.terms() {
        query.push(if term.negated { " AND NOT (" } else { " AND (" });
        match (term.field.as_deref(), term.value()) {
            (None, word) => words(query, word),
            (Some("team"), _) => {
                query.push(
                    "u.id IN (SELECT m.user_id FROM people_members m JOIN people_teams t ON t.id = m.team_id WHERE t.slug IN ",
                );
                query.list(&term.values).push(")");
            }
            (Some("role"), _) => roles(query, &term.values, now),
            (Some("status"), _) if term.values.iter().all(|value| matches!(value.as_str(), "active" | "disabled")) => {
                query.push("CASE WHEN u.disabled_at IS NULL THEN 'active' ELSE 'disabled' END IN ").list(&term.values);
            }
            _ => return Err(term.unknown("team:SLUG, role:ROLE, status:active and status:disabled")),
        }
        query.push(")");
    }
    Ok(())
}

fn words(query: &mut Query, word: &str) {
    let like = crate::filter::like(word);
    query.push("u.folded LIKE ").bind(like).push(" ESCAPE '\\'");
}

/// Whoever holds one of the roles now, by themselves or through a team.
fn roles(query: &mut Query, roles: &[String], now: Time) {
    query.push("u.id IN (SELECT g.user_id FROM people_grants g WHERE g.user_id IS NOT NULL AND g.role IN ").list(roles);
    grants::store::current(query, now);
    query.push(") OR u.id IN (SELECT m.user_id FROM people_members m JOIN people_grants g ON g.team_id = m.team_id WHERE g.role IN ");
    query.list(roles);
    grants::store::current(query, now);
    query.push(")");
}

pub(crate) fn list(tx: &mut Tx<'_>, wanted: &Wanted<'_>, reach: &Reach) -> Result<Vec<User>> {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, wanted.filter, reach, wanted.now)?;
    if let Some((name, id)) = &wanted.after {
        query.push(" AND (u.name, u.id) > (").bind(name.as_str()).push(", ").bind(*id).push(")");
    }
    query.push(" ORDER BY u.name, u.id LIMIT ").bind(wanted.limit);
    tx.run(&query)?.iter().map(user).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, now: Time) -> Result<i64> {
    let mut query = Query::new("SELECT u.id FROM people_users u");
    narrowed(&mut query, filter, reach, now)?;
    tx.count(&query.counted(kernel::limits::COUNT_MAX))
}

/// Names of users by number.
pub(crate) fn names(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT id, name FROM people_users WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// Logins of users by number.
pub(crate) fn logins(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT id, login FROM people_users WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The first users by name who may sign in.
pub(crate) fn options(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT id, name FROM people_users WHERE disabled_at IS NULL ORDER BY name, id LIMIT ?1";
    tx.query(sql, &[limit.into()])?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The first users by name within a reach who may sign in: number, name and login.
pub(crate) fn choices(tx: &mut Tx<'_>, reach: &Reach, limit: usize) -> Result<Vec<(i64, String, String)>> {
    let mut query = Query::new("SELECT u.id, u.name, u.login FROM people_users u WHERE u.disabled_at IS NULL");
    visible(&mut query, reach);
    query.push(" ORDER BY u.name, u.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?, row.text(2)?))).collect()
}

/// The users within a reach who sign in with this login, or who have this name and may sign in; at most two.
pub(crate) fn by_login_or_name(tx: &mut Tx<'_>, text: &str, reach: &Reach) -> Result<Vec<i64>> {
    let login = text.to_lowercase();
    let mut query = Query::new("SELECT u.id FROM people_users u WHERE (u.login = ");
    query.bind(login.as_str()).push(" OR u.disabled_at IS NULL AND u.name = ").bind(text).push(")");
    visible(&mut query, reach);
    query.push(" ORDER BY CASE WHEN u.login = ").bind(login.as_str()).push(" THEN 0 ELSE 1 END, u.id LIMIT 2");
    tx.run(&query)?.iter().map(|row| row.int(0)).collect()
}
