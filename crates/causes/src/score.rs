//! How well one candidate fits: what it explains, less what should be bad and is not, the distance, and how rare it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::is_loss;
use crate::graph::Graph;
use crate::looks::{Change, Known, Looks};
use crate::rules::Table;
use crate::spread::{Effect, Effects, Seen, Start, effects, stands_still};
use crate::words::What;

mod against;
mod cut;
mod sign;
mod wide;

use against::{PARTIAL, UNSEEN_INNER, against, is_heard, is_inner, is_refuted, own_is_fine};
use cut::Cut;
use sign::worse;
pub(crate) use sign::{GROWS_MS, Sign};
pub(crate) use wide::CHANGED;

/// Points for a thing whose symptom is explained.
pub(crate) const GAIN: f64 = 5.0;
/// The share of the points for further symptoms of the same thing, which are no news.
const AGAIN: f64 = 0.25;
/// Points lost for each step between the cause and the nearest thing that suffers.
const DISTANCE: f64 = 0.4;
/// Worse fits explain nothing.
pub(crate) const FIT_MIN: f64 = 0.2;
/// How surely a looker that is cut off misses what is beyond: as surely as what is beyond is cut off.
const CUT_OFF: f64 = 0.97;
/// How far back a change may be the reason, in milliseconds.
const CHANGE_MS: i64 = 2 * 3_600_000;
/// What is taken for the time a look itself takes, in milliseconds.
pub(crate) const SLACK_MS: i64 = 15_000;
/// So many symptoms are a storm.
pub(crate) const STORM: usize = 600;

/// Everything that is known at one moment.
pub(crate) struct Case<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) table: &'a Table,
    pub(crate) looks: &'a Looks,
    pub(crate) changes: &'a [Change],
    pub(crate) signs: Vec<Sign>,
    /// The symptoms of each thing, by place.
    pub(crate) at: BTreeMap<u32, Vec<u32>>,
    /// The place of each symptom's thing, if it is known.
    places: Vec<Option<u32>>,
    /// The symptoms that each vantage sees.
    by_vantage: BTreeMap<Option<u64>, Vec<u32>>,
    /// The looks of the symptoms, in order.
    signed: Vec<u64>,
    /// Places where every look is a symptom: nothing is good there.
    all_bad: BTreeSet<u32>,
    seen: Seen,
    pub(crate) hops: u32,
    pub(crate) now: i64,
}

/// What a candidate is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Thing(u32, What, String),
    Change(String),
    /// Who looks, and whether it only finds no names.
    Vantage(Option<u64>, bool),
}

/// A candidate with all that speaks for and against it.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    pub(crate) origin: Origin,
    /// When it began at the latest.
    pub(crate) onset: i64,
    /// Points without those for symptoms.
    pub(crate) base: f64,
    /// Symptoms it explains, by thing, the best of each thing first: which, of which thing, and how well.
    pub(crate) gains: Vec<(u32, u64, f64)>,
    /// Looks that should be bad and are good: which, how surely, and when they were good.
    pub(crate) absent: Vec<(u64, f64, i64)>,
    /// The change before it, if there was one.
    pub(crate) change: Option<usize>,
    /// It is seen to fail itself.
    pub(crate) seen: bool,
    /// It is fine itself, and so is more of what stands on it than is not.
    pub(crate) partial: bool,
    /// How many things that should suffer too were fine since it began, though there may be time left for them.
    pub(crate) well: usize,
    /// Points by which it comes after one that explains the same, as chance alone would hardly choose these of all that
    /// stand on it.
    pub(crate) chance: f64,
}

impl Scored {
    /// Points when only these symptoms count.
    pub(crate) fn points(&self, counts: impl Fn(u32) -> bool) -> f64 {
        let mut last = None;
        let mut sum = self.base;
        for (_, thing, fit) in self.gains.iter().filter(|(sign, ..)| counts(*sign)) {
            sum += GAIN * fit * if last == Some(*thing) { AGAIN } else { 1.0 };
            last = Some(*thing);
        }
        sum
    }

    /// It is about the same thing.
    pub(crate) fn is_of(&self, origin: &Origin) -> bool {
        match (&self.origin, origin) {
            (Origin::Thing(one, ..), Origin::Thing(other, ..)) => one == other,
            (one, other) => one == other,
        }
    }

    /// Points by which it goes before others when only these symptoms count.
    pub(crate) fn rank(&self, counts: impl Fn(u32) -> bool) -> f64 {
        self.points(counts) - self.chance
    }

    /// The share of what is known that speaks against it.
    pub(crate) fn doubt(&self) -> f64 {
        let explained: f64 = self.gains.iter().map(|(.., fit)| fit).sum();
        let absent: f64 = self.absent.iter().map(|(_, surely, _)| surely).sum();
        absent / (explained + absent).max(f64::EPSILON)
    }

    /// How many things it explains.
    pub(crate) fn things(&self, counts: impl Fn(u32) -> bool) -> usize {
        let mut things: Vec<u64> =
            self.gains.iter().filter(|(sign, ..)| counts(*sign)).map(|(_, thing, _)| *thing).collect();
        // They come by thing.
        things.dedup();
        things.len()
    }
}

/// A symptom that an effect may explain.
struct Match {
    sign: u32,
    fit: f64,
    delay: i64,
    hops: u32,
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        (graph, table, looks, changes): (&'a Graph, &'a Table, &'a Looks, &'a [Change]),
        signs: Vec<Sign>,
        hops: u32,
        now: i64,
    ) -> Self {
        let mut at: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut by_vantage: BTreeMap<Option<u64>, Vec<u32>> = BTreeMap::new();
        let mut seen = Seen::default();
        let places: Vec<Option<u32>> = signs.iter().map(|sign| graph.place(sign.thing)).collect();
        for ((number, sign), place) in (0_u32..).zip(&signs).zip(&places) {
            by_vantage.entry(sign.vantage).or_default().push(number);
            let Some(place) = *place else { continue };
            at.entry(place).or_default().push(number);
            if stands_still(sign.what) || sign.what == What::PowerLost {
                seen.failed.insert(place);
            }
            if sign.what == What::NameFails {
                seen.wrong.insert(place);
            }
            if sign.what == What::Errors {
                seen.errors.insert(place);
            }
        }
        seen.worse = worse(&signs, &at);
        let mut signed: Vec<u64> = signs.iter().map(|sign| sign.key).collect();
        signed.sort_unstable();
        let is_bad = |known: &Known| signed.binary_search(&known.look.key).is_ok();
        let all_bad = at.keys().copied().filter(|place| looks.at(graph.id(*place)).all(is_bad)).collect();
        Self { graph, table, looks, changes, signs, at, places, by_vantage, signed, all_bad, seen, hops, now }
    }

    /// The look is a symptom.
    fn is_signed(&self, known: &Known) -> bool {
        self.signed.binary_search(&known.look.key).is_ok()
    }

    /// The symptoms that a vantage sees.
    fn seen_from(&self, vantage: Option<u64>) -> impl Iterator<Item = (u32, &Sign)> {
        let numbers = self.by_vantage.get(&vantage).into_iter().flatten();
        numbers.filter_map(|number| Some((*number, self.sign(*number)?)))
    }

    fn place_of(&self, number: u32) -> Option<u32> {
        self.places.get(number as usize).copied().flatten()
    }

    pub(crate) fn sign(&self, number: u32) -> Option<&Sign> {
        self.signs.get(number as usize)
    }

    /// The effects of faults on this case's graph.
    pub(crate) fn effects(&self, starts: &[Start]) -> Effects {
        effects(self.graph, self.table, starts, &self.seen, self.hops)
    }

    /// Every candidate that explains something.
    pub(crate) fn candidates(&self) -> Vec<Scored> {
        let mut found = Vec::new();
        let places = self.graph.above(self.at.keys().copied(), self.hops);
        let carries = |place: &u32| self.graph.node(*place).is_some_and(|node| !node.down.is_empty());
        let (inner, leaves): (Vec<u32>, Vec<u32>) = places.into_iter().partition(carries);
        found.extend(inner.into_iter().flat_map(|place| self.faults(place)));
        // In a storm the things at the ends are no candidates where one cause explains a good part of it.
        let storm = self.signs.len() >= STORM;
        let wide = found.iter().filter(|one| storm && one.gains.len() * 10 >= self.signs.len());
        let told: BTreeSet<u32> = wide.flat_map(|one| &one.gains).map(|(sign, ..)| *sign).collect();
        let open = |place: &u32| self.at.get(place).is_some_and(|signs| signs.iter().any(|sign| !told.contains(sign)));
        found.extend(leaves.into_iter().filter(open).flat_map(|place| self.faults(place)));
        found.extend(self.looks.vantages().filter_map(|vantage| self.blind(vantage)));
        found.extend(self.looks.vantages().filter_map(|vantage| self.nameless(vantage)));
        let mut made: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        self.changes.iter().for_each(|change| made.entry(&change.label).or_default().push(change));
        found.extend(made.into_iter().filter_map(|(label, made)| self.bad_change(label, &made)));
        found
    }

    /// The faults of a thing that explain something.
    fn faults(&self, place: u32) -> Vec<Scored> {
        let known = self.graph.node(place).map_or(&[][..], |node| self.table.faults(node.kind));
        known.iter().flat_map(|(name, state, prior)| self.fault(place, *state, name, *prior)).collect()
    }

    /// A fault as it explains most, and, when that is not what the thing is seen to have, also as it is seen: that may
    /// be old.
    fn fault(&self, place: u32, state: What, name: &str, prior: f64) -> Vec<Scored> {
        if self.pointless(place, state) {
            return Vec::new();
        }
        let effects = self.effects(&[(place, state, 1.0)]);
        let matches = self.matches(&effects, place);
        let own = |one: &&Match| one.hops == 0;
        let fits: Vec<i64> = matches.iter().filter(own).filter_map(|one| Some(self.sign(one.sign)?.since)).collect();
        let early = self.onset(&matches.iter().collect::<Vec<_>>()).map(|(at, _)| (at, true));
        let nearest = self.nearest(&matches).filter(|_| fits.is_empty()).map(|at| (at, false));
        let middle = self.middle(&matches).map(|at| (at, false));
        let anchors = [fits.into_iter().min().map(|at| (at, true)), middle, early, nearest];
        let mut ways: Vec<Vec<&Match>> = Vec::new();
        for (at, own) in anchors.into_iter().flatten() {
            let kept = self.in_time(&matches, at, own);
            // Where all begin at once they are the same from every side.
            if !ways.iter().any(|known| same(known, &kept)) {
                ways.push(kept);
            }
        }
        let scored = ways.into_iter().filter_map(|kept| {
            let (onset, half) = self.onset(&kept)?;
            let distance = f64::from(kept.iter().map(|one| one.hops).min()?) * DISTANCE;
            let end = self.end(&kept);
            if own_is_fine(self, place, state, half, end) || is_heard(self, place, state, half, end) {
                return None;
            }
            let seen = kept.iter().any(|one| one.hops == 0);
            let (mut absent, spared) = self.absent(&effects, place, onset, end, 1.0);
            if seen && state == What::Slow {
                // Looks for errors mostly have no limit of time: they are good however late the answer comes.
                let errors = |key: u64| self.looks.get(key).is_some_and(|known| known.look.what == What::Errors);
                absent.retain(|(key, ..)| !errors(*key));
            }
            let (change, bonus) = self.change_before(self.graph.id(place), onset);
            if state == What::NoData && change.is_none() && !seen {
                // What works keeps no data from passing all of a sudden, unless somebody changed it.
                return None;
            }
            let mut gains = self.gains(&kept);
            gains.retain(|(_, thing, _)| !spared.contains(thing));
            let origin = Origin::Thing(place, state, name.to_owned());
            if !seen && self.is_mostly_well(&effects, place, &gains, onset, end) {
                return None;
            }
            let partial = !seen && self.is_partial(&effects, place, &gains, onset, end);
            let unseen = if !seen && is_inner(name, state) { UNSEEN_INNER } else { 0.0 };
            let alone = few(&gains);
            let well = if alone { 0 } else { self.well(&effects, place, onset - 5_000, end, 0) };
            let fine = if alone || seen { 0 } else { self.fine(&effects, place, onset, end) };
            let doubts = unseen + if partial { PARTIAL } else { 0.0 };
            // Of a thing that is up the change itself is a candidate.
            let bonus = if seen || (is_loss(state) && state != What::NoData) { bonus } else { 0.0 };
            let against = against(&absent, self.looks);
            let chance = if fine == 0 { 0.0 } else { (chosen(gains.len(), fine) - against).max(0.0) };
            let base = prior + bonus - distance - against - doubts;
            Some(Scored { origin, onset, base, gains, absent, change, seen, partial, well, chance })
        });
        let (seen, unseen): (Vec<Scored>, Vec<Scored>) =
            scored.filter(|one| !one.gains.is_empty()).partition(|one| one.seen);
        let best = |row: Vec<Scored>| row.into_iter().max_by(|a, b| a.points(|_| true).total_cmp(&b.points(|_| true)));
        let (seen, unseen) = (best(seen), best(unseen));
        let more = |guess: &Scored| seen.as_ref().is_none_or(|seen| guess.points(|_| true) > seen.points(|_| true));
        let unseen = unseen.filter(more);
        unseen.into_iter().chain(seen).filter(|one| !is_refuted(one)).collect()
    }

    /// A state that neither shows at the thing nor spreads from it explains nothing.
    fn pointless(&self, place: u32, state: What) -> bool {
        let shows = |sign: &u32| self.sign(*sign).is_some_and(|sign| self.table.explains(state, sign.what) >= FIT_MIN);
        if self.at.get(&place).is_some_and(|signs| signs.iter().any(shows)) {
            return false;
        }
        let Some(node) = self.graph.node(place) else { return true };
        let ways = self.table.ways(node.kind, state);
        !node.down.iter().any(|edge| ways.iter().any(|way| way.over == edge.kind))
    }

    /// How well a symptom fits a state, as far as its look can tell.
    pub(crate) fn explains(&self, state: What, sign: &Sign) -> f64 {
        let known = self.looks.get(sign.key);
        known.map_or(1.0, |known| known.tells(state, sign.what)) * self.table.explains(state, sign.what)
    }

    /// The symptoms that the effects may explain, whenever they began.
    fn matches(&self, effects: &Effects, cause: u32) -> Vec<Match> {
        let mut found = Vec::new();
        let mut cut = Cut::new(self.graph, effects, cause);
        let few = effects.len() < self.at.len();
        let places: Vec<u32> = if few { effects.keys().copied().collect() } else { self.at.keys().copied().collect() };
        for place in places {
            let (Some(states), Some(signs)) = (effects.get(&place), self.at.get(&place)) else { continue };
            for number in signs {
                let Some(sign) = self.sign(*number) else { continue };
                let fit = |effect: &Effect| effect.weight * self.explains(effect.state, sign);
                let Some(best) = states.iter().max_by(|a, b| fit(a).total_cmp(&fit(b))) else { continue };
                let seen = if best.state == What::Down { 1.0 } else { cut.seen(sign.vantage, place) };
                let fit = fit(best) * sign.strength() * seen;
                if fit >= FIT_MIN {
                    found.push(Match { sign: *number, fit, delay: best.delay_ms, hops: best.hops });
                }
            }
        }
        for vantage in self.looks.vantages().flatten().filter(|one| cut.has(*one)) {
            let outside = self
                .seen_from(Some(vantage))
                .filter(|(number, _)| self.place_of(*number).is_none_or(|place| !effects.contains_key(&place)));
            found.extend(outside.filter_map(|(number, sign)| {
                let fit = CUT_OFF * self.table.explains(What::Unreachable, sign.what) * sign.strength();
                (fit >= FIT_MIN).then_some(Match { sign: number, fit, delay: 20_000, hops: 1 })
            }));
        }
        found
    }

    /// When the symptom nearest to the cause began, where one grew: what followed came long after.
    fn nearest(&self, matches: &[Match]) -> Option<i64> {
        let grew = |one: &Match| self.place_of(one.sign).is_some_and(|place| self.seen.worse.contains_key(&place));
        let hops = matches.iter().map(|one| one.hops).min().filter(|_| matches.iter().any(grew))?;
        matches.iter().filter(|one| one.hops == hops).filter_map(|one| Some(self.sign(one.sign)?.since)).min()
    }

    /// The middle of the times at which they began.
    fn middle(&self, matches: &[Match]) -> Option<i64> {
        let mut times: Vec<i64> = matches.iter().filter_map(|one| Some(self.sign(one.sign)?.since)).collect();
        let half = times.len() / 2;
        (!times.is_empty()).then(|| *times.select_nth_unstable(half).1)
    }

    /// When it began at the latest, a few strays left aside, and when half of it had begun.
    fn onset(&self, kept: &[&Match]) -> Option<(i64, i64)> {
        let mut times: Vec<i64> = kept.iter().filter_map(|one| Some(self.sign(one.sign)?.since)).collect();
        if times.is_empty() {
            return None;
        }
        let (few, half) = (times.len() / 8, times.len() / 2);
        let (before, middle, _) = times.select_nth_unstable(half);
        let middle = *middle;
        // Of one to eight the first is meant.
        let first = if before.is_empty() { middle } else { *before.select_nth_unstable(few).1 };
        Some((first, middle))
    }

    /// Those that began when they should: after the cause's own symptom, or around the middle of all.
    fn in_time<'m>(&self, matches: &'m [Match], anchor: i64, own: bool) -> Vec<&'m Match> {
        let slowest =
            matches.iter().filter(|one| one.hops == 0).filter_map(|one| Some(self.sign(one.sign)?.interval)).max();
        matches
            .iter()
            .filter(|one| {
                let Some(sign) = self.sign(one.sign) else { return false };
                let after = one.delay + sign.interval + SLACK_MS;
                let before = if own { slowest.unwrap_or_default() + SLACK_MS } else { after };
                (anchor - before..=anchor + after).contains(&sign.since)
            })
            .collect()
    }

    /// The first time that one of them was good again: what is good after it proves nothing.
    fn end(&self, kept: &[impl std::borrow::Borrow<Match>]) -> i64 {
        let signs = kept.iter().filter_map(|one| self.sign(one.borrow().sign));
        signs.filter_map(|sign| sign.until.map(|until| until - sign.interval)).min().unwrap_or(self.now)
    }

    /// What each explained symptom is worth, by thing.
    fn gains(&self, kept: &[impl std::borrow::Borrow<Match>]) -> Vec<(u32, u64, f64)> {
        let mut gains: Vec<(u32, u64, f64)> = kept
            .iter()
            .map(std::borrow::Borrow::borrow)
            .filter_map(|one| Some((one.sign, self.sign(one.sign)?.thing, one.fit)))
            .collect();
        gains.sort_by(|a, b| a.1.cmp(&b.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(&b.0)));
        gains.dedup_by_key(|(sign, ..)| *sign);
        gains
    }

    /// The last change of a thing before its trouble, and the points for it.
    fn change_before(&self, thing: u64, onset: i64) -> (Option<usize>, f64) {
        let before = self.changes.iter().enumerate().filter(|(_, change)| {
            change.thing == thing && (onset - CHANGE_MS..=onset + SLACK_MS).contains(&change.at_ms)
        });
        let last = before.max_by_key(|(_, change)| change.at_ms);
        (last.map(|(number, _)| number), last.map_or(0.0, |(_, change)| recent(onset - change.at_ms)))
    }
}

/// Points for a change so long before.
fn recent(ago_ms: i64) -> f64 {
    2.0 * (-(ago_ms.max(0) as f64) / 2_400_000.0).exp()
}

/// Symptoms of one thing at most.
fn few(gains: &[(u32, u64, f64)]) -> bool {
    gains.windows(2).all(|pair| matches!(pair, [(_, one, _), (_, next, _)] if one == next))
}

/// How unlikely it is that chance alone chose these of all that stand on a thing: the logarithm of in how many ways so
/// many can be chosen of those and of what is well, by Stirling.
fn chosen(bad: usize, well: usize) -> f64 {
    let (bad, well) = (bad as f64, well as f64);
    let part = |many: f64| if many > 0.0 { many * ((bad + well) / many).ln() } else { 0.0 };
    part(bad) + part(well)
}

/// The same symptoms.
fn same(one: &[&Match], other: &[&Match]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| std::ptr::eq(*a, *b))
}
