//! What is left when each cause has what it explains: it belongs to a group that has the thing already, or is one of its
//! own; and groups that have one thing at their root are one.

use std::collections::{BTreeMap, BTreeSet};

use crate::candidate::clock;
use crate::score::{Case, FIT_MIN, GROWS_MS, Origin, SLACK_MS, Scored};

use super::{Group, Pool, best};

/// What is left belongs to the group that has the thing already, or is a group of its own for each thing. What began
/// long after is news, and what somebody sees whose own trouble it is not is not that trouble.
pub(super) fn singles(case: &Case<'_>, pool: &Pool, left: impl Iterator<Item = u32>, groups: &mut Vec<Group>) {
    let mut of: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
    for sign in left {
        if let Some(one) = case.sign(sign) {
            of.entry(one.thing).or_default().insert(sign);
        }
    }
    let mut owners: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        for thing in group.things(case) {
            owners.entry(thing).or_insert(number);
        }
    }
    for (thing, mut signs) in of {
        let owner = owners.get(&thing).and_then(|number| groups.get_mut(*number));
        if let Some(owner) = owner {
            let scored = owner.cause.and_then(|cause| pool.get(cause));
            let onset = scored.map_or(i64::MAX, |scored| scored.onset);
            let blind = match scored.map(|scored| &scored.origin) {
                Some(Origin::Vantage(vantage, _)) => Some(*vantage),
                _ => None,
            };
            let of_it = owner.signs.iter().filter_map(|sign| case.sign(*sign)).filter(|sign| sign.thing == thing);
            let last = of_it.map(|sign| sign.since).max().unwrap_or(onset);
            let later = |sign: &u32| {
                case.sign(*sign).is_some_and(|sign| {
                    let in_time = sign.since + sign.interval >= onset && sign.since <= last + GROWS_MS;
                    in_time && blind.is_none_or(|vantage| vantage == sign.vantage)
                })
            };
            owner.signs.extend(signs.iter().copied().filter(later));
            signs.retain(|sign| !later(sign));
        }
        for signs in runs(case, signs) {
            let cause = best(case, pool, &signs);
            groups.push(Group::of(signs, cause));
        }
    }
}

/// The symptoms of one thing by the time at which they began: those that follow each other closely enough are one
/// trouble.
fn runs(case: &Case<'_>, signs: BTreeSet<u32>) -> Vec<BTreeSet<u32>> {
    let mut row: Vec<(i64, u32)> = signs.into_iter().filter_map(|sign| Some((case.sign(sign)?.since, sign))).collect();
    row.sort_unstable();
    let runs = row.chunk_by(|one, next| next.0 - one.0 <= GROWS_MS);
    runs.map(|run| run.iter().map(|(_, sign)| *sign).collect()).collect()
}

/// Groups with one thing at their root are one, when it is seen to fail: it got worse, or shows what it does in turn.
pub(super) fn one_thing(case: &Case<'_>, pool: &Pool, groups: &mut Vec<Group>) {
    let mut of: BTreeMap<u32, Vec<(usize, i64)>> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        let scored = group.cause.and_then(|cause| pool.get(cause));
        let Some((Origin::Thing(place, ..), onset)) = scored.map(|one| (&one.origin, one.onset)) else { continue };
        if case.at.contains_key(place) {
            of.entry(*place).or_default().push((number, onset));
        }
    }
    for (place, mut row) in of {
        row.sort_by_key(|(number, onset)| (*onset, *number));
        let largest = row.iter().max_by_key(|(number, _)| groups.get(*number).map_or(0, |group| group.signs.len()));
        let Some(into) = largest.map(|(number, _)| *number).filter(|_| row.len() > 1) else { continue };
        let begun = row.iter().find(|(number, _)| *number == into).map_or(i64::MIN, |(_, onset)| *onset);
        for (from, onset) in row.into_iter().filter(|(from, _)| *from != into) {
            if !grew(case, pool, place, [from, into].map(|number| groups.get(number))) {
                continue;
            }
            let signs = groups.get_mut(from).map(|group| std::mem::take(&mut group.signs)).unwrap_or_default();
            let Some(group) = groups.get_mut(into) else { continue };
            group.signs.extend(signs);
            let thing = case.graph.id(place);
            let name = case.graph.name(thing);
            let words = match onset < begun {
                true => format!("{name} was in trouble since {} already.", clock(onset)),
                false => format!("{name} was in more trouble at {}.", clock(onset)),
            };
            group.joined.insert(thing, words);
        }
    }
    groups.retain(|group| !group.signs.is_empty());
}

/// The one group's trouble with a thing grew to the other's, or one of them has only what follows from what the thing
/// shows.
fn grew(case: &Case<'_>, pool: &Pool, place: u32, groups: [Option<&Group>; 2]) -> bool {
    let [one, other] = groups.map(|group| {
        let signs = group.into_iter().flat_map(|group| &group.signs).filter_map(|sign| case.sign(*sign));
        signs.filter(|sign| case.graph.place(sign.thing) == Some(place)).collect::<Vec<_>>()
    });
    let pairs = || one.iter().flat_map(|first| other.iter().map(move |next| (first, next)));
    if !one.is_empty() && !other.is_empty() {
        return pairs().any(|(one, other)| one.grew_to(other) || other.grew_to(one));
    }
    let guesses = groups.into_iter().zip([&one, &other]).filter(|(_, own)| own.is_empty());
    let mut scored = guesses.map(|(group, _)| group.and_then(|group| pool.get(group.cause?)));
    scored.all(|scored| scored.is_some_and(|scored| is_shown(case, place, scored)))
}

/// What a thing is taken to be in is what it shows at that time, or shortly before and less of it.
fn is_shown(case: &Case<'_>, place: u32, scored: &Scored) -> bool {
    let Origin::Thing(_, state, _) = &scored.origin else { return false };
    let effects = case.effects(&[(place, *state, 1.0)]);
    let reached = scored.gains.iter().filter_map(|(_, thing, _)| effects.get(&case.graph.place(*thing)?)).flatten();
    let delay = reached.map(|effect| effect.delay_ms).max().unwrap_or_default();
    let mut own = case.at.get(&place).into_iter().flatten().filter_map(|sign| case.sign(*sign));
    own.any(|sign| {
        let apart = (sign.since - scored.onset).abs();
        let now = apart <= delay + sign.interval + SLACK_MS && case.explains(*state, sign) >= FIT_MIN;
        now || sign.may_grow_to(*state, scored.onset)
    })
}
