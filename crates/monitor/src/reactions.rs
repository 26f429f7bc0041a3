//! What monitoring does when others tell something: agents come and go, assets change hands and retire.

use kernel::{Cx, Event, Reaction, Ref, Result, StoredEvent};
use serde::Deserialize;

use crate::live::{Link, Monitor};
use crate::{samples, store};

/// Checks of a retired asset that are read at a time.
const CLOSED_AT_ONCE: usize = 100;

/// All reactions.
pub(crate) fn all() -> Vec<Reaction> {
    vec![
        Reaction {
            name: "monitor.follows-agents",
            events: &["fleet.agent.connected", "fleet.agent.disconnected"],
            grants: &[],
            run: agent_moved,
        },
        Reaction {
            name: "monitor.follows-assets",
            events: &["assets.thing.changed", "assets.thing.retired"],
            grants: &["monitor.*"],
            run: asset_changed,
        },
        Reaction {
            name: "monitor.follows-relations",
            events: &[
                "assets.thing.created",
                "assets.thing.changed",
                "assets.thing.retired",
                "assets.relation.added",
                "assets.relation.changed",
                "assets.relation.removed",
                "assets.facts.changed",
            ],
            grants: &[],
            run: inventory_changed,
        },
        Reaction {
            name: "monitor.proposes-again",
            events: &["assets.thing.created", "assets.thing.changed", "monitor.check.deleted"],
            grants: &[],
            run: crate::proposal::again,
        },
        Reaction {
            name: "monitor.follows-tickets",
            events: &["desk.ticket.resolved", "desk.ticket.closed"],
            grants: &["monitor.*"],
            run: crate::maintenance::watch::ticket_done,
        },
    ]
}

fn asset_of(event: &StoredEvent) -> Option<i64> {
    event.subjects.iter().find(|one| one.kind == "asset").map(|one| one.id)
}

/// Only memory and the attention list change; twice is the same as once.
fn agent_moved(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let Some(asset) = asset_of(event) else { return Ok(()) };
    let monitor = cx.kernel.get::<Monitor>()?;
    if event.name == "fleet.agent.connected" {
        monitor.linked(asset, Link::Connected(event.at));
        monitor.forget_complaint(asset);
        cx.attention_done(&Ref::new("asset", asset), samples::NEED)
    } else {
        monitor.linked(asset, Link::Away(event.at));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Related {
    from: Ref,
    kind: String,
    to: Ref,
    #[serde(default)]
    group: String,
    #[serde(default)]
    discovered: bool,
}

#[derive(Deserialize)]
struct FactsChanged {
    what: String,
    #[serde(default)]
    keys: Vec<String>,
}

/// The cause engine knows what the inventory knows. Only memory changes; twice is the same as once.
fn inventory_changed(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let monitor = cx.kernel.get::<Monitor>()?;
    match event.name.as_str() {
        "assets.relation.added" | "assets.relation.changed" => {
            let related = event.fields::<Related>()?;
            let on = (related.from.id, related.kind.as_str(), related.to.id);
            if let Some(relation) = crate::causal::relation(on, related.group, related.discovered) {
                monitor.causal.relate(relation, event.at);
            }
        }
        "assets.relation.removed" => {
            let related = event.fields::<Related>()?;
            monitor.causal.unrelate(related.from.id, (&related.kind, related.to.id), event.at);
        }
        "assets.facts.changed" => {
            let (Some(asset), facts) = (asset_of(event), event.fields::<FactsChanged>()?) else { return Ok(()) };
            let label = facts.keys.first().cloned().unwrap_or_else(|| facts.what.clone());
            let thing = u64::try_from(asset).unwrap_or_default();
            let change = causes::Change {
                label,
                thing,
                at_ms: event.at.millis(),
                words: format!("was changed: {}", facts.what),
            };
            monitor.causal.observe(causes::Observation::Changed(change), event.at);
        }
        _ => {
            let Some(asset) = asset_of(event) else { return Ok(()) };
            let brief = assets::brief(cx.tx, &[asset])?.remove(&asset);
            let thing = brief.and_then(|brief| crate::causal::thing(asset, &brief));
            monitor.causal.thing(asset, thing, event.at);
        }
    }
    Ok(())
}

/// Who sees checks and groups follows the asset; nobody looks at what is retired.
fn asset_changed(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let Some(asset) = asset_of(event) else { return Ok(()) };
    let Some(brief) = assets::brief(cx.tx, &[asset])?.remove(&asset) else { return Ok(()) };
    store::checks::follow_asset(cx.tx, asset, brief.team, brief.place, brief.owner)?;
    store::groups::follow_asset(cx.tx, asset, brief.place, brief.owner)?;
    store::proposals::follow_asset(cx.tx, asset, brief.team, brief.place, brief.owner)?;
    if event.name != "assets.thing.retired" {
        return Ok(());
    }
    store::proposals::forget_open(cx.tx, asset)?;
    let why = format!("{} was retired; nobody looks any more.", brief.name);
    let everything = kernel::Reach { everything: true, ..kernel::Reach::default() };
    let filter = store::checks::Filter { asset: Some(asset), ..Default::default() };
    let mut last: Option<(String, i64)> = None;
    loop {
        let after = last.as_ref().map(|(name, id)| (name.as_str(), *id));
        let checks = store::checks::page(cx.tx, &filter, &everything, after, CLOSED_AT_ONCE)?;
        for check in &checks {
            crate::check::pause::close(cx, check, &why)?;
        }
        last = match checks.last() {
            Some(check) if checks.len() >= CLOSED_AT_ONCE => Some((check.name.clone(), check.id)),
            _ => return Ok(()),
        };
    }
}

/// The events this domain tells, for the registry.
pub(crate) fn events() -> Vec<kernel::EventEntry> {
    use crate::events::*;
    use kernel::EventEntry;
    fn entry<T: Event>() -> EventEntry {
        EventEntry::of::<T>()
    }
    vec![
        entry::<CheckCreated>(),
        entry::<CheckChanged>(),
        entry::<CheckDeleted>(),
        entry::<CheckPaused>(),
        entry::<CheckResumed>(),
        entry::<AlertFired>(),
        entry::<AlertRecovered>(),
        entry::<GroupOpened>(),
        entry::<GroupChanged>(),
        entry::<GroupMerged>(),
        entry::<GroupRecovered>(),
        entry::<GroupReopened>(),
        entry::<RuleCreated>(),
        entry::<RuleChanged>(),
        entry::<RuleDeleted>(),
        entry::<RulesImported>(),
        entry::<MaintenancePlanned>(),
        entry::<MaintenanceChanged>(),
        entry::<MaintenanceStarted>(),
        entry::<MaintenanceEnded>(),
        entry::<SilenceCreated>(),
        entry::<SilenceChanged>(),
        entry::<SilenceEnded>(),
    ]
}
