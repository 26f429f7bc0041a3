//! What paging does when monitoring tells something: routes what opened, stops what is acknowledged, tells the end of what was
//! told. One subscriber takes all of it, in order; only the database changes, so each event counts exactly once.

use std::collections::BTreeMap;

use assets::Brief;
use kernel::{Cx, LiveList, Reaction, Ref, Result, StoredEvent};
use serde::Deserialize;
use serde_json::Value;

use super::acknowledge::{acknowledged, handed_back, unacknowledged};
use super::begin::begin_all;
use super::reopened::reopened;
use super::{Page, Told, own, recovery_key, run, store};
use crate::channel::payload::What;
use crate::message::{self, Said};
use crate::route::{self, Facts};

/// The name of the reaction, by which it is known how far it is.
pub(crate) const NAME: &str = "paging.alerts";
/// Lines of one kind in a message.
const LINES_MAX: usize = 12;

pub(crate) fn follow() -> Reaction {
    Reaction {
        name: NAME,
        events: &[
            "monitor.group.opened",
            "monitor.group.changed",
            "monitor.group.recovered",
            "monitor.group.reopened",
            "monitor.group.merged",
        ],
        grants: &[],
        run: react,
    }
}

fn react(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    match event.name.as_str() {
        "monitor.group.opened" => opened(cx, &event.fields()?),
        "monitor.group.changed" => changed(cx, &event.fields()?, event),
        "monitor.group.recovered" => recovered(cx, &event.fields()?),
        "monitor.group.reopened" => reopened(cx, &event.fields()?),
        _ => merged(cx, &event.fields()?),
    }
}

/// That a group opened, or is open again.
#[derive(Deserialize)]
pub(super) struct GroupOpened {
    pub(super) group: Ref,
    #[serde(default)]
    asset: Option<Ref>,
    #[serde(default)]
    team: Option<i64>,
    #[serde(default)]
    place: Value,
    #[serde(default)]
    labels: Value,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    changed_before: Vec<Before>,
    #[serde(default)]
    own: Vec<own::Alert>,
    #[serde(default)]
    silenced: bool,
}

#[derive(Deserialize)]
struct Before {
    #[serde(default)]
    title: String,
}

/// Labels as an object of texts; anything else in it is written as JSON.
pub(super) fn labels(value: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse::<Ref>().ok().map(|reference| reference.id))
}

/// What is routed: a group, or one of its alerts.
pub(super) struct Subject<'a> {
    pub(super) asset: Option<&'a Ref>,
    pub(super) team: Option<i64>,
    pub(super) place: &'a Value,
    pub(super) labels: &'a Value,
    pub(super) severity: &'a str,
    pub(super) title: &'a str,
}

/// The asset it is about, if it is about one.
pub(super) fn asset_of(subject: &Subject<'_>) -> Option<i64> {
    subject.asset.filter(|asset| asset.kind == "asset").map(|asset| asset.id)
}

/// What is known when it is routed. What the alert's labels do not say, the asset does.
pub(super) fn facts(subject: &Subject<'_>, brief: Option<&Brief>) -> Facts {
    let mut facts = Facts {
        labels: labels(subject.labels),
        severity: subject.severity.to_owned(),
        team: subject.team.or(brief.and_then(|one| one.team)),
        place: number(subject.place).or(brief.and_then(|one| one.place)),
        kind: brief.map(|one| one.kind.clone()).unwrap_or_default(),
        asset: asset_of(subject),
    };
    let mut known = vec![("severity", subject.severity.to_owned()), ("alertname", subject.title.to_owned())];
    if let Some(brief) = brief {
        known.extend([("asset", brief.name.clone()), ("kind", brief.kind.clone())]);
    }
    for (name, value) in known {
        facts.labels.entry(name.to_owned()).or_insert(value);
    }
    facts
}

fn severity_line(severity: &str) -> String {
    format!("Severity: {severity}")
}

fn lines(event: &GroupOpened, severity: &str) -> Vec<String> {
    let mut all = vec![severity_line(severity)];
    all.extend(event.evidence.iter().rev().take(LINES_MAX).rev().cloned());
    if !event.changed_before.is_empty() {
        all.push("What changed just before:".into());
        all.extend(event.changed_before.iter().rev().take(LINES_MAX).rev().map(|one| format!("- {}", one.title)));
    }
    all
}

pub(super) fn opened(cx: &mut Cx, event: &GroupOpened) -> Result<()> {
    let known = store::group(cx.tx, event.group.id)?;
    let mut group = known.unwrap_or_else(|| Told {
        group: event.group.id,
        root: event.group.id,
        opened_at: cx.now,
        ..Told::default()
    });
    if group.ended_at.is_some() {
        return Ok(());
    }
    if group.silenced && !event.silenced {
        own::route_anew(&mut group);
    }
    about_group(cx, event, &mut group)?;
    tell(cx, &mut group, event)
}

/// Takes over what an event says of a group.
pub(super) fn about_group(cx: &mut Cx, event: &GroupOpened, group: &mut Told) -> Result<()> {
    let subject = Subject {
        asset: event.asset.as_ref(),
        team: event.team,
        place: &event.place,
        labels: &event.labels,
        severity: &event.severity,
        title: &event.title,
    };
    let asset = asset_of(&subject);
    let brief = assets::brief(cx.tx, asset.as_slice())?.into_values().next();
    let facts = facts(&subject, brief.as_ref());
    group.title = kernel::text::shorten(&event.title, 200);
    group.lines = lines(event, &facts.severity);
    group.facts = facts;
    group.silenced = event.silenced;
    Ok(())
}

/// Keeps a group, and unless it is silenced routes it and begins its steps.
pub(super) fn tell(cx: &mut Cx, group: &mut Told, event: &GroupOpened) -> Result<()> {
    if !group.silenced {
        group.trace = route::load(cx)?.decide(&group.facts, cx.now);
    }
    own::keep(cx, group, &event.own, false)?;
    store::put_group(cx.tx, group)?;
    if group.silenced { Ok(()) } else { begin_all(cx, group) }
}

#[derive(Deserialize)]
struct GroupChanged {
    group: Ref,
    #[serde(default)]
    change: String,
    #[serde(default)]
    severity: String,
    /// How much what joined matters that is not told for itself; earlier versions did not say.
    #[serde(default)]
    rest: Option<String>,
    #[serde(default)]
    by: String,
    #[serde(default)]
    own: Vec<own::Alert>,
}

fn changed(cx: &mut Cx, event: &GroupChanged, stored: &StoredEvent) -> Result<()> {
    match event.change.as_str() {
        "acknowledged" => {
            let by = if event.by.is_empty() { &stored.actor_name } else { &event.by };
            acknowledged(cx, event.group.id, by, stored.at)
        }
        "handed_back" => handed_back(cx, event.group.id, &event.by, stored.at),
        "unacknowledged" => unacknowledged(cx, event.group.id, &stored.actor_name),
        _ => joined(cx, event),
    }
}

/// Alerts joined. Those that are told for themselves reach whom they lead to, also when somebody is on the group already; for
/// those that are not, the group matters more than before.
fn joined(cx: &mut Cx, event: &GroupChanged) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, event.group.id)? else { return Ok(()) };
    if known.ended_at.is_some() {
        return Ok(());
    }
    let worse = event.rest.as_ref().unwrap_or(&event.severity) == "critical" && worse(cx, &mut known)?;
    let new = own::keep(cx, &mut known, &event.own, worse)?;
    if new {
        store::put_group(cx.tx, &known)?;
    }
    if worse {
        return begin_all(cx, &known);
    }
    if !new || known.silenced {
        return Ok(());
    }
    let pages = store::of_group(cx.tx, known.group)?;
    let more = |call: &own::Call| match pages.iter().find(|page| call.is(page)) {
        Some(page) => call.changes(page).is_some(),
        None => true,
    };
    if own::calls(cx, &known)?.iter().any(more) { begin_all(cx, &known) } else { Ok(()) }
}

/// It matters more than when it was routed: routes for what is critical take it now as well. Answers whether that may tell
/// people.
fn worse(cx: &mut Cx, known: &mut Told) -> Result<bool> {
    if known.facts.severity == "critical" {
        return Ok(false);
    }
    let before = severity_line(&known.facts.severity);
    if let Some(line) = known.lines.iter_mut().find(|line| **line == before) {
        *line = severity_line("critical");
    }
    let mut named = known.facts.labels.get("severity").cloned().unwrap_or_default();
    if named == known.facts.severity {
        named = "critical".into();
    }
    known.facts.severity = "critical".into();
    known.facts.labels.insert("severity".into(), named);
    // Whoever took it on is on it, until the steps begin anew.
    let calls = |page: &Page| page.own.is_empty() && page.calls();
    let taken = !known.acknowledged_by.is_empty() && !store::of_group(cx.tx, known.group)?.iter().any(calls);
    let calm = known.silenced || taken;
    if !calm {
        known.trace = route::load(cx)?.decide(&known.facts, cx.now);
    }
    store::put_group(cx.tx, known)?;
    Ok(!calm)
}

#[derive(Deserialize)]
struct GroupRecovered {
    group: Ref,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    lasted_s: i64,
    #[serde(default)]
    proven: bool,
}

/// It is over: exactly those who were told of it, or of what was merged into it, hear so.
fn recovered(cx: &mut Cx, event: &GroupRecovered) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, event.group.id)? else { return Ok(()) };
    known.ended_at = Some(cx.now);
    store::put_group(cx.tx, &known)?;
    let all = store::under(cx.tx, known.group)?;
    for group in &all {
        message::store::stop(cx.tx, *group)?;
        for page in store::of_group(cx.tx, *group)? {
            run::end(cx, page, "It recovered.")?;
        }
    }
    let word = if event.proven { "Recovered" } else { "Ended without proof" };
    let mut lines = vec![format!("It lasted {}.", web::ui::duration(event.lasted_s))];
    lines.extend(own::named(&known));
    lines.extend(event.evidence.iter().take(LINES_MAX).cloned());
    let subject = format!("{word}: {}", known.title);
    let said = Said { what: What::Recovery, subject, lines, ..run::about(&known) };
    // Who was told that it is over, and not that it was back, knows.
    let told = if known.silenced { Vec::new() } else { message::store::told(cx.tx, &all)? };
    for to in told {
        message::queue(cx, &said, &to, &recovery_key(&known, &to))?;
    }
    cx.touch(LiveList::Messages.reference());
    Ok(())
}

#[derive(Deserialize)]
struct GroupMerged {
    group: Ref,
    into: Ref,
}

/// It turned out to follow from another: its steps end, and who was told of it hears when the other is over.
fn merged(cx: &mut Cx, event: &GroupMerged) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, event.group.id)? else { return Ok(()) };
    known.ended_at = Some(cx.now);
    store::put_group(cx.tx, &known)?;
    store::merge(cx.tx, event.group.id, event.into.id)?;
    message::store::stop(cx.tx, event.group.id)?;
    for page in store::of_group(cx.tx, event.group.id)? {
        run::end(cx, page, &format!("It went into the alert group {}.", event.into.id))?;
    }
    Ok(())
}
