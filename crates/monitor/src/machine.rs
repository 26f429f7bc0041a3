//! What a check's results mean: a state machine over values. It knows no clock and no database.
//!
//! An alert *fires* when n of the last m known results are bad and the newest is, and *clears* after k good ones in a
//! row. Runs that could not be made and missing results are no knowledge: they count neither way, and never clear.

use std::collections::VecDeque;

use kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{FLAP_ENTER, FLAP_LEAVE, WINDOW};

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No result has come yet.
    Waiting,
    /// As it should be.
    Ok,
    /// A bad result, not yet enough of them.
    Pending,
    /// Enough bad results: the alert is out.
    Firing,
    /// Results go back and forth between good and bad.
    Flapping,
    /// The agent is there, but results do not come.
    NoData,
    /// The agent is away, so nothing is known.
    Stale,
    /// The probe could not be made.
    Error,
}

impl State {
    /// Every state, worst first.
    pub const ALL: [Self; 8] =
        [Self::Firing, Self::Flapping, Self::Pending, Self::Error, Self::NoData, Self::Stale, Self::Waiting, Self::Ok];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Flapping => "flapping",
            Self::NoData => "no_data",
            Self::Stale => "stale",
            Self::Error => "error",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// When an alert fires and clears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// So many bad results ..
    pub(crate) fire_n: usize,
    /// .. of so many fire.
    pub(crate) fire_m: usize,
    /// So many good results in a row clear.
    pub(crate) clear_k: usize,
}

/// What one run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Nothing is known.
    Unknown,
}

/// The memory of one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// How it stands.
    pub(crate) state: State,
    /// It has fired and was not cleared: true through no data, stale, error and flapping.
    pub(crate) open: bool,
    /// Since when it is in this state.
    pub(crate) since: Time,
    /// The newest known results, oldest first: when they were made, in milliseconds, and whether they were bad.
    window: VecDeque<(i64, bool)>,
    /// How many results at the end of the window count for firing: those since the last clearing.
    counted: usize,
    /// Runs in a row that could not be made.
    errors: usize,
    flapping: bool,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Before.
    pub(crate) from: State,
    /// After.
    pub(crate) to: State,
    /// The alert fired with this step.
    pub(crate) fired: bool,
    /// The alert cleared with this step.
    pub(crate) cleared: bool,
}

impl Machine {
    /// The memory of a check that has no result yet.
    pub(crate) fn new(since: Time) -> Self {
        Self {
            state: State::Waiting,
            open: false,
            since,
            window: VecDeque::new(),
            counted: 0,
            errors: 0,
            flapping: false,
        }
    }

    /// True when this very result was taken before: agents send again what was not acknowledged.
    pub(crate) fn knows(&self, at_ms: i64) -> bool {
        self.window.iter().any(|(at, _)| *at == at_ms)
    }

    /// Takes one result. `at_ms` is when it was made, `now` when it is judged.
    pub(crate) fn take(&mut self, rule: &Rule, at_ms: i64, outcome: Outcome, now: Time) -> Option<Step> {
        let was_open = self.open;
        let state = match outcome {
            Outcome::Unknown => {
                self.errors += 1;
                if self.errors >= rule.fire_n.max(1) { State::Error } else { self.state }
            }
            Outcome::Good | Outcome::Bad => {
                self.errors = 0;
                self.push(at_ms, outcome == Outcome::Bad);
                self.judge(rule)
            }
        };
        self.enter(state, was_open, now)
    }

    /// Nothing came for too long: no data when the agent is there, stale when it is not.
    pub(crate) fn missing(&mut self, agent_is_there: bool, now: Time) -> Option<Step> {
        let state = if agent_is_there { State::NoData } else { State::Stale };
        let open = self.open;
        self.enter(state, open, now)
    }

    /// The check was changed: earlier results say nothing about it. An open alert stays open until good results come.
    pub(crate) fn forget(&mut self) {
        self.window.clear();
        (self.counted, self.errors, self.flapping) = (0, 0, false);
    }

    fn push(&mut self, at_ms: i64, bad: bool) {
        self.window.push_back((at_ms, bad));
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        self.counted = (self.counted + 1).min(WINDOW);
        let changes = self.changes();
        self.flapping = changes >= if self.flapping { FLAP_LEAVE + 1 } else { FLAP_ENTER };
    }

    fn judge(&mut self, rule: &Rule) -> State {
        let newest_bad = self.window.back().is_some_and(|(_, bad)| *bad);
        let recent = self.window.iter().rev().take(rule.fire_m.max(1).min(self.counted));
        let bad = recent.filter(|(_, bad)| *bad).count();
        let good_streak = self.window.iter().rev().take_while(|(_, bad)| !bad).count();
        if self.open {
            if self.flapping {
                return State::Flapping;
            }
            if good_streak < rule.clear_k.max(1) {
                return State::Firing;
            }
            self.open = false;
            self.counted = 0;
            return State::Ok;
        }
        if newest_bad && bad >= rule.fire_n.max(1) {
            self.open = true;
            return if self.flapping { State::Flapping } else { State::Firing };
        }
        match (self.flapping, bad) {
            (true, _) => State::Flapping,
            (false, 0) => State::Ok,
            (false, _) => State::Pending,
        }
    }

    fn enter(&mut self, state: State, was_open: bool, now: Time) -> Option<Step> {
        let step = Step { from: self.state, to: state, fired: self.open && !was_open, cleared: was_open && !self.open };
        if step.from == step.to && !step.fired && !step.cleared {
            return None;
        }
        self.state = state;
        self.since = now;
        Some(step)
    }

    /// How often results changed between good and bad in the window.
    fn changes(&self) -> usize {
        self.window.iter().zip(self.window.iter().skip(1)).filter(|(a, b)| a.1 != b.1).count()
    }

    /// The newest known results, oldest first: milliseconds and whether bad.
    #[cfg(test)]
    pub(crate) fn recent(&self) -> impl Iterator<Item = (i64, bool)> {
        self.window.iter().copied()
    }
}

#[cfg(test)]
mod tests;
