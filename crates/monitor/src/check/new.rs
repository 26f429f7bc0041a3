//! The fields of a check before it has a number: whether they fit, and what of them changed.

use kernel::{Cx, Error, Ref, Result};
use serde::Serialize;

use super::{Check, Severity, known_team, room_for_one};
use crate::ground;
use crate::labels::Labels;
use crate::limits::{FOR_MS_MAX, INTERVAL_S_MAX, INTERVAL_S_MIN, WINDOW};
use crate::looks::Looks;
use crate::probe::{Judge, Probe};

/// The fields of a check before it has a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewCheck {
    pub(crate) name: String,
    pub(crate) asset: Option<i64>,
    pub(crate) vantage: Option<i64>,
    pub(crate) probe: Probe,
    pub(crate) interval_s: i64,
    pub(crate) fire_n: i64,
    pub(crate) fire_m: i64,
    pub(crate) clear_k: i64,
    pub(crate) for_ms: i64,
    pub(crate) keep_firing_ms: i64,
    pub(crate) labels: Labels,
    pub(crate) severity: Severity,
    pub(crate) team: Option<i64>,
    pub(crate) asset_team: Option<i64>,
    pub(crate) place: Option<i64>,
    pub(crate) owner: Option<i64>,
    /// What its alert is taken as, by the expression of the rule that it comes from.
    pub(crate) taken: Option<causes::What>,
}

impl NewCheck {
    /// What a check is now, as the start of a change.
    pub(crate) fn of(check: &Check) -> Self {
        Self {
            name: check.name.clone(),
            asset: check.asset,
            vantage: check.vantage,
            probe: check.probe.clone(),
            interval_s: check.interval_s,
            fire_n: check.fire_n,
            fire_m: check.fire_m,
            clear_k: check.clear_k,
            for_ms: check.for_ms,
            keep_firing_ms: check.keep_firing_ms,
            labels: check.labels.clone(),
            severity: check.severity,
            team: check.team,
            asset_team: check.asset_team,
            place: check.place,
            owner: check.owner,
            taken: check.taken,
        }
    }

    /// Refuses what does not hold together or is not there for whoever asks. `old` is what the check was before.
    pub(crate) fn check(&self, cx: &mut Cx, operation: &str, old: Option<&Self>) -> Result<()> {
        self.check_numbers()?;
        if self.vantage.is_none() && self.probe.judge() == Judge::Vantage && !self.probe.kind().server_sees() {
            return Err(Error::invalid(
                "vantage",
                "Only an agent on the machine sees this, the server does not. Leave the vantage out.",
            ));
        }
        if self.vantage.is_none() && old.is_none_or(|old| old.vantage.is_some() || old.probe != self.probe) {
            cx.setting::<Looks>()?.check(&self.probe)?;
        }
        self.labels.check("labels")?;
        if let Some(vantage) = self.vantage
            && old.map_or(self.vantage != self.asset, |old| old.vantage != self.vantage)
        {
            ground::visible_asset(cx, operation, vantage, "vantage")?;
        }
        if old.is_none_or(|old| old.team != self.team) {
            known_team(cx, self.team)?;
        }
        if old.is_none_or(|old| old.vantage != self.vantage) {
            room_for_one(cx, self.vantage)?;
        }
        Ok(())
    }

    /// Refuses numbers that do not make sense alone or together.
    fn check_numbers(&self) -> Result<()> {
        let window = i64::try_from(WINDOW).unwrap_or(i64::MAX);
        if !(INTERVAL_S_MIN..=INTERVAL_S_MAX).contains(&self.interval_s) {
            return Err(Error::invalid(
                "interval_s",
                format!("Use a number of seconds from {INTERVAL_S_MIN} to {INTERVAL_S_MAX}."),
            ));
        }
        if !(1..=window).contains(&self.fire_m) {
            return Err(Error::invalid("fire_m", format!("Use a number from 1 to {window}.")));
        }
        if !(1..=self.fire_m).contains(&self.fire_n) {
            return Err(Error::invalid(
                "fire_n",
                format!("Use a number from 1 to {}: so many of the last {} results.", self.fire_m, self.fire_m),
            ));
        }
        if !(1..=10).contains(&self.clear_k) {
            return Err(Error::invalid("clear_k", "Use a number from 1 to 10."));
        }
        for (field, value) in [("for_ms", self.for_ms), ("keep_firing_ms", self.keep_firing_ms)] {
            if !(0..=FOR_MS_MAX).contains(&value) {
                return Err(Error::invalid(field, "Use a time from 0 to 30 days, in milliseconds."));
            }
        }
        Ok(())
    }

    /// Records every field that differs from `old`.
    pub(crate) fn record(&self, cx: &mut Cx, subject: &Ref, old: Option<&Self>) -> Result<()> {
        let rows: [(&str, serde_json::Value, Option<serde_json::Value>); 13] = [
            ("name", (&*self.name).into(), old.map(|old| (&*old.name).into())),
            ("asset", self.asset.into(), old.map(|old| old.asset.into())),
            ("vantage", self.vantage.into(), old.map(|old| old.vantage.into())),
            ("probe", json(&self.probe)?, old.map(|old| json(&old.probe)).transpose()?),
            ("labels", json(&self.labels)?, old.map(|old| json(&old.labels)).transpose()?),
            ("for_ms", self.for_ms.into(), old.map(|old| old.for_ms.into())),
            ("keep_firing_ms", self.keep_firing_ms.into(), old.map(|old| old.keep_firing_ms.into())),
            ("interval_s", self.interval_s.into(), old.map(|old| old.interval_s.into())),
            ("fire_n", self.fire_n.into(), old.map(|old| old.fire_n.into())),
            ("fire_m", self.fire_m.into(), old.map(|old| old.fire_m.into())),
            ("clear_k", self.clear_k.into(), old.map(|old| old.clear_k.into())),
            ("severity", self.severity.as_str().into(), old.map(|old| old.severity.as_str().into())),
            ("team", self.team.into(), old.map(|old| old.team.into())),
        ];
        for (field, new, old) in rows {
            cx.changed(subject, field, old.unwrap_or(serde_json::Value::Null), new)?;
        }
        Ok(())
    }
}

fn json(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| Error::internal("check-not-json", error))
}
