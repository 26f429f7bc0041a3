//! Series and samples as agents send them. The server says which asset they belong to; an agent speaks only for itself.

use std::any::Any;
use std::collections::{HashMap, HashSet};

use agent_proto::{Durable, FromAgent, Gap, Lane, Samples, SeriesName};
use kernel::attention::Attention;
use kernel::registry::AgentFrom;
use kernel::{Actor, Error, Handle, Mark, Ref, Result, Time};

use crate::limits::REGISTER_MAX;
use crate::live::{Monitor, lock};
use crate::store;

/// Labels that only the server may set.
const RESERVED: &[&str] = &["asset", "check", "__name__"];
/// Names of metrics that only the server writes.
const RESERVED_METRICS: &str = "mainstay_check_";
/// The name of the entry in "Needs you now".
pub(crate) const NEED: &str = "series";

/// Why samples that are dated ahead are left out.
const AHEAD: &str = "the clock of the machine is more than ten minutes ahead";
/// Samples that are left out are written down at most this often for each agent, in microseconds.
const LOSS_EVERY_MICROS: i64 = kernel::time::MINUTE;

/// What the numbers of an agent's samples mean.
#[derive(Default)]
pub(crate) struct Register {
    series: HashMap<u32, tsdb::SeriesId>,
    /// Numbers whose names were refused: somebody was told, and their samples are left out.
    refused: HashSet<u32>,
    /// Somebody was told that series of this agent are refused.
    complained: bool,
    /// What was left out and is not written down yet.
    lost: Option<GapMark>,
    /// When something was written down last.
    told: Option<Time>,
}

impl Register {
    /// Adds samples that are left out to those that are not written down yet.
    fn lose(&mut self, asset: i64, at: Time, count: usize, why: &str) {
        let lost = self.lost.get_or_insert_with(|| GapMark {
            asset,
            lane: "metrics",
            from: at,
            to: at,
            dropped: 0,
            why: String::new(),
        });
        (lost.from, lost.to) = (lost.from.min(at), lost.to.max(at));
        lost.dropped = lost.dropped.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        why.clone_into(&mut lost.why);
    }

    /// What is to be written down now.
    fn due(&mut self, now: Time) -> Option<GapMark> {
        let waits = self.told.is_some_and(|told| (0..LOSS_EVERY_MICROS).contains(&now.since(told)));
        let due = if waits { None } else { self.lost.take() };
        if due.is_some() {
            self.told = Some(now);
        }
        due
    }
}

/// A gap that an agent reported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GapMark {
    pub(crate) asset: i64,
    pub(crate) lane: &'static str,
    pub(crate) from: Time,
    pub(crate) to: Time,
    pub(crate) dropped: i64,
    pub(crate) why: String,
}

fn source(asset: i64) -> String {
    format!("asset:{asset}")
}

/// Takes names of series. What is refused is refused with the offender named, and the rest is taken.
pub(crate) fn series(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let names: &[(u32, SeriesName)] = if let Some(names) = body.downcast_ref::<Vec<(u32, SeriesName)>>() {
        names
    } else if let Some(FromAgent::Series { register }) = body.downcast_ref::<FromAgent>() {
        register
    } else {
        return Err(Error::internal("series-type", "the gateway handed over something else"));
    };
    let monitor = handle.get::<Monitor>()?;
    monitor.heard(from.asset, from.at);
    let asset = from.asset.to_string();
    let source = source(from.asset);
    let mut refused = None;
    let mut registers = lock(&monitor.registers);
    let register = registers.entry(from.asset).or_default();
    for (number, name) in names {
        if name.name.starts_with(RESERVED_METRICS) {
            register.leave_out(*number);
            continue;
        }
        if register.series.len() >= REGISTER_MAX && !register.series.contains_key(number) {
            refused = Some(format!("The agent has registered {REGISTER_MAX} series already, the most one may have."));
            register.leave_out(*number);
            continue;
        }
        let mut labels = vec![("__name__", name.name.as_str()), ("asset", asset.as_str())];
        let own = name.labels.iter().filter(|(label, _)| !RESERVED.contains(&label.as_str()));
        labels.extend(own.map(|(label, value)| (label.as_str(), value.as_str())));
        match monitor.series.register(&source, &labels) {
            Ok(id) => {
                register.series.insert(*number, id);
                register.refused.remove(number);
            }
            Err(error) => {
                register.leave_out(*number);
                refused = Some(format!("{error}."));
            }
        }
    }
    let tell = refused.filter(|_| !std::mem::replace(&mut register.complained, true));
    drop(registers);
    match tell {
        Some(why) => complain(handle, from, "Series", why),
        None => Ok(()),
    }
}

/// Puts an agent whose series or samples are refused on "Needs you now", once until it connects again.
fn complain(handle: &Handle, from: &AgentFrom, what: &'static str, why: String) -> Result<()> {
    let (asset, at) = (from.asset, from.at);
    handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.series.refuse", move |cx| {
        let brief = assets::brief(cx.tx, &[asset])?.remove(&asset);
        let name = brief.as_ref().map_or_else(|| format!("asset {asset}"), |brief| brief.name.clone());
        cx.needs_attention(&Attention {
            subject: Ref::new("asset", asset),
            need: NEED,
            title: format!("{what} of {name} are refused"),
            why: kernel::text::shorten(&why, 400),
            mark: Mark::Warn,
            word: "Refused",
            weight: 300,
            since: at,
            action: "Open",
            href: format!("/assets/{asset}"),
            team: brief.and_then(|brief| brief.team),
            user: None,
            grant: crate::check::list::ListChecks::OPERATION,
        })
    })
}

/// Takes the values of one moment. Values of series that were refused are left out; of what else is left out, somebody is
/// told, and the charts show it.
pub(crate) fn samples(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let samples = if let Some(samples) = body.downcast_ref::<Samples>() {
        samples
    } else if let Some(Durable::Samples(samples)) = body.downcast_ref::<Durable>() {
        samples
    } else {
        return Err(Error::internal("samples-type", "the gateway handed over something else"));
    };
    let monitor = handle.get::<Monitor>()?;
    monitor.heard(from.asset, from.at);
    if !monitor.may_store() {
        // The agent keeps them and sends them again.
        return Err(Error::unavailable(crate::full::WORDS));
    }
    let (values, unnamed) = monitor.named(from.asset, samples);
    let appended = monitor.series.append(&source(from.asset), samples.at_ms, &values);
    let appended = appended.map_err(|error| Error::over_limit(format!("The samples are refused: {error}.")))?;
    let at = Time(samples.at_ms.saturating_mul(1_000)).min(from.at);
    // What comes twice or too late in the row was stored before: agents send again what was not acknowledged.
    let lost = [
        (unnamed, "the agent did not say what they measure; it does when it connects again"),
        (
            appended.unknown,
            "their series were forgotten after a long silence; the agent names them when it connects again",
        ),
        (
            appended.out_of_bounds,
            if samples.at_ms > from.at.millis() { AHEAD } else { "they are older than what is kept" },
        ),
    ];
    let mut registers = lock(&monitor.registers);
    let register = registers.entry(from.asset).or_default();
    let mut tell = None;
    for (count, why) in lost.into_iter().filter(|(count, _)| *count > 0) {
        register.lose(from.asset, at, count, why);
        if !std::mem::replace(&mut register.complained, true) {
            tell = Some(format!("{count} samples were left out: {why}."));
        }
    }
    let due = register.due(from.at);
    drop(registers);
    if let Some(mark) = due {
        record(handle, mark, from.at)?;
    }
    tell.map_or(Ok(()), |why| complain(handle, from, "Samples", why))
}

/// Takes the report that something was lost: a mark on the charts, never a sign that all is well.
pub(crate) fn gap(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let gap: &Gap = if let Some(gap) = body.downcast_ref::<Gap>() {
        gap
    } else if let Some(Durable::Gap(gap)) = body.downcast_ref::<Durable>() {
        gap
    } else {
        return Err(Error::internal("gap-type", "the gateway handed over something else"));
    };
    handle.get::<Monitor>()?.heard(from.asset, from.at);
    let lane = match gap.lane {
        Lane::Results => "results",
        Lane::Facts => "facts",
        Lane::Metrics => "metrics",
    };
    let mark = GapMark {
        asset: from.asset,
        lane,
        from: Time(gap.from_ms.saturating_mul(1_000)),
        to: Time(gap.to_ms.saturating_mul(1_000)),
        dropped: i64::try_from(gap.dropped).unwrap_or(i64::MAX),
        why: kernel::text::shorten(&gap.why.replace('\0', ""), 300),
    };
    record(handle, mark, from.at)
}

fn record(handle: &Handle, mark: GapMark, at: Time) -> Result<()> {
    handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.gap.record", move |cx| {
        store::gaps::insert(cx.tx, &mark, at)?;
        cx.touch(Ref::new("asset", mark.asset));
        Ok(())
    })
}

impl Register {
    fn leave_out(&mut self, number: u32) {
        if self.refused.len() < REGISTER_MAX {
            self.refused.insert(number);
        }
    }
}

impl Monitor {
    /// The values of series that have a name, and how many have none.
    fn named(&self, asset: i64, samples: &Samples) -> (Vec<(tsdb::SeriesId, f64)>, usize) {
        let registers = lock(&self.registers);
        let Some(register) = registers.get(&asset) else { return (Vec::new(), samples.values.len()) };
        let known = |(number, value): &(u32, f64)| Some((*register.series.get(number)?, *value));
        let values: Vec<_> = samples.values.iter().filter_map(known).collect();
        let refused = samples.values.iter().filter(|(number, _)| register.refused.contains(number)).count();
        let unnamed = samples.values.len().saturating_sub(values.len() + refused);
        (values, unnamed)
    }

    /// An agent begins a new connection: its register comes again, and what was complained about may be over.
    pub(crate) fn forget_complaint(&self, asset: i64) {
        if let Some(register) = lock(&self.registers).get_mut(&asset) {
            register.complained = false;
        }
    }
}
