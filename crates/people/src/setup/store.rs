//! The setup secret in SQL.

use kernel::db::Tx;
use kernel::{Result, Time};

pub(super) fn put(tx: &mut Tx<'_>, hash: &str, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO people_setup (id, secret_hash, issued_at) VALUES (1, ?1, ?2) \
         ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, issued_at = excluded.issued_at, used_at = NULL",
        &[hash.into(), now.into()],
    )?;
    Ok(())
}

/// The hash of the secret that was not used yet.
pub(super) fn waiting(tx: &mut Tx<'_>) -> Result<Option<String>> {
    let row = tx.first("SELECT secret_hash FROM people_setup WHERE id = 1 AND used_at IS NULL", &[])?;
    row.map(|row| row.text(0)).transpose()
}

pub(super) fn used(tx: &mut Tx<'_>, now: Time) -> Result<()> {
    tx.execute("UPDATE people_setup SET used_at = ?1 WHERE id = 1", &[now.into()])?;
    Ok(())
}
