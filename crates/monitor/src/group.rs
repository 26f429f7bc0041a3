//! Alert groups: one per cause, with the alerts that follow from it, the evidence, and what changed just before.

use kernel::{Cx, Error, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Severity;
use crate::events::Before;
use crate::labels::Labels;
use crate::shade::Within;
use crate::store;

pub mod acknowledge;
pub mod affected;
pub(crate) mod bare;
pub(crate) mod decide;
pub(crate) mod flaps;
pub mod judgement;
pub mod list;
pub mod members;
pub(crate) mod open;
mod own;
pub(crate) mod recover;
pub(crate) mod reopen;
pub mod show;
pub mod similar;
pub(crate) mod tree;

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// An alert of it is out.
    Open,
    /// All its alerts are gone.
    Recovered,
    /// Another group took its alerts over.
    Merged,
}

impl GroupState {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Recovered => "recovered",
            Self::Merged => "merged",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Recovered, Self::Merged].into_iter().find(|one| one.as_str() == word)
    }
}

/// An alert group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its number.
    pub id: i64,
    /// One line in plain words.
    pub title: String,
    /// Where it is in its life.
    pub state: GroupState,
    /// The check whose alert opened it.
    pub check: i64,
    /// The asset that is the likely cause, if one of ours is.
    pub asset: Option<i64>,
    /// The most that any of its alerts matters; what a silence covers does not count, unless all of it is covered.
    pub severity: Severity,
    /// The team that is told.
    pub team: Option<i64>,
    /// When it opened.
    pub opened_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// When it was back last, after it had ended.
    pub reopened_at: Option<Time>,
    /// How often it was back.
    pub reopened: i64,
    /// Who said that they are on it.
    pub acknowledged_by: Option<String>,
    /// When they said so.
    pub acknowledged_at: Option<Time>,
    /// A silence covers it: nobody was told.
    pub silenced: bool,
    /// People were told.
    pub announced: bool,
    /// Good results prove its end.
    pub proven: bool,
    /// The group that took it over.
    pub merged_into: Option<i64>,
    /// What was seen, oldest first.
    pub evidence: Vec<String>,
    /// What changed in the two hours before, oldest first.
    pub changed_before: Vec<Before>,
    /// What proves the recovery, oldest first.
    pub recovery: Vec<String>,
    /// Grows with every change.
    pub version: i64,
    /// How many alerts of it are out.
    pub open_alerts: i64,
    /// The labels of the alert that opened it, for routing.
    pub labels: Labels,
    /// What may be the cause, with what speaks for and against it.
    #[serde(rename = "cause")]
    pub judgement: judgement::Judgement,
    /// Where its cause stands.
    pub place: Option<i64>,
    #[serde(skip)]
    pub(crate) owner: Option<i64>,
    /// Where in the title it is called by its alert: the bytes before that. None when it is called by its cause.
    #[serde(skip)]
    pub(crate) alert_at: Option<usize>,
}

impl Group {
    /// The asset that is the likely cause, as a reference.
    pub(crate) fn about(&self) -> Option<Ref> {
        self.asset.map(|id| Ref::new("asset", id))
    }

    /// What it says of each of its alerts.
    pub(crate) fn within(&self) -> Within {
        Within::of(&self.judgement, self.team)
    }

    /// Since when it is open, for the first time or again.
    pub(crate) fn open_since(&self) -> Time {
        self.reopened_at.unwrap_or(self.opened_at)
    }

    /// As a reference.
    pub fn reference(&self) -> Ref {
        Ref::new("alert_group", self.id)
    }
}

/// An alert that belongs or belonged to a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Its check.
    pub check: i64,
    /// The asset it is about, if it is about one of ours.
    pub asset: Option<i64>,
    /// Name of the check when it joined.
    pub name: String,
    /// When it joined.
    pub joined_at: Time,
    /// When it was gone.
    pub cleared_at: Option<Time>,
    /// The labels of its check, with `alertname` and `severity`; none when that is deleted.
    #[serde(default)]
    pub labels: Labels,
}

/// A group that the actor's grant for `operation` covers; what they may not see does not exist.
pub(crate) fn find(cx: &mut Cx, operation: &str, id: i64) -> Result<Group> {
    let reach = cx.reach(operation)?;
    store::groups::find(cx.tx, id, &reach)?.ok_or_else(|| Error::not_found(format!("The alert group {id}")))
}

/// Titles and pages of groups, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(list::ListGroups::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let found = store::groups::visible(cx.tx, ids, &reach)?;
    Ok(found
        .into_iter()
        .map(|group| Resolved { id: group.id, title: group.title, href: format!("/monitoring/groups/{}", group.id) })
        .collect())
}

/// Puts one field back to an earlier value: an acknowledgement can be taken back.
pub(crate) fn set(cx: &mut Cx, id: i64, field: &str, value: &serde_json::Value) -> Result<()> {
    let group = find(cx, acknowledge::AcknowledgeGroup::OPERATION, id)?;
    match (field, value) {
        ("acknowledged_by", serde_json::Value::Null) => acknowledge::take_back(cx, &group),
        ("acknowledged_by", serde_json::Value::String(before)) => acknowledge::give_back(cx, &group, before),
        _ => Err(Error::conflict(format!("The field \"{field}\" of an alert group cannot be put back."))),
    }
}

/// What a group is called by an alert. Names of checks are sentences or not, so that nothing is said after them; an alert of
/// a rule is what its name says.
pub(crate) fn title(check: &crate::check::Check, asset: Option<&str>) -> String {
    let text = match (check.probe.kind(), asset) {
        (crate::probe::Kind::Silent, Some(asset)) => format!("{asset} is not heard from"),
        (crate::probe::Kind::Rule, Some(asset)) => format!("{} on {asset}", check.name),
        (crate::probe::Kind::Rule, None) | (crate::probe::Kind::Own, _) => check.name.clone(),
        (_, Some(asset)) => format!("Fails on {asset}: {}", check.name),
        (_, None) => format!("Fails: {}", check.name),
    };
    kernel::text::shorten(&text, 200)
}

#[cfg(test)]
impl Group {
    /// An example.
    pub(crate) fn sample(title: &str) -> Self {
        Self {
            id: 9,
            title: title.into(),
            state: GroupState::Open,
            check: 3,
            asset: Some(417),
            severity: Severity::Critical,
            team: Some(2),
            opened_at: Time(0),
            ended_at: None,
            reopened_at: None,
            reopened: 0,
            acknowledged_by: None,
            acknowledged_at: None,
            silenced: false,
            announced: true,
            proven: false,
            merged_into: None,
            evidence: vec![title.into()],
            changed_before: Vec::new(),
            recovery: Vec::new(),
            version: 1,
            open_alerts: 1,
            labels: Labels::default(),
            judgement: judgement::Judgement::default(),
            place: None,
            owner: None,
            alert_at: Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::title;
    use crate::check::Check;
    use crate::probe::Probe;

    #[test]
    fn a_group_is_called_so_that_it_reads_whatever_its_check_is_called() {
        for (name, asset, expected) in [
            ("Web server runs", Some("web-01"), "Fails on web-01: Web server runs"),
            (
                "example.org has the MX records it should have",
                Some("vm"),
                "Fails on vm: example.org has the MX records it should have",
            ),
            ("Backup", None, "Fails: Backup"),
        ] {
            assert_eq!(title(&Check::sample(name), asset), expected);
        }
        let probe = Probe::Rule { rule: 1, labels: std::collections::BTreeMap::new() };
        let rule = Check { probe, ..Check::sample("HighLoad: /var") };
        assert_eq!(title(&rule, Some("web-01")), "HighLoad: /var on web-01");
        assert_eq!(title(&rule, None), "HighLoad: /var");
    }
}
