//! What monitoring tells the rest of the house. The fields are an interface: they may only be added to.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

use crate::check::Severity;
use crate::labels::Labels;

mod group;
mod maintenance;
mod rule;
mod silence;

pub use group::{Before, GroupChanged, GroupMerged, GroupOpened, GroupRecovered, GroupReopened, Own};
pub use maintenance::{MaintenanceChanged, MaintenanceEnded, MaintenancePlanned, MaintenanceStarted};
pub use rule::{RuleChanged, RuleCreated, RuleDeleted, RulesImported};
pub use silence::{SilenceChanged, SilenceCreated, SilenceEnded};

macro_rules! check_event {
    ($(#[$doc:meta])* $name:ident, $event:literal, $title:literal, $mark:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        pub struct $name {
            /// The check.
            pub check: Ref,
            /// The asset it is about, if it is about one of ours.
            pub asset: Option<Ref>,
            /// The check's name.
            pub name: String,
        }

        impl Event for $name {
            const NAME: &'static str = $event;
            fn subjects(&self) -> Vec<Ref> {
                std::iter::once(self.check.clone()).chain(self.asset.clone()).collect()
            }
            fn title(&self) -> String {
                format!($title, self.name)
            }
            fn mark(&self) -> Mark {
                $mark
            }
            fn sample() -> Self {
                Self { check: Ref::new("check", 3), asset: Some(Ref::new("asset", 417)), name: "Web server runs".into() }
            }
        }
    };
}

check_event!(
    /// A check was made.
    CheckCreated, "monitor.check.created", "Check created: {}", Mark::Info
);
check_event!(
    /// A check was changed.
    CheckChanged, "monitor.check.changed", "Check changed: {}", Mark::Info
);
check_event!(
    /// A check was deleted.
    CheckDeleted, "monitor.check.deleted", "Check deleted: {}", Mark::Idle
);
check_event!(
    /// A check was paused.
    CheckPaused, "monitor.check.paused", "Check paused: {}", Mark::Idle
);
check_event!(
    /// A paused check runs again.
    CheckResumed, "monitor.check.resumed", "Check resumed: {}", Mark::Info
);

/// An alert fired.
#[derive(Clone, Debug, Serialize)]
pub struct AlertFired {
    /// The alert.
    pub alert: Ref,
    /// Its check.
    pub check: Ref,
    /// The asset it is about, if it is about one of ours.
    pub asset: Option<Ref>,
    /// The group it belongs to.
    pub group: Ref,
    /// Name of the check.
    pub name: String,
    /// The labels of the alert.
    pub labels: Labels,
    /// Where the asset stands.
    pub place: Option<i64>,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen, oldest first.
    pub evidence: Vec<String>,
    /// A silence covers it.
    pub silenced: bool,
}

impl Event for AlertFired {
    const NAME: &'static str = "monitor.alert.fired";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.alert.clone(), self.check.clone(), self.group.clone()];
        all.extend(self.asset.clone());
        all
    }
    fn title(&self) -> String {
        format!("Alert: {}", self.name)
    }
    fn mark(&self) -> Mark {
        mark(self.severity)
    }
    fn sample() -> Self {
        Self {
            alert: Ref::new("alert", 3),
            check: Ref::new("check", 3),
            asset: Some(Ref::new("asset", 417)),
            group: Ref::new("alert_group", 9),
            name: "Web server runs".into(),
            labels: Labels::sample(),
            place: Some(5),
            severity: Severity::Critical,
            evidence: vec!["2026-03-02 08:00:10 UTC: no process nginx runs".into()],
            silenced: false,
        }
    }
}

/// An alert was cleared by good results.
#[derive(Clone, Debug, Serialize)]
pub struct AlertRecovered {
    /// The alert.
    pub alert: Ref,
    /// Its check.
    pub check: Ref,
    /// The asset it is about, if it is about one of ours.
    pub asset: Option<Ref>,
    /// The group it belonged to.
    pub group: Option<Ref>,
    /// Name of the check.
    pub name: String,
    /// The labels of the alert.
    pub labels: Labels,
    /// Where the asset stands.
    pub place: Option<i64>,
    /// What was seen, oldest first.
    pub evidence: Vec<String>,
    /// Seconds from firing to clearing.
    pub lasted_s: i64,
}

impl Event for AlertRecovered {
    const NAME: &'static str = "monitor.alert.recovered";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.alert.clone(), self.check.clone()];
        all.extend(self.asset.iter().chain(&self.group).cloned());
        all
    }
    fn title(&self) -> String {
        format!("Recovered: {}", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Ok
    }
    fn sample() -> Self {
        Self {
            alert: Ref::new("alert", 3),
            check: Ref::new("check", 3),
            asset: Some(Ref::new("asset", 417)),
            group: Some(Ref::new("alert_group", 9)),
            name: "Web server runs".into(),
            labels: Labels::sample(),
            place: Some(5),
            evidence: vec!["2026-03-02 08:01:10 UTC: 1 process nginx runs".into()],
            lasted_s: 60,
        }
    }
}

pub(crate) fn mark(severity: Severity) -> Mark {
    match severity {
        Severity::Critical => Mark::Critical,
        Severity::Warning => Mark::Warn,
    }
}
