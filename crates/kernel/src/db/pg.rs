//! PostgreSQL: the same closures on several threads, SERIALIZABLE, repeated when they collide.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use postgres::{Client, NoTls, Statement};

use super::queue::{Queue, Work};
use super::tx::{Backend, Tx};
use super::value::{Row, Value};
use super::{FaultHook, Options, Stats};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

mod claim;
mod latest;
mod readers;

use latest::Latest;
pub(super) use readers::Readers;

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
            ..with(Error::unavailable("Others changed the same thing at the same time. Try again.")).passing()
        },
        "53100" => {
            with(Error::unavailable("The database's disk is full. Nothing was changed; free some space and try again."))
                .passing()
        }
        "57014" => {
            with(Error::unavailable("This took too long and was stopped. Nothing was changed; ask for less at once."))
        }
        code if code.starts_with("23") => with(Error::conflict("This collides with something that exists already.")),
        code if ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
            || code.is_empty() && is_lost(error) =>
        {
            with(Error::unavailable("The connection to the database was lost. Try again in a moment.")).passing()
        }
        _ => Error::internal("postgres", cause),
    }
}

/// How long opening a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// After so long without an answer to what was sent a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(30);

fn client(url: &str) -> Result<Client> {
    let unreachable = |error: postgres::Error| Error {
        cause: Some(error.to_string()),
        ..Error::unavailable(format!(
            "PostgreSQL cannot be reached: {error}. Check the connection string and the server."
        ))
        .passing()
    };
    let mut config: postgres::Config = url.parse().map_err(unreachable)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIME);
    }
    config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
    config.connect(NoTls).map_err(unreachable)
}

/// Makes the schema unless it is there.
fn make_schema(url: &str, schema: &str) -> Result<()> {
    if !schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(Error::invalid("schema", "A schema name has lower case letters, digits and underscores only."));
    }
    let mut client = client(url)?;
    let is_there = |client: &mut Client| {
        let found = client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]);
        found.map(|rows| !rows.is_empty()).map_err(|error| failed(&error))
    };
    if is_there(&mut client)? {
        return Ok(());
    }
    let made = client.batch_execute(&format!("CREATE SCHEMA {schema}"));
    // Somebody else may have made it meanwhile.
    if is_there(&mut client)? { Ok(()) } else { made.map_err(|error| failed(&error)) }
}

/// Lifts the time limit until the end of the transaction.
pub(super) const NO_TIME_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// One connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    prepared: Latest<Statement>,
    /// The first error in the transaction: after one the engine takes nothing more and keeps nothing.
    broken: Option<Error>,
}

impl Session {
    fn connect(url: &str, schema: &str, timeout_ms: u64) -> Result<Self> {
        let mut client = client(url)?;
        client
            .batch_execute(&format!(
                "SET client_min_messages = warning; SET search_path = {schema}; SET statement_timeout = {timeout_ms}; SET jit = off"
            ))
            .map_err(|error| failed(&error))?;
        Ok(Self { client, prepared: Latest::new(limits::STATEMENTS_MAX), broken: None })
    }

    /// Begins a transaction.
    fn begin(&mut self, sql: &str) -> Result<()> {
        self.broken = None;
        self.client.batch_execute(sql).map_err(|error| failed(&error))
    }

    /// Ends a transaction without keeping it; answers whether the connection is good for another.
    fn roll_back(&mut self) -> bool {
        self.client.batch_execute("ROLLBACK").is_ok()
    }

    fn noted<T>(&mut self, outcome: std::result::Result<T, postgres::Error>) -> Result<T> {
        outcome.map_err(|error| {
            let error = failed(&error);
            self.broken.get_or_insert_with(|| error.clone());
            error
        })
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement);
        }
        let statement = self.client.prepare(&numbered(sql));
        let statement = self.noted(statement)?;
        self.prepared.put(sql, statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let touched = self.client.execute(&statement, &params);
        self.noted(touched)
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&statement, &params);
        self.noted(rows)?.iter().map(row).collect()
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
        let done = self.client.batch_execute(sql);
        self.noted(done)
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
    make_schema(url, schema)?;
    let mut threads = Vec::new();
    let claim = Arc::new(claim::Claim::take(url, schema)?);
    for number in 0..options.writers.max(1) {
        let session = Session::connect(url, schema, limits::WRITE_HARD_MS)?;
        let writer = Writer {
            url: url.to_owned(),
            schema: schema.to_owned(),
            stats: stats.clone(),
            fault: options.fault.clone(),
            claim: claim.clone(),
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
    claim: Arc<claim::Claim>,
}

impl Writer {
    fn serve(&self, session: Session, queue: &Queue) {
        let mut session = Some(session);
        while let Some(group) = queue.take(1) {
            for mut work in group {
                let outcome = catch_unwind(AssertUnwindSafe(|| self.repeat(&mut session, work.as_mut())));
                let outcome = outcome.unwrap_or_else(|_| {
                    // A panic of our own: the connection may stand anywhere.
                    session = None;
                    Err(Error::internal("db-writer-panicked", work.name()))
                });
                work.answer(outcome);
            }
        }
    }

    fn repeat(&self, session: &mut Option<Session>, work: &mut dyn Work) -> Result<()> {
        let mut tries = 0;
        loop {
            let mut open = self.begin(session.take())?;
            let outcome = self.once(&mut open, work);
            if outcome.is_ok() || open.roll_back() {
                *session = Some(open);
            }
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

    /// A session with an open transaction. A connection that turns out dead is replaced: nothing ran in it yet.
    fn begin(&self, kept: Option<Session>) -> Result<Session> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
        if let Some(mut session) = kept {
            self.claim.keep(false)?;
            if session.begin(BEGIN).is_ok() {
                return Ok(session);
            }
        }
        let mut session = Session::connect(&self.url, &self.schema, limits::WRITE_HARD_MS)?;
        self.claim.keep(true)?;
        session.begin(BEGIN)?;
        Ok(session)
    }

    fn fault(&self, point: &'static str) {
        if let Some(fault) = &self.fault {
            fault(point);
        }
    }

    /// Runs a closure and commits. A statement that failed has ended the transaction whatever the closure made of it, and
    /// the engine would answer COMMIT without an error.
    fn once(&self, session: &mut Session, work: &mut dyn Work) -> Result<()> {
        let started = Instant::now();
        let mut tx = Tx::new(Backend::Postgres(session), self.fault.as_ref());
        let outcome = work.run(&mut tx);
        self.stats.statements.fetch_add(tx.statements, Ordering::Relaxed);
        let outcome = match (outcome, session.broken.take()) {
            (Err(error), Some(first)) if !first.retry && error.kind != ErrorKind::Internal => Err(error),
            (_, Some(first)) => Err(first),
            (outcome, None) => outcome,
        };
        let outcome = outcome.and_then(|()| {
            self.fault("before-commit");
            session.batch("COMMIT").inspect(|()| self.fault("after-commit"))
        });
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

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn placeholders_become_numbered_outside_of_quotes() {
        assert_eq!(numbered("SELECT '?1' WHERE a = ?1 AND b = ?22"), "SELECT '?1' WHERE a = $1 AND b = $22");
    }
}
