//! Jobs in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Error, Reach, Result, Time};

use super::{Ending, Job};
use crate::agent::store::within;

const COLUMNS: &str = "SELECT j.id, j.job_id, j.asset_id, j.agent_row, j.class, j.action, j.plan, j.plan_hash, j.approval, j.state, \
                       j.not_before, j.not_after, j.timeout_s, j.cause, j.run, j.stop_epoch, j.reason, j.exit_code, j.output, \
                       j.output_dropped, j.queued_by, j.queued_at, j.sent_at, j.accepted_at, j.started_at, j.finished_at \
                       FROM fleet_jobs j JOIN fleet_agents a ON a.id = j.agent_row";

/// The same for lists, which show neither the output nor the plan: both may be long.
const LIST: &str = "SELECT j.id, j.job_id, j.asset_id, j.agent_row, j.class, j.action, '[]', j.plan_hash, 'null', j.state, \
                    j.not_before, j.not_after, j.timeout_s, j.cause, j.run, j.stop_epoch, j.reason, j.exit_code, '', \
                    j.output_dropped, j.queued_by, j.queued_at, j.sent_at, j.accepted_at, j.started_at, j.finished_at \
                    FROM fleet_jobs j JOIN fleet_agents a ON a.id = j.agent_row";

fn job(row: &Row) -> Result<Job> {
    let job_id: Vec<u8> = row.bytes(1)?;
    Ok(Job {
        id: row.int(0)?,
        job_id: job_id.try_into().map_err(|_| Error::internal("job-id", "not 16 bytes"))?,
        asset: row.int(2)?,
        agent: row.int(3)?,
        class: row.text(4)?,
        action: row.json(5)?,
        plan: row.json(6)?,
        plan_hash: row.text(7)?,
        approval: row.json(8)?,
        state: row.text(9)?,
        not_before: row.time(10)?,
        not_after: row.time(11)?,
        timeout_s: row.int(12)?,
        cause: row.text(13)?,
        run: row.text(14)?,
        stop_epoch: row.int(15)?,
        reason: row.text(16)?,
        exit_code: row.opt_int(17)?,
        output: row.text(18)?,
        output_dropped: row.int(19)?,
        queued_by: row.text(20)?,
        queued_at: row.time(21)?,
        sent_at: row.time(22)?,
        accepted_at: row.time(23)?,
        started_at: row.time(24)?,
        finished_at: row.time(25)?,
    })
}

fn all(tx: &mut Tx<'_>, query: &Query) -> Result<Vec<Job>> {
    tx.run(query)?.iter().map(job).collect()
}

/// Stores a new job in state `queued`.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Job, deadline: Time) -> Result<i64> {
    let json = |value: serde_json::Result<String>| value.map_err(|error| Error::internal("job-not-json", error));
    tx.insert(
        "INSERT INTO fleet_jobs (job_id, asset_id, agent_row, class, action, plan, plan_hash, approval, state, not_before, not_after, \
         deadline, timeout_s, cause, run, stop_epoch, reason, exit_code, output, output_dropped, queued_by, queued_at, sent_at, \
         accepted_at, started_at, finished_at, guessed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9, ?10, ?11, ?12, ?13, ?14, \
         ?15, '', NULL, '', 0, ?16, ?17, 0, 0, 0, 0, 0) RETURNING id",
        &[
            new.job_id.as_slice().into(),
            new.asset.into(),
            new.agent.into(),
            (&new.class).into(),
            (&new.action).into(),
            json(serde_json::to_string(&new.plan))?.into(),
            (&new.plan_hash).into(),
            json(serde_json::to_string(&new.approval))?.into(),
            new.not_before.into(),
            new.not_after.into(),
            deadline.into(),
            new.timeout_s.into(),
            (&new.cause).into(),
            (&new.run).into(),
            new.stop_epoch.into(),
            (&new.queued_by).into(),
            new.queued_at.into(),
        ],
    )
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Job>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE j.id = ").bind(id);
    within(&mut query, reach);
    Ok(all(tx, &query)?.into_iter().next())
}

pub(crate) fn by_job_id(tx: &mut Tx<'_>, job_id: &[u8; 16]) -> Result<Option<Job>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE j.job_id = ").bind(job_id.as_slice());
    Ok(all(tx, &query)?.into_iter().next())
}

/// One page of jobs, newest first, without their output.
pub(crate) fn page(tx: &mut Tx<'_>, filter: &super::list::Filter, reach: &Reach, limit: i64) -> Result<Vec<Job>> {
    all(tx, &page_query(filter, reach, limit))
}

fn page_query(filter: &super::list::Filter, reach: &Reach, limit: i64) -> Query {
    let mut query = Query::new(LIST);
    query.push(" WHERE j.id < ").bind(filter.before);
    conditions(&mut query, filter, reach);
    query.push(" ORDER BY j.id DESC LIMIT ").bind(limit);
    query
}

/// What each of these jobs does, as far as the reach goes.
pub(crate) fn actions(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<(i64, serde_json::Value)>> {
    let mut query =
        Query::new("SELECT j.id, j.action FROM fleet_jobs j JOIN fleet_agents a ON a.id = j.agent_row WHERE j.id IN ");
    query.list(ids);
    within(&mut query, reach);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.json(1)?))).collect()
}

pub(crate) fn count(tx: &mut Tx<'_>, filter: &super::list::Filter, reach: &Reach) -> Result<i64> {
    let mut query = Query::new(
        "SELECT COUNT(*) FROM (SELECT j.id FROM fleet_jobs j JOIN fleet_agents a ON a.id = j.agent_row WHERE j.id > 0",
    );
    conditions(&mut query, filter, reach);
    query.push(" LIMIT ").bind(kernel::limits::COUNT_MAX + 1).push(") counted");
    tx.run(&query)?.first().map_or(Ok(0), |row| row.int(0))
}

fn conditions(query: &mut Query, filter: &super::list::Filter, reach: &Reach) {
    if let Some(asset) = filter.asset {
        query.push(" AND j.asset_id = ").bind(asset);
    }
    if let Some(agent) = filter.agent {
        query.push(" AND j.agent_row = ").bind(agent);
    }
    if let Some(state) = &filter.state {
        query.push(" AND j.state = ").bind(state);
    }
    within(query, reach);
}

/// Jobs that an agent was not sent yet, oldest first.
pub(crate) fn queued_for(tx: &mut Tx<'_>, agent: i64, limit: i64) -> Result<Vec<Job>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE j.agent_row = ").bind(agent).push(" AND j.state = 'queued' ORDER BY j.id LIMIT ").bind(limit);
    all(tx, &query)
}

/// Jobs of an agent that are not over, oldest first: what it may have lost.
pub(crate) fn open_for(tx: &mut Tx<'_>, agent: i64, limit: i64) -> Result<Vec<Job>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE j.agent_row = ").bind(agent);
    query.push(" AND j.state IN ('queued', 'sent', 'accepted') ORDER BY j.id LIMIT ").bind(limit);
    all(tx, &query)
}

/// Jobs of every agent that were queued before an order to stop and wait.
pub(crate) fn queued_before(tx: &mut Tx<'_>, epoch: i64, limit: i64) -> Result<Vec<Job>> {
    let mut query = Query::new(LIST);
    query.push(" WHERE j.state = 'queued' AND j.stop_epoch < ").bind(epoch).push(" ORDER BY j.id LIMIT ").bind(limit);
    all(tx, &query)
}

/// The agents (or this one) that may work on what was queued before an order to stop, and were sent nothing since: an agent
/// that was knows of the order.
pub(crate) fn behind(tx: &mut Tx<'_>, epoch: i64, agent: Option<i64>) -> Result<Vec<i64>> {
    let mut query = Query::new(
        "SELECT DISTINCT j.agent_row FROM fleet_jobs j WHERE j.state IN ('sent', 'accepted', 'unknown') \
         AND (j.guessed = 1 OR j.state <> 'unknown') AND j.stop_epoch < ",
    );
    query.bind(epoch);
    if let Some(agent) = agent {
        query.push(" AND j.agent_row = ").bind(agent);
    }
    query.push(" AND NOT EXISTS (SELECT 1 FROM fleet_jobs n WHERE n.agent_row = j.agent_row AND n.sent_at > 0 AND n.stop_epoch >= ");
    query.bind(epoch).push(")");
    tx.run(&query)?.iter().map(|row| row.int(0)).collect()
}

/// Open jobs whose time is over.
pub(crate) fn overdue(tx: &mut Tx<'_>, now: Time, limit: i64) -> Result<Vec<Job>> {
    let mut query = Query::new(LIST);
    query.push(" WHERE j.state IN ('queued', 'sent', 'accepted') AND j.deadline <= ").bind(now);
    query.push(" ORDER BY j.deadline LIMIT ").bind(limit);
    all(tx, &query)
}

/// Marks a job as sent; answers false when it is not waiting any more.
pub(crate) fn sent(tx: &mut Tx<'_>, id: i64, deadline: Time, now: Time) -> Result<bool> {
    let sql = "UPDATE fleet_jobs SET state = 'sent', sent_at = ?1, deadline = ?2 WHERE id = ?3 AND state = 'queued'";
    Ok(tx.execute(sql, &[now.into(), deadline.into(), id.into()])? == 1)
}

pub(crate) fn accepted(tx: &mut Tx<'_>, id: i64, at: Time) -> Result<bool> {
    let sql =
        "UPDATE fleet_jobs SET state = 'accepted', accepted_at = ?1 WHERE id = ?2 AND state IN ('queued', 'sent')";
    Ok(tx.execute(sql, &[at.into(), id.into()])? == 1)
}

/// Ends a job that is not over; answers whether this did it.
pub(crate) fn finish(tx: &mut Tx<'_>, id: i64, ending: &Ending, now: Time) -> Result<bool> {
    let sql = "UPDATE fleet_jobs SET state = ?1, reason = ?2, exit_code = ?3, output = ?4, output_dropped = ?5, started_at = ?6, \
               finished_at = ?7, guessed = ?8 WHERE id = ?9 AND state IN ('queued', 'sent', 'accepted')";
    write_ending(tx, sql, id, ending, now)
}

/// Puts the agent's own word in place of what the server had concluded.
pub(crate) fn correct(tx: &mut Tx<'_>, id: i64, ending: &Ending, now: Time) -> Result<bool> {
    let sql = "UPDATE fleet_jobs SET state = ?1, reason = ?2, exit_code = ?3, output = ?4, output_dropped = ?5, started_at = ?6, \
               finished_at = ?7, guessed = ?8 WHERE id = ?9 AND guessed = 1";
    write_ending(tx, sql, id, ending, now)
}

fn write_ending(tx: &mut Tx<'_>, sql: &str, id: i64, ending: &Ending, now: Time) -> Result<bool> {
    let touched = tx.execute(
        sql,
        &[
            ending.state.into(),
            (&ending.reason).into(),
            ending.exit_code.into(),
            (&ending.output).into(),
            ending.output_dropped.into(),
            ending.started_us.into(),
            now.into(),
            ending.guessed.into(),
            id.into(),
        ],
    )?;
    Ok(touched == 1)
}

/// Removes jobs that ended before a moment; answers how many.
pub(crate) fn forget(tx: &mut Tx<'_>, before: Time, limit: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM fleet_jobs WHERE id IN (SELECT id FROM fleet_jobs WHERE finished_at > 0 AND finished_at < ?1 ORDER BY finished_at LIMIT ?2)",
        &[before.into(), limit.into()],
    )
}

#[cfg(test)]
mod tests;
