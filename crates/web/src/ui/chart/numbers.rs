//! The numbers beside a picture: each line's newest, lowest, mean and highest value, and what happened when.

use super::scale::readable;
use super::{ChartData, Sampled, tone_class};
use crate::ui::time::Clock;
use jiff::Timestamp;
use maud::{Markup, html};

/// Lines and events that are listed.
const ROWS_MAX: usize = 40;

fn values(line: &Sampled) -> impl DoubleEndedIterator<Item = f64> {
    line.points.iter().filter_map(|(_, value)| value.filter(|value| value.is_finite()))
}

/// The newest value with its unit.
pub(super) fn newest(line: &Sampled) -> String {
    values(line).next_back().map_or_else(|| "no value".to_owned(), |value| readable(value, &line.unit))
}

/// The table that stands in for the picture.
pub(super) fn summary(title: &str, data: &ChartData, clock: &Clock) -> Markup {
    html! {
        @if !data.series.is_empty() {
            table.tbl {
                caption.sr { (title) }
                thead { tr { th scope="col" { "Line" } @for name in ["Newest", "Lowest", "Mean", "Highest"] { th.num scope="col" { (name) } } } }
                tbody { @for line in data.series.iter().take(ROWS_MAX) { (row(line)) } }
            }
        }
        @if !(data.bands.is_empty() && data.marks.is_empty() && data.thresholds.is_empty()) {
            ul.notes {
                @for limit in &data.thresholds { li class=(tone_class(&limit.tone)) { (limit.title) } }
                @for (at, end, tone, text) in happened(data).iter().take(ROWS_MAX) {
                    li class=(tone_class(tone)) { (clock.at(*at)) @if let Some(end) = end { " – " (clock.at(*end)) } " " span dir="auto" { (text) } }
                }
            }
        }
    }
}

fn row(line: &Sampled) -> Markup {
    let low = values(line).fold(f64::INFINITY, f64::min);
    let high = values(line).fold(f64::NEG_INFINITY, f64::max);
    let (sum, count) = values(line).fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    html! {
        tr {
            th scope="row" dir="auto" { (line.name) }
            td.num { (newest(line)) }
            @for value in [low, sum / count, high] { td.num { (readable(value, &line.unit)) } }
        }
    }
}

/// Marks and bands in order of time.
fn happened(data: &ChartData) -> Vec<(Timestamp, Option<Timestamp>, &str, &str)> {
    let at = |ms: i64| Timestamp::from_millisecond(ms.clamp(data.from, data.to)).unwrap_or_default();
    let marks = data.marks.iter().map(|mark| (at(mark.at), None, mark.tone.as_str(), mark.title.as_str()));
    let bands =
        data.bands.iter().map(|band| (at(band.from), Some(at(band.to)), band.tone.as_str(), band.title.as_str()));
    let mut all: Vec<_> = marks.chain(bands).collect();
    all.sort_by_key(|(at, ..)| *at);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_summed_up_over_its_finite_values() {
        let points = vec![(0, Some(1.0)), (1, None), (2, Some(f64::NAN)), (3, Some(4.0)), (4, Some(2.5)), (5, None)];
        let line = Sampled { name: "Busy".into(), unit: "%".into(), points };
        let html = row(&line).into_string();
        for text in [">2.5 %<", ">1 %<", ">4 %<"] {
            assert!(html.contains(text), "{html}");
        }
        let nothing = Sampled { name: "Busy".into(), ..Sampled::default() };
        assert_eq!(row(&nothing).into_string().matches("no value").count(), 4);
    }
}
