//! Who needs which blob, in SQL.

use super::Blob;
use crate::db::Tx;
use crate::error::Result;
use crate::reference::Ref;
use crate::time::Time;

pub(super) fn keep(tx: &mut Tx<'_>, blob: &Blob, owner: &Ref, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_blobs (hash, kind, ref_id, size_bytes, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hash, kind, ref_id) DO NOTHING",
        &[
            (&blob.hash).into(),
            owner.kind.as_ref().into(),
            owner.id.into(),
            i64::try_from(blob.size_bytes).unwrap_or(i64::MAX).into(),
            now.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn release(tx: &mut Tx<'_>, hash: &str, owner: &Ref) -> Result<()> {
    tx.execute(
        "DELETE FROM kernel_blobs WHERE hash = ?1 AND kind = ?2 AND ref_id = ?3",
        &[hash.into(), owner.kind.as_ref().into(), owner.id.into()],
    )?;
    Ok(())
}

pub(super) fn of(tx: &mut Tx<'_>, owner: &Ref) -> Result<Vec<Blob>> {
    let rows = tx.query(
        "SELECT hash, size_bytes FROM kernel_blobs WHERE kind = ?1 AND ref_id = ?2 ORDER BY at, hash LIMIT 500",
        &[owner.kind.as_ref().into(), owner.id.into()],
    )?;
    rows.iter().map(|row| Ok(Blob { hash: row.text(0)?, size_bytes: row.int(1)?.unsigned_abs() })).collect()
}

pub(super) fn needed(tx: &mut Tx<'_>, hash: &str) -> Result<bool> {
    Ok(tx.first("SELECT hash FROM kernel_blobs WHERE hash = ?1 LIMIT 1", &[hash.into()])?.is_some())
}
