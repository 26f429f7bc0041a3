//! SQLite: one writer thread with group commit, and a pool of read-only connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::queue::{Queue, Work};
use super::tx::{Backend, Tx};
use super::value::{Row, Value};
use super::{FaultHook, Options, Stats};
use crate::error::{Error, Result};
use crate::limits;

/// SQLite checks the deadline every so many virtual machine steps.
const STEPS_PER_CHECK: i32 = 20_000;

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ToSqlOutput::Borrowed;
        Ok(Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

/// Our words for an engine's error.
pub(super) fn failed(error: &rusqlite::Error) -> Error {
    let cause = Some(error.to_string());
    let with = |base: Error| Error { cause: cause.clone(), ..base };
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            with(Error::unavailable("The server's disk is full. Nothing was changed; free some space and try again."))
                .passing()
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => with(Error::unavailable(
            "The server cannot write its database file. Nothing was changed; look at its disk.",
        ))
        .passing(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            with(Error::unavailable("The database is busy. Nothing was changed; try again in a moment.")).passing()
        }
        Some(ErrorCode::OperationInterrupted) => {
            with(Error::unavailable("This took too long and was stopped. Nothing was changed; ask for less at once."))
        }
        Some(ErrorCode::ConstraintViolation) => {
            with(Error::conflict("This collides with something that exists already."))
        }
        _ => Error::internal("sqlite", error),
    }
}

/// Refuses to go on when SQLite has ended the transaction by itself (a full disk): a closure that swallowed that error
/// would write outside of any.
pub(super) fn must_be_open(connection: &Connection) -> Result<()> {
    if connection.is_autocommit() {
        let ended = "The database ended this change. Nothing was changed; try again in a moment.";
        return Err(Error::unavailable(ended).passing());
    }
    Ok(())
}

pub(super) fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(&error))?;
    let touched = statement.execute(params_from_iter(params)).map_err(|error| failed(&error))?;
    Ok(touched as u64)
}

/// All rows; `wrote` becomes true when the statement is not a plain question.
pub(super) fn query(connection: &Connection, sql: &str, params: &[Value], wrote: &mut bool) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(&error))?;
    *wrote |= !statement.readonly();
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(params)).map_err(|error| failed(&error))?;
    let mut answer = Vec::new();
    while let Some(found) = rows.next().map_err(|error| failed(&error))? {
        answer.push(row(found, columns)?);
    }
    Ok(answer)
}

pub(super) fn each(connection: &Connection, sql: &str, work: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let mut statement = connection.prepare(sql).map_err(|error| failed(&error))?;
    let columns = statement.column_count();
    let mut rows = statement.query([]).map_err(|error| failed(&error))?;
    while let Some(found) = rows.next().map_err(|error| failed(&error))? {
        work(row(found, columns)?)?;
    }
    Ok(())
}

fn row(found: &rusqlite::Row<'_>, columns: usize) -> Result<Row> {
    let mut values = Vec::with_capacity(columns);
    for column in 0..columns {
        values.push(match found.get_ref(column).map_err(|error| failed(&error))? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(value) => Value::Int(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
            ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
        });
    }
    Ok(Row(values))
}

/// Writes that take as long as they take.
pub(super) const UNBOUNDED: [&str; 2] = ["kernel.migrate", "kernel.restore"];

/// A deadline the engine looks at while it works.
#[derive(Clone)]
struct Deadline {
    start: Instant,
    ends_ms: Arc<AtomicU64>,
}

impl Deadline {
    fn install(connection: &Connection) -> Self {
        let deadline = Self { start: Instant::now(), ends_ms: Arc::new(AtomicU64::new(u64::MAX)) };
        let seen = deadline.clone();
        connection
            .progress_handler(STEPS_PER_CHECK, Some(move || seen.now_ms() > seen.ends_ms.load(Ordering::Relaxed)));
        deadline
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn set(&self, ms: u64) {
        self.ends_ms.store(self.now_ms().saturating_add(ms), Ordering::Relaxed);
    }

    fn clear(&self) {
        self.ends_ms.store(u64::MAX, Ordering::Relaxed);
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(|error| Error {
        cause: Some(error.to_string()),
        ..Error::unavailable(format!("The database file {} cannot be opened: {error}.", path.display()))
    })?;
    connection.set_prepared_statement_cache_capacity(512);
    connection.busy_timeout(Duration::from_secs(5)).map_err(|error| failed(&error))?;
    connection
        .execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA mmap_size = 268435456;")
        .map_err(|error| failed(&error))?;
    Ok(connection)
}

pub(super) fn spawn_writer(
    path: &Path,
    options: &Options,
    queue: Arc<Queue>,
    stats: Arc<Stats>,
) -> Result<JoinHandle<()>> {
    let connection = connect(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864;")
        .map_err(|error| failed(&error))?;
    if let Some(pages) = options.page_count_max {
        connection.pragma_update(None, "max_page_count", pages).map_err(|error| failed(&error))?;
    }
    let deadline = Deadline::install(&connection);
    let fault = options.fault.clone();
    std::thread::Builder::new()
        .name("db-writer".into())
        .spawn(move || {
            let writer = Writer { connection, deadline, stats, fault };
            while let Some(group) = queue.take(limits::WRITE_GROUP_MAX) {
                let size = group.len();
                writer.survive(group);
                if size >= limits::GATHER_FROM {
                    queue.gather(size + queue.len());
                }
            }
        })
        .map_err(|error| Error::internal("db-writer-thread", error))
}

/// Statements that run after the last closure of a group.
type Deferred = Vec<(&'static str, Vec<Value>)>;

/// What became of a group of writes.
enum Group {
    /// It is on disk; what each closure answered.
    Kept(Vec<Result<()>>),
    /// One closure failed after it had written: all of it was rolled back.
    Spoilt,
    /// The transaction ended early: all of it was rolled back.
    Lost,
}

/// Why a closure failed, and whether it may have written before.
struct Failure {
    error: Error,
    wrote: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, wrote: true }
    }
}

struct Writer {
    connection: Connection,
    deadline: Deadline,
    stats: Arc<Stats>,
    fault: Option<FaultHook>,
}

impl Writer {
    /// Commits a group; a panic of our own ends the group, whose callers are told, and not the only writer there is.
    fn survive(&self, group: Vec<Box<dyn Work>>) {
        if catch_unwind(AssertUnwindSafe(|| self.commit(group))).is_err() {
            tracing::error!("the database writer panicked; it goes on with the next writes");
            self.deadline.clear();
            if !self.connection.is_autocommit() {
                let _ = self.plain("ROLLBACK");
            }
        }
    }

    /// Runs a group in one transaction. A savepoint for each closure is a tenth of the cost of a write and hardly ever
    /// needed, since what fails mostly fails before it writes: only a spoilt group is run again with them. What ends the
    /// transaction early, a full disk, sends the closures one by one.
    fn commit(&self, mut group: Vec<Box<dyn Work>>) {
        let careful = group.iter().any(|work| work.is_rehearsal());
        let mut outcome = self.try_group(&mut group, careful);
        if matches!(outcome, Group::Spoilt) {
            outcome = self.try_group(&mut group, true);
        }
        match outcome {
            Group::Kept(outcomes) => {
                for (work, outcome) in group.into_iter().zip(outcomes) {
                    work.answer(outcome);
                }
            }
            Group::Spoilt | Group::Lost => {
                for work in group {
                    self.alone(work);
                }
            }
        }
    }

    fn try_group(&self, group: &mut [Box<dyn Work>], careful: bool) -> Group {
        if self.plain("BEGIN IMMEDIATE").is_err() {
            return Group::Lost;
        }
        let mut outcomes = Vec::with_capacity(group.len());
        let mut deferred = Vec::new();
        for work in group.iter_mut() {
            let outcome = if careful { self.savepoint(work.as_mut()) } else { self.timed(work.as_mut()) };
            if self.connection.is_autocommit() {
                return Group::Lost;
            }
            let outcome = match outcome {
                Err(failure) if failure.wrote && !careful => {
                    let _ = self.plain("ROLLBACK");
                    return Group::Spoilt;
                }
                outcome => outcome.map_err(|failure| failure.error),
            };
            outcomes.push(outcome.map(|mut last| deferred.append(&mut last)));
        }
        self.fault("before-commit");
        if self.run_deferred(&deferred).and_then(|()| self.plain("COMMIT")).is_err() {
            let _ = self.plain("ROLLBACK");
            return Group::Lost;
        }
        self.fault("after-commit");
        self.count(outcomes.iter().filter(|outcome| outcome.is_ok()).count());
        Group::Kept(outcomes)
    }

    fn savepoint(&self, work: &mut dyn Work) -> Result<Deferred, Failure> {
        self.plain("SAVEPOINT work")?;
        let outcome = self.timed(work);
        if self.connection.is_autocommit() {
            return outcome;
        }
        let undone = if outcome.is_err() { self.plain("ROLLBACK TO work") } else { Ok(()) };
        if undone.and_then(|()| self.plain("RELEASE work")).is_err() {
            // What failed may not be kept with the rest: the group is lost, and each runs alone.
            let _ = self.plain("ROLLBACK");
        }
        outcome
    }

    fn alone(&self, mut work: Box<dyn Work>) {
        let outcome = self.plain("BEGIN IMMEDIATE").and_then(|()| {
            let outcome = self.timed(work.as_mut()).map_err(|failure| failure.error).and_then(|last| {
                self.run_deferred(&last)?;
                self.plain("COMMIT")
            });
            if outcome.is_err() && !self.connection.is_autocommit() {
                let _ = self.plain("ROLLBACK");
            }
            outcome
        });
        if outcome.is_ok() {
            self.count(1);
        }
        work.answer(outcome);
    }

    fn timed(&self, work: &mut dyn Work) -> Result<Deferred, Failure> {
        let started = Instant::now();
        if !UNBOUNDED.contains(&work.name()) {
            self.deadline.set(limits::WRITE_HARD_MS);
        }
        let mut tx = Tx::new(Backend::Sqlite(&self.connection), self.fault.as_ref());
        let outcome = match work.run(&mut tx) {
            Ok(()) => Ok(std::mem::take(&mut tx.deferred)),
            Err(error) => Err(Failure { error, wrote: tx.wrote }),
        };
        self.stats.statements.fetch_add(tx.statements, Ordering::Relaxed);
        self.deadline.clear();
        let took = started.elapsed();
        if took.as_micros() > u128::from(limits::WRITE_BUDGET_MICROS) {
            self.stats.over_budget.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(operation = work.name(), took_ms = took.as_millis(), "a write took longer than its budget");
        }
        outcome
    }

    fn run_deferred(&self, statements: &Deferred) -> Result<()> {
        for (sql, params) in statements {
            self.fault("statement");
            execute(&self.connection, sql, params)?;
        }
        self.stats.statements.fetch_add(statements.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn plain(&self, sql: &str) -> Result<()> {
        execute(&self.connection, sql, &[]).map(|_| ())
    }

    fn count(&self, kept: usize) {
        self.stats.writes.fetch_add(kept as u64, Ordering::Relaxed);
        self.stats.commits.fetch_add(1, Ordering::Relaxed);
    }

    fn fault(&self, point: &'static str) {
        if let Some(fault) = &self.fault {
            fault(point);
        }
    }
}

/// The pool of read-only connections.
pub(super) struct Readers {
    path: PathBuf,
    ms_max: u64,
    idle: Mutex<Vec<(Connection, Deadline)>>,
    returned: Condvar,
}

impl Readers {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self> {
        let mut idle = Vec::new();
        for _ in 0..options.readers.max(1) {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            connection.execute_batch("PRAGMA query_only = ON;").map_err(|error| failed(&error))?;
            let deadline = Deadline::install(&connection);
            idle.push((connection, deadline));
        }
        Ok(Self {
            path: path.to_owned(),
            ms_max: options.read_ms_max,
            idle: Mutex::new(idle),
            returned: Condvar::new(),
        })
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<(Result<T>, u64)> {
        self.read_within(self.ms_max, work)
    }

    pub(super) fn read_within<T>(
        &self,
        ms: u64,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<(Result<T>, u64)> {
        let (connection, deadline) = self.take()?;
        let lent = Lent { readers: self, connection: Some((connection, deadline)) };
        let Some((connection, deadline)) = &lent.connection else { return Err(Error::internal("reader-lent", "")) };
        deadline.set(ms);
        execute(connection, "BEGIN", &[])?;
        let mut tx = Tx::new(Backend::Sqlite(connection), None);
        let result = work(&mut tx);
        Ok((result, tx.statements))
    }

    fn take(&self) -> Result<(Connection, Deadline)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = idle.pop() {
                return Ok(connection);
            }
            let (guard, timeout) =
                self.returned.wait_timeout(idle, Duration::from_secs(10)).unwrap_or_else(PoisonError::into_inner);
            idle = guard;
            if timeout.timed_out() && idle.is_empty() {
                return Err(Error::unavailable("All database readers are busy. Try again in a moment.").passing());
            }
        }
    }

    pub(super) fn copy_to(&self, path: &Path) -> Result<()> {
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        execute(&connection, "VACUUM INTO ?1", &[Value::Text(path.to_string_lossy().into_owned())]).map(|_| ())
    }
}

/// A connection on loan; it goes back even when the closure panics.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<(Connection, Deadline)>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some((connection, deadline)) = self.connection.take() {
            deadline.clear();
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, deadline));
            self.readers.returned.notify_one();
        }
    }
}
