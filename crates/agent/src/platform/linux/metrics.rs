//! Metrics of this machine, named and labelled as Prometheus' node_exporter does, so that its dashboards and rules fit.
//! Files of the kernel stay open, and a moment in the steady state allocates next to nothing.

mod cpu;
mod disk;
mod memory;
mod network;

use agent_proto::ProfileKind;

use super::filesystems::{self, Mount};
use super::identity::hostname;
use super::text::{Kept, number, word};
use crate::register::Register;

/// Of these many mounts the rooms are measured.
const MOUNTS_MAX: usize = 24;
/// Mounts are listed anew after so many moments.
const MOUNTS_EVERY: u32 = 20;

/// Keeps what is read again and again.
pub(crate) struct Collector {
    buffer: Vec<u8>,
    cpu: cpu::Cpu,
    memory: memory::Memory,
    disk: disk::Disk,
    network: network::Network,
    loadavg: Kept,
    file_handles: Kept,
    entropy: Kept,
    own: Kept,
    mounts: Vec<Mount>,
    moments: u32,
    uname: [String; 2],
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(16 * 1024),
            cpu: cpu::Cpu::new(),
            memory: memory::Memory::new(),
            disk: disk::Disk::new(),
            network: network::Network::new(),
            loadavg: Kept::new("/proc/loadavg"),
            file_handles: Kept::new("/proc/sys/fs/file-nr"),
            entropy: Kept::new("/proc/sys/kernel/random/entropy_avail"),
            own: Kept::new("/proc/self/stat"),
            mounts: Vec::new(),
            moments: 0,
            uname: [hostname(), word("/proc/sys/kernel/osrelease").unwrap_or_default()],
        }
    }

    /// Puts the values of now into the register, most important first: a limit cuts from the end.
    pub(crate) fn collect(&mut self, kind: ProfileKind, register: &mut Register, now_s: f64) {
        if self.moments.is_multiple_of(MOUNTS_EVERY) {
            self.mounts = filesystems::mounts();
        }
        self.moments = self.moments.wrapping_add(1);
        let full = kind == ProfileKind::Server;
        self.own(register);
        register.put(&["node_time_seconds"], &[], now_s);
        self.load(register);
        self.memory.essentials(&mut self.buffer, register);
        self.cpu.collect(full, &mut self.buffer, register);
        self.filesystems(full, register);
        self.network.interfaces(full, &mut self.buffer, register);
        self.disk.collect(full, &mut self.buffer, register);
        if full {
            let [nodename, release] = &self.uname;
            register.put(&["node_uname_info"], &[("nodename", nodename), ("release", release)], 1.0);
            self.memory.pressure(&mut self.buffer, register);
            self.file_handles(register);
            self.cpu.queues(&mut self.buffer, register);
            self.memory.paging(&mut self.buffer, register);
            self.network.protocols(&mut self.buffer, register);
            self.memory.rest(&mut self.buffer, register);
        }
    }

    /// What the agent itself costs: `/proc/self/stat` (proc(5)), after the name in parentheses.
    fn own(&mut self, register: &mut Register) {
        let Some(text) = self.own.read(&mut self.buffer) else { return };
        let rest = text.rsplit(')').next().unwrap_or_default();
        let ticks = rustix::param::clock_ticks_per_second().max(1) as f64;
        if let (Some(user), Some(system), Some(pages)) = (number(rest, 11), number(rest, 12), number(rest, 21)) {
            register.put(&["mainstay_agent_cpu_seconds_total"], &[], (user + system) / ticks);
            register.put(&["mainstay_agent_resident_bytes"], &[], pages * rustix::param::page_size() as f64);
        }
    }

    fn load(&mut self, register: &mut Register) {
        let Some(text) = self.loadavg.read(&mut self.buffer) else { return };
        for (at, name) in ["node_load1", "node_load5", "node_load15"].into_iter().enumerate() {
            if let Some(value) = number(text, at) {
                register.put(&[name], &[], value);
            }
        }
    }

    fn file_handles(&mut self, register: &mut Register) {
        let Some(text) = self.file_handles.read(&mut self.buffer) else { return };
        if let (Some(used), Some(most)) = (number(text, 0), number(text, 2)) {
            register.put(&["node_filefd_allocated"], &[], used);
            register.put(&["node_filefd_maximum"], &[], most);
        }
        let Some(text) = self.entropy.read(&mut self.buffer) else { return };
        if let Some(bits) = number(text, 0) {
            register.put(&["node_entropy_available_bits"], &[], bits);
        }
    }

    fn filesystems(&self, full: bool, register: &mut Register) {
        for mount in self.mounts.iter().take(if full { MOUNTS_MAX } else { 4 }) {
            let Some(room) = filesystems::room(&mount.point) else { continue };
            let labels = [("device", &*mount.device), ("fstype", &*mount.kind), ("mountpoint", &*mount.point)];
            let mut put = |name: &str, value: f64| register.put(&["node_filesystem_", name], &labels, value);
            put("size_bytes", room.size as f64);
            put("avail_bytes", room.available as f64);
            if full {
                put("free_bytes", room.free as f64);
                put("files", room.files as f64);
                put("files_free", room.files_free as f64);
                put("readonly", f64::from(u8::from(room.read_only)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(kind: ProfileKind, values_max: usize) -> (Register, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut register = Register::open(dir.path(), true);
        register.begin(values_max);
        Collector::new().collect(kind, &mut register, 1.0);
        let names = register.take_fresh().into_iter().map(|(_, series)| series.name).collect();
        (register, names)
    }

    #[test]
    fn a_server_has_the_series_that_dashboards_look_for() {
        let (register, names) = moment(ProfileKind::Server, 600);
        for wanted in [
            "node_cpu_seconds_total",
            "node_memory_MemAvailable_bytes",
            "node_memory_Active_anon_bytes",
            "node_filesystem_avail_bytes",
            "node_network_receive_bytes_total",
            "node_load1",
            "node_boot_time_seconds",
            "node_context_switches_total",
            "node_vmstat_pgfault",
            "mainstay_agent_resident_bytes",
        ] {
            assert!(names.iter().any(|name| name == wanted), "{wanted} is missing");
        }
        assert!(register.values.len() > 100, "{} series", register.values.len());
        assert!(register.values.iter().all(|(_, value)| value.is_finite()));
        let mut ids: Vec<u32> = register.values.iter().map(|(id, _)| *id).collect();
        ids.dedup();
        assert_eq!(ids.len(), register.values.len(), "a series has one value in a moment");
    }

    #[test]
    fn a_workstation_sends_at_most_forty() {
        let (register, names) = moment(ProfileKind::Workstation, 40);
        assert!(register.values.len() <= 40);
        assert!(names.iter().any(|name| name == "node_filesystem_avail_bytes"));
    }

    #[test]
    fn a_second_moment_registers_nothing_new() {
        let dir = tempfile::tempdir().unwrap();
        let mut register = Register::open(dir.path(), true);
        let mut collector = Collector::new();
        for _ in 0..2 {
            register.begin(600);
            register.take_fresh();
            collector.collect(ProfileKind::Server, &mut register, 1.0);
        }
        let fresh = register.take_fresh().len();
        assert!(fresh < 10, "{fresh} series appeared between two moments");
    }
}
