//! When this server listened, in SQL.

use kernel::db::Tx;
use kernel::{Result, Time};

/// Most times that are read: far more than a server starts anew while anybody still asks.
const ROWS_MAX: i64 = 200;

/// The newest times, oldest first: from, to.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<(Time, Time)>> {
    let rows =
        tx.query("SELECT from_at, to_at FROM monitor_listening ORDER BY from_at DESC LIMIT ?1", &[ROWS_MAX.into()])?;
    rows.iter().rev().map(|row| Ok((row.time(0)?, row.time(1)?))).collect()
}

/// Keeps how far a time goes.
pub(crate) fn put(tx: &mut Tx<'_>, from: Time, to: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO monitor_listening (from_at, to_at) VALUES (?1, ?2) ON CONFLICT (from_at) DO UPDATE SET to_at = ?2",
        &[from.into(), to.into()],
    )?;
    Ok(())
}

/// Forgets what nobody asks for any more.
pub(crate) fn forget(tx: &mut Tx<'_>, before: Time) -> Result<()> {
    tx.execute("DELETE FROM monitor_listening WHERE to_at < ?1", &[before.into()])?;
    Ok(())
}
