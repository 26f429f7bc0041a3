//! Alerts of rules in SQL.

use std::collections::BTreeMap;

use causes::What;
use kernel::db::{Row, Tx};
use kernel::{Error, Result, Time};
use promql::Labels;

/// An alert of a rule, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) id: i64,
    pub(crate) rule: i64,
    pub(crate) check: i64,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) source: BTreeMap<String, String>,
    /// pending, firing, over, or gone with its rule.
    pub(crate) phase: String,
    pub(crate) active_at: Time,
    pub(crate) fired_at: Time,
    pub(crate) keeping_at: Time,
    /// What its series said then; none when that was not a number.
    pub(crate) value: Option<f64>,
}

/// How an alert stands; a time that is not there is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stand {
    /// pending, firing or over.
    pub(crate) phase: &'static str,
    pub(crate) active_at: Time,
    pub(crate) fired_at: Time,
    /// Since when it is only kept firing.
    pub(crate) keeping_at: Time,
    pub(crate) ended_at: Time,
    /// What its series says; none when that is not a number.
    pub(crate) value: Option<f64>,
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
        keeping_at: row.time(8)?,
        value: row.opt_real(9)?,
    })
}

fn text(labels: &Labels) -> Result<String> {
    let words: BTreeMap<&str, &str> = labels.iter().collect();
    serde_json::to_string(&words).map_err(|error| Error::internal("labels-not-json", error))
}

/// Adds an alert of a rule with its check, by its labels and those of its series; its number.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    (rule, check): (i64, i64),
    (labels, source): (&Labels, &Labels),
    stand: &Stand,
) -> Result<i64> {
    let labels = text(labels)?;
    tx.insert(
        "INSERT INTO monitor_rule_alerts (rule_id, check_id, digest, labels, source, phase, active_at, fired_at, keeping_at, ended_at, value) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id",
        &[
            rule.into(),
            check.into(),
            kernel::text::sha256_hex(labels.as_bytes()).into(),
            labels.into(),
            text(source)?.into(),
            stand.phase.into(),
            stand.active_at.into(),
            stand.fired_at.into(),
            stand.keeping_at.into(),
            stand.ended_at.into(),
            stand.value.into(),
        ],
    )
}

/// Writes how an alert stands.
pub(crate) fn moved(tx: &mut Tx<'_>, id: i64, stand: &Stand) -> Result<()> {
    tx.execute(
        "UPDATE monitor_rule_alerts SET phase = ?1, active_at = ?2, fired_at = ?3, keeping_at = ?4, ended_at = ?5, value = ?6 \
         WHERE id = ?7",
        &[
            stand.phase.into(),
            stand.active_at.into(),
            stand.fired_at.into(),
            stand.keeping_at.into(),
            stand.ended_at.into(),
            stand.value.into(),
            id.into(),
        ],
    )?;
    Ok(())
}

/// Alerts after a number, for filling the memory.
pub(crate) fn after(tx: &mut Tx<'_>, id: i64, limit: i64) -> Result<Vec<Kept>> {
    let sql = "SELECT id, rule_id, check_id, labels, source, phase, active_at, fired_at, keeping_at, value \
               FROM monitor_rule_alerts WHERE id > ?1 \
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
    checks(tx, rule)
}

/// The checks of a rule's alerts follow what it says now; answers which they are.
pub(crate) fn follow(tx: &mut Tx<'_>, rule: i64, (for_ms, team): (i64, Option<i64>), now: Time) -> Result<Vec<i64>> {
    tx.execute(
        "UPDATE monitor_checks SET for_ms = ?1, team_id = ?2, version = version + 1, updated_at = ?3 \
         WHERE id IN (SELECT check_id FROM monitor_rule_alerts WHERE rule_id = ?4)",
        &[for_ms.into(), team.into(), now.into(), rule.into()],
    )?;
    checks(tx, rule)
}

/// The checks of a rule's alerts are taken as this from now on; answers which they are.
pub(crate) fn take(tx: &mut Tx<'_>, rule: i64, taken: Option<What>) -> Result<Vec<i64>> {
    let sql = "UPDATE monitor_checks SET symptom = ?1 WHERE id IN (SELECT check_id FROM monitor_rule_alerts WHERE rule_id = ?2)";
    tx.execute(sql, &[taken.map_or("", What::as_str).into(), rule.into()])?;
    checks(tx, rule)
}

/// What the checks of alerts are taken as, by rule, each word once.
pub(crate) fn taken(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>> {
    let sql =
        "SELECT DISTINCT k.rule_id, c.symptom FROM monitor_rule_alerts k JOIN monitor_checks c ON c.id = k.check_id";
    tx.query(sql, &[])?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The checks of the alerts of a group's rules follow its interval; answers which they are.
pub(crate) fn follow_interval(tx: &mut Tx<'_>, group: i64, interval_s: i64, now: Time) -> Result<Vec<i64>> {
    const OF_GROUP: &str =
        "SELECT k.check_id FROM monitor_rule_alerts k JOIN monitor_rules r ON r.id = k.rule_id WHERE r.group_id = ?1";
    tx.execute(
        "UPDATE monitor_checks SET interval_s = ?2, version = version + 1, updated_at = ?3 WHERE id IN \
         (SELECT k.check_id FROM monitor_rule_alerts k JOIN monitor_rules r ON r.id = k.rule_id WHERE r.group_id = ?1)",
        &[group.into(), interval_s.into(), now.into()],
    )?;
    tx.query(OF_GROUP, &[group.into()])?.iter().map(|row| row.int(0)).collect()
}

fn checks(tx: &mut Tx<'_>, rule: i64) -> Result<Vec<i64>> {
    let sql = "SELECT check_id FROM monitor_rule_alerts WHERE rule_id = ?1 ORDER BY check_id";
    tx.query(sql, &[rule.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Alerts whose rule is gone, else those that ended before a moment and whose check has no alert out: number and check.
pub(crate) fn past(tx: &mut Tx<'_>, before: Time, limit: i64) -> Result<Vec<(i64, i64)>> {
    let both = |row: &Row| Ok((row.int(0)?, row.int(1)?));
    let gone = "SELECT id, check_id FROM monitor_rule_alerts WHERE phase = 'gone' ORDER BY ended_at LIMIT ?1";
    let gone: Vec<(i64, i64)> = tx.query(gone, &[limit.into()])?.iter().map(both).collect::<Result<_>>()?;
    if !gone.is_empty() {
        return Ok(gone);
    }
    let ended = "SELECT k.id, k.check_id FROM monitor_rule_alerts k WHERE k.phase = 'over' AND k.ended_at < ?1 AND NOT EXISTS \
                 (SELECT 1 FROM monitor_alerts a WHERE a.check_id = k.check_id AND a.is_open = 1) ORDER BY k.ended_at LIMIT ?2";
    tx.query(ended, &[before.into(), limit.into()])?.iter().map(both).collect()
}
