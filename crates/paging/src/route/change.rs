//! Add, change, move and remove nodes of the routing tree.

use kernel::{Access, Change, Cx, Effect, Error, Operation, Ref, Result, Route, delete, patch, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEPTH_MAX, NODES_MAX, Node, Ready, Wanted, find, store};
use crate::policy;

fn subject(id: i64) -> Ref {
    Ref::new("paging_route", id)
}

/// Refuses a node whose texts or numbers mean nothing.
fn check(cx: &mut Cx, node: &Node) -> Result<String> {
    Ready::of(node.clone(), std::collections::BTreeSet::new())?;
    if !["", "critical", "warning"].contains(&node.wanted.severity.as_str()) {
        return Err(Error::invalid("severity", "Write critical or warning, or leave it empty for both."));
    }
    let lists = [node.wanted.teams.len(), node.wanted.places.len(), node.wanted.kinds.len()];
    if lists.iter().any(|many| *many > 50) {
        return Err(Error::over_limit("A route names at most 50 teams, places or kinds."));
    }
    for team in &node.wanted.teams {
        if !people::team_known(cx.tx, *team)? {
            return Err(Error::invalid("teams", format!("There is no team {team}.")));
        }
    }
    for place in &node.wanted.places {
        if !people::place_known(cx.tx, *place)? {
            return Err(Error::invalid("places", format!("There is no place {place}.")));
        }
    }
    if let Some(policy) = node.policy {
        policy::store::get(cx.tx, policy)?.ok_or_else(|| {
            Error::invalid("policy", format!("There is no policy {policy}. List them with paging.policy.list."))
        })?;
    }
    above(cx, node)?;
    serde_json::to_string(&node.wanted).map_err(|error| Error::internal("route-not-json", error))
}

/// Refuses a parent that does not exist, stands below the node itself, or is too deep.
fn above(cx: &mut Cx, node: &Node) -> Result<()> {
    let all = store::all(cx.tx)?;
    let (mut next, mut depth) = (node.parent, 0);
    while let Some(id) = next {
        let wrong = |why: &str| Error::invalid("parent", why.to_owned());
        let parent = all.iter().find(|one| one.id == id).ok_or_else(|| wrong("There is no such route."))?;
        depth += 1;
        if parent.id == node.id {
            return Err(wrong("A route cannot stand below itself."));
        }
        if depth >= DEPTH_MAX {
            return Err(wrong("The tree would be too deep. At most 8 routes stand below each other."));
        }
        next = parent.parent;
    }
    Ok(())
}

/// Add a route: which alerts it takes, and the policy by which they are told.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct AddRoute {
    /// Its name.
    pub name: String,
    /// The route it stands below; at the top when left out. It comes last there.
    #[schemars(extend("x-kind" = "paging_route"))]
    pub parent: Option<i64>,
    /// Matchers of labels, as in `site="oslo", job=~"node.*"`.
    pub matchers: String,
    /// `critical` or `warning`; both when empty.
    pub severity: String,
    /// Teams, by number; all when empty.
    pub teams: Vec<i64>,
    /// Places with all below them, by number; all when empty.
    pub places: Vec<i64>,
    /// Kinds of assets, such as `switch`; all when empty.
    pub kinds: Vec<String>,
    /// When it is in force, as in `mon-fri 08:00-16:00 Europe/Oslo`; always when empty.
    pub hours: String,
    /// When nobody is told; what is still out at the end is told then.
    pub mute: String,
    /// The policy it leads to; that of the route above when left out, at the top the default.
    #[schemars(extend("x-kind" = "paging_policy"))]
    pub policy: Option<i64>,
    /// Look at later routes too when it fits.
    #[serde(rename = "continue")]
    pub goes_on: bool,
}

impl Operation for AddRoute {
    const NAME: &'static str = "paging.route.add";
    const ROUTE: Route = post("/paging/routes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Node;

    fn run(&self, cx: &mut Cx) -> Result<Node> {
        cx.reach_everything(Self::NAME)?;
        let all = store::all(cx.tx)?;
        if all.len() >= NODES_MAX {
            return Err(Error::over_limit(format!("The routing tree has at most {NODES_MAX} routes.")));
        }
        let last = all.iter().filter(|one| one.parent == self.parent).map(|one| one.position).max().unwrap_or(0);
        let one = self.clone();
        let mut node = Node {
            id: 0,
            parent: one.parent,
            position: last + 1,
            name: kernel::text::line("name", &one.name, 100)?,
            wanted: Wanted {
                matchers: one.matchers,
                severity: one.severity.trim().to_lowercase(),
                teams: one.teams,
                places: one.places,
                kinds: one.kinds,
                hours: one.hours,
                mute: one.mute,
            },
            policy: one.policy,
            goes_on: one.goes_on,
            version: 1,
        };
        let wanted = check(cx, &node)?;
        node.id = store::insert(cx.tx, &node, &wanted)?;
        cx.changed(&subject(node.id), "name", serde_json::Value::Null, &node.name)?;
        Ok(node)
    }
}

/// Change a route. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct UpdateRoute {
    /// The route.
    #[schemars(extend("x-kind" = "paging_route"))]
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// The route it stands below; null is the top.
    #[schemars(extend("x-kind" = "paging_route"))]
    pub parent: Change<i64>,
    /// Matchers of labels.
    pub matchers: Option<String>,
    /// `critical`, `warning`, or empty for both.
    pub severity: Option<String>,
    /// Teams, by number.
    pub teams: Option<Vec<i64>>,
    /// Places with all below them, by number.
    pub places: Option<Vec<i64>>,
    /// Kinds of assets.
    pub kinds: Option<Vec<String>>,
    /// When it is in force.
    pub hours: Option<String>,
    /// When nobody is told.
    pub mute: Option<String>,
    /// The policy it leads to; null is that of the route above.
    #[schemars(extend("x-kind" = "paging_policy"))]
    pub policy: Change<i64>,
    /// Look at later routes too when it fits.
    #[serde(rename = "continue")]
    pub goes_on: Option<bool>,
    /// The version you saw.
    pub expected_version: Option<i64>,
}

impl Operation for UpdateRoute {
    const NAME: &'static str = "paging.route.update";
    const ROUTE: Route = patch("/paging/routes/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Node;

    fn run(&self, cx: &mut Cx) -> Result<Node> {
        cx.reach_everything(Self::NAME)?;
        let old = find(cx, self.id)?;
        cx.expect_version(&subject(old.id), self.expected_version, old.version)?;
        let (mut new, one) = (old.clone(), self.clone());
        if let Some(name) = &one.name {
            new.name = kernel::text::line("name", name, 100)?;
        }
        new.parent = one.parent.apply(old.parent);
        new.policy = one.policy.apply(old.policy);
        new.goes_on = one.goes_on.unwrap_or(old.goes_on);
        let wanted = &mut new.wanted;
        wanted.matchers = one.matchers.unwrap_or_else(|| wanted.matchers.clone());
        wanted.severity = one.severity.map_or_else(|| wanted.severity.clone(), |text| text.trim().to_lowercase());
        wanted.teams = one.teams.unwrap_or_else(|| wanted.teams.clone());
        wanted.places = one.places.unwrap_or_else(|| wanted.places.clone());
        wanted.kinds = one.kinds.unwrap_or_else(|| wanted.kinds.clone());
        wanted.hours = one.hours.unwrap_or_else(|| wanted.hours.clone());
        wanted.mute = one.mute.unwrap_or_else(|| wanted.mute.clone());
        let text = check(cx, &new)?;
        store::update(cx.tx, &new, &text)?;
        cx.changed(&subject(old.id), "name", &old.name, &new.name)?;
        cx.changed(&subject(old.id), "wanted", &old.wanted, &new.wanted)?;
        cx.changed(&subject(old.id), "policy", old.policy, new.policy)?;
        cx.changed(&subject(old.id), "parent", old.parent, new.parent)?;
        cx.changed(&subject(old.id), "continue", old.goes_on, new.goes_on)?;
        find(cx, self.id)
    }
}

/// Move a route up or down among its siblings: the first that fits decides.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct MoveRoute {
    /// The route.
    #[schemars(extend("x-kind" = "paging_route"))]
    pub id: i64,
    /// Down instead of up.
    pub down: bool,
}

impl Operation for MoveRoute {
    const NAME: &'static str = "paging.route.move";
    const ROUTE: Route = post("/paging/routes/{id}/move");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Node;

    fn run(&self, cx: &mut Cx) -> Result<Node> {
        cx.reach_everything(Self::NAME)?;
        let node = find(cx, self.id)?;
        let mut siblings: Vec<Node> = store::all(cx.tx)?.into_iter().filter(|one| one.parent == node.parent).collect();
        let at = siblings.iter().position(|one| one.id == node.id).unwrap_or(0);
        let to = if self.down { at + 1 } else { at.wrapping_sub(1) };
        if to < siblings.len() {
            siblings.swap(at, to);
            for (position, one) in (1_i64..).zip(&siblings) {
                if one.position != position {
                    store::set_position(cx.tx, one.id, position)?;
                    cx.changed(&subject(one.id), "position", one.position, position)?;
                }
            }
        }
        find(cx, self.id)
    }
}

/// Remove a route. What it took goes to the routes after it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RemoveRoute {
    /// The route.
    #[schemars(extend("x-kind" = "paging_route"))]
    pub id: i64,
}

impl Operation for RemoveRoute {
    const NAME: &'static str = "paging.route.remove";
    const ROUTE: Route = delete("/paging/routes/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Node;

    fn run(&self, cx: &mut Cx) -> Result<Node> {
        cx.reach_everything(Self::NAME)?;
        let node = find(cx, self.id)?;
        if store::all(cx.tx)?.iter().any(|one| one.parent == Some(node.id)) {
            return Err(Error::conflict("Other routes stand below it. Move or remove them first."));
        }
        store::remove(cx.tx, node.id)?;
        cx.changed(&subject(node.id), "name", &node.name, serde_json::Value::Null)?;
        Ok(node)
    }
}
