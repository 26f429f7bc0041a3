//! List enrolment tokens.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TokenView;
use crate::list_page::{self, ListPage};

/// List enrolment tokens, newest first. Their texts are not kept.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListTokens {
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<i64>,
}

impl Operation for ListTokens {
    const NAME: &'static str = "fleet.token.list";
    const ROUTE: Route = get("/fleet/tokens");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ListPage<TokenView>;

    fn run(&self, cx: &mut Cx) -> Result<ListPage<TokenView>> {
        cx.reach_everything(Self::NAME)?;
        let limit = list_page::limit(self.limit)?;
        let rows = super::store::page(cx.tx, list_page::before(self.cursor.as_deref())?, limit + 1)?;
        let (count, now) = (super::store::count(cx.tx)?, cx.now);
        Ok(ListPage::new(rows.into_iter().map(|row| row.view(now)).collect(), limit, count, |row| row.id))
    }
}
