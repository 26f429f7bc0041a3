//! Take a relation back.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::RelationRemoved;
use super::{Relation, store};
use crate::thing::change::reached;

/// Say that a thing no longer stands on another.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RemoveRelation {
    /// The relation's number.
    pub relation: i64,
}

impl Operation for RemoveRelation {
    const NAME: &'static str = "assets.relation.remove";
    const ROUTE: Route = delete("/assets/relations/{relation}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Relation;

    fn run(&self, cx: &mut Cx) -> Result<Relation> {
        let missing = || Error::not_found(format!("Relation {}", self.relation));
        let relation = store::get(cx.tx, self.relation)?.ok_or_else(missing)?;
        let from = reached(cx, relation.from, Self::NAME).map_err(|_| missing())?;
        let to = crate::thing::store::get(cx.tx, relation.to)?.ok_or_else(missing)?;
        store::delete(cx.tx, relation.id)?;
        super::record(cx, &from.reference, relation.kind, &to, Some(&relation.group), None)?;
        cx.emit(&RelationRemoved {
            from: from.reference,
            from_name: from.name,
            kind: relation.kind,
            to: to.reference,
            to_name: to.name,
        })?;
        Ok(relation)
    }
}
