//! Waiting jobs and dead letters in SQL.

use serde_json::Value;

use super::{DeadLetter, WaitingJob};
use crate::db::{Query, Row, Tx};
use crate::error::Result;
use crate::job::operations::needs_somebody;
use crate::time::Time;

pub(in crate::job) fn waiting(
    tx: &mut Tx<'_>,
    kind: Option<&str>,
    before: i64,
    rows: usize,
) -> Result<Vec<WaitingJob>> {
    let mut query =
        Query::new("SELECT id, kind, run_at, attempts, lease_until, last_error, created_at FROM kernel_jobs");
    query.push(" WHERE id < ").bind(before);
    if let Some(kind) = kind {
        query.push(" AND kind = ").bind(kind);
    }
    query.push(" ORDER BY id DESC LIMIT ").bind(rows);
    tx.run(&query)?
        .iter()
        .map(|row| {
            Ok(WaitingJob {
                id: row.int(0)?,
                kind: row.text(1)?,
                run_at: row.time(2)?,
                attempts: row.int(3)?,
                running: row.int(4)? != 0,
                last_error: row.text(5)?,
                created_at: row.time(6)?,
            })
        })
        .collect()
}

fn letter(row: &Row) -> Result<DeadLetter> {
    let payload = row.str(6)?;
    Ok(DeadLetter {
        id: row.int(0)?,
        source: row.text(1)?,
        name: row.text(2)?,
        event: row.opt_int(3)?,
        error: row.text(4)?,
        at: row.time(5)?,
        payload: if payload.is_empty() { Value::Null } else { row.json(6)? },
    })
}

pub(in crate::job) fn list(tx: &mut Tx<'_>, before: i64, rows: usize) -> Result<Vec<DeadLetter>> {
    tx.query(
        "SELECT id, source, name, event_id, error, at, payload FROM kernel_dead_letters WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        &[before.into(), rows.into()],
    )?
    .iter()
    .map(letter)
    .collect()
}

pub(in crate::job) fn take(tx: &mut Tx<'_>, id: i64) -> Result<Option<DeadLetter>> {
    let row = tx.first(
        "DELETE FROM kernel_dead_letters WHERE id = ?1 RETURNING id, source, name, event_id, error, at, payload",
        &[id.into()],
    )?;
    row.as_ref().map(letter).transpose()
}

/// What is given up: the event of a reaction, or the payload of a job.
pub(crate) struct Buried<'a> {
    pub(crate) source: &'a str,
    pub(crate) name: &'a str,
    pub(crate) event: Option<i64>,
    pub(crate) job: Option<i64>,
    pub(crate) payload: &'a str,
    pub(crate) error: &'a str,
}

/// Keeps what was given up and tells somebody.
pub(crate) fn bury(tx: &mut Tx<'_>, one: &Buried<'_>, at: Time) -> Result<()> {
    let id = tx.insert(
        "INSERT INTO kernel_dead_letters (source, name, event_id, job_id, payload, error, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
        &[
            one.source.into(),
            one.name.into(),
            one.event.into(),
            one.job.into(),
            one.payload.into(),
            one.error.into(),
            at.into(),
        ],
    )?;
    crate::attention::store::put(tx, &needs_somebody(id, one.name, one.error, at))
}
