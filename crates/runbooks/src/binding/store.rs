//! Bindings in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use super::{Binding, Mode};

const COLUMNS: &str = "SELECT b.id, b.check_id, b.runbook_id, b.version_id, b.inputs, b.mode, b.bound_by, b.bound_by_name, b.created_at, \
                       r.title, v.hash, v.number, r.latest FROM runbooks_bindings b JOIN runbooks_runbooks r ON r.id = b.runbook_id \
                       JOIN runbooks_versions v ON v.id = b.version_id";

fn binding(row: &Row) -> Result<Binding> {
    Ok(Binding {
        id: row.int(0)?,
        check: row.int(1)?,
        runbook: row.int(2)?,
        version_id: row.int(3)?,
        inputs: row.json(4)?,
        mode: Mode::parse(row.str(5)?)?,
        bound_by: row.text(6)?,
        bound_by_name: row.text(7)?,
        created_at: row.time(8)?,
        title: row.text(9)?,
        hash: row.text(10)?,
        number: row.int(11)?,
        latest: row.int(12)?,
    })
}

pub(crate) struct New<'a> {
    pub(crate) check: i64,
    pub(crate) runbook: i64,
    pub(crate) version_id: i64,
    pub(crate) inputs: &'a str,
    pub(crate) mode: Mode,
    pub(crate) by: &'a str,
    pub(crate) by_name: &'a str,
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &New<'_>, now: Time) -> Result<i64> {
    tx.insert(
        "INSERT INTO runbooks_bindings (check_id, runbook_id, version_id, inputs, mode, bound_by, bound_by_name, created_at, removed_at, \
         removed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '') RETURNING id",
        &[
            new.check.into(),
            new.runbook.into(),
            new.version_id.into(),
            new.inputs.into(),
            new.mode.as_str().into(),
            new.by.into(),
            new.by_name.into(),
            now.into(),
        ],
    )
}

pub(crate) fn find(tx: &mut Tx<'_>, id: i64) -> Result<Option<Binding>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE b.removed_at = 0 AND b.id = ").bind(id);
    tx.run(&query)?.first().map(binding).transpose()
}

/// The bindings of any of these checks, oldest first.
pub(crate) fn of_checks(tx: &mut Tx<'_>, checks: &[i64]) -> Result<Vec<Binding>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE b.removed_at = 0 AND b.check_id IN ").list(checks).push(" ORDER BY b.id LIMIT 50");
    tx.run(&query)?.iter().map(binding).collect()
}

pub(crate) fn page(
    tx: &mut Tx<'_>,
    check: Option<i64>,
    runbook: Option<i64>,
    before: i64,
    limit: usize,
) -> Result<Vec<Binding>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE b.removed_at = 0 AND b.id < ").bind(before);
    if let Some(check) = check {
        query.push(" AND b.check_id = ").bind(check);
    }
    if let Some(runbook) = runbook {
        query.push(" AND b.runbook_id = ").bind(runbook);
    }
    query.push(" ORDER BY b.id DESC LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(binding).collect()
}

pub(crate) fn remove(tx: &mut Tx<'_>, id: i64, by: &str, now: Time) -> Result<bool> {
    let sql = "UPDATE runbooks_bindings SET removed_at = ?1, removed_by = ?2 WHERE id = ?3 AND removed_at = 0";
    Ok(tx.execute(sql, &[now.into(), by.into(), id.into()])? == 1)
}
