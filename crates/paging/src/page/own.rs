//! Alerts of a group that are told for themselves. Monitoring says which do not merely follow from a cause elsewhere; each is
//! routed once by its own labels, team and place, and whom that leads to, beyond those who are told of the group, hears of it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::SECOND;
use kernel::{Cx, Ref, Result};
use serde::Deserialize;
use serde_json::Value;

use super::reactions::{Subject, asset_of, facts, labels, number};
use super::{Own, Page, PageState, Told, store};
use crate::message::store as messages;
use crate::policy;
use crate::route::{self, Chosen};

/// Most escalations of one group that are begun for alerts of it.
const CALLS_MAX: usize = 50;
/// Titles that a recovery names.
const NAMED_MAX: usize = 5;
/// Titles that a message names, a line each.
const LINES_MAX: usize = 12;
/// Messages of one group so close together are of one moment, in microseconds.
const MOMENT: i64 = 5 * SECOND;
/// In place of a team: the alert calls those whom the group calls by the same policy, since it matters more than what they were
/// told, or no mute time holds it back.
const BESIDE: i64 = -1;

/// An alert as monitoring tells it.
#[derive(Deserialize)]
pub(super) struct Alert {
    #[serde(default)]
    check: Option<Ref>,
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

impl Alert {
    fn subject(&self) -> Subject<'_> {
        Subject {
            asset: self.asset.as_ref(),
            team: self.team,
            place: &self.place,
            labels: &self.labels,
            severity: &self.severity,
            title: &self.title,
        }
    }

    fn check(&self) -> i64 {
        self.check.as_ref().map_or(0, |check| check.id)
    }

    fn title(&self) -> String {
        kernel::text::shorten(&self.title, 200)
    }

    /// It was kept before, by what monitoring says of it; what its asset says besides may have changed.
    fn is(&self, known: &Own) -> bool {
        let facts = &known.facts;
        let (place, labels) = (number(&self.place), labels(&self.labels));
        (known.check == 0 || self.check() == known.check)
            && self.title() == known.title
            && self.severity == facts.severity
            && asset_of(&self.subject()) == facts.asset
            && (self.team.is_none() || self.team == facts.team)
            && (place.is_none() || place == facts.place)
            && labels.iter().all(|(name, value)| facts.labels.get(name) == Some(value))
    }
}

/// Keeps alerts that are told for themselves and lead to somebody who is not called so far, or is called for less; and, when the
/// group is told now, those that its messages are to name. Answers whether any is new.
pub(super) fn keep(cx: &mut Cx, group: &mut Told, alerts: &[Alert], named: bool) -> Result<bool> {
    let fresh: Vec<&Alert> = alerts.iter().filter(|one| !group.own.iter().any(|known| one.is(known))).collect();
    if fresh.is_empty() && group.own.iter().all(|own| !own.chosen.is_empty()) {
        return Ok(false);
    }
    let assets: BTreeSet<i64> = fresh.iter().filter_map(|one| asset_of(&one.subject())).collect();
    let briefs = assets::brief(cx.tx, &assets.into_iter().collect::<Vec<i64>>())?;
    let mut all = std::mem::take(&mut group.own);
    for alert in fresh {
        let subject = alert.subject();
        let facts = facts(&subject, asset_of(&subject).and_then(|asset| briefs.get(&asset)));
        let own = Own {
            check: alert.check(),
            title: alert.title(),
            facts,
            lines: alert.evidence.clone(),
            chosen: Vec::new(),
        };
        // The one that leads the group is told with it.
        if own.title != group.title || own.facts != group.facts {
            all.push(own);
        }
    }
    let tree = route::load(cx)?;
    let mut calls = Calls::of(cx, group)?;
    let mut new = false;
    for mut own in all {
        let decided = !own.chosen.is_empty();
        if !decided {
            own.chosen = tree.decide(&own.facts, cx.now).chosen;
        }
        let more = calls.add(cx, &own)?;
        // One that leads nowhere else is told with what is told already.
        if decided || more || named {
            group.own.push(own);
            new |= !decided;
        }
    }
    if calls.full {
        let group = group.group;
        tracing::warn!(
            group,
            "alerts of a group lead to more than {CALLS_MAX} escalations besides its own: no more are begun"
        );
    }
    Ok(new)
}

/// What a silence covered is routed by the clock of the moment at which it is told.
pub(super) fn route_anew(group: &mut Told) {
    group.own.iter_mut().for_each(|own| own.chosen.clear());
}

/// An escalation that a group calls for.
pub(super) struct Call {
    pub(super) chosen: Chosen,
    pub(super) severity: String,
    pub(super) team: Option<i64>,
    pub(super) place: Option<i64>,
    /// The alert it is for; empty for the group.
    pub(super) own: String,
    /// The check of that alert; 0 for the group.
    pub(super) check: i64,
    /// The team of that alert, when that is who is told and it is not the group's; else 0, or [`BESIDE`].
    pub(super) own_team: i64,
}

impl Call {
    pub(super) fn is(&self, page: &Page) -> bool {
        page.policy == self.chosen.policy && page.own_team == self.own_team
    }

    /// Of two that tell the same people the one that is held back less counts, then the group's, then the one that matters more.
    fn before(&self, other: &Self) -> bool {
        let rank = |call: &Self| (call.chosen.held(), !call.own.is_empty() && call.severity != "critical");
        rank(self) < rank(other)
    }

    /// What it changes for an escalation that is there, in words; `None` when that goes on as it is.
    pub(super) fn changes(&self, page: &Page) -> Option<&'static str> {
        let worse = !page.own.is_empty() && self.severity == "critical" && page.severity != "critical";
        match page.state {
            PageState::Ended => Some("The steps begin anew."),
            PageState::Muted if !self.chosen.muted => Some("Another route without a mute time leads here as well."),
            state if worse && (state == PageState::Muted || !self.chosen.muted) => {
                Some("An alert that is critical leads here as well: the steps begin anew for it.")
            }
            _ => None,
        }
    }
}

/// What a group calls for: each policy and team once.
struct Calls {
    all: Vec<Call>,
    /// The team of the group, and that of whatever has none.
    team: Option<i64>,
    default: Option<i64>,
    /// Policies by whether whose alert it is decides who is told.
    by_team: BTreeMap<i64, bool>,
    /// Policies whose people were told of the group, or took it on, when nothing in it was critical.
    calmer: BTreeSet<i64>,
    /// Policies that a mute time keeps from telling of the group.
    muted: BTreeSet<i64>,
    /// There was no room for one.
    full: bool,
}

impl Calls {
    fn of(cx: &mut Cx, group: &Told) -> Result<Self> {
        let whole = |chosen: &Chosen| Call {
            chosen: chosen.clone(),
            severity: group.facts.severity.clone(),
            team: group.facts.team,
            place: group.facts.place,
            own: String::new(),
            check: 0,
            own_team: 0,
        };
        let default = people::default_team(cx.tx)?;
        let mut pages = store::of_group(cx.tx, group.group)?;
        pages.retain(|page| page.own.is_empty() && page.state != PageState::Ended);
        let muted = |chosen: &&Chosen| match pages.iter().find(|page| page.policy == chosen.policy) {
            Some(page) => page.state == PageState::Muted,
            None => chosen.muted,
        };
        Ok(Self {
            calmer: pages.iter().filter(|page| page.severity != "critical").map(|page| page.policy).collect(),
            muted: group.trace.chosen.iter().filter(muted).map(|chosen| chosen.policy).collect(),
            all: group.trace.chosen.iter().map(whole).collect(),
            team: group.facts.team.or(default),
            default,
            by_team: BTreeMap::new(),
            full: false,
        })
    }

    /// Adds what an alert calls for; answers whether that is more than before.
    fn add(&mut self, cx: &mut Cx, own: &Own) -> Result<bool> {
        let team = own.facts.team.or(self.default).filter(|team| Some(*team) != self.team);
        let mut more = false;
        for chosen in &own.chosen {
            let tells = match self.by_team.get(&chosen.policy) {
                Some(tells) => *tells,
                None => *self.by_team.entry(chosen.policy).or_insert(tells_own_team(cx, chosen.policy)?),
            };
            let beside = (own.facts.severity == "critical" && self.calmer.contains(&chosen.policy))
                || (!chosen.muted && self.muted.contains(&chosen.policy));
            let same = if beside { BESIDE } else { 0 };
            more |= self.put(Call {
                chosen: chosen.clone(),
                severity: own.facts.severity.clone(),
                team: own.facts.team,
                place: own.facts.place,
                own: own.title.clone(),
                check: own.check,
                own_team: team.filter(|_| tells).unwrap_or(same),
            });
        }
        Ok(more)
    }

    fn put(&mut self, new: Call) -> bool {
        let same = |known: &&mut Call| known.chosen.policy == new.chosen.policy && known.own_team == new.own_team;
        let room = self.all.iter().filter(|call| !call.own.is_empty()).count() < CALLS_MAX;
        match self.all.iter_mut().find(same) {
            Some(known) if new.before(known) => *known = new,
            Some(_) => return false,
            None if !room => {
                self.full = true;
                return false;
            }
            None => self.all.push(new),
        }
        true
    }
}

/// What a group calls for by itself, and then by its alerts that are told for themselves; each policy and team once.
pub(super) fn calls(cx: &mut Cx, group: &Told) -> Result<Vec<Call>> {
    let mut calls = Calls::of(cx, group)?;
    for own in &group.own {
        calls.add(cx, own)?;
    }
    Ok(calls.all)
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

/// The beginning of a line that names another alert.
const WITH_IT: &str = "With it: ";
/// The lines of a message, as they are stored, with such a line.
pub(crate) const NAMES_ANOTHER: &str = "%\"With it: %";

fn with(title: &str) -> String {
    format!("{WITH_IT}{title}")
}

/// The other alerts that are told for themselves, for a message about a group or about one of them.
pub(super) fn others(group: &Told, page: &Page) -> Vec<String> {
    let mut titles: Vec<&str> = Vec::new();
    for own in &group.own {
        let title = own.title.as_str();
        if title != group.title && title != page.own && !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles.into_iter().take(LINES_MAX).map(with).collect()
}

/// Those who read of an alert at this moment in another message about its group.
pub(super) fn told_beside(cx: &mut Cx, page: &Page) -> Result<BTreeSet<String>> {
    if page.own.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (since, line) = (page.opened_at.max(cx.now.plus(-MOMENT)), with(&page.own));
    let sent = messages::paged_since(cx.tx, page.group, since)?;
    Ok(sent.into_iter().filter(|one| one.lines.contains(&line)).map(|one| one.recipient().key()).collect())
}

/// How a note begins that says who got no message for another one.
pub(super) const READ_BESIDE: &str = "Another message of this moment says it already: ";

/// The escalations of other alerts which the actor got no message about, since one about this alert named them.
pub(super) fn read_with(cx: &mut Cx, page: &Page) -> Result<Vec<Page>> {
    let Some(user) = cx.actor.user() else { return Ok(Vec::new()) };
    let beside = store::noted_for(cx.tx, page.group, READ_BESIDE, user)?;
    if beside.is_empty() {
        return Ok(Vec::new());
    }
    let sent = messages::paged_since(cx.tx, page.group, page.opened_at)?;
    let named = |line: &String| {
        sent.iter().any(|one| one.page == page.id && one.user == Some(user) && one.lines.contains(line))
    };
    let mut others = store::of_group(cx.tx, page.group)?;
    others.retain(|one| one.id != page.id && one.calls() && beside.contains(&one.id) && named(&with(&one.own)));
    Ok(others)
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
