//! The form of a new ticket in the console.

use kernel::{Ref, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Field, Form, PageHeader};

use super::{options, people_options};
use crate::ticket::{Kind, Priority};

/// What the form shows.
struct Blank {
    csrf: String,
    /// What the ticket will be about, from the address.
    about: Option<(Ref, String)>,
    /// The reader chooses for the desk.
    staff: bool,
    teams: Vec<(i64, String)>,
    people: people::Persons,
}

/// `GET /desk/new?thing=asset:417`
pub(crate) fn page(page: &mut PageCx) -> Result<Content> {
    let thing: Option<Ref> = page.param("thing").or(page.param("about")).and_then(|text| text.parse().ok());
    let about = match thing {
        Some(thing) => page.cx.resolve(std::slice::from_ref(&thing))?.remove(&thing).map(|found| (thing, found.title)),
        None => None,
    };
    let staff = page.cx.may("desk.ticket.update");
    let (teams, people) =
        if staff { (people::team_choices(page.cx)?, people_options(page)?) } else { Default::default() };
    Ok(Content::new("New ticket", draw(&Blank { csrf: page.csrf.clone(), about, staff, teams, people })))
}

fn draw(blank: &Blank) -> Markup {
    let mut form = Form::post("/do/desk.ticket.open", blank.csrf.clone())
        .back("/desk/tickets/{id}")
        .field(Field::hidden("source", "console"))
        .field(Field::hidden("_done", "Ticket opened."))
        .field(Field::text("summary", "Subject").required().autofocus().length_max(crate::ticket::SUMMARY_CHARS_MAX))
        .field(Field::textarea("detail", "Description").help("What happened, since when, what was tried."));
    if let Some((thing, title)) = &blank.about {
        form = form.field(Field::text("about", format!("About {title}")).value(thing.to_string()).readonly().mono());
    }
    if blank.staff {
        let team = Field::select("team", "Team", options("The service desk", &blank.teams));
        let people = Some(&blank.people).filter(|people| !people.is_empty());
        let requester = people.map(|people| people.field("requester", "Requester", "Myself", None));
        form = form
            .fields([
                Field::select("kind", "Kind", Kind::ALL.iter().map(|one| (one.word(), one.label())))
                    .value("incident")
                    .required(),
                Field::select("priority", "Priority", Priority::ALL.iter().map(|one| (one.word(), one.label())))
                    .value("normal")
                    .required(),
            ])
            .fields(std::iter::once(team).chain(requester));
    }
    let form = form.action(Button::submit("Open ticket").primary()).action(Button::link("Cancel", "/desk"));
    html! {
        (PageHeader::new("New ticket").crumb("Service desk", Some("/desk")))
        (Card::new("").body(html! { (form) }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_form_is_drawn_for_the_desk_and_for_others_and_with_hostile_text() {
        for staff in [true, false] {
            let text = sample::HOSTILE.to_owned();
            let blank = Blank {
                csrf: "token".into(),
                about: Some((Ref::new("asset", 7), text.clone())),
                staff,
                teams: vec![(1, text.clone())],
                people: sample::people(&text),
            };
            let html = draw(&blank).0;
            sample::check(&html);
            assert_eq!(html.contains("name=\"priority\""), staff);
        }
    }
}
