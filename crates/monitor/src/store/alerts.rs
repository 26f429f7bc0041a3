//! Alerts and their transitions in SQL.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::db::{Query, Row, Tx};
use kernel::permission::Reach;
use kernel::{Error, Result, Time};

use crate::alert::{Alert, Transition};
use crate::limits::SLICE;
use crate::machine::{Machine, State, Step};

const COLUMNS: &str = "SELECT a.id, a.check_id, a.asset_id, c.name, c.severity, a.state, a.is_open, a.since, a.fired_at, a.group_id, a.evidence, c.paused, c.place_id, c.labels, \
     COALESCE(c.team_id, c.asset_team_id), c.kind \
     FROM monitor_alerts a JOIN monitor_checks c ON c.id = a.check_id WHERE 1 = 1";

/// Rows of history that are written by one statement.
const HISTORY_ROWS: usize = 25;

fn alert(row: &Row) -> Result<Alert> {
    let broken = |what: &str| Error::internal("monitor-alert-row", what);
    Ok(Alert {
        id: row.int(0)?,
        check: row.int(1)?,
        asset: row.opt_int(2)?,
        name: row.text(3)?,
        severity: crate::check::Severity::parse(row.str(4)?).ok_or_else(|| broken("severity"))?,
        state: State::parse(row.str(5)?).ok_or_else(|| broken("state"))?,
        open: row.bool(6)?,
        since: row.time(7)?,
        fired_at: Some(row.time(8)?).filter(|at| at.0 > 0),
        group: row.opt_int(9)?,
        evidence: row.text(10)?,
        paused: row.bool(11)?,
        place: row.opt_int(12)?,
        labels: row.json(13)?,
        told_team: row.opt_int(14)?,
        kind: row.text(15)?,
    })
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Alert>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND a.id = ").bind(id);
    super::CHECKS.narrow(&mut query, reach);
    tx.run(&query)?.first().map(alert).transpose()
}

/// Those of the numbers that the reach covers.
pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Alert>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND a.id IN ").list(ids);
    super::CHECKS.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(alert).collect()
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) asset: Option<i64>,
    pub(crate) state: Option<State>,
    pub(crate) open: Option<bool>,
}

fn narrowed(query: &mut Query, filter: &Filter, reach: &Reach) {
    if let Some(asset) = filter.asset {
        query.push(" AND a.asset_id = ").bind(asset);
    }
    if let Some(state) = filter.state {
        query.push(" AND a.state = ").bind(state.as_str());
    }
    // As words of the statement: the index of what is out is of those alone.
    if let Some(open) = filter.open {
        query.push(if open { " AND a.is_open = 1" } else { " AND a.is_open = 0" });
    }
    super::CHECKS.narrow(query, reach);
}

pub(super) fn page_query(filter: &Filter, reach: &Reach, before: i64, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, filter, reach);
    query.push(" AND a.id < ").bind(before).push(" ORDER BY a.id DESC LIMIT ").bind(limit);
    query
}

pub(crate) fn page(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, before: i64, limit: usize) -> Result<Vec<Alert>> {
    tx.run(&page_query(filter, reach, before, limit))?.iter().map(alert).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query =
        Query::new("SELECT a.id FROM monitor_alerts a JOIN monitor_checks c ON c.id = a.check_id WHERE 1 = 1");
    narrowed(&mut query, filter, reach);
    tx.count(&query.counted(cap))
}

/// The alerts that are open in a group.
pub(crate) fn open_of_group(tx: &mut Tx<'_>, group: i64, limit: i64) -> Result<Vec<Alert>> {
    let mut query = Query::new(COLUMNS);
    query
        .push(" AND a.is_open = 1 AND a.group_id = ")
        .bind(group)
        .push(" ORDER BY a.fired_at, a.id LIMIT ")
        .bind(limit);
    tx.run(&query)?.iter().map(alert).collect()
}

/// The alerts that are open in these groups, group by group.
pub(crate) fn open_in(tx: &mut Tx<'_>, groups: &[i64]) -> Result<Vec<Alert>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND a.is_open = 1 AND a.group_id IN ").list(groups).push(" ORDER BY a.group_id, a.check_id");
    tx.run(&query)?.iter().map(alert).collect()
}

/// Open alerts of groups that were told of, after the one of this check, that something covered when they joined.
pub(crate) fn covered_once(tx: &mut Tx<'_>, after: i64, limit: i64) -> Result<Vec<Alert>> {
    let mut query = Query::new(COLUMNS);
    query
        .push(" AND a.is_open = 1 AND a.check_id > ")
        .bind(after)
        .push(
            " AND a.check_id IN (SELECT m.check_id FROM monitor_group_alerts m WHERE m.covered = 1 AND m.cleared_at = 0) \
             AND EXISTS (SELECT 1 FROM monitor_groups g WHERE g.id = a.group_id AND g.silenced = 0) \
             ORDER BY a.check_id LIMIT ",
        )
        .bind(limit);
    tx.run(&query)?.iter().map(alert).collect()
}

/// The open alerts of a group that something covered when they joined.
pub(crate) fn covered_of(tx: &mut Tx<'_>, group: i64) -> Result<Vec<Alert>> {
    let mut query = Query::new(COLUMNS);
    query
        .push(" AND a.is_open = 1 AND a.group_id = ")
        .bind(group)
        .push(" AND a.check_id IN (SELECT m.check_id FROM monitor_group_alerts m WHERE m.covered = 1 AND m.cleared_at = 0 AND m.group_id = ")
        .bind(group)
        .push(") ORDER BY a.fired_at, a.id");
    tx.run(&query)?.iter().map(alert).collect()
}

/// Alerts that are out, oldest first.
pub(crate) fn out(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Alert>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND a.is_open = 1 ORDER BY a.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(alert).collect()
}

/// The check on an asset whose alert was the first in a group that still is out there.
pub(crate) fn first_on(tx: &mut Tx<'_>, group: i64, asset: i64) -> Result<Option<i64>> {
    let sql = "SELECT check_id FROM monitor_alerts WHERE group_id = ?1 AND asset_id = ?2 AND is_open = 1 ORDER BY fired_at, check_id LIMIT 1";
    tx.first(sql, &[group.into(), asset.into()])?.as_ref().map(|row| row.int(0)).transpose()
}

/// The stored memory of each of these checks' alerts.
pub(crate) fn machines(tx: &mut Tx<'_>, checks: &[i64]) -> Result<Vec<(i64, Machine)>> {
    let mut query = Query::new("SELECT check_id, machine FROM monitor_alerts WHERE check_id IN ");
    query.list(checks);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.json(1)?))).collect()
}

/// What has to be known of a check before a change of its state is written.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) generation: i64,
    pub(crate) asset: Option<i64>,
}

/// How these checks stand now, by check.
pub(crate) fn known(tx: &mut Tx<'_>, checks: &[i64]) -> Result<HashMap<i64, Known>> {
    let mut found = HashMap::with_capacity(checks.len());
    for slice in checks.chunks(SLICE) {
        let mut query = Query::new("SELECT id, generation, asset_id FROM monitor_checks WHERE id IN ");
        query.list(slice);
        for row in tx.run(&query)? {
            found.insert(row.int(0)?, Known { generation: row.int(1)?, asset: row.opt_int(2)? });
        }
    }
    Ok(found)
}

/// Those of these checks that wait for their first result.
pub(crate) fn waiting(tx: &mut Tx<'_>, checks: &[i64]) -> Result<BTreeSet<i64>> {
    let mut query = Query::new("SELECT check_id FROM monitor_alerts WHERE state = 'waiting' AND check_id IN ");
    query.list(checks);
    tx.run(&query)?.iter().map(|row| row.int(0)).collect()
}

/// A change of state of a check.
pub(crate) struct Moved<'a> {
    pub(crate) check: i64,
    pub(crate) asset: Option<i64>,
    pub(crate) step: &'a Step,
    pub(crate) machine: &'a Machine,
    /// What was seen last.
    pub(crate) evidence: &'a str,
    pub(crate) at: Time,
}

/// Writes changes of state in their order: the rows of the alerts, and those of their history. Of an alert that moved
/// more than once only the last state is written.
pub(crate) fn moved(tx: &mut Tx<'_>, all: &[Moved<'_>]) -> Result<()> {
    // In the order of the rows: those beside each other are on one page.
    let mut last: BTreeMap<i64, (&Moved<'_>, Time)> = BTreeMap::new();
    for one in all {
        let entry = last.entry(one.check).or_insert((one, Time(0)));
        entry.0 = one;
        entry.1 = if one.step.fired { one.at } else { entry.1 };
    }
    for (check, (one, fired_at)) in last {
        let machine = serde_json::to_string(one.machine).map_err(|error| Error::internal("machine-not-json", error))?;
        tx.execute(
            "UPDATE monitor_alerts SET state = ?1, is_open = ?2, since = ?3, evidence = ?4, machine = ?5, \
             fired_at = CASE WHEN CAST(?6 AS BIGINT) > 0 THEN CAST(?6 AS BIGINT) ELSE fired_at END WHERE check_id = ?7",
            &[
                one.step.to.as_str().into(),
                one.machine.open.into(),
                one.machine.since.into(),
                one.evidence.into(),
                machine.into(),
                fired_at.into(),
                check.into(),
            ],
        )?;
    }
    for slice in all.chunks(HISTORY_ROWS) {
        let mut query = Query::new(
            "INSERT INTO monitor_transitions (check_id, asset_id, at, from_state, to_state, fired, cleared, evidence) VALUES ",
        );
        for (nth, one) in slice.iter().enumerate() {
            query.push(if nth == 0 { "(" } else { ", (" }).bind(one.check);
            query.push(", ").bind(one.asset).push(", ").bind(one.at);
            query.push(", ").bind(one.step.from.as_str()).push(", ").bind(one.step.to.as_str());
            query.push(", ").bind(one.step.fired).push(", ").bind(one.step.cleared);
            query.push(", ").bind(one.evidence).push(")");
        }
        tx.run_change(&query)?;
    }
    Ok(())
}

pub(crate) fn set_group(tx: &mut Tx<'_>, check: i64, group: Option<i64>) -> Result<()> {
    tx.execute("UPDATE monitor_alerts SET group_id = ?1 WHERE check_id = ?2", &[group.into(), check.into()])?;
    Ok(())
}

fn transition(row: &Row) -> Result<Transition> {
    let broken = || Error::internal("monitor-transition-row", "state");
    Ok(Transition {
        at: row.time(0)?,
        from: State::parse(row.str(1)?).ok_or_else(broken)?,
        to: State::parse(row.str(2)?).ok_or_else(broken)?,
        fired: row.bool(3)?,
        cleared: row.bool(4)?,
        evidence: row.text(5)?,
    })
}

/// The newest changes of state of a check, newest first.
pub(crate) fn transitions(tx: &mut Tx<'_>, check: i64, limit: i64) -> Result<Vec<Transition>> {
    tx.query(
        "SELECT at, from_state, to_state, fired, cleared, evidence FROM monitor_transitions WHERE check_id = ?1 ORDER BY id DESC LIMIT ?2",
        &[check.into(), limit.into()],
    )?
    .iter()
    .map(transition)
    .collect()
}

/// Alerts of an asset that fired or cleared between two moments, oldest first: time, name of the check, fired.
pub(crate) fn marks(
    tx: &mut Tx<'_>,
    asset: i64,
    from: Time,
    to: Time,
    reach: &Reach,
    limit: i64,
) -> Result<Vec<(Time, String, bool)>> {
    let mut query = Query::new(
        "SELECT t.at, c.name, t.fired FROM monitor_transitions t JOIN monitor_checks c ON c.id = t.check_id \
         WHERE (t.fired = 1 OR t.cleared = 1) AND t.asset_id = ",
    );
    query.bind(asset).push(" AND t.at >= ").bind(from).push(" AND t.at <= ").bind(to);
    super::CHECKS.narrow(&mut query, reach);
    query.push(" ORDER BY t.at, t.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(|row| Ok((row.time(0)?, row.text(1)?, row.bool(2)?))).collect()
}
