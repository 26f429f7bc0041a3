//! What the domains declare: gathered once at start, checked for clashes, then only read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::audit::blank::Blank;
use crate::cx::Cx;
use crate::db::{Migration, Tx};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::event::{EventEntry, Reaction};
use crate::job::{JobEntry, Schedule};
use crate::operation::Entry;
use crate::permission::{Actor, Ident};
use crate::reference::Resolved;
use crate::settings::SettingEntry;
use crate::time::Time;

mod numbers;

/// A noun that references can point at.
pub struct Noun {
    /// The kind in `kind:number`.
    pub kind: &'static str,
    /// The operation whose grant and scope decide who sees rows of it in search.
    pub list: &'static str,
    /// Titles and links of the given numbers, only those the actor may see.
    pub resolve: fn(&mut Cx, &[i64]) -> Result<Vec<Resolved>>,
    /// Sets one field to an earlier value, for undo; answers an error when the field cannot be undone.
    pub set: Option<SetField>,
}

/// Sets a field of a row to a value it had before.
pub type SetField = fn(&mut Cx, i64, &str, &Value) -> Result<()>;

/// Builds the actor of an identity from the database, with grants and teams as they are now.
pub type ActorSource = fn(&mut Tx<'_>, &Ident, Time) -> Result<Actor>;

/// A message handler for what agents send: the asset is stamped by the gateway from the connection.
pub struct AgentMessage {
    /// The message kind, as the protocol names it.
    pub kind: &'static str,
    /// What to do with it; the body is the decoded message of the agent protocol, for the domain to downcast.
    pub handle: fn(&crate::running::Handle, &AgentFrom, &dyn std::any::Any) -> Result<()>,
}

/// Something a domain wants every agent to have: made for an asset when its agent connects, and again after a commit
/// that touched `agent_feed:<asset>` ([`crate::Cx::touch`]). The gateway sends it when it differs from what it sent last.
pub struct AgentFeed {
    /// The message kind, as the protocol names it.
    pub kind: &'static str,
    /// The message for an asset, in the protocol's own encoding; `None` sends nothing.
    pub make: fn(&mut Cx, i64) -> Result<Option<Vec<u8>>>,
}

/// Which agent a message came from, as the gateway knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFrom {
    /// The asset the agent runs on.
    pub asset: i64,
    /// The agent's row.
    pub agent: i64,
    /// When the server received the message.
    pub at: Time,
}

/// A loop that lives as long as the server: started after recovery, told to stop through the handle.
pub struct Service {
    /// Its name in logs and thread lists.
    pub name: &'static str,
    /// Runs until `kernel.stopping()` or returns early when there is nothing to do.
    pub run: fn(crate::running::Handle),
}

/// Everything one domain declares.
#[derive(Default)]
pub struct Domain {
    /// Its name: prefix of tables, operations and events.
    pub name: &'static str,
    /// Its tables.
    pub migrations: &'static [Migration],
    /// Its operations, in reading order.
    pub operations: Vec<Entry>,
    /// Its events.
    pub events: Vec<EventEntry>,
    /// What it does when others' events happen.
    pub reactions: Vec<Reaction>,
    /// Its jobs.
    pub jobs: Vec<JobEntry>,
    /// When some of them run by themselves.
    pub schedules: Vec<Schedule>,
    /// Nouns others can point at.
    pub nouns: Vec<Noun>,
    /// Its settings.
    pub settings: Vec<SettingEntry>,
    /// Fields that held secret words in earlier versions, to be taken out of older audit entries.
    pub blanks: Vec<Blank>,
    /// Messages from agents it takes.
    pub messages: Vec<AgentMessage>,
    /// What it wants agents to have.
    pub feeds: Vec<AgentFeed>,
    /// Addresses of others' protocols that it speaks.
    pub endpoints: Vec<Endpoint>,
    /// Its loops.
    pub services: Vec<Service>,
    /// Work at start, before anything is served: opening stores, creating what must exist.
    pub start: Option<fn(&crate::running::Handle) -> Result<()>>,
    /// Set by the one domain that knows people.
    pub actors: Option<ActorSource>,
}

/// All domains, indexed.
pub struct Registry {
    domains: Vec<Domain>,
    operations: BTreeMap<&'static str, (usize, usize)>,
    nouns: BTreeMap<&'static str, (usize, usize)>,
    jobs: BTreeMap<&'static str, (usize, usize)>,
}

impl Registry {
    /// Gathers the domains; two declarations under one name are refused.
    pub fn new(domains: Vec<Domain>) -> Result<Self> {
        let twice =
            |what: &str, name: &str| Error::internal("registry", format!("{what} \"{name}\" is declared twice"));
        let (mut operations, mut nouns, mut jobs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (mut routes, mut names) = (BTreeMap::new(), std::collections::BTreeSet::new());
        for (d, domain) in domains.iter().enumerate() {
            if !names.insert(format!("domain {}", domain.name)) {
                return Err(twice("domain", domain.name));
            }
            for (index, entry) in domain.operations.iter().enumerate() {
                if operations.insert(entry.name, (d, index)).is_some() {
                    return Err(twice("operation", entry.name));
                }
                if routes.insert((entry.route.method.as_str(), entry.route.path), entry.name).is_some() {
                    return Err(twice("route", entry.route.path));
                }
            }
            for (index, noun) in domain.nouns.iter().enumerate() {
                if nouns.insert(noun.kind, (d, index)).is_some() {
                    return Err(twice("noun", noun.kind));
                }
            }
            for (index, job) in domain.jobs.iter().enumerate() {
                if jobs.insert(job.kind, (d, index)).is_some() {
                    return Err(twice("job", job.kind));
                }
            }
            let reactions = domain.reactions.iter().map(|one| format!("reaction {}", one.name));
            let events = domain.events.iter().map(|one| format!("event {}", one.name));
            for name in reactions.chain(events) {
                if !names.insert(name.clone()) {
                    return Err(twice("event or reaction", &name));
                }
            }
        }
        let mut addresses = std::collections::BTreeSet::new();
        for endpoint in domains.iter().flat_map(|domain| &domain.endpoints) {
            if !endpoint.grant.is_empty() && !operations.contains_key(endpoint.grant) {
                let unknown =
                    format!("\"{}\" needs a grant for \"{}\", which is no operation", endpoint.path, endpoint.grant);
                return Err(Error::internal("registry", unknown));
            }
            if !addresses.insert(endpoint.path) {
                return Err(twice("endpoint", endpoint.path));
            }
        }
        Ok(Self { domains, operations, nouns, jobs })
    }

    /// Addresses of others' protocols.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.domains.iter().flat_map(|domain| &domain.endpoints)
    }

    /// The domains in reading order.
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// An operation by name.
    pub fn operation(&self, name: &str) -> Option<&Entry> {
        let (domain, index) = self.operations.get(name)?;
        self.domains.get(*domain)?.operations.get(*index)
    }

    /// All operations in order of name.
    pub fn operations(&self) -> impl Iterator<Item = &Entry> {
        self.operations.keys().filter_map(|name| self.operation(name))
    }

    /// A noun by kind.
    pub fn noun(&self, kind: &str) -> Option<&Noun> {
        let (domain, index) = self.nouns.get(kind)?;
        self.domains.get(*domain)?.nouns.get(*index)
    }

    /// All nouns.
    pub fn nouns(&self) -> impl Iterator<Item = &Noun> {
        self.domains.iter().flat_map(|domain| &domain.nouns)
    }

    /// A job by kind.
    pub fn job(&self, kind: &str) -> Option<&JobEntry> {
        let (domain, index) = self.jobs.get(kind)?;
        self.domains.get(*domain)?.jobs.get(*index)
    }

    /// All reactions, in order of declaration.
    pub fn reactions(&self) -> impl Iterator<Item = &Reaction> {
        self.domains.iter().flat_map(|domain| &domain.reactions)
    }

    /// All schedules.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.domains.iter().flat_map(|domain| &domain.schedules)
    }

    /// All settings.
    pub fn settings(&self) -> impl Iterator<Item = &SettingEntry> {
        self.domains.iter().flat_map(|domain| &domain.settings)
    }

    /// Fields that held secret words.
    pub(crate) fn blanks(&self) -> impl Iterator<Item = &Blank> {
        self.domains.iter().flat_map(|domain| &domain.blanks)
    }

    /// Handlers of a kind of agent message.
    pub fn messages(&self, kind: &str) -> impl Iterator<Item = &AgentMessage> {
        self.domains.iter().flat_map(|domain| &domain.messages).filter(move |one| one.kind == kind)
    }

    /// What the domains want agents to have.
    pub fn feeds(&self) -> impl Iterator<Item = &AgentFeed> {
        self.domains.iter().flat_map(|domain| &domain.feeds)
    }

    /// Who turns an identity into an actor.
    pub fn actors(&self) -> Option<ActorSource> {
        self.domains.iter().find_map(|domain| domain.actors)
    }
}
