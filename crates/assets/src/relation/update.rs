//! Change a relation: which alternatives it belongs to.

use kernel::{Access, Change, Cx, Effect, Error, Operation, Result, Route, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Relation, store, write};
use crate::thing::change::reached;

/// Say of what a thing stands on whether something else can stand in for it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct UpdateRelation {
    /// The relation's number.
    pub relation: i64,
    /// A short name for alternatives: of the things with one name here and one kind of relation, any one is enough. Null for
    /// none.
    #[serde(default)]
    pub group: Change<String>,
}

impl Operation for UpdateRelation {
    const NAME: &'static str = "assets.relation.update";
    const ROUTE: Route = patch("/assets/relations/{relation}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Relation;

    fn run(&self, cx: &mut Cx) -> Result<Relation> {
        let missing = || Error::not_found(format!("Relation {}", self.relation));
        let old = store::get(cx.tx, self.relation)?.ok_or_else(missing)?;
        let from = reached(cx, old.from, Self::NAME).map_err(|_| missing())?;
        let to = crate::thing::store::get(cx.tx, old.to)?.ok_or_else(missing)?;
        let group = if self.group.is_keep() {
            old.group.clone()
        } else {
            super::group(&self.group.apply(None).unwrap_or_default())?
        };
        if group == old.group {
            return Ok(old);
        }
        write::regroup(cx, &from, &to, &old, group)
    }
}
