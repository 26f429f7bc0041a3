//! Events that are not passed on: what monitoring finds is written, and nobody is told of it. That is a blindness like any
//! other, so it stands where people look, and the default recipients hear of it by messages that need no event.

use kernel::attention::Attention;
use kernel::event::{self, RELAY};
use kernel::time::SECOND;
use kernel::{Cx, Handle, Mark, Ref, Result, Time};

use super::{FRESH, actor};
use crate::channel::lane;
use crate::channel::payload::What;
use crate::message::{self, Said};
use crate::page;

/// The name of the entry in "Needs you now".
const NEED: &str = "stuck";

/// Since when events wait longer than they may; `None` while they are passed on.
///
/// # Errors
/// The database fails.
pub(super) fn since(cx: &mut Cx) -> Result<Option<Time>> {
    let waits = event::waiting_since(cx.tx, page::reactions::NAME)?;
    Ok(waits.filter(|at| cx.now.since(*at) > FRESH))
}

/// Tells people when events are not passed on, and when they are again. `told` is what was said last, nothing at the start.
///
/// # Errors
/// The database fails.
pub fn tell(kernel: &Handle, told: &mut Option<bool>) -> Result<()> {
    if kernel.held() {
        return Ok(());
    }
    let since = kernel.read_as(&actor(), since)?;
    if *told == Some(since.is_some()) {
        return Ok(());
    }
    kernel.write_as(actor(), "paging.stuck.note", move |cx| match since {
        None => cx.attention_done(&subject(), NEED),
        Some(since) => note(cx, since),
    })?;
    *told = Some(since.is_some());
    Ok(())
}

fn subject() -> Ref {
    Ref::new("setting", 0)
}

fn note(cx: &mut Cx, since: Time) -> Result<()> {
    let waits = web::ui::duration(cx.now.since(since) / SECOND);
    let beat = cx.kernel.last_beat(RELAY).filter(|at| cx.now.since(*at) <= FRESH);
    let why = match beat {
        Some(_) => "What takes them fails or does not keep up: see Jobs, and the server's log.",
        None => "The part that passes them on stands still: see the server's log.",
    };
    let why = format!("What monitoring found is written, but people are told of none of it for {waits}. {why}");
    cx.needs_attention(&Attention {
        subject: subject(),
        need: NEED,
        title: "Alerts are not passed on".into(),
        why: why.clone(),
        mark: Mark::Critical,
        word: "Stuck",
        weight: 945,
        since,
        action: "Open",
        href: "/on-call".into(),
        team: None,
        user: None,
        grant: super::ShowDeadMan::OPERATION,
    })?;
    let said = Said {
        what: What::Failing,
        subject: "Alerts are not passed on".into(),
        lines: vec![why, "Look at monitoring yourself until this is mended.".into()],
        ..Said::default()
    };
    for to in lane::others(cx, "")? {
        message::queue(cx, &said, &to, &format!("stuck/{}/{}", since.0, to.key()))?;
    }
    Ok(())
}
