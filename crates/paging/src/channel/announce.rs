//! Saying that a way out fails, over another one: first over what was proven to work, then over all others in turn, until one
//! takes it. What none takes is told by the first that works again. What else must be heard, that events are not passed on,
//! goes the same way round.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use kernel::{Cx, Result};

use super::contact::{self, When};
use super::lane::{self, Health};
use super::payload::What;
use super::{Kind, store};
use crate::message::{self, Message, MessageState, Recipient, Said};

/// Most announcements of one failure over ways of which it is not known that they work.
const ANNOUNCED_MAX: usize = 150;
/// Ways of one person that are tried.
const WAYS_MAX: usize = 20;

/// What the keys of all announcements of failures begin with.
const FAILING: &str = "failing/";

/// What the keys of all announcements of one failure begin with.
pub(super) fn prefix(health: &Health) -> String {
    format!("{FAILING}{}/{}/", health.lane, health.failing_since.unwrap_or_default().0)
}

/// Tells of every way out that fails and of which nobody was told yet, each over the next way that was not tried; answers whether
/// one was found. `working` is a way that took something just now, and is asked even when it was asked before.
pub(crate) fn announce(cx: &mut Cx, working: Option<&str>) -> Result<bool> {
    let healths = store::healths(cx.tx)?;
    let mut found = false;
    for failing in healths.iter().filter(|one| one.failing_since.is_some() && Some(one.lane.as_str()) != working) {
        found |= tell(cx, failing, &healths, working)?;
    }
    Ok(found)
}

fn tell(cx: &mut Cx, failing: &Health, healths: &[Health], working: Option<&str>) -> Result<bool> {
    let round = Round { prefix: prefix(failing), about: &failing.lane, own: None, working };
    if is_told(cx, &round)? {
        return Ok(false);
    }
    let said = said(cx, failing)?;
    over_next(cx, &round, &said, healths)
}

/// Says what is about no way out over the one that is trusted most; the keys begin with `prefix`, which ends with a slash.
pub(crate) fn say(cx: &mut Cx, said: &Said, prefix: String) -> Result<()> {
    let healths = store::healths(cx.tx)?;
    over_next(cx, &Round { prefix, about: "", own: None, working: None }, said, &healths).map(drop)
}

/// Whether somebody heard what was said under keys that begin like this, or is about to.
pub(crate) fn is_heard(cx: &mut Cx, prefix: &str) -> Result<bool> {
    Ok(message::store::under(cx.tx, prefix)?.iter().any(|(_, state)| hears(*state)))
}

const fn hears(state: MessageState) -> bool {
    matches!(state, MessageState::Sent | MessageState::Waiting)
}

/// One announcement does not leave by its way: it goes over the next that was not tried; answers whether there is one, or whether
/// it was heard by another already.
pub(crate) fn pass_on(cx: &mut Cx, one: &Message) -> Result<bool> {
    let key = message::store::key(cx.tx, one.id)?;
    let healths = store::healths(cx.tx)?;
    let failing = healths.iter().find(|health| health.failing_since.is_some() && key.starts_with(&prefix(health)));
    let (prefix, about) = match (failing, key.rsplit_once('/')) {
        (Some(failing), _) => (prefix(failing), failing.lane.as_str()),
        // What it tells is over.
        (None, _) if key.starts_with(FAILING) => return Ok(true),
        (None, Some((prefix, _))) => (format!("{prefix}/"), ""),
        (None, None) => return Ok(false),
    };
    let round = Round { prefix, about, own: Some(&key), working: None };
    Ok(is_told(cx, &round)? || over_next(cx, &round, &one.said(), &healths)?)
}

/// Announcements that are about nothing that fails by itself, and wait on a lane that does: each goes over the next way, and
/// what has none stays.
pub(super) fn leave(cx: &mut Cx, lane: &str, answer: &str) -> Result<()> {
    for one in message::store::announced_on(cx.tx, lane)? {
        if pass_on(cx, &one)? {
            message::store::hand_over(cx.tx, one.id, answer)?;
        }
    }
    Ok(())
}

/// The announcements of one thing.
struct Round<'a> {
    /// What their keys begin with.
    prefix: String,
    /// The lane that they are about, which they do not go by.
    about: &'a str,
    /// The key of the one that is to go on: it has told nobody.
    own: Option<&'a str>,
    /// A way that took something just now.
    working: Option<&'a str>,
}

/// Whether somebody heard of it, or is about to.
fn is_told(cx: &mut Cx, round: &Round<'_>) -> Result<bool> {
    let before = message::store::under(cx.tx, &round.prefix)?;
    let told = |(key, state): &(String, MessageState)| Some(key.as_str()) != round.own && hears(*state);
    Ok(before.iter().any(told))
}

fn over_next(cx: &mut Cx, round: &Round<'_>, said: &Said, healths: &[Health]) -> Result<bool> {
    let Round { prefix, about, working, .. } = round;
    let before = message::store::under(cx.tx, prefix)?;
    let tried: BTreeSet<&str> = before.iter().filter_map(|(key, _)| key.strip_prefix(prefix.as_str())).collect();
    let others = others(cx, about, healths)?;
    // Once enough were asked, only a way that works is left.
    let enough = before.len() >= ANNOUNCED_MAX;
    let next = side_by_side(others.iter().filter(|one| !enough && !tried.contains(key(one).as_str())));
    for one in &next {
        message::queue(cx, said, one, &format!("{prefix}{}", key(one)))?;
    }
    if !next.is_empty() {
        return Ok(true);
    }
    match others.iter().find(|one| Some(one.lane.as_str()) == *working) {
        Some(again) => message::queue(cx, said, again, &format!("{prefix}{}/{}", key(again), cx.now.0)),
        None => Ok(false),
    }
}

/// The first of all ways; when it leads to a person, one of every person, as one who is asleep must not keep it from the others.
fn side_by_side<'a>(mut left: impl Iterator<Item = &'a Recipient>) -> Vec<&'a Recipient> {
    let Some(next) = left.next() else { return Vec::new() };
    let mut told = BTreeSet::from([next.user]);
    let beside = left.filter(|one| next.user > 0 && one.user > 0 && told.insert(one.user));
    let mut all: Vec<&Recipient> = beside.collect();
    all.insert(0, next);
    all
}

/// What tells one way from another in a key of bounded length.
fn key(one: &Recipient) -> String {
    kernel::text::sha256_hex(format!("{}|{}|{}", one.lane, one.address, one.user).as_bytes())
}

fn said(cx: &mut Cx, failing: &Health) -> Result<Said> {
    let name = lane::title(cx, &failing.lane)?;
    Ok(Said {
        what: What::Failing,
        subject: format!("Failing: {name}"),
        lines: vec![
            format!("Messages by {name} do not get through: {}", failing.answer),
            "Alerts that go this way reach nobody.".into(),
        ],
        ..Said::default()
    })
}

/// How far a way out is to be trusted, best first: proven and not failing since, newest proof first; never used; failing lately;
/// failing.
fn trust(healths: &[Health], lane: &str) -> (u8, Reverse<i64>) {
    let Some(health) = healths.iter().find(|one| one.lane == lane) else { return (1, Reverse(0)) };
    let proof = Reverse(health.seen_at.map_or(0, |at| at.0));
    match (health.failing_since.is_some(), health.failures, health.seen_at) {
        (true, _, _) => (3, proof),
        (false, 0, Some(_)) => (0, proof),
        (false, 0, None) => (1, proof),
        (false, _, _) => (2, proof),
    }
}

/// Who can be told that a lane fails, over other lanes, in the order in which they are asked: channels with an address of their
/// own, and every way of those whom the default names.
fn others(cx: &mut Cx, lane: &str, healths: &[Health]) -> Result<Vec<Recipient>> {
    let mut all = Vec::new();
    for channel in store::all(cx.tx)?.into_iter().filter(|one| one.enabled) {
        let (way, address) = lane::of(&channel);
        if !address.is_empty() || matches!(channel.kind, Kind::Slack | Kind::Teams) {
            all.push(Recipient { user: 0, lane: way, address, label: channel.name, contact: 0 });
        }
    }
    let when = When { severity: "warning", at: cx.now };
    for first in crate::target::default(cx, None, when)?.recipients {
        let user = first.user;
        let mut ways = vec![first];
        if user > 0 {
            let name = people::names(cx.tx, "user", &[user])?.remove(&user).unwrap_or_else(|| format!("user:{user}"));
            while let Some(last) = ways.last().filter(|_| ways.len() < WAYS_MAX) {
                let Some(next) = contact::reach(cx, user, &name, when, last.contact)?.recipient else { break };
                ways.push(next);
            }
        }
        all.extend(ways);
    }
    all.retain(|one| one.lane != lane);
    // Channels stay before people where both are trusted alike.
    all.sort_by_key(|one| {
        let (rank, proof) = trust(healths, &one.lane);
        (rank, one.user > 0, proof)
    });
    Ok(all)
}

#[cfg(test)]
mod tests {
    use kernel::Time;

    use super::*;

    #[test]
    fn what_was_proven_comes_before_what_is_new_and_what_fails_comes_last() {
        let health = |lane: &str, seen: Option<i64>, failures, failing: bool| Health {
            lane: lane.into(),
            seen_at: seen.map(Time),
            failures,
            failing_since: failing.then_some(Time(5)),
            ..Health::default()
        };
        let healths = [
            health("failing", Some(90), 3, true),
            health("doubtful", Some(80), 1, false),
            health("old", Some(10), 0, false),
            health("fresh", Some(20), 0, false),
        ];
        let mut lanes = ["failing", "never", "doubtful", "old", "fresh"];
        lanes.sort_by_key(|lane| trust(&healths, lane));
        assert_eq!(lanes, ["fresh", "old", "never", "doubtful", "failing"]);
    }
}
