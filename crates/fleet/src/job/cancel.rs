//! Cancel a job that was not sent yet.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ending, JobView, find, finish, list};
use crate::events::job_ref;

/// Cancel a job that its agent was not sent yet. What was sent is stopped with Stop all runs only.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CancelJob {
    /// The job's number.
    pub id: i64,
}

impl Operation for CancelJob {
    const NAME: &'static str = "fleet.job.cancel";
    const ROUTE: Route = post("/fleet/jobs/{id}/cancel");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = JobView;

    fn run(&self, cx: &mut Cx) -> Result<JobView> {
        let seen = cx.reach(list::NAME).or_else(|_| cx.reach(Self::NAME))?;
        let job = find(cx, self.id, &seen)?;
        find(cx, self.id, &cx.reach(Self::NAME)?).map_err(|_| Error::denied(Self::NAME))?;
        if job.is_over() {
            return Err(Error::conflict(format!("This job is over: {}.", job.state.replace('_', " "))));
        }
        if job.state != "queued" {
            return Err(Error::conflict(
                "This job was sent to its agent already and cannot be called back. Stop all runs would stop it.",
            ));
        }
        let reason = format!("Cancelled by {}", cx.actor.name);
        let ending = Ending::decided("cancelled", reason, cx.now);
        finish(cx, &job, &ending)?;
        cx.changed(&job_ref(job.id), "state", "queued", "cancelled")?;
        Ok(find(cx, self.id, &seen)?.view())
    }
}
