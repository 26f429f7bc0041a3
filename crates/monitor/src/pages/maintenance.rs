//! Maintenance: a calendar of windows and silences, the windows themselves, and the form that plans one.

use std::collections::BTreeMap;

use kernel::time::DAY;
use kernel::{Ref, Resolved, Result, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Fill, Form, List, PageHeader, Row, Stripe, Strips, Table, Tone,
    post_button, status,
};

use super::{ago, tabs, with};
use crate::maintenance::Window;
use crate::maintenance::create::CreateWindow;
use crate::maintenance::end::EndWindow;
use crate::maintenance::list::{ListWindows, Windows};
use crate::silence::{ListSilences, Silence};

/// Days that the calendar shows.
const DAYS: i64 = 14;
/// Most rows of the calendar.
const ROWS_MAX: usize = 40;

struct View {
    clock: Clock,
    now: Time,
    from: Time,
    windows: Windows,
    silences: Vec<Silence>,
    found: BTreeMap<Ref, Resolved>,
    form: Option<Plan>,
    may_end: bool,
    may_create: bool,
    over: bool,
    zone: String,
    csrf: String,
}

/// What the form is about.
struct Plan {
    /// A field that was chosen elsewhere, its number and its title.
    chosen: Option<(&'static str, String, String)>,
    teams: Vec<(String, String)>,
    places: Vec<(String, String)>,
    zone: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let over = page.param("over") == Some("true");
    let cursor = page.param("cursor").map(str::to_owned);
    let windows = page.cx.call(&ListWindows { over, cursor, limit: None })?;
    let silences =
        if page.cx.may(ListSilences::OPERATION) { page.cx.call(&ListSilences::default())?.items } else { Vec::new() };
    let mut refs: Vec<Ref> = windows.items.iter().flat_map(Window::subjects).collect();
    refs.extend(windows.items.iter().filter_map(|one| one.until_ticket).map(|id| Ref::new("ticket", id)));
    refs.sort();
    refs.dedup();
    let found = page.cx.resolve(&refs)?;
    let may_create = page.cx.may(CreateWindow::OPERATION);
    let zone = page.zone.iana_name().unwrap_or("UTC").to_owned();
    let midnight = page.zone.to_datetime(page.cx.now.timestamp()).date().to_zoned(page.zone.clone());
    let from = midnight.map_or(page.cx.now, |at| Time(at.timestamp().as_microsecond()));
    let view = View {
        clock: page.clock(),
        now: page.cx.now,
        from,
        form: if may_create { plan(page, &zone)? } else { None },
        windows,
        silences,
        found,
        may_end: page.cx.may(EndWindow::OPERATION),
        may_create,
        over,
        zone,
        csrf: page.csrf.clone(),
    };
    Ok(Content::new("Maintenance", draw(&view)))
}

fn plan(page: &mut PageCx, zone: &str) -> Result<Option<Plan>> {
    let mut chosen = None;
    for (field, kind) in [("check", "check"), ("asset", "asset")] {
        let Some(id) = page.param(field).and_then(|text| text.parse::<i64>().ok()) else { continue };
        let subject = Ref::new(kind, id);
        let title = page.cx.resolve(std::slice::from_ref(&subject))?.remove(&subject).map(|found| found.title);
        chosen = Some((field, id.to_string(), title.unwrap_or_else(|| subject.to_string())));
    }
    if chosen.is_none() && page.param("new").is_none() {
        return Ok(None);
    }
    let options = |all: Vec<(i64, String)>, none: &str| -> Vec<(String, String)> {
        let first = std::iter::once((String::new(), none.to_owned()));
        first.chain(all.into_iter().map(|(id, name)| (id.to_string(), name))).collect()
    };
    let teams = options(people::team_options(page.cx.tx)?, "Any team");
    let places = options(people::place_options(page.cx.tx)?, "Anywhere");
    Ok(Some(Plan { chosen, teams, places, zone: zone.to_owned() }))
}

fn draw(view: &View) -> Markup {
    let mut head = PageHeader::new("Maintenance").crumb("Monitoring", Some("/monitoring")).subtitle(
        html! { "Planned times in which nobody is told; checks go on, and what is bad at the end is told then." },
    );
    if view.may_create {
        head = head.action(Button::link("Window", "/monitoring/maintenance?new=1").primary().icon("plus").key("c"));
    }
    html! {
        (head)
        (tabs("/monitoring/maintenance"))
        @if let Some(plan) = &view.form { (form(view, plan)) }
        (calendar(view))
        (list(view))
    }
}

fn form(view: &View, plan: &Plan) -> Markup {
    let mut form = Form::post("/do/monitor.maintenance.create", view.csrf.clone())
        .back("/monitoring/maintenance")
        .field(Field::text("name", "What is done").required().length_max(300).placeholder("Firmware of the switches"));
    let title = match &plan.chosen {
        Some((field, id, title)) => {
            form = form.field(Field::hidden(*field, id.clone()));
            if *field == "asset" {
                let spreads = [
                    ("only", "The asset alone"),
                    ("dependents", "The asset and everything that stands on it"),
                    ("service", "The asset and everything that it stands on"),
                ];
                form = form.field(Field::select("spread", "Covers", spreads).value("dependents"));
            }
            format!("Maintenance of {title}")
        }
        None => {
            form = form
                .field(Field::select("team", "Alerts of the team", plan.teams.clone()))
                .field(Field::select("place", "Alerts at", plan.places.clone()).help("With everything below it."));
            "Maintenance of a team or a place".to_owned()
        }
    };
    let rules = [
        ("", "Only once"),
        ("FREQ=DAILY", "Every day"),
        ("FREQ=WEEKLY", "Every week on that day"),
        ("FREQ=WEEKLY;INTERVAL=2", "Every second week"),
        ("FREQ=MONTHLY;BYDAY=1TU", "The first Tuesday of each month"),
        ("FREQ=MONTHLY;BYDAY=2TU", "The second Tuesday of each month"),
        ("FREQ=MONTHLY;BYDAY=3TU", "The third Tuesday of each month"),
        ("FREQ=MONTHLY;BYDAY=-1SU", "The last Sunday of each month"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "The first day of each month"),
    ];
    let form = form
        .field(Field::input("datetime-local", "first_start", "Begins").help("Left empty: now."))
        .field(Field::text("time_zone", "By the clocks of").value(plan.zone.clone()).placeholder("Europe/Oslo"))
        .field(
            Field::input("number", "minutes", "Minutes").value("120").help("With a ticket: the longest it may last."),
        )
        .field(Field::select("rrule", "Comes again", rules))
        .field(
            Field::input("number", "until_ticket", "Until this ticket is done")
                .help("The number of a change, instead of coming again."),
        )
        .action(Button::submit("Plan").primary())
        .action(Button::link("Cancel", "/monitoring/maintenance"));
    html! { (Card::new(title).body(html! { (form) })) }
}

fn calendar(view: &View) -> Markup {
    let to = view.from.plus(DAYS * DAY);
    let at = |time: Time| {
        let part = |micros: i64| f64::from(u32::try_from((micros / 1_000_000).max(0)).unwrap_or(u32::MAX));
        part(time.since(view.from)) / part(DAYS * DAY)
    };
    let stripe = |from: Time, until: Time, text: &str| Stripe {
        from: at(from),
        to: at(until).min(1.0),
        text: text.to_owned(),
        title: format!(
            "{text}: {} to {}",
            view.clock.absolute(from.timestamp()),
            view.clock.absolute(until.timestamp())
        ),
        fill: Fill::Person,
    };
    let mut rows: Vec<(String, Vec<Stripe>)> = Vec::new();
    for window in &view.windows.items {
        let Ok(times) = window.times() else { continue };
        let ends = |until: Time| window.over_at.map_or(until, |over| until.min(over));
        let stripes: Vec<Stripe> = times
            .between(view.from, to, 60)
            .into_iter()
            .filter(|(from, _)| window.over_at.is_none_or(|over| *from < over))
            .map(|(from, until)| stripe(from, ends(until), &window.name))
            .collect();
        if !stripes.is_empty() {
            rows.push((window.name.clone(), stripes));
        }
    }
    for silence in view.silences.iter().filter(|one| one.until > view.from && one.from < to) {
        rows.push((format!("Silence: {}", silence.reason), vec![stripe(silence.from, silence.until, &silence.reason)]));
    }
    if rows.is_empty() {
        return html! {};
    }
    rows.truncate(ROWS_MAX);
    let marks = (0..DAYS).map(|day| {
        let name = view.clock.date(view.from.plus(day * DAY + DAY / 2).timestamp());
        (f64::from(i32::try_from(day).unwrap_or(0)) / 14.0, name)
    });
    let mut strips = Strips::new("Maintenance and silences in the next two weeks").marks(marks).now(at(view.now));
    for (name, stripes) in rows {
        strips = strips.row(name, stripes);
    }
    html! { (Card::new("Two weeks").note(html! { "In " (view.zone) }).body(html! { (strips) })) }
}

fn list(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("What").main(),
        Column::new("Covers"),
        Column::new("When").wide(),
        Column::new("Next"),
        Column::new("By").wide(),
        Column::new(""),
    ];
    let rows = view.windows.items.iter().map(|window| row(view, window));
    let table = Table::new("Maintenance windows").columns(columns).rows(rows);
    let more = if view.over {
        ("Hide those that are over", "/monitoring/maintenance")
    } else {
        ("Show those that are over", "/monitoring/maintenance?over=true")
    };
    let over = if view.over { "true" } else { "" };
    let next =
        view.windows.next.as_ref().map(|cursor| with("/monitoring/maintenance", &[("over", over), ("cursor", cursor)]));
    let many = if view.windows.count == 1 { "window" } else { "windows" };
    let list = List::new("maintenance", table)
        .total(format!("{} {many}", view.windows.count))
        .paging(next, None)
        .empty(
        Empty::new(
            "No maintenance is planned",
            "Plan the patch night once, as \"the third Tuesday\": alerts in it are recorded without telling anybody.",
        )
        .action(Button::link("Plan a window", "/monitoring/maintenance?new=1").primary()),
    );
    html! { (list) p { a href=(more.1) { (more.0) } } }
}

/// When it is, in words.
fn when(window: &Window) -> String {
    let start = window.first_start.replace('T', " ");
    let start = start.strip_suffix(":00").unwrap_or(&start);
    let long = web::ui::duration(window.minutes.saturating_mul(60));
    match (window.rrule.as_str(), window.until_ticket) {
        (_, Some(_)) => format!("from {start} until the ticket is done, at most {long}"),
        ("", None) => format!("{start}, {long}"),
        (rule, None) => format!("{rule} from {start}, {long} each, {}", window.time_zone),
    }
}

fn covers(view: &View, window: &Window) -> Markup {
    let shown = |one: &Ref| match view.found.get(one) {
        Some(known) => html! { a href=(web::ui::href(&known.href)) dir="auto" { (known.title) } },
        None => html! { (one.to_string()) },
    };
    let labels = window.labels.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    html! {
        @for (at, subject) in window.subjects().iter().enumerate() { @if at > 0 { ", " } (shown(subject)) }
        @if let Some(ticket) = window.until_ticket { " until " (shown(&Ref::new("ticket", ticket))) }
        @if !labels.is_empty() { " " span dir="auto" { (labels) } }
    }
}

fn row(view: &View, window: &Window) -> Row {
    let current = window.at(view.now);
    let over = window.over_at.is_some_and(|over| over <= view.now);
    let (tone, word) = match (over, current.is_some()) {
        (true, _) => (Tone::Idle, "Over"),
        (_, true) => (Tone::Working, "In force"),
        _ => (Tone::Planned, "Planned"),
    };
    let next = match (over, current) {
        (true, _) => html! {},
        (_, Some((_, until))) => html! { "ends " (view.clock.when(until.timestamp())) },
        _ => match window.times().ok().and_then(|times| times.next(view.now)) {
            Some((from, _)) => html! { (view.clock.when(from.timestamp())) },
            None => web::ui::nobody("None"),
        },
    };
    let end = if !over && view.may_end {
        let id = window.id.to_string();
        let fields = [("id", id.as_str()), ("_back", "/monitoring/maintenance")];
        post_button("/do/monitor.maintenance.end", &view.csrf, &fields, &Button::submit("End").small())
    } else {
        html! {}
    };
    Row::new(window.name.clone())
        .cell(status(tone, word))
        .main()
        .cell(covers(view, window))
        .text(&when(window))
        .cell(next)
        .cell(html! { (web::ui::person(&window.created_by, None)) " " (ago(&view.clock, window.created_at)) })
        .cell(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(items: Vec<Window>, silences: Vec<Silence>, chosen: &str) -> String {
        let now = Time::parse("2026-03-10T12:00:00Z").unwrap();
        let view = View {
            clock: Clock::utc_us(now.0),
            now,
            from: now.plus(-12 * 3_600_000_000),
            windows: Windows { items, next: None, count: 0, count_capped: false },
            silences,
            found: BTreeMap::new(),
            form: Some(Plan {
                chosen: Some(("asset", "417".into(), chosen.to_owned())),
                teams: vec![],
                places: vec![],
                zone: "Europe/Oslo".into(),
            }),
            may_end: true,
            may_create: true,
            over: false,
            zone: "UTC".into(),
            csrf: "token".into(),
        };
        draw(&view).into_string()
    }

    #[test]
    fn maintenance_draws_nothing_one_many_and_hostile_text() {
        assert!(drawn(vec![], vec![], "x").contains("No maintenance is planned"));
        let one = drawn(vec![Window::sample("Patch night")], vec![], "web-01");
        assert!(one.contains("Two weeks") && one.contains("Planned") && one.contains("Maintenance of web-01"), "{one}");
        assert!(drawn(vec![Window::sample("x"); 50], vec![Silence::sample("y"); 50], "x").len() < 200_000);
        assert!(!drawn(vec![Window::sample(HOSTILE)], vec![], HOSTILE).contains("<script>alert"));
    }
}
