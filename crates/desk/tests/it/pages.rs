//! Every page and panel, as each role, on a town with tickets.

use std::collections::BTreeMap;

use kernel::{Actor, Grant, Ref, Result, Scope};
use serde_json::json;
use web::page::{Audience, PageCx};

use crate::town::Town;

fn with_page<T>(
    town: &Town,
    who: &Actor,
    query: &[(&str, &str)],
    path: &[(&str, String)],
    work: impl FnOnce(&mut PageCx) -> Result<T>,
) -> Result<T> {
    town.world.kernel.read_as(who, |cx| {
        let mut page = PageCx {
            cx,
            path: path.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<BTreeMap<_, _>>(),
            query: query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            here: "/here".into(),
            origin: "http://127.0.0.1:7300".to_owned(),
            csrf: "token".into(),
            zone: jiff::tz::TimeZone::UTC,
            all_panels: &[],
            later: web::Later::default(),
        };
        work(&mut page)
    })
}

#[test]
fn every_page_is_made_for_every_role_that_may_open_it_with_a_bounded_number_of_statements() {
    let town = Town::new();
    let about = json!([format!("asset:{}", town.asset)]);
    let id = town.open(&town.rita, json!({ "summary": "VPN <b>drops</b>" }));
    town.open(&town.admin, json!({ "summary": "Switch", "kind": "incident", "about": about, "team": town.network }));
    town.done(&town.sam, "desk.ticket.note", json!({ "id": id, "text": "between us" }));
    let mut made = 0;
    for page in desk::domain().pages {
        for who in [&town.admin, &town.sam, &town.nia, &town.rita, &town.exa] {
            if !who.grants.iter().any(|grant| kernel::permission::matches(&grant.pattern, page.grant)) {
                continue;
            }
            let query = [("view", "open"), ("q", "-priority:low"), ("thing", "asset:1")];
            let made_here = with_page(&town, who, &query, &[("id", id.to_string())], |cx| {
                let content = (page.render)(cx)?;
                Ok((content.body.0, cx.cx.tx.statements()))
            });
            let sees = !page.path.contains("{id}")
                || [&town.admin, &town.sam, &town.rita].iter().any(|one| one.name == who.name);
            assert_eq!(made_here.is_ok(), sees, "{} as {}: {:?}", page.path, who.name, made_here.err());
            let Ok((html, statements)) = made_here else { continue };
            made += 1;
            assert!(!html.contains("<b>drops"), "{}", page.path);
            assert!(statements <= 14, "{} as {}: {statements}", page.path, who.name);
            let portal = page.audience == Audience::Portal || who.name == town.rita.name;
            assert!(!portal || !html.contains("between us"), "{} as {}", page.path, who.name);
        }
    }
    assert!(made > 20, "{made}");
}

#[test]
fn a_broken_filter_is_explained_on_the_page() {
    let town = Town::new();
    let pages = desk::domain().pages;
    let queue = pages.iter().find(|page| page.path == "/desk").unwrap();
    let html = with_page(&town, &town.sam, &[("q", "status:odd")], &[], |cx| Ok((queue.render)(cx)?.body.0)).unwrap();
    assert!(html.contains("no value of status") && html.contains("status:odd"), "{html}");
}

#[test]
fn panels_show_the_tickets_of_a_thing_and_the_incident_of_a_group() {
    let town = Town::new();
    let panels = desk::domain().panels;
    let draw = |name: &str, subject: &Ref| {
        let panel = panels.iter().find(|panel| panel.name == name).unwrap();
        with_page(&town, &town.nia, &[], &[], |cx| (panel.render)(cx, subject)).unwrap().map(|html| html.0)
    };
    let (asset, group) = (Ref::new("asset", town.asset), Ref::new("alert_group", 9));
    assert!(draw("desk-tickets", &asset).unwrap().contains("No ticket is about this."));
    assert_eq!(draw("desk-incident", &group), None);
    let event =
        json!({ "group": "alert_group:9", "asset": asset, "severity": "warning", "title": "Disk <i>fills</i>" });
    town.tell("monitor.group.opened", event);
    for html in [draw("desk-tickets", &asset).unwrap(), draw("desk-incident", &group).unwrap()] {
        assert!(html.contains("Disk &lt;i&gt;fills"), "{html}");
    }
}

#[test]
fn what_is_mainly_about_something_hidden_is_not_told_on_the_page_of_a_ticket() {
    let town = Town::new();
    let id = town.open(&town.rita, json!({ "summary": "VPN drops" }));
    let subjects = json!(["run:4", format!("ticket:{id}")]);
    town.tell("runbooks.run.failed", json!({ "run": "run:4", "subjects": subjects }));
    let pages = desk::domain().pages;
    let ticket = pages.iter().find(|page| page.path == "/desk/tickets/{id}").unwrap();
    for (who, told) in [(&town.admin, true), (&town.sam, false)] {
        let path = [("id", id.to_string())];
        let html = with_page(&town, who, &[], &path, |cx| Ok((ticket.render)(cx)?.body.0)).unwrap();
        assert!(html.contains("Timeline"), "{html}");
        assert_eq!(html.contains("runbooks.run.failed"), told, "{}", who.name);
    }
}

#[test]
fn who_may_not_list_people_is_offered_no_names() {
    let town = Town::new();
    let id = town.open(&town.rita, json!({ "summary": "VPN drops" }));
    let grants = vec![Grant { pattern: "desk.*".into(), scope: Scope::Everything, expires_at: None }];
    let dee = Actor { name: "Dee Desk".into(), grants, ..town.admin.clone() };
    for page in desk::domain().pages.iter().filter(|page| page.path.starts_with("/desk")) {
        for (who, offered) in [(&town.admin, page.path != "/desk/views"), (&dee, false)] {
            let path = [("id", id.to_string())];
            let html = with_page(&town, who, &[], &path, |cx| Ok((page.render)(cx)?.body.0)).unwrap();
            assert_eq!(html.contains("Omar Asks"), offered, "{} as {}", page.path, who.name);
        }
    }
}
