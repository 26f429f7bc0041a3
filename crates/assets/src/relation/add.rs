//! Relate two things.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Relation, RelationKind, discover, store, write};
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
        match store::known(cx.tx, from.id, self.kind, to.id)? {
            // What facts speak for is said by somebody from now on, who goes before them.
            Some(known) if known.discovered => write::give_way(cx, &from, &to, &known)?,
            Some(_) => {
                let words = self.kind.words();
                return Err(Error::conflict(format!("It is known already that {} {words} {}.", from.name, to.name)));
            }
            None => {}
        }
        store::allow(cx.tx, from.id, self.kind, to.id)?;
        let (kind, source, since) = (self.kind, cx.actor.name.clone(), cx.now);
        let new = Relation { id: 0, from: from.id, kind, to: to.id, group, source, since, discovered: false };
        let relation = write::put(cx, &from, &to, new)?;
        discover::settle(cx, from.id)?;
        Ok(relation)
    }
}
