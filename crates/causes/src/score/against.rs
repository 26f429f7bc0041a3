//! What speaks against a candidate: looks that should be bad and are good, a thing that is heard from or is fine
//! itself, and faults that nobody looks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::is_loss;
use crate::looks::{Known, Looks};
use crate::spread::{Effect, Effects};
use crate::words::What;

use super::{AGAIN, Case, Cut, FIT_MIN, SLACK_MS, Scored};

/// Candidates against which more than this share of what is known speaks are no candidates.
const AGAINST_MAX: f64 = 0.4;
/// The same for candidates that are seen to fail themselves.
const AGAINST_SEEN_MAX: f64 = 0.6;
/// Points lost by a fault inside a thing that nobody looks for, and that could be told from others by nothing.
pub(super) const UNSEEN_INNER: f64 = 1.5;
/// Points lost by a thing that is fine itself as far as anybody looks, and with it most of what stands on it.
pub(super) const PARTIAL: f64 = 3.0;
/// What stands on a thing and is well so long after it began speaks for the thing, in milliseconds.
pub(super) const PARTIAL_MS: i64 = 60_000;
/// After so long most trouble shows, in milliseconds.
const SHOWS_MS: i64 = 10 * 60_000;
/// A look that would be bad so surely tells that a thing is fine.
const FINE_MIN: f64 = 0.1;
/// What so many times more things survived than suffer from is not what they suffer from.
pub(super) const MOSTLY_WELL: usize = 3;

impl Case<'_> {
    /// Looks that should be bad by now and were good, and the things that this spares.
    pub(super) fn absent(
        &self,
        effects: &Effects,
        cause: u32,
        onset: i64,
        end: i64,
        share: f64,
    ) -> (Vec<(u64, f64, i64)>, BTreeSet<u64>) {
        let mut found = Vec::new();
        let mut cut = Cut::new(self.graph, effects, cause);
        let mut order: Vec<(u32, u32)> = effects
            .iter()
            .map(|(place, states)| (states.iter().map(|one| one.hops).min().unwrap_or_default(), *place))
            .collect();
        order.sort_unstable();
        // What stands on a thing that is fine is fine as well: no news.
        let (mut fine, mut spared) = (BTreeSet::new(), BTreeSet::new());
        for (hops, place) in &order {
            let nothing_good = self.all_bad.contains(place);
            if nothing_good && fine.is_empty() {
                continue;
            }
            let (Some(states), Some(node)) = (effects.get(place), self.graph.node(*place)) else { continue };
            let mut above = node.up.iter().filter(|edge| effects.contains_key(&edge.other)).peekable();
            if *hops > 0 && above.peek().is_some() && above.all(|edge| fine.contains(&edge.other)) {
                fine.insert(*place);
                spared.insert(self.graph.id(*place));
                continue;
            }
            if nothing_good {
                continue;
            }
            let thing = node.thing.id;
            let bad_too = self.at.contains_key(place);
            for known in self.looks.at(thing).filter(|known| !self.is_signed(known)) {
                let worst = states.iter().filter_map(|effect| {
                    let good = known.good_within(onset + effect.delay_ms + 5_000, end)?;
                    let seen = if effect.state == What::Down { 1.0 } else { cut.seen(known.look.vantage, *place) };
                    Some((effect.weight * self.table.expects(effect.state, known.look.what) * share * seen, good))
                });
                if let Some((surely, at)) =
                    worst.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(surely, _)| *surely > 0.05)
                {
                    if !bad_too || surely >= 0.8 {
                        fine.insert(*place);
                    }
                    // Others see it bad: it is bad for some.
                    found.push((known.look.key, if bad_too { surely * 0.8 } else { surely }, at));
                }
            }
        }
        (found, spared)
    }

    /// The thing is fine as far as anybody looks at it, and so is as much of what stands on it as is not.
    pub(super) fn is_partial(
        &self,
        effects: &Effects,
        cause: u32,
        gains: &[(u32, u64, f64)],
        onset: i64,
        end: i64,
    ) -> bool {
        let fine = |known: &Known| known.good_within(onset + PARTIAL_MS + 5_000, end).is_some();
        let bad = gains.iter().map(|(_, thing, _)| thing).collect::<BTreeSet<_>>().len();
        self.looks.at(self.graph.id(cause)).any(fine) && self.well(effects, cause, onset, end, PARTIAL_MS) >= bad
    }

    /// So many more of what stands on it are well, after the time in which most trouble shows, that what nobody sees
    /// fail is not what the few suffer from.
    pub(super) fn is_mostly_well(
        &self,
        effects: &Effects,
        cause: u32,
        gains: &[(u32, u64, f64)],
        onset: i64,
        end: i64,
    ) -> bool {
        let most = MOSTLY_WELL * gains.iter().map(|(_, thing, _)| thing).collect::<BTreeSet<_>>().len();
        effects.len() > most && self.well(effects, cause, onset, end, SHOWS_MS) > most
    }

    /// How many things, beside the cause itself, should suffer before long and were fine since it began.
    pub(super) fn fine(&self, effects: &Effects, cause: u32, onset: i64, end: i64) -> usize {
        let others = effects.iter().filter(|(place, _)| **place != cause && !self.at.contains_key(place));
        let fine = others.filter(|(place, states)| {
            let soon = |effect: &&Effect| effect.delay_ms <= SHOWS_MS;
            let hit = |known: &Known| {
                let sure = |effect: &Effect| effect.weight * self.table.expects(effect.state, known.look.what);
                states.iter().filter(soon).any(|effect| sure(effect) >= FINE_MIN)
            };
            let mut looks = self.looks.at(self.graph.id(**place));
            looks.any(|known| known.good_within(onset, end).is_some() && hit(known))
        });
        fine.count()
    }

    /// How many things, beside the cause itself, should suffer after so long at the latest and are well.
    pub(super) fn well(&self, effects: &Effects, cause: u32, onset: i64, end: i64, latest: i64) -> usize {
        let fine = |known: &Known, delay: i64| known.good_within(onset + delay.min(latest) + 5_000, end).is_some();
        let mut cut = Cut::new(self.graph, effects, cause);
        let others = effects.iter().filter(|(place, _)| **place != cause && !self.at.contains_key(place));
        let well = others.filter(|(place, states)| {
            let told = |known: &Known| {
                // Who stands on the same side sees it well, whatever becomes of what lies between.
                let across = cut.seen(known.look.vantage, **place);
                states.iter().any(|effect| {
                    let seen = if effect.state == What::Down { 1.0 } else { across };
                    let hit = effect.weight * self.table.expects(effect.state, known.look.what) * seen;
                    hit >= FIT_MIN && fine(known, effect.delay_ms)
                })
            };
            self.looks.at(self.graph.id(**place)).any(told)
        });
        well.count()
    }
}

/// A look at the thing itself that must be bad was good when half of what it should cause had begun. Who finds names
/// for those who look fails them for nobody.
pub(super) fn own_is_fine(case: &Case<'_>, place: u32, state: What, half: i64, end: i64) -> bool {
    if case.at.contains_key(&place) {
        return false;
    }
    let kind = case.graph.node(place).map(|node| node.kind);
    let names = kind.is_some_and(|kind| case.table.ways(kind, state).iter().any(|way| way.gives == What::NameFails));
    let surely = |known: &&Known| {
        case.table.expects(state, known.look.what) >= 0.85 || (names && known.look.what == What::NameFails)
    };
    case.looks.at(case.graph.id(place)).filter(surely).any(|known| known.good_within(half + 5_000, end).is_some())
}

/// A machine that stands still or is cut off sends no results: what its own agent found since says that it runs and is
/// reached, also when what it found is bad. What it kept meanwhile and sends afterwards does not.
pub(super) fn is_heard(case: &Case<'_>, place: u32, state: What, half: i64, end: i64) -> bool {
    let heard = |known: &Known| known.heard_within(half + known.look.interval_ms + SLACK_MS, end);
    is_loss(state) && case.looks.from(Some(case.graph.id(place))).any(heard)
}

/// A fault of any thing by the word of a look, of which nothing but that look tells.
pub(super) fn is_inner(name: &str, state: What) -> bool {
    name == state.as_str()
        && matches!(state, What::DiskFull | What::ClockOff | What::CertInvalid | What::Overloaded | What::NoData)
}

/// Points lost for what should be bad and is not: for each thing the surest counts fully.
pub(super) fn against(absent: &[(u64, f64, i64)], looks: &Looks) -> f64 {
    let mut of: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (key, surely, _) in absent {
        let Some(known) = looks.get(*key) else { continue };
        let lost = -(1.0 - surely.min(0.96)).ln();
        let entry = of.entry(known.look.thing).or_default();
        *entry = (entry.0.max(lost), entry.1 + lost);
    }
    of.values().map(|(most, all)| most + AGAIN * (all - most)).sum()
}

/// Too much of what is known speaks against it.
pub(super) fn is_refuted(scored: &Scored) -> bool {
    // Of two paths the inventory may know one: what is seen to fail itself may reach less than it seems.
    let most = if scored.seen { AGAINST_SEEN_MAX } else { AGAINST_MAX };
    scored.gains.is_empty() || scored.doubt() > most
}
