//! Silences: who is told, not what is looked at. Checks go on, everything is recorded, and the recovery of what was
//! announced is always told.

use std::collections::{BTreeMap, BTreeSet};

use kernel::db::Tx;
use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Ref, Resolved, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::group::GroupState;
use crate::shade::{Facing, Shade, Within};
use crate::{group, store};

mod matchers;
pub mod set;
pub mod update;

pub use matchers::Matchers;

/// Silenced groups that are looked at together.
const REVIEWED_AT_ONCE: i64 = 100;

/// A silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Its number.
    pub id: i64,
    /// Covers alerts of this asset.
    pub asset: Option<i64>,
    /// Covers the alert of this check.
    pub check: Option<i64>,
    /// Covers alerts that this team is told of.
    pub team: Option<i64>,
    /// Covers alerts whose labels pass all of these, for example site="oslo", severity!="critical".
    pub matchers: Matchers,
    /// From when on.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub created_by: String,
    /// When it was set.
    pub created_at: Time,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
    /// Grows with every change.
    pub version: i64,
    #[serde(skip)]
    pub(crate) place: Option<i64>,
    #[serde(skip)]
    pub(crate) owning_team: Option<i64>,
    #[serde(skip)]
    pub(crate) owner: Option<i64>,
}

impl Silence {
    /// True when every condition it has fits.
    pub(crate) fn covers(&self, alert: &Facing, team: Option<i64>) -> bool {
        let fits = |wanted: Option<i64>, is: Option<i64>| wanted.is_none() || wanted == is;
        fits(self.asset, alert.asset)
            && fits(self.check, Some(alert.check))
            && fits(self.team, team)
            && self.matchers.fits(&alert.labels)
    }

    /// What it covers, as references.
    pub(crate) fn subjects(&self) -> Vec<Ref> {
        let all = [
            self.asset.map(|id| Ref::new("asset", id)),
            self.check.map(|id| Ref::new("check", id)),
            self.team.map(|id| Ref::new("team", id)),
        ];
        all.into_iter().flatten().collect()
    }
}

/// The checks of those alerts of a group that something in force covers, by themselves or with its cause.
pub(crate) fn covered(shade: &Shade, alerts: &[Alert], group: &Within) -> Vec<i64> {
    alerts.iter().filter(|alert| shade.covers_in(group, &alert.facing())).map(|alert| alert.check).collect()
}

/// The groups with an alert that nothing covers any more: silenced ones, and those that were told of, of an alert that was
/// covered when it joined.
pub(crate) fn all_bare(tx: &mut Tx<'_>, now: Time) -> Result<Vec<i64>> {
    let (mut bare, mut shade) = (BTreeSet::new(), None);
    let mut after = 0;
    loop {
        let groups = store::groups::silenced(tx, after, REVIEWED_AT_ONCE)?;
        let Some((last, _)) = groups.last() else { break };
        after = *last;
        let within: BTreeMap<i64, Within> = groups.iter().copied().collect();
        let alerts = store::alerts::open_in(tx, &within.keys().copied().collect::<Vec<i64>>())?;
        bare.extend(bare_of(tx, now, &mut shade, &alerts, &within)?);
    }
    after = 0;
    loop {
        let alerts = store::alerts::covered_once(tx, after, REVIEWED_AT_ONCE)?;
        let Some(last) = alerts.last() else { return Ok(bare.into_iter().collect()) };
        after = last.check;
        let groups: BTreeSet<i64> = alerts.iter().filter_map(|alert| alert.group).collect();
        let within = store::groups::within(tx, &groups.into_iter().collect::<Vec<i64>>())?;
        bare.extend(bare_of(tx, now, &mut shade, &alerts, &within)?);
    }
}

/// The groups of those of these alerts that nothing covers; what is in force is read when the first is asked about.
fn bare_of(
    tx: &mut Tx<'_>,
    now: Time,
    shade: &mut Option<Shade>,
    alerts: &[Alert],
    groups: &BTreeMap<i64, Within>,
) -> Result<Vec<i64>> {
    let shade = match shade {
        Some(shade) => shade,
        none => none.insert(Shade::load(tx, now)?),
    };
    let bare = |alert: &Alert| {
        let group = alert.group?;
        (!shade.covers_in(groups.get(&group)?, &alert.facing())).then_some(group)
    };
    Ok(alerts.iter().filter_map(bare).collect())
}

/// Tells of those of some groups of which silences no longer cover all alerts.
pub(crate) fn review(cx: &mut Cx, groups: &[i64]) -> Result<()> {
    let shade = Shade::load(cx.tx, cx.now)?;
    for id in groups {
        let Some(found) = store::groups::by_id(cx.tx, *id)?.filter(|one| one.state == GroupState::Open) else {
            continue;
        };
        if !found.silenced {
            group::bare::joined(cx, &found, &shade)?;
            continue;
        }
        let alerts = store::alerts::open_in(cx.tx, &[*id])?;
        if alerts.iter().any(|alert| !shade.covers_in(&found.within(), &alert.facing())) {
            group::open::announce(cx, &found, group::bare::BareBy::SilenceEnded, &shade)?;
        }
    }
    Ok(())
}

/// List silences, the one that ends last first. Ended ones are left out unless asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListSilences {
    /// Also those that have ended.
    pub ended: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

/// A page of silences.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Silences {
    /// The silences.
    pub items: Vec<Silence>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl ListSilences {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.silence.list";
}

impl Operation for ListSilences {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/silences");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Silences;

    fn run(&self, cx: &mut Cx) -> Result<Silences> {
        let reach = cx.reach(Self::NAME)?;
        let current = (!self.ended).then_some(cx.now);
        let limit = page::rows(self.limit)?;
        let before = page::after(self.cursor.as_deref())?.map(|(id, until)| (until, id));
        let found = store::silences::page(cx.tx, current, &reach, before, limit + 1)?;
        let found = Page::by(found, limit, |last| page::keyed(last.id, last.until.0));
        let count = store::silences::count(cx.tx, current, &reach, COUNT_MAX)?;
        Ok(Silences { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}

/// Titles and pages of silences, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(ListSilences::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let found = store::silences::visible(cx.tx, ids, &reach)?;
    Ok(found
        .into_iter()
        .map(|one| Resolved { id: one.id, title: one.reason, href: "/monitoring/silences".to_owned() })
        .collect())
}

#[cfg(test)]
impl Silence {
    /// An example.
    pub(crate) fn sample(reason: &str) -> Self {
        Self {
            id: 2,
            asset: Some(417),
            check: None,
            team: None,
            matchers: Matchers::default(),
            from: Time(0),
            until: Time(10),
            reason: reason.into(),
            created_by: reason.into(),
            created_at: Time(0),
            ended_by: None,
            version: 1,
            place: None,
            owning_team: None,
            owner: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;

    fn silence(asset: Option<i64>, check: Option<i64>, team: Option<i64>) -> Silence {
        Silence { asset, check, team, ..Silence::sample("x") }
    }

    #[test]
    fn every_condition_of_a_silence_must_fit() {
        for ((asset, check, team), expected) in [
            ((Some(1), None, None), true),
            ((Some(2), None, None), false),
            ((None, Some(5), None), true),
            ((None, None, Some(7)), true),
            ((None, None, Some(8)), false),
            ((Some(1), Some(5), Some(7)), true),
            ((Some(1), Some(6), Some(7)), false),
        ] {
            let alert = Facing { check: 5, asset: Some(1), ..Facing::default() };
            assert_eq!(silence(asset, check, team).covers(&alert, Some(7)), expected, "{asset:?} {check:?} {team:?}");
            assert!(team.is_none() || !silence(asset, check, team).covers(&alert, None), "nobody is told of it");
        }
    }

    #[test]
    fn a_silence_by_labels_covers_alerts_whose_labels_pass_and_nothing_without_labels() {
        let silence = |asset: Option<i64>, matchers: &str| Silence {
            asset,
            matchers: Matchers::parse(matchers).unwrap(),
            ..Silence::sample("x")
        };
        let labels = [("alertname", "HighLoad"), ("site", "oslo"), ("severity", "warning")];
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let alert = Facing { check: 5, asset: Some(1), labels: Labels(labels), ..Facing::default() };
        for (asset, matchers, expected) in [
            (None, r#"alertname="HighLoad""#, true),
            (None, r#"alertname="HighLoad", site="bergen""#, false),
            (None, r#"{alertname=~"High.*", severity!="critical"}"#, true),
            (None, r#"site!~"os.*""#, false),
            (None, r#"site=~"os""#, false),
            (Some(1), r#"job="""#, true),
            (Some(2), r#"site="oslo""#, false),
        ] {
            assert_eq!(silence(asset, matchers).covers(&alert, None), expected, "{asset:?} {matchers}");
        }
        // The cause of a group has no labels: what is said of labels says nothing about it.
        let cause = Facing { asset: Some(1), ..Facing::default() };
        assert!(!silence(None, r#"severity!="critical""#).covers(&cause, None));
        assert!(silence(Some(1), "").covers(&cause, None));
    }
}
