//! The search index in SQL: FTS5 on SQLite, a tsvector on PostgreSQL. Words and tokens arrive as letters and digits only.

use super::{Document, Hit};
use crate::db::{Dialect, Tx, Value};
use crate::error::Result;
use crate::reference::Ref;

pub(super) fn put(tx: &mut Tx<'_>, document: &Document, words: &[String], scopes: &[String]) -> Result<()> {
    let subject = &document.subject;
    let (text, tokens) = (words.join(" "), scopes.join(" "));
    let mut params: Vec<Value> = vec![
        subject.kind.as_ref().into(),
        subject.id.into(),
        (&document.title).into(),
        document.at.into(),
        (&text).into(),
        (&tokens).into(),
    ];
    if tx.dialect() == Dialect::Postgres {
        params.push(vector(&text, &tokens).into());
        tx.execute(
            "INSERT INTO kernel_search_documents (kind, ref_id, title, at, words, scopes, vector) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, CAST(CAST(?7 AS TEXT) AS TSVECTOR)) \
             ON CONFLICT (kind, ref_id) DO UPDATE SET title = excluded.title, at = excluded.at, words = excluded.words, \
             scopes = excluded.scopes, vector = excluded.vector",
            &params,
        )?;
        return Ok(());
    }
    let id = tx.insert(
        "INSERT INTO kernel_search_documents (kind, ref_id, title, at, words, scopes) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (kind, ref_id) DO UPDATE SET title = excluded.title, at = excluded.at, words = excluded.words, \
         scopes = excluded.scopes RETURNING id",
        &params,
    )?;
    tx.before_commit(INSERT_FTS5, vec![id.into(), text.into(), tokens.into()])
}

const INSERT_FTS5: &str = "INSERT OR REPLACE INTO kernel_search (rowid, words, scopes) VALUES (?1, ?2, ?3)";

/// Words and tokens as the text of a tsvector: weight A for words, B for tokens.
fn vector(words: &str, scopes: &str) -> String {
    let words = words.split_whitespace().map(|word| format!("'{word}':1A"));
    let scopes = scopes.split_whitespace().map(|scope| format!("'{scope}':1B"));
    words.chain(scopes).collect::<Vec<_>>().join(" ")
}

/// Builds the index again from the documents: after a restore.
pub(crate) fn rebuild(tx: &mut Tx<'_>) -> Result<()> {
    let mut after = 0;
    loop {
        let rows = tx.query(
            "SELECT id, words, scopes FROM kernel_search_documents WHERE id > ?1 ORDER BY id LIMIT 500",
            &[after.into()],
        )?;
        for row in &rows {
            after = row.int(0)?;
            match tx.dialect() {
                Dialect::Sqlite => tx.execute(INSERT_FTS5, &[after.into(), row.str(1)?.into(), row.str(2)?.into()])?,
                Dialect::Postgres => tx.execute(
                    "UPDATE kernel_search_documents SET vector = CAST(CAST(?1 AS TEXT) AS TSVECTOR) WHERE id = ?2",
                    &[vector(row.str(1)?, row.str(2)?).into(), after.into()],
                )?,
            };
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

pub(super) fn delete(tx: &mut Tx<'_>, subject: &Ref) -> Result<()> {
    let gone = tx.first(
        "DELETE FROM kernel_search_documents WHERE kind = ?1 AND ref_id = ?2 RETURNING id",
        &[subject.kind.as_ref().into(), subject.id.into()],
    )?;
    match gone {
        Some(row) if tx.dialect() == Dialect::Sqlite => {
            tx.before_commit("DELETE FROM kernel_search WHERE rowid = ?1", vec![row.int(0)?.into()])
        }
        _ => Ok(()),
    }
}

pub(super) fn find(tx: &mut Tx<'_>, words: &[String], scopes: &[String], limit: usize) -> Result<Vec<Hit>> {
    let (sql, query) = match tx.dialect() {
        Dialect::Sqlite => (
            "SELECT d.kind, d.ref_id, d.title FROM kernel_search s JOIN kernel_search_documents d ON d.id = s.rowid \
             WHERE kernel_search MATCH ?1 ORDER BY s.rowid DESC LIMIT ?2",
            fts5(words, scopes),
        ),
        Dialect::Postgres => (
            "SELECT kind, ref_id, title FROM kernel_search_documents \
             WHERE vector @@ CAST(CAST(?1 AS TEXT) AS TSQUERY) ORDER BY id DESC LIMIT ?2",
            tsquery(words, scopes),
        ),
    };
    tx.query(sql, &[query.into(), limit.into()])?
        .iter()
        .map(|row| {
            let kind = std::borrow::Cow::Owned(row.text(0)?);
            Ok(Hit { subject: Ref { kind, id: row.int(1)? }, title: row.text(2)? })
        })
        .collect()
}

/// One letter is looked up as a word of its own: as a beginning it would read a great part of the index.
fn begins(word: &str) -> bool {
    word.chars().nth(1).is_some()
}

fn fts5(words: &[String], scopes: &[String]) -> String {
    let last = words.len().saturating_sub(1);
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(index, word)| format!("words : \"{word}\"{}", if index == last && begins(word) { " *" } else { "" }))
        .collect();
    let scopes: Vec<String> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
    format!("{} AND scopes : ({})", words.join(" AND "), scopes.join(" OR "))
}

fn tsquery(words: &[String], scopes: &[String]) -> String {
    let last = words.len().saturating_sub(1);
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(index, word)| format!("'{word}':{}A", if index == last && begins(word) { "*" } else { "" }))
        .collect();
    let scopes: Vec<String> = scopes.iter().map(|scope| format!("'{scope}':B")).collect();
    format!("{} & ({})", words.join(" & "), scopes.join(" | "))
}
