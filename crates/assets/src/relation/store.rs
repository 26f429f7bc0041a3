//! Relations in SQL.

use kernel::db::{Query, Row, Tx};
use kernel::{Error, Result};

use super::{Relation, RelationKind};

const COLUMNS: &str = "SELECT id, from_id, kind, to_id, source, since, alternatives FROM assets_relations";
/// Most relations of one thing that are read at once.
const ROWS_MAX: usize = 500;
/// Most relations of many things.
const ROWS_OF_MANY_MAX: usize = 5_000;

fn relation(row: &Row) -> Result<Relation> {
    let kind =
        RelationKind::parse(row.str(2)?).ok_or_else(|| Error::internal("relation-kind", row.str(2).unwrap_or("")))?;
    Ok(Relation {
        id: row.int(0)?,
        from: row.int(1)?,
        kind,
        to: row.int(3)?,
        group: row.text(6)?,
        source: row.text(4)?,
        since: row.time(5)?,
    })
}

pub(crate) fn from(tx: &mut Tx<'_>, asset: i64) -> Result<Vec<Relation>> {
    let sql = format!("{COLUMNS} WHERE from_id = ?1 ORDER BY kind, alternatives, id LIMIT ?2");
    tx.query(&sql, &[asset.into(), ROWS_MAX.into()])?.iter().map(relation).collect()
}

pub(crate) fn to(tx: &mut Tx<'_>, asset: i64) -> Result<Vec<Relation>> {
    let sql = format!("{COLUMNS} WHERE to_id = ?1 ORDER BY kind, alternatives, id LIMIT ?2");
    tx.query(&sql, &[asset.into(), ROWS_MAX.into()])?.iter().map(relation).collect()
}

/// Relations from any of these things.
pub(crate) fn from_any(tx: &mut Tx<'_>, assets: &[i64]) -> Result<Vec<Relation>> {
    any(tx, " WHERE from_id IN ", assets)
}

/// Relations to any of these things.
pub(crate) fn to_any(tx: &mut Tx<'_>, assets: &[i64]) -> Result<Vec<Relation>> {
    any(tx, " WHERE to_id IN ", assets)
}

fn any(tx: &mut Tx<'_>, side: &'static str, assets: &[i64]) -> Result<Vec<Relation>> {
    let mut query = Query::new(COLUMNS);
    query.push(side).list(assets).push(" ORDER BY id LIMIT ").bind(ROWS_OF_MANY_MAX);
    tx.run(&query)?.iter().map(relation).collect()
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Relation>> {
    tx.first(&format!("{COLUMNS} WHERE id = ?1"), &[id.into()])?.as_ref().map(relation).transpose()
}

/// The relation of a kind between two things, if there is one.
pub(crate) fn known(tx: &mut Tx<'_>, from: i64, kind: RelationKind, to: i64) -> Result<Option<i64>> {
    let sql = "SELECT id FROM assets_relations WHERE from_id = ?1 AND kind = ?2 AND to_id = ?3";
    tx.first(sql, &[from.into(), kind.as_str().into(), to.into()])?.map(|row| row.int(0)).transpose()
}

/// Adds a relation; its number.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Relation) -> Result<i64> {
    tx.insert(
        "INSERT INTO assets_relations (from_id, kind, to_id, source, since, alternatives) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        &[
            new.from.into(),
            new.kind.as_str().into(),
            new.to.into(),
            new.source.as_str().into(),
            new.since.into(),
            new.group.as_str().into(),
        ],
    )
}

pub(crate) fn set_group(tx: &mut Tx<'_>, id: i64, group: &str) -> Result<()> {
    tx.execute("UPDATE assets_relations SET alternatives = ?1 WHERE id = ?2", &[group.into(), id.into()])?;
    Ok(())
}

pub(crate) fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM assets_relations WHERE id = ?1", &[id.into()])?;
    Ok(())
}
