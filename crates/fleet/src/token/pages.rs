//! Page: one enrolment token, with the command to run just after it was made.

use kernel::Result;
use maud::{Markup, html};
use web::ui::{Button, Card, Clock, Facts, PageHeader, Tone, code, notice, pill, post_button, stack};
use web::{Content, PageCx};

use super::{Fresh, TokenView, find, store};
use crate::events::capital;

/// `/fleet/tokens/{id}`
pub(crate) fn show(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let (actor, now) = (page.cx.actor.ident.to_string(), page.cx.now);
    page.cx.reach_everything("fleet.token.list")?;
    let token = find(page.cx, id)?.view(now);
    let hash = store::hash_of(page.cx.tx, id)?;
    let command = page.cx.kernel.get::<Fresh>()?.command(id, &hash, &actor, now);
    let revoke = page.cx.may("fleet.token.revoke").then_some(page.csrf.as_str());
    let clock = page.clock();
    Ok(Content::new(token.name.clone(), body(&token, command.as_deref(), revoke, &clock)))
}

fn body(token: &TokenView, command: Option<&str>, revoke: Option<&str>, clock: &Clock) -> Markup {
    let tone = if token.state == "usable" { Tone::Ok } else { Tone::Idle };
    let id = token.id.to_string();
    let mut header = PageHeader::new(&token.name)
        .crumb("Endpoints", Some("/fleet"))
        .crumb("Enrolment tokens", Some("/fleet"))
        .pill(pill(tone, &capital(&token.state)));
    if let (Some(csrf), "usable") = (revoke, token.state.as_str()) {
        let fields = [("id", id.as_str()), ("_back", "/fleet")];
        header = header.action(post_button("/do/fleet.token.revoke", csrf, &fields, &Button::submit("Revoke")));
    }
    let approval = if token.auto_approve { "Machines work at once" } else { "A person approves each machine" };
    let facts = Facts::new()
        .text("Machines", &format!("{} enrolled, {} left", token.uses, token.uses_left))
        .row("Valid until", clock.at(token.expires_at.timestamp()))
        .text("Approval", approval)
        .text("They are", &token.asset_kind)
        .text("Made by", &token.created_by)
        .row("Made", clock.ago(token.created_at.timestamp()));
    let parts = html! {
        @if let Some(command) = command {
            (Card::new("Run this on the machine, as root").body(html! {
                (notice(Tone::Info, "This is shown for ten minutes, to you only. Whoever has it can enrol a machine."))
                (code(command))
                p { "Then start the agent: " code { "mainstay-agent run" } ". The machine shows up under Endpoints." }
            }))
        }
        (Card::new("At a glance").tight(html! { (facts) }))
    };
    html! { (header) (stack(&parts)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_shows_only_while_it_is_fresh_and_hostile_names_are_escaped() {
        let token = TokenView {
            id: 1,
            name: "<script>alert(1)</script>".into(),
            uses_left: 1,
            uses: 0,
            expires_at: kernel::Time(1_772_500_000_000_000),
            auto_approve: false,
            asset_kind: "server".into(),
            state: "usable".into(),
            created_at: kernel::Time(1_772_438_400_000_000),
            created_by: "Alex".into(),
        };
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let fresh =
            body(&token, Some("MAINSTAY_AGENT_TOKEN=mst1_y mainstay-agent enrol wss://x"), Some("csrf"), &clock)
                .into_string();
        assert!(fresh.contains("mst1_y") && fresh.contains("fleet.token.revoke") && !fresh.contains("<script>"));
        assert!(!body(&token, None, None, &clock).into_string().contains("enrol wss"));
    }
}
