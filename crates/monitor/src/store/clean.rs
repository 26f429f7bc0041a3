//! Deleting what is older than its retention, a slice at a time.

use kernel::db::{Query, Tx};
use kernel::{Result, Time};

/// Deletes at most `limit` rows of each table; answers how many went. 0 means that nothing is left to delete.
pub(crate) fn slice(tx: &mut Tx<'_>, transitions: Time, history: Time, limit: i64) -> Result<u64> {
    let mut gone = tx.execute(
        "DELETE FROM monitor_transitions WHERE id IN (SELECT id FROM monitor_transitions WHERE at < ?1 ORDER BY at LIMIT ?2)",
        &[transitions.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_gaps WHERE id IN (SELECT id FROM monitor_gaps WHERE reported_at < ?1 ORDER BY reported_at LIMIT ?2)",
        &[transitions.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_silences WHERE id IN (SELECT id FROM monitor_silences WHERE until_at < ?1 ORDER BY until_at LIMIT ?2)",
        &[history.into(), limit.into()],
    )?;
    gone += tx.execute(
        "DELETE FROM monitor_windows WHERE id IN (SELECT id FROM monitor_windows WHERE over_at < ?1 ORDER BY over_at LIMIT ?2)",
        &[history.into(), limit.into()],
    )?;
    gone += groups(tx, history, limit)?;
    Ok(gone)
}

/// A group has up to thousands of members: they are what is counted, and a group goes when it has none any more.
fn groups(tx: &mut Tx<'_>, before: Time, limit: i64) -> Result<u64> {
    let old = tx.query(
        "SELECT id FROM monitor_groups WHERE ended_at > 0 AND ended_at < ?1 ORDER BY ended_at LIMIT ?2",
        &[before.into(), limit.into()],
    )?;
    let ids: Vec<i64> = old.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let mut members = Query::new(
        "DELETE FROM monitor_group_alerts WHERE (group_id, check_id) IN (SELECT group_id, check_id FROM monitor_group_alerts WHERE group_id IN ",
    );
    members.list(&ids).push(" LIMIT ").bind(limit).push(")");
    let mut empty = Query::new("DELETE FROM monitor_groups WHERE id IN ");
    empty.list(&ids);
    empty.push(" AND NOT EXISTS (SELECT 1 FROM monitor_group_alerts m WHERE m.group_id = monitor_groups.id)");
    Ok(tx.run_change(&members)? + tx.run_change(&empty)?)
}

#[cfg(test)]
mod tests {
    use kernel::world::World;

    use super::*;

    #[test]
    fn a_group_with_many_members_goes_in_slices_and_one_that_is_not_old_stays() {
        let world = World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap();
        let write = |work: fn(&mut Tx<'_>) -> Result<u64>| {
            world.kernel.db.write("test.clean", kernel::db::Priority::Background, work).unwrap()
        };
        write(|tx| {
            for (group, ended, members) in [(1_i64, 5_i64, 25_i64), (2, 6, 3), (3, 500, 4), (4, 0, 4)] {
                tx.execute(
                    "INSERT INTO monitor_groups (title, state, check_id, asset_id, severity, opened_at, ended_at, acknowledged_by, \
                     acknowledged_at, silenced, announced, proven, evidence, changed_before, recovery, version) VALUES ('x', 'recovered', 1, \
                     NULL, 'warning', 1, ?1, '', 0, 0, 1, 1, '[]', '[]', '[]', 1)",
                    &[ended.into()],
                )?;
                for check in 1..=members {
                    let sql = "INSERT INTO monitor_group_alerts (group_id, check_id, check_name, joined_at, cleared_at) VALUES (?1, ?2, 'x', 1, 1)";
                    tx.execute(sql, &[group.into(), check.into()])?;
                }
            }
            Ok(0)
        });
        let mut slices = Vec::new();
        while slices.last() != Some(&0) && slices.len() < 20 {
            slices.push(write(|tx| slice(tx, Time(0), Time(100), 10)));
        }
        assert!(slices.iter().all(|gone| *gone <= 12) && slices.len() < 8, "{slices:?}");
        let left = |table: &'static str| {
            let rows = world.kernel.db.read(|tx| tx.run(&Query::new(table))).unwrap();
            rows.iter().map(|row| row.int(0).unwrap()).collect::<Vec<i64>>()
        };
        assert_eq!(left("SELECT id FROM monitor_groups ORDER BY id"), [3, 4]);
        assert_eq!(left("SELECT DISTINCT group_id FROM monitor_group_alerts ORDER BY group_id"), [3, 4]);
    }
}
