//! Alerts of a group that are told for themselves. Monitoring says which do not merely follow from a cause elsewhere; each is
//! routed by its own labels, team and place, and whom that leads to, beyond those who are told of the group, hears of it.

use std::collections::BTreeMap;

use kernel::{Cx, Ref, Result};
use serde::Deserialize;
use serde_json::Value;

use super::reactions::{Subject, facts};
use super::{Own, Page, Told};
use crate::policy;
use crate::route::{self, Chosen, Facts};

/// Most alerts of a group that are routed for themselves.
const OWN_MAX: usize = 50;
/// Titles that a message names.
const NAMED_MAX: usize = 5;

/// An alert as monitoring tells it.
#[derive(Deserialize)]
pub(super) struct Alert {
    #[serde(default)]
    asset: Option<Ref>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    labels: Value,
    #[serde(default)]
    place: Value,
    #[serde(default)]
    team: Option<i64>,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    evidence: Vec<String>,
}

/// Keeps alerts that are told for themselves; answers whether any is new.
pub(super) fn keep(cx: &mut Cx, group: &mut Told, alerts: &[Alert]) -> Result<bool> {
    let before = group.own.len();
    for alert in alerts {
        if group.own.len() >= OWN_MAX {
            tracing::warn!(
                group = group.group,
                "more alerts than {OWN_MAX} of one group are told for themselves; the rest is told with it"
            );
            break;
        }
        let title = kernel::text::shorten(&alert.title, 200);
        let subject = Subject {
            asset: alert.asset.as_ref(),
            team: alert.team,
            place: &alert.place,
            labels: &alert.labels,
            severity: &alert.severity,
            title: &alert.title,
        };
        let facts = facts(cx, &subject)?;
        // Two alerts may have one name, and one alert may come again with more to say.
        let is = |known: &str, of: &Facts| known == title && *of == facts;
        if is(&group.title, &group.facts) || group.own.iter().any(|one| is(&one.title, &one.facts)) {
            continue;
        }
        group.own.push(Own { title, facts, lines: alert.evidence.clone() });
    }
    Ok(group.own.len() > before)
}

/// An escalation that a group calls for.
pub(super) struct Call<'a> {
    pub(super) chosen: Chosen,
    pub(super) facts: &'a Facts,
    /// The alert it is for; empty for the group.
    pub(super) own: &'a str,
    /// The team of that alert, when that is who is told and it is not the group's; else 0.
    pub(super) own_team: i64,
}

impl Call<'_> {
    pub(super) fn is(&self, page: &Page) -> bool {
        page.policy == self.chosen.policy && page.own_team == self.own_team
    }
}

/// What a group calls for by itself, and then by its alerts that are told for themselves; each policy and team once.
pub(super) fn calls<'a>(cx: &mut Cx, group: &'a Told) -> Result<Vec<Call<'a>>> {
    let whole = |chosen: &Chosen| Call { chosen: chosen.clone(), facts: &group.facts, own: "", own_team: 0 };
    let mut calls: Vec<Call<'a>> = group.trace.chosen.iter().map(whole).collect();
    if group.own.is_empty() {
        return Ok(calls);
    }
    let (tree, default) = (route::load(cx)?, people::default_team(cx.tx)?);
    let mut by_team: BTreeMap<i64, bool> = BTreeMap::new();
    for own in &group.own {
        let team = own.facts.team.or(default).filter(|team| Some(*team) != group.facts.team.or(default));
        for chosen in tree.decide(&own.facts, cx.now).chosen {
            let tells = match by_team.get(&chosen.policy) {
                Some(tells) => *tells,
                None => *by_team.entry(chosen.policy).or_insert(tells_own_team(cx, chosen.policy)?),
            };
            let own_team = if tells { team.unwrap_or(0) } else { 0 };
            let known = |call: &Call<'_>| call.chosen.policy == chosen.policy && call.own_team == own_team;
            if !calls.iter().any(known) {
                calls.push(Call { chosen, facts: &own.facts, own: &own.title, own_team });
            }
        }
    }
    Ok(calls)
}

/// Who is told by a policy depends on whose alert it is.
fn tells_own_team(cx: &mut Cx, policy: i64) -> Result<bool> {
    let steps = policy::load(cx, policy)?.steps;
    Ok(steps.iter().flat_map(|step| &step.targets).any(|target| target == "team" || target == "default"))
}

/// What those read first who are told of one alert of a group.
pub(super) fn lines(group: &Told, page: &Page) -> Vec<String> {
    let mut lines = vec![format!("It belongs to the alert group \"{}\".", group.title)];
    lines.push(format!("Severity: {}", page.severity));
    lines.extend(group.own(page).into_iter().flat_map(|own| own.lines.iter().cloned()));
    lines
}

/// The alerts that were told for themselves, for the message that all is over.
pub(super) fn named(group: &Told) -> Option<String> {
    // An alert that was told for itself may give the group its name by now.
    let others: Vec<&str> = group.own.iter().map(|own| own.title.as_str()).filter(|own| *own != group.title).collect();
    let names: Vec<&str> = others.iter().take(NAMED_MAX).copied().collect();
    let more = match others.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| format!("With it: {}{more}.", names.join("; ")))
}
