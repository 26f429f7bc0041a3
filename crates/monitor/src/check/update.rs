//! Change a check.

use kernel::{Access, Change, Cx, Effect, Operation, Result, Route, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, NewCheck, Severity, find, index, kind_or, request, touch_feed};
use crate::events::CheckChanged;
use crate::probe::fields::{over, with_probe_fields};
use crate::probe::{Kind, Probe};
use crate::store;

with_probe_fields! {
    /// Change a check. Fields that are left out stay as they are. The results so far no longer count when what is looked
    /// at changes; an alert that is out stays out until good results come.
    #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
    #[serde(default)]
    pub struct UpdateCheck {
        /// The check.
        pub id: i64,
        /// A short name.
        pub name: Option<String>,
        /// The asset whose agent looks; null for the asset itself, 0 for the server itself.
        #[schemars(extend("x-kind" = "asset"))]
        pub vantage: Change<i64>,
        /// Another kind; its fields must be given then.
        pub kind: Option<Kind>,
        /// Seconds from one run to the next.
        pub interval_s: Option<i64>,
        /// So many bad results of the last `fire_m` are an alert.
        pub fire_n: Option<i64>,
        /// How many of the last results count.
        pub fire_m: Option<i64>,
        /// So many good results in a row end the alert.
        pub clear_k: Option<i64>,
        /// Seconds that it must be bad before it is an alert.
        pub for_s: Option<i64>,
        /// Seconds that the alert stays out after it is well again.
        pub keep_firing_s: Option<i64>,
        /// How much an alert matters: critical or warning.
        pub severity: Option<Severity>,
        /// The team that is told; null means the asset's team.
        pub team: Change<i64>,
        /// Labels of its alert for routing, as name=value (or as lines, or as an object in JSON); they take the place of those that
        /// were.
        #[schemars(schema_with = "crate::labels::asked")]
        pub labels: Option<crate::Labels>,
        /// The version the change was made against; a newer one is a conflict.
        pub expected_version: Option<i64>,
    }
}

impl UpdateCheck {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.check.update";

    /// The probe after the change: given parameters over current ones, as long as the kind stays.
    fn probe(&self, current: &Probe) -> Result<Probe> {
        let kind = kind_or(current, self.kind);
        let given = self.given();
        if kind == current.kind() && matches!(kind, Kind::Rule | Kind::Own) {
            // It is what its rule, or the server, says.
            return Ok(current.clone());
        }
        if kind == current.kind() { Probe::new(kind, &over(current, &given)) } else { Probe::new(kind, &given) }
    }

    fn fields(&self, current: &Check) -> Result<NewCheck> {
        let mut new = NewCheck::of(current);
        new.probe = self.probe(&current.probe)?;
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, 120)?;
        }
        let vantage = match &self.vantage {
            // What nobody asked to move stays where it is, unless another kind has another place.
            Change::Keep if new.probe.kind() == current.probe.kind() => current.vantage.or(Some(0)),
            Change::Keep | Change::Clear => None,
            Change::Set(vantage) => Some(*vantage),
        };
        new.vantage = super::vantage(&new.probe, current.asset, vantage);
        new.team = self.team.apply(current.team);
        new.interval_s = self.interval_s.unwrap_or(new.interval_s);
        new.fire_n = self.fire_n.unwrap_or(new.fire_n);
        new.fire_m = self.fire_m.unwrap_or(new.fire_m);
        new.clear_k = self.clear_k.unwrap_or(new.clear_k);
        new.for_ms = self.for_s.map_or(new.for_ms, |seconds| seconds.saturating_mul(1_000));
        new.keep_firing_ms = self.keep_firing_s.map_or(new.keep_firing_ms, |seconds| seconds.saturating_mul(1_000));
        new.severity = self.severity.unwrap_or(new.severity);
        if let Some(labels) = &self.labels {
            new.labels = labels.clone();
        }
        Ok(new)
    }
}

impl Operation for UpdateCheck {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = patch("/monitor/checks/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = super::SECRETS;
    type Output = Check;

    fn run(&self, cx: &mut Cx) -> Result<Check> {
        let current = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&current.reference(), self.expected_version, current.version)?;
        let mut new = self.fields(&current)?;
        apply_with_secrets(cx, &current, &mut new, &self.password)?;
        find(cx, Self::NAME, self.id)
    }
}

/// Writes what differs, and keeps the secrets that belong to it.
pub(super) fn apply_with_secrets(
    cx: &mut Cx,
    current: &Check,
    new: &mut NewCheck,
    password: &Change<String>,
) -> Result<()> {
    super::password_stays_at_home(cx, current, new, password)?;
    let words = request::take_out(cx, Some(current), new)?;
    apply(cx, current, new)?;
    let other_password = super::keep_password(cx, current.id, &new.probe, password)?;
    if request::keep(cx, current.id, &words)? || other_password {
        // The look is another one now, though nothing that may be shown is.
        store::checks::renew(cx.tx, current.id, cx.now)?;
        touch_feed(cx, new.vantage);
        cx.touch(current.reference());
    }
    Ok(())
}

/// Writes what differs; equal fields are no change.
pub(crate) fn apply(cx: &mut Cx, current: &Check, new: &NewCheck) -> Result<()> {
    let old = NewCheck::of(current);
    if *new == old {
        return Ok(());
    }
    new.check(cx, UpdateCheck::OPERATION, Some(&old))?;
    let renewed = new.vantage != old.vantage || new.probe != old.probe || new.interval_s != old.interval_s;
    store::checks::update(cx.tx, current.id, new, renewed, cx.now)?;
    new.record(cx, &current.reference(), Some(&old))?;
    super::follow_kind(cx, current.id, &new.probe)?;
    index(cx, current.id, new)?;
    cx.emit(&CheckChanged { check: current.reference(), asset: current.about(), name: new.name.clone() })?;
    if renewed {
        touch_feed(cx, old.vantage);
        touch_feed(cx, new.vantage);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(url: &str, expect_status: Vec<u16>, contains: Option<&str>) -> Probe {
        let (url, contains) = (url.to_owned(), contains.map(str::to_owned));
        Probe::Http(Box::new(probes::http::Http { url, expect_status, contains, ..Default::default() }))
    }

    #[test]
    fn given_parameters_replace_current_ones_and_the_rest_stays() {
        let current = http("http://a/", vec![204], Some("ok"));
        let update = UpdateCheck { url: Change::Set("http://b/".into()), ..UpdateCheck::default() };
        assert_eq!(update.probe(&current).unwrap(), http("http://b/", vec![204], Some("ok")));
        let update =
            UpdateCheck { contains: Change::Clear, expect_status: Change::Set(vec![]), ..UpdateCheck::default() };
        assert_eq!(update.probe(&current).unwrap(), http("http://a/", vec![], None));
        let error = UpdateCheck { kind: Some(Kind::Tcp), ..UpdateCheck::default() }.probe(&current).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("host"));
    }

    #[test]
    fn what_stands_for_the_other_takes_its_place() {
        let current = Probe::Process { process: Some("a".into()), command_line: None, min_count: 3 };
        let update = UpdateCheck { command_line: Change::Set("b".into()), ..UpdateCheck::default() };
        let expected = Probe::Process { process: None, command_line: Some("b".into()), min_count: 3 };
        assert_eq!(update.probe(&current).unwrap(), expected);
        let both = UpdateCheck { process: Change::Set("c".into()), ..update };
        assert_eq!(both.probe(&current).unwrap_err().field.as_deref(), Some("command_line"));
    }
}
