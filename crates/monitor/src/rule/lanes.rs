//! Who is evaluated next: groups that are quick do not wait for those that are slow.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{RULE_GROUPS_AT_ONCE, RULE_LANES, RULE_SLOW, RULE_SLOW_AT_ONCE};
use crate::live::lock;

/// How long somebody waits before looking whether a turn has become slow.
const LOOK: Duration = Duration::from_millis(100);

/// Turns that wait, and those that are being made.
pub(super) struct Lanes<T> {
    state: Mutex<State<T>>,
    woken: Condvar,
}

struct State<T> {
    /// Each with whether it was slow the last time.
    waiting: VecDeque<(T, bool)>,
    /// When each began, and whether it was slow the last time.
    running: Vec<Running>,
    next: u64,
    ended: bool,
}

struct Running {
    number: u64,
    began: Instant,
    was_slow: bool,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), running: Vec::new(), next: 0, ended: false };
        Self { state: Mutex::new(state), woken: Condvar::new() }
    }
}

impl<T> Lanes<T> {
    /// Somebody wants a turn.
    pub(super) fn offer(&self, turn: T, was_slow: bool) {
        lock(&self.state).waiting.push_back((turn, was_slow));
        self.woken.notify_one();
    }

    /// No turns any more: who makes them goes home.
    pub(super) fn end(&self) {
        lock(&self.state).ended = true;
        self.woken.notify_all();
    }

    /// Makes turns until the end.
    pub(super) fn work(&self, mut make: impl FnMut(&T)) {
        let mut state = lock(&self.state);
        while !state.ended {
            let Some((turn, number)) = state.pick(Instant::now()) else {
                // While nothing waits only an offer or the end makes a difference.
                state = match state.waiting.is_empty() {
                    true => self.woken.wait(state).unwrap_or_else(PoisonError::into_inner),
                    false => self.woken.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0,
                };
                continue;
            };
            drop(state);
            // A lane outlives what goes wrong in a turn: the others' turns are made, and this one's next.
            if catch_unwind(AssertUnwindSafe(|| make(&turn))).is_err() {
                tracing::error!("the evaluation of a group of rules ended early");
            }
            state = lock(&self.state);
            state.running.retain(|one| one.number != number);
            self.woken.notify_all();
        }
    }
}

impl<T> State<T> {
    /// The next turn for which there is room: a few quick ones at a time, beside them slow ones, but never so many that
    /// no lane is left.
    fn pick(&mut self, now: Instant) -> Option<(T, u64)> {
        let is_slow = |one: &&Running| one.was_slow || now.duration_since(one.began) > RULE_SLOW;
        let slow = self.running.iter().filter(is_slow).count();
        let quick = self.running.len() - slow;
        let room = |was_slow: bool| if was_slow { slow < RULE_SLOW_AT_ONCE } else { quick < RULE_GROUPS_AT_ONCE };
        if self.running.len() >= RULE_LANES {
            return None;
        }
        let place = self.waiting.iter().position(|(_, was_slow)| room(*was_slow))?;
        let (turn, was_slow) = self.waiting.remove(place)?;
        self.next += 1;
        self.running.push(Running { number: self.next, began: now, was_slow });
        Some((turn, self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(state: &mut State<&'static str>, now: Instant) -> Vec<&'static str> {
        std::iter::from_fn(|| state.pick(now).map(|(name, _)| name)).collect()
    }

    #[test]
    fn quick_turns_pass_slow_ones_and_those_that_became_slow() {
        let lanes = Lanes::default();
        for (name, was_slow) in [("s1", true), ("s2", true), ("s3", true), ("q1", false), ("q2", false), ("q3", false)]
        {
            lanes.offer(name, was_slow);
        }
        let mut state = lock(&lanes.state);
        let start = Instant::now();
        assert_eq!(names(&mut state, start), ["s1", "s2", "q1", "q2"], "as many as there is room for");
        let later = start + RULE_SLOW + Duration::from_millis(1);
        assert_eq!(names(&mut state, later), ["q3"], "those that take long are in nobody's way");
        assert_eq!(state.waiting.len(), 1);
    }

    #[test]
    fn a_lane_outlives_a_turn_that_ends_early() {
        let lanes = Lanes::default();
        (0..3).for_each(|turn| lanes.offer(turn, false));
        let mut made = Vec::new();
        lanes.work(|turn| {
            made.push(*turn);
            assert!(*turn != 0, "ends early");
            if *turn == 2 {
                lanes.end();
            }
        });
        assert_eq!(made, [0, 1, 2]);
        assert!(lock(&lanes.state).running.is_empty(), "its room is free again");
    }

    #[test]
    fn turns_are_made_while_one_does_not_end() {
        let lanes = Lanes::default();
        let (say, said) = std::sync::mpsc::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        lanes.offer("slow", true);
        (0..20).for_each(|_| lanes.offer("quick", false));
        std::thread::scope(|scope| {
            for _ in 0..RULE_LANES {
                let (lanes, held, say) = (&lanes, &held, say.clone());
                scope.spawn(move || {
                    lanes.work(|name| {
                        if *name == "slow" {
                            let _ = lock(held).recv();
                        }
                        say.send(*name).unwrap();
                    });
                });
            }
            let first: Vec<&str> = said.iter().take(20).collect();
            assert_eq!(first, ["quick"; 20]);
            release.send(()).unwrap();
            assert_eq!(said.recv(), Ok("slow"));
            lanes.end();
        });
    }
}
