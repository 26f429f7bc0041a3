//! What a check's results mean: a state machine over values. It knows no clock and no database.
//!
//! An alert *fires* when n of the last m known results are bad and the newest is, and *clears* after k good ones in a
//! row. Runs that could not be made and missing results are no knowledge: they count neither way, and never clear.
//!
//! Results that go back and forth are *flapping*: an open alert then stays open until enough results in a row are the same.

use std::collections::VecDeque;

use kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{FLAP_ENTER, FLAP_QUIET, WINDOW};

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
    /// Results that are so much older than the newest say nothing about it, in milliseconds.
    pub(crate) keep_ms: i64,
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
    /// Results go back and forth.
    #[serde(default)]
    pub(crate) flaps: Option<Flaps>,
}

/// What is remembered of results that go back and forth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flaps {
    /// How often a good result was followed by a bad one.
    pub(crate) falls: usize,
    /// When the first of those bad results was made, in milliseconds.
    pub(crate) first_ms: i64,
    /// The falls that were told last.
    told: usize,
}

/// What is to be told about flapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flap {
    /// It began, or became twice as much as was told last.
    Goes(Flaps),
    /// It is over: so many results in a row were the same.
    Over(Flaps),
}

/// So many results in a row that are the same end flapping.
pub(crate) fn quiet(rule: &Rule) -> usize {
    FLAP_QUIET.max(rule.clear_k)
}

/// A change of state, or of what is to be told about a state.
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
    /// Flapping began, became more, or is over.
    pub(crate) flap: Option<Flap>,
}

impl Machine {
    /// The memory of a check that has no result yet.
    pub(crate) fn new(since: Time) -> Self {
        Self { state: State::Waiting, open: false, since, window: VecDeque::new(), counted: 0, errors: 0, flaps: None }
    }

    /// True when this very result was taken before: agents send again what was not acknowledged.
    pub(crate) fn knows(&self, at_ms: i64) -> bool {
        self.window.iter().any(|(at, _)| *at == at_ms)
    }

    /// Takes one result. `at_ms` is when it was made, `now` when it is judged.
    pub(crate) fn take(&mut self, rule: &Rule, at_ms: i64, outcome: Outcome, now: Time) -> Option<Step> {
        let was_open = self.open;
        let mut flap = None;
        let state = match outcome {
            Outcome::Unknown => {
                self.errors += 1;
                if self.errors >= rule.fire_n.max(1) { State::Error } else { self.state }
            }
            Outcome::Good | Outcome::Bad => {
                self.errors = 0;
                flap = self.push(rule, at_ms, outcome == Outcome::Bad);
                self.judge(rule)
            }
        };
        self.enter(state, was_open, flap, now)
    }

    /// Nothing came for too long: no data when the agent is there, stale when it is not.
    pub(crate) fn missing(&mut self, agent_is_there: bool, now: Time) -> Option<Step> {
        let state = if agent_is_there { State::NoData } else { State::Stale };
        let open = self.open;
        self.enter(state, open, None, now)
    }

    /// The check was changed: earlier results say nothing about it. An open alert stays open until good results come.
    pub(crate) fn forget(&mut self) {
        self.window.clear();
        (self.counted, self.errors, self.flaps) = (0, 0, None);
    }

    fn push(&mut self, rule: &Rule, at_ms: i64, bad: bool) -> Option<Flap> {
        let oldest_ms = at_ms.saturating_sub(rule.keep_ms);
        while self.window.front().is_some_and(|(at, _)| *at < oldest_ms) {
            self.window.pop_front();
        }
        self.counted = self.counted.min(self.window.len());
        let fell = bad && self.window.back().is_some_and(|(_, bad)| !bad);
        self.window.push_back((at_ms, bad));
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        self.counted = (self.counted + 1).min(WINDOW);
        self.flap(rule, fell)
    }

    /// Whether results go back and forth, and what of it is to be told.
    fn flap(&mut self, rule: &Rule, fell: bool) -> Option<Flap> {
        let Some(mut flaps) = self.flaps else {
            if self.changes() < FLAP_ENTER {
                return None;
            }
            let falls: Vec<i64> = self.falls().collect();
            let first_ms = falls.first().copied().unwrap_or_default();
            let flaps = Flaps { falls: falls.len(), first_ms, told: falls.len() };
            self.flaps = Some(flaps);
            return Some(Flap::Goes(flaps));
        };
        let same = self.streak();
        if same >= quiet(rule) {
            // What went back and forth is told and over: it does not count towards the next time.
            self.flaps = None;
            self.window.drain(..self.window.len().saturating_sub(same));
            self.counted = self.counted.min(self.window.len());
            return Some(Flap::Over(flaps));
        }
        flaps.falls += usize::from(fell);
        let more = flaps.falls >= 2 * flaps.told;
        if more {
            flaps.told = flaps.falls;
        }
        self.flaps = Some(flaps);
        more.then_some(Flap::Goes(flaps))
    }

    fn judge(&mut self, rule: &Rule) -> State {
        let newest_bad = self.window.back().is_some_and(|(_, bad)| *bad);
        let recent = self.window.iter().rev().take(rule.fire_m.max(1).min(self.counted));
        let bad = recent.filter(|(_, bad)| *bad).count();
        let good_streak = self.window.iter().rev().take_while(|(_, bad)| !bad).count();
        if self.open {
            if self.flaps.is_some() {
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
            return if self.flaps.is_some() { State::Flapping } else { State::Firing };
        }
        match (self.flaps.is_some(), bad) {
            (true, _) => State::Flapping,
            (false, 0) => State::Ok,
            (false, _) => State::Pending,
        }
    }

    fn enter(&mut self, state: State, was_open: bool, flap: Option<Flap>, now: Time) -> Option<Step> {
        let step =
            Step { from: self.state, to: state, fired: self.open && !was_open, cleared: was_open && !self.open, flap };
        let moved = step.from != step.to || step.fired || step.cleared;
        if moved {
            self.state = state;
            self.since = now;
        }
        (moved || flap.is_some()).then_some(step)
    }

    /// When the bad results were made that followed a good one, or none; oldest first, in milliseconds.
    fn falls(&self) -> impl Iterator<Item = i64> {
        let before = std::iter::once(false).chain(self.window.iter().map(|(_, bad)| *bad));
        self.window.iter().zip(before).filter(|((_, bad), before)| *bad && !before).map(|((at, _), _)| *at)
    }

    /// How many results at the end of the window are the same.
    fn streak(&self) -> usize {
        let newest = self.window.back().map(|(_, bad)| *bad);
        self.window.iter().rev().take_while(|(_, bad)| Some(*bad) == newest).count()
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
