//! The picture: grid, bands, limits, lines and marks. Places are shares of the box, so that it fits any width without script.

use super::lines::{HEIGHT, WIDTH, trace};
use super::numbers::newest;
use super::scale::Scale;
use super::times::{Tick, share, ticks};
use super::{ChartBand, ChartData, ChartLimit, ChartMark, style, tone_class};
use crate::ui::time::Clock;
use maud::{Markup, html};

/// Marks nearer to each other than this share of the width are drawn as one.
const NEAR: f64 = 0.02;
/// Marks that are drawn; the list beside the numbers has them all.
const MARKS_MAX: usize = 24;
/// Titles that a mark of several names.
const TITLES_MAX: usize = 4;
/// Longer units stand in the legend alone.
const UNIT_CHARS_MAX: usize = 8;
/// Bands that are drawn.
const BANDS_MAX: usize = 60;

/// A place along the box, such as `12.5%`.
struct Percent(f64);

impl maud::Render for Percent {
    fn render_to(&self, out: &mut String) {
        use std::fmt::Write as _;
        let text = format!("{:.2}", self.0.clamp(-10.0, 10.0) * 100.0);
        let _ = write!(out, "{}%", text.trim_end_matches('0').trim_end_matches('.'));
    }
}

pub(super) fn plot(id: &str, title: &str, data: &ChartData, scale: &Scale, clock: &Clock) -> Markup {
    let times = ticks(data.from, data.to, clock.zone());
    let values = scale.ticks();
    let view = format!("0 0 {WIDTH} {HEIGHT}");
    html! {
        svg.field id={ (id) "-plot" } role="img" aria-label=(spoken(title, data)) {
            (grid(&values, &times, scale.measure.word()))
            @for band in data.bands.iter().take(BANDS_MAX) { (draw_band(band, data)) }
            @for limit in data.thresholds.iter().filter(|limit| limit.value.is_finite()) { (draw_limit(limit, scale)) }
            svg.lines width="100%" height="100%" viewBox=(view) preserveAspectRatio="none" {
                @for (at, line) in data.drawn().enumerate() {
                    @let (colour, dash) = style(at);
                    @let traced = trace(&line.points, (data.from, data.to), scale);
                    g class={ "l" (at + 1) " s" (colour) } {
                        @if at == 0 && !traced.area.is_empty() { path.area d=(traced.area) {} }
                        @if !traced.line.is_empty() { path class={ "d" (dash) } d=(traced.line) {} }
                        @if !traced.dots.is_empty() { path.dots d=(traced.dots) {} }
                    }
                }
            }
            @for (at, tone, titles) in merged(data) { (draw_mark(at, &tone, &titles)) }
        }
    }
}

/// What the picture shows, for those who do not see it.
fn spoken(title: &str, data: &ChartData) -> String {
    let lines: Vec<String> = data.drawn().map(|line| format!("{} {}", line.name, newest(line))).collect();
    let mut said = format!("{title}: {}", if lines.is_empty() { "no numbers".to_owned() } else { lines.join(", ") });
    for (count, one, more) in [(data.marks.len(), "event", "events"), (data.bands.len(), "period", "periods")] {
        if count > 0 {
            said.push_str(&format!(", {count} {}", if count == 1 { one } else { more }));
        }
    }
    said
}

fn grid(values: &[(f64, String)], times: &[Tick], word: &str) -> Markup {
    html! {
        g.grid {
            @for (up, _) in values { line x2="100%" y1=(Percent(1.0 - up)) y2=(Percent(1.0 - up)) {} }
            @for (up, text) in values { text.v x="-6" y=(Percent(1.0 - up)) { (text) } }
            @if word.chars().count() <= UNIT_CHARS_MAX { text.u x="-6" y="-14" { (word) } }
            @for (at, tick) in times.iter().enumerate() {
                text class=(if at % 2 == 1 { "t odd" } else { "t" }) x=(Percent(tick.share)) y="100%" dy="16" { (tick.text) }
            }
        }
    }
}

fn draw_band(band: &ChartBand, data: &ChartData) -> Markup {
    let (from, to) =
        (share(band.from.max(data.from), data.from, data.to), share(band.to.min(data.to), data.from, data.to));
    if from > 1.0 || to < 0.0 || band.to < band.from {
        return html! {};
    }
    // What is too short to see is drawn as wide as a line.
    let width = (to - from).max(0.003);
    html! {
        g class={ "band " (tone_class(&band.tone)) } {
            title { (band.title) }
            rect x=(Percent(from)) width=(Percent(width)) height="100%" {}
            line x1=(Percent(from)) x2=(Percent(from + width)) y1="100%" y2="100%" {}
        }
    }
}

fn draw_limit(limit: &ChartLimit, scale: &Scale) -> Markup {
    let up = scale.share(limit.value);
    if !(0.0..=1.0).contains(&up) {
        return html! {};
    }
    let (top, height) = if limit.bad_below { (1.0 - up, up) } else { (0.0, 1.0 - up) };
    html! {
        g class={ "limit " (tone_class(&limit.tone)) } {
            rect y=(Percent(top)) width="100%" height=(Percent(height)) {}
            line x2="100%" y1=(Percent(1.0 - up)) y2=(Percent(1.0 - up)) {}
            text x="100%" dx="-6" y=(Percent(1.0 - up)) dy=(if up > 0.9 { "14" } else { "-5" }) { (limit.title) }
        }
    }
}

/// Marks that would touch each other as one, with what they say; the worst tone is shown.
fn merged(data: &ChartData) -> Vec<(f64, String, Vec<String>)> {
    let mut marks: Vec<&ChartMark> =
        data.marks.iter().filter(|mark| (data.from..=data.to).contains(&mark.at)).collect();
    marks.sort_by_key(|mark| mark.at);
    let rank = |tone: &str| ["critical", "warn", "planned", "info", "working"].iter().position(|known| *known == tone);
    let mut out: Vec<(f64, String, Vec<String>)> = Vec::new();
    for mark in marks {
        let at = share(mark.at, data.from, data.to);
        if let Some(last) = out.last_mut().filter(|last| at - last.0 < NEAR) {
            if rank(&mark.tone).unwrap_or(9) < rank(&last.1).unwrap_or(9) {
                last.1.clone_from(&mark.tone);
            }
            last.2.push(mark.title.clone());
        } else if out.len() < MARKS_MAX {
            out.push((at, mark.tone.clone(), vec![mark.title.clone()]));
        }
    }
    out
}

/// Troubles are triangles, everything else is a diamond: the shape says it besides the colour.
fn draw_mark(at: f64, tone: &str, titles: &[String]) -> Markup {
    let trouble = matches!(tone, "critical" | "warn");
    let more = titles.len().saturating_sub(TITLES_MAX);
    html! {
        svg class={ "mark " (tone_class(tone)) } x=(Percent(at)) {
            title {
                @for (nth, title) in titles.iter().take(TITLES_MAX).enumerate() { @if nth > 0 { "; " } (title) }
                @if more > 0 { "; and " (more) " more" }
            }
            line y2="100%" {}
            path d=(if trouble { "M-5-8H5L0 1z" } else { "M0-9L5-4L0 1L-5-4z" }) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: i64, tone: &str) -> ChartMark {
        ChartMark { at, title: format!("at {at}"), tone: tone.into() }
    }

    #[test]
    fn marks_that_would_touch_are_one_with_the_worst_tone() {
        let marks = vec![mark(500, "ok"), mark(100, "info"), mark(105, "critical"), mark(110, "ok"), mark(2_000, "ok")];
        let data = ChartData { to: 1_000, marks, ..ChartData::default() };
        let all = merged(&data);
        assert_eq!(
            all.iter().map(|(_, tone, titles)| (tone.as_str(), titles.len())).collect::<Vec<_>>(),
            [("critical", 3), ("ok", 1)]
        );
        let many = (0..1_000).map(|at| mark(at, "info")).collect();
        assert!(merged(&ChartData { to: 1_000, marks: many, ..ChartData::default() }).len() <= MARKS_MAX * 3);
    }

    #[test]
    fn bands_end_at_the_edge_and_short_ones_stay_visible() {
        let data = ChartData { from: 0, to: 1_000, ..ChartData::default() };
        let drawn = |from: i64, to: i64| {
            draw_band(&ChartBand { from, to, title: "x".into(), tone: "critical".into() }, &data).into_string()
        };
        assert!(drawn(-500, 250).contains("x=\"0%\" width=\"25%\""));
        assert!(drawn(500, 500).contains("width=\"0.3%\""));
        for outside in [drawn(-500, -1), drawn(1_100, 2_000), drawn(500, 100)] {
            assert_eq!(outside, "");
        }
    }
}
