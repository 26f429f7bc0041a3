//! Figures of the gallery: nothing, one line, twelve lines, gaps, marks and bands, hostile names.

use super::{HOSTILE, sample::NOW_US};
use crate::ui::{Chart, ChartBand, ChartData, ChartLimit, ChartMark, Charts, Clock, Range, Sampled, grid};
use maud::{Markup, html};

const HOUR_MS: i64 = 3_600_000;
/// The figures: the word in the address of the numbers, and the heading.
const FIGURES: [(&str, &str); 6] = [
    ("one", "One line, a limit and an alert"),
    ("two", "Two lines, a gap, a window and changes"),
    ("many", "Twelve lines"),
    ("tiny", "Lonely points and small values"),
    ("none", "No numbers"),
    ("hostile", "Hostile names"),
];

fn span() -> (i64, i64) {
    let to = NOW_US / 1_000;
    (to - HOUR_MS, to)
}

/// A line of 240 points that swings around `base`; some of them are missing when there is a `hole`.
fn line(name: &str, unit: &str, base: f64, swing: f64, seed: i32, hole: bool) -> Sampled {
    let (from, step) = (span().0, HOUR_MS / 240);
    let points = (0..240_i32).map(|n| {
        let wobble = f64::from((n * 7919 + seed * 31) % 97) / 97.0 - 0.5;
        let value = base + (f64::from(n + seed * 9) / 24.0).sin() * swing + wobble * swing / 3.0;
        let missing = hole && ((100..130).contains(&n) || n == 180 || n == 182);
        (from + i64::from(n) * step, (!missing).then_some((value * 1_000.0).round() / 1_000.0))
    });
    Sampled { name: name.to_owned(), unit: unit.to_owned(), points: points.collect() }
}

fn band(from: i64, to: i64, title: &str, tone: &str) -> ChartBand {
    let minute = span().0;
    ChartBand { from: minute + from * 60_000, to: minute + to * 60_000, title: title.to_owned(), tone: tone.to_owned() }
}

fn mark(at: i64, title: &str, tone: &str) -> ChartMark {
    ChartMark { at: span().0 + at * 60_000, title: title.to_owned(), tone: tone.to_owned() }
}

/// The numbers of a figure as the gallery shows it; `None` for a word it does not know.
#[must_use]
pub fn numbers(word: &str) -> Option<ChartData> {
    let (from, to) = span();
    let empty = ChartData { from, to, ..ChartData::default() };
    let limit = |value: f64, title: &str, bad_below: bool| ChartLimit {
        value,
        title: title.to_owned(),
        tone: "critical".to_owned(),
        bad_below,
    };
    Some(match word {
        "one" => ChartData {
            series: vec![line("Disk in use", "%", 78.0, 14.0, 3, false)],
            bands: vec![band(28, 36, "Alert: disk almost full", "critical")],
            marks: vec![mark(28, "Alert: disk almost full", "critical"), mark(36, "Recovered: disk almost full", "ok")],
            thresholds: vec![limit(90.0, "Alert above 90 %", false)],
            ..empty
        },
        "two" => ChartData {
            series: vec![line("In", "b/s", 340e6, 60e6, 0, true), line("Out", "b/s", 140e6, 20e6, 4, false)],
            bands: vec![band(25, 32, "Maintenance: firmware update", "planned")],
            marks: vec![
                mark(25, "Change 118 started by Dev Patel", "planned"),
                mark(45, "Link down Te1/0/12", "critical"),
                mark(46, "Configuration saved", "info"),
            ],
            ..empty
        },
        "many" => {
            let one = |n: i32| line(&format!("host-{n:02}"), "s", 0.02 + 0.004 * f64::from(n), 0.004, n, false);
            ChartData { series: (0..12).map(one).collect(), ..empty }
        }
        "tiny" => {
            let points = (0..12).map(|n| (from + n * HOUR_MS / 12, (n % 2 == 0).then_some(2e-7))).collect();
            let lonely = Sampled { name: "Errors".into(), unit: "s".into(), points };
            ChartData { series: vec![lonely], thresholds: vec![limit(1e-7, "Too fast", true)], ..empty }
        }
        "none" => empty,
        "hostile" => ChartData {
            series: HOSTILE
                .iter()
                .zip(1..)
                .map(|(text, n)| line(text, HOSTILE[3], f64::from(n), 0.5, n, n % 2 == 0))
                .collect(),
            bands: vec![band(10, 20, HOSTILE[0], HOSTILE[0])],
            marks: HOSTILE.iter().map(|text| mark(40, text, "warn")).collect(),
            thresholds: vec![limit(4.0, HOSTILE[1], false)],
            ..empty
        },
        _ => return None,
    })
}

pub(super) fn charts(clock: &Clock) -> Markup {
    let drawn = |word: &str, title: &str| {
        let data = numbers(word).unwrap_or_default();
        Chart::new(format!("chart-{word}"), title, format!("/_ui/charts/{word}"), data, clock)
    };
    let (from, to) = span();
    let all = html! {
        (grid(&html! { @for (word, title) in FIGURES { (drawn(word, title).link("Explore", "#")) } }))
    };
    html! { (Charts::new("gallery-charts", "/_ui", Range::around(&[], (from, to), to), clock, all)) }
}
