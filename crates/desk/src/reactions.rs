//! What the desk does when alerts and runbooks tell something: an incident for a group of alerts, notes about what was
//! tried, and its end when the alert recovers. One subscriber takes all of it, so that it happens in order.

use kernel::{Cx, Reaction, Ref, Result, StoredEvent, Time};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::Alerts;
use crate::store::link::Link;
use crate::ticket::open::{Opened, insert};
use crate::ticket::resolve::{reopen_noted, resolve};
use crate::ticket::say::note;
use crate::ticket::{Kind, LinkKind, Priority, SUMMARY_CHARS_MAX, Source, Status, TEXT_CHARS_MAX, Ticket};
use crate::{needs, store};

/// Lines of one kind in a text.
const LINES_MAX: usize = 40;

/// The desk's only subscriber.
pub(crate) fn follow() -> Reaction {
    Reaction {
        name: "desk.alerts",
        events: &[
            "monitor.group.opened",
            "monitor.group.changed",
            "monitor.group.recovered",
            "monitor.group.reopened",
            "monitor.group.merged",
            "runbooks.run.started",
            "runbooks.run.finished",
            "runbooks.run.failed",
            "runbooks.run.stopped",
        ],
        grants: &["desk.*"],
        run,
    }
}

/// Only the database changes here, so each event counts exactly once.
fn run(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    match event.name.as_str() {
        "monitor.group.opened" => group_opened(cx, &event.fields()?),
        "monitor.group.reopened" => group_is_back(cx, &event.fields()?),
        "monitor.group.changed" => group_changed(cx, &event.fields()?),
        "monitor.group.recovered" => group_recovered(cx, &event.fields()?),
        "monitor.group.merged" => group_merged(cx, &event.fields()?),
        name => run_told(cx, name, &event.fields()?),
    }
}

#[derive(Deserialize)]
struct GroupOpened {
    group: Ref,
    #[serde(default)]
    asset: Option<Ref>,
    #[serde(default)]
    team: Option<i64>,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    changed_before: Vec<Before>,
    #[serde(default)]
    silenced: bool,
    /// A silence over it ended.
    #[serde(default)]
    again: bool,
    /// How long it was over, when it is back.
    #[serde(default)]
    over_s: i64,
}

#[derive(Deserialize)]
struct Before {
    #[serde(default)]
    at: Value,
    #[serde(default)]
    title: String,
}

fn key(group: &Ref) -> String {
    group.to_string()
}

/// A group of alerts is an incident, unless it is silenced. The group's reference is the ticket's external key: one incident a group.
fn group_opened(cx: &mut Cx, group: &GroupOpened) -> Result<()> {
    match (group.silenced, group.again) {
        (true, _) => Ok(()),
        // It may have been over and back while a silence kept it from people.
        (false, true) => group_is_back(cx, group),
        (false, false) => open_incident(cx, group, None),
    }
}

/// What was over is back: its incident is taken up again. One that was closed for good stays so, and a new one points at it.
fn group_is_back(cx: &mut Cx, group: &GroupOpened) -> Result<()> {
    if group.silenced {
        return Ok(());
    }
    let Some(ticket) = of_cause(cx, &group.group)? else { return open_incident(cx, group, None) };
    let after =
        if group.over_s > 0 { format!(", {} after it was over", duration(group.over_s)) } else { String::new() };
    let text = format!("The alert is back{after}.\n\n{}", what_is_known(group));
    let text = kernel::text::shorten(text.trim(), TEXT_CHARS_MAX - 1);
    match ticket.status {
        Status::Closed => {
            store::ticket::give_key_up(cx.tx, ticket.id)?;
            open_incident(cx, group, Some(ticket.id))
        }
        Status::Resolved => reopen_noted(cx, &ticket, &text).map(|_| ()),
        _ if group.again => Ok(()),
        _ => note(cx, &ticket, &text).map(|_| ()),
    }
}

/// Opens the incident of a group; `earlier` is one of the same group that was closed.
fn open_incident(cx: &mut Cx, group: &GroupOpened, earlier: Option<i64>) -> Result<()> {
    let brief = match group.asset.as_ref().filter(|asset| asset.kind == "asset") {
        Some(asset) => assets::brief(cx.tx, &[asset.id])?.remove(&asset.id),
        None => None,
    };
    let team = match group.team.or(brief.as_ref().and_then(|brief| brief.team)) {
        Some(team) => team,
        None => people::default_team(cx.tx)?.unwrap_or(0),
    };
    let summary: String = group.title.chars().filter(|c| !c.is_control()).take(SUMMARY_CHARS_MAX).collect();
    let ticket = Ticket {
        id: 0,
        kind: Kind::Incident,
        status: Status::New,
        priority: if group.severity == "critical" { Priority::Urgent } else { Priority::Normal },
        summary: if summary.trim().is_empty() { format!("Alert group {}", group.group.id) } else { summary },
        detail: what_is_known(group),
        team,
        place: brief.and_then(|brief| brief.place).unwrap_or(0),
        requester: 0,
        owner: 0,
        source: Source::Alert,
        external_key: Some(key(&group.group)),
        handled: false,
        wait_reason: String::new(),
        wait_until: Time(0),
        version: 1,
        created_at: cx.now,
        updated_at: cx.now,
        resolved_at: Time(0),
    };
    let about = group.asset.iter().map(|asset| Link { to: asset.clone(), kind: LinkKind::About });
    let cause = Link { to: group.group.clone(), kind: LinkKind::CausedBy };
    let earlier = earlier.map(|id| Link { to: crate::ticket::subject(id), kind: LinkKind::Related });
    let links: Vec<Link> = about.chain(std::iter::once(cause)).chain(earlier).collect();
    // A ticket that has the key from elsewhere must not stand for the incident.
    store::ticket::reclaim_key(cx.tx, &key(&group.group), Source::Alert)?;
    match insert(cx, ticket, &links, &[])? {
        Opened::New(_) | Opened::Known(_) => Ok(()),
    }
}

fn what_is_known(group: &GroupOpened) -> String {
    let mut text = lines("Evidence", &group.evidence);
    let before: Vec<String> = group.changed_before.iter().map(told_before).collect();
    if before.is_empty() {
        text.push_str("What changed just before\n- Nothing that Mainstay knows of.\n");
    } else {
        text.push_str(&lines("What changed just before", &before));
    }
    kernel::text::shorten(text.trim(), TEXT_CHARS_MAX - 1)
}

/// When, and what. A page shows the moment in the zone of its reader.
fn told_before(one: &Before) -> String {
    match moment(&one.at) {
        Some(at) => format!("{}: {}", at.timestamp().strftime("%F %H:%M:%S UTC"), one.title),
        None => one.title.clone(),
    }
}

fn moment(at: &Value) -> Option<Time> {
    match at {
        Value::String(text) => Time::parse(text).ok(),
        Value::Number(micros) => micros.as_i64().map(Time),
        _ => None,
    }
}

/// A heading and its lines; nothing when there are none.
fn lines(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{heading}\n");
    for line in lines.iter().take(LINES_MAX) {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1_000).collect();
        text.push_str("- ");
        text.push_str(line.trim());
        text.push('\n');
    }
    if lines.len() > LINES_MAX {
        text.push_str(&format!("- and {} more\n", lines.len() - LINES_MAX));
    }
    text.push('\n');
    text
}

#[derive(Deserialize)]
struct GroupChanged {
    group: Ref,
    #[serde(default)]
    change: String,
    #[serde(default)]
    detail: String,
}

/// Why an incident stays open although the alert seems gone, or for longer than it seems, is noted on it.
fn group_changed(cx: &mut Cx, changed: &GroupChanged) -> Result<()> {
    let first = match changed.change.as_str() {
        "flapping" => "The alert comes and goes.",
        "steady" => "The alert no longer comes and goes, but stays.",
        "cause" => "What is likely the cause has changed.",
        _ => return Ok(()),
    };
    let Some(ticket) = of_cause(cx, &changed.group)?.filter(|ticket| ticket.status.is_open()) else { return Ok(()) };
    let text = format!("{first}\n\n{}", lines("Evidence", std::slice::from_ref(&changed.detail)));
    note(cx, &ticket, &kernel::text::shorten(text.trim(), TEXT_CHARS_MAX - 1)).map(|_| ())
}

#[derive(Deserialize)]
struct GroupRecovered {
    group: Ref,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    lasted_s: i64,
    #[serde(default = "yes")]
    proven: bool,
}

fn yes() -> bool {
    true
}

/// The incident is resolved when policy says so, the recovery is proven and nobody has taken it in hand; else it is noted.
fn group_recovered(cx: &mut Cx, recovered: &GroupRecovered) -> Result<()> {
    let Some(ticket) = of_cause(cx, &recovered.group)? else { return Ok(()) };
    let lasted = duration(recovered.lasted_s);
    let first = if recovered.proven { "The alert recovered" } else { "The alert ended without proof of recovery" };
    let text = format!("{first} after {lasted}.\n\n{}", lines("Evidence", &recovered.evidence));
    let text = kernel::text::shorten(text.trim(), TEXT_CHARS_MAX - 1);
    let free = ticket.status.is_open() && ticket.owner == 0 && !ticket.handled;
    if free && recovered.proven && cx.setting::<Alerts>()?.auto_resolve {
        resolve(cx, &ticket, &text).map(|_| ())
    } else {
        note(cx, &ticket, &text).map(|_| ())
    }
}

fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[derive(Deserialize)]
struct GroupMerged {
    group: Ref,
    into: Ref,
    #[serde(default)]
    detail: String,
}

/// The incident of a group that went into another says so, points at the other's incident, and is resolved when nobody has it in hand.
fn group_merged(cx: &mut Cx, merged: &GroupMerged) -> Result<()> {
    let Some(ticket) = of_cause(cx, &merged.group)? else { return Ok(()) };
    let survivor = of_cause(cx, &merged.into)?;
    let mut text = format!("The alert has another cause. {}", merged.detail.trim());
    if let Some(survivor) = &survivor {
        text.push_str(&format!("\nThe incident of that cause is ticket {}.", survivor.id));
        let link = Link { to: crate::ticket::subject(survivor.id), kind: LinkKind::Duplicate };
        attach(cx, ticket.id, &link)?;
    }
    let text = kernel::text::shorten(&text, TEXT_CHARS_MAX - 1);
    if ticket.status.is_open() && ticket.owner == 0 && !ticket.handled && survivor.is_some() {
        resolve(cx, &ticket, &text).map(|_| ())
    } else {
        note(cx, &ticket, &text).map(|_| ())
    }
}

#[derive(Deserialize)]
struct RunTold {
    run: Ref,
    #[serde(default)]
    cause: Option<Ref>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    tried: Vec<String>,
    #[serde(default)]
    evidence: Vec<String>,
}

/// What a runbook did stands on the ticket of its cause; a failure calls for a person.
fn run_told(cx: &mut Cx, name: &str, told: &RunTold) -> Result<()> {
    let Some(cause) = &told.cause else { return Ok(()) };
    let Some(ticket) = of_cause(cx, cause)? else { return Ok(()) };
    attach(cx, ticket.id, &Link { to: told.run.clone(), kind: LinkKind::Related })?;
    let what = match name {
        "runbooks.run.started" => "started",
        "runbooks.run.finished" => "finished",
        "runbooks.run.failed" => "failed",
        _ => "was stopped",
    };
    let mut text = format!("Runbook run {} {what}.", told.run.id);
    for more in [&told.title, &told.outcome] {
        if !more.trim().is_empty() {
            text.push(' ');
            text.push_str(more.trim());
        }
    }
    text.push_str("\n\n");
    text.push_str(&lines("What was tried", &told.tried));
    text.push_str(&lines("Evidence", &told.evidence));
    let text = kernel::text::shorten(text.trim(), TEXT_CHARS_MAX - 1);
    let after = note(cx, &ticket, &text)?;
    if name == "runbooks.run.failed" && after.status.is_open() {
        needs::runbook_failed(cx, &after, text.lines().next().unwrap_or_default())?;
    }
    Ok(())
}

/// The ticket of a cause: a group of alerts by its key, or a ticket itself.
fn of_cause(cx: &mut Cx, cause: &Ref) -> Result<Option<Ticket>> {
    let id = if cause.kind == "ticket" { Some(cause.id) } else { store::ticket::by_external_key(cx.tx, &key(cause))? };
    let everything = cx.reach("desk.ticket.list")?;
    match id {
        Some(id) => store::ticket::find(cx.tx, id, &everything),
        None => Ok(None),
    }
}

fn attach(cx: &mut Cx, ticket: i64, link: &Link) -> Result<()> {
    let by = cx.actor.ident.to_string();
    store::link::insert(cx.tx, ticket, link, &by, cx.now).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_evidence_and_what_changed_before_as_lists() {
        let group: GroupOpened = serde_json::from_value(serde_json::json!({
            "group": "alert_group:9", "title": "Web server down", "evidence": ["no process nginx", "port 80\nrefused"],
            "changed_before": [{"at": "2026-03-02T07:58:00Z", "title": "nginx upgraded"}, {"at": 1_772_438_400_000_000_i64, "title": "rebooted"}, {"title": "moved"}],
        }))
        .unwrap();
        let text = what_is_known(&group);
        assert_eq!(
            text,
            "Evidence\n- no process nginx\n- port 80 refused\n\nWhat changed just before\n- 2026-03-02 07:58:00 UTC: nginx upgraded\n- 2026-03-02 08:00:00 UTC: rebooted\n- moved"
        );
    }

    #[test]
    fn an_event_with_only_its_references_is_enough() {
        let group: GroupOpened = serde_json::from_value(serde_json::json!({"group": "alert_group:9"})).unwrap();
        assert!(what_is_known(&group).contains("Nothing that Mainstay knows of"));
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(3_725), "1 h 2 min");
    }
}
