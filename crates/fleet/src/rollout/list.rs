//! List and show rollouts, the machines of one, and the versions in use.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::busy::BusyWith;
use super::{RolloutView, find, store, view};
use crate::events::agent_ref;
use crate::list_page::{self, ListPage};

/// The operation that decides who sees rollouts.
pub(crate) const NAME: &str = "fleet.rollout.list";

/// List rollouts of agent versions, newest first.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListRollouts {
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<i64>,
}

impl Operation for ListRollouts {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/fleet/rollouts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ListPage<RolloutView>;

    fn run(&self, cx: &mut Cx) -> Result<ListPage<RolloutView>> {
        cx.reach_everything(Self::NAME)?;
        let limit = list_page::limit(self.limit)?;
        let rows = store::page(cx.tx, list_page::before(self.cursor.as_deref())?, limit + 1)?;
        let count = store::count(cx.tx)?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let open = row.state.is_open();
            views.push(view(cx, row, open)?);
        }
        Ok(ListPage::new(views, limit, count, |row| row.id))
    }
}

/// Show one rollout with its stages.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowRollout {
    /// The rollout's number.
    pub id: i64,
}

impl Operation for ShowRollout {
    const NAME: &'static str = "fleet.rollout.show";
    const ROUTE: Route = get("/fleet/rollouts/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = RolloutView;

    fn run(&self, cx: &mut Cx) -> Result<RolloutView> {
        cx.reach_everything(Self::NAME)?;
        let rollout = find(cx, self.id)?;
        view(cx, rollout, true)
    }
}

/// A machine's part in a rollout.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RolloutAgent {
    /// The number of this part.
    pub id: i64,
    /// The agent.
    pub agent: Ref,
    /// The machine's own name.
    pub hostname: String,
    /// Its stage.
    pub stage: i64,
    /// waiting, offered, trying, busy, done, refused, rolled_back or missing.
    pub state: String,
    /// Why, by the agent's own word.
    pub reason: String,
    /// What it is busy with, when it has the program and waits for an idle moment.
    pub busy_with: Option<BusyWith>,
    /// The version it had.
    pub version_before: String,
    /// When it got the offer.
    pub offered_at: Option<Time>,
    /// When it was over.
    pub finished_at: Option<Time>,
}

/// Which machines.
pub(crate) struct Filter {
    pub(crate) rollout: i64,
    pub(crate) state: Option<String>,
    pub(crate) before: i64,
}

/// List the machines of a rollout and what came of it on each.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListRolloutAgents {
    /// The rollout's number.
    #[schemars(extend("x-kind" = "agent_rollout"))]
    pub id: i64,
    /// Only machines in this state; `at_work` are those that are offered it or try it.
    #[serde(default)]
    pub state: Option<String>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<i64>,
}

impl Operation for ListRolloutAgents {
    const NAME: &'static str = "fleet.rollout-agent.list";
    const ROUTE: Route = get("/fleet/rollouts/{id}/agents");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ListPage<RolloutAgent>;

    fn run(&self, cx: &mut Cx) -> Result<ListPage<RolloutAgent>> {
        let reach = cx.reach(Self::NAME)?;
        find(cx, self.id)?;
        let limit = list_page::limit(self.limit)?;
        let before = list_page::before(self.cursor.as_deref())?;
        let filter = Filter { rollout: self.id, state: self.state.clone(), before };
        let rows = store::part_page(cx.tx, &filter, &reach, limit + 1)?;
        let count = store::part_count(cx.tx, &filter, &reach)?;
        let waiting = rows.iter().filter(|part| matches!(part.state.as_str(), "trying" | "busy"));
        let waiting: Vec<i64> = waiting.map(|part| part.agent).collect();
        let mut busy: BTreeMap<i64, BusyWith> = store::busy::of_agents(cx.tx, &waiting)?.into_iter().collect();
        let some = |at: Time| (at.0 != 0).then_some(at);
        let mut shown = |part: store::Part| RolloutAgent {
            id: part.id,
            agent: agent_ref(part.agent),
            hostname: part.hostname,
            stage: part.stage,
            state: part.state,
            reason: part.reason,
            busy_with: busy.remove(&part.agent),
            version_before: part.version_before,
            offered_at: some(part.offered_at),
            finished_at: some(part.finished_at),
        };
        Ok(ListPage::new(rows.into_iter().map(&mut shown).collect(), limit, count, |row| row.id))
    }
}

/// How many active agents have a version.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VersionInUse {
    /// The version; empty where an agent never greeted.
    pub version: String,
    /// What the program was built for; empty where an agent does not say.
    pub target: String,
    /// How many.
    pub agents: i64,
}

/// Versions of the agent's program in use.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VersionsInUse {
    /// The hundred that most machines have, most first.
    pub items: Vec<VersionInUse>,
}

/// List the versions of the agent's program that machines have.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListVersions {}

impl Operation for ListVersions {
    const NAME: &'static str = "fleet.version.list";
    const ROUTE: Route = get("/fleet/versions");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = VersionsInUse;

    fn run(&self, cx: &mut Cx) -> Result<VersionsInUse> {
        let reach = cx.reach(Self::NAME)?;
        let found = store::in_use(cx.tx, &reach)?;
        let items = found.into_iter().map(|(version, target, agents)| VersionInUse { version, target, agents });
        Ok(VersionsInUse { items: items.collect() })
    }
}
