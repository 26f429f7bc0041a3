//! Sealed secrets in SQL.

use super::Sealed;
use crate::db::Tx;
use crate::error::Result;
use crate::time::Time;

pub(super) fn put(tx: &mut Tx<'_>, name: &str, sealed: &Sealed, at: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_secrets (name, key_id, nonce, sealed, updated_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, updated_at = excluded.updated_at",
        &[name.into(), (&sealed.key).into(), sealed.nonce.as_slice().into(), sealed.bytes.as_slice().into(), at.into()],
    )?;
    Ok(())
}

pub(super) fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<Sealed>> {
    let row = tx.first("SELECT key_id, nonce, sealed FROM kernel_secrets WHERE name = ?1", &[name.into()])?;
    row.map(|row| Ok(Sealed { key: row.text(0)?, nonce: row.bytes(1)?, bytes: row.bytes(2)? })).transpose()
}

pub(super) fn delete(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.execute("DELETE FROM kernel_secrets WHERE name = ?1", &[name.into()])?;
    Ok(())
}

/// True when something is sealed.
pub(crate) fn any(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.first("SELECT name FROM kernel_secrets LIMIT 1", &[])?.is_some())
}

pub(super) fn sealed_with_other(tx: &mut Tx<'_>, key_id: &str) -> Result<Vec<String>> {
    tx.query("SELECT name FROM kernel_secrets WHERE key_id <> ?1 ORDER BY name", &[key_id.into()])?
        .iter()
        .map(|row| row.text(0))
        .collect()
}
