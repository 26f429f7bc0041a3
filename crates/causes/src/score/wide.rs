//! Causes that are no fault of one thing: the looker itself, and a change of many things.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::is_loss;
use crate::looks::{Change, Known};
use crate::spread::{Effect, Effects, Start};
use crate::words::{RelationKind, What};

use super::against::{MOSTLY_WELL, PARTIAL_MS, against, is_refuted};
use super::{Case, FIT_MIN, Match, Origin, SLACK_MS, Scored, recent};

/// How long after a change its trouble begins, in milliseconds.
const CHANGE_SHOWS_MS: i64 = 30 * 60_000;
/// The logarithm of how likely the looker itself has trouble, and of a bad change.
const BLIND_PRIOR: f64 = -6.2;
const CHANGE_PRIOR: f64 = -5.5;
/// The same for a looker that sees nothing at all.
const NOTHING_SEEN_PRIOR: f64 = -3.5;
/// Of so many looks, and at least half of all, what was not looked at yet is not waited for.
const LOOKED_MIN: usize = 50;
/// The states that a bad change brings about, and how surely.
pub(crate) const CHANGED: [(What, f64); 6] = [
    (What::Errors, 0.9),
    (What::Down, 0.9),
    (What::Slow, 0.7),
    (What::Other, 0.7),
    (What::NoData, 1.0),
    (What::NameFails, 1.0),
];
/// How surely what goes through a network device is lost, in error or slow when the device lets it no longer through,
/// and within what time after the change, in milliseconds: what is not let through is missed at once.
const PASSED: f64 = 0.85;
const PASSED_MS: i64 = 5 * 60_000;
/// What a network device stops letting through stops at once, but for the time until it is looked at, in milliseconds.
const PASSED_APART_MS: i64 = 60_000;
/// How surely a blind looker's looks fail.
const BLIND_FIT: f64 = 0.8;

impl Case<'_> {
    /// The looker itself, or its way out.
    pub(super) fn blind(&self, vantage: Option<u64>) -> Option<Scored> {
        let matches: Vec<Match> = self
            .seen_from(vantage)
            .filter(|(_, sign)| vantage.is_none() || sign.thing != 0)
            .map(|(number, sign)| Match {
                sign: number,
                fit: BLIND_FIT * self.table.explains(What::Unreachable, sign.what) * sign.strength(),
                delay: 0,
                hops: u32::from(Some(sign.thing) != vantage),
            })
            .filter(|one| one.fit >= FIT_MIN)
            .collect();
        let kept = self.in_time(&matches, self.middle(&matches)?, false);
        let gains = self.gains(&kept);
        let others = gains.iter().filter(|(_, thing, _)| Some(*thing) != vantage).map(|(_, thing, _)| thing);
        if others.collect::<BTreeSet<_>>().len() < 3 {
            return None;
        }
        let onset = kept.iter().filter_map(|one| Some(self.sign(one.sign)?.since)).min()?;
        let end = self.end(&kept);
        let good = self.looks.from(vantage).filter(|known| !self.is_signed(known));
        let absent: Vec<(u64, f64, i64)> = good
            .filter(|known| self.table.expects(What::Unreachable, known.look.what) > 0.0)
            .filter_map(|known| Some((known.look.key, 0.95, known.good_within(onset + 5_000, end)?)))
            .collect();
        let elsewhere = |key: &u64| self.looks.get(*key).is_some_and(|known| Some(known.look.thing) != vantage);
        if absent.iter().any(|(key, ..)| elsewhere(key)) {
            // Who sees one thing well is not blind.
            return None;
        }
        let mut scored = Scored {
            origin: Origin::Vantage(vantage, false),
            onset,
            base: BLIND_PRIOR - against(&absent, self.looks),
            gains,
            absent,
            change: None,
            seen: false,
            partial: false,
            well: 0,
            chance: 0.0,
        };
        if self.sees_nothing(vantage, &scored.gains, onset, end) {
            // From here all that is beyond and the way there look alike: the looker doubts itself first.
            scored.base = NOTHING_SEEN_PRIOR;
            scored.gains.iter_mut().for_each(|(_, _, fit)| *fit /= BLIND_FIT);
        }
        (!is_refuted(&scored)).then_some(scored)
    }

    /// Nearly all that the server or another monitor looked at elsewhere since the same time is silent, a good part of all,
    /// and nothing of it has answered since, in whatever way. `gains` are the symptoms that began then.
    fn sees_nothing(&self, vantage: Option<u64>, gains: &[(u32, u64, f64)], onset: i64, end: i64) -> bool {
        let thing = |id: u64| self.graph.node(self.graph.place(id)?).map(|node| node.thing.kind.as_str());
        if vantage.is_some_and(|id| thing(id) != Some("monitor")) {
            // An agent whose results come is not cut off from the server.
            return false;
        }
        let then: BTreeSet<u64> = gains.iter().filter_map(|(sign, ..)| Some(self.sign(*sign)?.key)).collect();
        let elsewhere = |known: &&Known| Some(known.look.thing) != vantage && known.look.thing != 0;
        let (mut all, mut looked, mut silent) = (0_usize, 0_usize, 0_usize);
        for known in self.looks.from(vantage).filter(elsewhere) {
            all += 1;
            // How a look that has not fired fails is not known: its page may answer with errors or not at all.
            let vague = known.is_bad() && !known.fired;
            if self.is_signed(known) && (is_loss(known.what) || known.what == What::NameFails) {
                looked += 1;
                silent += usize::from(then.contains(&known.look.key));
            } else if !vague && known.newest().is_some_and(|at| (onset + 5_000..=end).contains(&at)) {
                return false;
            }
        }
        // What was not looked at since says nothing.
        let many = looked >= LOOKED_MIN && looked * 2 >= all;
        silent * 10 >= if many { looked * 9 } else { all * 9 }
    }

    /// The looker itself cannot look up names, while addresses answer.
    pub(super) fn nameless(&self, vantage: Option<u64>) -> Option<Scored> {
        let matches: Vec<Match> = self
            .seen_from(vantage)
            .filter(|(_, sign)| sign.what == What::NameFails)
            .filter(|(_, sign)| self.looks.get(sign.key).is_some_and(|known| known.look.by_name))
            .map(|(number, sign)| Match { sign: number, fit: 0.8 * sign.strength(), delay: 0, hops: 1 })
            .filter(|one| one.fit >= FIT_MIN)
            .collect();
        let kept = self.in_time(&matches, self.middle(&matches)?, false);
        let gains = self.gains(&kept);
        if gains.iter().map(|(_, thing, _)| thing).collect::<BTreeSet<_>>().len() < 3 {
            return None;
        }
        let onset = kept.iter().filter_map(|one| Some(self.sign(one.sign)?.since)).min()?;
        let end = self.end(&kept);
        // Who finds one name finds names.
        let mut named = self.looks.from(vantage).filter(|known| known.look.by_name);
        if named.any(|known| !self.is_signed(known) && known.good_within(onset + 5_000, end).is_some()) {
            return None;
        }
        let origin = Origin::Vantage(vantage, true);
        let (base, absent, change) = (BLIND_PRIOR, Vec::new(), None);
        Some(Scored { origin, onset, base, gains, absent, change, seen: false, partial: false, well: 0, chance: 0.0 })
    }

    /// The places that a change reached.
    pub(crate) fn changed(&self, label: &str) -> BTreeSet<u32> {
        let made = self.changes.iter().filter(|change| change.label == label);
        made.filter_map(|change| self.graph.place(change.thing)).collect()
    }

    /// What a network device that is up itself may keep from others when it was changed: they are cut off, or what they
    /// do over the network fails or is slow, however far behind.
    fn passed(&self, place: u32) -> Effects {
        let passes = |kind| matches!(kind, RelationKind::ConnectedTo | RelationKind::RoutesBy);
        if !self.graph.node(place).is_some_and(|node| node.down.iter().any(|edge| passes(edge.kind))) {
            return Effects::new();
        }
        let mut effects = self.effects(&[(place, What::Unreachable, PASSED)]);
        effects.remove(&place);
        for states in effects.values_mut() {
            let lost: Vec<Effect> = states.iter().copied().filter(|one| one.state == What::Unreachable).collect();
            for effect in lost {
                states.extend([What::Errors, What::Slow].map(|state| Effect { state, ..effect }));
            }
        }
        effects
    }

    /// What stopped at one time and shortly after a change, and may have been kept by it.
    fn stopped(&self, passed: &Effects, place: u32, changed: i64) -> Vec<Match> {
        let mut matches = self.matches(passed, place);
        let since = |one: &Match| self.sign(one.sign).map_or(i64::MAX, |sign| sign.since);
        matches.retain(|one| since(one) + SLACK_MS >= changed);
        let Some(first) = matches.iter().map(since).min().filter(|first| *first <= changed + PASSED_MS) else {
            return Vec::new();
        };
        matches.retain(|one| {
            let interval = self.sign(one.sign).map_or(0, |sign| sign.interval);
            since(one) <= first + PASSED_APART_MS + one.delay.min(PASSED_APART_MS) + interval
        });
        matches
    }

    /// One change, of several things or of one.
    pub(super) fn bad_change(&self, label: &str, made: &[&Change]) -> Option<Scored> {
        let places: BTreeMap<u32, i64> =
            made.iter().filter_map(|change| Some((self.graph.place(change.thing)?, change.at_ms))).collect();
        if places.is_empty() {
            return None;
        }
        // A single thing that nothing is wrong with is not down itself; what it does may be wrong.
        let one = Some(places.keys()).filter(|_| places.len() == 1).and_then(|mut all| all.next().copied());
        let is_up = one.is_some_and(|place| !self.at.contains_key(&place));
        // It may keep data from passing all the same.
        let can = |state: What| !is_up || !is_loss(state) || state == What::NoData;
        let starts: Vec<Start> = places
            .keys()
            .flat_map(|place| CHANGED.iter().map(|(state, weight)| (*place, *state, *weight)))
            .filter(|(_, state, _)| can(*state))
            .collect();
        let mut effects = self.effects(&starts);
        let first = places.values().copied().min()?;
        let last = places.values().copied().max()?;
        let mut matches = self.matches(&effects, u32::MAX);
        matches.retain(|one| {
            let made = self.place_of(one.sign).and_then(|place| places.get(&place)).copied();
            self.sign(one.sign).is_some_and(|sign| {
                let since = sign.since + SLACK_MS;
                let until = made.unwrap_or(last) + CHANGE_SHOWS_MS + one.delay + sign.interval;
                since >= made.unwrap_or(first) && sign.since <= until
            })
        });
        if let Some(place) = one.filter(|_| is_up) {
            let passed = self.passed(place);
            matches.extend(self.stopped(&passed, place, last));
            matches.sort_by(|a, b| a.sign.cmp(&b.sign).then(b.fit.total_cmp(&a.fit)));
            matches.dedup_by_key(|one| one.sign);
            for (place, mut states) in passed {
                effects.entry(place).or_default().append(&mut states);
            }
        }
        let gains = self.gains(&matches);
        let things: BTreeSet<u64> = gains.iter().map(|(_, thing, _)| *thing).collect();
        if things.len() < 2 {
            return None;
        }
        let onset = matches.iter().filter_map(|one| Some(self.sign(one.sign)?.since)).min()?;
        let end = self.end(&matches);
        let well = |place: u32| self.well(&effects, place, onset.max(last), end, PARTIAL_MS);
        if one.is_some_and(|place| well(place) > MOSTLY_WELL * things.len()) {
            return None;
        }
        // A bad change need not break everything it touched.
        let errors = Effect { state: What::Errors, weight: 1.0, hops: 0, delay_ms: CHANGE_SHOWS_MS / 3 };
        let own: Effects = places.keys().map(|place| (*place, vec![errors])).collect();
        let (absent, _) = self.absent(&own, u32::MAX, onset.max(last), end, 0.3);
        let base = CHANGE_PRIOR + recent(onset - last) - against(&absent, self.looks);
        let change = self.changes.iter().position(|change| change.label == label);
        let scored = Scored {
            origin: Origin::Change(label.to_owned()),
            onset,
            base,
            gains,
            absent,
            change,
            seen: false,
            partial: false,
            well: 0,
            chance: 0.0,
        };
        (!is_refuted(&scored)).then_some(scored)
    }
}
