//! The figures on an asset's page: CPU, memory, disk, network, load, and the agent itself, in the shape the console draws.

use kernel::{Access, Cx, Effect, Error, Kernel, Operation, PrepareCx, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ground;
use crate::series::{check_span, decimate, visit};

pub(crate) mod around;
pub mod check;
mod drawn;
mod sums;

pub(crate) use drawn::drawn;

use around::Around;
use sums::Sums;

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
    /// Values from which on something is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// What answered, and what is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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

/// A line across a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// Where.
    pub value: f64,
    /// What it is.
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
    /// Read before the transaction.
    #[serde(skip)]
    lines: Option<Vec<Line>>,
}

impl Operation for ReadChart {
    const NAME: &'static str = "monitor.chart.read";
    const ROUTE: Route = get("/monitor/charts/{asset}/{panel}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ChartData;

    /// The samples are read here: no reader of the database waits for them.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let span = span(cx.now, self.minutes, self.from, self.to)?;
        cx.kernel.read_as(cx.actor, |cx| ground::visible_asset(cx, Self::NAME, self.asset, "asset"))?;
        self.lines = Some(lines(cx.kernel, self.asset, self.panel, span)?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<ChartData> {
        let (from, to) = span(cx.now, self.minutes, self.from, self.to)?;
        ground::visible_asset(cx, Self::NAME, self.asset, "asset")?;
        let series = match &self.lines {
            Some(lines) => lines.clone(),
            None => lines(cx.kernel, self.asset, self.panel, (from, to))?,
        };
        let around = around::asset(cx, self.asset, (from, to))?;
        Ok(figure((from, to), series, &around))
    }
}

/// From when to when a figure reaches: a number of minutes up to its end, or both ends.
pub(crate) fn span(now: Time, minutes: Option<i64>, from: Option<i64>, to: Option<i64>) -> Result<(Time, Time)> {
    let minutes = minutes.unwrap_or(60);
    if minutes <= 0 {
        return Err(Error::invalid("minutes", "Use a number of minutes above 0."));
    }
    let time = |ms: i64| Time(ms.saturating_mul(1_000));
    let to = to.map_or(now, time);
    let from = from.map_or(to.plus(-minutes.saturating_mul(kernel::time::MINUTE)), time);
    check_span(from, to)?;
    Ok((from, to))
}

/// What stands around the figures of an asset: what they need of the database.
///
/// # Errors
/// The asset is not visible to the actor, or the time is empty or too long.
pub(crate) fn around(cx: &mut Cx, asset: i64, (from, to): (Time, Time)) -> Result<Around> {
    ground::visible_asset(cx, ReadChart::NAME, asset, "asset")?;
    check_span(from, to)?;
    around::asset(cx, asset, (from, to))
}

/// Several figures of an asset over the same time, drawn without the database.
///
/// # Errors
/// The series cannot be read.
pub(crate) fn panels(
    kernel: &Kernel,
    asset: i64,
    panels: &[Panel],
    span: (Time, Time),
    around: &Around,
) -> Result<Vec<ChartData>> {
    panels.iter().map(|panel| Ok(figure(span, lines(kernel, asset, *panel, span)?, around))).collect()
}

fn figure((from, to): (Time, Time), series: Vec<Line>, around: &Around) -> ChartData {
    ChartData {
        from: from.millis(),
        to: to.millis(),
        series,
        bands: around.bands.clone(),
        marks: around.marks.clone(),
        thresholds: Vec::new(),
        notes: Vec::new(),
    }
}

fn lines(kernel: &Kernel, asset: i64, panel: Panel, (from, to): (Time, Time)) -> Result<Vec<Line>> {
    let mut sums = Sums::new(panel);
    visit(kernel, asset, panel.metrics(), (from, to), |one| {
        sums.take(one);
        true
    })?;
    let line = |(name, unit, points): (&str, &str, Vec<(i64, f64)>)| Line {
        name: name.to_owned(),
        unit: unit.to_owned(),
        points: decimate(&points, (from.millis(), to.millis()), 0),
    };
    Ok(sums.lines().into_iter().map(line).collect())
}

/// Alerts that fired or recovered, as marks.
pub(crate) fn marks(found: Vec<(Time, String, bool)>) -> Vec<ChartMark> {
    let one = |(at, name, fired): (Time, String, bool)| ChartMark {
        at: at.millis(),
        title: if fired { format!("Alert: {name}") } else { format!("Recovered: {name}") },
        tone: if fired { "critical" } else { "ok" }.into(),
    };
    found.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_read_back_from_its_word() {
        for (panel, word, _) in Panel::ALL {
            assert_eq!(Panel::parse(word), Some(panel));
            assert_eq!(serde_json::to_value(panel).unwrap(), word);
        }
    }
}
