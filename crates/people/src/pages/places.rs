//! `/people/places`: the tree of places.

use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Column, Dialog, Empty, Field, Form, List, PageHeader, Row, Table, icon};

use super::{options, tabs};
use crate::place::{KINDS, Place};
use crate::{CreatePlace, ListPlaces, UpdatePlace};

struct View<'a> {
    places: &'a [Place],
    next: Option<&'a str>,
    first: bool,
    parents: &'a [(i64, String)],
    may_create: bool,
    may_update: bool,
    csrf: &'a str,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let places = page.cx.call(&ListPlaces { below: None, cursor, limit: None })?;
    let parents = crate::place_choices(page.cx)?;
    let view = View {
        places: &places.items,
        next: places.next.as_deref(),
        first,
        parents: &parents,
        may_create: page.cx.may(CreatePlace::NAME),
        may_update: page.cx.may(UpdatePlace::NAME),
        csrf: &page.csrf,
    };
    Ok(Content::new("Places", body(&view)))
}

fn word(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn body(view: &View<'_>) -> Markup {
    let new =
        || Button::link("New place", "/do/people.place.create").opens("new-place").primary().icon("plus").key("n");
    let mut header = PageHeader::new("Places").crumb("People", Some("/people"));
    let mut empty = Empty::new("You see no places", "Places say where things and people are, and how far roles reach.");
    if view.may_create {
        header = header.action(new());
        empty = empty.action(new());
    }
    let top = view.places.iter().map(Place::depth).min().unwrap_or(1);
    let rows = view.places.iter().map(|place| {
        let indent = "\u{2003}".repeat(place.depth().saturating_sub(top));
        Row::new(place.name.as_str())
            .cell(html! { (indent) (icon("pin")) " " span dir="auto" { (place.name) } })
            .text(&word(&place.kind))
            .cell(html! {
                a href=(kernel::address::with_query("/assets", &[("q", &crate::filter::Term::is("place", &place.name).to_string())])) { "Things here" }
            })
            .cell(html! { @if view.may_update { (Button::link("Edit", format!("/do/people.place.update?id={}&_back=/people/places", place.id)).small().quiet()) } })
    });
    let table = Table::new("Places")
        .columns([Column::new("Place").main(), Column::new("Kind"), Column::new("Things").wide(), Column::new("")])
        .rows(rows);
    let total = format!("{} {}", view.places.len(), if view.places.len() == 1 { "place" } else { "places" });
    let next = view.next.map(|next| kernel::address::with_query("/people/places", &[("cursor", next)]));
    html! {
        (header)
        (List::new("places", table).tabs(tabs("/people/places")).total(total).paging(next, (!view.first).then(|| "/people/places".to_owned())).empty(empty))
        @if view.may_create { (Dialog::new("new-place", "New place").body(form(view))) }
    }
}

fn form(view: &View<'_>) -> Markup {
    let kinds = KINDS.iter().map(|kind| (*kind, word(kind)));
    let form = Form::post("/do/people.place.create", view.csrf)
        .back("/people/places")
        .field(Field::text("name", "Name").required().length_max(120))
        .fields([
            Field::select("kind", "Kind", kinds).value("site").required(),
            Field::select("parent", "Inside", options("Nothing: a new client", view.parents)),
        ])
        .action(Button::submit("Add place").primary());
    html! { (form) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check};
    use super::*;

    fn place(id: i64, name: &str, path: &str) -> Place {
        let (reference, name, path) = (Place::subject(id), name.into(), path.into());
        Place { id, reference, parent: None, kind: "site".into(), name, path, version: 1 }
    }

    fn drawn(places: &[Place], may: bool) -> Markup {
        let parents = [(1, HOSTILE.to_owned())];
        let next = (places.len() > 1).then_some("/1/2/");
        body(&View { places, next, first: true, parents: &parents, may_create: may, may_update: may, csrf: "t" })
    }

    #[test]
    fn the_tree_shows_none_one_many_and_hostile_places() {
        check(&drawn(&[], true), &["You see no places"]);
        check(
            &drawn(&[place(1, "Harbour Works", "/1/")], false),
            &["Harbour Works", "1 place<", "q=place%3A%22Harbour%20Works%22"],
        );
        check(
            &drawn(&[place(1, "A", "/1/"), place(2, HOSTILE, "/1/2/")], true),
            &["2 places", "\u{2003}", "cursor=%2F1%2F2%2F"],
        );
    }
}
