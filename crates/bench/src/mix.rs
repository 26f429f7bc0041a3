//! What a monitored house measures, made up: ten kinds of series, with labels as exporters give them; the same numbers in
//! every run.

#[path = "../../tsdb/examples/support/values.rs"]
mod values;

use kernel::{Error, Result};
use metrics_proto::write::{Encoder, Version};

pub(crate) use values::KINDS;
use values::Values;

use crate::engine::Engine;

/// The step between two samples of a series.
pub(crate) const STEP_MS: i64 = 15_000;
/// Samples of one request, as Prometheus sends them by default since 2.46.
pub(crate) const REQUEST_SAMPLES: usize = 2_000;
/// Samples of one series in a request that fills a store with what was.
const BACKFILL_STEPS: i64 = 20;
/// Sites over which the targets are spread.
pub(crate) const SITES: usize = 10;

struct Series {
    /// Ten, sorted by name.
    labels: [(&'static str, String); 10],
    values: Values,
}

/// Targets whose series are sampled together.
pub(crate) struct Fleet {
    series: Vec<Series>,
    of_target: usize,
}

impl Fleet {
    /// So many targets, each with so many devices of each kind: `devices` holds the counts in the order of [`KINDS`].
    pub(crate) fn new(targets: usize, devices: [usize; 10]) -> Self {
        let mut all = Vec::new();
        for target in 0..targets {
            for (kind, (name, count)) in KINDS.iter().zip(devices).enumerate() {
                all.extend((0..count).map(|device| (target, kind, *name, device)));
            }
        }
        let series = all.into_iter().enumerate().map(|(number, (target, kind, name, device))| Series {
            labels: labels(target, name, device),
            values: Values::new(kind, number),
        });
        Self { series: series.collect(), of_target: devices.iter().sum::<usize>().max(1) }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Sends the next sample of every series, taken at one moment, in as many requests as it takes; answers how many.
    pub(crate) fn send(&mut self, engine: &Engine, at_ms: i64) -> Result<usize> {
        let mut encoder = Encoder::new(Version::V1);
        for part in self.series.chunks_mut(REQUEST_SAMPLES) {
            for one in part {
                let value = one.values.step();
                let labels = one.labels.iter().map(|(name, value)| (*name, value.as_str()));
                encoder.series(labels, [(at_ms, value)]);
            }
            engine.write(&packed(&mut encoder)?)?;
        }
        Ok(self.series.len())
    }

    /// Sends so many samples of every series, the last of them at `last_ms`; answers how many in all.
    pub(crate) fn send_until(&mut self, engine: &Engine, steps: i64, last_ms: i64) -> Result<usize> {
        let mut samples = 0;
        for step in (0..steps).rev() {
            samples += self.send(engine, last_ms - step * STEP_MS)?;
        }
        Ok(samples)
    }

    /// Writes the next sample of every series of a target as a page that is scraped; answers how many. Job and instance
    /// are the scraper's.
    pub(crate) fn page(&mut self, target: usize, into: &mut String) -> usize {
        use std::fmt::Write as _;
        into.clear();
        let of_target = self.of_target;
        let series = self.series.iter_mut().skip(target * of_target).take(of_target);
        let mut count = 0;
        for one in series {
            let value = one.values.step();
            let (mut metric, mut first) = ("", true);
            let start = into.len();
            for (name, value) in &one.labels {
                match *name {
                    "__name__" => metric = value,
                    "job" | "instance" => {}
                    _ => {
                        // Writing to a string cannot fail.
                        let _ = write!(into, "{}{name}=\"{value}\"", if first { "{" } else { "," });
                        first = false;
                    }
                }
            }
            into.insert_str(start, metric);
            let _ = writeln!(into, "}} {value}");
            count += 1;
        }
        count
    }

    /// The same, quicker and unlike a sender's daily work: several samples of each series of one target in a request.
    pub(crate) fn backfill(&mut self, engine: &Engine, steps: i64, last_ms: i64) -> Result<usize> {
        let mut encoder = Encoder::new(Version::V1);
        let mut left = steps;
        while left > 0 {
            let now = left.min(BACKFILL_STEPS);
            for target in self.series.chunks_mut(self.of_target) {
                for one in target {
                    let labels = one.labels.iter().map(|(name, value)| (*name, value.as_str()));
                    let values = &mut one.values;
                    let samples = (1..=now).map(|step| (last_ms - (left - step) * STEP_MS, values.step()));
                    encoder.series(labels, samples);
                }
                engine.write(&packed(&mut encoder)?)?;
            }
            left -= now;
        }
        Ok(self.len() * usize::try_from(steps).unwrap_or(0))
    }
}

fn packed(encoder: &mut Encoder) -> Result<Vec<u8>> {
    encoder.finish().map_err(|error| Error::internal("request-not-packed", error))
}

fn labels(target: usize, name: &str, device: usize) -> [(&'static str, String); 10] {
    let site = target % SITES;
    [
        ("__name__", name.to_owned()),
        ("cluster", format!("cluster-{}", site / 2)),
        ("device", format!("device-{device}")),
        ("env", if target % 4 == 3 { "test" } else { "production" }.to_owned()),
        ("instance", host(target)),
        ("job", "node".to_owned()),
        ("rack", format!("rack-{}", target / 20)),
        ("role", ["web", "database", "queue", "files"].get(target % 4).copied().unwrap_or_default().to_owned()),
        ("site", format!("site-{site}")),
        ("team", format!("team-{}", target % 7)),
    ]
}

/// The name of a target.
pub(crate) fn host(target: usize) -> String {
    format!("host-{target}.northwind.example:9100")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_makes_the_same_series_with_sorted_labels_of_their_own() {
        let (fleet, mut again) = (Fleet::new(20, [3; 10]), Fleet::new(20, [3; 10]));
        assert_eq!(fleet.len(), 600);
        let mut seen = std::collections::BTreeSet::new();
        for (one, other) in fleet.series.into_iter().zip(&mut again.series) {
            assert!(one.labels.is_sorted_by(|a, b| a.0 < b.0));
            assert_eq!(one.labels, other.labels);
            let mut values = one.values;
            assert_eq!([values.step(), values.step()], [other.values.step(), other.values.step()]);
            seen.insert(one.labels);
        }
        assert_eq!(seen.len(), 600);
    }
}
