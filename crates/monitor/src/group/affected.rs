//! What an alert group affects: which things hang on its cause, and how.

use std::collections::BTreeMap;

use causes::RelationKind;
use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tree::{Tally, grow};
use super::{Group, find};
use crate::ground;
use crate::live::Monitor;
use crate::machine::State;
use crate::store;

/// Most things that are looked at.
const THINGS_MAX: i64 = 5_000;
/// What stands for the name of a thing that the viewer may not see.
const HIDDEN: &str = "a thing you may not see";

/// Show what an alert group affects: the things with alerts and how they hang on the cause, as a tree of at most 40
/// things. Wide fans are cut; what is not shown is counted.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct MapGroup {
    /// The group.
    pub id: i64,
}

impl MapGroup {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.group.map";
}

/// What a group affects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// The cause, if it is determined and one of our things.
    pub cause: Option<Spot>,
    /// Things that are affected, or lead to some that are, each after what it hangs on.
    pub things: Vec<Spot>,
    /// Things that are not listed one by one.
    pub more: Vec<More>,
    /// How many things have alerts in this group, the cause included; at most 5,000 are looked at.
    pub total: i64,
    /// For how many of them alerts are out.
    pub out: i64,
}

/// A thing on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spot {
    /// The asset.
    pub asset: i64,
    /// Its name; "a thing you may not see" for one that is not yours to see.
    pub name: String,
    /// It is not yours to see: only that it is there is shown.
    #[serde(default)]
    pub hidden: bool,
    /// How its worst alert stands; none: no alert of it is in this group, it only leads to others.
    pub state: Option<State>,
    /// An alert of it is out.
    pub open: bool,
    /// The asset it hangs on; none: no relation to the cause is known.
    pub on: Option<i64>,
    /// How it hangs there, for example `powered_by`.
    pub relation: Option<String>,
    /// How many affected things hang on it, however far.
    pub behind: i64,
}

/// Things that are not listed one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct More {
    /// The asset they hang on; none: no relation to the cause is known.
    pub on: Option<i64>,
    /// How they hang there.
    pub relation: Option<String>,
    /// How many they are, with what hangs on them.
    pub things: i64,
    /// For how many of them alerts are out.
    pub out: i64,
}

impl Operation for MapGroup {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/groups/{id}/map");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Affected;

    fn run(&self, cx: &mut Cx) -> Result<Affected> {
        let group = find(cx, Self::NAME, self.id)?;
        affected(cx, &group)
    }
}

/// The relation as its stable word.
fn word(on: Option<(i64, RelationKind)>) -> Option<String> {
    on.map(|(_, kind)| kind.as_str().to_owned())
}

/// What a group that the actor may see affects. Costs two questions about the group's alerts and a few about names,
/// however many things there are; relations are known in memory.
pub(crate) fn affected(cx: &mut Cx, group: &Group) -> Result<Affected> {
    let cause = group.asset.filter(|_| group.judgement.undetermined.is_none());
    let own = store::members::tallies(cx.tx, group.id, THINGS_MAX)?;
    let tree = {
        let monitor = cx.kernel.get::<Monitor>()?;
        let ground = monitor.causal.ground();
        grow(cause, &own, |thing| {
            ground.under.get(&thing).into_iter().flatten().map(|((kind, on), _)| (*on, *kind)).collect()
        })
    };
    let shown: Vec<i64> = tree.leaves.iter().map(|leaf| leaf.thing).chain(cause).collect();
    // A group spans things of many teams: who sees it sees by name what they would see in the inventory.
    let refs: Vec<Ref> = shown.iter().map(|id| Ref::new("asset", *id)).collect();
    let seen = cx.resolve(&refs)?;
    let names = ground::asset_names(cx.tx, &shown)?;
    let seen = |thing: i64| seen.contains_key(&Ref::new("asset", thing));
    let states = store::members::worst(cx.tx, group.id, &shown)?;
    let spot = |thing: i64, on: Option<(i64, RelationKind)>, behind: i64| Spot {
        asset: thing,
        name: names.get(&thing).filter(|_| seen(thing)).map_or_else(|| HIDDEN.to_owned(), Clone::clone),
        hidden: !seen(thing),
        state: own.get(&thing).map(|_| states.get(&thing).copied().unwrap_or(State::Ok)),
        open: own.get(&thing).is_some_and(|tally| tally.out > 0),
        on: on.map(|on| on.0),
        relation: word(on),
        behind,
    };
    Ok(Affected {
        cause: cause.map(|cause| {
            let others = own.keys().filter(|thing| **thing != cause).count();
            spot(cause, None, i64::try_from(others).unwrap_or(i64::MAX))
        }),
        things: tree.leaves.iter().map(|leaf| spot(leaf.thing, leaf.on, leaf.behind.things)).collect(),
        more: tree
            .bundles
            .iter()
            .map(|one| More {
                on: one.on.map(|on| on.0),
                relation: word(one.on),
                things: one.all.things,
                out: one.all.out,
            })
            .collect(),
        total: sum(&own).things,
        out: sum(&own).out,
    })
}

fn sum(own: &BTreeMap<i64, Tally>) -> Tally {
    own.values().fold(Tally::default(), |sum, one| Tally { things: sum.things + one.things, out: sum.out + one.out })
}
