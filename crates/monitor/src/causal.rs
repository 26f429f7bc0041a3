//! The cause engine in monitoring: what it is told, what it knows of things, and which of its groups is which of ours.
//! It lives in memory; what it decides is written by `group/decide.rs`, and after a restart it is told again what is out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use causes::{Decision, Engine, Graph, Look, Observation, Options, Relation, RelationKind, Restored, Rules, Source};
use causes::{Phase, Symptom, Thing, What};
use kernel::db::Tx;
use kernel::{Result, Time};

use crate::check::Check;
use crate::live::standing::Ground;
use crate::probe::Probe;
use crate::store;

/// Things read from the inventory at a time.
const THINGS_ROWS: i64 = 500;
/// Groups that are taken over at a start.
const RESTORED_MAX: i64 = 2_000;
/// Alerts of one group that are taken over at a start.
const RESTORED_ALERTS_MAX: i64 = 20_000;
/// Alerts about no asset are about things of their own, beyond all assets.
const NO_ASSET: u64 = 1 << 48;

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) enum Decided {
    /// As the engine says.
    Engine(Decision),
    /// An alert is back in a group that is still open.
    Back {
        /// The engine's number of the group.
        group: u64,
        /// The check.
        check: i64,
        /// What was seen.
        text: String,
    },
}

/// The engine with what connects it to the database.
pub(crate) struct Causal {
    pub(crate) engine: Engine,
    /// Our number of each of its groups.
    pub(crate) ids: BTreeMap<u64, i64>,
    /// What it decided and is not written yet, in order.
    pub(crate) waiting: VecDeque<Decided>,
    /// What each thing stands on.
    pub(crate) ground: Ground,
    /// Looks that it wants to be taken again at once, and until when that helps.
    pub(crate) wanted: BTreeMap<i64, Time>,
}

impl Causal {
    /// An engine that knows what the inventory knows, and the groups that are open.
    pub(crate) fn load(tx: &mut Tx<'_>, now: Time) -> Result<Self> {
        let (graph, ground) = graph(tx)?;
        let mut engine = Engine::new(graph, Rules::built_in(), Options::default());
        let mut ids = BTreeMap::new();
        let mut restored = Vec::new();
        for (group, announced, opened_at) in store::groups::open(tx, RESTORED_MAX)? {
            let members = store::groups::restored(tx, group, RESTORED_ALERTS_MAX)?;
            let number = u64::try_from(group).unwrap_or_default();
            ids.insert(number, group);
            let members = members.into_iter().map(|(check, cleared)| {
                let since_ms = check.fired_at.unwrap_or(opened_at).millis();
                (symptom(&check, since_ms, check.evidence.clone()), cleared.map(Time::millis))
            });
            let members = members.collect();
            restored.push(Restored { group: number, paged: announced, opened_ms: opened_at.millis(), members });
        }
        engine.restore(restored, now.millis());
        Ok(Self { engine, ids, waiting: VecDeque::new(), ground, wanted: BTreeMap::new() })
    }

    /// Tells the engine what was observed.
    pub(crate) fn observe(&mut self, observation: Observation, now: Time) {
        self.engine.observe(observation, now.millis());
    }

    /// An alert is out, and that is on disk.
    pub(crate) fn fired(&mut self, symptom: &Symptom, now: Time) {
        let key = symptom.look.key;
        self.observe(Observation::Fired(symptom.clone()), now);
        if let (Some(group), Ok(check)) = (self.engine.group_of(key), i64::try_from(key))
            && self.ids.contains_key(&group)
            // One that is over is only opened again when the engine says so.
            && self.engine.group(group).is_some_and(|group| matches!(group.phase, Phase::Open))
        {
            self.waiting.push_back(Decided::Back { group, check, text: symptom.evidence.clone() });
        }
    }

    /// Moves time on; what follows waits to be written.
    pub(crate) fn tick(&mut self, now: Time) {
        self.wanted.retain(|_, until| *until > now);
        for decision in self.engine.tick(now.millis()) {
            match decision {
                Decision::Recheck { looks, until_ms } | Decision::Suspend { looks, until_ms, .. } => {
                    let until = Time(until_ms.saturating_mul(1_000));
                    let checks = looks.into_iter().filter_map(|key| i64::try_from(key).ok());
                    self.wanted.extend(checks.map(|check| (check, until)));
                }
                // Told when it opens.
                Decision::Page { .. } => {}
                other => self.waiting.push_back(Decided::Engine(other)),
            }
        }
    }

    /// A thing of the inventory is as this says from now on; none: it is gone.
    pub(crate) fn thing(&mut self, id: i64, thing: Option<Thing>) {
        let number = u64::try_from(id).unwrap_or_default();
        match thing {
            Some(thing) => self.engine.graph_mut().put(thing),
            None => self.engine.graph_mut().remove(number),
        }
    }

    /// A relation is known, or no longer.
    pub(crate) fn relation(&mut self, from: i64, kind: &str, to: i64, known: bool) {
        let Some(kind) = RelationKind::parse(kind) else { return };
        if known {
            self.ground.entry(from).or_default().insert((kind, to));
        } else if let Some(on) = self.ground.get_mut(&from) {
            on.remove(&(kind, to));
        }
        let (Ok(from), Ok(to)) = (u64::try_from(from), u64::try_from(to)) else { return };
        if known {
            let relation = Relation { from, kind, to, group: String::new(), source: Source::Declared };
            self.engine.graph_mut().relate(&relation);
        } else {
            self.engine.graph_mut().unrelate(from, kind, to);
        }
    }
}

/// A thing of the inventory as the engine knows it; nothing when it is retired.
pub(crate) fn thing(id: i64, brief: &assets::Brief) -> Option<Thing> {
    let live = brief.status != assets::Status::Retired;
    let site = brief.place.map(|place| place.to_string()).unwrap_or_default();
    let number = u64::try_from(id).ok()?;
    live.then(|| Thing { id: number, kind: brief.kind.clone(), name: brief.name.clone(), site })
}

fn graph(tx: &mut Tx<'_>) -> Result<(Graph, Ground)> {
    let (mut graph, mut ground) = (Graph::new(), Ground::new());
    let mut after = 0;
    let mut all = Vec::new();
    loop {
        let things = assets::things_after(tx, after, THINGS_ROWS)?;
        let Some((last, _)) = things.last() else { break };
        after = *last;
        for (id, brief) in things {
            if let Some(thing) = thing(id, &brief) {
                graph.put(thing);
                all.push(id);
            }
        }
    }
    for slice in all.chunks(usize::try_from(THINGS_ROWS).unwrap_or(500)) {
        for relation in assets::parents(tx, slice)? {
            let Some(kind) = RelationKind::parse(relation.kind.as_str()) else { continue };
            ground.entry(relation.from).or_default().insert((kind, relation.to));
            let (Ok(from), Ok(to)) = (u64::try_from(relation.from), u64::try_from(relation.to)) else { continue };
            let source = if relation.source.starts_with("agent") { Source::Discovered } else { Source::Declared };
            graph.relate(&Relation { from, kind, to, group: String::new(), source });
        }
    }
    Ok((graph, ground))
}

/// A check as a look.
pub(crate) fn look(check: &Check) -> Look {
    let number = |id: i64| u64::try_from(id).unwrap_or_default();
    Look {
        key: number(check.id),
        thing: check.asset.map_or_else(|| NO_ASSET + number(check.id), number),
        what: what(check),
        // That a machine is not heard from is what the server sees, whoever else looks at it.
        vantage: check.vantage.filter(|_| !matches!(check.probe, Probe::Silent { .. })).map(number),
        interval_ms: check.interval_s.saturating_mul(1_000),
    }
}

/// An alert that is out, as a symptom.
pub(crate) fn symptom(check: &Check, since_ms: i64, evidence: String) -> Symptom {
    let look = look(check);
    Symptom { what: look.what, look, since_ms, evidence }
}

/// The asset that a thing of the engine is; nothing for what is beyond.
pub(crate) fn asset_of(thing: u64) -> Option<i64> {
    (thing < NO_ASSET).then(|| i64::try_from(thing).ok()).flatten()
}

/// What a check says when it is bad. A label `symptom` says it for rules, which may be about anything.
fn what(check: &Check) -> What {
    if let Some(what) = check.labels.get("symptom").and_then(What::parse) {
        return what;
    }
    match check.probe.kind().as_str() {
        "process" | "unit" | "tcp" | "ssh" | "smtp" | "imap" | "postgres" | "mysql" => What::Down,
        "http" => What::Errors,
        "file_system" | "fill_up" => What::DiskFull,
        "silent" | "heartbeat" | "scrape" => What::NoData,
        "icmp" | "ping" => What::Unreachable,
        "dns" => What::NameFails,
        "tls" | "certificate" => What::CertInvalid,
        _ => What::Other,
    }
}

/// The checks of decisions of one kind, each once.
pub(crate) fn checks_of(members: &[causes::Member]) -> Vec<i64> {
    let keys: BTreeSet<u64> = members.iter().map(|member| member.key).collect();
    keys.into_iter().filter_map(|key| i64::try_from(key).ok()).collect()
}
