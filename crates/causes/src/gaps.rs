//! Where the graph has gaps: what joins a cause without a known relation, and what is grouped by time and labels alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::score::{CHANGED, Case, Origin, SLACK_MS, Scored, Sign};
use crate::solve::{Group, Pool};
use crate::spread::{Effects, Start, stands_still};
use crate::words::{RelationKind, What};

mod labels;
mod names;

pub(crate) use labels::by_time_and_labels;
pub(crate) use names::{Spoken, role};

/// A relation that fewer things of a kind have is not one that is merely unknown.
const SHARE_MIN: f64 = 0.2;
/// Worse fits do not join.
const FIT_MIN: f64 = 0.25;
/// Longest delay that is believed without a relation, in milliseconds.
const DELAY_MS_MAX: i64 = 10 * 60_000;
/// The same where others of its relations of that kind are known, in milliseconds.
const FURTHER_MS_MAX: i64 = 2 * 60_000;
/// So many things with the same trouble at the same time and place are no accident.
const TOGETHER_MIN: usize = 3;
/// So many of a role that one cause took down show that what else of that role is lost at the same time hangs on it,
/// too, if what it hangs on is not known; and how surely, beside what is at the same site.
const KIN_MIN: usize = 5;
const KIN: f64 = 0.7;
/// Most things that are looked at one by one, where nobody sees what they are said to hang on.
const EACH_MAX: usize = 60;
/// Most groups that others may join.
const PARENTS_MAX: usize = 300;

/// How usual each relation is among the things of a kind.
struct Shares {
    of: BTreeMap<(u16, RelationKind), u32>,
    carried: BTreeSet<(u16, RelationKind)>,
    things: BTreeMap<u16, u32>,
    roles: BTreeMap<Role, Peers>,
}

/// Things of one kind that are named alike but for their numbers.
type Role = (u16, String);

/// How many have a role, and how many of them carry things of a kind over a relation.
#[derive(Default)]
struct Peers {
    many: usize,
    carry: BTreeMap<(u16, RelationKind), usize>,
}

impl Shares {
    fn new(case: &Case<'_>) -> Self {
        let (mut of, mut carried, mut things) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let mut roles: BTreeMap<Role, Peers> = BTreeMap::new();
        for place in 0_u32.. {
            if place as usize >= case.graph.places() {
                break;
            }
            let Some(node) = case.graph.node(place) else { continue };
            *things.entry(node.kind).or_default() += 1;
            for kind in node.up.iter().map(|edge| edge.kind).collect::<BTreeSet<_>>() {
                *of.entry((node.kind, kind)).or_default() += 1;
            }
            carried.extend(node.down.iter().map(|edge| (node.kind, edge.kind)));
            let peers = roles.entry((node.kind, role(&node.thing))).or_default();
            peers.many += 1;
            let below = node.down.iter().filter_map(|edge| Some((case.graph.node(edge.other)?.kind, edge.kind)));
            for carries in below.collect::<BTreeSet<_>>() {
                *peers.carry.entry(carries).or_default() += 1;
            }
        }
        Self { of, carried, things, roles }
    }

    /// What most things of its role carry, as this one may too.
    fn usual(&self, role: &Role) -> impl Iterator<Item = (u16, RelationKind)> {
        let peers = self.roles.get(role).filter(|peers| peers.many >= TOGETHER_MIN);
        let most = peers.into_iter().flat_map(|peers| peers.carry.iter().filter(|(_, with)| **with * 2 > peers.many));
        most.map(|(carries, _)| *carries)
    }

    /// Three or more have this role, and nothing is known to stand on any of them: they are ends.
    fn is_end(&self, role: &Role) -> bool {
        self.roles.get(role).is_some_and(|peers| peers.many >= TOGETHER_MIN && peers.carry.is_empty())
    }

    /// Three or more of a role and most of it, or two that are all others.
    fn is_most(&self, role: &Role, many: usize) -> bool {
        let of =
            |peers: &Peers| many * 2 > peers.many && (many >= TOGETHER_MIN || (many >= 2 && many + 1 >= peers.many));
        self.roles.get(role).is_some_and(of)
    }

    fn share(&self, kind: u16, relation: RelationKind) -> f64 {
        let with = self.of.get(&(kind, relation)).copied().unwrap_or_default();
        f64::from(with) / f64::from(self.things.get(&kind).copied().unwrap_or(1).max(1))
    }

    fn carries(&self, kind: u16, relation: RelationKind) -> bool {
        self.carried.contains(&(kind, relation))
    }
}

/// A group that others may join: its states by kind of thing, its sites and when it began.
struct Parent {
    group: usize,
    states: BTreeSet<(u16, What)>,
    effects: Effects,
    /// What kinds of things stand on what fails, and how.
    carries: BTreeSet<(u16, RelationKind)>,
    /// The roles of which it took down most.
    fallen: BTreeSet<Role>,
    /// The roles of which it took down several.
    kin: BTreeSet<Role>,
    /// The relations over which several that fail stand on what fails.
    over: BTreeSet<RelationKind>,
    /// Its cause is seen to fail.
    seen: bool,
    /// What it comes from, if that is seen to be lost.
    lost: Option<u32>,
    /// Nothing is known to stand on its cause.
    bare: bool,
    sites: BTreeSet<String>,
    /// Words of the names of what fails that say something.
    words: BTreeSet<String>,
    onset: i64,
    slowest: i64,
    things: usize,
}

/// A way in which a group may hang on another.
struct Fit {
    value: f64,
    /// The relation that is not known; none when all are.
    relation: Option<RelationKind>,
}

/// Groups join others of which they may be the effect by a relation that the inventory may lack: one that is usual for
/// such things and not known of this one, at the same site, at the right time.
pub(crate) fn join(case: &Case<'_>, pool: &Pool, spoken: &Spoken, groups: &mut Vec<Group>) {
    let shares = Shares::new(case);
    let mut parents: Vec<Parent> = groups
        .iter()
        .enumerate()
        .filter_map(|(number, group)| parent(case, pool, (&shares, spoken), number, group))
        .collect();
    parents.sort_by_key(|parent| (std::cmp::Reverse(parent.things), parent.group));
    parents.truncate(PARENTS_MAX);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|number| groups.get(*number).map_or(0, |group| group.things(case).len()));
    let mut joins: BTreeMap<usize, (usize, Option<RelationKind>)> = BTreeMap::new();
    for number in order {
        let Some(group) = groups.get(number) else { continue };
        let Some((head, signs)) = head(case, pool, group) else { continue };
        let mut best: Option<(f64, usize, Option<RelationKind>)> = None;
        let size = group.things(case).len();
        let unseen = !case.at.contains_key(&head);
        for parent in parents.iter().filter(|parent| root(&joins, parent.group) != number) {
            // What nobody sees fail is a guess: it neither joins what is smaller nor takes in what is larger.
            let smaller = (unseen || !parent.seen) && parent.things < size;
            if smaller && !(unseen && parent.seen && follows(pool, parent, head, group)) {
                continue;
            }
            let fit = fits(case, (&shares, spoken), parent, head, &signs);
            let fit = fit.or_else(|| if unseen { each(case, (&shares, spoken), parent, group) } else { None });
            let Some(fit) = fit else { continue };
            if best.is_none_or(|(value, ..)| fit.value > value + 0.001) {
                best = Some((fit.value, parent.group, fit.relation));
            }
        }
        if let Some((_, parent, relation)) = best {
            joins.insert(number, (parent, relation));
        }
    }
    for (child, (_, relation)) in &joins {
        let to = root(&joins, *child);
        let Some(group) = groups.get_mut(*child) else { continue };
        let (joining, cause) = (std::mem::take(&mut group.signs), group.cause);
        let points =
            cause.and_then(|cause| pool.get(cause)).map_or(0.0, |one| one.points(|sign| joining.contains(&sign)));
        let names: BTreeMap<u64, String> = joining
            .iter()
            .filter_map(|sign| case.sign(*sign))
            .filter_map(|sign| Some((sign.thing, why(case, sign, (*relation)?))))
            .collect();
        if let Some(group) = groups.get_mut(to) {
            group.signs.extend(joining);
            group.bonus += points.max(0.0) + 1.0;
            group.joined.extend(names);
        }
    }
    groups.retain(|group| !group.signs.is_empty());
}

/// What a group is said to come from, though nobody sees it, is what another's cause, which is seen, gives that thing
/// by what is known.
fn follows(pool: &Pool, parent: &Parent, head: u32, group: &Group) -> bool {
    let scored = group.cause.and_then(|cause| pool.get(cause));
    let Some(Origin::Thing(_, state, _)) = scored.map(|scored| &scored.origin) else { return false };
    let mut effects = parent.effects.get(&head).into_iter().flatten();
    effects.any(|effect| effect.hops > 0 && effect.state == *state)
}

fn root(joins: &BTreeMap<usize, (usize, Option<RelationKind>)>, mut number: usize) -> usize {
    while let Some((next, _)) = joins.get(&number) {
        number = *next;
    }
    number
}

fn why(case: &Case<'_>, sign: &Sign, relation: RelationKind) -> String {
    let words = match relation {
        RelationKind::RunsOn => "what it runs on",
        RelationKind::ConnectedTo => "what it is connected to",
        RelationKind::DependsOn => "what it depends on",
        RelationKind::PoweredBy => "what powers it",
        RelationKind::PartOf => "what it is part of",
        RelationKind::ResolvesBy => "its name server",
        RelationKind::RoutesBy => "its gateway",
        RelationKind::StoresOn => "its storage",
        RelationKind::SecuredBy => "its certificate",
        RelationKind::SyncedBy => "its time server",
    };
    let node = case.graph.place(sign.thing).and_then(|place| case.graph.node(place));
    let some = node.is_some_and(|node| node.up.iter().any(|edge| edge.kind == relation));
    let known = if some && is_one_of_many(relation) { "not all of it known" } else { "not known" };
    format!("{} joined by time and likeness: {words} is {known}.", case.graph.name(sign.thing))
}

/// The thing a group hangs on, with its symptoms.
fn head<'c>(case: &'c Case<'_>, pool: &Pool, group: &Group) -> Option<(u32, Vec<&'c Sign>)> {
    let scored = group.cause.and_then(|cause| pool.get(cause));
    let single = || {
        let things = group.things(case);
        if things.len() == 1 { case.graph.place(*things.first()?) } else { None }
    };
    let place = match scored.map(|scored| &scored.origin) {
        Some(Origin::Thing(place, ..)) => *place,
        Some(_) => return None,
        None => single()?,
    };
    let own = |sign: &&Sign| case.graph.place(sign.thing) == Some(place);
    let mine: Vec<&Sign> = group.signs.iter().filter_map(|sign| case.sign(*sign)).collect();
    let signs: Vec<&Sign> = mine.iter().copied().filter(own).collect();
    Some((place, if signs.is_empty() { mine } else { signs }))
}

/// What a cause starts from: the places, and the states they come into.
fn starts(case: &Case<'_>, origin: &Origin) -> Vec<Start> {
    match origin {
        Origin::Thing(place, state, _) => vec![(*place, *state, 1.0)],
        Origin::Change(label) => case
            .changed(label)
            .into_iter()
            .flat_map(|place| CHANGED.map(|(state, sure)| (place, state, sure)))
            .collect(),
        Origin::Vantage(..) => Vec::new(),
    }
}

/// A group as one that others may join: its cause is seen to fail, or explains several.
fn parent(
    case: &Case<'_>,
    pool: &Pool,
    (shares, spoken): (&Shares, &Spoken),
    number: usize,
    group: &Group,
) -> Option<Parent> {
    let scored: &Scored = pool.get(group.cause?)?;
    let starts = starts(case, &scored.origin);
    let roots: BTreeSet<u32> = starts.iter().map(|(place, ..)| *place).collect();
    let things = group.things(case);
    let seen = roots.iter().any(|place| case.at.contains_key(place));
    if roots.is_empty() || (!seen && things.len() < TOGETHER_MIN) {
        return None;
    }
    let effects = case.effects(&starts);
    let mut states = BTreeSet::new();
    let (mut sites, mut carries, mut words) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut fallen: BTreeMap<Role, usize> = BTreeMap::new();
    let mut over: BTreeMap<RelationKind, BTreeSet<u32>> = BTreeMap::new();
    let failing = effects.iter().filter(|(at, _)| roots.contains(at) || case.at.contains_key(at));
    for (at, found) in failing {
        let Some(node) = case.graph.node(*at) else { continue };
        states.extend(found.iter().filter(|one| one.weight >= 0.5).map(|one| (node.kind, one.state)));
        sites.insert(node.thing.site.clone());
        words.extend(spoken.words(&node.thing.name));
        let below = node.down.iter().filter_map(|edge| Some((case.graph.node(edge.other)?.kind, edge.kind)));
        carries.extend(below);
        for edge in node.down.iter().filter(|edge| case.at.contains_key(&edge.other)) {
            over.entry(edge.kind).or_default().insert(edge.other);
        }
        *fallen.entry((node.kind, role(&node.thing))).or_default() += usize::from(!roots.contains(at));
    }
    let known = roots.iter().filter_map(|place| case.graph.node(*place));
    let roles = fallen.keys().cloned().chain(known.map(|node| (node.kind, role(&node.thing))));
    carries.extend(roles.flat_map(|role| shares.usual(&role).collect::<Vec<_>>()));
    let over = over.into_iter().filter(|(_, things)| things.len() >= TOGETHER_MIN).map(|(kind, _)| kind).collect();
    let kin = fallen.iter().filter(|(_, many)| **many >= KIN_MIN).map(|(role, _)| role.clone()).collect();
    let fallen = fallen.into_iter().filter(|(role, many)| shares.is_most(role, *many)).map(|(role, _)| role).collect();
    let slowest = group.signs.iter().filter_map(|sign| Some(case.sign(*sign)?.interval)).max().unwrap_or_default();
    sites.remove("");
    let lost = match &scored.origin {
        Origin::Thing(place, state, _) if scored.seen && stands_still(*state) => Some(*place),
        _ => None,
    };
    let nodes = || roots.iter().filter_map(|place| case.graph.node(*place));
    let bare = nodes().all(|node| node.down.is_empty());
    if bare && nodes().all(|node| shares.is_end(&(node.kind, role(&node.thing)))) {
        return None;
    }
    Some(Parent {
        group: number,
        states,
        effects,
        carries,
        fallen,
        kin,
        over,
        seen,
        lost,
        bare,
        sites,
        words,
        onset: scored.onset,
        slowest,
        things: things.len(),
    })
}

/// Each thing of a group hangs on another's cause, where nobody sees what the group is said to hang on.
fn each(case: &Case<'_>, of: (&Shares, &Spoken), parent: &Parent, group: &Group) -> Option<Fit> {
    let things = group.things(case);
    if things.len() > EACH_MAX {
        return None;
    }
    let mut worst: Option<Fit> = None;
    for thing in things {
        let signs: Vec<&Sign> =
            group.signs.iter().filter_map(|sign| case.sign(*sign)).filter(|sign| sign.thing == thing).collect();
        let fit = fits(case, of, parent, case.graph.place(thing)?, &signs)?;
        if worst.as_ref().is_none_or(|known| fit.value < known.value) {
            worst = Some(fit);
        }
    }
    worst
}

fn fits(
    case: &Case<'_>,
    (shares, spoken): (&Shares, &Spoken),
    parent: &Parent,
    head: u32,
    signs: &[&Sign],
) -> Option<Fit> {
    let node = case.graph.node(head)?;
    let site = &node.thing.site;
    // Most others of its kind and name went down with the cause: it hangs there as they do, wherever it is.
    let (alike, kin) = if parent.kin.is_empty() && parent.fallen.is_empty() {
        (false, false)
    } else {
        let role = (node.kind, role(&node.thing));
        (parent.fallen.contains(&role), parent.kin.contains(&role))
    };
    if !(alike || kin || site.is_empty() || parent.sites.is_empty() || parent.sites.contains(site)) {
        return None;
    }
    let first = signs.iter().min_by_key(|sign| sign.since)?;
    let degraded = signs.iter().all(|sign| sign.what == What::Degraded);
    let chain = known_chain(case, parent, head, signs, first);
    let mut best: Option<Fit> = chain.or_else(|| takeover(case, parent, head, signs, first));
    // Where a place is not known, names must have something in common.
    let near = match parent.sites.contains(site) {
        _ if alike => 1.0,
        true => 1.0,
        false if kin => KIN,
        false if spoken.words(&node.thing.name).any(|word| parent.words.contains(&word)) => 0.8,
        false => return best,
    };
    for (kind, state) in &parent.states {
        for way in case.table.ways(*kind, *state).iter().filter(|way| way.reaches(node.kind)) {
            let share = shares.share(node.kind, way.over);
            let known = node.up.iter().filter(|edge| edge.kind == way.over).count();
            // Who is degraded has two paths: when one is known, the other is not.
            let second = known == 1 && way.needs_all && way.over.is_redundant() && stands_still(*state);
            let spare = (alike || kin) && known == 0 && way.over.is_redundant() && degraded && stands_still(*state);
            let (gives, weight) = if second || spare { (What::Degraded, 0.7) } else { (way.gives, way.weight) };
            // What its like hangs on may be well itself, as a switch that lets some of it no longer through.
            let further = known > 0 && is_one_of_many(way.over) && (alike || kin || parent.over.contains(&way.over));
            let carries = || parent.carries.contains(&(node.kind, way.over));
            let usual = parent.bare || alike || kin || further || carries();
            let lacks = known == 0 || second || further;
            if !lacks || share < SHARE_MIN || !usual || !shares.carries(*kind, way.over) {
                continue;
            }
            let longest = match () {
                () if further => FURTHER_MS_MAX,
                () if gives == What::ClockOff || alike => i64::MAX / 4,
                () => DELAY_MS_MAX,
            };
            let latest = parent.onset + way.delay_ms.min(longest) + first.interval + SLACK_MS;
            if !(parent.onset - parent.slowest - 5_000..=latest).contains(&first.since) {
                continue;
            }
            let shows = signs.iter().map(|sign| case.explains(gives, sign)).fold(0.0, f64::max);
            let value = weight * shows * share.sqrt() * near;
            if value >= FIT_MIN && best.as_ref().is_none_or(|fit| value > fit.value) {
                best = Some(Fit { value, relation: Some(way.over) });
            }
        }
    }
    best
}

/// A thing mostly has several relations of this kind, and needs each of them: that some are known says nothing of the
/// others.
const fn is_one_of_many(kind: RelationKind) -> bool {
    matches!(kind, RelationKind::DependsOn | RelationKind::StoresOn)
}

/// What a group hangs on is an effect of another's cause by what is known: the cause of the one is explained by the
/// other.
fn known_chain(case: &Case<'_>, parent: &Parent, head: u32, signs: &[&Sign], first: &Sign) -> Option<Fit> {
    let states = parent.effects.get(&head)?.iter().filter(|effect| effect.hops > 0);
    let in_time = |delay: i64| {
        let latest = parent.onset + delay + first.interval + SLACK_MS;
        (parent.onset - parent.slowest - 5_000..=latest).contains(&first.since)
    };
    let value = |effect: &crate::spread::Effect| {
        let shows = signs.iter().map(|sign| case.explains(effect.state, sign)).fold(0.0, f64::max);
        if in_time(effect.delay_ms) { effect.weight * shows } else { 0.0 }
    };
    let best = states.map(value).fold(0.0, f64::max);
    (best >= FIT_MIN).then_some(Fit { value: best + 1.0, relation: None })
}

/// What a group hangs on is lost, or fails, at the moment at which one of its alternatives is lost: the other one takes
/// over late.
fn takeover(case: &Case<'_>, parent: &Parent, head: u32, signs: &[&Sign], first: &Sign) -> Option<Fit> {
    let node = case.graph.node(head)?;
    let mut paths = node.up.iter().filter(|path| path.group.is_some() && parent.lost == Some(path.other));
    let kind = paths.next().map(|path| path.kind)?;
    let lost = case.graph.node(parent.lost?)?;
    let ways = case.table.ways(lost.kind, What::Down).iter().filter(|way| way.over == kind && way.reaches(node.kind));
    let at_once = parent.onset - first.interval - SLACK_MS..=parent.onset + parent.slowest + first.interval + SLACK_MS;
    let shows = |state: What| signs.iter().map(|sign| case.explains(state, sign)).fold(0.0, f64::max);
    let value = ways.map(|way| way.weight * shows(way.gives)).fold(0.0, f64::max);
    (value >= FIT_MIN && at_once.contains(&first.since)).then_some(Fit { value: value + 1.0, relation: None })
}
