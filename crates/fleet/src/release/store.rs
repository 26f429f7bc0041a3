//! Releases in SQL.

use agent_proto::{Release, Signature, SignedRelease};
use kernel::db::{Query, Row, Tx};
use kernel::{Error, Result, Time};

use super::Stored;

const COLUMNS: &str = "SELECT id, version, target, size_bytes, sha256, downgrade, public_key, signature, imported_at, imported_by, \
                       withdrawn_at FROM fleet_releases";

fn stored(row: &Row) -> Result<Stored> {
    let wrong = |what: &'static str| move |_: Vec<u8>| Error::internal("release-row", what);
    let release = Release {
        version: row.text(1)?,
        target: row.text(2)?,
        size_bytes: row.int(3)?.unsigned_abs(),
        sha256: row.bytes(4)?.try_into().map_err(wrong("sha256"))?,
        downgrade: row.bool(5)?,
    };
    let public_key = row.bytes(6)?.try_into().map_err(wrong("public_key"))?;
    let signature = Signature(row.bytes(7)?.try_into().map_err(wrong("signature"))?);
    Ok(Stored {
        id: row.int(0)?,
        signed: SignedRelease { release, public_key, signature },
        imported_at: row.time(8)?,
        imported_by: row.text(9)?,
        withdrawn_at: row.time(10)?,
    })
}

pub(super) fn insert(tx: &mut Tx<'_>, signed: &SignedRelease, by: &str, now: Time) -> Result<i64> {
    let release = &signed.release;
    tx.insert(
        "INSERT INTO fleet_releases (version, target, size_bytes, sha256, downgrade, public_key, signature, imported_at, \
         imported_by, withdrawn_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0) RETURNING id",
        &[
            (&release.version).into(),
            (&release.target).into(),
            i64::try_from(release.size_bytes).unwrap_or(i64::MAX).into(),
            release.sha256.as_slice().into(),
            release.downgrade.into(),
            signed.public_key.as_slice().into(),
            signed.signature.0.as_slice().into(),
            now.into(),
            by.into(),
        ],
    )
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64) -> Result<Option<Stored>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(stored).transpose()
}

/// One program may be signed more than once: under another key, or as a downgrade.
pub(super) fn by_signature(tx: &mut Tx<'_>, signature: &Signature) -> Result<Option<Stored>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE signature = ").bind(signature.0.as_slice());
    tx.run(&query)?.first().map(stored).transpose()
}

pub(super) fn page(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<Stored>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id < ").bind(before).push(" ORDER BY id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(stored).collect()
}

pub(super) fn count(tx: &mut Tx<'_>) -> Result<i64> {
    tx.count(&Query::new("SELECT id FROM fleet_releases").counted(kernel::limits::COUNT_MAX + 1))
}

/// A release that was withdrawn is there again.
pub(super) fn restore(tx: &mut Tx<'_>, id: i64, by: &str, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE fleet_releases SET withdrawn_at = 0, imported_at = ?1, imported_by = ?2 WHERE id = ?3",
        &[now.into(), by.into(), id.into()],
    )?;
    Ok(())
}

pub(super) fn withdraw(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<()> {
    tx.execute("UPDATE fleet_releases SET withdrawn_at = ?1 WHERE id = ?2", &[now.into(), id.into()])?;
    Ok(())
}
