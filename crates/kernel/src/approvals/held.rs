//! Dangerous operations that policy holds until somebody else agrees: kept with sealed input, run as who asked and no
//! further than the token they asked with.

use serde_json::Value;

use super::{ApprovalPolicy, NewApproval, store};
use crate::cx::Cx;
use crate::db::Tx;
use crate::dispatch::{Call, Via};
use crate::error::{Error, ErrorKind, Result};
use crate::idempotency;
use crate::job::{Job, Running};
use crate::operation::{Effect, Entry, Guard};
use crate::permission::{self, Actor, Proof};
use crate::reference::Ref;
use crate::running::{Handle, Kernel};
use crate::settings;
use crate::time::Time;

/// True when policy wants an approval before this call runs.
pub(crate) fn required(policy: &ApprovalPolicy, entry: &Entry, guard: Guard) -> bool {
    let named = |name: &str| policy.required.iter().any(|one| permission::matches(one, name));
    match guard {
        Guard::Safeguard => !policy.required.is_empty(),
        Guard::Like(name) => named(name) || named(entry.name),
        Guard::Declared => entry.effect == Effect::Dangerous && named(entry.name),
    }
}

/// Holds a call when policy wants that, and says under which number.
pub(crate) fn hold(kernel: &Handle, call: &Call, entry: &Entry, guard: Guard) -> Result<()> {
    let policy = kernel.db.read(settings::store::get::<ApprovalPolicy>)?;
    if !required(&policy, entry, guard) {
        return Ok(());
    }
    let (name, shown, input) = (entry.name, settings::sealed::shown(kernel, entry, &call.input), call.input.clone());
    let (call, plain) = (call.clone(), idempotency::plain(&input));
    let title = format!("{} asks to run {name}: {}", call.actor.name, entry.summary().trim_end_matches('.'));
    let id = kernel.write_as((*call.actor).clone(), "kernel.approval.request", move |cx| {
        let patterns = &cx.actor.patterns;
        let limit = patterns.join(", ");
        let plan_hash = cx.kernel.keys().keyed_digest(&format!("{}\n{name}\n{limit}\n{plain}", cx.actor.ident))?;
        let limit = if limit.is_empty() { limit } else { format!("\nAsked with a token for {limit} only.") };
        let new = NewApproval {
            subject: Ref::new("approval", 0),
            title: title.clone(),
            detail: format!("Input: {shown}{limit}"),
            plan_hash,
            requires: name.to_owned(),
            team: None,
            requested_by: None,
            expires_at: None,
        };
        let id = cx.request(&new, Some(&store::Held { operation: name, input: &shown, patterns }))?;
        cx.put_secret(&secret(id), input.to_string().as_bytes())?;
        if let Some(key) = &call.idempotency_key {
            idempotency::remember_held(cx.kernel, cx.tx, &call, key, id, cx.now)?;
        }
        Ok(id)
    })?;
    Err(Error::held(id))
}

/// What a repeated call hears that was held before: the same number while it waits, then the answer it got.
pub(crate) fn again(kernel: &Kernel, tx: &mut Tx<'_>, call: &Call, id: i64, now: Time) -> Result<Option<Value>> {
    let Some(approval) = store::get(tx, id)? else { return Ok(None) };
    let ended = |how: &str| {
        Error::conflict(format!("This call waited as approval:{id}, and {how}. Use a new key to ask again."))
    };
    match (approval.state.as_str(), approval.outcome.as_str()) {
        ("pending", _) | ("approved", "") => Err(Error::held(id)),
        ("approved", outcome) => match idempotency::earlier(kernel, tx, call, &key(id), now)? {
            None => Err(ended(&format!("it ran: {outcome}"))),
            output => Ok(output),
        },
        (state, _) => Err(ended(&format!("the approval is {state}"))),
    }
}

/// The idempotency key of a held call when it runs.
fn key(approval: i64) -> String {
    format!("approval:{approval}")
}

fn secret(approval: i64) -> String {
    format!("kernel.approval.{approval}.input")
}

pub(super) fn forget(cx: &mut Cx, approval: i64) -> Result<()> {
    cx.drop_secret(&secret(approval))
}

pub(super) fn enqueue(cx: &mut Cx, approval: i64) -> Result<()> {
    cx.enqueue(&Job::new("kernel.run-approved", &approval)?)
}

/// Runs what was approved, as who asked for it, with the grants they have now under the patterns of the token they came
/// with. Harmless to repeat: the call carries the
/// approval's number as its idempotency key.
pub(crate) fn run_approved(running: &Running<'_>) -> Result<()> {
    let id: i64 = running.input()?;
    let kernel = running.kernel;
    let (approval, input, actor) = kernel.read_as(&Actor::service("kernel.approvals", &[]), |cx| {
        let approval = store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("approval:{id}")))?;
        let input = cx.secret(&secret(id))?;
        let actor = cx.kernel.actor(cx.tx, &approval.requested_by.parse()?)?.narrowed(&approval.patterns);
        Ok((approval, input, actor))
    })?;
    let Some(input) = input else { return Ok(()) };
    let input: Value = serde_json::from_slice(&input).map_err(|error| Error::internal("held-input", error))?;
    let call = Call {
        idempotency_key: Some(key(id)),
        confirmed: true,
        ..Call::new(Actor { proof: Proof::Standing, ..actor }.into(), &approval.operation, input, Via::Job)
    };
    let outcome = match crate::dispatch::dispatch_approved(kernel, call) {
        Ok(_) => "done".to_owned(),
        Err(error) if matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Internal) => return Err(error),
        Err(error) => format!("failed: {error}"),
    };
    kernel.write_as(Actor::service("kernel.approvals", &[]), "kernel.approval.ran", move |cx| {
        forget(cx, id)?;
        cx.changed(&Ref::new("approval", id), "outcome", "", &outcome)?;
        store::set_outcome(cx.tx, id, &outcome)
    })
}
