//! `/proc/stat`: processors, switches, forks (proc(5)).

use super::super::text::{Kept, number};
use crate::register::Register;

const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
/// Beyond this many processors only their sum is kept.
const PROCESSORS_MAX: usize = 16;

pub(super) struct Cpu {
    stat: Kept,
}

impl Cpu {
    pub(super) fn new() -> Self {
        Self { stat: Kept::new("/proc/stat") }
    }

    pub(super) fn collect(&mut self, full: bool, buffer: &mut Vec<u8>, register: &mut Register) {
        let Some(text) = self.stat.read(buffer) else { return };
        let ticks = rustix::param::clock_ticks_per_second().max(1) as f64;
        let is_processor = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
        let each = full && text.lines().filter(is_processor).count() <= PROCESSORS_MAX;
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let Some(key) = words.next() else { continue };
            match key.strip_prefix("cpu") {
                Some("") if each => {}
                Some("") => put_modes("all", words, ticks, register),
                Some(cpu) if each => put_modes(cpu, words, ticks, register),
                Some(_) => {}
                None => put_counter(key, line, full, register),
            }
        }
    }
}

fn put_modes<'a>(cpu: &str, values: impl Iterator<Item = &'a str>, ticks: f64, register: &mut Register) {
    for (mode, value) in MODES.into_iter().zip(values) {
        if let Ok(value) = value.parse::<f64>() {
            register.put(&["node_cpu_seconds_total"], &[("cpu", cpu), ("mode", mode)], value / ticks);
        }
    }
}

fn put_counter(key: &str, line: &str, full: bool, register: &mut Register) {
    let name = match key {
        "btime" => "node_boot_time_seconds",
        "ctxt" if full => "node_context_switches_total",
        "processes" if full => "node_forks_total",
        "intr" if full => "node_intr_total",
        "procs_running" if full => "node_procs_running",
        "procs_blocked" if full => "node_procs_blocked",
        _ => return,
    };
    if let Some(value) = number(line, 1) {
        register.put(&[name], &[], value);
    }
}
