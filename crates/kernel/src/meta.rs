//! The database's own state: which one it is, its epoch, whether its effects are held, and how much waits in it.

use crate::db::Tx;
use crate::error::Result;
use crate::time::Time;

mod store;

pub(crate) use store::{held, set_held};

/// The database's epoch; a restore bumps it so that nothing from before is mailed or run twice.
pub fn epoch(tx: &mut Tx<'_>) -> Result<i64> {
    store::epoch(tx)
}

/// Marks a restored database: a new epoch, and effects held until released.
pub fn restored(tx: &mut Tx<'_>) -> Result<()> {
    store::bump_epoch(tx)?;
    set_held(tx, true)
}

/// What waits to be done in the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that the slowest subscriber has not taken yet.
    pub events: i64,
    /// Jobs that wait, those for later included.
    pub jobs: i64,
    /// Of these, jobs whose time has come.
    pub jobs_due: i64,
    /// Jobs and reactions that were given up and wait for a person.
    pub dead_letters: i64,
}

/// How much waits at this moment.
///
/// # Errors
/// The database fails.
pub fn backlog(tx: &mut Tx<'_>, now: Time) -> Result<Backlog> {
    store::backlog(tx, now)
}
