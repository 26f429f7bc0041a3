//! Rollouts in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Reach, Result, Time};

use super::{Rollout, RolloutState};
use crate::agent::store::within;

pub(super) mod busy;
pub(super) mod presence;

const COLUMNS: &str = "SELECT id, release_id, state, reason, percents, stage, parallel, stop_percent, again, agents, started_at, \
                       started_by, version FROM fleet_rollouts";

fn rollout(row: &Row) -> Result<Rollout> {
    Ok(Rollout {
        id: row.int(0)?,
        release: row.int(1)?,
        state: RolloutState::parse(row.str(2)?)?,
        reason: row.text(3)?,
        percents: row.json(4)?,
        stage: row.int(5)?,
        parallel: row.int(6)?,
        stop_percent: row.int(7)?,
        again: row.bool(8)?,
        agents: row.int(9)?,
        started_at: row.time(10)?,
        started_by: row.text(11)?,
        version: row.int(12)?,
    })
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &Rollout, target: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO fleet_rollouts (release_id, target, state, reason, percents, stage, parallel, stop_percent, again, agents, \
         started_at, started_by, changed_at, version) VALUES (?1, ?2, 'running', '', ?3, 0, ?4, ?5, ?6, 0, ?7, ?8, ?7, 1) RETURNING id",
        &[
            new.release.into(),
            target.into(),
            serde_json::json!(new.percents).to_string().into(),
            new.parallel.into(),
            new.stop_percent.into(),
            new.again.into(),
            new.started_at.into(),
            (&new.started_by).into(),
        ],
    )
}

/// Puts every active agent for a target that has one of these versions into its stage: those that were named first, the
/// rest by a share that is drawn from rollout and number. Answers how many there are.
pub(super) fn fill(
    tx: &mut Tx<'_>,
    id: i64,
    (target, versions): (&str, &[String]),
    first: &[i64],
    percents: &[i64],
) -> Result<i64> {
    let mut query = Query::new(
        "INSERT INTO fleet_rollout_agents (rollout_id, agent_row, stage, state, reason, version_before, offered_at, finished_at) \
         SELECT CAST(",
    );
    query.bind(id).push(" AS BIGINT), drawn.id, CASE WHEN drawn.first = 1 THEN 0");
    for (index, percent) in percents.iter().enumerate() {
        let stage = i64::try_from(index).unwrap_or(0) + 1;
        query.push(" WHEN (drawn.place - 1) * 100 < CAST(").bind(*percent).push(" AS BIGINT) * drawn.whole THEN CAST(");
        query.bind(stage).push(" AS BIGINT)");
    }
    let last = i64::try_from(percents.len()).unwrap_or(0);
    query.push(" ELSE CAST(").bind(last).push(" AS BIGINT) END, 'waiting', '', drawn.agent_version, 0, 0 FROM (");
    query.push(
        "SELECT one.id, one.agent_version, one.first, COUNT(*) OVER (PARTITION BY one.first) AS whole, ROW_NUMBER() OVER \
         (PARTITION BY one.first ORDER BY (one.id * 7919 + CAST(",
    );
    query.bind(id).push(
        " AS BIGINT) * 104729) % 1000003, one.id) AS place FROM (SELECT a.id, a.agent_version, CASE WHEN a.id IN ",
    );
    query
        .list(first)
        .push(" THEN 1 ELSE 0 END AS first FROM fleet_agents a WHERE a.state = 'active' AND a.updates = 1");
    query.push(" AND a.target = ").bind(target).push(" AND a.agent_version IN ").list(versions);
    query.push(") one) drawn");
    let agents = i64::try_from(tx.run_change(&query)?).unwrap_or(0);
    tx.execute("UPDATE fleet_rollouts SET agents = ?1 WHERE id = ?2", &[agents.into(), id.into()])?;
    Ok(agents)
}

/// Of these agents, those that a release for this target can be brought to, with their versions.
pub(super) fn able(tx: &mut Tx<'_>, ids: &[i64], target: &str) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new(
        "SELECT a.id, a.agent_version FROM fleet_agents a WHERE a.state = 'active' AND a.updates = 1 AND a.target = ",
    );
    query.bind(target).push(" AND a.id IN ").list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The versions that active agents for a target have: the thousand that most of them have.
pub(super) fn versions_of(tx: &mut Tx<'_>, target: &str) -> Result<Vec<String>> {
    let sql = "SELECT a.agent_version FROM fleet_agents a WHERE a.state = 'active' AND a.updates = 1 AND a.target = ?1 \
               GROUP BY a.agent_version ORDER BY COUNT(*) DESC, a.agent_version LIMIT 1000";
    tx.query(sql, &[target.into()])?.iter().map(|row| row.text(0)).collect()
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64) -> Result<Option<Rollout>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(rollout).transpose()
}

pub(super) fn page(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<Vec<Rollout>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id < ").bind(before).push(" ORDER BY id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(rollout).collect()
}

pub(super) fn count(tx: &mut Tx<'_>) -> Result<i64> {
    tx.count(&Query::new("SELECT id FROM fleet_rollouts").counted(kernel::limits::COUNT_MAX + 1))
}

/// The versions that rollouts bring.
pub(super) fn versions(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new(
        "SELECT r.id, l.version FROM fleet_rollouts r JOIN fleet_releases l ON l.id = r.release_id WHERE r.id IN ",
    );
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The rollouts that go on by themselves.
pub(super) fn running(tx: &mut Tx<'_>) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM fleet_rollouts WHERE state = 'running' ORDER BY id LIMIT 100";
    tx.query(sql, &[])?.iter().map(|row| row.int(0)).collect()
}

/// A rollout that may still go on, for a target or of a release.
pub(crate) fn open_of(tx: &mut Tx<'_>, target: Option<&str>, release: Option<i64>) -> Result<Option<i64>> {
    let mut query = Query::new("SELECT id FROM fleet_rollouts WHERE state IN ('running', 'paused', 'stopped')");
    if let Some(target) = target {
        query.push(" AND target = ").bind(target);
    }
    if let Some(release) = release {
        query.push(" AND release_id = ").bind(release);
    }
    query.push(" ORDER BY id LIMIT 1");
    tx.run(&query)?.first().map(|row| row.int(0)).transpose()
}

pub(super) fn set_state(tx: &mut Tx<'_>, id: i64, state: RolloutState, reason: &str, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE fleet_rollouts SET state = ?1, reason = ?2, changed_at = ?3, version = version + 1 WHERE id = ?4",
        &[state.as_str().into(), reason.into(), now.into(), id.into()],
    )?;
    Ok(())
}

pub(super) fn set_stage(tx: &mut Tx<'_>, id: i64, stage: i64, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE fleet_rollouts SET stage = ?1, changed_at = ?2 WHERE id = ?3",
        &[stage.into(), now.into(), id.into()],
    )?;
    Ok(())
}

pub(super) fn set_stop_percent(tx: &mut Tx<'_>, id: i64, percent: i64) -> Result<()> {
    tx.execute("UPDATE fleet_rollouts SET stop_percent = ?1 WHERE id = ?2", &[percent.into(), id.into()])?;
    Ok(())
}

/// How many agents of each stage stand where.
pub(super) fn counts(tx: &mut Tx<'_>, id: i64) -> Result<Vec<(i64, String, i64)>> {
    let sql = "SELECT stage, state, COUNT(*) FROM fleet_rollout_agents WHERE rollout_id = ?1 GROUP BY stage, state";
    tx.query(sql, &[id.into()])?.iter().map(|row| Ok((row.int(0)?, row.text(1)?, row.int(2)?))).collect()
}

/// Gives up agents that have an offer and have not been heard of since `before`.
pub(super) fn lose(tx: &mut Tx<'_>, id: i64, before: Time, now: Time) -> Result<u64> {
    tx.execute(
        "UPDATE fleet_rollout_agents SET state = 'missing', reason = 'It did not come back', finished_at = ?1 \
         WHERE rollout_id = ?2 AND state IN ('offered', 'trying') AND offered_at < ?3",
        &[now.into(), id.into(), before.into()],
    )
}

/// Rows and agents that wait and are connected, up to a stage. Who was too busy before is next when no job is open.
pub(super) fn next(tx: &mut Tx<'_>, id: i64, stage: i64, limit: i64) -> Result<Vec<(i64, i64)>> {
    let sql = "SELECT r.id, r.agent_row FROM fleet_rollout_agents r JOIN fleet_agents a ON a.id = r.agent_row \
               WHERE r.rollout_id = ?1 AND r.stage <= ?2 AND r.state IN ('waiting', 'busy') AND a.online = 1 \
               AND a.state = 'active' AND a.updates = 1 AND (r.state = 'waiting' OR NOT EXISTS (SELECT 1 FROM fleet_jobs j \
               WHERE j.agent_row = r.agent_row AND j.state IN ('queued', 'sent', 'accepted'))) ORDER BY r.stage, r.id LIMIT ?3";
    tx.query(sql, &[id.into(), stage.into(), limit.into()])?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

pub(super) fn offered(tx: &mut Tx<'_>, row: i64, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE fleet_rollout_agents SET state = 'offered', offered_at = ?1 WHERE id = ?2",
        &[now.into(), row.into()],
    )?;
    Ok(())
}

/// Lets agents that have an offer get it again: who has the whole program as if it had come at `due`.
pub(super) fn offer_again(tx: &mut Tx<'_>, id: i64, due: Time) -> Result<()> {
    let sql = "UPDATE fleet_rollout_agents SET state = 'waiting' WHERE rollout_id = ?1 AND state = 'offered'";
    tx.execute(sql, &[id.into()])?;
    let sql =
        "UPDATE fleet_rollout_agents SET offered_at = ?1, ready_at = ?1 WHERE rollout_id = ?2 AND state = 'trying'";
    tx.execute(sql, &[due.into(), id.into()])?;
    Ok(())
}

/// The newest rollout that an agent belongs to, and where it stands in it.
pub(super) fn open_row(tx: &mut Tx<'_>, agent: i64) -> Result<Option<(i64, String)>> {
    let sql = "SELECT rollout_id, state FROM fleet_rollout_agents WHERE agent_row = ?1 ORDER BY id DESC LIMIT 1";
    tx.first(sql, &[agent.into()])?.map(|row| Ok((row.int(0)?, row.text(1)?))).transpose()
}

/// An agent's row for a program.
pub(super) struct Offered {
    pub(super) id: i64,
    pub(super) rollout: i64,
    pub(super) state: String,
    pub(super) version: String,
    pub(super) version_before: String,
}

/// The newest row of an agent that was offered this program.
pub(super) fn row_for(tx: &mut Tx<'_>, agent: i64, sha256: &[u8; 32]) -> Result<Option<Offered>> {
    let sql = "SELECT r.id, r.rollout_id, r.state, l.version, r.version_before FROM fleet_rollout_agents r \
               JOIN fleet_rollouts o ON o.id = r.rollout_id JOIN fleet_releases l ON l.id = o.release_id \
               WHERE r.agent_row = ?1 AND l.sha256 = ?2 AND r.state <> 'waiting' ORDER BY r.id DESC LIMIT 1";
    let row = tx.first(sql, &[agent.into(), sha256.as_slice().into()])?;
    row.map(|row| {
        Ok(Offered {
            id: row.int(0)?,
            rollout: row.int(1)?,
            state: row.text(2)?,
            version: row.text(3)?,
            version_before: row.text(4)?,
        })
    })
    .transpose()
}

/// May an agent have this program now? Only while it has an offer of a rollout that was not ended.
pub(crate) fn may_fetch(tx: &mut Tx<'_>, agent: i64, sha256: &[u8; 32]) -> Result<bool> {
    let sql = "SELECT r.id FROM fleet_rollout_agents r JOIN fleet_rollouts o ON o.id = r.rollout_id \
               JOIN fleet_releases l ON l.id = o.release_id WHERE r.agent_row = ?1 AND r.state IN ('offered', 'trying') \
               AND l.sha256 = ?2 AND l.withdrawn_at = 0 AND o.state IN ('running', 'paused') LIMIT 1";
    Ok(tx.first(sql, &[agent.into(), sha256.as_slice().into()])?.is_some())
}

pub(super) fn reported(tx: &mut Tx<'_>, row: i64, state: &str, reason: &str, finished: Time) -> Result<()> {
    tx.execute(
        "UPDATE fleet_rollout_agents SET state = ?1, reason = ?2, finished_at = ?3 WHERE id = ?4",
        &[state.into(), reason.into(), finished.into(), row.into()],
    )?;
    Ok(())
}

/// An agent's part in a rollout.
pub(super) struct Part {
    pub(super) id: i64,
    pub(super) agent: i64,
    pub(super) hostname: String,
    pub(super) stage: i64,
    pub(super) state: String,
    pub(super) reason: String,
    pub(super) version_before: String,
    pub(super) offered_at: Time,
    pub(super) finished_at: Time,
}

fn parts(filter: &super::list::Filter, reach: &Reach) -> Query {
    let mut query = Query::new(
        "SELECT r.id, r.agent_row, a.hostname, r.stage, r.state, r.reason, r.version_before, r.offered_at, r.finished_at \
         FROM fleet_rollout_agents r JOIN fleet_agents a ON a.id = r.agent_row WHERE r.rollout_id = ",
    );
    query.bind(filter.rollout);
    match filter.state.as_deref() {
        Some("at_work") => {
            query.push(" AND r.state IN ('offered', 'trying')");
        }
        Some(state) => {
            query.push(" AND r.state = ").bind(state);
        }
        None => {}
    }
    within(&mut query, reach);
    query
}

pub(super) fn part_page(tx: &mut Tx<'_>, filter: &super::list::Filter, reach: &Reach, limit: i64) -> Result<Vec<Part>> {
    let mut query = parts(filter, reach);
    query.push(" AND r.id < ").bind(filter.before).push(" ORDER BY r.id DESC LIMIT ").bind(limit);
    let part = |row: &Row| {
        Ok(Part {
            id: row.int(0)?,
            agent: row.int(1)?,
            hostname: row.text(2)?,
            stage: row.int(3)?,
            state: row.text(4)?,
            reason: row.text(5)?,
            version_before: row.text(6)?,
            offered_at: row.time(7)?,
            finished_at: row.time(8)?,
        })
    };
    tx.run(&query)?.iter().map(part).collect()
}

pub(super) fn part_count(tx: &mut Tx<'_>, filter: &super::list::Filter, reach: &Reach) -> Result<i64> {
    tx.count(&parts(filter, reach).counted(kernel::limits::COUNT_MAX + 1))
}

/// Active agents by version and target, most first.
pub(super) fn in_use(tx: &mut Tx<'_>, reach: &Reach) -> Result<Vec<(String, String, i64)>> {
    let mut query =
        Query::new("SELECT a.agent_version, a.target, COUNT(*) FROM fleet_agents a WHERE a.state = 'active'");
    within(&mut query, reach);
    query.push(" GROUP BY a.agent_version, a.target ORDER BY COUNT(*) DESC, a.agent_version LIMIT 100");
    tx.run(&query)?.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.int(2)?))).collect()
}
