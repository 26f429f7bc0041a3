//! What fleet adds to the page of a thing: its agent.

use kernel::{Ref, Result};
use maud::{Markup, html};
use web::PageCx;
use web::page::{Panel, PanelPlace};
use web::ui::{Button, Card, Clock, Facts, post_button, status};

use crate::agent::list::ListAgents;
use crate::agent::{self, AgentView, State};

pub(crate) fn panels() -> Vec<Panel> {
    vec![Panel {
        name: "fleet-agent",
        about: "asset",
        title: "Agent",
        place: PanelPlace::Side,
        grant: agent::list::NAME,
        render: agent_card,
    }]
}

fn agent_card(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    let listed = page.cx.call(&ListAgents { asset: Some(subject.id), limit: Some(5), ..ListAgents::default() })?;
    let clock = page.clock();
    let back = page
        .cx
        .resolve(std::slice::from_ref(subject))?
        .remove(subject)
        .map_or_else(|| "/fleet".to_owned(), |thing| thing.href);
    let approve = page.cx.may("fleet.agent.approve").then_some((page.csrf.as_str(), back.as_str()));
    let best = listed.items.iter().find(|one| one.state == State::Active).or(listed.items.first());
    Ok(best.map(|agent| card(agent, &clock, approve)))
}

fn card(agent: &AgentView, clock: &Clock, approve: Option<(&str, &str)>) -> Markup {
    let (tone, word) = agent::pages::standing(agent);
    let facts = Facts::new()
        .row("State", status(tone, word))
        .row("Last seen", clock.ago(agent.last_seen.timestamp()))
        .known("Version", Some(agent.agent_version.as_str()).filter(|text| !text.is_empty()))
        .text("Profile", &agent.profile)
        .text("Its policy allows", agent::pages::classes_words(&agent.classes));
    let approval = match (agent.state, approve) {
        (State::Pending, Some((csrf, back))) => {
            let number = agent.id.to_string();
            let button = Button::submit("Approve").small().primary();
            post_button("/do/fleet.agent.approve", csrf, &[("id", &number), ("_back", back)], &button)
        }
        _ => html! {},
    };
    let page = format!("/fleet/agents/{}", agent.id);
    html! { (Card::new("Agent").link("Open", &page).tight(html! { (facts) (approval) })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_offers_approval_only_for_a_pending_agent_and_escapes_what_machines_say() {
        let mut agent = agent::pages::sample("<script>alert(1)</script>", State::Pending);
        agent.agent_version = "<b>1</b>".into();
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let html = card(&agent, &clock, Some(("token", "/assets/1"))).into_string();
        assert!(html.contains("fleet.agent.approve") && !html.contains("<b>1"), "{html}");
        agent.state = State::Active;
        assert!(!card(&agent, &clock, Some(("token", "/"))).into_string().contains("fleet.agent.approve"));
    }
}
