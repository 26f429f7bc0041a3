//! Page: all agents with enrolment and the stop button.

use std::collections::BTreeMap;

use kernel::{Ref, Resolved, Result};
use maud::{Markup, html};
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Form, List, PageHeader, Row, Split, Tab, Table, Tabs, Tone, columns,
    notice, post_button, status,
};
use web::{Content, PageCx};

use super::list::ListAgents;
use super::{AgentView, State};
use crate::list_page::ListPage;
use crate::settings::LinkSetting;
use crate::stop::Order;
use crate::token::TokenView;
use crate::token::list::ListTokens;

pub(crate) mod one;

/// How an agent stands, as tone and word.
pub(crate) fn standing(agent: &AgentView) -> (Tone, &'static str) {
    match (agent.state, agent.connected) {
        (State::Active, true) => (Tone::Ok, "Connected"),
        (State::Active, false) => (Tone::Warn, "Away"),
        (State::Pending, _) => (Tone::Info, "Waits for approval"),
        (State::Quarantined, _) => (Tone::Critical, "Quarantine"),
        (State::Revoked, _) => (Tone::Idle, "Revoked"),
    }
}

/// What the machine's own policy lets through, in words.
pub(crate) fn classes_words(classes: &str) -> &'static str {
    match classes {
        "A" => "Observing, and the actions it names",
        "B" => "Observing, and what its approvers sign",
        "A B" => "Observing, the actions it names, and what its approvers sign",
        _ => "Observing only",
    }
}

/// What the page of all agents shows.
struct ListView<'a> {
    agents: &'a ListPage<AgentView>,
    names: &'a BTreeMap<Ref, Resolved>,
    tab: &'a str,
    first: bool,
    tokens: &'a [TokenView],
    stopped: Option<&'a Order>,
    may: May,
    csrf: &'a str,
    url: &'a str,
    clock: &'a Clock,
}

/// Which forms are shown.
#[derive(Clone, Copy, Debug, Default)]
struct May {
    create: bool,
    revoke_token: bool,
    stop: bool,
    release: bool,
    approve: bool,
    change: bool,
}

impl May {
    fn of(page: &PageCx) -> Self {
        let may = |name| page.cx.may(name);
        Self {
            create: may("fleet.token.create"),
            revoke_token: may("fleet.token.revoke"),
            stop: may("fleet.stop.all"),
            release: may("fleet.stop.release"),
            approve: may("fleet.agent.approve"),
            change: may("fleet.agent.quarantine"),
        }
    }
}

/// `/fleet`
pub(crate) fn list(page: &mut PageCx) -> Result<Content> {
    let tab = page.param("view").unwrap_or("all").to_owned();
    let (state, online) = match tab.as_str() {
        "away" => (Some(State::Active), Some(false)),
        "pending" => (Some(State::Pending), None),
        "quarantine" => (Some(State::Quarantined), None),
        "revoked" => (Some(State::Revoked), None),
        _ => (None, None),
    };
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_none();
    let agents = page.cx.call(&ListAgents { state, online, cursor, ..ListAgents::default() })?;
    let refs: Vec<Ref> = agents.items.iter().map(|agent| agent.asset.clone()).collect();
    let names = page.cx.resolve(&refs)?;
    let tokens = if page.cx.may("fleet.token.list") {
        page.cx.call(&ListTokens { cursor: None, limit: Some(10) })?.items
    } else {
        Vec::new()
    };
    let stopped = crate::stop::current(page.cx.tx)?;
    let url = page.cx.setting::<LinkSetting>()?.url();
    let (may, clock) = (May::of(page), page.clock());
    let view = ListView {
        agents: &agents,
        names: &names,
        tab: &tab,
        first,
        tokens: &tokens,
        stopped: stopped.as_ref(),
        may,
        csrf: &page.csrf,
        url: &url,
        clock: &clock,
    };
    Ok(Content::new("Endpoints", list_body(&view)))
}

fn list_body(view: &ListView<'_>) -> Markup {
    let side = html! {
        @if view.may.create { (enrol_card(view)) }
        @if !view.tokens.is_empty() { (tokens_card(view)) }
    };
    html! {
        (PageHeader::new("Endpoints").subtitle(html! { "The agents of machines: what they see, and what they may do." })
            .action(Button::link("Agent versions", "/fleet/versions")))
        @if let Some(order) = view.stopped { (stopped_notice(order, view.may.release, view.csrf, view.clock)) }
        (columns(Split::Wide, &html! { (agents_list(view)) @if view.may.stop && view.stopped.is_none() { (stop_card(view.csrf)) } }, &side))
    }
}

fn agents_list(view: &ListView<'_>) -> Markup {
    let tab = |name: &'static str, label: &'static str| {
        Tab::new(label, format!("/fleet?view={name}")).current(view.tab == name)
    };
    let tabs = [
        tab("all", "All"),
        tab("away", "Away"),
        tab("pending", "Waiting for approval"),
        tab("quarantine", "Quarantine"),
        tab("revoked", "Revoked"),
    ];
    let rows = view.agents.items.iter().map(|agent| {
        let (tone, word) = standing(agent);
        let name = view.names.get(&agent.asset).map_or(agent.hostname.as_str(), |asset| asset.title.as_str());
        let row = Row::new(name).href(format!("/fleet/agents/{}", agent.id)).reference(agent.reference.to_string());
        row.cell(status(tone, word))
            .main()
            .text(&agent.hostname)
            .text(&agent.agent_version)
            .text(&agent.profile)
            .cell(view.clock.ago(agent.last_seen.timestamp()))
    });
    let columns = [
        Column::new("State"),
        Column::new("Machine").main(),
        Column::new("Calls itself").wide(),
        Column::new("Version").extra(),
        Column::new("Profile").extra(),
        Column::new("Last seen"),
    ];
    let next = view.agents.next.as_ref().map(|cursor| format!("/fleet?view={}&cursor={cursor}", view.tab));
    let first = (!view.first).then(|| format!("/fleet?view={}", view.tab));
    let total = if view.agents.count_capped { "999+ agents".to_owned() } else { plural(view.agents.count) };
    let empty = if view.tab == "all" {
        Empty::new("No machine has an agent yet", "Make a token, then run the command it comes with on the machine.")
            .action(Button::link("Make a token", "#enrol").primary())
    } else {
        Empty::new("None here", "No agent is in this state.").action(Button::link("Show all", "/fleet"))
    };
    let refs: Vec<String> = view.agents.items.iter().map(|agent| agent.reference.to_string()).collect();
    let table = Table::new("Agents").columns(columns).rows(rows);
    html! {
        (List::new("agents", table).tabs(Tabs::new("Which agents", tabs)).total(total).paging(next, first).empty(empty)
            .live(refs.join(" "), format!("/fleet?view={}", view.tab)))
    }
}

fn plural(count: i64) -> String {
    if count == 1 { "1 agent".to_owned() } else { format!("{count} agents") }
}

fn enrol_card(view: &ListView<'_>) -> Markup {
    let hours = [("3600", "An hour"), ("86400", "A day"), ("604800", "A week"), ("2592000", "30 days")];
    let form = Form::post("/do/fleet.token.create", view.csrf)
        .back("/fleet/tokens/{id}")
        .field(Field::text("name", "What it is for").required().placeholder("Web servers in Hamburg").length_max(120))
        .fields([
            Field::input("number", "uses", "Machines").value("1"),
            Field::select("expires_s", "Valid for", hours).value("86400"),
        ])
        .field(
            Field::select("asset_kind", "They are", [("server", "Servers"), ("workstation", "Workstations")])
                .value("server"),
        )
        .field(Field::checkbox("auto_approve", "Let them work at once").help("Otherwise each waits for approval."))
        .action(Button::submit("Make a token").primary());
    html! {
        (Card::new("Enrol machines").id("enrol").body(html! {
            p.faint { "A token lets machines enrol at " span.mono { (view.url) } "." }
            (form)
        }))
    }
}

fn tokens_card(view: &ListView<'_>) -> Markup {
    let rows = view.tokens.iter().map(|token| {
        let tone = if token.state == "usable" { Tone::Ok } else { Tone::Idle };
        let id = token.id.to_string();
        let revoke = html! {
            @if view.may.revoke_token && token.state == "usable" {
                (post_button("/do/fleet.token.revoke", view.csrf, &[("id", &id), ("_back", "/fleet")], &Button::submit("Revoke").small()))
            }
        };
        Row::new(&token.name)
            .href(format!("/fleet/tokens/{}", token.id))
            .main()
            .cell(status(tone, &crate::events::capital(&token.state)))
            .cell(revoke)
    });
    let columns = [Column::new("Token").main(), Column::new("State"), Column::new("Change")];
    html! { (Card::new("Enrolment tokens").flush(html! { (Table::new("Enrolment tokens").columns(columns).rows(rows)) })) }
}

fn stop_card(csrf: &str) -> Markup {
    let form = Form::post("/do/fleet.stop.all", csrf)
        .back("/fleet")
        .confirm("Stop every run on every machine now?")
        .field(Field::hidden("_confirm", "1"))
        .field(Field::text("reason", "Why").length_max(300))
        .action(Button::submit("Stop all runs").danger().icon("stop"));
    html! {
        (Card::new("Stop all runs").id("stop").body(html! {
            p { "Agents end what they run for Mainstay within 5 seconds, and nothing new is sent until you release it." }
            (form)
        }))
    }
}

fn stopped_notice(order: &Order, may_release: bool, csrf: &str, clock: &Clock) -> Markup {
    let why = if order.reason.is_empty() { String::new() } else { format!(" ({})", order.reason) };
    html! {
        (notice(Tone::Critical, &format!("All runs were stopped by {}{why}. Nothing is sent to any machine.", order.by)))
        p.flow {
            span.faint { "Since " (clock.ago(order.at.timestamp())) }
            @if may_release {
                (post_button("/do/fleet.stop.release", csrf, &[("_back", "/fleet")], &Button::submit("Allow runs again").primary()))
            }
        }
    }
}

#[cfg(test)]
pub(crate) fn sample(hostname: &str, state: State) -> AgentView {
    AgentView {
        id: 3,
        reference: crate::events::agent_ref(3),
        agent_id: "0123456789abcdef0123456789abcdef".into(),
        asset: crate::events::asset_ref(12),
        hostname: hostname.into(),
        state,
        reason: String::new(),
        connected: true,
        agent_version: "0.1.0".into(),
        profile: "server".into(),
        classes: "A".into(),
        enrolled_at: kernel::Time(1_772_438_300_000_000),
        last_seen: kernel::Time(1_772_438_400_000_000),
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\u{202e}'\"";

    fn render(agents: Vec<AgentView>, tab: &str) -> String {
        let count = i64::try_from(agents.len()).unwrap();
        let agents = ListPage { items: agents, next: Some("3".into()), count, count_capped: false };
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let (by, reason, at) = (HOSTILE.to_owned(), HOSTILE.to_owned(), kernel::Time(1_772_438_000_000_000));
        let order = Order { epoch: 1, at, by, reason };
        list_body(&ListView {
            agents: &agents,
            names: &BTreeMap::new(),
            tab,
            first: false,
            tokens: &[],
            stopped: Some(&order),
            may: May { create: true, revoke_token: true, stop: true, release: true, approve: true, change: true },
            csrf: "token",
            url: HOSTILE,
            clock: &clock,
        })
        .into_string()
    }

    #[test]
    fn the_list_renders_empty_one_many_and_hostile() {
        assert!(render(Vec::new(), "all").contains("No machine has an agent yet"));
        assert!(render(Vec::new(), "away").contains("None here"));
        let one = render(vec![sample("web-01", State::Active)], "all");
        assert!(one.contains("web-01") && one.contains("Connected") && one.contains("1 agent"), "{one}");
        let states = [State::Active, State::Pending, State::Quarantined, State::Revoked];
        let many = render((0..50).map(|n| sample(HOSTILE, states[n % 4])).collect(), "all");
        assert!(!many.contains("<script>alert"), "hostile names are escaped");
        assert!(many.contains("Quarantine") && many.contains("50 agents"));
    }
}
