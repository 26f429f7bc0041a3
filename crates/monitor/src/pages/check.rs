//! The page of one check: how it stands, its history, its newest results, and the form that changes it.

use kernel::{Operation as _, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx, PanelPlace, placed};
use web::ui::{
    Button, Card, Clock, Column, Facts, Field, Form, PageHeader, Row, Split, Table, Tone, columns, pill, post_button,
    status,
};

use super::check_form::{rule_fields, team_options};
use super::places::Places;
use super::{Names, ago, check_fields, looks, severity};
use crate::charts::check::ReadCheckChart;
use crate::check::Check;
use crate::check::show::{CheckDetail, ShowCheck};
use crate::heartbeat::ShowAddress;
use crate::probe::{Judge, Kind};

struct View {
    clock: Clock,
    detail: CheckDetail,
    names: Names,
    teams: Vec<(String, String)>,
    places: Places,
    may: May,
    csrf: String,
    figure: Markup,
    /// Where a job is heard, for who may know it.
    address: Option<String>,
    main: Markup,
    side: Markup,
}

struct May {
    update: bool,
    pause: bool,
    delete: bool,
    silence: bool,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let detail = page.cx.call(&ShowCheck { id })?;
    let check = &detail.check;
    let subject = check.reference();
    let teams: Vec<i64> = check.team.or(check.asset_team).into_iter().collect();
    let names = Names::load(page, &check.asset.into_iter().chain(check.vantage).collect::<Vec<i64>>(), &teams)?;
    let may = May {
        update: page.cx.may("monitor.check.update"),
        pause: page.cx.may("monitor.check.pause"),
        delete: page.cx.may("monitor.check.delete"),
        silence: page.cx.may("monitor.silence.create"),
    };
    let may_draw = page.cx.may(ReadCheckChart::NAME);
    let figure = if may_draw {
        super::figure::of_check(page, check)?
    } else {
        html! {}
    };
    let parts = page.parts(&subject);
    let view = View {
        clock: page.clock(),
        names,
        teams: team_options(page, detail.check.team)?,
        places: Places::load(page, "", detail.check.vantage)?,
        may,
        csrf: page.csrf.clone(),
        figure,
        address: address(page, &detail)?,
        main: placed(&parts, PanelPlace::Main),
        side: placed(&parts, PanelPlace::Side),
        detail,
    };
    Ok(Content::new(view.detail.check.name.clone(), draw(&view)))
}

/// The address of a heartbeat.
fn address(page: &mut PageCx, detail: &CheckDetail) -> Result<Option<String>> {
    if detail.check.probe.kind() != Kind::Heartbeat || !page.cx.may(ShowAddress::NAME) {
        return Ok(None);
    }
    let path = page.cx.call(&ShowAddress { id: detail.check.id })?.path;
    let origin = if page.origin.is_empty() { "https://THIS-SERVER" } else { page.origin.as_str() };
    Ok(Some(format!("{origin}{path}")))
}

/// How a job tells that it ran.
fn crontab(view: &View) -> Markup {
    let Some(address) = &view.address else { return html! {} };
    let line = format!("your-job && curl -fsS -m 10 --retry 5 {address}");
    let body = html! {
        p { "Ask for this address when the job ended well, for example from its line of the crontab:" }
        (web::ui::code(&line))
        p { "With " code { "/start" } " behind it when the job begins, its duration is kept. With " code { "/fail" } " or its exit code, such as " code { "/$?" } ", when it ends. Whoever has the address can speak for the job." }
    };
    html! { (Card::new("Where the job is heard").body(body)) }
}

fn draw(view: &View) -> Markup {
    let check = &view.detail.check;
    let here = format!("/monitoring/checks/{}", check.id);
    let live = format!("{} alert:{}", check.reference(), check.alert);
    let shown = html! { (results(view)) (crontab(view)) (history(view)) };
    let main = html! { (view.figure) (web::ui::live("check-state", &live, &here, &shown)) (view.main) (change(view)) };
    html! {
        (head(view, &here))
        (columns(Split::Wide, &main, &html! { (facts(view)) (view.side) }))
    }
}

fn head(view: &View, here: &str) -> PageHeader {
    let check = &view.detail.check;
    let id = check.id.to_string();
    let (tone, word) = looks(check.state, check.open, check.paused);
    let mut head = PageHeader::new(check.name.clone())
        .crumb("Monitoring", Some("/monitoring"))
        .crumb("Checks", Some("/monitoring/checks"))
        .pill(pill(tone, word))
        .subtitle(html! { (view.names.asset(check.asset)) " · " span dir="auto" { (view.detail.looks_at) } });
    head = head.action(Button::link("Why?", format!("/monitoring/alerts/{}", check.alert)).key("w"));
    if view.may.silence {
        head = head.action(Button::link("Silence", format!("/monitoring/silences?check={id}")).icon("bell"));
    }
    if view.may.pause {
        let (action, label, icon) = if check.paused {
            ("/do/monitor.check.resume", "Resume", "play")
        } else {
            ("/do/monitor.check.pause", "Pause", "pause")
        };
        let button = Button::submit(label).icon(icon).key("p");
        head = head.action(post_button(action, &view.csrf, &[("id", &id), ("_back", here)], &button));
    }
    if view.may.delete {
        let button = Button::submit("Delete").danger().confirm("Delete this check with its history?");
        let fields = [("id", id.as_str()), ("_back", "/monitoring/checks")];
        head = head.action(post_button("/do/monitor.check.delete", &view.csrf, &fields, &button));
    }
    head
}

fn facts(view: &View) -> Markup {
    let check = &view.detail.check;
    let (tone, word) = severity(check.severity);
    let mut facts = Facts::new()
        .text("Kind", check.probe.kind().title())
        .row("Since", ago(&view.clock, check.since))
        .text("Every", &web::ui::duration(check.interval_s))
        .text("Alert at", &format!("{} bad of {}", check.fire_n, check.fire_m))
        .text("Ends at", &format!("{} good in a row", check.clear_k))
        .row("Severity", status(tone, word))
        .row("Team", view.names.team(check.team.or(check.asset_team)));
    facts = facts.row("Looked at from", looked_from(view));
    if let Some(group) = check.group {
        facts = facts.row("Alert group", html! { a href={ "/monitoring/groups/" (group) } { "Alert group " (group) } });
    }
    html! { (Card::new("At a glance").tight(html! { (facts) })) }
}

/// What was seen, whole: it is what people come for.
fn evidence(clock: &Clock, text: &str) -> Markup {
    html! { span.evidence dir="auto" { (clock.spoken(text)) } }
}

/// What was seen without its moment, where that stands beside it.
fn said(text: &str) -> &str {
    web::ui::stamped(text).filter(|found| found.before.is_empty()).map_or(text, |found| found.after())
}

/// Who finds out.
fn looked_from(view: &View) -> Markup {
    let check = &view.detail.check;
    match (check.probe.judge(), check.vantage) {
        (Judge::Server, _) => html! { "This server, by what it heard" },
        (Judge::Vantage, None) => html! { "This server" },
        (Judge::Vantage, from) if from == check.asset => html! { "Its own agent" },
        (Judge::Vantage, from) => html! { "The agent of " (view.names.asset(from)) },
    }
}

fn results(view: &View) -> Markup {
    let card = Card::new("Newest results");
    if view.detail.results.is_empty() {
        let comes = match view.detail.check.probe.kind() {
            Kind::Heartbeat => "One comes when the job says something, and when it is late.".to_owned(),
            _ => format!("One comes every {}.", web::ui::duration(view.detail.check.interval_s)),
        };
        return html! { (card.body(html! { p { "No result since the server started. " (comes) } })) };
    }
    let rows = view.detail.results.iter().map(|seen| {
        let (tone, word) = match seen.outcome.as_str() {
            "good" => (Tone::Ok, "Good"),
            "bad" => (Tone::Critical, "Bad"),
            _ => (Tone::Idle, "Not known"),
        };
        let took = std::time::Duration::from_micros(seen.took_us).as_secs_f64() * 1_000.0;
        Row::new(seen.text.clone())
            .cell(status(tone, word))
            .cell(evidence(&view.clock, &seen.text))
            .text(&format!("{took:.1} ms"))
            .cell(ago(&view.clock, seen.at))
    });
    let columns =
        [Column::new("Result"), Column::new("What was seen").main(), Column::new("Took").num(), Column::new("When")];
    let table = Table::new("Newest results").columns(columns).rows(rows);
    html! { (card.flush(html! { (table) })) }
}

fn history(view: &View) -> Markup {
    let card = Card::new("History");
    if view.detail.transitions.is_empty() {
        return html! { (card.body(html! { p { "Nothing has changed yet." } })) };
    }
    let rows = view.detail.transitions.iter().map(|one| {
        let (tone, word) = looks(one.to, one.fired, false);
        let note = match (one.fired, one.cleared) {
            (true, _) => "Alert",
            (_, true) => "Recovered",
            _ => "",
        };
        Row::new(word)
            .cell(status(tone, word))
            .text(note)
            .cell(evidence(&view.clock, said(&one.evidence)))
            .cell(ago(&view.clock, one.at))
    });
    let columns = [Column::new("State"), Column::new(""), Column::new("What was seen").main(), Column::new("When")];
    let table = Table::new("Changes of state").columns(columns).rows(rows);
    html! { (card.flush(html! { (table) })) }
}

fn change(view: &View) -> Markup {
    if !view.may.update {
        return html! {};
    }
    let check: &Check = &view.detail.check;
    let mut form = Form::post("/do/monitor.check.update", view.csrf.clone())
        .back(format!("/monitoring/checks/{}", check.id))
        .field(Field::hidden("id", check.id.to_string()))
        .field(Field::hidden("expected_version", check.version.to_string()))
        .field(Field::text("name", "Name").value(check.name.clone()).required().length_max(120));
    form = check_fields::put(form, check.probe.kind(), Some(&check.probe));
    if check.probe.kind().server_sees() {
        form = form.field(view.places.select(check));
    }
    for part in rule_fields(check.probe.kind(), Some(check), &view.teams) {
        form = form.fields(part);
    }
    html! { (Card::new("Change").body(html! { (form.action(Button::submit("Save").primary())) })) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Transition;
    use crate::live::Seen;
    use crate::machine::State;
    use crate::pages::HOSTILE;

    fn drawn(check: Check, many: usize, text: &str) -> String {
        let seen = Seen { at: kernel::Time(0), outcome: "bad".into(), value: None, took_us: 1_500, text: text.into() };
        let moved = Transition {
            at: kernel::Time(0),
            from: State::Ok,
            to: State::Firing,
            fired: true,
            cleared: false,
            evidence: text.into(),
        };
        let detail = CheckDetail {
            check,
            looks_at: text.into(),
            transitions: vec![moved; many],
            results: vec![seen; many.min(5)],
        };
        let may = May { update: true, pause: true, delete: true, silence: true };
        let view = View {
            clock: Clock::utc_us(0),
            detail,
            names: Names::default(),
            teams: vec![],
            places: Places::default(),
            may,
            csrf: "token".into(),
            figure: html! {},
            address: Some("/heartbeat/0123".into()),
            main: html! {},
            side: html! {},
        };
        draw(&view).into_string()
    }

    #[test]
    fn a_check_draws_new_busy_and_hostile() {
        assert!(drawn(Check::sample("Web"), 0, "x").contains("No result since the server started"));
        assert!(drawn(Check::sample("Web"), 50, "x").contains("Save"));
        assert!(!drawn(Check::sample(HOSTILE), 1, HOSTILE).contains("<script>alert"));
    }
}
