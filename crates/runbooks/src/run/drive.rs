//! Between the engine and the world: begins phases, takes what came of them, writes the evidence, and goes on. All of it
//! in the transaction of the event that arrived, so that a step is begun exactly once.

use kernel::approvals::NewApproval;
use kernel::attention::Attention;
use kernel::job::{Job, Running};
use kernel::time::SECOND;
use kernel::{Actor, Cx, Error, ErrorKind, Mark, Ref, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store::{self, Evidence};
use super::{Run, RunState, end::end};
use crate::action::{self, Planned};
use crate::book::{Act, Book, Step};
use crate::engine::{self, Came, Next, Phase};
use crate::events::StepFinished;
use crate::runbook;

/// The identity that works on runs.
pub(crate) const RUNNER: &str = "runbooks.runner";
/// What the runner may do by itself.
pub(crate) const RUNNER_GRANTS: &[&str] = &["fleet.job.queue", "fleet.job.cancel", "monitor.check.show"];
/// A machine that does not fetch a job within so many seconds is not there.
const FETCH_S: u32 = 120;
/// How long after all of that nothing more is expected, in seconds.
const SLACK_S: u32 = 30;
/// What the server itself has not done within so many seconds, with all its tries, it does no more.
const OWN_WORK_S: u32 = 1_800;

/// The runner.
pub(crate) fn runner() -> Actor {
    Actor::service(RUNNER, RUNNER_GRANTS)
}

/// The book of a run.
pub(crate) fn book(cx: &mut Cx, run: &Run) -> Result<Book> {
    let missing = || Error::internal("version-missing", run.version_id);
    runbook::store::by_id(cx.tx, run.version_id)?.ok_or_else(missing)?.book()
}

/// Begins the first step of a run that was set to work.
pub(crate) fn first(cx: &mut Cx, run: &mut Run) -> Result<()> {
    if run.state != RunState::Running || run.engine != engine::State::default() {
        return Ok(());
    }
    let book = book(cx, run)?;
    let next = engine::begin(&book, &mut run.engine);
    follow(cx, run, &book, next)
}

/// Takes what came of the phase that the run waits for, and goes on.
pub(crate) fn came(cx: &mut Cx, run: &mut Run, came: Came, evidence: &Evidence) -> Result<()> {
    if run.state != RunState::Running {
        return Ok(());
    }
    let book = book(cx, run)?;
    let next = take(cx, run, &book, came, evidence)?;
    follow(cx, run, &book, next)
}

fn take(cx: &mut Cx, run: &mut Run, book: &Book, came: Came, evidence: &Evidence) -> Result<Next> {
    let advance = engine::advance(book, &mut run.engine, came);
    let now = cx.now;
    store::end_phase(cx.tx, run.id, advance.noted.as_str(), evidence, now)?;
    run.awaits = String::new();
    if let Some((at, fine)) = advance.ended {
        let name = book.steps.get(at).map(|step| step.name.clone()).unwrap_or_default();
        let step = i64::try_from(at).unwrap_or(0) + 1;
        cx.emit(&StepFinished { facts: run.facts(), step, name, fine })?;
    }
    Ok(advance.next)
}

/// Does what the engine says until something has to be waited for.
fn follow(cx: &mut Cx, run: &mut Run, book: &Book, mut next: Next) -> Result<()> {
    loop {
        let (at, phase) = match next {
            Next::Begin(at, phase) => (at, phase),
            Next::Finish(words) => return end(cx, run, RunState::Done, &words),
            Next::Fail(words) => return end(cx, run, RunState::Failed, &words),
            Next::Stop(words) => return end(cx, run, RunState::Stopped, &words),
        };
        if let Some(words) = super::stop::holds(cx)? {
            return end(cx, run, RunState::Stopped, &words);
        }
        let step = book.steps.get(at).ok_or_else(|| Error::internal("step-missing", at))?;
        let (attempt, now) = (run.engine.attempt, cx.now);
        store::begin_phase(cx.tx, run.id, at, phase.as_str(), attempt, now)?;
        match begin(cx, run, step, phase) {
            Ok(awaits) => {
                run.awaits = awaits;
                store::update(cx.tx, run)?;
                store::set_job(cx.tx, run.id, run.awaits.as_str())?;
                cx.touch(run.reference());
                return Ok(());
            }
            Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unavailable) => return Err(error),
            Err(error) => {
                let evidence = Evidence { reason: error.message.clone(), ..Evidence::default() };
                next = take(cx, run, book, Came::Refused(error.message), &evidence)?;
            }
        }
    }
}

/// Begins a phase; answers what it waits for.
fn begin(cx: &mut Cx, run: &Run, step: &Step, phase: Phase) -> Result<String> {
    let nothing = || Error::internal("phase-without-action", phase.as_str());
    let planned = match phase {
        Phase::Check => action::check(step, &run.inputs)?.ok_or_else(nothing)?,
        Phase::Verify => action::verify(step, &run.inputs)?.ok_or_else(nothing)?,
        Phase::Undo => {
            let acts = step.undo.as_ref().map(crate::book::Undo::acts).unwrap_or_default();
            let act = acts.first().copied().ok_or_else(nothing)?;
            action::act(act, step.timeout_s().min(3_600), &run.inputs)?.ok_or_else(nothing)?
        }
        Phase::Act => match step.act().ok_or_else(nothing)? {
            Act::Operation(_) => return operation(cx, run),
            Act::Approval(approval) => return ask(cx, run, step, &approval.question),
            Act::Human(human) => return person(cx, run, step, &human.instructions),
            act => action::act(act, step.timeout_s(), &run.inputs)?.ok_or_else(nothing)?,
        },
    };
    send(cx, run, phase, &planned)
}

#[derive(Deserialize)]
struct Queued {
    job: Ref,
}

/// Queues the action for the run's machine.
fn send(cx: &mut Cx, run: &Run, phase: Phase, planned: &Planned) -> Result<String> {
    let asset = run.asset.ok_or_else(|| Error::invalid("asset", "The run names no machine."))?;
    author_may(cx, run, "fleet.job.queue")?;
    let input = json!({
        "asset": asset,
        "action": planned.json()?,
        "class": "A",
        "timeout_s": planned.timeout_s,
        "expires_s": FETCH_S,
        "cause": run.cause,
        "run": run.reference(),
    });
    let queued = cx.call_named("fleet.job.queue", input)?;
    let queued: Queued = serde_json::from_value(queued).map_err(|error| Error::internal("job-answer", error))?;
    timer(cx, run, phase, planned.timeout_s.saturating_add(FETCH_S).saturating_add(SLACK_S))?;
    Ok(queued.job.to_string())
}

/// Whoever wrote the version must still be allowed what it does.
fn author_may(cx: &mut Cx, run: &Run, operation: &str) -> Result<()> {
    let missing = || Error::internal("version-missing", run.version_id);
    let version = runbook::store::by_id(cx.tx, run.version_id)?.ok_or_else(missing)?;
    let (author, now) = (runbook::holder(cx, &version.author)?, cx.now);
    match author.reach(operation, now) {
        Some(reach) if super::start::within_reach(cx, &reach, run.asset).is_ok() => Ok(()),
        Some(_) => Err(Error::conflict(format!(
            "{}, who wrote this version, has no grant for {operation} that reaches this machine. Have it saved and approved anew.",
            version.author_name
        ))),
        None => Err(Error::conflict(format!(
            "{}, who wrote this version, no longer holds a grant for {operation}. Have it saved and approved anew.",
            version.author_name
        ))),
    }
}

fn operation(cx: &mut Cx, run: &Run) -> Result<String> {
    let payload = At { run: run.id, step: run.engine.step, phase: Phase::Act, attempt: run.engine.attempt };
    cx.enqueue(&Job::new("runbooks.operate", &payload)?)?;
    timer(cx, run, Phase::Act, OWN_WORK_S)?;
    Ok("operation".to_owned())
}

fn ask(cx: &mut Cx, run: &Run, step: &Step, question: &str) -> Result<String> {
    let plan_hash = format!("{}-{}", run.plan_hash()?, run.engine.step + 1);
    let team = run.team_now(cx)?;
    let id = cx.request_approval(&NewApproval {
        subject: run.reference(),
        title: format!("{}: {}", run.title, step.name),
        detail: question.to_owned(),
        plan_hash,
        requires: String::new(),
        team,
        requested_by: Some((runbook::ident(&run.started_by), run.started_by_name.clone())),
        expires_at: Some(cx.now.plus(i64::from(step.timeout_s()) * SECOND)),
    })?;
    Ok(Ref::new("approval", id).to_string())
}

fn person(cx: &mut Cx, run: &Run, step: &Step, instructions: &str) -> Result<String> {
    let (since, team) = (cx.now, run.team_now(cx)?);
    cx.needs_attention(&Attention {
        subject: run.reference(),
        need: "human",
        title: format!("{}: {}", run.title, step.name),
        why: kernel::text::shorten(instructions, 300),
        mark: Mark::Warn,
        word: "To do",
        weight: 550,
        since,
        action: "Do it",
        href: format!("/runs/{}", run.id),
        team,
        user: None,
        grant: super::confirm::NAME,
    })?;
    timer(cx, run, Phase::Act, step.timeout_s())?;
    Ok("human".to_owned())
}

/// A point of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At {
    pub(crate) run: i64,
    pub(crate) step: usize,
    pub(crate) phase: Phase,
    pub(crate) attempt: u32,
}

impl At {
    /// True while the run is still there.
    pub(crate) fn is_now(&self, run: &Run) -> bool {
        run.state == RunState::Running
            && run.engine.phase == Some(self.phase)
            && (run.engine.step, run.engine.attempt) == (self.step, self.attempt)
    }
}

/// A point of a run at which nothing more is waited for.
#[derive(Serialize, Deserialize)]
struct Overdue {
    at: At,
    /// What was waited for is the following of a person's word.
    confirmed: bool,
}

fn timer(cx: &mut Cx, run: &Run, phase: Phase, seconds: u32) -> Result<()> {
    let at = At { run: run.id, step: run.engine.step, phase, attempt: run.engine.attempt };
    let (due, confirmed) = (cx.now.plus(i64::from(seconds) * SECOND), run.awaits == CONFIRMED);
    cx.enqueue(&Job::new("runbooks.overdue", &Overdue { at, confirmed })?.at(due))
}

/// What a run waits for after a person's word, until it is followed.
const CONFIRMED: &str = "confirmed";

/// What a person said about a step, on its way to the runner.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Confirmed {
    at: At,
    done: bool,
    reason: String,
}

/// Hands what a person said to the runner, which goes on with its own grants instead of the person's.
pub(crate) fn hand_over(cx: &mut Cx, run: &mut Run, done: bool, reason: String) -> Result<()> {
    let phase = run.engine.phase.ok_or_else(|| Error::internal("phase-missing", run.id))?;
    let at = At { run: run.id, step: run.engine.step, phase, attempt: run.engine.attempt };
    run.awaits = CONFIRMED.to_owned();
    run.engine.evidence.push(reason.clone());
    store::update(cx.tx, run)?;
    timer(cx, run, phase, OWN_WORK_S)?;
    cx.enqueue(&Job::new("runbooks.confirmed", &Confirmed { at, done, reason })?)
}

/// Goes on after a person's word. Harmless to repeat: a run that went on is somewhere else.
pub(crate) fn confirmed(running: &Running<'_>) -> Result<()> {
    let said: Confirmed = running.input()?;
    running.kernel.write_as(runner(), "runbooks.run.confirmed", move |cx| {
        let Some(mut run) = store::by_id(cx.tx, said.at.run)? else { return Ok(()) };
        if !said.at.is_now(&run) {
            return Ok(());
        }
        let reason = said.reason.clone();
        let what = if said.done { Came::Done } else { Came::Failed(reason.clone()) };
        came(cx, &mut run, what, &Evidence { reason, ..Evidence::default() })
    })
}

/// The time of a phase is over. Harmless to repeat: a run that went on is somewhere else.
pub(crate) fn overdue(running: &Running<'_>) -> Result<()> {
    let Overdue { at, confirmed } = running.input()?;
    running.kernel.write_as(runner(), "runbooks.run.overdue", move |cx| {
        let Some(mut run) = store::by_id(cx.tx, at.run)? else { return Ok(()) };
        if !at.is_now(&run) || (run.awaits == CONFIRMED) != confirmed {
            return Ok(());
        }
        let (what, words) = if run.awaits == "human" {
            cx.attention_done(&run.reference(), "human")?;
            let words = "nobody said in time that it was done".to_owned();
            (Came::Failed(words.clone()), words)
        } else {
            let words = "no word came in time".to_owned();
            (Came::Unknown(words.clone()), words)
        };
        came(cx, &mut run, what, &Evidence { reason: words, ..Evidence::default() })
    })
}
