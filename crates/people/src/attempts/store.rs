//! Failed sign-ins in SQL.

use kernel::db::Tx;
use kernel::{Result, Time};

/// What is known of a login's or an address's failures.
pub(crate) struct Failures {
    pub(crate) failures: i64,
    pub(crate) blocked_until: Time,
}

pub(crate) fn get(tx: &mut Tx<'_>, subject: &str) -> Result<Option<Failures>> {
    let row = tx.first("SELECT failures, blocked_until FROM people_attempts WHERE subject = ?1", &[subject.into()])?;
    row.map(|row| Ok(Failures { failures: row.int(0)?, blocked_until: row.time(1)? })).transpose()
}

pub(crate) fn put(tx: &mut Tx<'_>, subject: &str, row: &Failures, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO people_attempts (subject, failures, last_at, blocked_until) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, blocked_until = excluded.blocked_until",
        &[subject.into(), row.failures.into(), now.into(), row.blocked_until.into()],
    )?;
    Ok(())
}

pub(crate) fn delete(tx: &mut Tx<'_>, subject: &str) -> Result<()> {
    tx.execute("DELETE FROM people_attempts WHERE subject = ?1", &[subject.into()])?;
    Ok(())
}

/// Forgets failures whose last one is older than a moment.
pub(crate) fn sweep(tx: &mut Tx<'_>, before: Time) -> Result<()> {
    tx.execute("DELETE FROM people_attempts WHERE last_at < ?1", &[before.into()])?;
    Ok(())
}
