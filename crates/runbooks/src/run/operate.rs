//! Steps that call an operation of Mainstay. They go through the one door, as an identity that may do what the author of
//! the version *and* whoever bound or started the run may do, and nothing that runbooks may never do.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::job::Running;
use kernel::{Actor, Call, Cx, Error, ErrorKind, Grant, Ident, Proof, Reach, Result, Scope, Via};
use serde_json::{Value, json};

use super::drive::{self, At};
use super::store::{self, Evidence};
use super::{Run, RunState};
use crate::book::check::{CALLABLE, fill};
use crate::book::{Act, Operation};
use crate::engine::Came;
use crate::runbook;

/// Calls the operation of a step. Running twice calls it once: the door remembers the key of run, step and attempt.
pub(crate) fn operate(running: &Running<'_>) -> Result<()> {
    let at: At = running.input()?;
    let wanted = at.clone();
    let Some((call, name)) = running.kernel.read_as(&drive::runner(), |cx| prepare(cx, &wanted))? else {
        return Ok(());
    };
    let stopped = running.kernel.read_as(&drive::runner(), super::stop::holds)?;
    let (what, evidence) = match call {
        _ if stopped.is_some() => (Came::Stopped(stopped.unwrap_or_default()), Evidence::default()),
        Ok(call) => outcome(running.kernel.dispatch(call), running.attempt >= kernel::limits::JOB_TRIES)?,
        Err(error) => (Came::Refused(error.message.clone()), Evidence { reason: error.message, ..Evidence::default() }),
    };
    running.kernel.write_as(drive::runner(), "runbooks.run.operate", move |cx| {
        let Some(mut run) = store::by_id(cx.tx, at.run)? else { return Ok(()) };
        if !at.is_now(&run) {
            return Ok(());
        }
        if !matches!(what, Came::Stopped(_)) {
            run.engine.evidence.push(format!("{name} was called"));
        }
        drive::came(cx, &mut run, what.clone(), &evidence)
    })
}

fn outcome(answer: Result<kernel::Answer>, last: bool) -> Result<(Came, Evidence)> {
    match answer {
        Ok(answer) => {
            let output = kernel::text::shorten(&answer.output.to_string(), 4_000);
            Ok((Came::Done, Evidence { output, ..Evidence::default() }))
        }
        // What repeating may cure is repeated by the job's own back-off.
        Err(error) if error.kind == ErrorKind::Unavailable && !last => Err(error),
        Err(error) if error.kind == ErrorKind::Unavailable => {
            let evidence = Evidence { reason: error.message.clone(), ..Evidence::default() };
            Ok((Came::Unknown(error.message), evidence))
        }
        Err(error) => {
            let evidence = Evidence { reason: error.message.clone(), ..Evidence::default() };
            Ok((Came::Refused(error.message), evidence))
        }
    }
}

type Prepared = (Result<Call>, String);

/// The call of a step, or why it may not be made; nothing when the run went on.
fn prepare(cx: &mut Cx, at: &At) -> Result<Option<Prepared>> {
    let Some(run) = store::by_id(cx.tx, at.run)? else { return Ok(None) };
    if run.state != RunState::Running || !at.is_now(&run) {
        return Ok(None);
    }
    let book = drive::book(cx, &run)?;
    let Some(Act::Operation(operation)) = book.steps.get(at.step).and_then(crate::book::Step::act) else {
        return Err(Error::internal("not-an-operation", at.step));
    };
    let name = operation.name.clone();
    let call = match intersection(cx, &run, operation)? {
        Err(error) => Err(error),
        Ok(actor) => Ok(Call {
            idempotency_key: Some(format!("run:{}/{}/{}", run.id, at.step + 1, at.attempt)),
            confirmed: true,
            ..Call::new(Arc::new(actor), &name, input(&run, operation), Via::Runbook)
        }),
    };
    Ok(Some((call, name)))
}

fn input(run: &Run, operation: &Operation) -> Value {
    let context: BTreeMap<&str, Value> = [
        ("asset", json!(run.asset_ref())),
        ("cause", json!(run.cause)),
        ("check", json!(run.check_ref())),
        ("ref", json!(run.reference())),
    ]
    .into();
    let fields = operation.input.iter().map(|(key, value)| (key.clone(), fill(value, &run.inputs, &context)));
    Value::Object(fields.collect())
}

/// An actor with one grant: the operation, as far as both reach.
fn intersection(cx: &mut Cx, run: &Run, operation: &Operation) -> Result<Result<Actor>> {
    if !CALLABLE.iter().any(|prefix| operation.name.starts_with(prefix)) {
        return Ok(Err(Error::denied(&operation.name)));
    }
    let missing = || Error::internal("version-missing", run.version_id);
    let version = runbook::store::by_id(cx.tx, run.version_id)?.ok_or_else(missing)?;
    let (author, starter) = (runbook::holder(cx, &version.author)?, runbook::holder(cx, &run.started_by)?);
    let now = cx.now;
    let scope = match (author.reach(&operation.name, now), starter.reach(&operation.name, now)) {
        (Some(one), Some(other)) => meet(&one, &other),
        _ => None,
    };
    Ok(scope.map(|scopes| one_grant(run, &operation.name, scopes)).ok_or_else(|| {
        Error::conflict(format!(
            "{} is not allowed to both {}, who wrote this version, and {}, who bound or started it.",
            operation.name, version.author_name, run.started_by_name
        ))
    }))
}

fn one_grant(run: &Run, operation: &str, scopes: Vec<Scope>) -> Actor {
    let grant = |scope| Grant { pattern: operation.to_owned(), scope, expires_at: None };
    Actor {
        ident: Ident::Service("runbooks.run".to_owned()),
        name: format!("run {} for {}", run.id, run.started_by_name),
        grants: scopes.into_iter().map(grant).collect(),
        teams: Vec::new(),
        proof: Proof::Standing,
        patterns: Vec::new(),
    }
}

/// How far two reaches go together; nothing when they do not meet. What is somebody's own is never handed on.
fn meet(one: &Reach, other: &Reach) -> Option<Vec<Scope>> {
    match (one.everything, other.everything) {
        (true, true) => return Some(vec![Scope::Everything]),
        (true, false) => return scopes(&other.places, &other.teams),
        (false, true) => return scopes(&one.places, &one.teams),
        (false, false) => {}
    }
    let common = |a: &[i64], b: &[i64]| a.iter().copied().filter(|id| b.contains(id)).collect::<Vec<i64>>();
    scopes(&common(&one.places, &other.places), &common(&one.teams, &other.teams))
}

fn scopes(places: &[i64], teams: &[i64]) -> Option<Vec<Scope>> {
    let places = (!places.is_empty()).then(|| Scope::Places(places.to_vec()));
    let teams = (!teams.is_empty()).then(|| Scope::Teams(teams.to_vec()));
    let all: Vec<Scope> = places.into_iter().chain(teams).collect();
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reaches_meet_only_where_both_go() {
        let everything = Reach { everything: true, ..Reach::default() };
        let teams = |teams: &[i64]| Reach { teams: teams.to_vec(), ..Reach::default() };
        let own = Reach { own: Some(3), ..Reach::default() };
        assert_eq!(meet(&everything, &everything), Some(vec![Scope::Everything]));
        assert_eq!(meet(&everything, &teams(&[1, 2])), Some(vec![Scope::Teams(vec![1, 2])]));
        assert_eq!(meet(&teams(&[1, 2]), &teams(&[2, 3])), Some(vec![Scope::Teams(vec![2])]));
        assert_eq!(meet(&teams(&[1]), &teams(&[2])), None);
        assert_eq!(meet(&everything, &own), None);
    }
}
