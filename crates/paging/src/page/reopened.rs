//! An alert group is back shortly after it was over: the steps begin anew, and exactly those who were told of it hear so first.

use std::collections::BTreeSet;

use kernel::{Cx, Result, Time};

use super::reactions::{GroupOpened, about_group, tell};
use super::{Page, PageState, Told, run, store};
use crate::channel::contact::When;
use crate::message::{self, Recipient};
use crate::policy;

/// Takes over that a group is back; one that nobody was told of so far is told like a new one.
pub(super) fn reopened(cx: &mut Cx, event: &GroupOpened) -> Result<()> {
    let Some(mut known) = store::group(cx.tx, event.group.id)? else {
        return super::reactions::opened(cx, event);
    };
    if known.ended_at.is_none() {
        return Ok(());
    }
    // What a silence kept from people was never over for them, so it is not back either.
    if !known.silenced || known.again_at.is_some() {
        known.again_at = Some(cx.now);
    }
    known.ended_at = None;
    known.acknowledged_by = String::new();
    known.acknowledged_at = None;
    // What is told for itself is said anew.
    known.own.clear();
    message::store::stop_recoveries(cx.tx, known.group)?;
    about_group(cx, event, &mut known)?;
    tell(cx, &mut known, event)
}

/// Whom escalations for alerts tell at this moment, and that of the group does not.
fn told_by_own(cx: &mut Cx, begun: &[Page]) -> Result<BTreeSet<String>> {
    let (mut own, mut whole) = (BTreeSet::new(), BTreeSet::new());
    let now = cx.now;
    let at_once = |page: &&Page| page.state == PageState::Active && page.due_at.is_some_and(|due| due <= now);
    for page in begun.iter().filter(at_once) {
        let policy = policy::load(cx, page.policy)?;
        let Some(step) = policy.steps.first() else { continue };
        let found = run::resolve(cx, step, page.team, When { severity: &page.severity, at: now })?;
        let keys = if page.own.is_empty() { &mut whole } else { &mut own };
        keys.extend(found.recipients.iter().map(Recipient::key));
    }
    Ok(&own - &whole)
}

/// Whoever was told that the group was open, and then that it was over, is told that it is back; who is told so of an alert of
/// it at this moment is not told twice.
pub(super) fn again(cx: &mut Cx, group: &Told, begun: &mut [Page]) -> Result<()> {
    let all = store::under(cx.tx, group.group)?;
    let mut told = message::store::told(cx.tx, &all)?;
    store::told_before(cx.tx, group.group)?;
    let own = told_by_own(cx, begun)?;
    told.retain(|to| !own.contains(&to.key()));
    let whole = |page: &&mut Page| page.state == PageState::Active && page.own.is_empty();
    let Some(page) = begun.iter_mut().find(whole) else { return Ok(()) };
    let said = run::said(page, group, cx.now);
    let mut names = Vec::new();
    for to in &told {
        if message::queue(cx, &said, to, &run::key(page, to))? {
            names.push(to.label.clone());
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    page.told += i64::try_from(names.len()).unwrap_or(0);
    let users: Vec<i64> = told.iter().map(|to| to.user).filter(|user| *user != 0).collect();
    let line = format!("It is back. Told, as they were told before: {}.", names.join(", "));
    run::noted(cx, page, page.step, line, &users)?;
    run::step_taken(cx, page, names)?;
    store::save(cx.tx, page)
}

/// To the minute: seconds say nothing to a reader.
pub(super) fn moment(at: Time) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_moment_is_written_to_the_minute() {
        assert_eq!(super::moment(kernel::world::START), "2026-03-02 08:00 UTC");
    }
}
