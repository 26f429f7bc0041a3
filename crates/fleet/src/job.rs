//! Jobs: one action for one agent, signed when it is sent, done at most once, with one stored result.

use agent_proto::{Action, ServiceVerb};
use kernel::job::{Job as KernelJob, Running};
use kernel::{Actor, Cx, Error, Reach, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::State;
use crate::events::{JobCompleted, JobFinished, asset_ref, job_ref};

pub(crate) mod cancel;
pub(crate) mod list;
pub(crate) mod pages;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod store;

/// Jobs that one transaction ends.
const SLICE: i64 = 100;
/// How much of a job's output an event carries, in bytes.
const EVENT_OUTPUT_BYTES: usize = 8 * 1024;

/// A job as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: i64,
    pub(crate) job_id: [u8; 16],
    pub(crate) asset: i64,
    pub(crate) agent: i64,
    pub(crate) class: String,
    pub(crate) action: serde_json::Value,
    pub(crate) plan: Vec<String>,
    pub(crate) plan_hash: String,
    pub(crate) approval: Option<queue::JobApproval>,
    pub(crate) state: String,
    pub(crate) not_before: Time,
    pub(crate) not_after: Time,
    pub(crate) timeout_s: i64,
    pub(crate) cause: String,
    pub(crate) run: String,
    pub(crate) stop_epoch: i64,
    pub(crate) reason: String,
    pub(crate) exit_code: Option<i64>,
    pub(crate) output: String,
    pub(crate) output_dropped: i64,
    pub(crate) queued_by: String,
    pub(crate) queued_at: Time,
    pub(crate) sent_at: Time,
    pub(crate) accepted_at: Time,
    pub(crate) started_at: Time,
    pub(crate) finished_at: Time,
}

/// A job as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The machine.
    pub asset: Ref,
    /// The agent.
    pub agent: Ref,
    /// What it does, in a few words.
    pub summary: String,
    /// What it does, as the agent gets it.
    pub action: serde_json::Value,
    /// A (named by the machine's policy) or B (needs an approver's signature).
    pub class: String,
    /// queued, sent, accepted, done, failed, refused, expired, timed_out, unknown, stopped or cancelled.
    pub state: String,
    /// Why, when it is not done.
    pub reason: String,
    /// The program's exit code.
    pub exit_code: Option<i64>,
    /// The last 64 kB of its output.
    pub output: String,
    /// Bytes of output before that.
    pub output_dropped: i64,
    /// What caused it.
    pub cause: Option<Ref>,
    /// The run it belongs to.
    pub run: Option<Ref>,
    /// Who queued it.
    pub queued_by: String,
    /// When it was queued.
    pub queued_at: Time,
    /// When it was sent to the agent.
    pub sent_at: Option<Time>,
    /// When the agent wrote it down.
    pub accepted_at: Option<Time>,
    /// When it started, by the agent's clock.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// It may not be started later.
    pub not_after: Time,
}

fn known(at: Time) -> Option<Time> {
    (at.0 > 0).then_some(at)
}

impl Job {
    pub(crate) fn view(self) -> JobView {
        JobView {
            id: self.id,
            reference: job_ref(self.id),
            asset: asset_ref(self.asset),
            agent: crate::events::agent_ref(self.agent),
            summary: self.summary(),
            class: self.class,
            state: self.state,
            reason: self.reason,
            exit_code: self.exit_code,
            output: self.output,
            output_dropped: self.output_dropped,
            cause: self.cause.parse().ok(),
            run: self.run.parse().ok(),
            queued_by: self.queued_by,
            queued_at: self.queued_at,
            sent_at: known(self.sent_at),
            accepted_at: known(self.accepted_at),
            started_at: known(self.started_at),
            finished_at: known(self.finished_at),
            not_after: self.not_after,
            action: self.action,
        }
    }

    /// What it does, in a few words.
    pub(crate) fn summary(&self) -> String {
        summary(&self.action)
    }

    /// True when nothing more will happen to it.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.state.as_str(), "queued" | "sent" | "accepted")
    }
}

/// True when an action, as it is stored, only looks and changes nothing.
pub(crate) fn is_look(action: &serde_json::Value) -> bool {
    action.get("Probe").is_some()
}

/// What an action does, as it is stored, in a few words.
fn summary(action: &serde_json::Value) -> String {
    Action::deserialize(action).map_or_else(|_| "an unknown action".to_owned(), |action| words(&action))
}

/// How long an action takes at most by what it says itself, in seconds; one that says nothing gets the job's limit.
pub(crate) fn own_limit_s(action: &Action) -> i64 {
    match action {
        Action::Service { .. } => 0,
        Action::Command { timeout_ms, .. }
        | Action::Http { timeout_ms, .. }
        | Action::Probe { timeout_ms, .. }
        | Action::WaitFor { timeout_ms, .. } => i64::from(timeout_ms.div_ceil(1_000)),
    }
}

/// What an action does, in a few words.
pub(crate) fn words(action: &Action) -> String {
    let text = match action {
        Action::Command { argv, .. } => argv.join(" "),
        Action::Service { unit, verb } => format!("systemctl {} {unit}", verb_word(*verb)),
        Action::Http { method, url, .. } => format!("{method} {url}"),
        Action::Probe { probe, .. } => format!("look at {}", probe_words(probe)),
        Action::WaitFor { probe, .. } => format!("wait for {}", probe_words(probe)),
    };
    kernel::text::shorten(&text.replace(['\n', '\r'], " "), 160)
}

fn verb_word(verb: ServiceVerb) -> &'static str {
    match verb {
        ServiceVerb::Start => "start",
        ServiceVerb::Stop => "stop",
        ServiceVerb::Restart => "restart",
        ServiceVerb::Reload => "reload",
        ServiceVerb::Status => "show",
    }
}

fn probe_words(probe: &agent_proto::Probe) -> String {
    use agent_proto::{Probe, ProcessName};
    match probe {
        Probe::Process { name: ProcessName::Exact(name), .. } => format!("process {name}"),
        Probe::Process { name: ProcessName::CommandLineContains(part), .. } => format!("process with \"{part}\""),
        Probe::Tcp { host, port } => format!("TCP {host}:{port}"),
        Probe::Http { url, .. } => url.clone(),
        Probe::FileSystem { mount, .. } => format!("file system {mount}"),
        Probe::Unit { name } => format!("unit {name}"),
        Probe::Look(text) => look_words(text),
    }
}

/// The kind of a look alone: the rest of it may hold a password.
fn look_words(text: &str) -> String {
    let look: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let kind = look.get("look").and_then(serde_json::Value::as_str).unwrap_or("unknown");
    format!("look of the kind {}", kernel::text::shorten(kind, 40))
}

/// How a job ended.
pub(crate) struct Ending {
    pub(crate) state: &'static str,
    pub(crate) reason: String,
    pub(crate) exit_code: Option<i64>,
    pub(crate) output: String,
    pub(crate) output_dropped: i64,
    pub(crate) started_us: i64,
    pub(crate) finished_us: i64,
    /// The server concluded this by itself; the agent's own word may still come.
    pub(crate) guessed: bool,
}

impl Ending {
    /// An end that the server decides.
    pub(crate) fn decided(state: &'static str, reason: impl Into<String>, now: Time) -> Self {
        let (output, reason) = (String::new(), reason.into());
        let guessed = state == "unknown";
        Self { state, reason, exit_code: None, output, output_dropped: 0, started_us: 0, finished_us: now.0, guessed }
    }
}

/// Ends a job, once: whoever comes second changes nothing and tells nobody. Answers whether this was the first.
pub(crate) fn finish(cx: &mut Cx, job: &Job, ending: &Ending) -> Result<bool> {
    let now = cx.now;
    if !store::finish(cx.tx, job.id, ending, now)? {
        return Ok(false);
    }
    cx.emit(&JobFinished {
        job: job_ref(job.id),
        asset: asset_ref(job.asset),
        run: job.run.parse().ok(),
        cause: job.cause.parse().ok(),
        state: ending.state.to_owned(),
        reason: ending.reason.clone(),
        exit_code: ending.exit_code,
        output_tail: tail(&ending.output, EVENT_OUTPUT_BYTES).to_owned(),
        started_us: ending.started_us,
        finished_us: ending.finished_us,
        action: job.summary(),
        look: is_look(&job.action),
    })?;
    Ok(true)
}

/// Puts the agent's own word in place of what the server had concluded, once, and tells it.
pub(crate) fn complete(cx: &mut Cx, job: &Job, ending: &Ending) -> Result<()> {
    let now = cx.now;
    if !store::correct(cx.tx, job.id, ending, now)? {
        return Ok(());
    }
    cx.emit(&JobCompleted {
        job: job_ref(job.id),
        asset: asset_ref(job.asset),
        run: job.run.parse().ok(),
        cause: job.cause.parse().ok(),
        state: ending.state.to_owned(),
        reason: ending.reason.clone(),
        exit_code: ending.exit_code,
        action: job.summary(),
    })
}

/// The last bytes of a text, cut at a character's border.
pub(crate) fn tail(text: &str, bytes_max: usize) -> &str {
    let from = text.len().saturating_sub(bytes_max);
    (from..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

/// Ends a slice of the jobs that an agent was not yet sent, because it will not be let in again; the rest goes to a job of
/// the kernel.
pub(crate) fn abandon(cx: &mut Cx, agent: i64, reason: &str) -> Result<()> {
    let waiting = store::queued_for(cx.tx, agent, SLICE)?;
    for job in &waiting {
        let ending = Ending::decided("cancelled", reason, cx.now);
        finish(cx, job, &ending)?;
    }
    if i64::try_from(waiting.len()).unwrap_or(SLICE) >= SLICE {
        cx.enqueue(&KernelJob::new("fleet.abandon-jobs", &(agent, reason))?)?;
    }
    Ok(())
}

/// Goes on with [`abandon`]. Running twice ends nothing twice: an ended job is not waiting.
pub(crate) fn abandon_rest(running: &Running<'_>) -> Result<()> {
    let (agent, reason): (i64, String) = running.input()?;
    running.kernel.write_as(Actor::service("fleet.abandon", &[]), "fleet.job.abandon", move |cx| {
        let let_in = crate::agent::store::by_id(cx.tx, agent)?.is_some_and(|one| one.state == State::Active);
        if let_in { Ok(()) } else { abandon(cx, agent, &reason) }
    })
}

/// A job that the reach covers; what it does not cover does not exist.
pub(crate) fn find(cx: &mut Cx, id: i64, reach: &Reach) -> Result<Job> {
    store::find(cx.tx, id, reach)?.ok_or_else(|| Error::not_found(format!("agent_job:{id}")))
}

/// The noun's titles, as far as the actor may see them.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(list::NAME) else { return Ok(Vec::new()) };
    let found = store::actions(cx.tx, ids, &reach)?;
    let resolved = |(id, action)| Resolved { id, title: summary(&action), href: format!("/fleet/jobs/{id}") };
    Ok(found.into_iter().map(resolved).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_cut_at_a_characters_border() {
        assert_eq!(tail("abc", 10), "abc");
        assert_eq!(tail("abc", 2), "bc");
        assert_eq!(tail("aåå", 3), "å");
        assert_eq!(tail("", 3), "");
    }

    #[test]
    fn an_action_is_named_in_one_short_line() {
        let action = Action::Command {
            argv: vec!["sh".into(), "-c".into(), "a\nb".repeat(200)],
            env: Vec::new(),
            input_json: None,
            timeout_ms: 1,
            detach: false,
        };
        let text = words(&action);
        assert!(text.starts_with("sh -c a b") && text.chars().count() <= 161 && !text.contains('\n'), "{text}");
    }
}
