//! Pages: jobs, and one job with its output.

use std::collections::BTreeMap;

use kernel::{Ref, Resolved, Result};
use maud::{Markup, html};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, List, PageHeader, Row, Split, Table, Tone, code, columns, pill,
    post_button, status,
};
use web::{Content, PageCx};

use super::JobView;
use super::list::ListJobs;
use super::show::ShowJob;
use crate::events::capital;
use crate::list_page::ListPage;

/// How a job stands, as a tone.
pub(crate) fn tone(state: &str) -> Tone {
    match state {
        "done" => Tone::Ok,
        "queued" | "sent" | "accepted" => Tone::Working,
        "failed" | "refused" | "timed_out" => Tone::Critical,
        "stopped" | "expired" | "unknown" => Tone::Warn,
        _ => Tone::Idle,
    }
}

/// How a job stands, as a tone and a word. A look that found something else than it looked for is no failure.
fn standing(job: &JobView) -> (Tone, String) {
    if job.state == "failed" && super::is_look(&job.action) {
        (Tone::Info, "Not so".to_owned())
    } else {
        (tone(&job.state), capital(&job.state))
    }
}

/// Jobs as rows.
pub(crate) fn jobs_table(jobs: &[JobView], clock: &Clock) -> Markup {
    if jobs.is_empty() {
        return html! { (Empty::new("No jobs yet", "What runbooks and people ask of this machine is listed here.")) };
    }
    html! { (table(jobs, clock)) }
}

fn table(jobs: &[JobView], clock: &Clock) -> Table {
    let rows = jobs.iter().map(|job| {
        let (tone, word) = standing(job);
        Row::new(&job.summary)
            .href(format!("/fleet/jobs/{}", job.id))
            .cell(status(tone, &word))
            .main()
            .text(&job.queued_by)
            .cell(clock.ago(job.queued_at.timestamp()))
    });
    let columns =
        [Column::new("State"), Column::new("Action").main(), Column::new("Asked by").wide(), Column::new("Queued")];
    Table::new("Jobs").columns(columns).rows(rows)
}

/// `/fleet/jobs`
pub(crate) fn list(page: &mut PageCx) -> Result<Content> {
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_some().then(|| "/fleet/jobs".to_owned());
    let jobs = page.cx.call(&ListJobs { cursor, ..ListJobs::default() })?;
    let clock = page.clock();
    Ok(Content::new("Jobs", list_body(&jobs, first, &clock)))
}

fn list_body(jobs: &ListPage<JobView>, first: Option<String>, clock: &Clock) -> Markup {
    let next = jobs.next.as_ref().map(|cursor| format!("/fleet/jobs?cursor={cursor}"));
    let empty = Empty::new("No jobs yet", "What runbooks and people ask of machines is listed here.")
        .action(Button::link("Runbooks", "/runbooks"));
    html! {
        (PageHeader::new("Jobs").crumb("Endpoints", Some("/fleet")).subtitle(html! { "Single actions on single machines, with their results." }))
        (List::new("jobs", table(&jobs.items, clock)).paging(next, first).empty(empty))
    }
}

/// `/fleet/jobs/{id}`
pub(crate) fn show(page: &mut PageCx) -> Result<Content> {
    let job = page.cx.call(&ShowJob { id: page.id("id")? })?;
    let refs: Vec<Ref> = [Some(job.asset.clone()), job.cause.clone(), job.run.clone()].into_iter().flatten().collect();
    let names = page.cx.resolve(&refs)?;
    let cancel = page.cx.may("fleet.job.cancel").then_some(page.csrf.as_str());
    let clock = page.clock();
    Ok(Content::new(job.summary.clone(), show_body(&job, &names, cancel, &clock)))
}

fn linked(names: &BTreeMap<Ref, Resolved>, reference: &Ref) -> Markup {
    match names.get(reference) {
        Some(known) => html! { a href=(web::ui::href(&known.href)) dir="auto" { (known.title) } },
        None => html! { span.mono { (reference) } },
    }
}

fn show_body(job: &JobView, names: &BTreeMap<Ref, Resolved>, cancel: Option<&str>, clock: &Clock) -> Markup {
    let id = job.id.to_string();
    let back = format!("/fleet/jobs/{id}");
    let (tone, word) = standing(job);
    let mut header = PageHeader::new(&job.summary)
        .mono()
        .crumb("Endpoints", Some("/fleet"))
        .crumb("Jobs", Some("/fleet/jobs"))
        .pill(pill(tone, &word));
    if let (Some(csrf), "queued") = (cancel, job.state.as_str()) {
        let fields = [("id", id.as_str()), ("_back", back.as_str())];
        header = header.action(post_button("/do/fleet.job.cancel", csrf, &fields, &Button::submit("Cancel it")));
    }
    let mut facts = Facts::new()
        .row("State", status(tone, &word))
        .known("Because", Some(job.reason.as_str()).filter(|text| !text.is_empty()))
        .row("Machine", linked(names, &job.asset))
        .known("Exit code", job.exit_code.map(|code| code.to_string()).as_deref())
        .text("Asked by", &job.queued_by)
        .row("Queued", clock.at(job.queued_at.timestamp()));
    if let Some(cause) = &job.cause {
        facts = facts.row("Because of", linked(names, cause));
    }
    if let Some(run) = &job.run {
        facts = facts.row("Part of", linked(names, run));
    }
    for (name, at) in
        [("Sent", job.sent_at), ("Taken", job.accepted_at), ("Started", job.started_at), ("Ended", job.finished_at)]
    {
        if let Some(at) = at {
            facts = facts.row(name, clock.at(at.timestamp()));
        }
    }
    facts = facts.row("Not to be started after", clock.at(job.not_after.timestamp()));
    let action = serde_json::to_string_pretty(&job.action).unwrap_or_default();
    let main = html! {
        (Card::new("Output").body(html! {
            @if job.output.is_empty() { p.faint { "No output." } } @else { (code(&job.output)) }
            @if job.output_dropped > 0 { p.faint { "The first " (job.output_dropped) " bytes were left out." } }
        }))
        (Card::new("What the agent gets").body(code(&action)))
    };
    html! { (header) (columns(Split::Wide, &main, &html! { (Card::new("At a glance").tight(html! { (facts) })) })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(summary: &str, state: &str) -> JobView {
        let at = kernel::Time(1_772_438_400_000_000);
        JobView {
            id: 9,
            reference: crate::events::job_ref(9),
            asset: crate::events::asset_ref(12),
            agent: crate::events::agent_ref(3),
            summary: summary.into(),
            action: serde_json::json!({ "Command": { "argv": [summary] } }),
            class: "A".into(),
            state: state.into(),
            reason: summary.into(),
            exit_code: Some(1),
            output: summary.into(),
            output_dropped: 5,
            cause: Some(Ref::new("alert_group", 1)),
            run: None,
            queued_by: summary.into(),
            queued_at: at,
            sent_at: Some(at),
            accepted_at: None,
            started_at: None,
            finished_at: None,
            not_after: at,
        }
    }

    #[test]
    fn jobs_render_empty_many_and_hostile() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        assert!(jobs_table(&[], &clock).into_string().contains("No jobs yet"));
        let states =
            ["queued", "sent", "accepted", "done", "failed", "refused", "expired", "timed_out", "unknown", "stopped"];
        let many: Vec<JobView> = states.iter().map(|state| sample("<img src=x onerror=alert(1)>", state)).collect();
        let html = jobs_table(&many, &clock).into_string();
        assert!(!html.contains("<img") && html.contains("Timed out"), "{html}");
        let page = ListPage { items: many, next: Some("9".into()), count: 10, count_capped: false };
        assert!(list_body(&page, None, &clock).into_string().contains("cursor=9"));
    }

    #[test]
    fn a_look_that_found_something_else_is_no_failure() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let look = serde_json::json!({ "Probe": { "probe": { "Tcp": { "host": "a", "port": 80 } }, "timeout_ms": 1 } });
        let draw = |state: &str| {
            jobs_table(&[JobView { action: look.clone(), ..sample("look", state) }], &clock).into_string()
        };
        assert!(draw("failed").contains("Not so") && !draw("failed").contains("Failed"));
        assert!(draw("refused").contains("Refused") && draw("done").contains("Done"));
        assert!(jobs_table(&[sample("act", "failed")], &clock).into_string().contains("Failed"));
    }

    #[test]
    fn only_a_job_that_waits_can_be_cancelled() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let body = |state| show_body(&sample("<b>", state), &BTreeMap::new(), Some("token"), &clock).into_string();
        assert!(body("queued").contains("fleet.job.cancel"));
        assert!(!body("done").contains("fleet.job.cancel") && !body("done").contains("<b>"));
    }
}
