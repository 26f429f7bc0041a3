//! Silences in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::permission::Reach;
use kernel::{Result, Time};

use crate::silence::Silence;

const COLUMNS: &str = "SELECT s.id, s.asset_id, s.check_id, s.team_id, s.from_at, s.until_at, s.reason, s.created_name, s.created_at, s.ended_by, \
     s.version, s.place_id, s.owning_team_id, s.owner_id, s.matchers FROM monitor_silences s WHERE 1 = 1";

fn silence(row: &Row) -> Result<Silence> {
    Ok(Silence {
        id: row.int(0)?,
        asset: row.opt_int(1)?,
        check: row.opt_int(2)?,
        team: row.opt_int(3)?,
        from: row.time(4)?,
        until: row.time(5)?,
        reason: row.text(6)?,
        created_by: row.text(7)?,
        created_at: row.time(8)?,
        ended_by: Some(row.text(9)?).filter(|name| !name.is_empty()),
        version: row.int(10)?,
        place: row.opt_int(11)?,
        owning_team: row.opt_int(12)?,
        owner: row.opt_int(13)?,
        matchers: row.text(14)?.into(),
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Silence, by: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO monitor_silences (asset_id, check_id, team_id, from_at, until_at, reason, place_id, owning_team_id, owner_id, created_by, \
         created_name, created_at, ended_by, matchers, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '', ?13, 1) RETURNING id",
        &[
            new.asset.into(),
            new.check.into(),
            new.team.into(),
            new.from.into(),
            new.until.into(),
            (&new.reason).into(),
            new.place.into(),
            new.owning_team.into(),
            new.owner.into(),
            by.into(),
            (&new.created_by).into(),
            new.created_at.into(),
            new.matchers.as_str().into(),
        ],
    )
}

/// Writes what may change of one.
pub(crate) fn update(tx: &mut Tx<'_>, new: &Silence) -> Result<()> {
    tx.execute(
        "UPDATE monitor_silences SET asset_id = ?1, check_id = ?2, team_id = ?3, matchers = ?4, until_at = ?5, reason = ?6, place_id = ?7, \
         owning_team_id = ?8, owner_id = ?9, ended_by = ?10, version = version + 1 WHERE id = ?11",
        &[
            new.asset.into(),
            new.check.into(),
            new.team.into(),
            new.matchers.as_str().into(),
            new.until.into(),
            (&new.reason).into(),
            new.place.into(),
            new.owning_team.into(),
            new.owner.into(),
            new.ended_by.as_deref().unwrap_or_default().into(),
            new.id.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Silence>> {
    Ok(visible(tx, &[id], reach)?.into_iter().next())
}

pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Silence>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND s.id IN ").list(ids);
    super::SILENCES.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(silence).collect()
}

pub(super) fn page_query(current: Option<Time>, reach: &Reach, before: Option<(i64, i64)>, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, current, reach);
    if let Some((until, id)) = before {
        query.push(" AND (s.until_at, s.id) < (").bind(until).push(", ").bind(id).push(")");
    }
    query.push(" ORDER BY s.until_at DESC, s.id DESC LIMIT ").bind(limit);
    query
}

/// One page, the one that ends last first; `current` leaves out what has ended.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    current: Option<Time>,
    reach: &Reach,
    before: Option<(i64, i64)>,
    limit: usize,
) -> Result<Vec<Silence>> {
    tx.run(&page_query(current, reach, before, limit))?.iter().map(silence).collect()
}

fn narrowed(query: &mut Query, current: Option<Time>, reach: &Reach) {
    if let Some(now) = current {
        query.push(" AND s.until_at > ").bind(now);
    }
    super::SILENCES.narrow(query, reach);
}

pub(crate) fn count(tx: &mut Tx<'_>, current: Option<Time>, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query = Query::new("SELECT s.id FROM monitor_silences s WHERE 1 = 1");
    narrowed(&mut query, current, reach);
    tx.count(&query.counted(cap))
}

/// The silences that are in force at a moment.
pub(crate) fn in_force(tx: &mut Tx<'_>, now: Time) -> Result<Vec<Silence>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND s.until_at > ").bind(now).push(" AND s.from_at <= ").bind(now).push(" ORDER BY s.id");
    tx.run(&query)?.iter().map(silence).collect()
}

pub(crate) fn finish(tx: &mut Tx<'_>, id: i64, by: &str, at: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_silences SET until_at = ?1, ended_by = ?2, version = version + 1 WHERE id = ?3",
        &[at.into(), by.into(), id.into()],
    )?;
    Ok(())
}
