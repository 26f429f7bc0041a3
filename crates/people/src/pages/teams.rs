//! `/people/teams`: the teams.

use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Column, Dialog, Empty, Field, Form, List, PageHeader, Row, Table};

use super::tabs;
use crate::team::list::Teams;
use crate::{CreateTeam, ListTeams};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let teams = page.cx.call(&ListTeams { cursor, limit: None })?;
    let may_create = page.cx.may(CreateTeam::NAME) && page.cx.reach(CreateTeam::NAME)?.everything;
    Ok(Content::new("Teams", body(&teams, first, may_create, &page.csrf)))
}

fn body(list: &Teams, first: bool, may_create: bool, csrf: &str) -> Markup {
    let teams = &list.items;
    let new = || Button::link("New team", "/do/people.team.create").opens("new-team").primary().icon("plus").key("n");
    let mut header = PageHeader::new("Teams").crumb("People", Some("/people"));
    let mut empty = Empty::new("You see no teams", "A team looks after work and things together.");
    if may_create {
        header = header.action(new());
        empty = empty.action(new());
    }
    let rows = teams.iter().map(|row| {
        Row::new(row.team.name.as_str())
            .href(format!("/people/teams/{}", row.team.id))
            .main()
            .cell(html! { span.mono dir="ltr" { (row.team.slug) } })
            .text(&row.team.about)
            .cell(html! { (row.members) })
    });
    let columns = [
        Column::new("Team").main(),
        Column::new("Short name"),
        Column::new("Looks after").wide(),
        Column::new("Members").num(),
    ];
    let table = Table::new("Teams").columns(columns).rows(rows);
    let form = Form::post("/do/people.team.create", csrf)
        .back("/people/teams/{id}")
        .field(Field::text("name", "Name").required().length_max(80))
        .field(
            Field::text("slug", "Short name")
                .required()
                .mono()
                .length_max(40)
                .help("For filters, as in team:service-desk. It cannot be changed."),
        )
        .field(Field::textarea("about", "Looks after").length_max(500))
        .action(Button::submit("Add team").primary());
    let next = list.next.as_deref().map(|next| kernel::address::with_query("/people/teams", &[("cursor", next)]));
    let total = format!("{} {}", teams.len(), if teams.len() == 1 { "team" } else { "teams" });
    html! {
        (header)
        (List::new("teams", table).tabs(tabs("/people/teams")).total(total).paging(next, (!first).then(|| "/people/teams".to_owned())).empty(empty))
        @if may_create { (Dialog::new("new-team", "New team").body(html! { (form) })) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check};
    use super::*;
    use crate::Team;
    use crate::team::list::TeamRow;

    fn drawn(items: Vec<TeamRow>, next: Option<&str>, may_create: bool) -> Markup {
        body(&Teams { items, next: next.map(str::to_owned) }, next.is_none(), may_create, "t")
    }

    fn row(id: i64, name: &str) -> TeamRow {
        let team = Team {
            id,
            reference: Team::subject(id),
            slug: "infrastructure".into(),
            name: name.into(),
            about: name.into(),
            created_at: kernel::world::START,
            version: 1,
        };
        TeamRow { team, members: 3 }
    }

    #[test]
    fn the_list_shows_none_one_many_and_hostile_teams() {
        check(&drawn(vec![], None, true), &["You see no teams", "New team"]);
        check(&drawn(vec![row(1, "Infrastructure")], None, false), &["Infrastructure", "1 team<"]);
        let more = drawn(vec![row(1, HOSTILE), row(2, "B")], Some("2:B"), true);
        check(&more, &["2 teams", "/people/teams?cursor=2%3AB"]);
    }
}
