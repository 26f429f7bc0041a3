//! The pages of people: users, teams, places, roles, rotas, and oneself. Each is a view over plain values with a thin function
//! that asks the operations for them.

use std::collections::BTreeMap;

use kernel::{Operation, Time};
use maud::{Markup, html};
use web::domain::{Create, Group, Place as NavPlace};
use web::page::{Page, PageCx};
use web::ui::{Button, Clock, Field, Form, Tab, Tabs, Tone, status};

use crate::grants::{Given, GrantScope};
use crate::roles::{ROLES, role};
use crate::{
    CreateUser, ListPlaces, ListRoles, ListRotas, ListTeams, ListUsers, ShowRota, ShowTeam, ShowUser, UpdateRota,
};

mod browser;
mod me;
mod new_user;
mod places;
mod roles;
mod rota;
mod rota_edit;
mod rota_forms;
mod rota_strip;
mod rotas;
mod team;
mod teams;
mod user;
mod users;

pub(crate) fn all() -> Vec<Page> {
    vec![
        Page::console("/people", ListUsers::NAME, users::page),
        Page::console("/people/new", CreateUser::NAME, new_user::page),
        Page::console("/people/teams", ListTeams::NAME, teams::page),
        Page::console("/people/teams/{id}", ShowTeam::NAME, team::page),
        Page::console("/people/places", ListPlaces::NAME, places::page),
        Page::console("/people/roles", ListRoles::NAME, roles::page),
        Page::console("/people/rotas", ListRotas::NAME, rotas::page),
        Page::console("/people/rotas/{id}", ShowRota::NAME, rota::page),
        Page::console("/people/rotas/{id}/edit", UpdateRota::NAME, rota_edit::page),
        Page::console("/people/{id}", ShowUser::NAME, user::page),
        Page::console("/me", "", me::page),
    ]
}

pub(crate) fn nav() -> Vec<NavPlace> {
    vec![NavPlace { group: Group::Foot, label: "People", icon: "people", href: "/people", grant: ListUsers::NAME }]
}

pub(crate) fn creates() -> Vec<Create> {
    vec![Create { label: "User", href: "/people/new", grant: CreateUser::NAME }]
}

/// The way between the pages of people.
fn tabs(current: &str) -> Tabs {
    let tab = |label: &str, to: &str| Tab::new(label, to).current(current == to);
    Tabs::new(
        "Parts of people",
        [
            tab("Users", "/people"),
            tab("Teams", "/people/teams"),
            tab("Places", "/people/places"),
            tab("Roles", "/people/roles"),
            tab("On call", "/people/rotas"),
        ],
    )
}

/// The title of a role on screen.
fn role_title(name: &str) -> &str {
    role(name).map_or(name, |role| role.title)
}

/// How far a given role reaches, in words; `names` finds the name of a place or team.
fn scope_words(given: &Given, names: &Names) -> String {
    let name =
        |known: &BTreeMap<i64, String>, id: i64| known.get(&id).cloned().unwrap_or_else(|| format!("number {id}"));
    match (given.scope, given.scope_place, given.scope_team) {
        (GrantScope::Everything, ..) => "Everything".to_owned(),
        (GrantScope::Place, Some(place), _) => format!("{} and below", name(&names.scope_places, place)),
        (GrantScope::Team, _, Some(team)) => format!("Team {}", name(&names.scope_teams, team)),
        _ => "What is their own".to_owned(),
    }
}

/// The places and teams that forms offer, and the names of those that given roles are for.
#[derive(Clone, Debug, Default)]
struct Names {
    places: Vec<(i64, String)>,
    teams: Vec<(i64, String)>,
    scope_places: BTreeMap<i64, String>,
    scope_teams: BTreeMap<i64, String>,
}

impl Names {
    fn of(page: &mut PageCx, given: &[Given]) -> kernel::Result<Self> {
        let places: Vec<i64> = given.iter().filter_map(|one| one.scope_place).collect();
        let teams: Vec<i64> = given.iter().filter_map(|one| one.scope_team).collect();
        Ok(Self {
            places: crate::place_choices(page.cx)?,
            teams: crate::team_choices(page.cx)?,
            scope_places: crate::names(page.cx.tx, "place", &places)?,
            scope_teams: crate::names(page.cx.tx, "team", &teams)?,
        })
    }
}

/// Options of a picker with an empty first choice.
fn options(empty: &str, choices: &[(i64, String)]) -> Vec<(String, String)> {
    let first = std::iter::once((String::new(), empty.to_owned()));
    first.chain(choices.iter().map(|(id, name)| (id.to_string(), name.clone()))).collect()
}

/// When a given role ends, as a status; one that ends within a week is marked.
fn ends(given: &Given, now: Time, clock: &Clock) -> Markup {
    match (given.revoked_at, given.expires_at) {
        (Some(_), _) => status(Tone::Idle, "Taken back"),
        (None, None) => html! { span.none { "No end" } },
        (None, Some(end)) if end <= now => status(Tone::Idle, "Ended"),
        (None, Some(end)) if end.since(now) < 7 * kernel::time::DAY => {
            html! { (status(Tone::Warn, "Ends")) " " (clock.ago(end.timestamp())) }
        }
        (None, Some(end)) => clock.at(end.timestamp()),
    }
}

/// The form that gives a role to a user or a team; `holder` is the field name and number of who gets it.
fn give_form(holder: (&str, i64), names: &Names, csrf: &str, back: &str) -> Markup {
    let roles = ROLES.iter().map(|role| (role.name, role.title));
    let scopes =
        [("everything", "Everything"), ("place", "A place and below"), ("team", "A team"), ("own", "Their own")];
    let lengths = [
        ("", "Without an end"),
        ("1", "A day"),
        ("7", "A week"),
        ("30", "30 days"),
        ("90", "90 days"),
        ("365", "A year"),
    ];
    let form = Form::post("/do/people.grant.give", csrf)
        .back(back)
        .field(Field::hidden(holder.0, holder.1.to_string()))
        .fields([
            Field::select("role", "Role", roles).value("technician").required(),
            Field::select("days", "For", lengths),
        ])
        .fields([
            Field::select("scope", "How far", scopes).value("everything").required(),
            Field::select("scope_place", "Place", options("No place", &names.places)).help("When it is for a place."),
            Field::select("scope_team", "Team", options("No team", &names.teams)).help("When it is for a team."),
        ])
        .field(Field::text("reason", "Why").required().length_max(200).placeholder("Joined the service desk"))
        .action(Button::submit("Give role").primary());
    html! { (form) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text that would break a page that does not escape it.
    pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}🙂";

    pub(crate) fn clock() -> Clock {
        Clock::utc_us(kernel::world::START.0)
    }

    pub(crate) fn given() -> Given {
        Given {
            id: 1,
            role: "technician".into(),
            user: Some(1),
            team: None,
            scope: GrantScope::Place,
            scope_place: Some(2),
            scope_team: None,
            reason: HOSTILE.into(),
            given_by: "Ada".into(),
            given_at: kernel::world::START,
            expires_at: Some(kernel::world::START.plus(kernel::time::DAY)),
            revoked_at: None,
            revoked_by: String::new(),
            revoke_reason: String::new(),
        }
    }

    pub(crate) fn check(markup: &Markup, wanted: &[&str]) {
        assert!(!markup.0.contains("<script>alert"), "hostile text is escaped");
        assert!(!markup.0.contains(" style="), "no inline style");
        for text in wanted {
            assert!(markup.0.contains(text), "{text} in {}", markup.0);
        }
    }

    #[test]
    fn the_scope_of_a_role_is_said_with_the_name_of_its_place() {
        let names = Names { scope_places: [(2, "Head office".to_owned())].into(), ..Names::default() };
        assert_eq!(scope_words(&given(), &names), "Head office and below");
        assert_eq!(scope_words(&Given { scope_place: Some(9), ..given() }, &names), "number 9 and below");
        assert_eq!(scope_words(&Given { scope: GrantScope::Own, ..given() }, &names), "What is their own");
    }

    #[test]
    fn a_role_that_ends_soon_is_marked() {
        let now = kernel::world::START;
        check(&ends(&given(), now, &clock()), &["Ends", "in 1 d"]);
        check(&ends(&Given { expires_at: None, ..given() }, now, &clock()), &["No end"]);
        check(&ends(&given(), now.plus(kernel::time::DAY), &clock()), &["Ended"]);
        check(&ends(&Given { revoked_at: Some(now), ..given() }, now, &clock()), &["Taken back"]);
    }
}
