//! Pages: versions of the agent's program with releases and rollouts, and one rollout with its stages and machines.

use kernel::Result;
use maud::{Markup, html};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Tab, Table, Tabs, Tone, bar,
    columns, notice, pill, post_button, status,
};
use web::{Content, PageCx};

use super::list::{ListRolloutAgents, ListRollouts, ListVersions, RolloutAgent, ShowRollout, VersionInUse};
use super::{Class, RolloutState, RolloutView, Stage, class};
use crate::events::capital;
use crate::list_page::ListPage;
use crate::release::{ListReleases, ReleaseView};

fn tone(state: RolloutState) -> Tone {
    match state {
        RolloutState::Running => Tone::Working,
        RolloutState::Paused => Tone::Warn,
        RolloutState::Stopped => Tone::Critical,
        RolloutState::Done => Tone::Ok,
        RolloutState::Ended => Tone::Idle,
    }
}

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

/// What the page of versions shows.
struct Versions<'a> {
    in_use: &'a [VersionInUse],
    releases: &'a [ReleaseView],
    rollouts: &'a [RolloutView],
    may_import: bool,
    may_start: bool,
    may_withdraw: bool,
    csrf: &'a str,
    clock: &'a Clock,
}

/// `/fleet/versions`
pub(crate) fn versions(page: &mut PageCx) -> Result<Content> {
    let in_use = page.cx.call(&ListVersions {})?.items;
    let limit = Some(20);
    let releases = if page.cx.may(crate::release::NAME) {
        page.cx.call(&ListReleases { limit, ..ListReleases::default() })?.items
    } else {
        Vec::new()
    };
    let rollouts = if page.cx.may(super::list::NAME) {
        page.cx.call(&ListRollouts { limit, ..ListRollouts::default() })?.items
    } else {
        Vec::new()
    };
    let clock = page.clock();
    let view = Versions {
        in_use: &in_use,
        releases: &releases,
        rollouts: &rollouts,
        may_import: page.cx.may("fleet.release.import"),
        may_start: page.cx.may("fleet.rollout.start"),
        may_withdraw: page.cx.may("fleet.release.withdraw"),
        csrf: &page.csrf,
        clock: &clock,
    };
    Ok(Content::new("Agent versions", versions_body(&view)))
}

fn versions_body(view: &Versions<'_>) -> Markup {
    let header = PageHeader::new("Agent versions")
        .crumb("Endpoints", Some("/fleet"))
        .subtitle(html! { "Who runs what, and new versions on their way. Each machine checks the signature itself." });
    let main = html! { (rollouts_card(view)) (releases_card(view)) };
    let usable: Vec<&ReleaseView> = view.releases.iter().filter(|release| !release.withdrawn).collect();
    let side = html! {
        (in_use_card(view.in_use))
        @if view.may_start && !usable.is_empty() { (start_card(&usable, view.csrf)) }
        @if view.may_import { (import_card(view.csrf)) }
    };
    html! { (header) (columns(Split::Wide, &main, &side)) }
}

fn in_use_card(in_use: &[VersionInUse]) -> Markup {
    let all: i64 = in_use.iter().map(|one| one.agents).sum();
    let rows = in_use.iter().map(|one| {
        let version = if one.version.is_empty() { "Not heard of yet" } else { one.version.as_str() };
        let share = if all > 0 { one.agents as f64 / all as f64 } else { 0.0 };
        let name = html! {
            (version)
            @if !one.target.is_empty() { br; span.faint.mono { (one.target) } }
        };
        Row::new(version).cell(name).main().cell(bar(share, Tone::Ok, false)).cell(html! { (one.agents) })
    });
    let titles = [Column::new("Version").main(), Column::new("Share"), Column::new("Machines")];
    let table = Table::new("Versions in use").columns(titles).rows(rows);
    let body = if in_use.is_empty() {
        html! { (Empty::new("No machine yet", "Versions show when agents connect.")) }
    } else {
        html! { (table) }
    };
    html! { (Card::new("In use").flush(body)) }
}

fn rollouts_card(view: &Versions<'_>) -> Markup {
    if view.rollouts.is_empty() {
        let empty =
            Empty::new("Nothing was rolled out yet", "Import a signed release, then bring it to a few machines first.");
        return html! { (Card::new("Rollouts").body(html! { (empty) })) };
    }
    let rows = view.rollouts.iter().map(|rollout| {
        Row::new(format!("Rollout of {}", rollout.release_version))
            .href(format!("/fleet/rollouts/{}", rollout.id))
            .reference(rollout.reference.to_string())
            .cell(status(tone(rollout.state), &capital(rollout.state.as_str())))
            .main()
            .text(&rollout.agents.to_string())
            .text(&rollout.started_by)
            .cell(view.clock.ago(rollout.started_at.timestamp()))
    });
    let titles = [
        Column::new("State"),
        Column::new("Version").main(),
        Column::new("Machines"),
        Column::new("Started by").wide(),
        Column::new("Started"),
    ];
    html! { (Card::new("Rollouts").flush(html! { (Table::new("Rollouts").columns(titles).rows(rows)) })) }
}

fn releases_card(view: &Versions<'_>) -> Markup {
    if view.releases.is_empty() {
        let text = "A release is the agent's program with a signature made away from this server.";
        return html! { (Card::new("Releases").body(html! { (Empty::new("No release was imported yet", text)) })) };
    }
    let rows = view.releases.iter().map(|release| {
        let (tone, word) = if release.withdrawn { (Tone::Idle, "Withdrawn") } else { (Tone::Ok, "Usable") };
        let name = html! {
            (release.version)
            @if release.downgrade { " " (pill(Tone::Warn, "downgrade")) }
            br; span.faint.mono { (release.target) }
        };
        let id = release.id.to_string();
        let fields = [("id", id.as_str()), ("_back", "/fleet/versions")];
        let withdraw = html! {
            @if view.may_withdraw && !release.withdrawn {
                (post_button("/do/fleet.release.withdraw", view.csrf, &fields, &Button::submit("Withdraw").small()))
            }
        };
        let key = release.public_key.get(..16).unwrap_or_default().to_owned();
        Row::new(&release.version)
            .cell(status(tone, word))
            .cell(name)
            .main()
            .cell(html! { span.mono title=(release.public_key) { (key) "…" } })
            .text(&release.imported_by)
            .cell(withdraw)
    });
    let titles = [
        Column::new("State"),
        Column::new("Version").main(),
        Column::new("Signed by key").wide(),
        Column::new("Imported by").wide(),
        Column::new("Change"),
    ];
    html! { (Card::new("Releases").flush(html! { (Table::new("Releases").columns(titles).rows(rows)) })) }
}

fn start_card(releases: &[&ReleaseView], csrf: &str) -> Markup {
    let options: Vec<(String, String)> = releases
        .iter()
        .map(|release| (release.id.to_string(), format!("{} for {}", release.version, release.target)))
        .collect();
    let form = Form::post("/do/fleet.rollout.start", csrf)
        .back("/fleet/rollouts/{id}")
        .confirm("Bring this version to machines?")
        .field(Field::hidden("_confirm", "1"))
        .field(Field::select("release", "Release", options))
        .field(Field::text("first", "Agents that go first").placeholder("3, 17").help("Their numbers, with commas."))
        .field(Field::text("percents", "Then shares in percent").value("10, 50, 100"))
        .fields([
            Field::input("number", "parallel", "At the same time").value("20"),
            Field::input("number", "stop_percent", "Stop at bad percent").value("20"),
        ])
        .action(Button::submit("Roll it out").primary());
    html! { (Card::new("Roll out").id("start").body(html! { (form) })) }
}

fn import_card(csrf: &str) -> Markup {
    let form = Form::post("/do/fleet.release.import", csrf)
        .back("/fleet/versions")
        .confirm("Import this release?")
        .field(Field::hidden("_confirm", "1"))
        .field(Field::text("name", "Name of the file").required().placeholder("mainstay-agent-1.4.0").length_max(128))
        .action(Button::submit("Import it"));
    html! {
        (Card::new("Import a release").id("import").body(html! {
            p.faint { "Put the program and its " span.mono { ".release" } " file into the folder " span.mono { "releases" } " of the data folder." }
            (form)
        }))
    }
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
        .text("At the same time", &rollout.parallel.to_string())
        .text("Stops at", &format!("{} % of a stage", rollout.stop_percent))
        .text("Tried again where rolled back", if rollout.again { "Yes" } else { "No" })
        .text("Started by", &rollout.started_by)
        .row("Started", clock.at(rollout.started_at.timestamp()));
    let side = html! {
        (Card::new("At a glance").tight(html! { (facts) }))
        @if rollout.state.is_open() { (change_card(rollout, may, csrf, &here)) }
    };
    let main = html! {
        @if rollout.state == RolloutState::Stopped { (notice(Tone::Critical, &format!("{}. Look at the machines below before it goes on.", rollout.reason))) }
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
            (Tone::Ok, "Over")
        } else if stage.number < rollout.stage {
            (Tone::Warn, "Some are away")
        } else {
            (Tone::Working, "At work")
        };
        Row::new(&stage.title)
            .cell(status(tone, word))
            .main()
            .cell(bar(stage.done as f64 / stage.agents.max(1) as f64, Tone::Ok, false))
            .text(&format!("{} of {}", stage.done, stage.agents))
            .text(&stage.at_work.to_string())
            .text(&stage.bad.to_string())
    });
    let titles = [
        Column::new("State"),
        Column::new("Stage").main(),
        Column::new("Share").wide(),
        Column::new("Done"),
        Column::new("At work"),
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
        tab_of("done", "Done"),
        tab_of("rolled_back", "Rolled back"),
        tab_of("refused", "Refused"),
        tab_of("missing", "Did not come back"),
        tab_of("waiting", "Waiting"),
    ];
    let rows = agents.items.iter().map(|part| {
        let (tone, word) = standing(&part.state);
        let at = part.finished_at.or(part.offered_at);
        Row::new(&part.hostname)
            .href(format!("/fleet/agents/{}", part.agent.id))
            .cell(status(tone, &word))
            .main()
            .text(&part.reason)
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
    html! { (Card::new("Change it").body(web::ui::stack(&parts))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>";

    fn rollout(state: RolloutState) -> RolloutView {
        let stage = |number, bad| Stage {
            number,
            title: HOSTILE.into(),
            agents: 4,
            waiting: 1,
            at_work: 1,
            done: 2 - bad,
            bad,
        };
        RolloutView {
            id: 5,
            reference: super::super::rollout_ref(5),
            release: 2,
            release_version: HOSTILE.into(),
            target: HOSTILE.into(),
            state,
            reason: HOSTILE.into(),
            stage: 1,
            stages: vec![stage(0, 0), stage(1, 1), stage(2, 0)],
            parallel: 20,
            stop_percent: 20,
            again: true,
            agents: 12,
            started_at: kernel::Time(1_772_438_400_000_000),
            started_by: HOSTILE.into(),
            version: 1,
        }
    }

    fn part(state: &str) -> RolloutAgent {
        RolloutAgent {
            id: 1,
            agent: crate::events::agent_ref(3),
            hostname: HOSTILE.into(),
            stage: 0,
            state: state.into(),
            reason: HOSTILE.into(),
            version_before: "0.1.0".into(),
            offered_at: Some(kernel::Time(1_772_438_400_000_000)),
            finished_at: None,
        }
    }

    #[test]
    fn a_rollout_shows_its_stages_its_machines_and_what_may_be_done() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let states = ["waiting", "offered", "trying", "done", "refused", "rolled_back", "missing"];
        let items: Vec<RolloutAgent> = states.iter().map(|state| part(state)).collect();
        let agents = ListPage { items, next: Some("1".into()), count: 7, count_capped: false };
        let all = May { pause: true, resume: true, end: true };
        let body = |state, may| show_body(&rollout(state), &agents, ("all", false), may, "token", &clock).into_string();
        let running = body(RolloutState::Running, all);
        assert!(running.contains("fleet.rollout.pause") && !running.contains("fleet.rollout.resume"), "{running}");
        assert!(
            running.contains("On trial") && running.contains("Did not come back") && running.contains("Rolled back")
        );
        assert!(!running.contains("<script>alert"));
        let stopped = body(RolloutState::Stopped, all);
        assert!(stopped.contains("fleet.rollout.resume") && stopped.contains("before it goes on"));
        assert!(!body(RolloutState::Done, all).contains("/do/"));
        assert!(!body(RolloutState::Running, May::default()).contains("/do/"));
    }

    #[test]
    fn the_page_of_versions_renders_empty_and_hostile() {
        let clock = Clock::utc_us(1_772_438_400_000_000);
        let render = |in_use: &[VersionInUse], releases: &[ReleaseView], rollouts: &[RolloutView], may: bool| {
            versions_body(&Versions {
                in_use,
                releases,
                rollouts,
                may_import: may,
                may_start: may,
                may_withdraw: may,
                csrf: "token",
                clock: &clock,
            })
            .into_string()
        };
        let empty = render(&[], &[], &[], true);
        assert!(empty.contains("No release was imported yet") && empty.contains("fleet.release.import"));
        assert!(!empty.contains("fleet.rollout.start"), "there is nothing to roll out");
        let release = |withdrawn| ReleaseView {
            id: 2,
            version: HOSTILE.into(),
            target: HOSTILE.into(),
            size_bytes: 1,
            sha256: "ab".repeat(32),
            downgrade: true,
            public_key: "cd".repeat(32),
            imported_at: kernel::Time(0),
            imported_by: HOSTILE.into(),
            withdrawn,
        };
        let in_use = [VersionInUse { version: HOSTILE.into(), target: HOSTILE.into(), agents: 3 }];
        let full = render(&in_use, &[release(false), release(true)], &[rollout(RolloutState::Running)], true);
        assert!(!full.contains("<script>alert") && full.contains("fleet.rollout.start"), "{full}");
        assert!(!render(&in_use, &[release(false)], &[], false).contains("/do/"));
    }
}
