//! Many tickets at once, for demonstrations and measurements.

use kernel::Result;
use kernel::db::{Query, Tx};

use crate::ticket::Ticket;

/// Inserts tickets that are all new; answers their numbers in order.
pub(crate) fn insert(tx: &mut Tx<'_>, tickets: &[Ticket]) -> Result<Vec<i64>> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::new(
        "INSERT INTO desk_tickets (kind, stage, priority, summary, detail, team_id, place_id, requester_id, owner_id, source, handled, \
         wait_reason, wait_until, version, created_at, updated_at, resolved_at) VALUES ",
    );
    for (index, one) in tickets.iter().enumerate() {
        query.push(if index == 0 { "(" } else { ", (" }).bind(one.kind.code()).push(", ").bind(one.stage());
        query.push(", ").bind(one.priority.code()).push(", ").bind(&one.summary).push(", ").bind(&one.detail);
        for number in [one.team, one.place, one.requester, one.owner, one.source.code()] {
            query.push(", ").bind(number);
        }
        query.push(", ").bind(one.handled).push(", ").bind(&one.wait_reason).push(", ").bind(one.wait_until);
        query.push(", ").bind(one.version);
        for at in [one.created_at, one.updated_at, one.resolved_at] {
            query.push(", ").bind(at);
        }
        query.push(")");
    }
    query.push(" RETURNING id");
    let mut ids = tx.run(&query)?.iter().map(|row| row.int(0)).collect::<Result<Vec<i64>>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// Points tickets at things: `(ticket, asset)` each.
pub(crate) fn link(tx: &mut Tx<'_>, pairs: &[(i64, i64)], now: kernel::Time) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let mut query =
        Query::new("INSERT INTO desk_links (ticket_id, target_kind, target_id, kind, added_by, at) VALUES ");
    for (index, (ticket, asset)) in pairs.iter().enumerate() {
        query.push(if index == 0 { "(" } else { ", (" }).bind(*ticket).push(", 'asset', ").bind(*asset);
        query.push(", 0, 'service:demo', ").bind(now).push(")");
    }
    tx.run(&query).map(|_| ())
}
