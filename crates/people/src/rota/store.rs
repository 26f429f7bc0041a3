//! Rotas, their overrides and their feeds in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use super::import::LastImport;
use super::roster::{Kept, Member};
use super::{ROTAS_MAX, Rota};

const COLUMNS: &str = "SELECT r.id, r.slug, r.name, r.about, r.team_id, r.time_zone, r.rotations, r.created_at, r.changed_at, r.version \
     FROM people_rotas r";
const OVERRIDES: &str = "SELECT o.id, o.rota_id, o.from_at, o.to_at, o.added, o.removed, o.everybody, o.why, o.source, o.made_by, o.made_at, o.made_by_user \
     FROM people_rota_overrides o";

fn rota(row: &Row) -> Result<Rota> {
    let id = row.int(0)?;
    Ok(Rota {
        id,
        reference: Rota::subject(id),
        slug: row.text(1)?,
        name: row.text(2)?,
        about: row.text(3)?,
        team: row.opt_int(4)?,
        time_zone: row.text(5)?,
        rotations: row.json(6)?,
        created_at: row.time(7)?,
        changed_at: row.time(8)?,
        version: row.int(9)?,
    })
}

fn kept(row: &Row) -> Result<Kept> {
    Ok(Kept {
        id: row.int(0)?,
        rota: row.int(1)?,
        from: row.time(2)?,
        to: row.time(3)?,
        add: row.json(4)?,
        remove: row.json(5)?,
        everybody: row.bool(6)?,
        why: row.text(7)?,
        source: row.text(8)?,
        made_by: row.text(9)?,
        made_at: row.time(10)?,
        made_by_user: row.opt_int(11)?,
    })
}

/// A rota by number, whoever asks.
pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Rota>> {
    tx.first(&format!("{COLUMNS} WHERE r.id = ?1"), &[id.into()])?.as_ref().map(rota).transpose()
}

pub(crate) fn by_slug(tx: &mut Tx<'_>, slug: &str) -> Result<Option<Rota>> {
    tx.first(&format!("{COLUMNS} WHERE r.slug = ?1"), &[slug.into()])?.as_ref().map(rota).transpose()
}

/// Every rota by name.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Rota>> {
    let sql = format!("{COLUMNS} ORDER BY r.name, r.id LIMIT ?1");
    tx.query(&sql, &[ROTAS_MAX.into()])?.iter().map(rota).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM people_rotas", &[])?.int(0)
}

/// Writes a new rota; `uid` names its shifts in calendars. Answers its number.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Rota, uid: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_rotas (slug, name, about, team_id, time_zone, rotations, uid, created_at, changed_at, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1) RETURNING id",
        &[
            new.slug.as_str().into(),
            new.name.as_str().into(),
            new.about.as_str().into(),
            new.team.into(),
            new.time_zone.as_str().into(),
            serde_json::json!(new.rotations).to_string().into(),
            uid.into(),
            new.created_at.into(),
            new.changed_at.into(),
        ],
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, rota: &Rota, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE people_rotas SET name = ?1, about = ?2, team_id = ?3, time_zone = ?4, rotations = ?5, changed_at = ?6, version = version + 1 \
         WHERE id = ?7",
        &[
            rota.name.as_str().into(),
            rota.about.as_str().into(),
            rota.team.into(),
            rota.time_zone.as_str().into(),
            serde_json::json!(rota.rotations).to_string().into(),
            now.into(),
            rota.id.into(),
        ],
    )?;
    Ok(())
}

/// Removes a rota with its overrides and feeds.
pub(crate) fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    for sql in [
        "DELETE FROM people_rota_feeds WHERE rota_id = ?1",
        "DELETE FROM people_rota_overrides WHERE rota_id = ?1",
        "DELETE FROM people_rotas WHERE id = ?1",
    ] {
        tx.execute(sql, &[id.into()])?;
    }
    Ok(())
}

/// What names the shifts of a rota in calendars.
pub(crate) fn uids(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT id, uid FROM people_rotas WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The overrides of rotas that touch a span, in the order in which they were made.
pub(crate) fn overrides(tx: &mut Tx<'_>, rotas: &[i64], from: Time, to: Time) -> Result<BTreeMap<i64, Vec<Kept>>> {
    let mut query = Query::new(OVERRIDES);
    query.push(" WHERE o.rota_id IN ").list(rotas).push(" AND o.to_at > ").bind(from);
    query.push(" AND o.from_at < ").bind(to).push(" ORDER BY o.id");
    let mut found: BTreeMap<i64, Vec<Kept>> = BTreeMap::new();
    for row in tx.run(&query)? {
        let one = kept(&row)?;
        found.entry(one.rota).or_default().push(one);
    }
    Ok(found)
}

pub(crate) fn overridden(tx: &mut Tx<'_>, rota: i64, id: i64) -> Result<Option<Kept>> {
    let sql = format!("{OVERRIDES} WHERE o.id = ?1 AND o.rota_id = ?2");
    tx.first(&sql, &[id.into(), rota.into()])?.as_ref().map(kept).transpose()
}

/// Keeps what came of the last calendar of a rota.
pub(crate) fn set_imported(tx: &mut Tx<'_>, rota: i64, last: &LastImport) -> Result<()> {
    let text = serde_json::json!(last).to_string();
    tx.execute("UPDATE people_rotas SET imported = ?1 WHERE id = ?2", &[text.into(), rota.into()])?;
    Ok(())
}

/// What came of the last calendar of a rota.
pub(crate) fn imported(tx: &mut Tx<'_>, rota: i64) -> Result<Option<LastImport>> {
    let row = tx.first("SELECT imported FROM people_rotas WHERE id = ?1 AND imported IS NOT NULL", &[rota.into()])?;
    row.map(|row| row.json(0)).transpose()
}

/// The overrides of a rota that end after a moment and came from calendars, by where they came from.
pub(crate) fn from_calendars(tx: &mut Tx<'_>, rota: i64, after: Time) -> Result<BTreeMap<String, Kept>> {
    let sql = format!("{OVERRIDES} WHERE o.rota_id = ?1 AND o.to_at > ?2 AND o.source <> '' ORDER BY o.id");
    let found = tx.query(&sql, &[rota.into(), after.into()])?;
    found.iter().map(|row| kept(row).map(|one| (one.source.clone(), one))).collect()
}

pub(crate) fn insert_override(tx: &mut Tx<'_>, new: &Kept) -> Result<i64> {
    tx.execute("UPDATE people_rotas SET changed_at = ?1 WHERE id = ?2", &[new.made_at.into(), new.rota.into()])?;
    tx.insert(
        "INSERT INTO people_rota_overrides (rota_id, from_at, to_at, added, removed, everybody, why, source, made_by, made_at, made_by_user) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id",
        &[
            new.rota.into(),
            new.from.into(),
            new.to.into(),
            serde_json::json!(new.add).to_string().into(),
            serde_json::json!(new.remove).to_string().into(),
            new.everybody.into(),
            new.why.as_str().into(),
            new.source.as_str().into(),
            new.made_by.as_str().into(),
            new.made_at.into(),
            new.made_by_user.into(),
        ],
    )
}

pub(crate) fn delete_override(tx: &mut Tx<'_>, rota: i64, id: i64, now: Time) -> Result<bool> {
    tx.execute("UPDATE people_rotas SET changed_at = ?1 WHERE id = ?2", &[now.into(), rota.into()])?;
    let sql = "DELETE FROM people_rota_overrides WHERE id = ?1 AND rota_id = ?2";
    Ok(tx.execute(sql, &[id.into(), rota.into()])? > 0)
}

/// Forgets some overrides that ended before a moment.
pub(crate) fn sweep(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let sql = "DELETE FROM people_rota_overrides WHERE id IN (SELECT id FROM people_rota_overrides WHERE to_at < ?1 ORDER BY to_at LIMIT 500)";
    tx.execute(sql, &[before.into()])
}

/// People by number: name, login and whether they may sign in.
pub(crate) fn people(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, Member>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = Query::new("SELECT id, name, login, disabled_at FROM people_users WHERE id IN ");
    query.list(ids);
    let member = |row: &Row| {
        let active = row.opt_time(3)?.is_none();
        Ok((row.int(0)?, Member { name: row.text(1)?, login: row.text(2)?, active }))
    };
    tx.run(&query)?.iter().map(member).collect()
}

/// Whoever may sign in and has one of these mail addresses, by address in lower case; two with the same address are nobody.
pub(crate) fn by_email(tx: &mut Tx<'_>, emails: &[String]) -> Result<BTreeMap<String, i64>> {
    let mut query = Query::new(
        "SELECT LOWER(email), MIN(id) FROM people_users WHERE disabled_at IS NULL AND email <> '' AND LOWER(email) IN ",
    );
    query.list(emails).push(" GROUP BY LOWER(email) HAVING COUNT(*) = 1");
    tx.run(&query)?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// A feed as it is kept; the secret is not.
#[derive(Clone, Debug)]
pub(crate) struct KeptFeed {
    pub(crate) id: i64,
    pub(crate) user: i64,
    pub(crate) rota: Option<i64>,
    pub(crate) made_at: Time,
}

fn kept_feed(row: &Row) -> Result<KeptFeed> {
    Ok(KeptFeed { id: row.int(0)?, user: row.int(1)?, rota: row.opt_int(2)?, made_at: row.time(3)? })
}

pub(crate) fn insert_feed(tx: &mut Tx<'_>, user: i64, rota: Option<i64>, hash: &str, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_rota_feeds (secret_hash, user_id, rota_id, made_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        &[hash.into(), user.into(), rota.into(), now.into()],
    )
}

/// The feeds of a user that were not revoked, newest first.
pub(crate) fn feeds(tx: &mut Tx<'_>, user: i64) -> Result<Vec<KeptFeed>> {
    let sql = "SELECT id, user_id, rota_id, made_at FROM people_rota_feeds WHERE user_id = ?1 AND revoked_at IS NULL ORDER BY id DESC LIMIT 200";
    tx.query(sql, &[user.into()])?.iter().map(kept_feed).collect()
}

pub(crate) fn feed(tx: &mut Tx<'_>, id: i64) -> Result<Option<KeptFeed>> {
    let sql = "SELECT id, user_id, rota_id, made_at FROM people_rota_feeds WHERE id = ?1 AND revoked_at IS NULL";
    tx.first(sql, &[id.into()])?.as_ref().map(kept_feed).transpose()
}

pub(crate) fn feed_by_hash(tx: &mut Tx<'_>, hash: &str) -> Result<Option<KeptFeed>> {
    let sql =
        "SELECT id, user_id, rota_id, made_at FROM people_rota_feeds WHERE secret_hash = ?1 AND revoked_at IS NULL";
    tx.first(sql, &[hash.into()])?.as_ref().map(kept_feed).transpose()
}

/// Revokes every feed of a user.
pub(crate) fn revoke_feeds_of(tx: &mut Tx<'_>, user: i64, now: Time) -> Result<u64> {
    let sql = "UPDATE people_rota_feeds SET revoked_at = ?1 WHERE user_id = ?2 AND revoked_at IS NULL";
    tx.execute(sql, &[now.into(), user.into()])
}

pub(crate) fn revoke_feed(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<bool> {
    let sql = "UPDATE people_rota_feeds SET revoked_at = ?1 WHERE id = ?2 AND revoked_at IS NULL";
    Ok(tx.execute(sql, &[now.into(), id.into()])? > 0)
}

/// Forgets some feeds that were revoked before a moment.
pub(crate) fn sweep_feeds(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let sql =
        "DELETE FROM people_rota_feeds WHERE id IN (SELECT id FROM people_rota_feeds WHERE revoked_at < ?1 LIMIT 500)";
    tx.execute(sql, &[before.into()])
}
