//! The database's own identity: which one it is, its epoch, and whether its effects are held.

use crate::db::Tx;
use crate::error::Result;

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
