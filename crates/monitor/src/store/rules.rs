//! Rules, their groups and their files in SQL.

use kernel::db::{Query, Row, Tx, Value};
use kernel::permission::Reach;
use kernel::{Error, Result, Time};

use crate::check::Severity;
use crate::rule::words::Words;
use crate::rule::{Makes, NewRule, Stored};

const COLUMNS: &str = "SELECT r.id, r.group_id, g.name, f.name, g.interval_ms, r.kind, r.name, r.expr, r.form, r.for_ms, r.keep_firing_ms, \
     r.labels, r.annotations, r.severity, r.team_id, r.asset_id, r.asset_team_id, r.place_id, r.owner_id, r.paused, r.version, \
     r.created_at, r.updated_at FROM monitor_rules r JOIN monitor_rule_groups g ON g.id = r.group_id \
     LEFT JOIN monitor_rule_files f ON f.id = g.file_id WHERE 1 = 1";

fn stored(row: &Row) -> Result<Stored> {
    let broken = |what: &str| Error::internal("monitor-rule-row", what);
    let form = row.str(8)?;
    let words = |column: usize| row.json::<Words>(column).map(|words| words.0);
    let rule = rules::Rule {
        kind: Makes::parse(row.str(5)?).ok_or_else(|| broken("kind"))?.kind(),
        name: row.text(6)?,
        expr: row.text(7)?,
        for_ms: row.int(9)?,
        keep_firing_ms: row.int(10)?,
        labels: words(11)?,
        annotations: words(12)?,
    };
    let new = NewRule {
        rule,
        form: if form.is_empty() { None } else { Some(row.json(8)?) },
        severity: Severity::parse(row.str(13)?).ok_or_else(|| broken("severity"))?,
        team: row.opt_int(14)?,
        asset: row.opt_int(15)?,
        asset_team: row.opt_int(16)?,
        place: row.opt_int(17)?,
        owner: row.opt_int(18)?,
    };
    Ok(Stored {
        id: row.int(0)?,
        group_id: row.int(1)?,
        group: row.text(2)?,
        file: row.opt_text(3)?,
        interval_ms: row.opt_int(4)?,
        new,
        paused: row.bool(19)?,
        version: row.int(20)?,
        created_at: row.time(21)?,
        updated_at: row.time(22)?,
    })
}

fn words(words: &[(String, String)]) -> Result<Value> {
    json(&Words(words.to_vec()))
}

fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_string(value).map(Value::Text).map_err(|error| Error::internal("rule-not-json", error))
}

fn fields(new: &NewRule) -> Result<Vec<Value>> {
    let rule = &new.rule;
    let kind = if rule.kind == rules::Kind::Alert { Makes::Alert } else { Makes::Record };
    Ok(vec![
        kind.as_str().into(),
        (&rule.name).into(),
        (&rule.expr).into(),
        match &new.form {
            Some(form) => json(form)?,
            None => "".into(),
        },
        rule.for_ms.into(),
        rule.keep_firing_ms.into(),
        words(&rule.labels)?,
        words(&rule.annotations)?,
        new.severity.as_str().into(),
        new.team.into(),
        new.asset.into(),
        new.asset_team.into(),
        new.place.into(),
        new.owner.into(),
    ])
}

/// Adds a rule; a position past the end puts it behind the others of the group.
pub(crate) fn insert(tx: &mut Tx<'_>, group: i64, position: i64, new: &NewRule, now: Time) -> Result<i64> {
    let position = if position < i64::MAX {
        position
    } else {
        let last = "SELECT COALESCE(MAX(position), 0) + 1 FROM monitor_rules WHERE group_id = ?1";
        tx.one(last, &[group.into()])?.int(0)?
    };
    let mut values = fields(new)?;
    values.extend([group.into(), position.into(), now.into()]);
    tx.insert(
        "INSERT INTO monitor_rules (kind, name, expr, form, for_ms, keep_firing_ms, labels, annotations, severity, team_id, asset_id, \
         asset_team_id, place_id, owner_id, group_id, position, paused, version, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 0, 1, ?17, ?17) RETURNING id",
        &values,
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, id: i64, new: &NewRule, now: Time) -> Result<()> {
    let mut values = fields(new)?;
    values.extend([now.into(), id.into()]);
    tx.execute(
        "UPDATE monitor_rules SET kind = ?1, name = ?2, expr = ?3, form = ?4, for_ms = ?5, keep_firing_ms = ?6, labels = ?7, \
         annotations = ?8, severity = ?9, team_id = ?10, asset_id = ?11, asset_team_id = ?12, place_id = ?13, owner_id = ?14, \
         version = version + 1, updated_at = ?15 WHERE id = ?16",
        &values,
    )?;
    Ok(())
}

pub(crate) fn move_to(tx: &mut Tx<'_>, id: i64, group: i64, position: i64) -> Result<()> {
    let sql = "UPDATE monitor_rules SET group_id = ?1, position = ?2 WHERE id = ?3";
    tx.execute(sql, &[group.into(), position.into(), id.into()])?;
    Ok(())
}

pub(crate) fn set_paused(tx: &mut Tx<'_>, id: i64, paused: bool, now: Time) -> Result<()> {
    let sql = "UPDATE monitor_rules SET paused = ?1, version = version + 1, updated_at = ?2 WHERE id = ?3";
    tx.execute(sql, &[paused.into(), now.into(), id.into()])?;
    Ok(())
}

/// Deletes a rule; its alerts are marked, to be taken away in slices.
pub(crate) fn delete_row(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("UPDATE monitor_rule_alerts SET phase = 'gone' WHERE rule_id = ?1", &[id.into()])?;
    tx.execute("DELETE FROM monitor_rules WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// True while there is such a rule.
pub(crate) fn is_there(tx: &mut Tx<'_>, id: i64) -> Result<bool> {
    Ok(!tx.query("SELECT 1 FROM monitor_rules WHERE id = ?1", &[id.into()])?.is_empty())
}

/// Deletes a rule, its group if that is empty then, and a file that has no group left.
pub(crate) fn delete(tx: &mut Tx<'_>, id: i64, group: i64) -> Result<()> {
    delete_row(tx, id)?;
    tx.execute(
        "DELETE FROM monitor_rule_groups WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM monitor_rules WHERE group_id = ?1)",
        &[group.into()],
    )?;
    tx.execute(
        "DELETE FROM monitor_rule_files WHERE NOT EXISTS (SELECT 1 FROM monitor_rule_groups g WHERE g.file_id = monitor_rule_files.id)",
        &[],
    )?;
    Ok(())
}

pub(crate) fn delete_groups(tx: &mut Tx<'_>, ids: &[i64]) -> Result<()> {
    let mut query = Query::new("DELETE FROM monitor_rule_groups WHERE id IN ");
    query.list(ids);
    tx.run(&query).map(|_| ())
}

/// A rule that the reach covers.
pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Stored>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND r.id = ").bind(id);
    super::RULES.narrow(&mut query, reach);
    tx.run(&query)?.first().map(stored).transpose()
}

/// Numbers and names of those that the reach covers.
pub(crate) fn visible(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new("SELECT r.id, r.name FROM monitor_rules r WHERE r.id IN ");
    query.list(ids);
    super::RULES.narrow(&mut query, reach);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

pub(crate) fn count_all(tx: &mut Tx<'_>) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM monitor_rules", &[])?.int(0)
}

/// Rules after a number, for filling the memory.
pub(crate) fn after(tx: &mut Tx<'_>, id: i64, limit: i64) -> Result<Vec<Stored>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND r.id > ").bind(id).push(" ORDER BY r.id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(stored).collect()
}

/// Rules with these numbers.
pub(crate) fn by_id(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<(i64, rules::Rule)>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND r.id IN ").list(ids);
    tx.run(&query)?.iter().map(|row| stored(row).map(|rule| (rule.id, rule.new.rule))).collect()
}

/// The rules of groups, in their order.
pub(crate) fn of_groups(tx: &mut Tx<'_>, groups: &[i64]) -> Result<Vec<Stored>> {
    let mut query = Query::new(COLUMNS);
    query.push(" AND r.group_id IN ").list(groups).push(" ORDER BY r.group_id, r.position, r.id");
    tx.run(&query)?.iter().map(stored).collect()
}

/// What a list of rules is narrowed to.
pub(crate) struct Filter {
    pub(crate) words: Vec<String>,
    pub(crate) makes: Option<Makes>,
    pub(crate) file: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) paused: Option<bool>,
}

fn narrowed(query: &mut Query, filter: &Filter, reach: &Reach) {
    if let Some(makes) = filter.makes {
        query.push(" AND r.kind = ").bind(makes.as_str());
    }
    if let Some(file) = &filter.file {
        query.push(" AND f.name = ").bind(file);
    }
    if let Some(group) = &filter.group {
        query.push(" AND g.name = ").bind(group);
    }
    if let Some(paused) = filter.paused {
        query.push(" AND r.paused = ").bind(paused);
    }
    for word in &filter.words {
        query.push(" AND LOWER(r.name) LIKE ").bind(super::checks::pattern(word)).push(" ESCAPE '!'");
    }
    super::RULES.narrow(query, reach);
}

pub(super) fn page_query(filter: &Filter, reach: &Reach, after: Option<(i64, String)>, limit: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    narrowed(&mut query, filter, reach);
    if let Some((id, name)) = after {
        query.push(" AND (r.name, r.id) > (").bind(name).push(", ").bind(id).push(")");
    }
    query.push(" ORDER BY r.name, r.id LIMIT ").bind(limit);
    query
}

/// A page of rules by name.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    filter: &Filter,
    reach: &Reach,
    after: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<Stored>> {
    tx.run(&page_query(filter, reach, after, limit))?.iter().map(stored).collect()
}

/// How many there are, counted up to `cap`.
pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, cap: i64) -> Result<i64> {
    let mut query = Query::new(
        "SELECT r.id FROM monitor_rules r JOIN monitor_rule_groups g ON g.id = r.group_id \
         LEFT JOIN monitor_rule_files f ON f.id = g.file_id WHERE 1 = 1",
    );
    narrowed(&mut query, filter, reach);
    tx.count(&query.counted(cap))
}

/// The group of the house's own rules with this name.
pub(crate) fn own_group(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM monitor_rule_groups WHERE name = ?1 AND file_id IS NULL ORDER BY id LIMIT 1";
    tx.query(sql, &[name.into()])?.first().map(|row| row.int(0)).transpose()
}

pub(crate) fn insert_group(tx: &mut Tx<'_>, file: Option<i64>, position: i64, group: &rules::Group) -> Result<i64> {
    let limit = group.limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    tx.insert(
        "INSERT INTO monitor_rule_groups (file_id, name, position, interval_ms, offset_ms, series_limit, labels) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
        &[
            file.into(),
            (&group.name).into(),
            position.into(),
            group.interval_ms.into(),
            group.query_offset_ms.into(),
            limit.into(),
            words(&group.labels)?,
        ],
    )
}

pub(crate) fn set_interval(tx: &mut Tx<'_>, group: i64, interval_ms: Option<i64>) -> Result<()> {
    let sql = "UPDATE monitor_rule_groups SET interval_ms = ?1 WHERE id = ?2";
    tx.execute(sql, &[interval_ms.into(), group.into()])?;
    Ok(())
}

pub(super) fn group(row: &Row) -> Result<(i64, rules::Group)> {
    let group = rules::Group {
        name: row.text(1)?,
        interval_ms: row.opt_int(2)?,
        query_offset_ms: row.opt_int(3)?,
        limit: row.opt_int(4)?.and_then(|limit| u64::try_from(limit).ok()),
        labels: row.json::<Words>(5)?.0,
        rules: Vec::new(),
    };
    Ok((row.int(0)?, group))
}

/// The groups of a file, or the house's own, in order, without their rules.
pub(crate) fn groups_of(tx: &mut Tx<'_>, file: Option<i64>) -> Result<Vec<(i64, rules::Group)>> {
    let mut query =
        Query::new("SELECT id, name, interval_ms, offset_ms, series_limit, labels FROM monitor_rule_groups WHERE ");
    match file {
        Some(file) => query.push("file_id = ").bind(file),
        None => query.push("file_id IS NULL"),
    };
    query.push(" ORDER BY position, id");
    tx.run(&query)?.iter().map(group).collect()
}

/// All groups, for filling the memory.
pub(crate) fn groups(tx: &mut Tx<'_>) -> Result<Vec<(i64, rules::Group)>> {
    let sql = "SELECT id, name, interval_ms, offset_ms, series_limit, labels FROM monitor_rule_groups ORDER BY id";
    tx.query(sql, &[])?.iter().map(group).collect()
}

/// A rule file.
pub(crate) struct File {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) body: String,
    pub(crate) by: String,
    pub(crate) at: Time,
}

const FILE: &str = "SELECT id, name, body, imported_by, imported_at FROM monitor_rule_files WHERE name = ?1";

fn file_row(row: &Row) -> Result<File> {
    Ok(File { id: row.int(0)?, name: row.text(1)?, body: row.text(2)?, by: row.text(3)?, at: row.time(4)? })
}

pub(crate) fn file(tx: &mut Tx<'_>, name: &str) -> Result<Option<File>> {
    tx.query(FILE, &[name.into()])?.first().map(file_row).transpose()
}

/// Names of the rule files, without their texts.
pub(crate) fn files(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<File>> {
    let sql = "SELECT id, name, '', imported_by, imported_at FROM monitor_rule_files ORDER BY name LIMIT ?1";
    tx.query(sql, &[limit.into()])?.iter().map(file_row).collect()
}

/// Stores a file in place of one of its name; its number.
pub(crate) fn put_file(tx: &mut Tx<'_>, name: &str, body: &str, by: &str, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO monitor_rule_files (name, body, imported_by, imported_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (name) DO UPDATE SET body = excluded.body, imported_by = excluded.imported_by, imported_at = excluded.imported_at \
         RETURNING id",
        &[name.into(), body.into(), by.into(), now.into()],
    )
}
