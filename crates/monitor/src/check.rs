//! Checks: what is looked at on an asset, how often, and when that is an alert.

use kernel::search::{Document, ScopeToken};
use kernel::{Change, Cx, Error, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::limits::{CHECKS_MAX, CHECKS_PER_AGENT_MAX, WINDOW};
use crate::machine::{Rule, State};
use crate::probe::{Judge, Kind, Probe};
use crate::shade::Facing;
use crate::store;

pub(crate) use marks::blank;
pub(crate) use new::NewCheck;
pub(crate) use request::seal_open_ones;
pub(crate) use sealed::secrets;
use sealed::{SECRETS, follow_kind, forget, keep_password, password_stays_at_home};

pub mod create;
pub mod delete;
pub mod list;
mod marks;
mod new;
pub mod pause;
mod request;
mod sealed;
pub mod show;
pub(crate) mod states;
pub mod update;

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Will hurt if left.
    Warning,
    /// Hurts now.
    Critical,
}

impl Severity {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Warning, Self::Critical].into_iter().find(|one| one.as_str() == word)
    }
}

/// A check and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The asset it is about, if it is about one of ours.
    pub asset: Option<i64>,
    /// The asset whose agent looks; null when the server itself looks.
    pub vantage: Option<i64>,
    /// What is looked at.
    pub probe: Probe,
    /// Seconds from one run to the next.
    pub interval_s: i64,
    /// So many bad results ..
    pub fire_n: i64,
    /// .. of so many are an alert.
    pub fire_m: i64,
    /// So many good results in a row end it.
    pub clear_k: i64,
    /// It must be bad for so long before it is an alert, in milliseconds.
    pub for_ms: i64,
    /// The alert stays out for so long after enough good results, in milliseconds.
    pub keep_firing_ms: i64,
    /// Labels that its alert carries, for routing and windows.
    pub labels: Labels,
    /// How much it matters.
    pub severity: Severity,
    /// The team that is told; else the asset's team.
    pub team: Option<i64>,
    /// Nobody looks while it is paused.
    pub paused: bool,
    /// Grows with every change.
    pub version: i64,
    /// Grows when what the agent runs changes.
    pub generation: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
    /// Its alert.
    pub alert: i64,
    /// How it stands.
    pub state: State,
    /// An alert is out: it fired and was not cleared.
    pub open: bool,
    /// Since when it stands so.
    pub since: Time,
    /// What was seen when it came to stand so.
    pub evidence: String,
    /// The alert group it belongs to while an alert is out.
    pub group: Option<i64>,
    /// When its alert fired last.
    pub fired_at: Option<Time>,
    #[serde(skip)]
    pub(crate) asset_team: Option<i64>,
    #[serde(skip)]
    pub(crate) place: Option<i64>,
    #[serde(skip)]
    pub(crate) owner: Option<i64>,
    /// What its alert is taken as, by the expression of the rule that it comes from.
    #[serde(skip)]
    pub(crate) taken: Option<causes::What>,
}

impl Check {
    /// As a reference.
    pub fn reference(&self) -> Ref {
        Ref::new("check", self.id)
    }

    /// The labels of its alert: its own, and what it is unless its own say otherwise. Routing and windows match them.
    pub(crate) fn routing(&self, asset: Option<&assets::Brief>) -> Labels {
        let mut labels = self.labels.clone();
        labels.or("alertname", &self.name);
        labels.or("severity", self.severity.as_str());
        labels.or("check_kind", self.probe.kind().as_str());
        if let Some(asset) = asset {
            labels.or("asset", &asset.name);
            labels.or("asset_kind", &asset.kind);
        }
        labels
    }

    /// A line of its evidence with where it comes from.
    pub(crate) fn line(&self, asset: Option<&str>, line: &str) -> String {
        match asset {
            Some(asset) => format!("{asset}, {}: {line}", self.name),
            None => format!("{}: {line}", self.name),
        }
    }

    /// What silences and windows look at.
    pub(crate) fn facing(&self) -> Facing {
        let labels = self.routing(None);
        let team = self.team.or(self.asset_team);
        Facing { check: self.id, asset: self.asset, place: self.place, labels, team }
    }

    /// As a reference to the asset it is about.
    pub(crate) fn about(&self) -> Option<Ref> {
        self.asset.map(|id| Ref::new("asset", id))
    }

    /// When it fires and clears.
    pub(crate) fn rule(&self) -> Rule {
        let size = |value: i64| usize::try_from(value).unwrap_or(1).clamp(1, WINDOW);
        let window = i64::try_from(WINDOW).unwrap_or(1);
        let keep_ms = self.interval_s.saturating_mul(2 * 1_000 * window);
        Rule {
            fire_n: size(self.fire_n),
            fire_m: size(self.fire_m),
            clear_k: size(self.clear_k),
            keep_ms,
            for_ms: self.for_ms,
            keep_firing_ms: self.keep_firing_ms,
        }
    }
}

/// The agent that looks is sent its checks anew; the server's own looks follow the check itself.
pub(crate) fn touch_feed(cx: &mut Cx, vantage: Option<i64>) {
    if let Some(vantage) = vantage {
        cx.touch(Ref::new("agent_feed", vantage));
    }
}

/// Who looks: the vantage that was asked for (0 is the server), else the asset's own agent. What only the server can judge
/// has none.
fn vantage(probe: &Probe, asset: Option<i64>, asked: Option<i64>) -> Option<i64> {
    match (probe.judge(), probe.kind()) {
        (Judge::Server, Kind::Silent) => asset,
        (Judge::Server, _) => None,
        (Judge::Vantage, _) => asked.or(asset).filter(|id| *id != 0),
    }
}

/// Refuses a team that is not known.
pub(crate) fn known_team(cx: &mut Cx, team: Option<i64>) -> Result<()> {
    match team {
        Some(id) if !people::team_known(cx.tx, id)? => {
            Err(Error::invalid("team", format!("There is no team {id}. Choose one of the teams.")))
        }
        _ => Ok(()),
    }
}

/// Refuses one check more than an agent, or the house, may have.
fn room_for_one(cx: &mut Cx, vantage: Option<i64>) -> Result<()> {
    if let Some(vantage) = vantage
        && store::checks::count_of_agent(cx.tx, vantage)? >= CHECKS_PER_AGENT_MAX
    {
        return Err(Error::over_limit(format!(
            "One agent runs at most {CHECKS_PER_AGENT_MAX} checks. Remove some, or let another agent look (vantage)."
        )));
    }
    if store::checks::count_all(cx.tx)? >= CHECKS_MAX {
        return Err(Error::over_limit(format!("There are {CHECKS_MAX} checks already, the most there may be.")));
    }
    Ok(())
}

/// A check that the actor's grant for `operation` covers; what they may not see does not exist.
pub(crate) fn find(cx: &mut Cx, operation: &str, id: i64) -> Result<Check> {
    let reach = cx.reach(operation)?;
    store::checks::find(cx.tx, id, &reach)?.ok_or_else(|| Error::not_found(format!("The check {id}")))
}

/// Makes a check findable by its name and what it looks at.
pub(crate) fn index(cx: &mut Cx, id: i64, check: &NewCheck) -> Result<()> {
    let scopes = [
        check.place.map(ScopeToken::Place),
        check.team.or(check.asset_team).map(ScopeToken::Team),
        check.owner.map(ScopeToken::User),
    ];
    cx.index(&Document {
        subject: Ref::new("check", id),
        title: check.name.clone(),
        body: check.probe.words(),
        scopes: scopes.into_iter().flatten().collect(),
        at: cx.now,
    })
}

/// Titles and pages of checks, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(list::ListChecks::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let found = store::checks::visible(cx.tx, ids, &reach)?;
    Ok(found
        .into_iter()
        .map(|check| Resolved { id: check.id, title: check.name, href: format!("/monitoring/checks/{}", check.id) })
        .collect())
}

/// Puts one field back to an earlier value.
pub(crate) fn set(cx: &mut Cx, id: i64, field: &str, value: &serde_json::Value) -> Result<()> {
    let current = find(cx, update::UpdateCheck::OPERATION, id)?;
    let mut new = NewCheck::of(&current);
    let wrong = || Error::conflict(format!("The field \"{field}\" of a check cannot be put back."));
    let number = || value.as_i64().ok_or_else(wrong);
    match field {
        "name" => new.name = value.as_str().ok_or_else(wrong)?.to_owned(),
        "interval_s" => new.interval_s = number()?,
        "fire_n" => new.fire_n = number()?,
        "fire_m" => new.fire_m = number()?,
        "clear_k" => new.clear_k = number()?,
        "severity" => new.severity = value.as_str().and_then(Severity::parse).ok_or_else(wrong)?,
        "team" => new.team = value.as_i64(),
        "vantage" => new.vantage = value.as_i64(),
        "for_ms" => new.for_ms = number()?,
        "keep_firing_ms" => new.keep_firing_ms = number()?,
        "labels" => new.labels = serde_json::from_value(value.clone()).map_err(|_| wrong())?,
        "probe" => new.probe = serde_json::from_value(value.clone()).map_err(|_| wrong())?,
        "paused" => return pause::set_paused(cx, &current, value.as_bool().ok_or_else(wrong)?),
        _ => return Err(wrong()),
    }
    update::apply_with_secrets(cx, &current, &mut new, &Change::Keep)
}

/// The kind of a probe that a change names, or the current one.
pub(crate) fn kind_or(current: &Probe, kind: Option<Kind>) -> Kind {
    kind.unwrap_or(current.kind())
}

#[cfg(test)]
impl Check {
    /// An example.
    pub(crate) fn sample(name: &str) -> Self {
        Self {
            id: 3,
            name: name.into(),
            asset: Some(417),
            vantage: Some(417),
            probe: Probe::Unit { unit: "nginx.service".into() },
            interval_s: 10,
            fire_n: 2,
            fire_m: 3,
            clear_k: 2,
            for_ms: 0,
            keep_firing_ms: 0,
            labels: Labels::default(),
            severity: Severity::Critical,
            team: Some(2),
            paused: false,
            version: 1,
            generation: 1,
            created_at: Time(0),
            updated_at: Time(0),
            alert: 3,
            state: State::Firing,
            open: true,
            since: Time(0),
            evidence: name.into(),
            group: Some(9),
            fired_at: None,
            asset_team: None,
            place: None,
            owner: None,
            taken: None,
        }
    }
}
