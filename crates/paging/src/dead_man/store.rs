//! The last calls of the dead-man's switch in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Tx};
use kernel::{Result, Time};

/// What an address is known by: it is a secret, and no row holds it.
pub(crate) fn key(url: &str) -> String {
    kernel::text::sha256_hex(url.as_bytes())
}

pub(crate) fn put(tx: &mut Tx<'_>, url: &str, at: Time, ok: bool, answer: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO paging_beats (url_hash, at, ok, answer) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (url_hash) DO UPDATE SET at = excluded.at, \
         ok = excluded.ok, answer = excluded.answer",
        &[key(url).into(), at.into(), ok.into(), kernel::text::shorten(answer, 200).into()],
    )?;
    Ok(())
}

/// Forgets addresses by their keys.
pub(crate) fn drop_keys(tx: &mut Tx<'_>, keys: &[String]) -> Result<()> {
    let mut query = Query::new("DELETE FROM paging_beats WHERE url_hash IN ");
    query.list(keys);
    tx.run_change(&query).map(drop)
}

/// The last call of every address, by key.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<BTreeMap<String, (Time, bool, String)>> {
    let rows =
        tx.query("SELECT url_hash, at, ok, answer FROM paging_beats ORDER BY at DESC, url_hash LIMIT 50", &[])?;
    rows.iter().map(|row| Ok((row.text(0)?, (row.time(1)?, row.bool(2)?, row.text(3)?)))).collect()
}
