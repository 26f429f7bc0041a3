//! Maintenance: a calendar of windows and silences, the windows themselves, and the form that plans one.

use kernel::address::with_query;
use std::collections::BTreeMap;

use kernel::{Ref, Resolved, Result, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Clock, Column, Empty, List, PageHeader, Row, Table, Tone, count_capped, post_button, status};

use super::calendar::{self, Calendar};
use super::window_form::{self, Plan};
use super::{ago, tabs};
use crate::maintenance::Window;
use crate::maintenance::create::CreateWindow;
use crate::maintenance::end::EndWindow;
use crate::maintenance::list::{ListWindows, Windows};
use crate::maintenance::recurrence::Rule;
use crate::maintenance::update::UpdateWindow;

struct View {
    clock: Clock,
    now: Time,
    windows: Windows,
    calendar: Calendar,
    found: BTreeMap<Ref, Resolved>,
    form: Option<Plan>,
    may_change: bool,
    may_end: bool,
    may_create: bool,
    over: bool,
    later: bool,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let over = page.param("over") == Some("true");
    let cursor = page.param("cursor").map(str::to_owned);
    let later = cursor.is_some();
    let windows = page.cx.call(&ListWindows { over, cursor, limit: None })?;
    let mut refs: Vec<Ref> = windows.items.iter().flat_map(Window::subjects).collect();
    refs.extend(windows.items.iter().filter_map(|one| one.until_ticket).map(|id| Ref::new("ticket", id)));
    refs.sort();
    refs.dedup();
    let view = View {
        clock: page.clock(),
        now: page.cx.now,
        calendar: calendar::read(page)?,
        form: window_form::read(page)?,
        found: page.cx.resolve(&refs)?,
        windows,
        may_change: page.cx.may(UpdateWindow::OPERATION),
        may_end: page.cx.may(EndWindow::OPERATION),
        may_create: page.cx.may(CreateWindow::OPERATION),
        over,
        later,
        csrf: page.csrf.clone(),
    };
    Ok(Content::new("Maintenance", draw(&view)))
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
        @if let Some(plan) = &view.form { (window_form::card(plan, &view.csrf)) }
        (calendar::card(&view.calendar))
        (list(view))
    }
}

fn list(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("What").main(),
        Column::new("Covers").wide(),
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
    let next = view
        .windows
        .next
        .as_ref()
        .map(|cursor| with_query("/monitoring/maintenance", &[("over", over), ("cursor", cursor)]));
    let many = if view.windows.count == 1 { "window" } else { "windows" };
    let total = u64::try_from(view.windows.count).unwrap_or(0);
    let first = view.later.then(|| with_query("/monitoring/maintenance", &[("over", over)]));
    let list = List::new("maintenance", table)
        .total(format!("{} {many}", count_capped(total, 1_000)))
        .paging(next, first)
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
    let first = crate::maintenance::wall(&window.first_start);
    let at =
        |format: &str| first.as_ref().map_or_else(|_| window.first_start.clone(), |at| at.strftime(format).to_string());
    let long = web::ui::duration(window.minutes.saturating_mul(60));
    let zone = &window.time_zone;
    match (window.rrule.as_str(), window.until_ticket) {
        (_, Some(_)) => format!("From {} until the ticket is done, at most {long} ({zone})", at("%-d %b %Y, %H:%M")),
        ("", None) => format!("{} for {long} ({zone})", at("%-d %b %Y, %H:%M")),
        (rule, None) => {
            let words = Rule::parse(rule).map_or_else(|_| rule.to_owned(), |rule| rule.words());
            format!("{} at {} for {long} ({zone})", window_form::sentence(words), at("%H:%M"))
        }
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
        (_, Some((_, until))) => html! { "ends " (view.clock.at(until.timestamp())) },
        _ => match window.times().ok().and_then(|times| times.next(view.now)) {
            Some((from, _)) => html! { (view.clock.at(from.timestamp())) },
            None => web::ui::nobody("None"),
        },
    };
    let id = window.id.to_string();
    let when = when(window);
    let change = format!("/monitoring/maintenance?change={id}#window-form");
    let end =
        [("id", id.as_str()), ("_back", "/monitoring/maintenance"), ("_done", "The window was ended."), ("_undo", "1")];
    let acts = if !over && view.may_end {
        post_button("/do/monitor.maintenance.end", &view.csrf, &end, &Button::submit("End").small())
    } else {
        html! {}
    };
    let mut row = Row::new(window.name.clone());
    if !over && view.may_change {
        row = row.href(change);
    }
    row.cell(status(tone, word))
        .main()
        .cell(covers(view, window))
        .cell(html! { span title=(when) { (when) } })
        .cell(next)
        .cell(html! { (web::ui::person(&window.created_by, None)) " " (ago(&view.clock, window.created_at)) })
        .cell(acts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_window_is_is_said_in_plain_words() {
        let once = Window { rrule: String::new(), ..Window::sample("x") };
        assert_eq!(when(&once), "17 Mar 2026, 22:00 for 2 h (Europe/Oslo)");
        assert_eq!(when(&Window::sample("x")), "Every month on the third Tuesday at 22:00 for 2 h (Europe/Oslo)");
        let until = Window { until_ticket: Some(7), ..once };
        assert_eq!(when(&until), "From 17 Mar 2026, 22:00 until the ticket is done, at most 2 h (Europe/Oslo)");
    }
}
