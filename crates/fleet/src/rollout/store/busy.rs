//! Machines of a rollout that are too busy to try what they have, and with what.

use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use crate::rollout::busy::{BusyWith, WaitsFor};

/// Takes the offer back from agents that have had the whole program since before `before` and did not try it: they get it
/// again when they are idle, and hold up nobody meanwhile. Answers how many.
pub(in crate::rollout) fn take_back(tx: &mut Tx<'_>, id: i64, before: Time) -> Result<u64> {
    let sql =
        "UPDATE fleet_rollout_agents SET state = 'busy' WHERE rollout_id = ?1 AND state = 'trying' AND ready_at < ?2";
    tx.execute(sql, &[id.into(), before.into()])
}

/// An agent has the whole program from now on.
pub(in crate::rollout) fn ready(tx: &mut Tx<'_>, row: i64, now: Time) -> Result<()> {
    tx.execute("UPDATE fleet_rollout_agents SET ready_at = ?1 WHERE id = ?2", &[now.into(), row.into()])?;
    Ok(())
}

fn busy_with(row: &Row, from: usize) -> Result<BusyWith> {
    let (accepted, queued) = (row.time(from + 2)?, row.time(from + 3)?);
    Ok(BusyWith::new(row.int(from)?, row.str(from + 1)?, if accepted.0 > 0 { accepted } else { queued }))
}

/// What each of these agents is busy with: its oldest job that is not over.
pub(in crate::rollout) fn of_agents(tx: &mut Tx<'_>, agents: &[i64]) -> Result<Vec<(i64, BusyWith)>> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::new(
        "SELECT j.agent_row, j.id, j.run, j.accepted_at, j.queued_at FROM fleet_jobs j WHERE j.id IN (SELECT MIN(n.id) \
         FROM fleet_jobs n WHERE n.state IN ('queued', 'sent', 'accepted') AND n.agent_row IN ",
    );
    query.list(agents).push(" GROUP BY n.agent_row)");
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, busy_with(row, 1)?))).collect()
}

/// What a rollout waits for at machines that have the program.
pub(in crate::rollout) fn waits_for(tx: &mut Tx<'_>, id: i64) -> Result<Option<WaitsFor>> {
    const FROM: &str = " FROM fleet_rollout_agents r JOIN fleet_agents a ON a.id = r.agent_row JOIN fleet_jobs j ON j.id = \
                        (SELECT MIN(n.id) FROM fleet_jobs n WHERE n.agent_row = r.agent_row \
                        AND n.state IN ('queued', 'sent', 'accepted')) \
                        WHERE r.state IN ('trying', 'busy') AND a.online = 1 AND r.rollout_id = ";
    let mut longest = Query::new("SELECT a.hostname, j.id, j.run, j.accepted_at, j.queued_at");
    longest.push(FROM).bind(id).push(" ORDER BY j.id LIMIT 1");
    let Some(row) = tx.run(&longest)?.into_iter().next() else { return Ok(None) };
    let mut machines = Query::new("SELECT COUNT(*)");
    machines.push(FROM).bind(id);
    let machines = tx.run(&machines)?.first().map_or(Ok(1), |row| row.int(0))?;
    Ok(Some(WaitsFor { hostname: row.text(0)?, busy_with: busy_with(&row, 1)?, machines }))
}
