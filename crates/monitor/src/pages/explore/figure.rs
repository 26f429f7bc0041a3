//! The figure of a question as a picture, for those without script.

use std::fmt::Write as _;

use kernel::{Asked, Handle, Said};
use maud::{PreEscaped, html};

use super::answer::short;
use crate::charts::{ChartData, Line};
use crate::metrics::chart::ChartMetrics;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 200.0;
/// Colours and dashes of lines, in turn.
const LOOKS: [(&str, &str); 6] = [
    ("steelblue", ""),
    ("darkorange", "6 3"),
    ("seagreen", "2 2"),
    ("purple", "8 3 2 3"),
    ("gray", ""),
    ("brown", "4 2"),
];

/// `/monitoring/explore/figure.svg`
pub(crate) fn picture(kernel: &Handle, asked: &Asked) -> Said {
    let number = |name: &str| asked.field(name).and_then(|text| text.parse().ok());
    let (minutes, from, to) = (number("minutes"), number("from"), number("to"));
    let query = asked.field("query").unwrap_or_default().to_owned();
    let mut chart = ChartMetrics::of(query, minutes, (from, to));
    match chart.draw(kernel, &asked.reach, kernel.now()) {
        Ok(data) => {
            let (content_type, body) = ("image/svg+xml", draw(&data).into_bytes());
            Said { status: 200, content_type, headers: Vec::new(), body }
        }
        Err(error) => Said::text(400, error.message),
    }
}

fn draw(data: &ChartData) -> String {
    let finite = data.series.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
    let (low, high) = finite.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let high = if high > low { high } else { low + 1.0 };
    let y = |value: f64| BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP);
    let ticks = [low, f64::midpoint(low, high), high];
    let time = |ms: i64| kernel::Time(ms.saturating_mul(1_000)).timestamp().strftime("%F %H:%M UTC").to_string();
    let looks = || data.series.iter().zip(LOOKS.iter().cycle());
    let markup = html! {
        (PreEscaped("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 260\" font-family=\"sans-serif\" font-size=\"11\">"))
        rect width=(WIDTH) height=(HEIGHT) fill="white" {}
        @for tick in ticks {
            line x1=(LEFT) x2=(WIDTH - 10.0) y1=(y(tick)) y2=(y(tick)) stroke="lightgray" {}
            text x=(LEFT - 6.0) y=(y(tick) + 4.0) text-anchor="end" fill="dimgray" { (short(tick)) }
        }
        text x=(LEFT) y=(BOTTOM + 16.0) fill="dimgray" { (time(data.from)) }
        text x=(WIDTH - 10.0) y=(BOTTOM + 16.0) text-anchor="end" fill="dimgray" { (time(data.to)) }
        @for (line, (colour, dash)) in looks() {
            path d=(path(line, data, y)) fill="none" stroke=(colour) stroke-width="1.5" stroke-dasharray=(dash) {}
        }
        @for (at, (line, (colour, _))) in looks().take(6).enumerate() {
            text x=(LEFT + 300.0 * column(at)) y=(BOTTOM + 34.0 + 14.0 * row(at)) fill=(colour) { (kernel::text::shorten(&line.name, 48)) }
        }
        (PreEscaped("</svg>"))
    };
    markup.into_string()
}

fn column(at: usize) -> f64 {
    [0.0, 1.0, 2.0].get(at % 3).copied().unwrap_or_default()
}

fn row(at: usize) -> f64 {
    if at < 3 { 0.0 } else { 1.0 }
}

/// A line with its gaps.
#[expect(clippy::cast_precision_loss, reason = "a place on a picture")]
fn path(line: &Line, data: &ChartData, y: impl Fn(f64) -> f64) -> String {
    let span = (data.to - data.from).max(1) as f64;
    let mut out = String::new();
    let mut pen = 'M';
    for (at, value) in &line.points {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        let x = LEFT + (*at - data.from) as f64 / span * (WIDTH - 10.0 - LEFT);
        // Writing to memory cannot fail.
        let _ = write!(out, "{pen}{x:.1} {:.1}", y(*value));
        pen = 'L';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    #[test]
    fn a_picture_has_lines_with_gaps_and_no_foreign_markup() {
        let line = |name: &str| Line {
            name: name.to_owned(),
            unit: String::new(),
            points: vec![(0, Some(0.0)), (50, None), (100, Some(10.0))],
        };
        let data = |series: Vec<Line>| ChartData {
            from: 0,
            to: 100,
            series,
            bands: Vec::new(),
            marks: Vec::new(),
            thresholds: Vec::new(),
            notes: Vec::new(),
        };
        let drawn = draw(&data(vec![line("a"), line(HOSTILE)]));
        assert!(drawn.contains("d=\"M70.0 200.0M950.0 10.0\""), "{drawn}");
        assert!(!drawn.contains("<script>alert"));
        assert!(draw(&data(Vec::new())).contains("<svg"));
    }
}
