//! The monitor doubts itself first: when its own loop stood still, or it does not keep up with what it found, silence is
//! its own. One alert says so. (That its network or its name lookups fail is seen by the cause engine.)

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{Handle, Result, Time};

use super::{Monitor, lock};
use crate::doubt::Said;
use crate::limits::{BLIND_MICROS, LAG_MICROS, LAG_OVER_MICROS};
use crate::probe::Part;

/// Whether people were told that monitoring is behind.
#[derive(Debug, Default)]
pub(crate) struct Blind {
    behind: AtomicBool,
    said: Said,
}

/// True when the own loop stood still for so long that silence says nothing about others.
pub(super) fn was_blind(ticked: Time, now: Time) -> bool {
    now < ticked || now.since(ticked) > BLIND_MICROS
}

/// Whether monitoring is behind, when what it found waits to be written for so long.
fn is_behind(was: bool, lag: i64) -> bool {
    lag > if was { LAG_OVER_MICROS } else { LAG_MICROS }
}

impl Monitor {
    /// True while what was found waits too long for the database: whoever sends results is asked to wait then, so that
    /// silence says nothing about others.
    pub(super) fn is_behind(&self, now: Time) -> bool {
        let oldest = lock(&self.outbox).oldest();
        let lag = oldest.map_or(0, |at| now.since(at));
        let behind = is_behind(self.blind.behind.load(Ordering::Relaxed), lag);
        self.blind.behind.store(behind, Ordering::Relaxed);
        behind
    }

    /// Tells people when monitoring is behind, and when it no longer is; a database that cannot take it is asked again.
    pub(super) fn note_lag(&self, handle: &Handle) -> Result<()> {
        let behind = self.is_behind(handle.now());
        let (waiting, since) = {
            let outbox = lock(&self.outbox);
            (outbox.len(), outbox.oldest().unwrap_or(handle.now()))
        };
        self.blind.said.say(handle, Part::Outbox, behind, || {
            if !behind {
                return "What was found is written again.".to_owned();
            }
            let since = since.timestamp().strftime("%F %H:%M:%S UTC");
            format!(
                "{waiting} changes of alerts wait for the database since {since}. Until they are written nobody is told of \
                 them, and silence of machines is not judged."
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_behind_above_one_mark_and_no_longer_below_another() {
        let mut behind = false;
        let steps = [0, LAG_MICROS, LAG_MICROS + 1, LAG_MICROS, LAG_OVER_MICROS + 1, LAG_OVER_MICROS, LAG_MICROS];
        let told = steps.map(|lag| {
            behind = is_behind(behind, lag);
            behind
        });
        assert_eq!(told, [false, false, true, true, true, false, false]);
    }

    #[test]
    fn a_loop_that_stood_still_or_a_clock_that_went_back_was_blind() {
        let table = [(0, BLIND_MICROS, false), (0, BLIND_MICROS + 1, true), (5, 4, true)];
        for (ticked, now, blind) in table {
            assert_eq!(was_blind(Time(ticked), Time(now)), blind, "{ticked} {now}");
        }
    }
}
