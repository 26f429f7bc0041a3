//! How things stand with what they stand on. When everything of one kind that a thing needs is out, what fails on it is
//! unreachable, not broken; when a part of it is out, what is well on it is degraded.

use std::collections::{BTreeMap, HashMap};

use causes::{RelationKind, What};
use kernel::Time;

use super::{Live, Lives, Pending, line};
use crate::causal::{Ground, Under};
use crate::machine::Standing;
use crate::probe::Probe;
use crate::sign;

/// How far down it is looked.
const DEPTH_MAX: usize = 6;

/// The kinds of relations without which a thing is not there at all.
const CARRYING: [RelationKind; 4] =
    [RelationKind::RunsOn, RelationKind::ConnectedTo, RelationKind::PoweredBy, RelationKind::RoutesBy];

/// True when the alert of a check says that its asset is gone as a whole.
fn is_out(live: &Live) -> bool {
    live.machine.open
        && !live.check.paused
        // Nobody is told of it, so it may hold nothing else back.
        && !live.check.labels.is_quiet()
        && (matches!(live.check.probe, Probe::Silent { .. })
            || matches!(live.sign.unwrap_or_else(|| sign::of_check(&live.check)), What::Unreachable | What::PowerLost))
}

impl Lives {
    /// What follows for all checks when other things are out than before, or things stand on others than before.
    pub(super) fn stand(&mut self, ground: &Ground, now: Time) -> Vec<Pending> {
        let mut out: Vec<i64> =
            self.checks.values().filter(|live| is_out(live)).filter_map(|live| live.check.asset).collect();
        out.sort_unstable();
        out.dedup();
        if out == self.out && ground.version == self.grounded {
            return Vec::new();
        }
        (self.out, self.grounded) = (out, ground.version);
        let mut known = HashMap::new();
        let mut moved = Vec::new();
        for live in self.checks.values_mut() {
            let Some(asset) = live.check.asset else { continue };
            let standing = standing(asset, &ground.under, &self.out, &mut known, 0);
            if standing == live.machine.standing {
                continue;
            }
            if let Some(step) = live.machine.stand(standing, now) {
                let text = match standing {
                    Standing::Firm => "What it stands on is there again.",
                    Standing::Degraded => "A part of what it stands on is out; the rest carries it.",
                    Standing::Unreachable => {
                        "Everything of a kind that it stands on is out, so nothing is known of itself."
                    }
                };
                moved.push(live.pending(step, vec![line(now, text)], now));
            }
        }
        moved
    }
}

/// How a thing stands, when these things are out, in their order.
fn standing(asset: i64, ground: &Under, out: &[i64], known: &mut HashMap<i64, Standing>, depth: usize) -> Standing {
    if let Some(found) = known.get(&asset) {
        return *found;
    }
    // A circle ends here, as does what is too deep.
    known.insert(asset, Standing::Firm);
    // Of each kind, and of each group of alternatives: how many there are, and how many are lost.
    let mut kinds: BTreeMap<(RelationKind, &str), (usize, usize)> = BTreeMap::new();
    for ((kind, other), group) in ground.get(&asset).into_iter().flatten() {
        if !CARRYING.contains(kind) {
            continue;
        }
        let lost = out.binary_search(other).is_ok()
            || depth < DEPTH_MAX && standing(*other, ground, out, known, depth + 1) == Standing::Unreachable;
        let (all, gone) = kinds.entry((*kind, group)).or_default();
        *all += 1;
        *gone += usize::from(lost);
    }
    let lost = |((kind, group), (all, gone)): (&(RelationKind, &str), &(usize, usize))| {
        let alternatives = kind.is_redundant() || !group.is_empty();
        *gone > 0 && (!alternatives || gone == all)
    };
    let found = if kinds.iter().any(lost) {
        Standing::Unreachable
    } else if kinds.values().any(|(_, gone)| *gone > 0) {
        Standing::Degraded
    } else {
        Standing::Firm
    };
    known.insert(asset, found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_unreachable_when_all_of_a_kind_is_out_and_degraded_when_a_part_is() {
        let (up, on, part) = (RelationKind::ConnectedTo, RelationKind::RunsOn, RelationKind::PartOf);
        let none = String::new;
        let hosts = || "hosts".to_owned();
        let ground: Under = BTreeMap::from([
            (1, BTreeMap::from([((up, 10), none()), ((up, 11), none())])),
            (2, BTreeMap::from([((on, 1), none())])),
            (3, BTreeMap::from([((part, 10), none())])),
            (4, BTreeMap::from([((on, 5), none())])),
            (5, BTreeMap::from([((on, 4), none())])),
            (6, BTreeMap::from([((on, 12), hosts()), ((on, 13), hosts()), ((up, 10), none())])),
            (7, BTreeMap::from([((on, 12), none()), ((on, 13), none())])),
        ]);
        let table: [(&[i64], i64, Standing); 12] = [
            (&[], 1, Standing::Firm),
            (&[10], 1, Standing::Degraded),
            (&[10, 11], 1, Standing::Unreachable),
            (&[10, 11], 2, Standing::Unreachable),
            (&[10], 2, Standing::Firm),
            (&[1], 2, Standing::Unreachable),
            (&[10, 11], 3, Standing::Firm),
            (&[9], 4, Standing::Firm),
            (&[12], 6, Standing::Degraded),
            (&[12, 13], 6, Standing::Unreachable),
            (&[10], 6, Standing::Unreachable),
            (&[12], 7, Standing::Unreachable),
        ];
        for (out, asset, expected) in table {
            assert_eq!(standing(asset, &ground, out, &mut HashMap::new(), 0), expected, "{out:?} {asset}");
        }
    }
}
