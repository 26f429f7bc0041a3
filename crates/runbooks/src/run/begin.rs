//! How a run comes about: by hand, or by a binding when the check's alert opens a group.

use kernel::approvals::NewApproval;
use kernel::attention::Attention;
use kernel::time::HOUR;
use kernel::{Cx, Error, Mark, Ref, Result, Time};

use super::{Run, RunState, store};
use crate::binding::{Binding, Mode};
use crate::book::Book;
use crate::events::{RunProposed, RunStarted};
use crate::inputs::{self, Values};
use crate::runbook::{self, Version};

/// Runs that one binding may start by itself on one machine within an hour.
pub(crate) const AUTO_RUNS_PER_HOUR: i64 = 3;

/// Why a run comes about.
pub(crate) struct Reason<'a> {
    pub(crate) mode: &'a str,
    pub(crate) binding: i64,
    pub(crate) check: Option<i64>,
    pub(crate) cause: Option<Ref>,
    /// The team of the cause: whose the run is when its machine has no team, or when it has no machine.
    pub(crate) team: Option<i64>,
    pub(crate) by: (&'a str, &'a str),
    pub(crate) words: &'a str,
}

/// Writes a new run.
pub(crate) fn create(
    cx: &mut Cx,
    version: &Version,
    values: &Values,
    asset: Option<i64>,
    state: RunState,
    why: &Reason<'_>,
) -> Result<Run> {
    let ids: Vec<i64> = asset.into_iter().collect();
    let brief = assets::brief(cx.tx, &ids)?.into_values().next();
    let new = store::New {
        runbook: version.runbook,
        version_id: version.id,
        title: &version.title,
        state,
        mode: why.mode,
        binding: why.binding,
        asset,
        check: why.check,
        cause: why.cause.as_ref(),
        inputs: values,
        by: why.by,
        reason: why.words,
        team: brief.as_ref().and_then(|brief| brief.team).or(why.team),
        place: brief.as_ref().and_then(|brief| brief.place),
        owner: brief.as_ref().and_then(|brief| brief.owner),
    };
    let now = cx.now;
    let id = store::insert(cx.tx, &new, now)?;
    let run = store::by_id(cx.tx, id)?.ok_or_else(|| Error::internal("run-missing", id))?;
    cx.changed(&run.reference(), "state", serde_json::Value::Null, state)?;
    Ok(run)
}

/// Who sees a run follows the machine it is on now.
pub(crate) fn follow(cx: &mut Cx, run: &Run) -> Result<()> {
    let ids: Vec<i64> = run.asset.into_iter().collect();
    match assets::brief(cx.tx, &ids)?.into_values().next() {
        Some(brief) => store::set_owners(cx.tx, run.id, brief.team.or(run.team), brief.place, brief.owner),
        None => Ok(()),
    }
}

/// Sets a run to work: its first step begins with the event this tells.
pub(crate) fn launch(cx: &mut Cx, run: &mut Run) -> Result<()> {
    let before = run.state;
    run.state = RunState::Running;
    run.started_at = cx.now;
    run.outcome = String::new();
    store::update(cx.tx, run)?;
    let reference = run.reference();
    cx.changed(&reference, "state", before, run.state)?;
    cx.attention_done(&reference, "proposed")?;
    cx.emit(&RunStarted { facts: run.facts() })
}

/// An alert that a binding answers.
pub(crate) struct Alert<'a> {
    /// The group it is in.
    pub(crate) cause: &'a Ref,
    /// Since when that is open, for the first time or again; 0 when it is not said.
    pub(crate) open_since: Time,
    /// The machine it stands on, where that is known.
    pub(crate) asset: Option<i64>,
    /// When it fired, where that is known: it may have been answered under another group.
    pub(crate) fired_at: Option<Time>,
    /// The team that is told.
    pub(crate) team: Option<i64>,
}

fn answered(cx: &mut Cx, binding: i64, alert: &Alert<'_>) -> Result<bool> {
    if store::answered(cx.tx, binding, alert.cause, alert.open_since)? {
        return Ok(true);
    }
    match (alert.asset, alert.fired_at) {
        (Some(asset), Some(fired_at)) => store::answered_since(cx.tx, binding, asset, fired_at),
        _ => Ok(false),
    }
}

/// Answers an alert with one binding: proposes, asks, or starts.
pub(crate) fn answer(cx: &mut Cx, binding: &Binding, alert: &Alert<'_>) -> Result<()> {
    if answered(cx, binding.id, alert)? {
        return Ok(());
    }
    let (asset, team) = (alert.asset, alert.team);
    let version = runbook::store::by_id(cx.tx, binding.version_id)?
        .ok_or_else(|| Error::internal("version-missing", binding.version_id))?;
    let book = version.book()?;
    let (values, lacking) = match inputs::resolve(&book, &binding.inputs, asset) {
        Ok(values) => (values, None),
        Err(error) => (binding.inputs.clone(), Some(error.to_string())),
    };
    let machine = inputs::target(&book, &values).or(asset);
    let (mode, words) = match lacking {
        Some(why) => (Mode::Propose, format!("It cannot start as it is: {why}")),
        None => allowed(cx, binding, &version, machine)?,
    };
    let state = match mode {
        Mode::Propose => RunState::Proposed,
        Mode::Approve => RunState::Approval,
        Mode::Auto => RunState::Running,
    };
    let why = Reason {
        mode: mode.as_str(),
        binding: binding.id,
        check: Some(binding.check),
        cause: Some(alert.cause.clone()),
        team,
        by: (&binding.bound_by, &binding.bound_by_name),
        words: &words,
    };
    let mut run = create(cx, &version, &values, machine, state, &why)?;
    let team = team.or(run.team);
    match mode {
        Mode::Auto => launch(cx, &mut run),
        Mode::Propose => propose(cx, &run, team),
        Mode::Approve => ask(cx, &run, &book, team),
    }
}

/// The mode that holds now, and why it is less than what was bound.
fn allowed(cx: &mut Cx, binding: &Binding, version: &Version, machine: Option<i64>) -> Result<(Mode, String)> {
    if binding.mode != Mode::Auto {
        return Ok((binding.mode, String::new()));
    }
    let propose = |words: String| Ok((Mode::Propose, words));
    if let Some(stopped) = super::stop::holds(cx)? {
        return propose(stopped);
    }
    if !version.is_approved() {
        return propose("Its version is not approved.".to_owned());
    }
    let (now, by) = (cx.now, binding.bound_by.clone());
    let binder = runbook::holder(cx, &by)?;
    if binder.reach(crate::binding::add::AUTO, now).is_none() {
        return propose(format!("{} no longer may let runbooks run by themselves.", binding.bound_by_name));
    }
    let reach = binder.reach(super::start::NAME, now);
    if reach.is_none_or(|reach| super::start::within_reach(cx, &reach, machine).is_err()) {
        return propose(format!("{} may not start runs on this machine.", binding.bound_by_name));
    }
    if store::autos_since(cx.tx, binding.id, machine, now.plus(-HOUR))? >= AUTO_RUNS_PER_HOUR {
        return propose(format!(
            "It started {AUTO_RUNS_PER_HOUR} times by itself within an hour on this machine and did not help for good. A person should look."
        ));
    }
    if let Some(asset) = machine
        && let Some(other) = store::at_work_on(cx.tx, asset)?
    {
        return propose(format!("Run {other} is at work on this machine."));
    }
    Ok((Mode::Auto, String::new()))
}

fn propose(cx: &mut Cx, run: &Run, team: Option<i64>) -> Result<()> {
    let mut facts = run.facts();
    facts.outcome = run.reason.clone();
    cx.emit(&RunProposed { facts })?;
    let why = if run.reason.is_empty() { "Its check failed.".to_owned() } else { run.reason.clone() };
    let since = cx.now;
    cx.needs_attention(&Attention {
        subject: run.reference(),
        need: "proposed",
        title: format!("Run the runbook \"{}\"?", run.title),
        why,
        mark: Mark::Planned,
        word: "Proposed",
        weight: 450,
        since,
        action: "Look at it",
        href: format!("/runs/{}", run.id),
        team,
        user: None,
        grant: super::start::NAME,
    })
}

fn ask(cx: &mut Cx, run: &Run, book: &Book, team: Option<i64>) -> Result<()> {
    let mut facts = run.facts();
    facts.outcome = "it asks for approval".to_owned();
    cx.emit(&RunProposed { facts })?;
    let steps: Vec<String> =
        book.steps.iter().enumerate().map(|(at, step)| format!("{}. {}", at + 1, step.name)).collect();
    let names: Vec<i64> = run.asset.into_iter().collect();
    let machine = assets::brief(cx.tx, &names)?.into_values().next().map(|brief| format!(" on {}", brief.name));
    let (title, plan_hash) = (format!("Run \"{}\"{}", run.title, machine.unwrap_or_default()), run.plan_hash()?);
    cx.request_approval(&NewApproval {
        subject: run.reference(),
        title,
        detail: steps.join("\n"),
        plan_hash,
        // Whoever decides approvals of the team decides: they need not be able to start runs themselves.
        requires: String::new(),
        team,
        requested_by: None,
        expires_at: None,
    })?;
    Ok(())
}
