//! The one door: decode and bound, authorise, prepare, begin, run, audit, events, commit, wake the relay.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::approvals;
use crate::audit::{self, Outcome};
use crate::cx::{Cx, FieldChange, Log, PrepareCx};
use crate::db::{Priority, Tx};
use crate::error::{Error, ErrorKind, Result};
use crate::event;
use crate::idempotency;
use crate::limits;
use crate::operation::{Decoded, Effect, Entry, Guard};
use crate::permission::{Actor, Proof, Reach};
use crate::reference::Ref;
use crate::running::{Handle, Kernel};
use crate::time::Time;

/// Through which door a call came; part of the audit entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// REST.
    Rest,
    /// A form or button in the console or the portal.
    Page,
    /// The CLI over the local socket.
    Cli,
    /// A reaction to an event.
    Reaction,
    /// A job.
    Job,
    /// A runbook step.
    Runbook,
}

impl Via {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Page => "page",
            Self::Cli => "cli",
            Self::Reaction => "reaction",
            Self::Job => "job",
            Self::Runbook => "runbook",
        }
    }
}

/// A call of an operation.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub actor: Arc<Actor>,
    /// The operation's name.
    pub operation: String,
    /// Its input.
    pub input: Value,
    /// Through which door.
    pub via: Via,
    /// Makes a retry harmless: the same key and input answer the first result again.
    pub idempotency_key: Option<String>,
    /// Only compute the difference; nothing is kept.
    pub dry_run: bool,
    /// The actor confirmed a dangerous operation.
    pub confirmed: bool,
}

impl Call {
    /// A plain call.
    pub fn new(actor: Arc<Actor>, operation: &str, input: Value, via: Via) -> Self {
        Self { actor, operation: operation.into(), input, via, idempotency_key: None, dry_run: false, confirmed: false }
    }
}

/// What a call answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The operation's output.
    pub output: Value,
    /// The difference it made, or would make.
    pub changes: Vec<FieldChange>,
    /// The audit entry, for undo.
    pub audit: Option<i64>,
    /// True when an idempotency key brought back an earlier answer.
    pub replayed: bool,
}

impl Answer {
    /// What an idempotency key brought back.
    fn replayed(output: Value) -> Self {
        Self { output, changes: Vec::new(), audit: None, replayed: true }
    }
}

/// Runs a call, or holds it when policy wants an approval first.
pub(crate) fn dispatch(kernel: &Handle, call: Call) -> Result<Answer> {
    run(kernel, call, false)
}

/// Runs a call that was held and has been approved.
pub(crate) fn dispatch_approved(kernel: &Handle, call: Call) -> Result<Answer> {
    run(kernel, call, true)
}

fn run(kernel: &Handle, call: Call, approved: bool) -> Result<Answer> {
    let registry = kernel.registry();
    let entry = registry
        .operation(&call.operation)
        .ok_or_else(|| Error::not_found(format!("The operation \"{}\"", crate::text::shorten(&call.operation, 80))))?;
    let (now, actor, via) = (kernel.now(), call.actor.clone(), call.via.as_str());
    let outcome = answer(kernel, entry, call, approved, now);
    if let Err(error) = &outcome {
        if error.is_refusal() {
            audit::refused(kernel, &actor, entry.name, via, error, now);
        }
        if error.kind == ErrorKind::Internal {
            tracing::error!(operation = entry.name, error = error.message, cause = error.cause, "an operation failed");
        }
    }
    outcome
}

/// How far an actor's grant for an operation reaches, for what is asked outside of it under its name. A refusal is kept.
pub(crate) fn reach(kernel: &Handle, actor: &Actor, operation: &'static str, via: Via) -> Result<Reach> {
    let now = kernel.now();
    let found = match actor.reach(operation, now) {
        Some(reach) => Ok(reach),
        None if actor.ident == crate::permission::Ident::Nobody => Err(Error::sign_in()),
        None => Err(Error::denied(operation)),
    };
    if let Err(error) = &found {
        audit::refused(kernel, actor, operation, via.as_str(), error, now);
    }
    found
}

fn answer(kernel: &Handle, entry: &Entry, mut call: Call, approved: bool, now: Time) -> Result<Answer> {
    allowed(entry, &call, now)?;
    kernel.registry().numbers(entry, &mut call.input)?;
    let mut decoded = entry.decode(call.input.clone())?;
    let prepare = PrepareCx { kernel, actor: &call.actor, now, dry_run: call.dry_run };
    let guard = decoded.guard(&prepare)?;
    if (guard != Guard::Declared || entry.effect == Effect::Dangerous) && !call.dry_run {
        confirmed(entry, &call, now)?;
        if !approved {
            if let Some(key) = &call.idempotency_key
                && let Some(output) = kernel.db.read(|tx| idempotency::earlier(kernel, tx, &call, key, now))?
            {
                return Ok(Answer::replayed(output));
            }
            approvals::held::hold(kernel, &call, entry, guard)?;
        }
    }
    // What is done before the transaction is not done again for a key whose answer is known.
    if entry.effect != Effect::Read
        && let Some(key) = &call.idempotency_key
        && let Some(output) = kernel.db.read(|tx| idempotency::earlier(kernel, tx, &call, key, now))?
    {
        return Ok(Answer::replayed(output));
    }
    decoded.prepare(&prepare)?;
    match entry.effect {
        Effect::Read => read(kernel, &call, decoded.as_ref(), now),
        Effect::Write | Effect::Dangerous => write(kernel, call, decoded, now),
    }
}

fn allowed(entry: &Entry, call: &Call, now: Time) -> Result<()> {
    use crate::operation::Access;
    let nobody = call.actor.ident == crate::permission::Ident::Nobody;
    match entry.access {
        Access::Anyone => {}
        _ if nobody => return Err(Error::sign_in()),
        Access::SignedIn if !call.actor.fits(entry.name) => return Err(Error::outside_token(entry.name)),
        Access::SignedIn => {}
        Access::Grant if call.actor.reach(entry.name, now).is_none() => return Err(Error::denied(entry.name)),
        Access::Grant => {}
    }
    // What can do harm whatever it is given is refused before its input is looked at.
    if entry.effect == Effect::Dangerous && !call.dry_run { confirmed(entry, call, now) } else { Ok(()) }
}

fn confirmed(entry: &Entry, call: &Call, now: Time) -> Result<()> {
    if !call.confirmed {
        return Err(Error::unconfirmed(format!(
            "\"{}\" can do harm and was not confirmed. Confirm it, or use --yes on the command line.",
            entry.name
        )));
    }
    match call.actor.proof {
        Proof::Standing => Ok(()),
        Proof::At(at) if now.since(at) <= limits::PROOF_MICROS => Ok(()),
        _ => Err(Error::unconfirmed(
            "This needs a proof of who you are that is not older than 5 minutes. Enter your password again.",
        )),
    }
}

fn read(kernel: &Handle, call: &Call, decoded: &dyn Decoded, now: Time) -> Result<Answer> {
    let output = kernel.db.read(|tx| {
        let mut cx = Cx::new(tx, kernel, &call.actor, now, false);
        decoded.run(&mut cx)
    })?;
    Ok(Answer { output, changes: Vec::new(), audit: None, replayed: false })
}

fn write(kernel: &Handle, call: Call, decoded: Box<dyn Decoded>, now: Time) -> Result<Answer> {
    let dry_run = call.dry_run;
    let preview = Arc::new(Mutex::new(None));
    let seen = preview.clone();
    let inside = kernel.clone();
    let name = kernel.registry().operation(&call.operation).map_or("operation", |entry| entry.name);
    let work = move |tx: &mut Tx<'_>| {
        let done = perform(&inside, tx, &call, decoded.as_ref(), now)?;
        if call.dry_run {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(done.0);
            return Err(Error::roll_back());
        }
        Ok(done)
    };
    let result =
        if dry_run { kernel.db.rehearse(name, work) } else { kernel.db.write(name, Priority::Interactive, work) };
    match result {
        Ok((answer, woken)) => {
            kernel.committed(&woken);
            Ok(answer)
        }
        Err(error) if dry_run && error.roll_back => preview
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| Error::internal("dry-run-without-result", name)),
        Err(error) => Err(error),
    }
}

/// What must be woken after commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Woken {
    pub(crate) events: bool,
    pub(crate) jobs: bool,
    pub(crate) touched: Vec<Ref>,
}

fn perform(kernel: &Kernel, tx: &mut Tx<'_>, call: &Call, decoded: &dyn Decoded, now: Time) -> Result<(Answer, Woken)> {
    if let Some(key) = &call.idempotency_key
        && let Some(output) = idempotency::earlier(kernel, tx, call, key, now)?
    {
        return Ok((Answer::replayed(output), Woken::default()));
    }
    let mut cx = Cx::new(tx, kernel, &call.actor, now, true);
    let output = decoded.run(&mut cx)?;
    let log = std::mem::take(&mut cx.log);
    let changes = log.changes.clone();
    let input = kernel
        .registry()
        .operation(&call.operation)
        .map(|entry| crate::settings::sealed::shown(kernel, entry, &call.input));
    let (audit, woken) = record(tx, &call.actor, &call.operation, call.via, input.as_ref(), log, now)?;
    if let Some(key) = &call.idempotency_key {
        idempotency::remember(kernel, tx, call, key, &output, now)?;
    }
    Ok((Answer { output, changes, audit: Some(audit), replayed: false }, woken))
}

/// Writes what a piece of work did: the audit entry, its change set, its events.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    actor: &Actor,
    operation: &str,
    via: Via,
    input: Option<&Value>,
    log: Log,
    now: Time,
) -> Result<(i64, Woken)> {
    let ident = actor.ident.to_string();
    let entry = audit::NewEntry {
        actor: &ident,
        actor_name: &actor.name,
        operation,
        via: via.as_str(),
        outcome: Outcome::Done,
        input,
        changes: &log.changes,
        touched: &log.touched,
    };
    let audit = audit::store::insert(tx, &entry, now)?;
    event::store::insert(tx, &log.events, now, &ident, &actor.name)?;
    let mut touched = log.touched;
    touched.sort();
    touched.dedup();
    Ok((audit, Woken { events: !log.events.is_empty(), jobs: log.jobs, touched }))
}

/// Runs work as an actor inside a transaction that exists already, and records it under a name: for reactions and jobs.
pub(crate) fn act<T>(
    kernel: &Kernel,
    tx: &mut Tx<'_>,
    actor: &Actor,
    name: &str,
    via: Via,
    now: Time,
    work: &mut dyn FnMut(&mut Cx) -> Result<T>,
) -> Result<(T, Woken)> {
    let mut cx = Cx::new(tx, kernel, actor, now, true);
    let output = work(&mut cx)?;
    let log = std::mem::take(&mut cx.log);
    if log.changes.is_empty() && log.events.is_empty() {
        let woken = Woken { events: false, jobs: log.jobs, touched: log.touched };
        return Ok((output, woken));
    }
    let (_, woken) = record(tx, actor, name, via, None, log, now)?;
    Ok((output, woken))
}
