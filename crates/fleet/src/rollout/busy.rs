//! Machines that have the whole program and find no moment to try it, because jobs run: what they are busy with.

use kernel::{Ref, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::job_ref;

/// What a machine does that a new version waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BusyWith {
    /// The oldest job of the machine that is not over.
    pub job: Ref,
    /// The run that job belongs to.
    pub run: Option<Ref>,
    /// Since when: the agent took the job then, or it was queued then.
    pub since: Time,
}

/// What a rollout waits for at machines that have the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitsFor {
    /// The own name of the machine that is busy for the longest time.
    pub hostname: String,
    /// What it does.
    pub busy_with: BusyWith,
    /// Machines that are busy, with this one.
    pub machines: i64,
}

impl BusyWith {
    pub(super) fn new(job: i64, run: &str, since: Time) -> Self {
        Self { job: job_ref(job), run: run.parse().ok(), since }
    }

    /// What it is, in words, such as `run 12` or `job 40`.
    pub(crate) fn what(&self) -> String {
        match &self.run {
            Some(run) => format!("{} {}", run.kind.replace('_', " "), run.id),
            None => format!("job {}", self.job.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_is_busy_with_is_named_by_its_run_or_else_by_its_job() {
        assert_eq!(BusyWith::new(40, "run:12", Time(1)).what(), "run 12");
        assert_eq!(BusyWith::new(40, "", Time(1)).what(), "job 40");
    }
}
