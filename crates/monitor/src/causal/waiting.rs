//! What the cause engine decided and is not written yet, in its order. What the database refuses and may not be lost is
//! tried again after a pause; what would end or move the same groups waits behind it, and all else goes on.

use std::collections::{BTreeSet, VecDeque};

use causes::Decision;
use kernel::Time;
use kernel::time::SECOND;

/// The pause after the first refusal, in microseconds; it doubles with each, to a few minutes.
const PAUSE_MICROS: i64 = 2 * SECOND;
/// So often it doubles at most.
const DOUBLED_MAX: u32 = 7;

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) enum Decided {
    /// As the engine says.
    Engine(Decision),
    /// An alert is back in a group that is still open.
    Back {
        /// The engine's number of the group.
        group: u64,
        /// The check.
        check: i64,
        /// What was seen.
        text: String,
    },
}

impl Decided {
    /// The engine's group that it is about.
    fn group(&self) -> Option<u64> {
        match self {
            Self::Back { group, .. } => Some(*group),
            Self::Engine(decision) => match decision {
                Decision::Open { group, .. }
                | Decision::Page { group }
                | Decision::Join { group, .. }
                | Decision::Rerank { group, .. }
                | Decision::Suspend { group, .. }
                | Decision::Recover { group, .. }
                | Decision::Reopen { group, .. } => Some(*group),
                Decision::Merge { from, .. } => Some(*from),
                Decision::Recheck { .. } => None,
            },
        }
    }

    /// The groups that it ends or makes one of: nothing of the kind may overtake it.
    fn ends(&self) -> Vec<u64> {
        match self {
            Self::Engine(Decision::Recover { group, .. }) => vec![*group],
            Self::Engine(Decision::Merge { from, into }) => vec![*from, *into],
            _ => Vec::new(),
        }
    }
}

/// How long what joins large groups waits for more of it, in microseconds.
const GATHER_MICROS: i64 = 5 * SECOND;

/// Something that waits.
#[derive(Debug)]
struct One {
    number: u64,
    decided: Decided,
    since: Time,
    tries: u32,
    /// It is not tried again before this.
    not_before: Time,
}

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: VecDeque<One>,
    number: u64,
}

impl Waiting {
    /// Adds a decision at the end. A group that is open again before its end was written was never over.
    pub(super) fn push(&mut self, decided: Decided, now: Time) {
        if let Decided::Engine(Decision::Reopen { group, .. }) = &decided {
            let ends = |one: &One| matches!(&one.decided, Decided::Engine(Decision::Recover { group: over, .. }) if over == group);
            self.queue.retain(|one| !ends(one));
        }
        self.number += 1;
        self.queue.push_back(One { number: self.number, decided, since: now, tries: 0, not_before: Time(0) });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// All that waits is alerts that join groups which are large already, and more of them may come in a moment: in a storm
    /// they are written together.
    pub(super) fn may_gather(&self, now: Time, is_large: impl Fn(u64) -> bool) -> bool {
        let joins = |one: &One| matches!(one.decided, Decided::Engine(Decision::Join { group, .. }) if is_large(group));
        let oldest = self.queue.front().map_or(0, |one| now.since(one.since));
        (0..GATHER_MICROS).contains(&oldest) && self.queue.iter().all(joins)
    }

    /// What is to be written next, with its numbers.
    pub(super) fn slice(&self, size: usize, now: Time) -> Vec<(u64, Decided)> {
        let mut held = BTreeSet::new();
        let ready = |one: &&One| {
            let ends = one.decided.ends();
            let waits = one.not_before > now || ends.iter().any(|group| held.contains(group));
            if waits {
                held.extend(ends);
            }
            !waits
        };
        self.queue.iter().filter(ready).take(size).map(|one| (one.number, one.decided.clone())).collect()
    }

    /// These are written.
    pub(super) fn written(&mut self, numbers: &[u64]) {
        let numbers: BTreeSet<u64> = numbers.iter().copied().collect();
        self.queue.retain(|one| !numbers.contains(&one.number));
    }

    /// The database refuses this by itself. The end of a group, and that two are one, is put off; what else it is leaves
    /// and is answered.
    pub(super) fn refused(&mut self, number: u64, now: Time) -> Option<Decided> {
        let at = self.queue.iter().position(|one| one.number == number)?;
        let one = self.queue.get_mut(at)?;
        if one.decided.ends().is_empty() {
            return self.queue.remove(at).map(|one| one.decided);
        }
        one.not_before = now.plus(PAUSE_MICROS << one.tries.min(DOUBLED_MAX));
        one.tries += 1;
        None
    }

    /// Another group is to go into this one.
    pub(super) fn grows(&self, group: u64) -> bool {
        let into = |one: &One| matches!(one.decided, Decided::Engine(Decision::Merge { into, .. }) if into == group);
        self.queue.iter().any(into)
    }

    /// A group is not there any more: nothing is to be written of it.
    pub(super) fn forget(&mut self, group: u64) {
        self.queue.retain(|one| one.decided.group() != Some(group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(group: u64) -> Decided {
        Decided::Engine(Decision::Recover { group, announce: true })
    }

    fn one(from: u64, into: u64) -> Decided {
        Decided::Engine(Decision::Merge { from, into })
    }

    fn member() -> causes::Member {
        let look = causes::Look {
            key: 1,
            thing: 1,
            what: causes::What::Down,
            vantage: None,
            interval_ms: 1,
            by_name: false,
            label: String::new(),
        };
        causes::Member::of(&causes::Symptom { look, what: causes::What::Down, since_ms: 0, evidence: String::new() })
    }

    fn back(group: u64) -> Decided {
        Decided::Back { group, check: 1, text: String::new() }
    }

    fn numbers(waiting: &Waiting, now: Time) -> Vec<u64> {
        waiting.slice(10, now).into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn the_end_of_a_group_that_is_refused_is_tried_again_and_all_else_goes_on() {
        let mut waiting = Waiting::default();
        [one(1, 2), over(2), over(3), back(2)].into_iter().for_each(|decided| waiting.push(decided, Time(0)));
        assert_eq!(numbers(&waiting, Time(0)), [1, 2, 3, 4]);
        assert!(waiting.refused(1, Time(0)).is_none());
        assert_eq!(
            numbers(&waiting, Time(0)),
            [3, 4],
            "the end of the group that goes on waits for what it takes over"
        );
        waiting.written(&[3, 4]);
        let mut now = Time(0);
        for doubled in [0, 1, 2, 3, 4, 5, 6, 7, 7, 7] {
            now = now.plus((PAUSE_MICROS << doubled) - 1);
            assert!(numbers(&waiting, now).is_empty());
            now = now.plus(1);
            assert_eq!(numbers(&waiting, now), [1, 2]);
            assert!(waiting.refused(1, now).is_none(), "it is never given up");
        }
        let later = now.plus(PAUSE_MICROS << DOUBLED_MAX);
        waiting.written(&[1]);
        assert_eq!(numbers(&waiting, later), [2]);
    }

    #[test]
    fn what_is_refused_and_puts_an_alert_into_a_group_is_answered() {
        let mut waiting = Waiting::default();
        waiting.push(back(1), Time(0));
        assert!(matches!(waiting.refused(1, Time(0)), Some(Decided::Back { group: 1, .. })));
        assert!(waiting.is_empty() && waiting.refused(1, Time(0)).is_none());
    }

    #[test]
    fn a_group_that_is_open_again_before_its_end_was_written_was_never_over() {
        let mut waiting = Waiting::default();
        waiting.push(over(1), Time(0));
        waiting.push(over(2), Time(0));
        assert!(waiting.refused(1, Time(0)).is_none());
        waiting.push(Decided::Engine(Decision::Reopen { group: 1, member: member() }), Time(0));
        assert_eq!(numbers(&waiting, Time(0)), [2, 3]);
    }

    #[test]
    fn only_what_joins_large_groups_waits_for_more_of_it() {
        let join = |group| Decided::Engine(Decision::Join { group, member: member() });
        let is_large = |group| group == 1;
        let mut waiting = Waiting::default();
        waiting.push(join(1), Time(0));
        waiting.push(join(1), Time(GATHER_MICROS - 1));
        for (now, gathers) in [(0, true), (GATHER_MICROS - 1, true), (GATHER_MICROS, false), (-1, false)] {
            assert_eq!(waiting.may_gather(Time(now), is_large), gathers, "{now}");
        }
        for other in [join(2), over(1), one(2, 1), back(1)] {
            let mut waiting = Waiting::default();
            waiting.push(join(1), Time(0));
            waiting.push(other, Time(0));
            assert!(!waiting.may_gather(Time(0), is_large), "{waiting:?}");
        }
    }
}
