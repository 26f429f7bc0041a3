//! Maintenance windows in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::permission::Reach;
use kernel::{Error, Result, Time};

use crate::limits::WINDOWS_MAX;
use crate::maintenance::{Spread, Window};

const COLUMNS: &str = "SELECT w.id, w.name, w.asset_id, w.spread, w.check_id, w.team_id, w.place_id, w.labels, w.first_start, w.time_zone, w.duration_s, \
     w.rrule, w.until_ticket, w.over_at, w.active_at, w.created_name, w.created_at, w.ended_by, w.version, w.owning_place_id, w.owning_team_id, \
     w.owner_id FROM monitor_windows w WHERE 1 = 1";
/// What `over_at` is while no end is known.
const NEVER: i64 = i64::MAX;

fn window(row: &Row) -> Result<Window> {
    let broken = || Error::internal("monitor-window-row", "spread");
    Ok(Window {
        id: row.int(0)?,
        name: row.text(1)?,
        asset: row.opt_int(2)?,
        spread: Spread::parse(row.str(3)?).ok_or_else(broken)?,
        check: row.opt_int(4)?,
        team: row.opt_int(5)?,
        place: row.opt_int(6)?,
        labels: row.json(7)?,
        first_start: row.text(8)?,
        time_zone: row.text(9)?,
        minutes: row.int(10)? / 60,
        rrule: row.text(11)?,
        until_ticket: row.opt_int(12)?,
        over_at: Some(row.time(13)?).filter(|at| at.0 < NEVER),
        active_since: Some(row.time(14)?).filter(|at| at.0 > 0),
        created_by: row.text(15)?,
        created_at: row.time(16)?,
        ended_by: Some(row.text(17)?).filter(|name| !name.is_empty()),
        version: row.int(18)?,
        owning_place: row.opt_int(19)?,
        owning_team: row.opt_int(20)?,
        owner: row.opt_int(21)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Window, by: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO monitor_windows (name, asset_id, spread, check_id, team_id, place_id, labels, first_start, time_zone, duration_s, rrule, \
         until_ticket, over_at, active_at, created_by, created_name, created_at, ended_by, version, owning_place_id, owning_team_id, owner_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, ?15, ?16, '', 1, ?17, ?18, ?19) RETURNING id",
        &[
            (&new.name).into(),
            new.asset.into(),
            new.spread.as_str().into(),
            new.check.into(),
            new.team.into(),
            new.place.into(),
            new.labels.text()?.into(),
            (&new.first_start).into(),
            (&new.time_zone).into(),
            (new.minutes * 60).into(),
            (&new.rrule).into(),
            new.until_ticket.into(),
            new.over_at.map_or(NEVER, Time::micros).into(),
            by.into(),
            (&new.created_by).into(),
            new.created_at.into(),
            new.owning_place.into(),
            new.owning_team.into(),
            new.owner.into(),
        ],
    )
}

/// Those of the numbers that the reach covers.
pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Window>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND w.id IN ").list(ids);
    super::WINDOWS.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(window).collect()
}

/// A window, whoever asks: for the machinery.
pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Window>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND w.id = ").bind(id);
    tx.run(&query)?.first().map(window).transpose()
}

/// Windows of which something may be in force at a moment or later.
pub(crate) fn coming(tx: &mut Tx<'_>, now: Time) -> Result<Vec<Window>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND w.over_at > ").bind(now).push(" ORDER BY w.over_at, w.id LIMIT ").bind(WINDOWS_MAX);
    tx.run(&query)?.iter().map(window).collect()
}

/// The same, and those that are over and were not told as ended.
pub(crate) fn watched(tx: &mut Tx<'_>, now: Time) -> Result<Vec<Window>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND w.over_at <= ").bind(now).push(" AND w.active_at > 0 ORDER BY w.over_at, w.id LIMIT ");
    query.bind(WINDOWS_MAX);
    let mut found: Vec<Window> = tx.run(&query)?.iter().map(window).collect::<Result<_>>()?;
    found.extend(coming(tx, now)?);
    Ok(found)
}

pub(crate) fn count_coming(tx: &mut Tx<'_>, now: Time) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM monitor_windows WHERE over_at > ?1", &[now.into()])?.int(0)
}

fn narrowed(query: &mut Query, current: Option<Time>, reach: &Reach) {
    if let Some(now) = current {
        query.push(" AND w.over_at > ").bind(now);
    }
    super::WINDOWS.narrow(query, reach);
}

pub(super) fn page_query(current: Option<Time>, reach: &Reach, before: i64, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, current, reach);
    query.push(" AND w.id < ").bind(before).push(" ORDER BY w.id DESC LIMIT ").bind(limit);
    query
}

/// One page, newest first; `current` leaves out what is over.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    current: Option<Time>,
    reach: &Reach,
    before: i64,
    limit: usize,
) -> Result<Vec<Window>> {
    tx.run(&page_query(current, reach, before, limit))?.iter().map(window).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>, current: Option<Time>, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query = Query::new("SELECT w.id FROM monitor_windows w WHERE 1 = 1");
    narrowed(&mut query, current, reach);
    tx.count(&query.counted(cap))
}

pub(crate) fn set_active(tx: &mut Tx<'_>, id: i64, since: Option<Time>) -> Result<()> {
    tx.execute(
        "UPDATE monitor_windows SET active_at = ?1 WHERE id = ?2",
        &[since.map_or(0, Time::micros).into(), id.into()],
    )?;
    Ok(())
}

/// Writes a change. Who planned it stays, and what of it people were told.
pub(crate) fn update(tx: &mut Tx<'_>, new: &Window) -> Result<()> {
    tx.execute(
        "UPDATE monitor_windows SET name = ?1, asset_id = ?2, spread = ?3, check_id = ?4, team_id = ?5, place_id = ?6, labels = ?7, \
         first_start = ?8, time_zone = ?9, duration_s = ?10, rrule = ?11, until_ticket = ?12, over_at = ?13, owning_place_id = ?14, \
         owning_team_id = ?15, owner_id = ?16, version = version + 1 WHERE id = ?17",
        &[
            (&new.name).into(),
            new.asset.into(),
            new.spread.as_str().into(),
            new.check.into(),
            new.team.into(),
            new.place.into(),
            new.labels.text()?.into(),
            (&new.first_start).into(),
            (&new.time_zone).into(),
            (new.minutes * 60).into(),
            (&new.rrule).into(),
            new.until_ticket.into(),
            new.over_at.map_or(NEVER, Time::micros).into(),
            new.owning_place.into(),
            new.owning_team.into(),
            new.owner.into(),
            new.id.into(),
        ],
    )?;
    Ok(())
}

/// What was ended goes on until it is over by itself.
pub(crate) fn go_on(tx: &mut Tx<'_>, id: i64, over: Option<Time>) -> Result<()> {
    tx.execute(
        "UPDATE monitor_windows SET over_at = ?1, ended_by = '', version = version + 1 WHERE id = ?2",
        &[over.map_or(NEVER, Time::micros).into(), id.into()],
    )?;
    Ok(())
}

/// Windows that the reach covers and that were not over at a moment, the newest ones.
pub(crate) fn since(tx: &mut Tx<'_>, moment: Time, reach: &Reach, limit: usize) -> Result<Vec<Window>> {
    page(tx, Some(moment), reach, i64::MAX, limit)
}

pub(crate) fn finish(tx: &mut Tx<'_>, id: i64, by: &str, at: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_windows SET over_at = ?1, ended_by = ?2, version = version + 1 WHERE id = ?3",
        &[at.into(), by.into(), id.into()],
    )?;
    Ok(())
}

/// Ends the windows that last until a ticket is done.
pub(crate) fn finish_for(tx: &mut Tx<'_>, ticket: i64, by: &str, at: Time) -> Result<u64> {
    tx.execute(
        "UPDATE monitor_windows SET over_at = ?1, ended_by = ?2, version = version + 1 WHERE until_ticket = ?3 AND over_at > ?1",
        &[at.into(), by.into(), ticket.into()],
    )
}
