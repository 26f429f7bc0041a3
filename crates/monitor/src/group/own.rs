//! The alerts of a group that are told for themselves: those that do not merely follow from a cause elsewhere. Whoever is
//! told of such an alert by its own labels, team and place hears of it, also when somebody else was told of the group.

use std::collections::BTreeSet;

use kernel::{Cx, Result};

use super::judgement::Judgement;
use super::{Group, open, title};
use crate::check::Check;
use crate::events::Own;
use crate::ground;
use crate::shade::Shade;

/// Alerts of one event that are told for themselves: a machine has only so many that are told in so many ways.
const OWN_MAX: usize = 20;
/// Lines of what was seen.
const SEEN_MAX: usize = 3;

/// True when an alert is explained by a known cause that is elsewhere.
fn follows(judgement: &Judgement, check: &Check) -> bool {
    judgement.cause().is_some_and(|cause| cause.kind != "thing" || cause.asset.is_some() && cause.asset != check.asset)
}

/// Those of these alerts, with what was seen, that are told for themselves; of those that are told alike the first one, and
/// first of all one of each name, team, place and severity. What a silence covers is not among them.
pub(super) fn own(cx: &mut Cx, group: &Group, seen: &[(Check, String)], shade: &Shade) -> Result<Vec<Own>> {
    let within = group.within();
    let mine: Vec<&(Check, String)> = seen
        .iter()
        .filter(|(check, _)| {
            check.id != group.check && !follows(&group.judgement, check) && !shade.covers_in(&within, &check.facing())
        })
        .collect();
    let mut found = Vec::new();
    for (check, text) in telling(&mine) {
        let names = ground::asset_names(cx.tx, check.asset.as_slice())?;
        let lines: Vec<&str> = text.lines().collect();
        found.push(Own {
            check: check.reference(),
            asset: check.about(),
            title: title(check, names.values().next().map(String::as_str)),
            labels: open::routing(cx, check)?,
            place: check.place,
            team: check.team.or(check.asset_team),
            severity: check.severity,
            evidence: lines.iter().rev().take(SEEN_MAX).rev().map(|line| (*line).to_owned()).collect(),
        });
    }
    Ok(found)
}

/// Those that are told, when there are more than can be: none that routes could tell apart by its name, team, place or
/// severity waits behind many that they cannot.
fn telling<'a>(mine: &[&'a (Check, String)]) -> Vec<&'a (Check, String)> {
    let mut ways = BTreeSet::new();
    let (mut first, mut others): (Vec<_>, Vec<_>) = mine.iter().copied().partition(|(check, _)| {
        ways.insert((&check.name, check.team.or(check.asset_team), check.place, check.severity.as_str()))
    });
    let mut alike: BTreeSet<_> = first.iter().map(|one| (&one.0.name, &one.0.labels.0, one.0.asset)).collect();
    others.retain(|one| alike.insert((&one.0.name, &one.0.labels.0, one.0.asset)));
    first.append(&mut others);
    first.truncate(OWN_MAX);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_missed_behind_many_alerts_of_one_kind() {
        let alert = |name: &str, asset: i64, team: i64| {
            let check = Check { asset: Some(asset), team: Some(team), ..Check::sample(name) };
            (check, String::new())
        };
        let mut all: Vec<(Check, String)> = (0..100).map(|asset| alert("Web server runs", asset, 1)).collect();
        all.push(alert("Web server runs", 100, 2));
        all.push(alert("Disk has room", 101, 1));
        all.push(all[0].clone());
        let told = telling(&all.iter().collect::<Vec<_>>());
        assert_eq!(told.len(), OWN_MAX);
        assert_eq!((told[1].0.team, told[2].0.name.as_str()), (Some(2), "Disk has room"));
        let few: Vec<_> = all[99..].iter().chain(&all[99..100]).collect();
        assert_eq!(telling(&few).len(), 4, "each once");
    }
}
