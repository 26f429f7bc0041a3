//! One server owns a schema: an advisory lock in a session of its own, held for as long as the database is open. The lock
//! file of the data folder cannot see a second server with another folder.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Session, failed};
use crate::error::{Error, Result};
use crate::limits;

/// How long a start waits for the session of a server that has just ended.
const PATIENCE: Duration = Duration::from_secs(5);
/// From one look at the session to the next.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long the session may take to say that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

pub(super) struct Claim {
    url: String,
    schema: String,
    held: Mutex<Held>,
}

struct Held {
    session: Option<Session>,
    looked: Instant,
}

impl Claim {
    /// Takes the schema, or says that another server has it.
    pub(super) fn take(url: &str, schema: &str) -> Result<Self> {
        Self::take_within(PATIENCE, url, schema)
    }

    fn take_within(patience: Duration, url: &str, schema: &str) -> Result<Self> {
        let begun = Instant::now();
        let mut session = connect(url, schema)?;
        while !try_lock(&mut session, schema)? {
            if begun.elapsed() > patience {
                return Err(taken(schema));
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        let held = Held { session: Some(session), looked: Instant::now() };
        Ok(Self { url: url.to_owned(), schema: schema.to_owned(), held: Mutex::new(held) })
    }

    /// Makes sure that the schema is still ours: now and then, and at once when another session was `lost`. A claim that
    /// went with its session is taken again, if nobody was faster.
    pub(super) fn keep(&self, lost: bool) -> Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = !lost && held.looked.elapsed() < LOOK_EVERY;
        if held.session.as_mut().is_some_and(|open| fresh || open.client.is_valid(SIGN_OF_LIFE).is_ok()) {
            if !fresh {
                held.looked = Instant::now();
            }
            return Ok(());
        }
        held.session = None;
        let mut session = connect(&self.url, &self.schema)?;
        if !try_lock(&mut session, &self.schema)? {
            return Err(taken(&self.schema));
        }
        *held = Held { session: Some(session), looked: Instant::now() };
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = held.session.as_mut().filter(|open| !open.client.is_closed()) {
            // The end of the session gives the lock back too, only a moment later.
            let _ = open.batch("SELECT pg_advisory_unlock_all()");
        }
    }
}

/// A session that shows by name what it is for, and that PostgreSQL ends within two minutes when this machine is gone.
fn connect(url: &str, schema: &str) -> Result<Session> {
    let mut session = Session::connect(url, schema, limits::WRITE_HARD_MS)?;
    session.batch(&format!(
        "SET application_name = 'mainstay {schema}'; SET idle_session_timeout = 0; \
         SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
    ))?;
    Ok(session)
}

fn try_lock(session: &mut Session, schema: &str) -> Result<bool> {
    let row =
        session.client.query_one("SELECT pg_try_advisory_lock($1)", &[&key(schema)]).map_err(|error| failed(&error))?;
    row.try_get(0).map_err(|error| Error::internal("postgres-row", error))
}

/// Advisory locks are numbers, and others may use them in the same database.
fn key(schema: &str) -> i64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("mainstay schema {schema}").as_bytes());
    digest.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

fn taken(schema: &str) -> Error {
    Error::conflict(format!(
        "The PostgreSQL schema \"{schema}\" is in use by another server. Stop that one (pg_stat_activity shows its session as \
         \"mainstay {schema}\"), or set another \"schema\" for this one. After a crash of its machine try again in two minutes."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schema of this test alone; without PostgreSQL there is nothing to claim.
    fn schema(name: &str) -> Option<(String, String)> {
        let url = std::env::var("MAINSTAY_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
        Some((url, format!("mainstay_claim_{name}_{}", std::process::id())))
    }

    fn end_sessions(url: &str, schema: &str) {
        let mut client = super::super::client(url).unwrap();
        let name = format!("mainstay {schema}");
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        assert_eq!(client.query(sql, &[&name]).unwrap().len(), 1);
    }

    #[test]
    fn each_schema_has_a_lock_of_its_own() {
        assert_eq!(key("mainstay"), key("mainstay"));
        assert_ne!(key("mainstay"), key("mainstay2"));
    }

    #[test]
    fn a_second_server_on_a_schema_is_refused_by_name_until_the_first_has_gone() {
        let Some((url, schema)) = schema("second") else { return };
        let first = Claim::take(&url, &schema).unwrap();
        let refused = Claim::take_within(Duration::ZERO, &url, &schema).err().unwrap();
        assert!(refused.message.contains(&format!("schema \"{schema}\"")), "{refused}");
        assert!(Claim::take_within(Duration::ZERO, &url, &format!("{schema}_other")).is_ok());
        drop(first);
        assert!(Claim::take_within(Duration::ZERO, &url, &schema).is_ok());
    }

    #[test]
    fn a_claim_whose_session_was_lost_is_taken_again_unless_another_server_was_faster() {
        let Some((url, schema)) = schema("lost") else { return };
        let claim = Claim::take(&url, &schema).unwrap();
        end_sessions(&url, &schema);
        claim.keep(true).unwrap();
        assert!(Claim::take_within(Duration::ZERO, &url, &schema).is_err(), "it was not taken again");
        end_sessions(&url, &schema);
        let other = Claim::take(&url, &schema).unwrap();
        assert!(claim.keep(true).unwrap_err().message.contains("another server"));
        drop(other);
        claim.keep(true).unwrap();
    }
}
