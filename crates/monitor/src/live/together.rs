//! Results of many agents that come at the same time are written together: the first waits a moment for company, then all
//! is one transaction, and each is answered when its own changes are on disk. An agent that comes alone does not wait.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::time::SECOND;
use kernel::{Error, Result, Time};

use super::lock;

/// So many agents bring changes within a second before one waits for others.
const COMPANY: usize = 8;
/// So many messages are enough to begin with. Fewer than may be taken in at once, or nobody would come.
const ENOUGH: usize = 20;
/// Who waited in vain tells that there is no waiting for so long, in microseconds.
const ALONE_MICROS: i64 = 60 * SECOND;
/// How long the first waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who is waiting, and what became of those who were.
#[derive(Default)]
pub(super) struct Together {
    state: Mutex<State>,
    /// Enough have come.
    enough: Condvar,
    /// A round was written, or tried.
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// The agents that brought changes in this second, and how many did in the one before.
    second: i64,
    agents: BTreeSet<i64>,
    before: usize,
    /// When somebody waited last and nobody came.
    alone: Option<Time>,
    /// The number of the round that gathers now, whether somebody leads it, and how many are in it.
    round: u64,
    led: bool,
    here: usize,
    /// All rounds below this were tried, and why the last of them failed.
    tried: u64,
    failed: Option<Error>,
}

impl State {
    /// Notes that an agent has changes; answers whether waiting for others is worth it.
    fn meets(&mut self, agent: i64, now: Time) -> bool {
        let second = now.0.div_euclid(SECOND);
        if second != self.second {
            self.before = if second == self.second + 1 { self.agents.len() } else { 0 };
            self.agents.clear();
            self.second = second;
        }
        self.agents.insert(agent);
        let alone = self.alone.is_some_and(|at| (0..ALONE_MICROS).contains(&now.since(at)));
        !alone && self.before.max(self.agents.len()) >= COMPANY
    }
}

/// Ends a round, also when the writing of it panicked.
struct Round<'a> {
    together: &'a Together,
    number: u64,
    outcome: Result<()>,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.together.state);
        if self.number >= state.tried {
            state.tried = self.number + 1;
            state.failed = self.outcome.as_ref().err().cloned();
        }
        self.together.done.notify_all();
    }
}

impl Together {
    /// Has `write` called once for all who are here, and answers when it has returned: what it answered, or what it
    /// answered to the one who called it for all.
    pub(super) fn write(&self, agent: i64, now: Time, write: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut state = lock(&self.state);
        if !state.meets(agent, now) {
            drop(state);
            return write();
        }
        state.here += 1;
        if state.led { self.follow(state) } else { self.lead(state, now, write) }
    }

    fn follow(&self, state: MutexGuard<'_, State>) -> Result<()> {
        let mine = state.round;
        if state.here >= ENOUGH {
            self.enough.notify_one();
        }
        let state = self.done.wait_while(state, |state| state.tried <= mine).unwrap_or_else(PoisonError::into_inner);
        state.failed.clone().map_or(Ok(()), Err)
    }

    fn lead(&self, mut state: MutexGuard<'_, State>, now: Time, write: impl FnOnce() -> Result<()>) -> Result<()> {
        state.led = true;
        let gathering = self.enough.wait_timeout_while(state, PATIENCE, |state| state.here < ENOUGH);
        let (mut state, _) = gathering.unwrap_or_else(PoisonError::into_inner);
        if state.here == 1 {
            state.alone = Some(now);
        }
        let unsaid = Err(Error::unavailable("The results could not be written. They will be sent again."));
        let mut round = Round { together: self, number: state.round, outcome: unsaid };
        // Whoever comes from now on is in the next round.
        (state.round, state.led, state.here) = (state.round + 1, false, 0);
        drop(state);
        round.outcome = write();
        round.outcome.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Many are known to come in this second.
    fn company(together: &Together) {
        for agent in 0..100 {
            lock(&together.state).meets(agent, Time(0));
        }
    }

    fn crowd(together: &Together, agents: i64, write: impl Fn() -> Result<()> + Sync) -> Vec<Result<()>> {
        company(together);
        let (together, write) = (&together, &write);
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..agents).map(|agent| scope.spawn(move || together.write(agent, Time(0), write))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn many_at_once_are_written_together_and_all_are_told_how_it_went() {
        let together = Together::default();
        let written = AtomicUsize::new(0);
        let count = || {
            written.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let agents = i64::try_from(ENOUGH).unwrap();
        let answers = crowd(&together, agents, count);
        assert!(answers.iter().all(Result::is_ok));
        assert!(written.load(Ordering::SeqCst) < ENOUGH, "{written:?} writes for {ENOUGH}");
        let answers = crowd(&together, agents, || Err(Error::unavailable("The disk is full.").passing()));
        assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(Error::is_passing)), "{answers:?}");
        assert!(crowd(&together, agents, || Ok(())).iter().all(Result::is_ok), "and then it goes on");
    }

    #[test]
    fn who_comes_alone_does_not_wait() {
        let together = Together::default();
        let mut state = lock(&together.state);
        for agent in 1..COMPANY {
            assert!(!state.meets(i64::try_from(agent).unwrap(), Time(0)), "{agent} are few");
        }
        assert!(state.meets(100, Time(SECOND - 1)));
        assert!(state.meets(1, Time(SECOND)), "there were many in the second before");
        assert!(!state.meets(1, Time(2 * SECOND)));
        assert!(!state.meets(1, Time(9 * SECOND)));
    }

    #[test]
    fn who_waited_in_vain_waits_no_more_for_a_while() {
        let together = Together::default();
        company(&together);
        together.write(1, Time(0), || Ok(())).unwrap();
        let mut state = lock(&together.state);
        assert!((0..100).all(|agent| !state.meets(agent, Time(ALONE_MICROS - 1))));
        assert!(state.meets(1, Time(ALONE_MICROS)), "there were many in the second before");
    }

    #[test]
    fn a_writer_that_panics_leaves_nobody_waiting() {
        let together = Together::default();
        company(&together);
        std::thread::scope(|scope| {
            let first = scope.spawn(|| together.write(1, Time(0), || std::panic::resume_unwind(Box::new("x"))));
            assert!(first.join().is_err());
        });
        assert!(together.write(2, Time(0), || Ok(())).is_ok());
    }
}
