//! Clean-up in SQL: each step deletes a bounded number of rows and answers how many.

use crate::db::Tx;
use crate::error::Result;
use crate::limits;
use crate::time::Time;

/// Events that are old, numbered and read by every subscriber.
pub(super) fn events(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let row = tx.one(
        "SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM kernel_events WHERE at < ?1 AND position > 0 AND position <= \
         (SELECT COALESCE(MIN(position), 9223372036854775807) FROM kernel_subscriptions) ORDER BY at, id LIMIT ?2) AS old",
        &[before.into(), limits::CLEAN_ROWS.into()],
    )?;
    let last = row.int(0)?;
    if last == 0 {
        return Ok(0);
    }
    tx.execute(
        "DELETE FROM kernel_event_subjects WHERE event_id IN (SELECT id FROM kernel_events WHERE id <= ?1 AND at < ?2 AND position > 0)",
        &[last.into(), before.into()],
    )?;
    tx.execute("DELETE FROM kernel_events WHERE id <= ?1 AND at < ?2 AND position > 0", &[last.into(), before.into()])
}

pub(super) fn notifications(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let rows = tx.query(
        "SELECT id FROM kernel_notifications WHERE at < ?1 AND state <> 'waiting' ORDER BY id LIMIT ?2",
        &[before.into(), limits::CLEAN_ROWS.into()],
    )?;
    for row in &rows {
        tx.execute("DELETE FROM kernel_deliveries WHERE notification_id = ?1", &[row.int(0)?.into()])?;
        tx.execute("DELETE FROM kernel_notifications WHERE id = ?1", &[row.int(0)?.into()])?;
    }
    Ok(rows.len() as u64)
}

/// Details of sealed entries; the mark moves first, so that verification knows from where on they must be there.
pub(super) fn audit_details(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let row =
        tx.one("SELECT COALESCE(MAX(last_id), 0) FROM kernel_audit_seals WHERE sealed_at < ?1", &[before.into()])?;
    let sealed = row.int(0)?;
    let row = tx.one(
        "SELECT COALESCE(MAX(audit_id), 0) FROM (SELECT audit_id FROM kernel_audit_details WHERE audit_id <= ?1 ORDER BY audit_id LIMIT ?2) AS old",
        &[sealed.into(), limits::CLEAN_ROWS.into()],
    )?;
    let last = row.int(0)?;
    if last == 0 {
        return Ok(0);
    }
    tx.execute(
        "UPDATE kernel_counters SET value = ?1 WHERE name = 'audit_details_from' AND value <= ?2",
        &[(last + 1).into(), last.into()],
    )?;
    tx.execute("DELETE FROM kernel_audit_details WHERE audit_id <= ?1", &[last.into()])
}

/// The oldest seal with its entries; verification then starts at the next seal.
pub(super) fn audit(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let row = tx.first(
        "SELECT id, last_id FROM kernel_audit_seals WHERE sealed_at < ?1 ORDER BY id LIMIT 1",
        &[before.into()],
    )?;
    let Some(row) = row else { return Ok(0) };
    let (seal, last) = (row.int(0)?, row.int(1)?);
    tx.execute("DELETE FROM kernel_audit_details WHERE audit_id <= ?1", &[last.into()])?;
    tx.execute("DELETE FROM kernel_audit_subjects WHERE audit_id <= ?1", &[last.into()])?;
    tx.execute("DELETE FROM kernel_audit WHERE id <= ?1", &[last.into()])?;
    tx.execute("DELETE FROM kernel_audit_seals WHERE id = ?1", &[seal.into()])
}
