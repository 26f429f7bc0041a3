//! Tables as such, in SQL: which there are, their rows, their counters. Table and column names come from the database's
//! own catalogue or are compared with it, and are quoted.

use super::Applied;
use crate::db::{Dialect, Row, Tx, Value};
use crate::error::{Error, Result};

/// A table with its columns, derived ones left out.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// Tables whose rows are not copied: migrations say themselves, the full-text index is built from its documents.
fn is_copied(name: &str) -> bool {
    let index = name == "kernel_search" || (name.starts_with("kernel_search_") && name != "kernel_search_documents");
    !index && name != "kernel_migrations" && !name.starts_with("sqlite_")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', ""))
}

pub(super) fn migrations(tx: &mut Tx<'_>) -> Result<Vec<Applied>> {
    tx.query("SELECT domain, number, checksum FROM kernel_migrations ORDER BY domain, number", &[])?
        .iter()
        .map(|row| Ok(Applied { domain: row.text(0)?, number: row.int(1)?, checksum: row.text(2)? }))
        .collect()
}

/// The tables in the order they were created, so that what is pointed at comes first.
pub(super) fn tables(tx: &mut Tx<'_>) -> Result<Vec<Table>> {
    let (tables, columns) = match tx.dialect() {
        Dialect::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid",
            "SELECT name FROM pragma_table_info(?1) ORDER BY cid",
        ),
        Dialect::Postgres => (
            "SELECT CAST(c.relname AS TEXT) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY c.oid",
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = current_schema() \
             AND table_name = CAST(?1 AS TEXT) AND udt_name <> 'tsvector' ORDER BY ordinal_position",
        ),
    };
    let mut found = Vec::new();
    for row in tx.query(tables, &[])? {
        let name = row.text(0)?;
        if is_copied(&name) {
            let rows = tx.query(columns, &[(&name).into()])?;
            found.push(Table { name, columns: rows.iter().map(|row| row.text(0)).collect::<Result<_>>()? });
        }
    }
    Ok(found)
}

pub(super) fn each_row(tx: &mut Tx<'_>, table: &Table, work: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
    let order = if table.columns.iter().any(|column| column == "id") { " ORDER BY \"id\"" } else { "" };
    tx.each(&format!("SELECT {} FROM {}{order}", columns.join(", "), quoted(&table.name)), work)
}

/// The highest number a table ever gave, so that none is given twice; 0 for tables without numbers.
pub(super) fn last_id(tx: &mut Tx<'_>, table: &str) -> Result<i64> {
    let row = match tx.dialect() {
        Dialect::Sqlite => tx.first("SELECT seq FROM sqlite_sequence WHERE name = ?1", &[table.into()])?,
        Dialect::Postgres => tx.first(
            "SELECT COALESCE(last_value, 0) FROM pg_sequences WHERE schemaname = current_schema() AND sequencename = CAST(?1 AS TEXT)",
            &[format!("{table}_id_seq").into()],
        )?,
    };
    row.map_or(Ok(0), |row| row.int(0))
}

pub(super) fn set_last_id(tx: &mut Tx<'_>, table: &str, last_id: i64) -> Result<()> {
    if last_id == 0 {
        return Ok(());
    }
    match tx.dialect() {
        Dialect::Sqlite => {
            tx.execute("DELETE FROM sqlite_sequence WHERE name = ?1", &[table.into()])?;
            tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", &[table.into(), last_id.into()])?;
        }
        Dialect::Postgres => {
            tx.query(
                "SELECT setval(CAST(CAST(?1 AS TEXT) AS REGCLASS), CAST(?2 AS BIGINT))",
                &[format!("{table}_id_seq").into(), last_id.into()],
            )?;
        }
    }
    Ok(())
}

/// True when nothing has happened in this database yet.
pub(super) fn is_empty(tx: &mut Tx<'_>) -> Result<bool> {
    let events = tx.first("SELECT id FROM kernel_events LIMIT 1", &[])?;
    let audit = tx.first("SELECT id FROM kernel_audit LIMIT 1", &[])?;
    Ok(events.is_none() && audit.is_none())
}

/// Removes what migrations put into the tables.
pub(super) fn empty(tx: &mut Tx<'_>, tables: &[Table]) -> Result<()> {
    for table in tables.iter().rev() {
        tx.execute(&format!("DELETE FROM {}", quoted(&table.name)), &[])?;
    }
    Ok(())
}

fn foreign_keys(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>> {
    tx.query(
        "SELECT CAST(c.relname AS TEXT), CAST(k.conname AS TEXT) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND k.contype = 'f'",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.text(1)?)))
    .collect()
}

fn alter(tx: &mut Tx<'_>, how: &str) -> Result<()> {
    for (table, name) in foreign_keys(tx)? {
        tx.execute(&format!("ALTER TABLE {} ALTER CONSTRAINT {} {how}", quoted(&table), quoted(&name)), &[])?;
    }
    Ok(())
}

/// Rows may come before what they point at until the end of the transaction.
pub(super) fn defer_foreign_keys(tx: &mut Tx<'_>) -> Result<()> {
    match tx.dialect() {
        Dialect::Sqlite => tx.query("PRAGMA defer_foreign_keys = ON", &[]).map(|_| ()),
        Dialect::Postgres => alter(tx, "DEFERRABLE INITIALLY DEFERRED"),
    }
}

/// Every row now points at one that is there.
pub(super) fn check_foreign_keys(tx: &mut Tx<'_>) -> Result<()> {
    match tx.dialect() {
        Dialect::Sqlite => match tx.first("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", &[])? {
            None => Ok(()),
            Some(row) => Err(Error::conflict(format!("Rows of {} point at rows that are not there.", row.text(0)?))),
        },
        Dialect::Postgres => {
            tx.execute("SET CONSTRAINTS ALL IMMEDIATE", &[])?;
            alter(tx, "NOT DEFERRABLE")
        }
    }
}

/// The statement that puts a row into one table.
pub(super) struct Insert {
    sql: String,
}

impl Insert {
    pub(super) fn new(table: &str, columns: &[String]) -> Self {
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", quoted(table), names.join(", "), places.join(", "));
        Self { sql }
    }

    pub(super) fn run(&self, tx: &mut Tx<'_>, row: &[Value]) -> Result<()> {
        tx.execute(&self.sql, row).map(|_| ())
    }
}
