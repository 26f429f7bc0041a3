//! The page of one alert group: evidence, what changed just before, the alerts that follow from it, what was done.

use kernel::{ErrorKind, LiveList, Operation as _, Result, StoredEvent};
use maud::{Markup, html};
use web::page::{Content, PageCx, PanelPlace, placed};
use web::ui::{
    Button, Card, Clock, Column, Entry, Facts, PageHeader, Row, Split, Table, Tone, columns, pill, post_button, status,
    timeline,
};

use super::{Names, ago, severity};
use crate::charts::check::ReadCheckChart;
use crate::check::show::ShowCheck;
use crate::group::affected::{Affected, MapGroup};
use crate::group::show::{GroupDetail, ShowGroup};
use crate::group::similar::Earlier;
use crate::group::{Group, GroupState, Member};

/// Alerts on the page; all of them have a list of their own.
const ALERTS_SHOWN: usize = 20;
/// Entries of the story that are in view.
const ENTRIES_SHOWN: usize = 12;

/// The operation that starts a runbook, of whoever has runbooks.
const START_RUN: &str = "runbooks.run.start";

struct View {
    clock: Clock,
    detail: GroupDetail,
    events: Vec<StoredEvent>,
    names: Names,
    affected: Option<Affected>,
    may_acknowledge: bool,
    may_run: bool,
    /// The name of who reads it.
    reader: String,
    csrf: String,
    figure: Markup,
    main: Markup,
    side: Markup,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let detail = page.cx.call(&ShowGroup { id })?;
    let subject = detail.group.reference();
    let events = page.cx.timeline(&subject, None, 50)?;
    let events = page.cx.readable(Some(&subject), events)?;
    let mut assets: Vec<i64> = detail.alerts.iter().filter_map(|alert| alert.asset).collect();
    assets.extend(detail.group.asset);
    let teams: Vec<i64> = detail.group.team.into_iter().collect();
    let names = Names::load(page, &assets, &teams)?;
    let affected = page.cx.may(MapGroup::OPERATION).then(|| page.cx.call(&MapGroup { id })).transpose()?;
    let figure = figure(page, &detail.group)?;
    let parts = page.parts(&subject);
    let view = View {
        clock: page.clock(),
        events,
        names,
        affected,
        may_acknowledge: page.cx.may("monitor.group.acknowledge"),
        may_run: page.cx.may(START_RUN),
        reader: page.cx.actor.name.clone(),
        csrf: page.csrf.clone(),
        figure,
        main: placed(&parts, PanelPlace::Main),
        side: placed(&parts, PanelPlace::Side),
        detail,
    };
    Ok(Content::new(view.detail.group.title.clone(), draw(&view)))
}

/// How the check looked whose alert opened the group, for those who may see it.
fn figure(page: &mut PageCx, group: &Group) -> Result<Markup> {
    let check = match page.cx.call(&ShowCheck { id: group.check }) {
        Ok(check) if page.cx.may(ReadCheckChart::NAME) => check.check,
        Err(error) if error.kind == ErrorKind::Internal => return Err(error),
        _ => return Ok(html! {}),
    };
    super::figure::of_group(page, group.id, &check, group.opened_at, group.ended_at)
}

fn state(group: &Group) -> (Tone, &'static str) {
    match group.state {
        GroupState::Open if group.silenced => (Tone::Planned, "Open, silenced"),
        GroupState::Open if group.acknowledged_by.is_some() => (Tone::Working, "Open, acknowledged"),
        GroupState::Open => (Tone::Critical, "Open"),
        GroupState::Recovered if group.proven => (Tone::Ok, "Recovered"),
        GroupState::Recovered => (Tone::Idle, "Ended without proof"),
        GroupState::Merged => (Tone::Idle, "Merged"),
    }
}

fn draw(view: &View) -> Markup {
    let group = &view.detail.group;
    let (tone, word) = state(group);
    let id = group.id.to_string();
    let mut head = PageHeader::new(group.title.clone())
        .crumb("Monitoring", Some("/monitoring"))
        .crumb(format!("Alert group {id}"), None)
        .pill(pill(tone, word))
        .subtitle(
            html! { "Opened " (ago(&view.clock, group.opened_at)) " · likely cause " (view.names.asset(group.asset)) },
        );
    if group.state == GroupState::Open && group.acknowledged_by.is_none() && view.may_acknowledge {
        let here = format!("/monitoring/groups/{id}");
        head = head.action(post_button(
            "/do/monitor.group.acknowledge",
            &view.csrf,
            &[("id", &id), ("_back", &here)],
            &Button::submit("Acknowledge").primary().key("a"),
        ));
    }
    if let (GroupState::Open, Some(by)) = (group.state, &group.acknowledged_by)
        && view.may_acknowledge
        && *by != view.reader
    {
        let here = format!("/monitoring/groups/{id}");
        let question = format!("{by} is on it. Be on it instead?");
        head = head.action(post_button(
            "/do/monitor.group.acknowledge",
            &view.csrf,
            &[("id", &id), ("take_over", "true"), ("_back", &here)],
            &Button::submit("Take over").confirm(question),
        ));
    }
    if group.state == GroupState::Open {
        let covers = group.asset.map_or_else(|| format!("check={}", group.check), |asset| format!("asset={asset}"));
        head = head.action(Button::link("Silence", format!("/monitoring/silences?{covers}")).icon("bell").key("s"));
    }
    let live = format!("{} {}", group.reference(), LiveList::Alerts);
    let body = columns(Split::Wide, &main(view), &side(view));
    html! {
        (head)
        (web::ui::live("group", &live, &format!("/monitoring/groups/{id}"), &body))
    }
}

fn lines(clock: &Clock, lines: &[String]) -> Markup {
    html! { ul.lines { @for line in lines { li dir="auto" { (clock.spoken(line)) } } } }
}

fn main(view: &View) -> Markup {
    let group = &view.detail.group;
    html! {
        (super::causes::card(&group.judgement, &view.clock))
        @if let Some(affected) = &view.affected { (super::map::card(group.id, affected, cause(group))) }
        (super::causes::seen(group, &view.detail.alerts, &view.names, &view.clock))
        (view.figure)
        @if !group.recovery.is_empty() {
            (Card::new(if group.proven { "What proves the recovery" } else { "Why it ended" }).body(lines(&view.clock, &group.recovery)))
        }
        (before(view))
        (similar(view))
        (alerts(view))
        (view.main)
        (happened(view))
    }
}

/// The cause in words, where it is none of our things.
fn cause(group: &Group) -> &str {
    group.judgement.cause().map_or("cannot be determined", |suspect| suspect.what.as_str())
}

/// Earlier groups of the same cause, and the runbook that fixed them.
fn similar(view: &View) -> Markup {
    if view.detail.similar.is_empty() {
        return html! {};
    }
    let rows = view.detail.similar.iter().map(|one| {
        let fixed = match (&one.fixed_by, &one.run) {
            (Some(words), Some(run)) => html! { a href={ "/runs/" (run.id) } dir="auto" { (words) } },
            (Some(words), None) => html! { span dir="auto" { (words) } },
            (None, _) => web::ui::nobody("No runbook"),
        };
        Row::new(one.title.clone())
            .href(format!("/monitoring/groups/{}", one.group))
            .main()
            .cell(ago(&view.clock, one.opened_at))
            .text(&web::ui::duration(one.lasted_s))
            .cell(html! { (fixed) (again(view, one)) })
    });
    let columns =
        [Column::new("Earlier").main(), Column::new("When"), Column::new("Lasted").num(), Column::new("What fixed it")];
    let table = Table::new("Earlier groups of this cause").columns(columns).rows(rows);
    html! { (Card::new("It happened before").count(view.detail.similar.len()).flush(html! { (table) })) }
}

/// The button that starts for this group what fixed an earlier one.
fn again(view: &View, one: &Earlier) -> Markup {
    let group = &view.detail.group;
    let Some(runbook) = one.runbook.as_ref().filter(|_| view.may_run && group.state == GroupState::Open) else {
        return html! {};
    };
    let (runbook, cause) = (runbook.id.to_string(), group.reference().to_string());
    let machine = one.machine.as_ref().map(|machine| machine.id.to_string());
    let mut fields = vec![("runbook", runbook.as_str()), ("cause", cause.as_str()), ("_back", "/runs/{id}")];
    fields.extend(machine.as_deref().map(|machine| ("asset", machine)));
    let button = Button::submit("Run it again").small().confirm("Run this runbook again, now, for this alert group?");
    post_button(&format!("/do/{START_RUN}"), &view.csrf, &fields, &button)
}

fn before(view: &View) -> Markup {
    let entries: Vec<Entry> = view
        .detail
        .group
        .changed_before
        .iter()
        .rev()
        .map(|one| Entry {
            tone: Tone::Info,
            title: view.clock.plain(&one.title),
            href: None,
            detail: None,
            body: None,
            at: view.clock.when(one.at.timestamp()),
        })
        .collect();
    let card = Card::new("What changed just before");
    if entries.is_empty() {
        html! { (card.body(html! { p { "Nothing is known to have changed in the two hours before, here or on what this stands on." } })) }
    } else {
        html! { (card.body(timeline(&entries))) }
    }
}

fn alerts(view: &View) -> Markup {
    let all = &view.detail.alerts;
    let rows = all.iter().take(ALERTS_SHOWN).map(|alert| member(&view.clock, &view.names, alert));
    let table = Table::new("Alerts of this group").columns(member_columns()).rows(rows);
    let mut card = Card::new("Alerts");
    if all.len() > ALERTS_SHOWN {
        let note = html! { "the first " (ALERTS_SHOWN) };
        card = card.note(note).link("All alerts", &format!("/monitoring/groups/{}/alerts", view.detail.group.id));
    } else {
        card = card.count(all.len());
    }
    html! { (card.flush(html! { (table) })) }
}

pub(super) fn member_columns() -> [Column; 5] {
    [
        Column::new("State"),
        Column::new("Check").main(),
        Column::new("Asset"),
        Column::new("Joined"),
        Column::new("Cleared").wide(),
    ]
}

pub(super) fn member(clock: &Clock, names: &Names, alert: &Member) -> Row {
    let (tone, word) = if alert.cleared_at.is_some() { (Tone::Ok, "Cleared") } else { (Tone::Critical, "Out") };
    let cleared = alert.cleared_at.map_or_else(|| web::ui::nobody("Not yet"), |at| ago(clock, at));
    Row::new(alert.name.clone())
        .href(format!("/monitoring/checks/{}", alert.check))
        .cell(status(tone, word))
        .main()
        .cell(names.asset(alert.asset))
        .cell(ago(clock, alert.joined_at))
        .cell(cleared)
}

/// What happened, the newest in view and the rest to be opened.
fn happened(view: &View) -> Markup {
    let entries = entries(view);
    let (first, rest) = entries.split_at(entries.len().min(ENTRIES_SHOWN));
    html! {
        (Card::new("What happened").body(html! {
            (timeline(first))
            @if !rest.is_empty() { details { summary { (rest.len()) " earlier" } (timeline(rest)) } }
        }))
    }
}

fn entries(view: &View) -> Vec<Entry> {
    let entry = |event: &StoredEvent| Entry {
        tone: Tone::parse(&event.mark).unwrap_or_default(),
        title: view.clock.plain(&event.title),
        href: None,
        detail: Some(html! { (web::ui::actor(&event.actor, &event.actor_name)) }),
        body: None,
        at: view.clock.when(event.at.timestamp()),
    };
    view.events.iter().map(entry).collect()
}

fn side(view: &View) -> Markup {
    let group = &view.detail.group;
    let (tone, word) = severity(group.severity);
    let mut facts = Facts::new()
        .row("Severity", status(tone, word))
        .row("Team", view.names.team(group.team))
        .text("Alerts out", &group.open_alerts.to_string())
        .row("Opened", ago(&view.clock, group.opened_at));
    if let Some(at) = group.reopened_at {
        let times = if group.reopened > 1 { format!(", {} times by now", group.reopened) } else { String::new() };
        facts = facts.row("Back", html! { (ago(&view.clock, at)) (times) });
    }
    if let (Some(by), Some(at)) = (&group.acknowledged_by, group.acknowledged_at) {
        facts = facts.row("On it", html! { (web::ui::person(by, None)) " " (ago(&view.clock, at)) });
    }
    if let Some(at) = group.ended_at {
        facts = facts
            .row("Ended", ago(&view.clock, at))
            .text("Lasted", &web::ui::duration(at.since(group.open_since()) / kernel::time::SECOND));
    }
    if let Some(into) = group.merged_into {
        facts = facts.row("Follows from", html! { a href={ "/monitoring/groups/" (into) } { "Alert group " (into) } });
    }
    if group.silenced {
        facts = facts.text("Told", "Nobody: a silence covers it");
    }
    html! {
        (Card::new("At a glance").tight(html! { (facts) }))
        (view.side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Before;
    use crate::pages::HOSTILE;

    fn drawn(group: Group, alerts: Vec<Member>) -> String {
        let earlier = crate::group::similar::Earlier {
            group: 5,
            title: group.title.clone(),
            opened_at: kernel::Time(0),
            lasted_s: 60,
            fixed_by: Some(group.title.clone()),
            run: None,
            runbook: Some(kernel::Ref::new("runbook", 6)),
            machine: Some(kernel::Ref::new("asset", 12)),
        };
        let view = View {
            clock: Clock::utc_us(1_772_438_400_000_000),
            detail: GroupDetail { group, alerts, similar: vec![earlier] },
            events: vec![],
            names: Names::default(),
            affected: None,
            may_acknowledge: true,
            may_run: true,
            reader: "Ada".into(),
            csrf: "token".into(),
            figure: html! {},
            main: html! {},
            side: html! {},
        };
        draw(&view).into_string()
    }

    fn alert(name: &str) -> Member {
        Member {
            check: 3,
            asset: Some(417),
            name: name.into(),
            joined_at: kernel::Time(0),
            cleared_at: None,
            labels: Default::default(),
        }
    }

    #[test]
    fn a_group_draws_open_ended_and_hostile() {
        let open = drawn(Group::sample("Web fails"), vec![alert("Web")]);
        assert!(
            open.contains("Run it again")
                && open.contains("name=\"runbook\" value=\"6\"")
                && open.contains("alert_group:")
        );
        assert!(open.contains("Acknowledge") && open.contains("Nothing is known to have changed"));
        let mut ended = Group::sample("Web fails");
        ended.state = GroupState::Recovered;
        ended.proven = true;
        ended.ended_at = Some(kernel::Time(1_772_438_400_000_000));
        ended.recovery = vec!["1 process nginx runs".into()];
        let ended = drawn(ended, vec![alert("Web"); 200]);
        assert!(
            !ended.contains("Run it again")
                && !ended.contains("Acknowledge<")
                && ended.contains("What proves the recovery")
        );
        let mut hostile = Group::sample(HOSTILE);
        let suspect = crate::group::judgement::Suspect {
            what: HOSTILE.into(),
            reasons_for: vec![HOSTILE.into()],
            ..crate::group::judgement::Suspect::default()
        };
        hostile.judgement.candidates = vec![suspect];
        hostile.judgement.undetermined = Some(HOSTILE.into());
        hostile.judgement.again = vec![HOSTILE.into()];
        hostile.evidence = vec![HOSTILE.into()];
        hostile.changed_before = vec![Before { at: kernel::Time(0), title: HOSTILE.into() }];
        hostile.acknowledged_by = Some(HOSTILE.into());
        hostile.acknowledged_at = Some(kernel::Time(0));
        assert!(!drawn(hostile, vec![alert(HOSTILE)]).contains("<script>alert"));
    }
}
