//! Page: one agent with its jobs, and what may be done with its key.

use kernel::{Resolved, Result};
use maud::{Markup, html};
use web::ui::{Button, Card, Clock, Facts, Field, Form, PageHeader, Split, columns, pill, post_button, stack, status};
use web::{Content, PageCx};

use super::{May, classes_words, standing};
use crate::agent::show::ShowAgent;
use crate::agent::{AgentView, State};
use crate::job::list::ListJobs;
use crate::job::{JobView, pages::jobs_table};

/// `/fleet/agents/{id}`
pub(crate) fn show(page: &mut PageCx) -> Result<Content> {
    let agent = page.cx.call(&ShowAgent { id: page.id("id")? })?;
    let names = page.cx.resolve(std::slice::from_ref(&agent.asset))?;
    let jobs = if page.cx.may(crate::job::list::NAME) {
        page.cx.call(&ListJobs { agent: Some(agent.id), limit: Some(20), ..ListJobs::default() })?.items
    } else {
        Vec::new()
    };
    let (may, clock) = (May::of(page), page.clock());
    let title = format!("Agent of {}", agent.hostname);
    let asset = names.get(&agent.asset);
    Ok(Content::new(title, show_body(&agent, asset, &jobs, may, &page.csrf, &clock)))
}

fn show_body(
    agent: &AgentView,
    asset: Option<&Resolved>,
    jobs: &[JobView],
    may: May,
    csrf: &str,
    clock: &Clock,
) -> Markup {
    let (tone, word) = standing(agent);
    let id = agent.id.to_string();
    let here = format!("/fleet/agents/{id}");
    let fields = [("id", id.as_str()), ("_back", here.as_str())];
    let mut header = PageHeader::new(format!("Agent of {}", agent.hostname))
        .crumb("Endpoints", Some("/fleet"))
        .pill(pill(tone, word));
    if may.approve && agent.state == State::Pending {
        header =
            header.action(post_button("/do/fleet.agent.approve", csrf, &fields, &Button::submit("Approve").primary()));
    }
    if let Some(asset) = asset {
        header = header.action(Button::link("Open the machine", asset.href.clone()));
    }
    let facts = Facts::new()
        .row("State", status(tone, word))
        .known("Because", Some(agent.reason.as_str()).filter(|text| !text.is_empty()))
        .mono("Calls itself", &agent.hostname)
        .known("Version", Some(agent.agent_version.as_str()).filter(|text| !text.is_empty()))
        .text("Profile", &agent.profile)
        .text("Its policy allows", classes_words(&agent.classes))
        .row("Enrolled", clock.ago(agent.enrolled_at.timestamp()))
        .row("Last seen", clock.ago(agent.last_seen.timestamp()));
    let side = html! {
        (Card::new("At a glance").tight(html! { (facts) }))
        @if may.change { (key_card(agent, csrf, &here)) }
    };
    let main = html! { (Card::new("Jobs").flush(jobs_table(jobs, clock))) };
    html! { (header) (columns(Split::Wide, &main, &side)) }
}

fn key_card(agent: &AgentView, csrf: &str, here: &str) -> Markup {
    let id = agent.id.to_string();
    let rekey = Form::post("/do/fleet.agent.rekey", csrf)
        .back("/fleet/tokens/{id}")
        .field(Field::hidden("id", &id))
        .action(Button::submit("Give it a new key"));
    let quarantine = Form::post("/do/fleet.agent.quarantine", csrf)
        .back(here)
        .field(Field::hidden("id", &id))
        .field(Field::text("reason", "Why").length_max(300))
        .action(Button::submit("Put into quarantine"));
    let revoke = Form::post("/do/fleet.agent.revoke", csrf)
        .back(here)
        .confirm(format!("Revoke the key of {}? It cannot be made good again.", agent.hostname))
        .field(Field::hidden("id", &id))
        .field(Field::hidden("_confirm", "1"))
        .action(Button::submit("Revoke").danger());
    let parts = html! {
        (rekey)
        @if matches!(agent.state, State::Active | State::Pending) { (quarantine) }
        @if agent.state != State::Revoked { (revoke) }
    };
    html! { (Card::new("Its key").body(stack(&parts))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::pages::sample;

    const HOSTILE: &str = "<script>alert(1)</script>";

    #[test]
    fn one_agent_shows_what_may_be_done_with_it() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let all = May { approve: true, change: true, ..May::default() };
        let html = show_body(&sample(HOSTILE, State::Pending), None, &[], all, "token", &clock).into_string();
        assert!(html.contains("fleet.agent.approve") && html.contains("fleet.agent.rekey"), "{html}");
        assert!(!html.contains("<script>alert"));
        let html = show_body(&sample("a", State::Revoked), None, &[], May::default(), "token", &clock).into_string();
        assert!(!html.contains("/do/"), "{html}");
    }
}
