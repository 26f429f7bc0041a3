//! What runbooks add to the pages of checks, assets and alert groups.

use kernel::{Ref, Result};
use maud::{Markup, html};
use web::PageCx;
use web::page::{Panel, PanelPlace};
use web::ui::{Button, Card, Clock, Column, Empty, Field, Form, Row, Table, post_button, status};

use crate::binding::list::ListBindings;
use crate::binding::{self, BindingView, Mode};
use crate::run::list::ListRuns;
use crate::run::{self, RunState, RunView, pages};
use crate::runbook;

pub(crate) fn panels() -> Vec<Panel> {
    let panel =
        |name, about, title, grant, render| Panel { name, about, title, place: PanelPlace::Main, grant, render };
    vec![
        panel("runbooks-bindings", "check", "Runbooks", binding::list::NAME, bindings),
        panel("runbooks-asset-runs", "asset", "Runs", run::list::NAME, asset_runs),
        panel("runbooks-group-runs", "alert_group", "Runs", run::list::NAME, group_runs),
        panel("runbooks-ticket-runs", "ticket", "Runs", run::list::NAME, group_runs),
    ]
}

fn bindings(page: &mut PageCx, check: &Ref) -> Result<Option<Markup>> {
    let found = page.cx.call(&ListBindings { check: Some(check.clone()), ..ListBindings::default() })?.items;
    let add = page.cx.may("runbooks.binding.add");
    let options = if add { runbook::store::approved_options(page.cx.tx)? } else { Vec::new() };
    let auto = page.cx.may(binding::add::AUTO);
    let remove = page.cx.may("runbooks.binding.remove");
    let back = home(page, check)?;
    let body = bindings_body(&Bindings {
        check,
        found: &found,
        options: &options,
        add,
        auto,
        remove,
        csrf: &page.csrf,
        back: &back,
    });
    Ok(Some(html! { (Card::new("Runbooks").flush(body)) }))
}

/// The page of the thing that a panel stands on: a form in a panel leads back there.
fn home(page: &mut PageCx, subject: &Ref) -> Result<String> {
    let known = page.cx.resolve(std::slice::from_ref(subject))?;
    Ok(known.get(subject).map_or_else(|| "/runs".to_owned(), |thing| thing.href.clone()))
}

struct Bindings<'a> {
    check: &'a Ref,
    found: &'a [BindingView],
    options: &'a [(i64, String)],
    add: bool,
    auto: bool,
    remove: bool,
    csrf: &'a str,
    back: &'a str,
}

fn bindings_body(view: &Bindings<'_>) -> Markup {
    let rows = view.found.iter().map(|binding| {
        let id = binding.id.to_string();
        let newer = if binding.latest > binding.number { format!(" (version {} is newer and does not run here)", binding.latest) } else { String::new() };
        let remove = html! {
            @if view.remove {
                (post_button("/do/runbooks.binding.remove", view.csrf, &[("id", &id), ("_back", view.back)], &Button::submit("Remove").small()))
            }
        };
        Row::new(&binding.title)
            .href(format!("/runbooks/{}?version={}", binding.runbook.id, binding.version))
            .main()
            .text(&format!("version {}{newer}", binding.number))
            .text(binding.mode.words())
            .text(&binding.bound_by)
            .cell(remove)
    });
    let columns = [
        Column::new("Runbook").main(),
        Column::new("Version"),
        Column::new("When the check fails"),
        Column::new("Bound by").wide(),
        Column::new("Change"),
    ];
    html! {
        @if view.found.is_empty() {
            (Empty::new("No runbook answers this check", "Bind one, and a failure is answered: by a proposal, after an approval, or by itself."))
        } @else { (Table::new("Runbooks bound to this check").columns(columns).rows(rows)) }
        @if view.add && !view.options.is_empty() { div.in { (bind_form(view)) } }
        @if view.add && view.options.is_empty() { p.in { "No runbook is approved yet. " a href="/runbooks" { "Open the runbooks" } } }
    }
}

fn bind_form(view: &Bindings<'_>) -> Markup {
    let runbooks = view.options.iter().map(|(id, title)| (id.to_string(), title.clone()));
    let modes = [Mode::Propose, Mode::Approve, Mode::Auto].into_iter().filter(|mode| *mode != Mode::Auto || view.auto);
    let modes = modes.map(|mode| (mode.as_str(), mode.words()));
    let form = Form::post("/do/runbooks.binding.add", view.csrf)
        .back(view.back)
        .field(Field::hidden("check", view.check.to_string()))
        .fields([
            Field::select("runbook", "Runbook", runbooks).required(),
            Field::select("mode", "When the check fails", modes).required(),
        ])
        .field(
            Field::text("inputs", "Inputs")
                .mono()
                .placeholder("{\"unit\": \"nginx.service\"}")
                .help("As JSON. The machine is that of the alert."),
        )
        .action(Button::submit("Bind it"));
    html! { (form) }
}

fn asset_runs(page: &mut PageCx, asset: &Ref) -> Result<Option<Markup>> {
    let found = page.cx.call(&ListRuns { asset: Some(asset.id), limit: Some(10), ..ListRuns::default() })?.items;
    let clock = page.clock();
    Ok((!found.is_empty())
        .then(|| html! { (Card::new("Runs").link("All runs", "/runs").flush(runs_body(&found, None, &clock))) }))
}

fn group_runs(page: &mut PageCx, cause: &Ref) -> Result<Option<Markup>> {
    let found = page.cx.call(&ListRuns { cause: Some(cause.clone()), limit: Some(10), ..ListRuns::default() })?.items;
    let start = page.cx.may(run::start::NAME).then_some(page.csrf.as_str());
    let clock = page.clock();
    Ok((!found.is_empty()).then(|| html! { (Card::new("Runs").flush(runs_body(&found, start, &clock))) }))
}

fn runs_body(found: &[RunView], start: Option<&str>, clock: &Clock) -> Markup {
    let rows = found.iter().map(|one| {
        let (tone, word) = pages::standing(one.state);
        let id = one.id.to_string();
        let run = html! {
            @if let (Some(csrf), RunState::Proposed) = (start, one.state) {
                (post_button("/do/runbooks.run.start", csrf, &[("run", &id), ("_back", &format!("/runs/{id}"))], &Button::submit("Run it").small().primary()))
            }
        };
        Row::new(&one.title)
            .href(format!("/runs/{}", one.id))
            .cell(status(tone, word))
            .main()
            .text(&one.outcome)
            .cell(clock.ago(one.created_at.timestamp()))
            .cell(run)
    });
    let columns = [
        Column::new("State"),
        Column::new("Runbook").main(),
        Column::new("What came of it").wide(),
        Column::new("When"),
        Column::new("Change"),
    ];
    html! { (Table::new("Runs").columns(columns).rows(rows)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> BindingView {
        BindingView {
            id: 1,
            check: Ref::new("check", 3),
            runbook: Ref::new("runbook", 2),
            title: "<script>alert(1)</script>".into(),
            version: "ab".into(),
            number: 1,
            latest: 2,
            inputs: Default::default(),
            mode: Mode::Auto,
            bound_by: "<b>".into(),
            created_at: kernel::Time(1),
        }
    }

    fn render(found: &[BindingView], options: &[(i64, String)], auto: bool) -> String {
        let check = Ref::new("check", 3);
        let view = Bindings { check: &check, found, options, add: true, auto, remove: true, csrf: "token", back: "/x" };
        bindings_body(&view).into_string()
    }

    #[test]
    fn a_check_shows_what_answers_it_and_that_a_newer_version_does_not_run() {
        assert!(render(&[], &[], true).contains("No runbook answers this check"));
        let html = render(&[binding()], &[(2, "<i>".into())], true);
        assert!(html.contains("version 2 is newer and does not run here") && html.contains("Runs by itself"), "{html}");
        assert!(!html.contains("<script>") && !html.contains("<i>") && !html.contains("<b>"));
        assert!(!render(&[], &[(2, "a".into())], false).contains("value=\"auto\""), "auto is offered only to who may");
    }

    #[test]
    fn a_proposed_run_has_a_button_for_who_may_start_it() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let run = pages::sample("a", RunState::Proposed);
        assert!(
            runs_body(std::slice::from_ref(&run), Some("token"), &clock).into_string().contains("runbooks.run.start")
        );
        assert!(!runs_body(&[run], None, &clock).into_string().contains("runbooks.run.start"));
    }
}
