//! What tickets point at.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kernel::db::{Query, Tx};
use kernel::{Ref, Result, Time};

use crate::ticket::LinkKind;

/// A pointer of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) to: Ref,
    pub(crate) kind: LinkKind,
}

/// Adds a link; answers false when it was there.
pub(crate) fn insert(tx: &mut Tx<'_>, ticket: i64, link: &Link, by: &str, at: Time) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO desk_links (ticket_id, target_kind, target_id, kind, added_by, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        &[
            ticket.into(),
            link.to.kind.as_ref().into(),
            link.to.id.into(),
            link.kind.code().into(),
            by.into(),
            at.into(),
        ],
    )?;
    Ok(added == 1)
}

/// Takes a link away; answers false when there was none.
pub(crate) fn delete(tx: &mut Tx<'_>, ticket: i64, link: &Link) -> Result<bool> {
    let gone = tx.execute(
        "DELETE FROM desk_links WHERE ticket_id = ?1 AND target_kind = ?2 AND target_id = ?3 AND kind = ?4",
        &[ticket.into(), link.to.kind.as_ref().into(), link.to.id.into(), link.kind.code().into()],
    )?;
    Ok(gone == 1)
}

/// The links of a ticket.
pub(crate) fn of(tx: &mut Tx<'_>, ticket: i64) -> Result<Vec<Link>> {
    let rows = tx.query(
        "SELECT target_kind, target_id, kind FROM desk_links WHERE ticket_id = ?1 ORDER BY kind, target_kind, target_id",
        &[ticket.into()],
    )?;
    rows.iter()
        .map(|row| {
            let to = Ref { kind: Cow::Owned(row.text(0)?), id: row.int(1)? };
            Ok(Link { to, kind: LinkKind::from_code(row.int(2)?)? })
        })
        .collect()
}

/// The first thing each of the tickets is about.
pub(crate) fn about_assets(tx: &mut Tx<'_>, tickets: &[i64]) -> Result<BTreeMap<i64, i64>> {
    if tickets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = Query::new(
        "SELECT ticket_id, MIN(target_id) FROM desk_links WHERE target_kind = 'asset' AND kind = 0 AND ticket_id IN ",
    );
    query.list(tickets).push(" GROUP BY ticket_id");
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// The newest tickets that point at a thing, as numbers.
pub(crate) fn pointing_at(tx: &mut Tx<'_>, target: &Ref, limit: i64) -> Result<Vec<i64>> {
    let rows = tx.query(
        "SELECT DISTINCT ticket_id FROM desk_links WHERE target_kind = ?1 AND target_id = ?2 ORDER BY ticket_id DESC LIMIT ?3",
        &[target.kind.as_ref().into(), target.id.into(), limit.into()],
    )?;
    rows.iter().map(|row| row.int(0)).collect()
}
