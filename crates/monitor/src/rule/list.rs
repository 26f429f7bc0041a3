//! List rules.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Makes, Rule, shown};
use crate::store::{self, rules::Filter};

/// List rules by name, a page at a time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListRules {
    /// Words that the name must hold.
    pub q: Option<String>,
    /// Only rules that make this: alert or record.
    pub makes: Option<Makes>,
    /// Only rules of this rule file.
    pub file: Option<String>,
    /// Only rules of groups of this name.
    pub group: Option<String>,
    /// Only paused ones, or only those that are evaluated.
    pub paused: Option<bool>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

impl ListRules {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.rule.list";
}

/// A page of rules.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// The rules.
    pub items: Vec<Rule>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl Operation for ListRules {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/rules");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Rules;

    fn run(&self, cx: &mut Cx) -> Result<Rules> {
        let reach = cx.reach(Self::NAME)?;
        let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let words = self.q.as_deref().unwrap_or_default().split_whitespace().take(8).map(str::to_owned).collect();
        let (file, group) = (text(&self.file), text(&self.group));
        let filter = Filter { words, makes: self.makes, file, group, paused: self.paused };
        let limit = page::rows(self.limit)?;
        let after = page::after(self.cursor.as_deref())?;
        let found = store::rules::page(cx.tx, &filter, &reach, after, limit + 1)?;
        let found = Page::by(found, limit, |last| page::keyed(last.id, &last.new.rule.name));
        let count = store::rules::count(cx.tx, &filter, &reach, COUNT_MAX)?;
        let items = found.items.into_iter().map(|one| shown(cx, one)).collect::<Result<_>>()?;
        Ok(Rules { items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}
