//! Idempotency keys: a retry with the same key and input answers the first result again.

use serde_json::Value;

use crate::db::Tx;
use crate::dispatch::Call;
use crate::error::{Error, Result};
use crate::limits;
use crate::text::sha256_hex;
use crate::time::Time;

mod store;

fn digest(call: &Call) -> String {
    sha256_hex(format!("{}\n{}", call.operation, call.input).as_bytes())
}

/// The answer an earlier call with this key got, if it was the same call.
pub(crate) fn earlier(tx: &mut Tx<'_>, call: &Call, key: &str, now: Time) -> Result<Option<Value>> {
    if key.is_empty() || key.len() > 200 {
        return Err(Error::invalid("idempotency_key", "An idempotency key has 1 to 200 characters."));
    }
    match store::find(tx, &call.actor.ident.to_string(), key, now)? {
        None => Ok(None),
        Some((known, output)) if known == digest(call) => Ok(Some(output)),
        Some(_) => {
            Err(Error::conflict("This idempotency key was used for a different call. Use a new key for a new call."))
        }
    }
}

/// Keeps the answer for a day.
pub(crate) fn remember(tx: &mut Tx<'_>, call: &Call, key: &str, output: &Value, now: Time) -> Result<()> {
    store::put(tx, &call.actor.ident.to_string(), key, &digest(call), output, now.plus(limits::IDEMPOTENCY_MICROS))
}

/// Forgets keys that are past their day.
pub(crate) fn forget_old(tx: &mut Tx<'_>, now: Time) -> Result<u64> {
    store::delete_before(tx, now)
}
