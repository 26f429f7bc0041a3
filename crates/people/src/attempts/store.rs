//! Failed sign-ins in SQL, and the networks that somebody signed in from.

use kernel::db::Tx;
use kernel::{Result, Time};

/// What is known of the failures of one subject.
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

/// Takes one failure back, and the delay it caused: nobody waited when it was counted.
pub(crate) fn take_back(tx: &mut Tx<'_>, subject: &str) -> Result<()> {
    let sql =
        "UPDATE people_attempts SET failures = failures - 1, blocked_until = 0 WHERE subject = ?1 AND failures > 0";
    tx.execute(sql, &[subject.into()])?;
    Ok(())
}

/// Writes down that a user signed in from a network.
pub(crate) fn note_source(tx: &mut Tx<'_>, user: i64, source: &str, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO people_known_sources (user_id, source, last_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_id, source) DO UPDATE SET last_at = excluded.last_at",
        &[user.into(), source.into(), now.into()],
    )?;
    Ok(())
}

/// Whether a login signed in from a network before.
pub(crate) fn is_known(tx: &mut Tx<'_>, login: &str, source: &str) -> Result<bool> {
    let sql = "SELECT k.user_id FROM people_known_sources k JOIN people_users u ON u.id = k.user_id WHERE u.login = ?1 AND k.source = ?2";
    Ok(tx.first(sql, &[login.into(), source.into()])?.is_some())
}

pub(crate) const SWEEP: &str = "DELETE FROM people_attempts WHERE subject IN \
                                (SELECT subject FROM people_attempts WHERE last_at < ?1 ORDER BY last_at LIMIT 1000)";

/// Forgets some failures whose last one is older than a moment; answers how many.
pub(crate) fn sweep(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.execute(SWEEP, &[before.into()])
}

/// Forgets some networks that were last used before a moment; answers how many.
pub(crate) fn sweep_sources(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    let sql = "DELETE FROM people_known_sources WHERE (user_id, source) IN \
               (SELECT user_id, source FROM people_known_sources WHERE last_at < ?1 ORDER BY last_at LIMIT 1000)";
    tx.execute(sql, &[before.into()])
}
