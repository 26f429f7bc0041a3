//! The alerts of a group that are told for themselves: those that do not merely follow from a cause elsewhere. Whoever is
//! told of such an alert by its own labels, team and place hears of it, also when somebody else was told of the group.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Cx, Result};

use super::{Group, title};
use crate::check::{Check, Severity};
use crate::events::Own;
use crate::limits::GROUP_ALERTS_MAX;
use crate::shade::Shade;
use crate::store;

/// Alerts of one event that are told for themselves: a machine has only so many that are told in so many ways.
const OWN_MAX: usize = 20;
/// Teams with a severity of which an alert is looked at besides the first alerts.
const TEAMS_MAX: usize = 50;
/// Lines of what was seen.
const SEEN_MAX: usize = 3;

/// Alerts of a group, by how they are told.
#[derive(Default)]
pub(super) struct Apart {
    /// Those that are told for themselves.
    pub(super) own: Vec<Own>,
    /// The most that those matter that are told with the group alone; none when there are none.
    pub(super) rest: Option<Severity>,
    /// Those that would be told for themselves, and that a silence covers.
    covered: Vec<i64>,
}

impl Apart {
    /// The most that those matter that are told with the group alone, as a word; empty when there are none.
    pub(super) fn rest(&self) -> &'static str {
        self.rest.map_or("", Severity::as_str)
    }

    /// The group matters that much now, also for what was not looked at.
    pub(super) fn rises(&mut self, severity: Severity) {
        if !self.own.iter().any(|own| own.severity == severity) {
            self.rest = Some(severity);
        }
    }
}

/// Those of these alerts, with what was seen, that are told for themselves. What a silence covers is not among them.
pub(super) fn own(cx: &mut Cx, group: &Group, seen: &[(Check, String)], shade: &Shade) -> Result<Vec<Own>> {
    apart(cx, group, seen, shade).map(|apart| apart.own)
}

/// Tells these alerts, with what was seen, apart. Of those that are told alike for themselves the first one counts, and first of
/// all one of each kind and team.
pub(super) fn apart(cx: &mut Cx, group: &Group, seen: &[(Check, String)], shade: &Shade) -> Result<Apart> {
    let within = group.within();
    let (mut mine, mut apart) = (Vec::new(), Apart::default());
    for one in seen {
        let check = &one.0;
        let with_group = check.id == group.check || within.explains(check.asset);
        match (with_group, shade.covers_in(&within, &check.facing())) {
            (false, false) => mine.push(one),
            (false, true) => apart.covered.push(check.id),
            (true, false) => apart.rest = apart.rest.max(Some(check.severity)),
            (true, true) => {}
        }
    }
    let told = telling(&mine);
    apart.rest = told.iter().skip(OWN_MAX).map(|(check, _)| Some(check.severity)).fold(apart.rest, Option::max);
    let briefs = assets::brief(cx.tx, &told.iter().filter_map(|(check, _)| check.asset).collect::<Vec<i64>>())?;
    if told.len() > OWN_MAX {
        tracing::warn!(
            group = group.id,
            alerts = told.len(),
            "only the first {OWN_MAX} are routed by their own labels"
        );
    }
    let own = |(check, text): &(Check, String)| {
        let brief = check.asset.and_then(|id| briefs.get(&id));
        let lines: Vec<&str> = text.lines().collect();
        Own {
            check: check.reference(),
            asset: check.about(),
            title: title(check, brief.map(|brief| brief.name.as_str())),
            labels: check.routing(brief),
            place: check.place,
            team: check.team.or(check.asset_team),
            severity: check.severity,
            evidence: lines.iter().rev().take(SEEN_MAX).rev().map(|line| (*line).to_owned()).collect(),
        }
    };
    apart.own = told.into_iter().take(OWN_MAX).map(own).collect();
    Ok(apart)
}

/// The first of these checks, and of the others one of each team and severity that is not among those: nobody is missed behind
/// many.
pub(super) fn looked_at(cx: &mut Cx, checks: &[i64]) -> Result<Vec<Check>> {
    let most = usize::try_from(GROUP_ALERTS_MAX).unwrap_or(200).min(checks.len());
    let (first, others) = checks.split_at(most);
    let mut rows = store::checks::by_id(cx.tx, first)?;
    if others.is_empty() {
        return Ok(rows);
    }
    let whose = |check: &Check| (check.team.or(check.asset_team), check.severity.as_str());
    let known: BTreeSet<_> = rows.iter().map(whose).collect();
    let more = store::checks::one_of_each_team(cx.tx, others)?;
    let more = store::checks::by_id(cx.tx, &more)?;
    rows.extend(more.into_iter().filter(|check| !known.contains(&whose(check))).take(TEAMS_MAX));
    Ok(rows)
}

/// The same, of those alerts of a group that are out and wanted, for the group that they belong to from now on.
pub(super) fn of_open(
    cx: &mut Cx,
    of: i64,
    group: &Group,
    shade: &Shade,
    wanted: impl Fn(&Check) -> bool,
) -> Result<Apart> {
    let alerts = store::alerts::open_of_group(cx.tx, of, GROUP_ALERTS_MAX)?;
    let checks: Vec<i64> = alerts.iter().map(|alert| alert.check).collect();
    let rows = store::checks::by_id(cx.tx, &checks)?.into_iter().filter(wanted);
    let seen: Vec<(Check, String)> = rows.map(|check| (check.clone(), check.evidence)).collect();
    apart(cx, group, &seen, shade)
}

/// They are told now, whatever covered them when they joined; what is covered now is told when it is no more.
pub(super) fn told(cx: &mut Cx, group: i64, apart: &Apart) -> Result<()> {
    let checks: Vec<i64> = apart.own.iter().map(|own| own.check.id).collect();
    store::groups::set_covered(cx.tx, group, &checks, false)?;
    store::groups::set_covered(cx.tx, group, &apart.covered, true)
}

/// Those that are told, in the order in which they are when there are more than can be: the teams take turns, each with one
/// alert of every kind before a second of any.
fn telling<'a>(mine: &[&'a (Check, String)]) -> Vec<&'a (Check, String)> {
    let mut alike = BTreeSet::new();
    let (mut of_kind, mut of_team) = (BTreeMap::new(), BTreeMap::new());
    let mut told: Vec<_> = mine
        .iter()
        .filter(|(check, _)| alike.insert((&check.name, &check.labels.0, check.asset)))
        .map(|one| {
            let check = &one.0;
            // The name of a rule's alert holds the values of its series.
            let name = check.labels.0.get("alertname").unwrap_or(&check.name);
            let team = check.team.or(check.asset_team);
            let nth = next(&mut of_kind, (name, team, check.place, check.severity.as_str()));
            (nth, next(&mut of_team, (team, nth)), *one)
        })
        .collect();
    told.sort_by_key(|(of_kind, of_team, _)| (*of_kind, *of_team));
    told.into_iter().map(|(_, _, one)| one).collect()
}

/// How many of a key there were before.
fn next<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) -> usize {
    let count = counts.entry(key).or_default();
    *count += 1;
    *count - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;

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
        assert_eq!(told.len(), 102, "each once");
        let first: Vec<_> = told.iter().take(3).map(|one| (one.0.team.unwrap(), one.0.name.as_str())).collect();
        assert_eq!(first, [(1, "Web server runs"), (2, "Web server runs"), (1, "Disk has room")]);
    }

    #[test]
    fn alerts_of_a_rule_are_of_one_kind_whatever_their_series() {
        let alert = |series: &str, team: i64| {
            let labels = Labels([("alertname".to_owned(), "ServiceDown".to_owned())].into());
            (Check { team: Some(team), labels, ..Check::sample(&format!("ServiceDown: {series}")) }, String::new())
        };
        let mut all: Vec<(Check, String)> = (0..30).map(|nth| alert(&format!("web-{nth}"), 1)).collect();
        all.push(alert("pay-1", 2));
        assert_eq!(telling(&all.iter().collect::<Vec<_>>())[1].0.team, Some(2));
    }
}
