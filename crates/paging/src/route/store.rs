//! Routes in SQL.

use kernel::Result;
use kernel::db::{Row, Tx};

use super::{NODES_MAX, Node};

fn node(row: &Row) -> Result<Node> {
    Ok(Node {
        id: row.int(0)?,
        parent: Some(row.int(1)?).filter(|parent| *parent != 0),
        position: row.int(2)?,
        name: row.text(3)?,
        wanted: row.json(4)?,
        policy: Some(row.int(5)?).filter(|policy| *policy != 0),
        goes_on: row.bool(6)?,
        version: row.int(7)?,
    })
}

/// All nodes in order of position.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Node>> {
    tx.query(
        "SELECT id, parent_id, position, name, wanted, policy_id, goes_on, version FROM paging_routes ORDER BY position, id LIMIT ?1",
        &[NODES_MAX.into()],
    )?
    .iter()
    .map(node)
    .collect()
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Node>> {
    let row = tx.first(
        "SELECT id, parent_id, position, name, wanted, policy_id, goes_on, version FROM paging_routes WHERE id = ?1",
        &[id.into()],
    )?;
    row.as_ref().map(node).transpose()
}

pub(crate) fn insert(tx: &mut Tx<'_>, node: &Node, wanted: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO paging_routes (parent_id, position, name, wanted, policy_id, goes_on, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) RETURNING id",
        &[
            node.parent.unwrap_or(0).into(),
            node.position.into(),
            (&node.name).into(),
            wanted.into(),
            node.policy.unwrap_or(0).into(),
            node.goes_on.into(),
        ],
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, node: &Node, wanted: &str) -> Result<()> {
    tx.execute(
        "UPDATE paging_routes SET parent_id = ?1, position = ?2, name = ?3, wanted = ?4, policy_id = ?5, goes_on = ?6, \
         version = version + 1 WHERE id = ?7",
        &[
            node.parent.unwrap_or(0).into(),
            node.position.into(),
            (&node.name).into(),
            wanted.into(),
            node.policy.unwrap_or(0).into(),
            node.goes_on.into(),
            node.id.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn set_position(tx: &mut Tx<'_>, id: i64, position: i64) -> Result<()> {
    tx.execute(
        "UPDATE paging_routes SET position = ?1, version = version + 1 WHERE id = ?2",
        &[position.into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM paging_routes WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// How many nodes lead to a policy.
pub(crate) fn leading_to(tx: &mut Tx<'_>, policy: i64) -> Result<i64> {
    tx.one("SELECT COUNT(*) FROM paging_routes WHERE policy_id = ?1", &[policy.into()])?.int(0)
}
