//! Page: versions of the agent's program, with releases and rollouts.

use kernel::Result;
use maud::{Markup, html};
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Form, PageHeader, Row, Split, Table, Tone, columns, meter, notice, pill,
    post_button, status,
};
use web::{Content, PageCx};

use super::busy::{BusyWith, WaitsFor};
use super::list::{ListRollouts, ListVersions, VersionInUse};
use super::{RolloutState, RolloutView};
use crate::events::capital;
use crate::release::{ListReleases, ReleaseView};

pub(crate) mod one;

fn tone(state: RolloutState) -> Tone {
    match state {
        RolloutState::Running => Tone::Working,
        RolloutState::Paused => Tone::Warn,
        RolloutState::Stopped => Tone::Critical,
        RolloutState::Done => Tone::Ok,
        RolloutState::Ended => Tone::Idle,
    }
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
    let releases = if page.cx.reach_everything(crate::release::NAME).is_ok() {
        page.cx.call(&ListReleases { limit, ..ListReleases::default() })?.items
    } else {
        Vec::new()
    };
    let rollouts = if page.cx.reach_everything(super::list::NAME).is_ok() {
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
        let name = html! {
            (version)
            @if !one.target.is_empty() { br; span.faint.mono { (one.target) } }
        };
        let machines = meter(share(one.agents, all), Tone::Ok, &one.agents.to_string());
        Row::new(version).cell(name).cell(machines)
    });
    let titles = [Column::new("Version").main(), Column::new("Machines")];
    let table = Table::new("Versions in use").columns(titles).rows(rows);
    let body = if in_use.is_empty() {
        html! { (Empty::new("No machine yet", "Versions show when agents connect.")) }
    } else {
        html! { (table) }
    };
    html! { (Card::new("In use").flush(body)) }
}

/// What a rollout waits for at machines that have the program.
fn waits_text(rollout: &RolloutView, clock: &Clock) -> Option<String> {
    let WaitsFor { hostname, busy_with, machines } = rollout.waits_for.as_ref()?;
    let more = if *machines > 1 { format!(", and for {} more", machines - 1) } else { String::new() };
    let version = &rollout.release_version;
    Some(format!("{version} waits for {hostname}, busy with {}{more}.", busy_text(busy_with, clock)))
}

/// What a machine does that a new version waits for.
fn busy_text(busy: &BusyWith, clock: &Clock) -> String {
    format!("{}, begun {}", busy.what(), clock.relative(busy.since.timestamp()))
}

/// How many of its machines run the version; all there are where nobody counted.
fn come_so_far(rollout: &RolloutView) -> Markup {
    if rollout.stages.is_empty() {
        return html! { (rollout.agents) };
    }
    let done: i64 = rollout.stages.iter().map(|stage| stage.done).sum();
    html! { (meter(share(done, rollout.agents), Tone::Ok, &format!("{done} of {}", rollout.agents))) }
}

fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn rollouts_card(view: &Versions<'_>) -> Markup {
    if view.rollouts.is_empty() {
        let empty =
            Empty::new("Nothing was rolled out yet", "Import a signed release, then bring it to a few machines first.");
        return html! { (Card::new("Rollouts").body(html! { (empty) })) };
    }
    let rows = view.rollouts.iter().map(|rollout| {
        let (name, href) =
            (format!("Rollout of {}", rollout.release_version), format!("/fleet/rollouts/{}", rollout.id));
        let what =
            html! { a href=(web::ui::href(&href)) dir="auto" { (name) } br; span.faint.mono { (rollout.target) } };
        Row::new(&name)
            .href(href)
            .reference(rollout.reference.to_string())
            .cell(status(tone(rollout.state), &capital(rollout.state.as_str())))
            .cell(what)
            .cell(come_so_far(rollout))
            .text(&rollout.started_by)
            .cell(view.clock.ago(rollout.started_at.timestamp()))
    });
    let titles = [
        Column::new("State"),
        Column::new("Version").main(),
        Column::new("Machines"),
        Column::new("Started by").wide(),
        Column::new("Started").wide(),
    ];
    let waits = view.rollouts.iter().filter_map(|rollout| waits_text(rollout, view.clock));
    html! {
        @for text in waits { (notice(Tone::Info, &text)) }
        (Card::new("Rollouts").flush(html! { (Table::new("Rollouts").columns(titles).rows(rows)) }))
    }
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
        .field(Field::select("release", "Release", options).required())
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
            p.faint { "Put the program and its " span.mono { ".release" } " file into the folder " span.mono { "releases" } " of the data folder: it is larger than what a request may bring." }
            (form)
        }))
    }
}

#[cfg(test)]
fn sample(state: RolloutState, text: &str) -> RolloutView {
    let stage = |number, bad| super::Stage {
        number,
        title: text.into(),
        agents: 4,
        waiting: 1,
        busy: 1,
        at_work: 1,
        done: 2 - bad,
        bad,
    };
    RolloutView {
        id: 5,
        reference: super::rollout_ref(5),
        release: 2,
        release_version: text.into(),
        target: text.into(),
        state,
        reason: text.into(),
        waits_for: Some(WaitsFor {
            hostname: text.into(),
            busy_with: BusyWith::new(40, "run:12", kernel::Time(1_772_438_400_000_000)),
            machines: 3,
        }),
        stage: 1,
        stages: vec![stage(0, 0), stage(1, 1), stage(2, 0)],
        parallel: 20,
        stop_percent: 20,
        again: true,
        agents: 12,
        started_at: kernel::Time(1_772_438_400_000_000),
        started_by: text.into(),
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>";

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
        let full = render(&in_use, &[release(false), release(true)], &[sample(RolloutState::Running, HOSTILE)], true);
        assert!(!full.contains("<script>alert") && full.contains("fleet.rollout.start"), "{full}");
        assert!(full.contains("busy with run 12") && full.contains("and for 2 more"), "{full}");
        assert!(!render(&in_use, &[release(false)], &[], false).contains("/do/"));
    }
}
