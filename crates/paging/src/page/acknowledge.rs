//! Somebody is on it. Whoever takes a group on, there or by a link, takes on every escalation of it that had begun by then; once
//! somebody is on the group, the link of an alert that is told for itself takes on that alert alone.

use kernel::time::{MINUTE, SECOND};
use kernel::{Access, Cx, Effect, Error, ErrorKind, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Page, PageState, Told, group_ref, own, run, seen, store};
use crate::message::{self, Said};
use crate::policy;

/// Say that you are on what you were told of: nobody else is called for it. When somebody is on the alert group already, you take
/// on the alert of it that the escalation is for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct AcknowledgePage {
    /// The escalation.
    pub id: i64,
}

impl Operation for AcknowledgePage {
    const NAME: &'static str = "paging.page.acknowledge";
    const ROUTE: Route = post("/paging/pages/{id}/acknowledge");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Page;

    fn run(&self, cx: &mut Cx) -> Result<Page> {
        cx.reach(Self::NAME)?;
        let missing = || Error::not_found(format!("The page {}", self.id));
        let page = store::get(cx.tx, self.id)?.ok_or_else(missing)?;
        // Who may acknowledge the group is monitoring's to say; what they may not see does not exist.
        let by_link = cx.actor.ident == kernel::Ident::Service("paging.link".into());
        if cx.may("monitor.group.list") && !by_link {
            seen(cx, page.group).map_err(|_| missing())?;
        }
        let asked = cx.kernel.registry().operation(GROUP).is_some();
        // Somebody was quicker: nothing is left to do, of the group neither.
        if page.is_taken() {
            return if asked { cx.reach(GROUP).map(|_| page) } else { Ok(page) };
        }
        let known = store::group(cx.tx, page.group)?;
        let mut theirs = known.as_ref().is_some_and(|known| !known.acknowledged_by.is_empty());
        if asked {
            // Its steps began anew after somebody took the group on: whoever says so now is on it instead.
            let input = serde_json::json!({ "id": page.group, "take_over": theirs && page.own.is_empty() });
            match cx.call_named(GROUP, input) {
                Ok(_) => {}
                // Somebody was quicker, of which it is not known here yet; nobody needs to be told so as a failure.
                Err(error) if error.kind == ErrorKind::Conflict => theirs = true,
                Err(error) => return Err(error),
            }
        }
        let by = cx.actor.name.clone();
        match known {
            Some(known) if theirs && !page.own.is_empty() => {
                if page.calls() {
                    let now = cx.now;
                    let with_it = own::read_with(cx, &page)?;
                    for page in std::iter::once(page).chain(with_it) {
                        take_on(cx, &known, page, &by, now)?;
                    }
                }
            }
            _ => acknowledged(cx, page.group, &by, cx.now)?,
        }
        store::get(cx.tx, self.id)?.ok_or_else(missing)
    }
}

/// The operation of monitoring by which a group is taken on.
const GROUP: &str = "monitor.group.acknowledge";

/// Somebody is on a group since a moment: every escalation of it that had begun by then waits, for ever or for as long as its
/// policy says. One for an alert that joined later goes on, and so do the clocks of those that wait already.
pub(super) fn acknowledged(cx: &mut Cx, group: i64, by: &str, at: Time) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, group)? else { return Ok(()) };
    if known.ended_at.is_some() {
        return Ok(());
    }
    on_it(cx, &mut known, by, at)?;
    // What seems to begin later than now began before the clock was set back.
    let now = cx.now;
    let begun = |page: &Page| page.own.is_empty() || page.opened_at <= at || page.opened_at > now;
    let since = known.acknowledged_at.unwrap_or(at);
    for page in store::of_group(cx.tx, group)?.into_iter().filter(|page| page.calls() && begun(page)) {
        take_on(cx, &known, page, by, since)?;
    }
    // With nobody called any more, what names other alerts has nobody to reach either.
    if !store::of_group(cx.tx, group)?.iter().any(Page::calls) {
        message::store::stop(cx.tx, group)?;
    }
    cx.touch(group_ref(group));
    Ok(())
}

/// Keeps who is on a group; the group's own escalations are theirs, too.
fn on_it(cx: &mut Cx, known: &mut Told, by: &str, at: Time) -> Result<()> {
    if known.acknowledged_by == by {
        return Ok(());
    }
    known.acknowledged_by = by.to_owned();
    known.acknowledged_at = Some(at);
    store::put_group(cx.tx, known)?;
    let theirs = |page: &Page| page.is_taken() && page.own.is_empty();
    for page in store::of_group(cx.tx, known.group)?.into_iter().filter(theirs) {
        let (severity, acknowledged_at) = (known.facts.severity.clone(), known.acknowledged_at);
        store::save(cx.tx, &Page { acknowledged_by: by.to_owned(), acknowledged_at, severity, ..page })?;
    }
    Ok(())
}

/// An escalation was taken on with the group, at that moment; of what was taken on earlier than moments are kept the name decides.
fn with_group(page: &Page, by: &str, since: Option<Time>) -> bool {
    page.acknowledged_by == by && (page.acknowledged_at.is_none() || page.acknowledged_at == since)
}

/// A takeover was undone: who was on the group before is again, and nobody is on the alerts that were taken on with it.
pub(super) fn handed_back(cx: &mut Cx, group: i64, by: &str, at: Time) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, group)? else { return Ok(()) };
    if known.ended_at.is_some() {
        return Ok(());
    }
    let (was, since) = (known.acknowledged_by.clone(), known.acknowledged_at);
    on_it(cx, &mut known, by, at)?;
    let left = |page: &Page| !page.own.is_empty() && with_group(page, &was, since);
    begin_anew(cx, &known, &was, left)?;
    cx.touch(group_ref(group));
    Ok(())
}

/// Somebody is on what an escalation is for, since a moment: its steps wait, and what has not left yet of it does not leave. What
/// a mute time holds back goes on being held back, whoever is on it.
fn take_on(cx: &mut Cx, known: &Told, mut page: Page, by: &str, at: Time) -> Result<()> {
    message::store::stop_page(cx.tx, page.group, page.id)?;
    page.acknowledged_by = by.to_owned();
    page.acknowledged_at = Some(at);
    page.as_severe_as(known);
    if page.state != PageState::Muted {
        let again_after_s = policy::load(cx, page.policy)?.again_after_s;
        page.state = PageState::Acknowledged;
        page.wait_us = again_after_s * SECOND;
        page.due_at = (again_after_s > 0).then(|| cx.now.plus(page.wait_us));
    }
    let line = match page.own.is_empty() || known.acknowledged_by == by {
        true => format!("{by} acknowledged it; nobody else is called."),
        false => format!("{by} acknowledged \"{}\"; nobody else is called for it.", page.own),
    };
    let said = Said { page: page.id, round: page.round, ..run::about(known) };
    super::note(cx, &said, &line, &[])?;
    store::save(cx.tx, &page)?;
    cx.touch(group_ref(page.group));
    Ok(())
}

/// Nobody is on a group any more; who took on an alert of it for itself still is.
pub(super) fn unacknowledged(cx: &mut Cx, group: i64, by: &str) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, group)? else { return Ok(()) };
    let was = std::mem::take(&mut known.acknowledged_by);
    let since = known.acknowledged_at.take();
    store::put_group(cx.tx, &known)?;
    let with = |page: &Page| page.own.is_empty() || page.acknowledged_by.is_empty() || with_group(page, &was, since);
    begin_anew(cx, &known, by, with)
}

/// The steps of escalations that somebody is no longer on go on in a minute.
fn begin_anew(cx: &mut Cx, known: &Told, by: &str, of: impl Fn(&Page) -> bool) -> Result<()> {
    let waits = |page: &Page| page.is_taken() && of(page);
    for mut page in store::of_group(cx.tx, known.group)?.into_iter().filter(waits) {
        page.acknowledged_by = String::new();
        page.acknowledged_at = None;
        page.as_severe_as(known);
        let mut next = "the mute time holds it back";
        if page.state != PageState::Muted {
            page.state = PageState::Active;
            page.wait_us = MINUTE;
            page.due_at = Some(cx.now.plus(page.wait_us));
            next = "the steps go on in a minute";
        }
        let said = Said { page: page.id, round: page.round, ..run::about(known) };
        super::note(cx, &said, &format!("{by} is no longer on it; {next}."), &[])?;
        store::save(cx.tx, &page)?;
    }
    Ok(())
}
