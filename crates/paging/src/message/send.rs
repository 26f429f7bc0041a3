//! The job that sends what waits on a lane. One thread a lane at most, so that a way out that hangs holds up one worker for the
//! length of one try and nothing else: what was not tried stays as it was. Sending twice after a crash is harmless: the number
//! of a message is the same then, and mail, Matrix and webhooks carry it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::fetch::{Request, fetch};
use kernel::job::Running;
use kernel::notifications::direct::{self, Direct, Tried};
use kernel::time::SECOND;
use kernel::{Actor, Cx, ErrorKind, Handle, Ref, Result};

use super::counted::Counted;
use super::settle::{hand_over, settle};
use super::{Message, fields, store, wake};
use crate::channel::lane::Way;
use crate::channel::payload::{self, Note, What};
use crate::channel::{self, Secrets};
use crate::link;
use crate::settings::Sending;

/// Messages that one run takes.
const AT_ONCE: usize = 20;
/// A run takes no further message after this, in microseconds: it must end well within its lease.
const LONG_MICROS: i64 = 60 * SECOND;
/// So many messages in a row that are put off one by one are taken for the whole way out.
const PUT_OFF_MAX: usize = 3;

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
    let mut put_off = 0;
    for message in due {
        if kernel.stopping() || kernel.now().since(begun) > LONG_MICROS {
            break;
        }
        let tried = attempt(kernel, &message)?;
        kernel.get::<Counted>()?.note(&lane, tried.ok);
        put_off = if tried.ok || !tried.again { 0 } else { put_off + 1 };
        // The others would only wait for the same: they stay as they are until the lane has rested.
        let stuck = tried.again && (tried.whole || put_off >= PUT_OFF_MAX);
        let answer = tried.answer.clone();
        let others =
            kernel.write_as(actor(), "paging.message.deliver", move |cx| settle(cx, message.id, &tried, stuck))?;
        if others {
            hand_all_over(kernel, &lane, &answer)?;
        }
        if stuck {
            break;
        }
    }
    kernel.write_as(actor(), "paging.message.queue", move |cx| match store::next(cx.tx, &lane)? {
        Some(at) => wake(cx, &lane, at.max(cx.now)),
        None => Ok(()),
    })
}

/// Lets everybody whose messages wait on a lane be told by another way, slice by slice: in a storm many wait, and those who
/// have no other way must not stand before those who have one.
fn hand_all_over(kernel: &Handle, lane: &str, answer: &str) -> Result<()> {
    let mut after = Some(0);
    while let Some(from) = after.filter(|_| !kernel.stopping()) {
        let (lane, answer) = (lane.to_owned(), answer.to_owned());
        let slice = move |cx: &mut Cx| hand_over(cx, &lane, &answer, from);
        after = kernel.write_as(actor(), "paging.message.hand-over", slice)?;
    }
    Ok(())
}

/// One try, outside of any transaction.
fn attempt(kernel: &Handle, message: &Message) -> Result<Tried> {
    let Some(way) = Way::parse(&message.lane) else { return Ok(Tried::never("This way out is not known.")) };
    let (note, sending) = kernel.read_as(&actor(), |cx| Ok((note(cx, message)?, cx.setting::<Sending>()?)))?;
    let body = note.text();
    let about = message.group.map_or(Ref::new("paging_message", message.id), |group| Ref::new("alert_group", group));
    let to = message.address.as_str();
    let direct = Direct { id: message.id, at: message.at, to, subject: &note.subject, body: &body, about, more: None };
    let tried = match way {
        Way::Mail => direct::mail(kernel, &direct, patience(&sending))?,
        Way::Webhook(name) => {
            // What was to be told is told, also when what goes with it cannot be read.
            let more = kernel.read_as(&fields::actor(), |cx| fields::of(cx, message, &note));
            let more = more.unwrap_or_else(|error| {
                tracing::warn!(message = message.id, error = error.message, cause = error.cause, "a webhook's fields");
                fields::least(message, &note)
            });
            direct::webhook(kernel, &Direct { to: &name, more: Some(&more), ..direct })?
        }
        Way::Channel(id) => by_channel(kernel, id, message, &note, &sending)?,
    };
    Ok(Tried { answer: channel::redacted(&tried.answer, &Secrets::default()), ..tried })
}

/// How long the other side may take to answer.
fn patience(sending: &Sending) -> Duration {
    Duration::from_secs(u64::try_from(sending.timeout_s).unwrap_or(10))
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
        timeout: patience(sending),
        redirects: 0,
        allow_private: sending.allow_private,
    };
    let tried = match fetch(&request) {
        Ok(answer) => {
            let text: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
            let again = answer.status >= 500 || matches!(answer.status, 408 | 425 | 429);
            let (ok, whole) = ((200..300).contains(&answer.status), answer.status == 429);
            Tried { ok, again, whole, answer: format!("{} {text}", answer.status) }
        }
        Err(error) if error.kind == ErrorKind::Unavailable => Tried::nothing_passes(error.message),
        Err(error) => Tried::never(error.message),
    };
    let filled = Secrets { url: prepared.url, ..secrets.clone() };
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
