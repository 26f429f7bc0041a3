//! What runs follow from: alerts that open and recover, jobs that end, approvals, orders to stop.

use kernel::{Cx, Error, ErrorKind, Ref, Result, StoredEvent, Time};
use serde::Deserialize;

use crate::binding;
use crate::book::Step;
use crate::engine::{Came, Phase};
use crate::run::store::{self, Evidence};
use crate::run::{Run, RunState, begin, begin::Alert, drive, end::end, stop};

/// How much of a job's output a run keeps, in bytes.
const OUTPUT_BYTES: usize = 8 * 1024;

/// The events that move runs.
pub(crate) const EVENTS: &[&str] = &[
    "runbooks.run.started",
    "runbooks.run.stopped",
    "fleet.job.finished",
    "kernel.approval.decided",
    "fleet.stop.ordered",
    "monitor.group.opened",
    "monitor.group.changed",
    "monitor.group.recovered",
    "monitor.group.reopened",
    "assets.thing.changed",
];

/// Takes one event.
pub(crate) fn react(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    match event.name.as_str() {
        "runbooks.run.started" => started(cx, &event.fields::<AboutRun>()?.run),
        "runbooks.run.stopped" => stopped(cx, &event.fields::<AboutRun>()?.run),
        "fleet.job.finished" => job_finished(cx, event.fields()?),
        "kernel.approval.decided" => decided(cx, &event.fields()?),
        "fleet.stop.ordered" => {
            let why = format!("{} stopped all runs", event.fields::<Ordered>()?.by);
            stop::stop_all(cx, &why, event.at)
        }
        // What is back is answered anew, within what may be done in an hour.
        "monitor.group.opened" | "monitor.group.reopened" => opened(cx, &event.fields()?),
        "monitor.group.changed" => joined(cx, &event.fields()?),
        "monitor.group.recovered" => recovered(cx, &event.fields::<Recovered>()?.group),
        "assets.thing.changed" => moved(cx, event.fields::<Moved>()?.asset.id),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct AboutRun {
    run: Ref,
}

fn started(cx: &mut Cx, run: &Ref) -> Result<()> {
    match store::by_id(cx.tx, run.id)? {
        Some(mut run) => drive::first(cx, &mut run),
        None => Ok(()),
    }
}

/// A job that its agent was not sent yet is called back; one that was sent ends by itself.
fn stopped(cx: &mut Cx, run: &Ref) -> Result<()> {
    let Some(run) = store::by_id(cx.tx, run.id)? else { return Ok(()) };
    let Some(job) = run.awaits.parse::<Ref>().ok().filter(|job| job.kind == "agent_job") else { return Ok(()) };
    match cx.call_named("fleet.job.cancel", serde_json::json!({ "id": job.id })) {
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unavailable) => Err(error),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct JobEnded {
    job: Ref,
    run: Option<Ref>,
    state: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    exit_code: Option<i64>,
    #[serde(default)]
    output_tail: String,
}

fn job_finished(cx: &mut Cx, job: JobEnded) -> Result<()> {
    let Some(run) = job.run.as_ref().filter(|run| run.kind == "run") else { return Ok(()) };
    let Some(mut run) = store::by_id(cx.tx, run.id)? else { return Ok(()) };
    // Only the job that the run waits for moves it: an older or foreign one changes nothing.
    if run.state != RunState::Running || run.awaits != job.job.to_string() {
        return Ok(());
    }
    let book = drive::book(cx, &run)?;
    let what = meaning(&job, run.engine.phase, book.steps.get(run.engine.step));
    let evidence = Evidence {
        exit_code: job.exit_code,
        output: tail(&job.output_tail, OUTPUT_BYTES).to_owned(),
        reason: kernel::text::shorten(&job.reason, 1_000),
    };
    drive::came(cx, &mut run, what, &evidence)
}

/// What a job's end means for the phase it was for.
fn meaning(job: &JobEnded, phase: Option<Phase>, step: Option<&Step>) -> Came {
    let why = match (job.reason.is_empty(), job.exit_code) {
        (false, _) => kernel::text::shorten(&job.reason, 300),
        (true, Some(code)) => format!("exit code {code}"),
        (true, None) => job.state.replace('_', " "),
    };
    let fine_exit = |code: i64| {
        phase == Some(Phase::Act)
            && step.and_then(|step| step.verify.as_ref()).is_some_and(|verify| verify.exit.contains(&code))
    };
    match job.state.as_str() {
        "done" => Came::Done,
        "failed" if job.exit_code.is_some_and(fine_exit) => Came::Done,
        "timed_out" if phase == Some(Phase::Check) => Came::Unknown("the look took too long".to_owned()),
        "failed" | "timed_out" => Came::Failed(why),
        "refused" | "expired" | "cancelled" => Came::Refused(why),
        "stopped" => Came::Stopped(why),
        _ => Came::Unknown(why),
    }
}

fn tail(text: &str, bytes_max: usize) -> &str {
    let from = text.len().saturating_sub(bytes_max);
    (from..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

#[derive(Deserialize)]
struct Decided {
    approval: i64,
    subject: Ref,
    approved: bool,
    #[serde(default)]
    state: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    plan_hash: String,
}

fn decided(cx: &mut Cx, decision: &Decided) -> Result<()> {
    if decision.subject.kind != "run" {
        return Ok(());
    }
    let Some(mut run) = store::by_id(cx.tx, decision.subject.id)? else { return Ok(()) };
    let said = if decision.comment.is_empty() { String::new() } else { format!(": {}", decision.comment) };
    let words = match (decision.approved, decision.state.as_str()) {
        (true, _) => format!("Approved by {}{said}", decision.by),
        (false, "expired") => "Nobody approved it in time".to_owned(),
        (false, _) => format!("Declined by {}{said}", decision.by),
    };
    match run.state {
        RunState::Approval if decision.approved && decision.plan_hash == run.plan_hash()? => {
            run.reason = words;
            begin::launch(cx, &mut run)
        }
        RunState::Approval => end(cx, &mut run, RunState::Stopped, &words),
        RunState::Running if run.awaits == Ref::new("approval", decision.approval).to_string() => {
            run.engine.evidence.push(words.clone());
            let what = if decision.approved { Came::Done } else { Came::Failed(words.clone()) };
            drive::came(cx, &mut run, what, &Evidence { reason: words, ..Evidence::default() })
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct Ordered {
    by: String,
}

#[derive(Deserialize)]
struct Opened {
    group: Ref,
    #[serde(default)]
    check: Option<Ref>,
    #[serde(default)]
    checks: Vec<Ref>,
    /// Those of them whose alert a silence covers.
    #[serde(default)]
    covered: Vec<Ref>,
    #[serde(default)]
    asset: Option<Ref>,
    /// The asset of the check, which may be another than the cause.
    #[serde(default)]
    check_asset: Option<Ref>,
    #[serde(default)]
    team: Option<i64>,
    #[serde(default)]
    silenced: bool,
    /// Since when it is open again, when it was over.
    #[serde(default)]
    open_since: Time,
}

fn opened(cx: &mut Cx, group: &Opened) -> Result<()> {
    if group.silenced {
        return Ok(());
    }
    let all = group.check.iter().chain(&group.checks).filter(|check| !group.covered.contains(check));
    let mut checks: Vec<i64> = all.map(|check| check.id).collect();
    checks.sort_unstable();
    checks.dedup();
    for binding in binding::store::of_checks(cx.tx, &checks)? {
        // Only of the check which leads it is it said where it stands; the others may stand on other machines.
        let own = group.check.as_ref().is_some_and(|check| check.id == binding.check);
        let stands = match group.check_asset.as_ref().or(group.asset.as_ref()).filter(|_| own) {
            Some(asset) => Stands { asset: Some(asset.id), ..Stands::default() },
            None => stands(cx, binding.check)?,
        };
        begin::answer(cx, &binding, &stands.alert(&group.group, group.open_since, group.team))?;
    }
    Ok(())
}

/// Where a check's alert stands, as far as monitoring says.
#[derive(Default, Deserialize)]
struct Stands {
    asset: Option<i64>,
    team: Option<i64>,
    fired_at: Option<Time>,
}

impl Stands {
    fn alert<'a>(&self, cause: &'a Ref, open_since: Time, team: Option<i64>) -> Alert<'a> {
        Alert { cause, open_since, asset: self.asset, fired_at: self.fired_at, team: team.or(self.team) }
    }
}

#[derive(Deserialize)]
struct ShownCheck {
    check: Stands,
}

/// The machine of a check and when its alert fired; nothing when the check is gone.
fn stands(cx: &mut Cx, check: i64) -> Result<Stands> {
    match cx.call_named("monitor.check.show", serde_json::json!({ "id": check })) {
        Ok(shown) => serde_json::from_value::<ShownCheck>(shown)
            .map(|shown| shown.check)
            .map_err(|error| Error::internal("check-answer", error)),
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unavailable) => Err(error),
        Err(_) => Ok(Stands::default()),
    }
}

#[derive(Deserialize)]
struct Changed {
    group: Ref,
    #[serde(default)]
    change: String,
    #[serde(default)]
    check: Option<Ref>,
    /// The checks when many joined at once.
    #[serde(default)]
    checks: Vec<Ref>,
    #[serde(default)]
    silenced: bool,
    #[serde(default)]
    open_since: Time,
}

/// A further check of the same cause failed: what is bound to it is answered too, once an alert, on the check's own
/// machine, which may be another than the cause's. Where that cannot be told, the run is only proposed.
fn joined(cx: &mut Cx, group: &Changed) -> Result<()> {
    if group.change != "joined" || group.silenced {
        return Ok(());
    }
    let checks: Vec<i64> = group.check.iter().chain(&group.checks).map(|check| check.id).collect();
    for binding in binding::store::of_checks(cx.tx, &checks)? {
        let stands = stands(cx, binding.check)?;
        begin::answer(cx, &binding, &stands.alert(&group.group, group.open_since, None))?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Moved {
    asset: Ref,
}

/// Who sees the runs on a machine follows the machine.
fn moved(cx: &mut Cx, asset: i64) -> Result<()> {
    match assets::brief(cx.tx, &[asset])?.remove(&asset) {
        Some(brief) => store::follow_asset(cx.tx, asset, brief.team, brief.place, brief.owner),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
struct Recovered {
    group: Ref,
}

/// The cause is gone: what waits for people is not needed any more, what is at work ends after its step.
fn recovered(cx: &mut Cx, group: &Ref) -> Result<()> {
    for mut run in store::active_of_cause(cx.tx, group)? {
        recovered_run(cx, &mut run)?;
    }
    Ok(())
}

fn recovered_run(cx: &mut Cx, run: &mut Run) -> Result<()> {
    if run.state != RunState::Running {
        return end(cx, run, RunState::Stopped, "The alert recovered before anybody started it.");
    }
    run.engine.recovered = true;
    store::update(cx.tx, run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(state: &str, exit_code: Option<i64>) -> JobEnded {
        let (job, run) = (Ref::new("agent_job", 1), None);
        JobEnded { job, run, state: state.into(), reason: String::new(), exit_code, output_tail: String::new() }
    }

    #[test]
    fn the_end_of_a_job_means_what_the_phase_makes_of_it() {
        let book = crate::book::parse::parse(
            "name: a\ntitle: A\ntarget: m\ninputs: {m: {type: asset}}\nsteps:\n  - name: s\n    command: {argv: [/bin/x]}\n    verify: {exit: [3]}\n",
        )
        .unwrap();
        let step = book.steps.first();
        let table = [
            ("done", Some(0), Phase::Act, Came::Done),
            ("failed", Some(3), Phase::Act, Came::Done),
            ("failed", Some(4), Phase::Act, Came::Failed("exit code 4".into())),
            ("failed", Some(3), Phase::Undo, Came::Failed("exit code 3".into())),
            ("timed_out", None, Phase::Act, Came::Failed("timed out".into())),
            ("timed_out", None, Phase::Check, Came::Unknown("the look took too long".into())),
            ("refused", None, Phase::Act, Came::Refused("refused".into())),
            ("expired", None, Phase::Act, Came::Refused("expired".into())),
            ("stopped", None, Phase::Act, Came::Stopped("stopped".into())),
            ("unknown", None, Phase::Act, Came::Unknown("unknown".into())),
            ("a word of tomorrow", None, Phase::Act, Came::Unknown("a word of tomorrow".into())),
        ];
        for (state, exit, phase, expected) in table {
            assert_eq!(meaning(&ended(state, exit), Some(phase), step), expected, "{state} {exit:?} {phase:?}");
        }
    }
}
