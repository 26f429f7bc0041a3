//! Routes: an ordered tree whose nodes say by which policy an alert group is told. One pure function decides, for alerts and
//! for previews alike.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Cx, Error, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hours::Hours;
use crate::matcher::Matchers;

pub mod change;
pub mod list;
pub mod preview;
pub(crate) mod store;

/// Most nodes of the tree.
pub(crate) const NODES_MAX: usize = 300;
/// How deep the tree may be.
pub(crate) const DEPTH_MAX: usize = 8;

/// What a node wants of an alert group; what is left out fits everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Wanted {
    /// Matchers of labels, as in `site="oslo", job=~"node.*"`.
    pub matchers: String,
    /// `critical` or `warning`; empty fits both.
    pub severity: String,
    /// Teams, by number.
    pub teams: Vec<i64>,
    /// Places with all below them, by number.
    pub places: Vec<i64>,
    /// Kinds of assets, such as `switch`.
    pub kinds: Vec<String>,
    /// When the node is in force, as in `mon-fri 08:00-16:00 Europe/Oslo`; always when empty.
    pub hours: String,
    /// When nobody is told although the node fits; what is still out at the end is told then.
    pub mute: String,
}

/// A node of the routing tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its number.
    pub id: i64,
    /// The node it stands below; null at the top.
    pub parent: Option<i64>,
    /// Its place among its siblings.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// What it wants.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// The policy it leads to; that of the node above when null.
    pub policy: Option<i64>,
    /// Its later siblings are looked at too when it fits.
    #[serde(rename = "continue")]
    pub goes_on: bool,
    /// Grows with every change.
    pub version: i64,
}

/// What is known of an alert group when it is routed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Facts {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// `critical` or `warning`.
    pub severity: String,
    /// The team it belongs to.
    pub team: Option<i64>,
    /// Where it is.
    pub place: Option<i64>,
    /// What kind of asset it is about.
    pub kind: String,
    /// The asset it is about.
    pub asset: Option<i64>,
}

/// A node that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Visit {
    /// The node's number.
    pub node: i64,
    /// Its name.
    pub name: String,
    /// How deep it stands; 0 at the top.
    pub depth: usize,
    /// It fits.
    pub fits: bool,
    /// Why, in plain words.
    pub why: String,
}

/// A policy that the tree leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chosen {
    /// The policy's number; 0 is the default policy.
    pub policy: i64,
    /// The nodes that led to it, by name.
    pub route: String,
    /// A mute time is on.
    pub muted: bool,
    /// When the mute time ends; null when it has no end within eight days.
    pub muted_until: Option<Time>,
}

impl Chosen {
    /// How long it is held back, as something to compare: not at all, until a moment, without an end.
    pub(crate) fn held(&self) -> (bool, bool, Time) {
        (self.muted, self.muted && self.muted_until.is_none(), self.muted_until.unwrap_or_default())
    }
}

/// Where the tree leads, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The nodes that were looked at, in order.
    pub visits: Vec<Visit>,
    /// The policies, in order; each once.
    pub chosen: Vec<Chosen>,
}

/// A node that is ready to decide.
pub(crate) struct Ready {
    node: Node,
    matchers: Matchers,
    hours: Hours,
    mute: Hours,
    places: BTreeSet<i64>,
}

impl Ready {
    /// Reads the texts of a node; `places` are its places with all below them.
    pub(crate) fn of(node: Node, places: BTreeSet<i64>) -> Result<Self> {
        let matchers = node.wanted.matchers.parse()?;
        let hours = node.wanted.hours.parse()?;
        let mute = node.wanted.mute.parse::<Hours>().map_err(|error| error.at("mute"))?;
        Ok(Self { node, matchers, hours, mute, places })
    }

    /// Why the node fits or does not.
    fn judge(&self, facts: &Facts, at: Time) -> (bool, String) {
        let wanted = &self.node.wanted;
        let no = |why: String| (false, why);
        if let Some(matcher) = self.matchers.0.iter().find(|one| !one.fits(&facts.labels)) {
            return no(format!("It wants {matcher}, and {}.", matcher.found(&facts.labels)));
        }
        if !wanted.severity.is_empty() && wanted.severity != facts.severity {
            return no(format!("It wants severity {}, and this is {}.", wanted.severity, facts.severity));
        }
        if !wanted.teams.is_empty() && !facts.team.is_some_and(|team| wanted.teams.contains(&team)) {
            return no("It is for other teams.".to_owned());
        }
        if !wanted.places.is_empty() && !facts.place.is_some_and(|place| self.places.contains(&place)) {
            return no("It is for other places.".to_owned());
        }
        if !wanted.kinds.is_empty() && !wanted.kinds.contains(&facts.kind) {
            let is = if facts.kind.is_empty() { "no asset" } else { facts.kind.as_str() };
            return no(format!("It is for {}, and this is {is}.", wanted.kinds.join(", ")));
        }
        if !self.hours.is_empty() && !self.hours.holds(at) {
            return no(format!("It is in force only {}.", self.hours));
        }
        (true, "Everything it wants is so.".to_owned())
    }
}

/// What stands for the route where none fits.
pub(crate) const NO_ROUTE: &str = "No route fits";

/// The whole tree, ready to decide.
#[derive(Default)]
pub(crate) struct Tree {
    /// In order of position.
    nodes: Vec<Ready>,
    /// Where everything goes that no node takes.
    pub(crate) otherwise: i64,
}

impl Tree {
    /// A tree of nodes in order of position.
    pub(crate) fn of(nodes: Vec<Ready>, otherwise: i64) -> Self {
        Self { nodes, otherwise }
    }

    /// Where an alert group goes: the function that routes, and that previews.
    pub(crate) fn decide(&self, facts: &Facts, at: Time) -> Decision {
        let mut decision = Decision::default();
        let top = Above { parent: None, policy: self.otherwise, route: String::new(), mute: (false, None), depth: 0 };
        self.descend(&top, facts, at, &mut decision);
        if decision.chosen.is_empty() {
            let route = NO_ROUTE.to_owned();
            decision.chosen.push(Chosen { policy: self.otherwise, route, muted: false, muted_until: None });
        }
        decision.chosen = each_once(std::mem::take(&mut decision.chosen));
        decision
    }

    /// Looks at the nodes below one; answers whether any fits.
    fn descend(&self, above: &Above, facts: &Facts, at: Time, decision: &mut Decision) -> bool {
        let mut found = false;
        if above.depth >= DEPTH_MAX {
            return false;
        }
        for ready in self.nodes.iter().filter(|one| one.node.parent == above.parent) {
            let (fits, why) = ready.judge(facts, at);
            let (node, name) = (ready.node.id, ready.node.name.clone());
            decision.visits.push(Visit { node, name: name.clone(), depth: above.depth, fits, why });
            if !fits {
                continue;
            }
            found = true;
            let route = if above.route.is_empty() { name } else { format!("{} / {name}", above.route) };
            let mute = if ready.mute.holds(at) { (true, ready.mute.ends(at)) } else { above.mute };
            let policy = ready.node.policy.unwrap_or(above.policy);
            let here = Above { parent: Some(node), policy, route, mute, depth: above.depth + 1 };
            if !self.descend(&here, facts, at, decision) {
                let (muted, muted_until) = mute;
                decision.chosen.push(Chosen { policy, route: here.route, muted, muted_until });
            }
            if !ready.node.goes_on {
                break;
            }
        }
        found
    }
}

/// Each policy once, in order. A mute time holds back its own route only: when another route leads to the same policy without
/// one, that one counts, and of several mute times the one that ends first.
fn each_once(all: Vec<Chosen>) -> Vec<Chosen> {
    let mut kept: Vec<Chosen> = Vec::new();
    for one in all {
        match kept.iter_mut().find(|known| known.policy == one.policy) {
            None => kept.push(one),
            Some(known) if one.held() < known.held() => *known = one,
            Some(_) => {}
        }
    }
    kept
}

/// What a node hands down to those below it.
struct Above {
    parent: Option<i64>,
    policy: i64,
    route: String,
    mute: (bool, Option<Time>),
    depth: usize,
}

/// The tree as it is kept.
pub(crate) fn load(cx: &mut Cx) -> Result<Tree> {
    let otherwise = cx.setting::<crate::settings::Default>()?.policy.unwrap_or(0);
    let mut nodes = Vec::new();
    for node in store::all(cx.tx)? {
        nodes.push(ready(cx, node)?);
    }
    Ok(Tree::of(nodes, otherwise))
}

fn ready(cx: &mut Cx, node: Node) -> Result<Ready> {
    let mut places = BTreeSet::new();
    for place in &node.wanted.places {
        places.extend(people::places_below(cx.tx, *place)?);
    }
    Ready::of(node, places)
}

pub(crate) fn find(cx: &mut Cx, id: i64) -> Result<Node> {
    store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The route {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn node(id: i64, parent: Option<i64>, policy: Option<i64>, wanted: Wanted) -> Node {
        Node { id, parent, position: id, name: format!("n{id}"), wanted, policy, goes_on: false, version: 1 }
    }

    fn wants(matchers: &str) -> Wanted {
        Wanted { matchers: matchers.into(), ..Wanted::default() }
    }

    fn tree(nodes: Vec<Node>) -> Tree {
        let ready = |node: Node| {
            let places = node.wanted.places.iter().flat_map(|place| [*place, place * 10]).collect();
            Ready::of(node, places).unwrap()
        };
        Tree::of(nodes.into_iter().map(ready).collect(), 0)
    }

    fn policies(tree: &Tree, facts: &Facts) -> Vec<i64> {
        tree.decide(facts, kernel::world::START).chosen.iter().map(|one| one.policy).collect()
    }

    fn labels(site: &str) -> Facts {
        let labels = [("site".to_owned(), site.to_owned())].into();
        Facts { labels, severity: "critical".into(), ..Facts::default() }
    }

    #[test]
    fn the_first_node_that_fits_decides_and_the_deepest_below_it() {
        let tree = tree(vec![
            node(1, None, Some(10), wants("site=oslo")),
            node(2, Some(1), Some(20), Wanted { severity: "warning".into(), ..Wanted::default() }),
            node(3, Some(1), None, Wanted { severity: "critical".into(), ..Wanted::default() }),
            node(4, None, Some(40), Wanted::default()),
        ]);
        assert_eq!(policies(&tree, &labels("oslo")), [10], "inherited by the deepest");
        assert_eq!(policies(&tree, &Facts { severity: "warning".into(), ..labels("oslo") }), [20]);
        assert_eq!(policies(&tree, &labels("bergen")), [40]);
    }

    #[test]
    fn a_node_that_continues_adds_to_those_after_it_and_each_policy_comes_once() {
        let mut first = node(1, None, Some(10), Wanted::default());
        first.goes_on = true;
        let tree =
            tree(vec![first, node(2, None, Some(20), wants("site=oslo")), node(3, None, Some(10), Wanted::default())]);
        assert_eq!(policies(&tree, &labels("oslo")), [10, 20]);
        assert_eq!(policies(&tree, &labels("bergen")), [10]);
    }

    #[test]
    fn without_a_node_that_fits_the_default_policy_takes_it_and_each_refusal_has_a_reason() {
        let kinds = Wanted { kinds: vec!["switch".into()], ..Wanted::default() };
        let places = Wanted { places: vec![3], ..Wanted::default() };
        let hours = Wanted { hours: "sat-sun".into(), ..Wanted::default() };
        let teams = Wanted { teams: vec![7], ..Wanted::default() };
        let nodes = [wants("site=oslo"), kinds, places, hours, teams];
        let nodes = (1..).zip(nodes).map(|(id, wanted)| node(id, None, Some(id), wanted)).collect();
        let tree = tree(nodes);
        let decision = tree.decide(&labels("bergen"), kernel::world::START);
        assert_eq!(decision.chosen.iter().map(|one| one.policy).collect::<Vec<_>>(), [0]);
        let why: Vec<&str> = decision.visits.iter().map(|visit| visit.why.as_str()).collect();
        assert_eq!(why[0], "It wants site=\"oslo\", and site is \"bergen\".");
        assert!(why[1].contains("switch") && why[2].contains("places") && why[3].contains("sat-sun"), "{why:?}");
        assert_eq!(policies(&tree, &Facts { place: Some(30), ..labels("bergen") }), [3], "a place below counts");
        assert_eq!(policies(&tree, &Facts { team: Some(7), ..labels("bergen") }), [5]);
    }

    #[test]
    fn a_mute_time_holds_for_all_below_and_says_when_it_ends() {
        let mute = Wanted { mute: "mon 06:00-12:00".into(), ..Wanted::default() };
        let tree = tree(vec![node(1, None, Some(1), mute), node(2, Some(1), None, wants("site=oslo"))]);
        let chosen = tree.decide(&labels("oslo"), kernel::world::START).chosen.remove(0);
        assert!(chosen.muted);
        assert_eq!(chosen.muted_until, Some(kernel::world::START.plus(4 * kernel::time::HOUR)));
    }

    #[test]
    fn a_route_without_a_mute_time_wins_over_one_that_is_muted_whichever_comes_first() {
        let muted = |mute: &str| Wanted { mute: mute.into(), ..Wanted::default() };
        let (quiet, longer) = (muted("mon 06:00-12:00"), muted("mon 06:00-14:00"));
        let chosen = |wanted: Vec<Wanted>| {
            let nodes = (1..).zip(wanted).map(|(id, wanted)| Node { goes_on: true, ..node(id, None, Some(7), wanted) });
            let all = tree(nodes.collect()).decide(&labels("oslo"), kernel::world::START).chosen;
            assert_eq!(all.len(), 1, "one policy, once");
            (all[0].route.clone(), all[0].muted_until.map(|at| at.since(kernel::world::START) / kernel::time::HOUR))
        };
        let route = |name: &str, hours: Option<i64>| (name.to_owned(), hours);
        assert_eq!(chosen(vec![quiet.clone(), Wanted::default()]), route("n2", None));
        assert_eq!(chosen(vec![Wanted::default(), quiet.clone()]), route("n1", None));
        assert_eq!(chosen(vec![longer.clone(), quiet.clone()]), route("n2", Some(4)), "the mute time that ends first");
        assert_eq!(chosen(vec![quiet, longer]), route("n1", Some(4)));
    }
}
