//! Show one job with its output.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobView, list};

/// Show one job with its output.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowJob {
    /// The job's number.
    pub id: i64,
}

impl Operation for ShowJob {
    const NAME: &'static str = "fleet.job.show";
    const ROUTE: Route = get("/fleet/jobs/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = JobView;

    fn run(&self, cx: &mut Cx) -> Result<JobView> {
        let reach = cx.reach(list::NAME)?;
        Ok(super::find(cx, self.id, &reach)?.view())
    }
}
