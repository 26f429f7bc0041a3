//! Details of older entries in SQL.

use crate::db::Tx;
use crate::error::Result;

/// A detail and what it belongs to.
pub(super) struct Detail {
    pub(super) id: i64,
    pub(super) operation: String,
    /// The digest of what stands there.
    pub(super) digest: String,
    pub(super) detail: String,
}

/// For which declarations entries were looked through, and how far; -1 to the end.
pub(super) fn progress(tx: &mut Tx<'_>) -> Result<(i64, i64)> {
    let mut counter = |name: &str| tx.one("SELECT value FROM kernel_counters WHERE name = ?1", &[name.into()])?.int(0);
    Ok((counter("audit_blank_rules")?, counter("audit_blank_from")?))
}

pub(super) fn set_progress(tx: &mut Tx<'_>, rules: i64, from: i64) -> Result<()> {
    for (name, value) in [("audit_blank_rules", rules), ("audit_blank_from", from)] {
        tx.execute("UPDATE kernel_counters SET value = ?1 WHERE name = ?2", &[value.into(), name.into()])?;
    }
    Ok(())
}

pub(super) fn after(tx: &mut Tx<'_>, from: i64, rows: i64) -> Result<Vec<Detail>> {
    let sql = "SELECT d.audit_id, a.operation, a.digest, d.blanked, d.detail FROM kernel_audit_details d \
               JOIN kernel_audit a ON a.id = d.audit_id WHERE d.audit_id > ?1 ORDER BY d.audit_id LIMIT ?2";
    tx.query(sql, &[from.into(), rows.into()])?
        .iter()
        .map(|row| {
            let digest = if row.str(3)?.is_empty() { row.text(2)? } else { row.text(3)? };
            Ok(Detail { id: row.int(0)?, operation: row.text(1)?, digest, detail: row.text(4)? })
        })
        .collect()
}

pub(super) fn put(tx: &mut Tx<'_>, id: i64, detail: &str, digest: &str) -> Result<()> {
    tx.execute(
        "UPDATE kernel_audit_details SET detail = ?1, blanked = ?2 WHERE audit_id = ?3",
        &[detail.into(), digest.into(), id.into()],
    )?;
    Ok(())
}

/// Number, operation, input and detail of the latest calls that were held.
pub(super) fn held_inputs(tx: &mut Tx<'_>) -> Result<Vec<(i64, String, String, String)>> {
    let sql =
        "SELECT id, operation, input, detail FROM kernel_approvals WHERE operation <> '' ORDER BY id DESC LIMIT 5000";
    let rows = tx.query(sql, &[])?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?, row.text(2)?, row.text(3)?))).collect()
}

pub(super) fn put_held(tx: &mut Tx<'_>, id: i64, input: &str, detail: &str) -> Result<()> {
    tx.execute(
        "UPDATE kernel_approvals SET input = ?1, detail = ?2 WHERE id = ?3",
        &[input.into(), detail.into(), id.into()],
    )?;
    Ok(())
}
