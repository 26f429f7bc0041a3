//! The pages of the desk: the queue, a ticket, the form, and the portal of employees. Pure views over structs, and thin
//! functions that fetch what they show.

use kernel::Result;
use maud::{Markup, html};
use web::domain::{Create, Group, Place};
use web::page::{Page, PageCx};
use web::ui::{Clock, Tone, pill, shape};

use crate::ticket::{Priority, Status};

pub(crate) mod conversation;
pub(crate) mod new;
pub(crate) mod panels;
pub(crate) mod portal;
pub(crate) mod queue;
pub(crate) mod saved;
pub(crate) mod ticket;

/// The pages.
pub(crate) fn all() -> Vec<Page> {
    vec![
        Page::console("/desk", "desk.ticket.list", queue::page),
        Page::console("/desk/new", "desk.ticket.open", new::page),
        Page::console("/desk/views", "desk.view.list", saved::page),
        Page::console("/desk/tickets/{id}", "desk.ticket.show", ticket::page),
        Page::portal("/portal", "desk.ticket.list", portal::list),
        Page::portal("/portal/new", "desk.ticket.open", portal::new),
        Page::portal("/portal/tickets/{id}", "desk.ticket.show", portal::ticket),
    ]
}

/// Its place in the navigation.
pub(crate) fn nav() -> Vec<Place> {
    vec![Place { group: Group::Respond, label: "Service desk", icon: "desk", href: "/desk", grant: "desk.ticket.list" }]
}

/// What "+ New" offers.
pub(crate) fn creates() -> Vec<Create> {
    vec![Create { label: "Ticket", href: "/desk/new", grant: "desk.ticket.open" }]
}

/// How a status looks.
pub(crate) fn status_pill(status: Status) -> Markup {
    let tone = match status {
        Status::New => Tone::Info,
        Status::InProgress => Tone::Working,
        Status::Waiting | Status::Closed => Tone::Idle,
        Status::Resolved => Tone::Ok,
    };
    pill(tone, status.label())
}

fn priority_tone(priority: Priority) -> Tone {
    match priority {
        Priority::Low => Tone::Planned,
        Priority::Normal => Tone::Idle,
        Priority::High => Tone::Warn,
        Priority::Urgent => Tone::Critical,
    }
}

/// How a priority looks in a narrow column.
pub(crate) fn priority_shape(priority: Priority) -> Markup {
    shape(priority_tone(priority), priority.label())
}

/// How a priority looks with its word.
pub(crate) fn priority_pill(priority: Priority) -> Markup {
    pill(priority_tone(priority), priority.label())
}

/// Options of a picker from numbers and names, after an empty one.
pub(crate) fn options(first: &str, all: &[(i64, String)]) -> Vec<(String, String)> {
    let empty = (String::new(), first.to_owned());
    std::iter::once(empty).chain(all.iter().map(|(id, name)| (id.to_string(), name.clone()))).collect()
}

/// The people of a picker; none for those who may not list them.
pub(crate) fn people_options(page: &mut PageCx) -> Result<people::Persons> {
    if page.cx.may("people.user.list") { people::Persons::load(page.cx, &[]) } else { Ok(people::Persons::default()) }
}

/// Text as people wrote it: paragraphs, lines, and lists where lines begin with a dash.
pub(crate) fn prose(text: &str) -> Markup {
    written(text, &|line| html! { (line) })
}

/// Text as Mainstay wrote it: its moments stand in the reader's zone. What people wrote is never touched.
pub(crate) fn told(text: &str, clock: &Clock) -> Markup {
    written(text, &|line| clock.spoken(line))
}

fn written(text: &str, draw: &dyn Fn(&str) -> Markup) -> Markup {
    html! {
        div.prose {
            @for paragraph in text.split("\n\n").filter(|one| !one.trim().is_empty()) {
                @let (before, items) = parts(paragraph);
                @if !before.is_empty() {
                    p dir="auto" { @for (index, line) in before.iter().enumerate() { @if index > 0 { br; } (draw(line)) } }
                }
                @if !items.is_empty() { ul { @for item in &items { li dir="auto" { (draw(item)) } } } }
            }
        }
    }
}

/// The lines before a list, and the list; a paragraph with lines after its list is all lines.
fn parts(paragraph: &str) -> (Vec<&str>, Vec<&str>) {
    let lines: Vec<&str> = paragraph.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("- ")).unwrap_or(lines.len());
    let (before, rest) = lines.split_at(first);
    let items: Option<Vec<&str>> = rest.iter().map(|line| line.strip_prefix("- ")).collect();
    match items {
        Some(items) => (before.to_vec(), items),
        None => (lines, Vec::new()),
    }
}

#[cfg(test)]
pub(crate) mod sample {
    //! Tickets to draw pages with.

    use crate::ticket::list::{Pointed, TicketPage, TicketRow};
    use crate::ticket::show::{Person, Pointer, Said, ShownTicket};
    use crate::ticket::{EntryKind, Kind, LinkKind, Priority, Source, Status, subject};
    use kernel::{Ref, Time};

    /// Text that must never become markup.
    pub(crate) const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}🙂";

    pub(crate) fn people(text: &str) -> people::Persons {
        people::Persons::of(vec![people::Person { id: 3, name: text.to_owned(), login: "sam".into() }], false)
    }

    pub(crate) fn row(id: i64, text: &str) -> TicketRow {
        TicketRow {
            id,
            reference: subject(id),
            kind: Kind::Incident,
            status: Status::ALL[usize::try_from(id).unwrap() % 5],
            priority: Priority::ALL[usize::try_from(id).unwrap() % 4],
            summary: text.to_owned(),
            team: Some(1),
            team_name: text.to_owned(),
            requester: Some(2),
            requester_name: text.to_owned(),
            owner: (id % 2 == 0).then_some(3),
            owner_name: text.to_owned(),
            about: Some(Pointed { reference: Ref::new("asset", 7), title: text.to_owned(), href: "/assets/7".into() }),
            created_at: Time(0),
            updated_at: Time(id),
            version: 1,
        }
    }

    pub(crate) fn page(count: i64, text: &str) -> TicketPage {
        let items: Vec<TicketRow> = (1..=count.min(50)).map(|id| row(id, text)).collect();
        TicketPage {
            items,
            next: (count > 50).then(|| "5.5".into()),
            count: count.min(1_000),
            count_capped: count >= 1_000,
        }
    }

    pub(crate) fn shown(entries: i64, text: &str) -> ShownTicket {
        let said = |id: i64| Said {
            id,
            kind: EntryKind::ALL[usize::try_from(id).unwrap() % 3],
            author: "user:3".into(),
            author_name: text.to_owned(),
            text: text.to_owned(),
            at: Time(id),
        };
        let person = || Some(Person { id: 3, name: text.to_owned() });
        ShownTicket {
            id: 4821,
            reference: subject(4821),
            kind: Kind::Request,
            status: Status::Waiting,
            priority: Priority::High,
            summary: text.to_owned(),
            detail: text.to_owned(),
            team: person(),
            place: person(),
            requester: person(),
            owner: person(),
            participants: person().into_iter().collect(),
            source: Source::Portal,
            wait_reason: Some(text.to_owned()),
            wait_until: Some(Time(9)),
            conversation: (0..entries).map(said).collect(),
            older: entries > 100,
            notes_shown: true,
            links: vec![Pointer {
                kind: LinkKind::About,
                reference: Ref::new("asset", 7),
                title: text.to_owned(),
                href: "javascript:alert(1)".into(),
            }],
            created_at: Time(0),
            updated_at: Time(1),
            resolved_at: None,
            version: 3,
        }
    }

    pub(crate) fn check(html: &str) {
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("javascript:"), "{html}");
        assert!(!html.contains(" style="), "{html}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_a_dash_are_a_list_and_nothing_becomes_markup() {
        let html = prose("Evidence\n- no <b>process</b>\n- port refused\n\nplain\nlines").0;
        assert!(html.contains("<p dir=\"auto\">Evidence</p><ul><li dir=\"auto\">no &lt;b&gt;process"), "{html}");
        assert!(html.contains("plain<br>lines"), "{html}");
    }
}
