//! `/people/roles`: what each role may do.

use kernel::Result;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Card, Column, PageHeader, Row, Table, grid};

use super::tabs;
use crate::ListRoles;
use crate::grants::list::RoleShown;
use crate::roles::Extent;

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let roles = page.cx.call(&ListRoles {})?.items;
    let known: Vec<&'static str> = page.cx.kernel.registry().operations().map(|entry| entry.name).collect();
    Ok(Content::new("Roles", body(&roles, &known)))
}

fn body(roles: &[RoleShown], operations: &[&str]) -> Markup {
    html! {
        (PageHeader::new("Roles").crumb("People", Some("/people")).subtitle(html! {
            "A role is given to a person or a team, for everything, a place or a team, with a reason and an end."
        }))
        (tabs("/people/roles"))
        (grid(&html! { @for role in roles { (card(role, operations)) } }))
    }
}

fn card(role: &RoleShown, operations: &[&str]) -> Markup {
    let may = |name: &&&str| role.parts.iter().any(|part| kernel::permission::matches(part.pattern, name));
    let count = operations.iter().filter(may).count();
    let rows = role.parts.iter().map(|part| {
        let extent = match part.extent {
            Extent::Given => "As given",
            Extent::Everything => "Everywhere",
            Extent::Own => "Their own",
        };
        Row::new(part.pattern).cell(html! { span.mono dir="ltr" { (part.pattern) } }).text(extent)
    });
    let table = Table::new(format!("What {} may do", role.title))
        .columns([Column::new("Operation").main(), Column::new("Reaches")])
        .rows(rows);
    html! {
        (Card::new(role.title).note(html! { (count) " of " (operations.len()) " operations" }).flush(html! {
            div.in { p { (role.about) } }
            details { summary.in { "Show operations" } (table) }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use crate::roles::ROLES;

    #[test]
    fn every_role_is_explained_with_its_operations() {
        let shown = |role: &crate::roles::Role| RoleShown {
            name: role.name,
            title: role.title,
            about: role.about,
            parts: role.every_part().collect(),
        };
        let roles: Vec<RoleShown> = ROLES.iter().map(shown).collect();
        check(
            &body(&roles, &["desk.ticket.open", "people.grant.give"]),
            &["Administrator", "2 of 2 operations", "desk.ticket.open"],
        );
        check(&body(&[], &[]), &["Roles"]);
    }
}
