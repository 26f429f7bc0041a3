//! What runbooks tell: versions that wait or are approved, bindings, and runs from proposal to end.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

/// The reference of a runbook.
pub(crate) fn runbook_ref(id: i64) -> Ref {
    Ref::new("runbook", id)
}

/// The reference of a run.
pub(crate) fn run_ref(id: i64) -> Ref {
    Ref::new("run", id)
}

/// A version of a runbook was saved.
#[derive(Clone, Debug, Serialize)]
pub struct RunbookSaved {
    /// The runbook.
    pub runbook: Ref,
    /// Its name.
    pub name: String,
    /// The number of the version.
    pub number: i64,
    /// The hash of the version.
    pub version: String,
}

impl Event for RunbookSaved {
    const NAME: &'static str = "runbooks.runbook.saved";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.runbook.clone()]
    }
    fn title(&self) -> String {
        format!("Version {} of {} was saved", self.number, self.name)
    }
    fn sample() -> Self {
        Self { runbook: runbook_ref(1), name: "restart-web".into(), number: 2, version: "ab12".into() }
    }
}

/// A version of a runbook was approved.
#[derive(Clone, Debug, Serialize)]
pub struct RunbookApproved {
    /// The runbook.
    pub runbook: Ref,
    /// Its name.
    pub name: String,
    /// The number of the version.
    pub number: i64,
    /// The hash of the version.
    pub version: String,
    /// True when its author approved it, as the setting for a team of one person allows.
    pub by_author: bool,
}

impl Event for RunbookApproved {
    const NAME: &'static str = "runbooks.runbook.approved";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.runbook.clone()]
    }
    fn title(&self) -> String {
        let alone = if self.by_author { " by its author" } else { "" };
        format!("Version {} of {} was approved{alone}", self.number, self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Ok
    }
    fn sample() -> Self {
        let (runbook, name) = (runbook_ref(1), "restart-web".into());
        Self { runbook, name, number: 2, version: "ab12".into(), by_author: false }
    }
}

/// A runbook was bound to a check, or is no longer.
#[derive(Clone, Debug, Serialize)]
pub struct BindingChanged {
    /// The check.
    pub check: Ref,
    /// The runbook.
    pub runbook: Ref,
    /// Its name.
    pub name: String,
    /// propose, approve or auto.
    pub mode: String,
    /// True when it was removed.
    pub removed: bool,
}

impl Event for BindingChanged {
    const NAME: &'static str = "runbooks.binding.changed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.check.clone(), self.runbook.clone()]
    }
    fn title(&self) -> String {
        if self.removed {
            return format!("The runbook {} no longer answers this check", self.name);
        }
        let how = match self.mode.as_str() {
            "auto" => "runs by itself",
            "approve" => "asks for approval",
            _ => "is proposed",
        };
        format!("When this check fails, the runbook {} {how}", self.name)
    }
    fn sample() -> Self {
        let (check, runbook) = (Ref::new("check", 3), runbook_ref(1));
        Self { check, runbook, name: "restart-web".into(), mode: "auto".into(), removed: false }
    }
}

/// What every event about a run carries.
#[derive(Clone, Debug, Serialize)]
pub struct RunFacts {
    /// The run.
    pub run: Ref,
    /// The runbook.
    pub runbook: Ref,
    /// The runbook's title.
    pub title: String,
    /// The hash of the version.
    pub version: String,
    /// The alert group or whatever else caused it.
    pub cause: Option<Ref>,
    /// The machine.
    pub asset: Option<Ref>,
    /// The check it answers.
    pub check: Option<Ref>,
    /// What came of it, or why, in one sentence.
    pub outcome: String,
    /// What was tried, in order.
    pub tried: Vec<String>,
    /// What proves it.
    pub evidence: Vec<String>,
}

impl RunFacts {
    pub(crate) fn subjects(&self) -> Vec<Ref> {
        let optional = [self.asset.clone(), self.cause.clone(), self.check.clone()].into_iter().flatten();
        [self.run.clone()].into_iter().chain(optional).chain([self.runbook.clone()]).collect()
    }

    fn sample() -> Self {
        Self {
            run: run_ref(4),
            runbook: runbook_ref(1),
            title: "Restart the web server".into(),
            version: "ab12".into(),
            cause: Some(Ref::new("alert_group", 9)),
            asset: Some(Ref::new("asset", 12)),
            check: Some(Ref::new("check", 3)),
            outcome: "Every step is done.".into(),
            tried: vec!["Restart it: done".into()],
            evidence: vec!["Restart it: verified".into()],
        }
    }
}

macro_rules! run_event {
    ($(#[$doc:meta])* $type:ident, $name:literal, $mark:expr, $text:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        pub struct $type {
            /// About which run.
            #[serde(flatten)]
            pub facts: RunFacts,
        }

        impl Event for $type {
            const NAME: &'static str = $name;
            fn subjects(&self) -> Vec<Ref> {
                self.facts.subjects()
            }
            fn title(&self) -> String {
                let outcome = if self.facts.outcome.is_empty() { String::new() } else { format!(": {}", self.facts.outcome) };
                format!(concat!($text, "{}"), self.facts.title, outcome)
            }
            fn mark(&self) -> Mark {
                $mark
            }
            fn sample() -> Self {
                Self { facts: RunFacts::sample() }
            }
        }
    };
}

run_event!(
    /// A run waits for a person to start or approve it.
    RunProposed, "runbooks.run.proposed", Mark::Planned, "Runbook \"{}\" is proposed"
);
run_event!(
    /// A run began.
    RunStarted, "runbooks.run.started", Mark::Working, "Runbook \"{}\" started"
);
run_event!(
    /// A run did what it should.
    RunFinished, "runbooks.run.finished", Mark::Ok, "Runbook \"{}\" finished"
);
run_event!(
    /// A run did not do what it should; what could be undone was.
    RunFailed, "runbooks.run.failed", Mark::Critical, "Runbook \"{}\" failed"
);
run_event!(
    /// A run was stopped, declined or came too late.
    RunStopped, "runbooks.run.stopped", Mark::Warn, "Runbook \"{}\" was stopped"
);

/// A step of a run ended.
#[derive(Clone, Debug, Serialize)]
pub struct StepFinished {
    /// About which run.
    #[serde(flatten)]
    pub facts: RunFacts,
    /// The step, from 1.
    pub step: i64,
    /// Its name.
    pub name: String,
    /// True when it is as it should be.
    pub fine: bool,
}

impl Event for StepFinished {
    const NAME: &'static str = "runbooks.run.step-finished";
    fn subjects(&self) -> Vec<Ref> {
        self.facts.subjects().into_iter().filter(|one| one.kind == "run").collect()
    }
    fn title(&self) -> String {
        let how = if self.fine { "is done" } else { "did not work" };
        format!("Step {} \"{}\" {how}", self.step, self.name)
    }
    fn mark(&self) -> Mark {
        if self.fine { Mark::Ok } else { Mark::Critical }
    }
    fn sample() -> Self {
        Self { facts: RunFacts::sample(), step: 1, name: "Restart it".into(), fine: true }
    }
}
