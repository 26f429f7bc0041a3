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

/// The steps that read a table without a key.
pub(super) fn walks(tx: &mut Tx<'_>, sql: &str, table: &str) -> Result<Vec<String>> {
    if let Some(plan) = plan(tx, sql)? {
        return Ok(plan.into_iter().filter(|step| step.contains(table) && !step.contains("USING")).collect());
    }
    // Whatever is bound to it: the plan must not be of one value.
    let bound =
        (1..=10_000).take_while(|number| sql.contains(&format!("?{number}"))).map(|_| "NULL").collect::<Vec<_>>();
    let values = if bound.is_empty() { String::new() } else { format!("({})", bound.join(", ")) };
    for set in ["enable_seqscan = off", "plan_cache_mode = force_generic_plan"] {
        tx.execute(&format!("SET LOCAL {set}"), &[])?;
    }
    tx.execute(&format!("PREPARE mainstay_plan AS {sql}"), &[])?;
    let rows = tx.query(&format!("EXPLAIN EXECUTE mainstay_plan{values}"), &[])?;
    let lines = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
    tx.execute("DEALLOCATE mainstay_plan", &[])?;
    Ok(without_key(&lines, table))
}

/// Nodes of a plan of PostgreSQL that read a table without a condition on an index.
fn without_key(lines: &[String], table: &str) -> Vec<String> {
    let node = |line: &str| line.contains("(cost=");
    let reads = |line: &str| node(line) && line.contains("Scan") && line.contains(&format!(" on {table} "));
    let keyed = |at: usize| {
        let own = lines.iter().skip(at + 1).take_while(|line| !node(line));
        own.into_iter().any(|line| line.contains("Index Cond:") || line.contains("Recheck Cond:"))
    };
    let walks = lines.iter().enumerate().filter(|(at, line)| reads(line) && !keyed(*at));
    walks.map(|(_, line)| line.trim().to_owned()).collect()
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
