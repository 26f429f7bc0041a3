//! Home: one ranked list of what needs somebody now, and what happened lately.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use kernel::attention::Need;
use kernel::{Call, Cx, LiveList, Ref, Result, StoredEvent, Via};
use maud::{Markup, html};
use serde_json::{Value, json};
use web::page::{Audience, Content, PageCx, PanelPlace, Part, placed};
use web::ui::{
    Attention, Button, Card, Chart, ChartData, Charts, Clock, Empty, Entry, PageHeader, Range, Split, Step, StepState,
    Tone, attention_list, columns, live, steps, timeline,
};

use crate::{Shared, pages, respond};

/// So many are counted, here and in the navigation.
pub(crate) const NEEDS_COUNTED_MAX: usize = 99;
/// Rows of "Needs you now".
const NEEDS_MAX: usize = 20;
/// The figures of the first machine show so many minutes.
const MINUTES_SHOWN: i64 = 15;
/// Rows of "Lately".
const LATELY_MAX: usize = 12;
/// Events that tell of a person what the names of users do not.
const PRIVATE: &[&str] = &["people.session.", "people.token."];

/// `GET /`
pub(crate) async fn page(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        if app.kernel.db.read(people::setup::waits)? {
            return Ok(respond::see_other("/setup"));
        }
        let who = crate::session::Credentials::of(&parts).resolve(&app.kernel)?;
        if who.actor.user().is_some() && !who.works_here(app.kernel.now()) {
            return Ok(respond::see_other("/portal"));
        }
        Ok(pages::show(app, &parts, "/", "", Audience::Console, render))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

fn render(page: &mut PageCx) -> Result<Content> {
    let needs = page.cx.attention(NEEDS_COUNTED_MAX)?;
    let clock = page.clock();
    let why = page.param("why").is_some();
    let parts = page.parts(&Ref::new("home", 1));
    let machine = first_machine(page.cx).map(|asset| figures(page, asset));
    let beside = Beside { steps: first_steps(page), lately: lately(page.cx)?, machine };
    let name = page.cx.actor.name.split_whitespace().next().unwrap_or("").to_owned();
    let hour: u8 = page.cx.now.timestamp().to_zoned(page.zone.clone()).hour().unsigned_abs();
    Ok(Content::new("Home", view(&name, hour, &needs, &clock, why, &parts, &beside)))
}

/// What stands around the list.
#[derive(Default)]
struct Beside {
    steps: Vec<Step>,
    lately: Vec<(StoredEvent, Option<String>)>,
    /// The first machine, with its last minutes in figures.
    machine: Option<Markup>,
}

/// Whether a list operation finds so many rows, as far as this actor may ask.
fn has(cx: &mut Cx, operation: &str, least: usize) -> Option<bool> {
    let answer = cx.call_named(operation, json!({ "limit": least })).ok()?;
    answer.get("items").and_then(Value::as_array).map(|items| items.len() >= least)
}

/// The first five minutes as a checklist; empty when everything on it is done or somebody else's business.
fn first_steps(page: &mut PageCx) -> Vec<Step> {
    let wanted = [
        ("fleet.agent.list", 1, "A machine is connected", "/fleet", "Enrol a machine"),
        ("monitor.check.list", 1, "Something is watched", "/monitoring/checks/new", "Add a check"),
        ("runbooks.runbook.list", 1, "A runbook is written", "/runbooks/new", "Write a runbook"),
        ("people.user.list", 2, "A colleague can sign in", "/people/new", "Add a colleague"),
    ];
    let mut steps = Vec::new();
    for (operation, least, title, href, action) in wanted {
        let Some(done) = has(page.cx, operation, least) else { continue };
        let state = if done { StepState::Done } else { StepState::Waiting };
        let detail = (!done).then(|| html! { (Button::link(action, href).small()) });
        steps.push(Step { title: title.to_owned(), state, detail, took: None });
    }
    if steps.iter().all(|step| step.state == StepState::Done) { Vec::new() } else { steps }
}

/// The asset whose charts Home shows: the first machine with an agent.
fn first_machine(cx: &mut Cx) -> Option<i64> {
    let agents = cx.call_named("fleet.agent.list", json!({ "limit": 1 })).ok()?;
    if !cx.may("monitor.chart.read") {
        return None;
    }
    let asset = agents.get("items")?.get(0)?.get("asset")?;
    asset.as_i64().or_else(|| asset.as_str()?.parse::<Ref>().ok().map(|one| one.id))
}

/// What happened lately to things this actor may see, with where to read more. Who signed in from where, and which tokens
/// there are, is for those who may look at other people's sessions, as on their pages.
fn lately(cx: &mut Cx) -> Result<Vec<(StoredEvent, Option<String>)>> {
    let events = cx.latest_events(60)?;
    let mut events = cx.readable(None, events)?;
    if !cx.may("people.session.list") {
        events.retain(|event| !PRIVATE.iter().any(|prefix| event.name.starts_with(prefix)));
    }
    let refs: Vec<Ref> = events.iter().flat_map(|event| event.subjects.iter().cloned()).collect();
    let resolved = cx.resolve(&refs)?;
    let seen = events.into_iter().filter_map(|event| {
        let href = event.subjects.iter().find_map(|subject| resolved.get(subject)).map(|one| one.href.clone())?;
        Some((event, Some(href)))
    });
    Ok(seen.take(LATELY_MAX).collect())
}

fn entry(event: &StoredEvent, href: Option<&String>, clock: &Clock) -> Entry {
    Entry {
        tone: Tone::parse(&event.mark).unwrap_or(Tone::Idle),
        title: event.title.clone(),
        href: href.cloned(),
        // Who is not signed in yet has no name worth a line.
        detail: (event.actor != "nobody").then(|| html! { (event.actor_name) }),
        body: None,
        at: clock.when(event.at.timestamp()),
    }
}

fn greeting(hour: u8) -> &'static str {
    match hour {
        5..=11 => "Good morning",
        12..=17 => "Good afternoon",
        _ => "Good evening",
    }
}

fn row(need: &Need, clock: &Clock, explain: bool) -> Attention {
    Attention {
        tone: Tone::parse(&need.mark).unwrap_or(Tone::Idle),
        word: format!("{} {}", need.word, clock.relative(need.since.timestamp()).trim_end_matches(" ago")),
        title: need.title.clone(),
        href: Some(need.href.clone()),
        why: html! { (need.why) @if explain { " · score " (need.reason) } },
        action: Some(Button::link(need.action.clone(), need.href.clone())),
    }
}

fn view(name: &str, hour: u8, needs: &[Need], clock: &Clock, explain: bool, parts: &[Part], beside: &Beside) -> Markup {
    let rows: Vec<Attention> = needs.iter().take(NEEDS_MAX).map(|need| row(need, clock, explain)).collect();
    let link = if explain { ("Hide the scores", "/") } else { ("Why this order?", "/?why=1") };
    let list = html! {
        @if rows.is_empty() {
            (Empty::new("Nothing needs you now", "Alerts, approvals and requests appear here, most pressing first. Add a check to have something watched.")
                .action(Button::link("Add a check", "/monitoring/checks/new")))
        } @else {
            (attention_list(&rows))
            @if needs.len() > rows.len() { p.flow { "The " (rows.len()) " most pressing of " (needs.len()) "." } }
        }
    };
    let card = html! { (Card::new("Needs you now").count(needs.len()).link(link.0, link.1).flush(list)) };
    let says = match needs.len() {
        0 => "Nothing needs you right now".to_owned(),
        1 => "1 thing needs you".to_owned(),
        n => format!("{n} things need you"),
    };
    let title = if name.is_empty() { greeting(hour).to_owned() } else { format!("{}, {name}", greeting(hour)) };
    let today = clock.absolute(clock.now());
    let day = today.split(',').next().unwrap_or_default();
    html! {
        (PageHeader::new(title).subtitle(html! { (day) " · " (says) }))
        (columns(Split::Home, &html! { (live("needs", &LiveList::Needs.to_string(), "/", &card)) (placed(parts, PanelPlace::Main)) (around(beside, clock)) }, &html! { @if let Some(figures) = &beside.machine { (figures) } (placed(parts, PanelPlace::Side)) }))
    }
}

/// The checklist of the first minutes, and what happened lately.
fn around(beside: &Beside, clock: &Clock) -> Markup {
    let entries: Vec<Entry> = beside.lately.iter().map(|(event, href)| entry(event, href.as_ref(), clock)).collect();
    html! {
        @if !beside.steps.is_empty() { (Card::new("First steps").body(steps(&beside.steps))) }
        @if !entries.is_empty() { (Card::new("Lately").body(timeline(&entries))) }
    }
}

/// Processor and memory of a machine in the last quarter of an hour; what cannot be read is left out.
fn figures(page: &mut PageCx, asset: i64) -> Markup {
    let clock = page.clock();
    let range = Range::last(MINUTES_SHOWN, page.cx.now.millis());
    let actor = Arc::new(page.cx.actor.clone());
    let drawn = clock.clone();
    let body = page.later.add(move |kernel| {
        let mut all = Vec::new();
        for (word, title) in [("cpu", "Processor"), ("memory", "Memory")] {
            let ask = json!({ "asset": asset, "panel": word, "from": range.from_ms, "to": range.to_ms });
            let answer = kernel.dispatch(Call::new(actor.clone(), "monitor.chart.read", ask, Via::Page)).ok();
            let data = answer.and_then(|answer| serde_json::from_value::<ChartData>(answer.output).ok());
            let Some(data) = data else { continue };
            let source = format!("/_series/asset/{asset}/{word}");
            let chart = Chart::new(format!("figure-{word}"), title, source, data, &drawn);
            all.push(chart.link("Open", format!("/assets/{asset}")));
        }
        Ok(html! { @for chart in &all { (chart) } })
    });
    html! { (Charts::new("home-figures", "/", range, &clock, body).without_choice()) }
}

#[cfg(test)]
mod tests {
    use kernel::world::World;
    use kernel::{Actor, Ident};

    use super::*;

    #[test]
    fn who_signed_in_from_where_is_told_to_those_who_may_look_at_sessions() {
        let world = World::new(vec![people::domain().kernel]).unwrap();
        let call = |actor: &Actor, operation: &str, input: Value| world.call(actor, operation, input).unwrap();
        let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
        let setup = json!({ "secret": secret, "organisation": "Harbour Works", "name": "Ada Admin", "login": "ada",
            "email": "ada@example.org", "password": "correct horse battery" });
        call(&Actor::nobody(), "people.setup.complete", setup);
        let sign_in = json!({ "login": "ada", "password": "correct horse battery", "origin": "192.0.2.7, test" });
        call(&Actor::nobody(), "people.session.sign-in", sign_in);
        let boss = Actor::os("boss");
        call(&boss, "people.token.create", json!({ "for": "ada", "name": "script" }));
        let reader = |patterns: &[&str]| Actor { ident: Ident::User(77), ..Actor::service("reader", patterns) };
        let told = |actor: &Actor| {
            let lately = world.kernel.read_as(actor, lately).unwrap();
            let private = |name: &str| PRIVATE.iter().filter(|prefix| name.starts_with(**prefix)).count();
            (lately.iter().map(|(event, _)| private(&event.name)).sum::<usize>(), !lately.is_empty())
        };
        assert_eq!(told(&reader(&["people.user.list"])), (0, true));
        assert_eq!(told(&reader(&["people.user.list", "people.session.list"])), told(&boss));
        assert!(told(&boss).0 >= 2, "a sign-in and a token");
    }

    fn need(title: &str) -> Need {
        kernel::attention::Need::sample(title)
    }

    #[test]
    fn home_renders_empty_one_and_hostile() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        assert!(
            view("Ada", 9, &[], &clock, false, &[], &Beside::default()).into_string().contains("Nothing needs you now")
        );
        let page =
            view("<b>", 9, &[need("<script>alert(1)</script>")], &clock, true, &[], &Beside::default()).into_string();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    }
}
