//! Counters and flags of the database in SQL.

use super::Backlog;
use crate::db::{Tx, Value};
use crate::error::Result;
use crate::time::Time;

fn counter(tx: &mut Tx<'_>, name: &str) -> Result<i64> {
    tx.one("SELECT value FROM kernel_counters WHERE name = ?1", &[name.into()])?.int(0)
}

pub(crate) fn held(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(counter(tx, "held")? != 0)
}

pub(crate) fn set_held(tx: &mut Tx<'_>, held: bool) -> Result<()> {
    tx.execute("UPDATE kernel_counters SET value = ?1 WHERE name = 'held'", &[held.into()])?;
    Ok(())
}

pub(super) fn epoch(tx: &mut Tx<'_>) -> Result<i64> {
    counter(tx, "epoch")
}

pub(super) fn bump_epoch(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE kernel_counters SET value = value + 1 WHERE name = 'epoch'", &[])?;
    Ok(())
}

/// Jobs that a worker holds wait for nothing, unless their worker is gone.
pub(super) fn backlog(tx: &mut Tx<'_>, now: Time) -> Result<Backlog> {
    let behind = "SELECT CAST(COALESCE(MAX(c.value - s.position), 0) AS BIGINT) FROM kernel_subscriptions s \
                  JOIN kernel_counters c ON c.name = 'event_position'";
    let mut count = |sql: &'static str, values: &[Value]| tx.one(sql, values)?.int(0);
    Ok(Backlog {
        events: count(behind, &[])? + count("SELECT COUNT(*) FROM kernel_events WHERE position = 0", &[])?,
        jobs: count("SELECT COUNT(*) FROM kernel_jobs WHERE lease_until <= ?1", &[now.into()])?,
        jobs_due: count("SELECT COUNT(*) FROM kernel_jobs WHERE run_at <= ?1 AND lease_until <= ?1", &[now.into()])?,
        dead_letters: count("SELECT COUNT(*) FROM kernel_dead_letters", &[])?,
    })
}
