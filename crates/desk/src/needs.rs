//! When a ticket belongs on "Needs you now": nobody has taken an incident or something that matters, or a runbook failed.

use kernel::attention::Attention;
use kernel::{Cx, Mark, Result};

use crate::ticket::{Kind, Priority, Status, Ticket, href, some, subject};

/// The need of a ticket that nobody has taken.
pub(crate) const UNASSIGNED: &str = "unassigned";
/// The need of a ticket whose runbook failed.
pub(crate) const RUNBOOK_FAILED: &str = "runbook-failed";

/// Whether somebody of the team must take it.
fn unassigned(ticket: &Ticket) -> bool {
    let matters = ticket.kind == Kind::Incident || ticket.priority >= Priority::High;
    matters && ticket.owner == 0 && matches!(ticket.status, Status::New | Status::InProgress)
}

fn weight(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 150,
        Priority::Normal => 250,
        Priority::High => 350,
        Priority::Urgent => 500,
    }
}

/// Brings the list up to date after a change; `before` is `None` for a new ticket.
pub(crate) fn follow(cx: &mut Cx, before: Option<&Ticket>, after: &Ticket) -> Result<()> {
    let was = before.is_some_and(unassigned);
    let same = before.is_some_and(|before| {
        before.priority == after.priority && before.team == after.team && before.summary == after.summary
    });
    match (was, unassigned(after)) {
        (false, true) => put_unassigned(cx, after),
        (true, true) if !same => put_unassigned(cx, after),
        (true, false) => cx.attention_done(&subject(after.id), UNASSIGNED),
        _ => Ok(()),
    }?;
    let taken = before.is_some_and(|before| before.owner != after.owner || before.status.is_open());
    if taken && (after.owner != 0 || !after.status.is_open()) {
        cx.attention_done(&subject(after.id), RUNBOOK_FAILED)?;
    }
    Ok(())
}

fn put_unassigned(cx: &mut Cx, ticket: &Ticket) -> Result<()> {
    let critical = ticket.priority == Priority::Urgent;
    cx.needs_attention(&Attention {
        subject: subject(ticket.id),
        need: UNASSIGNED,
        title: ticket.summary.clone(),
        why: format!("{} {} has no owner. Priority: {}.", ticket.kind.label(), ticket.id, ticket.priority.word()),
        mark: if critical { Mark::Critical } else { Mark::Warn },
        word: "Unassigned",
        weight: weight(ticket.priority),
        since: ticket.created_at,
        action: "Open ticket",
        href: href(ticket.id),
        team: some(ticket.team),
        user: None,
        grant: "desk.ticket.list",
    })
}

/// A runbook could not repair what the ticket is about: a person must.
pub(crate) fn runbook_failed(cx: &mut Cx, ticket: &Ticket, why: &str) -> Result<()> {
    let now = cx.now;
    cx.needs_attention(&Attention {
        subject: subject(ticket.id),
        need: RUNBOOK_FAILED,
        title: format!("Runbook failed: {}", ticket.summary),
        why: kernel::text::shorten(why, 300),
        mark: Mark::Critical,
        word: "Runbook failed",
        weight: 600,
        since: now,
        action: "Open ticket",
        href: href(ticket.id),
        team: some(ticket.team),
        user: some(ticket.owner),
        grant: "desk.ticket.list",
    })
}
