//! The steps of an escalation: who is told, what is written down, when the next is due. Running what is not due changes nothing.

use kernel::attention::Attention;
use kernel::time::SECOND;
use kernel::{Actor, Cx, Handle, Mark, Result, Time};

use super::{Noted, Page, PageState, Told, group_ref, own, reopened, store};
use crate::channel::contact::When;
use crate::channel::events::StepTaken;
use crate::channel::payload::What;
use crate::message::{self, Said};
use crate::policy::{self, Policy, Step};
use crate::target::{self, Resolved};

/// How far the clock may go back before steps are computed anew, in microseconds.
const SLACK: i64 = 60 * SECOND;
/// A message that should have left so long ago has lost its job, in microseconds.
const STUCK: i64 = 120 * SECOND;
/// Which need it is on the list.
const NEED: &str = "paging";

/// Takes every step that is due, and wakes what stands still. Harmless at any time.
///
/// # Errors
/// The database fails.
pub fn tick(kernel: &Handle) -> Result<()> {
    let now = kernel.now();
    let (due, stuck) =
        kernel.db.read(|tx| Ok((store::due(tx, now, SLACK)?, message::store::stuck(tx, now.plus(-STUCK))?)))?;
    // One that fails must not keep the others from being told.
    let mut trouble = Ok(());
    for one in due {
        let done = kernel.write_as(Actor::service("paging", &[]), "paging.page.run", move |cx| run(cx, one.id));
        if let Err(error) = done {
            tracing::error!(page = one.id, error = error.message, "the steps of an escalation could not be taken");
            trouble = Err(error);
        }
    }
    if !stuck.is_empty() {
        kernel.write_as(Actor::service("paging", &[]), "paging.message.queue", move |cx| {
            stuck.iter().try_for_each(|lane| message::wake(cx, lane, cx.now))
        })?;
    }
    trouble?;
    kernel.beat("paging");
    Ok(())
}

/// What every message about an alert group says of it.
pub(crate) fn about(group: &Told) -> Said {
    Said {
        group: group.group,
        severity: group.facts.severity.clone(),
        team: group.facts.team,
        place: group.facts.place,
        ..Said::default()
    }
}

/// Takes the steps of an escalation that are due.
pub(crate) fn run(cx: &mut Cx, id: i64) -> Result<()> {
    let Some(mut page) = store::get(cx.tx, id)? else { return Ok(()) };
    let Some(due) = page.due_at else { return Ok(()) };
    if due > cx.now {
        // The clock went back: what was to come in ten minutes still comes in ten minutes.
        if due.since(cx.now) > page.wait_us + SLACK {
            page.due_at = Some(cx.now.plus(page.wait_us));
            return store::save(cx.tx, &page);
        }
        return Ok(());
    }
    let Some(group) = store::group(cx.tx, page.group)? else { return Ok(()) };
    if group.ended_at.is_some() || page.state == PageState::Ended {
        page.due_at = None;
        return store::save(cx.tx, &page);
    }
    let policy = policy::load(cx, page.policy)?;
    match page.state {
        PageState::Muted => {
            noted(cx, &page, 0, "The mute time is over, and it still lasts.".into(), &[])?;
            if page.is_taken() && rests(&mut page, &policy, cx.now) {
                return store::save(cx.tx, &page);
            }
        }
        PageState::Acknowledged => {
            let by = if page.acknowledged_by.is_empty() { &group.acknowledged_by } else { &page.acknowledged_by };
            // Whoever is told now can acknowledge it anew; who is on the group stays on it until then.
            noted(cx, &page, 0, format!("{by} acknowledged it, and it still lasts: the steps begin anew."), &[])?;
            page.round += 1;
            (page.step, page.first_round) = (1, page.round);
        }
        _ => {}
    }
    page.as_severe_as(&group);
    page.state = PageState::Active;
    steps(cx, &mut page, &group, &policy)?;
    cx.touch(group_ref(page.group));
    store::save(cx.tx, &page)
}

/// Somebody took on what a mute time held back until now: it waits as long as the policy says. False when that is over.
fn rests(page: &mut Page, policy: &Policy, now: Time) -> bool {
    let wait = policy.again_after_s * SECOND;
    let until = page.acknowledged_at.unwrap_or(now).plus(wait);
    if wait > 0 && until <= now {
        return false;
    }
    page.state = PageState::Acknowledged;
    page.due_at = (wait > 0).then_some(until);
    page.wait_us = page.due_at.map_or(0, |due| due.since(now));
    true
}

pub(super) fn noted(cx: &mut Cx, page: &Page, step: i64, line: String, users: &[i64]) -> Result<()> {
    let noted = Noted { at: cx.now, step, round: page.round, line, users: users.to_vec() };
    store::note(cx.tx, page.id, page.group, &noted)
}

/// The step of a number from 1.
fn step_of(policy: &Policy, number: i64) -> Option<&Step> {
    usize::try_from(number - 1).ok().and_then(|index| policy.steps.get(index))
}

/// Takes steps until one reaches somebody; then the next is due after its wait.
fn steps(cx: &mut Cx, page: &mut Page, group: &Told, policy: &Policy) -> Result<()> {
    let told_before = page.told;
    while let Some(step) = step_of(policy, page.step) {
        let reached = take(cx, page, group, step)?;
        page.step += 1;
        match step_of(policy, page.step) {
            Some(next) if reached > 0 => {
                due_in(page, cx.now, next.after_s);
                return Ok(());
            }
            Some(_) => {
                noted(cx, page, page.step - 1, "It reaches nobody, so the next step comes at once.".into(), &[])?
            }
            None => {}
        }
    }
    if page.told == told_before
        && told_before == 0
        && !policy.steps.iter().any(|step| step.targets.iter().any(|one| one == "default"))
    {
        noted(cx, page, page.step, "The policy reaches nobody, so those are told whom the default names.".into(), &[])?;
        take(cx, page, group, &Step { after_s: 0, targets: vec!["default".into()] })?;
    }
    if page.told == 0 {
        nobody(cx, page, group)?;
    }
    if page.round - page.first_round < policy.repeats {
        page.round += 1;
        page.step = 1;
        due_in(page, cx.now, policy.repeat_after_s);
    } else {
        page.state = PageState::Spent;
        page.due_at = None;
        noted(cx, page, 0, "Every step is taken; nothing more comes by itself.".into(), &[])?;
    }
    Ok(())
}

fn due_in(page: &mut Page, now: Time, seconds: i64) {
    page.wait_us = seconds.max(1) * SECOND;
    page.due_at = Some(now.plus(page.wait_us));
}

/// Whom a step tells at a moment, in one list.
pub(crate) fn resolve(cx: &mut Cx, step: &Step, team: Option<i64>, when: When<'_>) -> Result<Resolved> {
    let mut found = Resolved::default();
    for text in &step.targets {
        match text.parse() {
            Ok(one) => found.take(target::resolve(cx, one, team, when)?),
            Err(_) => found.lines.push(format!("\"{text}\" names nobody.")),
        }
    }
    Ok(found)
}

/// Takes one step; answers how many are told by it.
fn take(cx: &mut Cx, page: &mut Page, group: &Told, step: &Step) -> Result<usize> {
    let (severity, team) = match page.own.as_str() {
        "" => (group.facts.severity.clone(), group.facts.team),
        _ => (page.severity.clone(), page.team),
    };
    let when = When { severity: &severity, at: cx.now };
    let found = resolve(cx, step, team, when)?;
    for line in &found.lines {
        noted(cx, page, page.step, line.clone(), &found.people)?;
    }
    let said = said(page, group, cx.now);
    let beside = own::told_beside(cx, page)?;
    let (mut told, mut read) = (Vec::new(), Vec::new());
    for one in &found.recipients {
        // However often this runs, a person hears of a step of a round once.
        if beside.contains(&one.key()) {
            read.push(one);
        } else if message::queue(cx, &said, one, &key(page, one))? {
            told.push(one.label.clone());
        }
    }
    page.told += i64::try_from(told.len()).unwrap_or(0);
    if told.is_empty() && !found.recipients.is_empty() {
        page.told = page.told.max(1);
    }
    if !read.is_empty() {
        let names: Vec<&str> = read.iter().map(|one| one.label.as_str()).collect();
        let users: Vec<i64> = read.iter().map(|one| one.user).filter(|user| *user != 0).collect();
        let line = format!("{}{}.", own::READ_BESIDE, names.join(", "));
        noted(cx, page, page.step, line, if users.is_empty() { &found.people } else { &users })?;
    }
    if !told.is_empty() {
        noted(cx, page, page.step, format!("Messages go to {}.", told.join(", ")), &found.people)?;
        step_taken(cx, page, told)?;
    }
    Ok(found.recipients.len())
}

/// One message a step of a round and recipient, whatever tells it.
pub(super) fn key(page: &Page, to: &message::Recipient) -> String {
    // Who was told of the group is told of an alert in it that joined later, too.
    let own = if page.own.is_empty() { String::new() } else { format!("own-{}/", page.id) };
    format!("page/{}/{own}{}/{}/{}", page.group, page.step, page.round, to.key())
}

pub(super) fn step_taken(cx: &mut Cx, page: &Page, told: Vec<String>) -> Result<()> {
    cx.emit(&StepTaken { group: group_ref(page.group), step: page.step, round: page.round, told })
}

/// How long it is open, and who is on it.
fn so_far(page: &Page, group: &Told, now: Time) -> Vec<String> {
    let alone = !page.own.is_empty();
    let (since, by) = match alone {
        true => (page.opened_at, &page.acknowledged_by),
        false => (group.again_at.unwrap_or(group.opened_at), &group.acknowledged_by),
    };
    let mut lines = Vec::new();
    if page.round > page.first_round || page.step > 1 || !by.is_empty() {
        let age = web::ui::duration(now.since(since) / SECOND);
        let who = if by.is_empty() { "nobody has acknowledged it" } else { "it was acknowledged and still lasts" };
        lines.push(format!("Open for {age}, and {who}."));
    }
    if alone && by.is_empty() && !group.acknowledged_by.is_empty() {
        lines.push(format!("{} is on the alert group; nobody is on this alert yet.", group.acknowledged_by));
    }
    lines
}

/// What people are told of an alert group that is open, or of an alert of it.
pub(super) fn said(page: &Page, group: &Told, now: Time) -> Said {
    let alone = !page.own.is_empty();
    let mut lines = if alone { own::lines(group, page) } else { group.lines.clone() };
    // After how much it matters, and before what was seen.
    let at = lines.len().min(if alone { 2 } else { 1 });
    lines.splice(at..at, own::others(group, page));
    lines.splice(0..0, so_far(page, group, now));
    let what = What::Page;
    if let Some(at) = group.again_at {
        lines.insert(0, format!("It is back since {}, after it was over.", reopened::moment(at)));
    }
    let word = if group.again_at.is_some() { "Again" } else { "Alert" };
    let subject = format!("{word}: {}", if alone { &page.own } else { &group.title });
    let said = Said { what, page: page.id, step: page.step, round: page.round, subject, lines, ..about(group) };
    if !alone {
        return said;
    }
    Said { severity: page.severity.clone(), team: page.team, place: page.place, ..said }
}

/// Nobody could be told: somebody must look at the routes.
fn nobody(cx: &mut Cx, page: &Page, group: &Told) -> Result<()> {
    noted(cx, page, page.step, "Nobody could be told.".into(), &[])?;
    cx.needs_attention(&Attention {
        subject: group_ref(group.group),
        need: NEED,
        title: format!("Nobody could be told of: {}", group.title),
        why: "Neither its policy nor the default reaches anybody. Give people mail addresses or channels, or set paging.default.".into(),
        mark: Mark::Warn,
        word: "Untold",
        weight: 700,
        since: cx.now,
        action: "See why",
        href: format!("/monitoring/groups/{}", group.group),
        team: group.facts.team,
        user: None,
        grant: super::list::ListPages::OPERATION,
    })
}

/// An escalation is over, and so is the need to look at it.
pub(crate) fn end(cx: &mut Cx, mut page: Page, line: &str) -> Result<()> {
    if page.state != PageState::Ended {
        noted(cx, &page, 0, line.to_owned(), &[])?;
    }
    page.state = PageState::Ended;
    page.due_at = None;
    page.ended_at = page.ended_at.or(Some(cx.now));
    cx.attention_done(&group_ref(page.group), NEED)?;
    store::save(cx.tx, &page)
}
