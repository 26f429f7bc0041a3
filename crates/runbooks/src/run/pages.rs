//! Pages: all runs, and one run with its steps and evidence.

use std::collections::BTreeMap;

use kernel::page::Page;
use kernel::{Ref, Resolved, Result};
use maud::{Markup, html};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Step, StepState, Tab, Table,
    Tabs, Tone, code, columns, duration, live, notice, pill, post_button, status, steps,
};
use web::{Content, PageCx};

use super::list::ListRuns;
use super::show::{ShowRun, ShownRun, StepView};
use super::{PhaseView, RunState, RunView};

/// How a run stands, as tone and word.
pub(crate) fn standing(state: RunState) -> (Tone, &'static str) {
    match state {
        RunState::Proposed => (Tone::Planned, "Proposed"),
        RunState::Approval => (Tone::Warn, "Waits for approval"),
        RunState::Running => (Tone::Working, "Running"),
        RunState::Done => (Tone::Ok, "Done"),
        RunState::Failed => (Tone::Critical, "Failed"),
        RunState::Stopped => (Tone::Idle, "Stopped"),
    }
}

/// `/runs`
pub(crate) fn list(page: &mut PageCx) -> Result<Content> {
    let view = page.param("view").unwrap_or("all").to_owned();
    let state = RunState::parse(&view).ok();
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let runs = page.cx.call(&ListRuns { state, cursor, ..ListRuns::default() })?;
    let refs: Vec<Ref> = runs.items.iter().filter_map(|run| run.asset.clone()).collect();
    let names = page.cx.resolve(&refs)?;
    let clock = page.clock();
    Ok(Content::new("Runs", list_body(&runs, &names, &view, first, &clock)))
}

fn list_body(runs: &Page<RunView>, names: &BTreeMap<Ref, Resolved>, view: &str, first: bool, clock: &Clock) -> Markup {
    let tab =
        |name: &'static str, label: &'static str| Tab::new(label, format!("/runs?view={name}")).current(view == name);
    let tabs = [
        tab("all", "All"),
        tab("running", "Running"),
        tab("proposed", "Proposed"),
        tab("approval", "Waiting for approval"),
        tab("failed", "Failed"),
    ];
    let rows = runs.items.iter().map(|run| {
        let (tone, word) = standing(run.state);
        let machine = run.asset.as_ref().and_then(|asset| names.get(asset)).map_or("", |asset| asset.title.as_str());
        Row::new(&run.title)
            .href(format!("/runs/{}", run.id))
            .cell(status(tone, word))
            .main()
            .text(machine)
            .text(&run.started_by)
            .text(&run.outcome)
            .cell(clock.ago(run.created_at.timestamp()))
    });
    let columns = [
        Column::new("State"),
        Column::new("Runbook").main(),
        Column::new("Machine").wide(),
        Column::new("For").wide(),
        Column::new("What came of it").extra(),
        Column::new("When"),
    ];
    let next = runs.next.as_ref().map(|cursor| format!("/runs?view={view}&cursor={cursor}"));
    let back = (!first).then(|| format!("/runs?view={view}"));
    let empty = Empty::new("No runs here", "A run begins by hand, or when a check fails that a runbook is bound to.")
        .action(Button::link("Runbooks", "/runbooks"));
    let table = Table::new("Runs").columns(columns).rows(rows);
    html! {
        (PageHeader::new("Runs").crumb("Runbooks", Some("/runbooks")))
        (List::new("runs", table).tabs(Tabs::new("Which runs", tabs)).paging(next, back).empty(empty))
    }
}

/// `/runs/{id}`
pub(crate) fn show(page: &mut PageCx) -> Result<Content> {
    let shown = page.cx.call(&ShowRun { id: page.id("id")? })?;
    let run = &shown.run;
    let refs: Vec<Ref> = [run.asset.clone(), run.cause.clone(), run.check.clone(), Some(run.runbook.clone())]
        .into_iter()
        .flatten()
        .collect();
    let names = page.cx.resolve(&refs)?;
    let may = May {
        start: page.cx.may(super::start::NAME),
        stop: page.cx.may("runbooks.run.stop"),
        confirm: page.cx.may(super::confirm::NAME),
    };
    let clock = page.clock();
    Ok(Content::new(format!("Run {}", run.id), show_body(&shown, &names, may, &page.csrf, &clock)))
}

/// What is offered.
#[derive(Clone, Copy, Debug, Default)]
struct May {
    start: bool,
    stop: bool,
    confirm: bool,
}

fn linked(names: &BTreeMap<Ref, Resolved>, reference: &Ref) -> Markup {
    match names.get(reference) {
        Some(known) => html! { a href=(web::ui::href(&known.href)) dir="auto" { (known.title) } },
        None => html! { span.mono { (reference) } },
    }
}

fn show_body(shown: &ShownRun, names: &BTreeMap<Ref, Resolved>, may: May, csrf: &str, clock: &Clock) -> Markup {
    let run = &shown.run;
    let (tone, word) = standing(run.state);
    let (id, here) = (run.id.to_string(), format!("/runs/{}", run.id));
    let mut header = PageHeader::new(&run.title)
        .crumb("Runbooks", Some("/runbooks"))
        .crumb("Runs", Some("/runs"))
        .pill(pill(tone, word))
        .subtitle(html! { "Run " (run.id) " · version " (run.number) });
    if may.start && run.state == RunState::Proposed {
        let fields = [("run", id.as_str()), ("_back", here.as_str())];
        header = header.action(post_button(
            "/do/runbooks.run.start",
            csrf,
            &fields,
            &Button::submit("Run it").primary().icon("play"),
        ));
    }
    if may.stop && run.state.is_active() {
        let label = if run.state == RunState::Running { "Stop it" } else { "Decline it" };
        let fields = [("id", id.as_str()), ("_back", here.as_str())];
        header =
            header.action(post_button("/do/runbooks.run.stop", csrf, &fields, &Button::submit(label).icon("stop")));
    }
    let main = html! {
        @if !run.outcome.is_empty() { (notice(tone, &run.outcome)) }
        @else if !run.reason.is_empty() { (notice(Tone::Info, &run.reason)) }
        @if let Some(approval) = shown.awaits.strip_prefix("approval:") {
            p.flow { "A step waits for an approval." a href={ "/approvals/" (approval) } { "Decide" } }
        }
        @if shown.awaits == "human" && may.confirm { (human_card(shown, csrf, &here)) }
        (Card::new("Steps").tight(steps(&shown.steps.iter().map(|step| drawn(step, run, &shown.awaits)).collect::<Vec<_>>())))
        @if !run.tried.is_empty() { (Card::new("What was tried").body(sentences(&run.tried))) }
        @if !run.evidence.is_empty() { (Card::new("Evidence").body(sentences(&run.evidence))) }
    };
    let body =
        columns(Split::Wide, &main, &html! { (Card::new("At a glance").tight(html! { (facts(run, names, clock)) })) });
    html! { (header) (live("run", &run.reference.to_string(), &here, &body)) }
}

fn sentences(lines: &[String]) -> Markup {
    html! { ul { @for line in lines { li dir="auto" { (line) } } } }
}

fn facts(run: &RunView, names: &BTreeMap<Ref, Resolved>, clock: &Clock) -> Facts {
    let (tone, word) = standing(run.state);
    let mut facts = Facts::new().row("State", status(tone, word)).row("Runbook", linked(names, &run.runbook));
    for (name, reference) in [("Machine", &run.asset), ("Because of", &run.cause), ("Check", &run.check)] {
        if let Some(reference) = reference {
            facts = facts.row(name, linked(names, reference));
        }
    }
    let how = match run.mode.as_str() {
        "auto" => "By itself, as bound by",
        "approve" => "After approval, as bound by",
        "propose" => "Proposed, as bound by",
        _ => "By hand, by",
    };
    facts = facts
        .text("Started", &format!("{how} {}", run.started_by))
        .row("Came about", clock.at(run.created_at.timestamp()));
    if let Some(at) = run.finished_at {
        facts = facts.row("Ended", clock.at(at.timestamp()));
    }
    let inputs = run.inputs.iter().filter(|(_, value)| !value.is_null());
    inputs.fold(facts, |facts, (name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        facts.mono(name.as_str(), &text)
    })
}

fn human_card(shown: &ShownRun, csrf: &str, here: &str) -> Markup {
    let at = shown.run.step.to_string();
    let instructions =
        shown.steps.iter().find(|step| step.step == shown.run.step).map_or("", |step| step.instructions.as_str());
    let done = [("true", "It is done"), ("false", "It could not be done")];
    let form = Form::post("/do/runbooks.run.confirm-step", csrf)
        .back(here)
        .field(Field::hidden("id", shown.run.id.to_string()))
        .field(Field::hidden("step", at))
        .field(Field::select("done", "Result", done).value("true"))
        .field(Field::textarea("note", "What you did or saw"))
        .action(Button::submit("Confirm").primary());
    html! { (Card::new("This step is yours").body(html! { p dir="auto" { (instructions) } (form) })) }
}

/// A step as it is drawn: its state follows from its phases.
fn drawn(step: &StepView, run: &RunView, awaits: &str) -> Step {
    let last = step.phases.last();
    let here = step.step == run.step && run.state == RunState::Running;
    let state = match last.map(|phase| (phase.phase.as_str(), phase.state.as_str())) {
        Some((_, "running")) if here && (awaits == "human" || awaits.starts_with("approval:")) => StepState::Approval,
        Some((_, "running")) => StepState::Running,
        Some(("check", "skipped")) => StepState::Skipped,
        Some(("undo", _)) | Some((_, "failed")) => StepState::Failed,
        Some((_, "done")) => StepState::Done,
        Some((_, "unknown")) => StepState::Unknown,
        _ => StepState::Waiting,
    };
    let took = match (step.phases.first(), last.and_then(|phase| phase.finished_at)) {
        (Some(first), Some(end)) => Some(duration(end.since(first.started_at) / kernel::time::SECOND)),
        _ => None,
    };
    let detail = (!step.phases.is_empty()).then(|| html! { @for phase in &step.phases { (phase_line(phase)) } });
    Step { title: format!("{} ({})", step.name, step.kind), state, detail, took }
}

fn phase_line(phase: &PhaseView) -> Markup {
    let word = match (phase.phase.as_str(), phase.state.as_str()) {
        ("check", "skipped") => "Check: it was so already",
        ("check", "failed") => "Check: it was not so",
        ("check", "running") => "Checking",
        ("check", _) => "Check: not known",
        ("act", "done") => "Act: done",
        ("act", "failed") => "Act: failed",
        ("act", "running") => "Acting",
        ("act", _) => "Act: not known whether it ran",
        ("verify", "done") => "Verify: proven",
        ("verify", "failed") => "Verify: not so",
        ("verify", "running") => "Verifying",
        ("undo", "done") => "Undo: done",
        ("undo", "running") => "Undoing",
        ("undo", _) => "Undo: failed",
        _ => "Not known",
    };
    html! {
        p {
            (word)
            @if let Some(code) = phase.exit_code { " · exit code " (code) }
            @if !phase.reason.is_empty() { " · " span dir="auto" { (phase.reason) } }
            @if let Some(job) = phase.job.as_ref().filter(|job| job.kind == "agent_job") { " · " a href={ "/fleet/jobs/" (job.id) } { "job " (job.id) } }
        }
        @if !phase.output.is_empty() { (code(&phase.output)) }
    }
}

#[cfg(test)]
pub(crate) fn sample(title: &str, state: RunState) -> RunView {
    let at = kernel::Time(1_772_438_400_000_000);
    RunView {
        id: 4,
        reference: crate::events::run_ref(4),
        runbook: crate::events::runbook_ref(1),
        title: title.into(),
        version: "ab".into(),
        number: 1,
        state,
        mode: "auto".into(),
        binding: Some(1),
        asset: Some(Ref::new("asset", 12)),
        check: None,
        cause: Some(Ref::new("alert_group", 9)),
        inputs: [("unit".to_owned(), serde_json::json!(title))].into(),
        started_by: title.into(),
        reason: title.into(),
        outcome: String::new(),
        tried: vec![title.into()],
        evidence: vec![title.into()],
        step: 1,
        created_at: at,
        started_at: Some(at),
        finished_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>";
    const STATES: [RunState; 6] = [
        RunState::Proposed,
        RunState::Approval,
        RunState::Running,
        RunState::Done,
        RunState::Failed,
        RunState::Stopped,
    ];

    fn clock() -> Clock {
        Clock::utc_us(1_772_438_400_000_000)
    }

    fn shown(state: RunState, awaits: &str) -> ShownRun {
        let at = kernel::Time(1_772_438_400_000_000);
        let phase = |phase: &str, state: &str| PhaseView {
            step: 1,
            phase: phase.into(),
            attempt: 1,
            state: state.into(),
            job: Some(Ref::new("agent_job", 7)),
            exit_code: Some(1),
            output: HOSTILE.into(),
            reason: HOSTILE.into(),
            started_at: at,
            finished_at: Some(at),
        };
        let phases =
            vec![phase("check", "failed"), phase("act", "done"), phase("verify", "failed"), phase("undo", "done")];
        let step =
            StepView { step: 1, name: HOSTILE.into(), kind: "human".into(), instructions: HOSTILE.into(), phases };
        ShownRun { run: sample(HOSTILE, state), awaits: awaits.into(), steps: vec![step] }
    }

    #[test]
    fn the_list_renders_empty_many_and_hostile() {
        let page = |items: Vec<RunView>| Page { items, next: Some("4".into()) };
        let body = |items| list_body(&page(items), &BTreeMap::new(), "all", false, &clock()).into_string();
        assert!(body(Vec::new()).contains("No runs here"));
        let many = body(STATES.iter().map(|state| sample(HOSTILE, *state)).collect());
        assert!(!many.contains("<script>") && many.contains("Waits for approval") && many.contains("cursor=4"));
    }

    #[test]
    fn a_run_shows_its_phases_and_only_the_buttons_that_fit() {
        let may = May { start: true, stop: true, confirm: true };
        for state in STATES {
            let html = show_body(&shown(state, "human"), &BTreeMap::new(), may, "token", &clock()).into_string();
            assert!(!html.contains("<script>"), "{state:?}");
            assert_eq!(html.contains("/do/runbooks.run.stop"), state.is_active(), "{state:?}");
            assert_eq!(html.contains("/do/runbooks.run.start"), state == RunState::Proposed, "{state:?}");
            assert!(html.contains("Undo: done") && html.contains("/fleet/jobs/7"));
        }
        let waits =
            show_body(&shown(RunState::Running, "approval:5"), &BTreeMap::new(), may, "token", &clock()).into_string();
        assert!(waits.contains("/approvals/5") && !waits.contains("confirm-step"));
    }
}
