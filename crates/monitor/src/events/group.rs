//! What is told about alert groups.

use kernel::{Event, Mark, Ref, Time};
use serde::{Deserialize, Serialize};

use super::mark;
use crate::check::Severity;
use crate::labels::Labels;

/// Something that happened shortly before a group opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Before {
    /// When.
    pub at: Time,
    /// What, in plain words.
    pub title: String,
}

/// An alert of a group that does not merely follow from a cause elsewhere: whoever is told of it by its own labels, team and
/// place is told, too.
#[derive(Clone, Debug, Serialize)]
pub struct Own {
    /// Its check.
    pub check: Ref,
    /// The asset it is about, if it is about one of ours.
    pub asset: Option<Ref>,
    /// One line in plain words.
    pub title: String,
    /// The labels of the alert.
    pub labels: Labels,
    /// Where its asset stands.
    pub place: Option<i64>,
    /// The team that is told.
    pub team: Option<i64>,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen, oldest first.
    pub evidence: Vec<String>,
}

impl Own {
    fn sample() -> Self {
        Self {
            check: Ref::new("check", 4),
            asset: Some(Ref::new("asset", 417)),
            title: "Fails on web-01: Port 443 answers".into(),
            labels: Labels::sample(),
            place: Some(5),
            team: Some(3),
            severity: Severity::Critical,
            evidence: vec!["2026-03-02 08:00:10 UTC: connection refused".into()],
        }
    }
}

/// A group opened: something has a cause of its own. It is told again with `again` when a silence over it ends.
#[derive(Clone, Debug, Serialize)]
pub struct GroupOpened {
    /// The group.
    pub group: Ref,
    /// The check whose alert opened it.
    pub check: Ref,
    /// The asset of that check, which may be another than the cause.
    pub check_asset: Option<Ref>,
    /// The checks whose alerts are in it, at most 200.
    pub checks: Vec<Ref>,
    /// Those of them whose alert is under a silence: start nothing for these.
    pub covered: Vec<Ref>,
    /// The asset that is the likely cause.
    pub asset: Option<Ref>,
    /// The labels of the alert that opened it.
    pub labels: Labels,
    /// Where its cause stands.
    pub place: Option<i64>,
    /// The team that is told.
    pub team: Option<i64>,
    /// How much it matters.
    pub severity: Severity,
    /// One line in plain words.
    pub title: String,
    /// What is the likely cause, in plain words, if it is determined.
    pub cause: Option<String>,
    /// What was seen, oldest first.
    pub evidence: Vec<String>,
    /// What changed in the two hours before, oldest first.
    pub changed_before: Vec<Before>,
    /// Alerts in it, besides the one that opened it, that are told for themselves; at most 20.
    pub own: Vec<Own>,
    /// A silence covers it: tell nobody, open no incident, start nothing.
    pub silenced: bool,
    /// It was silenced and no longer is.
    pub again: bool,
    /// Why it no longer is: `silence_ended` (ended, or no longer covers it), `joined` (an alert joined that no silence covers)
    /// or `merged` (it took over a group that people were told of). Empty when it opens.
    pub bare_by: &'static str,
    /// Since when it is open, for the first time or again.
    pub open_since: Time,
}

impl Event for GroupOpened {
    const NAME: &'static str = "monitor.group.opened";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.group.clone()];
        all.extend(self.asset.clone());
        all.extend(self.checks.iter().cloned());
        all
    }
    fn title(&self) -> String {
        let what = match (self.silenced, self.bare_by) {
            (true, _) => "Alert group opened, silenced",
            (false, "joined") => "An alert that no silence covers joined a silenced alert group",
            (false, "merged") => "A silenced alert group took over one that people were told of",
            (false, _) if self.again => "Silence ended, alert group still open",
            (false, _) => "Alert group opened",
        };
        format!("{what}: {}", self.title)
    }
    fn mark(&self) -> Mark {
        mark(self.severity)
    }
    fn sample() -> Self {
        Self {
            group: Ref::new("alert_group", 9),
            check: Ref::new("check", 3),
            check_asset: Some(Ref::new("asset", 417)),
            checks: vec![Ref::new("check", 3)],
            covered: Vec::new(),
            asset: Some(Ref::new("asset", 417)),
            labels: Labels::sample(),
            place: Some(5),
            team: Some(2),
            severity: Severity::Critical,
            title: "Fails on web-01: Web server runs".into(),
            cause: Some("web-01 is down".into()),
            evidence: vec!["2026-03-02 08:00:10 UTC: no process nginx runs".into()],
            changed_before: vec![Before { at: Time(1_772_438_000_000_000), title: "Package nginx upgraded".into() }],
            own: vec![Own::sample()],
            silenced: false,
            again: false,
            bare_by: "",
            open_since: Time(1_772_438_400_000_000),
        }
    }
}

/// An open group changed: an alert joined, left, or goes back and forth, or somebody acknowledged it.
#[derive(Clone, Debug, Serialize)]
pub struct GroupChanged {
    /// The group.
    pub group: Ref,
    /// The asset that is the likely cause.
    pub asset: Option<Ref>,
    /// `joined`, `left`, `flapping` (an alert goes back and forth), `steady` (it no longer does, and is still out),
    /// `cause` (another cause is likelier), `acknowledged`, `unacknowledged` or `handed_back` (a takeover was undone).
    pub change: &'static str,
    /// Who is on it from now on, when that changed; empty when nobody is.
    pub by: String,
    /// The check whose alert it is about.
    pub check: Option<Ref>,
    /// The checks when many joined or left at once, at most 200.
    pub checks: Vec<Ref>,
    /// The labels of the alert that opened the group.
    pub labels: Labels,
    /// Where its cause stands.
    pub place: Option<i64>,
    /// The team that is told.
    pub team: Option<i64>,
    /// How much the group matters now.
    pub severity: Severity,
    /// Those that joined and are told for themselves; at most 20.
    pub own: Vec<Own>,
    /// The most that those that joined matter which are told with the group alone: `critical` or `warning`; empty when there are
    /// none.
    pub rest: &'static str,
    /// The alert that joined is under a silence: start nothing for it.
    pub silenced: bool,
    /// Since when the group is open, for the first time or again.
    pub open_since: Time,
    /// One line in plain words.
    pub detail: String,
}

impl Event for GroupChanged {
    const NAME: &'static str = "monitor.group.changed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.group.clone()]
    }
    fn title(&self) -> String {
        self.detail.clone()
    }
    fn mark(&self) -> Mark {
        match self.change {
            "joined" | "flapping" | "steady" => mark(self.severity),
            "left" => Mark::Ok,
            "acknowledged" | "handed_back" => Mark::Working,
            _ => Mark::Info,
        }
    }
    fn sample() -> Self {
        Self {
            group: Ref::new("alert_group", 9),
            asset: Some(Ref::new("asset", 417)),
            change: "joined",
            by: String::new(),
            check: Some(Ref::new("check", 4)),
            checks: Vec::new(),
            labels: Labels::sample(),
            place: Some(5),
            team: Some(2),
            severity: Severity::Critical,
            own: vec![Own::sample()],
            rest: "",
            silenced: false,
            open_since: Time(1_772_438_400_000_000),
            detail: "Joined: Port 443 answers on web-01".into(),
        }
    }
}

/// A group that was over has its cause again, within a quarter of an hour: it is the same group. Nobody is on it yet.
#[derive(Clone, Debug, Serialize)]
pub struct GroupReopened {
    /// The group.
    pub group: Ref,
    /// The check whose alert opened it again.
    pub check: Ref,
    /// The asset of that check, which may be another than the cause.
    pub check_asset: Option<Ref>,
    /// The checks whose alerts are in it so far; others join.
    pub checks: Vec<Ref>,
    /// Those of these alerts, besides the one that opened it again, that are told for themselves; at most 20.
    pub own: Vec<Own>,
    /// Those of them whose alert is under a silence: start nothing for these.
    pub covered: Vec<Ref>,
    /// The asset that is the likely cause.
    pub asset: Option<Ref>,
    /// The labels of the alert that leads it.
    pub labels: Labels,
    /// Where its cause stands.
    pub place: Option<i64>,
    /// The team that is told.
    pub team: Option<i64>,
    /// How much it matters.
    pub severity: Severity,
    /// One line in plain words.
    pub title: String,
    /// What was seen now, oldest first.
    pub evidence: Vec<String>,
    /// What changed in the two hours before, oldest first.
    pub changed_before: Vec<Before>,
    /// How many seconds it was over.
    pub over_s: i64,
    /// How often it was back by now.
    pub times: i64,
    /// Since when it is open again.
    pub open_since: Time,
    /// People were told of it before.
    pub announced: bool,
    /// A silence covers it: tell nobody, reopen no incident, start nothing. When that ends, the group is told as opened, `again`.
    pub silenced: bool,
}

impl Event for GroupReopened {
    const NAME: &'static str = "monitor.group.reopened";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.group.clone()];
        all.extend(self.asset.clone());
        all.extend(self.checks.iter().cloned());
        all
    }
    fn title(&self) -> String {
        let silenced = if self.silenced { ", silenced" } else { "" };
        format!("Alert group is back{silenced}: {}", self.title)
    }
    fn mark(&self) -> Mark {
        mark(self.severity)
    }
    fn sample() -> Self {
        Self {
            group: Ref::new("alert_group", 9),
            check: Ref::new("check", 3),
            check_asset: Some(Ref::new("asset", 417)),
            checks: vec![Ref::new("check", 3)],
            own: vec![Own::sample()],
            covered: Vec::new(),
            asset: Some(Ref::new("asset", 417)),
            labels: Labels::sample(),
            place: Some(5),
            team: Some(2),
            severity: Severity::Critical,
            title: "Fails on web-01: Web server runs".into(),
            evidence: vec!["2026-03-02 08:06:10 UTC: no process nginx runs".into()],
            changed_before: vec![Before { at: Time(1_772_438_000_000_000), title: "Package nginx upgraded".into() }],
            over_s: 240,
            times: 1,
            open_since: Time(1_772_438_770_000_000),
            announced: true,
            silenced: false,
        }
    }
}

/// A group went into another, because its cause turned out to be the other's.
#[derive(Clone, Debug, Serialize)]
pub struct GroupMerged {
    /// The group that ended.
    pub group: Ref,
    /// The group that took its alerts over.
    pub into: Ref,
    /// The asset that was taken for the cause.
    pub asset: Option<Ref>,
    /// One line in plain words.
    pub detail: String,
}

impl Event for GroupMerged {
    const NAME: &'static str = "monitor.group.merged";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.group.clone(), self.into.clone()];
        all.extend(self.asset.clone());
        all
    }
    fn title(&self) -> String {
        self.detail.clone()
    }
    fn sample() -> Self {
        Self {
            group: Ref::new("alert_group", 9),
            into: Ref::new("alert_group", 10),
            asset: Some(Ref::new("asset", 417)),
            detail: "\"Fails on web-01: Web server runs\" follows from \"vm-host-1 is not heard from\"".into(),
        }
    }
}

/// The last alert of a group is gone.
#[derive(Clone, Debug, Serialize)]
pub struct GroupRecovered {
    /// The group.
    pub group: Ref,
    /// The check whose alert opened it.
    pub check: Ref,
    /// The asset that was the likely cause.
    pub asset: Option<Ref>,
    /// The labels of the alert that opened it.
    pub labels: Labels,
    /// Where its cause stands.
    pub place: Option<i64>,
    /// The team that was told.
    pub team: Option<i64>,
    /// The group's line.
    pub title: String,
    /// What proves it, oldest first.
    pub evidence: Vec<String>,
    /// Seconds from opening to recovery.
    pub lasted_s: i64,
    /// Good results prove it; false when its checks were deleted.
    pub proven: bool,
    /// People were told that it opened.
    pub announced: bool,
}

impl Event for GroupRecovered {
    const NAME: &'static str = "monitor.group.recovered";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.group.clone()];
        all.extend(self.asset.clone());
        all.push(self.check.clone());
        all
    }
    fn title(&self) -> String {
        if self.proven { format!("Recovered: {}", self.title) } else { format!("Ended without proof: {}", self.title) }
    }
    fn mark(&self) -> Mark {
        if self.proven { Mark::Ok } else { Mark::Idle }
    }
    fn sample() -> Self {
        Self {
            group: Ref::new("alert_group", 9),
            check: Ref::new("check", 3),
            asset: Some(Ref::new("asset", 417)),
            labels: Labels::sample(),
            place: Some(5),
            team: Some(2),
            title: "Fails on web-01: Web server runs".into(),
            evidence: vec!["2026-03-02 08:01:10 UTC: 1 process nginx runs".into()],
            lasted_s: 60,
            proven: true,
            announced: true,
        }
    }
}
