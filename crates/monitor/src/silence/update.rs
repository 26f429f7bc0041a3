//! Change a silence: when it ends, what it covers, why.

use kernel::{Access, Change, Cx, Effect, Error, Operation, Ref, Result, Route, Time, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::set::{EndSilence, end, ends_in_time};
use super::{Matchers, Silence};
use crate::events::SilenceChanged;
use crate::store;

/// Change a silence that has not ended: let it end later or sooner, or cover something else. Fields that are left out stay
/// as they are. Open groups that are no longer covered are told then.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct UpdateSilence {
    /// The silence.
    pub id: i64,
    /// Alerts of this asset; null for those of any.
    pub asset: Change<i64>,
    /// The alert of this check; null for those of any.
    pub check: Change<i64>,
    /// Alerts that this team is told of; null for any team.
    pub team: Change<i64>,
    /// Alerts whose labels pass all of these, for example alertname="HighLoad"; null for any labels.
    pub matchers: Change<String>,
    /// Until when, at most a year ahead.
    pub until: Option<Time>,
    /// For how many minutes from now on (from its beginning, if that is to come), instead of `until`.
    pub minutes: Option<i64>,
    /// Why, for those who wonder.
    pub reason: Option<String>,
    /// The version the change was made against; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl UpdateSilence {
    fn changed(&self, found: &Silence, now: Time) -> Result<Silence> {
        let until = end(self.until, self.minutes, found.from.max(now))?;
        if let Some(until) = until {
            let field = if self.until.is_some() { "until" } else { "minutes" };
            ends_in_time(field, (found.from, until), now)?;
        }
        let matchers = match &self.matchers {
            Change::Keep => found.matchers.clone(),
            Change::Clear => Matchers::default(),
            Change::Set(text) => Matchers::parse(text)?,
        };
        let reason = self.reason.as_ref().map(|reason| kernel::text::line("reason", reason, 300)).transpose()?;
        Ok(Silence {
            asset: self.asset.apply(found.asset),
            check: self.check.apply(found.check),
            team: self.team.apply(found.team),
            matchers,
            until: until.unwrap_or(found.until),
            reason: reason.unwrap_or_else(|| found.reason.clone()),
            ..found.clone()
        })
    }
}

impl Operation for UpdateSilence {
    const NAME: &'static str = "monitor.silence.update";
    const ROUTE: Route = patch("/monitor/silences/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Silence;

    fn run(&self, cx: &mut Cx) -> Result<Silence> {
        let reach = cx.reach(Self::NAME)?;
        let missing = || Error::not_found(format!("The silence {}", self.id));
        let found = store::silences::find(cx.tx, self.id, &reach)?.ok_or_else(missing)?;
        let silence = Ref::new("silence", found.id);
        cx.expect_version(&silence, self.expected_version, found.version)?;
        if found.until <= cx.now {
            return Err(Error::conflict(format!("The silence {} has ended. Set another one.", found.id)));
        }
        let new = self.changed(&found, cx.now)?;
        apply(cx, &found, new)?;
        store::silences::find(cx.tx, self.id, &reach)?.ok_or_else(missing)
    }
}

/// What a silence covers, as one field: a part of it alone may cover everything.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Covers {
    asset: Option<i64>,
    check: Option<i64>,
    team: Option<i64>,
    matchers: String,
}

impl Covers {
    fn of(silence: &Silence) -> Self {
        let matchers = silence.matchers.as_str().to_owned();
        Self { asset: silence.asset, check: silence.check, team: silence.team, matchers }
    }

    fn put(self, silence: &mut Silence) -> Result<()> {
        silence.matchers = Matchers::parse(&self.matchers)?;
        (silence.asset, silence.check, silence.team) = (self.asset, self.check, self.team);
        Ok(())
    }
}

/// Writes what differs; equal fields are no change.
fn apply(cx: &mut Cx, found: &Silence, mut new: Silence) -> Result<()> {
    new.place_it(cx, UpdateSilence::NAME)?;
    if new == *found {
        return Ok(());
    }
    store::silences::update(cx.tx, &new)?;
    let silence = Ref::new("silence", found.id);
    cx.changed(&silence, "until", found.until, new.until)?;
    cx.changed(&silence, "reason", &found.reason, &new.reason)?;
    cx.changed(&silence, "covers", Covers::of(found), Covers::of(&new))?;
    cx.emit(&SilenceChanged { silence, covers: new.subjects(), until: new.until, reason: new.reason })
}

/// Puts one field back to an earlier value. What was ended goes on as long as its time is not over.
pub(crate) fn put_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    let reach = cx.reach(UpdateSilence::NAME)?;
    let missing = || Error::not_found(format!("The silence {id}"));
    let found = store::silences::find(cx.tx, id, &reach)?.ok_or_else(missing)?;
    let wrong = || Error::conflict(format!("The field \"{field}\" of a silence cannot be put back."));
    let mut new = found.clone();
    match field {
        // It was set by what is undone: nothing of it stays in force.
        "until" if value.is_null() => return cx.call(&EndSilence { id }).map(drop),
        "reason" if value.is_null() => return Ok(()),
        "until" => {
            new.until = serde_json::from_value(value.clone()).map_err(|_| wrong())?;
            if new.until <= cx.now {
                return Err(Error::conflict("Its time is over by now. Set another silence."));
            }
            new.ended_by = None;
        }
        "reason" => new.reason = value.as_str().ok_or_else(wrong)?.to_owned(),
        "covers" => serde_json::from_value::<Covers>(value.clone()).map_err(|_| wrong())?.put(&mut new)?,
        _ => return Err(wrong()),
    }
    apply(cx, &found, new)
}
