//! The catalogue of SQLite, for the pages that show a domain's tables.

use crate::db::{Dialect, Tx, Value};
use crate::error::Result;

/// The steps of a statement's plan on SQLite, whatever is bound to it; `None` on PostgreSQL.
pub(super) fn plan(tx: &mut Tx<'_>, sql: &str) -> Result<Option<Vec<String>>> {
    if tx.dialect() == Dialect::Postgres {
        return Ok(None);
    }
    let nothing = vec![Value::Null; sql.matches('?').count()];
    let steps = tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &nothing)?;
    steps.iter().map(|row| row.text(3)).collect::<Result<_>>().map(Some)
}

/// Tables and indexes of a prefix as they were created; the full-text engine's own tables are left out.
pub(super) fn schema(tx: &mut Tx<'_>, prefix: &str) -> Result<String> {
    let rows = tx.query(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name",
        &[],
    )?;
    let mut text =
        String::from("-- The tables of this domain as SQLite has them. A test writes this file from the migrations.\n");
    for row in &rows {
        let (name, table) = (row.str(0)?, row.str(1)?);
        let engine = table.starts_with("kernel_search_") && table != "kernel_search_documents";
        if table.starts_with(prefix) && !engine && !name.starts_with("sqlite_") {
            text.push('\n');
            text.push_str(row.str(2)?);
            text.push_str(";\n");
        }
    }
    Ok(text)
}
