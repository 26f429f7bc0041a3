//! A world for tests: a real database, a fake clock, the real dispatch. Used by every domain's tests.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::db::{Options, Source};
use crate::dispatch::{Answer, Call, Via};
use crate::error::{Error, Result};
use crate::permission::Actor;
use crate::registry::Domain;
use crate::running::{Handle, Kernel, Settings};
use crate::time::{Clock, Time};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Where a world starts: 2026-03-02T08:00:00Z, a Monday.
pub const START: Time = Time(1_772_438_400_000_000);

/// A kernel on a database of its own. With `MAINSTAY_TEST_POSTGRES` set to a connection string it is PostgreSQL, else SQLite.
pub struct World {
    /// The kernel.
    pub kernel: Handle,
    /// The clock, to be moved by hand.
    pub clock: Clock,
    folder: PathBuf,
}

impl World {
    /// A new empty world of these domains (the kernel's own is added).
    pub fn new(domains: Vec<Domain>) -> Result<Self> {
        Self::with(domains, Options::default())
    }

    /// A new world with database options.
    pub fn with(domains: Vec<Domain>, options: Options) -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("mainstay_test_{}_{number}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|error| Error::internal("test-folder", error))?;
        let source = match std::env::var("MAINSTAY_TEST_POSTGRES") {
            Ok(url) if !url.is_empty() => Source::Postgres(url, name),
            _ => Source::Sqlite(folder.join("mainstay.db")),
        };
        Self::open(domains, options, source, folder, Clock::fake(START))
    }

    /// Opens a world on a folder that exists, for tests of restarts. The folder is removed when the world is dropped.
    pub fn open(domains: Vec<Domain>, options: Options, source: Source, folder: PathBuf, clock: Clock) -> Result<Self> {
        let mut all = vec![crate::domain()];
        all.extend(domains);
        let settings = Settings {
            source,
            options: Options { readers: 2, writers: 2, ..options },
            data: folder.clone(),
            key_file: folder.join("key"),
            clock: clock.clone(),
            domains: all,
        };
        Ok(Self { kernel: Kernel::open(settings)?, clock, folder })
    }

    /// The data folder.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Calls an operation as an actor, confirmed, and answers its output.
    pub fn call(&self, actor: &Actor, operation: &str, input: Value) -> Result<Value> {
        self.answer(actor, operation, input).map(|answer| answer.output)
    }

    /// Calls an operation as an actor, confirmed.
    pub fn answer(&self, actor: &Actor, operation: &str, input: Value) -> Result<Answer> {
        let call = Call { confirmed: true, ..Call::new(Arc::new(actor.clone()), operation, input, Via::Rest) };
        self.kernel.dispatch(call)
    }

    /// Runs events and jobs until nothing is left to do at this moment.
    pub fn settle(&self) -> Result<()> {
        self.kernel.settle()
    }

    /// Moves the clock and settles.
    pub fn pass(&self, micros: i64) -> Result<()> {
        self.clock.advance(micros);
        self.kernel.run_schedules()?;
        self.kernel.settle()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kernel.shut_down();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
