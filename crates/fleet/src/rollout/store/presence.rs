//! What it says of a release that machines of a rollout are connected, or are not.

use kernel::db::Tx;
use kernel::{Result, Time};

/// What the machines that run the release show of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::rollout) struct Seen {
    /// They run it for so short a time that it says nothing yet, or were last seen soon after they began to.
    pub(in crate::rollout) fresh: i64,
    /// They run it, belong to the stage that is at work, and are connected.
    pub(in crate::rollout) present: i64,
}

/// `fresh` is the moment since which an end is too new, `early_us` how soon after it an absence speaks against the release.
pub(in crate::rollout) fn seen(tx: &mut Tx<'_>, (id, stage): (i64, i64), fresh: Time, early_us: i64) -> Result<Seen> {
    let sql = "SELECT COUNT(CASE WHEN r.finished_at > ?1 OR (a.online = 0 AND a.last_seen < r.finished_at + CAST(?2 AS BIGINT)) \
               THEN 1 END), COUNT(CASE WHEN r.stage = ?3 AND a.online = 1 THEN 1 END) FROM fleet_rollout_agents r \
               JOIN fleet_agents a ON a.id = r.agent_row WHERE r.rollout_id = ?4 AND r.state = 'done' AND a.state = 'active'";
    let row = tx.one(sql, &[fresh.into(), early_us.into(), stage.into(), id.into()])?;
    Ok(Seen { fresh: row.int(0)?, present: row.int(1)? })
}

/// Gives up machines that ran the release, were last seen within `early_us` of that, and not since `gone`. Answers how many.
pub(in crate::rollout) fn vanish(tx: &mut Tx<'_>, id: i64, gone: Time, early_us: i64, now: Time) -> Result<u64> {
    tx.execute(
        "UPDATE fleet_rollout_agents SET state = 'missing', reason = 'It ran the version, and went away soon after', \
         finished_at = ?1 WHERE rollout_id = ?2 AND state = 'done' AND agent_row IN (SELECT a.id FROM fleet_agents a \
         WHERE a.online = 0 AND a.state = 'active' AND a.last_seen < ?3 \
         AND a.last_seen < fleet_rollout_agents.finished_at + CAST(?4 AS BIGINT))",
        &[now.into(), id.into(), gone.into(), early_us.into()],
    )
}

/// Counts machines that had been given up and are connected with the release's version. Answers how many.
pub(in crate::rollout) fn come_back(tx: &mut Tx<'_>, id: i64, version: &str, now: Time) -> Result<u64> {
    tx.execute(
        "UPDATE fleet_rollout_agents SET state = 'done', reason = '', finished_at = ?1 WHERE rollout_id = ?2 AND state = 'missing' \
         AND agent_row IN (SELECT a.id FROM fleet_agents a WHERE a.online = 1 AND a.state = 'active' AND a.agent_version = ?3)",
        &[now.into(), id.into(), version.into()],
    )
}

/// Agents that wait with the whole program for a moment to try it, are connected, and got the offer before `before`: it is
/// renewed now, else they drop it.
pub(in crate::rollout) fn renew(tx: &mut Tx<'_>, id: i64, before: Time, now: Time) -> Result<Vec<i64>> {
    let sql = "SELECT r.id, r.agent_row FROM fleet_rollout_agents r JOIN fleet_agents a ON a.id = r.agent_row \
               WHERE r.rollout_id = ?1 AND r.state = 'trying' AND r.offered_at < ?2 AND a.online = 1 ORDER BY r.id LIMIT 1000";
    let mut agents = Vec::new();
    for row in tx.query(sql, &[id.into(), before.into()])? {
        let renewed = "UPDATE fleet_rollout_agents SET offered_at = ?1 WHERE id = ?2";
        tx.execute(renewed, &[now.into(), row.int(0)?.into()])?;
        agents.push(row.int(1)?);
    }
    Ok(agents)
}
