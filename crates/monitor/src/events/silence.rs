//! What is told about silences.

use kernel::{Event, Mark, Ref, Time};
use serde::Serialize;

/// A silence was set.
#[derive(Clone, Debug, Serialize)]
pub struct SilenceCreated {
    /// The silence.
    pub silence: Ref,
    /// The asset, check or team it covers.
    pub covers: Vec<Ref>,
    /// Until when.
    pub until: Time,
    /// Why.
    pub reason: String,
}

impl Event for SilenceCreated {
    const NAME: &'static str = "monitor.silence.created";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.silence.clone()];
        all.extend(self.covers.iter().cloned());
        all
    }
    fn title(&self) -> String {
        format!("Silenced: {}", self.reason)
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        Self {
            silence: Ref::new("silence", 2),
            covers: vec![Ref::new("asset", 417)],
            until: Time(1_772_442_000_000_000),
            reason: "Disk is being replaced".into(),
        }
    }
}

/// A silence ends at another time, or covers something else.
#[derive(Clone, Debug, Serialize)]
pub struct SilenceChanged {
    /// The silence.
    pub silence: Ref,
    /// The asset, check or team it covers now.
    pub covers: Vec<Ref>,
    /// Until when.
    pub until: Time,
    /// Why.
    pub reason: String,
}

impl Event for SilenceChanged {
    const NAME: &'static str = "monitor.silence.changed";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.silence.clone()];
        all.extend(self.covers.iter().cloned());
        all
    }
    fn title(&self) -> String {
        format!("Silence changed: {}", self.reason)
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        Self {
            silence: Ref::new("silence", 2),
            covers: vec![Ref::new("asset", 417)],
            until: Time(1_772_442_000_000_000),
            reason: "Disk is being replaced".into(),
        }
    }
}

/// A silence was ended before its time.
#[derive(Clone, Debug, Serialize)]
pub struct SilenceEnded {
    /// The silence.
    pub silence: Ref,
    /// The asset, check or team it covered.
    pub covers: Vec<Ref>,
    /// Why there was one.
    pub reason: String,
}

impl Event for SilenceEnded {
    const NAME: &'static str = "monitor.silence.ended";
    fn subjects(&self) -> Vec<Ref> {
        let mut all = vec![self.silence.clone()];
        all.extend(self.covers.iter().cloned());
        all
    }
    fn title(&self) -> String {
        format!("Silence ended: {}", self.reason)
    }
    fn sample() -> Self {
        Self {
            silence: Ref::new("silence", 2),
            covers: vec![Ref::new("asset", 417)],
            reason: "Disk is being replaced".into(),
        }
    }
}
