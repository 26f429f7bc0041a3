//! Signs of identity in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Tx};
use kernel::{Result, Time};

use super::{Candidate, Sign};

/// The things that share a sign, each with all its signs.
pub(crate) fn candidates(tx: &mut Tx<'_>, signs: &[Sign]) -> Result<Vec<Candidate>> {
    if signs.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::new(
        "SELECT e.asset_id, e.kind, e.value FROM assets_evidence e WHERE e.asset_id IN (SELECT s.asset_id FROM assets_evidence s WHERE ",
    );
    for (index, sign) in signs.iter().enumerate() {
        query.push(if index == 0 { "(s.kind = " } else { " OR (s.kind = " });
        query.bind(sign.kind).push(" AND s.value = ").bind(sign.value.as_str()).push(")");
    }
    query.push(") ORDER BY e.asset_id, e.kind, e.value LIMIT 2000");
    let mut found: BTreeMap<i64, Vec<(String, String)>> = BTreeMap::new();
    for row in tx.run(&query)? {
        found.entry(row.int(0)?).or_default().push((row.text(1)?, row.text(2)?));
    }
    Ok(found.into_iter().map(|(asset, signs)| Candidate { asset, signs }).collect())
}

pub(crate) fn put(tx: &mut Tx<'_>, asset: i64, sign: &Sign, weight: i64, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO assets_evidence (kind, value, asset_id, weight, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (kind, value, asset_id) DO UPDATE SET last_seen_at = excluded.last_seen_at",
        &[sign.kind.into(), sign.value.as_str().into(), asset.into(), weight.into(), now.into(), now.into()],
    )?;
    Ok(())
}

/// Leaves only so many signs of one kind to a thing: those that were seen last.
pub(crate) fn forget_older(tx: &mut Tx<'_>, asset: i64, kind: &str, keep: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM assets_evidence WHERE asset_id = ?1 AND kind = ?2 AND value NOT IN \
         (SELECT n.value FROM assets_evidence n WHERE n.asset_id = ?1 AND n.kind = ?2 ORDER BY n.last_seen_at DESC, n.value LIMIT ?3)",
        &[asset.into(), kind.into(), keep.into()],
    )?;
    Ok(())
}

/// The values of a thing's signs, for search; the agent's key is not for people.
pub(crate) fn values(tx: &mut Tx<'_>, asset: i64) -> Result<Vec<String>> {
    let sql =
        "SELECT value FROM assets_evidence WHERE asset_id = ?1 AND kind <> 'agent_key' ORDER BY kind, value LIMIT 40";
    tx.query(sql, &[asset.into()])?.iter().map(|row| row.text(0)).collect()
}
