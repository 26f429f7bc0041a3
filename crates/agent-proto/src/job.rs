//! Signing and judging jobs. Nothing here knows the local policy: that is the agent's, and comes after.

use std::fmt;

use crate::limits::JOB_BYTES_MAX;
use crate::sign::{Signature, SigningKey, verify};
use crate::token::sha256;
use crate::v1::{Action, Approval, Job, SignedJob, SignedStop, StopOrder};

const JOB_CONTEXT: &str = "mainstay job v1";
/// A [`Job`] and, behind it, how many milliseconds an action may take that names no limit of its own.
const LIMITED_CONTEXT: &str = "mainstay job v2";
const STOP_CONTEXT: &str = "mainstay stop v1";
const APPROVAL_CONTEXT: &str = "mainstay approval v1";

/// Why a job is not even looked at by the local policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobRefusal {
    /// The signature is not of the server's job key.
    Signature,
    /// Signed bytes that are not a job.
    Malformed,
    /// Meant for another agent.
    Target,
    /// Of an epoch that *Stop all runs* has ended.
    Stopped,
    /// Its time has not come.
    TooEarly,
    /// Its time is over.
    Expired,
    /// The plan hash is not that of the plan, or this action is not part of the plan.
    Plan,
    /// The approval is not a signature over this plan, or is over.
    Approval,
}

impl fmt::Display for JobRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the signature is not of the server's job key",
            Self::Malformed => "the signed bytes are not a job",
            Self::Target => "the job is meant for another agent",
            Self::Stopped => "the job was made before all runs were stopped",
            Self::TooEarly => "the job's time has not come yet",
            Self::Expired => "the job's time is over",
            Self::Plan => "the action is not part of the plan that the job names",
            Self::Approval => "the approval is not a valid signature over this plan, or is over",
        })
    }
}

impl std::error::Error for JobRefusal {}

/// Signs a job. `None` when it is beyond the length limit.
pub fn sign_job(job: &Job, key: &SigningKey) -> Option<SignedJob> {
    let bytes = postcard::to_allocvec(job).ok()?;
    (bytes.len() <= JOB_BYTES_MAX).then(|| SignedJob { signature: key.sign(JOB_CONTEXT, &[&bytes]), bytes })
}

/// Signs a job whose action names no limit of its own, [`Action::Service`], together with one in milliseconds. An
/// agent that knows only the version before refuses it as wrongly signed. `None` when it is beyond the length limit.
pub fn sign_job_within(job: &Job, limit_ms: u32, key: &SigningKey) -> Option<SignedJob> {
    let bytes = postcard::to_allocvec(&(job, limit_ms)).ok()?;
    (bytes.len() <= JOB_BYTES_MAX).then(|| SignedJob { signature: key.sign(LIMITED_CONTEXT, &[&bytes]), bytes })
}

/// The limit in milliseconds that [`sign_job_within`] gave the job, when its signature holds.
pub fn limit_ms(signed: &SignedJob, server_key: &[u8; 32]) -> Option<u32> {
    read(signed, server_key).ok()?.1
}

/// Either version, each by a signature of its own kind.
fn read(signed: &SignedJob, server_key: &[u8; 32]) -> Result<(Job, Option<u32>), JobRefusal> {
    let is = |context| verify(server_key, context, &[&signed.bytes], &signed.signature);
    if signed.bytes.len() > JOB_BYTES_MAX {
        return Err(JobRefusal::Signature);
    }
    if is(JOB_CONTEXT) {
        return match postcard::take_from_bytes::<Job>(&signed.bytes) {
            Ok((job, [])) => Ok((job, None)),
            _ => Err(JobRefusal::Malformed),
        };
    }
    if is(LIMITED_CONTEXT) {
        return match postcard::take_from_bytes::<(Job, u32)>(&signed.bytes) {
            Ok(((job, limit_ms), [])) => Ok((job, Some(limit_ms))),
            _ => Err(JobRefusal::Malformed),
        };
    }
    Err(JobRefusal::Signature)
}

/// Judges a job by signature, target, epoch, plan, approval and time, in this order.
///
/// # Errors
/// The first reason to refuse it, with the job where its signature holds, so that the refusal can name it.
pub fn verify_job(
    signed: &SignedJob,
    server_key: &[u8; 32],
    agent_id: &[u8; 16],
    stop_epoch: u64,
    now_us: i64,
) -> Result<Job, (JobRefusal, Option<Box<Job>>)> {
    let (job, _) = read(signed, server_key).map_err(|refusal| (refusal, None))?;
    match judge(&job, agent_id, stop_epoch, now_us) {
        None => Ok(job),
        Some(refusal) => Err((refusal, Some(Box::new(job)))),
    }
}

fn judge(job: &Job, agent_id: &[u8; 16], stop_epoch: u64, now_us: i64) -> Option<JobRefusal> {
    if job.agent_id != *agent_id {
        return Some(JobRefusal::Target);
    }
    if job.stop_epoch < stop_epoch {
        return Some(JobRefusal::Stopped);
    }
    if !job.plan.is_empty() || job.approval.is_some() {
        let digest = action_digest(agent_id, &job.action);
        if plan_hash(&job.plan) != job.plan_hash || !job.plan.contains(&digest) {
            return Some(JobRefusal::Plan);
        }
    }
    if job.approval.as_ref().is_some_and(|approval| !verify_approval(&job.plan_hash, approval, now_us)) {
        return Some(JobRefusal::Approval);
    }
    if now_us < job.not_before_us {
        return Some(JobRefusal::TooEarly);
    }
    (now_us > job.not_after_us).then_some(JobRefusal::Expired)
}

/// The digest of one action for one agent: what a plan is made of.
pub fn action_digest(agent_id: &[u8; 16], action: &Action) -> [u8; 32] {
    // Writing to memory fails for nothing that an `Action` can hold; an empty text would match no plan.
    let bytes = postcard::to_allocvec(action).unwrap_or_default();
    sha256(&[b"mainstay action v1\0", agent_id, &bytes])
}

/// The hash of a plan: what a person approves.
pub fn plan_hash(digests: &[[u8; 32]]) -> [u8; 32] {
    sha256(&[b"mainstay plan v1\0", &(digests.len() as u64).to_le_bytes(), digests.as_flattened()])
}

/// Approves a plan until a moment in microseconds of Unix time.
pub fn approve_plan(plan_hash: &[u8; 32], not_after_us: i64, key: &SigningKey) -> Approval {
    let signature = key.sign(APPROVAL_CONTEXT, &[plan_hash, &not_after_us.to_le_bytes()]);
    Approval { public_key: key.public(), not_after_us, signature }
}

/// Does the approval hold for this plan, now? Whose key it is remains to be asked.
pub fn verify_approval(plan_hash: &[u8; 32], approval: &Approval, now_us: i64) -> bool {
    let parts: &[&[u8]] = &[plan_hash, &approval.not_after_us.to_le_bytes()];
    now_us <= approval.not_after_us && verify(&approval.public_key, APPROVAL_CONTEXT, parts, &approval.signature)
}

/// Why a stop order is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRefusal {
    /// The signature is not of the server's job key.
    Signature,
}

impl fmt::Display for StopRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stop order is not signed by the server's job key")
    }
}

impl std::error::Error for StopRefusal {}

/// Signs *Stop all runs*. One order serves every agent.
pub fn sign_stop(order: StopOrder, key: &SigningKey) -> SignedStop {
    SignedStop { order, signature: stop_signature(&order, key) }
}

fn stop_signature(order: &StopOrder, key: &SigningKey) -> Signature {
    key.sign(STOP_CONTEXT, &[&order.stop_epoch.to_le_bytes(), &order.at_us.to_le_bytes()])
}

/// Checks a stop order. One that is replayed holds too: whoever follows it stops only what was made before its epoch.
///
/// # Errors
/// The signature does not hold.
pub fn verify_stop(signed: &SignedStop, server_key: &[u8; 32]) -> Result<StopOrder, StopRefusal> {
    let order = signed.order;
    let parts: &[&[u8]] = &[&order.stop_epoch.to_le_bytes(), &order.at_us.to_le_bytes()];
    if verify(server_key, STOP_CONTEXT, parts, &signed.signature) { Ok(order) } else { Err(StopRefusal::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{Class, Probe, ServiceVerb};

    const AGENT: [u8; 16] = [7; 16];

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32]).unwrap()
    }

    fn job() -> Job {
        let action = Action::Service { unit: "web.service".into(), verb: ServiceVerb::Restart };
        let plan = vec![[0; 32], action_digest(&AGENT, &action)];
        Job {
            job_id: [1; 16],
            agent_id: AGENT,
            class: Class::B,
            action,
            plan_hash: plan_hash(&plan),
            approval: Some(approve_plan(&plan_hash(&plan), 2_000, &key(2))),
            plan,
            not_before_us: 1_000,
            not_after_us: 1_900,
            nonce: [3; 16],
            stop_epoch: 4,
        }
    }

    fn verdict(job: &Job, stop_epoch: u64, now_us: i64) -> Option<JobRefusal> {
        let signed = sign_job(job, &key(1)).unwrap();
        verify_job(&signed, &key(1).public(), &AGENT, stop_epoch, now_us).err().map(|(refusal, _)| refusal)
    }

    #[test]
    fn a_job_is_taken_from_the_server_for_this_agent_within_its_time() {
        assert_eq!(verdict(&job(), 4, 1_500), None);
        assert_eq!(verdict(&job(), 4, 999), Some(JobRefusal::TooEarly));
        assert_eq!(verdict(&job(), 4, 1_901), Some(JobRefusal::Expired));
        assert_eq!(verdict(&job(), 5, 1_500), Some(JobRefusal::Stopped));
        assert_eq!(verdict(&Job { agent_id: [8; 16], ..job() }, 4, 1_500), Some(JobRefusal::Target));
    }

    #[test]
    fn every_changed_byte_of_a_signed_job_is_noticed() {
        let signed = sign_job(&job(), &key(1)).unwrap();
        for at in 0..signed.bytes.len() {
            let mut changed = signed.clone();
            changed.bytes[at] ^= 1;
            let refused = verify_job(&changed, &key(1).public(), &AGENT, 4, 1_500).unwrap_err();
            assert_eq!(refused, (JobRefusal::Signature, None), "byte {at}");
        }
        let other = verify_job(&signed, &key(9).public(), &AGENT, 4, 1_500).unwrap_err();
        assert_eq!(other.0, JobRefusal::Signature);
    }

    #[test]
    fn a_limit_is_signed_with_the_job_and_one_kind_never_reads_as_the_other() {
        let (plain, limited) = (sign_job(&job(), &key(1)).unwrap(), sign_job_within(&job(), 7_000, &key(1)).unwrap());
        let judged =
            |signed: &SignedJob| verify_job(signed, &key(1).public(), &AGENT, 4, 1_500).map_err(|(why, _)| why);
        let limit = |signed: &SignedJob| limit_ms(signed, &key(1).public());
        assert_eq!((judged(&plain), limit(&plain)), (Ok(job()), None));
        assert_eq!((judged(&limited), limit(&limited)), (Ok(job()), Some(7_000)));
        assert_eq!(limit_ms(&limited, &key(2).public()), None);
        assert_eq!(limited.bytes.first_chunk::<16>(), Some(&job().job_id), "it is named by its first bytes too");
        let crossed = SignedJob { signature: plain.signature, ..limited.clone() };
        assert_eq!(judged(&crossed), Err(JobRefusal::Signature));
        let signed_as = |context, bytes: Vec<u8>| SignedJob { signature: key(1).sign(context, &[&bytes]), bytes };
        for wrong in [
            signed_as(JOB_CONTEXT, limited.bytes.clone()),
            signed_as(LIMITED_CONTEXT, plain.bytes.clone()),
            signed_as(LIMITED_CONTEXT, [&*limited.bytes, &[0]].concat()),
        ] {
            assert_eq!((judged(&wrong), limit(&wrong)), (Err(JobRefusal::Malformed), None));
        }
        for at in 0..limited.bytes.len() {
            let mut changed = limited.clone();
            changed.bytes[at] ^= 1;
            assert_eq!(judged(&changed), Err(JobRefusal::Signature), "byte {at}");
        }
    }

    #[test]
    fn an_approval_is_bound_to_action_target_plan_and_time() {
        let probe = Action::Probe { probe: Probe::Unit { name: "web.service".into() }, timeout_ms: 1 };
        assert_eq!(verdict(&Job { action: probe, ..job() }, 4, 1_500), Some(JobRefusal::Plan));
        assert_eq!(verdict(&Job { plan_hash: [0; 32], ..job() }, 4, 1_500), Some(JobRefusal::Plan));
        assert_eq!(verdict(&Job { plan: vec![], ..job() }, 4, 1_500), Some(JobRefusal::Plan));
        let mut short = job();
        short.approval = Some(approve_plan(&short.plan_hash, 1_400, &key(2)));
        assert_eq!(verdict(&short, 4, 1_500), Some(JobRefusal::Approval));
        let mut forged = job();
        forged.approval = Some(Approval { not_after_us: 9_000, ..job().approval.unwrap() });
        assert_eq!(verdict(&forged, 4, 1_500), Some(JobRefusal::Approval));
    }

    #[test]
    fn a_stop_order_must_be_signed_by_the_server() {
        let signed = sign_stop(StopOrder { stop_epoch: 9, at_us: 1 }, &key(1));
        assert_eq!(verify_stop(&signed, &key(1).public()), Ok(signed.order));
        assert_eq!(verify_stop(&signed, &key(2).public()), Err(StopRefusal::Signature));
        let raised = SignedStop { order: StopOrder { stop_epoch: 10, at_us: 1 }, ..signed };
        assert_eq!(verify_stop(&raised, &key(1).public()), Err(StopRefusal::Signature));
    }
}
