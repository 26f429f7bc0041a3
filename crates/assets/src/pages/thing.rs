//! `/assets/{id}`: the page of one thing. The header and tabs are here; each tab is drawn elsewhere.

use std::collections::BTreeMap;

use kernel::address::with_query;
use kernel::time::MINUTE;
use kernel::{Operation, Result, Time};
use maud::{Markup, html};
use people::filter::Term;
use web::page::{Content, PageCx};
use web::ui::{Button, Clock, Dialog, Field, Form, PageHeader, Tab, Tabs, Tone, pill, tag};

use super::glance::{Known, SECTIONS};
use super::overview::View;
use super::{Pickers, overview, status_pill, tables};
use crate::facts;
use crate::thing::{Criticality, KINDS, Status, Thing, kind_title};
use crate::{
    AddRelation, ListFacts, RetireThing, SetAddresses, ShowThing, ThingRow, ThingShown, ThingTimeline, UpdateThing,
};

/// A thing with an agent that was not heard for this long is marked, in microseconds.
const SILENT_AFTER: i64 = 5 * MINUTE;
/// Facts that the overview reads at most.
const FACTS_MAX: usize = 500;

/// What the reader may do and which tabs have content.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    timeline: bool,
    facts: bool,
    software: bool,
    ticket: bool,
    edit: bool,
    retire: bool,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let shown = page.cx.call(&ShowThing { id })?;
    let may = |name| page.cx.may(name);
    let known = |names: &[&str]| shown.sections.iter().any(|section| names.contains(&section.name.as_str()));
    let reads = may(ListFacts::NAME);
    let frame = Frame {
        timeline: may(ThingTimeline::NAME),
        facts: reads && !shown.sections.is_empty(),
        software: reads && known(&["packages", "services", "updates"]),
        ticket: may("desk.ticket.open"),
        edit: may(UpdateThing::NAME),
        retire: may(RetireThing::NAME) && shown.row.thing.status != Status::Retired,
    };
    let tab = page.param("tab").unwrap_or_default().to_owned();
    let (tab, body) = match tab.as_str() {
        "timeline" if frame.timeline => ("timeline", tables::timeline(page, &shown)?),
        "facts" if frame.facts => ("facts", tables::facts(page, &shown)?),
        "software" if frame.software => ("software", tables::software(page, &shown)?),
        _ => ("", overview(page, &shown, frame)?),
    };
    let head = head(&shown.row, frame, tab, &page.csrf, page.cx.now, &page.clock());
    Ok(Content::new(shown.row.thing.name.as_str(), html! { (head) (body) }))
}

fn overview(page: &mut PageCx, shown: &ThingShown, frame: Frame) -> Result<Markup> {
    let thing = &shown.row.thing;
    let (known, updates) = if frame.facts { facts_of(page, thing.id)? } else { (Known::new(), None) };
    let moments = if frame.timeline {
        Some(page.cx.call(&ThingTimeline { id: thing.id, cursor: None, limit: Some(8) })?.items)
    } else {
        None
    };
    let pickers = if frame.edit { Some(Pickers::of(page, thing.owner)?) } else { None };
    let panels = page.parts(&thing.reference);
    let view = View {
        shown,
        known: &known,
        updates,
        moments: moments.as_deref(),
        panels: &panels,
        pickers: pickers.as_ref(),
        may_relate: page.cx.may(AddRelation::NAME),
        may_address: page.cx.may(SetAddresses::NAME),
        csrf: &page.csrf,
        now: page.cx.now,
        clock: &page.clock(),
    };
    Ok(overview::body(&view))
}

/// The facts of the overview, and how many updates wait, in two statements.
fn facts_of(page: &mut PageCx, id: i64) -> Result<(Known, Option<(u64, u64)>)> {
    let mut known: Known = BTreeMap::new();
    for fact in facts::store::list(page.cx.tx, id, SECTIONS, "", None, FACTS_MAX)? {
        known.entry(fact.section).or_default().insert(fact.key, fact.value);
    }
    let counts = facts::store::list(page.cx.tx, id, &["updates"], "count", None, 10)?;
    let count = |key: &str| counts.iter().find(|fact| fact.key == key)?.value.as_u64();
    let updates = count("updates.count").map(|all| (all, count("updates.security_count").unwrap_or_default()));
    Ok((known, updates))
}

fn head(row: &ThingRow, frame: Frame, tab: &str, csrf: &str, now: Time, clock: &Clock) -> Markup {
    let thing = &row.thing;
    let many = KINDS.iter().find(|(word, ..)| *word == thing.kind).map_or("Things", |(_, _, many)| many);
    let kind = with_query("/assets", &[("q", &Term::is("kind", &thing.kind).to_string())]);
    let mut header =
        PageHeader::new(thing.name.as_str()).mono().crumb("Assets", Some("/assets")).crumb(many, Some(&kind));
    if !row.place_name.is_empty() {
        header = header.crumb(row.place_name.as_str(), None);
    }
    if thing.status != Status::InUse {
        header = header.pill(status_pill(thing.status));
    }
    if let Some(heard) = heard(thing, now, clock) {
        header = header.pill(heard);
    }
    if thing.criticality >= Criticality::High {
        header = header.pill(tag(thing.criticality.as_str()));
    }
    header = header.subtitle(subtitle(row));
    if frame.ticket {
        let to = format!("/desk/new?thing={}", thing.reference);
        header = header.action(Button::link("Ticket", to).primary().icon("plus").key("t"));
    }
    if frame.edit {
        header = header.action(
            Button::link("Edit", format!("/do/assets.thing.update?id={}", thing.id))
                .opens("edit")
                .icon("edit")
                .key("e"),
        );
    }
    if frame.retire {
        header = header.action(
            Button::link("Retire", format!("/do/assets.thing.retire?id={}", thing.id))
                .opens("retire")
                .quiet()
                .icon("archive"),
        );
    }
    html! { (header) (tabs(thing.id, frame, tab)) @if frame.retire { (retire(thing, csrf)) } }
}

fn subtitle(row: &ThingRow) -> Markup {
    let thing = &row.thing;
    html! {
        (kind_title(&thing.kind)) " · asset " span.mono dir="ltr" { (thing.tag) }
        @if let Some(owner) = thing.owner { " · owned by " a href={ "/people/" (owner) } dir="auto" { (row.owner_name) } }
        @if let Some(team) = thing.team { " · " a href={ "/people/teams/" (team) } dir="auto" { (row.team_name) } }
    }
}

/// Whether the agent speaks; nothing for what has none.
fn heard(thing: &Thing, now: Time, clock: &Clock) -> Option<Markup> {
    let at = thing.last_seen_at?;
    let silent = now.since(at) >= SILENT_AFTER && thing.status != Status::Retired;
    Some(if silent {
        pill(Tone::Warn, &format!("Not heard since {}", clock.relative(at.timestamp())))
    } else {
        pill(Tone::Ok, "Agent speaks")
    })
}

fn tabs(id: i64, frame: Frame, tab: &str) -> Markup {
    let all = [
        (true, "Overview", ""),
        (frame.timeline, "Timeline", "timeline"),
        (frame.facts, "Facts", "facts"),
        (frame.software, "Software", "software"),
    ];
    let shown = all.into_iter().filter(|(there, ..)| *there);
    let tabs = shown.map(|(_, label, name)| {
        Tab::new(label, with_query(&format!("/assets/{id}"), &[("tab", name)])).current(tab == name)
    });
    html! { (Tabs::new("Parts of this thing", tabs)) }
}

fn retire(thing: &Thing, csrf: &str) -> Markup {
    let form = Form::post("/do/assets.thing.retire", csrf)
        .back(format!("/assets/{}", thing.id))
        .field(Field::hidden("id", thing.id.to_string()))
        .field(Field::text("reason", "Why, or where it went").required().length_max(200))
        .action(Button::submit("Retire").danger());
    html! { (Dialog::new("retire", format!("Retire {}", thing.name)).body(html! { p { "Its history stays." } (form) })) }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check, clock, row};
    use super::*;

    fn drawn(row: &ThingRow, frame: Frame, now: Time) -> Markup {
        head(row, frame, "", "t", now, &clock())
    }

    #[test]
    fn the_head_names_the_thing_and_shows_only_tabs_with_content() {
        let start = kernel::world::START;
        let little = drawn(&row(7, "srv-01"), Frame::default(), start);
        check(&little, &["srv-01", "MS-00007", "Agent speaks", "Overview", "high"]);
        for absent in ["Timeline", "Software", "Retire", "Ticket"] {
            assert!(!little.0.contains(absent), "{absent}");
        }
        let all = Frame { timeline: true, facts: true, software: true, ticket: true, edit: true, retire: true };
        check(&drawn(&row(7, HOSTILE), all, start), &["Timeline", "Software", "/desk/new?thing=asset:7", "Retire"]);
    }

    #[test]
    fn a_machine_that_fell_silent_is_marked_and_one_without_an_agent_is_not() {
        let start = kernel::world::START;
        check(&drawn(&row(7, "srv-01"), Frame::default(), start.plus(10 * MINUTE)), &["Not heard since"]);
        let mut plain = row(7, "prn-01");
        plain.thing.last_seen_at = None;
        let drawn = drawn(&plain, Frame::default(), start);
        assert!(!drawn.0.contains("heard") && !drawn.0.contains("Agent speaks"));
    }
}
