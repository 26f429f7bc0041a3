//! Facts in SQL.

use agent_proto::facts::Section;
use kernel::db::{Query, Row, Tx};
use kernel::{Result, Time};

use super::{Fact, parse};

/// Rows in one statement.
const ROWS_PER_STATEMENT: usize = 100;
/// Facts read at once when a word is looked for.
const ROWS_AT_ONCE: usize = 500;

/// What is known of a section as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    /// SHA-256 in hexadecimal, as the agent protocol defines it.
    pub(crate) hash: String,
    pub(crate) source: String,
    pub(crate) seen_at: Time,
    pub(crate) changed_at: Time,
    pub(crate) facts: i64,
}

pub(crate) fn head(tx: &mut Tx<'_>, asset: i64, section: &str) -> Result<Option<Head>> {
    let sql =
        "SELECT hash, source, seen_at, changed_at, facts FROM assets_sections WHERE asset_id = ?1 AND section = ?2";
    let head = |row: Row| {
        Ok(Head {
            hash: row.text(0)?,
            source: row.text(1)?,
            seen_at: row.time(2)?,
            changed_at: row.time(3)?,
            facts: row.int(4)?,
        })
    };
    tx.first(sql, &[asset.into(), section.into()])?.map(head).transpose()
}

pub(crate) fn set_head(tx: &mut Tx<'_>, asset: i64, section: &str, head: &Head) -> Result<()> {
    tx.execute(
        "INSERT INTO assets_sections (asset_id, section, hash, source, seen_at, changed_at, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (asset_id, section) DO UPDATE SET hash = excluded.hash, source = excluded.source, seen_at = excluded.seen_at, \
         changed_at = excluded.changed_at, facts = excluded.facts",
        &[
            asset.into(),
            section.into(),
            head.hash.as_str().into(),
            head.source.as_str().into(),
            head.seen_at.into(),
            head.changed_at.into(),
            head.facts.into(),
        ],
    )?;
    Ok(())
}

/// Stamps a section that was looked at and found the same.
pub(crate) fn seen(tx: &mut Tx<'_>, asset: i64, section: &str, at: Time) -> Result<()> {
    let sql = "UPDATE assets_sections SET seen_at = ?1 WHERE asset_id = ?2 AND section = ?3 AND seen_at < ?4";
    tx.execute(sql, &[at.into(), asset.into(), section.into(), at.into()])?;
    Ok(())
}

/// How many facts each section of a thing has.
pub(crate) fn sections(tx: &mut Tx<'_>, asset: i64) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT section, facts FROM assets_sections WHERE asset_id = ?1 ORDER BY section";
    tx.query(sql, &[asset.into()])?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// A section as it is known here, values as the JSON texts they came as.
pub(crate) fn section(tx: &mut Tx<'_>, asset: i64, section: &str) -> Result<Section> {
    let sql = "SELECT key, value FROM assets_facts WHERE asset_id = ?1 AND section = ?2";
    tx.query(sql, &[asset.into(), section.into()])?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// A section of several things, or one fact of it.
pub(crate) fn of_several(
    tx: &mut Tx<'_>,
    assets: &[i64],
    section: &str,
    key: Option<&str>,
) -> Result<Vec<(i64, String, String)>> {
    let mut found = Vec::new();
    for some in assets.chunks(ROWS_PER_STATEMENT) {
        let mut query = Query::new("SELECT asset_id, key, value FROM assets_facts WHERE asset_id IN ");
        query.list(some).push(" AND section = ").bind(section);
        if let Some(key) = key {
            query.push(" AND key = ").bind(key);
        }
        for row in tx.run(&query)? {
            found.push((row.int(0)?, row.text(1)?, row.text(2)?));
        }
    }
    Ok(found)
}

pub(crate) fn one(tx: &mut Tx<'_>, asset: i64, section: &str, key: &str) -> Result<Option<String>> {
    let sql = "SELECT value FROM assets_facts WHERE asset_id = ?1 AND section = ?2 AND key = ?3";
    tx.first(sql, &[asset.into(), section.into(), key.into()])?.map(|row| row.text(0)).transpose()
}

pub(crate) fn put(tx: &mut Tx<'_>, asset: i64, section: &str, facts: &[(&str, &str)], now: Time) -> Result<()> {
    for some in facts.chunks(ROWS_PER_STATEMENT) {
        let mut query = Query::new("INSERT INTO assets_facts (asset_id, section, key, value, changed_at) VALUES ");
        for (index, (key, value)) in some.iter().enumerate() {
            query.push(if index == 0 { "(" } else { ", (" });
            query.bind(asset).push(", ").bind(section).push(", ").bind(*key).push(", ").bind(*value).push(", ");
            query.bind(now).push(")");
        }
        query.push(" ON CONFLICT (asset_id, section, key) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at");
        tx.run(&query)?;
    }
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, asset: i64, section: &str, keys: &[&str]) -> Result<()> {
    for some in keys.chunks(ROWS_PER_STATEMENT) {
        let mut query = Query::new("DELETE FROM assets_facts WHERE asset_id = ");
        query.bind(asset).push(" AND section = ").bind(section).push(" AND key IN ").list(some);
        tx.run(&query)?;
    }
    Ok(())
}

/// Facts of some sections (all when empty) whose key holds a word, from after a key on. The word is looked for here and not in
/// SQL, which folds only letters of ASCII.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    asset: i64,
    sections: &[&str],
    word: &str,
    after: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<Fact>> {
    if word.is_empty() {
        return page(tx, asset, sections, after, limit);
    }
    let word = people::filter::fold(word);
    let mut found: Vec<Fact> = Vec::new();
    let mut after = after.map(|(section, key)| (section.to_owned(), key.to_owned()));
    loop {
        let from = after.as_ref().map(|(section, key)| (section.as_str(), key.as_str()));
        let rows = page(tx, asset, sections, from, ROWS_AT_ONCE)?;
        after = rows.last().map(|fact| (fact.section.clone(), fact.key.clone()));
        let last = rows.len() < ROWS_AT_ONCE;
        found.extend(rows.into_iter().filter(|fact| people::filter::fold(&fact.key).contains(&word)));
        if last || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

fn page(
    tx: &mut Tx<'_>,
    asset: i64,
    sections: &[&str],
    after: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<Fact>> {
    let mut query = Query::new(
        "SELECT f.section, f.key, f.value, s.source, s.seen_at, f.changed_at FROM assets_facts f \
         JOIN assets_sections s ON s.asset_id = f.asset_id AND s.section = f.section WHERE f.asset_id = ",
    );
    query.bind(asset);
    if !sections.is_empty() {
        query.push(" AND f.section IN ").list(sections);
    }
    if let Some((section, key)) = after {
        query.push(" AND (f.section, f.key) > (").bind(section).push(", ").bind(key).push(")");
    }
    query.push(" ORDER BY f.section, f.key LIMIT ").bind(limit);
    let fact = |row: &Row| {
        Ok(Fact {
            section: row.text(0)?,
            key: row.text(1)?,
            value: parse(row.str(2)?),
            source: row.text(3)?,
            seen_at: row.time(4)?,
            changed_at: row.time(5)?,
        })
    };
    tx.run(&query)?.iter().map(fact).collect()
}
