//! Enrolment tokens in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use super::{Token, Wanted};

const COLUMNS: &str = "SELECT id, name, uses_max, uses, expires_at, auto_approve, asset_kind, place_id, team_id, asset_id, created_at, \
                       created_by, revoked_at FROM fleet_tokens";

fn token(row: &Row) -> Result<Token> {
    Ok(Token {
        id: row.int(0)?,
        name: row.text(1)?,
        uses_max: row.int(2)?,
        uses: row.int(3)?,
        expires_at: row.time(4)?,
        auto_approve: row.bool(5)?,
        asset_kind: row.text(6)?,
        place: row.opt_int(7)?,
        team: row.opt_int(8)?,
        asset: row.opt_int(9)?,
        created_at: row.time(10)?,
        created_by: row.text(11)?,
        revoked_at: row.time(12)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, wanted: &Wanted<'_>, hash: &[u8; 32], by: &str, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO fleet_tokens (name, hash, uses_max, uses, expires_at, auto_approve, asset_kind, place_id, team_id, asset_id, \
         created_at, created_by, revoked_at, revoked_by) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, '') RETURNING id",
        &[
            wanted.name.into(),
            hash.as_slice().into(),
            wanted.uses_max.into(),
            wanted.expires_at.into(),
            wanted.auto_approve.into(),
            wanted.asset_kind.into(),
            wanted.place.into(),
            wanted.team.into(),
            wanted.asset.into(),
            now.into(),
            by.into(),
        ],
    )
}

pub(crate) fn by_hash(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<Option<Token>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE hash = ").bind(hash.as_slice());
    tx.run(&query)?.first().map(token).transpose()
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Token>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(token).transpose()
}

/// The stored hash of a token.
pub(crate) fn hash_of(tx: &mut Tx<'_>, id: i64) -> Result<Vec<u8>> {
    tx.one("SELECT hash FROM fleet_tokens WHERE id = ?1", &[id.into()])?.bytes(0)
}

/// Uses a token once, if it still may be used.
pub(crate) fn take(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<bool> {
    let sql = "UPDATE fleet_tokens SET uses = uses + 1 WHERE id = ?1 AND uses < uses_max AND revoked_at = 0 AND expires_at > ?2";
    Ok(tx.execute(sql, &[id.into(), now.into()])? == 1)
}

pub(crate) fn revoke(tx: &mut Tx<'_>, id: i64, by: &str, now: Time) -> Result<bool> {
    let sql = "UPDATE fleet_tokens SET revoked_at = ?1, revoked_by = ?2 WHERE id = ?3 AND revoked_at = 0";
    Ok(tx.execute(sql, &[now.into(), by.into(), id.into()])? == 1)
}

/// Ends the tokens that were made for one machine.
pub(crate) fn revoke_of_asset(tx: &mut Tx<'_>, asset: i64, now: Time) -> Result<u64> {
    let sql = "UPDATE fleet_tokens SET revoked_at = ?1, revoked_by = 'fleet' WHERE asset_id = ?2 AND revoked_at = 0";
    tx.execute(sql, &[now.into(), asset.into()])
}

pub(crate) fn page(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<Token>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id < ").bind(before).push(" ORDER BY id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(token).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>) -> Result<i64> {
    let mut query = Query::new("SELECT COUNT(*) FROM (SELECT id FROM fleet_tokens LIMIT ");
    query.bind(kernel::limits::COUNT_MAX + 1).push(") counted");
    tx.run(&query)?.first().map_or(Ok(0), |row| row.int(0))
}
