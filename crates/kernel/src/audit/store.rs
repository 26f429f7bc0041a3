//! Audit in SQL.

use serde_json::Value;

use super::NewEntry;
use super::operations::AuditEntry;
use crate::cx::FieldChange;
use crate::db::{Query, Row, Tx};
use crate::error::{Error, Result};
use crate::reference::Ref;
use crate::text::sha256_hex;
use crate::time::Time;

/// The latest change of a thing.
pub(crate) struct LastChange {
    pub(crate) actor_name: String,
    pub(crate) at: Time,
    pub(crate) changes: Vec<FieldChange>,
}

/// What a row of details holds, in this order: its digest is sealed.
#[derive(serde::Serialize)]
struct Detail<'a> {
    actor_name: &'a str,
    input: Option<&'a Value>,
    changes: &'a [FieldChange],
}

pub(crate) fn insert(tx: &mut Tx<'_>, entry: &NewEntry<'_>, now: Time) -> Result<i64> {
    let detail = Detail { actor_name: entry.actor_name, input: entry.input, changes: entry.changes };
    let detail = serde_json::to_string(&detail).map_err(|error| Error::internal("audit-not-json", error))?;
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
    let mut others: Vec<&Ref> =
        entry.changes.iter().map(|change| &change.subject).filter(|one| Some(*one) != subject).collect();
    others.sort();
    others.dedup();
    for other in others {
        tx.execute(
            "INSERT INTO kernel_audit_subjects (kind, ref_id, audit_id) VALUES (?1, ?2, ?3)",
            &[other.kind.as_ref().into(), other.id.into(), id.into()],
        )?;
    }
    Ok(id)
}

/// Who changed a thing last.
pub(crate) fn last_change(tx: &mut Tx<'_>, subject: &Ref) -> Result<Option<LastChange>> {
    Ok(later(tx, subject, 0, 1)?.into_iter().next().map(LastChange::of))
}

/// Who changed this field after an entry, if anybody did.
pub(super) fn changed_since(tx: &mut Tx<'_>, change: &FieldChange, after: i64) -> Result<Option<LastChange>> {
    let touches =
        |entry: &AuditEntry| entry.changes.iter().any(|one| one.subject == change.subject && one.field == change.field);
    Ok(later(tx, &change.subject, after, 500)?.into_iter().find(touches).map(LastChange::of))
}

impl LastChange {
    fn of(entry: AuditEntry) -> Self {
        let actor_name = if entry.actor_name.is_empty() { "somebody".to_owned() } else { entry.actor_name };
        Self { actor_name, at: entry.at, changes: entry.changes }
    }
}

const COLUMNS: &str = "SELECT a.id, a.at, a.actor, a.operation, a.via, a.outcome, a.subject_kind, a.subject_id, d.detail \
                       FROM kernel_audit a LEFT JOIN kernel_audit_details d ON d.audit_id = a.id";

fn entry(row: &Row) -> Result<AuditEntry> {
    let detail: Value = row.opt_text(8)?.map_or(Ok(Value::Null), |_| row.json(8))?;
    let part = |name: &str| detail.get(name).cloned().unwrap_or(Value::Null);
    let kind = row.text(6)?;
    Ok(AuditEntry {
        id: row.int(0)?,
        at: row.time(1)?,
        actor: row.text(2)?,
        actor_name: part("actor_name").as_str().unwrap_or_default().to_owned(),
        operation: row.text(3)?,
        via: row.text(4)?,
        outcome: row.text(5)?,
        subject: if kind.is_empty() { None } else { Some(Ref { kind: kind.into(), id: row.int(7)? }) },
        input: part("input"),
        changes: serde_json::from_value(part("changes")).unwrap_or_default(),
    })
}

/// Entries that changed a thing after one, newest first.
pub(super) fn later(tx: &mut Tx<'_>, subject: &Ref, after: i64, limit: i64) -> Result<Vec<AuditEntry>> {
    let (kind, id) = (subject.kind.as_ref(), subject.id);
    let mut first = Query::new(COLUMNS);
    first.push(" WHERE a.subject_kind = ").bind(kind).push(" AND a.subject_id = ").bind(id);
    first.push(" AND a.id > ").bind(after).push(" AND a.outcome = 'done' ORDER BY a.id DESC LIMIT ").bind(limit);
    let mut beside = Query::new(COLUMNS);
    beside.push(" JOIN kernel_audit_subjects s ON s.audit_id = a.id WHERE s.kind = ").bind(kind);
    beside.push(" AND s.ref_id = ").bind(id).push(" AND s.audit_id > ").bind(after);
    beside.push(" ORDER BY s.audit_id DESC LIMIT ").bind(limit);
    let mut rows = tx.run(&first)?;
    rows.extend(tx.run(&beside)?);
    let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    Ok(entries)
}

/// What a list of entries is narrowed to.
pub(super) struct Filter<'a> {
    pub(super) actor: Option<&'a str>,
    pub(super) operation: Option<&'a str>,
    pub(super) subject: Option<&'a Ref>,
    pub(super) before: i64,
}

pub(super) fn list(tx: &mut Tx<'_>, filter: &Filter<'_>, rows: usize) -> Result<Vec<AuditEntry>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id < ").bind(filter.before);
    if let Some(actor) = filter.actor {
        query.push(" AND a.actor = ").bind(actor);
    }
    if let Some(operation) = filter.operation {
        query.push(" AND a.operation = ").bind(operation);
    }
    if let Some(subject) = filter.subject {
        let (kind, id) = (subject.kind.as_ref(), subject.id);
        query.push(" AND (a.subject_kind = ").bind(kind).push(" AND a.subject_id = ").bind(id);
        query.push(" OR a.id IN (SELECT s.audit_id FROM kernel_audit_subjects s WHERE s.kind = ").bind(kind);
        query.push(" AND s.ref_id = ").bind(id).push("))");
    }
    query.push(" ORDER BY a.id DESC LIMIT ").bind(rows);
    tx.run(&query)?.iter().map(entry).collect()
}

pub(super) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<AuditEntry>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id = ").bind(id);
    tx.run(&query)?.first().map(entry).transpose()
}
