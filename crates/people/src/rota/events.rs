//! What rotas tell others.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

/// A rota was made.
#[derive(Serialize)]
pub(crate) struct RotaCreated {
    pub(crate) rota: Ref,
    pub(crate) name: String,
    pub(crate) team: Option<Ref>,
}

impl Event for RotaCreated {
    const NAME: &'static str = "people.rota.created";
    fn subjects(&self) -> Vec<Ref> {
        std::iter::once(self.rota.clone()).chain(self.team.clone()).collect()
    }
    fn title(&self) -> String {
        format!("The rota {} was made", self.name)
    }
    fn sample() -> Self {
        Self { rota: Ref::new("rota", 1), name: "Infrastructure".into(), team: Some(Ref::new("team", 1)) }
    }
}

/// Who is on call by a rota may be others from now on: its rotations, zone, name or team changed.
#[derive(Serialize)]
pub(crate) struct RotaChanged {
    pub(crate) rota: Ref,
    pub(crate) name: String,
    pub(crate) team: Option<Ref>,
}

impl Event for RotaChanged {
    const NAME: &'static str = "people.rota.changed";
    fn subjects(&self) -> Vec<Ref> {
        std::iter::once(self.rota.clone()).chain(self.team.clone()).collect()
    }
    fn title(&self) -> String {
        format!("The rota {} changed", self.name)
    }
    fn sample() -> Self {
        Self { rota: Ref::new("rota", 1), name: "Infrastructure".into(), team: Some(Ref::new("team", 1)) }
    }
}

/// A rota is gone, with its overrides and the addresses of its calendar.
#[derive(Serialize)]
pub(crate) struct RotaDeleted {
    pub(crate) rota: Ref,
    pub(crate) name: String,
}

impl Event for RotaDeleted {
    const NAME: &'static str = "people.rota.deleted";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.rota.clone()]
    }
    fn title(&self) -> String {
        format!("The rota {} was deleted", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Warn
    }
    fn sample() -> Self {
        Self { rota: Ref::new("rota", 1), name: "Infrastructure".into() }
    }
}

/// Somebody else than planned is on call for a time.
#[derive(Serialize)]
pub(crate) struct OverrideAdded {
    pub(crate) rota: Ref,
    pub(crate) rota_name: String,
    #[serde(rename = "override")]
    pub(crate) number: i64,
    pub(crate) people: Vec<Ref>,
    /// What it does, in words.
    pub(crate) words: String,
}

impl Event for OverrideAdded {
    const NAME: &'static str = "people.rota.override_added";
    fn subjects(&self) -> Vec<Ref> {
        std::iter::once(self.rota.clone()).chain(self.people.iter().cloned()).collect()
    }
    fn title(&self) -> String {
        format!("{}: {}", self.rota_name, self.words)
    }
    fn sample() -> Self {
        Self {
            rota: Ref::new("rota", 1),
            rota_name: "Infrastructure".into(),
            number: 1,
            people: vec![Ref::new("user", 1)],
            words: "Sam Reyes instead of Ada Admin from 2026-03-02T08:00:00+01:00 to 2026-03-03T08:00:00+01:00".into(),
        }
    }
}

/// An override was taken back.
#[derive(Serialize)]
pub(crate) struct OverrideRemoved {
    pub(crate) rota: Ref,
    pub(crate) rota_name: String,
    #[serde(rename = "override")]
    pub(crate) number: i64,
    pub(crate) people: Vec<Ref>,
    /// What it did, in words.
    pub(crate) words: String,
}

impl Event for OverrideRemoved {
    const NAME: &'static str = "people.rota.override_removed";
    fn subjects(&self) -> Vec<Ref> {
        std::iter::once(self.rota.clone()).chain(self.people.iter().cloned()).collect()
    }
    fn title(&self) -> String {
        format!("{}: taken back: {}", self.rota_name, self.words)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self {
            rota: Ref::new("rota", 1),
            rota_name: "Infrastructure".into(),
            number: 1,
            people: vec![Ref::new("user", 1)],
            words: "Sam Reyes instead of Ada Admin from 2026-03-02T08:00:00+01:00 to 2026-03-03T08:00:00+01:00".into(),
        }
    }
}
