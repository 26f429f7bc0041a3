//! `/people/rotas`: who is on call now, my shifts, and where nobody will be.

use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Dialog, Empty, Field, Form, List, PageHeader, Row, Split, Table, Tone, columns,
    notice, person, post_button, status,
};

use super::{options, tabs};
use crate::rota::OnCall;
use crate::rota::feed::Feeds;
use crate::rota::list::{RotaRow, Rotas};
use crate::rota::preview::written;
use crate::rota::shifts::{Gaps, MyShifts};
use crate::{CreateRota, ListFeeds, ListGaps, ListMyShifts, ListRotas};

/// Most gaps on the page.
const GAPS_SHOWN: usize = 20;

struct View<'a> {
    rotas: &'a Rotas,
    mine: &'a MyShifts,
    gaps: &'a Gaps,
    feeds: &'a Feeds,
    teams: &'a [(i64, String)],
    zone: &'a str,
    may_create: bool,
    csrf: &'a str,
    clock: &'a Clock,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let rotas = page.cx.call(&ListRotas::default())?;
    let user = page.cx.actor.user().is_some();
    let mine = if user { page.cx.call(&ListMyShifts::default())? } else { MyShifts::default() };
    let feeds = if user { page.cx.call(&ListFeeds::default())? } else { Feeds::default() };
    let made = ListGaps { unplanned: true, ..ListGaps::default() };
    let gaps = if page.cx.may(ListGaps::NAME) { page.cx.call(&made)? } else { Gaps::default() };
    let teams = crate::team_choices(page.cx)?;
    let zone = page.zone.iana_name().unwrap_or("UTC").to_owned();
    let view = View {
        rotas: &rotas,
        mine: &mine,
        gaps: &gaps,
        feeds: &feeds,
        teams: &teams,
        zone: &zone,
        may_create: page.cx.may(CreateRota::NAME),
        csrf: &page.csrf,
        clock: &page.clock(),
    };
    Ok(Content::new("On-call rotas", body(&view)))
}

fn body(view: &View<'_>) -> Markup {
    let new = || Button::link("New rota", "/do/people.rota.create").opens("new-rota").primary().icon("plus").key("n");
    let mut header = PageHeader::new("On-call rotas")
        .crumb("People", Some("/people"))
        .subtitle(html! { "Times are those of each rota's own zone." });
    let mut empty = Empty::new("No rota yet", "A rota says who is on call when something breaks at night.");
    if view.may_create {
        header = header.action(new());
        empty = empty.action(new());
    }
    let names = [
        Column::new("Rota").main(),
        Column::new("On call now"),
        Column::new("Until"),
        Column::new("Then").wide(),
        Column::new("Team").extra(),
    ];
    let table = Table::new("Rotas").columns(names).rows(view.rotas.items.iter().map(|row| line(row, view.clock)));
    let many = view.rotas.items.len();
    let total = format!("{many} {}", if many == 1 { "rota" } else { "rotas" });
    let main = html! {
        (List::new("rotas", table).tabs(tabs("/people/rotas")).total(total).empty(empty))
        @if !view.gaps.items.is_empty() { (gaps(view.gaps)) }
    };
    let side = html! { (mine(view)) (feeds(view)) };
    html! {
        (header)
        (columns(Split::Wide, &main, &side))
        @if view.may_create { (Dialog::new("new-rota", "New rota").body(new_form(view))) }
    }
}

/// Who is on call, or that nobody is.
pub(super) fn who(now: &OnCall) -> Markup {
    html! {
        @if now.who.is_empty() { (status(Tone::Critical, "Nobody")) }
        @for one in &now.who { (person(&one.name, Some(&format!("/people/{}", one.user)))) " " }
    }
}

fn line(row: &RotaRow, clock: &Clock) -> Row {
    let then: Vec<&str> = row.now.next.iter().map(|one| one.name.as_str()).collect();
    // By the rota's own clock, as everywhere about rotas: a hand-off at 08:00 is one for everybody.
    let until = match (row.now.until, jiff::tz::TimeZone::get(&row.rota.time_zone)) {
        (Some(at), Ok(zone)) => wall(&written(at.timestamp(), &zone), "%a %-d %b, %H:%M"),
        (Some(at), Err(_)) => clock.at(at.timestamp()),
        (None, _) => html! { span.none { "No hand-off" } },
    };
    let then = match (row.now.until, then.is_empty()) {
        (Some(_), true) => html! { span.none { "Nobody" } },
        _ => html! { span dir="auto" { (then.join(", ")) } },
    };
    Row::new(row.rota.name.as_str())
        .reference(row.rota.reference.to_string())
        .href(format!("/people/rotas/{}", row.rota.id))
        .main()
        .cell(who(&row.now))
        .cell(until)
        .cell(then)
        .text(&row.team_name)
}

fn gaps(gaps: &Gaps) -> Markup {
    let rows = gaps.items.iter().take(GAPS_SHOWN).map(|gap| {
        let to = format!("/people/rotas/{}", gap.rota);
        Row::new(gap.name.as_str()).href(to).main().cell(span(&gap.from, &gap.to)).text(&gap.why)
    });
    let more = match gaps.items.len() {
        all if gaps.more => format!("The first {GAPS_SHOWN} of more than {all} are here."),
        all if all > GAPS_SHOWN => format!("The first {GAPS_SHOWN} of {all} are here."),
        _ => String::new(),
    };
    let table = Table::new("Gaps")
        .columns([Column::new("Rota").main(), Column::new("When"), Column::new("Why").wide()])
        .rows(rows);
    html! {
        (Card::new("Nobody will be on call").count(gaps.items.len()).flush(html! {
            div.in { (notice(Tone::Critical, "Somebody left or was taken off, and nobody stands in.")) }
            (table)
            @if !more.is_empty() { div.in { p { (more) } } }
        }))
    }
}

/// A span of RFC 3339 times with an offset, as the clock on the wall there shows it; the day once when it is one.
pub(super) fn span(from: &str, to: &str) -> Markup {
    let same = from.get(..10) == to.get(..10);
    html! { (wall(from, "%a %-d %b, %H:%M")) " to " (wall(to, if same { "%H:%M" } else { "%a %-d %b, %H:%M" })) }
}

/// A time of RFC 3339 with an offset, as the clock on the wall there shows it; pointed at, it says all.
pub(super) fn wall(text: &str, pattern: &str) -> Markup {
    let shown = text.get(..19).and_then(|wall| wall.parse::<jiff::civil::DateTime>().ok());
    let words = shown.map_or_else(|| text.to_owned(), |at| at.strftime(pattern).to_string());
    html! { time datetime=(text) title=(text) { (words) } }
}

fn mine(view: &View<'_>) -> Markup {
    let rows = view.mine.items.iter().take(12).map(|one| {
        let with: Vec<&str> = one.with.iter().map(|duty| duty.name.as_str()).collect();
        let to = format!("/people/rotas/{}", one.rota);
        Row::new(one.name.as_str()).href(to.as_str()).cell(html! {
            div { a href=(to) dir="auto" { (one.name) } @if !with.is_empty() { " " span.none dir="auto" { "with " (with.join(", ")) } } }
            div { (span(&one.from, &one.to)) }
        })
    });
    let table = Table::new("My shifts").columns([Column::new("When").main()]).rows(rows);
    html! {
        (Card::new("My shifts").count(view.mine.items.len()).flush(html! {
            @if table.is_empty() { (Empty::new("No shift in the next eight weeks", "Your turns of every rota are listed here.")) } @else { (table) }
        }))
    }
}

fn feeds(view: &View<'_>) -> Markup {
    let rows = view.feeds.items.iter().map(|feed| {
        let id = feed.id.to_string();
        let name = if feed.rota.is_none() { "My shifts" } else { feed.rota_name.as_str() };
        Row::new(name).text(name).cell(view.clock.short(feed.made_at.timestamp())).cell(post_button(
            "/do/people.feed.revoke",
            view.csrf,
            &[("id", &id), ("_back", "/people/rotas"), ("_done", "Revoked. What subscribed to it gets nothing now.")],
            &Button::submit("Revoke").small().danger().confirm("Revoke this calendar? What subscribes to it stops."),
        ))
    });
    let table = Table::new("My calendars")
        .columns([Column::new("Shows").main(), Column::new("Made"), Column::new("")])
        .rows(rows);
    let subscribe = post_button(
        "/do/people.feed.create",
        view.csrf,
        &[("_back", "/people/rotas")],
        &Button::submit("Address for my shifts").small(),
    );
    html! {
        (Card::new("My calendars").count(view.feeds.items.len()).action(subscribe).flush(html! {
            @if table.is_empty() {
                (Empty::new("No calendar yet", "Make an address, and your calendar program shows when you are on call."))
            } @else { (table) }
        }))
    }
}

fn new_form(view: &View<'_>) -> Markup {
    let form = Form::post("/do/people.rota.create", view.csrf)
        .back("/people/rotas/{id}/edit")
        .fields([
            Field::text("name", "Name").required().length_max(80).placeholder("Infrastructure"),
            Field::text("slug", "Short name")
                .required()
                .mono()
                .length_max(40)
                .help("What programs know it by, as in rota infrastructure. It cannot be changed."),
        ])
        .fields([
            Field::select("team", "Team", options("No team", view.teams)),
            Field::text("time_zone", "Time zone")
                .value(view.zone)
                .required()
                .help("Hand-offs follow the clocks there."),
        ])
        .field(Field::textarea("about", "What it is for").length_max(500))
        .part(html! { input type="hidden" name="_done" value="Rota made. Say next who takes turns."; })
        .action(Button::submit("Make rota").primary());
    html! { (form) }
}

#[cfg(test)]
mod tests {
    use super::super::rota::tests::{rota, sample};
    use super::super::tests::{HOSTILE, check, clock};
    use super::*;
    use crate::rota::Duty;
    use crate::rota::shifts::{Gap, MyShift};

    fn drawn(items: Vec<RotaRow>, mine: Vec<MyShift>, gaps: &Gaps, may_create: bool) -> Markup {
        body(&View {
            rotas: &Rotas { items },
            mine: &MyShifts { items: mine },
            gaps,
            feeds: &Feeds::default(),
            teams: &[(1, HOSTILE.into())],
            zone: "Europe/Oslo",
            may_create,
            csrf: "t",
            clock: &clock(),
        })
    }

    #[test]
    fn the_list_says_who_is_on_call_and_where_nobody_will_be() {
        check(
            &drawn(vec![], vec![], &Gaps::default(), true),
            &["No rota yet", "New rota", "No shift in the next eight weeks"],
        );
        let row = RotaRow { rota: rota(HOSTILE), team_name: HOSTILE.into(), now: sample(HOSTILE, true) };
        let other = RotaRow { now: sample("B", false), ..row.clone() };
        let (from, to) = ("2026-03-02T08:00:00+01:00".to_owned(), "2026-03-09T08:00:00+01:00".to_owned());
        let with = vec![Duty { user: 2, name: HOSTILE.into() }];
        let mine = MyShift { rota: 1, name: HOSTILE.into(), from: from.clone(), to: to.clone(), with };
        let gap = Gap { rota: 1, name: HOSTILE.into(), from, to, why: HOSTILE.into(), planned: false };
        let page = drawn(vec![row, other], vec![mine], &Gaps { items: vec![gap; 25], more: true }, false);
        check(
            &page,
            &[
                "2 rotas",
                "Nobody will be on call",
                "The first 20 of more than 25",
                "Mon 2 Mar, 08:00",
                "Tue 3 Mar, 09:00",
                "Nobody",
            ],
        );
        assert!(!page.0.contains("New rota"));
    }
}
