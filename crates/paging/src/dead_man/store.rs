//! The last calls of the dead-man's switch in SQL.

use std::collections::BTreeMap;

use kernel::db::Tx;
use kernel::{Result, Time};

pub(crate) fn put(tx: &mut Tx<'_>, url: &str, at: Time, ok: bool, answer: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO paging_beats (url, at, ok, answer) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (url) DO UPDATE SET at = excluded.at, \
         ok = excluded.ok, answer = excluded.answer",
        &[url.into(), at.into(), ok.into(), kernel::text::shorten(answer, 200).into()],
    )?;
    Ok(())
}

/// The last call of every address.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<BTreeMap<String, (Time, bool, String)>> {
    let rows = tx.query("SELECT url, at, ok, answer FROM paging_beats ORDER BY url LIMIT 50", &[])?;
    rows.iter().map(|row| Ok((row.text(0)?, (row.time(1)?, row.bool(2)?, row.text(3)?)))).collect()
}
