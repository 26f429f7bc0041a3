//! What a check's results mean: a state machine over values. It knows no clock and no database.
//!
//! An alert *fires* when n of the last m known results are bad and the newest is, and *clears* after k good ones in a
//! row. Runs that could not be made and missing results are no knowledge: they count neither way, and never clear.
//! With `for_ms` it fires only when it was bad for so long, and with `keep_firing_ms` it stays out for so long after it is
//! well; a gap in the results resets neither.
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
    /// It is well again, but not for long enough: the alert is still out.
    Keeping,
    /// It is bad, and everything it stands on is out: nothing is known of the thing itself.
    Unreachable,
    /// It is well, but a part of what it stands on is out: the rest carries it.
    Degraded,
}

impl State {
    /// Every state, worst first.
    pub const ALL: [Self; 11] = [
        Self::Firing,
        Self::Flapping,
        Self::Unreachable,
        Self::Keeping,
        Self::Pending,
        Self::Error,
        Self::NoData,
        Self::Stale,
        Self::Degraded,
        Self::Waiting,
        Self::Ok,
    ];

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
            Self::Keeping => "keeping",
            Self::Unreachable => "unreachable",
            Self::Degraded => "degraded",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// How a thing stands with what it stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing it needs is out.
    #[default]
    Firm,
    /// A part of what it stands on is out, another part of the same kind is not.
    Degraded,
    /// Something without which it cannot be reached is out.
    Unreachable,
}

/// When an alert fires and clears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// So many bad results ..
    pub fire_n: usize,
    /// .. of so many fire.
    pub fire_m: usize,
    /// So many good results in a row clear.
    pub clear_k: usize,
    /// Results that are so much older than the newest say nothing about it, in milliseconds.
    pub keep_ms: i64,
    /// It must be bad for so long before it fires, in milliseconds.
    pub for_ms: i64,
    /// It stays out for so long after enough good results, in milliseconds.
    pub keep_firing_ms: i64,
}

/// What one run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not bad enough to fire and not good enough to clear: the pair of thresholds of a rule.
    Between,
    /// Nothing is known.
    Unknown,
}

/// The memory of one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// How it stands.
    pub state: State,
    /// It has fired and was not cleared: true through no data, stale, error, keeping, unreachable and flapping.
    pub open: bool,
    /// Since when it is in this state.
    pub since: Time,
    /// The newest known results, oldest first: when they were made, in milliseconds, and whether they were bad.
    window: VecDeque<(i64, bool)>,
    /// How many results at the end of the window count for firing: those since the last clearing.
    counted: usize,
    /// Runs in a row that could not be made.
    errors: usize,
    /// Results go back and forth.
    #[serde(default)]
    pub(crate) flaps: Option<Flaps>,
    /// Since when enough results are bad, in milliseconds.
    #[serde(default)]
    bad_since_ms: Option<i64>,
    /// Since when enough results are good while it is out, in milliseconds.
    #[serde(default)]
    good_since_ms: Option<i64>,
    /// How the thing stands with what it stands on.
    #[serde(default)]
    pub standing: Standing,
}

/// What is remembered of results that go back and forth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaps {
    /// How often a good result was followed by a bad one.
    pub falls: usize,
    /// When the first of those bad results was made, in milliseconds.
    pub first_ms: i64,
    /// The falls that were told last.
    told: usize,
}

/// What is to be told about flapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flap {
    /// It began, or became twice as much as was told last.
    Goes(Flaps),
    /// It is over: so many results in a row were the same.
    Over(Flaps),
}

/// So many results in a row that are the same end flapping.
pub fn quiet(rule: &Rule) -> usize {
    FLAP_QUIET.max(rule.clear_k)
}

/// A change of state, or of what is to be told about a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Before.
    pub from: State,
    /// After.
    pub to: State,
    /// The alert fired with this step.
    pub fired: bool,
    /// The alert cleared with this step.
    pub cleared: bool,
    /// Flapping began, became more, or is over.
    pub flap: Option<Flap>,
}

impl Machine {
    /// The memory of a check that has no result yet.
    pub fn new(since: Time) -> Self {
        Self {
            state: State::Waiting,
            open: false,
            since,
            window: VecDeque::new(),
            counted: 0,
            errors: 0,
            flaps: None,
            bad_since_ms: None,
            good_since_ms: None,
            standing: Standing::Firm,
        }
    }

    /// True when this very result was taken before: agents send again what was not acknowledged.
    pub fn knows(&self, at_ms: i64) -> bool {
        self.window.iter().any(|(at, _)| *at == at_ms)
    }

    /// Takes one result. `at_ms` is when it was made, `now` when it is judged.
    pub fn take(&mut self, rule: &Rule, at_ms: i64, outcome: Outcome, now: Time) -> Option<Step> {
        let was_open = self.open;
        let mut flap = None;
        let state = match outcome {
            Outcome::Unknown => {
                self.errors += 1;
                if self.errors >= rule.fire_n.max(1) { State::Error } else { self.state }
            }
            Outcome::Good | Outcome::Bad | Outcome::Between => {
                self.errors = 0;
                // Between the thresholds an alert that is out stays out, and one that is not does not fire.
                let bad = outcome == Outcome::Bad || outcome == Outcome::Between && self.open;
                flap = self.push(rule, at_ms, bad);
                self.judge(rule, at_ms)
            }
        };
        self.enter(state, was_open, flap, now)
    }

    /// Nothing came for too long: no data when the agent is there, stale when it is not.
    pub fn missing(&mut self, agent_is_there: bool, now: Time) -> Option<Step> {
        let state = if agent_is_there { State::NoData } else { State::Stale };
        let open = self.open;
        self.enter(state, open, None, now)
    }

    /// How the thing stands with what it stands on: what is bad is then unreachable, what is well is degraded.
    pub fn stand(&mut self, standing: Standing, now: Time) -> Option<Step> {
        self.standing = standing;
        let open = self.open;
        let state = match self.state {
            State::Firing | State::Unreachable => self.bad_word(),
            State::Ok | State::Degraded => self.good_word(),
            other => other,
        };
        self.enter(state, open, None, now)
    }

    fn bad_word(&self) -> State {
        if self.standing == Standing::Unreachable { State::Unreachable } else { State::Firing }
    }

    fn good_word(&self) -> State {
        if self.standing == Standing::Degraded { State::Degraded } else { State::Ok }
    }

    /// The check was changed: earlier results say nothing about it. An open alert stays open until good results come.
    pub fn forget(&mut self) {
        self.window.clear();
        (self.counted, self.errors, self.flaps) = (0, 0, None);
        (self.bad_since_ms, self.good_since_ms) = (None, None);
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

    fn judge(&mut self, rule: &Rule, at_ms: i64) -> State {
        let newest_bad = self.window.back().is_some_and(|(_, bad)| *bad);
        let recent = self.window.iter().rev().take(rule.fire_m.max(1).min(self.counted));
        let bad = recent.filter(|(_, bad)| *bad).count();
        if self.open {
            return self.judge_open(rule, at_ms);
        }
        let enough = bad >= rule.fire_n.max(1);
        self.bad_since_ms = if enough { self.bad_since_ms.or(Some(at_ms)) } else { None };
        let long = self.bad_since_ms.is_some_and(|since| at_ms.saturating_sub(since) >= rule.for_ms);
        if newest_bad && enough && long {
            (self.open, self.bad_since_ms, self.good_since_ms) = (true, None, None);
            return if self.flaps.is_some() { State::Flapping } else { self.bad_word() };
        }
        match (self.flaps.is_some(), bad) {
            (true, _) => State::Flapping,
            (false, 0) => self.good_word(),
            (false, _) => State::Pending,
        }
    }

    fn judge_open(&mut self, rule: &Rule, at_ms: i64) -> State {
        let good_streak = self.window.iter().rev().take_while(|(_, bad)| !bad).count();
        let well = good_streak >= rule.clear_k.max(1);
        self.good_since_ms = if well { self.good_since_ms.or(Some(at_ms)) } else { None };
        if self.flaps.is_some() {
            return State::Flapping;
        }
        let Some(since) = self.good_since_ms else { return self.bad_word() };
        if at_ms.saturating_sub(since) < rule.keep_firing_ms {
            return State::Keeping;
        }
        (self.open, self.counted, self.good_since_ms) = (false, 0, None);
        self.good_word()
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

    /// When the first of the bad results was made that led to where it stands, in milliseconds.
    pub fn bad_from_ms(&self) -> Option<i64> {
        self.window.iter().rev().take(self.counted.max(1)).filter(|(_, bad)| *bad).map(|(at, _)| *at).next_back()
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
