//! Tokens in SQL.

use kernel::db::{Row, Tx};
use kernel::{Result, Time};

use super::Token;

const COLUMNS: &str = "SELECT t.id, t.user_id, t.name, t.patterns, t.standing, t.created_by, t.created_at, t.expires_at, t.used_at, t.revoked_at";

fn token(row: &Row) -> Result<Token> {
    Ok(Token {
        id: row.int(0)?,
        user: row.int(1)?,
        name: row.text(2)?,
        patterns: row.json(3)?,
        standing: row.bool(4)?,
        created_by: row.text(5)?,
        created_at: row.time(6)?,
        expires_at: row.opt_time(7)?,
        used_at: row.opt_time(8)?,
        revoked_at: row.opt_time(9)?,
    })
}

/// A token with what a request needs of its user.
pub(crate) struct Found {
    pub(crate) token: Token,
    pub(crate) zone: String,
    pub(crate) locale: String,
}

pub(crate) fn by_hash(tx: &mut Tx<'_>, hash: &str) -> Result<Option<Found>> {
    let sql = format!(
        "{COLUMNS}, u.zone, u.locale FROM people_tokens t JOIN people_users u ON u.id = t.user_id WHERE t.token_hash = ?1"
    );
    let found = |row: Row| Ok(Found { token: token(&row)?, zone: row.text(10)?, locale: row.text(11)? });
    tx.first(&sql, &[hash.into()])?.map(found).transpose()
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Token>> {
    tx.first(&format!("{COLUMNS} FROM people_tokens t WHERE t.id = ?1"), &[id.into()])?.as_ref().map(token).transpose()
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Token, hash: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO people_tokens (token_hash, user_id, name, patterns, standing, created_by, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        &[
            hash.into(),
            new.user.into(),
            new.name.as_str().into(),
            serde_json::json!(new.patterns).to_string().into(),
            new.standing.into(),
            new.created_by.as_str().into(),
            new.created_at.into(),
            new.expires_at.into(),
        ],
    )
}

pub(crate) fn seen(tx: &mut Tx<'_>, hash: &str, now: Time, before: Time) -> Result<()> {
    let sql = "UPDATE people_tokens SET used_at = ?1 WHERE token_hash = ?2 AND (used_at IS NULL OR used_at <= ?3)";
    tx.execute(sql, &[now.into(), hash.into(), before.into()])?;
    Ok(())
}

pub(crate) fn revoke(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<bool> {
    let sql = "UPDATE people_tokens SET revoked_at = ?1 WHERE id = ?2 AND revoked_at IS NULL";
    Ok(tx.execute(sql, &[now.into(), id.into()])? > 0)
}

/// How many tokens of a user count now.
pub(crate) fn count(tx: &mut Tx<'_>, user: i64) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM people_tokens WHERE user_id = ?1 AND revoked_at IS NULL", &[user.into()])?.int(0)
}

/// The tokens of a user that were not revoked, newest first.
pub(crate) fn list(tx: &mut Tx<'_>, user: i64) -> Result<Vec<Token>> {
    let sql = format!(
        "{COLUMNS} FROM people_tokens t WHERE t.user_id = ?1 AND t.revoked_at IS NULL ORDER BY t.id DESC LIMIT 200"
    );
    tx.query(&sql, &[user.into()])?.iter().map(token).collect()
}
