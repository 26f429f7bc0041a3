//! `/people/teams/{id}`: one team with its members and roles.

use kernel::{Operation, Result, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Dialog, Empty, Field, Form, PageHeader, Row, Split, Table, Tone, columns, person,
    pill, post_button, status,
};

use super::{Names, ends, give_form, role_title, scope_words};
use crate::Persons;
use crate::grants::Given;
use crate::team::list::TeamShown;
use crate::{AddMember, GiveGrant, ListGrants, RemoveMember, RevokeGrant, ShowTeam, UpdateTeam};

#[derive(Clone, Copy, Debug, Default)]
struct May {
    update: bool,
    add: bool,
    remove: bool,
    give: bool,
    revoke: bool,
}

struct View<'a> {
    shown: &'a TeamShown,
    grants: Option<&'a [Given]>,
    names: &'a Names,
    users: &'a Persons,
    may: May,
    csrf: &'a str,
    here: String,
    now: Time,
    clock: &'a Clock,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let shown = page.cx.call(&ShowTeam { id })?;
    let grants = if page.cx.may(ListGrants::NAME) {
        // A role of the team may lie outside of what the reader's own role reaches; then it is not shown.
        page.cx.call(&ListGrants { team: Some(id), ..ListGrants::default() }).ok().map(|list| list.items)
    } else {
        None
    };
    let names = Names::of(page, grants.as_deref().unwrap_or_default())?;
    let users = Persons::load(page.cx, &[])?;
    let may = |name| page.cx.may(name);
    let may = May {
        update: may(UpdateTeam::NAME),
        add: may(AddMember::NAME),
        remove: may(RemoveMember::NAME),
        give: may(GiveGrant::NAME),
        revoke: may(RevokeGrant::NAME),
    };
    let view = View {
        shown: &shown,
        grants: grants.as_deref(),
        names: &names,
        users: &users,
        may,
        csrf: &page.csrf,
        here: format!("/people/teams/{id}"),
        now: page.cx.now,
        clock: &page.clock(),
    };
    Ok(Content::new(shown.team.name.as_str(), body(&view)))
}

fn body(view: &View<'_>) -> Markup {
    let team = &view.shown.team;
    let mut header = PageHeader::new(team.name.as_str())
        .crumb("People", Some("/people"))
        .crumb("Teams", Some("/people/teams"))
        .subtitle(html! { span.mono dir="ltr" { (team.slug) } @if !team.about.is_empty() { " · " span dir="auto" { (team.about) } } });
    if view.may.update {
        header = header.action(
            Button::link("Edit", format!("/do/people.team.update?id={}", team.id)).opens("edit").icon("edit").key("e"),
        );
    }
    let side = html! {
        @if let Some(grants) = view.grants { (grants_card(view, grants)) }
        @if view.may.give {
            (Card::new("Give a role to the team").body(give_form(("team", team.id), view.names, view.csrf, &view.here)))
        }
    };
    let edit = Form::post("/do/people.team.update", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", team.id.to_string()))
        .field(Field::hidden("expected_version", team.version.to_string()))
        .field(Field::text("name", "Name").value(team.name.as_str()).required().length_max(80))
        .field(Field::textarea("about", "Looks after").value(team.about.as_str()).length_max(500))
        .action(Button::submit("Save").primary());
    html! {
        (header)
        (columns(Split::Wide, &members_card(view), &side))
        @if view.may.update { (Dialog::new("edit", format!("Edit {}", team.name)).body(html! { (edit) })) }
    }
}

fn members_card(view: &View<'_>) -> Markup {
    let team = view.shown.team.id.to_string();
    let rows = view.shown.members.iter().map(|member| {
        let to = format!("/people/{}", member.user);
        let user = member.user.to_string();
        let fields = [("id", team.as_str()), ("user", user.as_str()), ("_back", view.here.as_str())];
        Row::new(member.name.as_str())
            .href(to.as_str())
            .cell(html! { (person(&member.name, Some(&to))) @if member.lead { " " (pill(Tone::Info, "Lead")) } })
            .cell(view.clock.short(member.since.timestamp()))
            .cell(html! { @if view.may.remove {
                (post_button("/do/people.team.remove-member", view.csrf, &fields, &Button::submit("Remove").small().quiet()))
            } })
    });
    let table =
        Table::new("Members").columns([Column::new("Name").main(), Column::new("Since"), Column::new("")]).rows(rows);
    let add = Form::post("/do/people.team.add-member", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", team.as_str()))
        .fields([
            view.users.field("user", "Add somebody", "Choose a person", None).required(),
            Field::checkbox("lead", "Leads the team"),
        ])
        .action(Button::submit("Add").primary());
    html! {
        (Card::new("Members").count(view.shown.members.len()).flush(html! {
            @if table.is_empty() { (Empty::new("Nobody is in this team", "Add somebody, so that its work is seen.")) } @else { (table) }
        }))
        @if view.may.add { (Card::new("Add a member").body(html! { (add) })) }
    }
}

fn grants_card(view: &View<'_>, grants: &[Given]) -> Markup {
    let rows = grants.iter().map(|given| {
        let title = role_title(&given.role);
        Row::new(title)
            .text(title)
            .text(&scope_words(given, view.names))
            .cell(ends(given, view.now, view.clock))
            .cell(html! { @if view.may.revoke {
                (Button::link("Take back", format!("/do/people.grant.revoke?id={}&_back={}", given.id, view.here)).small())
            } })
    });
    let table = Table::new("Roles of the team")
        .columns([Column::new("Role").main(), Column::new("Reaches"), Column::new("Until"), Column::new("")])
        .rows(rows);
    let body = if grants.is_empty() {
        html! { div.in { (status(Tone::Idle, "No role is given to the team as a whole.")) } }
    } else {
        html! { (table) }
    };
    html! { (Card::new("Roles").count(grants.len()).flush(body)) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check, clock, given};
    use super::*;
    use crate::Team;
    use crate::team::Member;

    fn drawn(name: &str, members: Vec<Member>, grants: Option<&[Given]>, all: bool) -> Markup {
        let team = Team {
            id: 1,
            reference: Team::subject(1),
            slug: "infrastructure".into(),
            name: name.into(),
            about: name.into(),
            created_at: kernel::world::START,
            version: 1,
        };
        let shown = TeamShown { team, members };
        let may =
            if all { May { update: true, add: true, remove: true, give: true, revoke: true } } else { May::default() };
        let person = crate::Person { id: 1, name: name.to_owned(), login: "sam".into() };
        let (names, users) = (Names::default(), Persons::of(vec![person], false));
        let (here, now) = ("/people/teams/1".to_owned(), kernel::world::START);
        body(&View { shown: &shown, grants, names: &names, users: &users, may, csrf: "t", here, now, clock: &clock() })
    }

    #[test]
    fn a_team_shows_with_and_without_members_roles_and_rights() {
        let member = |name: &str, lead| Member { user: 1, name: name.into(), lead, since: kernel::world::START };
        let little = drawn("Infrastructure", vec![], None, false);
        check(&little, &["Nobody is in this team"]);
        assert!(!little.0.contains("Add a member"));
        check(
            &drawn("Infrastructure", vec![member("Sam", true)], Some(&[]), true),
            &["Lead", "Remove", "No role is given"],
        );
        check(&drawn(HOSTILE, vec![member(HOSTILE, false), member("B", true)], Some(&[given()]), true), &["Take back"]);
    }
}
