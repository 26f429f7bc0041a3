//! Stop orders in SQL.

use kernel::db::Tx;
use kernel::{Result, Time};

use super::Order;

/// The highest epoch; 0 when nobody ever stopped.
pub(crate) fn epoch(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx
        .first("SELECT MAX(epoch) FROM fleet_stops", &[])?
        .map(|row| row.opt_int(0))
        .transpose()?
        .flatten()
        .unwrap_or(0))
}

pub(super) fn current(tx: &mut Tx<'_>) -> Result<Option<Order>> {
    let row = tx.first(
        "SELECT epoch, ordered_at, ordered_by, reason FROM fleet_stops WHERE released_at = 0 ORDER BY epoch DESC LIMIT 1",
        &[],
    )?;
    row.map(|row| Ok(Order { epoch: row.int(0)?, at: row.time(1)?, by: row.text(2)?, reason: row.text(3)? }))
        .transpose()
}

/// The newest order, and whether it still holds.
pub(super) fn newest(tx: &mut Tx<'_>) -> Result<Option<(Order, bool)>> {
    let row = tx.first(
        "SELECT epoch, ordered_at, ordered_by, reason, released_at FROM fleet_stops ORDER BY epoch DESC LIMIT 1",
        &[],
    )?;
    row.map(|row| {
        let order = Order { epoch: row.int(0)?, at: row.time(1)?, by: row.text(2)?, reason: row.text(3)? };
        Ok((order, row.int(4)? == 0))
    })
    .transpose()
}

/// Writes a new order; two at the same time collide on the epoch and one is repeated.
pub(super) fn order(tx: &mut Tx<'_>, by: &str, reason: &str, now: Time) -> Result<i64> {
    let next = epoch(tx)? + 1;
    tx.execute(
        "INSERT INTO fleet_stops (epoch, ordered_at, ordered_by, reason, released_at, released_by) VALUES (?1, ?2, ?3, ?4, 0, '')",
        &[next.into(), now.into(), by.into(), reason.into()],
    )?;
    Ok(next)
}

pub(super) fn release(tx: &mut Tx<'_>, by: &str, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE fleet_stops SET released_at = ?1, released_by = ?2 WHERE released_at = 0",
        &[now.into(), by.into()],
    )?;
    Ok(())
}
