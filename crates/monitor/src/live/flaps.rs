//! What is said about results that go back and forth: how often, since when, and how it ends.

use kernel::Time;

use super::Live;
use crate::machine::{Flap, Flaps, Step, quiet};

impl Live {
    /// What a step says about flapping, if anything: when it fires, begins, becomes more, or is over.
    pub(super) fn flap_words(&self, step: &Step) -> Option<String> {
        match (step.flap, &self.machine.flaps) {
            (Some(Flap::Over(flaps)), _) => Some(self.over(&flaps)),
            (Some(Flap::Goes(flaps)), _) => Some(self.goes(&flaps)),
            (None, Some(flaps)) if step.fired => Some(self.goes(flaps)),
            _ => None,
        }
    }

    fn goes(&self, flaps: &Flaps) -> String {
        let so_far = self.seen_at.since(Time(flaps.first_ms.saturating_mul(1_000))).max(0) / kernel::time::SECOND;
        let (falls, within) = (flaps.falls, web::ui::duration(so_far));
        let enough = quiet(&self.check.rule());
        let about = web::ui::duration(i64::try_from(enough).unwrap_or(0).saturating_mul(self.check.interval_s));
        if self.machine.open {
            format!(
                "It keeps coming back: it failed {falls} times in {within}. It stays open until {enough} good results in a row, \
                 about {about}, show that it is stable."
            )
        } else {
            format!("It comes and goes: bad {falls} times in {within}, but not long enough each time for an alert.")
        }
    }

    fn over(&self, flaps: &Flaps) -> String {
        let enough = quiet(&self.check.rule());
        if self.machine.open {
            format!("It no longer comes and goes: {enough} results in a row were bad.")
        } else {
            format!("It failed {} times; {enough} good results in a row show that it is stable.", flaps.falls)
        }
    }
}
