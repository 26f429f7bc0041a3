//! Start a run.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Error, Operation, Reach, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::begin::{self, Reason};
use super::{Run, RunState, RunView, store};
use crate::{inputs, runbook};

/// The operation whose grant lets somebody start runs.
pub(crate) const NAME: &str = "runbooks.run.start";

/// Start a runbook, or a run that was proposed.
///
/// Only approved versions run. The machine must be one you may start runs on.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct StartRun {
    /// The number of a proposed run to start.
    #[serde(default)]
    pub run: Option<i64>,
    /// The number of the runbook, for a new run.
    #[serde(default)]
    pub runbook: Option<i64>,
    /// The hash of the version; the newest approved one when left out.
    #[serde(default)]
    pub version: Option<String>,
    /// The number of the machine.
    #[serde(default)]
    pub asset: Option<i64>,
    /// What the runbook asks for, by name.
    #[serde(default)]
    pub inputs: Option<BTreeMap<String, Value>>,
    /// What it is for, such as an alert group or a ticket.
    #[serde(default)]
    pub cause: Option<Ref>,
}

impl Operation for StartRun {
    const NAME: &'static str = NAME;
    const ROUTE: Route = post("/runs");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = RunView;

    fn run(&self, cx: &mut Cx) -> Result<RunView> {
        if let Some(stopped) = super::stop::holds(cx)? {
            return Err(Error::conflict(stopped));
        }
        let mut run = match (self.run, self.runbook) {
            (Some(id), None) => self.proposed(cx, id)?,
            (None, Some(runbook)) => self.fresh(cx, runbook)?,
            _ => return Err(Error::invalid("runbook", "Give the number of a runbook, or of a proposed run.")),
        };
        begin::launch(cx, &mut run)?;
        Ok(run.view())
    }
}

impl StartRun {
    fn fresh(&self, cx: &mut Cx, id: i64) -> Result<Run> {
        let version = runbook::version(cx, id, self.version.as_deref())?;
        must_be_approved(&version)?;
        let book = version.book()?;
        let values = inputs::resolve(&book, &self.inputs.clone().unwrap_or_default(), self.asset)?;
        let asset = inputs::target(&book, &values).or(self.asset);
        let reach = cx.reach(NAME)?;
        within_reach(cx, &reach, asset)?;
        let (by, by_name) = (cx.actor.ident.to_string(), cx.actor.name.clone());
        let cause = self.cause.clone();
        // What happens is written down at the cause, so it must be something this actor may see.
        if let Some(cause) = &cause
            && cx.kernel.registry().noun(&cause.kind).is_some()
            && !cx.resolve(std::slice::from_ref(cause))?.contains_key(cause)
        {
            return Err(Error::not_found(cause).at("cause"));
        }
        let team = cause.as_ref().and_then(|cause| team_of(cx, cause));
        let why = Reason { mode: "hand", binding: 0, check: None, cause, team, by: (&by, &by_name), words: "" };
        begin::create(cx, &version, &values, asset, RunState::Proposed, &why)
    }

    fn proposed(&self, cx: &mut Cx, id: i64) -> Result<Run> {
        let mut run = super::find_for(cx, id, NAME)?;
        match run.state {
            RunState::Proposed => {}
            RunState::Approval => {
                return Err(Error::conflict("This run waits for its approval and starts by itself once it is given."));
            }
            state => return Err(Error::conflict(format!("This run is {} already.", state.as_str()))),
        }
        let version = runbook::store::by_id(cx.tx, run.version_id)?
            .ok_or_else(|| Error::internal("version-missing", run.version_id))?;
        must_be_approved(&version)?;
        let book = version.book()?;
        let given = self.inputs.clone().unwrap_or_else(|| run.inputs.clone());
        run.inputs = inputs::resolve(&book, &given, self.asset.or(run.asset))?;
        run.asset = inputs::target(&book, &run.inputs).or(run.asset);
        let reach = cx.reach(NAME)?;
        within_reach(cx, &reach, run.asset)?;
        run.started_by = cx.actor.ident.to_string();
        run.started_by_name = cx.actor.name.clone();
        store::update(cx.tx, &run)?;
        begin::follow(cx, &run)?;
        Ok(run)
    }
}

/// The team of a ticket, an alert group or a check, as far as the actor may see it.
fn team_of(cx: &mut Cx, cause: &Ref) -> Option<i64> {
    let (operation, place) = match cause.kind.as_ref() {
        "ticket" => ("desk.ticket.show", "/team/id"),
        "alert_group" => ("monitor.group.show", "/group/team"),
        "check" => ("monitor.check.show", "/check/team"),
        _ => return None,
    };
    let shown = cx.call_named(operation, json!({ "id": cause.id })).ok()?;
    shown.pointer(place)?.as_i64()
}

fn must_be_approved(version: &runbook::Version) -> Result<()> {
    if version.is_approved() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "Version {} ({}) is not approved. Have somebody else approve it under /runbooks/{}.",
        version.number,
        version.short(),
        version.runbook
    )))
}

/// Refuses a machine that the grant does not reach.
pub(crate) fn within_reach(cx: &mut Cx, reach: &Reach, asset: Option<i64>) -> Result<()> {
    let Some(id) = asset else { return Ok(()) };
    let missing = || Error::not_found(format!("asset:{id}")).at("asset");
    let brief = assets::brief(cx.tx, &[id])?.remove(&id).ok_or_else(missing)?;
    let covered = reach.everything
        || brief.team.is_some_and(|team| reach.teams.contains(&team))
        || brief.place.is_some_and(|place| reach.places.contains(&place))
        || (brief.owner.is_some() && brief.owner == reach.own);
    if covered { Ok(()) } else { Err(missing()) }
}
