//! `/proc/stat`, `/proc/schedstat` and `/proc/net/softnet_stat`: processors, switches, forks, queues (proc(5)).

use super::super::text::{Kept, number};
use crate::register::Register;

const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
/// Beyond this many processors only their sum is kept.
const PROCESSORS_MAX: usize = 16;

/// Name, column after the processor's name, and factor: times are nanoseconds.
const SCHEDULE: [(&str, usize, f64); 3] =
    [("running_seconds_total", 6, 1e-9), ("waiting_seconds_total", 7, 1e-9), ("timeslices_total", 8, 1.0)];
const SOFT_QUEUE: [&str; 3] = ["processed_total", "dropped_total", "times_squeezed_total"];
/// The soft queues are listed without names, in the order of the processors.
const CPU_NAMES: [&str; PROCESSORS_MAX] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];

pub(super) struct Cpu {
    stat: Kept,
    schedule: Kept,
    soft_queues: Kept,
}

impl Cpu {
    pub(super) fn new() -> Self {
        Self {
            stat: Kept::new("/proc/stat"),
            schedule: Kept::new("/proc/schedstat"),
            soft_queues: Kept::new("/proc/net/softnet_stat"),
        }
    }

    /// How long work ran and waited on each processor, and what its network queue did.
    pub(super) fn queues(&mut self, buffer: &mut Vec<u8>, register: &mut Register) {
        if let Some(text) = self.schedule.read(buffer) {
            let lines = text.lines().filter_map(|line| line.strip_prefix("cpu")?.split_once(' '));
            for (cpu, values) in lines.take(PROCESSORS_MAX) {
                for (name, at, factor) in SCHEDULE {
                    if let Some(value) = number(values, at) {
                        register.put(&["node_schedstat_", name], &[("cpu", cpu)], value * factor);
                    }
                }
            }
        }
        let Some(text) = self.soft_queues.read(buffer) else { return };
        for (cpu, line) in CPU_NAMES.into_iter().zip(text.lines()) {
            for (name, value) in SOFT_QUEUE.into_iter().zip(line.split_ascii_whitespace()) {
                if let Ok(value) = u32::from_str_radix(value, 16) {
                    register.put(&["node_softnet_", name], &[("cpu", cpu)], f64::from(value));
                }
            }
        }
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
