//! `/people/{id}`: one user with the roles they hold, their sessions and what can be done.

use kernel::{Operation, Result, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Dialog, Empty, Facts, Field, Form, PageHeader, Row, Split, Table, Tone, columns, pill,
    post_button, stack,
};

use super::{Names, browser, ends, give_form, options, role_title, scope_words};
use crate::grants::Given;
use crate::sessions::Session;
use crate::user::show::UserShown;
use crate::{
    DisableUser, EnableUser, GiveGrant, ListGrants, ListSessions, RevokeGrant, SetPassword, ShowUser,
    SignOutEverywhere, UpdateUser,
};

#[derive(Clone, Copy, Debug, Default)]
struct May {
    update: bool,
    disable: bool,
    enable: bool,
    password: bool,
    give: bool,
    revoke: bool,
    sign_out: bool,
}

struct View<'a> {
    shown: &'a UserShown,
    grants: Option<&'a [Given]>,
    sessions: Option<&'a [Session]>,
    names: &'a Names,
    may: May,
    csrf: &'a str,
    here: String,
    now: Time,
    clock: &'a Clock,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let shown = page.cx.call(&ShowUser { id })?;
    let grants = if page.cx.may(ListGrants::NAME) {
        Some(page.cx.call(&ListGrants { user: Some(id), all: true, ..ListGrants::default() })?.items)
    } else {
        None
    };
    let own = page.cx.actor.user() == Some(id);
    let sessions = if own || page.cx.may(ListSessions::NAME) {
        Some(page.cx.call(&ListSessions { user: Some(id) })?.items)
    } else {
        None
    };
    let names = Names::of(page, grants.as_deref().unwrap_or_default())?;
    let may = |name| page.cx.may(name);
    let may = May {
        update: may(UpdateUser::NAME),
        disable: may(DisableUser::NAME) && !own,
        enable: may(EnableUser::NAME),
        password: may(SetPassword::NAME),
        give: may(GiveGrant::NAME),
        revoke: may(RevokeGrant::NAME),
        sign_out: own || may(SignOutEverywhere::NAME),
    };
    let view = View {
        shown: &shown,
        grants: grants.as_deref(),
        sessions: sessions.as_deref(),
        names: &names,
        may,
        csrf: &page.csrf,
        here: format!("/people/{id}"),
        now: page.cx.now,
        clock: &page.clock(),
    };
    Ok(Content::new(shown.user.name.as_str(), body(&view)))
}

fn body(view: &View<'_>) -> Markup {
    let side = html! { (details(view)) @if let Some(sessions) = view.sessions { (sessions_card(view, sessions)) } };
    let main = html! {
        @if let Some(grants) = view.grants { (grants_card(view, grants)) }
        @if view.may.give && view.shown.user.disabled_at.is_none() {
            (Card::new("Give a role").id("give").body(give_form(("user", view.shown.user.id), view.names, view.csrf, &view.here)))
        }
        @if view.grants.is_none() && !view.may.give { (teams_card(view)) }
    };
    html! { (header(view)) (columns(Split::Wide, &main, &side)) (dialogs(view)) }
}

fn header(view: &View<'_>) -> Markup {
    let user = &view.shown.user;
    let state = match user.disabled_at {
        None => pill(Tone::Ok, "Active"),
        Some(_) => pill(Tone::Idle, "Disabled"),
    };
    let mut header = PageHeader::new(user.name.as_str())
        .crumb("People", Some("/people"))
        .pill(state)
        .subtitle(html! { span.mono dir="ltr" { (user.login) } @if !user.email.is_empty() { " · " a href={ "mailto:" (user.email) } { (user.email) } } });
    if view.may.update {
        header = header.action(
            Button::link("Edit", format!("/do/people.user.update?id={}", user.id)).opens("edit").icon("edit").key("e"),
        );
    }
    if view.may.password {
        header = header
            .action(Button::link("Set password", format!("/do/people.user.set-password?id={}", user.id)).icon("key"));
    }
    if user.disabled_at.is_none() && view.may.disable {
        header = header.action(
            Button::link("Disable", format!("/do/people.user.disable?id={}", user.id)).opens("disable").danger(),
        );
    }
    if user.disabled_at.is_some() && view.may.enable {
        let fields = [("id", user.id.to_string()), ("_back", view.here.clone())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        header = header.action(post_button(
            "/do/people.user.enable",
            view.csrf,
            &fields,
            &Button::submit("Enable").primary(),
        ));
    }
    html! { (header) }
}

fn details(view: &View<'_>) -> Markup {
    let user = &view.shown.user;
    let teams = html! {
        @if view.shown.teams.is_empty() { span.none { "In no team" } }
        @for (at, team) in view.shown.teams.iter().enumerate() {
            @if at > 0 { ", " } a href={ "/people/teams/" (team.id) } dir="auto" { (team.name) }
        }
    };
    let facts = Facts::new()
        .row("Teams", teams)
        .known("Works at", Some(view.shown.place_name.as_str()).filter(|name| !name.is_empty()))
        .text("Time zone", &user.zone)
        .text("Language", &user.locale)
        .row("Since", view.clock.at(user.created_at.timestamp()));
    let facts = match user.disabled_at {
        Some(at) => facts.row("Disabled", view.clock.at(at.timestamp())),
        None => facts,
    };
    html! { (Card::new("Details").tight(html! { (facts) })) }
}

fn teams_card(view: &View<'_>) -> Markup {
    let rows = view
        .shown
        .teams
        .iter()
        .map(|team| Row::new(team.name.as_str()).href(format!("/people/teams/{}", team.id)).main());
    let table = Table::new("Teams").columns([Column::new("Team").main()]).rows(rows);
    let body = if view.shown.teams.is_empty() {
        html! { (Empty::new("In no team", "A lead or an administrator adds people to teams.")) }
    } else {
        html! { (table) }
    };
    html! { (Card::new("Teams").flush(body)) }
}

fn grants_card(view: &View<'_>, grants: &[Given]) -> Markup {
    let columns = [
        Column::new("Role").main(),
        Column::new("Reaches"),
        Column::new("Why").wide(),
        Column::new("Given by").extra(),
        Column::new("Until"),
        Column::new(""),
    ];
    let table = Table::new("Roles").columns(columns).rows(grants.iter().map(|given| grant_row(view, given)));
    let body = if grants.is_empty() {
        html! { (Empty::new("No role yet", "Without a role they can sign in but see and do nothing. Give one below.")) }
    } else {
        html! { (table) }
    };
    html! { (Card::new("Roles").count(grants.iter().filter(|given| given.current(view.now)).count()).link("What roles may do", "/people/roles").flush(body)) }
}

fn grant_row(view: &View<'_>, given: &Given) -> Row {
    let current = given.current(view.now);
    let title = role_title(&given.role);
    let why = if given.revoke_reason.is_empty() {
        given.reason.clone()
    } else {
        format!("{}; taken back: {}", given.reason, given.revoke_reason)
    };
    let source = given
        .team
        .map(|team| html! { " " span.none { "through a team" } a.sr href={ "/people/teams/" (team) } { "the team" } });
    let revoke = html! {
        @if current && view.may.revoke && given.team.is_none() {
            (Button::link("Take back", format!("/do/people.grant.revoke?id={}&_back={}", given.id, view.here)).small())
        }
    };
    Row::new(title)
        .cell(html! { span dir="auto" { (title) } (source.unwrap_or_default()) })
        .text(&scope_words(given, view.names))
        .text(&why)
        .text(&given.given_by)
        .cell(ends(given, view.now, view.clock))
        .cell(revoke)
}

fn sessions_card(view: &View<'_>, sessions: &[Session]) -> Markup {
    let rows = sessions.iter().map(|session| {
        Row::new(browser::words(&session.origin))
            .cell(browser::origin(&session.origin))
            .cell(view.clock.ago(session.seen_at.timestamp()))
    });
    let table = Table::new("Sessions").columns([Column::new("From").main(), Column::new("Last used")]).rows(rows);
    let user = view.shown.user.id.to_string();
    let out = post_button(
        "/do/people.session.sign-out-everywhere",
        view.csrf,
        &[("user", &user), ("_back", &view.here)],
        &Button::submit("Sign out everywhere").small(),
    );
    let card = Card::new("Sessions").count(sessions.len());
    let card = if view.may.sign_out && !sessions.is_empty() { card.action(out) } else { card };
    let body = if sessions.is_empty() {
        html! { (Empty::new("Not signed in", "Sessions show here while they last.")) }
    } else {
        html! { (table) }
    };
    html! { (card.flush(body)) }
}

fn dialogs(view: &View<'_>) -> Markup {
    let user = &view.shown.user;
    let place = user.place.map(|id| id.to_string()).unwrap_or_default();
    let edit = Form::post("/do/people.user.update", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", user.id.to_string()))
        .field(Field::hidden("expected_version", user.version.to_string()))
        .field(Field::text("name", "Name").value(user.name.as_str()).required().length_max(120))
        .field(Field::input("email", "email", "Mail address").value(user.email.as_str()))
        .field(
            Field::select("place", "Works at", options("Not known", &view.names.places))
                .value(place)
                .named(&view.shown.place_name),
        )
        .fields([
            Field::text("zone", "Time zone").value(user.zone.as_str()).required(),
            Field::text("locale", "Language").value(user.locale.as_str()).required(),
        ])
        .action(Button::submit("Save").primary());
    let disable = Form::post("/do/people.user.disable", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", user.id.to_string()))
        .field(Field::text("reason", "Why they may no longer sign in").required().length_max(200))
        .action(Button::submit("Disable").danger());
    stack(&html! {
        @if view.may.update { (Dialog::new("edit", format!("Edit {}", user.name)).body(html! { (edit) })) }
        @if view.may.disable && user.disabled_at.is_none() {
            (Dialog::new("disable", format!("Disable {}", user.name)).body(html! {
                p { "Their sessions end and their tokens stop working. Their history stays." } (disable)
            }))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check, clock, given};
    use super::*;
    use crate::User;
    use crate::user::show::InTeam;

    fn shown(name: &str, teams: Vec<InTeam>) -> UserShown {
        let user = User {
            id: 1,
            reference: User::subject(1),
            login: "sam".into(),
            name: name.into(),
            email: name.into(),
            zone: "UTC".into(),
            locale: "en".into(),
            place: Some(2),
            disabled_at: None,
            created_at: kernel::world::START,
            version: 1,
        };
        UserShown { user, teams, place_name: name.into() }
    }

    fn drawn(shown: &UserShown, grants: Option<&[Given]>, sessions: Option<&[Session]>, all: bool) -> Markup {
        let may = if all {
            May { update: true, disable: true, enable: true, password: true, give: true, revoke: true, sign_out: true }
        } else {
            May::default()
        };
        let names = Names::default();
        let now = kernel::world::START;
        let here = "/people/1".to_owned();
        body(&View { shown, grants, sessions, names: &names, may, csrf: "t", here, now, clock: &clock() })
    }

    #[test]
    fn a_user_shows_with_and_without_roles_sessions_and_rights() {
        let plain = shown("Sam Reyes", vec![]);
        let little = drawn(&plain, None, None, false);
        check(&little, &["Sam Reyes", "In no team"]);
        assert!(!little.0.contains("Give a role") && !little.0.contains("Set password"));
        check(&drawn(&plain, Some(&[]), Some(&[]), true), &["No role yet", "Not signed in", "Give a role", "Disable"]);
        let session = Session {
            id: 1,
            origin: HOSTILE.into(),
            started_at: kernel::world::START,
            seen_at: kernel::world::START,
            expires_at: kernel::world::START,
        };
        let hostile = shown(HOSTILE, vec![InTeam { id: 1, name: HOSTILE.into() }]);
        let full = drawn(
            &hostile,
            Some(&[given(), Given { id: 2, revoke_reason: "x".into(), ..given() }]),
            Some(&[session]),
            true,
        );
        check(&full, &["Technician", "Take back", "Sign out everywhere", "just now"]);
        let mut gone = plain.clone();
        gone.user.disabled_at = Some(kernel::world::START);
        check(&drawn(&gone, Some(&[]), None, true), &["Disabled", "Enable"]);
    }
}
