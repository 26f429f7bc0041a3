//! `/people/rotas/{id}`: who is on call by one rota: now, in two weeks of calendar, and what was arranged.

use jiff::Timestamp;
use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Column, Dialog, Empty, Facts, PageHeader, Row, Split, Table, Tone, columns, notice, post_button,
};

use super::rota_forms::{edit_form, exchange, override_form};
use super::rota_strip::{Window, layer_name, strips};
use super::rotas::{span, wall, who};
use crate::Persons;
use crate::rota::import::LastImport;
use crate::rota::list::{RotaShown, one};
use crate::rota::overrides::Overridden;
use crate::rota::preview::written;
use crate::rota::roster::Roster;
use crate::rota::shifts::{Shift, gaps};
use crate::rota::{Kind, Length, Rotation, reached, store, time};
use crate::{AddOverride, CreateFeed, DeleteRota, ImportCalendar, RemoveOverride, ShowRota, UpdateRota};

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct May {
    update: bool,
    pub(super) delete: bool,
    add: bool,
    remove: bool,
    pub(super) import: bool,
    pub(super) subscribe: bool,
}

pub(super) struct View<'a> {
    pub(super) shown: &'a RotaShown,
    pub(super) roster: &'a Roster,
    window: &'a Window,
    pub(super) people: &'a Persons,
    pub(super) teams: &'a [(i64, String)],
    pub(super) imported: Option<LastImport>,
    pub(super) may: May,
    pub(super) csrf: &'a str,
    pub(super) here: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let shown = page.cx.call(&ShowRota { id })?;
    let zone = crate::rota::text::zone(&shown.rota.time_zone)?;
    let now = page.cx.now.timestamp();
    let begin = page.param("from").and_then(|text| text.parse::<jiff::civil::Date>().ok());
    let begin = begin.filter(|date| (1970..=2200).contains(&date.year()));
    let begin: Timestamp = begin.and_then(|date| zone.to_timestamp(date.at(12, 0, 0, 0)).ok()).unwrap_or(now);
    let window = Window::at(&zone, begin, now);
    let roster = one(page.cx, shown.rota.clone(), time(window.from), time(window.to))?;
    let whole = |page: &mut PageCx, name: &str| reached(page.cx, id, name).is_ok();
    let may = May {
        update: page.cx.may(UpdateRota::NAME) && whole(page, UpdateRota::NAME),
        delete: page.cx.may(DeleteRota::NAME) && whole(page, DeleteRota::NAME),
        add: page.cx.may(AddOverride::NAME),
        remove: page.cx.may(RemoveOverride::NAME),
        import: page.cx.may(ImportCalendar::NAME),
        subscribe: page.cx.actor.user().is_some() && page.cx.authorise(CreateFeed::NAME, CreateFeed::ACCESS).is_ok(),
    };
    let people = Persons::load(page.cx, &[])?;
    let teams = crate::team_choices(page.cx)?;
    let view = View {
        shown: &shown,
        roster: &roster,
        window: &window,
        people: &people,
        teams: &teams,
        imported: if may.import { store::imported(page.cx.tx, id)? } else { None },
        may,
        csrf: &page.csrf,
        here: format!("/people/rotas/{id}"),
    };
    Ok(Content::new(shown.rota.name.as_str(), body(&view)))
}

fn body(view: &View<'_>) -> Markup {
    let rota = &view.shown.rota;
    let mut header = PageHeader::new(rota.name.as_str())
        .crumb("People", Some("/people"))
        .crumb("On call", Some("/people/rotas"))
        .subtitle(html! {
            span.mono dir="ltr" { (rota.slug) } " · " (rota.time_zone)
            @if !rota.about.is_empty() { " · " span dir="auto" { (rota.about) } }
        });
    if view.may.add {
        let form = Button::link("Override", format!("/do/people.rota.override?id={}", rota.id));
        header = header.action(form.opens("override").primary().icon("calendar").key("o"));
    }
    if view.may.update {
        header = header.action(Button::link("Rotations", format!("{}/edit", view.here)).icon("edit").key("e"));
        let form = Button::link("Name and team", format!("/do/people.rota.update?id={}", rota.id));
        header = header.action(form.opens("edit"));
    }
    let main = html! { (now(view)) (calendar(view)) (shifts(view)) (overrides(view)) };
    let side = html! { (rotations(view)) (exchange(view)) };
    html! {
        (header)
        (columns(Split::Wide, &main, &side))
        @if view.may.add { (Dialog::new("override", "Override").body(override_form(view))) }
        @if view.may.update { (Dialog::new("edit", format!("Edit {}", rota.name)).body(edit_form(view))) }
    }
}

fn now(view: &View<'_>) -> Markup {
    let now = &view.shown.now;
    let next: Vec<&str> = now.next.iter().map(|one| one.name.as_str()).collect();
    let mut facts = Facts::new().row("On call", who(now));
    if let Some(at) = now.until {
        let next = if next.is_empty() { "Nobody".to_owned() } else { next.join(", ") };
        let until = written(at.timestamp(), &view.roster.zone);
        facts = facts.row("Until", wall(&until, "%a %-d %b, %H:%M")).text("Then", &next);
    }
    html! {
        (Card::new("On call now").tight(html! {
            @if let Some(gap) = &now.gap { (notice(Tone::Critical, &format!("Nobody is on call. {gap}"))) }
            (facts)
        }))
    }
}

fn calendar(view: &View<'_>) -> Markup {
    let made: Vec<String> = gaps(view.roster, &view.roster.plan.pieces(view.window.from, view.window.to))
        .into_iter()
        .filter(|gap| !gap.planned)
        .filter_map(|gap| {
            let (from, to) = (gap.from.parse().ok()?, gap.to.parse().ok()?);
            Some(format!("Nobody is on call {} to {}. {}", view.window.words(from), view.window.words(to), gap.why))
        })
        .collect();
    let step = |label: &str, days: i64| {
        Button::link(label, format!("{}?from={}", view.here, view.window.date(days))).small().swap("calendar")
    };
    let card = Card::new("Two weeks")
        .id("calendar")
        .note(html! { "in " (view.shown.rota.time_zone) })
        .action(step("Earlier", -14))
        .action(step("Later", 14))
        .flush(html! {
            @if !made.is_empty() { div.in { (notice(Tone::Critical, &gaps_words(&made))) } }
            @if view.shown.rota.rotations.is_empty() {
                (Empty::new("No rotation yet", "Say who takes turns, how long, and from when on."))
            } @else { (strips(view.roster, view.window)) }
        });
    html! { (card) }
}

/// The first gaps in words, and how many more there are.
fn gaps_words(made: &[String]) -> String {
    let first: Vec<&str> = made.iter().take(3).map(String::as_str).collect();
    let more = match made.len().saturating_sub(first.len()) {
        0 => String::new(),
        more => format!(" And {more} more below."),
    };
    format!("{}{more}", first.join(" "))
}

fn shifts(view: &View<'_>) -> Markup {
    let pieces = view.roster.plan.pieces(view.window.from, view.window.to);
    let rows = pieces.iter().take(60).map(|piece| {
        let shift = Shift::of(view.roster, piece);
        let names: Vec<&str> = shift.who.iter().map(|one| one.name.as_str()).collect();
        let title = if names.is_empty() { "Nobody".to_owned() } else { names.join(", ") };
        let when = html! {
            (span(&shift.from, &shift.to)) @if let Some(why) = &shift.gap { div.none dir="auto" { (why) } }
        };
        Row::new(title).main().cell(when)
    });
    let table = Table::new("Shifts").columns([Column::new("On call").main(), Column::new("When")]).rows(rows);
    html! { (Card::new("Shifts").count(pieces.len()).flush(html! { (table) })) }
}

fn overrides(view: &View<'_>) -> Markup {
    let rows = view.shown.overrides.iter().take(100).map(|one| override_row(view, one));
    let table = Table::new("Overrides")
        .columns([
            Column::new("Who").main(),
            Column::new("When"),
            Column::new("Why").wide(),
            Column::new("Made by").extra(),
            Column::new("Change"),
        ])
        .rows(rows);
    html! {
        (Card::new("Overrides").count(view.shown.overrides.len()).flush(html! {
            @if table.is_empty() {
                (Empty::new("No override", "Take a shift for somebody, hand one over, or add somebody for a time."))
            } @else { (table) }
        }))
    }
}

fn override_row(view: &View<'_>, one: &Overridden) -> Row {
    let names = |who: &[crate::rota::Duty]| who.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let off = if one.everybody { "everybody else".to_owned() } else { names(&one.remove) };
    let what = match (one.add.is_empty(), off.is_empty()) {
        (false, false) => format!("{} instead of {off}", names(&one.add)),
        (false, true) => format!("{} as well", names(&one.add)),
        (true, _) if one.everybody => "Without anybody".to_owned(),
        (true, _) => format!("Without {off}"),
    };
    let (id, number) = (one.rota.to_string(), one.id.to_string());
    let fields = [
        ("id", id.as_str()),
        ("override_id", &number),
        ("_back", &view.here),
        ("_done", "The override is taken back."),
        ("_undo", "1"),
    ];
    Row::new(what).main().cell(span(&one.from, &one.to)).text(&one.why).text(&one.made_by).cell(html! {
        @if view.may.remove {
            (post_button("/do/people.rota.override-remove", view.csrf, &fields, &Button::submit("Take back").small().quiet()))
        }
    })
}

fn rotations(view: &View<'_>) -> Markup {
    let facts = view.shown.rota.rotations.iter().enumerate().rev().fold(Facts::new(), |facts, (place, one)| {
        let people: Vec<String> = crate::rota::duties(&view.roster.people, &crate::rota::numbers(&one.participants))
            .into_iter()
            .map(|one| one.name)
            .collect();
        let hours: Vec<String> = one.restrictions.iter().map(crate::rota::Hours::line).collect();
        facts.row(
            layer_name(view.roster, place),
            html! {
                div { "Turns of " (length_words(one)) ", from " (wall(&one.start, "%a %-d %b %Y, %H:%M")) }
                div dir="auto" { (people.join(", ")) }
                @for line in &hours { div.mono dir="ltr" { (line) } }
                @if one.adds { div { "Together with those below" } }
            },
        )
    });
    html! { (Card::new("Rotations").count(view.shown.rota.rotations.len()).tight(html! { (facts) })) }
}

/// How long a turn is, in words.
fn length_words(rotation: &Rotation) -> String {
    let (one, many) = match rotation.kind {
        Kind::Hourly | Kind::Custom => ("an hour", "hours"),
        Kind::Daily => ("a day", "days"),
        Kind::Weekly => ("a week", "weeks"),
    };
    match &rotation.length {
        None | Some(Length::Count(1)) => one.to_owned(),
        Some(Length::Count(count)) => format!("{count} {many}"),
        Some(Length::Text(text)) => text.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    pub(in crate::pages) use super::super::tests::HOSTILE;
    use super::super::tests::check;
    use super::*;
    use crate::rota::list::Named;
    use crate::rota::roster::{Kept, Member};
    use crate::rota::{Duty, OnCall, Rota};

    pub(in crate::pages) fn rota(name: &str) -> Rota {
        Rota {
            id: 1,
            reference: Rota::subject(1),
            slug: "infrastructure".into(),
            name: name.into(),
            about: name.into(),
            team: Some(1),
            time_zone: "Europe/Oslo".into(),
            rotations: serde_json::from_value(serde_json::json!([
                { "kind": "weekly", "start": "2026-02-02T08:00:00", "participants": ["user:1", "user:2"] },
                { "kind": "daily", "start": "2026-02-02T08:00:00", "participants": ["user:1"], "adds": true,
                  "restrictions": [{ "days": ["sat-sun"], "from": "08:00", "to": "20:00" }] },
            ]))
            .unwrap(),
            created_at: kernel::world::START,
            changed_at: kernel::world::START,
            version: 1,
        }
    }

    /// A rota of two people, of whom those of `left` may no longer sign in.
    pub(in crate::pages) fn roster(name: &str, left: &[i64]) -> Roster {
        let member =
            |id: i64| Member { name: format!("{name} {id}"), login: format!("u{id}"), active: !left.contains(&id) };
        let people: BTreeMap<i64, Member> = [1, 2].map(|id| (id, member(id))).into();
        let kept = Kept {
            id: 4,
            rota: 1,
            from: kernel::world::START.plus(kernel::time::DAY),
            to: kernel::world::START.plus(2 * kernel::time::DAY),
            add: vec![2],
            remove: vec![1],
            everybody: false,
            why: name.into(),
            source: String::new(),
            made_by: name.into(),
            made_by_user: None,
            made_at: kernel::world::START,
        };
        Roster::new(rota(name), vec![kept], &people).unwrap()
    }

    pub(in crate::pages) fn sample(name: &str, somebody: bool) -> OnCall {
        let duty = Duty { user: 1, name: name.into() };
        OnCall {
            rota: 1,
            reference: Rota::subject(1),
            slug: "infrastructure".into(),
            name: name.into(),
            team: Some(1),
            who: if somebody { vec![duty.clone()] } else { Vec::new() },
            gap: (!somebody).then(|| name.to_owned()),
            until: somebody.then_some(kernel::world::START.plus(kernel::time::DAY)),
            next: vec![duty],
        }
    }

    fn drawn(name: &str, rotations: bool, somebody: bool, all: bool) -> Markup {
        let mut roster = roster(name, if somebody { &[] } else { &[1, 2] });
        if !rotations {
            roster.rota.rotations.clear();
        }
        let overrides: Vec<Overridden> =
            roster.overrides.iter().map(|one| crate::rota::overrides::overridden(&roster, one)).collect();
        let people = [1, 2].map(|user| Named { user, name: name.into(), login: "sam".into(), active: true }).into();
        let shown = RotaShown {
            rota: roster.rota.clone(),
            team_name: name.into(),
            people,
            overrides: if rotations { overrides } else { Vec::new() },
            now: sample(name, somebody),
        };
        let now = kernel::world::START.timestamp();
        let window = Window::at(&roster.zone, now, now);
        let may = if all {
            May { update: true, delete: true, add: true, remove: true, import: true, subscribe: true }
        } else {
            May::default()
        };
        body(&View {
            shown: &shown,
            roster: &roster,
            window: &window,
            people: &Persons::of(vec![crate::Person { id: 1, name: name.into(), login: "sam".into() }], false),
            teams: &[(1, name.into())],
            imported: all.then(|| LastImport {
                by: name.into(),
                left_out: vec![crate::rota::import::LeftOut { what: name.into(), why: name.into() }],
                left_out_count: 3,
                ..LastImport::default()
            }),
            may,
            csrf: "t",
            here: "/people/rotas/1".into(),
        })
    }

    #[test]
    fn a_rota_shows_its_calendar_its_gaps_in_words_and_what_was_arranged() {
        check(&drawn("Infra", false, true, false), &["No rotation yet", "No override", "On call now"]);
        let page = drawn("Infra", true, true, true);
        check(
            &page,
            &[
                "Infra 2 instead of Infra 1",
                "Take back",
                "Nothing was taken. Events left out: 3.",
                "And 2 more",
                "Delete rota",
                "Text of the .ics file",
                "sat-sun",
            ],
        );
        check(
            &drawn(HOSTILE, true, false, true),
            &["Nobody is on call.", "who can no longer sign in", "class=\"gap\""],
        );
    }
}
