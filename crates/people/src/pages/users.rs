//! `/people`: the list of users.

use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Clock, Column, Empty, Filter, List, PageHeader, Row, Table, Tone, count_capped, person, status};

use super::tabs;
use crate::user::list::{UserRow, Users};
use crate::{CreateUser, ListUsers};

struct View<'a> {
    users: &'a Users,
    filter: &'a str,
    error: Option<&'a str>,
    first: bool,
    may_create: bool,
    clock: &'a Clock,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let filter = page.param("q").unwrap_or_default().to_owned();
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let asked = page.cx.call(&ListUsers { filter: filter.clone(), cursor, limit: None });
    let (users, error) = match asked {
        Ok(users) => (users, None),
        Err(error) if error.kind == kernel::ErrorKind::Invalid => (Users::default(), Some(error.message)),
        Err(error) => return Err(error),
    };
    let view = View {
        users: &users,
        filter: &filter,
        error: error.as_deref(),
        first,
        may_create: page.cx.may(CreateUser::NAME),
        clock: &page.clock(),
    };
    Ok(Content::new("People", body(&view)))
}

fn body(view: &View<'_>) -> Markup {
    let mut header = PageHeader::new("People");
    if view.may_create {
        header = header.action(Button::link("New user", "/people/new").primary().icon("plus").key("n"));
    }
    let filter = Filter::new("/people", view.filter)
        .placeholder("Filter: name, login, team:service-desk, role:technician, status:disabled");
    let address = |cursor: Option<&str>| {
        kernel::address::with_query("/people", &[("q", view.filter), ("cursor", cursor.unwrap_or_default())])
    };
    let next = view.users.next.as_deref().map(|next| address(Some(next)));
    let total = u64::try_from(view.users.count).unwrap_or_default();
    let list = List::new("users", table(view))
        .tabs(tabs("/people"))
        .filter(filter)
        .total(format!("{} {}", count_capped(total, 1000), if total == 1 { "user" } else { "users" }))
        .paging(next, (!view.first).then(|| address(None)))
        .empty(empty(view));
    html! { (header) (list) }
}

fn table(view: &View<'_>) -> Table {
    let columns = [
        Column::new("Name").main(),
        Column::new("Login"),
        Column::new("Teams").wide(),
        Column::new("Place").extra(),
        Column::new("Status"),
        Column::new("Since").extra(),
    ];
    Table::new("Users").columns(columns).rows(view.users.items.iter().map(|row| line(row, view.clock)))
}

fn line(row: &UserRow, clock: &Clock) -> Row {
    let user = &row.user;
    let to = format!("/people/{}", user.id);
    let state = match user.disabled_at {
        None => status(Tone::Ok, "Active"),
        Some(_) => status(Tone::Idle, "Disabled"),
    };
    Row::new(user.name.as_str())
        .reference(user.reference.to_string())
        .href(to.as_str())
        .cell(person(&user.name, Some(&to)))
        .cell(html! { span.mono dir="ltr" { (user.login) } })
        .text(&row.teams.join(", "))
        .text(&row.place_name)
        .cell(state)
        .cell(clock.short(user.created_at.timestamp()))
}

fn empty(view: &View<'_>) -> Empty {
    if let Some(error) = view.error {
        return Empty::new("This filter cannot be read", error).action(Button::link("Show all users", "/people"));
    }
    if !view.filter.is_empty() {
        return Empty::new("Nobody matches", "Try fewer words, or another field.")
            .action(Button::link("Show all users", "/people"));
    }
    let empty = Empty::new("You see no users here", "Your role shows only those it is for.");
    if view.may_create { empty.action(Button::link("New user", "/people/new").primary()) } else { empty }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, check, clock};
    use super::*;
    use crate::User;

    fn row(id: i64, name: &str) -> UserRow {
        let user = User {
            id,
            reference: User::subject(id),
            login: "sam".into(),
            name: name.into(),
            email: "sam@example.org".into(),
            zone: "UTC".into(),
            locale: "en".into(),
            place: None,
            disabled_at: (id == 2).then_some(kernel::world::START),
            created_at: kernel::world::START,
            version: 1,
        };
        UserRow { user, teams: vec![name.into()], place_name: name.into() }
    }

    fn drawn(items: Vec<UserRow>, filter: &str, error: Option<&str>) -> Markup {
        let users = Users { count: items.len() as i64, items, next: Some("3:x&y".into()), count_capped: false };
        body(&View { users: &users, filter, error, first: false, may_create: true, clock: &clock() })
    }

    #[test]
    fn the_list_shows_none_one_many_and_hostile_users() {
        check(&drawn(vec![], "", None), &["You see no users here", "/people/new"]);
        check(&drawn(vec![], "x", None), &["Nobody matches"]);
        check(&drawn(vec![], "x", Some(HOSTILE)), &["This filter cannot be read"]);
        check(&drawn(vec![row(1, "Sam Reyes")], "", None), &["Sam Reyes", "1 user<", "Active"]);
        check(&drawn(vec![row(1, HOSTILE), row(2, "B")], HOSTILE, None), &["2 users", "Disabled", "cursor=3%3Ax%26y"]);
    }
}
