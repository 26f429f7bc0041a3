//! Checks in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx, Value};
use kernel::permission::Reach;
use kernel::{Result, Time};

use crate::check::{Check, NewCheck, Severity};
use crate::limits::{CHECKS_PER_AGENT_MAX, SLICE};
use crate::machine::State;
use crate::probe::{Kind, Probe};

const COLUMNS: &str = "SELECT c.id, c.name, c.asset_id, c.vantage_id, c.probe, c.interval_s, c.fire_n, c.fire_m, c.clear_k, c.severity, \
     c.team_id, c.asset_team_id, c.place_id, c.owner_id, c.paused, c.version, c.generation, c.created_at, c.updated_at, \
     a.id, a.state, a.is_open, a.since, a.evidence, a.group_id, a.fired_at, c.labels, c.for_ms, c.keep_firing_ms, c.symptom \
     FROM monitor_checks c JOIN monitor_alerts a ON a.check_id = c.id WHERE 1 = 1";

fn check(row: &Row) -> Result<Check> {
    let broken = |what: &str| kernel::Error::internal("monitor-check-row", what);
    Ok(Check {
        id: row.int(0)?,
        name: row.text(1)?,
        asset: row.opt_int(2)?,
        vantage: row.opt_int(3)?,
        probe: row.json(4)?,
        interval_s: row.int(5)?,
        fire_n: row.int(6)?,
        fire_m: row.int(7)?,
        clear_k: row.int(8)?,
        severity: Severity::parse(row.str(9)?).ok_or_else(|| broken("severity"))?,
        team: row.opt_int(10)?,
        asset_team: row.opt_int(11)?,
        place: row.opt_int(12)?,
        owner: row.opt_int(13)?,
        paused: row.bool(14)?,
        version: row.int(15)?,
        generation: row.int(16)?,
        created_at: row.time(17)?,
        updated_at: row.time(18)?,
        alert: row.int(19)?,
        state: State::parse(row.str(20)?).ok_or_else(|| broken("state"))?,
        open: row.bool(21)?,
        since: row.time(22)?,
        evidence: row.text(23)?,
        group: row.opt_int(24)?,
        fired_at: Some(row.time(25)?).filter(|at| at.0 > 0),
        labels: row.json(26)?,
        for_ms: row.int(27)?,
        keep_firing_ms: row.int(28)?,
        taken: causes::What::parse(row.str(29)?),
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewCheck, machine: &str, now: Time) -> Result<(i64, i64)> {
    let id = tx.insert(
        "INSERT INTO monitor_checks (name, asset_id, vantage_id, kind, probe, interval_s, fire_n, fire_m, clear_k, severity, team_id, \
         asset_team_id, place_id, owner_id, paused, version, generation, created_at, updated_at, labels, for_ms, keep_firing_ms, symptom) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, 1, 1, ?15, ?15, ?16, ?17, ?18, ?19) RETURNING id",
        &[
            (&new.name).into(),
            new.asset.into(),
            new.vantage.into(),
            new.probe.kind().as_str().into(),
            probe_text(&new.probe)?,
            new.interval_s.into(),
            new.fire_n.into(),
            new.fire_m.into(),
            new.clear_k.into(),
            new.severity.as_str().into(),
            new.team.into(),
            new.asset_team.into(),
            new.place.into(),
            new.owner.into(),
            now.into(),
            new.labels.text()?.into(),
            new.for_ms.into(),
            new.keep_firing_ms.into(),
            new.taken.map_or("", causes::What::as_str).into(),
        ],
    )?;
    let alert = tx.insert(
        "INSERT INTO monitor_alerts (check_id, asset_id, state, is_open, since, fired_at, group_id, evidence, machine) \
         VALUES (?1, ?2, 'waiting', 0, ?3, 0, NULL, '', ?4) RETURNING id",
        &[id.into(), new.asset.into(), now.into(), machine.into()],
    )?;
    Ok((id, alert))
}

fn probe_text(probe: &Probe) -> Result<Value> {
    serde_json::to_string(probe).map(Value::Text).map_err(|error| kernel::Error::internal("probe-not-json", error))
}

/// Writes the changeable fields; `renewed` says that what the agent runs is another thing now.
pub(crate) fn update(tx: &mut Tx<'_>, id: i64, new: &NewCheck, renewed: bool, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_checks SET name = ?1, vantage_id = ?2, kind = ?3, probe = ?4, interval_s = ?5, fire_n = ?6, fire_m = ?7, clear_k = ?8, \
         severity = ?9, team_id = ?10, version = version + 1, generation = generation + ?11, updated_at = ?12, labels = ?14, for_ms = ?15, \
         keep_firing_ms = ?16 WHERE id = ?13",
        &[
            (&new.name).into(),
            new.vantage.into(),
            new.probe.kind().as_str().into(),
            probe_text(&new.probe)?,
            new.interval_s.into(),
            new.fire_n.into(),
            new.fire_m.into(),
            new.clear_k.into(),
            new.severity.as_str().into(),
            new.team.into(),
            renewed.into(),
            now.into(),
            id.into(),
            new.labels.text()?.into(),
            new.for_ms.into(),
            new.keep_firing_ms.into(),
        ],
    )?;
    Ok(())
}

/// Writes another spelling of what is looked at: nobody runs anything else because of it.
pub(crate) fn put_probe(tx: &mut Tx<'_>, id: i64, probe: &Probe) -> Result<()> {
    tx.execute("UPDATE monitor_checks SET probe = ?1 WHERE id = ?2", &[probe_text(probe)?, id.into()])?;
    Ok(())
}

pub(crate) fn set_paused(tx: &mut Tx<'_>, id: i64, paused: bool, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_checks SET paused = ?1, version = version + 1, updated_at = ?2 WHERE id = ?3",
        &[paused.into(), now.into(), id.into()],
    )?;
    Ok(())
}

/// What was seen so far, and what agents still send of it, is about an earlier shape of the check.
pub(crate) fn renew(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_checks SET generation = generation + 1, version = version + 1, updated_at = ?1 WHERE id = ?2",
        &[now.into(), id.into()],
    )?;
    Ok(())
}

/// Copies from an asset what decides who sees its checks.
pub(crate) fn follow_asset(
    tx: &mut Tx<'_>,
    asset: i64,
    team: Option<i64>,
    place: Option<i64>,
    owner: Option<i64>,
) -> Result<u64> {
    tx.execute(
        "UPDATE monitor_checks SET asset_team_id = ?1, place_id = ?2, owner_id = ?3 WHERE asset_id = ?4",
        &[team.into(), place.into(), owner.into(), asset.into()],
    )
}

pub(crate) fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM monitor_rule_alerts WHERE check_id = ?1", &[id.into()])?;
    tx.execute("DELETE FROM monitor_alerts WHERE check_id = ?1", &[id.into()])?;
    tx.execute("DELETE FROM monitor_transitions WHERE check_id = ?1", &[id.into()])?;
    tx.execute("DELETE FROM monitor_checks WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// A check that the reach covers.
pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Check>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND c.id = ").bind(id);
    super::CHECKS.narrow(&mut query, reach);
    tx.run(&query)?.first().map(check).transpose()
}

/// The checks with these numbers, whoever asks: for the machinery.
pub(crate) fn by_id(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Check>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND c.id IN ").list(ids);
    tx.run(&query)?.iter().map(check).collect()
}

/// Those of the numbers that the reach covers.
pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Check>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND c.id IN ").list(ids);
    super::CHECKS.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(check).collect()
}

/// Checks after a number, for filling the memory at start.
pub(crate) fn after(tx: &mut Tx<'_>, id: i64, limit: i64) -> Result<Vec<Check>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND c.id > ").bind(id).push(" ORDER BY c.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(check).collect()
}

/// What an agent is to run.
pub(crate) fn of_agent(tx: &mut Tx<'_>, vantage: i64) -> Result<Vec<Check>> {
    let mut query = Query::new(COLUMNS);
    query
        .push(" AND c.vantage_id = ")
        .bind(vantage)
        .push(" AND c.paused = 0 AND c.kind <> 'silent' ORDER BY c.id LIMIT ");
    query.bind(CHECKS_PER_AGENT_MAX);
    tx.run(&query)?.iter().map(check).collect()
}

/// The first of these checks of each team and severity.
pub(crate) fn one_of_each_team(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<i64>> {
    let mut first: BTreeMap<(i64, String), i64> = BTreeMap::new();
    for slice in ids.chunks(SLICE) {
        let mut query = Query::new(
            "SELECT COALESCE(team_id, asset_team_id, 0), severity, MIN(id) FROM monitor_checks WHERE id IN ",
        );
        query.list(slice).push(" GROUP BY COALESCE(team_id, asset_team_id, 0), severity");
        for row in tx.run(&query)? {
            first.entry((row.int(0)?, row.text(1)?)).or_insert(row.int(2)?);
        }
    }
    Ok(first.into_values().collect())
}

/// The most that any of these checks matters.
pub(crate) fn severity(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Severity> {
    for slice in ids.chunks(SLICE) {
        let mut query = Query::new("SELECT id FROM monitor_checks WHERE severity = 'critical' AND id IN ");
        query.list(slice).push(" LIMIT 1");
        if !tx.run(&query)?.is_empty() {
            return Ok(Severity::Critical);
        }
    }
    Ok(Severity::Warning)
}

pub(crate) fn count_of_agent(tx: &mut Tx<'_>, vantage: i64) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM monitor_checks WHERE vantage_id = ?1", &[vantage.into()])?.int(0)
}

pub(crate) fn count_all(tx: &mut Tx<'_>) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM monitor_checks", &[])?.int(0)
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) asset: Option<i64>,
    pub(crate) kind: Option<Kind>,
    pub(crate) state: Option<State>,
    pub(crate) paused: Option<bool>,
    pub(crate) asked: crate::labels::Asked,
}

fn narrowed(query: &mut Query, filter: &Filter, reach: &Reach) {
    if let Some(asset) = filter.asset {
        query.push(" AND c.asset_id = ").bind(asset);
    }
    if let Some(kind) = filter.kind {
        query.push(" AND c.kind = ").bind(kind.as_str());
    }
    if let Some(state) = filter.state {
        query.push(" AND a.state = ").bind(state.as_str());
    }
    if let Some(paused) = filter.paused {
        query.push(" AND c.paused = ").bind(paused);
    }
    for word in &filter.asked.words {
        query.push(" AND LOWER(c.name) LIKE ").bind(pattern(word)).push(" ESCAPE '!'");
    }
    for label in filter.asked.patterns() {
        query.push(" AND LOWER(c.labels) LIKE ").bind(pattern(&label)).push(" ESCAPE '!'");
    }
    super::CHECKS.narrow(query, reach);
}

/// `%word%` in which the word's own wildcards are plain characters.
pub(crate) fn pattern(word: &str) -> String {
    let mut text = String::from("%");
    for c in word.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            text.push('!');
        }
        text.push(c);
    }
    text.push('%');
    text
}

pub(super) fn page_query(filter: &Filter, reach: &Reach, after: Option<(&str, i64)>, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, filter, reach);
    if let Some((name, id)) = after {
        query.push(" AND (c.name, c.id) > (").bind(name).push(", ").bind(id).push(")");
    }
    query.push(" ORDER BY c.name, c.id LIMIT ").bind(limit);
    query
}

/// One page in order of name, after the cursor.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    filter: &Filter,
    reach: &Reach,
    after: Option<(&str, i64)>,
    limit: usize,
) -> Result<Vec<Check>> {
    tx.run(&page_query(filter, reach, after, limit))?.iter().map(check).collect()
}

/// How many fit, counted up to `cap`.
pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query =
        Query::new("SELECT c.id FROM monitor_checks c JOIN monitor_alerts a ON a.check_id = c.id WHERE 1 = 1");
    narrowed(&mut query, filter, reach);
    tx.count(&query.counted(cap))
}

/// How many checks that a reach covers are in each of these states, and how many are paused; each counted up to `cap`.
pub(crate) fn states(tx: &mut Tx<'_>, wanted: &[State], reach: &Reach, cap: i64) -> Result<Vec<(State, bool, i64)>> {
    let rows = tx.run(&states_query(wanted, reach, cap))?;
    let paused = std::iter::once((State::Waiting, true));
    let all = wanted.iter().map(|state| (*state, false)).chain(paused);
    all.zip(&rows).map(|((state, paused), row)| Ok((state, paused, row.int(1)?))).collect()
}

pub(super) fn states_query(wanted: &[State], reach: &Reach, cap: i64) -> Query {
    let mut query = Query::default();
    for (nth, state) in wanted.iter().enumerate() {
        query
            .push("SELECT CAST(")
            .bind(nth)
            .push(" AS BIGINT) AS nth, COUNT(*) FROM (SELECT c.id FROM monitor_alerts a ");
        query.push("JOIN monitor_checks c ON c.id = a.check_id WHERE a.state = ").bind(state.as_str());
        query.push(" AND c.paused = 0");
        super::CHECKS.narrow(&mut query, reach);
        query.push(" LIMIT ").bind(cap).push(") AS counted UNION ALL ");
    }
    query
        .push("SELECT CAST(")
        .bind(wanted.len())
        .push(" AS BIGINT) AS nth, COUNT(*) FROM (SELECT c.id FROM monitor_checks c WHERE c.paused = 1");
    super::CHECKS.narrow(&mut query, reach);
    query.push(" LIMIT ").bind(cap).push(") AS counted ORDER BY nth");
    query
}

/// Checks that are not well, worst first: firing, flapping, and those about which nothing is known.
pub(crate) fn troubled(tx: &mut Tx<'_>, reach: &Reach, limit: i64) -> Result<Vec<Check>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND a.state IN ('firing', 'flapping', 'unreachable', 'keeping', 'pending', 'error', 'no_data', 'stale') AND c.paused = 0");
    super::CHECKS.narrow(&mut query, reach);
    query.push(" ORDER BY a.is_open DESC, a.since DESC, c.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(check).collect()
}
