//! How the things of a group hang on its cause, as a tree: pure, from what is affected and what each thing stands on.

use std::collections::{BTreeMap, BTreeSet};

use causes::RelationKind;

/// How far from an affected thing its cause is looked for.
const HOPS_MAX: usize = 4;
/// Most things that the way to the cause leads over.
const WAYS_MAX: usize = 20_000;
/// Things of one way of hanging that are shown, by their distance from the cause.
const FAN: [usize; 3] = [9, 5, 3];
/// Things that are shown in all.
const SHOWN_MAX: usize = 40;

/// Alerts of a thing, or of everything behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Things with alerts.
    pub(crate) things: i64,
    /// Of them, those with alerts that are out.
    pub(crate) out: i64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.things += other.things;
        self.out += other.out;
    }
}

/// A thing that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) thing: i64,
    /// What it hangs on and how; none: nobody knows of a relation to the cause.
    pub(crate) on: Option<(i64, RelationKind)>,
    /// What hangs on it, however far.
    pub(crate) behind: Tally,
}

/// Things that are not shown one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    pub(crate) on: Option<(i64, RelationKind)>,
    /// These and what hangs on them.
    pub(crate) all: Tally,
}

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Things after what they hang on, those with the most behind them first.
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) bundles: Vec<Bundle>,
}

type On = (i64, RelationKind);

/// What stands on each thing: only things that are affected, or that lead to some that are.
fn standing(cause: i64, own: &BTreeMap<i64, Tally>, parents: &impl Fn(i64) -> Vec<On>) -> BTreeMap<i64, BTreeSet<On>> {
    let mut below: BTreeMap<i64, BTreeSet<On>> = BTreeMap::new();
    let mut seen: BTreeSet<i64> = own.keys().copied().collect();
    let mut ring: Vec<i64> = seen.iter().copied().collect();
    for _ in 0..HOPS_MAX {
        let mut further = Vec::new();
        for thing in ring.into_iter().filter(|thing| *thing != cause) {
            for (on, kind) in parents(thing) {
                below.entry(on).or_default().insert((thing, kind));
                if seen.len() < WAYS_MAX && seen.insert(on) {
                    further.push(on);
                }
            }
        }
        ring = further;
    }
    below
}

/// What each thing hangs on, the shortest way to the cause; and all of them, the nearest first.
fn hung(cause: i64, below: &BTreeMap<i64, BTreeSet<On>>) -> (BTreeMap<i64, On>, Vec<i64>) {
    let mut on = BTreeMap::new();
    let mut order = vec![cause];
    let mut at = 0;
    while let Some(thing) = order.get(at).copied() {
        at += 1;
        for (child, kind) in below.get(&thing).into_iter().flatten() {
            if *child != cause && !on.contains_key(child) {
                on.insert(*child, (thing, *kind));
                order.push(*child);
            }
        }
    }
    (on, order)
}

/// The tree of what is affected: `own` are the things with alerts, `parents` says what a thing stands on.
pub(crate) fn grow(cause: Option<i64>, own: &BTreeMap<i64, Tally>, parents: impl Fn(i64) -> Vec<On>) -> Tree {
    let (on, order) = match cause {
        Some(cause) => hung(cause, &standing(cause, own, &parents)),
        None => (BTreeMap::new(), Vec::new()),
    };
    let mut all: BTreeMap<i64, Tally> = BTreeMap::new();
    let mut fans: BTreeMap<i64, BTreeMap<RelationKind, Vec<i64>>> = BTreeMap::new();
    for thing in order.iter().rev() {
        let mut sum = all.remove(thing).unwrap_or_default();
        sum.add(own.get(thing).copied().unwrap_or_default());
        all.insert(*thing, sum);
        // What leads to nothing that is affected and not reached in a shorter way is left out.
        if let Some((parent, kind)) = on.get(thing).filter(|_| sum.things > 0) {
            all.entry(*parent).or_default().add(sum);
            fans.entry(*parent).or_default().entry(*kind).or_default().push(*thing);
        }
    }
    let mut tree = Tree::default();
    let mut ring: Vec<i64> = cause.into_iter().collect();
    for most in FAN {
        let mut further = Vec::new();
        for parent in ring {
            for (kind, things) in fans.remove(&parent).unwrap_or_default() {
                further.extend(tree.show(Some((parent, kind)), things, (&all, own), most));
            }
        }
        ring = further;
    }
    let known: BTreeSet<i64> = order.into_iter().collect();
    let lost: Vec<i64> = own.keys().copied().filter(|thing| !known.contains(thing)).collect();
    tree.show(None, lost, (own, own), if cause.is_some() { FAN[1] } else { FAN[0] });
    tree
}

impl Tree {
    /// Shows some of a fan, and counts the others; answers those that are shown.
    fn show(
        &mut self,
        on: Option<On>,
        mut things: Vec<i64>,
        (all, own): (&BTreeMap<i64, Tally>, &BTreeMap<i64, Tally>),
        most: usize,
    ) -> Vec<i64> {
        let tally = |thing: &i64| all.get(thing).copied().unwrap_or_default();
        things.sort_by_key(|thing| (std::cmp::Reverse((tally(thing).out, tally(thing).things)), *thing));
        let room = most.min(SHOWN_MAX.saturating_sub(self.leaves.len()));
        // One that is left over takes no more room than the words that it is left out.
        let shown = if things.len() == room + 1 && room > 0 { room + 1 } else { room.min(things.len()) };
        let rest = things.split_off(shown);
        for thing in &things {
            let mut behind = tally(thing);
            let itself = own.get(thing).copied().unwrap_or_default();
            behind.add(Tally { things: -itself.things, out: -itself.out });
            self.leaves.push(Leaf { thing: *thing, on, behind });
        }
        if !rest.is_empty() {
            let mut sum = Tally::default();
            rest.iter().for_each(|thing| sum.add(tally(thing)));
            self.bundles.push(Bundle { on, all: sum });
        }
        things
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: RelationKind = RelationKind::ConnectedTo;
    const HOST: RelationKind = RelationKind::RunsOn;
    const OUT: Tally = Tally { things: 1, out: 1 };

    fn grown(cause: Option<i64>, affected: &[i64], on: &[(i64, RelationKind, i64)]) -> Tree {
        let own = affected.iter().map(|thing| (*thing, OUT)).collect();
        grow(cause, &own, |thing| {
            on.iter().filter(|(from, ..)| *from == thing).map(|(_, kind, to)| (*to, *kind)).collect()
        })
    }

    fn hanging(tree: &Tree) -> Vec<(i64, Option<i64>, i64)> {
        tree.leaves.iter().map(|leaf| (leaf.thing, leaf.on.map(|on| on.0), leaf.behind.out)).collect()
    }

    #[test]
    fn things_hang_on_the_cause_by_the_shortest_way_also_over_things_without_alerts() {
        let on = [(2, UP, 1), (3, HOST, 2), (4, HOST, 5), (5, UP, 1), (3, UP, 1), (9, UP, 8)];
        let tree = grown(Some(1), &[1, 2, 3, 4, 9], &on);
        assert_eq!(hanging(&tree), [(2, Some(1), 0), (3, Some(1), 0), (5, Some(1), 1), (4, Some(5), 0), (9, None, 0)]);
        assert!(tree.bundles.is_empty());
    }

    #[test]
    fn a_wide_fan_shows_a_few_and_counts_the_others_with_what_hangs_on_them() {
        let affected: Vec<i64> = (2..302).collect();
        let mut on: Vec<(i64, RelationKind, i64)> = (2..300).map(|thing| (thing, UP, 1)).collect();
        on.extend([(300, HOST, 299), (301, HOST, 298)]);
        let tree = grown(Some(1), &affected, &on);
        let first: Vec<i64> = tree.leaves.iter().map(|leaf| leaf.thing).take(3).collect();
        assert_eq!(first, [298, 299, 2], "those with something behind them come first");
        assert_eq!(tree.leaves.len(), FAN[0] + 2);
        assert_eq!(tree.bundles, [Bundle { on: Some((1, UP)), all: Tally { things: 298 - 9, out: 298 - 9 } }]);
    }

    #[test]
    fn circles_and_five_thousand_things_end_in_a_small_tree() {
        let affected: Vec<i64> = (1..=5_000).collect();
        let on: Vec<(i64, RelationKind, i64)> = Vec::new();
        let own: BTreeMap<i64, Tally> = affected.iter().map(|thing| (*thing, OUT)).collect();
        let tree = grow(Some(1), &own, |thing| vec![((thing / 7).max(1), UP), ((thing + 1) % 5_000, HOST)]);
        assert!(tree.leaves.len() <= SHOWN_MAX + 1, "{}", tree.leaves.len());
        // What only leads to others is not counted.
        let told: i64 = tree
            .leaves
            .iter()
            .filter(|leaf| leaf.on.is_some_and(|on| on.0 == 1))
            .map(|leaf| i64::from(own.contains_key(&leaf.thing)) + leaf.behind.things)
            .sum();
        let counted: i64 =
            tree.bundles.iter().filter(|one| one.on.is_some_and(|on| on.0 == 1)).map(|one| one.all.things).sum();
        let lost: i64 = tree.bundles.iter().filter(|one| one.on.is_none()).map(|one| one.all.things).sum();
        assert_eq!(told + counted + lost, 4_999, "everybody is counted once");
        assert_eq!(grown(Some(1), &[], &on), Tree::default());
    }

    #[test]
    fn without_a_cause_everything_is_listed_loose() {
        let tree = grown(None, &[4, 5], &[(4, UP, 5)]);
        assert_eq!(hanging(&tree), [(4, None, 0), (5, None, 0)]);
    }
}
