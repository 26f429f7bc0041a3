//! The database adapter: one closure API and one SQL text over SQLite and PostgreSQL.
//!
//! Reads run on the caller's thread with a read-only connection. Writes are queued closures: on SQLite one writer
//! thread commits them in groups, on PostgreSQL several threads run them SERIALIZABLE and repeat what collides.
//! A write closure may therefore run more than once and must touch nothing but its transaction.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::limits;

mod migrate;
mod pg;
mod queue;
mod sqlite;
mod tx;
mod value;

pub use migrate::{Migrated, Migration};
pub use queue::Priority;
pub use tx::{Query, Tx};
pub use value::{Row, Value};

/// Which engine a text is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded engine.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// Where a fault can be put by a test: called with the name of the point just before it is passed.
pub type FaultHook = Arc<dyn Fn(&'static str) + Send + Sync>;

/// How to open a database.
#[derive(Clone)]
pub enum Source {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL connection string, and the schema that holds the tables.
    Postgres(String, String),
}

/// Settings of an opened database.
#[derive(Clone)]
pub struct Options {
    /// Reader connections.
    pub readers: usize,
    /// Writer threads on PostgreSQL; SQLite has one.
    pub writers: usize,
    /// Fault points for tests.
    pub fault: Option<FaultHook>,
    /// Largest SQLite file in pages, for tests of a full disk.
    pub page_count_max: Option<u32>,
    /// Closures that may wait for a writer.
    pub write_queue_max: usize,
    /// Time after which the engine stops a read, in milliseconds.
    pub read_ms_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            writers: 4,
            fault: None,
            page_count_max: None,
            write_queue_max: limits::WRITE_QUEUE_MAX,
            read_ms_max: limits::READ_HARD_MS,
        }
    }
}

/// Counters of the adapter.
#[derive(Debug, Default)]
pub struct Stats {
    /// Write closures that were kept.
    pub writes: AtomicU64,
    /// Commits that carried them.
    pub commits: AtomicU64,
    /// Reads.
    pub reads: AtomicU64,
    /// Statements of all kinds.
    pub statements: AtomicU64,
    /// Write closures that took longer than their budget.
    pub over_budget: AtomicU64,
    /// Transactions repeated because of a collision.
    pub repeats: AtomicU64,
    /// Writes refused because the queue was full.
    pub refused: AtomicU64,
}

/// An open database. Cloning is cheap; the threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    stats: Arc<Stats>,
    queue: Arc<queue::Queue>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

enum Engine {
    Sqlite(sqlite::Readers),
    Postgres(pg::Readers),
}

impl Db {
    /// Opens or creates the database; migrations are a separate step.
    pub fn open(source: &Source, options: &Options) -> Result<Self> {
        let stats = Arc::new(Stats::default());
        let queue = Arc::new(queue::Queue::new(options.write_queue_max));
        let (engine, threads) = match source {
            Source::Sqlite(path) => {
                let writer = sqlite::spawn_writer(path, options, queue.clone(), stats.clone())?;
                (Engine::Sqlite(sqlite::Readers::open(path, options)?), vec![writer])
            }
            Source::Postgres(url, schema) => {
                let writers = pg::spawn_writers(url, schema, options, &queue, &stats)?;
                (Engine::Postgres(pg::Readers::new(url, schema, options)), writers)
            }
        };
        Ok(Self { inner: Arc::new(Inner { engine, stats, queue, threads }) })
    }

    /// Opens a database to read from it only, also beside the server that owns it: for copies of everything.
    ///
    /// # Errors
    /// There is none, or it cannot be reached.
    pub fn observe(source: &Source) -> Result<Self> {
        let options = Options { readers: 1, ..Options::default() };
        let queue = Arc::new(queue::Queue::new(0));
        queue.close();
        let engine = match source {
            Source::Sqlite(path) => Engine::Sqlite(sqlite::Readers::open(path, &options)?),
            Source::Postgres(url, schema) => Engine::Postgres(pg::Readers::new(url, schema, &options)),
        };
        Ok(Self { inner: Arc::new(Inner { engine, stats: Arc::default(), queue, threads: Vec::new() }) })
    }

    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        match self.inner.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.inner.stats
    }

    /// Closures that wait for a writer now.
    pub fn queue_len(&self) -> usize {
        self.inner.queue.len()
    }

    /// Runs a closure against one consistent snapshot, read-only, on this thread.
    pub fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.inner.stats.reads.fetch_add(1, Ordering::Relaxed);
        let (result, statements) = match &self.inner.engine {
            Engine::Sqlite(readers) => readers.read(work)?,
            Engine::Postgres(readers) => readers.read(work)?,
        };
        self.inner.stats.statements.fetch_add(statements, Ordering::Relaxed);
        result
    }

    /// Reads without a time limit, for copies of everything; the closure streams rows with [`Tx::each`].
    pub(crate) fn read_long<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let (result, _) = match &self.inner.engine {
            Engine::Sqlite(readers) => readers.read_within(u64::MAX, work)?,
            Engine::Postgres(readers) => readers.read(|tx| {
                tx.batch(pg::NO_TIME_LIMIT)?;
                work(tx)
            })?,
        };
        result
    }

    /// Runs a closure in a write transaction and waits until it is durable. The closure may run more than once.
    pub fn write<T, F>(&self, name: &'static str, priority: Priority, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.queue(name, priority, false, work)
    }

    /// Runs a closure like [`Db::write`] that always ends in an error: what it wrote is seen by itself alone.
    pub(crate) fn rehearse<T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.queue(name, Priority::Interactive, true, work)
    }

    fn queue<T, F>(&self, name: &'static str, priority: Priority, rehearsal: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        // A writer that waits for itself would wait for ever.
        let this = std::thread::current().id();
        if self.inner.threads.iter().any(|thread| thread.thread().id() == this) {
            return Err(Error::internal("write-inside-write", name));
        }
        let (work, answer) = queue::Job::new(name, rehearsal, work);
        if let Err(error) = self.inner.queue.push(priority, Box::new(work)) {
            self.inner.stats.refused.fetch_add(1, Ordering::Relaxed);
            return Err(error);
        }
        let lost = "The server could not finish this. Look whether it was done, then try again.";
        answer.recv().unwrap_or_else(|_| Err(Error::unavailable(lost).passing()))
    }

    /// What the engine finds wrong with its own file, in its words; empty when all is well. PostgreSQL looks after itself.
    pub fn problems(&self) -> Result<Vec<String>> {
        self.read_long(|tx| match tx.dialect() {
            Dialect::Sqlite => {
                let rows = tx.query("PRAGMA quick_check(20)", &[])?;
                let said = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
                Ok(said.into_iter().filter(|line| line != "ok").collect())
            }
            Dialect::Postgres => Ok(Vec::new()),
        })
    }

    /// Writes a consistent copy of a SQLite database to `path`; PostgreSQL has its own tools and answers `false`.
    pub fn copy_to(&self, path: &std::path::Path) -> Result<bool> {
        match &self.inner.engine {
            Engine::Sqlite(readers) => readers.copy_to(path).map(|()| true),
            Engine::Postgres(_) => Ok(false),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}
