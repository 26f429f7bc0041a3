//! `/on-call/routes/{id}`: one route, to change or remove.

use kernel::Result;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, PageHeader, post_button};

use super::routes::{Choices, form, may_change};
use crate::route::list::ListRoutes;
use crate::route::{Node, find};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let node = find(page.cx, page.id("id")?)?;
    let nodes = page.cx.call(&ListRoutes {})?.items;
    let choices = Choices::load(page, &nodes)?;
    let may = may_change(page);
    Ok(Content::new(node.name.clone(), draw(&node, &choices, may, &page.csrf)))
}

fn draw(node: &Node, choices: &Choices, may: bool, csrf: &str) -> Markup {
    let mut header =
        PageHeader::new(node.name.as_str()).crumb("On call", Some("/on-call")).crumb("Routes", Some("/on-call/routes"));
    if may {
        let id = node.id.to_string();
        let fields = [("id", id.as_str()), ("_back", "/on-call/routes"), ("_done", "Route removed.")];
        let button = Button::submit("Remove")
            .danger()
            .icon("trash")
            .confirm("Remove this route? What it took goes to the routes after it.");
        header = header.action(post_button("/do/paging.route.remove", csrf, &fields, &button));
    }
    html! { (header) (Card::new("Route").body(html! { @if may { (form(node, choices, csrf)) } @else { p { "You may look at routes, not change them." } } })) }
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;

    #[test]
    fn a_route_draws_its_form_and_escapes() {
        let node = Node {
            id: 3,
            parent: None,
            position: 1,
            name: HOSTILE.into(),
            wanted: Default::default(),
            policy: None,
            goes_on: false,
            version: 2,
        };
        check(&draw(&node, &Choices::default(), true, "t"), &["Save route", "Remove"]);
        check(&draw(&node, &Choices::default(), false, "t"), &["not change them"]);
    }
}
