//! Settings in SQL.

use serde_json::Value;

use super::Setting;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::time::Time;

pub(crate) fn get<T: Setting>(tx: &mut Tx<'_>) -> Result<T> {
    match raw(tx, T::KEY)? {
        None => Ok(T::default()),
        Some((text, _)) => serde_json::from_str(&text)
            .map_err(|error| Error::internal("setting-does-not-fit", format!("{}: {error}", T::KEY))),
    }
}

/// The stored text and version of a setting.
fn raw(tx: &mut Tx<'_>, key: &str) -> Result<Option<(String, i64)>> {
    let row = tx.first("SELECT value, version FROM kernel_settings WHERE key = ?1", &[key.into()])?;
    row.map(|row| Ok((row.text(0)?, row.int(1)?))).transpose()
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
