//! When this server listened, and when it did not: a job that was late before a restart stays late, and one that nobody
//! could hear is not blamed.

use std::sync::Mutex;

use kernel::db::Tx;
use kernel::time::{DAY, MINUTE};
use kernel::{Actor, Handle, Result, Time};

use crate::live::lock;
use crate::store::listening as rows;

/// How often it is put down that the server still listens. A crash may cost as much.
const KEEP_MICROS: i64 = MINUTE;
/// What is older is forgotten.
const OLD_MICROS: i64 = 400 * DAY;

/// A time in which nobody listened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Time,
    pub(crate) until: Time,
}

impl Gap {
    /// How much of it lies between two moments, in microseconds.
    fn within(self, from: Time, until: Time) -> i64 {
        self.until.min(until).since(self.from.max(from)).max(0)
    }
}

/// How long nobody listened between two moments, in microseconds.
pub(crate) fn unheard(gaps: &[Gap], from: Time, until: Time) -> i64 {
    gaps.iter().map(|gap| gap.within(from, until)).sum()
}

/// The times of this server.
#[derive(Debug)]
pub(crate) struct Listening {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    gaps: Vec<Gap>,
    /// Since when it listens without a break, and up to when that is put down; 0 for not yet.
    since: Time,
    kept: Time,
    /// An earlier time whose end is known now and not yet put down.
    ended: Vec<(Time, Time)>,
}

impl Listening {
    /// What is known at the start. Without any record nobody knows what was not heard.
    pub(crate) fn load(tx: &mut Tx<'_>, now: Time) -> Result<Self> {
        let times = rows::all(tx)?;
        let mut gaps = vec![Gap { from: Time(0), until: times.first().map_or(now, |(from, _)| *from) }];
        let next = times.iter().skip(1).map(|(from, _)| *from).chain([now]);
        gaps.extend(times.iter().zip(next).map(|((_, to), next)| Gap { from: *to, until: next }));
        gaps.retain(|gap| gap.until > gap.from);
        Ok(Self { inner: Mutex::new(Inner { gaps, since: now, kept: Time(0), ended: Vec::new() }) })
    }

    /// The times in which nobody listened, oldest first.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        lock(&self.inner).gaps.clone()
    }

    /// The server stood still from one moment to another.
    pub(crate) fn slept(&self, from: Time, until: Time) {
        let mut inner = lock(&self.inner);
        let since = inner.since;
        inner.ended.push((since, from.max(since)));
        if until > from {
            inner.gaps.push(Gap { from, until });
        }
        (inner.since, inner.kept) = (until, Time(0));
    }

    /// Puts down that the server listens, when it is time to, or at once.
    pub(crate) fn keep(&self, handle: &Handle, at_once: bool) -> Result<()> {
        let now = handle.now();
        let (mut times, since) = {
            let inner = lock(&self.inner);
            if inner.ended.is_empty() && !at_once && now.since(inner.kept) < KEEP_MICROS {
                return Ok(());
            }
            (inner.ended.clone(), inner.since)
        };
        let ended = times.len();
        times.push((since, now.max(since)));
        handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.listening.keep", move |cx| {
            for (from, to) in &times {
                rows::put(cx.tx, *from, *to)?;
            }
            rows::forget(cx.tx, now.plus(-OLD_MICROS))
        })?;
        let mut inner = lock(&self.inner);
        let ended = ended.min(inner.ended.len());
        inner.ended.drain(..ended);
        if inner.since == since {
            inner.kept = now;
        }
        Ok(())
    }
}
