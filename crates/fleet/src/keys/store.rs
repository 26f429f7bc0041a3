//! Certificates in SQL.

use kernel::db::Tx;
use kernel::time::DAY;
use kernel::{Result, Time};

pub(super) struct Row {
    pub(super) der: Vec<u8>,
    pub(super) names: String,
    pub(super) not_after: Time,
}

pub(super) fn newest(tx: &mut Tx<'_>, role: &str) -> Result<Option<Row>> {
    let row = tx.first(
        "SELECT der, names, not_after FROM fleet_certificates WHERE role = ?1 ORDER BY id DESC LIMIT 1",
        &[role.into()],
    )?;
    row.map(|row| Ok(Row { der: row.bytes(0)?, names: row.text(1)?, not_after: row.time(2)? })).transpose()
}

pub(super) fn insert(tx: &mut Tx<'_>, role: &str, der: &[u8], names: &str, days: i64, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO fleet_certificates (role, der, names, not_after, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[role.into(), der.into(), names.into(), now.plus(days * DAY).into(), now.into()],
    )?;
    Ok(())
}
