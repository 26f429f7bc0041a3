//! Queue a job for a machine.

use agent_proto::{Action, Approval, Signature, action_digest, plan_hash, unhex, verify_approval};
use kernel::time::SECOND;
use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Job, own_limit_s, store, words};
use crate::agent::{self, Agent, State};
use crate::events::{JobQueued, job_ref};
use crate::stop;

/// Queue one action for one machine. The agent does it at most once, if its own policy allows it.
///
/// Class A is what the machine's policy names; class B needs the signature of an approver that the policy pins.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct QueueJob {
    /// The asset's number.
    pub asset: i64,
    /// What to do, as the agent protocol writes it, such as {"Service": {"unit": "nginx.service", "verb": "Restart"}}.
    pub action: serde_json::Value,
    /// A or B; A when left out.
    #[serde(default)]
    pub class: Option<String>,
    /// How long the action is waited for, in seconds, up to a day; never less than the action's own limit, at which the agent
    /// ends it.
    #[serde(default)]
    pub timeout_s: Option<i64>,
    /// It may not be started later than so many seconds from now; an hour when left out, at most 30 days.
    #[serde(default)]
    pub expires_s: Option<i64>,
    /// What caused it.
    #[serde(default)]
    pub cause: Option<Ref>,
    /// The run it belongs to.
    #[serde(default)]
    pub run: Option<Ref>,
    /// Digests of every action of the approved plan, in hexadecimal.
    #[serde(default)]
    pub plan: Option<Vec<String>>,
    /// The hash of the plan, in hexadecimal; checked against the plan when there is one.
    #[serde(default)]
    pub plan_hash: Option<String>,
    /// An approver's signature over the plan. Needed for class B.
    #[serde(default)]
    pub approval: Option<JobApproval>,
}

/// A person's signature over a plan.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct JobApproval {
    /// The approver's Ed25519 key, 64 hexadecimal digits.
    pub public_key: String,
    /// The approval ends, in microseconds of Unix time.
    pub not_after_us: i64,
    /// The signature, 128 hexadecimal digits.
    pub signature: String,
}

impl JobApproval {
    /// As the agent protocol has it.
    pub(crate) fn decoded(&self) -> Result<Approval> {
        let wrong = |field: &str| Error::invalid(field, "This is not hexadecimal of the right length.");
        Ok(Approval {
            public_key: unhex(&self.public_key).ok_or_else(|| wrong("approval.public_key"))?,
            not_after_us: self.not_after_us,
            signature: Signature(unhex(&self.signature).ok_or_else(|| wrong("approval.signature"))?),
        })
    }
}

/// A job that waits for its agent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QueuedJob {
    /// Its reference.
    pub job: Ref,
    /// Its number.
    pub id: i64,
    /// Its random id, which the agent knows it by.
    pub job_id: String,
}

impl Operation for QueueJob {
    const NAME: &'static str = "fleet.job.queue";
    const ROUTE: Route = post("/fleet/jobs");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    const FIELD_BYTES_MAX: usize = agent_proto::limits::LONG_TEXT_BYTES_MAX;
    type Output = QueuedJob;

    fn run(&self, cx: &mut Cx) -> Result<QueuedJob> {
        let action = Action::deserialize(&self.action)
            .map_err(|error| Error::invalid("action", format!("This is not an action: {error}.")))?;
        bounded(&action)?;
        if let Some(order) = stop::current(cx.tx)? {
            return Err(Error::conflict(format!(
                "All runs were stopped by {} ({}). Nothing is sent until fleet.stop.release.",
                order.by, order.at
            )));
        }
        let agent = target(cx, self.asset)?;
        let (class, plan, hash) = self.approved(cx, &agent, &action)?;
        let now = cx.now;
        let timeout_s = within("timeout_s", self.timeout_s.unwrap_or(300), 86_400)?.max(own_limit_s(&action));
        let expires_s = within("expires_s", self.expires_s.unwrap_or(3_600), 30 * 86_400)?;
        let not_after = now.plus(expires_s * SECOND);
        let job = Job {
            id: 0,
            job_id: cx.random_id()?,
            asset: self.asset,
            agent: agent.id,
            class: class.to_owned(),
            action: serde_json::to_value(&action).map_err(|error| Error::internal("action-not-json", error))?,
            plan,
            plan_hash: hash,
            approval: self.approval.clone(),
            state: "queued".to_owned(),
            not_before: Time(now.0 - 5 * 60 * SECOND),
            not_after,
            timeout_s,
            cause: text_of(self.cause.as_ref()),
            run: text_of(self.run.as_ref()),
            stop_epoch: stop::store::epoch(cx.tx)?,
            reason: String::new(),
            exit_code: None,
            output: String::new(),
            output_dropped: 0,
            queued_by: cx.actor.name.clone(),
            queued_at: now,
            sent_at: Time(0),
            accepted_at: Time(0),
            started_at: Time(0),
            finished_at: Time(0),
        };
        let id = store::insert(cx.tx, &job, not_after)?;
        let reference = job_ref(id);
        cx.changed(&reference, "state", serde_json::Value::Null, "queued")?;
        cx.emit(&JobQueued {
            job: reference.clone(),
            asset: crate::events::asset_ref(self.asset),
            run: self.run.clone(),
            cause: self.cause.clone(),
            action: words(&action),
        })?;
        cx.touch(Ref::new("agent_feed", self.asset));
        Ok(QueuedJob { job: reference, id, job_id: kernel::text::hex(&job.job_id) })
    }
}

impl QueueJob {
    /// The class, the plan and its hash. Class B without a valid approval is refused here, before anything is sent.
    fn approved(&self, cx: &Cx, agent: &Agent, action: &Action) -> Result<(&'static str, Vec<String>, String)> {
        let class = match self.class.as_deref().unwrap_or("A") {
            "A" => "A",
            "B" => "B",
            _ => return Err(Error::invalid("class", "The class is A or B.")),
        };
        let plan = self.plan.clone().unwrap_or_default();
        if plan.len() > agent_proto::limits::PLAN_MAX {
            return Err(Error::over_limit("A plan has at most 4,096 actions.").at("plan"));
        }
        let digests: Option<Vec<[u8; 32]>> = plan.iter().map(|text| unhex(text)).collect();
        let digests = digests.ok_or_else(|| Error::invalid("plan", "A digest is 64 hexadecimal digits."))?;
        let hash = if digests.is_empty() && self.approval.is_none() {
            match &self.plan_hash {
                Some(text) => {
                    unhex(text).ok_or_else(|| Error::invalid("plan_hash", "This is not 64 hexadecimal digits."))?
                }
                None => plan_hash(&[]),
            }
        } else {
            let hash = plan_hash(&digests);
            if self.plan_hash.as_deref().is_some_and(|text| unhex(text) != Some(hash)) {
                return Err(Error::invalid("plan_hash", "This is not the hash of the plan."));
            }
            if !digests.contains(&action_digest(&agent.agent_id, action)) {
                return Err(Error::invalid("plan", "The action for this machine is not part of the plan."));
            }
            hash
        };
        let valid = match &self.approval {
            Some(approval) => verify_approval(&hash, &approval.decoded()?, cx.now.0),
            None => false,
        };
        if self.approval.is_some() && !valid {
            return Err(Error::invalid("approval", "This is not a valid signature over this plan, or it is over."));
        }
        if class == "B" && !valid {
            return Err(Error::invalid(
                "class",
                "A class B action needs the plan's signature by an approver whom the machine's policy pins. Have the plan signed, \
                 or name the action in the machine's policy and queue it as class A.",
            ));
        }
        Ok((class, plan, kernel::text::hex(&hash)))
    }
}

/// The agent that would do it, if the grant reaches the machine.
fn target(cx: &mut Cx, asset: i64) -> Result<Agent> {
    let seen = cx.reach(agent::list::NAME).or_else(|_| cx.reach(QueueJob::NAME))?;
    let reach = cx.reach(QueueJob::NAME)?;
    let Some(agent) = agent::store::active_on(cx.tx, asset, &seen)? else {
        return Err(Error::not_found(format!("An agent on asset:{asset}")).at("asset"));
    };
    if agent::store::find(cx.tx, agent.id, &reach)?.is_none() {
        return Err(Error::denied(QueueJob::NAME));
    }
    match agent.state {
        State::Active => Ok(agent),
        state => Err(Error::conflict(format!(
            "The agent of {} is {}; it gets no jobs. See /fleet/agents/{}.",
            agent.hostname,
            state.as_str(),
            agent.id
        ))),
    }
}

fn within(field: &str, seconds: i64, most: i64) -> Result<i64> {
    if (1..=most).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(Error::invalid(field, format!("This is between 1 and {most} seconds.")))
    }
}

fn text_of(reference: Option<&Ref>) -> String {
    reference.map(ToString::to_string).unwrap_or_default()
}

/// What no agent would take is refused here, where somebody reads it.
fn bounded(action: &Action) -> Result<()> {
    let bytes = serde_json::to_vec(action).map(|bytes| bytes.len()).unwrap_or(usize::MAX);
    if bytes > agent_proto::limits::JOB_BYTES_MAX / 2 {
        return Err(Error::over_limit("This action is longer than an agent takes.").at("action"));
    }
    match action {
        Action::Command { argv, .. } if argv.first().is_none_or(|program| program.is_empty()) => {
            Err(Error::invalid("action", "The command is empty. Name a program."))
        }
        _ => Ok(()),
    }
}
