//! The alerts of one group in SQL: a page of them, how many things they are about, how those stand.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::{Error, Result};

use crate::group::Member;
use crate::group::tree::Tally;
use crate::labels::Labels;
use crate::machine::State;

const COLUMNS: &str = "SELECT g.check_id, g.asset_id, g.check_name, g.joined_at, g.cleared_at, c.labels, c.severity \
     FROM monitor_group_alerts g LEFT JOIN monitor_checks c ON c.id = g.check_id";

/// Alerts that are out and looked at, for the things of a map.
const ALERTS_MAX: usize = 1_000;

/// One page of every alert that ever belonged to a group, those of the newest checks first.
pub(crate) fn page(tx: &mut Tx<'_>, group: i64, open: Option<bool>, before: i64, limit: usize) -> Result<Vec<Member>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE g.group_id = ").bind(group).push(" AND g.check_id < ").bind(before);
    query.push(match open {
        Some(true) => " AND g.cleared_at = 0",
        Some(false) => " AND g.cleared_at > 0",
        None => "",
    });
    query.push(" ORDER BY g.check_id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(member).collect()
}

/// Every alert that ever belonged to a group, in order of joining.
pub(crate) fn all(tx: &mut Tx<'_>, group: i64, limit: i64) -> Result<Vec<Member>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE g.group_id = ").bind(group).push(" ORDER BY g.joined_at, g.check_id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(member).collect()
}

fn member(row: &Row) -> Result<Member> {
    Ok(Member {
        check: row.int(0)?,
        asset: row.opt_int(1)?,
        name: row.text(2)?,
        joined_at: row.time(3)?,
        cleared_at: Some(row.time(4)?).filter(|at| at.0 > 0),
        labels: labels(row)?,
    })
}

fn labels(row: &Row) -> Result<Labels> {
    let (Some(kept), Some(severity)) = (row.opt_text(5)?, row.opt_text(6)?) else { return Ok(Labels::default()) };
    let mut labels: Labels =
        serde_json::from_str(&kept).map_err(|error| Error::internal("monitor-member-row", error))?;
    labels.or("alertname", &row.text(2)?);
    labels.or("severity", &severity);
    Ok(labels)
}

/// The things that a group's alerts are about, and whether an alert of each is out.
pub(crate) fn tallies(tx: &mut Tx<'_>, group: i64, limit: i64) -> Result<BTreeMap<i64, Tally>> {
    tx.query(
        "SELECT asset_id, SUM(CASE WHEN cleared_at = 0 THEN 1 ELSE 0 END) FROM monitor_group_alerts \
         WHERE group_id = ?1 AND asset_id IS NOT NULL GROUP BY asset_id ORDER BY asset_id LIMIT ?2",
        &[group.into(), limit.into()],
    )?
    .iter()
    .map(|row| Ok((row.int(0)?, Tally { things: 1, out: row.int(1)?.min(1) })))
    .collect()
}

/// How the worst alert of each of these things stands that is out and in a group.
pub(crate) fn worst(tx: &mut Tx<'_>, group: i64, assets: &[i64]) -> Result<BTreeMap<i64, State>> {
    let mut query = Query::new("SELECT asset_id, state FROM monitor_alerts WHERE is_open = 1 AND group_id = ");
    query.bind(group).push(" AND asset_id IN ").list(assets).push(" ORDER BY asset_id, id LIMIT ").bind(ALERTS_MAX);
    let mut found: BTreeMap<i64, State> = BTreeMap::new();
    for row in tx.run(&query)? {
        let state = State::parse(row.str(1)?).ok_or_else(|| Error::internal("monitor-alert-row", "state"))?;
        let known = found.entry(row.int(0)?).or_insert(state);
        if rank(state) < rank(*known) {
            *known = state;
        }
    }
    Ok(found)
}

/// What is seen bad comes before what is not known, and that before what other things explain.
fn rank(state: State) -> u8 {
    match state {
        State::Firing | State::Flapping => 0,
        State::Error | State::NoData | State::Stale => 1,
        State::Degraded | State::Keeping | State::Pending => 2,
        State::Unreachable => 3,
        State::Waiting | State::Ok => 4,
    }
}
