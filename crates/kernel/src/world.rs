//! A world for tests: a real database, a fake clock, the real dispatch. Used by every domain's tests.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::db::{Options, Source};
use crate::dispatch::{Answer, Call, Via};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Access, Effect};
use crate::permission::{Actor, Ident};
use crate::registry::Domain;
use crate::running::{Handle, Kernel, Settings};
use crate::time::{Clock, Time};

mod store;

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

    /// The steps by which SQLite would run a statement, for tests that a list goes by an index; `None` on PostgreSQL, which
    /// chooses by what is in the tables.
    pub fn plan(&self, sql: &str) -> Result<Option<Vec<String>>> {
        self.kernel.db.read(|tx| store::plan(tx, sql))
    }

    /// The steps by which a table would be read without a key, on either engine: none when an index can serve the statement.
    /// PostgreSQL is asked with its walks through whole tables switched off, as it prefers those while a table is small; which
    /// of several indexes it takes depends on what is in them and is not looked at.
    pub fn walks(&self, sql: &str, table: &str) -> Result<Vec<String>> {
        self.kernel.db.read(|tx| store::walks(tx, sql, table))
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

/// Tries every operation of a registry as nobody and as somebody without grants, and dangerous ones unconfirmed; answers
/// what was let through that should not have been.
pub fn try_every_operation(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    let stranger = Actor { ident: Ident::User(999_999_999), name: "Stranger".into(), ..Actor::nobody() };
    let kind = |actor: &Actor, name: &str| {
        let call = Call::new(Arc::new(actor.clone()), name, serde_json::json!({}), Via::Rest);
        world.kernel.dispatch(call).err().map(|error| error.kind)
    };
    for entry in world.kernel.registry().operations() {
        let mut expect = |who: &str, got: Option<ErrorKind>, wanted: ErrorKind| {
            if got != Some(wanted) {
                wrong.push(format!("{} as {who}: {got:?} instead of {wanted:?}", entry.name));
            }
        };
        if entry.access != Access::Anyone {
            expect("nobody", kind(&Actor::nobody(), entry.name), ErrorKind::SignIn);
        }
        if entry.access == Access::SignedIn {
            let limited = stranger.clone().narrowed(&["no.such.operation".to_owned()]);
            expect("a token for something else", kind(&limited, entry.name), ErrorKind::Denied);
        }
        if entry.access == Access::Grant {
            expect("a stranger", kind(&stranger, entry.name), ErrorKind::Denied);
        }
        if entry.effect == Effect::Dangerous && entry.access != Access::Anyone {
            expect("an owner who did not confirm", kind(&Actor::os("owner"), entry.name), ErrorKind::Unconfirmed);
        }
    }
    wrong
}

/// The tables of one domain as SQLite has them, sorted by name: what its `schema.sql` shows.
pub fn schema_text(domains: Vec<Domain>, name: &str) -> Result<String> {
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("mainstay_schema_{}_{number}", std::process::id()));
    let source = Source::Sqlite(folder.join("mainstay.db"));
    let world = World::open(domains, Options::default(), source, folder, Clock::fake(START))?;
    let prefix = format!("{name}_");
    world.kernel.db.read(|tx| store::schema(tx, &prefix))
}

/// Compares a domain's `schema.sql` with its tables; with `UPDATE_SCHEMA=1` in the environment it writes the file.
pub fn check_schema(path: &std::path::Path, text: &str) -> Result<()> {
    let wrong = |error: std::io::Error| Error::internal("schema-file", format!("{}: {error}", path.display()));
    if std::env::var("UPDATE_SCHEMA").is_ok_and(|value| value == "1") {
        return std::fs::write(path, text).map_err(wrong);
    }
    if std::fs::read_to_string(path).map_err(wrong)? == text {
        return Ok(());
    }
    let message =
        format!("{} does not show the tables as they are. Run the tests with UPDATE_SCHEMA=1.", path.display());
    Err(Error::conflict(message))
}

impl Drop for World {
    fn drop(&mut self) {
        self.kernel.shut_down();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
