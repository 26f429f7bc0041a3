//! Agents in SQL.

use agent_proto::{Hello, IdentityHints};
use kernel::db::{Query, Row, Tx, Value};
use kernel::{Reach, Result, Time};

use super::{Agent, State};

const COLUMNS: &str = "SELECT a.id, a.agent_id, a.asset_id, a.state, a.reason, a.hostname, a.machine_id, a.dmi_uuid, a.boot_id, \
                       a.boot_id_before, a.agent_version, a.profile, a.classes, a.token_id, a.online, a.enrolled_at, a.last_seen, \
                       a.version FROM fleet_agents a";

fn agent(row: &Row) -> Result<Agent> {
    let id: Vec<u8> = row.bytes(1)?;
    Ok(Agent {
        id: row.int(0)?,
        agent_id: id.try_into().map_err(|_| kernel::Error::internal("agent-id", "not 16 bytes"))?,
        asset: row.int(2)?,
        state: State::parse(row.str(3)?)?,
        reason: row.text(4)?,
        hostname: row.text(5)?,
        machine_id: row.text(6)?,
        dmi_uuid: row.text(7)?,
        boot_id: row.text(8)?,
        boot_id_before: row.text(9)?,
        agent_version: row.text(10)?,
        profile: row.text(11)?,
        classes: row.text(12)?,
        token: row.int(13)?,
        online: row.bool(14)?,
        enrolled_at: row.time(15)?,
        last_seen: row.time(16)?,
        version: row.int(17)?,
    })
}

/// Rows of agents that a reach covers: the one predicate of agents and their jobs (which join them as `a`).
pub(crate) fn within(query: &mut Query, reach: &Reach) {
    if reach.everything {
        return;
    }
    query.push(" AND (a.team_id IN ").list(&reach.teams).push(" OR a.place_id IN ").list(&reach.places);
    if let Some(own) = reach.own {
        query.push(" OR a.owner_id = ").bind(own);
    }
    query.push(")");
}

fn first(tx: &mut Tx<'_>, query: &Query) -> Result<Option<Agent>> {
    tx.run(query)?.first().map(agent).transpose()
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id = ").bind(id);
    within(&mut query, reach);
    first(tx, &query)
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id = ").bind(id);
    first(tx, &query)
}

pub(crate) fn by_key(tx: &mut Tx<'_>, key: &[u8; 32]) -> Result<Option<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.public_key = ").bind(key.as_slice());
    first(tx, &query)
}

pub(crate) fn by_ids(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id IN ").list(ids);
    within(&mut query, reach);
    tx.run(&query)?.iter().map(agent).collect()
}

/// One page of agents, newest first, below `before`.
pub(crate) fn page(tx: &mut Tx<'_>, filter: &super::list::Filter, reach: &Reach, limit: i64) -> Result<Vec<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id < ").bind(filter.before.unwrap_or(i64::MAX));
    conditions(&mut query, filter, reach);
    query.push(" ORDER BY a.id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(agent).collect()
}

/// How many agents fit, up to one beyond the limit of counts.
pub(crate) fn count(tx: &mut Tx<'_>, filter: &super::list::Filter, reach: &Reach) -> Result<i64> {
    let mut query = Query::new("SELECT COUNT(*) FROM (SELECT a.id FROM fleet_agents a WHERE a.id > 0");
    conditions(&mut query, filter, reach);
    query.push(" LIMIT ").bind(kernel::limits::COUNT_MAX + 1).push(") counted");
    tx.run(&query)?.first().map_or(Ok(0), |row| row.int(0))
}

fn conditions(query: &mut Query, filter: &super::list::Filter, reach: &Reach) {
    match filter.state {
        Some(state) => {
            query.push(" AND a.state = ").bind(state.as_str());
        }
        None => {
            query.push(" AND a.state <> 'revoked'");
        }
    }
    if let Some(asset) = filter.asset {
        query.push(" AND a.asset_id = ").bind(asset);
    }
    if let Some(online) = filter.online {
        query.push(" AND a.online = ").bind(online);
    }
    within(query, reach);
}

/// A new agent.
pub(crate) struct New<'a> {
    pub(crate) agent_id: [u8; 16],
    pub(crate) public_key: [u8; 32],
    pub(crate) asset: i64,
    pub(crate) state: State,
    pub(crate) reason: &'a str,
    pub(crate) hints: &'a IdentityHints,
    pub(crate) agent_version: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) token: i64,
    pub(crate) now: Time,
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &New<'_>) -> Result<i64> {
    let hint = |hint: &Option<String>| Value::from(hint.clone().unwrap_or_default());
    tx.insert(
        "INSERT INTO fleet_agents (agent_id, public_key, asset_id, state, reason, hostname, machine_id, dmi_uuid, serial, boot_id, \
         boot_id_before, agent_version, profile, policy_digest, classes, token_id, online, enrolled_at, last_seen, version, macs) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '', ?10, ?11, '', '', ?12, 0, ?13, ?13, 1, ?14) RETURNING id",
        &[
            new.agent_id.as_slice().into(),
            new.public_key.as_slice().into(),
            new.asset.into(),
            new.state.as_str().into(),
            new.reason.into(),
            new.hints.hostname.as_str().into(),
            hint(&new.hints.machine_id),
            hint(&new.hints.dmi_uuid),
            hint(&new.hints.serial),
            new.agent_version.into(),
            new.profile.into(),
            new.token.into(),
            new.now.into(),
            serde_json::json!(new.hints.macs).to_string().into(),
        ],
    )
}

/// The signs and the key an agent enrolled with.
pub(crate) fn signs(tx: &mut Tx<'_>, id: i64) -> Result<(IdentityHints, [u8; 32])> {
    let row = tx.one(
        "SELECT hostname, machine_id, dmi_uuid, serial, macs, public_key FROM fleet_agents WHERE id = ?1",
        &[id.into()],
    )?;
    let some = |text: String| (!text.is_empty()).then_some(text);
    let hints = IdentityHints {
        hostname: row.text(0)?,
        machine_id: some(row.text(1)?),
        dmi_uuid: some(row.text(2)?),
        serial: some(row.text(3)?),
        macs: row.json(4)?,
    };
    let key = row.bytes(5)?.try_into().map_err(|_| kernel::Error::internal("agent-key", "not 32 bytes"))?;
    Ok((hints, key))
}

/// The thing on which an agent waits for approval that named the same signs.
pub(crate) fn waiting(tx: &mut Tx<'_>, hints: &IdentityHints) -> Result<Option<i64>> {
    let (Some(machine_id), Some(dmi_uuid)) = (&hints.machine_id, &hints.dmi_uuid) else { return Ok(None) };
    let row = tx.first(
        "SELECT asset_id FROM fleet_agents WHERE state = 'pending' AND machine_id = ?1 AND dmi_uuid = ?2 ORDER BY id LIMIT 1",
        &[machine_id.into(), dmi_uuid.into()],
    )?;
    row.map(|row| row.int(0)).transpose()
}

pub(crate) fn set_state(tx: &mut Tx<'_>, id: i64, state: State, reason: &str) -> Result<()> {
    tx.execute(
        "UPDATE fleet_agents SET state = ?1, reason = ?2, version = version + 1 WHERE id = ?3",
        &[state.as_str().into(), reason.into(), id.into()],
    )?;
    Ok(())
}

/// Who else works on this asset: agents that are not revoked, but this one.
pub(crate) fn others_on(tx: &mut Tx<'_>, asset: i64, id: i64) -> Result<Vec<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.asset_id = ").bind(asset).push(" AND a.id <> ").bind(id).push(" AND a.state <> 'revoked'");
    tx.run(&query)?.iter().map(agent).collect()
}

/// The one agent of an asset that may be given jobs.
pub(crate) fn active_on(tx: &mut Tx<'_>, asset: i64, reach: &Reach) -> Result<Option<Agent>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.asset_id = ").bind(asset).push(" AND a.state IN ('active', 'quarantined', 'pending')");
    within(&mut query, reach);
    query.push(" ORDER BY CASE a.state WHEN 'active' THEN 0 ELSE 1 END, a.id DESC LIMIT 1");
    first(tx, &query)
}

/// What a greeting says, once the agent is let in.
pub(crate) fn greeted(tx: &mut Tx<'_>, agent: &Agent, hello: &Hello, classes: &str, now: Time) -> Result<()> {
    let before = if agent.boot_id == hello.boot_id { &agent.boot_id_before } else { &agent.boot_id };
    let hint = |hint: &Option<String>, known: &str| hint.clone().unwrap_or_else(|| known.to_owned());
    tx.execute(
        "UPDATE fleet_agents SET hostname = ?1, machine_id = ?2, dmi_uuid = ?3, boot_id = ?4, boot_id_before = ?5, agent_version = ?6, \
         policy_digest = ?7, classes = ?8, online = 1, last_seen = ?9, version = version + 1 WHERE id = ?10",
        &[
            hello.hints.hostname.as_str().into(),
            hint(&hello.hints.machine_id, &agent.machine_id).into(),
            hint(&hello.hints.dmi_uuid, &agent.dmi_uuid).into(),
            hello.boot_id.as_str().into(),
            before.into(),
            hello.agent_version.as_str().into(),
            kernel::text::hex(&hello.policy_digest).into(),
            classes.into(),
            now.into(),
            agent.id.into(),
        ],
    )?;
    Ok(())
}

/// What its program was built for, and whether it can be replaced.
pub(crate) fn built_for(tx: &mut Tx<'_>, id: i64, target: &str, updates: bool) -> Result<()> {
    tx.execute(
        "UPDATE fleet_agents SET target = ?1, updates = ?2 WHERE id = ?3 AND (target <> ?1 OR updates <> ?2)",
        &[target.into(), updates.into(), id.into()],
    )?;
    Ok(())
}

/// Marks an agent as away whose connection ended at `lost`, unless it was seen after `before`: then it greets right now. A
/// time after `now` is a wrong one.
pub(crate) fn offline(tx: &mut Tx<'_>, id: i64, lost: Time, before: Time, now: Time) -> Result<bool> {
    let sql = "UPDATE fleet_agents SET online = 0, last_seen = CASE WHEN last_seen > ?1 AND last_seen <= ?2 THEN last_seen ELSE ?1 END \
               WHERE id = ?3 AND online = 1 AND (last_seen <= ?2 OR last_seen > ?4)";
    Ok(tx.execute(sql, &[lost.into(), before.into(), id.into(), now.into()])? == 1)
}

pub(crate) fn seen(tx: &mut Tx<'_>, id: i64, at: Time) -> Result<()> {
    tx.execute("UPDATE fleet_agents SET last_seen = ?1 WHERE id = ?2", &[at.into(), id.into()])?;
    Ok(())
}

/// Agents that count as connected.
pub(crate) fn online(tx: &mut Tx<'_>) -> Result<Vec<i64>> {
    tx.query("SELECT id FROM fleet_agents WHERE online = 1", &[])?.iter().map(|row| row.int(0)).collect()
}

/// Who may see the agents of an asset: kept beside them, so that one predicate answers.
pub(crate) fn set_owners(
    tx: &mut Tx<'_>,
    asset: i64,
    team: Option<i64>,
    place: Option<i64>,
    owner: Option<i64>,
) -> Result<()> {
    tx.execute(
        "UPDATE fleet_agents SET team_id = ?1, place_id = ?2, owner_id = ?3 WHERE asset_id = ?4",
        &[team.into(), place.into(), owner.into(), asset.into()],
    )?;
    Ok(())
}
