//! Alert groups in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::permission::Reach;
use kernel::{Error, Result, Time};

use std::collections::BTreeMap;

use crate::check::Severity;
use crate::group::judgement::Judgement;
use crate::group::{Group, GroupState};
use crate::labels::{Asked, Labels};
use crate::limits::SLICE;
use crate::shade::Within;
use crate::store::checks::pattern;

const COLUMNS: &str = "SELECT g.id, g.title, g.state, g.check_id, g.asset_id, g.severity, g.team_id, g.opened_at, g.ended_at, g.acknowledged_by, \
     g.acknowledged_at, g.silenced, g.announced, g.proven, g.merged_into, g.evidence, g.changed_before, g.recovery, g.version, \
     (SELECT COUNT(*) FROM monitor_alerts a WHERE a.group_id = g.id AND a.is_open = 1), g.place_id, g.owner_id, g.labels, g.cause, \
     g.reopened_at, g.reopened, g.alert_at \
     FROM monitor_groups g WHERE 1 = 1";

fn group(row: &Row) -> Result<Group> {
    let broken = |what: &str| Error::internal("monitor-group-row", what);
    Ok(Group {
        id: row.int(0)?,
        title: row.text(1)?,
        state: GroupState::parse(row.str(2)?).ok_or_else(|| broken("state"))?,
        check: row.int(3)?,
        asset: row.opt_int(4)?,
        severity: Severity::parse(row.str(5)?).ok_or_else(|| broken("severity"))?,
        team: row.opt_int(6)?,
        opened_at: row.time(7)?,
        ended_at: Some(row.time(8)?).filter(|at| at.0 > 0),
        acknowledged_by: Some(row.text(9)?).filter(|name| !name.is_empty()),
        acknowledged_at: Some(row.time(10)?).filter(|at| at.0 > 0),
        silenced: row.bool(11)?,
        announced: row.bool(12)?,
        proven: row.bool(13)?,
        merged_into: row.opt_int(14)?,
        evidence: row.json(15)?,
        changed_before: row.json(16)?,
        recovery: row.json(17)?,
        version: row.int(18)?,
        open_alerts: row.int(19)?,
        place: row.opt_int(20)?,
        owner: row.opt_int(21)?,
        labels: row.json(22)?,
        judgement: row.json(23)?,
        reopened_at: Some(row.time(24)?).filter(|at| at.0 > 0),
        reopened: row.int(25)?,
        alert_at: usize::try_from(row.int(26)?).ok(),
    })
}

fn json(value: &impl serde::Serialize) -> Result<kernel::db::Value> {
    serde_json::to_string(value).map(kernel::db::Value::Text).map_err(|error| Error::internal("group-not-json", error))
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Group) -> Result<i64> {
    tx.insert(
        "INSERT INTO monitor_groups (title, state, check_id, asset_id, severity, team_id, place_id, owner_id, opened_at, ended_at, acknowledged_by, \
         acknowledged_at, silenced, announced, proven, merged_into, evidence, changed_before, recovery, version, labels, cause, alert_at) \
         VALUES (?1, 'open', ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '', 0, ?9, ?10, 0, NULL, ?11, ?12, '[]', 1, ?13, ?14, ?15) RETURNING id",
        &[
            (&new.title).into(),
            new.check.into(),
            new.asset.into(),
            new.severity.as_str().into(),
            new.team.into(),
            new.place.into(),
            new.owner.into(),
            new.opened_at.into(),
            new.silenced.into(),
            new.announced.into(),
            json(&new.evidence)?,
            json(&new.changed_before)?,
            new.labels.text()?.into(),
            json(&new.judgement)?,
            at(new.alert_at).into(),
        ],
    )
}

/// A place in a title as it is stored.
fn at(place: Option<usize>) -> i64 {
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Group>> {
    Ok(visible(tx, &[id], reach)?.into_iter().next())
}

pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Group>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND g.id IN ").list(ids);
    super::GROUPS.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(group).collect()
}

/// A group, whoever asks: for the machinery.
pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Group>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND g.id = ").bind(id);
    tx.run(&query)?.first().map(group).transpose()
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<GroupState>,
    pub(crate) asset: Option<i64>,
    pub(crate) team: Option<i64>,
    pub(crate) asked: Asked,
    pub(crate) severity: Option<Severity>,
    pub(crate) acknowledged: Option<bool>,
    pub(crate) silenced: Option<bool>,
    pub(crate) oldest: bool,
}

fn narrowed(query: &mut Query, filter: &Filter, reach: &Reach) {
    if let Some(state) = filter.state {
        query.push(" AND g.state = ").bind(state.as_str());
    }
    if let Some(asset) = filter.asset {
        query.push(" AND g.asset_id = ").bind(asset);
    }
    if let Some(team) = filter.team {
        query.push(" AND g.team_id = ").bind(team);
    }
    if let Some(severity) = filter.severity {
        query.push(" AND g.severity = ").bind(severity.as_str());
    }
    if let Some(acknowledged) = filter.acknowledged {
        query.push(if acknowledged { " AND g.acknowledged_at > 0" } else { " AND g.acknowledged_at = 0" });
    }
    if let Some(silenced) = filter.silenced {
        query.push(" AND g.silenced = ").bind(silenced);
    }
    for word in &filter.asked.words {
        query.push(" AND LOWER(g.title) LIKE ").bind(pattern(word)).push(" ESCAPE '!'");
    }
    for label in filter.asked.patterns() {
        query.push(" AND LOWER(g.labels) LIKE ").bind(pattern(&label)).push(" ESCAPE '!'");
    }
    super::GROUPS.narrow(query, reach);
}

pub(super) fn page_query(filter: &Filter, reach: &Reach, at: i64, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, filter, reach);
    query.push(if filter.oldest { " AND g.id > " } else { " AND g.id < " }).bind(at);
    query.push(if filter.oldest { " ORDER BY g.id LIMIT " } else { " ORDER BY g.id DESC LIMIT " }).bind(limit);
    query
}

/// One page in order of age, beyond the group `at` which the page before ended.
pub(crate) fn page(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, at: i64, limit: usize) -> Result<Vec<Group>> {
    tx.run(&page_query(filter, reach, at, limit))?.iter().map(group).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query = Query::new("SELECT g.id FROM monitor_groups g WHERE 1 = 1");
    narrowed(&mut query, filter, reach);
    tx.count(&query.counted(cap))
}

/// The group that a check's alert belonged to last.
pub(crate) fn last_of(tx: &mut Tx<'_>, check: i64) -> Result<Option<i64>> {
    let sql = "SELECT group_id FROM monitor_group_alerts WHERE check_id = ?1 ORDER BY group_id DESC LIMIT 1";
    tx.first(sql, &[check.into()])?.as_ref().map(|row| row.int(0)).transpose()
}

/// Groups of the same cause that are over, newest first.
pub(crate) fn earlier(tx: &mut Tx<'_>, asset: i64, before: i64, limit: i64) -> Result<Vec<Group>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND g.asset_id = ").bind(asset).push(" AND g.id < ").bind(before);
    query.push(" AND g.state = 'recovered' ORDER BY g.id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(group).collect()
}

/// The same of groups whose cause is none of our things, whatever it is.
pub(crate) fn earlier_beyond(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<Group>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND g.asset_id IS NULL AND g.id < ").bind(before);
    query.push(" AND g.state = 'recovered' ORDER BY g.id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(group).collect()
}

/// Open groups after a number that nobody was told of because of a silence.
pub(crate) fn silenced(tx: &mut Tx<'_>, after: i64, limit: i64) -> Result<Vec<(i64, Within)>> {
    tx.query(
        "SELECT id, team_id, cause FROM monitor_groups WHERE state = 'open' AND silenced = 1 AND id > ?1 ORDER BY id LIMIT ?2",
        &[after.into(), limit.into()],
    )?
    .iter()
    .map(within_of)
    .collect()
}

/// What these groups say of each of their alerts.
pub(crate) fn within(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, Within>> {
    let mut query = Query::new("SELECT id, team_id, cause FROM monitor_groups WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(within_of).collect()
}

fn within_of(row: &Row) -> Result<(i64, Within)> {
    Ok((row.int(0)?, Within::of(&row.json::<Judgement>(2)?, row.opt_int(1)?)))
}

pub(crate) fn set_severity(tx: &mut Tx<'_>, id: i64, severity: Severity) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET severity = ?1, version = version + 1 WHERE id = ?2",
        &[severity.as_str().into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn set_evidence(tx: &mut Tx<'_>, id: i64, evidence: &[String]) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET evidence = ?1, version = version + 1 WHERE id = ?2",
        &[json(&evidence)?, id.into()],
    )?;
    Ok(())
}

pub(crate) fn announce(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET silenced = 0, announced = 1, version = version + 1 WHERE id = ?1",
        &[id.into()],
    )?;
    Ok(())
}

pub(crate) fn acknowledge(tx: &mut Tx<'_>, id: i64, by: &str, at: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET acknowledged_by = ?1, acknowledged_at = ?2, version = version + 1 WHERE id = ?3",
        &[by.into(), at.into(), id.into()],
    )?;
    Ok(())
}

/// Takes an acknowledgement back.
pub(crate) fn unacknowledge(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET acknowledged_by = '', acknowledged_at = 0, version = version + 1 WHERE id = ?1",
        &[id.into()],
    )?;
    Ok(())
}

pub(crate) fn recover(tx: &mut Tx<'_>, id: i64, evidence: &[String], proven: bool, at: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET state = 'recovered', ended_at = ?1, recovery = ?2, proven = ?3, version = version + 1 WHERE id = ?4",
        &[at.into(), json(&evidence)?, proven.into(), id.into()],
    )?;
    Ok(())
}

/// Moves every alert of one group into another and ends the first.
pub(crate) fn merge(tx: &mut Tx<'_>, from: i64, into: i64, at: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET state = 'merged', ended_at = ?1, merged_into = ?2, version = version + 1 WHERE id = ?3",
        &[at.into(), into.into(), from.into()],
    )?;
    tx.execute(
        "UPDATE monitor_alerts SET group_id = ?1 WHERE group_id = ?2 \
         AND check_id IN (SELECT check_id FROM monitor_group_alerts WHERE group_id = ?2)",
        &[into.into(), from.into()],
    )?;
    tx.execute(
        "INSERT INTO monitor_group_alerts (group_id, check_id, asset_id, check_name, joined_at, cleared_at, covered) \
         SELECT CAST(?1 AS BIGINT), check_id, asset_id, check_name, joined_at, cleared_at, covered FROM monitor_group_alerts WHERE group_id = ?2 \
         ON CONFLICT (group_id, check_id) DO NOTHING",
        &[into.into(), from.into()],
    )?;
    tx.execute("UPDATE monitor_group_alerts SET covered = 0 WHERE group_id = ?1 AND covered = 1", &[from.into()])?;
    Ok(())
}

/// Alerts that are out belong to a group from now on, for the first time or again.
pub(crate) fn take(tx: &mut Tx<'_>, group: i64, checks: &[i64], at: Time) -> Result<()> {
    for slice in checks.chunks(SLICE) {
        let mut query = Query::new("UPDATE monitor_alerts SET group_id = ");
        query.bind(group).push(" WHERE is_open = 1 AND check_id IN ").list(slice);
        tx.run_change(&query)?;
        let mut query = Query::new(
            "INSERT INTO monitor_group_alerts (group_id, check_id, asset_id, check_name, joined_at, cleared_at) SELECT CAST(",
        );
        query
            .bind(group)
            .push(" AS BIGINT), c.id, c.asset_id, c.name, CAST(")
            .bind(at)
            .push(" AS BIGINT), CASE WHEN a.is_open = 1 THEN 0 ELSE CAST(")
            .bind(at)
            .push(" AS BIGINT) END FROM monitor_checks c JOIN monitor_alerts a ON a.check_id = c.id WHERE c.id IN ");
        // What cleared while this was decided belongs to the group and is out no more.
        query
            .list(slice)
            .push(" ON CONFLICT (group_id, check_id) DO UPDATE SET cleared_at = excluded.cleared_at, covered = 0");
        tx.run_change(&query)?;
    }
    Ok(())
}

/// Keeps which alerts of a group something covers, or covers no more.
pub(crate) fn set_covered(tx: &mut Tx<'_>, group: i64, checks: &[i64], covered: bool) -> Result<()> {
    for slice in checks.chunks(SLICE) {
        let mut query = Query::new("UPDATE monitor_group_alerts SET covered = ");
        query.bind(i64::from(covered)).push(" WHERE group_id = ").bind(group).push(" AND check_id IN ").list(slice);
        tx.run_change(&query)?;
    }
    Ok(())
}

/// Alerts belong to no group any more.
pub(crate) fn let_go(tx: &mut Tx<'_>, group: i64, checks: &[i64], at: Time) -> Result<()> {
    for slice in checks.chunks(SLICE) {
        let mut query = Query::new("UPDATE monitor_alerts SET group_id = NULL WHERE check_id IN ");
        query.list(slice);
        tx.run_change(&query)?;
        let mut query = Query::new("UPDATE monitor_group_alerts SET cleared_at = ");
        query.bind(at).push(" WHERE group_id = ").bind(group).push(" AND check_id IN ").list(slice);
        tx.run_change(&query)?;
    }
    Ok(())
}

pub(crate) fn set_recovery(tx: &mut Tx<'_>, id: i64, lines: &[String]) -> Result<()> {
    tx.execute("UPDATE monitor_groups SET recovery = ?1 WHERE id = ?2", &[json(&lines)?, id.into()])?;
    Ok(())
}

pub(crate) fn set_judgement(tx: &mut Tx<'_>, id: i64, judgement: &Judgement) -> Result<()> {
    tx.execute("UPDATE monitor_groups SET cause = ?1 WHERE id = ?2", &[json(judgement)?, id.into()])?;
    Ok(())
}

/// Another cause is likelier: what the group is called and about.
pub(crate) fn set_cause(tx: &mut Tx<'_>, group: &Group) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET title = ?1, check_id = ?2, asset_id = ?3, place_id = ?4, owner_id = ?5, changed_before = ?6, \
         team_id = ?7, alert_at = ?8, version = version + 1 WHERE id = ?9",
        &[
            (&group.title).into(),
            group.check.into(),
            group.asset.into(),
            group.place.into(),
            group.owner.into(),
            json(&group.changed_before)?,
            group.team.into(),
            at(group.alert_at).into(),
            group.id.into(),
        ],
    )?;
    Ok(())
}

/// By which labels it is routed from now on.
pub(crate) fn set_labels(tx: &mut Tx<'_>, id: i64, labels: &Labels) -> Result<()> {
    tx.execute("UPDATE monitor_groups SET labels = ?1 WHERE id = ?2", &[labels.text()?.into(), id.into()])?;
    Ok(())
}

/// What was over is open again.
pub(crate) fn reopen(tx: &mut Tx<'_>, group: &Group) -> Result<()> {
    tx.execute(
        "UPDATE monitor_groups SET state = 'open', ended_at = 0, recovery = '[]', proven = 0, acknowledged_by = '', acknowledged_at = 0, \
         silenced = ?1, announced = ?2, evidence = ?3, changed_before = ?4, reopened_at = ?5, reopened = ?6, version = version + 1 \
         WHERE id = ?7",
        &[
            group.silenced.into(),
            group.announced.into(),
            json(&group.evidence)?,
            json(&group.changed_before)?,
            group.reopened_at.unwrap_or_default().into(),
            group.reopened.into(),
            group.id.into(),
        ],
    )?;
    Ok(())
}

/// Copies from an asset what decides who sees its groups.
pub(crate) fn follow_asset(tx: &mut Tx<'_>, asset: i64, place: Option<i64>, owner: Option<i64>) -> Result<u64> {
    tx.execute(
        "UPDATE monitor_groups SET place_id = ?1, owner_id = ?2 WHERE asset_id = ?3",
        &[place.into(), owner.into(), asset.into()],
    )
}
