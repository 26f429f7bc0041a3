//! Audit in SQL.

use serde_json::{Value, json};

use super::NewEntry;
use crate::cx::FieldChange;
use crate::db::Tx;
use crate::error::Result;
use crate::reference::Ref;
use crate::text::sha256_hex;
use crate::time::Time;

/// The latest change of a thing.
pub(crate) struct LastChange {
    pub(crate) actor_name: String,
    pub(crate) at: Time,
    pub(crate) changes: Vec<FieldChange>,
}

pub(crate) fn insert(tx: &mut Tx<'_>, entry: &NewEntry<'_>, now: Time) -> Result<i64> {
    let detail = json!({ "actor_name": entry.actor_name, "input": entry.input, "changes": entry.changes }).to_string();
    let subject = entry.changes.first().map(|change| &change.subject).or_else(|| entry.touched.first());
    let id = tx.insert(
        "INSERT INTO kernel_audit (at, actor, operation, via, outcome, subject_kind, subject_id, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        &[
            now.into(),
            entry.actor.into(),
            entry.operation.into(),
            entry.via.into(),
            entry.outcome.as_str().into(),
            subject.map_or("", |one| one.kind.as_ref()).into(),
            subject.map_or(0, |one| one.id).into(),
            sha256_hex(detail.as_bytes()).into(),
        ],
    )?;
    tx.execute("INSERT INTO kernel_audit_details (audit_id, detail) VALUES (?1, ?2)", &[id.into(), detail.into()])?;
    Ok(id)
}

pub(crate) fn last_change(tx: &mut Tx<'_>, subject: &Ref) -> Result<Option<LastChange>> {
    let row = tx.first(
        "SELECT a.at, d.detail FROM kernel_audit a JOIN kernel_audit_details d ON d.audit_id = a.id \
         WHERE a.subject_kind = ?1 AND a.subject_id = ?2 AND a.outcome = 'done' ORDER BY a.id DESC LIMIT 1",
        &[subject.kind.as_ref().into(), subject.id.into()],
    )?;
    row.map(|row| {
        let detail: Value = row.json(1)?;
        let changes =
            detail.get("changes").cloned().and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
        let actor_name = detail.get("actor_name").and_then(Value::as_str).unwrap_or("somebody").to_owned();
        Ok(LastChange { actor_name, at: row.time(0)?, changes })
    })
    .transpose()
}
