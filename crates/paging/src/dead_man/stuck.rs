//! Events that are not passed on: what monitoring finds is written, and nobody is told of it. That is a blindness like any
//! other, so it stands where people look, and the default recipients hear of it by messages that need no event.

use kernel::attention::Attention;
use kernel::event::{self, RELAY};
use kernel::time::{DAY, SECOND};
use kernel::{Cx, Handle, Mark, Ref, Result, Time};

use super::{FRESH, actor};
use crate::channel::announce;
use crate::channel::payload::What;
use crate::message::{self, Said};
use crate::page;

/// The name of the entry in "Needs you now".
const NEED: &str = "stuck";
/// What the keys of its messages begin with.
const ANNOUNCED: &str = "stuck/";
/// After this all ways that did not take it are asked once more, in microseconds.
const ROUND: i64 = 300 * SECOND;

/// Since when events wait longer than they may; `None` while they are passed on.
///
/// # Errors
/// The database fails.
pub(super) fn since(cx: &mut Cx) -> Result<Option<Time>> {
    let waits = event::waiting_since(cx.tx, page::reactions::NAME)?;
    Ok(waits.filter(|at| cx.now.since(*at) > FRESH))
}

/// What is known of the events, and was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody looked yet.
    #[default]
    Unknown,
    /// They are passed on.
    Flowing,
    /// They are not: the first of those that waited is of this time.
    Stuck(Time),
}

/// Tells people when events are not passed on, until somebody hears it, and takes it back when they are again. `known` is what was
/// found last.
///
/// # Errors
/// The database fails.
pub fn tell(kernel: &Handle, known: &mut Standing) -> Result<()> {
    if kernel.held() {
        return Ok(());
    }
    let write = |what: fn(&mut Cx, Time) -> Result<()>, since| {
        kernel.write_as(actor(), "paging.stuck.note", move |cx| what(cx, since))
    };
    *known = match (kernel.read_as(&actor(), since)?, *known) {
        (None, Standing::Flowing) => return Ok(()),
        (None, Standing::Stuck(since)) => {
            write(|cx, since| over(cx, since, Some(since)), since)?;
            Standing::Flowing
        }
        (None, Standing::Unknown) => {
            write(|cx, _| over_meanwhile(cx), Time(0))?;
            Standing::Flowing
        }
        (Some(_), Standing::Stuck(since)) => {
            if kernel.read_as(&actor(), |cx| announce::is_heard(cx, &prefix(since)))? {
                return Ok(());
            }
            write(say, since)?;
            Standing::Stuck(since)
        }
        (Some(since), _) => {
            write(note, since)?;
            Standing::Stuck(since)
        }
    };
    Ok(())
}

fn subject() -> Ref {
    Ref::new("setting", 0)
}

/// What the keys of all messages begin with that say it of one time.
fn prefix(since: Time) -> String {
    format!("{ANNOUNCED}{}/", since.0)
}

/// It is over: whoever heard of it hears that, too, and how long it lasted where that is known.
fn over(cx: &mut Cx, since: Time, lasted: Option<Time>) -> Result<()> {
    message::store::stop_announcements(cx.tx, ANNOUNCED)?;
    let span = |since| format!("They waited for {}. ", web::ui::duration(cx.now.since(since) / SECOND));
    let lasted = lasted.map(span).unwrap_or_default();
    let said = Said {
        what: What::Working,
        subject: "Alerts are passed on again".into(),
        lines: vec![format!("{lasted}What waited is told now.")],
        ..Said::default()
    };
    for to in message::store::told_of(cx.tx, &prefix(since))? {
        message::queue(cx, &said, &to, &format!("working/{ANNOUNCED}{}/{}", since.0, to.key()))?;
    }
    cx.attention_done(&subject(), NEED)
}

/// Nobody looked since the start of the server: it may have been over while it was down, which ends what was told last.
fn over_meanwhile(cx: &mut Cx) -> Result<()> {
    let told = message::store::under(cx.tx, ANNOUNCED)?;
    let since = |(key, _): &(String, _)| key.strip_prefix(ANNOUNCED)?.split('/').next()?.parse().ok().map(Time);
    match told.iter().find_map(since).filter(|since| cx.now.since(*since) < DAY) {
        // The time in which the server was down is not how long they waited.
        Some(since) => over(cx, since, None),
        None => cx.attention_done(&subject(), NEED),
    }
}

fn why(cx: &Cx) -> String {
    let beat = cx.kernel.last_beat(RELAY).filter(|at| cx.now.since(*at) <= FRESH);
    let why = match beat {
        Some(_) => "What takes them fails or does not keep up: see Jobs, and the server's log.",
        None => "The part that passes them on stands still: see the server's log.",
    };
    format!("What monitoring found is written, but people are told of none of it. {why}")
}

fn note(cx: &mut Cx, since: Time) -> Result<()> {
    let why = why(cx);
    cx.needs_attention(&Attention {
        subject: subject(),
        need: NEED,
        title: "Alerts are not passed on".into(),
        why,
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
    say(cx, since)
}

/// Says it over the way that is trusted most, and over the next ones when that does not take it. When none did, all are asked
/// once more, in a round of its own.
fn say(cx: &mut Cx, since: Time) -> Result<()> {
    let all = prefix(since);
    if announce::is_heard(cx, &all)? {
        return Ok(());
    }
    let round = cx.now.since(since) / ROUND;
    let said = Said {
        what: What::Failing,
        subject: "Alerts are not passed on".into(),
        lines: vec![why(cx), "Look at monitoring yourself until this is fixed.".into()],
        ..Said::default()
    };
    announce::say(cx, &said, format!("{all}{round}/"))
}
