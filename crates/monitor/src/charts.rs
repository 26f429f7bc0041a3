//! The figures on an asset's page: CPU, memory, disk, network, load, and the agent itself, in the shape the console draws.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::series::{check_span, decimate, rate, read};
use crate::{ground, store};

/// A figure: everything the console needs to draw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChartData {
    /// Begin, in milliseconds since 1970.
    pub from: i64,
    /// End.
    pub to: i64,
    /// The lines.
    pub series: Vec<Line>,
    /// Spans of time, such as gaps the agent reported.
    pub bands: Vec<Band>,
    /// Moments, such as alerts.
    pub marks: Vec<ChartMark>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Name in the legend.
    pub name: String,
    /// `%`, `B`, `B/s`, `b/s`, `s` or nothing.
    pub unit: String,
    /// Milliseconds since 1970 and value; null is a gap.
    pub points: Vec<(i64, Option<f64>)>,
}

/// A span of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// Begin, in milliseconds since 1970.
    pub from: i64,
    /// End.
    pub to: i64,
    /// What it is.
    pub title: String,
    /// How it looks.
    pub tone: String,
}

/// A moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChartMark {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What happened.
    pub title: String,
    /// How it looks.
    pub tone: String,
}

/// Which figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Panel {
    /// How busy the processors are.
    Cpu,
    /// Memory in use.
    Memory,
    /// Bytes to and from disks.
    Disk,
    /// Bits to and from the network.
    Network,
    /// Load averages.
    Load,
    /// What the agent itself takes.
    Agent,
}

impl Panel {
    /// Every figure: the word in addresses and the heading.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Cpu, "cpu", "Processor"),
        (Self::Memory, "memory", "Memory"),
        (Self::Disk, "disk", "Disk"),
        (Self::Network, "network", "Network"),
        (Self::Load, "load", "Load"),
        (Self::Agent, "agent", "Agent"),
    ];

    /// The figure of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(panel, ..)| *panel)
    }

    fn metrics(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &["node_cpu_seconds_total"],
            Self::Memory => &[
                "node_memory_MemTotal_bytes",
                "node_memory_MemAvailable_bytes",
                "node_memory_SwapTotal_bytes",
                "node_memory_SwapFree_bytes",
            ],
            Self::Disk => &["node_disk_read_bytes_total", "node_disk_written_bytes_total"],
            Self::Network => &["node_network_receive_bytes_total", "node_network_transmit_bytes_total"],
            Self::Load => &["node_load1", "node_load5", "node_load15"],
            Self::Agent => &["mainstay_agent_resident_bytes", "mainstay_agent_cpu_seconds_total"],
        }
    }
}

/// Read a figure of an asset: the numbers of a chart with alerts marked.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ReadChart {
    /// The asset.
    pub asset: i64,
    /// Which figure: cpu, memory, disk, network, load or agent.
    pub panel: Panel,
    /// How many minutes up to now; 60 if left out. Not used when `from` is given.
    #[serde(default)]
    pub minutes: Option<i64>,
    /// From when on, in milliseconds since 1970.
    #[serde(default)]
    pub from: Option<i64>,
    /// Until when, in milliseconds since 1970.
    #[serde(default)]
    pub to: Option<i64>,
}

impl Operation for ReadChart {
    const NAME: &'static str = "monitor.chart.read";
    const ROUTE: Route = get("/monitor/charts/{asset}/{panel}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ChartData;

    fn run(&self, cx: &mut Cx) -> Result<ChartData> {
        let minutes = self.minutes.unwrap_or(60);
        if minutes <= 0 {
            return Err(Error::invalid("minutes", "Use a number of minutes above 0."));
        }
        let time = |ms: i64| Time(ms.saturating_mul(1_000));
        let to = self.to.map_or(cx.now, time);
        let from = self.from.map_or(to.plus(-minutes.saturating_mul(kernel::time::MINUTE)), time);
        panel(cx, self.asset, self.panel, from, to)
    }
}

/// A figure of an asset that the actor may see.
///
/// # Errors
/// The asset is not visible to the actor, or the time is empty or too long.
pub fn panel(cx: &mut Cx, asset: i64, panel: Panel, from: Time, to: Time) -> Result<ChartData> {
    ground::visible_asset(cx, ReadChart::NAME, asset, "asset")?;
    check_span(from, to)?;
    let found = read(cx, asset, panel.metrics(), from, to)?;
    let span = (from.millis(), to.millis());
    let lines = lines(panel, &found).into_iter().map(|(name, unit, points)| Line {
        name: name.to_owned(),
        unit: unit.to_owned(),
        points: decimate(&points, span, 0),
    });
    let reach = cx.actor.reach(crate::alert::ListAlerts::NAME, cx.now).unwrap_or_default();
    let marks = store::alerts::marks(cx.tx, asset, from, to, &reach, 100)?;
    let gaps = store::gaps::between(cx.tx, asset, from, to, 50)?;
    Ok(ChartData {
        from: span.0,
        to: span.1,
        series: lines.collect(),
        bands: gaps
            .into_iter()
            .map(|(from, to, why)| Band {
                from: from.millis(),
                to: to.millis(),
                title: format!("Nothing was kept: {why}"),
                tone: "idle".into(),
            })
            .collect(),
        marks: marks
            .into_iter()
            .map(|(at, name, fired)| ChartMark {
                at: at.millis(),
                title: if fired { format!("Alert: {name}") } else { format!("Recovered: {name}") },
                tone: if fired { "critical" } else { "ok" }.into(),
            })
            .collect(),
    })
}

type Points = Vec<(i64, f64)>;

fn lines(panel: Panel, found: &[tsdb::Series]) -> Vec<(&'static str, &'static str, Points)> {
    let of = |metric: &'static str| found.iter().filter(move |one| one.labels.metric() == metric);
    let rates = |metric: &'static str, factor: f64, device: fn(&str) -> bool| {
        let wanted = of(metric).filter(|one| device(one.labels.get("device").unwrap_or_default()));
        sum(wanted.map(|one| rate(&one.points)), factor)
    };
    let plain = |metric: &'static str| sum(of(metric).map(|one| one.points.clone()), 1.0);
    let all: Vec<(&str, &str, Points)> = match panel {
        Panel::Cpu => cpu(found),
        Panel::Memory => vec![
            ("In use", "B", difference(&plain("node_memory_MemTotal_bytes"), &plain("node_memory_MemAvailable_bytes"))),
            ("Memory", "B", plain("node_memory_MemTotal_bytes")),
            (
                "Swap in use",
                "B",
                difference(&plain("node_memory_SwapTotal_bytes"), &plain("node_memory_SwapFree_bytes")),
            ),
        ],
        Panel::Disk => vec![
            ("Read", "B/s", rates("node_disk_read_bytes_total", 1.0, is_whole)),
            ("Written", "B/s", rates("node_disk_written_bytes_total", 1.0, is_whole)),
        ],
        Panel::Network => vec![
            ("In", "b/s", rates("node_network_receive_bytes_total", 8.0, |device| device != "lo")),
            ("Out", "b/s", rates("node_network_transmit_bytes_total", 8.0, |device| device != "lo")),
        ],
        Panel::Load => {
            vec![
                ("1 min", "", plain("node_load1")),
                ("5 min", "", plain("node_load5")),
                ("15 min", "", plain("node_load15")),
            ]
        }
        Panel::Agent => vec![
            ("Memory", "B", plain("mainstay_agent_resident_bytes")),
            ("Processor", "%", rates("mainstay_agent_cpu_seconds_total", 100.0, |_| true)),
        ],
    };
    all.into_iter().filter(|(.., points)| !points.is_empty()).collect()
}

/// Devices below others (device mapper, RAID) would count the same bytes twice.
fn is_whole(device: &str) -> bool {
    !device.starts_with("dm-") && !device.starts_with("md")
}

/// Busy and waiting as shares of all processor time; the agent sends the sum over all processors, or each of them.
fn cpu(found: &[tsdb::Series]) -> Vec<(&'static str, &'static str, Points)> {
    let whole = found.iter().any(|one| one.labels.get("cpu") == Some("all"));
    let counted = || found.iter().filter(move |one| !whole || one.labels.get("cpu") == Some("all"));
    let mode = |wanted: &'static str| {
        let modes = counted().filter(move |one| one.labels.get("mode") == Some(wanted));
        sum(modes.map(|one| rate(&one.points)), 1.0)
    };
    let total: BTreeMap<i64, f64> = sum(counted().map(|one| rate(&one.points)), 1.0).into_iter().collect();
    let share = |part: Points, of: fn(f64, f64) -> f64| -> Points {
        let all = part.into_iter().filter_map(|(at, value)| Some((at, value, *total.get(&at)?)));
        all.filter(|(.., total)| *total > 0.0)
            .map(|(at, value, total)| (at, 100.0 * of(value, total) / total))
            .collect()
    };
    let idle = sum([mode("idle"), mode("iowait")].into_iter(), 1.0);
    vec![
        ("Busy", "%", share(idle, |idle, total| (total - idle).max(0.0))),
        ("Waiting for disk", "%", share(mode("iowait"), |wait, _| wait)),
    ]
}

/// Adds series that were sampled at the same moments.
fn sum(series: impl Iterator<Item = Points>, factor: f64) -> Points {
    let mut total: BTreeMap<i64, f64> = BTreeMap::new();
    for points in series {
        for (at, value) in points {
            *total.entry(at).or_default() += value * factor;
        }
    }
    total.into_iter().collect()
}

/// One series less another where both have a sample.
fn difference(whole: &[(i64, f64)], part: &[(i64, f64)]) -> Points {
    let part: BTreeMap<i64, f64> = part.iter().copied().collect();
    whole.iter().filter_map(|(at, value)| Some((*at, value - part.get(at)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_differences_meet_at_the_same_moments() {
        let added = sum([vec![(1, 1.0), (2, 2.0)], vec![(2, 3.0)]].into_iter(), 8.0);
        assert_eq!(added, [(1, 8.0), (2, 40.0)]);
        assert_eq!(difference(&[(1, 10.0), (2, 10.0)], &[(2, 4.0)]), [(2, 6.0)]);
    }

    #[test]
    fn every_figure_is_read_back_from_its_word() {
        for (panel, word, _) in Panel::ALL {
            assert_eq!(Panel::parse(word), Some(panel));
            assert_eq!(serde_json::to_value(panel).unwrap(), word);
        }
    }
}
