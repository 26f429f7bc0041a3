//! Idempotency keys: a retry with the same key and input answers the first result again. Inputs hold passwords and answers
//! hold new tokens, so the input is kept as a digest under the master key and the answer is sealed with it.

use serde_json::Value;

use crate::db::Tx;
use crate::dispatch::Call;
use crate::error::{Error, Result};
use crate::limits;
use crate::permission::Ident;
use crate::running::Kernel;
use crate::secrets::Sealed;
use crate::text::{hex, unhex};
use crate::time::Time;

mod store;

/// After the master key was changed a retry is told that its key was used, which repeats nothing.
fn digest(kernel: &Kernel, call: &Call) -> Result<String> {
    kernel.keys().keyed_digest(&format!("idempotency\n{}\n{}", call.operation, plain(&call.input)))
}

/// An input as text whose keys are in order, whoever wrote them down.
pub(crate) fn plain(value: &Value) -> String {
    fn ordered(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(ordered).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                Value::Object(fields.into_iter().map(|(name, value)| (name.clone(), ordered(value))).collect())
            }
            other => other.clone(),
        }
    }
    ordered(value).to_string()
}

/// Marks a key whose call waits for an approval instead of having an answer.
const HELD: &str = "held ";

/// The name an answer is sealed under: it opens for this actor and key only.
fn name(call: &Call, key: &str) -> String {
    format!("kernel.idempotency.{}.{key}", call.actor.ident)
}

/// The answer an earlier call with this key got, if it was the same call. Strangers share no keys: they have none.
pub(crate) fn earlier(kernel: &Kernel, tx: &mut Tx<'_>, call: &Call, key: &str, now: Time) -> Result<Option<Value>> {
    if key.is_empty() || key.len() > 200 {
        return Err(Error::invalid("idempotency_key", "An idempotency key has 1 to 200 characters."));
    }
    if call.actor.ident == Ident::Nobody {
        return Ok(None);
    }
    match store::find(tx, &call.actor.ident.to_string(), key, now)? {
        None => Ok(None),
        Some((known, output)) if known == digest(kernel, call)? => match output.strip_prefix(HELD).map(str::parse) {
            Some(Ok(approval)) => crate::approvals::held::again(kernel, tx, call, approval, now),
            _ => opened(kernel, &name(call, key), &output).map(Some),
        },
        Some(_) => {
            Err(Error::conflict("This idempotency key was used for a different call. Use a new key for a new call."))
        }
    }
}

/// Keeps the answer for a day.
pub(crate) fn remember(
    kernel: &Kernel,
    tx: &mut Tx<'_>,
    call: &Call,
    key: &str,
    output: &Value,
    now: Time,
) -> Result<()> {
    if call.actor.ident == Ident::Nobody {
        return Ok(());
    }
    let sealed = kernel.keys().seal(&name(call, key), output.to_string().as_bytes())?;
    let packed = format!("{} {} {}", sealed.key, hex(&sealed.nonce), hex(&sealed.bytes));
    let (actor, until) = (call.actor.ident.to_string(), now.plus(limits::IDEMPOTENCY_MICROS));
    store::put(tx, &actor, key, &digest(kernel, call)?, &packed, until)
}

/// Keeps that a call waits for an approval, for as long as that may take and a day more.
pub(crate) fn remember_held(
    kernel: &Kernel,
    tx: &mut Tx<'_>,
    call: &Call,
    key: &str,
    approval: i64,
    now: Time,
) -> Result<()> {
    let until = now.plus(limits::APPROVAL_MICROS + limits::IDEMPOTENCY_MICROS);
    store::put(tx, &call.actor.ident.to_string(), key, &digest(kernel, call)?, &format!("{HELD}{approval}"), until)
}

fn opened(kernel: &Kernel, name: &str, packed: &str) -> Result<Value> {
    let damaged = || Error::internal("idempotency-damaged", name);
    let mut parts = packed.split(' ');
    let (Some(key), Some(nonce), Some(bytes)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(damaged());
    };
    let sealed = Sealed {
        key: key.to_owned(),
        nonce: unhex(nonce).ok_or_else(damaged)?,
        bytes: unhex(bytes).ok_or_else(damaged)?,
    };
    serde_json::from_slice(&kernel.keys().unseal(name, sealed)?).map_err(|_| damaged())
}

/// Forgets keys that are past their day.
pub(crate) fn forget_old(tx: &mut Tx<'_>, now: Time) -> Result<u64> {
    store::delete_before(tx, now)
}
