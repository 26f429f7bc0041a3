//! The forms of `/people/rotas/{id}`: overrides, name and team, calendars in and out, and the end of the rota.

use maud::{Markup, html};
use web::ui::{Button, Card, Field, Form, post_button};

use super::options;
use super::rota::View;
use super::rotas::wall;
use crate::rota::import::LastImport;
use crate::rota::preview::written;

/// Calendars in and out, and the end of the rota.
pub(super) fn exchange(view: &View<'_>) -> Markup {
    let id = view.shown.rota.id.to_string();
    let subscribe = post_button(
        "/do/people.feed.create",
        view.csrf,
        &[("rota", &id), ("_back", &view.here)],
        &Button::submit("Address of this calendar").icon("calendar"),
    );
    let meanings = [("shifts", "Shifts: who is named is on call"), ("absence", "Absence: who is named is away")];
    let import = Form::post("/do/people.rota.import", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", id.as_str()))
        .field(Field::select("meaning", "Its events are", meanings).value("shifts").required())
        .field(view.people.text_field("person", "About", "Each event says it"))
        .field(Field::textarea("calendar", "Text of the .ics file").mono().required().placeholder("BEGIN:VCALENDAR"))
        .part(html! { input type="hidden" name="_done" value="The calendar was read. What came of it stands beside the form."; })
        .action(Button::submit("Take events"));
    let away = format!("/do/people.rota.delete?id={id}&_back=/people/rotas");
    html! {
        (Card::new("Calendars").body(html! {
            @if view.may.subscribe { (subscribe) }
            @if view.may.import {
                @if let Some(last) = &view.imported { (imported(view, last)) }
                (import)
            }
        }))
        @if view.may.delete {
            (Card::new("End of this rota").body(html! {
                p { "Its rotations, overrides and the addresses of its calendar go with it." }
                (Button::link("Delete rota", away).danger())
            }))
        }
    }
}

/// What came of the last calendar.
fn imported(view: &View<'_>, last: &LastImport) -> Markup {
    let at = written(last.at.timestamp(), &view.roster.zone);
    let more = last.left_out_count.saturating_sub(last.left_out.len());
    html! {
        p dir="auto" { "Last calendar, " (wall(&at, "%-d %b %Y, %H:%M")) " by " (last.by) ": " (last.words()) }
        @if !last.left_out.is_empty() {
            ul {
                @for one in &last.left_out { li dir="auto" { (one.what) ": " (one.why) } }
                @if more > 0 { li { "And " (more) " more" } }
            }
        }
    }
}

/// Somebody else than planned for a time.
pub(super) fn override_form(view: &View<'_>) -> Markup {
    let mut off = vec![(String::new(), "Nobody".to_owned()), ("*".to_owned(), "Everybody who would be".to_owned())];
    off.extend(view.shown.people.iter().map(|one| (format!("user:{}", one.user), one.name.clone())));
    let zone = format!("As the clock shows it in {}.", view.shown.rota.time_zone);
    let form = Form::post("/do/people.rota.override", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", view.shown.rota.id.to_string()))
        .fields([
            Field::input("datetime-local", "from", "From").required().help(zone.as_str()),
            Field::input("datetime-local", "to", "To").required().help(zone),
        ])
        .fields([
            view.people.text_field("add", "On call", "Nobody more"),
            Field::select("remove", "Instead of", off).help("Nobody adds to those who are on call."),
        ])
        .field(Field::text("why", "Why").length_max(200).placeholder("Swapped with Grace"))
        .part(html! {
            input type="hidden" name="_done" value="The override counts.";
            input type="hidden" name="_undo" value="1";
        })
        .action(Button::submit("Override").primary());
    html! { (form) }
}

/// What a rota is called, and whose it is.
pub(super) fn edit_form(view: &View<'_>) -> Markup {
    let rota = &view.shown.rota;
    let form = Form::post("/do/people.rota.update", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", rota.id.to_string()))
        .field(Field::hidden("expected_version", rota.version.to_string()))
        .field(Field::text("name", "Name").value(rota.name.as_str()).required().length_max(80))
        .field(
            Field::select("team", "Team", options("No team", view.teams))
                .value(rota.team.map(|id| id.to_string()).unwrap_or_default())
                .named(view.shown.team_name.as_str()),
        )
        .field(Field::textarea("about", "What it is for").value(rota.about.as_str()).length_max(500))
        .action(Button::submit("Save").primary());
    html! { (form) }
}
