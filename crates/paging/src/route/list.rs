//! List the routing tree.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Node, store};

/// The nodes of the routing tree.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Nodes {
    /// In the order of the tree: each node is followed by those below it.
    pub items: Vec<Node>,
}

/// List the routing tree: which alerts are told by which policy.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListRoutes {}

impl Operation for ListRoutes {
    const NAME: &'static str = "paging.route.list";
    const ROUTE: Route = get("/paging/routes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Nodes;

    fn run(&self, cx: &mut Cx) -> Result<Nodes> {
        let all = store::all(cx.tx)?;
        let mut items = Vec::with_capacity(all.len());
        below(&all, None, 0, &mut items);
        Ok(Nodes { items })
    }
}

/// Appends the nodes below one in the order of the tree.
fn below(all: &[Node], parent: Option<i64>, depth: usize, out: &mut Vec<Node>) {
    if depth > super::DEPTH_MAX {
        return;
    }
    for node in all.iter().filter(|node| node.parent == parent) {
        out.push(node.clone());
        below(all, Some(node.id), depth + 1, out);
    }
}
