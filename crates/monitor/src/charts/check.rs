//! The figure of a check: what it measures or how long it takes, with the times its alert was out.

use std::time::Duration;

use kernel::{Access, Cx, Effect, Kernel, Operation, PrepareCx, Reach, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{self, Around};
use super::rule::compared;
use super::{ChartData, Line, Threshold, span};
use crate::check::{Check, find};
use crate::fill_up::reserve;
use crate::limits::{QUERY_TIME_PEOPLE, SAMPLES_READ_MAX};
use crate::live::Monitor;
use crate::probe::{Kind, Probe};
use crate::series::{decimate, failed};

/// The series that say how full a file system is.
const ROOM: [&str; 3] = ["node_filesystem_avail_bytes", "node_filesystem_free_bytes", "node_filesystem_size_bytes"];
/// The series of what looks measured.
const VALUE: &str = "mainstay_check_value";

/// Read the figure of a check: what it measures or how long it takes, with its threshold and the times its alert was out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ReadCheckChart {
    /// The check.
    #[schemars(extend("x-kind" = "check"))]
    pub id: i64,
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
    drawn: Option<Drawn>,
}

/// What a check's figure is made of, without what stands around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawn {
    /// Usually one.
    pub(crate) lines: Vec<Line>,
    /// What must not be crossed.
    pub(crate) thresholds: Vec<Threshold>,
    /// What stands under it.
    pub(crate) notes: Vec<String>,
}

impl Drawn {
    fn of(line: Line) -> Self {
        Self { lines: vec![line], ..Self::default() }
    }
}

impl Operation for ReadCheckChart {
    const NAME: &'static str = "monitor.chart.check";
    const ROUTE: Route = get("/monitor/checks/{id}/chart");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ChartData;

    /// The samples are read here: no reader of the database waits for them.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let span = span(cx.now, self.minutes, self.from, self.to)?;
        let check = cx.kernel.read_as(cx.actor, |cx| find(cx, Self::NAME, self.id))?;
        let reach = cx.actor.reach(Self::NAME, cx.now).unwrap_or_default();
        self.drawn = Some(lines_of(cx.kernel, &reach, &check, (span, QUERY_TIME_PEOPLE))?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<ChartData> {
        let check = find(cx, Self::NAME, self.id)?;
        let span = span(cx.now, self.minutes, self.from, self.to)?;
        let around = around::check(cx, &check, span)?;
        let drawn = match &self.drawn {
            Some(drawn) => drawn.clone(),
            None => lines_of(cx.kernel, &cx.reach(Self::NAME)?, &check, (span, QUERY_TIME_PEOPLE))?,
        };
        Ok(figure(span, drawn, around))
    }
}

/// The figure of a check, drawn without the database; `around` is what stands around it.
///
/// # Errors
/// The series cannot be read.
pub(crate) fn draw(
    kernel: &Kernel,
    reach: &Reach,
    check: &Check,
    (span, time): ((Time, Time), Duration),
    around: Around,
) -> Result<ChartData> {
    Ok(figure(span, lines_of(kernel, reach, check, (span, time))?, around))
}

fn figure((from, to): (Time, Time), drawn: Drawn, around: Around) -> ChartData {
    ChartData {
        from: from.millis(),
        to: to.millis(),
        series: drawn.lines,
        bands: around.bands,
        marks: around.marks,
        thresholds: drawn.thresholds,
        notes: drawn.notes,
    }
}

/// The lines of a check; of an alert of a rule, what the rule compares, as far as the reach goes and within the time.
fn lines_of(kernel: &Kernel, reach: &Reach, check: &Check, (span, time): ((Time, Time), Duration)) -> Result<Drawn> {
    Ok(match &check.probe {
        Probe::FileSystem { mount, max_used_percent } => {
            let title = format!("Alert above {max_used_percent} %");
            let limit = Threshold { value: *max_used_percent, title, tone: "critical".to_owned() };
            Drawn { thresholds: vec![limit], ..Drawn::of(used(kernel, check.asset, mount, span)?) }
        }
        Probe::FillUp { mount, .. } => Drawn::of(used(kernel, check.asset, mount, span)?),
        Probe::Rule { rule, labels } => compared(kernel, reach, (*rule, labels), span, time)?,
        probe => Drawn::of(measured(kernel, check.id, probe.kind(), span)?),
    })
}

/// What each look measured; how long it took for kinds that measure nothing.
fn measured(kernel: &Kernel, check: i64, kind: Kind, span: (Time, Time)) -> Result<Line> {
    let (name, unit, metric) = match kind {
        Kind::Tls => ("Until the certificate ends", "days", VALUE),
        Kind::Heartbeat => ("The job ran", "s", VALUE),
        Kind::File => ("Since the file was changed", "s", VALUE),
        Kind::Log => ("New lines", "", VALUE),
        Kind::Plugin => ("State of the plugin", "", VALUE),
        kind if kind.server_sees() => ("Took", "ms", VALUE),
        _ => ("Took", "s", "mainstay_check_duration_seconds"),
    };
    let id = check.to_string();
    let of = [tsdb::Matcher::equal(tsdb::NAME_LABEL, metric), tsdb::Matcher::equal("check", &id)];
    let found = select(kernel, &of, span)?;
    let points = found.into_iter().next().map(|one| one.points).unwrap_or_default();
    Ok(line(name, unit, &points, span))
}

/// How full a file system was.
fn used(kernel: &Kernel, asset: Option<i64>, mount: &str, span: (Time, Time)) -> Result<Line> {
    let asset = asset.unwrap_or_default().to_string();
    let names = tsdb::Matcher::one_of(tsdb::NAME_LABEL, &ROOM);
    let of = [names, tsdb::Matcher::equal("asset", &asset), tsdb::Matcher::equal("mountpoint", mount)];
    let found = select(kernel, &of, span)?;
    let points = |metric: &str| found.iter().find(|one| one.labels.metric() == metric).map(|one| one.points.as_slice());
    let free = points("node_filesystem_avail_bytes").unwrap_or_default();
    let size = points("node_filesystem_size_bytes").unwrap_or_default();
    let reserve = reserve(points("node_filesystem_free_bytes").unwrap_or_default(), free);
    let size: Vec<(i64, f64)> = size.iter().map(|(at, size)| (*at, size - reserve)).collect();
    let shares = super::sums::share(free, &size, |free, size| size - free);
    Ok(line("In use", "%", &shares, span))
}

fn select(kernel: &Kernel, matchers: &[tsdb::Matcher], (from, to): (Time, Time)) -> Result<Vec<tsdb::Series>> {
    let limits = tsdb::Limits { samples: SAMPLES_READ_MAX, ..tsdb::Limits::default() };
    let mut found = Vec::new();
    let visited = kernel.get::<Monitor>()?.series.visit(matchers, (from.millis(), to.millis()), limits, |one| {
        found.push(one);
        found.len() < 6
    });
    visited.map_err(failed)?;
    Ok(found)
}

fn line(name: &str, unit: &str, points: &[(i64, f64)], (from, to): (Time, Time)) -> Line {
    let points = decimate(points, (from.millis(), to.millis()), 0);
    Line { name: name.to_owned(), unit: unit.to_owned(), points }
}
