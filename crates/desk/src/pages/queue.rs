//! The queue: views as tabs, one filter, rows, what to do with those ticked.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, Render as _, html};
use people::filter::{Filter as Terms, Term};
use web::page::{Content, PageCx};
use web::ui::{
    Bulk, Button, Clock, Column, Empty, Filter, List, PageHeader, Row, Sorted, Tab, Table, Tabs, Tone, count_capped,
    nobody, notice, person,
};

use super::{people_options, priority_shape, status_pill};
use crate::ticket::count::{CountTickets, ViewCount};
use crate::ticket::list::{ListTickets, Sort, TicketPage, TicketRow};
use crate::ticket::{Priority, href};

const PATH: &str = "/desk";

/// What the page shows.
struct Queue {
    views: Vec<ViewCount>,
    view: String,
    query: String,
    oldest: bool,
    cursor: bool,
    page: TicketPage,
    error: Option<String>,
    here: String,
    csrf: String,
    clock: Clock,
    /// Who a ticket can be given to; empty for those who may not.
    people: people::Persons,
    may_save: bool,
    may_open: bool,
}

impl Queue {
    fn to(&self, view: &str, query: &str, oldest: bool, cursor: &str) -> String {
        let sort = if oldest { "oldest" } else { "" };
        with_query(PATH, &[("view", view), ("q", query), ("sort", sort), ("cursor", cursor)])
    }
}

/// `GET /desk`
pub(crate) fn page(page: &mut PageCx) -> Result<Content> {
    let text = |name: &str| page.param(name).unwrap_or_default().to_owned();
    let (view, query, cursor) = (text("view"), text("q"), text("cursor"));
    let view = if view.is_empty() { "open".to_owned() } else { view };
    let oldest = page.param("sort") == Some("oldest");
    let wanted = ListTickets {
        filter: Some(query.clone()),
        view: Some(view.clone()),
        cursor: Some(cursor.clone()).filter(|cursor| !cursor.is_empty()),
        sort: oldest.then_some(Sort::Oldest),
        limit: None,
    };
    let (found, error) = match page.cx.call(&wanted) {
        Ok(found) => (found, None),
        Err(error) if error.field.as_deref() == Some("filter") => {
            (TicketPage { items: Vec::new(), next: None, count: 0, count_capped: false }, Some(error.message))
        }
        Err(error) => return Err(error),
    };
    let people = if page.cx.may("desk.ticket.assign") { people_options(page)? } else { people::Persons::default() };
    let queue = Queue {
        views: page.cx.call(&CountTickets {})?.items,
        view,
        query,
        oldest,
        cursor: !cursor.is_empty(),
        page: found,
        error,
        here: page.here.clone(),
        csrf: page.csrf.clone(),
        clock: page.clock(),
        people,
        may_save: page.cx.may("desk.view.save"),
        may_open: page.cx.may("desk.ticket.open"),
    };
    Ok(Content::new("Service desk", draw(&queue)))
}

fn draw(queue: &Queue) -> Markup {
    let mut header = PageHeader::new("Service desk");
    if queue.may_save {
        let to = with_query("/desk/views", &[("filter", &filter_text(queue))]);
        header = header.action(Button::link("Save view", to).icon("plus"));
    }
    if queue.may_open {
        header = header.action(Button::link("New ticket", "/desk/new").primary().icon("plus").key("c"));
    }
    let counted = u64::try_from(queue.page.count).unwrap_or(0);
    let word = if counted == 1 { "ticket" } else { "tickets" };
    let first = queue.to(&queue.view, &queue.query, queue.oldest, "");
    let next = queue.page.next.as_deref().map(|cursor| queue.to(&queue.view, &queue.query, queue.oldest, cursor));
    let mut list = List::new("tickets", table(queue))
        .tabs(tabs(queue))
        .filter(filter(queue))
        .total(format!("{} {word}", count_capped(counted, 1_000)))
        .paging(next, queue.cursor.then_some(first))
        .empty(empty(queue))
        .live("list:ticket", queue.here.clone());
    if !queue.people.is_empty() {
        list = list.bulk(bulk(queue));
    }
    html! {
        (header)
        @if let Some(error) = &queue.error { (notice(Tone::Critical, error)) }
        (list)
    }
}

/// The filter of the view and the box together, as one text.
fn filter_text(queue: &Queue) -> String {
    let of_view = queue.views.iter().find(|one| one.view == queue.view).map_or("", |one| one.filter.as_str());
    format!("{of_view} {}", queue.query).trim().to_owned()
}

fn tabs(queue: &Queue) -> Tabs {
    let tab = |one: &ViewCount| {
        let mut tab =
            Tab::new(one.name.clone(), queue.to(&one.view, "", queue.oldest, "")).current(one.view == queue.view);
        if let Some(count) = one.count {
            tab = tab.count(count_capped(u64::try_from(count).unwrap_or(0), 1_000));
        }
        tab
    };
    Tabs::new("Views of tickets", queue.views.iter().map(tab))
}

fn filter(queue: &Queue) -> Filter {
    let mut filter = Filter::new(PATH, queue.query.clone())
        .placeholder("Filter: word, team:network, priority:high ...")
        .keep("view", queue.view.clone());
    if queue.oldest {
        filter = filter.keep("sort", "oldest");
    }
    let terms = Terms::parse(&queue.query).unwrap_or_default();
    for (index, term) in terms.terms().iter().enumerate() {
        let without = terms.without(index).to_string();
        filter = filter.chip(term.to_string(), queue.to(&queue.view, &without, queue.oldest, ""));
    }
    for (words, field, value) in [("Urgent", "priority", "urgent"), ("Incidents", "kind", "incident")] {
        let with = terms.with(Term::is(field, value)).to_string();
        if terms.value(field).is_none() {
            filter = filter.suggest(words, queue.to(&queue.view, &with, queue.oldest, ""));
        }
    }
    filter
}

fn table(queue: &Queue) -> Table {
    let sorted = if queue.oldest { Sorted::Up } else { Sorted::Down };
    let turned = queue.to(&queue.view, &queue.query, !queue.oldest, "");
    Table::new("Tickets")
        .columns([
            Column::new("No.").num().wide(),
            Column::new("P"),
            Column::new("Subject").main(),
            Column::new("Requester").who(),
            Column::new("Thing").wide(),
            Column::new("Owner").who(),
            Column::new("Team").extra(),
            Column::new("Status"),
            Column::new("Updated").num().sort(turned, sorted),
        ])
        .rows(queue.page.items.iter().map(|one| row(one, &queue.clock)))
}

/// A row of the queue; panels use it too.
pub(crate) fn row(one: &TicketRow, clock: &Clock) -> Row {
    let thing = match &one.about {
        Some(thing) => html! { a.mono href=(web::ui::href(&thing.href)) dir="auto" { (thing.title) } },
        None => html! { span.none { "—" } },
    };
    let owner = if one.owner.is_some() { person(&one.owner_name, None) } else { nobody("Unassigned") };
    Row::new(one.summary.clone())
        .reference(one.reference.to_string())
        .href(href(one.id))
        .unread(one.owner.is_none() && one.status == crate::ticket::Status::New)
        .cell(html! { (one.id) })
        .cell(priority_shape(one.priority))
        .main()
        .text(&one.requester_name)
        .cell(thing)
        .cell(owner)
        .text(&one.team_name)
        .cell(status_pill(one.status))
        .cell(clock.short(one.updated_at.timestamp()))
}

fn bulk(queue: &Queue) -> Bulk {
    let priorities = Priority::ALL.iter().map(|one| (one.word().to_owned(), one.label().to_owned()));
    let priorities: Vec<(String, String)> =
        std::iter::once((String::new(), "Priority".to_owned())).chain(priorities).collect();
    let how = ["Done as asked", "Could not be reproduced", "Solved by the requester", "Duplicate of another ticket"];
    let how: Vec<(String, String)> = std::iter::once((String::new(), "How resolved".to_owned()))
        .chain(how.iter().map(|text| ((*text).to_owned(), (*text).to_owned())))
        .collect();
    let bulk = Bulk::new("/_bulk", queue.csrf.clone()).back(queue.here.clone());
    queue
        .people
        .bulk(bulk, "owner", "New owner", "Owner")
        .button(Button::submit("Assign").value("op", "desk.ticket.assign").key("a"))
        .select("priority", "New priority", &priorities)
        .button(Button::submit("Set priority").value("op", "desk.ticket.update").key("p"))
        .select("how", "How they were resolved", &how)
        .button(Button::submit("Resolve").value("op", "desk.ticket.resolve").key("e"))
}

fn empty(queue: &Queue) -> Empty {
    if queue.query.is_empty() {
        let empty = Empty::new("Nothing here", "No ticket is in this view now. New ones appear here by themselves.");
        return if queue.may_open { empty.action(Button::link("Open a ticket", "/desk/new")) } else { empty };
    }
    Empty::new(
        "Nothing matches",
        "No ticket of this view fits the filter. Take a condition away, or look in all open tickets.",
    )
    .action(Button::link("Clear the filter", queue.to(&queue.view, "", queue.oldest, "")))
    .action(Button::link("All open", queue.to("open", &queue.query, queue.oldest, "")))
}

/// Rows without the frame of a list, for panels.
pub(crate) fn plain(label: &str, rows: &[TicketRow], clock: &Clock) -> Markup {
    let short = |one: &TicketRow| {
        Row::new(one.summary.clone())
            .href(href(one.id))
            .cell(html! { (one.id) })
            .main()
            .cell(status_pill(one.status))
            .cell(clock.short(one.updated_at.timestamp()))
    };
    Table::new(label)
        .columns([
            Column::new("No.").num(),
            Column::new("Subject").main(),
            Column::new("Status"),
            Column::new("Updated").num(),
        ])
        .rows(rows.iter().map(short))
        .render()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn queue(count: i64, text: &str) -> Queue {
        let view = |view: &str| ViewCount {
            view: view.into(),
            name: text.into(),
            filter: "is:open".into(),
            count: Some(count),
            count_capped: count >= 1_000,
        };
        Queue {
            views: vec![view("open"), view("7")],
            view: "open".into(),
            query: format!("priority:high \"{}\"", text.replace('"', "")),
            oldest: false,
            cursor: false,
            page: sample::page(count, text),
            error: Some(text.into()),
            here: "/desk?view=open".into(),
            csrf: "token".into(),
            clock: Clock::utc_us(1_772_438_400_000_000),
            people: sample::people(text),
            may_save: true,
            may_open: true,
        }
    }

    #[test]
    fn the_queue_is_drawn_empty_with_one_with_many_and_with_hostile_text() {
        for (count, text) in [(0, "VPN"), (1, "VPN"), (5_000, "VPN"), (3, sample::HOSTILE)] {
            let html = draw(&queue(count, text)).0;
            sample::check(&html);
            assert_eq!(html.matches("data-row").count(), usize::try_from(count.min(50)).unwrap());
        }
        let many = draw(&queue(5_000, "VPN")).0;
        assert!(many.contains("999+") && many.contains("cursor=5.5"), "{many}");
        assert!(draw(&queue(0, "VPN")).0.contains("Nothing matches"));
    }
}
