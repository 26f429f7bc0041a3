//! One ticket: conversation, what to do, facts, what it points at, its timeline.

use kernel::{Result, StoredEvent, Time};
use maud::{Markup, html};
use web::page::{Content, PageCx, PanelPlace, Part, placed};
use web::ui::{
    Button, Card, Clock, Dialog, Entry, Facts, Field, Form, PageHeader, Split, Tone, columns, live, nobody, person,
    post_button, stack, timeline,
};

use super::conversation::{self, Composer};
use super::{options, people_options, priority_pill, status_pill};
use crate::ticket::show::{Person, Pointer, ShowTicket, ShownTicket};
use crate::ticket::{Kind, Priority, Status, href, subject};

/// What the page shows.
struct Shown {
    ticket: ShownTicket,
    events: Vec<StoredEvent>,
    people: people::Persons,
    teams: Vec<(i64, String)>,
    panels: Vec<Part>,
    me: Option<i64>,
    may: May,
    note: bool,
    csrf: String,
    clock: Clock,
    now: Time,
}

/// What the reader may do.
#[derive(Clone, Copy, Default)]
struct May {
    assign: bool,
    update: bool,
    resolve: bool,
    reopen: bool,
    wait: bool,
    reply: bool,
    note: bool,
    link: bool,
}

/// `GET /desk/tickets/{id}`
pub(crate) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let before = page.param("before").and_then(|text| text.parse().ok());
    let ticket = page.cx.call(&ShowTicket { id, before })?;
    let may = |verb: &str| page.cx.may(&format!("desk.ticket.{verb}"));
    let may = May {
        assign: may("assign"),
        update: may("update"),
        resolve: may("resolve"),
        reopen: may("reopen"),
        wait: may("wait"),
        reply: may("reply") && ticket.status != Status::Closed,
        note: may("note") && ticket.notes_shown,
        link: may("link"),
    };
    let events = if ticket.notes_shown { page.cx.timeline(&subject(id), None, 30)? } else { Vec::new() };
    let events = page.cx.readable(Some(&subject(id)), events)?;
    let people = if may.assign { people_options(page)? } else { people::Persons::default() };
    let teams = if may.assign { people::team_choices(page.cx)? } else { Vec::new() };
    let shown = Shown {
        events,
        people,
        teams,
        panels: page.parts(&subject(id)),
        me: page.cx.actor.user(),
        may,
        note: page.param("say") == Some("note"),
        csrf: page.csrf.clone(),
        clock: page.clock(),
        now: page.cx.now,
        ticket,
    };
    let title = format!("{id} {}", shown.ticket.summary);
    Ok(Content::new(title, draw(&shown)))
}

fn draw(shown: &Shown) -> Markup {
    let ticket = &shown.ticket;
    let here = href(ticket.id);
    let older = ticket.conversation.first().filter(|_| ticket.older).map(|first| format!("{here}?before={}", first.id));
    let compose = Composer {
        id: ticket.id,
        csrf: &shown.csrf,
        here: &here,
        note: shown.note,
        may_reply: shown.may.reply,
        may_note: shown.may.note,
    };
    let talk = conversation::card(
        &conversation::detail(ticket, &shown.clock),
        &ticket.conversation,
        older.as_deref(),
        &shown.clock,
    );
    let refs = ticket.reference.to_string();
    let main = html! { (live("conversation", &refs, &here, &talk)) (conversation::composer(&compose)) (placed(&shown.panels, PanelPlace::Main)) };
    let facts = html! { (glance(shown)) (links(shown)) (story(shown)) };
    let side = html! { (live("facts", &refs, &here, &facts)) (placed(&shown.panels, PanelPlace::Side)) };
    html! { (header(shown)) (columns(Split::Wide, &main, &side)) (dialogs(shown)) }
}

fn header(shown: &Shown) -> Markup {
    let ticket = &shown.ticket;
    let here = href(ticket.id);
    let id = ticket.id.to_string();
    let mut header = PageHeader::new(ticket.summary.clone())
        .crumb("Service desk", Some("/desk"))
        .crumb(format!("{} {id}", ticket.kind.label()), None)
        .pill(status_pill(ticket.status))
        .pill(priority_pill(ticket.priority));
    let open = ticket.status.is_open();
    if open && shown.may.assign && shown.me.is_some() && ticket.owner.as_ref().map(|owner| owner.id) != shown.me {
        let fields =
            [("id", id.as_str()), ("me", "true"), ("_back", &here), ("_done", "It is yours now."), ("_undo", "1")];
        let button = Button::submit("Assign to me").key("a").icon("user");
        header = header.action(post_button("/do/desk.ticket.assign", &shown.csrf, &fields, &button));
    }
    for (allowed, label, key, (operation, dialog)) in [
        (open && shown.may.assign, "Hand over", "h", ("assign", "hand-over")),
        (open && shown.may.wait, "Wait", "w", ("wait", "wait")),
        (shown.may.update, "Edit", "i", ("update", "edit")),
    ] {
        if allowed {
            header = header.action(Button::link(label, form_of(ticket.id, operation)).key(key).opens(dialog));
        }
    }
    if open && shown.may.resolve {
        header = header.action(
            Button::link("Resolve", form_of(ticket.id, "resolve")).primary().key("e").icon("check").opens("resolve"),
        );
    }
    if !open && shown.may.reopen {
        let fields = [("id", id.as_str()), ("_back", &here), ("_done", "Reopened."), ("_undo", "1")];
        let button = Button::submit("Reopen").key("o").icon("refresh");
        header = header.action(post_button("/do/desk.ticket.reopen", &shown.csrf, &fields, &button));
    }
    html! { (header) }
}

/// Where the form of an operation is, for those without script; with it a dialog opens.
fn form_of(id: i64, operation: &str) -> String {
    format!("/do/desk.ticket.{operation}?id={id}&_back={}", href(id))
}

fn named(one: Option<&Person>, none: &str) -> Markup {
    one.map_or_else(|| nobody(none), |one| person(&one.name, None))
}

fn glance(shown: &Shown) -> Markup {
    let ticket = &shown.ticket;
    let clock = &shown.clock;
    let mut facts = Facts::new()
        .row("Requester", named(ticket.requester.as_ref(), "Nobody"))
        .row("Owner", named(ticket.owner.as_ref(), "Unassigned"))
        .known("Team", ticket.team.as_ref().map(|team| team.name.as_str()))
        .known("Place", ticket.place.as_ref().map(|place| place.name.as_str()));
    if !ticket.participants.is_empty() {
        let names: Vec<&str> = ticket.participants.iter().map(|one| one.name.as_str()).collect();
        facts = facts.text("Followed by", &names.join(", "));
    }
    if let (Some(reason), Some(until)) = (&ticket.wait_reason, ticket.wait_until) {
        facts = facts.text("Waits for", reason).row("Comes back", clock.ago(until.timestamp()));
    }
    facts = facts
        .text("Came from", ticket.source.label())
        .row("Opened", clock.ago(ticket.created_at.timestamp()))
        .row("Updated", clock.ago(ticket.updated_at.timestamp()));
    if let Some(at) = ticket.resolved_at {
        facts = facts.row("Resolved", clock.ago(at.timestamp()));
    }
    html! { (Card::new("At a glance").tight(html! { (facts) })) }
}

fn links(shown: &Shown) -> Markup {
    let row = |facts: Facts, one: &Pointer| {
        let name = format!("{} {}", one.reference.kind.replace('_', " "), one.reference.id);
        let value = html! { a href=(web::ui::href(&one.href)) dir="auto" { (one.title) } " " span.none { (name) } };
        facts.row(one.kind.label(), value)
    };
    let facts = shown.ticket.links.iter().fold(Facts::new(), row);
    let mut card = Card::new("Points at").count(shown.ticket.links.len());
    if shown.may.link {
        card = card.action(Button::link("Link", form_of(shown.ticket.id, "link")).small().icon("link").opens("link"));
    }
    if shown.ticket.links.is_empty() {
        return html! { (card.body(html! { (nobody("Nothing yet. Link the thing it is about.")) })) };
    }
    html! { (card.tight(html! { (facts) })) }
}

fn story(shown: &Shown) -> Markup {
    if shown.events.is_empty() {
        return html! {};
    }
    let entry = |event: &StoredEvent| Entry {
        tone: Tone::parse(&event.mark).unwrap_or_default(),
        title: told(event, &shown.clock),
        href: None,
        detail: Some(html! { (web::ui::actor(&event.actor, &event.actor_name)) }),
        body: None,
        at: shown.clock.when(event.at.timestamp()),
    };
    let entries: Vec<Entry> = shown.events.iter().map(entry).collect();
    html! { (Card::new("Timeline").body(timeline(&entries))) }
}

/// A service's words with its moments in the reader's zone; people's words stay as they wrote them.
fn told(event: &StoredEvent, clock: &Clock) -> String {
    if event.actor.starts_with("service:") { clock.plain(&event.title) } else { event.title.clone() }
}

/// A form of an operation in a dialog.
fn form(shown: &Shown, operation: &str, done: &str) -> Form {
    Form::post(format!("/do/{operation}"), shown.csrf.clone())
        .back(href(shown.ticket.id))
        .field(Field::hidden("id", shown.ticket.id.to_string()))
        .field(Field::hidden("expected_version", shown.ticket.version.to_string()))
        .field(Field::hidden("_done", done))
        .field(Field::hidden("_undo", "1"))
}

fn dialogs(shown: &Shown) -> Markup {
    let ticket = &shown.ticket;
    let resolve = form(shown, "desk.ticket.resolve", "Resolved.")
        .field(Field::textarea("how", "How was it resolved").required().help("The requester reads this."))
        .action(Button::submit("Resolve").primary());
    let owner = form(shown, "desk.ticket.assign", "Assigned.")
        .field(shown.people.field("owner", "Person", "Nobody: back into the queue", None))
        .action(Button::submit("Assign").primary());
    let team = form(shown, "desk.ticket.assign", "Handed over.")
        .field(Field::select("team", "Team", options("Choose a team", &shown.teams)).required())
        .action(Button::submit("Hand over"));
    let wait = form(shown, "desk.ticket.wait", "It waits.")
        .field(Field::text("reason", "What it waits for").required())
        .field(Field::select("until", "Comes back", dates(shown.now)).required())
        .action(Button::submit("Wait").primary());
    let link = Form::post("/do/desk.ticket.link", shown.csrf.clone())
        .back(href(ticket.id))
        .field(Field::hidden("id", ticket.id.to_string()))
        .field(
            Field::text("to", "What it points at")
                .required()
                .mono()
                .help("A reference such as asset:417 or ticket:4820."),
        )
        .action(Button::submit("Link").primary());
    html! {
        @if shown.may.resolve { (Dialog::new("resolve", "Resolve this ticket").body(html! { (resolve) })) }
        @if shown.may.assign { (Dialog::new("hand-over", "Hand over").body(stack(&html! { (owner) (team) }))) }
        @if shown.may.wait { (Dialog::new("wait", "Let it wait").body(html! { (wait) })) }
        @if shown.may.update { (Dialog::new("edit", "Edit this ticket").body(html! { (edit(shown)) })) }
        @if shown.may.link { (Dialog::new("link", "Link to something").body(html! { (link) })) }
    }
}

fn edit(shown: &Shown) -> Form {
    let ticket = &shown.ticket;
    form(shown, "desk.ticket.update", "Saved.")
        .field(Field::text("summary", "Subject").required().value(&ticket.summary))
        .fields([
            Field::select("kind", "Kind", Kind::ALL.iter().map(|one| (one.word(), one.label())))
                .value(ticket.kind.word())
                .required(),
            Field::select("priority", "Priority", Priority::ALL.iter().map(|one| (one.word(), one.label())))
                .value(ticket.priority.word())
                .required(),
        ])
        .field(Field::textarea("detail", "Description").value(&ticket.detail))
        .action(Button::submit("Save").primary())
}

/// Dates to come back on, as the operation reads them.
fn dates(now: Time) -> Vec<(String, &'static str)> {
    let days = [(1, "Tomorrow"), (3, "In three days"), (7, "In a week"), (14, "In two weeks"), (30, "In a month")];
    days.iter().map(|(days, label)| (now.plus(days * kernel::time::DAY).to_string(), *label)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn shown(entries: i64, text: &str, may: bool) -> Shown {
        let all =
            May { assign: may, update: may, resolve: may, reopen: may, wait: may, reply: may, note: may, link: may };
        Shown {
            ticket: sample::shown(entries, text),
            events: Vec::new(),
            people: sample::people(text),
            teams: vec![(1, text.into())],
            panels: Vec::new(),
            me: Some(9),
            may: all,
            note: false,
            csrf: "token".into(),
            clock: Clock::utc_us(1_772_438_400_000_000),
            now: Time(1_772_438_400_000_000),
        }
    }

    #[test]
    fn a_ticket_is_drawn_empty_with_one_with_many_and_with_hostile_text() {
        for (entries, text) in [(0, "VPN"), (1, "VPN"), (300, "VPN"), (3, sample::HOSTILE)] {
            sample::check(&draw(&shown(entries, text, true)).0);
        }
        assert!(draw(&shown(300, "VPN", true)).0.contains("Show older entries"));
    }

    #[test]
    fn moments_of_services_stand_in_the_readers_zone_and_what_people_wrote_stays() {
        let event = |actor: &str| StoredEvent {
            id: 1,
            position: 1,
            name: "desk.ticket.opened".into(),
            at: Time(0),
            actor: actor.into(),
            actor_name: "Ada".into(),
            title: "Down since 2026-03-02 07:00 UTC".into(),
            mark: String::new(),
            subjects: Vec::new(),
            payload: serde_json::Value::Null,
        };
        let clock = Clock::utc_us(1_772_438_400_000_000);
        assert_eq!(told(&event("service:monitor"), &clock), "Down since 07:00");
        assert_eq!(told(&event("user:3"), &clock), "Down since 2026-03-02 07:00 UTC");
    }

    #[test]
    fn whoever_may_do_nothing_sees_no_button_and_no_form() {
        let html = draw(&shown(2, "VPN", false)).0;
        assert!(!html.contains("<form") && !html.contains("<button"), "{html}");
    }
}
