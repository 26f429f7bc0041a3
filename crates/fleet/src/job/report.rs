//! What agents report about jobs: accepted, and how it ended. A report about another agent's job is refused.

use std::any::Any;

use agent_proto::{JobResult, JobState};
use kernel::registry::AgentFrom;
use kernel::{Actor, Cx, Error, Handle, Result};

use super::{Ending, Job, complete, finish, store};

/// Takes `JobAccepted` as `(job_id, at_us)`.
pub(crate) fn accepted(kernel: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let (job_id, _) = *downcast::<([u8; 16], i64)>(body)?;
    let from = from.clone();
    kernel.write_as(actor(&from), "fleet.job.accepted", move |cx| {
        let job = own(cx, &from, &job_id)?;
        let now = cx.now;
        if store::accepted(cx.tx, job.id, now)? {
            cx.touch(crate::events::job_ref(job.id));
        }
        Ok(())
    })
}

/// Takes `JobResult`. The first one is stored and told, also when the server had given the job up; what comes again changes
/// nothing.
pub(crate) fn finished(kernel: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let result = downcast::<JobResult>(body)?.clone();
    let from = from.clone();
    kernel.write_as(actor(&from), "fleet.job.report", move |cx| {
        let job = own(cx, &from, &result.job_id)?;
        let ending = ending(&result);
        if finish(cx, &job, &ending)? { Ok(()) } else { complete(cx, &job, &ending) }
    })
}

fn ending(result: &JobResult) -> Ending {
    Ending {
        state: match result.state {
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Refused => "refused",
            JobState::Expired => "expired",
            JobState::TimedOut => "timed_out",
            JobState::Unknown => "unknown",
            JobState::Stopped => "stopped",
        },
        reason: result.reason.replace('\0', ""),
        exit_code: result.exit_code.map(i64::from),
        output: result.output.replace('\0', ""),
        output_dropped: i64::try_from(result.output_dropped_bytes).unwrap_or(i64::MAX),
        started_us: result.started_us,
        finished_us: result.finished_us,
        guessed: false,
    }
}

/// The job, if it is this agent's.
fn own(cx: &mut Cx, from: &AgentFrom, job_id: &[u8; 16]) -> Result<Job> {
    match store::by_job_id(cx.tx, job_id)? {
        Some(job) if job.agent == from.agent && job.asset == from.asset => Ok(job),
        Some(_) => Err(Error::denied("a job of another agent")),
        None => Err(Error::not_found(format!("The job {}", kernel::text::hex(job_id)))),
    }
}

fn downcast<T: 'static>(body: &dyn Any) -> Result<&T> {
    body.downcast_ref().ok_or_else(|| Error::internal("agent-message-type", std::any::type_name::<T>()))
}

fn actor(from: &AgentFrom) -> Actor {
    Actor { ident: kernel::Ident::Agent(from.asset), name: format!("agent of asset:{}", from.asset), ..Actor::nobody() }
}
