//! The monitor doubts itself first: when its own loop stood still, or it does not keep up with what it found, silence is
//! its own. One entry says so where people look. (That its network or its name lookups fail is seen by the cause engine.)

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::attention::Attention;
use kernel::{Handle, Mark, Ref, Result, Time};

use super::flush::actor;
use super::{Monitor, lock};
use crate::limits::{BLIND_MICROS, LAG_MICROS, LAG_OVER_MICROS};

/// The name of the entry in "Needs you now".
const NEED: &str = "lag";

/// Whether people were told that monitoring is behind.
#[derive(Debug, Default)]
pub(crate) struct Blind {
    behind: AtomicBool,
    told: AtomicBool,
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
        if self.blind.told.load(Ordering::Relaxed) == behind {
            return Ok(());
        }
        let (waiting, since) = {
            let outbox = lock(&self.outbox);
            (outbox.len(), outbox.oldest().unwrap_or(handle.now()))
        };
        let about = Ref::new("setting", 0);
        handle.write_as(actor(), "monitor.lag.note", move |cx| {
            if !behind {
                return cx.attention_done(&about, NEED);
            }
            cx.needs_attention(&Attention {
                subject: about.clone(),
                need: NEED,
                title: "Monitoring is behind: what it found is not written".into(),
                why: format!(
                    "{waiting} changes of alerts wait for the database since {}. Until they are written nobody is told \
                     of them, and silence of machines is not judged.",
                    since.timestamp().strftime("%F %H:%M:%S UTC")
                ),
                mark: Mark::Critical,
                word: "Behind",
                weight: 940,
                since,
                action: "Open",
                href: "/monitoring".into(),
                team: None,
                user: None,
                grant: crate::check::list::ListChecks::OPERATION,
            })
        })?;
        self.blind.told.store(behind, Ordering::Relaxed);
        Ok(())
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
