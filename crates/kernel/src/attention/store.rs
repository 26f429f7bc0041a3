//! The attention list in SQL.

use super::{Attention, Need, Seen};
use crate::db::{Query, Row, Tx};
use crate::error::Result;
use crate::reference::Ref;
use crate::time::HOUR;

pub(crate) fn put(tx: &mut Tx<'_>, one: &Attention) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_attention (kind, ref_id, need, title, why, mark, word, weight, since, action, href, team_id, user_id, \"grant\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
         ON CONFLICT (kind, ref_id, need) DO UPDATE SET title = excluded.title, why = excluded.why, mark = excluded.mark, word = excluded.word, \
         weight = excluded.weight, action = excluded.action, href = excluded.href, team_id = excluded.team_id, user_id = excluded.user_id, \
         \"grant\" = excluded.\"grant\"",
        &[
            one.subject.kind.as_ref().into(),
            one.subject.id.into(),
            one.need.into(),
            (&one.title).into(),
            (&one.why).into(),
            one.mark.as_str().into(),
            one.word.into(),
            one.weight.into(),
            one.since.into(),
            one.action.into(),
            (&one.href).into(),
            one.team.into(),
            one.user.into(),
            one.grant.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, subject: &Ref, need: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM kernel_attention WHERE kind = ?1 AND ref_id = ?2 AND need = ?3",
        &[subject.kind.as_ref().into(), subject.id.into(), need.into()],
    )?;
    Ok(())
}

/// Appends the one condition that decides what an actor sees, and nothing of the rest.
fn visible(query: &mut Query, seen: &Seen) {
    query.push(" WHERE (1 = 0");
    for (grant, teams) in &seen.grants {
        query.push(" OR (a.\"grant\" = ").bind(grant.as_str());
        if let Some(user) = seen.user {
            query.push(" AND (a.user_id IS NULL OR a.user_id = ").bind(user).push(")");
        }
        if let Some(teams) = teams {
            query.push(" AND (a.team_id IN ").list(teams).push(" OR a.user_id IN ");
            query.list(&seen.user.into_iter().collect::<Vec<i64>>()).push(")");
        }
        query.push(")");
    }
    query.push(")");
}

/// The operations whose grants decide over what stands on the list now.
pub(super) fn grants(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let rows = tx.query("SELECT DISTINCT a.\"grant\" FROM kernel_attention a", &[])?;
    rows.iter().map(|row| row.text(0)).collect()
}

pub(super) fn count(tx: &mut Tx<'_>, seen: &Seen, limit: usize) -> Result<usize> {
    let mut query = Query::new("SELECT COUNT(*) FROM (SELECT a.ref_id FROM kernel_attention a");
    visible(&mut query, seen);
    query.push(" LIMIT ").bind(limit).push(") AS c");
    let rows = tx.run(&query)?;
    rows.first().map_or(Ok(0), |row| Ok(usize::try_from(row.int(0)?).unwrap_or(0)))
}

/// The most pressing entries with their scores.
pub(super) fn list(tx: &mut Tx<'_>, seen: &Seen, limit: usize) -> Result<Vec<Need>> {
    let mut query = Query::new(
        "SELECT a.kind, a.ref_id, a.title, a.why, a.mark, a.word, a.weight, a.since, a.action, a.href, a.team_id, a.user_id, \
         a.weight + CASE WHEN a.since >= ",
    );
    query.bind(seen.now).push(" THEN 0 WHEN a.since <= ").bind(seen.now.plus(-48 * HOUR)).push(" THEN 48 ELSE (");
    query.bind(seen.now).push(" - a.since) / 3600000000 END + CASE WHEN a.user_id IN ");
    query.list(&seen.user.into_iter().collect::<Vec<i64>>()).push(" THEN 100 WHEN a.team_id IN ");
    query.list(&seen.teams).push(" THEN 50 ELSE 0 END AS score FROM kernel_attention a");
    visible(&mut query, seen);
    query.push(" ORDER BY score DESC, a.since, a.kind, a.ref_id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(need).collect()
}

fn need(row: &Row) -> Result<Need> {
    Ok(Need {
        subject: Ref { kind: std::borrow::Cow::Owned(row.text(0)?), id: row.int(1)? },
        title: row.text(2)?,
        why: row.text(3)?,
        mark: row.text(4)?,
        word: row.text(5)?,
        weight: row.int(6)?,
        since: row.time(7)?,
        action: row.text(8)?,
        href: row.text(9)?,
        team: row.opt_int(10)?,
        user: row.opt_int(11)?,
        score: row.int(12)?,
        reason: String::new(),
    })
}
