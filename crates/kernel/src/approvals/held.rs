//! Dangerous operations that policy holds until somebody else agrees: kept with sealed input, run as who asked and no
//! further than the token they asked with.

use serde_json::Value;

use super::{ApprovalPolicy, NewApproval, store};
use crate::cx::Cx;
use crate::dispatch::{Call, Via};
use crate::error::{Error, ErrorKind, Result};
use crate::job::{Job, Running};
use crate::operation::{Effect, Entry};
use crate::permission::{self, Actor, Proof};
use crate::reference::Ref;
use crate::running::Handle;
use crate::settings;

/// True when policy wants an approval before this operation runs.
pub(crate) fn required(policy: &ApprovalPolicy, entry: &Entry) -> bool {
    entry.effect == Effect::Dangerous && policy.required.iter().any(|one| permission::matches(one, entry.name))
}

/// Holds a call when policy wants that, and says under which number.
pub(crate) fn hold(kernel: &Handle, call: &Call, entry: &Entry) -> Result<()> {
    if entry.effect != Effect::Dangerous || call.dry_run {
        return Ok(());
    }
    let policy = kernel.db.read(settings::store::get::<ApprovalPolicy>)?;
    if !required(&policy, entry) {
        return Ok(());
    }
    let (name, shown, input) = (entry.name, entry.redacted(&call.input), call.input.clone());
    let title = format!("{} asks to run {name}: {}", call.actor.name, entry.summary().trim_end_matches('.'));
    let id = kernel.write_as((*call.actor).clone(), "kernel.approval.request", move |cx| {
        let patterns = &cx.actor.patterns;
        let limit = patterns.join(", ");
        let plan_hash = cx.kernel.keys().keyed_digest(&format!("{}\n{name}\n{limit}\n{input}", cx.actor.ident))?;
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
        Ok(id)
    })?;
    Err(Error::held(id))
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
        idempotency_key: Some(format!("approval:{id}")),
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
