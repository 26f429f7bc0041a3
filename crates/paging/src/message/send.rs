//! The job that sends what waits on a lane. One thread a lane at most, so that a way out that hangs holds up one worker for the
//! length of one try and nothing else. Sending twice after a crash is harmless: the number of a message is the same then, and
//! mail, Matrix and webhooks carry it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::fetch::{Request, fetch};
use kernel::job::Running;
use kernel::notifications::direct::{self, Direct, Tried};
use kernel::time::SECOND;
use kernel::{Actor, Cx, ErrorKind, Handle, LiveList, Ref, Result};

use super::{Attempt, Message, MessageState, queue, store, wake};
use crate::channel::contact::{self, When};
use crate::channel::lane::{self, Way};
use crate::channel::payload::{self, Note, What};
use crate::channel::{self, Secrets};
use crate::settings::Sending;
use crate::{link, page};

/// Messages that one run takes.
const AT_ONCE: usize = 20;
/// A run takes no further message after this, in microseconds: it must end well within its lease.
const LONG_MICROS: i64 = 60 * SECOND;
/// Tries of one message; after the last the next way is taken.
pub(crate) const TRIES: i64 = 3;
/// How long after a failed try the next one comes, in seconds.
const PAUSES_S: [i64; 2] = [10, 30];
/// A refusal for good is the recipient's when mail worked within this time, in microseconds; else it is the mail server's.
const WORKED_MICROS: i64 = kernel::time::DAY;

/// The lanes on which something is being sent by this process.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<BTreeSet<String>>);

/// A turn on a lane.
struct Turn {
    lanes: Arc<Lanes>,
    lane: String,
}

impl Lanes {
    fn turn(self: &Arc<Self>, lane: &str) -> Option<Turn> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(lane.to_owned());
        free.then(|| Turn { lanes: self.clone(), lane: lane.to_owned() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.lanes.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.lane);
    }
}

fn actor() -> Actor {
    Actor::service("paging", &[])
}

/// Sends what is due on a lane.
pub(crate) fn run(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    let lane: String = running.input()?;
    let begun = kernel.now();
    let Some(_turn) = kernel.get::<Lanes>()?.turn(&lane) else {
        return kernel.write_as(actor(), "paging.message.queue", move |cx| wake(cx, &lane, cx.now.plus(SECOND)));
    };
    let health = kernel.db.read(|tx| channel::store::lane(tx, &lane))?;
    if health.retry_at > begun && health.retry_at.since(begun) <= 60 * SECOND {
        let at = health.retry_at;
        return kernel.write_as(actor(), "paging.message.queue", move |cx| wake(cx, &lane, at));
    }
    let due = kernel.db.read(|tx| store::due(tx, &lane, begun, AT_ONCE))?;
    let mut failed: Option<Tried> = None;
    for message in due {
        if kernel.stopping() || kernel.now().since(begun) > LONG_MICROS {
            break;
        }
        let tried = match &failed {
            // What hung a moment ago is not waited for again by each of the others.
            Some(failure) => {
                Tried { answer: format!("Not tried, since a moment ago: {}", failure.answer), ..failure.clone() }
            }
            None => attempt(kernel, &message)?,
        };
        let hurt = !tried.ok && tried.again && failed.is_none();
        if hurt {
            failed = Some(tried.clone());
        }
        kernel.write_as(actor(), "paging.message.deliver", move |cx| {
            if hurt {
                rest(cx, &message.lane, &tried.answer)?;
            }
            settle(cx, message.id, &tried)
        })?;
    }
    kernel.write_as(actor(), "paging.message.queue", move |cx| match store::next(cx.tx, &lane)? {
        Some(at) => wake(cx, &lane, at.max(cx.now)),
        None => Ok(()),
    })
}

/// One try, outside of any transaction.
fn attempt(kernel: &Handle, message: &Message) -> Result<Tried> {
    let Some(way) = Way::parse(&message.lane) else { return Ok(Tried::never("This way out is not known.")) };
    let (note, sending) = kernel.read_as(&actor(), |cx| Ok((note(cx, message)?, cx.setting::<Sending>()?)))?;
    let body = note.text();
    let about = message.group.map_or(Ref::new("paging_message", message.id), |group| Ref::new("alert_group", group));
    let direct =
        Direct { id: message.id, at: message.at, to: &message.address, subject: &note.subject, body: &body, about };
    let tried = match way {
        Way::Mail => direct::mail(kernel, &direct)?,
        Way::Webhook(name) => direct::webhook(kernel, &Direct { to: &name, ..direct })?,
        Way::Channel(id) => by_channel(kernel, id, message, &note, &sending)?,
    };
    Ok(Tried { answer: channel::redacted(&tried.answer, &Secrets::default()), ..tried })
}

fn by_channel(kernel: &Handle, id: i64, message: &Message, note: &Note, sending: &Sending) -> Result<Tried> {
    let found = kernel.read_as(&actor(), |cx| match channel::store::get(cx.tx, id)? {
        Some(found) => Ok(Some((channel::secrets(cx, id)?, found))),
        None => Ok(None),
    })?;
    let Some((secrets, channel)) = found else { return Ok(Tried::never("The channel is gone.")) };
    if !channel.enabled && note.what != What::Test {
        return Ok(Tried::never("The channel is switched off."));
    }
    let prepared = match payload::request(&channel, &secrets, &message.address, note) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Tried::never(error.message)),
    };
    let headers: Vec<(&str, String)> =
        prepared.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let request = Request {
        method: prepared.method,
        url: &prepared.url,
        headers: &headers,
        body: prepared.body.as_bytes(),
        timeout: Duration::from_secs(u64::try_from(sending.timeout_s).unwrap_or(10)),
        redirects: 0,
        allow_private: sending.allow_private,
    };
    let tried = match fetch(&request) {
        Ok(answer) => {
            let text: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
            let again = answer.status >= 500 || matches!(answer.status, 408 | 425 | 429);
            Tried { ok: (200..300).contains(&answer.status), again, answer: format!("{} {text}", answer.status) }
        }
        Err(error) => Tried { ok: false, again: error.kind == ErrorKind::Unavailable, answer: error.message },
    };
    let filled = Secrets { url: prepared.url, token: secrets.token.clone() };
    let answer = channel::redacted(&channel::redacted(&tried.answer, &filled), &secrets);
    Ok(Tried { answer, ..tried })
}

/// The message with its links: they are made when it is sent, so that no row holds what lets somebody in.
fn note(cx: &mut Cx, message: &Message) -> Result<Note> {
    let address = cx.setting::<Sending>()?.address.trim_end_matches('/').to_owned();
    let what = What::parse(&message.what);
    let linked = message.group.filter(|_| !address.is_empty());
    let acknowledge = match linked.filter(|_| what == What::Page) {
        Some(_) => {
            let token = link::token(cx, message.page, message.user.unwrap_or(0), message.at)?;
            Some(format!("{address}/acknowledge/{token}"))
        }
        None => None,
    };
    Ok(Note {
        id: message.id,
        at: message.at,
        what,
        subject: message.subject.clone(),
        lines: message.lines.clone(),
        severity: message.severity.clone(),
        link: linked.map(|group| format!("{address}/monitoring/groups/{group}")),
        acknowledge,
    })
}

/// Writes down how a try ended, and does what follows from it.
fn settle(cx: &mut Cx, id: i64, tried: &Tried) -> Result<()> {
    let Some(message) = store::get(cx.tx, id)? else { return Ok(()) };
    let attempt = Attempt { at: cx.now, attempt: message.attempts + 1, ok: tried.ok, answer: tried.answer.clone() };
    store::log(cx.tx, id, &attempt)?;
    if let Some(group) = message.group {
        cx.touch(Ref::new("alert_group", group));
    }
    cx.touch(LiveList::Messages.reference());
    if tried.ok {
        store::tried(cx.tx, &message, MessageState::Sent, &attempt, cx.now)?;
        lane::worked(cx, &message.lane, &tried.answer)?;
        tested(cx, &message, true)?;
        return page::told(cx, &message);
    }
    if message.state == MessageState::Stopped {
        return Ok(());
    }
    let pause = usize::try_from(message.attempts).ok().and_then(|tries| PAUSES_S.get(tries));
    match pause.filter(|_| tried.again && attempt.attempt < TRIES) {
        Some(pause) => {
            let at = cx.now.plus(*pause * SECOND);
            store::tried(cx.tx, &message, MessageState::Waiting, &attempt, at)
        }
        None => {
            store::tried(cx.tx, &message, MessageState::Failed, &attempt, cx.now)?;
            failed(cx, &message, tried)
        }
    }
}

/// Lets a lane rest that did not take what was sent, longer with every time.
fn rest(cx: &mut Cx, lane: &str, answer: &str) -> Result<()> {
    let health = channel::store::lane(cx.tx, lane)?;
    let failures = health.failures + 1;
    let retry_at = cx.now.plus((5 * failures).min(60) * SECOND);
    channel::store::put_lane(cx.tx, &lane::Health { failures, answer: answer.to_owned(), retry_at, ..health })
}

/// A message could not be delivered: the lane is said to fail, and the person is told by the next way.
fn failed(cx: &mut Cx, message: &Message, tried: &Tried) -> Result<()> {
    let health = channel::store::lane(cx.tx, &message.lane)?;
    let works = health.seen_at.is_some_and(|at| cx.now.since(at) < WORKED_MICROS);
    let of_recipient = message.lane == lane::MAIL && !tried.again && works;
    if !of_recipient {
        lane::failed(cx, &message.lane, &tried.answer)?;
    }
    tested(cx, message, false)?;
    let Some(user) = message.user else { return Ok(()) };
    let name = people::names(cx.tx, "user", &[user])?.remove(&user).unwrap_or_else(|| format!("user:{user}"));
    let when = When { severity: &message.severity, at: cx.now };
    let reached = contact::reach(cx, user, &name, when, message.contact)?;
    let said = message.said();
    match reached.recipient {
        Some(next) if next.lane != message.lane || next.address != message.address => {
            let key = format!("next/{}/{}", message.id, next.contact);
            queue(cx, &said, &next, &key)?;
            page::note(cx, &said, &format!("{} failed, so the next way is taken: {}.", message.to, next.label), &[user])
        }
        _ => page::note(cx, &said, &format!("{} failed, and there is no further way.", message.to), &[user]),
    }
}

/// Keeps how a test went.
fn tested(cx: &mut Cx, message: &Message, ok: bool) -> Result<()> {
    if What::parse(&message.what) != What::Test {
        return Ok(());
    }
    let health = channel::store::lane(cx.tx, &message.lane)?;
    channel::store::put_lane(cx.tx, &lane::Health { tested_at: Some(cx.now), test_ok: ok, ..health })
}
