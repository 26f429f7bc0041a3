//! What fleet tells: agents that come, go and are doubted, jobs, and orders to stop.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

/// The reference of an agent.
pub(crate) fn agent_ref(id: i64) -> Ref {
    Ref::new("agent", id)
}

/// The reference of the asset an agent runs on.
pub(crate) fn asset_ref(id: i64) -> Ref {
    Ref::new("asset", id)
}

/// The reference of a job.
pub(crate) fn job_ref(id: i64) -> Ref {
    Ref::new("agent_job", id)
}

macro_rules! agent_event {
    ($(#[$doc:meta])* $type:ident, $name:literal, $mark:expr, $text:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        pub struct $type {
            /// The machine.
            pub asset: Ref,
            /// Its agent.
            pub agent: Ref,
            /// The machine's own name.
            pub hostname: String,
            /// More about it, in plain words; may be empty.
            pub detail: String,
        }

        impl Event for $type {
            const NAME: &'static str = $name;
            fn subjects(&self) -> Vec<Ref> {
                vec![self.agent.clone(), self.asset.clone()]
            }
            fn title(&self) -> String {
                let detail = if self.detail.is_empty() { String::new() } else { format!(": {}", self.detail) };
                format!(concat!($text, "{}"), self.hostname, detail)
            }
            fn mark(&self) -> Mark {
                $mark
            }
            fn sample() -> Self {
                let (hostname, detail) = ("web-01".into(), "for a reason".into());
                Self { asset: asset_ref(12), agent: agent_ref(3), hostname, detail }
            }
        }
    };
}

agent_event!(
    /// A machine enrolled.
    AgentEnrolled, "fleet.agent.enrolled", Mark::Info, "The agent of {} enrolled"
);
agent_event!(
    /// An agent that was away is connected.
    AgentConnected, "fleet.agent.connected", Mark::Ok, "The agent of {} is connected"
);
agent_event!(
    /// An agent has been away for a minute.
    AgentDisconnected, "fleet.agent.disconnected", Mark::Warn, "The agent of {} is away"
);
agent_event!(
    /// The machine was started anew.
    AgentRebooted, "fleet.agent.rebooted", Mark::Info, "{} was restarted"
);
agent_event!(
    /// One key was presented by two machines, or a person doubts an agent.
    AgentQuarantined, "fleet.agent.quarantined", Mark::Critical, "The agent of {} is in quarantine"
);
agent_event!(
    /// An agent was approved.
    AgentApproved, "fleet.agent.approved", Mark::Ok, "The agent of {} was approved"
);
agent_event!(
    /// An agent's key is worth nothing any more.
    AgentRevoked, "fleet.agent.revoked", Mark::Warn, "The agent of {} was revoked"
);
agent_event!(
    /// An agent said something that it may not say. At most one a minute and agent.
    AgentRefused, "fleet.agent.refused", Mark::Critical, "A message of the agent of {} was refused"
);
agent_event!(
    /// An agent runs another version of its program.
    AgentUpdated, "fleet.agent.updated", Mark::Ok, "The agent of {} was updated"
);
agent_event!(
    /// An agent refused another version of its program, or went back to the one before.
    AgentNotUpdated, "fleet.agent.not-updated", Mark::Critical, "The agent of {} was not updated"
);

/// A rollout of an agent version began, was held, goes on, or is over.
#[derive(Clone, Debug, Serialize)]
pub struct RolloutChanged {
    /// The rollout.
    pub rollout: Ref,
    /// The version it brings.
    pub version: String,
    /// running, paused, stopped, done or ended.
    pub state: String,
    /// Why, in plain words; may be empty.
    pub reason: String,
}

impl Event for RolloutChanged {
    const NAME: &'static str = "fleet.rollout.changed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.rollout.clone()]
    }
    fn title(&self) -> String {
        let reason = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("The rollout of agent {} is {}{reason}", self.version, self.state)
    }
    fn mark(&self) -> Mark {
        match self.state.as_str() {
            "running" => Mark::Working,
            "done" => Mark::Ok,
            "stopped" => Mark::Critical,
            _ => Mark::Info,
        }
    }
    fn sample() -> Self {
        let rollout = Ref::new("agent_rollout", 2);
        Self { rollout, version: "1.4.0".into(), state: "stopped".into(), reason: "2 of 5 machines".into() }
    }
}

/// A job waits for its agent.
#[derive(Clone, Debug, Serialize)]
pub struct JobQueued {
    /// The job.
    pub job: Ref,
    /// The machine it is for.
    pub asset: Ref,
    /// The run it belongs to.
    pub run: Option<Ref>,
    /// What caused it.
    pub cause: Option<Ref>,
    /// What it does, in a few words.
    pub action: String,
}

impl Event for JobQueued {
    const NAME: &'static str = "fleet.job.queued";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.job.clone()]
    }
    fn title(&self) -> String {
        format!("Queued: {}", self.action)
    }
    fn mark(&self) -> Mark {
        Mark::Working
    }
    fn sample() -> Self {
        let action = "systemctl restart nginx.service".into();
        Self { job: job_ref(9), asset: asset_ref(12), run: Some(Ref::new("run", 4)), cause: None, action }
    }
}

/// A job ended, one way or another.
#[derive(Clone, Debug, Serialize)]
pub struct JobFinished {
    /// The job.
    pub job: Ref,
    /// The machine it was for.
    pub asset: Ref,
    /// The run it belongs to.
    pub run: Option<Ref>,
    /// What caused it.
    pub cause: Option<Ref>,
    /// done, failed, refused, expired, timed_out, unknown, stopped or cancelled.
    pub state: String,
    /// Why, in plain words; empty when done.
    pub reason: String,
    /// The program's exit code, when there was one.
    pub exit_code: Option<i64>,
    /// The last 8 kB of its output.
    pub output_tail: String,
    /// When it started, in microseconds of Unix time; 0 when it never did.
    pub started_us: i64,
    /// When it ended, in microseconds of Unix time.
    pub finished_us: i64,
    /// What it did, in a few words.
    pub action: String,
    /// It only looked: when it failed, what it looked for was not so, and nothing broke.
    pub look: bool,
}

impl JobFinished {
    /// True when it looked and what it looked for was not so.
    fn not_so(&self) -> bool {
        self.look && self.state == "failed"
    }
}

impl Event for JobFinished {
    const NAME: &'static str = "fleet.job.finished";
    fn subjects(&self) -> Vec<Ref> {
        let optional = [self.run.clone(), self.cause.clone()].into_iter().flatten();
        [self.job.clone(), self.asset.clone()].into_iter().chain(optional).collect()
    }
    fn title(&self) -> String {
        let exit = self.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
        if self.not_so() {
            let looked = self.action.strip_prefix("look at ").unwrap_or(&self.action);
            let reason = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
            return format!("Not so yet: {looked}{reason}");
        }
        match (self.state.as_str(), self.reason.is_empty()) {
            ("done", _) => format!("Done{exit}: {}", self.action),
            (state, true) => format!("{}{exit}: {}", capital(state), self.action),
            (state, false) => format!("{}{exit}: {} ({})", capital(state), self.action, self.reason),
        }
    }
    fn mark(&self) -> Mark {
        match self.state.as_str() {
            "done" => Mark::Ok,
            "failed" if self.not_so() => Mark::Info,
            "failed" | "refused" | "timed_out" => Mark::Critical,
            _ => Mark::Warn,
        }
    }
    fn sample() -> Self {
        Self {
            job: job_ref(9),
            asset: asset_ref(12),
            run: Some(Ref::new("run", 4)),
            cause: Some(Ref::new("alert_group", 2)),
            state: "done".into(),
            reason: String::new(),
            exit_code: Some(0),
            output_tail: "ok\n".into(),
            started_us: 1_700_000_000_000_000,
            finished_us: 1_700_000_001_000_000,
            action: "systemctl restart nginx.service".into(),
            look: false,
        }
    }
}

/// An agent said after all how a job ended that had been given up.
#[derive(Clone, Debug, Serialize)]
pub struct JobCompleted {
    /// The job.
    pub job: Ref,
    /// The machine it was for.
    pub asset: Ref,
    /// The run it belongs to.
    pub run: Option<Ref>,
    /// What caused it.
    pub cause: Option<Ref>,
    /// How it ended by the agent's own word.
    pub state: String,
    /// Why, in plain words; empty when done.
    pub reason: String,
    /// The program's exit code, when there was one.
    pub exit_code: Option<i64>,
    /// What it did, in a few words.
    pub action: String,
}

impl Event for JobCompleted {
    const NAME: &'static str = "fleet.job.completed";
    fn subjects(&self) -> Vec<Ref> {
        let optional = [self.run.clone(), self.cause.clone()].into_iter().flatten();
        [self.job.clone(), self.asset.clone()].into_iter().chain(optional).collect()
    }
    fn title(&self) -> String {
        let reason = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        format!("Known after all, {}: {}{reason}", self.state.replace('_', " "), self.action)
    }
    fn mark(&self) -> Mark {
        if self.state == "done" { Mark::Ok } else { Mark::Warn }
    }
    fn sample() -> Self {
        Self {
            job: job_ref(9),
            asset: asset_ref(12),
            run: Some(Ref::new("run", 4)),
            cause: None,
            state: "done".into(),
            reason: String::new(),
            exit_code: Some(0),
            action: "systemctl restart nginx.service".into(),
        }
    }
}

/// A state's word at the start of a sentence.
pub(crate) fn capital(word: &str) -> String {
    let word = word.replace('_', " ");
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// *Stop all runs* was ordered.
#[derive(Clone, Debug, Serialize)]
pub struct StopOrdered {
    /// The new stop epoch.
    pub epoch: i64,
    /// Who ordered it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Event for StopOrdered {
    const NAME: &'static str = "fleet.stop.ordered";
    fn subjects(&self) -> Vec<Ref> {
        vec![Ref::new("stop", self.epoch)]
    }
    fn title(&self) -> String {
        let why = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("{} stopped all runs{why}", self.by)
    }
    fn mark(&self) -> Mark {
        Mark::Critical
    }
    fn sample() -> Self {
        Self { epoch: 1, by: "Alex Doe".into(), reason: "the wrong servers".into() }
    }
}

/// Runs are allowed again.
#[derive(Clone, Debug, Serialize)]
pub struct StopReleased {
    /// The stop epoch that ended.
    pub epoch: i64,
    /// Who released it.
    pub by: String,
}

impl Event for StopReleased {
    const NAME: &'static str = "fleet.stop.released";
    fn subjects(&self) -> Vec<Ref> {
        vec![Ref::new("stop", self.epoch)]
    }
    fn title(&self) -> String {
        format!("{} allowed runs again", self.by)
    }
    fn mark(&self) -> Mark {
        Mark::Ok
    }
    fn sample() -> Self {
        Self { epoch: 1, by: "Alex Doe".into() }
    }
}
