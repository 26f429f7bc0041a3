//! What is told about maintenance windows.

use kernel::{Event, Mark, Ref, Time};
use serde::Serialize;

/// A maintenance window was planned.
#[derive(Clone, Debug, Serialize)]
pub struct MaintenancePlanned {
    /// The window.
    pub maintenance: Ref,
    /// The asset, check, team or place it covers.
    pub covers: Vec<Ref>,
    /// What is done in it.
    pub name: String,
}

/// A maintenance window was changed.
#[derive(Clone, Debug, Serialize)]
pub struct MaintenanceChanged {
    /// The window.
    pub maintenance: Ref,
    /// The asset, check, team or place it covers now.
    pub covers: Vec<Ref>,
    /// What is done in it.
    pub name: String,
}

/// A maintenance window began.
#[derive(Clone, Debug, Serialize)]
pub struct MaintenanceStarted {
    /// The window.
    pub maintenance: Ref,
    /// The asset, check, team or place it covers.
    pub covers: Vec<Ref>,
    /// What is done in it.
    pub name: String,
    /// Until when, at the latest.
    pub until: Time,
}

/// A maintenance window ended, and everything it covered was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct MaintenanceEnded {
    /// The window.
    pub maintenance: Ref,
    /// The asset, check, team or place it covered.
    pub covers: Vec<Ref>,
    /// What was done in it.
    pub name: String,
    /// The checks whose alerts are out now, at most 20; people are told of them now.
    pub bad: Vec<String>,
}

fn subjects(maintenance: &Ref, covers: &[Ref]) -> Vec<Ref> {
    std::iter::once(maintenance).chain(covers).cloned().collect()
}

impl Event for MaintenancePlanned {
    const NAME: &'static str = "monitor.maintenance.planned";
    fn subjects(&self) -> Vec<Ref> {
        subjects(&self.maintenance, &self.covers)
    }
    fn title(&self) -> String {
        format!("Maintenance planned: {}", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        let covers = vec![Ref::new("asset", 417)];
        Self { maintenance: Ref::new("maintenance", 4), covers, name: "Firmware of the core switches".into() }
    }
}

impl Event for MaintenanceChanged {
    const NAME: &'static str = "monitor.maintenance.changed";
    fn subjects(&self) -> Vec<Ref> {
        subjects(&self.maintenance, &self.covers)
    }
    fn title(&self) -> String {
        format!("Maintenance changed: {}", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        let covers = vec![Ref::new("asset", 417)];
        Self { maintenance: Ref::new("maintenance", 4), covers, name: "Firmware of the core switches".into() }
    }
}

impl Event for MaintenanceStarted {
    const NAME: &'static str = "monitor.maintenance.started";
    fn subjects(&self) -> Vec<Ref> {
        subjects(&self.maintenance, &self.covers)
    }
    fn title(&self) -> String {
        format!("Maintenance began: {}", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        Self {
            maintenance: Ref::new("maintenance", 4),
            covers: vec![Ref::new("asset", 417)],
            name: "Firmware of the core switches".into(),
            until: Time(1_772_442_000_000_000),
        }
    }
}

impl Event for MaintenanceEnded {
    const NAME: &'static str = "monitor.maintenance.ended";
    fn subjects(&self) -> Vec<Ref> {
        subjects(&self.maintenance, &self.covers)
    }
    fn title(&self) -> String {
        match self.bad.as_slice() {
            [] => format!("Maintenance ended, all is well: {}", self.name),
            [one] => format!("Maintenance ended, {one} is bad: {}", self.name),
            many => format!("Maintenance ended, {} checks are bad: {}", many.len(), self.name),
        }
    }
    fn mark(&self) -> Mark {
        if self.bad.is_empty() { Mark::Ok } else { Mark::Warn }
    }
    fn sample() -> Self {
        Self {
            maintenance: Ref::new("maintenance", 4),
            covers: vec![Ref::new("asset", 417)],
            name: "Firmware of the core switches".into(),
            bad: vec!["Port 443 answers".into()],
        }
    }
}
