//! Seals in SQL.

use crate::db::{Query, Row, Tx};
use crate::error::Result;
use crate::text::sha256_hex;
use crate::time::Time;

/// A seal over a range of entries.
pub(super) struct Seal {
    pub(super) id: i64,
    pub(super) first_id: i64,
    pub(super) last_id: i64,
    pub(super) entries: usize,
    pub(super) digest: String,
    pub(super) previous: String,
}

/// An entry as it goes into a digest.
pub(super) struct Sealable {
    pub(super) id: i64,
    pub(super) operation: String,
    pub(super) line: String,
}

const ENTRIES: &str =
    "SELECT id, at, actor, operation, via, outcome, subject_kind, subject_id, digest FROM kernel_audit WHERE id ";
const SEALS: &str = "SELECT id, first_id, last_id, entries, digest, previous FROM kernel_audit_seals";

fn sealable_row(row: &Row) -> Result<Sealable> {
    let line = format!(
        "{}|{}|{}|{}|{}|{}|{}|{}|{}",
        row.int(0)?,
        row.int(1)?,
        row.str(2)?,
        row.str(3)?,
        row.str(4)?,
        row.str(5)?,
        row.str(6)?,
        row.int(7)?,
        row.str(8)?
    );
    Ok(Sealable { id: row.int(0)?, operation: row.text(3)?, line })
}

fn seal_row(row: &Row) -> Result<Seal> {
    Ok(Seal {
        id: row.int(0)?,
        first_id: row.int(1)?,
        last_id: row.int(2)?,
        entries: usize::try_from(row.int(3)?).unwrap_or(0),
        digest: row.text(4)?,
        previous: row.text(5)?,
    })
}

/// Entries after one that are old enough; none beyond the first that is too young.
pub(super) fn sealable(tx: &mut Tx<'_>, after: i64, until: Time, limit: usize) -> Result<Vec<Sealable>> {
    let mut query = Query::new(ENTRIES);
    query.push("> ").bind(after).push(" ORDER BY id LIMIT ").bind(limit);
    let rows = tx.run(&query)?;
    let mut old = Vec::new();
    for row in &rows {
        if row.time(1)? > until {
            break;
        }
        old.push(sealable_row(row)?);
    }
    Ok(old)
}

pub(super) fn in_range(tx: &mut Tx<'_>, first: i64, last: i64) -> Result<Vec<Sealable>> {
    let mut query = Query::new(ENTRIES);
    query.push(">= ").bind(first).push(" AND id <= ").bind(last).push(" ORDER BY id");
    tx.run(&query)?.iter().map(sealable_row).collect()
}

pub(super) fn put_seal(tx: &mut Tx<'_>, seal: &Seal, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO kernel_audit_seals (first_id, last_id, entries, sealed_at, digest, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        &[
            seal.first_id.into(),
            seal.last_id.into(),
            seal.entries.into(),
            now.into(),
            (&seal.digest).into(),
            (&seal.previous).into(),
        ],
    )
}

pub(super) fn last_seal(tx: &mut Tx<'_>) -> Result<Option<Seal>> {
    let mut query = Query::new(SEALS);
    query.push(" ORDER BY id DESC LIMIT 1");
    tx.run(&query)?.first().map(seal_row).transpose()
}

pub(super) fn seal(tx: &mut Tx<'_>, id: i64) -> Result<Option<Seal>> {
    let mut query = Query::new(SEALS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(seal_row).transpose()
}

pub(super) fn seals_after(tx: &mut Tx<'_>, id: i64, limit: usize) -> Result<Vec<Seal>> {
    let mut query = Query::new(SEALS);
    query.push(" WHERE id > ").bind(id).push(" ORDER BY id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(seal_row).collect()
}

pub(super) fn any_between(tx: &mut Tx<'_>, after: i64, before: i64) -> Result<bool> {
    let row =
        tx.first("SELECT id FROM kernel_audit WHERE id > ?1 AND id < ?2 LIMIT 1", &[after.into(), before.into()])?;
    Ok(row.is_some())
}

pub(super) fn count_after(tx: &mut Tx<'_>, id: i64) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM kernel_audit WHERE id > ?1", &[id.into()])?.int(0)
}

/// From which entry on the details must still be there.
pub(super) fn details_from(tx: &mut Tx<'_>) -> Result<i64> {
    tx.one("SELECT value FROM kernel_counters WHERE name = 'audit_details_from'", &[])?.int(0)
}

/// The details of an entry.
pub(super) struct Details {
    pub(super) id: i64,
    /// The digest that is sealed.
    pub(super) digest: String,
    /// The digest of what stands there; nothing when they are gone.
    pub(super) stands: Option<String>,
    /// The digest of what was left when words were taken out; empty when none were.
    pub(super) blanked: String,
}

pub(super) fn details(tx: &mut Tx<'_>, first: i64, last: i64) -> Result<Vec<Details>> {
    let rows = tx.query(
        "SELECT a.id, a.digest, d.detail, d.blanked FROM kernel_audit a LEFT JOIN kernel_audit_details d ON d.audit_id = a.id \
         WHERE a.id >= ?1 AND a.id <= ?2 ORDER BY a.id",
        &[first.into(), last.into()],
    )?;
    rows.iter()
        .map(|row| {
            let stands = row.opt_text(2)?.map(|detail| sha256_hex(detail.as_bytes()));
            let blanked = row.opt_text(3)?.unwrap_or_default();
            Ok(Details { id: row.int(0)?, digest: row.text(1)?, stands, blanked })
        })
        .collect()
}
