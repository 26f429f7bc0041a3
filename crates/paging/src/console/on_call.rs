//! `/on-call`: who is on now, hand-offs, my shifts and ways, gaps within 30 days, open pages.

use kernel::time::DAY;
use kernel::{LiveList, Operation, Result, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Form, PageHeader, Row, Split, Table, Tone, columns, person, status,
};

use super::{page_looks, tabs};
use crate::channel::contact::{Contacts, ListContacts};
use crate::page::list::{ListPages, PageRow, Pages};

/// Rows of a part of the page.
const ROWS: usize = 20;
/// Shifts of mine in view: the others stand with the rotas.
const SHIFTS: usize = 6;
/// How far ahead gaps are shown, in microseconds.
const GAPS_AHEAD: i64 = 30 * DAY;

struct Duty {
    rota: i64,
    name: String,
    team: String,
    who: Vec<(i64, String)>,
    gap: Option<String>,
    until: Option<Time>,
    next: Vec<String>,
}

struct Span {
    rota: i64,
    name: String,
    from: Time,
    to: Time,
    note: String,
}

struct View {
    clock: Clock,
    duties: Vec<Duty>,
    mine: Vec<Span>,
    gaps: Vec<Span>,
    open: Pages,
    told_me: Vec<PageRow>,
    ways: Option<Contacts>,
}

fn time(text: &str) -> Time {
    text.parse().map_or(Time(0), |at: jiff::Timestamp| Time(at.as_microsecond()))
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let user = page.cx.actor.user().is_some();
    let mut duties = Vec::new();
    if page.cx.may(people::ListRotas::NAME) {
        for row in page.cx.call(&people::ListRotas::default())?.items {
            duties.push(Duty {
                rota: row.rota.id,
                name: row.rota.name,
                team: row.team_name,
                who: row.now.who.into_iter().map(|one| (one.user, one.name)).collect(),
                gap: row.now.gap,
                until: row.now.until,
                next: row.now.next.into_iter().map(|one| one.name).collect(),
            });
        }
    }
    let mut mine = Vec::new();
    if user {
        for one in page.cx.call(&people::ListMyShifts::default())?.items.into_iter().take(ROWS) {
            let with: Vec<String> = one.with.into_iter().map(|duty| duty.name).collect();
            let note = if with.is_empty() { String::new() } else { format!("with {}", with.join(", ")) };
            mine.push(Span { rota: one.rota, name: one.name, from: time(&one.from), to: time(&one.to), note });
        }
    }
    let open = page.cx.call(&ListPages { open: Some(true), limit: Some(ROWS), ..ListPages::default() })?;
    let own = ListPages { open: Some(true), mine: true, limit: Some(ROWS), ..ListPages::default() };
    let told_me = if user { page.cx.call(&own)?.items } else { Vec::new() };
    let ways = if user { Some(page.cx.call(&ListContacts::default())?) } else { None };
    let view = View { clock: page.clock(), duties, mine, gaps: gaps(page)?, open, told_me, ways };
    Ok(Content::new("On call", draw(&view)))
}

fn gaps(page: &mut PageCx) -> Result<Vec<Span>> {
    if !page.cx.may(people::ListGaps::NAME) {
        return Ok(Vec::new());
    }
    let end = page.cx.now.plus(GAPS_AHEAD);
    let found = page.cx.call(&people::ListGaps { id: None, weeks: Some(5), unplanned: true })?;
    let spans = found.items.into_iter().map(|gap| Span {
        rota: gap.rota,
        name: gap.name,
        from: time(&gap.from),
        to: time(&gap.to),
        note: gap.why,
    });
    Ok(spans.filter(|gap| gap.from < end).take(ROWS).collect())
}

fn draw(view: &View) -> Markup {
    let header = PageHeader::new("On call")
        .subtitle(html! { "Who is called when something breaks, and who was." })
        .action(Button::link("Rotas", "/people/rotas").icon("calendar"));
    let main = html! {
        (duties(view))
        (pages("Open pages", "Nobody is being called", "Open alert groups that people are told of stand here.", &view.open.items, &view.clock))
        @if !view.gaps.is_empty() { (spans("Nobody will be on call", &view.gaps, &view.clock, "Why")) }
    };
    let side = html! {
        @if !view.told_me.is_empty() { (my_pages(&view.told_me)) }
        (mine(view))
        @if let Some(ways) = &view.ways { (told_by(ways)) }
    };
    let body = columns(Split::Wide, &main, &side);
    html! { (header) (tabs("/on-call")) (web::ui::live("on-call", &LiveList::Messages.to_string(), "/on-call", &body)) }
}

fn duties(view: &View) -> Markup {
    let row = |one: &Duty| {
        let to = format!("/people/rotas/{}", one.rota);
        let who = html! {
            @if one.who.is_empty() { (status(Tone::Critical, "Nobody")) @if let Some(why) = &one.gap { " " span.none dir="auto" { (why) } } }
            @for (id, name) in &one.who { (person(name, Some(&format!("/people/{id}")))) " " }
        };
        let next = if one.next.is_empty() { "Nobody".to_owned() } else { one.next.join(", ") };
        let until = match one.until {
            Some(at) => view.clock.at(at.timestamp()),
            None => html! { span.none { "No hand-off" } },
        };
        let row = Row::new(one.name.as_str()).href(to).main().cell(who).cell(until);
        if one.until.is_some() { row.text(&next) } else { row.text("") }.cell(if one.team.is_empty() {
            web::ui::nobody("No team")
        } else {
            html! { span dir="auto" { (one.team) } }
        })
    };
    let table = Table::new("Who is on call now")
        .columns([
            Column::new("Rota").main(),
            Column::new("On call now"),
            Column::new("Until"),
            Column::new("Then").wide(),
            Column::new("Team").extra(),
        ])
        .rows(view.duties.iter().map(row));
    let empty = Empty::new("No rota yet", "A rota says who is called when something breaks at night.")
        .action(Button::link("Make a rota", "/people/rotas"));
    let body = html! { @if view.duties.is_empty() { (empty) } @else { (table) } };
    html! { (Card::new("On call now").count(view.duties.len()).flush(body)) }
}

fn pages(title: &str, nothing: &str, help: &str, rows: &[PageRow], clock: &Clock) -> Markup {
    let row = |one: &PageRow| {
        let (tone, word) = page_looks(one.page.state);
        let next = match one.page.due_at {
            Some(at) => html! { "Step " (one.page.step) " " (clock.ago(at.timestamp())) },
            None => html! { span.none { "Nothing" } },
        };
        Row::new(one.title.as_str())
            .href(format!("/monitoring/groups/{}", one.page.group))
            .cell(status(tone, word))
            .main()
            .cell(next)
            .text(&one.page.told.to_string())
    };
    let table = Table::new(title)
        .columns([
            Column::new("State"),
            Column::new("Alert group").main(),
            Column::new("Next").wide(),
            Column::new("Told").num().extra(),
        ])
        .rows(rows.iter().map(row));
    let body = html! { @if rows.is_empty() { (Empty::new(nothing, help)) } @else { (table) } };
    html! { (Card::new(title).count(rows.len()).flush(body)) }
}

/// Those that I was told of: how they stand is said in full beside it.
fn my_pages(rows: &[PageRow]) -> Markup {
    let row = |one: &PageRow| {
        let (tone, word) = page_looks(one.page.state);
        Row::new(one.title.as_str())
            .href(format!("/monitoring/groups/{}", one.page.group))
            .cell(status(tone, word))
            .main()
    };
    let table = Table::new("My open pages")
        .columns([Column::new("State"), Column::new("Alert group").main()])
        .rows(rows.iter().map(row));
    html! { (Card::new("My open pages").count(rows.len()).flush(html! { (table) })) }
}

/// Why, whole.
fn why(note: &str) -> Markup {
    html! { @if note.is_empty() { span.none { "—" } } @else { span.evidence dir="auto" { (note) } } }
}

fn spans(title: &str, rows: &[Span], clock: &Clock, last: &str) -> Markup {
    let row = |one: &Span| {
        let when = html! { (clock.at(one.from.timestamp())) " to " (clock.at(one.to.timestamp())) };
        Row::new(one.name.as_str()).href(format!("/people/rotas/{}", one.rota)).main().cell(when).cell(why(&one.note))
    };
    let columns = [Column::new("Rota").main(), Column::new("When"), Column::new(last).wide()];
    let table = Table::new(title).columns(columns).rows(rows.iter().map(row));
    html! { (Card::new(title).count(rows.len()).flush(html! { (table) })) }
}

fn mine(view: &View) -> Markup {
    let row = |one: &Span| {
        let to = format!("/people/rotas/{}", one.rota);
        Row::new(one.name.as_str()).href(to.as_str()).cell(html! {
            div { a href=(to) dir="auto" { (one.name) } @if !one.note.is_empty() { " " span.none dir="auto" { (one.note) } } }
            div { (view.clock.at(one.from.timestamp())) " to " (view.clock.at(one.to.timestamp())) }
        })
    };
    let table =
        Table::new("My shifts").columns([Column::new("When").main()]).rows(view.mine.iter().take(SHIFTS).map(row));
    let empty = Empty::new("No shift in the next eight weeks", "Your turns of every rota are listed here.");
    let mut card = Card::new("My shifts");
    if view.mine.len() > SHIFTS {
        card = card.note(html! { "the next " (SHIFTS) }).link("All", "/people/rotas");
    }
    html! { (card.flush(html! { @if view.mine.is_empty() { (empty) } @else { (table) } })) }
}

fn told_by(ways: &Contacts) -> Markup {
    let card = Card::new("How I am told").link("Change", "/on-call/ways");
    let body = html! {
        @if ways.items.is_empty() { p { "By mail to my own address." } }
        @else { ol.lines { @for line in ways.lines.lines() { li dir="auto" { (line) } } } }
    };
    html! { (card.body(body)) }
}

/// `/on-call/ways`: by which channels I am told.
pub(super) fn ways(page: &mut PageCx) -> Result<Content> {
    let ways = page.cx.call(&ListContacts::default())?;
    let channels = crate::channel::store::all(page.cx.tx)?;
    let names: Vec<String> = channels.into_iter().filter(|one| one.enabled).map(|one| one.name).collect();
    Ok(Content::new("How I am told", ways_form(&ways, &names, &page.csrf)))
}

fn ways_form(ways: &Contacts, names: &[String], csrf: &str) -> Markup {
    let known = if names.is_empty() {
        "There is no channel yet but mail.".to_owned()
    } else {
        format!("Channels: mail, {}.", names.join(", "))
    };
    let form = Form::post("/do/paging.contact.save", csrf)
        .back("/on-call")
        .field(
            Field::textarea("lines", "Ways, one a line")
                .value(ways.lines.clone())
                .mono()
                .placeholder("sms: +47 900 00 000 | critical\nmail")
                .help("A channel's name and an address there; after bars a severity and hours. The first that fits is used, and when it fails the next. Empty is mail to your own address."),
        )
        .action(Button::submit("Save").primary())
        .action(Button::link("Cancel", "/on-call"));
    html! {
        (PageHeader::new("How I am told").crumb("On call", Some("/on-call")))
        (Card::new("My ways").body(html! { p { (known) } (form) }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;
    use crate::page::{Page, PageState};

    fn span(name: &str) -> Span {
        Span {
            rota: 1,
            name: name.into(),
            from: kernel::world::START,
            to: kernel::world::START.plus(DAY),
            note: name.into(),
        }
    }

    fn view(name: &str, many: usize) -> View {
        let at = Some(kernel::world::START);
        let duty = || Duty {
            rota: 1,
            name: name.into(),
            team: name.into(),
            who: vec![(1, name.into())],
            gap: None,
            until: at,
            next: vec![name.into()],
        };
        let page = Page { id: 1, group: 9, state: PageState::Active, step: 2, due_at: at, ..Page::default() };
        let row = PageRow { page, title: name.into() };
        View {
            clock: Clock::utc_us(kernel::world::START.0),
            duties: (0..many).map(|_| duty()).collect(),
            mine: (0..many).map(|_| span(name)).collect(),
            gaps: (0..many).map(|_| span(name)).collect(),
            open: Pages { items: vec![row.clone(); many], ..Pages::default() },
            told_me: vec![row; many],
            ways: Some(Contacts { lines: name.into(), items: vec![crate::channel::contact::Contact::default(); many] }),
        }
    }

    #[test]
    fn the_page_draws_nothing_one_many_and_hostile_text() {
        check(
            &draw(&view("Infra", 0)),
            &["No rota yet", "Nobody is being called", "No shift", "By mail to my own address"],
        );
        check(&draw(&view("Infra", 1)), &["Calling", "Step 2", "Nobody will be on call", "My open pages"]);
        check(&draw(&view(HOSTILE, 20)), &["On call now"]);
        let mut nobody = view("Infra", 1);
        nobody.duties[0].who.clear();
        nobody.duties[0].gap = Some(HOSTILE.into());
        check(&draw(&nobody), &["Nobody"]);
        check(&ways_form(&Contacts { lines: HOSTILE.into(), items: vec![] }, &[HOSTILE.into()], "t"), &["My ways"]);
    }
}
