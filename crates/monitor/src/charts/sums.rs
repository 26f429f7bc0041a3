//! The lines of a figure, added up series by series: what is held in memory is the lines, not the series.

use std::collections::BTreeMap;

use super::Panel;
use crate::series::rate;

/// Milliseconds since 1970 and value, in order of time.
pub(super) type Points = Vec<(i64, f64)>;

/// What is added up for a figure.
pub(super) struct Sums {
    panel: Panel,
    parts: BTreeMap<&'static str, Points>,
}

/// Processor time of the sum over all processors, and of each of them: all of it, idle, waiting for a disk.
const WHOLE: [&str; 3] = ["whole", "whole idle", "whole wait"];
const EACH: [&str; 3] = ["each", "each idle", "each wait"];

impl Sums {
    pub(super) fn new(panel: Panel) -> Self {
        Self { panel, parts: BTreeMap::new() }
    }

    /// Adds a series.
    pub(super) fn take(&mut self, one: tsdb::Series) {
        let device = one.labels.get("device").unwrap_or_default();
        let Some(metric) = self.panel.metrics().iter().copied().find(|name| *name == one.labels.metric()) else {
            return;
        };
        match self.panel {
            Panel::Cpu => self.processor(&one),
            Panel::Disk if is_whole(device) => self.add(metric, rate(&one.points), 1.0),
            Panel::Network if device != "lo" => self.add(metric, rate(&one.points), 8.0),
            Panel::Agent if metric.ends_with("_total") => self.add(metric, rate(&one.points), 100.0),
            Panel::Memory | Panel::Load | Panel::Agent => self.add(metric, one.points, 1.0),
            Panel::Disk | Panel::Network => {}
        }
    }

    /// The agent sends the sum over all processors, or each of them.
    fn processor(&mut self, one: &tsdb::Series) {
        let [all, idle, wait] = if one.labels.get("cpu") == Some("all") { WHOLE } else { EACH };
        let mode = one.labels.get("mode").unwrap_or_default();
        let points = rate(&one.points);
        if mode == "iowait" {
            self.add(wait, points.clone(), 1.0);
        }
        if matches!(mode, "idle" | "iowait") {
            self.add(idle, points.clone(), 1.0);
        }
        self.add(all, points, 1.0);
    }

    fn add(&mut self, part: &'static str, mut points: Points, factor: f64) {
        points.iter_mut().for_each(|(_, value)| *value *= factor);
        let there = self.parts.entry(part).or_default();
        *there = sum(std::mem::take(there), points);
    }

    /// The lines: name, unit, points.
    pub(super) fn lines(mut self) -> Vec<(&'static str, &'static str, Points)> {
        let mut part = |name: &str| self.parts.remove(name).unwrap_or_default();
        let all = match self.panel {
            Panel::Cpu => {
                let (whole, each) = (WHOLE.map(&mut part), EACH.map(&mut part));
                let [total, idle, wait] = if whole.iter().any(|points| !points.is_empty()) { whole } else { each };
                vec![
                    ("Busy", "%", share(&idle, &total, |idle, total| (total - idle).max(0.0))),
                    ("Waiting for disk", "%", share(&wait, &total, |wait, _| wait)),
                ]
            }
            Panel::Memory => {
                let (total, swap) = (part("node_memory_MemTotal_bytes"), part("node_memory_SwapTotal_bytes"));
                let in_use = difference(&total, &part("node_memory_MemAvailable_bytes"));
                let swapped = difference(&swap, &part("node_memory_SwapFree_bytes"));
                vec![("In use", "B", in_use), ("Memory", "B", total), ("Swap in use", "B", swapped)]
            }
            Panel::Disk => vec![
                ("Read", "B/s", part("node_disk_read_bytes_total")),
                ("Written", "B/s", part("node_disk_written_bytes_total")),
            ],
            Panel::Network => vec![
                ("In", "b/s", part("node_network_receive_bytes_total")),
                ("Out", "b/s", part("node_network_transmit_bytes_total")),
            ],
            Panel::Load => vec![
                ("1 min", "", part("node_load1")),
                ("5 min", "", part("node_load5")),
                ("15 min", "", part("node_load15")),
            ],
            Panel::Agent => vec![
                ("Memory", "B", part("mainstay_agent_resident_bytes")),
                ("Processor", "%", part("mainstay_agent_cpu_seconds_total")),
            ],
        };
        all.into_iter().filter(|(.., points)| !points.is_empty()).collect()
    }
}

/// Devices below others (device mapper, RAID) would count the same bytes twice.
fn is_whole(device: &str) -> bool {
    !device.starts_with("dm-") && !device.starts_with("md")
}

/// A part as a share of the whole, in percent, where both have a sample.
pub(super) fn share(part: &[(i64, f64)], total: &[(i64, f64)], of: fn(f64, f64) -> f64) -> Points {
    let both = meet(part, total).filter(|(.., total)| *total > 0.0);
    both.map(|(at, value, total)| (at, 100.0 * of(value, total) / total)).collect()
}

/// One series less another where both have a sample.
fn difference(whole: &[(i64, f64)], part: &[(i64, f64)]) -> Points {
    meet(whole, part).map(|(at, whole, part)| (at, whole - part)).collect()
}

/// The moments at which both have a sample.
fn meet(a: &[(i64, f64)], b: &[(i64, f64)]) -> impl Iterator<Item = (i64, f64, f64)> {
    a.iter().filter_map(|(at, value)| {
        let other = b.binary_search_by_key(at, |(at, _)| *at).ok().and_then(|found| b.get(found))?;
        Some((*at, *value, other.1))
    })
}

/// Adds two series; a moment that only one has stays as it is.
fn sum(mut a: Points, b: Points) -> Points {
    if a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0) {
        a.iter_mut().zip(&b).for_each(|(a, b)| a.1 += b.1);
        return a;
    }
    if a.is_empty() {
        return b;
    }
    a.extend(b);
    a.sort_by_key(|(at, _)| *at);
    a.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_differences_meet_at_the_same_moments() {
        assert_eq!(sum(vec![(1, 1.0), (2, 2.0)], vec![(2, 3.0), (4, 1.0)]), [(1, 1.0), (2, 5.0), (4, 1.0)]);
        assert_eq!(sum(vec![(1, 1.0), (2, 2.0)], vec![(1, 3.0), (2, 1.0)]), [(1, 4.0), (2, 3.0)]);
        assert_eq!(sum(vec![], vec![(2, 3.0)]), [(2, 3.0)]);
        assert_eq!(difference(&[(1, 10.0), (2, 10.0)], &[(2, 4.0)]), [(2, 6.0)]);
        assert_eq!(share(&[(1, 1.0), (2, 1.0)], &[(2, 4.0), (3, 1.0)], |part, _| part), [(2, 25.0)]);
    }
}
