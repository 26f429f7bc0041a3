//! Deleting what is older than its retention, a slice at a time.

use kernel::db::Tx;
use kernel::{Result, Time};

/// Deletes at most `limit` rows of each table; answers how many went.
pub(crate) fn slice(tx: &mut Tx<'_>, transitions: Time, history: Time, limit: i64) -> Result<u64> {
    let mut gone = tx.execute(
        "DELETE FROM monitor_transitions WHERE id IN (SELECT id FROM monitor_transitions WHERE at < ?1 ORDER BY at LIMIT ?2)",
        &[transitions.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_gaps WHERE id IN (SELECT id FROM monitor_gaps WHERE reported_at < ?1 ORDER BY reported_at LIMIT ?2)",
        &[transitions.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_silences WHERE id IN (SELECT id FROM monitor_silences WHERE until_at < ?1 ORDER BY until_at LIMIT ?2)",
        &[history.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_windows WHERE id IN (SELECT id FROM monitor_windows WHERE over_at < ?1 ORDER BY over_at LIMIT ?2)",
        &[history.into(), limit.into()],
    )?;
    tx.execute(
        "DELETE FROM monitor_group_alerts WHERE group_id IN \
         (SELECT id FROM monitor_groups WHERE ended_at > 0 AND ended_at < ?1 ORDER BY ended_at LIMIT ?2)",
        &[history.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_groups WHERE id IN \
         (SELECT id FROM monitor_groups WHERE ended_at > 0 AND ended_at < ?1 ORDER BY ended_at LIMIT ?2)",
        &[history.into(), limit.into()],
    )?;
    Ok(gone)
}
