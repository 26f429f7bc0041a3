//! Where rules stand, and files that go or come back, in SQL.

use kernel::Result;
use kernel::db::{Query, Tx};

use super::rules::group;

/// The group that a rule stands in, that group's place in its file, and the rule's place in it.
pub(crate) fn place(tx: &mut Tx<'_>, rule: i64) -> Result<(rules::Group, i64, i64)> {
    let sql = "SELECT g.id, g.name, g.interval_ms, g.offset_ms, g.series_limit, g.labels, g.position, r.position FROM monitor_rules r \
               JOIN monitor_rule_groups g ON g.id = r.group_id WHERE r.id = ?1";
    let row = tx.one(sql, &[rule.into()])?;
    Ok((group(&row)?.1, row.int(6)?, row.int(7)?))
}

/// True while a group is there and has this name.
pub(crate) fn is_group(tx: &mut Tx<'_>, id: i64, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM monitor_rule_groups WHERE id = ?1 AND name = ?2";
    Ok(tx.first(sql, &[id.into(), name.into()])?.is_some())
}

/// The group of a name in a file.
pub(crate) fn group_of(tx: &mut Tx<'_>, file: i64, name: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM monitor_rule_groups WHERE file_id = ?1 AND name = ?2 ORDER BY id LIMIT 1";
    tx.first(sql, &[file.into(), name.into()])?.map(|row| row.int(0)).transpose()
}

/// Numbers and names of files.
pub(crate) fn names(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let mut query = Query::new("SELECT id, name FROM monitor_rule_files WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// Deletes a file that has no rules, with the groups that it has all the same.
pub(crate) fn delete_empty(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM monitor_rule_groups WHERE file_id = ?1", &[id.into()])?;
    tx.execute("DELETE FROM monitor_rule_files WHERE id = ?1", &[id.into()])?;
    Ok(())
}
