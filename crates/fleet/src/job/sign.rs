//! A job in the form that travels: bound to its agent, its time and the stop epoch, and signed at the moment of sending.

use agent_proto::{Action, Class, FromServer, sign_job, sign_job_within, unhex};
use kernel::{Error, Handle, Result};
use serde::Deserialize;

use super::Job;
use crate::keys::Keys;

/// The frame of a job for its agent.
pub(crate) fn frame(kernel: &Handle, job: &Job, agent_id: [u8; 16]) -> Result<Vec<u8>> {
    let damaged = |what: &str| Error::internal("job-damaged", format!("{what} of job {}", job.id));
    let action = Action::deserialize(&job.action).map_err(|error| Error::internal("job-damaged", error))?;
    let plan: Option<Vec<[u8; 32]>> = job.plan.iter().map(|text| unhex(text)).collect();
    let service = matches!(action, Action::Service { .. });
    let whole = agent_proto::Job {
        job_id: job.job_id,
        agent_id,
        class: if job.class == "A" { Class::A } else { Class::B },
        action,
        plan_hash: unhex(&job.plan_hash).ok_or_else(|| damaged("plan hash"))?,
        plan: plan.ok_or_else(|| damaged("plan"))?,
        not_before_us: job.not_before.0,
        not_after_us: job.not_after.0,
        nonce: kernel.random()?,
        stop_epoch: job.stop_epoch.unsigned_abs(),
        approval: job.approval.as_ref().map(super::queue::JobApproval::decoded).transpose()?,
    };
    let keys = kernel.get::<Keys>()?;
    // The other actions carry their own limit.
    let signed = if service {
        let limit_ms = u32::try_from(job.timeout_s.saturating_mul(1_000)).unwrap_or(u32::MAX);
        sign_job_within(&whole, limit_ms, keys.job())
    } else {
        sign_job(&whole, keys.job())
    };
    let signed = signed.ok_or_else(|| Error::over_limit("This job is longer than an agent takes."))?;
    crate::link::frame(FromServer::Job(signed))
}
