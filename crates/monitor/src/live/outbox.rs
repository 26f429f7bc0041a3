//! Transitions that wait for the database. Those of one check keep their order; one that the database refuses by itself
//! waits with the later ones of its check, and the others go on.

use std::collections::{BTreeSet, VecDeque};

use kernel::Time;
use kernel::time::SECOND;

use super::Pending;
use crate::check::Check;
use crate::limits::SLICE;

/// Tries of a transition that the database refuses before it is given up.
const TRIES_MAX: u32 = 5;
/// The pause after the first refusal, in microseconds; it doubles with each.
const PAUSE_MICROS: i64 = 2 * SECOND;

/// What waits, and how much of it is written at a time.
pub(crate) struct Outbox {
    waiting: VecDeque<Pending>,
    /// Grows to [`SLICE`] while writing succeeds, and halves when it fails.
    size: usize,
    number: u64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), size: SLICE, number: 0 }
    }
}

/// What follows from a slice that could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A smaller slice may do.
    Smaller,
    /// The database is not there: all wait.
    Wait,
    /// The one transition of the slice waits, others go on.
    PutOff,
    /// The one transition of the slice was refused too often; its check.
    GiveUp(i64),
}

impl Outbox {
    /// Adds a transition at the end.
    pub(super) fn push(&mut self, mut pending: Pending) {
        self.number += 1;
        pending.number = self.number;
        self.waiting.push_back(pending);
    }

    /// Adds a transition before all others, but after those of its own check.
    pub(super) fn push_first(&mut self, mut pending: Pending) {
        self.number += 1;
        pending.number = self.number;
        let after = self.waiting.iter().rposition(|one| one.check == pending.check);
        self.waiting.insert(after.map_or(0, |last| last + 1), pending);
    }

    /// When the oldest of what waits, and is not put off by itself, was found.
    pub(super) fn oldest(&self) -> Option<Time> {
        self.waiting.iter().filter(|one| one.tries == 0).map(|one| one.at).min()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The numbers of what waits for these checks and is not put off by itself.
    pub(super) fn of(&self, checks: &BTreeSet<i64>) -> BTreeSet<u64> {
        self.waiting.iter().filter(|one| one.tries == 0 && checks.contains(&one.check)).map(|one| one.number).collect()
    }

    /// One of these still waits.
    pub(super) fn has_any(&self, numbers: &BTreeSet<u64>) -> bool {
        self.waiting.iter().any(|one| numbers.contains(&one.number))
    }

    /// The transitions to be written next, oldest first.
    pub(super) fn slice(&self, now: Time) -> Vec<Pending> {
        let mut held = BTreeSet::new();
        let ready = |one: &&Pending| !(held.contains(&one.check) || one.not_before > now && held.insert(one.check));
        self.waiting.iter().filter(ready).take(self.size).cloned().collect()
    }

    /// Somebody is to be told of a check from now on, also of what waits; answers whether that fired.
    pub(super) fn told_as(&mut self, check: &Check, sign: Option<causes::What>) -> bool {
        let of_it = self.waiting.iter_mut().filter(|one| one.check == check.id && one.step.fired);
        of_it.map(|one| one.told_as(check, sign)).count() > 0
    }

    /// A slice is on disk; answers what is known of it by now, in its order.
    pub(super) fn written(&mut self, slice: &[Pending]) -> Vec<Pending> {
        let numbers: BTreeSet<u64> = slice.iter().map(|one| one.number).collect();
        let (written, waiting): (VecDeque<_>, _) =
            self.waiting.drain(..).partition(|one| numbers.contains(&one.number));
        self.waiting = waiting;
        self.size = (2 * self.size).min(SLICE);
        written.into()
    }

    /// A slice was not written.
    pub(super) fn failed(&mut self, slice: &[Pending], unavailable: bool, now: Time) -> Next {
        self.size = (slice.len() / 2).max(1);
        let [one] = slice else { return if unavailable { Next::Wait } else { Next::Smaller } };
        if unavailable {
            return Next::Wait;
        }
        let Some(first) = self.waiting.iter_mut().find(|waiting| waiting.number == one.number) else {
            return Next::PutOff;
        };
        first.tries += 1;
        let pause = PAUSE_MICROS << first.tries.saturating_sub(1).min(TRIES_MAX);
        first.not_before = now.plus(pause);
        if first.tries < TRIES_MAX { Next::PutOff } else { Next::GiveUp(first.check) }
    }

    /// Lets go of what waits for a check.
    pub(super) fn forget(&mut self, check: i64) {
        self.waiting.retain(|one| one.check != check);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Machine, State, Step};

    fn pending(check: i64) -> Pending {
        let step = Step { from: State::Ok, to: State::Firing, fired: true, cleared: false, flap: None };
        Pending {
            check,
            alert: check,
            generation: 1,
            step,
            symptom: None,
            machine: Machine::new(Time(0)),
            evidence: Vec::new(),
            at: Time(0),
            tries: 0,
            not_before: Time(0),
            number: 0,
        }
    }

    fn filled(checks: impl Iterator<Item = i64>) -> Outbox {
        let mut outbox = Outbox::default();
        checks.for_each(|check| outbox.push(pending(check)));
        outbox
    }

    fn checks(slice: &[Pending]) -> Vec<i64> {
        slice.iter().map(|one| one.check).collect()
    }

    #[test]
    fn a_slice_that_takes_too_long_becomes_smaller_until_it_fits_and_then_grows_again() {
        let mut outbox = filled(1..=50);
        let mut sizes = Vec::new();
        while outbox.len() > 0 {
            let slice = outbox.slice(Time(0));
            sizes.push(slice.len());
            assert!(sizes.len() < 100, "it stands still: {sizes:?}");
            if slice.len() > 10 {
                assert_eq!(outbox.failed(&slice, true, Time(0)), Next::Wait);
            } else {
                outbox.written(&slice);
            }
        }
        assert_eq!(sizes[..5], [50, 25, 12, 6, 12]);
    }

    #[test]
    fn what_the_server_finds_about_itself_goes_first_and_keeps_its_own_order() {
        let mut outbox = filled([1, 2].into_iter());
        let own = |at, fired: bool| {
            let mut own = pending(9);
            (own.at, own.step.fired, own.step.cleared) = (Time(at), fired, !fired);
            own
        };
        outbox.push_first(own(5, true));
        outbox.push_first(own(6, false));
        let slice = outbox.slice(Time(9));
        assert_eq!(checks(&slice), [9, 9, 1, 2]);
        assert!(slice[0].step.fired && slice[1].step.cleared);
        assert_eq!(outbox.oldest(), Some(Time(0)), "what waits longest is not what goes first");
    }

    #[test]
    fn what_is_refused_by_itself_waits_with_its_check_and_the_others_go_on() {
        let mut outbox = filled([1, 2, 1, 3].into_iter());
        let mut now = Time(0);
        assert_eq!(outbox.failed(&outbox.slice(now), false, now), Next::Smaller);
        assert_eq!(outbox.failed(&outbox.slice(now), false, now), Next::Smaller);
        let first = outbox.slice(now);
        assert_eq!((checks(&first), outbox.failed(&first, false, now)), (vec![1], Next::PutOff));
        for check in [2, 3] {
            let slice = outbox.slice(now);
            assert_eq!(checks(&slice)[0], check);
            outbox.written(&slice[..1]);
        }
        assert!(outbox.slice(now).is_empty(), "the second of check 1 may not overtake the first");
        let mut tries = 1;
        loop {
            now = now.plus(PAUSE_MICROS << 4);
            tries += 1;
            match outbox.failed(&outbox.slice(now)[..1], false, now) {
                Next::PutOff => assert!(outbox.slice(now.plus(SECOND)).is_empty(), "it is tried again after a pause"),
                next => {
                    assert_eq!((next, tries), (Next::GiveUp(1), TRIES_MAX));
                    break;
                }
            }
        }
        outbox.forget(1);
        assert_eq!(outbox.len(), 0);
    }
}
