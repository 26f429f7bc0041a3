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

/// Those of these alerts, with what was seen, that are told for themselves; of those that are told alike the first one.
/// What a silence covers is not among them.
pub(super) fn own(cx: &mut Cx, group: &Group, seen: &[(Check, String)], shade: &Shade) -> Result<Vec<Own>> {
    let within = group.within();
    let as_told = |check: &Check| {
        let team = check.team.or(check.asset_team);
        (check.name.clone(), check.labels.0.clone(), team, check.place, check.severity.as_str(), check.asset)
    };
    let mut alike = BTreeSet::new();
    let mut found = Vec::new();
    let mine = seen.iter().filter(|(check, _)| {
        check.id != group.check && !follows(&group.judgement, check) && !shade.covers_in(&within, &check.facing())
    });
    for (check, text) in mine.filter(|(check, _)| alike.insert(as_told(check))).take(OWN_MAX) {
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
