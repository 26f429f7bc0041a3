//! Take a relation back.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Relation, discover, store, write};
use crate::thing::change::reached;

/// Say that a thing does not stand on another. What facts speak for does not come back until somebody says it.
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
        write::take_away(cx, &from, &to, &relation)?;
        discover::decline(cx, &from, (relation.kind, to.id))?;
        Ok(relation)
    }
}
