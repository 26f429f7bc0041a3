//! What a check has beside its row: the password and the other secret words that its look needs, and the address at which
//! a job is heard.

use kernel::{Change, Cx, Error, Result};
use serde_json::Value;

use super::{Check, NewCheck, request};
use crate::heartbeat;
use crate::probe::{Kind, Probe, Secrets};

/// Input fields that are never put into the audit.
pub(super) const SECRETS: &[&str] = &["password", "headers", "body", "send", "arguments"];

/// Fields of a look that say where its password goes, and how safely.
const WHERE: &[&str] = &["host", "port", "url", "user", "security", "any_certificate", "tls"];

/// The name under which the password of a check is sealed.
fn password_name(check: i64) -> String {
    format!("monitor.check.{check}")
}

/// The secrets that a check's look needs.
pub(crate) fn secrets(cx: &mut Cx, check: &Check) -> Result<Secrets> {
    Ok(Secrets { password: password(cx, check)?, request: request::sealed(cx, check.id, &check.probe)? })
}

/// The password that a check's look needs; empty for none.
fn password(cx: &mut Cx, check: &Check) -> Result<String> {
    if !check.probe.kind().takes_password() {
        return Ok(String::new());
    }
    let sealed = cx.secret(&password_name(check.id))?;
    Ok(sealed.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
}

/// Seals the password that was given, or removes it; answers whether anything changed.
pub(super) fn keep_password(cx: &mut Cx, id: i64, probe: &Probe, given: &Change<String>) -> Result<bool> {
    match given {
        Change::Set(password) if probe.kind().takes_password() && !password.is_empty() => {
            cx.put_secret(&password_name(id), password.as_bytes())?;
            Ok(true)
        }
        Change::Keep if probe.kind().takes_password() => Ok(false),
        // A form leaves the field empty when the password stays.
        Change::Set(_) if probe.kind().takes_password() => Ok(false),
        Change::Clear if probe.kind().takes_password() => cx.drop_secret(&password_name(id)).map(|()| true),
        _ => cx.drop_secret(&password_name(id)).map(|()| false),
    }
}

/// A password goes where it was given for: looking elsewhere, or less safely, needs it again.
pub(super) fn password_stays_at_home(
    cx: &mut Cx,
    current: &Check,
    new: &NewCheck,
    given: &Change<String>,
) -> Result<()> {
    let goes = |probe: &Probe| -> Result<Vec<Value>> {
        let probe = serde_json::to_value(probe).map_err(|error| Error::internal("probe-not-json", error))?;
        Ok(WHERE.iter().map(|field| probe.get(field).cloned().unwrap_or_default()).collect())
    };
    let anew = match given {
        Change::Set(password) => !password.is_empty(),
        Change::Clear => true,
        Change::Keep => false,
    };
    let kind = new.probe.kind();
    let same =
        kind == current.probe.kind() && new.vantage == current.vantage && goes(&new.probe)? == goes(&current.probe)?;
    if anew || same || !kind.takes_password() || password(cx, current)?.is_empty() {
        return Ok(());
    }
    Err(Error::invalid("password", "The check looks elsewhere now. Give the password that belongs there, or clear it."))
}

/// What a kind needs beside its row: a heartbeat has an address, and nothing else has one.
pub(super) fn follow_kind(cx: &mut Cx, id: i64, probe: &Probe) -> Result<()> {
    if probe.kind() == Kind::Heartbeat { heartbeat::make(cx, id) } else { heartbeat::forget(cx, id) }
}

/// Removes what a check has beside its row.
pub(super) fn forget(cx: &mut Cx, id: i64) -> Result<()> {
    cx.drop_secret(&password_name(id))?;
    request::forget(cx, id)?;
    heartbeat::forget(cx, id)
}
