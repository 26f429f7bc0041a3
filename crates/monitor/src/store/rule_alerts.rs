//! Alerts of rules in SQL.

use std::collections::BTreeMap;

use kernel::db::{Row, Tx};
use kernel::{Error, Result, Time};

/// An alert of a rule, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) id: i64,
    pub(crate) rule: i64,
    pub(crate) check: i64,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) source: BTreeMap<String, String>,
    /// pending, firing or over.
    pub(crate) phase: String,
    pub(crate) active_at: Time,
    pub(crate) fired_at: Time,
}

fn kept(row: &Row) -> Result<Kept> {
    Ok(Kept {
        id: row.int(0)?,
        rule: row.int(1)?,
        check: row.int(2)?,
        labels: row.json(3)?,
        source: row.json(4)?,
        phase: row.text(5)?,
        active_at: row.time(6)?,
        fired_at: row.time(7)?,
    })
}

fn text(labels: &BTreeMap<String, String>) -> Result<String> {
    serde_json::to_string(labels).map_err(|error| Error::internal("labels-not-json", error))
}

/// Adds an alert; its number. One with the same labels that is there already is that one.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Kept) -> Result<i64> {
    let labels = text(&new.labels)?;
    tx.insert(
        "INSERT INTO monitor_rule_alerts (rule_id, check_id, digest, labels, source, phase, active_at, fired_at, ended_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) RETURNING id",
        &[
            new.rule.into(),
            new.check.into(),
            kernel::text::sha256_hex(labels.as_bytes()).into(),
            labels.into(),
            text(&new.source)?.into(),
            (&new.phase).into(),
            new.active_at.into(),
            new.fired_at.into(),
        ],
    )
}

/// Writes how an alert stands; `ended` is when it ended, or zero.
pub(crate) fn moved(tx: &mut Tx<'_>, id: i64, phase: &str, active: Time, fired: Time, ended: Time) -> Result<()> {
    tx.execute(
        "UPDATE monitor_rule_alerts SET phase = ?1, active_at = ?2, fired_at = ?3, ended_at = ?4 WHERE id = ?5",
        &[phase.into(), active.into(), fired.into(), ended.into(), id.into()],
    )?;
    Ok(())
}

/// Alerts after a number, for filling the memory.
pub(crate) fn after(tx: &mut Tx<'_>, id: i64, limit: i64) -> Result<Vec<Kept>> {
    let sql = "SELECT id, rule_id, check_id, labels, source, phase, active_at, fired_at FROM monitor_rule_alerts WHERE id > ?1 \
               ORDER BY id LIMIT ?2";
    tx.query(sql, &[id.into(), limit.into()])?.iter().map(kept).collect()
}

/// Pauses the checks of a rule's alerts, or lets them go on; answers which they are.
pub(crate) fn pause_checks(tx: &mut Tx<'_>, rule: i64, paused: bool, now: Time) -> Result<Vec<i64>> {
    tx.execute(
        "UPDATE monitor_checks SET paused = ?1, version = version + 1, updated_at = ?2 \
         WHERE id IN (SELECT check_id FROM monitor_rule_alerts WHERE rule_id = ?3)",
        &[paused.into(), now.into(), rule.into()],
    )?;
    let sql = "SELECT check_id FROM monitor_rule_alerts WHERE rule_id = ?1 ORDER BY check_id";
    tx.query(sql, &[rule.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Alerts whose rule is gone, and those that ended before a moment and whose check has no alert out: number and check.
pub(crate) fn past(tx: &mut Tx<'_>, before: Time, limit: i64) -> Result<Vec<(i64, i64)>> {
    let sql = "SELECT k.id, k.check_id FROM monitor_rule_alerts k \
               WHERE NOT EXISTS (SELECT 1 FROM monitor_rules r WHERE r.id = k.rule_id) \
               OR (k.phase = 'over' AND k.ended_at < ?1 AND NOT EXISTS \
               (SELECT 1 FROM monitor_alerts a WHERE a.check_id = k.check_id AND a.is_open = 1)) ORDER BY k.id LIMIT ?2";
    tx.query(sql, &[before.into(), limit.into()])?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}
