//! Which causes there are: the candidate that explains most is taken first, then the best for what is left, and so on.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::candidate::Candidate;
use crate::gaps;
use crate::graph::Graph;
use crate::looks::{Change, Look, Looks};
use crate::reasons::reasons;
use crate::rules::{Rules, Table};
use crate::score::{Case, Origin, Scored, Sign};
use crate::spread::stands_still;
use crate::words::What;

mod left;

/// Most candidates that are told of one group.
const TOLD_MAX: usize = 8;
/// Candidates that are told with reasons.
const REASONED_MAX: usize = 4;
/// A cause that explains less of its group, and is not seen to fail itself, is a guess.
const GUESS: f64 = 0.5;
/// What is seen to fail and explains more things than this, and this share of what a guess does, goes before the guess.
const OUTDOES_MIN: usize = 3;
const OUTDOES: f64 = 0.4;
/// The same for a change.
const INNOCENT: f64 = 0.25;
/// So few things, beside so many times more that are well, may fail each by itself.
const FEW: usize = 3;
const MANY_WELL: usize = 5;
/// What explains this share of what another does is its rival.
const RIVALS: f64 = 0.9;
/// So much of what is known may speak against what is seen, and more must speak against the guess.
const DOUBT: f64 = 0.03;
/// What is seen to fail and explains this share of what a guess does may be all that there is to it.
const NEARLY: f64 = 0.7;
/// So many of a role that a cause explains make others of the role like what it explains.
const LIKE_MIN: usize = 2;
/// So many points a guess stays behind what goes before it.
const BEHIND: f64 = 0.5;

/// A symptom: an alert that is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// The look that found it.
    pub look: Look,
    /// What it says.
    pub what: What,
    /// The first bad result, in milliseconds.
    pub since_ms: i64,
    /// What was seen, in words.
    pub evidence: String,
}

/// Symptoms that have one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The looks, by key.
    pub looks: Vec<u64>,
    /// What may be the cause, best first.
    pub candidates: Vec<Candidate>,
    /// Why the cause cannot be determined, if it cannot.
    pub undetermined: Option<String>,
}

/// What may be the cause of these symptoms, taken as one. `good` are looks and when they were good last.
pub fn rank(
    (graph, rules): (&Graph, &Rules),
    symptoms: &[Symptom],
    good: &[(Look, i64)],
    changes: &[Change],
    now_ms: i64,
) -> Vec<Candidate> {
    let table = Table::new(rules, graph.kinds());
    let mut looks = Looks::default();
    for (look, at) in good {
        looks.seen(look, true, *at, *at);
    }
    for symptom in symptoms {
        looks.fired(&symptom.look, symptom.what, symptom.since_ms, &symptom.evidence, now_ms);
    }
    let signs = looks.all().filter(|known| known.fired).filter_map(Sign::of).collect();
    let case = Case::new((graph, &table, &looks, changes), signs, 6, now_ms);
    let all: BTreeSet<u32> = (0_u32..).zip(&case.signs).map(|(number, _)| number).collect();
    ranking(&case, &Pool::new(&case), &Group::of(all, None))
}

/// All candidates, and which of them explain a symptom.
pub(crate) struct Pool {
    pub(crate) scored: Vec<Scored>,
    by_sign: Vec<Vec<u32>>,
    /// Guesses that what is seen to fail goes before.
    outdone: BTreeSet<u32>,
}

impl Pool {
    /// The candidates of a case with so many symptoms.
    pub(crate) fn new(case: &Case<'_>) -> Self {
        let signs = case.signs.len();
        let mut pool = Self::of_all(case.candidates(), signs);
        for number in pool.unrivalled() {
            if let Some(one) = pool.scored.get_mut(number as usize) {
                one.chance = 0.0;
            }
        }
        let lost = pool.innocent();
        if !lost.is_empty() {
            let kept = (0_u32..).zip(pool.scored).filter(|(number, _)| !lost.contains(number)).map(|(_, one)| one);
            pool = Self::of_all(kept.collect(), signs);
        }
        pool.outdone = pool.outdone(case);
        pool
    }

    fn of_all(scored: Vec<Scored>, signs: usize) -> Self {
        let mut by_sign: Vec<Vec<u32>> = vec![Vec::new(); signs];
        for (number, one) in (0_u32..).zip(&scored) {
            for (sign, ..) in &one.gains {
                if let Some(of) = by_sign.get_mut(*sign as usize) {
                    of.push(number);
                }
            }
        }
        Self { scored, by_sign, outdone: BTreeSet::new() }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Scored> {
        self.scored.get(number as usize)
    }

    /// What something else explains too, by candidate: how many of its symptoms.
    fn shared(&self, one: &Scored) -> BTreeMap<u32, usize> {
        let mut shared: BTreeMap<u32, usize> = BTreeMap::new();
        let others = one.gains.iter().filter_map(|(sign, ..)| self.by_sign.get(*sign as usize)).flatten();
        others.for_each(|other| *shared.entry(*other).or_default() += 1);
        shared
    }

    /// Guesses that come after others by chance alone, though no other guess explains nearly all that they
    /// do and has not half as much that is well.
    fn unrivalled(&self) -> Vec<u32> {
        let all = (0_u32..).zip(&self.scored).filter(|(_, one)| one.chance > 0.0);
        let alone = all.filter(|(_, one)| {
            let rival = |(other, many): (&u32, &usize)| {
                let nearly = *many as f64 >= RIVALS * one.gains.len() as f64;
                let other = self.get(*other).filter(|other| nearly && !other.seen && !other.is_of(&one.origin));
                other.is_some_and(|other| other.well * 2 <= one.well && other.rank(|_| true) > one.rank(|_| true))
            };
            // A few of many may as well have failed each by itself.
            let few = one.things(|_| true) <= FEW && one.well >= MANY_WELL * one.things(|_| true);
            !few && !self.shared(one).iter().any(rival)
        });
        alone.map(|(number, _)| number).collect()
    }

    /// Changes, where what is seen to fail explains a good part of the same: that needs no change above it.
    fn innocent(&self) -> BTreeSet<u32> {
        let plain = |one: &Scored| {
            let is_thing = matches!(one.origin, Origin::Thing(..));
            is_thing && one.seen && one.change.is_none() && one.things(|_| true) > OUTDOES_MIN
        };
        let changes = (0_u32..).zip(&self.scored).filter(|(_, one)| matches!(one.origin, Origin::Change(_)));
        let outdone = changes.filter(|(_, one)| {
            let shared = self.shared(one);
            let much = |many: usize| many as f64 >= INNOCENT * one.gains.len() as f64;
            shared.iter().any(|(other, many)| much(*many) && self.get(*other).is_some_and(plain))
        });
        outdone.map(|(number, _)| number).collect()
    }

    /// Guesses, where what is seen to fail, with next to nothing against it, explains a good part of the same and
    /// something speaks against the guess: the rest hangs on that over relations that are not known, or has a cause of
    /// its own. What stands on the guess alone and was fine since speaks against it too, where that is more than what
    /// is left. So does nothing at all, where what is seen is reached by the guess, explains nearly all of the same,
    /// and the rest is like that.
    fn outdone(&self, case: &Case<'_>) -> BTreeSet<u32> {
        let works = |one: &Scored| matches!(&one.origin, Origin::Thing(_, state, _) if !stands_still(*state));
        let plain = |one: &Scored| one.seen && one.doubt() < DOUBT && one.things(|_| true) > OUTDOES_MIN;
        let roles = OnceCell::new();
        let mut found = BTreeSet::new();
        for (number, one) in (0_u32..).zip(&self.scored).filter(|(_, one)| works(one) && !one.seen) {
            let shared = self.shared(one);
            let all = one.gains.len();
            let plain = shared.into_iter().filter_map(|(other, many)| {
                let much = many as f64 >= OUTDOES * all as f64;
                Some((many, self.get(other).filter(|other| much && plain(other))?))
            });
            let plain: Vec<(usize, &Scored)> = plain.collect();
            let best = plain.iter().rev().max_by_key(|(many, _)| *many);
            let doubtful = |(many, other): &(usize, &Scored)| {
                one.doubt() > DOUBT || one.well > other.well + all.saturating_sub(*many)
            };
            let nearly = |(many, other): &&(usize, &Scored)| {
                *many as f64 >= NEARLY * all as f64 && passed_on(case, &roles, one, other)
            };
            if plain.iter().any(doubtful) || best.filter(nearly).is_some() {
                found.insert(number);
            }
        }
        found
    }

    /// Candidates that explain any of these.
    fn of(&self, signs: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut found = vec![false; self.scored.len()];
        for number in signs.iter().filter_map(|sign| self.by_sign.get(*sign as usize)).flatten() {
            if let Some(found) = found.get_mut(*number as usize) {
                *found = true;
            }
        }
        (0_u32..).zip(found).filter(|(_, found)| *found).map(|(number, _)| number).collect()
    }
}

/// Symptoms that are taken to have one cause.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) signs: BTreeSet<u32>,
    /// The candidate it was made of.
    pub(crate) cause: Option<u32>,
    /// Things that joined though the relation is not known, and why.
    pub(crate) joined: BTreeMap<u64, String>,
    /// Points for what the causes of groups that joined explain.
    pub(crate) bonus: f64,
    /// Why nothing known is taken for the cause.
    pub(crate) unknown: Option<String>,
}

impl Group {
    pub(crate) fn of(signs: BTreeSet<u32>, cause: Option<u32>) -> Self {
        Self { signs, cause, joined: BTreeMap::new(), bonus: 0.0, unknown: None }
    }

    pub(crate) fn things(&self, case: &Case<'_>) -> BTreeSet<u64> {
        self.signs.iter().filter_map(|sign| Some(case.sign(*sign)?.thing)).collect()
    }
}

/// The groups of all symptoms of a case, and the candidates.
pub(crate) fn solve(case: &Case<'_>) -> (Pool, Vec<Group>) {
    let pool = Pool::new(case);
    let mut left = Marks::all(case.signs.len());
    let mut groups = cover(&pool, &mut left);
    left::singles(case, &pool, left.iter(), &mut groups);
    left::one_thing(case, &pool, &mut groups);
    if groups.len() > 1 {
        let spoken = gaps::Spoken::new(case);
        gaps::join(case, &pool, &spoken, &mut groups);
        gaps::by_time_and_labels(case, &pool, &spoken, &mut groups);
    }
    (pool, groups)
}

/// The role of each thing with symptoms: its kind, and its name without numbers.
type Roles = OnceCell<BTreeMap<u64, (u16, String)>>;

/// A guess reaches all it does by way of what is seen to fail: that is a part of what it explains, and what that does
/// not explain is like what it does.
fn passed_on(case: &Case<'_>, roles: &Roles, guess: &Scored, seen: &Scored) -> bool {
    let Origin::Thing(place, ..) = &seen.origin else { return false };
    let (own, explained) = (case.graph.id(*place), |one: &Scored| -> BTreeSet<u64> {
        one.gains.iter().map(|(_, thing, _)| *thing).collect()
    });
    let things = explained(guess);
    if !things.contains(&own) {
        return false;
    }
    let roles = roles.get_or_init(|| {
        let nodes = case.at.keys().filter_map(|place| case.graph.node(*place));
        nodes.map(|node| (node.thing.id, (node.kind, gaps::role(&node.thing)))).collect()
    });
    let by_it = explained(seen);
    let mut of: BTreeMap<&(u16, String), usize> = BTreeMap::new();
    by_it.iter().filter_map(|thing| roles.get(thing)).for_each(|role| *of.entry(role).or_default() += 1);
    let like = |thing: &u64| roles.get(thing).and_then(|role| of.get(role)).is_some_and(|many| *many >= LIKE_MIN);
    things.difference(&by_it).all(like)
}

/// Which symptoms count.
struct Marks(Vec<bool>);

impl Marks {
    fn all(count: usize) -> Self {
        Self(vec![true; count])
    }

    fn of(signs: &BTreeSet<u32>) -> Self {
        let mut marks = vec![false; signs.last().map_or(0, |last| *last as usize + 1)];
        for sign in signs {
            if let Some(mark) = marks.get_mut(*sign as usize) {
                *mark = true;
            }
        }
        Self(marks)
    }

    fn has(&self, sign: u32) -> bool {
        self.0.get(sign as usize).copied().unwrap_or_default()
    }

    /// Takes a mark away; true when it was there.
    fn take(&mut self, sign: u32) -> bool {
        self.0.get_mut(sign as usize).is_some_and(std::mem::take)
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.0).filter(|(_, mark)| **mark).map(|(sign, _)| sign)
    }
}

/// Points as an integer, so that they have an order.
fn milli(points: f64) -> i64 {
    (points * 1_000.0) as i64
}

/// Takes the best candidate, then the best for what is left, as long as one explains more than one thing.
fn cover(pool: &Pool, left: &mut Marks) -> Vec<Group> {
    let of = |number: u32, left: &Marks| {
        let scored = pool.get(number).filter(|_| !pool.outdone.contains(&number))?;
        let counts = |sign: u32| left.has(sign);
        let enough = scored.things(counts) >= 2 && milli(scored.rank(counts)) > 0;
        enough.then(|| milli(scored.rank(counts)))
    };
    let numbers = (0_u32..).zip(&pool.scored).map(|(number, _)| number);
    let mut heap: BinaryHeap<(i64, Reverse<u32>)> =
        numbers.filter_map(|number| Some((of(number, left)?, Reverse(number)))).collect();
    let mut groups = Vec::new();
    while let Some((points, Reverse(number))) = heap.pop() {
        // What others explained meanwhile counts no longer.
        match of(number, left) {
            Some(now) if now < points => heap.push((now, Reverse(number))),
            Some(_) => {
                let gains = pool.get(number).map(|scored| scored.gains.as_slice()).unwrap_or_default();
                let signs: BTreeSet<u32> =
                    gains.iter().map(|(sign, ..)| *sign).filter(|sign| left.take(*sign)).collect();
                groups.push(Group::of(signs, Some(number)));
            }
            None => {}
        }
    }
    groups
}

/// The best candidate for these symptoms.
fn best(case: &Case<'_>, pool: &Pool, signs: &BTreeSet<u32>) -> Option<u32> {
    let points = |number: &u32| {
        pool.get(*number)
            .map_or(i64::MIN, |scored| milli(scored.rank(|sign| signs.contains(&sign)) + own(case, scored)))
    };
    pool.of(signs).into_iter().max_by_key(|number| (points(number), Reverse(*number)))
}

/// A little for candidates that are seen to fail themselves, to settle what is even.
fn own(case: &Case<'_>, scored: &Scored) -> f64 {
    match &scored.origin {
        Origin::Thing(place, ..) if case.at.contains_key(place) => 0.1,
        _ => 0.0,
    }
}

/// The candidates of a group, best first, one for each thing.
pub(crate) fn ranking(case: &Case<'_>, pool: &Pool, group: &Group) -> Vec<Candidate> {
    let marks = Marks::of(&group.signs);
    let counts = |sign: u32| marks.has(sign);
    let mut ranked: Vec<(f64, u32)> = pool
        .of(&group.signs)
        .into_iter()
        .filter_map(|number| {
            let scored = pool.get(number)?;
            // Things that joined without a known relation speak for what they joined.
            let joined = if group.cause == Some(number) { group.bonus } else { 0.0 };
            Some((scored.rank(counts) + own(case, scored) + joined, number))
        })
        .collect();
    let kept = ranked.iter().filter(|(_, number)| !pool.outdone.contains(number)).map(|(points, _)| *points);
    let most = kept.fold(f64::NEG_INFINITY, f64::max) - BEHIND;
    for (points, _) in ranked.iter_mut().filter(|(_, number)| most.is_finite() && pool.outdone.contains(number)) {
        *points = points.min(most);
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut seen = BTreeSet::new();
    ranked.retain(|(_, number)| {
        pool.get(*number).is_some_and(|scored| {
            seen.insert(match &scored.origin {
                Origin::Thing(place, ..) => Origin::Thing(*place, What::Other, String::new()),
                other => other.clone(),
            })
        })
    });
    let first = ranked.first().map_or(0.0, |(points, _)| *points);
    let all: f64 = ranked.iter().map(|(points, _)| (points - first).exp()).sum();
    let told = ranked.into_iter().take(TOLD_MAX).enumerate();
    told.filter_map(|(rank, (points, number))| {
        let scored = pool.get(number)?;
        let explained = scored.gains.iter().filter(|(sign, ..)| counts(*sign)).count();
        Some(Candidate {
            cause: case.cause(&scored.origin),
            score: points,
            share: (points - first).exp() / all.max(1.0),
            explained,
            symptoms: group.signs.len(),
            absent: scored.absent.len(),
            reasons: if rank < REASONED_MAX { reasons(case, scored, group, explained) } else { Vec::new() },
        })
    })
    .collect()
}

/// A group as it is told, with why nothing can be said if so.
pub(crate) fn told(case: &Case<'_>, pool: &Pool, group: &Group) -> Cluster {
    let candidates = ranking(case, pool, group);
    let undetermined = group.unknown.clone().or_else(|| doubt(case, pool, group, &candidates));
    let looks = group.signs.iter().filter_map(|sign| Some(case.sign(*sign)?.key)).collect();
    Cluster { looks, candidates, undetermined }
}

/// Why the best candidate is no more than a guess.
fn doubt(case: &Case<'_>, pool: &Pool, group: &Group, candidates: &[Candidate]) -> Option<String> {
    let Some(first) = candidates.first() else {
        return Some("No rule explains any of these symptoms.".to_owned());
    };
    let all = pool.of(&group.signs).into_iter().filter_map(|number| pool.get(number));
    let points = |one: &Scored| one.rank(|sign| group.signs.contains(&sign));
    let of = all.filter(|one| case.cause(&one.origin) == first.cause).max_by(|a, b| points(a).total_cmp(&points(b)));
    let seen =
        first.cause.thing().and_then(|thing| case.graph.place(thing)).is_some_and(|at| case.at.contains_key(&at));
    if !seen && (first.explained as f64) < GUESS * group.signs.len() as f64 {
        return Some(format!(
            "The best candidate explains only {} of {} symptoms, and nobody sees it fail itself.",
            first.explained,
            group.signs.len()
        ));
    }
    if of.is_some_and(|one| one.partial) {
        return Some(
            "The best candidate is fine itself as far as anybody looks, and so is at least half of what stands on it."
                .to_owned(),
        );
    }
    None
}
