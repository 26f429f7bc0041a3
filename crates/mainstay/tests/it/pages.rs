//! Pages: every page without parameters, as every role: it answers, escapes, and stays within its budget.

use axum::http::StatusCode;

use crate::http::Door;

/// Largest page, in bytes before compression, on an almost empty house.
const PAGE_BYTES_MAX: usize = 200_000;

fn paths() -> Vec<&'static str> {
    let (_, site) = mainstay::domains::split();
    let mut paths: Vec<&'static str> =
        site.pages.iter().map(|page| page.path).filter(|path| !path.contains('{')).collect();
    paths.push("/");
    paths
}

#[test]
fn every_page_answers_every_role_or_says_why_not() {
    let door = Door::new();
    for role in door.house.people.keys() {
        let login = if role == "administrator" { "ada".to_owned() } else { format!("a-{role}") };
        let cookie = door.sign_in(&login);
        for path in paths() {
            let answer = door.get(path, &cookie);
            let fine = [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::SEE_OTHER, StatusCode::NOT_FOUND]
                .contains(&answer.status);
            assert!(fine, "{role} {path}: {} {}", answer.status, answer.body);
            assert!(answer.body.len() < PAGE_BYTES_MAX, "{path}: {} bytes", answer.body.len());
            assert!(!answer.body.contains(" style=\"") && !answer.body.contains("javascript:"), "{path}");
        }
    }
}

#[test]
fn the_administrator_may_open_every_page() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    for path in paths() {
        let answer = door.get(path, &cookie);
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert!(answer.body.contains("<h1"), "{path} has no heading");
        assert!(!answer.body.contains("undefined") && !answer.body.contains("N/A"), "{path}");
    }
}

#[test]
fn every_place_of_the_navigation_leads_to_a_page() {
    let (_, site) = mainstay::domains::split();
    let pages: Vec<&str> = site.pages.iter().map(|page| page.path).collect();
    let places = site.nav.iter().map(|place| place.href).chain(site.creates.iter().map(|create| create.href));
    for href in places {
        assert!(pages.contains(&href.split(['?', '#']).next().unwrap()), "{href} leads nowhere");
    }
}

#[test]
fn every_grant_of_a_page_panel_place_and_role_names_an_operation() {
    let registry = mainstay::domains::registry().unwrap();
    let (_, site) = mainstay::domains::split();
    let grants = site
        .pages
        .iter()
        .map(|page| page.grant)
        .chain(site.panels.iter().map(|panel| panel.grant))
        .chain(site.nav.iter().map(|place| place.grant))
        .chain(site.creates.iter().map(|create| create.grant));
    for grant in grants.filter(|grant| !grant.is_empty()) {
        assert!(registry.operation(grant).is_some(), "{grant} is no operation");
    }
    for role in people::roles::ROLES {
        for part in role.every_part() {
            assert!(
                registry.operations().any(|entry| kernel::permission::matches(part.pattern, entry.name)),
                "{}: {} fits no operation",
                role.name,
                part.pattern
            );
        }
    }
}
