//! Sessions in SQL.

use kernel::db::{Row, Tx};
use kernel::{Result, Time};

use super::Session;

/// A session with what a request needs of its user.
pub(crate) struct Found {
    pub(crate) id: i64,
    pub(crate) user: i64,
    pub(crate) csrf: String,
    pub(crate) seen_at: Time,
    pub(crate) proof_at: Time,
    pub(crate) expires_at: Time,
    pub(crate) ended: bool,
    pub(crate) zone: String,
    pub(crate) locale: String,
}

pub(crate) fn by_hash(tx: &mut Tx<'_>, hash: &str) -> Result<Option<Found>> {
    let sql = "SELECT s.id, s.user_id, s.csrf, s.seen_at, s.proof_at, s.expires_at, s.ended_at, u.zone, u.locale FROM people_sessions s \
               JOIN people_users u ON u.id = s.user_id WHERE s.token_hash = ?1";
    let found = |row: Row| {
        Ok(Found {
            id: row.int(0)?,
            user: row.int(1)?,
            csrf: row.text(2)?,
            seen_at: row.time(3)?,
            proof_at: row.time(4)?,
            expires_at: row.time(5)?,
            ended: row.opt_time(6)?.is_some(),
            zone: row.text(7)?,
            locale: row.text(8)?,
        })
    };
    tx.first(sql, &[hash.into()])?.map(found).transpose()
}

/// A new session's row.
pub(crate) struct NewSession<'a> {
    pub(crate) token_hash: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) user: i64,
    pub(crate) origin: &'a str,
    pub(crate) expires_at: Time,
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewSession<'_>, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_sessions (token_hash, csrf, user_id, origin, started_at, seen_at, proof_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        &[
            new.token_hash.into(),
            new.csrf.into(),
            new.user.into(),
            new.origin.into(),
            now.into(),
            now.into(),
            now.into(),
            new.expires_at.into(),
        ],
    )
}

pub(crate) fn seen(tx: &mut Tx<'_>, id: i64, now: Time, before: Time) -> Result<()> {
    let sql = "UPDATE people_sessions SET seen_at = ?1 WHERE id = ?2 AND seen_at <= ?3 AND ended_at IS NULL";
    tx.execute(sql, &[now.into(), id.into(), before.into()])?;
    Ok(())
}

/// Stamps a proof of identity; false when the session is not the user's or has ended.
pub(crate) fn prove(tx: &mut Tx<'_>, id: i64, user: i64, now: Time) -> Result<bool> {
    let sql = "UPDATE people_sessions SET proof_at = ?1 WHERE id = ?2 AND user_id = ?3 AND ended_at IS NULL";
    Ok(tx.execute(sql, &[now.into(), id.into(), user.into()])? > 0)
}

/// Ends one session of a user; answers how many ended.
pub(crate) fn end(tx: &mut Tx<'_>, id: i64, user: i64, now: Time) -> Result<u64> {
    let sql = "UPDATE people_sessions SET ended_at = ?1 WHERE id = ?2 AND user_id = ?3 AND ended_at IS NULL";
    tx.execute(sql, &[now.into(), id.into(), user.into()])
}

/// Ends all sessions of a user but one (0 for none); answers how many ended.
pub(crate) fn end_all(tx: &mut Tx<'_>, user: i64, except: i64, now: Time) -> Result<u64> {
    let sql = "UPDATE people_sessions SET ended_at = ?1 WHERE user_id = ?2 AND id <> ?3 AND ended_at IS NULL";
    tx.execute(sql, &[now.into(), user.into(), except.into()])
}

/// The sessions of a user that are not over, newest first.
pub(crate) fn list(tx: &mut Tx<'_>, user: i64, seen_after: Time, now: Time) -> Result<Vec<Session>> {
    let sql = "SELECT id, origin, started_at, seen_at, expires_at FROM people_sessions \
               WHERE user_id = ?1 AND ended_at IS NULL AND expires_at > ?2 AND seen_at > ?3 ORDER BY id DESC LIMIT 100";
    let session = |row: &Row| {
        Ok(Session {
            id: row.int(0)?,
            origin: row.text(1)?,
            started_at: row.time(2)?,
            seen_at: row.time(3)?,
            expires_at: row.time(4)?,
        })
    };
    tx.query(sql, &[user.into(), now.into(), seen_after.into()])?.iter().map(session).collect()
}

pub(crate) const SWEEP: &str = "DELETE FROM people_sessions WHERE id IN (SELECT id FROM people_sessions \
                                WHERE expires_at < ?1 AND (expires_at < ?2 OR ended_at < ?3) ORDER BY expires_at LIMIT 1000)";

/// Removes some sessions that were over before a moment; answers how many. One that ended early expires within
/// [`super::AGE_MAX`], so the index on the expiry finds both.
pub(crate) fn sweep(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.execute(SWEEP, &[before.plus(super::AGE_MAX).into(), before.into(), before.into()])
}

/// Whether a session is a user's and goes on.
pub(crate) fn is_of(tx: &mut Tx<'_>, id: i64, user: i64) -> Result<bool> {
    let sql = "SELECT id FROM people_sessions WHERE id = ?1 AND user_id = ?2 AND ended_at IS NULL";
    Ok(tx.first(sql, &[id.into(), user.into()])?.is_some())
}
