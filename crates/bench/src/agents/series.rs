//! The series of simulated machines: a workstation's as the real agent sends them, and a server's with its many cores,
//! disks and interfaces.

use agent_proto::{Profile, SeriesName};

/// What an agent runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Workstation,
    Server,
}

const PLAIN: &[&str] = &[
    "mainstay_agent_cpu_seconds_total",
    "mainstay_agent_resident_bytes",
    "node_time_seconds",
    "node_load1",
    "node_load5",
    "node_load15",
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_SwapTotal_bytes",
    "node_memory_SwapFree_bytes",
    "node_boot_time_seconds",
    "node_procs_running",
    "node_procs_blocked",
];
const MODES: &[&str] = &["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];
const LABELLED: &[(&str, &str, &[&str])] = &[
    ("node_cpu_seconds_total", "mode", MODES),
    ("node_filesystem_size_bytes", "mountpoint", &["/", "/home"]),
    ("node_filesystem_avail_bytes", "mountpoint", &["/", "/home"]),
    ("node_network_receive_bytes_total", "device", &["eth0", "wlan0"]),
    ("node_network_transmit_bytes_total", "device", &["eth0", "wlan0"]),
    ("node_network_receive_errs_total", "device", &["eth0", "wlan0"]),
    ("node_network_up", "device", &["eth0", "wlan0"]),
    ("node_disk_read_bytes_total", "device", &["nvme0n1"]),
    ("node_disk_written_bytes_total", "device", &["nvme0n1"]),
    ("node_disk_reads_completed_total", "device", &["nvme0n1"]),
    ("node_disk_writes_completed_total", "device", &["nvme0n1"]),
    ("node_disk_io_time_seconds_total", "device", &["nvme0n1"]),
    ("mainstay_agent_ring_bytes", "lane", &["all"]),
    ("mainstay_agent_ring_waiting", "lane", &["all"]),
];
/// What a server has many of: the metrics of each, the label that tells them apart, and how they are called.
const MANY: &[(&[&str], &str, &[&str])] = &[
    (
        &[
            "node_filesystem_size_bytes",
            "node_filesystem_avail_bytes",
            "node_filesystem_files",
            "node_filesystem_files_free",
            "node_filesystem_readonly",
        ],
        "mountpoint",
        &["/", "/boot", "/home", "/srv", "/tmp", "/var", "/var/lib/postgresql", "/var/log"],
    ),
    (
        &[
            "node_network_receive_bytes_total",
            "node_network_transmit_bytes_total",
            "node_network_receive_packets_total",
            "node_network_transmit_packets_total",
            "node_network_receive_errs_total",
            "node_network_transmit_errs_total",
            "node_network_receive_drop_total",
            "node_network_up",
        ],
        "device",
        &["bond0", "eth0", "eth1", "eth2", "eth3", "lo", "vlan10", "vlan20"],
    ),
    (
        &[
            "node_disk_read_bytes_total",
            "node_disk_written_bytes_total",
            "node_disk_reads_completed_total",
            "node_disk_writes_completed_total",
            "node_disk_read_time_seconds_total",
            "node_disk_write_time_seconds_total",
            "node_disk_io_time_seconds_total",
        ],
        "device",
        &["dm-0", "dm-1", "nvme0n1", "nvme1n1", "sda", "sdb", "sdc", "sdd"],
    ),
];
/// Cores of a server.
const CORES: usize = 16;

impl Machine {
    /// How often it sends samples.
    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Workstation => Profile::WORKSTATION,
            Self::Server => Profile::SERVER,
        }
    }

    /// How many series it has.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Workstation => 40,
            Self::Server => 300,
        }
    }

    /// The kind of its asset.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Workstation => "workstation",
            Self::Server => "server",
        }
    }

    /// Its series, in the order in which they are numbered.
    pub(crate) fn series(self) -> Vec<SeriesName> {
        let plain = PLAIN.iter().map(|name| named(name, &[]));
        let labelled =
            LABELLED.iter().flat_map(|(name, label, values)| values.iter().map(|value| named(name, &[(label, value)])));
        match self {
            Self::Workstation => plain.chain(labelled).take(self.count()).collect(),
            Self::Server => {
                let cores = (0..CORES).map(|core| core.to_string()).flat_map(|core| {
                    let of = |mode: &&str| named("node_cpu_seconds_total", &[("cpu", &core), ("mode", mode)]);
                    MODES.iter().map(of).collect::<Vec<_>>()
                });
                let many = MANY.iter().flat_map(|(names, label, values)| {
                    names.iter().flat_map(|name| values.iter().map(|value| named(name, &[(label, value)])))
                });
                plain.chain(many).chain(cores).take(self.count()).collect()
            }
        }
    }
}

fn named(name: &str, labels: &[(&str, &str)]) -> SeriesName {
    let text = |text: &str| text.to_owned();
    SeriesName { name: text(name), labels: labels.iter().map(|(name, value)| (text(name), text(value))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_has_as_many_series_as_it_says_and_each_once() {
        for machine in [Machine::Workstation, Machine::Server] {
            let series = machine.series();
            let each: std::collections::BTreeSet<_> =
                series.iter().map(|one| (one.name.clone(), one.labels.clone())).collect();
            assert_eq!((series.len(), each.len()), (machine.count(), machine.count()), "{machine:?}");
        }
    }
}
