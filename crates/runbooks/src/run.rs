//! Runs: one version of a runbook at work for one cause, step by step, with the evidence of every phase. A run is rows:
//! it survives restarts and goes on with the event it waits for.

use kernel::{Cx, Error, Reach, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine;
use crate::events::{RunFacts, run_ref, runbook_ref};
use crate::inputs::Values;

pub(crate) mod begin;
pub(crate) mod confirm;
pub(crate) mod drive;
pub(crate) mod end;
pub(crate) mod list;
pub(crate) mod operate;
pub(crate) mod pages;
pub(crate) mod show;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod store;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Waits for a person to start it.
    Proposed,
    /// Waits for an approval to start.
    Approval,
    /// At work, or waiting inside a step.
    Running,
    /// Did what it should.
    Done,
    /// Did not; what could be undone was.
    Failed,
    /// Was stopped, declined or came too late.
    Stopped,
}

impl RunState {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approval => "approval",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        [Self::Proposed, Self::Approval, Self::Running, Self::Done, Self::Failed, Self::Stopped]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::internal("run-state", text))
    }

    /// True until it ended.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Proposed | Self::Approval | Self::Running)
    }
}

/// A run as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: i64,
    pub(crate) runbook: i64,
    pub(crate) version_id: i64,
    pub(crate) hash: String,
    pub(crate) number: i64,
    pub(crate) title: String,
    pub(crate) state: RunState,
    pub(crate) mode: String,
    pub(crate) binding: i64,
    pub(crate) asset: Option<i64>,
    pub(crate) check: Option<i64>,
    pub(crate) cause: Option<Ref>,
    /// Whose it is: the team of its machine, or else of its cause, as it was when the run came about.
    pub(crate) team: Option<i64>,
    pub(crate) inputs: Values,
    pub(crate) started_by: String,
    pub(crate) started_by_name: String,
    pub(crate) reason: String,
    pub(crate) outcome: String,
    pub(crate) engine: engine::State,
    /// What is waited for: `agent_job:12`, `approval:3`, `operation`, `human`, or nothing.
    pub(crate) awaits: String,
    pub(crate) created_at: Time,
    pub(crate) started_at: Time,
    pub(crate) finished_at: Time,
}

/// A run as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The runbook.
    pub runbook: Ref,
    /// The runbook's title.
    pub title: String,
    /// The hash of the version.
    pub version: String,
    /// The number of the version.
    pub number: i64,
    /// Where it stands.
    pub state: RunState,
    /// How it came about: propose, approve, auto, or hand.
    pub mode: String,
    /// The binding that brought it about.
    pub binding: Option<i64>,
    /// The machine.
    pub asset: Option<Ref>,
    /// The check it answers.
    pub check: Option<Ref>,
    /// What caused it.
    pub cause: Option<Ref>,
    /// What it was given.
    pub inputs: Values,
    /// Who started it.
    pub started_by: String,
    /// Why it waits, or why it came about.
    pub reason: String,
    /// What came of it.
    pub outcome: String,
    /// What was tried, in order.
    pub tried: Vec<String>,
    /// What proves it.
    pub evidence: Vec<String>,
    /// The step it is at, from 1.
    pub step: i64,
    /// When it came about.
    pub created_at: Time,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

fn known(at: Time) -> Option<Time> {
    (at.0 > 0).then_some(at)
}

impl Run {
    /// Its reference.
    pub(crate) fn reference(&self) -> Ref {
        run_ref(self.id)
    }

    /// The machine.
    pub(crate) fn asset_ref(&self) -> Option<Ref> {
        self.asset.map(|id| Ref::new("asset", id))
    }

    /// The check.
    pub(crate) fn check_ref(&self) -> Option<Ref> {
        self.check.map(|id| Ref::new("check", id))
    }

    /// What every event about it carries.
    pub(crate) fn facts(&self) -> RunFacts {
        RunFacts {
            run: self.reference(),
            runbook: runbook_ref(self.runbook),
            title: self.title.clone(),
            version: self.hash.clone(),
            cause: self.cause.clone(),
            asset: self.asset_ref(),
            check: self.check_ref(),
            outcome: self.outcome.clone(),
            tried: self.engine.tried.clone(),
            evidence: self.engine.evidence.clone(),
        }
    }

    /// The team whose people decide and help: that of its machine now, or else the run's own.
    pub(crate) fn team_now(&self, cx: &mut Cx) -> Result<Option<i64>> {
        let ids: Vec<i64> = self.asset.into_iter().collect();
        let machine = assets::brief(cx.tx, &ids)?.into_values().next();
        Ok(machine.and_then(|brief| brief.team).or(self.team))
    }

    pub(crate) fn view(self) -> RunView {
        RunView {
            reference: self.reference(),
            runbook: runbook_ref(self.runbook),
            asset: self.asset_ref(),
            check: self.check_ref(),
            id: self.id,
            title: self.title,
            version: self.hash,
            number: self.number,
            state: self.state,
            mode: self.mode,
            binding: (self.binding > 0).then_some(self.binding),
            cause: self.cause,
            inputs: self.inputs,
            started_by: self.started_by_name,
            reason: self.reason,
            outcome: self.outcome,
            step: i64::try_from(self.engine.step).unwrap_or(0) + 1,
            tried: self.engine.tried,
            evidence: self.engine.evidence,
            created_at: self.created_at,
            started_at: known(self.started_at),
            finished_at: known(self.finished_at),
        }
    }

    /// The digest of exactly what would run: version, inputs, machine. What an approval is bound to.
    pub(crate) fn plan_hash(&self) -> Result<String> {
        let inputs = serde_json::to_string(&self.inputs).map_err(|error| Error::internal("inputs-not-json", error))?;
        let text = format!("{}\n{inputs}\n{}", self.hash, self.asset.unwrap_or(0));
        Ok(kernel::text::sha256_hex(text.as_bytes()))
    }
}

/// A phase of a step as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PhaseView {
    /// The step, from 1.
    pub step: i64,
    /// check, act, verify or undo.
    pub phase: String,
    /// Which try, from 1.
    pub attempt: i64,
    /// running, done, failed, skipped or unknown.
    pub state: String,
    /// The agent's job that did it.
    pub job: Option<Ref>,
    /// The program's exit code.
    pub exit_code: Option<i64>,
    /// The last 8 kB of output.
    pub output: String,
    /// Why, when it is not done.
    pub reason: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// A run that the reach covers; what it does not cover does not exist.
pub(crate) fn find(cx: &mut Cx, id: i64, reach: &Reach) -> Result<Run> {
    store::find(cx.tx, id, reach)?.ok_or_else(|| Error::not_found(run_ref(id)))
}

/// A run that may be seen, for an operation that needs its own grant.
pub(crate) fn find_for(cx: &mut Cx, id: i64, operation: &str) -> Result<Run> {
    let seen = cx.reach(list::NAME).or_else(|_| cx.reach(operation))?;
    let run = find(cx, id, &seen)?;
    let reach = cx.reach(operation)?;
    store::find(cx.tx, id, &reach)?.ok_or_else(|| Error::denied(operation))?;
    Ok(run)
}

/// The noun's titles, as far as the actor may see them.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(list::NAME) else { return Ok(Vec::new()) };
    let found = store::titles(cx.tx, ids, &reach)?;
    Ok(found.into_iter().map(|(id, title)| Resolved { id, title, href: format!("/runs/{id}") }).collect())
}
