//! `/proc/diskstats` (Documentation/admin-guide/iostats.rst of the kernel). Sectors are 512 bytes, times milliseconds.

use super::super::text::Kept;
use crate::register::Register;

const DISKS_MAX: usize = 16;

/// Name and factor of each column after the device's name.
const COLUMNS: [(&str, f64); 17] = [
    ("reads_completed_total", 1.0),
    ("reads_merged_total", 1.0),
    ("read_bytes_total", 512.0),
    ("read_time_seconds_total", 0.001),
    ("writes_completed_total", 1.0),
    ("writes_merged_total", 1.0),
    ("written_bytes_total", 512.0),
    ("write_time_seconds_total", 0.001),
    ("io_now", 1.0),
    ("io_time_seconds_total", 0.001),
    ("io_time_weighted_seconds_total", 0.001),
    ("discards_completed_total", 1.0),
    ("discards_merged_total", 1.0),
    ("discarded_sectors_total", 1.0),
    ("discard_time_seconds_total", 0.001),
    ("flush_requests_total", 1.0),
    ("flush_requests_time_seconds_total", 0.001),
];

pub(super) struct Disk {
    stats: Kept,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { stats: Kept::new("/proc/diskstats") }
    }

    pub(super) fn collect(&mut self, full: bool, buffer: &mut Vec<u8>, register: &mut Register) {
        let Some(text) = self.stats.read(buffer) else { return };
        let of_disk = |line: &&str| line.split_ascii_whitespace().nth(2).is_some_and(is_disk);
        for line in text.lines().filter(of_disk).take(if full { DISKS_MAX } else { 2 }) {
            let mut words = line.split_ascii_whitespace().skip(2);
            let Some(name) = words.next() else { continue };
            for ((column, factor), value) in COLUMNS.into_iter().zip(words) {
                let wanted = full || matches!(column, "read_bytes_total" | "written_bytes_total");
                if let (true, Ok(value)) = (wanted, value.parse::<f64>()) {
                    register.put(&["node_disk_", column], &[("device", name)], value * factor);
                }
            }
        }
    }
}

/// A whole disk: no memory disk, no loop, no partition.
fn is_disk(name: &str) -> bool {
    let ends_in_digit = name.ends_with(|c: char| c.is_ascii_digit());
    let lettered = ["sd", "hd", "vd", "xvd"].iter().any(|prefix| name.starts_with(prefix));
    let numbered = name.starts_with("nvme") || name.starts_with("mmcblk");
    let no_disk = ["ram", "zram", "loop", "fd", "sr"].iter().any(|prefix| name.starts_with(prefix));
    let partition = (lettered && ends_in_digit) || (numbered && name.contains('p') && !name.starts_with("mmcblk_"));
    !no_disk && !partition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_disks_are_told_from_partitions() {
        for disk in ["sda", "vdb", "xvda", "nvme0n1", "mmcblk0", "dm-0", "md0"] {
            assert!(is_disk(disk), "{disk}");
        }
        for other in ["sda1", "vdb12", "nvme0n1p1", "mmcblk0p2", "loop0", "ram1", "zram0", "sr0"] {
            assert!(!is_disk(other), "{other}");
        }
    }
}
