//! What was heard of jobs, in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Tx};
use kernel::{Result, Time};

use crate::heartbeat::Beat;

pub(crate) fn insert(tx: &mut Tx<'_>, check: i64, hash: &str, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO monitor_heartbeats (check_id, secret_hash, made_at, started_at, ended_at, exit_code, took_us, note, open_since) \
         VALUES (?1, ?2, ?3, 0, 0, 0, NULL, '', 0)",
        &[check.into(), hash.into(), now.into()],
    )?;
    Ok(())
}

pub(crate) fn delete(tx: &mut Tx<'_>, check: i64) -> Result<()> {
    tx.execute("DELETE FROM monitor_heartbeats WHERE check_id = ?1", &[check.into()])?;
    Ok(())
}

/// The check that is heard at an address.
pub(crate) fn by_hash(tx: &mut Tx<'_>, hash: &str) -> Result<Option<i64>> {
    let rows = tx.query("SELECT check_id FROM monitor_heartbeats WHERE secret_hash = ?1", &[hash.into()])?;
    rows.first().map(|row| row.int(0)).transpose()
}

/// A run began. One before it that never said its end is not forgotten.
pub(crate) fn started(tx: &mut Tx<'_>, check: i64, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_heartbeats SET started_at = ?1, open_since = CASE WHEN open_since = 0 THEN ?1 ELSE open_since END \
         WHERE check_id = ?2",
        &[now.into(), check.into()],
    )?;
    Ok(())
}

/// A run ended.
pub(crate) fn ended(
    tx: &mut Tx<'_>,
    check: i64,
    now: Time,
    exit_code: i64,
    took_us: Option<i64>,
    note: &str,
) -> Result<()> {
    tx.execute(
        "UPDATE monitor_heartbeats SET ended_at = ?1, exit_code = ?2, took_us = ?3, note = ?4, open_since = 0 WHERE check_id = ?5",
        &[now.into(), exit_code.into(), took_us.into(), note.into(), check.into()],
    )?;
    Ok(())
}

/// What was heard of these checks' jobs.
pub(crate) fn of(tx: &mut Tx<'_>, checks: &[i64]) -> Result<BTreeMap<i64, Beat>> {
    let mut query = Query::new(
        "SELECT check_id, made_at, started_at, ended_at, exit_code, took_us, note, open_since FROM monitor_heartbeats WHERE check_id IN ",
    );
    query.list(checks);
    let mut found = BTreeMap::new();
    for row in tx.run(&query)? {
        let beat = Beat {
            made_at: row.time(1)?,
            started_at: row.time(2)?,
            ended_at: row.time(3)?,
            exit_code: row.int(4)?,
            took_us: row.opt_int(5)?,
            note: row.text(6)?,
            open_since: row.time(7)?,
        };
        found.insert(row.int(0)?, beat);
    }
    Ok(found)
}
