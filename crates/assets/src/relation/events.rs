//! What is told about relations.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

use super::RelationKind;

/// Two things were related.
#[derive(Serialize)]
pub(crate) struct RelationAdded {
    pub(crate) relation: i64,
    pub(crate) from: Ref,
    pub(crate) from_name: String,
    pub(crate) kind: RelationKind,
    pub(crate) to: Ref,
    pub(crate) to_name: String,
    /// Alternatives have one group; empty: it is in none.
    pub(crate) group: String,
    /// Facts speak for it and nobody said it.
    pub(crate) discovered: bool,
}

impl Event for RelationAdded {
    const NAME: &'static str = "assets.relation.added";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.from.clone(), self.to.clone()]
    }
    fn title(&self) -> String {
        told(&self.from_name, self.kind, &self.to_name, &self.group)
    }
    fn sample() -> Self {
        Self {
            relation: 1,
            from: Ref::new("asset", 1),
            from_name: "intranet".into(),
            kind: RelationKind::RunsOn,
            to: Ref::new("asset", 2),
            to_name: "srv-01".into(),
            group: String::new(),
            discovered: false,
        }
    }
}

/// A relation belongs to other alternatives than before.
#[derive(Serialize)]
pub(crate) struct RelationChanged {
    pub(crate) relation: i64,
    pub(crate) from: Ref,
    pub(crate) from_name: String,
    pub(crate) kind: RelationKind,
    pub(crate) to: Ref,
    pub(crate) to_name: String,
    /// Alternatives have one group; empty: it is in none.
    pub(crate) group: String,
    /// The group that it was in.
    pub(crate) group_before: String,
    /// Facts speak for it and nobody said it.
    pub(crate) discovered: bool,
}

impl Event for RelationChanged {
    const NAME: &'static str = "assets.relation.changed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.from.clone(), self.to.clone()]
    }
    fn title(&self) -> String {
        let told = told(&self.from_name, self.kind, &self.to_name, &self.group);
        if self.group.is_empty() { format!("{told}, no longer one of {}", self.group_before) } else { told }
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        Self {
            relation: 1,
            from: Ref::new("asset", 1),
            from_name: "billing".into(),
            kind: RelationKind::DependsOn,
            to: Ref::new("asset", 2),
            to_name: "db-01".into(),
            group: "databases".into(),
            group_before: String::new(),
            discovered: false,
        }
    }
}

/// A relation in words.
fn told(from: &str, kind: RelationKind, to: &str, group: &str) -> String {
    let words = kind.words();
    if group.is_empty() { format!("{from} {words} {to}") } else { format!("{from} {words} any of {group}: {to}") }
}

/// Two things are no longer related.
#[derive(Serialize)]
pub(crate) struct RelationRemoved {
    pub(crate) from: Ref,
    pub(crate) from_name: String,
    pub(crate) kind: RelationKind,
    pub(crate) to: Ref,
    pub(crate) to_name: String,
}

impl Event for RelationRemoved {
    const NAME: &'static str = "assets.relation.removed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.from.clone(), self.to.clone()]
    }
    fn title(&self) -> String {
        format!("No longer: {} {} {}", self.from_name, self.kind.words(), self.to_name)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self {
            from: Ref::new("asset", 1),
            from_name: "intranet".into(),
            kind: RelationKind::RunsOn,
            to: Ref::new("asset", 2),
            to_name: "srv-01".into(),
        }
    }
}
