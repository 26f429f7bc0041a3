//! The form that plans a maintenance window, and the one that changes it.

use kernel::{Ref, Result};
use maud::{Markup, html};
use web::page::PageCx;
use web::ui::{Button, Card, Field, Form};

use crate::maintenance::create::CreateWindow;
use crate::maintenance::recurrence::Rule;
use crate::maintenance::update::UpdateWindow;
use crate::maintenance::{Spread, Window};

/// Rules that are offered; others come from the command line and stay as they are.
const RULES: [&str; 8] = [
    "FREQ=DAILY",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=MONTHLY;BYDAY=1TU",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYDAY=3TU",
    "FREQ=MONTHLY;BYDAY=-1SU",
    "FREQ=MONTHLY;BYMONTHDAY=1",
];

/// What the form is about.
pub(super) struct Plan {
    /// The window that is changed.
    window: Option<Window>,
    /// A field that was chosen elsewhere, its number and its title.
    chosen: Option<(&'static str, String, String)>,
    teams: Vec<(String, String)>,
    places: Vec<(String, String)>,
    zone: String,
}

/// The form that an address asks for: `change` a window, plan one for an `asset` or a `check`, or `new`.
pub(super) fn read(page: &mut PageCx) -> Result<Option<Plan>> {
    let number = |page: &PageCx, name: &str| page.param(name).and_then(|text| text.parse::<i64>().ok());
    let window = match number(page, "change") {
        Some(id) if page.cx.may(UpdateWindow::OPERATION) => {
            Some(crate::maintenance::find(page.cx, UpdateWindow::OPERATION, id)?)
        }
        _ => None,
    };
    let wanted = match &window {
        Some(window) => [("check", window.check), ("asset", window.asset)],
        None if page.cx.may(CreateWindow::OPERATION) => {
            [("check", number(page, "check")), ("asset", number(page, "asset"))]
        }
        None => return Ok(None),
    };
    let mut chosen = None;
    for (kind, id) in wanted {
        let Some(id) = id else { continue };
        let subject = Ref::new(kind, id);
        let title = page.cx.resolve(std::slice::from_ref(&subject))?.remove(&subject).map(|found| found.title);
        chosen = Some((kind, id.to_string(), title.unwrap_or_else(|| subject.to_string())));
    }
    if chosen.is_none() && window.is_none() && page.param("new").is_none() {
        return Ok(None);
    }
    let options = |all: Vec<(i64, String)>, none: &str| -> Vec<(String, String)> {
        let first = std::iter::once((String::new(), none.to_owned()));
        first.chain(all.into_iter().map(|(id, name)| (id.to_string(), name))).collect()
    };
    let teams = options(people::team_options(page.cx.tx)?, "Any team");
    let places = options(people::place_options(page.cx.tx)?, "Anywhere");
    let zone = page.zone.iana_name().unwrap_or("UTC").to_owned();
    Ok(Some(Plan { window, chosen, teams, places, zone }))
}

fn number(value: Option<i64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Words with a capital at their beginning.
pub(super) fn sentence(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn rules(current: &str) -> Vec<(String, String)> {
    let words = |rule: &str| {
        let text = Rule::parse(rule).map_or_else(|_| rule.to_owned(), |rule| rule.words());
        (rule.to_owned(), sentence(text))
    };
    let mut all = vec![(String::new(), "Only once".to_owned())];
    all.extend(RULES.into_iter().map(words));
    if !current.is_empty() && !RULES.contains(&current) {
        all.push(words(current));
    }
    all
}

/// The card of the form.
pub(super) fn card(plan: &Plan, csrf: &str) -> Markup {
    let changed = plan.window.as_ref();
    let action = if changed.is_some() { "/do/monitor.maintenance.update" } else { "/do/monitor.maintenance.create" };
    let mut form =
        Form::post(action, csrf.to_owned()).back("/monitoring/maintenance").field(Field::hidden("_undo", "1"));
    form = match changed {
        Some(window) => form
            .field(Field::hidden("_done", "The window was changed."))
            .field(Field::hidden("id", window.id.to_string()))
            .field(Field::hidden("expected_version", window.version.to_string())),
        None => form.field(Field::hidden("_done", "The window is planned.")),
    };
    let text = |of: fn(&Window) -> String| changed.map(of).unwrap_or_default();
    form = form.field(
        Field::text("name", "What is done")
            .required()
            .length_max(300)
            .placeholder("Firmware of the switches")
            .value(text(|window| window.name.clone())),
    );
    form = scope(form, plan);
    let begins =
        Field::input("datetime-local", "first_start", "Begins").value(text(|window| window.first_start.clone()));
    let rrule = text(|window| window.rrule.clone());
    let form = form
        .fields([
            if changed.is_some() { begins } else { begins.help("Left empty: now.") },
            Field::text("time_zone", "By the clocks of")
                .value(changed.map_or_else(|| plan.zone.clone(), |window| window.time_zone.clone()))
                .placeholder("Europe/Oslo"),
        ])
        .fields([
            Field::input("number", "minutes", "Minutes")
                .value(changed.map_or(120, |window| window.minutes).to_string())
                .help("With a ticket: the longest it may last."),
            Field::select("rrule", "Comes again", rules(&rrule)).value(rrule.clone()),
        ])
        .field(
            Field::input("number", "until_ticket", "Until this ticket is done")
                .value(number(changed.and_then(|window| window.until_ticket)))
                .help("The number of a change, instead of coming again."),
        )
        .action(Button::submit(if changed.is_some() { "Save" } else { "Plan" }).primary())
        .action(Button::link("Cancel", "/monitoring/maintenance"));
    let title = match (changed, &plan.chosen) {
        (Some(window), _) => format!("Change: {}", window.name),
        (None, Some((.., title))) => format!("Maintenance of {title}"),
        (None, None) => "Maintenance of a team or a place".to_owned(),
    };
    let mut card = Card::new(title).id("window-form");
    if changed.is_none() && plan.chosen.is_none() {
        card = card.note(html! { "For one asset or check, begin at its own page." });
    }
    html! { (card.body(html! { (form) })) }
}

/// What the window covers.
fn scope(form: Form, plan: &Plan) -> Form {
    let window = plan.window.as_ref();
    match &plan.chosen {
        Some((field, id, title)) => {
            let form = if window.is_some() { form } else { form.field(Field::hidden(*field, id.clone())) };
            if *field != "asset" {
                return form;
            }
            let spreads = [
                ("only", format!("{title} alone")),
                ("dependents", format!("{title} and everything that stands on it")),
                ("service", format!("{title} and everything that it stands on")),
            ];
            let spread = window.map_or(Spread::Dependents, |window| window.spread);
            form.field(Field::select("spread", "Covers", spreads).value(spread.as_str()))
        }
        None => form.fields([
            Field::select("team", "Alerts of the team", plan.teams.clone())
                .value(number(window.and_then(|window| window.team))),
            Field::select("place", "Alerts at", plan.places.clone())
                .value(number(window.and_then(|window| window.place)))
                .help("With everything below it."),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn plan(window: Option<Window>, title: &str) -> Plan {
        let chosen = Some(("asset", "417".into(), title.to_owned()));
        Plan { window, chosen, teams: vec![], places: vec![], zone: "Europe/Oslo".into() }
    }

    #[test]
    fn the_form_plans_for_what_was_chosen_and_changes_what_is_there() {
        let new = card(&plan(None, "web-01"), "token").into_string();
        assert!(
            new.contains("Maintenance of web-01")
                && new.contains("monitor.maintenance.create")
                && new.contains("value=\"417\"")
        );
        let odd = Window { rrule: "FREQ=MONTHLY;BYDAY=-1FR".into(), ..Window::sample("Patch night") };
        let change = card(&plan(Some(odd), "web-01"), "token").into_string();
        for part in [
            "Change: Patch night",
            "monitor.maintenance.update",
            "expected_version",
            "Every month on the last Friday",
            "2026-03-17T22:00",
        ] {
            assert!(change.contains(part), "{part}: {change}");
        }
        assert!(!card(&plan(Some(Window::sample(HOSTILE)), HOSTILE), "t").into_string().contains("<script>alert"));
    }
}
