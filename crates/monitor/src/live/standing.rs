//! How things stand with what they stand on. When everything of one kind that a thing needs is out, what fails on it is
//! unreachable, not broken; when a part of it is out, what is well on it is degraded.

use std::collections::{BTreeMap, BTreeSet};

use causes::{RelationKind, What};
use kernel::Time;

use super::{Live, Lives, Pending, line};
use crate::causal::{Ground, Under};
use crate::machine::Standing;
use crate::probe::Probe;
use crate::sign;

/// How far down it is looked.
const DEPTH_MAX: usize = 6;

/// True when the alert of a check says that its asset is gone as a whole.
fn is_out(live: &Live) -> bool {
    let whole = matches!(live.check.probe, Probe::Silent { .. })
        || matches!(live.sign.unwrap_or_else(|| sign::of_check(&live.check)), What::Unreachable | What::PowerLost);
    live.machine.open && whole && !live.check.paused
}

impl Lives {
    /// What follows for all checks when other things are out than before, or things stand on others than before.
    pub(super) fn stand(&mut self, ground: &Ground, now: Time) -> Vec<Pending> {
        let out: BTreeSet<i64> =
            self.checks.values().filter(|live| is_out(live)).filter_map(|live| live.check.asset).collect();
        if out == self.out && ground.version == self.grounded {
            return Vec::new();
        }
        (self.out, self.grounded) = (out, ground.version);
        let mut known = BTreeMap::new();
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

/// How a thing stands, when these things are out.
fn standing(
    asset: i64,
    ground: &Under,
    out: &BTreeSet<i64>,
    known: &mut BTreeMap<i64, Standing>,
    depth: usize,
) -> Standing {
    if let Some(found) = known.get(&asset) {
        return *found;
    }
    // A circle ends here, as does what is too deep.
    known.insert(asset, Standing::Firm);
    let mut kinds: BTreeMap<RelationKind, (usize, usize)> = BTreeMap::new();
    for (kind, other) in ground.get(&asset).into_iter().flatten().filter(|(kind, _)| carries(*kind)) {
        let lost = out.contains(other)
            || depth < DEPTH_MAX && standing(*other, ground, out, known, depth + 1) == Standing::Unreachable;
        let (all, gone) = kinds.entry(*kind).or_default();
        *all += 1;
        *gone += usize::from(lost);
    }
    let unreachable =
        |kind: &RelationKind, all: usize, gone: usize| if kind.is_redundant() { gone == all } else { gone > 0 };
    let mut found = Standing::Firm;
    for (kind, (all, gone)) in kinds.iter().filter(|(_, (_, gone))| *gone > 0) {
        if unreachable(kind, *all, *gone) {
            found = Standing::Unreachable;
            break;
        }
        found = Standing::Degraded;
    }
    known.insert(asset, found);
    found
}

/// Without which a thing is not there at all.
fn carries(kind: RelationKind) -> bool {
    matches!(kind, RelationKind::RunsOn | RelationKind::ConnectedTo | RelationKind::PoweredBy | RelationKind::RoutesBy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_unreachable_when_all_of_a_kind_is_out_and_degraded_when_a_part_is() {
        let (up, on, part) = (RelationKind::ConnectedTo, RelationKind::RunsOn, RelationKind::PartOf);
        let ground: Under = BTreeMap::from([
            (1, BTreeSet::from([(up, 10), (up, 11)])),
            (2, BTreeSet::from([(on, 1)])),
            (3, BTreeSet::from([(part, 10)])),
            (4, BTreeSet::from([(on, 5)])),
            (5, BTreeSet::from([(on, 4)])),
        ]);
        let table: [(&[i64], i64, Standing); 8] = [
            (&[], 1, Standing::Firm),
            (&[10], 1, Standing::Degraded),
            (&[10, 11], 1, Standing::Unreachable),
            (&[10, 11], 2, Standing::Unreachable),
            (&[10], 2, Standing::Firm),
            (&[1], 2, Standing::Unreachable),
            (&[10, 11], 3, Standing::Firm),
            (&[9], 4, Standing::Firm),
        ];
        for (out, asset, expected) in table {
            let out = out.iter().copied().collect();
            assert_eq!(standing(asset, &ground, &out, &mut BTreeMap::new(), 0), expected, "{out:?} {asset}");
        }
    }
}
