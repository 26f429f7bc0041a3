//! Events and subscriptions in SQL.

use std::collections::{BTreeMap, HashMap};

use super::{Pending, StoredEvent};
use crate::db::{Dialect, Query, Row, Tx};
use crate::error::Result;
use crate::reference::Ref;
use crate::time::Time;

const COLUMNS: &str = "SELECT e.id, e.position, e.name, e.at, e.actor, e.actor_name, e.title, e.mark, e.subjects, e.payload FROM kernel_events e";

fn event(row: &Row) -> Result<StoredEvent> {
    let subjects = row.str(8)?.split(' ').filter_map(|text| text.parse().ok()).collect();
    Ok(StoredEvent {
        id: row.int(0)?,
        position: row.int(1)?,
        name: row.text(2)?,
        at: row.time(3)?,
        actor: row.text(4)?,
        actor_name: row.text(5)?,
        title: row.text(6)?,
        mark: row.text(7)?,
        subjects,
        payload: row.json(9)?,
    })
}

/// Writes the events of one call. SQLite has one writer, so their order is known and they are numbered at once; on
/// PostgreSQL transactions may commit in another order than they began, and the relay numbers them ([`number`]).
pub(crate) fn insert(tx: &mut Tx<'_>, events: &[Pending], at: Time, actor: &str, actor_name: &str) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut position = match tx.dialect() {
        Dialect::Sqlite => Some(take_positions(tx, events.len())?),
        Dialect::Postgres => None,
    };
    for pending in events {
        insert_one(tx, pending, position.unwrap_or(0), at, actor, actor_name)?;
        position = position.map(|position| position + 1);
    }
    Ok(())
}

/// The first of so many new positions.
fn take_positions(tx: &mut Tx<'_>, count: usize) -> Result<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row = tx.one(
        "UPDATE kernel_counters SET value = value + ?1 WHERE name = 'event_position' RETURNING value",
        &[count.into()],
    )?;
    Ok(row.int(0)? - count + 1)
}

fn insert_one(
    tx: &mut Tx<'_>,
    pending: &Pending,
    position: i64,
    at: Time,
    actor: &str,
    actor_name: &str,
) -> Result<()> {
    let subjects: Vec<String> = pending.subjects.iter().map(ToString::to_string).collect();
    let id = tx.insert(
        "INSERT INTO kernel_events (position, name, at, actor, actor_name, title, mark, subjects, payload) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        &[
            position.into(),
            pending.name.into(),
            at.into(),
            actor.into(),
            actor_name.into(),
            (&pending.title).into(),
            pending.mark.as_str().into(),
            subjects.join(" ").into(),
            (&pending.payload).into(),
        ],
    )?;
    for subject in &pending.subjects {
        tx.execute(
            "INSERT INTO kernel_event_subjects (kind, ref_id, event_id) VALUES (?1, ?2, ?3)",
            &[subject.kind.as_ref().into(), subject.id.into(), id.into()],
        )?;
    }
    Ok(())
}

/// Numbers events that are committed and not yet numbered; answers the highest position.
pub(crate) fn number(tx: &mut Tx<'_>) -> Result<i64> {
    let rows = tx.query("SELECT id FROM kernel_events WHERE position = 0 ORDER BY id LIMIT 500", &[])?;
    let mut last = tx.one("SELECT value FROM kernel_counters WHERE name = 'event_position'", &[])?.int(0)?;
    if rows.is_empty() {
        return Ok(last);
    }
    for row in &rows {
        last += 1;
        tx.execute("UPDATE kernel_events SET position = ?1 WHERE id = ?2", &[last.into(), row.int(0)?.into()])?;
    }
    tx.execute("UPDATE kernel_counters SET value = ?1 WHERE name = 'event_position'", &[last.into()])?;
    Ok(last)
}

pub(crate) fn unnumbered(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.first("SELECT id FROM kernel_events WHERE position = 0 LIMIT 1", &[])?.is_some())
}

/// What decides whether a subscriber takes an event.
pub(crate) struct Head {
    pub(crate) id: i64,
    pub(crate) position: i64,
    pub(crate) name: String,
}

/// Numbered events behind a position.
pub(crate) fn after(tx: &mut Tx<'_>, position: i64, limit: i64) -> Result<Vec<Head>> {
    let rows = tx.query(
        "SELECT id, position, name FROM kernel_events WHERE position > ?1 ORDER BY position LIMIT ?2",
        &[position.max(0).into(), limit.into()],
    )?;
    rows.iter().map(|row| Ok(Head { id: row.int(0)?, position: row.int(1)?, name: row.text(2)? })).collect()
}

/// Since when the oldest event waits that a reaction has not been offered yet; `None` when it was offered all of them.
///
/// # Errors
/// The database fails.
pub fn waiting_since(tx: &mut Tx<'_>, reaction: &str) -> Result<Option<Time>> {
    let unnumbered = tx.first("SELECT at FROM kernel_events WHERE position = 0 ORDER BY id LIMIT 1", &[])?;
    let behind = tx.first(
        "SELECT at FROM kernel_events WHERE position > (SELECT position FROM kernel_subscriptions WHERE name = ?1) ORDER BY position LIMIT 1",
        &[reaction.into()],
    )?;
    let times = unnumbered.iter().chain(&behind).map(|row| row.time(0)).collect::<Result<Vec<Time>>>()?;
    Ok(times.into_iter().min())
}

/// The newest events of all.
pub(crate) fn latest(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<StoredEvent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" ORDER BY e.id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(event).collect()
}

/// The newest events about a thing, below `before` (an event id) if given.
pub(crate) fn timeline(tx: &mut Tx<'_>, subject: &Ref, before: Option<i64>, limit: i64) -> Result<Vec<StoredEvent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" JOIN kernel_event_subjects s ON s.event_id = e.id WHERE s.kind = ").bind(subject.kind.as_ref());
    query.push(" AND s.ref_id = ").bind(subject.id).push(" AND s.event_id < ").bind(before.unwrap_or(i64::MAX));
    query.push(" ORDER BY s.event_id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(event).collect()
}

/// Events about any of the things between two moments, the newest ones, oldest first.
pub(crate) fn between(
    tx: &mut Tx<'_>,
    subjects: &[Ref],
    without: &[&str],
    (from, to): (Time, Time),
    limit: i64,
) -> Result<Vec<StoredEvent>> {
    let mut by_kind: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for subject in subjects {
        by_kind.entry(subject.kind.as_ref()).or_default().push(subject.id);
    }
    // Numbers rise with time, so the first one of the time keeps the history before it from being read.
    let first = tx.first("SELECT id FROM kernel_events WHERE at >= ?1 ORDER BY at, id LIMIT 1", &[from.into()])?;
    let Some(first) = first.map(|row| row.int(0)).transpose()?.filter(|_| !by_kind.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE e.at >= ").bind(from).push(" AND e.at <= ").bind(to);
    for prefix in without {
        query.push(" AND e.name NOT LIKE ").bind(format!("{prefix}%"));
    }
    query.push(" AND e.id IN (");
    for (nth, (kind, ids)) in by_kind.iter().enumerate() {
        let before = if nth == 0 { "" } else { " UNION " };
        query.push(before).push("SELECT s.event_id FROM kernel_event_subjects s WHERE s.kind = ").bind(*kind);
        query.push(" AND s.event_id >= ").bind(first).push(" AND s.ref_id IN ").list(ids);
    }
    query.push(") ORDER BY e.id DESC LIMIT ").bind(limit);
    let mut found = tx.run(&query)?.iter().map(event).collect::<Result<Vec<_>>>()?;
    found.reverse();
    Ok(found)
}

pub(crate) struct Cursor {
    pub(crate) position: i64,
    pub(crate) failures: i64,
    pub(crate) retry_at: Time,
}

/// Where every subscriber stands, and the position of the newest numbered event.
pub(crate) fn cursors(tx: &mut Tx<'_>) -> Result<(HashMap<String, Cursor>, i64)> {
    let rows = tx.query("SELECT name, position, failures, retry_at FROM kernel_subscriptions", &[])?;
    let cursor =
        |row: &Row| Ok((row.text(0)?, Cursor { position: row.int(1)?, failures: row.int(2)?, retry_at: row.time(3)? }));
    let cursors = rows.iter().map(cursor).collect::<Result<_>>()?;
    let head = tx.one("SELECT value FROM kernel_counters WHERE name = 'event_position'", &[])?.int(0)?;
    Ok((cursors, head))
}

/// Moves a cursor forward; answers false when it had moved already, so that the work is not done twice.
pub(crate) fn advance(tx: &mut Tx<'_>, subscriber: &str, from: i64, to: i64) -> Result<bool> {
    let touched = tx.execute(
        "UPDATE kernel_subscriptions SET position = ?1, failures = 0, retry_at = 0, last_error = '' WHERE name = ?2 AND position = ?3",
        &[to.into(), subscriber.into(), from.into()],
    )?;
    Ok(touched == 1)
}

/// Forgets subscribers that no longer exist, so that they hold nothing back.
pub(crate) fn unsubscribe_others(tx: &mut Tx<'_>, names: &[&str]) -> Result<()> {
    let mut query = Query::new("DELETE FROM kernel_subscriptions WHERE name NOT IN ");
    query.list(names);
    tx.run(&query).map(|_| ())
}

/// Makes a cursor that starts now: a subscriber that comes with an update does not react to history.
pub(crate) fn subscribe(tx: &mut Tx<'_>, subscriber: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_subscriptions (name, position, failures, retry_at, last_error) \
         SELECT CAST(?1 AS TEXT), value, 0, 0, '' FROM kernel_counters WHERE name = 'event_position' ON CONFLICT (name) DO NOTHING",
        &[subscriber.into()],
    )?;
    Ok(())
}

/// Puts a subscriber off, and counts the failure unless it was not its own.
pub(crate) fn failed(tx: &mut Tx<'_>, subscriber: &str, retry_at: Time, error: &str, counts: bool) -> Result<()> {
    tx.execute(
        "UPDATE kernel_subscriptions SET failures = failures + ?4, retry_at = ?1, last_error = ?2 WHERE name = ?3",
        &[retry_at.into(), error.into(), subscriber.into(), counts.into()],
    )?;
    Ok(())
}

/// An event by its row.
pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<StoredEvent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE e.id = ").bind(id);
    tx.run(&query)?.first().map(event).transpose()
}
