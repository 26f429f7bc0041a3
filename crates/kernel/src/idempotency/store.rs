//! Idempotency keys in SQL.

use crate::db::Tx;
use crate::error::Result;
use crate::time::Time;

pub(super) fn find(tx: &mut Tx<'_>, actor: &str, key: &str, now: Time) -> Result<Option<(String, String)>> {
    let row = tx.first(
        "SELECT digest, output FROM kernel_idempotency WHERE actor = ?1 AND key = ?2 AND expires_at > ?3",
        &[actor.into(), key.into(), now.into()],
    )?;
    row.map(|row| Ok((row.text(0)?, row.text(1)?))).transpose()
}

pub(super) fn put(tx: &mut Tx<'_>, actor: &str, key: &str, digest: &str, output: &str, expires_at: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_idempotency (actor, key, digest, output, expires_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (actor, key) DO UPDATE SET digest = excluded.digest, output = excluded.output, expires_at = excluded.expires_at",
        &[actor.into(), key.into(), digest.into(), output.into(), expires_at.into()],
    )?;
    Ok(())
}

pub(super) fn delete_before(tx: &mut Tx<'_>, now: Time) -> Result<u64> {
    tx.execute("DELETE FROM kernel_idempotency WHERE expires_at <= ?1", &[now.into()])
}
