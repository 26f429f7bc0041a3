//! PostgreSQL: the same closures on several threads, SERIALIZABLE, repeated when they collide.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use postgres::{Client, NoTls, Statement};

use super::queue::{Queue, Work};
use super::tx::{Backend, Tx};
use super::value::{Row, Value};
use super::{FaultHook, Options, Stats};
use crate::error::{Error, Result};
use crate::limits;

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            #[expect(clippy::cast_precision_loss, reason = "a whole number bound to a double column")]
            Self::Int(value) if *kind == Type::FLOAT8 => (*value as f64).to_sql(kind, out),
            Self::Int(value) => value.to_sql(&Type::INT8, out),
            Self::Real(value) => value.to_sql(&Type::FLOAT8, out),
            Self::Text(value) => value.as_str().to_sql(&Type::TEXT, out),
            Self::Bytes(value) => value.as_slice().to_sql(&Type::BYTEA, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT4 | Type::INT8 | Type::FLOAT8 | Type::TEXT | Type::VARCHAR | Type::BYTEA | Type::UNKNOWN
        )
    }

    to_sql_checked!();
}

fn is_lost(error: &postgres::Error) -> bool {
    use std::error::Error as _;
    error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>())
}

fn failed(error: &postgres::Error) -> Error {
    let code = error.code().map(postgres::error::SqlState::code).unwrap_or_default().to_owned();
    let cause =
        error.as_db_error().map_or_else(|| error.to_string(), |db| format!("{}: {}", db.code().code(), db.message()));
    let with = |base: Error| Error { cause: Some(cause.clone()), ..base };
    match code.as_str() {
        "40001" | "40P01" => Error {
            retry: true,
            ..with(Error::unavailable("Others changed the same thing at the same time. Try again."))
        },
        "53100" => {
            with(Error::unavailable("The database's disk is full. Nothing was changed; free some space and try again."))
        }
        "57014" => {
            with(Error::unavailable("This took too long and was stopped. Nothing was changed; ask for less at once."))
        }
        code if code.starts_with("23") => with(Error::conflict("This collides with something that exists already.")),
        "" if is_lost(error) => {
            with(Error::unavailable("The connection to the database was lost. Try again in a moment."))
        }
        _ => Error::internal("postgres", cause),
    }
}

/// Lifts the time limit until the end of the transaction.
pub(super) const NO_TIME_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// One connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl Session {
    fn connect(url: &str, schema: &str, timeout_ms: u64) -> Result<Self> {
        let unreachable = |error: postgres::Error| Error {
            cause: Some(error.to_string()),
            ..Error::unavailable(format!(
                "PostgreSQL cannot be reached: {error}. Check the connection string and the server."
            ))
        };
        let mut client = Client::connect(url, NoTls).map_err(unreachable)?;
        if !schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(Error::invalid("schema", "A schema name has lower case letters, digits and underscores only."));
        }
        client
            .batch_execute(&format!(
                "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}; SET statement_timeout = {timeout_ms}; SET jit = off"
            ))
            .or_else(|error| if error.code().is_some_and(|code| code.code().starts_with("23")) { client.batch_execute(&format!("SET search_path = {schema}; SET statement_timeout = {timeout_ms}; SET jit = off")) } else { Err(error) })
            .map_err(|error| failed(&error))?;
        Ok(Self { client, prepared: HashMap::new() })
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&numbered(sql)).map_err(|error| failed(&error))?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &params).map_err(|error| failed(&error))
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&statement, &params).map_err(|error| failed(&error))?;
        rows.iter().map(row).collect()
    }

    pub(super) fn each(&mut self, sql: &str, work: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        use postgres::fallible_iterator::FallibleIterator as _;
        let statement = self.prepare(sql)?;
        let none: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = self.client.query_raw(&statement, none).map_err(|error| failed(&error))?;
        while let Some(found) = rows.next().map_err(|error| failed(&error))? {
            work(row(&found)?)?;
        }
        Ok(())
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| failed(&error))
    }
}

/// `?1` becomes `$1`; quoted text is left alone.
fn numbered(sql: &str) -> String {
    let mut quoted = false;
    sql.chars()
        .map(|c| {
            quoted ^= c == '\'';
            if c == '?' && !quoted { '$' } else { c }
        })
        .collect()
}

fn row(row: &postgres::Row) -> Result<Row> {
    let wrong = |error: postgres::Error| Error::internal("postgres-row", error);
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        values.push(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index).map_err(wrong)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(index).map_err(wrong)?.into(),
            Type::BOOL => row.try_get::<_, Option<bool>>(index).map_err(wrong)?.into(),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(index).map_err(wrong)?.into(),
            Type::FLOAT4 => row.try_get::<_, Option<f32>>(index).map_err(wrong)?.map(f64::from).into(),
            Type::TEXT | Type::VARCHAR | Type::NAME => row.try_get::<_, Option<String>>(index).map_err(wrong)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index).map_err(wrong)?.into(),
            ref other => {
                return Err(Error::internal(
                    "postgres-type",
                    format!("column {index} has type {other}; cast it in the query"),
                ));
            }
        });
    }
    Ok(Row(values))
}

pub(super) fn spawn_writers(
    url: &str,
    schema: &str,
    options: &Options,
    queue: &Arc<Queue>,
    stats: &Arc<Stats>,
) -> Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::new();
    for number in 0..options.writers.max(1) {
        let session = Session::connect(url, schema, limits::WRITE_HARD_MS)?;
        let writer = Writer {
            url: url.to_owned(),
            schema: schema.to_owned(),
            stats: stats.clone(),
            fault: options.fault.clone(),
        };
        let queue = queue.clone();
        let thread = std::thread::Builder::new()
            .name(format!("db-writer-{number}"))
            .spawn(move || writer.serve(session, &queue))
            .map_err(|error| Error::internal("db-writer-thread", error))?;
        threads.push(thread);
    }
    Ok(threads)
}

struct Writer {
    url: String,
    schema: String,
    stats: Arc<Stats>,
    fault: Option<FaultHook>,
}

impl Writer {
    fn serve(&self, session: Session, queue: &Queue) {
        let mut session = Some(session);
        while let Some(group) = queue.take(1) {
            for mut work in group {
                if session.as_ref().is_none_or(|open| open.client.is_closed()) {
                    session = Session::connect(&self.url, &self.schema, limits::WRITE_HARD_MS).ok();
                }
                let outcome = match session.as_mut() {
                    Some(open) => self.repeat(open, work.as_mut()),
                    None => Err(Error::unavailable(
                        "The database cannot be reached. Nothing was changed; try again in a moment.",
                    )),
                };
                work.answer(outcome);
            }
        }
    }

    fn repeat(&self, session: &mut Session, work: &mut dyn Work) -> Result<()> {
        let mut tries = 0;
        loop {
            let outcome = self.once(session, work);
            match &outcome {
                Err(error) if error.retry && tries < limits::SERIALIZATION_TRIES => {
                    tries += 1;
                    self.stats.repeats.fetch_add(1, Ordering::Relaxed);
                    // Colliding writers step apart; parking with a timeout is interruptible, unlike a sleep.
                    std::thread::park_timeout(Duration::from_micros(u64::from(tries) * 500));
                }
                _ => return outcome,
            }
        }
    }

    fn fault(&self, point: &'static str) {
        if let Some(fault) = &self.fault {
            fault(point);
        }
    }

    fn once(&self, session: &mut Session, work: &mut dyn Work) -> Result<()> {
        let started = Instant::now();
        session.batch("BEGIN ISOLATION LEVEL SERIALIZABLE")?;
        let mut tx = Tx::new(Backend::Postgres(session), self.fault.as_ref());
        let outcome = work.run(&mut tx);
        self.stats.statements.fetch_add(tx.statements, Ordering::Relaxed);
        let outcome = match outcome {
            Ok(()) => {
                self.fault("before-commit");
                session.batch("COMMIT").inspect(|()| self.fault("after-commit"))
            }
            Err(error) => {
                let _ = session.batch("ROLLBACK");
                Err(error)
            }
        };
        if started.elapsed().as_micros() > u128::from(limits::WRITE_BUDGET_MICROS) {
            self.stats.over_budget.fetch_add(1, Ordering::Relaxed);
        }
        if outcome.is_ok() {
            self.stats.writes.fetch_add(1, Ordering::Relaxed);
            self.stats.commits.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }
}

/// Read-only sessions, opened on demand and kept.
pub(super) struct Readers {
    url: String,
    schema: String,
    keep: usize,
    ms_max: u64,
    idle: Mutex<Vec<Session>>,
}

impl Readers {
    pub(super) fn new(url: &str, schema: &str, options: &Options) -> Self {
        let (keep, ms_max) = (options.readers, options.read_ms_max);
        Self { url: url.to_owned(), schema: schema.to_owned(), keep, ms_max, idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<(Result<T>, u64)> {
        let kept = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .filter(|session| !session.client.is_closed());
        let mut session = match kept {
            Some(session) => session,
            None => Session::connect(&self.url, &self.schema, self.ms_max)?,
        };
        session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let mut tx = Tx::new(Backend::Postgres(&mut session), None);
        let result = work(&mut tx);
        let statements = tx.statements;
        session.batch("ROLLBACK")?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.keep {
            idle.push(session);
        }
        Ok((result, statements))
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn placeholders_become_numbered_outside_of_quotes() {
        assert_eq!(numbered("SELECT '?1' WHERE a = ?1 AND b = ?22"), "SELECT '?1' WHERE a = $1 AND b = $22");
    }
}
