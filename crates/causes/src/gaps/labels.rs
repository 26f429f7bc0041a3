//! Grouping by time and labels, where nothing known explains more than one thing: only what shares something that says
//! something, and fails in the same way at the same time. The rest stays apart.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Spoken, role};
use super::{KIN_MIN, TOGETHER_MIN};
use crate::graph::Node;
use crate::score::{Case, Origin, SLACK_MS, Sign};
use crate::solve::{Group, Pool};
use crate::spread::stands_still;
use crate::words::{RelationKind, What};

/// Symptoms that begin further apart are not taken together by time, in milliseconds.
const APART_MS: i64 = 45_000;
/// The same for a good share of the things of one place that are lost one after the other: heat, water and empty
/// batteries take their time.
const LOST_APART_MS: i64 = 180_000;
/// So much of a place is a good share: one of so many things.
const SHARE_OF: usize = 10;
/// What is taken together by time begins within this time, in milliseconds.
const RUN_MS: i64 = 30 * 60_000;
/// How things fail: words that belong together. What a rule of somebody's own finds wrong is one with others of the
/// same rule only.
type Family = (u8, String);
/// The family of what is lost.
const LOST: u8 = 0;

fn family(case: &Case<'_>, sign: &Sign) -> Option<Family> {
    let plain = |number: u8| Some((number, String::new()));
    match sign.what {
        What::Unreachable | What::Down | What::NoData | What::PowerLost => plain(LOST),
        What::Slow | What::Errors | What::Degraded | What::Overloaded => plain(1),
        What::Other => {
            let label = &case.looks.get(sign.key)?.look.label;
            (!label.is_empty()).then(|| (2, label.clone()))
        }
        other => plain(3 + other as u8),
    }
}

/// Things that fail alone, in the same way at the same time and place, are one group whose cause is not known.
pub(crate) fn by_time_and_labels(case: &Case<'_>, pool: &Pool, spoken: &Spoken, groups: &mut Vec<Group>) {
    by_role(case, pool, groups);
    let places = by_place(case, pool, groups);
    let mut sites: BTreeMap<&str, usize> = BTreeMap::new();
    for node in (0..).take(case.graph.places()).filter_map(|place| case.graph.node(place)) {
        *sites.entry(&node.thing.site).or_default() += 1;
    }
    let mut rows: BTreeMap<(Shared, Family), Vec<(i64, usize)>> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        let Some(sign) = alone(case, pool, group) else { continue };
        let (Some(shared), Some(family)) = (Shared::of(case, spoken, sign), family(case, sign)) else { continue };
        if places.contains_key(&number) {
            continue;
        }
        rows.entry((shared, family)).or_default().push((sign.since, number));
    }
    for ((label, family), mut row) in rows {
        row.sort_unstable();
        let near = |since: i64| move |(first, last): &(i64, i64)| (first - APART_MS..=last + APART_MS).contains(&since);
        let dark = places.iter().find(|(_, (site, first, last))| {
            family.0 == LOST
                && Shared::Site(site.clone()) == label
                && row.iter().any(|(since, _)| near(*since)(&(*first, *last)))
        });
        if let Some((into, (_, first, last))) = dark {
            // What is lost alone where all goes dark is part of it.
            for (_, number) in row.extract_if(.., |(since, _)| near(*since)(&(*first, *last))) {
                let signs = groups.get_mut(number).map(|group| std::mem::take(&mut group.signs)).unwrap_or_default();
                if let Some(group) = groups.get_mut(*into) {
                    group.signs.extend(signs);
                }
            }
        }
        let of_site = match &label {
            Shared::Site(site) if family.0 == LOST => sites.get(site.as_str()).copied(),
            _ => None,
        };
        for run in runs(&row, if of_site.is_some() { LOST_APART_MS } else { APART_MS }, RUN_MS) {
            if of_site.is_none_or(|all| run.len() * SHARE_OF >= all) {
                together(case, groups, run, &label);
            } else {
                runs(run, APART_MS, RUN_MS).into_iter().for_each(|run| together(case, groups, run, &label));
            }
        }
    }
    groups.retain(|group| !group.signs.is_empty());
    by_rule(case, pool, groups);
}

/// What is left alone of things of which no place is known, and what one rule finds in the same way at the same time: the
/// rule is what they share.
fn by_rule(case: &Case<'_>, pool: &Pool, groups: &mut Vec<Group>) {
    let mut rows: BTreeMap<(String, Family), Vec<(i64, usize)>> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        let Some(sign) = alone(case, pool, group) else { continue };
        let placed = case.graph.thing(sign.thing).is_none_or(|thing| !thing.site.is_empty());
        let label = case.looks.get(sign.key).map(|known| known.look.label.as_str()).unwrap_or_default();
        if let Some(family) = family(case, sign).filter(|_| !placed && !label.is_empty()) {
            rows.entry((label.to_owned(), family)).or_default().push((sign.since, number));
        }
    }
    for ((label, _), mut row) in rows {
        row.sort_unstable();
        for run in runs(&row, APART_MS, RUN_MS).into_iter().filter(|run| run.len() >= TOGETHER_MIN) {
            unite(groups, run, run.len(), &Shared::Label(label.clone()));
        }
    }
    groups.retain(|group| !group.signs.is_empty());
}

/// Pieces of a row in order of time: each begins so shortly after the one before, and all of a piece within a time.
fn runs(row: &[(i64, usize)], apart: i64, within: i64) -> Vec<&[(i64, usize)]> {
    let (mut found, mut from) = (Vec::new(), 0);
    for at in 1..=row.len() {
        let time = |at: usize| row.get(at).map(|(since, _)| *since);
        let near = |since: i64| time(at - 1).is_some_and(|last| since - last <= apart);
        let whole = |since: i64| time(from).is_some_and(|first| since - first <= within);
        if !time(at).is_some_and(|since| near(since) && whole(since)) {
            found.extend(row.get(from..at));
            from = at;
        }
    }
    found
}

/// Three or more things of one place are lost at once, each with what stands on it, they are most of what carries
/// something there, of their kind or of all, and nothing known explains more than one of them: it is the place. Answers
/// where, from when to when, by group.
fn by_place(case: &Case<'_>, pool: &Pool, groups: &mut [Group]) -> BTreeMap<usize, (String, i64, i64)> {
    let mut rows: BTreeMap<String, Vec<(i64, usize)>> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        let Some(scored) = group.cause.and_then(|cause| pool.get(cause)) else { continue };
        let Origin::Thing(place, state, _) = &scored.origin else { continue };
        let node = case.graph.node(*place).filter(|node| stands_still(*state) && !node.thing.site.is_empty());
        if let Some(node) = node.filter(|_| group.things(case).len() > 1) {
            rows.entry(node.thing.site.clone()).or_default().push((scored.onset, number));
        }
    }
    let mut found = BTreeMap::new();
    let mut take = |groups: &mut [Group], run: &[(i64, usize)], site: &String| {
        let (Some((first, into)), Some((last, _))) = (run.first(), run.last()) else { return };
        unite(groups, run, run.len(), &Shared::Site(site.clone()));
        found.insert(*into, (site.clone(), *first, *last));
    };
    for (site, mut row) in rows.into_iter().filter(|(_, row)| row.len() > 1) {
        row.sort_unstable();
        let slowest = row.iter().map(|(_, number)| slowest(case, groups.get(*number))).max().unwrap_or_default();
        for run in runs(&row, APART_MS, slowest + SLACK_MS) {
            if run.len() >= TOGETHER_MIN && is_most(case, groups, run, &site, None) {
                take(groups, run, &site);
                continue;
            }
            let mut kinds: BTreeMap<u16, Vec<(i64, usize)>> = BTreeMap::new();
            for (onset, number) in run {
                if let Some(node) = groups.get(*number).and_then(|group| root(case, pool, group)) {
                    kinds.entry(node.kind).or_default().push((*onset, *number));
                }
            }
            for (kind, run) in kinds {
                let most = run.len() >= TOGETHER_MIN && is_most(case, groups, &run, &site, Some(kind));
                if most || twins(case, pool, groups, &run) {
                    take(groups, &run, &site);
                }
            }
        }
    }
    found
}

/// Most of what carries something at a place, of one kind or of all, is lost in these groups.
fn is_most(case: &Case<'_>, groups: &[Group], run: &[(i64, usize)], site: &str, kind: Option<u16>) -> bool {
    let lost: BTreeSet<u64> =
        run.iter().filter_map(|(_, number)| groups.get(*number)).flat_map(|group| group.things(case)).collect();
    let all = (0..).take(case.graph.places()).filter_map(|place| case.graph.node(place));
    let carries = all.filter(|node| {
        let wanted = node.thing.site == site && kind.is_none_or(|kind| node.kind == kind);
        wanted && !node.down.is_empty() && case.looks.at(node.thing.id).next().is_some()
    });
    let (all, gone) = carries
        .fold((0_usize, 0_usize), |(all, gone), node| (all + 1, gone + usize::from(lost.contains(&node.thing.id))));
    gone * 2 > all
}

/// What a group is said to come from.
fn root<'c>(case: &'c Case<'_>, pool: &Pool, group: &Group) -> Option<&'c Node> {
    match cause_of(pool, group)? {
        Origin::Thing(place, ..) => case.graph.node(*place),
        _ => None,
    }
}

/// The longest time from one look to the next at what a group has, in milliseconds.
fn slowest(case: &Case<'_>, group: Option<&Group>) -> i64 {
    let signs = group.into_iter().flat_map(|group| &group.signs).filter_map(|sign| case.sign(*sign));
    signs.map(|sign| sign.interval).max().unwrap_or_default()
}

/// Two things of one role are lost at one moment, as often as they are looked at, and what they are connected to is
/// known of neither, though it is of others of the role or kind: what they have in common is not written down.
fn twins(case: &Case<'_>, pool: &Pool, groups: &[Group], run: &[(i64, usize)]) -> bool {
    let [(first, one), (last, other)] = run else { return false };
    let moment = slowest(case, groups.get(*one)).max(slowest(case, groups.get(*other)));
    let node = |number: usize| root(case, pool, groups.get(number)?);
    let (Some(one), Some(other)) = (node(*one), node(*other)) else { return false };
    let hangs = |node: &Node| node.up.iter().any(|edge| edge.kind == RelationKind::ConnectedTo);
    let usual = || {
        let mut all = (0..).take(case.graph.places()).filter_map(|place| case.graph.node(place));
        all.any(|node| node.kind == one.kind && hangs(node))
    };
    let alike = role(&one.thing) == role(&other.thing);
    last - first <= moment && alike && !hangs(one) && !hangs(other) && usual()
}

/// Most of a role fails alone, in the same way at the same time and at several places: what they have in common is not
/// known, and it is not the place.
fn by_role(case: &Case<'_>, pool: &Pool, groups: &mut Vec<Group>) {
    let mut rows: BTreeMap<(u16, String, Family), Vec<(i64, usize)>> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        let one = alone(case, pool, group).or_else(|| guessed(case, pool, group));
        let Some(sign) = one.or_else(|| rooted(case, pool, group)) else { continue };
        let node = case.graph.place(sign.thing).and_then(|place| case.graph.node(place));
        if let (Some(node), Some(family)) = (node, family(case, sign)) {
            rows.entry((node.kind, role(&node.thing), family)).or_default().push((sign.since, number));
        }
    }
    for ((kind, role_of, _), mut row) in rows.into_iter().filter(|(_, row)| row.len() > 1) {
        row.sort_unstable();
        let all = (0..).take(case.graph.places()).filter_map(|place| case.graph.node(place));
        let many = all.filter(|node| node.kind == kind && role(&node.thing) == role_of).count();
        for run in row.chunk_by(|one, next| next.0 - one.0 <= APART_MS) {
            let sets = run.iter().filter_map(|(_, number)| groups.get(*number)).map(|group| {
                // What hangs on a thing that is seen to be lost counts with it.
                rooted(case, pool, group).map_or_else(|| group.things(case), |sign| BTreeSet::from([sign.thing]))
            });
            let largest = sets.clone().map(|things| things.len()).max().unwrap_or_default();
            let things: BTreeSet<u64> = sets.flatten().collect();
            let sites: BTreeSet<&str> =
                things.iter().filter_map(|thing| case.graph.thing(*thing)).map(|thing| thing.site.as_str()).collect();
            // What one guess has most of is not spread over several places.
            let spread = sites.len() > 1 && !sites.contains("") && (largest == 1 || largest * 2 <= things.len());
            let most = things.len() >= KIN_MIN && things.len() * 2 > many;
            if spread && (most || unlinked(case, pool, groups, run)) {
                unite(groups, run, things.len(), &Shared::Name(role_of.replace('#', "*")));
            }
        }
    }
    groups.retain(|group| !group.signs.is_empty());
}

/// Three or more things of one role are lost at one moment, as often as they are looked at, each with what stands on it,
/// and what they are connected to is known of none: what they have in common is not written down.
fn unlinked(case: &Case<'_>, pool: &Pool, groups: &[Group], run: &[(i64, usize)]) -> bool {
    let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { return false };
    let all: Vec<&Group> = run.iter().filter_map(|(_, number)| groups.get(*number)).collect();
    let moment = all.iter().map(|group| slowest(case, Some(group))).max().unwrap_or_default();
    let hangs = |node: &Node| node.up.iter().any(|edge| edge.kind == RelationKind::ConnectedTo);
    let alone = |group: &&Group| {
        rooted(case, pool, group).is_some() && root(case, pool, group).is_some_and(|node| !hangs(node))
    };
    run.len() >= TOGETHER_MIN && last - first <= moment && all.iter().all(alone)
}

/// The first symptom of the thing that a group hangs on, where it is seen to be lost with what stands on it.
fn rooted<'c>(case: &'c Case<'_>, pool: &Pool, group: &Group) -> Option<&'c Sign> {
    let scored = group.cause.and_then(|cause| pool.get(cause)).filter(|one| one.seen)?;
    let Origin::Thing(place, state, _) = &scored.origin else { return None };
    let thing = case.graph.id(*place);
    let own = group.signs.iter().filter_map(|sign| case.sign(*sign)).filter(|sign| sign.thing == thing);
    own.filter(|_| stands_still(*state)).min_by_key(|sign| sign.since)
}

/// The first symptom of a group that is one role of one place in one kind of trouble, and whose cause nobody sees fail,
/// nor is it lost.
fn guessed<'c>(case: &'c Case<'_>, pool: &Pool, group: &Group) -> Option<&'c Sign> {
    let scored = group.cause.and_then(|cause| pool.get(cause)).filter(|one| !one.seen)?;
    if !matches!(&scored.origin, Origin::Thing(_, state, _) if !stands_still(*state)) {
        return None;
    }
    let signs = || group.signs.iter().filter_map(|sign| case.sign(*sign));
    let same = |sign: &Sign| {
        let thing = case.graph.thing(sign.thing)?;
        Some((&thing.kind, role(thing), &thing.site, family(case, sign)?))
    };
    let first = signs().min_by_key(|sign| sign.since)?;
    let of = same(first)?;
    signs().all(|sign| same(sign).as_ref() == Some(&of)).then_some(first)
}

/// The first symptom of a group that is one thing and no change or vantage.
fn alone<'c>(case: &'c Case<'_>, pool: &Pool, group: &Group) -> Option<&'c Sign> {
    let vague = matches!(cause_of(pool, group), Some(Origin::Change(_) | Origin::Vantage(..)));
    let first = group.signs.iter().filter_map(|sign| case.sign(*sign)).min_by_key(|sign| sign.since);
    first.filter(|_| !vague && group.things(case).len() == 1)
}

fn cause_of<'p>(pool: &'p Pool, group: &Group) -> Option<&'p Origin> {
    Some(&pool.get(group.cause?)?.origin)
}

/// What things that fail together may be grouped by, where nothing is known that explains more than one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
    /// The place they are at.
    Site(String),
    /// How their names are built, with `*` for what differs, as no place is known.
    Name(String),
    /// What the looks have in common, as the things themselves are not known.
    Label(String),
}

impl Shared {
    /// What a symptom shares with others; nothing when it has nothing to share that says something.
    fn of(case: &Case<'_>, spoken: &Spoken, sign: &Sign) -> Option<Self> {
        let label = case.looks.get(sign.key).map(|known| known.look.label.as_str()).unwrap_or_default();
        let Some(thing) = case.graph.thing(sign.thing) else {
            return (!label.is_empty()).then(|| Self::Label(label.to_owned()));
        };
        if !thing.site.is_empty() {
            return Some(Self::Site(thing.site.clone()));
        }
        spoken.start(&thing.name).map(|start| Self::Name(start + "*"))
    }

    /// In words: what it is, and by what they were grouped.
    fn words(&self) -> (String, &'static str) {
        match self {
            Self::Site(site) => (site.clone(), "time and site"),
            Self::Name(names) => (names.clone(), "time and name"),
            Self::Label(label) => (label.clone(), "time and labels"),
        }
    }
}

fn together(case: &Case<'_>, groups: &mut [Group], run: &[(i64, usize)], shared: &Shared) {
    let at_once = run.windows(2).all(|pair| matches!(pair, [(one, _), (next, _)] if next - one <= APART_MS));
    let siblings = run.len() == 2 && at_once && same_parent(case, groups, run);
    if run.len() >= TOGETHER_MIN || siblings {
        unite(groups, run, run.len(), shared);
    }
}

/// Makes one group of several.
fn unite(groups: &mut [Group], run: &[(i64, usize)], many: usize, shared: &Shared) {
    let (Some((first, into)), Some((last, _))) = (run.first(), run.last()) else { return };
    let mut signs = BTreeSet::new();
    for (_, number) in run {
        if let Some(group) = groups.get_mut(*number) {
            signs.append(&mut group.signs);
        }
    }
    let Some(group) = groups.get_mut(*into) else { return };
    *group = Group::of(signs, None);
    let (label, by) = shared.words();
    group.unknown = Some(format!(
        "{} things ({label}) began to fail within {}, and nothing known explains them together. Grouped by {by} alone.",
        many,
        crate::candidate::span(last - first)
    ));
}

/// Two things hang on the same thing, which works.
fn same_parent(case: &Case<'_>, groups: &[Group], run: &[(i64, usize)]) -> bool {
    let mut sets = run.iter().filter_map(|(_, number)| groups.get(*number)).map(|group| {
        let things = group.things(case).into_iter().filter_map(|thing| case.graph.place(thing));
        let ups = things.filter_map(|place| case.graph.node(place)).flat_map(|node| &node.up);
        ups.filter(|edge| edge.kind == RelationKind::ConnectedTo).map(|edge| edge.other).collect::<BTreeSet<u32>>()
    });
    let (Some(one), Some(other)) = (sets.next(), sets.next()) else { return false };
    one.intersection(&other).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_a_gap_and_after_its_time() {
        let row: Vec<(i64, usize)> = [0, 40, 80, 120, 200, 240].into_iter().zip(0..).collect();
        let lengths = |apart, within| runs(&row, apart, within).iter().map(|run| run.len()).collect::<Vec<_>>();
        assert_eq!(lengths(45, 1_000), [4, 2]);
        assert_eq!(lengths(45, 90), [3, 1, 2]);
        assert_eq!(lengths(100, 1_000), [6]);
        assert!(runs(&[], 1, 1).iter().all(|run| run.is_empty()));
    }
}
