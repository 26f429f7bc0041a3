//! Failed sign-ins: counted per login and per address, with growing delays. Counting happens before the check, so that many
//! tries at the same moment do not slip through; a success takes the count back.

use kernel::db::{Priority, Tx};
use kernel::time::{MINUTE, SECOND};
use kernel::{Error, PrepareCx, Result, Time};

pub(crate) mod store;

/// Failures of one login without a delay.
const LOGIN_FREE: i64 = 5;
/// Longest delay of a login, in microseconds. Short, so that a stranger cannot lock somebody out for long.
const LOGIN_DELAY_MAX: i64 = MINUTE;
/// Failures from one address without a delay: many people may share it.
const SOURCE_FREE: i64 = 20;
/// Longest delay of an address, in microseconds.
const SOURCE_DELAY_MAX: i64 = 15 * MINUTE;

/// Whose failures are counted, and how strictly.
struct Rule {
    free: i64,
    delay_max: i64,
}

fn rule(subject: &str) -> Rule {
    if subject.starts_with("source:") {
        Rule { free: SOURCE_FREE, delay_max: SOURCE_DELAY_MAX }
    } else {
        Rule { free: LOGIN_FREE, delay_max: LOGIN_DELAY_MAX }
    }
}

/// The delay after a number of failures, in microseconds: none, then 1 s, doubled with each.
fn delay(rule: &Rule, failures: i64) -> i64 {
    let beyond = failures - rule.free;
    if beyond <= 0 {
        return 0;
    }
    let doubled = u32::try_from(beyond - 1).ok().and_then(|shift| 1_i64.checked_shl(shift.min(40))).unwrap_or(i64::MAX);
    doubled.saturating_mul(SECOND).min(rule.delay_max)
}

fn source_key(source: &str) -> String {
    format!("source:{}", kernel::text::shorten(source.trim(), 100))
}

fn login_key(login: &str) -> String {
    format!("login:{}", kernel::text::shorten(&login.trim().to_lowercase(), 64))
}

fn refuse_while_blocked(tx: &mut Tx<'_>, subject: &str, now: Time) -> Result<()> {
    match store::get(tx, subject)? {
        Some(row) if row.blocked_until > now => {
            let seconds = (row.blocked_until.since(now) + SECOND - 1) / SECOND;
            Err(Error::over_limit(format!("Too many failed sign-ins. Try again in {seconds} s.")))
        }
        _ => Ok(()),
    }
}

fn count_failure(tx: &mut Tx<'_>, subject: &str, now: Time) -> Result<()> {
    let failures = store::get(tx, subject)?.map_or(0, |row| row.failures) + 1;
    let blocked_until = now.plus(delay(&rule(subject), failures));
    store::put(tx, subject, &store::Failures { failures, blocked_until }, now)
}

/// Refuses a sign-in while the login or the address has to wait; for the server, before it calls the operation.
///
/// # Errors
/// Over the limit: the message says how many seconds to wait.
pub fn allowed(tx: &mut Tx<'_>, login: &str, source: &str, now: Time) -> Result<()> {
    refuse_while_blocked(tx, &source_key(source), now)?;
    refuse_while_blocked(tx, &login_key(login), now)
}

/// Counts a sign-in from an address after it was tried; for the server. The login's own count is kept by the operation.
///
/// # Errors
/// The database fails.
pub fn record(tx: &mut Tx<'_>, source: &str, succeeded: bool, now: Time) -> Result<()> {
    // One right password does not clear an address: somebody who has one account may try others.
    if succeeded { Ok(()) } else { count_failure(tx, &source_key(source), now) }
}

/// Counts a try of a login as failed before it is checked, and refuses it while the login has to wait. In its own
/// transaction, because a refusal must be kept although the operation fails.
pub(crate) fn begin(cx: &PrepareCx<'_>, login: &str) -> Result<()> {
    let (subject, now) = (login_key(login), cx.now);
    cx.kernel.db.write("people.attempts.count", Priority::Interactive, move |tx| {
        refuse_while_blocked(tx, &subject, now)?;
        count_failure(tx, &subject, now)
    })
}

/// Forgets the failures of a login after it was right.
pub(crate) fn clear(tx: &mut Tx<'_>, login: &str) -> Result<()> {
    store::delete(tx, &login_key(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_start_after_the_free_tries_double_and_stop_growing() {
        let login = rule("login:sam");
        let seconds: Vec<i64> = [0, 5, 6, 7, 8, 11, 12, 60, i64::MAX].map(|n| delay(&login, n) / SECOND).to_vec();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 32, 60, 60, 60]);
        let source = rule("source:192.0.2.1");
        assert_eq!(delay(&source, 20), 0);
        assert_eq!(delay(&source, 200), 15 * MINUTE);
    }
}
