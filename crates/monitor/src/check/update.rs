//! Change a check.

use kernel::{Access, Change, Cx, Effect, Operation, Result, Route, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, NewCheck, Severity, find, index, kind_or, touch_feed};
use crate::events::CheckChanged;
use crate::probe::{Kind, Params, Probe};
use crate::store;

/// Change a check. Fields that are left out stay as they are. The results so far no longer count when what is looked at
/// changes; an alert that is out stays out until good results come.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct UpdateCheck {
    /// The check.
    pub id: i64,
    /// A short name.
    pub name: Option<String>,
    /// The asset whose agent looks; null means the asset itself.
    pub vantage: Change<i64>,
    /// Another kind; its fields must be given then.
    pub kind: Option<Kind>,
    /// Name of the process. (process)
    pub process: Option<String>,
    /// A text in the command line of the process, instead of its name. (process)
    pub command_line: Option<String>,
    /// Fewest processes that must run. (process)
    pub min_count: Option<i64>,
    /// Host name or address to connect to. (tcp)
    pub host: Option<String>,
    /// Port to connect to. (tcp)
    pub port: Option<i64>,
    /// Address to ask for. (http)
    pub url: Option<String>,
    /// Status codes that are good. (http)
    pub expect_status: Option<Vec<i64>>,
    /// A text that the answer must hold; null means any answer. (http)
    pub contains: Change<String>,
    /// Mount point of the file system. (file_system)
    pub mount: Option<String>,
    /// Highest percentage in use. (file_system)
    pub max_used_percent: Option<f64>,
    /// Name of the systemd unit. (unit)
    pub unit: Option<String>,
    /// Seconds without a message from the agent that are too many. (silent)
    pub silent_after_s: Option<i64>,
    /// Seconds from one run to the next.
    pub interval_s: Option<i64>,
    /// So many bad results of the last `fire_m` are an alert.
    pub fire_n: Option<i64>,
    /// How many of the last results count.
    pub fire_m: Option<i64>,
    /// So many good results in a row end the alert.
    pub clear_k: Option<i64>,
    /// How much an alert matters: critical or warning.
    pub severity: Option<Severity>,
    /// The team that is told; null means the asset's team.
    pub team: Change<i64>,
    /// The version the change was made against; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl UpdateCheck {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.check.update";

    fn given(&self) -> Params<'_> {
        Params {
            process: self.process.as_deref(),
            command_line: self.command_line.as_deref(),
            min_count: self.min_count,
            host: self.host.as_deref(),
            port: self.port,
            url: self.url.as_deref(),
            expect_status: self.expect_status.as_deref(),
            contains: if let Change::Set(text) = &self.contains { Some(text) } else { None },
            mount: self.mount.as_deref(),
            max_used_percent: self.max_used_percent,
            unit: self.unit.as_deref(),
            silent_after_s: self.silent_after_s,
        }
        .without_blanks()
    }

    /// The probe after the change: given parameters over current ones, as long as the kind stays.
    fn probe(&self, current: &Probe) -> Result<Probe> {
        let kind = kind_or(current, self.kind);
        let given = self.given();
        if kind != current.kind() {
            return Probe::new(kind, &given);
        }
        let codes: Vec<i64>;
        let mut params = given.clone();
        match current {
            Probe::Process { process, command_line, min_count } => {
                if given.process.is_none() && given.command_line.is_none() {
                    (params.process, params.command_line) = (process.as_deref(), command_line.as_deref());
                }
                params.min_count = given.min_count.or(Some(i64::from(*min_count)));
            }
            Probe::Tcp { host, port } => {
                params.host = given.host.or(Some(host));
                params.port = given.port.or(Some(i64::from(*port)));
            }
            Probe::Http { url, expect_status, contains } => {
                params.url = given.url.or(Some(url));
                if given.expect_status.is_none() {
                    codes = expect_status.iter().map(|code| i64::from(*code)).collect();
                    params.expect_status = Some(&codes);
                }
                if self.contains.is_keep() {
                    params.contains = contains.as_deref();
                }
            }
            Probe::FileSystem { mount, max_used_percent } => {
                params.mount = given.mount.or(Some(mount));
                params.max_used_percent = given.max_used_percent.or(Some(*max_used_percent));
            }
            Probe::Unit { unit } => params.unit = given.unit.or(Some(unit)),
            Probe::Silent { silent_after_s } => params.silent_after_s = given.silent_after_s.or(Some(*silent_after_s)),
        }
        Probe::new(kind, &params)
    }

    fn fields(&self, current: &Check) -> Result<NewCheck> {
        let mut new = NewCheck::of(current);
        new.probe = self.probe(&current.probe)?;
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, 120)?;
        }
        new.vantage = match self.vantage {
            Change::Keep => current.vantage,
            Change::Clear => current.asset,
            Change::Set(vantage) => Some(vantage),
        };
        new.team = self.team.apply(current.team);
        new.interval_s = self.interval_s.unwrap_or(new.interval_s);
        new.fire_n = self.fire_n.unwrap_or(new.fire_n);
        new.fire_m = self.fire_m.unwrap_or(new.fire_m);
        new.clear_k = self.clear_k.unwrap_or(new.clear_k);
        new.severity = self.severity.unwrap_or(new.severity);
        Ok(new)
    }
}

impl Operation for UpdateCheck {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = patch("/monitor/checks/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Check;

    fn run(&self, cx: &mut Cx) -> Result<Check> {
        let current = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&current.reference(), self.expected_version, current.version)?;
        let new = self.fields(&current)?;
        apply(cx, &current, &new)?;
        find(cx, Self::NAME, self.id)
    }
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

    #[test]
    fn given_parameters_replace_current_ones_and_the_rest_stays() {
        let current = Probe::Http { url: "http://a/".into(), expect_status: vec![204], contains: Some("ok".into()) };
        let update = UpdateCheck { url: Some("http://b/".into()), ..UpdateCheck::default() };
        let expected = Probe::Http { url: "http://b/".into(), expect_status: vec![204], contains: Some("ok".into()) };
        assert_eq!(update.probe(&current).unwrap(), expected);
        let update = UpdateCheck { contains: Change::Clear, expect_status: Some(vec![]), ..UpdateCheck::default() };
        let expected = Probe::Http { url: "http://a/".into(), expect_status: vec![], contains: None };
        assert_eq!(update.probe(&current).unwrap(), expected);
        let error = UpdateCheck { kind: Some(Kind::Tcp), ..UpdateCheck::default() }.probe(&current).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("host"));
    }
}
