//! Relate two things.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::RelationAdded;
use super::{Relation, RelationKind, store};
use crate::thing::change::reached;

/// Say what a thing stands on: what it runs on, is connected to, depends on, is powered by, or is part of.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct AddRelation {
    /// The number of the thing that would suffer.
    pub id: i64,
    /// How they stand.
    pub kind: RelationKind,
    /// The number of the thing it stands on.
    pub to: i64,
    /// A short name for alternatives: of the things with one name here and one kind of relation, any one is enough. Leave
    /// it empty for what is needed by itself. Switches, power supplies, gateways, name servers and time servers without
    /// a name here stand in for each other too.
    #[serde(default)]
    pub group: String,
}

impl Operation for AddRelation {
    const NAME: &'static str = "assets.relation.add";
    const ROUTE: Route = post("/assets/{id}/relations");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Relation;

    fn run(&self, cx: &mut Cx) -> Result<Relation> {
        let from = reached(cx, self.id, Self::NAME)?;
        let to = reached(cx, self.to, Self::NAME).map_err(|error| error.at("to"))?;
        if from.id == to.id {
            return Err(Error::invalid("to", "A thing cannot stand on itself. Choose another thing."));
        }
        let group = super::group(&self.group)?;
        if store::known(cx.tx, from.id, self.kind, to.id)?.is_some() {
            return Err(Error::conflict(format!(
                "It is known already that {} {} {}.",
                from.name,
                self.kind.words(),
                to.name
            )));
        }
        let source = cx.actor.name.clone();
        let (kind, since) = (self.kind, cx.now);
        let mut relation = Relation { id: 0, from: from.id, kind, to: to.id, group, source, since };
        relation.id = store::insert(cx.tx, &relation)?;
        super::record(cx, &from.reference, kind, &to, None, Some(&relation.group))?;
        cx.emit(&RelationAdded {
            relation: relation.id,
            from: from.reference,
            from_name: from.name,
            kind,
            to: to.reference,
            to_name: to.name,
            group: relation.group.clone(),
        })?;
        Ok(relation)
    }
}
