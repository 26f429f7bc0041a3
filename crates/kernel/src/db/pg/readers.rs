//! Read-only sessions: opened on demand, never more than a fixed number, and kept.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Session;
use crate::db::Options;
use crate::db::tx::{Backend, Tx};
use crate::error::{Error, Result};

/// Sessions for each reader that SQLite would have: here a read mostly waits for the other side.
const SESSIONS_PER_READER: usize = 4;
/// How long a read waits for a session.
const PATIENCE: Duration = Duration::from_secs(10);

pub(in crate::db) struct Readers {
    url: String,
    schema: String,
    ms_max: u64,
    pool: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    idle: Vec<Session>,
    /// Sessions that may still be opened.
    more: usize,
}

impl Readers {
    pub(in crate::db) fn new(url: &str, schema: &str, options: &Options) -> Self {
        let pool = Pool { idle: Vec::new(), more: options.readers.max(1) * SESSIONS_PER_READER };
        Self {
            url: url.to_owned(),
            schema: schema.to_owned(),
            ms_max: options.read_ms_max,
            pool: Mutex::new(pool),
            returned: Condvar::new(),
        }
    }

    pub(in crate::db) fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<(Result<T>, u64)> {
        let mut lent = Lent { readers: self, session: self.take()? };
        let mut tx = Tx::new(Backend::Postgres(lent.begin()?), None);
        let result = work(&mut tx);
        Ok((result, tx.statements))
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle session, or the right to open one.
    fn take(&self) -> Result<Option<Session>> {
        let mut pool = self.pool();
        loop {
            if let Some(session) = pool.idle.pop() {
                return Ok(Some(session));
            }
            if pool.more > 0 {
                pool.more -= 1;
                return Ok(None);
            }
            let (guard, timeout) = self.returned.wait_timeout(pool, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            pool = guard;
            if timeout.timed_out() && pool.idle.is_empty() && pool.more == 0 {
                return Err(Error::unavailable("All database readers are busy. Try again in a moment.").passing());
            }
        }
    }
}

/// A session on loan, or the right to one; it goes back even when the closure panics.
struct Lent<'a> {
    readers: &'a Readers,
    session: Option<Session>,
}

impl Lent<'_> {
    /// A transaction in the session; a connection that died while it was idle is replaced.
    fn begin(&mut self) -> Result<&mut Session> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let kept = self.session.take().and_then(|mut session| session.begin(BEGIN).is_ok().then_some(session));
        let session = match kept {
            Some(session) => session,
            None => {
                let mut session = Session::connect(&self.readers.url, &self.readers.schema, self.readers.ms_max)?;
                session.begin(BEGIN)?;
                session
            }
        };
        Ok(self.session.insert(session))
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let kept = self.session.take().and_then(|mut session| session.roll_back().then_some(session));
        let mut pool = self.readers.pool();
        match kept {
            Some(session) => pool.idle.push(session),
            None => pool.more += 1,
        }
        drop(pool);
        self.readers.returned.notify_one();
    }
}
