//! Policies in SQL.

use kernel::Result;
use kernel::db::{Row, Tx};

use super::{POLICIES_MAX, Policy};

fn policy(row: &Row) -> Result<Policy> {
    Ok(Policy {
        id: row.int(0)?,
        name: row.text(1)?,
        steps: row.json(2)?,
        repeats: row.int(3)?,
        repeat_after_s: row.int(4)?,
        again_after_s: row.int(5)?,
        version: row.int(6)?,
    })
}

/// All policies by name.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Policy>> {
    tx.query(
        "SELECT id, name, steps, repeats, repeat_after_s, again_after_s, version FROM paging_policies ORDER BY name LIMIT ?1",
        &[POLICIES_MAX.into()],
    )?
    .iter()
    .map(policy)
    .collect()
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Policy>> {
    let sql =
        "SELECT id, name, steps, repeats, repeat_after_s, again_after_s, version FROM paging_policies WHERE id = ?1";
    tx.first(sql, &[id.into()])?.as_ref().map(policy).transpose()
}

pub(crate) fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>> {
    tx.first("SELECT id FROM paging_policies WHERE name = ?1", &[name.into()])?.map(|row| row.int(0)).transpose()
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Policy, steps: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO paging_policies (name, steps, repeats, repeat_after_s, again_after_s, version) VALUES (?1, ?2, ?3, ?4, ?5, 1) RETURNING id",
        &[(&new.name).into(), steps.into(), new.repeats.into(), new.repeat_after_s.into(), new.again_after_s.into()],
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, new: &Policy, steps: &str) -> Result<()> {
    tx.execute(
        "UPDATE paging_policies SET name = ?1, steps = ?2, repeats = ?3, repeat_after_s = ?4, again_after_s = ?5, version = version + 1 WHERE id = ?6",
        &[
            (&new.name).into(),
            steps.into(),
            new.repeats.into(),
            new.repeat_after_s.into(),
            new.again_after_s.into(),
            new.id.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM paging_policies WHERE id = ?1", &[id.into()])?;
    Ok(())
}
