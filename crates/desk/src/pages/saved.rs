//! Saved views: save the present filter, remove what is no longer needed.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Column, Empty, Field, Form, PageHeader, Row, Split, Table, columns, post_button};

use crate::view::{ListViews, SavedView};

/// `GET /desk/views?filter=TEXT`
pub(crate) fn page(page: &mut PageCx) -> Result<Content> {
    let views = page.cx.call(&ListViews {})?.items;
    let filter = page.param("filter").unwrap_or_default().to_owned();
    let may_save = page.cx.may("desk.view.save");
    Ok(Content::new("Saved views", draw(&views, &filter, &page.csrf, may_save)))
}

fn draw(views: &[SavedView], filter: &str, csrf: &str, may_save: bool) -> Markup {
    let form = Form::post("/do/desk.view.save", csrf)
        .back("/desk?view={id}")
        .field(Field::hidden("_done", "View saved."))
        .field(Field::text("name", "Name").required())
        .field(
            Field::text("filter", "Filter")
                .required()
                .mono()
                .value(filter)
                .help("As in is:open team:network priority:high,urgent"),
        )
        .field(Field::checkbox("shared", "Share it with everybody"))
        .action(Button::submit("Save view").primary());
    let list = if views.is_empty() {
        html! { (Empty::new("No saved views yet", "Filter the queue, then save the filter under a name: it becomes a tab.")) }
    } else {
        html! { (Table::new("Saved views").columns([Column::new("Name").main(), Column::new("Filter").wide(), Column::new("Shared"), Column::new("")]).rows(views.iter().map(|view| row(view, csrf)))) }
    };
    html! {
        (PageHeader::new("Saved views").crumb("Service desk", Some("/desk")))
        (columns(Split::Even, &html! { (Card::new("Your views and shared ones").flush(list)) }, &html! {
            @if may_save { (Card::new("Save a view").body(html! { (form) })) }
        }))
    }
}

fn row(view: &SavedView, csrf: &str) -> Row {
    let id = view.id.to_string();
    let fields = [("id", id.as_str()), ("_back", "/desk/views"), ("_done", "View removed.")];
    let remove = html! {
        @if view.mine { (post_button("/do/desk.view.remove", csrf, &fields, &Button::submit("Remove").small())) }
    };
    Row::new(view.name.clone())
        .href(with_query("/desk", &[("view", &id)]))
        .main()
        .cell(html! { span.mono dir="ltr" { (view.filter) } })
        .text(if view.shared { "Shared" } else { "Only you" })
        .cell(remove)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use kernel::Ref;

    #[test]
    fn views_are_drawn_empty_with_one_with_many_and_with_hostile_text() {
        for (count, text) in [(0, "x"), (1, "x"), (50, "x"), (2, sample::HOSTILE)] {
            let view = |id: i64| SavedView {
                id,
                reference: Ref::new("ticket_view", id),
                name: text.into(),
                filter: text.into(),
                shared: id % 2 == 0,
                mine: true,
                version: 1,
            };
            let views: Vec<SavedView> = (1..=count).map(view).collect();
            sample::check(&draw(&views, text, "token", true).0);
        }
    }
}
