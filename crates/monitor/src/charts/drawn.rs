//! From the numbers of a figure to what the console draws.

use web::ui;

use super::ChartData;

/// The figure as the console's component takes it.
pub(crate) fn drawn(data: ChartData) -> ui::ChartData {
    let line = |one: super::Line| ui::Sampled { name: one.name, unit: one.unit, points: one.points };
    let band = |one: super::Band| ui::ChartBand { from: one.from, to: one.to, title: one.title, tone: one.tone };
    let mark = |one: super::ChartMark| ui::ChartMark { at: one.at, title: one.title, tone: one.tone };
    let limit =
        |one: super::Threshold| ui::ChartLimit { value: one.value, title: one.title, tone: one.tone, bad_below: false };
    ui::ChartData {
        from: data.from,
        to: data.to,
        series: data.series.into_iter().map(line).collect(),
        bands: data.bands.into_iter().map(band).collect(),
        marks: data.marks.into_iter().map(mark).collect(),
        thresholds: data.thresholds.into_iter().map(limit).collect(),
        notes: data.notes,
    }
}
