//! A transaction as closures see it, and the builder for statements whose shape varies.

use super::value::{Row, Value};
use super::{Dialect, FaultHook, pg};
use crate::error::{Error, Result};

/// A transaction on either engine.
pub struct Tx<'a> {
    pub(super) backend: Backend<'a>,
    pub(super) statements: u64,
    pub(super) fault: Option<&'a FaultHook>,
    pub(super) deferred: Vec<(&'static str, Vec<Value>)>,
    /// Whether a statement ran that may have left something behind; kept for SQLite only.
    pub(super) wrote: bool,
}

pub(super) enum Backend<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut pg::Session),
}

impl<'a> Tx<'a> {
    pub(super) fn new(backend: Backend<'a>, fault: Option<&'a FaultHook>) -> Self {
        Self { backend, statements: 0, fault, deferred: Vec::new(), wrote: false }
    }

    /// Which engine this is; only for the few texts that differ, full-text search for one.
    pub fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Statements run so far in this transaction.
    pub fn statements(&self) -> u64 {
        self.statements
    }

    /// Runs a statement with `?1`-style parameters and answers the number of rows it touched.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.statements += 1;
        if let Some(fault) = self.fault {
            fault("statement");
        }
        match &mut self.backend {
            Backend::Sqlite(connection) => {
                self.wrote = true;
                super::sqlite::must_be_open(connection)?;
                super::sqlite::execute(connection, sql, params)
            }
            Backend::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Runs a query (or a statement with RETURNING) and answers all rows.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.statements += 1;
        if let Some(fault) = self.fault {
            fault("statement");
        }
        match &mut self.backend {
            Backend::Sqlite(connection) => {
                super::sqlite::must_be_open(connection)?;
                super::sqlite::query(connection, sql, params, &mut self.wrote)
            }
            Backend::Postgres(session) => session.query(sql, params),
        }
    }

    /// The first row, if there is one.
    pub fn first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// The only row of a query that always has one.
    pub fn one(&mut self, sql: &str, params: &[Value]) -> Result<Row> {
        self.first(sql, params)?.ok_or_else(|| Error::internal("query-without-row", sql))
    }

    /// An INSERT .. RETURNING id: answers the id.
    pub fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        self.one(sql, params)?.int(0)
    }

    /// Runs a statement as the last thing before the commit, on SQLite: FTS5 writes a segment at every savepoint it sees,
    /// so a group of writes is far cheaper when its index entries come after the savepoints.
    pub(crate) fn before_commit(&mut self, sql: &'static str, params: Vec<Value>) -> Result<()> {
        match self.backend {
            Backend::Sqlite(_) => self.deferred.push((sql, params)),
            Backend::Postgres(_) => return self.execute(sql, &params).map(|_| ()),
        }
        Ok(())
    }

    /// Hands over the rows of a query one by one, for tables that do not fit in memory.
    pub(crate) fn each(&mut self, sql: &str, work: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        match &mut self.backend {
            Backend::Sqlite(connection) => super::sqlite::each(connection, sql, work),
            Backend::Postgres(session) => session.each(sql, work),
        }
    }

    /// Lifts the time limit of this transaction on PostgreSQL; on SQLite its name does ([`super::sqlite::UNBOUNDED`]).
    pub(crate) fn without_time_limit(&mut self) -> Result<()> {
        match &mut self.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(session) => session.batch(pg::NO_TIME_LIMIT),
        }
    }

    /// Runs several statements without parameters: migrations only.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        (self.statements, self.wrote) = (self.statements + 1, true);
        match &mut self.backend {
            Backend::Sqlite(connection) => connection.execute_batch(sql).map_err(|error| super::sqlite::failed(&error)),
            Backend::Postgres(session) => session.batch(sql),
        }
    }

    /// Runs a built statement.
    pub fn run(&mut self, query: &Query) -> Result<Vec<Row>> {
        self.query(&query.sql, &query.params)
    }

    /// Runs a query that counts ([`Query::counted`]).
    pub fn count(&mut self, query: &Query) -> Result<i64> {
        self.run(query)?.first().map_or(Ok(0), |row| row.int(0))
    }

    /// Runs a statement that was built and changes rows; answers how many.
    pub fn run_change(&mut self, query: &Query) -> Result<u64> {
        self.execute(&query.sql, &query.params)
    }
}

/// Most values that SQLite binds in one statement.
const PARAMS_MAX: usize = 32_766;

/// How many places a list of so many values has in a statement: a power of two, or a multiple of the largest.
fn list_length(values: usize) -> usize {
    const FEW: usize = 4;
    const MANY: usize = 512;
    match values {
        0..=FEW => values,
        _ if values <= MANY => values.next_power_of_two(),
        _ => values.next_multiple_of(MANY),
    }
}

/// A statement built from fixed fragments and bound values: text from outside cannot get into it.
#[derive(Clone, Debug, Default)]
pub struct Query {
    sql: String,
    params: Vec<Value>,
}

impl Query {
    /// Starts with a fixed fragment.
    pub fn new(fragment: &'static str) -> Self {
        Self { sql: fragment.to_owned(), params: Vec::new() }
    }

    /// Appends a fixed fragment.
    pub fn push(&mut self, fragment: &'static str) -> &mut Self {
        self.sql.push_str(fragment);
        self
    }

    /// Appends a placeholder for a value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.params.push(value.into());
        self.sql.push('?');
        self.sql.push_str(&self.params.len().to_string());
        self
    }

    /// Appends `(?, ?, ..)` for a list; an empty list becomes `(NULL)`, which matches nothing. Longer lists are filled up with
    /// their last value to one of a few lengths, so that lists of any length share a few prepared statements.
    pub fn list<T: Into<Value> + Clone>(&mut self, values: &[T]) -> &mut Self {
        self.sql.push('(');
        if values.is_empty() {
            self.sql.push_str("NULL");
        }
        let room = PARAMS_MAX.saturating_sub(self.params.len());
        let length = Some(list_length(values.len())).filter(|length| *length <= room).unwrap_or(values.len());
        let filled = values.iter().chain(values.last().into_iter().cycle()).take(length);
        for (index, value) in filled.enumerate() {
            if index > 0 {
                self.sql.push_str(", ");
            }
            self.bind(value.clone());
        }
        self.sql.push(')');
        self
    }

    /// Counts the rows of this query, and stops at `cap`. Read it with [`Tx::count`].
    #[must_use]
    pub fn counted(mut self, cap: i64) -> Self {
        self.sql.insert_str(0, "SELECT COUNT(*) FROM (");
        self.push(" LIMIT ").bind(cap).push(") AS counted");
        self
    }

    /// The text, for tests and `EXPLAIN`.
    pub fn sql(&self) -> &str {
        &self.sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_any_length_share_a_few_statements_and_ask_for_nothing_else() {
        let text = |length: i64| {
            let values: Vec<i64> = (0..length).collect();
            let mut query = Query::new("SELECT 1 WHERE 1 IN ");
            query.list(&values);
            let asked: std::collections::BTreeSet<String> = query.params.iter().map(|one| format!("{one:?}")).collect();
            assert_eq!(asked.len(), values.len(), "each value, and no other");
            query.sql
        };
        assert!(text(0).ends_with("(NULL)"));
        assert!(text(3).ends_with("(?1, ?2, ?3)"), "a short list is what it is");
        assert_eq!(text(300), text(500));
        assert_ne!(text(200), text(300));
        let texts: std::collections::BTreeSet<String> = (0..2_000).map(text).collect();
        assert!(texts.len() < 20, "{} statements", texts.len());
        let mut long = Query::new("SELECT 1 WHERE 1 IN ");
        long.list(&(0..20_000).collect::<Vec<i64>>()).push(" AND 2 IN ").list(&(0..12_200).collect::<Vec<i64>>());
        assert!(long.params.len() <= PARAMS_MAX, "{} values", long.params.len());
    }
}
