//! How much of what things stand on is known: causes are only found over relations that are there.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RelationKind, store};

/// What a thing of some kinds is sure to stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A switch or a gateway.
    Network,
    /// A name server.
    Names,
    /// Power.
    Power,
    /// A host.
    Host,
    /// What a service needs to work.
    Service,
}

const MACHINES: &[&str] = &["server", "hypervisor", "workstation", "laptop", "virtual_machine", "container"];
const CONNECTED: &[&str] = &[
    "server",
    "hypervisor",
    "workstation",
    "virtual_machine",
    "switch",
    "access_point",
    "load_balancer",
    "printer",
    "phone",
    "storage",
];
const POWERED: &[&str] = &["server", "hypervisor", "switch", "router", "firewall", "gateway", "storage"];

impl Need {
    /// Every need.
    pub const ALL: [Self; 5] = [Self::Network, Self::Names, Self::Power, Self::Host, Self::Service];

    /// The word in filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Names => "names",
            Self::Power => "power",
            Self::Host => "host",
            Self::Service => "service",
        }
    }

    /// The need of a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|need| need.as_str() == word)
    }

    /// What is looked for, in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Network => "A switch or gateway",
            Self::Names => "A name server",
            Self::Power => "Power",
            Self::Host => "A host",
            Self::Service => "What it runs on or needs",
        }
    }

    /// Any of these relations is enough.
    pub(crate) const fn relations(self) -> &'static [RelationKind] {
        match self {
            Self::Network => &[RelationKind::ConnectedTo, RelationKind::RoutesBy],
            Self::Names => &[RelationKind::ResolvesBy],
            Self::Power => &[RelationKind::PoweredBy],
            Self::Host => &[RelationKind::RunsOn],
            Self::Service => &[RelationKind::RunsOn, RelationKind::DependsOn],
        }
    }

    /// The kinds of things that have it.
    pub(crate) const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Network => CONNECTED,
            Self::Names => MACHINES,
            Self::Power => POWERED,
            Self::Host => &["virtual_machine", "container"],
            Self::Service => &["service", "website", "database"],
        }
    }
}

/// Of how many things one need is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Covered {
    /// What they stand on.
    pub need: Need,
    /// In words: "A switch or gateway".
    pub words: String,
    /// How many things have this need, by their kind.
    pub things: i64,
    /// Of them, those of which it is known.
    pub known: i64,
    /// Of these, those whose agent names it.
    pub discovered: i64,
    /// The filter that lists the others.
    pub filter: String,
}

/// How much is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// One row for each need that some things have.
    pub items: Vec<Covered>,
}

/// Show of how many things it is known what they stand on: a switch or gateway, a name server, power, a host. Causes are
/// found over these relations. Things that are retired are not counted.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ShowCoverage {}

impl Operation for ShowCoverage {
    const NAME: &'static str = "assets.relation.coverage";
    const ROUTE: Route = get("/assets/relations/coverage");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Coverage;

    fn run(&self, cx: &mut Cx) -> Result<Coverage> {
        let reach = cx.reach(Self::NAME)?;
        let counted = store::coverage(cx.tx, &reach)?;
        let covered = |need: Need| {
            let of = |pick: fn(&store::Counted) -> i64| counted.iter().filter(|one| one.need == need).map(pick).sum();
            Covered {
                need,
                words: need.words().to_owned(),
                things: of(|one| one.things),
                known: of(|one| one.known),
                discovered: of(|one| one.discovered),
                filter: format!("lacks:{}", need.as_str()),
            }
        };
        Ok(Coverage { items: Need::ALL.map(covered).into_iter().filter(|one| one.things > 0).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thing::KINDS;

    #[test]
    fn every_need_has_a_word_and_kinds_that_there_are() {
        for need in Need::ALL {
            assert_eq!(Need::parse(need.as_str()), Some(need));
            assert!(!need.kinds().is_empty() && !need.relations().is_empty());
            let unknown = need.kinds().iter().filter(|kind| KINDS.iter().all(|(word, ..)| word != *kind));
            assert_eq!(unknown.collect::<Vec<_>>(), [] as [&&str; 0]);
        }
        assert_eq!(Need::parse("Power"), None);
    }
}
