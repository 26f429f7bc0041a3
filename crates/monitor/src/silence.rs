//! Silences: who is told, not what is looked at. Checks go on, everything is recorded, and the recovery of what was
//! announced is always told.

use std::collections::BTreeMap;

use kernel::db::Tx;
use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Error, Operation, Reach, Ref, Resolved, Result, Route, Time, get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::check;
use crate::events::{SilenceCreated, SilenceEnded};
use crate::group::Group;
use crate::limits::{SILENCE_MICROS_MAX, SILENCES_MAX};
use crate::shade::{Shade, Within};
use crate::{ground, group, store};

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
    pub(crate) fn covers(&self, check: i64, asset: Option<i64>, team: Option<i64>) -> bool {
        let fits = |wanted: Option<i64>, is: Option<i64>| wanted.is_none() || wanted == is;
        fits(self.asset, asset) && fits(self.check, Some(check)) && fits(self.team, team)
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

/// True when an alert of a silenced group is covered by nothing any more.
fn bare(cx: &mut Cx, shade: &Shade, found: &Group) -> Result<bool> {
    if !found.silenced || found.state != group::GroupState::Open {
        return Ok(false);
    }
    let alerts = store::alerts::open_of_group(cx.tx, found.id, crate::limits::GROUP_ALERTS_MAX)?;
    Ok(alerts.iter().any(|alert| !shade.covers_in(&found.within(), &alert.facing())))
}

/// The silenced groups with an alert that nothing covers any more.
pub(crate) fn all_bare(tx: &mut Tx<'_>, now: Time) -> Result<Vec<i64>> {
    let (mut bare, mut after, mut shade) = (Vec::new(), 0, None);
    loop {
        let groups = store::groups::silenced(tx, after, REVIEWED_AT_ONCE)?;
        let within: BTreeMap<i64, Within> = groups.iter().copied().collect();
        let Some((last, _)) = groups.last() else { return Ok(bare) };
        after = *last;
        let shade = match &mut shade {
            Some(shade) => shade,
            none => none.insert(Shade::load(tx, now)?),
        };
        for alert in store::alerts::open_in(tx, &within.keys().copied().collect::<Vec<i64>>())? {
            let Some(group) = alert.group else { continue };
            let within = within.get(&group).copied().unwrap_or_default();
            if bare.last() != Some(&group) && !shade.covers_in(&within, &alert.facing()) {
                bare.push(group);
            }
        }
    }
}

/// Announces those of some silenced groups of which silences no longer cover all alerts.
pub(crate) fn review(cx: &mut Cx, groups: &[i64]) -> Result<()> {
    let shade = Shade::load(cx.tx, cx.now)?;
    for id in groups {
        let Some(found) = store::groups::by_id(cx.tx, *id)? else { continue };
        if bare(cx, &shade, &found)? {
            group::open::announce(cx, &found, true, &shade)?;
        }
    }
    Ok(())
}

/// Silence alerts for a time: nobody is told and no incident opens, while checks go on and everything is recorded.
///
/// Give an asset, a check, a team, or several of them; all that are given must fit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CreateSilence {
    /// Alerts of this asset.
    pub asset: Option<i64>,
    /// The alert of this check.
    pub check: Option<i64>,
    /// Alerts that this team is told of.
    pub team: Option<i64>,
    /// From when on; now if left out.
    pub from: Option<Time>,
    /// Until when, at most a year ahead.
    pub until: Option<Time>,
    /// For how many minutes, instead of `until`.
    pub minutes: Option<i64>,
    /// Why, for those who wonder.
    pub reason: String,
}

impl CreateSilence {
    fn span(&self, now: Time) -> Result<(Time, Time)> {
        let from = self.from.unwrap_or(now).max(now);
        let until = match (self.until, self.minutes) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("minutes", "Give an end or a number of minutes, not both."));
            }
            (None, None) => return Err(Error::invalid("minutes", "Say for how many minutes, or until when.")),
            (Some(until), None) => until,
            (None, Some(minutes)) if minutes > 0 => from.plus(minutes.saturating_mul(kernel::time::MINUTE)),
            (None, Some(_)) => return Err(Error::invalid("minutes", "Use a number of minutes above 0.")),
        };
        let field = if self.until.is_some() { "until" } else { "minutes" };
        if until <= from {
            return Err(Error::invalid(field, "The end must be after the beginning and in the future."));
        }
        if until.since(now) > SILENCE_MICROS_MAX {
            return Err(Error::invalid(field, "A silence ends within a year. Pause or delete the check instead."));
        }
        Ok((from, until))
    }
}

impl Operation for CreateSilence {
    const NAME: &'static str = "monitor.silence.create";
    const ROUTE: Route = post("/monitor/silences");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Silence;

    fn run(&self, cx: &mut Cx) -> Result<Silence> {
        let (from, until) = self.span(cx.now)?;
        let reach = cx.reach(Self::NAME)?;
        let all = Reach { everything: true, ..Reach::default() };
        if store::silences::count(cx.tx, Some(cx.now), &all, SILENCES_MAX)? >= SILENCES_MAX {
            return Err(Error::over_limit(format!(
                "There are {SILENCES_MAX} silences already that have not ended. End some, or silence a team or use a maintenance window."
            )));
        }
        let mut new = Silence {
            id: 0,
            asset: self.asset,
            check: self.check,
            team: self.team,
            from,
            until,
            reason: kernel::text::line("reason", &self.reason, 300)?,
            created_by: cx.actor.name.clone(),
            created_at: cx.now,
            ended_by: None,
            version: 1,
            place: None,
            owning_team: self.team,
            owner: None,
        };
        let mut about = self.asset;
        if let Some(id) = self.check {
            let found = store::checks::find(cx.tx, id, &reach)?;
            let found = found.ok_or_else(|| Error::invalid("check", format!("The check {id} was not found.")))?;
            new.owning_team = new.owning_team.or(found.team);
            about = about.or(found.asset);
        }
        if let Some(asset) = about {
            let brief = ground::visible_asset(cx, Self::NAME, asset, "asset")?;
            new.place = brief.place;
            new.owning_team = new.owning_team.or(brief.team);
            new.owner = brief.owner;
        }
        check::known_team(cx, self.team)?;
        match (about, self.team) {
            (None, None) => return Err(Error::invalid("asset", "Say what to silence: an asset, a check or a team.")),
            (None, Some(team)) if !reach.everything && !reach.teams.contains(&team) => {
                return Err(Error::invalid("team", "You may silence only your own teams."));
            }
            _ => {}
        }
        new.id = store::silences::insert(cx.tx, &new, &cx.actor.ident.to_string())?;
        let silence = Ref::new("silence", new.id);
        cx.changed(&silence, "until", serde_json::Value::Null, until)?;
        cx.changed(&silence, "reason", serde_json::Value::Null, &new.reason)?;
        cx.emit(&SilenceCreated { silence, covers: new.subjects(), until, reason: new.reason.clone() })?;
        Ok(new)
    }
}

/// End a silence now. Groups that opened under it and are still open are told then.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct EndSilence {
    /// The silence.
    pub id: i64,
}

impl Operation for EndSilence {
    const NAME: &'static str = "monitor.silence.end";
    const ROUTE: Route = post("/monitor/silences/{id}/end");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Silence;

    fn run(&self, cx: &mut Cx) -> Result<Silence> {
        let reach = cx.reach(Self::NAME)?;
        let missing = || Error::not_found(format!("The silence {}", self.id));
        let found = store::silences::find(cx.tx, self.id, &reach)?.ok_or_else(missing)?;
        if found.until <= cx.now {
            return Ok(found);
        }
        let by = cx.actor.name.clone();
        store::silences::finish(cx.tx, found.id, &by, cx.now)?;
        let silence = Ref::new("silence", found.id);
        cx.changed(&silence, "until", found.until, cx.now)?;
        cx.emit(&SilenceEnded { silence, covers: found.subjects(), reason: found.reason.clone() })?;
        store::silences::find(cx.tx, self.id, &reach)?.ok_or_else(missing)
    }
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
            assert_eq!(
                silence(asset, check, team).covers(5, Some(1), Some(7)),
                expected,
                "{asset:?} {check:?} {team:?}"
            );
        }
        assert!(!silence(None, None, Some(7)).covers(5, Some(1), None));
    }
}
