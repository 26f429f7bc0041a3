//! Groups and rules in memory: what they say, which a change replaces as a whole; what is remembered of a rule from one
//! evaluation to the next; and what was seen last, for readers, who never wait for an evaluation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kernel::Time;
use promql::{Labels, format_duration};
use rules::{Active, Alerts, Extras, Pairs, Phase, Written};

use super::show::RuleAlert;
use super::{Standing, Stored};
use crate::limits::{RULE_ALERTS_SHOWN, RULE_SLOW};
use crate::live::lock;

/// A group with its rules, as they are in the database.
pub(crate) struct Seat {
    pub(crate) id: i64,
    pub(crate) def: rules::Group,
    pub(crate) file: Option<String>,
    pub(crate) interval_ms: i64,
    /// When within an interval it is evaluated.
    pub(crate) phase_ms: i64,
    pub(crate) rules: Vec<Post>,
    pub(crate) pace: Arc<Mutex<Pace>>,
    /// Another one is in its place: what runs ends soon.
    left: Arc<AtomicBool>,
}

/// A rule, as it is in the database.
pub(crate) struct Post {
    pub(crate) id: i64,
    pub(crate) stored: Stored,
    /// Its labels and those of its group.
    pub(crate) labels: Pairs,
    pub(crate) extras: Extras,
    pub(crate) slot: Arc<Slot>,
}

/// When a group is evaluated, and how it went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// The evaluation that comes next, in ms since 1970.
    pub(crate) due_ms: i64,
    pub(crate) evaluated_ms: Option<i64>,
    pub(crate) took: Duration,
    pub(crate) missed: u64,
    /// It is being evaluated, or waits for its turn: since when, in ms since 1970, and which rule is asked.
    pub(crate) turn: Option<(i64, Option<String>)>,
    /// The rule that the next turn begins with: the last one had no time for it.
    pub(crate) first: usize,
    /// Rules that the last turn had no time for.
    pub(crate) left_out: usize,
    /// The rule that took longest, and how long.
    pub(crate) slowest: Option<(String, Duration)>,
}

/// What stays of a rule when its text changes.
pub(crate) struct Slot {
    /// Held while it is evaluated.
    memory: Mutex<Memory>,
    seen: Mutex<Arc<Seen>>,
}

/// What an evaluation needs from those before.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) alerts: Alerts,
    pub(crate) written: Written,
    /// The alerts that have a check, by their labels.
    pub(crate) known: HashMap<Labels, Known>,
    /// An earlier process evaluated it: its last evaluations are asked about first.
    pub(crate) recalls: bool,
    pub(crate) evaluated_ms: Option<i64>,
}

/// What was seen at the last evaluation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) error: Option<String>,
    pub(crate) evaluated_ms: Option<i64>,
    pub(crate) took: Duration,
    pub(crate) samples: usize,
    pub(crate) series: usize,
    /// The alerts that are pending or out, each with its check.
    pub(crate) active: Vec<(Active, Option<i64>)>,
}

/// An alert that has a check, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) row: i64,
    pub(crate) check: i64,
    /// Nothing when it is over.
    pub(crate) stored: Option<(Phase, rules::Since)>,
}

impl Known {
    /// True if this is how an alert stands.
    pub(crate) fn says(&self, alert: &Active) -> bool {
        self.stored == Some((alert.phase, since(alert)))
    }
}

/// The times of an alert.
pub(crate) fn since(alert: &Active) -> rules::Since {
    rules::Since {
        active_at_ms: alert.active_at_ms,
        fired_at_ms: alert.fired_at_ms,
        keeping_since_ms: alert.keeping_since_ms,
    }
}

impl Slot {
    pub(crate) fn new(memory: Memory) -> Self {
        let slot = Self { memory: Mutex::new(memory), seen: Mutex::default() };
        slot.publish(&slot.memory(), Seen::default());
        slot
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    /// What was seen last.
    pub(crate) fn seen(&self) -> Arc<Seen> {
        lock(&self.seen).clone()
    }

    /// Shows readers how it stands now.
    pub(crate) fn publish(&self, memory: &Memory, seen: Seen) {
        let check = |one: &Active| memory.known.get(&one.labels).map(|known| known.check);
        let active = memory.alerts.active().map(|one| (one.clone(), check(one))).collect();
        *lock(&self.seen) = Arc::new(Seen { active, ..seen });
    }
}

/// A turn that was taken; the next one can be when this goes.
pub(super) struct Taken<'a>(&'a Seat);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        lock(&self.0.pace).turn = None;
    }
}

impl Seat {
    pub(super) fn new(
        (id, def): (i64, rules::Group),
        (interval_ms, phase_ms): (i64, i64),
        file: Option<String>,
        rules: Vec<Post>,
        pace: Arc<Mutex<Pace>>,
    ) -> Self {
        Self { id, def, file, interval_ms, phase_ms, rules, pace, left: Arc::default() }
    }

    /// The last moment of the group at or before a time.
    pub(super) fn moment(&self, ms: i64) -> i64 {
        (ms - self.phase_ms).div_euclid(self.interval_ms) * self.interval_ms + self.phase_ms
    }

    /// True if this says the same.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let same = |(a, b): (&Post, &Post)| a.stored == b.stored && Arc::ptr_eq(&a.slot, &b.slot);
        (self.id, &self.def, &self.file) == (other.id, &other.def, &other.file)
            && self.rules.len() == other.rules.len()
            && self.rules.iter().zip(&other.rules).all(same)
    }

    /// Ends what runs, for another one is in its place.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Raised to stop its questions.
    pub(super) fn cancel(&self) -> Arc<AtomicBool> {
        self.left.clone()
    }

    /// Takes the turn that is due, so that nobody else takes it. Moments that passed meanwhile are counted as missed.
    pub(super) fn claim(&self, now: Time) -> bool {
        let mut pace = lock(&self.pace);
        if pace.due_ms > now.millis() + self.interval_ms {
            // The clock was set back: what is due goes by what it says now.
            pace.due_ms = self.moment(now.millis());
        }
        if pace.turn.is_some() || pace.due_ms > now.millis() || self.has_left() {
            return false;
        }
        let at_ms = self.moment(now.millis());
        let passed = (at_ms - pace.due_ms).div_euclid(self.interval_ms).max(0);
        pace.missed = pace.missed.saturating_add(u64::try_from(passed).unwrap_or(0));
        pace.due_ms = at_ms + self.interval_ms;
        pace.turn = Some((now.millis(), None));
        true
    }

    /// Holds the turn that was taken, and gives it back in any case.
    pub(super) fn taken(&self) -> Taken<'_> {
        Taken(self)
    }

    /// True if its last turn took long.
    pub(super) fn is_slow(&self) -> bool {
        lock(&self.pace).took > RULE_SLOW
    }

    fn missed(&self) -> u64 {
        lock(&self.pace).missed
    }

    /// Why its evaluations are late, in words; nothing while they are on time.
    fn slow(&self, now: Time) -> Option<String> {
        let pace = lock(&self.pace).clone();
        let (name, every) = (&self.def.name, format_duration(self.interval_ms));
        if let Some((since_ms, rule)) = &pace.turn
            && now.millis() - since_ms > self.interval_ms
        {
            let took = format_duration((now.millis() - since_ms) / 1_000 * 1_000);
            return Some(match rule {
                Some(rule) => {
                    format!("The group \"{name}\" has been evaluated for {took} of its {every}, at present \"{rule}\".")
                }
                None => format!("The group \"{name}\" waits for its turn since {took}; others take long."),
            });
        }
        let took_ms = i64::try_from(pace.took.as_millis()).unwrap_or(i64::MAX);
        if pace.left_out == 0 && took_ms <= self.interval_ms {
            return None;
        }
        let mut said = format!("The group \"{name}\" took {} of its {every}", seconds(pace.took));
        if let Some((rule, took)) = &pace.slowest {
            said.push_str(&format!(", the rule \"{rule}\" alone {}", seconds(*took)));
        }
        said.push('.');
        if pace.left_out > 0 {
            let rules = if pace.left_out == 1 { "rule waits" } else { "rules wait" };
            said.push_str(&format!(" {} {rules} for its next turn.", pace.left_out));
        }
        Some(said)
    }

    /// How the evaluation of one of its rules went.
    pub(crate) fn standing(&self, post: &Post, now: Time) -> Standing {
        let (seen, missed, slow) = (post.slot.seen(), self.missed(), self.slow(now));
        let firing = seen.active.iter().filter(|(one, _)| one.phase == Phase::Firing).count();
        Standing {
            health: seen.health().to_owned(),
            error: seen.error.clone(),
            evaluated_at: seen.evaluated_ms.map(|ms| Time(ms.saturating_mul(1_000))),
            took_us: u64::try_from(seen.took.as_micros()).unwrap_or(u64::MAX),
            samples: seen.samples,
            series: seen.series,
            pending: seen.active.len() - firing,
            firing,
            missed,
            slow,
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

impl Seen {
    /// ok, err or unknown.
    pub(crate) fn health(&self) -> &'static str {
        match (&self.error, self.evaluated_ms) {
            (Some(_), _) => "err",
            (None, Some(_)) => "ok",
            (None, None) => "unknown",
        }
    }

    /// The alerts as they are answered, those that are out first.
    pub(crate) fn shown(&self) -> Vec<RuleAlert> {
        let words = |labels: &Labels| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let shown = |(one, check): &(Active, Option<i64>)| RuleAlert {
            labels: words(&one.labels),
            annotations: words(&one.annotations),
            state: one.phase.as_str().to_owned(),
            value: promql::format_value(one.value),
            active_at: Time(one.active_at_ms.saturating_mul(1_000)),
            unknown: one.unknown,
            check: *check,
        };
        let mut all: Vec<RuleAlert> = self.active.iter().map(shown).collect();
        all.sort_by(|a, b| a.state.cmp(&b.state).then(a.active_at.cmp(&b.active_at)));
        all.truncate(RULE_ALERTS_SHOWN);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat() -> Seat {
        let def = rules::Group { name: "web".into(), ..rules::Group::default() };
        Seat::new((1, def), (30_000, 5_000), None, Vec::new(), Arc::default())
    }

    #[test]
    fn a_turn_is_taken_once_and_what_passed_meanwhile_is_missed() {
        let seat = seat();
        let at = |ms: i64| Time(ms * 1_000);
        lock(&seat.pace).due_ms = 35_000;
        assert!(!seat.claim(at(34_999)));
        assert!(seat.claim(at(100_000)) && !seat.claim(at(200_000)), "nobody else while it is taken");
        let pace = lock(&seat.pace).clone();
        assert_eq!((pace.missed, pace.due_ms), (2, 125_000));
        lock(&seat.pace).turn = None;
        seat.leave();
        assert!(!seat.claim(at(200_000)), "another one is in its place");
    }

    #[test]
    fn a_clock_that_is_set_back_stops_no_group_and_a_turn_that_ends_early_is_given_back() {
        let seat = seat();
        let at = |ms: i64| Time(ms * 1_000);
        lock(&seat.pace).due_ms = 35_000;
        assert!(seat.claim(at(3_600_000)));
        drop(seat.taken());
        assert!(!seat.claim(at(3_600_001)), "not due yet");
        assert!(seat.claim(at(65_000)), "an hour back");
        assert_eq!(lock(&seat.pace).due_ms, 95_000);
    }

    #[test]
    fn a_slow_group_is_named_with_its_slowest_rule() {
        let seat = seat();
        assert_eq!(seat.slow(Time(0)), None);
        lock(&seat.pace).turn = Some((0, Some("Heavy".into())));
        assert_eq!(seat.slow(Time(30_000_000)), None, "it has its interval");
        let said = seat.slow(Time(42_500_000)).unwrap();
        assert_eq!(said, "The group \"web\" has been evaluated for 42s of its 30s, at present \"Heavy\".");
        let slowest = Some(("Heavy".into(), Duration::from_millis(9_940)));
        let pace =
            Pace { took: Duration::from_millis(31_240), slowest, left_out: 2, turn: None, ..lock(&seat.pace).clone() };
        *lock(&seat.pace) = pace;
        assert_eq!(
            seat.slow(Time(0)).unwrap(),
            "The group \"web\" took 31.2 s of its 30s, the rule \"Heavy\" alone 9.9 s. 2 rules wait for its next turn."
        );
    }
}
