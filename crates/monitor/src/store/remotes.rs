//! How far samples were sent to other engines, in SQL.

use kernel::db::{Row, Tx};
use kernel::{Result, Time};

/// How far samples were sent to an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) name: String,
    /// Everything up to here was taken or refused, in milliseconds since 1970.
    pub(crate) position_ms: i64,
    pub(crate) sent: i64,
    pub(crate) dropped: i64,
    /// How much time was given up because the endpoint was away for too long.
    pub(crate) skipped_ms: i64,
    /// The newest trouble, in words.
    pub(crate) error: String,
    /// 0 while it works.
    pub(crate) failing_since: Time,
}

impl Progress {
    pub(crate) fn new(name: &str, position_ms: i64) -> Self {
        let (error, failing_since) = (String::new(), Time(0));
        Self { name: name.to_owned(), position_ms, sent: 0, dropped: 0, skipped_ms: 0, error, failing_since }
    }
}

fn progress(row: &Row) -> Result<Progress> {
    Ok(Progress {
        name: row.text(0)?,
        position_ms: row.int(1)?,
        sent: row.int(2)?,
        dropped: row.int(3)?,
        skipped_ms: row.int(4)?,
        error: row.text(5)?,
        failing_since: row.time(6)?,
    })
}

/// All endpoints that were ever sent to: they are few.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Progress>> {
    let rows = tx.query(
        "SELECT name, position_ms, sent, dropped, skipped_ms, error, failing_since FROM monitor_remotes ORDER BY name LIMIT 1000",
        &[],
    )?;
    rows.iter().map(progress).collect()
}

pub(crate) fn put(tx: &mut Tx<'_>, one: &Progress) -> Result<()> {
    tx.execute(
        "INSERT INTO monitor_remotes (name, position_ms, sent, dropped, skipped_ms, error, failing_since) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET position_ms = excluded.position_ms, \
         sent = excluded.sent, dropped = excluded.dropped, skipped_ms = excluded.skipped_ms, error = excluded.error, \
         failing_since = excluded.failing_since",
        &[
            (&one.name).into(),
            one.position_ms.into(),
            one.sent.into(),
            one.dropped.into(),
            one.skipped_ms.into(),
            (&one.error).into(),
            one.failing_since.into(),
        ],
    )?;
    Ok(())
}

/// Forgets an endpoint that is in no setting any more.
pub(crate) fn forget(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.execute("DELETE FROM monitor_remotes WHERE name = ?1", &[name.into()])?;
    Ok(())
}
