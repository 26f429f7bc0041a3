//! Windows and aggregations against a naive evaluator that looks at every sample again at each step.

use crate::hostile::Dice;
use promql::{Labels, MemorySource, Options, Value, When, query};
use std::collections::BTreeMap;

const STALE: f64 = f64::from_bits(promql::STALE_BITS);

type Sampled = (Labels, Vec<(i64, f64)>);

/// Series with gaps, resets, staleness markers, NaN and infinities at uneven times.
fn random_series(dice: &mut Dice) -> Vec<Sampled> {
    let series = |index: usize, dice: &mut Dice| {
        let group = dice.roll(3).to_string();
        let labels = Labels::from_pairs([("__name__", "x_total"), ("i", &index.to_string()), ("g", &group)]);
        let (mut at, mut value, mut samples) = (dice.roll(60_000) as i64, 0.0, Vec::new());
        for _ in 0..dice.roll(120) {
            at += 1 + dice.roll(40_000) as i64;
            value = match dice.roll(20) {
                0 => 0.0,
                1 => -value,
                _ => value + dice.roll(100) as f64 / 8.0,
            };
            samples.push((at, [value, value, STALE, f64::NAN, f64::INFINITY][dice.roll(60).min(4 * dice.roll(2)) % 5]));
        }
        (labels, samples)
    };
    (0..1 + dice.roll(6)).map(|index| series(index, dice)).collect()
}

/// What a function makes of the samples of one window.
fn of_window(name: &str, window: &[(i64, f64)], start: i64, end: i64) -> Option<f64> {
    let values: Vec<f64> = window.iter().map(|(_, value)| *value).collect();
    let (first, last) = (*window.first()?, *window.last()?);
    let pairs = || values.windows(2).map(|pair| (pair[0], pair[1]));
    let finite = || values.iter().copied().filter(|value| !value.is_nan());
    Some(match name {
        "count_over_time" => values.len() as f64,
        "sum_over_time" => values.iter().sum(),
        "min_over_time" => finite().reduce(f64::min).unwrap_or(f64::NAN),
        "max_over_time" => finite().reduce(f64::max).unwrap_or(f64::NAN),
        "last_over_time" => last.1,
        "changes" => pairs().filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count() as f64,
        "resets" => pairs().filter(|(a, b)| b < a).count() as f64,
        "ts_of_last_over_time" => last.0 as f64 / 1e3,
        "increase" | "delta" if window.len() < 2 => return None,
        "increase" | "delta" => {
            let counter = name == "increase";
            let lost: f64 = pairs().filter(|(a, b)| counter && b < a).map(|(a, _)| a).sum();
            let change = last.1 - first.1 + lost;
            let seconds = |ms: i64| ms as f64 / 1e3;
            let sampled = seconds(last.0 - first.0);
            let average = sampled / (window.len() - 1) as f64;
            let near = |gap: f64| if gap >= average * 1.1 { average / 2.0 } else { gap };
            let mut before = near(seconds(first.0 - start));
            if counter && change > 0.0 && first.1 >= 0.0 {
                before = before.min(sampled * (first.1 / change));
            }
            change * ((sampled + before + near(seconds(end - last.0))) / sampled)
        }
        _ => unreachable!("{name}"),
    })
}

fn alike(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (a.abs() + b.abs())
}

fn source(series: &[Sampled]) -> MemorySource {
    let mut source = MemorySource::new();
    for (labels, samples) in series {
        samples.iter().for_each(|(at, value)| source.push(labels, *at, *value));
    }
    source
}

fn ask(text: &str, source: &MemorySource, when: When, threads: usize) -> BTreeMap<Labels, BTreeMap<i64, f64>> {
    let options = Options { experimental: true, threads, ..Options::default() };
    match query(text, source, when, &options).unwrap_or_else(|error| panic!("{text}: {error}")).value {
        Value::Matrix(all) => all.into_iter().map(|one| (one.labels, one.points.into_iter().collect())).collect(),
        Value::Vector(all) => all.into_iter().map(|one| (one.labels, [(one.at_ms, one.value)].into())).collect(),
        other => panic!("{other:?}"),
    }
}

fn compare(text: &str, got: &BTreeMap<Labels, BTreeMap<i64, f64>>, wanted: &BTreeMap<Labels, BTreeMap<i64, f64>>) {
    assert_eq!(got.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{text}");
    for (labels, points) in wanted {
        let given = &got[labels];
        assert_eq!(given.keys().collect::<Vec<_>>(), points.keys().collect::<Vec<_>>(), "{text} {labels}");
        for (at, value) in points {
            assert!(alike(given[at], *value), "{text} {labels} at {at}: {} instead of {value}", given[at]);
        }
    }
}

#[test]
fn windows_slide_as_if_each_were_looked_at_alone() {
    let mut dice = Dice(7);
    let functions = [
        "count_over_time",
        "sum_over_time",
        "min_over_time",
        "max_over_time",
        "last_over_time",
        "changes",
        "resets",
        "ts_of_last_over_time",
        "increase",
        "delta",
    ];
    for round in 0..400 {
        let series = random_series(&mut dice);
        let name = functions[round % functions.len()];
        let (range, offset) = (1_000 + dice.roll(400_000) as i64, dice.roll(100_000) as i64 - 50_000);
        let (start, step) = (dice.roll(300_000) as i64, 1 + dice.roll(90_000) as i64);
        let end = start + step * dice.roll(50) as i64;
        let text = format!("{name}(x_total[{range}ms] offset {})", promql::format_duration(offset));
        let mut wanted: BTreeMap<Labels, BTreeMap<i64, f64>> = BTreeMap::new();
        for (labels, samples) in &series {
            let labels = if name == "last_over_time" { labels.clone() } else { labels.without_name() };
            for at in (0..).map(|index| start + step * index).take_while(|at| *at <= end) {
                let (low, high) = (at - offset - range, at - offset);
                let within =
                    |(when, value): &&(i64, f64)| *when > low && *when <= high && value.to_bits() != promql::STALE_BITS;
                let window: Vec<(i64, f64)> = samples.iter().filter(within).copied().collect();
                if let Some(value) = of_window(name, &window, low, high) {
                    wanted.entry(labels.clone()).or_default().insert(at, value);
                }
            }
        }
        let when = When::Range { start_ms: start, end_ms: end, step_ms: step };
        compare(&text, &ask(&text, &source(&series), when, 1), &wanted);
    }
}

/// The latest sample of a series at a time, if it is neither old nor a staleness marker.
fn latest(samples: &[(i64, f64)], at: i64) -> Option<f64> {
    let (when, value) = *samples.iter().rev().find(|(when, _)| *when <= at)?;
    (when > at - 300_000 && value.to_bits() != promql::STALE_BITS).then_some(value)
}

fn of_group(op: &str, values: &[f64]) -> f64 {
    let finite = || values.iter().copied().filter(|value| !value.is_nan());
    let count = values.len() as f64;
    match op {
        "sum" => values.iter().sum(),
        "avg" => values.iter().sum::<f64>() / count,
        "count" => count,
        "group" => 1.0,
        "min" => finite().reduce(f64::min).unwrap_or(f64::NAN),
        "max" => finite().reduce(f64::max).unwrap_or(f64::NAN),
        _ => {
            let mean = values.iter().sum::<f64>() / count;
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
        }
    }
}

#[test]
fn aggregations_are_those_of_each_step_alone() {
    let mut dice = Dice(11);
    for round in 0..300 {
        let series = random_series(&mut dice);
        let op = ["sum", "avg", "count", "group", "min", "max", "stdvar"][round % 7];
        let when = When::Range { start_ms: 0, end_ms: 3_000_000, step_ms: 17_000 };
        let mut wanted: BTreeMap<Labels, BTreeMap<i64, f64>> = BTreeMap::new();
        for at in (0..=3_000_000).step_by(17_000) {
            let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
            for (labels, samples) in &series {
                if let Some(value) = latest(samples, at) {
                    groups.entry(labels.filtered(|name| name == "g")).or_default().push(value);
                }
            }
            for (labels, values) in groups {
                wanted.entry(labels).or_default().insert(at, of_group(op, &values));
            }
        }
        let text = format!("{op} by (g) (x_total)");
        let got = ask(&text, &source(&series), when, 1);
        let round_off = |all: BTreeMap<Labels, BTreeMap<i64, f64>>| -> BTreeMap<Labels, BTreeMap<i64, f64>> {
            // Rounding differs where a variance is nearly nothing.
            let tidy = |value: f64| if value.abs() < 1e-6 { 0.0 } else { value };
            all.into_iter()
                .map(|(labels, points)| (labels, points.into_iter().map(|(at, v)| (at, tidy(v))).collect()))
                .collect()
        };
        compare(&text, &round_off(got), &round_off(wanted));
    }
}

#[test]
fn a_range_query_is_many_instant_queries() {
    let mut dice = Dice(13);
    let queries = [
        "rate(x_total[2m]) * 3 - x_total",
        "topk by (g) (1, x_total)",
        "x_total > on (i) avg by (i) (x_total offset 1m) or x_total",
        "sum by (g) (x_total) / on (g) group_right x_total",
        "avg_over_time(rate(x_total[1m])[5m:30s])",
        "count_values by (g) ('v', round(x_total))",
        "quantile(0.3, x_total) and absent(x_total{i=\"0\"})",
        "label_replace(x_total, \"k\", \"$1\", \"i\", \"(.)\") unless on (g) x_total{i=\"1\"}",
        "deriv(x_total[3m]) + predict_linear(x_total[3m], 60)",
        "scalar(x_total{i=\"0\"}) + x_total @ 300 - x_total @ end()",
        "stddev_over_time(x_total[4m]) + quantile_over_time(0.7, x_total[4m])",
        "timestamp(x_total) - time() + minute()",
    ];
    for round in 0..120 {
        let series = random_series(&mut dice);
        let source = source(&series);
        let text = queries[round % queries.len()].replace("end()", "1500");
        let when = When::Range { start_ms: 0, end_ms: 1_500_000, step_ms: 50_000 };
        let whole = ask(&text, &source, when, 1);
        assert_eq!(format!("{whole:?}"), format!("{:?}", ask(&text, &source, when, 2)), "{text}");
        let mut steps: BTreeMap<Labels, BTreeMap<i64, f64>> = BTreeMap::new();
        for at in (0..=1_500_000).step_by(50_000) {
            for (labels, points) in ask(&text, &source, When::Instant(at), 1) {
                steps.entry(labels).or_default().extend(points);
            }
        }
        compare(&text, &whole, &steps);
    }
}
