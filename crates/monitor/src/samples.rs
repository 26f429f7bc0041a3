//! Series and samples as agents send them. The server says which asset they belong to; an agent speaks only for itself.

use std::any::Any;
use std::collections::HashMap;

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

/// What the numbers of an agent's samples mean.
#[derive(Default)]
pub(crate) struct Register {
    series: HashMap<u32, tsdb::SeriesId>,
    /// Somebody was told that series of this agent are refused.
    complained: bool,
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
            continue;
        }
        if register.series.len() >= REGISTER_MAX && !register.series.contains_key(number) {
            refused = Some(format!("The agent has registered {REGISTER_MAX} series already, the most one may have."));
            continue;
        }
        let mut labels = vec![("__name__", name.name.as_str()), ("asset", asset.as_str())];
        let own = name.labels.iter().filter(|(label, _)| !RESERVED.contains(&label.as_str()));
        labels.extend(own.map(|(label, value)| (label.as_str(), value.as_str())));
        match monitor.series.register(&source, &labels) {
            Ok(id) => drop(register.series.insert(*number, id)),
            Err(error) => refused = Some(format!("{error}.")),
        }
    }
    let tell = refused.filter(|_| !std::mem::replace(&mut register.complained, true));
    drop(registers);
    match tell {
        Some(why) => complain(handle, from, why),
        None => Ok(()),
    }
}

/// Puts an agent whose series are refused on "Needs you now", once until it connects again.
fn complain(handle: &Handle, from: &AgentFrom, why: String) -> Result<()> {
    let (asset, at) = (from.asset, from.at);
    handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.series.refuse", move |cx| {
        let brief = assets::brief(cx.tx, &[asset])?.remove(&asset);
        let name = brief.as_ref().map_or_else(|| format!("asset {asset}"), |brief| brief.name.clone());
        cx.needs_attention(&Attention {
            subject: Ref::new("asset", asset),
            need: NEED,
            title: format!("Series of {name} are refused"),
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

/// Takes the values of one moment. Values of series that were refused or never named are left out.
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
    let registers = lock(&monitor.registers);
    let Some(register) = registers.get(&from.asset) else { return Ok(()) };
    let known = |(number, value): &(u32, f64)| Some((*register.series.get(number)?, *value));
    let values: Vec<(tsdb::SeriesId, f64)> = samples.values.iter().filter_map(known).collect();
    drop(registers);
    let appended = monitor.series.append(&source(from.asset), samples.at_ms, &values);
    let appended = appended.map_err(|error| Error::over_limit(format!("The samples are refused: {error}.")))?;
    if appended.accepted < values.len() {
        tracing::debug!(asset = from.asset, ?appended, "some samples were refused");
    }
    Ok(())
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
    let at = from.at;
    handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.gap.record", move |cx| {
        store::gaps::insert(cx.tx, &mark, at)?;
        cx.touch(Ref::new("asset", mark.asset));
        Ok(())
    })
}

impl Monitor {
    /// An agent begins a new connection: its register comes again, and what was complained about may be over.
    pub(crate) fn forget_complaint(&self, asset: i64) {
        if let Some(register) = lock(&self.registers).get_mut(&asset) {
            register.complained = false;
        }
    }
}
