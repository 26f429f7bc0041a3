//! What a measurement says: lines for people, then one JSON line with the machine, the data and the figures.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// The targets, as the issues that asked for them give them: measurement, figure, how it must stand to the value, value.
const TARGETS: &[(&str, &str, char, f64)] = &[
    ("cold-start", "first_page_ms", '<', 300.0),
    ("idle", "server_rss_mb", '<', 60.0),
    ("idle", "agent_rss_mb", '<', 10.0),
    ("idle", "agent_cpu_percent", '<', 0.1),
    ("write", "cpu_us_per_op", '<', 150.0),
    ("write", "ops_per_s", '>', 6_000.0),
    ("list", "p95_ms", '<', 15.0),
    ("list", "cpu_ms", '<', 10.0),
    ("list", "statements", '≤', 12.0),
    ("page", "worst_p95_ms", '<', 8.0),
    ("page", "worst_bytes", '<', 60_000.0),
    ("page", "worst_nodes", '<', 2_500.0),
    ("agents", "rss_kb_per_agent", '<', 120.0),
    ("agents", "cores", '<', 0.5),
    ("agents --mixed", "cores", '<', 0.6),
    ("agents --mixed", "rss_mb", '<', 600.0),
    ("loop", "fault_to_ticket_s", '<', 25.0),
    ("loop", "fault_to_proof_s", '<', 45.0),
    ("loop", "interval_s", '≥', 10.0),
    ("promql", "pass_percent", '≥', 99.0),
    ("ingest", "cpu_us_per_sample", '≤', 0.7),
    ("ingest", "cpu_share", '≤', 0.333),
    ("ingest", "rss_mb", '≤', 200.0),
    ("ingest", "rss_share", '≤', 0.5),
    ("ingest", "scrape_cpu_us_per_sample", '≤', 0.7),
    ("ingest", "scrape_cpu_share", '≤', 0.333),
    ("ingest", "scrape_rss_mb", '≤', 200.0),
    ("ingest", "scrape_rss_share", '≤', 0.5),
    ("storage", "bytes_per_sample", '≤', 1.5),
    ("storage", "share_of_victoria", '≤', 1.0),
    ("query", "instant_share", '≤', 0.333),
    ("query", "range_share", '≤', 0.333),
    ("query", "panel_share", '≤', 0.333),
    ("outages", "first_percent", '≥', 90.0),
    ("outages", "first3_percent", '≥', 98.0),
    ("outages", "one_page_percent", '≥', 95.0),
    ("outages", "orphan_recoveries", '≤', 0.0),
    ("outages", "undetermined_right_percent", '≥', 90.0),
    ("checks", "cores", '<', 0.5),
    ("storm", "groups", '=', 1.0),
    ("storm", "pages", '=', 1.0),
    ("storm", "cpu_s", '<', 1.0),
    ("storm2", "groups", '=', 2.0),
    ("storm2", "pages", '=', 2.0),
    ("restart", "ready_s", '<', 5.0),
    ("restart", "rss_share_of_before", '≤', 1.0),
];

/// Collects what is said.
pub(crate) struct Report {
    bench: &'static str,
    quiet: bool,
    data: Map<String, Value>,
    /// What of the data was not said yet.
    unsaid: Vec<String>,
    figures: Map<String, Value>,
    /// Not all that was asked for was measured.
    part: bool,
}

impl Report {
    pub(crate) fn new(bench: &'static str, quiet: bool) -> Self {
        Self { bench, quiet, data: Map::new(), unsaid: Vec::new(), figures: Map::new(), part: false }
    }

    /// A line for people.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        if !self.quiet {
            print(line.as_ref());
        }
    }

    /// Something about the data that was measured on.
    pub(crate) fn datum(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        self.unsaid.push(format!("{} {value}", key.replace('_', " ")));
        self.data.insert(key.to_owned(), value);
    }

    /// Something that is only in the JSON line.
    pub(crate) fn detail(&mut self, key: &str, value: Value) {
        self.data.insert(key.to_owned(), value);
    }

    /// Not all that was asked for was measured: the program fails at its end.
    pub(crate) fn is_part(&mut self) {
        self.part = true;
    }

    /// The data so far.
    #[cfg(test)]
    pub(crate) fn data(&self) -> Value {
        Value::Object(self.data.clone())
    }

    /// A figure with its target and the data it was measured on; rounded to three digits behind the point.
    pub(crate) fn figure(&mut self, key: &str, value: f64) {
        let data = std::mem::take(&mut self.unsaid);
        if !data.is_empty() {
            self.say(format!("data: {}", data.join(", ")));
        }
        let rounded = (value * 1_000.0).round() / 1_000.0;
        self.figures.insert(key.to_owned(), json!(rounded));
        let target = TARGETS.iter().find(|(bench, name, ..)| *bench == self.bench && *name == key);
        let verdict = target.map_or(String::new(), |(_, _, relation, limit)| {
            let met = match relation {
                '<' => value < *limit,
                '≤' => value <= *limit,
                '>' => value > *limit,
                '=' => (value - *limit).abs() < f64::EPSILON,
                _ => value >= *limit,
            };
            format!("  target {relation} {limit}: {}", if met { "met" } else { "MISSED" })
        });
        self.say(format!("{key:<20} {rounded}{verdict}"));
    }

    /// Prints the JSON line; true when all that was asked for was measured.
    pub(crate) fn finish(self) -> bool {
        let line = json!({ "bench": self.bench, "machine": machine(), "data": self.data, "figures": self.figures });
        print(&line.to_string());
        !self.part
    }
}

/// A closed pipe ends the output, not the measurement.
fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn machine() -> Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    json!({ "cpu": model, "cores": cores, "memory_mb": total.map(|kb| kb / 1024) })
}

/// Milliseconds with fractions.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The smallest value that `share` (0 to 1) of all values do not exceed; 0 of nothing.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0.5, 0.95, 1.0].map(|share| percentile(&values, share)), [50.0, 95.0, 100.0]);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn every_figure_is_kept_under_its_name() {
        let mut report = Report::new("write", true);
        report.figure("ops_per_s", 6_543.210_9);
        assert_eq!(report.figures.get("ops_per_s"), Some(&json!(6_543.211)));
    }
}
