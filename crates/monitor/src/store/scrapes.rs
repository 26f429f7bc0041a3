//! Scrape jobs in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx, Value};
use kernel::{Result, Time};

use crate::scrape::{ScrapeJob, Spec};

const COLUMNS: &str =
    "SELECT s.id, s.name, s.spec, s.paused, s.version, s.created_at, s.updated_at FROM monitor_scrapes s";

fn job(row: &Row) -> Result<ScrapeJob> {
    Ok(ScrapeJob {
        id: row.int(0)?,
        name: row.text(1)?,
        spec: row.json(2)?,
        paused: row.bool(3)?,
        version: row.int(4)?,
        created_at: row.time(5)?,
        updated_at: row.time(6)?,
    })
}

fn text(spec: &Spec) -> Result<Value> {
    serde_json::to_string(spec).map(Value::Text).map_err(|error| kernel::Error::internal("spec-not-json", error))
}

pub(crate) fn insert(tx: &mut Tx<'_>, name: &str, spec: &Spec, paused: bool, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO monitor_scrapes (name, spec, paused, version, created_at, updated_at) VALUES (?1, ?2, ?3, 1, ?4, ?4) RETURNING id",
        &[name.into(), text(spec)?, paused.into(), now.into()],
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, id: i64, name: &str, spec: &Spec, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_scrapes SET name = ?1, spec = ?2, version = version + 1, updated_at = ?3 WHERE id = ?4",
        &[name.into(), text(spec)?, now.into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn set_paused(tx: &mut Tx<'_>, id: i64, paused: bool, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_scrapes SET paused = ?1, version = version + 1, updated_at = ?2 WHERE id = ?3",
        &[paused.into(), now.into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM monitor_scrapes WHERE id = ?1", &[id.into()])?;
    Ok(())
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64) -> Result<Option<ScrapeJob>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE s.id = ").bind(id);
    tx.run(&query)?.first().map(job).transpose()
}

/// The job of a name, whatever its number.
pub(crate) fn named(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>> {
    tx.first("SELECT id FROM monitor_scrapes WHERE name = ?1", &[name.into()])?.map(|row| row.int(0)).transpose()
}

/// Those of the numbers that are there.
pub(crate) fn by_id(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<ScrapeJob>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE s.id IN ").list(ids);
    tx.run(&query)?.iter().map(job).collect()
}

/// Jobs after a number, for filling the memory at start.
pub(crate) fn after(tx: &mut Tx<'_>, id: i64, limit: i64) -> Result<Vec<ScrapeJob>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE s.id > ").bind(id).push(" ORDER BY s.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(job).collect()
}

/// One page in order of name.
pub(crate) fn page(tx: &mut Tx<'_>, after: Option<&str>, limit: usize) -> Result<Vec<ScrapeJob>> {
    let mut query = Query::new(COLUMNS);
    if let Some(name) = after {
        query.push(" WHERE s.name > ").bind(name);
    }
    query.push(" ORDER BY s.name LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(job).collect()
}

/// The names of all jobs by number.
pub(crate) fn names(tx: &mut Tx<'_>) -> Result<BTreeMap<i64, String>> {
    tx.query("SELECT id, name FROM monitor_scrapes ORDER BY id", &[])?
        .iter()
        .map(|row| Ok((row.int(0)?, row.text(1)?)))
        .collect()
}

pub(crate) fn count(tx: &mut Tx<'_>) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM monitor_scrapes", &[])?.int(0)
}
