//! Relate two things.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Relation, RelationAdded, RelationKind, store};
use crate::thing::change::reached;

/// Say what a thing stands on: what it runs on, is connected to, depends on, is powered by, or is part of.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct AddRelation {
    /// The number of the thing that would suffer.
    #[schemars(extend("x-kind" = "asset"))]
    pub id: i64,
    /// How they stand.
    pub kind: RelationKind,
    /// The number of the thing it stands on.
    #[schemars(extend("x-kind" = "asset"))]
    pub to: i64,
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
        if store::known(cx.tx, from.id, self.kind, to.id)? {
            return Err(Error::conflict(format!(
                "It is known already that {} {} {}.",
                from.name,
                self.kind.words(),
                to.name
            )));
        }
        let source = cx.actor.name.clone();
        let id = store::insert(cx.tx, from.id, self.kind, to.id, &source, cx.now)?;
        cx.changed(&from.reference, self.kind.as_str(), None::<&str>, Some(&to.name))?;
        cx.emit(&RelationAdded {
            relation: id,
            from: from.reference,
            from_name: from.name,
            kind: self.kind,
            to: to.reference,
            to_name: to.name,
        })?;
        Ok(Relation { id, from: from.id, kind: self.kind, to: to.id, source, since: cx.now })
    }
}
