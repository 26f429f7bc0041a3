//! Clean-up in SQL: each step deletes a bounded number of rows and answers how many.

use crate::db::Tx;
use crate::error::Result;
use crate::limits;
use crate::reference::Ref;
use crate::time::Time;

/// The oldest events as far as they are past their time, numbered and read by every subscriber.
const OLDEST_EVENTS: &str = "SELECT id, at, position, subjects FROM kernel_events ORDER BY id LIMIT ?1";
const EVENT_SUBJECT: &str = "DELETE FROM kernel_event_subjects WHERE kind = ?1 AND ref_id = ?2 AND event_id = ?3";
const EVENT: &str = "DELETE FROM kernel_events WHERE id = ?1";

/// Walks from the lowest number and stops at the first event that must stay. An event names its subjects, so that their
/// rows are found by key.
pub(super) fn events(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let read = "SELECT COALESCE(MIN(position), 9223372036854775807) FROM kernel_subscriptions";
    let read = tx.one(read, &[])?.int(0)?;
    let mut gone = 0;
    for row in tx.query(OLDEST_EVENTS, &[limits::CLEAN_EVENTS.into()])? {
        let (id, position) = (row.int(0)?, row.int(2)?);
        if row.time(1)? >= before || position == 0 || position > read {
            break;
        }
        for subject in row.str(3)?.split(' ').filter_map(|text| text.parse::<Ref>().ok()) {
            tx.execute(EVENT_SUBJECT, &[subject.kind.as_ref().into(), subject.id.into(), id.into()])?;
        }
        gone += tx.execute(EVENT, &[id.into()])?;
    }
    Ok(gone)
}

pub(super) fn notifications(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let rows = tx.query(
        "SELECT id FROM kernel_notifications WHERE at < ?1 AND state <> 'waiting' ORDER BY at, id LIMIT ?2",
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
    let Some(row) = tx.first(LAST_OLD_SEAL, &[before.into()])? else { return Ok(0) };
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

const LAST_OLD_SEAL: &str =
    "SELECT last_id FROM kernel_audit_seals WHERE sealed_at < ?1 ORDER BY sealed_at DESC, id DESC LIMIT 1";
const AUDIT_SUBJECTS: &str =
    "SELECT audit_id, kind, ref_id FROM kernel_audit_subjects WHERE audit_id <= ?1 ORDER BY audit_id LIMIT ?2";

/// What belongs to the entries under the oldest seal, step by step; then the seal with its entries, which are at most
/// [`limits::SEAL_ENTRIES`] and go at once, so that verification starts at the next seal.
pub(super) fn audit(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let row = tx.first("SELECT id, last_id, sealed_at FROM kernel_audit_seals ORDER BY id LIMIT 1", &[])?;
    let Some(row) = row else { return Ok(0) };
    let (seal, last) = (row.int(0)?, row.int(1)?);
    if row.time(2)? >= before {
        return Ok(0);
    }
    let subjects = tx.query(AUDIT_SUBJECTS, &[last.into(), limits::CLEAN_ROWS.into()])?;
    for row in &subjects {
        tx.execute(
            "DELETE FROM kernel_audit_subjects WHERE kind = ?1 AND ref_id = ?2 AND audit_id = ?3",
            &[row.str(1)?.into(), row.int(2)?.into(), row.int(0)?.into()],
        )?;
    }
    if !subjects.is_empty() {
        return Ok(subjects.len() as u64);
    }
    tx.execute("DELETE FROM kernel_audit_details WHERE audit_id <= ?1", &[last.into()])?;
    tx.execute("DELETE FROM kernel_audit WHERE id <= ?1", &[last.into()])?;
    tx.execute("DELETE FROM kernel_audit_seals WHERE id = ?1", &[seal.into()])
}

/// Approvals that were asked for long ago; one that waits expires and does not grow old.
pub(super) fn approvals(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let rows = tx.query(
        "SELECT id, requested_at, state FROM kernel_approvals ORDER BY id LIMIT ?1",
        &[limits::CLEAN_ROWS.into()],
    )?;
    let mut gone = 0;
    for row in &rows {
        if row.time(1)? >= before || row.str(2)? == "pending" {
            break;
        }
        gone += tx.execute("DELETE FROM kernel_approvals WHERE id = ?1", &[row.int(0)?.into()])?;
    }
    Ok(gone)
}

/// The statements above that touch large tables, for a test of their plans.
#[cfg(test)]
pub(super) const OF_LARGE_TABLES: [&str; 5] = [OLDEST_EVENTS, EVENT_SUBJECT, EVENT, LAST_OLD_SEAL, AUDIT_SUBJECTS];
