//! Create a check.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, NewCheck, Severity, index, touch_feed};
use crate::events::CheckCreated;
use crate::machine::Machine;
use crate::probe::fields::with_probe_fields;
use crate::probe::{Kind, Probe};
use crate::{ground, store};

with_probe_fields! {
    /// Create a check: something that is looked at again and again on an asset, and becomes an alert when it is not as it
    /// should be.
    ///
    /// Only the fields of the chosen kind may be given.
    #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
    #[serde(default)]
    pub struct CreateCheck {
        /// A short name, for example "Web server runs". Left out, it is what the check looks at.
        pub name: Option<String>,
        /// The asset it is about.
        pub asset: i64,
        /// The asset whose agent looks, when it is not the asset itself; 0 for the server itself.
        pub vantage: Option<i64>,
        /// What is looked at.
        pub kind: Option<Kind>,
        /// Seconds from one run to the next, at least 10; what suits the kind if left out.
        pub interval_s: Option<i64>,
        /// So many bad results of the last `fire_m` are an alert; 2 if left out, 1 for kinds that say a thing once.
        pub fire_n: Option<i64>,
        /// How many of the last results count; 3 if left out, 1 for kinds that say a thing once.
        pub fire_m: Option<i64>,
        /// So many good results in a row end the alert; 2 if left out, 1 for kinds that say a thing once.
        pub clear_k: Option<i64>,
        /// Seconds that it must be bad before it is an alert; 0 if left out.
        pub for_s: Option<i64>,
        /// Seconds that the alert stays out after it is well again; 0 if left out.
        pub keep_firing_s: Option<i64>,
        /// How much an alert matters: critical or warning; critical if left out.
        pub severity: Option<Severity>,
        /// The team that is told; the asset's team if left out.
        pub team: Option<i64>,
        /// Labels of its alert for routing, as name=value.
        pub labels: Vec<String>,
    }
}

impl CreateCheck {
    fn fields(&self, cx: &mut Cx) -> Result<NewCheck> {
        let kind = self.kind.ok_or_else(|| Error::invalid("kind", "This is required."))?;
        let probe = Probe::new(kind, &self.given())?;
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = kernel::text::line("name", name.unwrap_or(&kernel::text::shorten(&probe.words(), 100)), 120)?;
        let asset = ground::visible_asset(cx, Self::NAME, self.asset, "asset")?;
        let (n, m, k) = kind.usual_rule();
        let fire_m = self.fire_m.unwrap_or(m.max(self.fire_n.unwrap_or(0)));
        let new = NewCheck {
            name,
            asset: Some(self.asset),
            vantage: super::vantage(&probe, Some(self.asset), self.vantage),
            probe,
            interval_s: self.interval_s.unwrap_or(kind.usual_interval_s()),
            fire_n: self.fire_n.unwrap_or(n.min(fire_m)),
            fire_m,
            clear_k: self.clear_k.unwrap_or(k),
            for_ms: self.for_s.unwrap_or(0).saturating_mul(1_000),
            keep_firing_ms: self.keep_firing_s.unwrap_or(0).saturating_mul(1_000),
            labels: super::labels(&self.labels)?,
            severity: self.severity.unwrap_or(Severity::Critical),
            team: self.team,
            asset_team: asset.team,
            place: asset.place,
            owner: asset.owner,
        };
        new.check(cx, Self::NAME, None)?;
        Ok(new)
    }
}

impl Operation for CreateCheck {
    const NAME: &'static str = "monitor.check.create";
    const ROUTE: Route = post("/monitor/checks");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = super::SECRETS;
    type Output = Check;

    fn run(&self, cx: &mut Cx) -> Result<Check> {
        let new = self.fields(cx)?;
        let machine =
            serde_json::to_string(&Machine::new(cx.now)).map_err(|error| Error::internal("machine-not-json", error))?;
        let (id, _) = store::checks::insert(cx.tx, &new, &machine, cx.now)?;
        new.record(cx, &Ref::new("check", id), None)?;
        super::keep_password(cx, id, &new.probe, &self.password)?;
        super::follow_kind(cx, id, &new.probe)?;
        index(cx, id, &new)?;
        cx.emit(&CheckCreated {
            check: Ref::new("check", id),
            asset: new.asset.map(|id| Ref::new("asset", id)),
            name: new.name.clone(),
        })?;
        touch_feed(cx, new.vantage);
        store::checks::by_id(cx.tx, &[id])?.into_iter().next().ok_or_else(|| Error::internal("check-not-written", id))
    }
}
