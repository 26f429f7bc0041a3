//! How long queries over many series take: `cargo run --release -p promql --example timing [series]`.

#![expect(clippy::print_stdout, reason = "an example speaks on the terminal")]

use promql::{Labels, Options, Selected, Selection, SeriesData, Source, SourceError, Value, When, query};
use std::sync::Arc;
use std::time::Instant;

const STEP_MS: i64 = 15_000;

/// Counters of a hundred sites, one hour and a bit at 15 s, all sampled together.
struct Counters {
    labels: Vec<Labels>,
}

impl Source for Counters {
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError> {
        let first = selection.after_ms.div_euclid(STEP_MS) + 1;
        let last = selection.until_ms.div_euclid(STEP_MS);
        let times: Arc<[i64]> = (first..=last).map(|step| step * STEP_MS).collect();
        let series = self.labels.iter().enumerate().map(|(index, labels)| {
            let values = times.iter().map(|at| (*at as f64 / 1e3) * (1.0 + index as f64 % 7.0)).collect();
            SeriesData { labels: labels.clone(), times: Arc::clone(&times), values }
        });
        Ok(Selected { series: series.collect(), ..Selected::default() })
    }
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(10_000);
    let series = |index: usize| {
        Labels::from_pairs([
            ("__name__", "requests_total"),
            ("instance", &format!("host-{index}:9100")),
            ("job", "node"),
            ("site", &format!("site-{}", index % 100)),
        ])
    };
    let source = Counters { labels: (0..count).map(series).collect() };
    let end_ms = 1_700_000_000_000;
    let range = When::Range { start_ms: end_ms - 3_600_000, end_ms, step_ms: STEP_MS };
    let queries = [
        "requests_total",
        "sum by (site) (rate(requests_total[5m]))",
        "topk(5, rate(requests_total[5m]))",
        "quantile by (site) (0.9, requests_total)",
        "avg_over_time(requests_total[5m]) / on (instance) requests_total",
        "max_over_time(requests_total[30m])",
    ];
    for threads in [1, 0] {
        println!("{count} series, {}", if threads == 1 { "one thread" } else { "all threads" });
        for text in queries {
            for (name, when) in [("instant", When::Instant(end_ms)), ("1 h at 15 s", range)] {
                let mut best = f64::INFINITY;
                let (mut size, mut mib) = (0, 0);
                for _ in 0..5 {
                    let since = Instant::now();
                    let Ok(answer) = query(text, &source, when, &Options { threads, ..Options::default() }) else {
                        continue;
                    };
                    best = best.min(since.elapsed().as_secs_f64() * 1e3);
                    mib = answer.stats.bytes_peak >> 20;
                    size = match answer.value {
                        Value::Vector(all) => all.len(),
                        Value::Matrix(all) => all.len(),
                        _ => 0,
                    };
                }
                println!("  {best:8.1} ms {mib:5} MiB  {name:12} {text}  ({size} series)");
            }
        }
    }
}
