//! Page: one rollout with its stages and machines.

use kernel::Result;
use maud::{Markup, html};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Tab, Table, Tabs, Tone,
    columns, meter, notice, pill, post_button, stack, status,
};
use web::{Content, PageCx};

use super::{busy_text, share, tone, waits_text};
use crate::events::capital;
use crate::list_page::ListPage;
use crate::rollout::list::{ListRolloutAgents, RolloutAgent, ShowRollout};
use crate::rollout::{Class, RolloutState, RolloutView, Stage, class};

/// How a machine stands, as tone and word.
fn standing(state: &str) -> (Tone, String) {
    let tone = match class(state) {
        Class::Waiting => Tone::Idle,
        Class::AtWork => Tone::Working,
        Class::Done => Tone::Ok,
        Class::Bad => Tone::Critical,
    };
    let word = match state {
        "offered" => "Fetching".to_owned(),
        "trying" => "On trial".to_owned(),
        "missing" => "Did not come back".to_owned(),
        other => capital(other),
    };
    (tone, word)
}

/// Which buttons a rollout shows.
#[derive(Clone, Copy, Default)]
struct May {
    pause: bool,
    resume: bool,
    end: bool,
}

/// `/fleet/rollouts/{id}`
pub(crate) fn show(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let rollout = page.cx.call(&ShowRollout { id })?;
    let tab = page.param("view").unwrap_or("all").to_owned();
    let state = (tab != "all").then(|| tab.clone());
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_some();
    let agents = page.cx.call(&ListRolloutAgents { id, state, cursor, limit: None })?;
    let may = May {
        pause: page.cx.may("fleet.rollout.pause"),
        resume: page.cx.may("fleet.rollout.resume"),
        end: page.cx.may("fleet.rollout.end"),
    };
    let clock = page.clock();
    let title = format!("Rollout of {}", rollout.release_version);
    Ok(Content::new(title, show_body(&rollout, &agents, (&tab, first), may, &page.csrf, &clock)))
}

fn show_body(
    rollout: &RolloutView,
    agents: &ListPage<RolloutAgent>,
    (tab, paged): (&str, bool),
    may: May,
    csrf: &str,
    clock: &Clock,
) -> Markup {
    let here = format!("/fleet/rollouts/{}", rollout.id);
    let header = PageHeader::new(format!("Rollout of {}", rollout.release_version))
        .crumb("Endpoints", Some("/fleet"))
        .crumb("Agent versions", Some("/fleet/versions"))
        .pill(pill(tone(rollout.state), &capital(rollout.state.as_str())));
    let facts = Facts::new()
        .row("State", status(tone(rollout.state), &capital(rollout.state.as_str())))
        .known("Because", Some(rollout.reason.as_str()).filter(|text| !text.is_empty()))
        .mono("For", &rollout.target)
        .text("Machines", &rollout.agents.to_string())
        .text("At the same time", &format!("{} at most", rollout.parallel))
        .text("Stops at", &format!("{} % of a stage", rollout.stop_percent))
        .text(
            "Tried again",
            if rollout.again { "Also where it was rolled back" } else { "Not where it was rolled back" },
        )
        .text("Started by", &rollout.started_by)
        .row("Started", clock.at(rollout.started_at.timestamp()));
    let side = html! {
        (Card::new("At a glance").tight(html! { (facts) }))
        @if rollout.state.is_open() { (change_card(rollout, may, csrf, &here)) }
    };
    let main = html! {
        @if rollout.state == RolloutState::Stopped { (notice(Tone::Critical, &format!("{}. Look at the machines below before it goes on.", rollout.reason))) }
        @if let Some(text) = waits_text(rollout, clock) { (notice(Tone::Info, &text)) }
        (stages_card(rollout))
        (agents_list(agents, &here, tab, paged, rollout, clock))
    };
    html! { (header) (columns(Split::Wide, &main, &side)) }
}

fn stages_card(rollout: &RolloutView) -> Markup {
    let shown: Vec<&Stage> = rollout.stages.iter().filter(|stage| stage.agents > 0).collect();
    let rows = shown.iter().map(|stage| {
        let (tone, word) = if stage.bad > 0 && rollout.state == RolloutState::Stopped {
            (Tone::Critical, "Stopped")
        } else if stage.number > rollout.stage {
            (Tone::Idle, "Later")
        } else if stage.waiting == 0 && stage.at_work == 0 {
            (if stage.bad > 0 { Tone::Warn } else { Tone::Ok }, "Over")
        } else if stage.number < rollout.stage && stage.busy > 0 {
            (Tone::Warn, if stage.busy == stage.waiting { "Some are busy" } else { "Some are away or busy" })
        } else if stage.number < rollout.stage {
            (Tone::Warn, "Some are away")
        } else {
            (Tone::Working, "At work")
        };
        Row::new(&stage.title)
            .cell(status(tone, word))
            .main()
            .cell(meter(share(stage.done, stage.agents), Tone::Ok, &format!("{} of {}", stage.done, stage.agents)))
            .text(&stage.at_work.to_string())
            .text(&stage.bad.to_string())
    });
    let titles = [
        Column::new("State"),
        Column::new("Stage").main(),
        Column::new("Done"),
        Column::new("At work").wide(),
        Column::new("Bad"),
    ];
    let table = Table::new("Stages").columns(titles).rows(rows);
    html! { (Card::new("Stages").flush(html! { (table) })) }
}

fn agents_list(
    agents: &ListPage<RolloutAgent>,
    here: &str,
    tab: &str,
    paged: bool,
    rollout: &RolloutView,
    clock: &Clock,
) -> Markup {
    let tab_of =
        |name: &'static str, label: &'static str| Tab::new(label, format!("{here}?view={name}")).current(tab == name);
    let tabs = [
        tab_of("all", "All"),
        tab_of("at_work", "At work"),
        tab_of("done", "Done"),
        tab_of("rolled_back", "Rolled back"),
        tab_of("refused", "Refused"),
        tab_of("missing", "Did not come back"),
        tab_of("busy", "Busy"),
        tab_of("waiting", "Waiting"),
    ];
    let rows = agents.items.iter().map(|part| {
        let (tone, word) = standing(&part.state);
        let at = part.finished_at.or(part.offered_at);
        let (why, href) = (because(part, clock), format!("/fleet/agents/{}", part.agent.id));
        Row::new(&part.hostname)
            .href(&href)
            .cell(status(tone, &word))
            .cell(html! {
                a href=(web::ui::href(&href)) title=(part.hostname) dir="auto" { (part.hostname) }
                // Where there is no room for the column of reasons.
                @if !why.is_empty() { span.narrow.faint dir="auto" { (why) } }
            })
            .cell(html! { span title=(why) dir="auto" { (why) } })
            .text(&part.version_before)
            .cell(html! { @if let Some(at) = at { (clock.ago(at.timestamp())) } })
    });
    let titles = [
        Column::new("State"),
        Column::new("Machine").main(),
        Column::new("Because").wide(),
        Column::new("Had").extra(),
        Column::new("When"),
    ];
    let next = agents.next.as_ref().map(|cursor| format!("{here}?view={tab}&cursor={cursor}"));
    let first = paged.then(|| format!("{here}?view={tab}"));
    let total = if agents.count_capped { "999+ machines".to_owned() } else { format!("{} machines", agents.count) };
    let empty = Empty::new("None here", "No machine of this rollout is in this state.");
    html! {
        (List::new("machines", Table::new("Machines").columns(titles).rows(rows)).tabs(Tabs::new("Which machines", tabs)).total(total)
            .paging(next, first).empty(empty).live(rollout.reference.to_string(), format!("{here}?view={tab}")))
    }
}

/// Why a machine stands where it does: by its own word, or what it is busy with.
fn because(part: &RolloutAgent, clock: &Clock) -> String {
    match &part.busy_with {
        Some(busy) => format!("Busy with {}", busy_text(busy, clock)),
        None => part.reason.clone(),
    }
}

fn change_card(rollout: &RolloutView, may: May, csrf: &str, here: &str) -> Markup {
    let id = rollout.id.to_string();
    let fields = [("id", id.as_str()), ("_back", here)];
    let resume = Form::post("/do/fleet.rollout.resume", csrf)
        .back(here)
        .confirm("Let this rollout go on?")
        .field(Field::hidden("id", &id))
        .field(Field::hidden("_confirm", "1"))
        .field(
            Field::input("number", "stop_percent", "Stop at bad percent")
                .value(rollout.stop_percent.to_string())
                .help("What went wrong before still counts."),
        )
        .action(Button::submit("Let it go on").primary());
    let end = Form::post("/do/fleet.rollout.end", csrf)
        .back(here)
        .confirm("End this rollout? Machines keep what they have.")
        .field(Field::hidden("id", &id))
        .action(Button::submit("End it").danger());
    let parts = html! {
        @if may.pause && rollout.state == RolloutState::Running {
            (post_button("/do/fleet.rollout.pause", csrf, &fields, &Button::submit("Pause it")))
        }
        @if may.resume && rollout.state != RolloutState::Running { (resume) }
        @if may.end { (end) }
    };
    html! { (Card::new("Change it").body(stack(&parts))) }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::rollout::busy::BusyWith;

    const HOSTILE: &str = "<script>alert(1)</script>";

    fn part(state: &str) -> RolloutAgent {
        RolloutAgent {
            id: 1,
            agent: crate::events::agent_ref(3),
            hostname: HOSTILE.into(),
            stage: 0,
            state: state.into(),
            reason: HOSTILE.into(),
            busy_with: (state == "busy").then(|| BusyWith::new(40, "run:12", kernel::Time(1_772_438_400_000_000))),
            version_before: "0.1.0".into(),
            offered_at: Some(kernel::Time(1_772_438_400_000_000)),
            finished_at: None,
        }
    }

    #[test]
    fn a_rollout_shows_its_stages_its_machines_and_what_may_be_done() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let states = ["waiting", "busy", "offered", "trying", "done", "refused", "rolled_back", "missing"];
        let items: Vec<RolloutAgent> = states.iter().map(|state| part(state)).collect();
        let agents = ListPage { items, next: Some("1".into()), count: 8, count_capped: false };
        let all = May { pause: true, resume: true, end: true };
        let body = |state, may| {
            show_body(&sample(state, HOSTILE), &agents, ("all", false), may, "token", &clock).into_string()
        };
        let running = body(RolloutState::Running, all);
        assert!(running.contains("fleet.rollout.pause") && !running.contains("fleet.rollout.resume"), "{running}");
        assert!(
            running.contains("On trial") && running.contains("Did not come back") && running.contains("Rolled back")
        );
        assert!(running.contains("Busy with run 12, begun ") && running.contains("Some are busy"), "{running}");
        assert!(!running.contains("<script>alert"));
        let stopped = body(RolloutState::Stopped, all);
        assert!(stopped.contains("fleet.rollout.resume") && stopped.contains("before it goes on"));
        assert!(!body(RolloutState::Done, all).contains("/do/"));
        assert!(!body(RolloutState::Running, May::default()).contains("/do/"));
    }
}
