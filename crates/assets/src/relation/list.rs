//! List the relations of a thing.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RelationKind, store};
use crate::thing::change::reached;
use crate::thing::list::ListThings;
use crate::thing::{self, Thing};

/// A relation as seen from one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Related {
    /// The relation's number.
    pub relation: i64,
    /// How they stand.
    pub kind: RelationKind,
    /// True when this thing stands on the other; false when the other stands on it.
    pub stands_on: bool,
    /// In words, read from this thing: "runs on", "hosts".
    pub words: String,
    /// The other thing's number.
    pub other: i64,
    /// `asset:NUMBER` of the other thing.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The other thing's name.
    pub other_name: String,
    /// What the other thing is.
    pub other_kind: String,
    /// Alternatives have one group: of those of one kind, any one is enough. Empty: it is in none.
    pub group: String,
    /// Who says so.
    pub source: String,
    /// Since when it is known.
    pub since: Time,
    /// Facts speak for it and nobody said it: it goes when they no longer do.
    pub discovered: bool,
}

/// Relations.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Relations {
    /// First what it stands on, then what stands on it.
    pub items: Vec<Related>,
}

/// List what a thing stands on and what stands on it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListRelations {
    /// The thing's number.
    #[schemars(extend("x-kind" = "asset"))]
    pub id: i64,
}

impl Operation for ListRelations {
    const NAME: &'static str = "assets.relation.list";
    const ROUTE: Route = get("/assets/{id}/relations");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Relations;

    fn run(&self, cx: &mut Cx) -> Result<Relations> {
        let thing = reached(cx, self.id, Self::NAME)?;
        Ok(Relations { items: related(cx, thing.id)? })
    }
}

/// The relations of a thing to those others that the actor may see.
pub(crate) fn related(cx: &mut Cx, id: i64) -> Result<Vec<Related>> {
    let relations = [store::from(cx.tx, id)?, store::to(cx.tx, id)?].concat();
    if relations.is_empty() {
        return Ok(Vec::new());
    }
    let others: Vec<i64> = relations.iter().map(|one| if one.from == id { one.to } else { one.from }).collect();
    let Ok(reach) = cx.reach(ListThings::NAME) else { return Ok(Vec::new()) };
    let seen = thing::store::find(cx.tx, &others, &reach)?;
    let related = relations.into_iter().zip(others).filter_map(|(one, other)| {
        let other: &Thing = seen.iter().find(|thing| thing.id == other)?;
        let stands_on = one.from == id;
        let words = if stands_on { one.kind.words() } else { one.kind.words_back() };
        Some(Related {
            relation: one.id,
            kind: one.kind,
            stands_on,
            words: words.to_owned(),
            other: other.id,
            reference: other.reference.clone(),
            other_name: other.name.clone(),
            other_kind: other.kind.clone(),
            group: one.group,
            source: one.source,
            since: one.since,
            discovered: one.discovered,
        })
    });
    Ok(related.collect())
}
