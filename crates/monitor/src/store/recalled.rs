//! What the cause engine takes over at a start, in SQL.

use std::collections::BTreeMap;

use kernel::db::{Row, Tx};
use kernel::{Result, Time};

use crate::check::Check;
use crate::group::judgement::Judgement;
use crate::limits::SLICE;

/// A group as the cause engine takes it over at a start.
pub(crate) struct Recalled {
    pub(crate) id: i64,
    pub(crate) announced: bool,
    pub(crate) opened_at: Time,
    /// When it ended; none while it is open.
    pub(crate) ended_at: Option<Time>,
    /// How often it was opened again.
    pub(crate) reopened: i64,
    /// The check that leads it.
    pub(crate) check: i64,
    pub(crate) judgement: Judgement,
}

fn recalled(row: &Row) -> Result<Recalled> {
    Ok(Recalled {
        id: row.int(0)?,
        announced: row.bool(1)?,
        opened_at: row.time(2)?,
        ended_at: Some(row.time(3)?).filter(|at| at.0 > 0),
        reopened: row.int(4)?,
        check: row.int(5)?,
        judgement: row.json(6)?,
    })
}

/// Groups that are open, oldest first.
pub(crate) fn open(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Recalled>> {
    let sql = "SELECT id, announced, opened_at, ended_at, reopened, check_id, cause FROM monitor_groups \
               WHERE state = 'open' ORDER BY id LIMIT ?1";
    tx.query(sql, &[limit.into()])?.iter().map(recalled).collect()
}

/// Groups that are over since after a moment, the newest `limit` of them, in the order in which they ended.
pub(crate) fn ended_after(tx: &mut Tx<'_>, after: Time, limit: i64) -> Result<Vec<Recalled>> {
    let sql = "SELECT id, announced, opened_at, ended_at, reopened, check_id, cause FROM monitor_groups \
               WHERE ended_at > ?1 AND state = 'recovered' ORDER BY ended_at DESC, id DESC LIMIT ?2";
    let mut found = tx.query(sql, &[after.into(), limit.into()])?.iter().map(recalled).collect::<Result<Vec<_>>>()?;
    found.reverse();
    Ok(found)
}

/// The alerts of a group with their checks, and when those that are gone were gone, which of a group that ended is all of
/// them; checks that were deleted are left out.
pub(crate) fn restored(tx: &mut Tx<'_>, group: &Recalled, limit: i64) -> Result<Vec<(Check, Option<Time>)>> {
    let sql = "SELECT check_id, cleared_at FROM monitor_group_alerts WHERE group_id = ?1 ORDER BY check_id LIMIT ?2";
    let rows = tx.query(sql, &[group.id.into(), limit.into()])?;
    let mut found = Vec::new();
    for slice in rows.chunks(SLICE) {
        let cleared =
            slice.iter().map(|row| Ok((row.int(0)?, row.time(1)?))).collect::<Result<BTreeMap<i64, Time>>>()?;
        for check in super::checks::by_id(tx, &cleared.keys().copied().collect::<Vec<i64>>())? {
            let gone = cleared.get(&check.id).copied().filter(|at| at.0 > 0);
            // What is out is out, whatever was written of the group.
            let gone = match group.ended_at {
                Some(ended) => Some(gone.unwrap_or(ended)),
                None if check.open => None,
                None => Some(gone.unwrap_or(check.since)),
            };
            found.push((check, gone));
        }
    }
    Ok(found)
}
