//! Home: one ranked list of what needs somebody now, and what happened lately.

use axum::extract::{Request, State};
use axum::response::Response;
use kernel::{Ref, Result};
use kernel::attention::Need;
use maud::{Markup, html};
use web::page::{Audience, Content, PageCx, PanelPlace, PanelSlot};
use web::ui::{Attention, Button, Card, Clock, Empty, PageHeader, Split, Tone, attention_list, columns, lazy, live};

use crate::{Shared, pages, respond};

/// Rows of "Needs you now".
const NEEDS_MAX: usize = 20;

/// `GET /`
pub(crate) async fn page(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        if app.kernel.db.read(people::setup::waits)? {
            return Ok(respond::see_other("/setup"));
        }
        let who = crate::session::Credentials::of(&parts).resolve(&app.kernel)?;
        if who.actor.user().is_some() && !works_here(&who.actor, app.kernel.now()) {
            return Ok(respond::see_other("/portal"));
        }
        Ok(pages::show(app, &parts, "/", "", Audience::Console, render))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// Employees have the portal; whoever may list more than their own requests works in the console.
fn works_here(actor: &kernel::Actor, now: kernel::Time) -> bool {
    let beyond_own = |operation: &str| actor.reach(operation, now).is_some_and(|reach| reach.everything || !reach.teams.is_empty() || !reach.places.is_empty());
    ["desk.ticket.list", "assets.thing.list", "monitor.group.list", "kernel.audit.list"].iter().any(|operation| beyond_own(operation))
        || actor.reach("desk.ticket.note", now).is_some()
}

fn render(page: &mut PageCx) -> Result<Content> {
    let needs = page.cx.attention(NEEDS_MAX)?;
    let clock = page.clock();
    let why = page.param("why").is_some();
    let slots = page.panels("home");
    let name = page.cx.actor.name.split_whitespace().next().unwrap_or("").to_owned();
    let hour: u8 = page.cx.now.timestamp().to_zoned(page.zone.clone()).hour().unsigned_abs();
    Ok(Content::new("Home", view(&name, hour, &needs, &clock, why, &slots)))
}

fn greeting(hour: u8) -> &'static str {
    match hour {
        5..=11 => "Good morning",
        12..=17 => "Good afternoon",
        _ => "Good evening",
    }
}

fn row(need: &Need, clock: &Clock, explain: bool) -> Attention {
    Attention {
        tone: Tone::parse(&need.mark).unwrap_or(Tone::Idle),
        word: format!("{} {}", need.word, clock.relative(need.since.timestamp()).trim_end_matches(" ago")),
        title: need.title.clone(),
        href: Some(need.href.clone()),
        why: html! { (need.why) @if explain { " · score " (need.reason) } },
        action: Some(Button::link(need.action.clone(), need.href.clone())),
    }
}

fn view(name: &str, hour: u8, needs: &[Need], clock: &Clock, explain: bool, slots: &[PanelSlot]) -> Markup {
    let rows: Vec<Attention> = needs.iter().map(|need| row(need, clock, explain)).collect();
    let link = if explain { ("Hide the scores", "/") } else { ("Why this order?", "/?why=1") };
    let list = html! {
        @if rows.is_empty() {
            (Empty::new("Nothing needs you now", "Alerts, approvals and requests appear here, most pressing first. Add a check to have something watched.")
                .action(Button::link("Add a check", "/monitoring/checks/new")))
        } @else { (attention_list(&rows)) }
    };
    let card = html! { (Card::new("Needs you now").count(rows.len()).link(link.0, link.1).flush(list)) };
    let home = Ref::new("home", 1);
    let placed = |place: PanelPlace| html! { @for slot in slots.iter().filter(|slot| slot.place == place) { (lazy(&format!("panel-{}", slot.name), slot.title, &slot.src(&home))) } };
    let says = match rows.len() {
        0 => "Nothing needs you right now".to_owned(),
        1 => "1 thing needs you".to_owned(),
        n => format!("{n} things need you"),
    };
    let title = if name.is_empty() { greeting(hour).to_owned() } else { format!("{}, {name}", greeting(hour)) };
    let today = clock.absolute(clock.now());
    let day = today.split(',').next().unwrap_or_default();
    html! {
        (PageHeader::new(title).subtitle(html! { (day) " · " (says) }))
        (columns(Split::Wide, &html! { (live("needs", "list:list", "/", &card)) (placed(PanelPlace::Main)) }, &placed(PanelPlace::Side)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(title: &str) -> Need {
        kernel::attention::Need::sample(title)
    }

    #[test]
    fn home_renders_empty_one_and_hostile() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        assert!(view("Ada", 9, &[], &clock, false, &[]).into_string().contains("Nothing needs you now"));
        let page = view("<b>", 9, &[need("<script>alert(1)</script>")], &clock, true, &[]).into_string();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    }
}
