//! What was said about tickets.

use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use crate::ticket::EntryKind;

/// Something that was said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) kind: EntryKind,
    pub(crate) author: String,
    pub(crate) author_name: String,
    pub(crate) body: String,
    pub(crate) at: Time,
}

fn entry(row: &Row) -> Result<Entry> {
    Ok(Entry {
        id: row.int(0)?,
        kind: EntryKind::from_code(row.int(1)?)?,
        author: row.text(2)?,
        author_name: row.text(3)?,
        body: row.text(4)?,
        at: row.time(5)?,
    })
}

/// Adds an entry; its own number is not read.
pub(crate) fn insert(tx: &mut Tx<'_>, ticket: i64, one: &Entry) -> Result<i64> {
    tx.insert(
        "INSERT INTO desk_entries (ticket_id, kind, author, author_name, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        &[
            ticket.into(),
            one.kind.code().into(),
            (&one.author).into(),
            (&one.author_name).into(),
            (&one.body).into(),
            one.at.into(),
        ],
    )
}

/// The newest entries below a number, newest first; notes only when they may be seen.
pub(crate) fn newest(tx: &mut Tx<'_>, ticket: i64, notes: bool, before: i64, limit: i64) -> Result<Vec<Entry>> {
    let mut query = Query::new("SELECT id, kind, author, author_name, body, at FROM desk_entries WHERE ticket_id = ");
    query.bind(ticket).push(" AND id < ").bind(before);
    if !notes {
        query.push(" AND kind <> ").bind(EntryKind::Note.code());
    }
    query.push(" ORDER BY id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(entry).collect()
}
