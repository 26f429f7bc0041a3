//! Relations in SQL.

use std::collections::BTreeSet;

use kernel::db::{Query, Row, Tx};
use kernel::{Error, Reach, Result, Time};

use super::coverage::Need;
use super::{Relation, RelationKind};

const COLUMNS: &str = "SELECT id, from_id, kind, to_id, source, since, alternatives, discovered FROM assets_relations";
/// Most relations of one thing that are read at once.
const ROWS_MAX: usize = 500;
/// Relations of many things that are read at a time.
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
        discovered: row.bool(7)?,
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
    let (mut found, mut after): (Vec<Relation>, i64) = (Vec::new(), 0);
    loop {
        let mut query = Query::new(COLUMNS);
        query.push(side).list(assets).push(" AND id > ").bind(after);
        query.push(" ORDER BY id LIMIT ").bind(ROWS_OF_MANY_MAX);
        let rows = tx.run(&query)?;
        found.extend(rows.iter().map(relation).collect::<Result<Vec<_>>>()?);
        match found.last() {
            Some(last) if rows.len() == ROWS_OF_MANY_MAX => after = last.id,
            _ => return Ok(found),
        }
    }
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Relation>> {
    tx.first(&format!("{COLUMNS} WHERE id = ?1"), &[id.into()])?.as_ref().map(relation).transpose()
}

/// The relation of a kind between two things, if there is one.
pub(crate) fn known(tx: &mut Tx<'_>, from: i64, kind: RelationKind, to: i64) -> Result<Option<Relation>> {
    let sql = format!("{COLUMNS} WHERE from_id = ?1 AND kind = ?2 AND to_id = ?3");
    tx.first(&sql, &[from.into(), kind.as_str().into(), to.into()])?.as_ref().map(relation).transpose()
}

/// Adds a relation; its number.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Relation) -> Result<i64> {
    tx.insert(
        "INSERT INTO assets_relations (from_id, kind, to_id, source, since, alternatives, discovered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
        &[
            new.from.into(),
            new.kind.as_str().into(),
            new.to.into(),
            new.source.as_str().into(),
            new.since.into(),
            new.group.as_str().into(),
            new.discovered.into(),
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

/// What somebody said is not so, of what facts of a thing speak for.
pub(crate) fn declined(tx: &mut Tx<'_>, from: i64) -> Result<BTreeSet<(RelationKind, i64)>> {
    let sql = "SELECT kind, to_id FROM assets_declined_relations WHERE from_id = ?1 ORDER BY kind, to_id LIMIT ?2";
    let rows = tx.query(sql, &[from.into(), ROWS_MAX.into()])?;
    let known = |row: &Row| RelationKind::parse(row.str(0)?).map(|kind| row.int(1).map(|to| (kind, to))).transpose();
    rows.iter().filter_map(|row| known(row).transpose()).collect()
}

/// Somebody says that something is not so.
pub(crate) fn decline(tx: &mut Tx<'_>, from: i64, (kind, to): (RelationKind, i64), by: &str, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO assets_declined_relations (from_id, kind, to_id, declined_by, declined_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (from_id, kind, to_id) DO NOTHING",
        &[from.into(), kind.as_str().into(), to.into(), by.into(), now.into()],
    )?;
    Ok(())
}

/// Nobody says any longer that something is not so.
pub(crate) fn allow(tx: &mut Tx<'_>, from: i64, kind: RelationKind, to: i64) -> Result<()> {
    let sql = "DELETE FROM assets_declined_relations WHERE from_id = ?1 AND kind = ?2 AND to_id = ?3";
    tx.execute(sql, &[from.into(), kind.as_str().into(), to.into()])?;
    Ok(())
}

/// Of some things of one kind: how many they are, of how many one need is known, and of how many of those facts alone
/// speak for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) need: Need,
    pub(crate) things: i64,
    pub(crate) known: i64,
    pub(crate) discovered: i64,
}

/// What the columns of [`COVERAGE`] are about, in their order.
const COVERING: [RelationKind; 6] = [
    RelationKind::ConnectedTo,
    RelationKind::RoutesBy,
    RelationKind::ResolvesBy,
    RelationKind::PoweredBy,
    RelationKind::RunsOn,
    RelationKind::DependsOn,
];
/// For things of one kind: 2 where somebody said a relation of a kind, 1 where facts speak for it, 0 where there is none; and
/// how many they are. Relations to what is retired say nothing.
const COVERAGE: &str = "SELECT a.kind, COALESCE(n.c, 0), COALESCE(n.g, 0), COALESCE(n.d, 0), COALESCE(n.p, 0), COALESCE(n.h, 0), COALESCE(n.s, 0), COUNT(*) \
    FROM assets_things a LEFT JOIN (SELECT r.from_id, \
    MAX(CASE WHEN r.kind = 'connected_to' THEN 2 - r.discovered ELSE 0 END) AS c, \
    MAX(CASE WHEN r.kind = 'routes_by' THEN 2 - r.discovered ELSE 0 END) AS g, \
    MAX(CASE WHEN r.kind = 'resolves_by' THEN 2 - r.discovered ELSE 0 END) AS d, \
    MAX(CASE WHEN r.kind = 'powered_by' THEN 2 - r.discovered ELSE 0 END) AS p, \
    MAX(CASE WHEN r.kind = 'runs_on' THEN 2 - r.discovered ELSE 0 END) AS h, \
    MAX(CASE WHEN r.kind = 'depends_on' THEN 2 - r.discovered ELSE 0 END) AS s \
    FROM assets_relations r JOIN assets_things b ON b.id = r.to_id AND b.status <> 'retired' GROUP BY r.from_id) n \
    ON n.from_id = a.id WHERE a.status <> 'retired'";

/// How much is known of the things within a reach, in one statement.
pub(crate) fn coverage(tx: &mut Tx<'_>, reach: &Reach) -> Result<Vec<Counted>> {
    let mut query = Query::new(COVERAGE);
    crate::thing::store::visible(&mut query, reach);
    query.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7");
    let mut counted = Vec::new();
    for row in tx.run(&query)? {
        let (kind, things) = (row.str(0)?, row.int(COVERING.len() + 1)?);
        let mut levels = Vec::new();
        for (at, relation) in COVERING.into_iter().enumerate() {
            levels.push((relation, row.int(at + 1)?));
        }
        for need in Need::ALL.into_iter().filter(|need| need.kinds().contains(&kind)) {
            let of_need = levels.iter().filter(|(relation, _)| need.relations().contains(relation));
            let level = of_need.map(|(_, level)| *level).max().unwrap_or_default();
            let when = |yes: bool| if yes { things } else { 0 };
            counted.push(Counted { need, things, known: when(level > 0), discovered: when(level == 1) });
        }
    }
    Ok(counted)
}
