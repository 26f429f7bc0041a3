//! Jobs and schedules in SQL.

use serde_json::Value;

use super::Job;
use crate::db::{Row, Tx};
use crate::error::Result;
use crate::limits;
use crate::time::Time;

pub(crate) struct Leased {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) attempt: i64,
}

pub(crate) fn insert(tx: &mut Tx<'_>, job: &Job, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_jobs (kind, payload, run_at, attempts, lease_until, unique_key, last_error, created_at) \
         VALUES (?1, ?2, ?3, 0, 0, ?4, '', ?5) ON CONFLICT (unique_key) DO NOTHING",
        &[job.kind.into(), (&job.payload).into(), job.run_at.unwrap_or(now).into(), job.key.clone().into(), now.into()],
    )?;
    Ok(())
}

/// When the next job is due, if any waits.
pub(crate) fn next_due(tx: &mut Tx<'_>) -> Result<Option<Time>> {
    let row = tx.first("SELECT run_at FROM kernel_jobs ORDER BY run_at LIMIT 1", &[])?;
    row.map(|row| row.time(0)).transpose()
}

const ENDLESS: &str = "It began many times and never came to an end: each time the server stopped meanwhile.";

fn next(tx: &mut Tx<'_>, now: Time) -> Result<Option<Row>> {
    tx.first(
        "SELECT id, kind, payload, attempts FROM kernel_jobs WHERE run_at <= ?1 ORDER BY run_at, id LIMIT 1",
        &[now.into()],
    )
}

/// Takes the most overdue job: its run_at becomes the end of the lease, so that a dead worker's job comes back by itself.
/// One whose tries are used up although none of them failed has taken its worker with it each time: it is given up.
pub(crate) fn lease(tx: &mut Tx<'_>, now: Time) -> Result<Option<Leased>> {
    let Some(row) = next(tx, now)? else { return Ok(None) };
    let (id, attempts) = (row.int(0)?, row.int(3)?);
    if attempts >= limits::JOB_TRIES {
        bury(tx, id, attempts, now, ENDLESS)?;
        return lease(tx, now);
    }
    let leased = Leased { id, kind: row.text(1)?, payload: row.json(2)?, attempt: attempts + 1 };
    let until = now.plus(limits::JOB_LEASE_MICROS);
    tx.execute(
        "UPDATE kernel_jobs SET attempts = ?1, lease_until = ?2, run_at = ?2, unique_key = NULL WHERE id = ?3",
        &[leased.attempt.into(), until.into(), leased.id.into()],
    )?;
    Ok(Some(leased))
}

/// Removes a finished job; only the try that holds the lease may.
pub(crate) fn finish(tx: &mut Tx<'_>, id: i64, attempt: i64) -> Result<bool> {
    Ok(tx.execute("DELETE FROM kernel_jobs WHERE id = ?1 AND attempts = ?2", &[id.into(), attempt.into()])? == 1)
}

/// Puts a job off; a try that does not count is taken back.
pub(crate) fn again(tx: &mut Tx<'_>, id: i64, attempt: i64, run_at: Time, error: &str, counts: bool) -> Result<()> {
    let kept = if counts { attempt } else { attempt - 1 };
    tx.execute(
        "UPDATE kernel_jobs SET run_at = ?1, lease_until = 0, last_error = ?2, attempts = ?5 WHERE id = ?3 AND attempts = ?4",
        &[run_at.into(), error.into(), id.into(), attempt.into(), kept.into()],
    )?;
    Ok(())
}

/// True while a job of this kind and input waits or runs.
pub(crate) fn waits(tx: &mut Tx<'_>, kind: &str, payload: &Value) -> Result<bool> {
    let row = tx
        .first("SELECT id FROM kernel_jobs WHERE kind = ?1 AND payload = ?2 LIMIT 1", &[kind.into(), payload.into()])?;
    Ok(row.is_some())
}

pub(crate) fn bury(tx: &mut Tx<'_>, id: i64, attempt: i64, at: Time, error: &str) -> Result<()> {
    let Some(row) = tx
        .first("SELECT kind, payload FROM kernel_jobs WHERE id = ?1 AND attempts = ?2", &[id.into(), attempt.into()])?
    else {
        return Ok(());
    };
    let buried = super::dead::Buried {
        source: "job",
        name: row.str(0)?,
        event: None,
        job: Some(id),
        payload: row.str(1)?,
        error,
    };
    super::dead::bury(tx, &buried, at)?;
    tx.execute("DELETE FROM kernel_jobs WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// True when one of the schedules is due.
pub(crate) fn schedules_due(tx: &mut Tx<'_>, schedules: &[super::Schedule], now: Time) -> Result<bool> {
    let rows = tx.query("SELECT name FROM kernel_schedules WHERE next_at > ?1", &[now.into()])?;
    let later = rows.iter().map(|row| row.str(0)).collect::<Result<Vec<_>>>()?;
    Ok(schedules.iter().any(|schedule| !later.contains(&schedule.kind)))
}

/// Schedules that are due, moved on to their next time; answers how many jobs were queued and when the next is due.
pub(crate) fn run_schedules(tx: &mut Tx<'_>, schedules: &[super::Schedule], now: Time) -> Result<usize> {
    let mut queued = 0;
    for schedule in schedules {
        let row = tx.first("SELECT next_at FROM kernel_schedules WHERE name = ?1", &[schedule.kind.into()])?;
        let due = row.as_ref().map_or(Ok(Some(now)), |row| row.time(0).map(|at| (at <= now).then_some(now)))?;
        if due.is_none() {
            continue;
        }
        tx.execute(
            "INSERT INTO kernel_schedules (name, next_at) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at",
            &[schedule.kind.into(), now.plus(schedule.every).into()],
        )?;
        let job = Job {
            kind: schedule.kind,
            payload: Value::Null,
            run_at: None,
            key: Some(format!("schedule:{}", schedule.kind)),
        };
        insert(tx, &job, now)?;
        queued += 1;
    }
    Ok(queued)
}
