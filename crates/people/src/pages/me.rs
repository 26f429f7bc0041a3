//! `/me`: my profile, password, roles, sessions and tokens.

use kernel::{Result, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Form, PageHeader, Row, Split, Table, code, columns, post_button,
};

use super::{Names, browser, ends, role_title, scope_words};
use crate::me::{Me, ShowMe};
use crate::sessions::Session;
use crate::tokens::Token;
use crate::{ListSessions, ListTokens};

struct View<'a> {
    me: &'a Me,
    sessions: &'a [Session],
    tokens: &'a [Token],
    names: &'a Names,
    csrf: &'a str,
    now: Time,
    clock: &'a Clock,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let me = page.cx.call(&ShowMe {})?;
    let sessions = page.cx.call(&ListSessions { user: None })?.items;
    let tokens = page.cx.call(&ListTokens { user: None })?.items;
    let names = Names::of(page, &me.roles)?;
    let view = View {
        me: &me,
        sessions: &sessions,
        tokens: &tokens,
        names: &names,
        csrf: &page.csrf,
        now: page.cx.now,
        clock: &page.clock(),
    };
    Ok(Content::new("Your account", body(&view)))
}

fn body(view: &View<'_>) -> Markup {
    let user = &view.me.user.user;
    let teams: Vec<&str> = view.me.user.teams.iter().map(|team| team.name.as_str()).collect();
    let header = PageHeader::new(user.name.as_str()).subtitle(html! {
        span.mono dir="ltr" { (user.login) } @if !teams.is_empty() { " · " span dir="auto" { (teams.join(", ")) } }
    });
    let main = html! { (profile(view)) (password(view)) (tokens(view)) };
    let side = html! { (roles(view)) (sessions(view)) };
    html! { (header) (columns(Split::Wide, &main, &side)) }
}

fn profile(view: &View<'_>) -> Markup {
    let user = &view.me.user.user;
    let form = Form::post("/do/people.me.update", view.csrf)
        .back("/me")
        .fields([
            Field::text("name", "Name").value(user.name.as_str()).required().length_max(120).autocomplete("name"),
            Field::input("email", "email", "Mail address").value(user.email.as_str()).autocomplete("email"),
        ])
        .fields([
            Field::text("zone", "Time zone").value(user.zone.as_str()).required().placeholder("Europe/Berlin"),
            Field::text("locale", "Language").value(user.locale.as_str()).required().placeholder("en"),
        ])
        .action(Button::submit("Save").primary());
    html! { (Card::new("Profile").body(html! { (form) })) }
}

fn password(view: &View<'_>) -> Markup {
    let form = Form::post("/do/people.me.update", view.csrf)
        .back("/me")
        .fields([
            Field::password("current_password", "Current password").required(),
            Field::password("new_password", "New password")
                .required()
                .autocomplete("new-password")
                .help("At least 12 characters. All sessions end, this one too."),
        ])
        .action(Button::submit("Change password"));
    html! { (Card::new("Password").body(html! { (form) })) }
}

fn roles(view: &View<'_>) -> Markup {
    let rows = view.me.roles.iter().map(|given| {
        let title = role_title(&given.role);
        Row::new(title).text(title).text(&scope_words(given, view.names)).cell(ends(given, view.now, view.clock))
    });
    let table = Table::new("Your roles")
        .columns([Column::new("Role").main(), Column::new("Reaches"), Column::new("Until")])
        .rows(rows);
    html! {
        (Card::new("Your roles").count(view.me.roles.len()).flush(html! {
            @if table.is_empty() { (Empty::new("No role yet", "Ask an administrator for a role that fits your work.")) } @else { (table) }
        }))
    }
}

fn sessions(view: &View<'_>) -> Markup {
    let rows = view.sessions.iter().map(|session| {
        let id = session.id.to_string();
        Row::new(browser::words(&session.origin))
            .cell(browser::origin(&session.origin))
            .cell(view.clock.ago(session.seen_at.timestamp()))
            .cell(post_button(
                "/do/people.session.sign-out",
                view.csrf,
                &[("session", &id), ("_back", "/me")],
                &Button::submit("Sign out").small().quiet(),
            ))
    });
    let table = Table::new("Your sessions")
        .columns([Column::new("From").main(), Column::new("Last used"), Column::new("")])
        .rows(rows);
    let everywhere = post_button(
        "/do/people.session.sign-out-everywhere",
        view.csrf,
        &[("_back", "/")],
        &Button::submit("Sign out everywhere").small(),
    );
    html! { (Card::new("Sessions").count(view.sessions.len()).action(everywhere).flush(html! { (table) })) }
}

fn tokens(view: &View<'_>) -> Markup {
    let rows = view.tokens.iter().map(|token| {
        let id = token.id.to_string();
        let limits = if token.patterns.is_empty() { "All you may do".to_owned() } else { token.patterns.join(", ") };
        let used = match token.used_at {
            Some(at) => view.clock.ago(at.timestamp()),
            None => html! { span.none { "Never" } },
        };
        let end = match token.expires_at {
            Some(end) => view.clock.ago(end.timestamp()),
            None => html! { span.none { "No end" } },
        };
        Row::new(token.name.as_str()).text(&token.name).text(&limits).cell(used).cell(end).cell(post_button(
            "/do/people.token.revoke",
            view.csrf,
            &[("id", &id), ("_back", "/me")],
            &Button::submit("Revoke")
                .small()
                .danger()
                .confirm(format!("Revoke {}? What uses it stops working.", token.name)),
        ))
    });
    let columns = [
        Column::new("Token").main(),
        Column::new("May do").wide(),
        Column::new("Last used"),
        Column::new("Ends"),
        Column::new(""),
    ];
    let table = Table::new("Your tokens").columns(columns).rows(rows);
    let login = &view.me.user.user.login;
    let command = format!("mainstay people token create --for {login} --name \"backup script\" --days 90 -o name");
    html! {
        (Card::new("Tokens").count(view.tokens.len()).flush(html! {
            @if table.is_empty() {
                (Empty::new("No tokens", "A token lets a program act as you."))
            } @else { (table) }
            div.in {
                (Button::link("New token", "/do/people.token.create?_back=/me").icon("plus"))
                p { "Or make one on the server with this command. The token is shown once, and never again." }
                (code(&command))
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check, clock, given};
    use super::*;
    use crate::User;
    use crate::user::show::{InTeam, UserShown};

    fn drawn(name: &str, many: usize) -> Markup {
        let start = kernel::world::START;
        let user = User {
            id: 1,
            reference: User::subject(1),
            login: "sam".into(),
            name: name.into(),
            email: name.into(),
            zone: "UTC".into(),
            locale: "en".into(),
            place: None,
            disabled_at: None,
            created_at: start,
            version: 1,
        };
        let session = Session { id: 1, origin: name.into(), started_at: start, seen_at: start, expires_at: start };
        let token = Token {
            id: 1,
            user: 1,
            name: name.into(),
            patterns: vec![],
            standing: false,
            created_by: name.into(),
            created_at: start,
            expires_at: None,
            used_at: None,
            revoked_at: None,
        };
        let teams = vec![InTeam { id: 1, name: name.into() }; many];
        let me = Me { user: UserShown { user, teams, place_name: String::new() }, roles: vec![given(); many] };
        let (sessions, tokens) = (vec![session; many], vec![token; many]);
        let names = Names::default();
        body(&View {
            me: &me,
            sessions: &sessions,
            tokens: &tokens,
            names: &names,
            csrf: "t",
            now: start,
            clock: &clock(),
        })
    }

    #[test]
    fn the_account_shows_nothing_one_many_and_hostile_text() {
        check(&drawn("Sam Reyes", 0), &["No role yet", "No tokens", "Change password"]);
        check(&drawn("Sam Reyes", 1), &["Technician", "Sign out everywhere", "All you may do", "Never"]);
        check(&drawn(HOSTILE, 3), &["Revoke"]);
    }
}
