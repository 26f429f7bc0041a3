//! Escalations begin: for a group, and for alerts of it that are told for themselves.

use kernel::time::SECOND;
use kernel::{Cx, LiveList, Result};

use super::own::{self, Call};
use super::{Page, PageState, Told, reopened, run, store};
use crate::policy;

/// Begins what is not at work yet. When all was over and is back, those who were told of it before hear so first.
pub(super) fn begin_all(cx: &mut Cx, group: &Told) -> Result<()> {
    let pages = store::of_group(cx.tx, group.group)?;
    let anew = group.again_at.is_some() && pages.iter().all(|page| page.state == PageState::Ended);
    let round = pages.iter().map(|page| page.round).max().unwrap_or(0) + 1;
    let mut begun = Vec::new();
    for call in own::calls(cx, group)? {
        let known = pages.iter().find(|page| call.is(page));
        begun.extend(begin(cx, group, &call, known, if anew { round } else { 1 })?);
    }
    // Who is told of the group at this moment reads there of the alerts in it.
    begun.sort_by_key(|page| !page.own.is_empty());
    if anew {
        reopened::again(cx, group, &mut begun)?;
    }
    cx.touch(LiveList::Messages.reference());
    begun.iter().try_for_each(|page| run::run(cx, page.id))
}

/// Begins an escalation. One that ended begins anew, one that a mute time holds back begins when another route without one leads
/// to it, and one for an alert begins anew for another that is critical; any other goes on as it is.
fn begin(cx: &mut Cx, group: &Told, call: &Call, known: Option<&Page>, round: i64) -> Result<Option<Page>> {
    let chosen = &call.chosen;
    let policy = policy::load(cx, chosen.policy)?;
    let wait = policy.steps.first().map_or(0, |step| step.after_s) * SECOND;
    let (state, due_at) = match (chosen.muted, chosen.muted_until) {
        (false, _) => (PageState::Active, Some(cx.now.plus(wait))),
        (true, until) => (PageState::Muted, until),
    };
    let mut page = Page {
        group: group.group,
        policy: chosen.policy,
        route: chosen.route.clone(),
        state,
        step: 1,
        round,
        first_round: round,
        due_at,
        wait_us: due_at.map_or(0, |due| due.since(cx.now)),
        severity: call.severity.clone(),
        opened_at: cx.now,
        team: call.team,
        place: call.place,
        own: call.own.clone(),
        own_team: call.own_team,
        check: call.check,
        ..Page::default()
    };
    let Some(known) = known else {
        page.id = store::insert(cx.tx, &page)?.unwrap_or_default();
        return Ok((page.id != 0).then_some(page));
    };
    let Some(line) = call.changes(known) else { return Ok(None) };
    let next = known.round + i64::from(known.state != PageState::Muted);
    (page.id, page.told, page.round) = (known.id, known.told, round.max(next));
    page.first_round = page.round;
    // That of an alert begins with the alert; that of the group with the group.
    if page.own.is_empty() {
        page.opened_at = known.opened_at;
    }
    run::noted(cx, &page, 0, line.to_owned(), &[])?;
    store::save(cx.tx, &page)?;
    Ok(Some(page))
}
