//! Places in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::{Reach, Result, Time};

use super::{Place, below};
use crate::filter::fold;

const COLUMNS: &str = "SELECT p.id, p.parent_id, p.kind, p.name, p.path, p.version FROM people_places p";

fn place(row: &Row) -> Result<Place> {
    let id = row.int(0)?;
    Ok(Place {
        id,
        reference: Place::subject(id),
        parent: row.opt_int(1)?,
        kind: row.text(2)?,
        name: row.text(3)?,
        path: row.text(4)?,
        version: row.int(5)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, parent: Option<&Place>, kind: &str, name: &str, now: Time) -> Result<i64> {
    let id = tx.insert(
        "INSERT INTO people_places (parent_id, kind, name, path, created_at, folded, version) VALUES (?1, ?2, ?3, '', ?4, ?5, 1) RETURNING id",
        &[parent.map(|one| one.id).into(), kind.into(), name.into(), now.into(), fold(name).into()],
    )?;
    let path = format!("{}{id}/", parent.map_or("/", |one| one.path.as_str()));
    tx.execute("UPDATE people_places SET path = ?1 WHERE id = ?2", &[path.into(), id.into()])?;
    Ok(id)
}

pub(crate) fn update(tx: &mut Tx<'_>, place: &Place) -> Result<()> {
    tx.execute(
        "UPDATE people_places SET parent_id = ?1, kind = ?2, name = ?3, path = ?4, folded = ?5, version = version + 1 WHERE id = ?6",
        &[
            place.parent.into(),
            place.kind.as_str().into(),
            place.name.as_str().into(),
            place.path.as_str().into(),
            fold(&place.name).into(),
            place.id.into(),
        ],
    )?;
    Ok(())
}

/// Folds the names of some places that have none yet; answers how many.
pub(crate) fn fold_some(tx: &mut Tx<'_>) -> Result<usize> {
    let rows = tx.query("SELECT id, name FROM people_places WHERE folded IS NULL ORDER BY id LIMIT 500", &[])?;
    for row in &rows {
        let sql = "UPDATE people_places SET folded = ?1 WHERE id = ?2";
        tx.execute(sql, &[fold(row.str(1)?).into(), row.int(0)?.into()])?;
    }
    Ok(rows.len())
}

pub(crate) fn set_path(tx: &mut Tx<'_>, id: i64, path: &str) -> Result<()> {
    tx.execute("UPDATE people_places SET path = ?1 WHERE id = ?2", &[path.into(), id.into()])?;
    Ok(())
}

/// A place by number, whoever asks.
pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Place>> {
    tx.first(&format!("{COLUMNS} WHERE p.id = ?1"), &[id.into()])?.as_ref().map(place).transpose()
}

/// The place and everything below it.
pub(crate) fn subtree(tx: &mut Tx<'_>, root: &Place) -> Result<Vec<Place>> {
    let (from, to) = below(&root.path);
    let sql = format!("{COLUMNS} WHERE p.path >= ?1 AND p.path < ?2 ORDER BY p.path");
    tx.query(&sql, &[from.into(), to.into()])?.iter().map(place).collect()
}

/// The numbers of a place and everything below it; empty when there is no such place.
pub(crate) fn ids_below(tx: &mut Tx<'_>, id: i64) -> Result<Vec<i64>> {
    let Some(place) = get(tx, id)? else { return Ok(Vec::new()) };
    let (from, to) = below(&place.path);
    let sql = "SELECT id FROM people_places WHERE path >= ?1 AND path < ?2 ORDER BY path";
    tx.query(sql, &[from.into(), to.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Appends the one predicate that decides which places an actor sees.
fn visible(query: &mut Query, reach: &Reach) {
    if !reach.everything {
        query.push(" AND p.id IN ").list(&reach.places);
    }
}

pub(crate) fn list(tx: &mut Tx<'_>, only: Option<&[i64]>, reach: &Reach, limit: i64) -> Result<Vec<Place>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE 1 = 1");
    if let Some(ids) = only {
        query.push(" AND p.id IN ").list(ids);
    }
    visible(&mut query, reach);
    query.push(" ORDER BY p.path LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(place).collect()
}

/// What a page of places asks for.
pub(crate) struct Wanted<'a> {
    /// Only at and below this path.
    pub(crate) below: Option<&'a str>,
    /// Only after this path.
    pub(crate) after: &'a str,
    pub(crate) limit: usize,
}

/// A page of places in order of the tree.
pub(crate) fn page(tx: &mut Tx<'_>, wanted: &Wanted<'_>, reach: &Reach) -> Result<Vec<Place>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE p.path > ").bind(wanted.after);
    if let Some(path) = wanted.below {
        let (from, to) = below(path);
        query.push(" AND p.path >= ").bind(from).push(" AND p.path < ").bind(to);
    }
    visible(&mut query, reach);
    query.push(" ORDER BY p.path LIMIT ").bind(wanted.limit);
    tx.run(&query)?.iter().map(place).collect()
}

pub(crate) fn names(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut query = Query::new("SELECT id, name FROM people_places WHERE id IN ");
    query.list(ids);
    tx.run(&query)?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// Places of this name, whatever its case.
pub(crate) fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM people_places WHERE folded = ?1 ORDER BY id LIMIT 50";
    tx.query(sql, &[fold(name).into()])?.iter().map(|row| row.int(0)).collect()
}

/// How many places and people are directly in a place.
pub(crate) fn in_use(tx: &mut Tx<'_>, id: i64) -> Result<bool> {
    let sql = "SELECT id FROM people_places WHERE parent_id = ?1 UNION ALL SELECT id FROM people_users WHERE place_id = ?2 \
               UNION ALL SELECT id FROM people_grants WHERE scope_place_id = ?3";
    Ok(tx.first(sql, &[id.into(), id.into(), id.into()])?.is_some())
}

pub(crate) fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM people_places WHERE id = ?1", &[id.into()])?;
    Ok(())
}

/// The first client: the organisation itself.
pub(crate) fn first_root(tx: &mut Tx<'_>) -> Result<Option<i64>> {
    let sql = "SELECT id FROM people_places WHERE parent_id IS NULL ORDER BY id LIMIT 1";
    tx.first(sql, &[])?.map(|row| row.int(0)).transpose()
}
