//! Runs and their phases in SQL.

use kernel::db::{Query, Row, Tx, Value};
use kernel::{Error, Reach, Ref, Result, Time};

use super::{PhaseView, Run, RunState};
use crate::inputs::Values;

const COLUMNS: &str = "SELECT n.id, n.runbook_id, n.version_id, v.hash, v.number, n.title, n.state, n.mode, n.binding_id, n.asset_id, \
                       n.check_id, n.cause, n.inputs, n.started_by, n.started_by_name, n.reason, n.outcome, n.engine, n.awaits, \
                       n.created_at, n.started_at, n.finished_at, n.team_id FROM runbooks_runs n JOIN runbooks_versions v ON v.id = n.version_id";

fn run(row: &Row) -> Result<Run> {
    let some = |id: i64| (id > 0).then_some(id);
    Ok(Run {
        id: row.int(0)?,
        runbook: row.int(1)?,
        version_id: row.int(2)?,
        hash: row.text(3)?,
        number: row.int(4)?,
        title: row.text(5)?,
        state: RunState::parse(row.str(6)?)?,
        mode: row.text(7)?,
        binding: row.int(8)?,
        asset: some(row.int(9)?),
        check: some(row.int(10)?),
        cause: row.str(11)?.parse().ok(),
        inputs: row.json(12)?,
        started_by: row.text(13)?,
        started_by_name: row.text(14)?,
        reason: row.text(15)?,
        outcome: row.text(16)?,
        engine: row.json(17)?,
        awaits: row.text(18)?,
        created_at: row.time(19)?,
        started_at: row.time(20)?,
        finished_at: row.time(21)?,
        team: row.opt_int(22)?,
    })
}

fn all(tx: &mut Tx<'_>, query: &Query) -> Result<Vec<Run>> {
    tx.run(query)?.iter().map(run).collect()
}

fn json(value: &impl serde::Serialize) -> Result<Value> {
    Ok(serde_json::to_string(value).map_err(|error| Error::internal("run-not-json", error))?.into())
}

/// Rows that a reach covers: the one predicate of runs.
fn within(query: &mut Query, reach: &Reach) {
    if reach.everything {
        return;
    }
    query.push(" AND (n.team_id IN ").list(&reach.teams).push(" OR n.place_id IN ").list(&reach.places);
    if let Some(own) = reach.own {
        let ident = format!("user:{own}");
        query.push(" OR n.owner_id = ").bind(own).push(" OR n.started_by = ").bind(ident);
    }
    query.push(")");
}

/// A run to be added.
pub(crate) struct New<'a> {
    pub(crate) runbook: i64,
    pub(crate) version_id: i64,
    pub(crate) title: &'a str,
    pub(crate) state: RunState,
    pub(crate) mode: &'a str,
    pub(crate) binding: i64,
    pub(crate) asset: Option<i64>,
    pub(crate) check: Option<i64>,
    pub(crate) cause: Option<&'a Ref>,
    pub(crate) inputs: &'a Values,
    pub(crate) by: (&'a str, &'a str),
    pub(crate) reason: &'a str,
    pub(crate) team: Option<i64>,
    pub(crate) place: Option<i64>,
    pub(crate) owner: Option<i64>,
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &New<'_>, now: Time) -> Result<i64> {
    let engine = json(&crate::engine::State::default())?;
    tx.insert(
        "INSERT INTO runbooks_runs (runbook_id, version_id, title, state, mode, binding_id, asset_id, check_id, cause, inputs, started_by, \
         started_by_name, reason, outcome, engine, awaits, created_at, started_at, finished_at, team_id, place_id, owner_id) VALUES \
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, '', ?14, '', ?15, 0, 0, ?16, ?17, ?18) RETURNING id",
        &[
            new.runbook.into(),
            new.version_id.into(),
            new.title.into(),
            new.state.as_str().into(),
            new.mode.into(),
            new.binding.into(),
            new.asset.unwrap_or(0).into(),
            new.check.unwrap_or(0).into(),
            new.cause.map(ToString::to_string).unwrap_or_default().into(),
            json(new.inputs)?,
            new.by.0.into(),
            new.by.1.into(),
            new.reason.into(),
            engine,
            now.into(),
            new.team.into(),
            new.place.into(),
            new.owner.into(),
        ],
    )
}

/// Writes what moves in a run.
pub(crate) fn update(tx: &mut Tx<'_>, run: &Run) -> Result<()> {
    tx.execute(
        "UPDATE runbooks_runs SET state = ?1, reason = ?2, outcome = ?3, engine = ?4, awaits = ?5, started_at = ?6, finished_at = ?7, \
         started_by = ?8, started_by_name = ?9, asset_id = ?10, inputs = ?11 WHERE id = ?12",
        &[
            run.state.as_str().into(),
            (&run.reason).into(),
            (&run.outcome).into(),
            json(&run.engine)?,
            (&run.awaits).into(),
            run.started_at.into(),
            run.finished_at.into(),
            (&run.started_by).into(),
            (&run.started_by_name).into(),
            run.asset.unwrap_or(0).into(),
            json(&run.inputs)?,
            run.id.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Run>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE n.id = ").bind(id);
    within(&mut query, reach);
    Ok(all(tx, &query)?.into_iter().next())
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Run>> {
    find(tx, id, &Reach { everything: true, ..Reach::default() })
}

pub(crate) fn titles(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new("SELECT n.id, n.title FROM runbooks_runs n WHERE n.id IN ");
    query.list(ids);
    within(&mut query, reach);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, format!("Run {}: {}", row.int(0)?, row.text(1)?)))).collect()
}

/// Which runs.
#[derive(Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<RunState>,
    pub(crate) asset: Option<i64>,
    pub(crate) runbook: Option<i64>,
    pub(crate) check: Option<i64>,
    pub(crate) cause: Option<Ref>,
}

pub(crate) fn page(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, before: i64, limit: usize) -> Result<Vec<Run>> {
    all(tx, &page_query(filter, reach, before, limit))
}

fn page_query(filter: &Filter, reach: &Reach, before: i64, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE n.id < ").bind(before);
    if let Some(state) = filter.state {
        query.push(" AND n.state = ").bind(state.as_str());
    }
    if let Some(asset) = filter.asset {
        query.push(" AND n.asset_id = ").bind(asset);
    }
    if let Some(runbook) = filter.runbook {
        query.push(" AND n.runbook_id = ").bind(runbook);
    }
    if let Some(check) = filter.check {
        query.push(" AND n.check_id = ").bind(check);
    }
    if let Some(cause) = &filter.cause {
        query.push(" AND n.cause = ").bind(cause.to_string());
    }
    within(&mut query, reach);
    query.push(" ORDER BY n.id DESC LIMIT ").bind(limit);
    query
}

/// Runs of a cause that did not end.
pub(crate) fn active_of_cause(tx: &mut Tx<'_>, cause: &Ref) -> Result<Vec<Run>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE n.cause = ").bind(cause.to_string());
    query.push(" AND n.state IN ('proposed', 'approval', 'running') ORDER BY n.id LIMIT 50");
    all(tx, &query)
}

/// True when this binding answered this cause already since it is open.
pub(crate) fn answered(tx: &mut Tx<'_>, binding: i64, cause: &Ref, open_since: Time) -> Result<bool> {
    let sql = "SELECT id FROM runbooks_runs WHERE binding_id = ?1 AND cause = ?2 AND created_at >= ?3 LIMIT 1";
    Ok(tx.first(sql, &[binding.into(), cause.to_string().into(), open_since.into()])?.is_some())
}

/// True when this binding was answered on a machine since a moment, whatever the cause was taken for.
pub(crate) fn answered_since(tx: &mut Tx<'_>, binding: i64, asset: i64, since: Time) -> Result<bool> {
    let sql = "SELECT id FROM runbooks_runs WHERE binding_id = ?1 AND asset_id = ?2 AND created_at >= ?3 LIMIT 1";
    Ok(tx.first(sql, &[binding.into(), asset.into(), since.into()])?.is_some())
}

/// How many runs of a binding started by themselves on a machine since a moment.
pub(crate) fn autos_since(tx: &mut Tx<'_>, binding: i64, asset: Option<i64>, since: Time) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM runbooks_runs WHERE binding_id = ?1 AND asset_id = ?2 AND mode = 'auto' AND created_at > ?3";
    tx.one(sql, &[binding.into(), asset.unwrap_or(0).into(), since.into()])?.int(0)
}

/// A run at work on a machine.
pub(crate) fn at_work_on(tx: &mut Tx<'_>, asset: i64) -> Result<Option<i64>> {
    let sql = "SELECT id FROM runbooks_runs WHERE asset_id = ?1 AND state = 'running' ORDER BY id LIMIT 1";
    tx.first(sql, &[asset.into()])?.map(|row| row.int(0)).transpose()
}

/// Runs that were at work at a moment and did not end, or waited for their approval then; oldest first.
pub(crate) fn active(tx: &mut Tx<'_>, at: Time, limit: i64) -> Result<Vec<Run>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE n.state IN ('approval', 'running') AND (CASE n.state WHEN 'running' THEN n.started_at ELSE n.created_at END) <= ");
    query.bind(at).push(" ORDER BY n.id LIMIT ").bind(limit);
    all(tx, &query)
}

/// Who may see a run: kept beside it, so that one predicate answers.
pub(crate) fn set_owners(
    tx: &mut Tx<'_>,
    run: i64,
    team: Option<i64>,
    place: Option<i64>,
    owner: Option<i64>,
) -> Result<()> {
    tx.execute(
        "UPDATE runbooks_runs SET team_id = ?1, place_id = ?2, owner_id = ?3 WHERE id = ?4",
        &[team.into(), place.into(), owner.into(), run.into()],
    )?;
    Ok(())
}

/// Who may see the runs on a machine; those that are right already are not written, and where the machine has no team the
/// runs keep theirs.
pub(crate) fn follow_asset(
    tx: &mut Tx<'_>,
    asset: i64,
    team: Option<i64>,
    place: Option<i64>,
    owner: Option<i64>,
) -> Result<()> {
    tx.execute(
        "UPDATE runbooks_runs SET team_id = COALESCE(?1, team_id), place_id = ?2, owner_id = ?3 WHERE asset_id = ?4 AND \
         (COALESCE(team_id, 0) <> COALESCE(?1, team_id, 0) OR COALESCE(place_id, 0) <> ?5 OR COALESCE(owner_id, 0) <> ?6)",
        &[
            team.into(),
            place.into(),
            owner.into(),
            asset.into(),
            place.unwrap_or(0).into(),
            owner.unwrap_or(0).into(),
        ],
    )?;
    Ok(())
}

/// Begins a phase.
pub(crate) fn begin_phase(tx: &mut Tx<'_>, run: i64, step: usize, phase: &str, attempt: u32, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO runbooks_run_phases (run_id, step, phase, attempt, state, job, exit_code, output, reason, started_at, finished_at) \
         VALUES (?1, ?2, ?3, ?4, 'running', '', NULL, '', '', ?5, 0)",
        &[run.into(), step.into(), phase.into(), attempt.into(), now.into()],
    )?;
    Ok(())
}

/// Notes which job does a phase.
pub(crate) fn set_job(tx: &mut Tx<'_>, run: i64, job: &str) -> Result<()> {
    tx.execute(
        "UPDATE runbooks_run_phases SET job = ?1 WHERE run_id = ?2 AND state = 'running'",
        &[job.into(), run.into()],
    )?;
    Ok(())
}

/// What came of a phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) exit_code: Option<i64>,
    pub(crate) output: String,
    pub(crate) reason: String,
}

/// Ends the phase that is at work.
pub(crate) fn end_phase(tx: &mut Tx<'_>, run: i64, state: &str, evidence: &Evidence, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE runbooks_run_phases SET state = ?1, exit_code = ?2, output = ?3, reason = ?4, finished_at = ?5 \
         WHERE run_id = ?6 AND state = 'running'",
        &[
            state.into(),
            evidence.exit_code.into(),
            (&evidence.output).into(),
            (&evidence.reason).into(),
            now.into(),
            run.into(),
        ],
    )?;
    Ok(())
}

/// The phases of a run in order.
pub(crate) fn phases(tx: &mut Tx<'_>, run: i64) -> Result<Vec<PhaseView>> {
    let rows = tx.query(
        "SELECT step, phase, attempt, state, job, exit_code, output, reason, started_at, finished_at FROM runbooks_run_phases \
         WHERE run_id = ?1 ORDER BY id LIMIT 500",
        &[run.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok(PhaseView {
                step: row.int(0)? + 1,
                phase: row.text(1)?,
                attempt: row.int(2)?,
                state: row.text(3)?,
                job: row.str(4)?.parse().ok(),
                exit_code: row.opt_int(5)?,
                output: row.text(6)?,
                reason: row.text(7)?,
                started_at: row.time(8)?,
                finished_at: row.opt_time(9)?.filter(|at| at.0 > 0),
            })
        })
        .collect()
}

/// Removes runs that ended before a moment, with their phases; answers how many.
pub(crate) fn forget(tx: &mut Tx<'_>, before: Time, limit: i64) -> Result<u64> {
    let ids: Result<Vec<i64>> = tx
        .query(
            "SELECT id FROM runbooks_runs WHERE finished_at > 0 AND finished_at < ?1 ORDER BY finished_at LIMIT ?2",
            &[before.into(), limit.into()],
        )?
        .iter()
        .map(|row| row.int(0))
        .collect();
    let ids = ids?;
    let mut phases = Query::new("DELETE FROM runbooks_run_phases WHERE run_id IN ");
    phases.list(&ids);
    tx.run(&phases)?;
    let mut runs = Query::new("DELETE FROM runbooks_runs WHERE id IN ");
    runs.list(&ids);
    tx.run(&runs)?;
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests;
