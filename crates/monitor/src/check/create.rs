//! Create a check.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, NewCheck, Severity, index, touch_feed};
use crate::events::CheckCreated;
use crate::labels::Labels;
use crate::limits::INTERVAL_S_DEFAULT;
use crate::machine::Machine;
use crate::probe::{Kind, Params, Probe};
use crate::{ground, store};

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
    /// The asset whose agent looks, when it is not the asset itself.
    pub vantage: Option<i64>,
    /// What is looked at: process, tcp, http, file_system, unit or silent.
    pub kind: Option<Kind>,
    /// Name of the process, for example nginx. (process)
    pub process: Option<String>,
    /// A text in the command line of the process, instead of its name. (process)
    pub command_line: Option<String>,
    /// Fewest processes that must run; 1 if left out. (process)
    pub min_count: Option<i64>,
    /// Host name or address to connect to, as the agent sees it. (tcp)
    pub host: Option<String>,
    /// Port to connect to. (tcp)
    pub port: Option<i64>,
    /// Address to ask for, beginning with http:// or https://. (http)
    pub url: Option<String>,
    /// Status codes that are good; 200 to 299 if left out. (http)
    pub expect_status: Vec<i64>,
    /// A text that the answer must hold. (http)
    pub contains: Option<String>,
    /// Mount point of the file system, for example /var. (file_system)
    pub mount: Option<String>,
    /// Highest percentage in use; 90 if left out. (file_system)
    pub max_used_percent: Option<f64>,
    /// Name of the systemd unit, for example nginx.service. (unit)
    pub unit: Option<String>,
    /// Seconds without a message from the agent that are too many; 120 if left out. (silent)
    pub silent_after_s: Option<i64>,
    /// Seconds from one run to the next, at least 10; 10 if left out.
    pub interval_s: Option<i64>,
    /// So many bad results of the last `fire_m` are an alert; 2 if left out.
    pub fire_n: Option<i64>,
    /// How many of the last results count; 3 if left out.
    pub fire_m: Option<i64>,
    /// So many good results in a row end the alert; 2 if left out.
    pub clear_k: Option<i64>,
    /// How much an alert matters: critical or warning; critical if left out.
    pub severity: Option<Severity>,
    /// The team that is told; the asset's team if left out.
    pub team: Option<i64>,
}

impl CreateCheck {
    fn params(&self) -> Params<'_> {
        Params {
            process: self.process.as_deref(),
            command_line: self.command_line.as_deref(),
            min_count: self.min_count,
            host: self.host.as_deref(),
            port: self.port,
            url: self.url.as_deref(),
            expect_status: Some(&self.expect_status),
            contains: self.contains.as_deref(),
            mount: self.mount.as_deref(),
            max_used_percent: self.max_used_percent,
            unit: self.unit.as_deref(),
            silent_after_s: self.silent_after_s,
        }
        .without_blanks()
    }

    fn fields(&self, cx: &mut Cx) -> Result<NewCheck> {
        let kind = self.kind.ok_or_else(|| Error::invalid("kind", "This is required."))?;
        let probe = Probe::new(kind, &self.params())?;
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = kernel::text::line("name", name.unwrap_or(&kernel::text::shorten(&probe.words(), 100)), 120)?;
        let asset = ground::visible_asset(cx, Self::NAME, self.asset, "asset")?;
        let (n, m, k) = if kind == Kind::Silent { (1, 1, 1) } else { (2, 3, 2) };
        let fire_m = self.fire_m.unwrap_or(m.max(self.fire_n.unwrap_or(0)));
        let new = NewCheck {
            name,
            asset: Some(self.asset),
            vantage: Some(self.vantage.unwrap_or(self.asset)),
            probe,
            interval_s: self.interval_s.unwrap_or(INTERVAL_S_DEFAULT),
            fire_n: self.fire_n.unwrap_or(n.min(fire_m)),
            fire_m,
            clear_k: self.clear_k.unwrap_or(k),
            for_ms: 0,
            keep_firing_ms: 0,
            labels: Labels::default(),
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
    type Output = Check;

    fn run(&self, cx: &mut Cx) -> Result<Check> {
        let new = self.fields(cx)?;
        let machine =
            serde_json::to_string(&Machine::new(cx.now)).map_err(|error| Error::internal("machine-not-json", error))?;
        let (id, _) = store::checks::insert(cx.tx, &new, &machine, cx.now)?;
        new.record(cx, &Ref::new("check", id), None)?;
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
