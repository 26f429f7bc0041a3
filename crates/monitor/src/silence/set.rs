//! Set a silence, and end one.

use kernel::{Access, Cx, Effect, Error, Operation, Reach, Ref, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Matchers, Silence};
use crate::events::{SilenceCreated, SilenceEnded};
use crate::limits::{SILENCE_MICROS_MAX, SILENCES_MAX};
use crate::{check, ground, store};

/// Silence alerts for a time: nobody is told and no incident opens, while checks go on and everything is recorded.
///
/// Give an asset, a check, a team, matchers of labels, or several of them; all that are given must fit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CreateSilence {
    /// Alerts of this asset.
    pub asset: Option<i64>,
    /// The alert of this check.
    pub check: Option<i64>,
    /// Alerts that this team is told of.
    pub team: Option<i64>,
    /// Alerts whose labels pass all of these, as in Alertmanager: alertname="HighLoad", site=~"oslo|bergen". `alertname` and
    /// `severity` are labels of every alert.
    pub matchers: String,
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
        let Some(until) = end(self.until, self.minutes, from)? else {
            return Err(Error::invalid("minutes", "Say for how many minutes, or until when."));
        };
        let field = if self.until.is_some() { "until" } else { "minutes" };
        ends_in_time(field, (from, until), now)?;
        Ok((from, until))
    }
}

/// The end that is asked for, if one is: a moment, or minutes from a beginning on.
pub(super) fn end(until: Option<Time>, minutes: Option<i64>, from: Time) -> Result<Option<Time>> {
    match (until, minutes) {
        (Some(_), Some(_)) => Err(Error::invalid("minutes", "Give an end or a number of minutes, not both.")),
        (Some(until), None) => Ok(Some(until)),
        (None, Some(minutes)) if minutes > 0 => Ok(Some(from.plus(minutes.saturating_mul(kernel::time::MINUTE)))),
        (None, Some(_)) => Err(Error::invalid("minutes", "Use a number of minutes above 0.")),
        (None, None) => Ok(None),
    }
}

/// Refuses an end that is over, before the beginning, or too far away.
pub(super) fn ends_in_time(field: &str, (from, until): (Time, Time), now: Time) -> Result<()> {
    if until <= from || until <= now {
        return Err(Error::invalid(field, "The end must be after the beginning and in the future."));
    }
    if until.since(now) > SILENCE_MICROS_MAX {
        return Err(Error::invalid(field, "A silence ends within a year. Pause or delete the check instead."));
    }
    Ok(())
}

impl Silence {
    /// Works out who may see it from what it covers, and refuses what the actor's grant for `operation` does not reach.
    pub(super) fn place_it(&mut self, cx: &mut Cx, operation: &str) -> Result<()> {
        let reach = cx.reach(operation)?;
        (self.place, self.owning_team, self.owner) = (None, self.team, None);
        let mut about = self.asset;
        if let Some(id) = self.check {
            let found = store::checks::find(cx.tx, id, &reach)?;
            let found = found.ok_or_else(|| Error::invalid("check", format!("The check {id} was not found.")))?;
            self.owning_team = self.owning_team.or(found.team);
            about = about.or(found.asset);
        }
        if let Some(asset) = about {
            let brief = ground::visible_asset(cx, operation, asset, "asset")?;
            self.place = brief.place;
            self.owning_team = self.owning_team.or(brief.team);
            self.owner = brief.owner;
        }
        check::known_team(cx, self.team)?;
        match (about, self.team) {
            (Some(_), _) => Ok(()),
            (None, Some(team)) if reach.everything || reach.teams.contains(&team) => Ok(()),
            (None, Some(_)) => Err(Error::invalid("team", "You may silence only your own teams.")),
            (None, None) if self.matchers.is_empty() && self.check.is_none() => {
                Err(Error::invalid("asset", "Say what to silence: an asset, a check, a team or labels."))
            }
            // A check without an asset was found within reach.
            (None, None) if self.check.is_some() => Ok(()),
            (None, None) if !reach.everything => {
                Err(Error::invalid("matchers", "Give an asset, a check or your team with the labels."))
            }
            (None, None) if self.matchers.fits_anything() => Err(Error::invalid(
                "matchers",
                "These pass for every alert. Name a value that a label must have, or give an asset or a team.",
            )),
            (None, None) => Ok(()),
        }
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
            matchers: Matchers::parse(&self.matchers)?,
            from,
            until,
            reason: kernel::text::line("reason", &self.reason, 300)?,
            created_by: cx.actor.name.clone(),
            created_at: cx.now,
            ended_by: None,
            version: 1,
            place: None,
            owning_team: None,
            owner: None,
        };
        new.place_it(cx, Self::NAME)?;
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
