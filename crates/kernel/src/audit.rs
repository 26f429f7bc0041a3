//! Audit: who did what, when, through which door, and the difference it made. Personal payload lives in a side table
//! that can be deleted; the chain of seals is over digests and stays true without it.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde_json::Value;

use crate::cx::FieldChange;
use crate::db::{Priority, Tx};
use crate::error::{Error, Result};
use crate::permission::Actor;
use crate::reference::Ref;
use crate::running::Handle;
use crate::time::{MINUTE, Time};

pub mod blank;
pub mod operations;
pub mod seal;
pub(crate) mod store;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

pub(crate) struct NewEntry<'a> {
    pub(crate) actor: &'a str,
    pub(crate) actor_name: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) via: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) input: Option<&'a Value>,
    pub(crate) changes: &'a [FieldChange],
    pub(crate) touched: &'a [Ref],
}

/// Reasons that are written down for one actor, operation and minute.
const REASONS_MAX: usize = 20;

/// Counts refusals, so that one actor, operation, reason and minute is one row.
#[derive(Default)]
pub(crate) struct Refusals {
    seen: Mutex<HashMap<(String, &'static str), Told>>,
}

/// The reasons that were written down in a minute.
struct Told {
    minute: i64,
    reasons: HashSet<String>,
}

/// Writes one row per actor, operation, reason and minute about a refusal; it never fails the caller.
pub(crate) fn refused(
    kernel: &Handle,
    actor: &Actor,
    operation: &'static str,
    via: &'static str,
    error: &Error,
    now: Time,
) {
    let ident = actor.ident.to_string();
    let minute = now.0.div_euclid(MINUTE);
    let word = error.kind.as_str();
    let reason = error
        .cause
        .as_ref()
        .filter(|_| error.refusal)
        .map_or_else(|| word.to_owned(), |what| format!("{word}: {what}"));
    {
        let mut seen = kernel.refusals.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.retain(|_, told| told.minute == minute);
        let told = seen.entry((ident.clone(), operation)).or_insert_with(|| Told { minute, reasons: HashSet::new() });
        if told.reasons.len() >= REASONS_MAX || !told.reasons.insert(reason.clone()) {
            return;
        }
    }
    let (name, reason) = (actor.name.clone(), Value::String(reason));
    let written = kernel.db.write("kernel.audit.refused", Priority::Background, move |tx| {
        let entry = NewEntry {
            actor: &ident,
            actor_name: &name,
            operation,
            via,
            outcome: Outcome::Refused,
            input: Some(&reason),
            changes: &[],
            touched: &[],
        };
        store::insert(tx, &entry, now)
    });
    if let Err(error) = written {
        tracing::warn!(operation, error = error.message, "a refusal could not be written to audit");
    }
}

/// The conflict that names who changed what last.
pub(crate) fn conflict(tx: &mut Tx<'_>, subject: &Ref) -> Result<Error> {
    let Some(last) = store::last_change(tx, subject)? else {
        return Ok(Error::conflict("This was changed meanwhile. Look at it again, then repeat your change."));
    };
    let fields: Vec<&str> =
        last.changes.iter().filter(|change| change.subject == *subject).map(|change| change.field.as_str()).collect();
    let what = if fields.is_empty() { "it".to_owned() } else { fields.join(", ") };
    Ok(Error::conflict(format!(
        "{} changed {what} meanwhile ({}). Look at it again, then repeat your change.",
        last.actor_name, last.at
    )))
}
