//! The tab "Overview" of a thing's page: facts at a glance, storage, relations, what happened lately, and the parts of
//! other domains, which load by themselves.

use std::collections::BTreeSet;

use kernel::Time;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{PanelPlace, Part, placed};
use web::ui::{
    Button, Card, Clock, Column, Dialog, Empty, Entry, Facts, Field, Form, Row, Split, Table, Tone, columns, nobody,
    person, post_button, tag, timeline,
};

use super::glance::{Glance, Known};
use super::{Pickers, criticality_word, new, storage};
use crate::relation::RelationKind;
use crate::relation::list::Related;
use crate::thing::kind_title;
use crate::thing::show::Moment;
use crate::{ThingRow, ThingShown};

/// What the overview shows.
pub(super) struct View<'a> {
    pub(super) shown: &'a ThingShown,
    pub(super) known: &'a Known,
    pub(super) updates: Option<(u64, u64)>,
    pub(super) moments: Option<&'a [Moment]>,
    pub(super) panels: &'a [Part],
    pub(super) pickers: Option<&'a Pickers>,
    pub(super) may_relate: bool,
    pub(super) may_address: bool,
    pub(super) csrf: &'a str,
    pub(super) now: Time,
    pub(super) clock: &'a Clock,
}

impl View<'_> {
    fn here(&self) -> String {
        format!("/assets/{}", self.shown.row.thing.id)
    }
}

pub(super) fn body(view: &View<'_>) -> Markup {
    let main = html! {
        (placed(view.panels, PanelPlace::Main))
        @if let Some(storage) = storage::card(view.known) { (storage) }
        @if view.may_relate || !view.shown.relations.is_empty() { (relations(view)) }
        @if !view.shown.row.thing.notes.is_empty() {
            (Card::new("Notes").body(html! { p dir="auto" { (view.shown.row.thing.notes) } }))
        }
    };
    let side = html! { (glance(view)) (placed(view.panels, PanelPlace::Side)) @if let Some(moments) = view.moments { (lately(view, moments)) } };
    html! { (columns(Split::Wide, &main, &side)) (dialogs(view)) }
}

fn glance(view: &View<'_>) -> Markup {
    let row = &view.shown.row;
    let glance = Glance::of(view.known, view.now);
    let mut facts = Facts::new()
        .known("Up for", glance.up_for.as_deref())
        .row("Last seen", seen(row, view.clock))
        .known("System", glance.system.as_deref())
        .known("Kernel", glance.kernel.as_deref());
    if let Some((count, security)) = view.updates {
        facts = facts.row("Updates", updates(count, security));
    }
    facts = facts
        .known("Processor", glance.processor.as_deref())
        .known("Memory", glance.memory.as_deref())
        .known("Model", glance.model.as_deref())
        .known("Runs in", glance.runs_in.as_deref());
    let given = view.shown.addresses.iter().filter(|address| !glance.addresses.contains(address));
    for (at, address) in glance.addresses.iter().chain(given).enumerate() {
        facts = facts.mono(if at == 0 { "Address" } else { "" }, address);
    }
    if let Some(serial) = &glance.serial {
        facts = facts.mono("Serial", serial);
    }
    if !glance.logged_in.is_empty() {
        facts = facts.text("Logged in", &glance.logged_in.join(", "));
    }
    let facts = organisation(facts, row);
    let here = view.here();
    let mut card = Card::new("At a glance").id("glance").live(row.thing.reference.to_string(), here.as_str());
    if view.pickers.is_some() {
        card = card.action(
            Button::link("Edit", format!("/do/assets.thing.update?id={}", row.thing.id)).opens("edit").small().quiet(),
        );
    }
    if view.may_address {
        let to = with_query("/do/assets.address.set", &[("id", &row.thing.id.to_string())]);
        card = card.action(Button::link("Addresses", to).opens("addresses").small().quiet());
    }
    html! { (card.tight(html! { (facts) })) }
}

/// Who answers for it and where it is.
fn organisation(facts: Facts, row: &ThingRow) -> Facts {
    let owner = match row.thing.owner {
        Some(id) => person(&row.owner_name, Some(&format!("/people/{id}"))),
        None => nobody("Nobody"),
    };
    let team = match row.thing.team {
        Some(id) => html! { a href={ "/people/teams/" (id) } dir="auto" { (row.team_name) } },
        None => nobody("No team"),
    };
    facts
        .row("Owner", owner)
        .row("Team", team)
        .known("Place", Some(row.place_name.as_str()).filter(|name| !name.is_empty()))
        .row("When it fails", criticality_word(row.thing.criticality))
}

fn seen(row: &ThingRow, clock: &Clock) -> Markup {
    match row.thing.last_seen_at {
        Some(at) => clock.ago(at.timestamp()),
        None => nobody("Never: it has no agent"),
    }
}

fn updates(count: u64, security: u64) -> Markup {
    match (count, security) {
        (0, _) => web::ui::status(Tone::Ok, "Up to date"),
        (count, 0) => web::ui::status(Tone::Info, &format!("{count} pending")),
        (count, security) => web::ui::status(Tone::Warn, &format!("{count} pending, {security} for security")),
    }
}

fn lately(view: &View<'_>, moments: &[Moment]) -> Markup {
    let here = view.here();
    let body = if moments.is_empty() { nobody("Nothing happened yet.") } else { lines(&entries(moments, view.clock)) };
    html! {
        (Card::new("Timeline").id("lately").live(view.shown.row.thing.reference.to_string(), here.as_str())
            .link("All events", &format!("{here}?tab=timeline")).body(body))
    }
}

pub(super) fn lines(entries: &[Entry]) -> Markup {
    timeline(entries)
}

/// Moments as entries of a timeline: linked to the first thing they are about besides this one.
pub(super) fn entries(moments: &[Moment], clock: &Clock) -> Vec<Entry> {
    let entry = |moment: &Moment| {
        let about = moment.about.first();
        let detail = match about {
            Some(about) if moment.about.len() > 1 || about.title != moment.title => {
                html! { (moment.actor) " · " span dir="auto" { (about.title) } }
            }
            _ => html! { (moment.actor) },
        };
        Entry {
            tone: Tone::parse(&moment.mark).unwrap_or_default(),
            title: moment.title.clone(),
            href: about.map(|about| about.href.clone()),
            detail: Some(detail),
            body: None,
            at: clock.when(moment.at.timestamp()),
        }
    };
    moments.iter().map(entry).collect()
}

fn relations(view: &View<'_>) -> Markup {
    let rows = view.shown.relations.iter().map(|one| relation_row(view, one));
    let table = Table::new("Relations")
        .columns([
            Column::new("How"),
            Column::new("Thing").main(),
            Column::new("Kind").wide(),
            Column::new("Said by").extra(),
            Column::new(""),
        ])
        .rows(rows);
    let mut card = Card::new("Stands on, and carries").count(view.shown.relations.len());
    if view.may_relate {
        card = card.action(
            Button::link("Relate", format!("/do/assets.relation.add?id={}", view.shown.row.thing.id))
                .opens("relate")
                .small()
                .icon("link"),
        );
    }
    html! {
        (card.flush(html! {
            @if table.is_empty() {
                (Empty::new("No relations yet", "Say what it runs on, is connected to or depends on. Alerts then name the cause, not every victim."))
            } @else { (table) }
        }))
    }
}

/// Several with one group read as alternatives.
fn how(view: &View<'_>, one: &Related) -> Markup {
    let same = |other: &&Related| other.stands_on && other.kind == one.kind && other.group == one.group;
    let any = one.stands_on && !one.group.is_empty() && view.shown.relations.iter().filter(same).count() > 1;
    html! { (one.words) @if any { " any of" } }
}

fn relation_row(view: &View<'_>, one: &Related) -> Row {
    let id = one.relation.to_string();
    let here = view.here();
    let fields = [("relation", id.as_str()), ("_back", here.as_str()), ("_undo", "1")];
    let group = with_query(
        "/do/assets.relation.update",
        &[("relation", id.as_str()), ("group", one.group.as_str()), ("_back", here.as_str()), ("_undo", "1")],
    );
    let to = format!("/assets/{}", one.other);
    Row::new(one.other_name.as_str())
        .href(to.as_str())
        .cell(how(view, one))
        .cell(html! {
            a href=(to) dir="auto" { (one.other_name) }
            @if !one.group.is_empty() { " " span dir="auto" { (tag(&one.group)) } }
        })
        .text(kind_title(&one.other_kind))
        .text(if one.discovered { "its agent" } else { &one.source })
        .cell(html! { @if view.may_relate {
            @if one.stands_on { (Button::link("Group", group).small().quiet()) }
            (post_button("/do/assets.relation.remove", view.csrf, &fields, &Button::submit(if one.discovered { "Decline" } else { "Remove" }).small().quiet()))
        } })
}

fn dialogs(view: &View<'_>) -> Markup {
    let thing = &view.shown.row.thing;
    let here = view.here();
    let kinds = RelationKind::ALL.map(|kind| (kind.as_str(), kind.words()));
    let named = view.shown.relations.iter().filter(|one| one.stands_on && !one.group.is_empty());
    let groups: BTreeSet<&String> = named.map(|one| &one.group).collect();
    let groups = groups.into_iter().cloned().collect();
    let relate =
        Form::post("/do/assets.relation.add", view.csrf)
            .back(here.as_str())
            .field(Field::hidden("id", thing.id.to_string()))
            .fields([
                Field::select("kind", format!("{} …", thing.name), kinds).required(),
                Field::input("number", "to", "Number of the other thing")
                    .required()
                    .help("As in its address: /assets/NUMBER."),
            ])
            .field(Field::text("group", "Any of a group").length_max(60).suggest(groups).help(
                "A short name, the same for things that can stand in for each other. Empty: it is needed by itself.",
            ))
            .part(html! { input type="hidden" name="_undo" value="1"; })
            .action(Button::submit("Relate").primary());
    html! {
        @if let Some(pickers) = view.pickers {
            @let form = Form::post("/do/assets.thing.update", view.csrf).back(here.as_str())
                .field(Field::hidden("id", thing.id.to_string())).field(Field::hidden("expected_version", thing.version.to_string()))
                .part(html! { input type="hidden" name="_undo" value="1"; });
            (Dialog::new("edit", format!("Edit {}", thing.name)).body(html! { (new::fields(form, Some(&view.shown.row), pickers).action(Button::submit("Save").primary())) }))
        }
        @if view.may_address {
            (Dialog::new("addresses", format!("Addresses of {}", thing.name)).body(html! { (addresses(view)) }))
        }
        @if view.may_relate { (Dialog::new("relate", format!("Relate {}", thing.name)).body(html! { (relate) })) }
    }
}

/// Which addresses a thing has that no agent reports.
fn addresses(view: &View<'_>) -> Form {
    Form::post("/do/assets.address.set", view.csrf)
        .back(view.here())
        .field(Field::hidden("id", view.shown.row.thing.id.to_string()))
        .field(
            Field::text("addresses", "Addresses")
                .value(view.shown.addresses.join(", "))
                .placeholder("10.0.0.1, 2001:db8::1")
                .help("Only what its agent does not report, for example of a router. Machines that use one of them as their gateway or name server are related to it."),
        )
        .part(html! { input type="hidden" name="_undo" value="1"; })
        .action(Button::submit("Save").primary())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check, clock, row};
    use kernel::Ref;

    use super::*;
    use serde_json::json;

    fn drawn(name: &str, full: bool) -> Markup {
        let at = kernel::world::START;
        let related = |stands_on: bool| Related {
            relation: 3,
            kind: RelationKind::RunsOn,
            stands_on,
            words: "runs on".into(),
            other: 9,
            reference: crate::Thing::subject(9),
            other_name: name.into(),
            other_kind: "server".into(),
            group: name.into(),
            source: name.into(),
            since: at,
            discovered: !stands_on,
        };
        let moment = Moment {
            id: 1,
            at,
            name: "desk.ticket.opened".into(),
            title: name.into(),
            mark: "critical".into(),
            actor: name.into(),
            about: vec![crate::About { reference: Ref::new("ticket", 4), title: name.into(), href: "/desk/4".into() }],
        };
        let mut known = Known::new();
        if full {
            known.entry("os".into()).or_default().insert("os.name".into(), json!(name));
        }
        let relations = if full { vec![related(true), related(false)] } else { vec![] };
        let shown = ThingShown { row: row(7, name), sections: vec![], addresses: vec![name.into()], relations };
        let part = Part { place: PanelPlace::Main, body: html! { p { "Figures of others" } } };
        let (panels, pickers, moments) = ([part], Pickers::default(), [moment]);
        body(&View {
            shown: &shown,
            known: &known,
            updates: full.then_some((3, 1)),
            moments: Some(if full { &moments } else { &[] }),
            panels: if full { &panels } else { &[] },
            pickers: full.then_some(&pickers),
            may_relate: full,
            may_address: full,
            csrf: "t",
            now: at,
            clock: &clock(),
        })
    }

    #[test]
    fn a_thing_without_facts_relations_or_rights_shows_what_is_known() {
        let little = drawn("srv-01", false);
        check(&little, &["At a glance", "Nothing happened yet.", "just now"]);
        assert!(!little.0.contains("Relate") && !little.0.contains("id=\"edit\""));
    }

    #[test]
    fn a_thing_with_everything_shows_panels_timeline_and_relations_and_escapes_all_text() {
        check(
            &drawn(HOSTILE, true),
            &[
                "Figures of others",
                "3 pending, 1 for security",
                "/desk/4",
                "data-live=\"asset:7\"",
                "Remove",
                "Decline",
                "its agent",
                "id=\"edit\"",
            ],
        );
    }
}
