//! `/proc/meminfo`, `/proc/vmstat` and `/proc/pressure`.

use super::super::text::{Kept, number};
use crate::register::Register;

const ESSENTIAL: [&str; 6] = ["MemTotal", "MemAvailable", "MemFree", "SwapTotal", "SwapFree", "Cached"];
const PAGING: [&str; 8] =
    ["oom_kill", "pgfault", "pgmajfault", "pgpgin", "pgpgout", "pswpin", "pswpout", "allocstall_normal"];
/// Kind of line and series, two for each file; on the whole machine a processor is never fully stalled.
const PRESSURE: [(&str, &str); 6] = [
    ("some", "node_pressure_cpu_waiting_seconds_total"),
    ("full", ""),
    ("some", "node_pressure_io_waiting_seconds_total"),
    ("full", "node_pressure_io_stalled_seconds_total"),
    ("some", "node_pressure_memory_waiting_seconds_total"),
    ("full", "node_pressure_memory_stalled_seconds_total"),
];

pub(super) struct Memory {
    meminfo: Kept,
    vmstat: Kept,
    pressure: [Kept; 3],
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            meminfo: Kept::new("/proc/meminfo"),
            vmstat: Kept::new("/proc/vmstat"),
            pressure: ["/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory"].map(Kept::new),
        }
    }

    /// What every machine sends.
    pub(super) fn essentials(&mut self, buffer: &mut Vec<u8>, register: &mut Register) {
        self.meminfo(buffer, register, |key| ESSENTIAL.contains(&key));
    }

    /// All the others.
    pub(super) fn rest(&mut self, buffer: &mut Vec<u8>, register: &mut Register) {
        self.meminfo(buffer, register, |key| !ESSENTIAL.contains(&key));
    }

    fn meminfo(&mut self, buffer: &mut Vec<u8>, register: &mut Register, wanted: impl Fn(&str) -> bool) {
        let Some(text) = self.meminfo.read(buffer) else { return };
        for line in text.lines() {
            let Some((key, _)) = line.split_once(':') else { continue };
            let Some(value) = number(line, 1).filter(|_| wanted(key)) else { continue };
            let (factor, unit) = if line.ends_with("kB") { (1_024.0, "_bytes") } else { (1.0, "") };
            // `Active(anon)` becomes `Active_anon`, as node_exporter writes it.
            let mut parts = key.split(['(', ')']);
            let (head, tail) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let joint = if tail.is_empty() { "" } else { "_" };
            register.put(&["node_memory_", head, joint, tail, unit], &[], value * factor);
        }
    }

    pub(super) fn paging(&mut self, buffer: &mut Vec<u8>, register: &mut Register) {
        let Some(text) = self.vmstat.read(buffer) else { return };
        for line in text.lines() {
            let Some((key, value)) = line.split_once(' ') else { continue };
            if let (true, Ok(value)) = (PAGING.contains(&key), value.parse::<f64>()) {
                register.put(&["node_vmstat_", key], &[], value);
            }
        }
    }

    /// `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345` in microseconds.
    pub(super) fn pressure(&mut self, buffer: &mut Vec<u8>, register: &mut Register) {
        for (file, names) in self.pressure.iter_mut().zip(PRESSURE.chunks_exact(2)) {
            let Some(text) = file.read(buffer) else { continue };
            for (kind, name) in names.iter().filter(|(_, name)| !name.is_empty()) {
                let line = text.lines().find(|line| line.starts_with(kind));
                let total = line.and_then(|line| line.rsplit_once("total=")).map(|(_, micros)| micros.parse::<f64>());
                if let Some(Ok(micros)) = total {
                    register.put(&[name], &[], micros / 1e6);
                }
            }
        }
    }
}
