//! Approvals in SQL.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NewApproval;
use crate::db::{Query, Row, Tx};
use crate::error::Result;
use crate::permission::Reach;
use crate::reference::Ref;
use crate::time::Time;

/// An approval as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Its number.
    pub id: i64,
    /// What it is about; itself when it holds an operation.
    #[serde(rename = "ref")]
    pub subject: Ref,
    /// What will happen when it is approved.
    pub title: String,
    /// What the approver should know.
    pub detail: String,
    /// Digest of the plan.
    pub plan_hash: String,
    /// An operation the approver must hold a grant for; empty for none.
    pub requires: String,
    /// The team whose decision it is.
    pub team: Option<i64>,
    /// Who asked, for example `user:3`.
    pub requested_by: String,
    /// Their name then.
    pub requested_name: String,
    /// When.
    pub requested_at: Time,
    /// When it is too late.
    pub expires_at: Time,
    /// `pending`, `approved`, `rejected`, `expired` or `cancelled`.
    pub state: String,
    /// Who decided; empty while it waits.
    pub decided_by: String,
    /// Their name then.
    pub decided_name: String,
    /// When; null while it waits.
    pub decided_at: Option<Time>,
    /// What they said.
    pub comment: String,
    /// The operation it holds; empty when it holds none.
    pub operation: String,
    /// The held operation's input, without its secrets.
    pub input: Value,
    /// The patterns of the token it was asked with, which limit it when it runs; empty when nothing limits it.
    pub patterns: Vec<String>,
    /// What became of the held operation; empty until it ran.
    pub outcome: String,
}

/// A call that waits with an approval.
pub(super) struct Held<'a> {
    /// The operation.
    pub(super) operation: &'a str,
    /// Its input, without its secrets.
    pub(super) input: &'a Value,
    /// The patterns of the token it came with.
    pub(super) patterns: &'a [String],
}

impl Approval {
    /// True when a reach covers it.
    pub(super) fn within(&self, reach: &Reach) -> bool {
        reach.everything
            || self.team.is_some_and(|team| reach.teams.contains(&team))
            || reach.own.is_some_and(|user| self.requested_by == format!("user:{user}"))
    }
}

const COLUMNS: &str = "SELECT id, kind, ref_id, title, detail, plan_hash, requires, team_id, requested_by, requested_name, requested_at, \
                       expires_at, state, decided_by, decided_name, decided_at, comment, operation, input, outcome, patterns FROM kernel_approvals";

fn approval(row: &Row) -> Result<Approval> {
    let id = row.int(0)?;
    let subject = match row.int(2)? {
        0 => Ref::new("approval", id),
        number => Ref { kind: Cow::Owned(row.text(1)?), id: number },
    };
    let decided_at = row.time(15)?;
    Ok(Approval {
        id,
        subject,
        title: row.text(3)?,
        detail: row.text(4)?,
        plan_hash: row.text(5)?,
        requires: row.text(6)?,
        team: row.opt_int(7)?,
        requested_by: row.text(8)?,
        requested_name: row.text(9)?,
        requested_at: row.time(10)?,
        expires_at: row.time(11)?,
        state: row.text(12)?,
        decided_by: row.text(13)?,
        decided_name: row.text(14)?,
        decided_at: (decided_at.0 != 0).then_some(decided_at),
        comment: row.text(16)?,
        operation: row.text(17)?,
        input: row.json(18)?,
        outcome: row.text(19)?,
        patterns: row.json(20)?,
    })
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    new: &NewApproval,
    by: (&str, &str),
    expires_at: Time,
    held: Option<&Held<'_>>,
    now: Time,
) -> Result<i64> {
    tx.insert(
        "INSERT INTO kernel_approvals (kind, ref_id, title, detail, plan_hash, requires, team_id, requested_by, requested_name, requested_at, \
         expires_at, state, decided_by, decided_name, decided_at, comment, operation, input, outcome, patterns) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'pending', '', '', 0, '', ?12, ?13, '', ?14) RETURNING id",
        &[
            new.subject.kind.as_ref().into(),
            new.subject.id.into(),
            crate::text::shorten(&new.title, 200).into(),
            (&new.detail).into(),
            (&new.plan_hash).into(),
            (&new.requires).into(),
            new.team.into(),
            by.0.into(),
            by.1.into(),
            now.into(),
            expires_at.into(),
            held.map_or("", |held| held.operation).into(),
            held.map_or_else(|| "null".to_owned(), |held| held.input.to_string()).into(),
            held.map_or_else(|| "[]".to_owned(), |held| serde_json::json!(held.patterns).to_string()).into(),
        ],
    )
}

pub(super) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Approval>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(approval).transpose()
}

/// The number of what waits already about this plan of this thing.
pub(super) fn pending(tx: &mut Tx<'_>, subject: &Ref, plan_hash: &str) -> Result<Option<i64>> {
    let row = tx.first(
        "SELECT id FROM kernel_approvals WHERE kind = ?1 AND ref_id = ?2 AND plan_hash = ?3 AND state = 'pending' ORDER BY id LIMIT 1",
        &[subject.kind.as_ref().into(), subject.id.into(), plan_hash.into()],
    )?;
    row.map(|row| row.int(0)).transpose()
}

pub(super) fn pending_about(tx: &mut Tx<'_>, subject: &Ref) -> Result<Vec<Approval>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE kind = ").bind(subject.kind.as_ref()).push(" AND ref_id = ").bind(subject.id);
    query.push(" AND state = 'pending' ORDER BY id LIMIT 100");
    tx.run(&query)?.iter().map(approval).collect()
}

pub(super) fn overdue(tx: &mut Tx<'_>, now: Time) -> Result<Vec<Approval>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE state = 'pending' AND expires_at <= ").bind(now).push(" ORDER BY expires_at LIMIT 50");
    tx.run(&query)?.iter().map(approval).collect()
}

/// Ends the waiting; answers false when it had ended already.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    id: i64,
    state: &str,
    by: (&str, &str),
    comment: &str,
    now: Time,
) -> Result<bool> {
    let touched = tx.execute(
        "UPDATE kernel_approvals SET state = ?1, decided_by = ?2, decided_name = ?3, decided_at = ?4, comment = ?5 WHERE id = ?6 AND state = 'pending'",
        &[state.into(), by.0.into(), by.1.into(), now.into(), comment.into(), id.into()],
    )?;
    Ok(touched == 1)
}

pub(super) fn set_outcome(tx: &mut Tx<'_>, id: i64, outcome: &str) -> Result<()> {
    tx.execute("UPDATE kernel_approvals SET outcome = ?1 WHERE id = ?2", &[outcome.into(), id.into()])?;
    Ok(())
}

fn within(query: &mut Query, reach: &Reach) {
    if reach.everything {
        return;
    }
    query.push(" AND (team_id IN ").list(&reach.teams);
    let own = reach.own.map(|user| format!("user:{user}")).unwrap_or_default();
    query.push(" OR requested_by = ").bind(own).push(")");
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    reach: &Reach,
    state: Option<&str>,
    subject: Option<&Ref>,
    before: i64,
    rows: usize,
) -> Result<Vec<Approval>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id < ").bind(before);
    if let Some(state) = state {
        query.push(" AND state = ").bind(state);
    }
    if let Some(subject) = subject {
        query.push(" AND kind = ").bind(subject.kind.as_ref()).push(" AND ref_id = ").bind(subject.id);
    }
    within(&mut query, reach);
    query.push(" ORDER BY id DESC LIMIT ").bind(rows);
    tx.run(&query)?.iter().map(approval).collect()
}

pub(super) fn by_ids(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new("SELECT id, title FROM kernel_approvals WHERE id IN ");
    query.list(ids);
    within(&mut query, reach);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}
