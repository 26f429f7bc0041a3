//! `/people/new`: the form that adds a user.

use kernel::Result;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Field, Form, PageHeader};

use super::options;

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let places = crate::place_choices(page.cx)?;
    Ok(Content::new("New user", body(&places, &page.csrf)))
}

fn body(places: &[(i64, String)], csrf: &str) -> Markup {
    let form = Form::post("/do/people.user.create", csrf)
        .back("/people/{id}")
        .fields([
            Field::text("name", "Name").required().length_max(120).autocomplete("off"),
            Field::text("login", "Login")
                .required()
                .mono()
                .length_max(64)
                .autocomplete("off")
                .help("What they sign in with; a mail address fits."),
        ])
        .fields([
            Field::input("email", "email", "Mail address").autocomplete("off"),
            Field::select("place", "Works at", options("Not known", places)),
        ])
        .field(
            Field::password("password", "First password")
                .autocomplete("new-password")
                .help("At least 12 characters. Left empty, they cannot sign in until one is set."),
        )
        .field(Field::text("zone", "Time zone").placeholder("Europe/Berlin").help("UTC when empty."))
        .part(html! { input type="hidden" name="_done" value="User added. Give them a role next."; })
        .action(Button::submit("Add user").primary())
        .action(Button::link("Cancel", "/people"));
    html! { (PageHeader::new("New user").crumb("People", Some("/people"))) (Card::new("").body(html! { (form) })) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check};
    use super::*;

    #[test]
    fn the_form_has_every_field_and_escapes_places() {
        check(&body(&[(1, HOSTILE.into())], "t"), &["name=\"login\"", "name=\"password\"", "Works at", "_csrf"]);
        check(&body(&[], "t"), &["Not known"]);
    }
}
