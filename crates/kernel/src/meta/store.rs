//! Counters and flags of the database in SQL.

use crate::db::Tx;
use crate::error::Result;

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
