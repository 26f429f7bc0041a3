//! Things in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::{Error, Reach, Result, Time};

use super::list::Order;
use super::{Criticality, Status, Thing};
use crate::api::Brief;

mod narrow;
#[cfg(test)]
mod plans;

pub(crate) use narrow::Narrow;

const COLUMNS: &str = "SELECT a.id, a.name, a.kind, a.tag, a.status, a.criticality, a.place_id, a.team_id, a.owner_id, a.notes, a.last_seen_at, \
                       a.created_at, a.updated_at, a.version FROM assets_things a";

fn status(row: &Row, column: usize) -> Result<Status> {
    Status::parse(row.str(column)?).ok_or_else(|| Error::internal("asset-status", row.str(column).unwrap_or("")))
}

fn criticality(row: &Row, column: usize) -> Result<Criticality> {
    Criticality::parse(row.str(column)?)
        .ok_or_else(|| Error::internal("asset-criticality", row.str(column).unwrap_or("")))
}

fn thing(row: &Row) -> Result<Thing> {
    let id = row.int(0)?;
    Ok(Thing {
        id,
        reference: Thing::subject(id),
        name: row.text(1)?,
        kind: row.text(2)?,
        tag: row.text(3)?,
        status: status(row, 4)?,
        criticality: criticality(row, 5)?,
        place: row.opt_int(6)?,
        team: row.opt_int(7)?,
        owner: row.opt_int(8)?,
        notes: row.text(9)?,
        last_seen_at: row.opt_time(10)?,
        created_at: row.time(11)?,
        updated_at: row.time(12)?,
        version: row.int(13)?,
    })
}

/// Inserts a thing; `tag` must be unique already, a passing one is replaced with [`set_tag`].
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Thing) -> Result<i64> {
    tx.insert(
        "INSERT INTO assets_things (name, kind, tag, status, criticality, place_id, team_id, owner_id, notes, last_seen_at, created_at, updated_at, folded, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 1) RETURNING id",
        &[
            new.name.as_str().into(),
            new.kind.as_str().into(),
            new.tag.as_str().into(),
            new.status.as_str().into(),
            new.criticality.as_str().into(),
            new.place.into(),
            new.team.into(),
            new.owner.into(),
            new.notes.as_str().into(),
            new.last_seen_at.into(),
            new.created_at.into(),
            new.updated_at.into(),
            folded(&new.name, &new.notes).into(),
        ],
    )
}

/// What words are looked for in.
fn folded(name: &str, notes: &str) -> String {
    people::filter::fold(&format!("{name}\n{notes}"))
}

/// Folds the names of some things that have none yet; answers how many.
pub(crate) fn fold_some(tx: &mut Tx<'_>) -> Result<usize> {
    let rows = tx.query("SELECT id, name, notes FROM assets_things WHERE folded IS NULL ORDER BY id LIMIT 500", &[])?;
    for row in &rows {
        let sql = "UPDATE assets_things SET folded = ?1 WHERE id = ?2";
        tx.execute(sql, &[folded(row.str(1)?, row.str(2)?).into(), row.int(0)?.into()])?;
    }
    Ok(rows.len())
}

pub(crate) fn set_tag(tx: &mut Tx<'_>, id: i64, tag: &str) -> Result<()> {
    tx.execute("UPDATE assets_things SET tag = ?1 WHERE id = ?2", &[tag.into(), id.into()])?;
    Ok(())
}

pub(crate) fn tag_taken(tx: &mut Tx<'_>, tag: &str, except: i64) -> Result<bool> {
    let sql = "SELECT id FROM assets_things WHERE tag = ?1 AND id <> ?2";
    Ok(tx.first(sql, &[tag.into(), except.into()])?.is_some())
}

/// Writes what may change of a thing.
pub(crate) fn update(tx: &mut Tx<'_>, thing: &Thing, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE assets_things SET name = ?1, kind = ?2, tag = ?3, status = ?4, criticality = ?5, place_id = ?6, team_id = ?7, owner_id = ?8, notes = ?9, \
         updated_at = ?10, folded = ?11, version = version + 1 WHERE id = ?12",
        &[
            thing.name.as_str().into(),
            thing.kind.as_str().into(),
            thing.tag.as_str().into(),
            thing.status.as_str().into(),
            thing.criticality.as_str().into(),
            thing.place.into(),
            thing.team.into(),
            thing.owner.into(),
            thing.notes.as_str().into(),
            now.into(),
            folded(&thing.name, &thing.notes).into(),
            thing.id.into(),
        ],
    )?;
    Ok(())
}

/// Stamps when the agent was last heard, if that is a minute after the last stamp.
pub(crate) fn seen(tx: &mut Tx<'_>, id: i64, at: Time) -> Result<bool> {
    let sql =
        "UPDATE assets_things SET last_seen_at = ?1 WHERE id = ?2 AND (last_seen_at IS NULL OR last_seen_at < ?3)";
    Ok(tx.execute(sql, &[at.into(), id.into(), at.plus(-kernel::time::MINUTE).into()])? > 0)
}

/// A thing by number, whoever asks.
pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Thing>> {
    tx.first(&format!("{COLUMNS} WHERE a.id = ?1"), &[id.into()])?.as_ref().map(thing).transpose()
}

/// Appends the one predicate that decides which things an actor sees: at the places, of the teams, or their own.
pub(crate) fn visible(query: &mut Query, reach: &Reach) {
    if reach.everything {
        return;
    }
    query.push(" AND (a.place_id IN ").list(&reach.places);
    query.push(" OR a.team_id IN ").list(&reach.teams);
    query.push(" OR a.owner_id IN ").list(&reach.own.into_iter().collect::<Vec<i64>>());
    query.push(")");
}

/// Things by number, as far as the reach goes.
pub(crate) fn find(tx: &mut Tx<'_>, ids: &[i64], reach: &Reach) -> Result<Vec<Thing>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE a.id IN ").list(ids);
    visible(&mut query, reach);
    query.push(" ORDER BY a.name, a.id");
    tx.run(&query)?.iter().map(thing).collect()
}

const BRIEF: &str =
    "SELECT id, name, kind, tag, status, criticality, place_id, team_id, owner_id FROM assets_things WHERE id";

fn brief(row: &Row) -> Result<(i64, Brief)> {
    let brief = Brief {
        name: row.text(1)?,
        kind: row.text(2)?,
        tag: row.text(3)?,
        status: status(row, 4)?,
        criticality: criticality(row, 5)?,
        place: row.opt_int(6)?,
        team: row.opt_int(7)?,
        owner: row.opt_int(8)?,
    };
    Ok((row.int(0)?, brief))
}

pub(crate) fn briefs(tx: &mut Tx<'_>, ids: &[i64]) -> Result<BTreeMap<i64, Brief>> {
    let mut query = Query::new(BRIEF);
    query.push(" IN ").list(ids);
    tx.run(&query)?.iter().map(brief).collect()
}

/// Things after a number, in order of their numbers.
pub(crate) fn briefs_after(tx: &mut Tx<'_>, after: i64, limit: i64) -> Result<Vec<(i64, Brief)>> {
    let mut query = Query::new(BRIEF);
    query.push(" > ").bind(after).push(" ORDER BY id LIMIT ").bind(limit);
    tx.run(&query)?.iter().map(brief).collect()
}

/// Names at a time in one statement.
const NAMES_AT_ONCE: usize = 200;

/// Things in use by name or by the name that their machine calls itself.
pub(crate) fn named(tx: &mut Tx<'_>, names: &[String]) -> Result<Vec<(String, i64)>> {
    let mut found = Vec::new();
    for some in names.chunks(NAMES_AT_ONCE) {
        let mut query = Query::new("SELECT name, id FROM assets_things WHERE status <> 'retired' AND name IN ");
        query.list(some).push(
            " UNION SELECT e.value, e.asset_id FROM assets_evidence e JOIN assets_things a ON a.id = e.asset_id \
             WHERE a.status <> 'retired' AND e.kind = 'hostname' AND e.value IN ",
        );
        query.list(some);
        for row in tx.run(&query)? {
            found.push((row.text(0)?, row.int(1)?));
        }
    }
    Ok(found)
}

/// Where a page of a list starts: after this row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum After {
    Name(String, i64),
    Updated(i64, i64),
}

/// Which things: what the filter says, within a reach.
pub(crate) struct Wanted<'a> {
    pub(crate) narrow: &'a Narrow,
    pub(crate) reach: &'a Reach,
    pub(crate) now: Time,
}

impl Wanted<'_> {
    fn push(&self, query: &mut Query) -> Result<()> {
        query.push(" WHERE 1 = 1");
        visible(query, self.reach);
        self.narrow.push(query, self.now)
    }
}

pub(crate) fn list(
    tx: &mut Tx<'_>,
    wanted: &Wanted<'_>,
    order: Order,
    after: Option<&After>,
    limit: usize,
) -> Result<Vec<Thing>> {
    tx.run(&listing(wanted, order, after, limit)?)?.iter().map(thing).collect()
}

fn listing(wanted: &Wanted<'_>, order: Order, after: Option<&After>, limit: usize) -> Result<Query> {
    let mut query = Query::new(COLUMNS);
    wanted.push(&mut query)?;
    match after {
        Some(After::Name(name, id)) => {
            query.push(" AND (a.name, a.id) > (").bind(name.as_str()).push(", ").bind(*id).push(")");
        }
        Some(After::Updated(at, id)) => {
            query.push(" AND (a.updated_at, a.id) < (").bind(*at).push(", ").bind(*id).push(")");
        }
        None => {}
    }
    query.push(match order {
        Order::Name => " ORDER BY a.name, a.id LIMIT ",
        Order::Updated => " ORDER BY a.updated_at DESC, a.id DESC LIMIT ",
    });
    query.bind(limit);
    Ok(query)
}

/// How many there are, up to the limit where counting stops.
pub(crate) fn count(tx: &mut Tx<'_>, wanted: &Wanted<'_>) -> Result<i64> {
    tx.count(&counting(wanted)?)
}

fn counting(wanted: &Wanted<'_>) -> Result<Query> {
    let mut query = Query::new("SELECT a.id FROM assets_things a");
    wanted.push(&mut query)?;
    Ok(query.counted(kernel::limits::COUNT_MAX))
}
