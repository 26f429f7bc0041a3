//! Rows of tickets.

use kernel::db::{Query, Row, Tx};
use kernel::{Reach, Result, Time};

use super::visible;
use crate::ticket::{Kind, Priority, Source, Status, Ticket};

const COLUMNS: &str = "SELECT t.id, t.kind, t.stage, t.priority, t.summary, t.detail, t.team_id, t.place_id, t.requester_id, t.owner_id, \
     t.source, t.external_key, t.handled, t.wait_reason, t.wait_until, t.version, t.created_at, t.updated_at, t.resolved_at FROM desk_tickets t ";

fn ticket(row: &Row) -> Result<Ticket> {
    Ok(Ticket {
        id: row.int(0)?,
        kind: Kind::from_code(row.int(1)?)?,
        status: Status::from_code(row.int(2)? / 2)?,
        priority: Priority::from_code(row.int(3)?)?,
        summary: row.text(4)?,
        detail: row.text(5)?,
        team: row.int(6)?,
        place: row.int(7)?,
        requester: row.int(8)?,
        owner: row.int(9)?,
        source: Source::from_code(row.int(10)?)?,
        external_key: row.opt_text(11)?,
        handled: row.bool(12)?,
        wait_reason: row.text(13)?,
        wait_until: row.time(14)?,
        version: row.int(15)?,
        created_at: row.time(16)?,
        updated_at: row.time(17)?,
        resolved_at: row.time(18)?,
    })
}

/// A new row; `None` when another ticket has the same external key. The ticket's own number is not read.
pub(crate) fn insert(tx: &mut Tx<'_>, one: &Ticket) -> Result<Option<i64>> {
    let row = tx.first(
        "INSERT INTO desk_tickets (kind, stage, priority, summary, detail, team_id, place_id, requester_id, owner_id, source, external_key, \
         handled, wait_reason, wait_until, version, created_at, updated_at, resolved_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '', 0, 1, ?13, ?13, 0) ON CONFLICT (external_key) DO NOTHING RETURNING id",
        &[
            one.kind.code().into(),
            one.stage().into(),
            one.priority.code().into(),
            (&one.summary).into(),
            (&one.detail).into(),
            one.team.into(),
            one.place.into(),
            one.requester.into(),
            one.owner.into(),
            one.source.code().into(),
            one.external_key.as_deref().into(),
            one.handled.into(),
            one.created_at.into(),
        ],
    )?;
    row.map(|row| row.int(0)).transpose()
}

/// Writes every field that can change, with the next version.
pub(crate) fn save(tx: &mut Tx<'_>, one: &Ticket) -> Result<()> {
    tx.execute(
        "UPDATE desk_tickets SET kind = ?1, stage = ?2, priority = ?3, summary = ?4, detail = ?5, team_id = ?6, place_id = ?7, \
         requester_id = ?8, owner_id = ?9, handled = ?10, wait_reason = ?11, wait_until = ?12, version = ?13, updated_at = ?14, \
         resolved_at = ?15 WHERE id = ?16",
        &[
            one.kind.code().into(),
            one.stage().into(),
            one.priority.code().into(),
            (&one.summary).into(),
            (&one.detail).into(),
            one.team.into(),
            one.place.into(),
            one.requester.into(),
            one.owner.into(),
            one.handled.into(),
            (&one.wait_reason).into(),
            one.wait_until.into(),
            one.version.into(),
            one.updated_at.into(),
            one.resolved_at.into(),
            one.id.into(),
        ],
    )?;
    Ok(())
}

/// A ticket within a reach.
pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Ticket>> {
    let mut query = Query::new(COLUMNS);
    query.push("WHERE t.id = ").bind(id).push(" AND ");
    visible::push(&mut query, reach);
    tx.run(&query)?.first().map(ticket).transpose()
}

/// Those of the numbers that lie within a reach, in no order.
pub(crate) fn among(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Ticket>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::new(COLUMNS);
    query.push("WHERE t.id IN ").list(ids).push(" AND ");
    visible::push(&mut query, reach);
    tx.run(&query)?.iter().map(ticket).collect()
}

/// The number of the ticket with an external key.
pub(crate) fn by_external_key(tx: &mut Tx<'_>, key: &str) -> Result<Option<i64>> {
    let row = tx.first("SELECT id FROM desk_tickets WHERE external_key = ?1", &[key.into()])?;
    row.map(|row| row.int(0)).transpose()
}

/// Takes an external key away from a ticket that came from elsewhere than the source it belongs to.
pub(crate) fn reclaim_key(tx: &mut Tx<'_>, key: &str, source: Source) -> Result<()> {
    let sql = "UPDATE desk_tickets SET external_key = NULL WHERE external_key = ?1 AND source <> ?2";
    tx.execute(sql, &[key.into(), source.code().into()])?;
    Ok(())
}

/// Takes its external key from a ticket, so that another can stand for the same.
pub(crate) fn give_key_up(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("UPDATE desk_tickets SET external_key = NULL WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// Resolved tickets that nobody has touched since a moment.
pub(crate) fn settled(tx: &mut Tx<'_>, before: Time, limit: i64) -> Result<Vec<i64>> {
    let rows = tx.query(
        "SELECT id FROM desk_tickets WHERE stage IN (6, 7) AND updated_at < ?1 ORDER BY id LIMIT ?2",
        &[before.into(), limit.into()],
    )?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Lets somebody follow a ticket.
pub(crate) fn add_participant(tx: &mut Tx<'_>, ticket: i64, user: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO desk_participants (user_id, ticket_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        &[user.into(), ticket.into()],
    )?;
    Ok(())
}

/// Ends following.
pub(crate) fn remove_participant(tx: &mut Tx<'_>, ticket: i64, user: i64) -> Result<()> {
    tx.execute("DELETE FROM desk_participants WHERE user_id = ?1 AND ticket_id = ?2", &[user.into(), ticket.into()])?;
    Ok(())
}

/// Who follows a ticket.
pub(crate) fn participants(tx: &mut Tx<'_>, ticket: i64) -> Result<Vec<i64>> {
    let rows =
        tx.query("SELECT user_id FROM desk_participants WHERE ticket_id = ?1 ORDER BY user_id", &[ticket.into()])?;
    rows.iter().map(|row| row.int(0)).collect()
}
