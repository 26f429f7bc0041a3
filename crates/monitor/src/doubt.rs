//! What the server finds about itself: that it does not store samples, or does not write what it found. Each is an alert
//! like any other, with a check that the server makes when it first needs it; and as long as one is out, monitoring is
//! not to be trusted, so the dead-man's switch is not called.

use std::sync::Mutex;

use kernel::time::MINUTE;
use kernel::{Cx, Error, Handle, LiveList, Ref, Result, Time};

use crate::check::{NewCheck, Severity};
use crate::labels::Labels;
use crate::limits::INTERVAL_S_DEFAULT;
use crate::live::{Fed, Monitor, actor, lock};
use crate::machine::{Machine, Outcome};
use crate::probe::{Part, Probe};
use crate::store;

/// What goes on is said again after this, so that a check that was deleted meanwhile is made anew. In microseconds.
const AGAIN: i64 = MINUTE;

/// What was said of a part last, and when; nothing since the start of the server.
#[derive(Debug, Default)]
pub(crate) struct Said(Mutex<Option<(bool, Time)>>);

impl Part {
    /// The stable word by which the part says that it is not to be trusted.
    const fn word(self) -> &'static str {
        match self {
            Self::Disk => "monitor-disk",
            Self::Outbox => "monitor-outbox",
        }
    }

    /// What its alert is called.
    const fn title(self) -> &'static str {
        match self {
            Self::Disk => "Samples are not stored: the server's disk is nearly full",
            Self::Outbox => "Monitoring is behind: what it found is not written",
        }
    }
}

impl Said {
    /// Says how a part stands, when that is news: `bad` when it does not do what it should, and why or why not in words.
    ///
    /// # Errors
    /// The database cannot take a check that is not there yet; it is said again the next time.
    pub(crate) fn say(&self, handle: &Handle, part: Part, bad: bool, words: impl FnOnce() -> String) -> Result<()> {
        handle.doubt(part.word(), bad.then(|| format!("{}.", part.title())));
        let now = handle.now();
        let known = *lock(&self.0);
        if known.is_some_and(|(was, at)| was == bad && (!bad || (0..AGAIN).contains(&now.since(at)))) {
            return Ok(());
        }
        let monitor = handle.get::<Monitor>()?;
        let check = match monitor.check_of(part) {
            Some(check) => Some(check),
            None if bad => Some(handle.write_as(actor(), "monitor.own.create", move |cx| make(cx, part))?),
            None => None,
        };
        if let Some(check) = check {
            monitor.refresh(handle)?;
            let outcome = if bad { Outcome::Bad } else { Outcome::Good };
            let fed = Fed { check, outcome, value: None, at: now, took_us: 0, evidence: words() };
            monitor.take_own(&fed, now);
        }
        *lock(&self.0) = Some((bad, now));
        Ok(())
    }
}

impl Monitor {
    /// The check of a part of the server, when there is one.
    fn check_of(&self, part: Part) -> Option<i64> {
        let mut found = None;
        self.each(|check| {
            if check.probe == (Probe::Own { part }) {
                found = Some(check.id);
            }
        });
        found
    }
}

/// The check of a part: the server looks, and is sure at once.
fn make(cx: &mut Cx, part: Part) -> Result<i64> {
    let new = NewCheck {
        name: part.title().to_owned(),
        asset: None,
        vantage: None,
        probe: Probe::Own { part },
        interval_s: INTERVAL_S_DEFAULT,
        fire_n: 1,
        fire_m: 1,
        clear_k: 1,
        for_ms: 0,
        keep_firing_ms: 0,
        labels: Labels::default(),
        severity: Severity::Critical,
        team: None,
        asset_team: None,
        place: None,
        owner: None,
        taken: None,
    };
    let machine =
        serde_json::to_string(&Machine::new(cx.now)).map_err(|error| Error::internal("machine-not-json", error))?;
    let (id, _) = store::checks::insert(cx.tx, &new, &machine, cx.now)?;
    cx.touch(Ref::new("check", id));
    cx.touch(LiveList::Alerts.reference());
    Ok(id)
}
