//! List the facts of a thing.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fact, store};
use crate::thing::change::reached;

/// A page of facts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// By section and key.
    pub items: Vec<Fact>,
    /// Where the next page starts; send it back as `cursor`. Null on the last page.
    pub next: Option<String>,
}

/// List what is known of a thing: value by value, with who reports it, when it was last looked at and since when it is so.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListFacts {
    /// The thing's number.
    #[schemars(extend("x-kind" = "asset"))]
    pub id: i64,
    /// Only these sections, for example os or packages.
    #[serde(default)]
    pub sections: Vec<String>,
    /// Only facts whose key holds this.
    #[serde(default)]
    pub word: String,
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 50 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListFacts {
    const NAME: &'static str = "assets.fact.list";
    const ROUTE: Route = get("/assets/{id}/facts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Facts;

    fn run(&self, cx: &mut Cx) -> Result<Facts> {
        let thing = reached(cx, self.id, Self::NAME)?;
        let limit = page::rows(self.limit)?;
        let wrong = || Error::invalid("cursor", "Send back what the page before answered as next.");
        let after = self.cursor.as_deref().filter(|text| !text.is_empty());
        let after = after.map(|text| text.split_once(' ').ok_or_else(wrong)).transpose()?;
        let sections: Vec<&str> = self.sections.iter().map(String::as_str).collect();
        let mut items = store::list(cx.tx, thing.id, &sections, self.word.trim(), after, limit + 1)?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|fact| format!("{} {}", fact.section, fact.key));
        Ok(Facts { items, next })
    }
}
