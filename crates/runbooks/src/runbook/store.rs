//! Runbooks and versions in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use super::{RunbookView, Version, VersionView};
use crate::events::runbook_ref;

const VERSION: &str = "SELECT v.id, v.runbook_id, r.name, r.title, v.number, v.hash, v.source, v.canonical, v.author, v.author_name, \
                       v.created_at, v.approved_at, v.approved_by_name, v.approval_note FROM runbooks_versions v \
                       JOIN runbooks_runbooks r ON r.id = v.runbook_id";

fn version(row: &Row) -> Result<Version> {
    Ok(Version {
        id: row.int(0)?,
        runbook: row.int(1)?,
        name: row.text(2)?,
        title: row.text(3)?,
        number: row.int(4)?,
        hash: row.text(5)?,
        source: row.text(6)?,
        canonical: row.text(7)?,
        author: row.text(8)?,
        author_name: row.text(9)?,
        created_at: row.time(10)?,
        approved_at: row.time(11)?,
        approved_by_name: row.text(12)?,
        approval_note: row.text(13)?,
    })
}

fn first(tx: &mut Tx<'_>, query: &Query) -> Result<Option<Version>> {
    tx.run(query)?.first().map(version).transpose()
}

pub(crate) fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>> {
    tx.first("SELECT id FROM runbooks_runbooks WHERE name = ?1", &[name.into()])?.map(|row| row.int(0)).transpose()
}

pub(crate) fn name(tx: &mut Tx<'_>, id: i64) -> Result<Option<String>> {
    tx.first("SELECT name FROM runbooks_runbooks WHERE id = ?1", &[id.into()])?.map(|row| row.text(0)).transpose()
}

pub(crate) fn titles(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new("SELECT id, title FROM runbooks_runbooks WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

pub(crate) fn insert(tx: &mut Tx<'_>, name: &str, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO runbooks_runbooks (name, title, description, latest, created_at, updated_at) VALUES (?1, '', '', 0, ?2, ?2) RETURNING id",
        &[name.into(), now.into()],
    )
}

/// A version to be added.
pub(crate) struct NewVersion<'a> {
    pub(crate) runbook: i64,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    pub(crate) hash: &'a str,
    pub(crate) source: &'a str,
    pub(crate) canonical: &'a str,
    pub(crate) author: &'a str,
    pub(crate) author_name: &'a str,
}

/// Adds a version under the next number; answers the number.
pub(crate) fn insert_version(tx: &mut Tx<'_>, new: &NewVersion<'_>, now: Time) -> Result<i64> {
    let number = tx
        .one(
            "UPDATE runbooks_runbooks SET latest = latest + 1, title = ?1, description = ?2, updated_at = ?3 WHERE id = ?4 RETURNING latest",
            &[new.title.into(), new.description.into(), now.into(), new.runbook.into()],
        )?
        .int(0)?;
    tx.execute(
        "INSERT INTO runbooks_versions (runbook_id, number, hash, source, canonical, author, author_name, created_at, approved_at, \
         approved_by, approved_by_name, approval_note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '', '', '')",
        &[
            new.runbook.into(),
            number.into(),
            new.hash.into(),
            new.source.into(),
            new.canonical.into(),
            new.author.into(),
            new.author_name.into(),
            now.into(),
        ],
    )?;
    Ok(number)
}

pub(crate) fn by_hash(tx: &mut Tx<'_>, runbook: i64, hash: &str) -> Result<Option<Version>> {
    let mut query = Query::new(VERSION);
    query.push(" WHERE v.runbook_id = ").bind(runbook).push(" AND v.hash = ").bind(hash);
    first(tx, &query)
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Version>> {
    let mut query = Query::new(VERSION);
    query.push(" WHERE v.id = ").bind(id);
    first(tx, &query)
}

pub(crate) fn newest_approved(tx: &mut Tx<'_>, runbook: i64) -> Result<Option<Version>> {
    let mut query = Query::new(VERSION);
    query.push(" WHERE v.runbook_id = ").bind(runbook).push(" AND v.approved_at > 0 ORDER BY v.number DESC LIMIT 1");
    first(tx, &query)
}

pub(crate) fn newest(tx: &mut Tx<'_>, runbook: i64) -> Result<Option<Version>> {
    let mut query = Query::new(VERSION);
    query.push(" WHERE v.runbook_id = ").bind(runbook).push(" ORDER BY v.number DESC LIMIT 1");
    first(tx, &query)
}

/// The versions of a runbook without their text, newest first, at most 100.
pub(crate) fn heads(tx: &mut Tx<'_>, runbook: i64) -> Result<Vec<VersionView>> {
    let rows = tx.query(
        "SELECT number, hash, author_name, created_at, approved_at, approved_by_name, approval_note FROM runbooks_versions \
         WHERE runbook_id = ?1 ORDER BY number DESC LIMIT 100",
        &[runbook.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok(VersionView {
                number: row.int(0)?,
                version: row.text(1)?,
                author: row.text(2)?,
                created_at: row.time(3)?,
                approved_at: Some(row.time(4)?).filter(|at| at.0 > 0),
                approved_by: row.text(5)?,
                approval_note: row.text(6)?,
            })
        })
        .collect()
}

/// True when a version after this one waits for its approval.
pub(crate) fn newer_waits(tx: &mut Tx<'_>, runbook: i64, number: i64) -> Result<bool> {
    let sql = "SELECT id FROM runbooks_versions WHERE runbook_id = ?1 AND number > ?2 AND approved_at = 0 LIMIT 1";
    Ok(tx.first(sql, &[runbook.into(), number.into()])?.is_some())
}

/// Approves a version that is not approved yet; answers whether this did it.
pub(crate) fn approve(tx: &mut Tx<'_>, id: i64, by: (&str, &str), note: &str, now: Time) -> Result<bool> {
    let sql = "UPDATE runbooks_versions SET approved_at = ?1, approved_by = ?2, approved_by_name = ?3, approval_note = ?4 \
               WHERE id = ?5 AND approved_at = 0";
    Ok(tx.execute(sql, &[now.into(), by.0.into(), by.1.into(), note.into(), id.into()])? == 1)
}

pub(crate) fn page(tx: &mut Tx<'_>, before: i64, limit: usize) -> Result<Vec<RunbookView>> {
    let rows = tx.query(
        "SELECT r.id, r.name, r.title, r.description, r.latest, r.updated_at, v.hash, v.approved_at FROM runbooks_runbooks r \
         JOIN runbooks_versions v ON v.runbook_id = r.id AND v.number = r.latest WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2",
        &[before.into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok(RunbookView {
                id: row.int(0)?,
                reference: runbook_ref(row.int(0)?),
                name: row.text(1)?,
                title: row.text(2)?,
                description: row.text(3)?,
                latest: row.int(4)?,
                updated_at: row.time(5)?,
                version: row.text(6)?,
                approved: row.int(7)? > 0,
            })
        })
        .collect()
}

/// Runbooks with an approved version, by title, for a picker: number, title, hash.
pub(crate) fn approved_options(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>> {
    let rows = tx.query(
        "SELECT r.id, r.title FROM runbooks_runbooks r WHERE EXISTS (SELECT 1 FROM runbooks_versions v WHERE v.runbook_id = r.id AND \
         v.approved_at > 0) ORDER BY r.title, r.id LIMIT 200",
        &[],
    )?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}
