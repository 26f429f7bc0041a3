//! What follows from a try: a message is sent, waits for its next try, goes on by the next way, or could not be delivered. Nothing
//! is given up that was not tried, and nothing that may still pass while there is no other way.

use std::collections::BTreeMap;

use kernel::notifications::direct::Tried;
use kernel::time::{DAY, SECOND};
use kernel::{Cx, LiveList, Ref, Result};

use super::{Attempt, Message, MessageState, Recipient, queue, store};
use crate::channel;
use crate::channel::announce;
use crate::channel::contact::{self, When};
use crate::channel::lane;
use crate::channel::payload::What;
use crate::page;

/// Tries of one message; after the last the next way is taken.
pub(crate) const TRIES: i64 = 3;
/// How long after a failed try the next one comes, in seconds.
const PAUSES_S: [i64; 2] = [10, 30];
/// The same once there is no other way left.
const LAST_WAY_PAUSE_S: i64 = 300;
/// So long a message without another way is tried, in microseconds.
const LAST_WAY_MICROS: i64 = DAY;
/// A refusal for good is the recipient's when mail worked within this time, in microseconds; else it is the mail server's.
const WORKED_MICROS: i64 = DAY;
/// Messages that are looked at for another way in one transaction.
const HAND_OVER_MAX: usize = 200;

/// Writes down how a try ended, and does what follows from it. When the whole lane is stuck it rests, and what waits on it for
/// people who can be reached otherwise goes on by their next way: true when that is to follow ([`hand_over`]).
pub(super) fn settle(cx: &mut Cx, id: i64, tried: &Tried, stuck: bool) -> Result<bool> {
    let Some(message) = store::get(cx.tx, id)? else { return Ok(false) };
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
        return page::told(cx, &message).map(|_| false);
    }
    let failures = if stuck { rest(cx, &message.lane, &tried.answer)? } else { 0 };
    if message.state != MessageState::Stopped {
        not_sent(cx, &message, &attempt, tried)?;
    }
    if failures >= TRIES {
        lane::failed(cx, &message.lane, &tried.answer)?;
    }
    Ok(failures >= TRIES)
}

/// A try failed: the next comes later, or the next way is taken, or nothing is left to do.
fn not_sent(cx: &mut Cx, message: &Message, attempt: &Attempt, tried: &Tried) -> Result<()> {
    let pause = usize::try_from(message.attempts).ok().and_then(|tries| PAUSES_S.get(tries));
    if What::parse(&message.what) == What::Failing {
        return not_announced(cx, message, attempt, tried, pause.copied());
    }
    if let Some(pause) = pause.filter(|_| tried.again) {
        return store::tried(cx.tx, message, MessageState::Waiting, attempt, cx.now.plus(*pause * SECOND));
    }
    blame(cx, message, tried)?;
    tested(cx, message, false)?;
    let here = |next: &Recipient| next.lane == message.lane && next.address == message.address;
    if let Some(next) = next_way(cx, message, here)? {
        store::tried(cx.tx, message, MessageState::Failed, attempt, cx.now)?;
        return go_on(cx, message, &next, "failed");
    }
    let lasts = matches!(What::parse(&message.what), What::Page | What::Recovery);
    let users: Vec<i64> = message.user.into_iter().collect();
    if tried.again && lasts && cx.now.since(message.at) < LAST_WAY_MICROS {
        store::tried(cx.tx, message, MessageState::Waiting, attempt, cx.now.plus(LAST_WAY_PAUSE_S * SECOND))?;
        if attempt.attempt > TRIES {
            return Ok(());
        }
        let line = format!("{} failed, and there is no further way: it is tried every five minutes.", message.to);
        return page::note(cx, &message.said(), &line, &users);
    }
    store::tried(cx.tx, message, MessageState::Failed, attempt, cx.now)?;
    page::note(cx, &message.said(), &format!("{} failed, and there is no further way.", message.to), &users)
}

/// An announcement was not taken: it goes over the next way at once, and is tried again here only when there is none.
fn not_announced(cx: &mut Cx, message: &Message, attempt: &Attempt, tried: &Tried, pause: Option<i64>) -> Result<()> {
    store::tried(cx.tx, message, MessageState::Failed, attempt, cx.now)?;
    let again = pause.filter(|_| tried.again);
    if again.is_none() {
        blame(cx, message, tried)?;
    }
    match again {
        _ if announce::pass_on(cx, message)? => Ok(()),
        Some(pause) => store::tried(cx.tx, message, MessageState::Waiting, attempt, cx.now.plus(pause * SECOND)),
        None => Ok(()),
    }
}

/// Lets a lane rest that did not take what was sent, longer with every time; answers how often that was in a row.
fn rest(cx: &mut Cx, lane: &str, answer: &str) -> Result<i64> {
    let health = channel::store::lane(cx.tx, lane)?;
    let failures = health.failures + 1;
    let retry_at = cx.now.plus((5 * failures).min(60) * SECOND);
    channel::store::put_lane(cx.tx, &lane::Health { failures, answer: answer.to_owned(), retry_at, ..health })?;
    Ok(failures)
}

/// Says that the lane fails, unless it is the recipient who is refused.
fn blame(cx: &mut Cx, message: &Message, tried: &Tried) -> Result<()> {
    let health = channel::store::lane(cx.tx, &message.lane)?;
    let works = health.seen_at.is_some_and(|at| cx.now.since(at) < WORKED_MICROS);
    let of_recipient = message.lane == lane::MAIL && !tried.again && works;
    if of_recipient { Ok(()) } else { lane::failed(cx, &message.lane, &tried.answer) }
}

/// The next way of the person, of all that come after the one of a message, that does not lead to where nothing passes.
fn next_way(cx: &mut Cx, message: &Message, stuck: impl Fn(&Recipient) -> bool) -> Result<Option<Recipient>> {
    let Some(user) = message.user else { return Ok(None) };
    let name = people::names(cx.tx, "user", &[user])?.remove(&user).unwrap_or_else(|| format!("user:{user}"));
    let when = When { severity: &message.severity, at: cx.now };
    let mut after = message.contact;
    // Each way that is found stands behind the one before, so this ends with the list.
    while let Some(next) = contact::reach(cx, user, &name, when, after)?.recipient {
        if !stuck(&next) {
            return Ok(Some(next));
        }
        after = next.contact;
    }
    Ok(None)
}

/// The person is told by the next way.
fn go_on(cx: &mut Cx, message: &Message, next: &Recipient, why: &str) -> Result<()> {
    let said = message.said();
    queue(cx, &said, next, &format!("next/{}/{}", message.id, next.contact))?;
    let line = format!("{} {why}, so the next way is taken: {}.", message.to, next.label);
    page::note(cx, &said, &line, &message.user.into_iter().collect::<Vec<i64>>())
}

/// Nothing passes on a lane: whoever has another way is told by that, and what has none stays waiting. One slice of what waits
/// there; answers where the next begins, nothing at the end.
pub(super) fn hand_over(cx: &mut Cx, lane: &str, answer: &str, after: i64) -> Result<Option<i64>> {
    let waiting = store::waiting_for_people(cx.tx, lane, after, HAND_OVER_MAX)?;
    // Of one person many messages may wait, and all that are alike go on by the same way.
    let mut ways: BTreeMap<(Option<i64>, i64, String), Option<Recipient>> = BTreeMap::new();
    for message in &waiting {
        let key = (message.user, message.contact, message.severity.clone());
        let next = match ways.get(&key) {
            Some(known) => known.clone(),
            None => {
                let next = next_way(cx, message, |next| next.lane == lane)?;
                ways.insert(key, next.clone());
                next
            }
        };
        let Some(next) = next else { continue };
        let answer = format!("Not sent, as nothing passes: {answer}");
        store::hand_over(cx.tx, message.id, &kernel::text::shorten(&answer, 500))?;
        go_on(cx, message, &next, "does not get through")?;
    }
    Ok(waiting.last().map(|last| last.id).filter(|_| waiting.len() == HAND_OVER_MAX))
}

/// Keeps how a test went.
fn tested(cx: &mut Cx, message: &Message, ok: bool) -> Result<()> {
    if What::parse(&message.what) != What::Test {
        return Ok(());
    }
    let health = channel::store::lane(cx.tx, &message.lane)?;
    channel::store::put_lane(cx.tx, &lane::Health { tested_at: Some(cx.now), test_ok: ok, ..health })
}
