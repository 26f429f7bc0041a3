//! `/assets`: the list of things with views, filter and bulk edit.

use kernel::address::with_query;
use kernel::{Operation, Result};
use maud::{Markup, html};
use people::filter::{Filter as Terms, Term};
use web::page::{Content, PageCx};
use web::ui::{
    Bulk, Button, Clock, Column, Empty, Filter, List, PageHeader, Row, Sorted, Tab, Table, Tabs, count_capped, nobody,
    person,
};

use super::{Pickers, criticality_options, criticality_word, options, status_options, status_pill};
use crate::thing::list::{Order, ThingRow, Things};
use crate::thing::store::{self, Narrow};
use crate::thing::{Criticality, Status, kind_title};
use crate::{AssignThing, CreateThing, ListThings, RetireThing, ShowCoverage};

/// The views: name and filter. The first one is shown when nothing is asked for.
const VIEWS: &[(&str, &str)] = &[
    ("All things", "-status:retired"),
    ("Mine", "owner:me -status:retired"),
    ("High and critical", "criticality:high,critical -status:retired"),
    ("Not heard from", "seen>15min status:in_use"),
    ("Retired", "status:retired"),
];

struct View<'a> {
    things: &'a Things,
    counts: &'a [i64],
    filter: &'a str,
    order: Order,
    error: Option<&'a str>,
    first: bool,
    may_create: bool,
    may_retire: bool,
    may_cover: bool,
    bulk: Option<&'a Pickers>,
    here: &'a str,
    csrf: &'a str,
    clock: &'a Clock,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let asked = page.query.iter().find(|(key, _)| key == "q").map(|(_, value)| value.clone());
    let first_view = VIEWS.first().map_or("", |(_, filter)| filter);
    let filter = asked.unwrap_or_else(|| first_view.to_owned());
    let order = if page.param("order") == Some("updated") { Order::Updated } else { Order::Name };
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let call = ListThings { filter: filter.clone(), order, cursor, limit: None };
    let (things, error) = match page.cx.call(&call) {
        Ok(things) => (things, None),
        Err(error) if error.kind == kernel::ErrorKind::Invalid => (Things::default(), Some(error.message)),
        Err(error) => return Err(error),
    };
    let shown = error.is_none().then_some((filter.as_str(), things.count));
    let counts = counts(page, shown)?;
    let pickers = if page.cx.may(AssignThing::NAME) { Some(Pickers::of(page, None)?) } else { None };
    let view = View {
        things: &things,
        counts: &counts,
        filter: &filter,
        order,
        error: error.as_deref(),
        first,
        may_create: page.cx.may(CreateThing::NAME),
        may_retire: page.cx.may(RetireThing::NAME),
        may_cover: page.cx.may(ShowCoverage::NAME),
        bulk: pickers.as_ref(),
        here: &page.here,
        csrf: &page.csrf,
        clock: &page.clock(),
    };
    Ok(Content::new("Assets", body(&view)))
}

/// How many things each view has, one statement each; the one that is shown was counted already.
fn counts(page: &mut PageCx, shown: Option<(&str, i64)>) -> Result<Vec<i64>> {
    let (reach, me, now) = (page.cx.reach(ListThings::NAME)?, page.cx.actor.user(), page.cx.now);
    let mut counts = Vec::new();
    for (_, filter) in VIEWS {
        if let Some((_, count)) = shown.filter(|(shown, _)| shown == filter) {
            counts.push(count);
            continue;
        }
        let narrow = Narrow::of(page.cx.tx, &Terms::parse(filter)?, me)?;
        counts.push(store::count(page.cx.tx, &store::Wanted { narrow: &narrow, reach: &reach, now })?);
    }
    Ok(counts)
}

fn capped(count: i64) -> String {
    count_capped(u64::try_from(count).unwrap_or_default(), 1000)
}

impl View<'_> {
    fn address(&self, filter: &str, order: Order, cursor: &str) -> String {
        let order = if order == Order::Updated { "updated" } else { "" };
        // An empty filter shows everything, so it must be in the address.
        let path = if filter.is_empty() { "/assets?q=" } else { "/assets" };
        with_query(path, &[("q", filter), ("order", order), ("cursor", cursor)])
    }
}

fn body(view: &View<'_>) -> Markup {
    let mut header = PageHeader::new("Assets");
    if view.may_cover {
        header = header.action(Button::link("Coverage", "/assets/coverage").icon("link"));
    }
    if view.may_create {
        header = header.action(Button::link("New thing", "/assets/new").primary().icon("plus").key("n"));
    }
    let tabs = VIEWS.iter().zip(view.counts).map(|((name, filter), count)| {
        Tab::new(*name, with_query("/assets", &[("q", filter)])).count(capped(*count)).current(view.filter == *filter)
    });
    let next = view.things.next.as_deref().map(|next| view.address(view.filter, view.order, next));
    let things = if view.things.count == 1 { "thing" } else { "things" };
    let mut list = List::new("things", table(view))
        .tabs(Tabs::new("Views of things", tabs))
        .filter(filter(view))
        .total(format!("{} {things}", capped(view.things.count)))
        .paging(next, (!view.first).then(|| view.address(view.filter, view.order, "")))
        .empty(empty(view));
    if let Some(pickers) = view.bulk {
        list = list.bulk(bulk(view, pickers));
    }
    html! { (header) (list) }
}

fn filter(view: &View<'_>) -> Filter {
    let mut filter = Filter::new("/assets", view.filter)
        .placeholder("Filter: word, kind:server, team:infrastructure, owner:me, seen>7d");
    if view.order == Order::Updated {
        filter = filter.keep("order", "updated");
    }
    let Ok(terms) = Terms::parse(view.filter) else { return filter };
    for (at, term) in terms.terms().iter().enumerate() {
        filter = filter.chip(term.to_string(), view.address(&terms.without(at).to_string(), view.order, ""));
    }
    for (words, term) in [("Servers", Term::is("kind", "server")), ("Mine", Term::is("owner", "me"))] {
        let more = terms.with(term);
        if more.terms().len() > terms.terms().len() {
            filter = filter.suggest(words, view.address(&more.to_string(), view.order, ""));
        }
    }
    filter
}

fn bulk(view: &View<'_>, pickers: &Pickers) -> Bulk {
    let choice = |empty: &str, all: Vec<(String, String)>| -> Vec<(String, String)> {
        std::iter::once((String::new(), empty.to_owned())).chain(all).collect()
    };
    let statuses = status_options().into_iter().filter(|(word, _)| view.may_retire || word != Status::Retired.as_str());
    let statuses = statuses.collect();
    let bulk = Bulk::new("/_bulk", view.csrf)
        .back(view.here)
        .select("status", "Status", &choice("Status", statuses))
        .select("criticality", "Criticality", &choice("Criticality", criticality_options()))
        .select("team", "Team", &options("Team", &pickers.teams));
    pickers
        .users
        .bulk(bulk, "owner", "Owner", "Owner")
        .button(Button::submit("Preview change").value("op", AssignThing::NAME).key("s"))
}

fn table(view: &View<'_>) -> Table {
    let sorted = |order: Order, way: Sorted| if view.order == order { way } else { Sorted::No };
    let columns = [
        Column::new("Name").main().sort(view.address(view.filter, Order::Name, ""), sorted(Order::Name, Sorted::Up)),
        Column::new("Kind").wide(),
        Column::new("Tag"),
        Column::new("Status"),
        Column::new("Criticality").wide(),
        Column::new("Owner").wide(),
        Column::new("Team").wide(),
        Column::new("Place").extra(),
        Column::new("Last seen").wide(),
        Column::new("Changed")
            .extra()
            .sort(view.address(view.filter, Order::Updated, ""), sorted(Order::Updated, Sorted::Down)),
    ];
    Table::new("Things").columns(columns).rows(view.things.items.iter().map(|row| line(row, view.clock)))
}

fn line(row: &ThingRow, clock: &Clock) -> Row {
    let thing = &row.thing;
    let owner = match thing.owner {
        Some(id) => person(&row.owner_name, Some(&format!("/people/{id}"))),
        None => nobody("Nobody"),
    };
    let seen = match thing.last_seen_at {
        Some(at) => clock.short(at.timestamp()),
        None => nobody("Never"),
    };
    let criticality =
        if thing.criticality == Criticality::Normal { nobody("Normal") } else { criticality_word(thing.criticality) };
    Row::new(thing.name.as_str())
        .reference(thing.reference.to_string())
        .href(format!("/assets/{}", thing.id))
        .main()
        .text(kind_title(&thing.kind))
        .cell(html! { span.mono dir="ltr" { (thing.tag) } })
        .cell(status_pill(thing.status))
        .cell(criticality)
        .cell(owner)
        .text(&row.team_name)
        .text(&row.place_name)
        .cell(seen)
        .cell(clock.short(thing.updated_at.timestamp()))
}

fn empty(view: &View<'_>) -> Empty {
    let all = || Button::link("Show all things", "/assets");
    if let Some(error) = view.error {
        return Empty::new("This filter cannot be read", error).action(all());
    }
    let plain = VIEWS.first().is_some_and(|(_, filter)| view.filter == *filter);
    if !plain && !view.filter.is_empty() {
        return Empty::new("Nothing matches", "Try fewer words, or another field.").action(all());
    }
    let empty = Empty::new(
        "No things yet",
        "Machines with an agent appear by themselves. Add what has none, such as printers and sites.",
    );
    if view.may_create { empty.action(Button::link("New thing", "/assets/new").primary()) } else { empty }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check, clock, row};
    use super::*;

    fn drawn(items: Vec<ThingRow>, filter: &str, error: Option<&str>, bulk: bool) -> Markup {
        let things = Things { count: items.len() as i64, items, next: Some("7:a&b".into()), count_capped: false };
        let pickers = Pickers { teams: vec![(1, HOSTILE.into())], ..Pickers::default() };
        body(&View {
            things: &things,
            counts: &[1000, 3, 0, 0, 1],
            filter,
            order: Order::Name,
            error,
            first: true,
            may_create: true,
            may_retire: bulk,
            may_cover: bulk,
            bulk: bulk.then_some(&pickers),
            here: "/assets?q=x",
            csrf: "t",
            clock: &clock(),
        })
    }

    #[test]
    fn the_list_shows_none_one_many_and_hostile_things() {
        check(&drawn(vec![], "-status:retired", None, true), &["No things yet", "999+"]);
        check(&drawn(vec![], "x", None, true), &["Nothing matches"]);
        check(&drawn(vec![], "x:", Some(HOSTILE), false), &["This filter cannot be read"]);
        let one = drawn(vec![row(1, "srv-01")], "kind:server", None, false);
        check(&one, &["srv-01", "MS-00001", "1 thing<", "kind:server", "cursor=7%3Aa%26b"]);
        assert!(!one.0.contains("assets.thing.assign"), "no bulk edit without the grant");
        check(
            &drawn(vec![row(1, HOSTILE), row(2, "B")], HOSTILE, None, true),
            &["2 things", "assets.thing.assign", "asset:2"],
        );
    }

    #[test]
    fn every_view_is_a_filter_that_can_be_read_and_printed_as_it_is_written() {
        for (_, filter) in VIEWS {
            assert_eq!(Terms::parse(filter).unwrap().to_string(), *filter);
        }
    }
}
