//! Failed sign-ins: counted with growing delays, so that passwords cannot be guessed, and in parts, so that a stranger cannot
//! keep somebody out. What counts first is the login from one network. The login alone counts looser, and never against
//! networks it signed in from before. A proof of identity counts for its session alone. Counting happens before the check, so
//! that many tries at the same moment do not slip through; what was no wrong password is taken back.

use kernel::db::{Priority, Tx};
use kernel::time::{MINUTE, SECOND};
use kernel::{Error, PrepareCx, Result, Time};

pub(crate) mod store;

/// How strictly failures are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rule {
    /// Failures without a delay.
    free: i64,
    /// Longest delay, in microseconds.
    delay_max: i64,
    /// A right password forgets the failures; otherwise it only takes its own count back.
    forgives: bool,
}

/// A login from one network, a session, or somebody's own password: a slip of the owner costs little.
const CLOSE: Rule = Rule { free: 5, delay_max: MINUTE, forgives: true };
/// A login from wherever it never signed in from. Unknown logins count too, so that they are not told from known ones.
const LOGIN: Rule = Rule { free: 20, delay_max: 15 * MINUTE, forgives: false };
/// One network, whatever login it tries: many people may share it. One right password does not clear it, since somebody who
/// has one account may try others.
const SOURCE: Rule = Rule { free: 20, delay_max: 15 * MINUTE, forgives: false };

/// Something that failures are counted for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    subject: String,
    rule: Rule,
}

/// The delay after a number of failures, in microseconds: none, then 1 s, doubled with each.
fn delay(rule: Rule, failures: i64) -> i64 {
    let beyond = failures - rule.free;
    if beyond <= 0 {
        return 0;
    }
    let doubled = u32::try_from(beyond - 1).ok().and_then(|shift| 1_i64.checked_shl(shift.min(40))).unwrap_or(i64::MAX);
    doubled.saturating_mul(SECOND).min(rule.delay_max)
}

/// What a try of a login from a network counts for; the network is empty when it is not known.
fn of_sign_in(tx: &mut Tx<'_>, login: &str, source: &str) -> Result<Vec<Counter>> {
    let login = kernel::text::shorten(&login.trim().to_lowercase(), 64);
    let source = kernel::text::shorten(source.trim(), 100);
    let mut counters = vec![Counter { subject: format!("pair:{source} {login}"), rule: CLOSE }];
    if !source.is_empty() {
        counters.push(Counter { subject: format!("source:{source}"), rule: SOURCE });
    }
    if !store::is_known(tx, &login, &source)? {
        counters.push(Counter { subject: format!("login:{login}"), rule: LOGIN });
    }
    Ok(counters)
}

/// Counts a try as failed; refuses, and counts nothing, while one of them has to wait.
fn count(tx: &mut Tx<'_>, counters: &[Counter], now: Time) -> Result<()> {
    let mut rows = Vec::new();
    for counter in counters {
        let known = store::get(tx, &counter.subject)?;
        if let Some(row) = known.as_ref().filter(|row| row.blocked_until > now) {
            let seconds = (row.blocked_until.since(now) + SECOND - 1) / SECOND;
            return Err(Error::over_limit(format!("Too many failed sign-ins. Try again in {seconds} s.")));
        }
        let failures = known.map_or(0, |row| row.failures) + 1;
        rows.push(store::Failures { failures, blocked_until: now.plus(delay(counter.rule, failures)) });
    }
    for (counter, row) in counters.iter().zip(&rows) {
        store::put(tx, &counter.subject, row, now)?;
    }
    Ok(())
}

/// Begins a sign-in: counts it as failed before it is checked. In its own transaction, because a refusal must be kept although
/// the operation fails. Answers what it counted for.
pub(crate) fn begin_sign_in(cx: &PrepareCx<'_>, login: &str, source: &str) -> Result<Vec<Counter>> {
    let (login, source, now) = (login.to_owned(), source.to_owned(), cx.now);
    cx.kernel.db.write("people.attempts.count", Priority::Interactive, move |tx| {
        let counters = of_sign_in(tx, &login, &source)?;
        count(tx, &counters, now)?;
        Ok(counters)
    })
}

/// Begins a proof of identity in a session, or of who changes their own password (no session): strangers cannot call these, so
/// they are apart from sign-ins.
pub(crate) fn begin_proof(cx: &PrepareCx<'_>, user: i64, session: Option<i64>) -> Result<Vec<Counter>> {
    let subject = session.map_or_else(|| format!("user:{user}"), |session| format!("session:{session}"));
    let (counters, now) = (vec![Counter { subject, rule: CLOSE }], cx.now);
    cx.kernel.db.write("people.attempts.count", Priority::Interactive, move |tx| {
        count(tx, &counters, now)?;
        Ok(counters.clone())
    })
}

/// Answers what a check of a password answers; when it could not be made at all, the try is taken back.
pub(crate) fn checked<T>(cx: &PrepareCx<'_>, counters: &[Counter], check: Result<T>) -> Result<T> {
    if check.is_err() {
        let counters = counters.to_vec();
        cx.kernel.db.write("people.attempts.take-back", Priority::Interactive, move |tx| {
            counters.iter().try_for_each(|counter| store::take_back(tx, &counter.subject))
        })?;
    }
    check
}

/// The password was right: takes the try back, and forgets the slips before it where that is safe.
pub(crate) fn succeeded(tx: &mut Tx<'_>, counters: &[Counter]) -> Result<()> {
    counters.iter().try_for_each(|counter| {
        if counter.rule.forgives { store::delete(tx, &counter.subject) } else { store::take_back(tx, &counter.subject) }
    })
}

#[cfg(test)]
mod tests;
