//! Settings in SQL.

use serde_json::Value;

use super::Setting;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::time::Time;

/// A setting as it is kept: addresses that are sealed are not in it.
pub(crate) fn get<T: Setting>(tx: &mut Tx<'_>) -> Result<T> {
    value(tx, T::KEY)?.map_or_else(|| Ok(T::default()), typed)
}

pub(super) fn typed<T: Setting>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::internal("setting-does-not-fit", format!("{}: {error}", T::KEY)))
}

/// The stored value of a setting.
pub(super) fn value(tx: &mut Tx<'_>, key: &str) -> Result<Option<Value>> {
    let row = tx.first("SELECT value FROM kernel_settings WHERE key = ?1", &[key.into()])?;
    row.map(|row| row.json(0)).transpose()
}

/// Keeps the same value as it is shown from now on: that is no change of it.
pub(super) fn put_shown(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<()> {
    tx.execute("UPDATE kernel_settings SET value = ?1 WHERE key = ?2", &[value.into(), key.into()])?;
    Ok(())
}

/// A stored value with its version and who set it when.
pub(super) struct Stored {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) version: i64,
    pub(super) at: Time,
    pub(super) by: String,
}

pub(super) fn all(tx: &mut Tx<'_>) -> Result<Vec<Stored>> {
    let rows = tx.query("SELECT key, value, version, updated_at, updated_by FROM kernel_settings ORDER BY key", &[])?;
    rows.iter()
        .map(|row| {
            Ok(Stored {
                key: row.text(0)?,
                value: row.json(1)?,
                version: row.int(2)?,
                at: row.time(3)?,
                by: row.text(4)?,
            })
        })
        .collect()
}

pub(super) fn put(tx: &mut Tx<'_>, key: &str, value: &str, at: Time, by: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_settings (key, value, version, updated_at, updated_by) VALUES (?1, ?2, 1, ?3, ?4) \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = kernel_settings.version + 1, \
         updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        &[key.into(), value.into(), at.into(), by.into()],
    )?;
    Ok(())
}

pub(super) fn rename(tx: &mut Tx<'_>, old: &str, new: &str) -> Result<()> {
    tx.execute(
        "UPDATE kernel_settings SET key = ?1 WHERE key = ?2 AND NOT EXISTS (SELECT 1 FROM kernel_settings n WHERE n.key = ?1)",
        &[new.into(), old.into()],
    )?;
    Ok(())
}
