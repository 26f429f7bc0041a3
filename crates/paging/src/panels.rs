//! What paging adds to the pages of alert groups and alerts: who was told, when, by what, and what the other side said.

use kernel::{LiveList, Operation as _, Ref, Result};
use maud::{Markup, html};
use web::page::{PageCx, Panel, PanelPlace};
use web::ui::{Button, Card, Clock, Column, Empty, Entry, Row, Table, Tone, pill, post_button, status, timeline};

use crate::console;
use crate::page::acknowledge::AcknowledgePage;
use crate::page::explain::{ExplainPage, Explained};
use crate::page::list::{ListPages, ShowPage, ShownPage};
use crate::page::{Page, PageState, store};

/// Escalations that can be acknowledged for themselves on the page of their group.
const TAKEN_MAX: usize = 5;
/// Escalations of one alert group that are shown.
const POLICIES_MAX: usize = 20;

pub(crate) fn all() -> Vec<Panel> {
    vec![
        Panel {
            name: "paging.told",
            about: "alert_group",
            title: "Who was told",
            place: PanelPlace::Main,
            grant: ListPages::OPERATION,
            render: of_group,
        },
        Panel {
            name: "paging.alert",
            about: "alert",
            title: "Who was told",
            place: PanelPlace::Main,
            grant: ListPages::OPERATION,
            render: of_alert,
        },
        Panel {
            name: "paging.why",
            about: "alert_group",
            title: "Why did I get this?",
            place: PanelPlace::Side,
            grant: ExplainPage::NAME,
            render: why,
        },
    ]
}

fn of_group(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    let found =
        page.cx.call(&ListPages { group: Some(subject.id), limit: Some(POLICIES_MAX), ..ListPages::default() })?;
    // Steps and messages are those of the whole group, whichever of its escalations is asked.
    let shown = match found.items.first() {
        Some(row) => Some(page.cx.call(&ShowPage { id: row.page.id })?),
        None => None,
    };
    let pages: Vec<Page> = found.items.into_iter().map(|row| row.page).collect();
    let known = store::group(page.cx.tx, subject.id)?.unwrap_or_default();
    let may = page.cx.may(AcknowledgePage::NAME) && page.cx.may("monitor.group.acknowledge");
    let view = View {
        group: subject.id,
        shown: shown.as_ref().map(|shown| (shown, pages.as_slice())),
        silenced: known.silenced,
        on_it: known.acknowledged_by,
        csrf: may.then_some(page.csrf.as_str()),
    };
    Ok(Some(draw(&view, &page.clock())))
}

/// What is drawn of an alert group.
#[derive(Default)]
struct View<'a> {
    group: i64,
    shown: Option<(&'a ShownPage, &'a [Page])>,
    silenced: bool,
    /// Who is on it; empty while nobody is.
    on_it: String,
    /// For forms, when the reader may acknowledge.
    csrf: Option<&'a str>,
}

impl View<'_> {
    /// People are called although somebody is on the group, or was: for an alert of it that joined later, or because it
    /// lasted. That can be acknowledged for itself.
    fn too(&self) -> Vec<Markup> {
        let (Some(csrf), Some((_, pages))) = (self.csrf, self.shown) else { return Vec::new() };
        let still = |page: &&Page| page.calls() && (!self.on_it.is_empty() || page.first_round > 1);
        let button = |page: &Page| {
            let (id, back) = (page.id.to_string(), format!("/monitoring/groups/{}", self.group));
            let words = match page.own.as_str() {
                "" => "Acknowledge".to_owned(),
                own => format!("Acknowledge \"{}\"", kernel::text::shorten(own, 60)),
            };
            let button = Button::submit(words).small();
            post_button("/do/paging.page.acknowledge", csrf, &[("id", &id), ("_back", &back)], &button)
        };
        pages.iter().filter(still).take(TAKEN_MAX).map(button).collect()
    }
}

/// An alert's page shows what its group's does; monitoring says which group that is.
fn of_alert(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    if page.cx.kernel.registry().operation("monitor.alert.show").is_none() || !page.cx.may("monitor.alert.show") {
        return Ok(None);
    }
    let shown = page.cx.call_named("monitor.alert.show", serde_json::json!({ "id": subject.id }))?;
    let group = shown.pointer("/alert/group").and_then(serde_json::Value::as_i64);
    match group {
        Some(group) => of_group(page, &crate::page::group_ref(group)),
        None => Ok(None),
    }
}

/// The state of an alert group's escalations: that of the one which still does most.
fn most(pages: &[Page]) -> PageState {
    let order = [PageState::Active, PageState::Spent, PageState::Acknowledged, PageState::Muted];
    order.into_iter().find(|state| pages.iter().any(|page| page.state == *state)).unwrap_or(PageState::Ended)
}

/// What comes next, for each escalation; which route led to it is said when there are several.
fn escalations(pages: &[Page], clock: &Clock) -> Markup {
    let next = |page: &Page| page.due_at.filter(|_| page.state != PageState::Ended);
    match pages {
        [only] => {
            html! { @if let Some(at) = next(only) { div.in { p { "Next: step " (only.step) " " (clock.ago(at.timestamp())) "." } } } }
        }
        many => {
            let rows = many.iter().map(|page| {
                let (tone, word) = console::page_looks(page.state);
                let comes = html! { @if let Some(at) = next(page) { "step " (page.step) " " (clock.ago(at.timestamp())) } @else { (web::ui::nobody("Nothing")) } };
                let route = if page.route.is_empty() || page.route == crate::route::NO_ROUTE { "No route fits: the default policy" } else { page.route.as_str() };
                let route = if page.own.is_empty() { route.to_owned() } else { format!("{route}, for \"{}\"", page.own) };
                Row::new(&route).cell(status(tone, word)).main().cell(comes).text(&page.told.to_string())
            });
            let columns =
                [Column::new("State"), Column::new("Route").main(), Column::new("Next"), Column::new("Messages").num()];
            html! { (Table::new("Escalations of this alert group").columns(columns).rows(rows)) }
        }
    }
}

fn draw(view: &View<'_>, clock: &Clock) -> Markup {
    let group = view.group;
    let card = Card::new("Who was told, when, by what").id("paging-told");
    let card = card.live(
        format!("alert_group:{group} {}", LiveList::Messages),
        format!("/_panel/paging.told/alert_group/{group}"),
    );
    let Some((shown, pages)) = view.shown else {
        let why =
            if view.silenced { "A silence covers it: nobody is told." } else { "Nobody was told of this alert group." };
        return html! { (card.body(html! { p { (why) } })) };
    };
    let (tone, word) = console::page_looks(most(pages));
    let mut card = card.count(shown.messages.len()).note(pill(tone, word));
    if shown.messages.len() >= 20 {
        card = card.link("All messages", "/on-call/messages");
    }
    let newest: Vec<_> = shown.messages.iter().rev().take(20).cloned().collect();
    let notes: Vec<Entry> = shown
        .notes
        .iter()
        .rev()
        .take(30)
        .map(|note| Entry {
            tone: Tone::Info,
            title: clock.plain(&note.line),
            href: None,
            detail: (note.step > 0).then(|| html! { "Step " (note.step) ", round " (note.round) }),
            body: None,
            at: clock.when(note.at.timestamp()),
        })
        .collect();
    let body = html! {
        (escalations(pages, clock))
        @let too = view.too();
        @if !too.is_empty() { div.in.actions { @for button in too { (button) " " } } }
        @if newest.is_empty() { (Empty::new("No message yet", "The steps below say why.")) } @else { (console::messages_table(&newest, clock)) }
        div.in { details { summary { "Every step and its reason" } (timeline(&notes)) } }
    };
    html! { (card.flush(body)) }
}

fn why(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    if page.cx.actor.user().is_none() {
        return Ok(None);
    }
    let explained = page.cx.call(&ExplainPage { group: subject.id, person: None })?;
    Ok(Some(explanation(&explained, &page.clock())))
}

fn explanation(explained: &Explained, clock: &Clock) -> Markup {
    let title = if explained.told { "Why did I get this?" } else { "Why didn't I get this?" };
    html! {
        (Card::new(title).body(html! {
            p dir="auto" { (clock.spoken(&explained.answer)) }
            details { summary { "Step by step" } ol.lines { @for step in &explained.steps { li dir="auto" { (clock.spoken(&step.line)) } } } }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{HOSTILE, check};
    use crate::message::Message;
    use crate::page::Noted;
    use crate::page::explain::Because;

    #[test]
    fn every_escalation_of_a_group_has_its_row_and_the_one_that_still_calls_is_the_state() {
        let clock = Clock::utc_us(kernel::world::START.0);
        let page = |state, route: &str, due: bool| Page {
            state,
            route: route.into(),
            due_at: due.then_some(kernel::world::START),
            ..Page::default()
        };
        let pages = [
            page(PageState::Ended, HOSTILE, false),
            page(PageState::Active, "Databases", true),
            page(PageState::Acknowledged, "", false),
        ];
        let shown = ShownPage::default();
        let mut view = View { group: 9, shown: Some((&shown, &pages)), csrf: Some("token"), ..View::default() };
        let html = draw(&view, &clock);
        check(&html, &["Databases", "the default policy", "Calling", "Nothing"]);
        assert!(!html.0.contains("paging.page.acknowledge"), "the page's own button takes it on");
        view.on_it = HOSTILE.into();
        check(&draw(&view, &clock), &["paging.page.acknowledge"]);
        view.csrf = None;
        assert!(!draw(&view, &clock).0.contains("paging.page.acknowledge"), "who may not is not offered it");
        assert_eq!(most(&pages), PageState::Active);
        assert_eq!(most(&pages[..1]), PageState::Ended);
    }

    #[test]
    fn the_panel_draws_nobody_one_many_and_hostile_text() {
        let clock = Clock::utc_us(kernel::world::START.0);
        let draw = |shown: Option<(&ShownPage, &[Page])>, silenced| {
            draw(&View { group: 9, shown, silenced, ..View::default() }, &clock)
        };
        check(&draw(None, false), &["Nobody was told"]);
        check(&draw(None, true), &["A silence covers it"]);
        let message =
            Message { to: HOSTILE.into(), subject: HOSTILE.into(), answer: HOSTILE.into(), ..Message::default() };
        let note = Noted { at: kernel::world::START, step: 1, round: 1, line: HOSTILE.into(), users: vec![] };
        let shown = ShownPage { messages: vec![message; 40], notes: vec![note; 40], ..ShownPage::default() };
        let page = Page { due_at: Some(kernel::world::START), route: HOSTILE.into(), ..Page::default() };
        check(&draw(Some((&shown, &[page])), false), &["Calling", "All messages", "Next: step"]);
        check(&draw(Some((&ShownPage::default(), &[Page::default()])), false), &["No message yet"]);
        let because = Because { at: None, ok: Some(true), line: HOSTILE.into() };
        let explained = Explained { told: false, answer: HOSTILE.into(), steps: vec![because; 30] };
        check(&explanation(&explained, &clock), &["Why didn't I get this?", "Step by step"]);
    }
}
