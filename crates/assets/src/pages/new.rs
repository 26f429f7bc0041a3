//! `/assets/new`: the form that adds a thing; also the fields of the form that changes one.

use kernel::Result;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Field, Form, PageHeader};

use super::{Pickers, criticality_options, kind_options, options, status_options};
use crate::ThingRow;
use crate::thing::Thing;

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let pickers = Pickers::of(page, None)?;
    Ok(Content::new("New thing", body(&pickers, &page.csrf)))
}

fn body(pickers: &Pickers, csrf: &str) -> Markup {
    let form = fields(Form::post("/do/assets.thing.create", csrf).back("/assets/{id}"), None, pickers)
        .action(Button::submit("Add thing").primary())
        .action(Button::link("Cancel", "/assets"));
    html! { (PageHeader::new("New thing").crumb("Assets", Some("/assets"))) (Card::new("").body(html! { (form) })) }
}

/// The fields of a thing, filled from one that exists.
pub(super) fn fields(form: Form, row: Option<&ThingRow>, pickers: &Pickers) -> Form {
    let thing = row.map(|row| &row.thing);
    let named = |of: fn(&ThingRow) -> &String| row.map(of).cloned().unwrap_or_default();
    let id = |of: fn(&Thing) -> Option<i64>| thing.and_then(of).map(|id| id.to_string()).unwrap_or_default();
    let text = |of: fn(&Thing) -> &str| thing.map_or("", of).to_owned();
    let kind = thing.map_or("server", |thing| thing.kind.as_str()).to_owned();
    let status = thing.map(|thing| thing.status).unwrap_or_default().as_str();
    let criticality = thing.map(|thing| thing.criticality).unwrap_or_default().as_str();
    let tag = Field::text("tag", "Tag").mono().value(text(|thing| &thing.tag)).length_max(40);
    let tag = if thing.is_none() { tag.help("Left empty, it gets one such as MS-00417.") } else { tag.required() };
    form.fields([
        Field::text("name", "Name").value(text(|thing| &thing.name)).required().length_max(120),
        Field::select("kind", "Kind", kind_options()).value(kind).required(),
    ])
    .fields([tag, Field::select("status", "Status", status_options()).value(status).required()])
    .fields([
        Field::select("criticality", "When it fails", criticality_options())
            .value(criticality)
            .required()
            .help("How much it hurts."),
        Field::select("place", "Place", options("Not known", &pickers.places))
            .value(id(|thing| thing.place))
            .named(named(|row| &row.place_name)),
    ])
    .fields([
        Field::select("team", "Team", options("No team", &pickers.teams))
            .value(id(|thing| thing.team))
            .named(named(|row| &row.team_name)),
        pickers.users.field("owner", "Owner", "Nobody", thing.and_then(|thing| thing.owner)),
    ])
    .field(Field::textarea("notes", "Notes").value(text(|thing| &thing.notes)).length_max(10_000))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check, row};
    use super::*;

    #[test]
    fn the_form_is_empty_for_a_new_thing_and_filled_for_one_that_exists() {
        let pickers = Pickers { teams: vec![(9, HOSTILE.into())], ..Pickers::default() };
        check(&body(&pickers, "t"), &["name=\"tag\"", "gets one such as", "_csrf"]);
        let filled = fields(Form::get("/"), Some(&row(7, HOSTILE)), &pickers);
        // Whoever holds it and wherever it is stays chosen, although no list has them.
        check(&html! { (filled) }, &["MS-00007", "<option value=\"1\" selected>", "name=\"owner\""]);
        assert_eq!((html! { (filled) }).0.matches("<option value=\"1\" selected>").count(), 3);
    }
}
