//! What the metrics of agents and checks are, for tools that ask: names are those of Prometheus' node exporter.

use metrics_proto::Kind;

use super::sink::Meta;

/// Metrics with words of their own: name, what it is, unit.
const KNOWN: [(&str, Kind, &str, &str); 38] = [
    ("mainstay_agent_cpu_seconds_total", Kind::Counter, "Processor time that the agent took.", "seconds"),
    ("mainstay_agent_resident_bytes", Kind::Gauge, "Memory of the agent.", "bytes"),
    ("mainstay_check_duration_seconds", Kind::Gauge, "How long the newest look of a check took.", "seconds"),
    ("mainstay_check_figure", Kind::Gauge, "A figure that the newest look of a check found.", ""),
    ("mainstay_check_up", Kind::Gauge, "1 when the newest look of a check was good, 0 when it was bad.", ""),
    ("mainstay_check_value", Kind::Gauge, "What the newest look of a check measured.", ""),
    ("node_boot_time_seconds", Kind::Gauge, "When the machine started, in seconds since 1970.", "seconds"),
    ("node_context_switches_total", Kind::Counter, "Context switches.", ""),
    ("node_cpu_seconds_total", Kind::Counter, "Seconds the processors spent in each mode.", "seconds"),
    ("node_disk_io_now", Kind::Gauge, "Reads and writes in progress.", ""),
    ("node_disk_io_time_seconds_total", Kind::Counter, "Seconds spent doing I/O.", "seconds"),
    ("node_disk_read_bytes_total", Kind::Counter, "Bytes read.", "bytes"),
    ("node_disk_reads_completed_total", Kind::Counter, "Reads completed.", ""),
    ("node_disk_written_bytes_total", Kind::Counter, "Bytes written.", "bytes"),
    ("node_disk_writes_completed_total", Kind::Counter, "Writes completed.", ""),
    ("node_entropy_available_bits", Kind::Gauge, "Bits of entropy that are available.", ""),
    ("node_filefd_allocated", Kind::Gauge, "File descriptors in use.", ""),
    ("node_filefd_maximum", Kind::Gauge, "Most file descriptors there may be.", ""),
    ("node_filesystem_avail_bytes", Kind::Gauge, "Bytes that others than root may still use.", "bytes"),
    ("node_filesystem_files", Kind::Gauge, "File nodes there are.", ""),
    ("node_filesystem_files_free", Kind::Gauge, "File nodes that are free.", ""),
    ("node_filesystem_free_bytes", Kind::Gauge, "Bytes that are free, those kept for root included.", "bytes"),
    ("node_filesystem_readonly", Kind::Gauge, "1 when the file system is read-only.", ""),
    ("node_filesystem_size_bytes", Kind::Gauge, "Size of the file system.", "bytes"),
    ("node_forks_total", Kind::Counter, "Processes started.", ""),
    ("node_intr_total", Kind::Counter, "Interrupts served.", ""),
    ("node_load1", Kind::Gauge, "Load average of one minute.", ""),
    ("node_load5", Kind::Gauge, "Load average of five minutes.", ""),
    ("node_load15", Kind::Gauge, "Load average of fifteen minutes.", ""),
    ("node_memory_MemAvailable_bytes", Kind::Gauge, "Memory that programs may still take.", "bytes"),
    ("node_memory_MemTotal_bytes", Kind::Gauge, "Memory of the machine.", "bytes"),
    ("node_network_receive_bytes_total", Kind::Counter, "Bytes received.", "bytes"),
    ("node_network_transmit_bytes_total", Kind::Counter, "Bytes sent.", "bytes"),
    ("node_procs_blocked", Kind::Gauge, "Processes that wait for I/O.", ""),
    ("node_procs_running", Kind::Gauge, "Processes that run or could.", ""),
    ("node_scrape_collector_success", Kind::Gauge, "1 when a part of the agent's collector worked.", ""),
    ("node_time_seconds", Kind::Gauge, "The machine's clock, in seconds since 1970.", "seconds"),
    ("node_uname_info", Kind::Gauge, "Names of the machine's system, in labels.", ""),
];

/// Families of metrics: how they begin, what one is whose name does not end in `_total`, and words for the rest of its name.
const FAMILIES: [(&str, Kind, &str); 13] = [
    ("mainstay_agent_", Kind::Gauge, "Of the agent itself"),
    ("mainstay_check_", Kind::Gauge, "Of the newest look of a check"),
    ("node_disk_", Kind::Gauge, "Statistic of a disk"),
    ("node_filesystem_", Kind::Gauge, "Of a file system"),
    ("node_memory_", Kind::Gauge, "Memory information field"),
    ("node_netstat_", Kind::Unknown, "Statistic of the network stack"),
    ("node_network_", Kind::Gauge, "Statistic of a network device"),
    ("node_pressure_", Kind::Gauge, "Pressure stall information"),
    ("node_schedstat_", Kind::Gauge, "Statistic of the scheduler"),
    ("node_sockstat_", Kind::Gauge, "Statistic of sockets"),
    ("node_softnet_", Kind::Gauge, "Statistic of received packets"),
    ("node_vmstat_", Kind::Unknown, "Statistic of virtual memory"),
    ("node_", Kind::Gauge, "Of the machine"),
];

/// What a metric of agents or checks is; `None` for a metric of somebody else.
pub(super) fn described(metric: &str) -> Option<Meta> {
    if let Some((_, kind, help, unit)) = KNOWN.iter().find(|(name, ..)| *name == metric) {
        return Some(Meta { kind: *kind, help: (*help).to_owned(), unit: (*unit).to_owned() });
    }
    let (start, kind, words) = FAMILIES.iter().find(|(start, ..)| metric.starts_with(start))?;
    let kind = if metric.ends_with("_total") { Kind::Counter } else { *kind };
    let rest = metric.get(start.len()..).unwrap_or_default();
    Some(Meta { kind, help: format!("{words}: {rest}."), unit: unit(metric).to_owned() })
}

/// The unit by the end of a name.
fn unit(metric: &str) -> &'static str {
    let name = metric.strip_suffix("_total").unwrap_or(metric);
    ["seconds", "bytes", "celsius"].into_iter().find(|unit| name.ends_with(unit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_agents_say_what_they_are_and_others_nothing() {
        let kind = |metric: &str| described(metric).map(|meta| (meta.kind, meta.unit));
        assert_eq!(kind("node_load1"), Some((Kind::Gauge, String::new())));
        assert_eq!(kind("node_network_receive_drop_total"), Some((Kind::Counter, String::new())));
        assert_eq!(kind("node_memory_Active_anon_bytes"), Some((Kind::Gauge, "bytes".into())));
        assert_eq!(kind("node_pressure_io_waiting_seconds_total"), Some((Kind::Counter, "seconds".into())));
        assert_eq!(kind("requests_total"), None);
        let sorted = KNOWN.iter().zip(KNOWN.iter().skip(1)).all(|(one, next)| one.0 != next.0);
        assert!(sorted && KNOWN.iter().all(|(_, _, help, _)| help.ends_with('.')));
    }
}
