//! What metrics that people write rules about say of the thing they are measured at, as data. A word that is wrong is worse
//! than none: what may be about anything, or about a part that is not the thing itself, is not here.

use causes::What;
use promql::{MatchOp, Selector};

/// When a metric says something: how it must be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum When {
    /// 0 is bad and 1 is not.
    Zero,
    /// 1 is bad and 0 is not.
    One,
    /// Everything is bad but this value.
    Not(f64),
    /// Too little is bad.
    Low,
    /// Too much is bad.
    High,
    /// Whatever it is compared with.
    Any,
}

/// A condition on a label that the selector must have.
#[derive(Clone, Copy, Debug)]
enum With {
    /// It asks for this value.
    Has(&'static str, &'static str),
    /// It leaves this value out.
    Lacks(&'static str, &'static str),
}

struct Row {
    /// Names, apart by blanks; `*` stands for anything.
    names: &'static str,
    with: Option<With>,
    when: When,
    what: What,
}

const fn row(names: &'static str, when: When, what: What) -> Row {
    Row { names, with: None, when, what }
}

const fn with(names: &'static str, with: With, when: When, what: What) -> Row {
    Row { names, with: Some(with), when, what }
}

/// The first row that fits decides. A target that does not answer is `down`, as a port that does not answer is: whether
/// only the exporter or the whole machine is gone is not known, and both follow from a host that is down (1.0) and from a
/// way that is cut (0.9). `unreachable` would say that nobody gets to the machine.
const ROWS: &[Row] = &[
    row("up", When::Zero, What::Down),
    // A ping is all that says that a way is there; what a probe of another kind lacks may be a name or a page as well.
    with("probe_success", With::Has("job", "icmp"), When::Zero, What::Unreachable),
    with("probe_success", With::Has("module", "icmp"), When::Zero, What::Unreachable),
    with("probe_success", With::Has("job", "http"), When::Zero, What::Errors),
    with("probe_success", With::Has("module", "http"), When::Zero, What::Errors),
    with("probe_success", With::Has("job", "dns"), When::Zero, What::NameFails),
    with("probe_success", With::Has("module", "dns"), When::Zero, What::NameFails),
    row("probe_success", When::Zero, What::Down),
    row("probe_http_status_code", When::Any, What::Errors),
    row(
        "probe_duration_seconds probe_http_duration_seconds probe_icmp_duration_seconds probe_dns_lookup_time_seconds",
        When::High,
        What::Slow,
    ),
    // Certificates.
    row(
        "probe_ssl_earliest_cert_expiry probe_ssl_last_chain_expiry_timestamp_seconds x509_cert_not_after \
         x509_cert_expires_in_seconds ssl_cert_not_after ssl_verified_cert_not_after ssl_file_cert_not_after \
         certmanager_certificate_expiration_timestamp_seconds \
         kubelet_certificate_manager_*_ttl_seconds apiserver_client_certificate_expiration_seconds*",
        When::Low,
        What::CertInvalid,
    ),
    row("x509_cert_expired", When::One, What::CertInvalid),
    // Disks.
    row(
        "node_filesystem_avail_bytes node_filesystem_free_bytes node_filesystem_files_free \
         windows_logical_disk_free_bytes wmi_logical_disk_free_bytes \
         kubelet_volume_stats_available_bytes kubelet_volume_stats_inodes_free \
         elasticsearch_filesystem_data_available_bytes",
        When::Low,
        What::DiskFull,
    ),
    row(
        "kubelet_volume_stats_used_bytes kubelet_volume_stats_inodes_used disk_used_percent \
         instance_device:node_filesystem_usage*",
        When::High,
        What::DiskFull,
    ),
    with("kube_node_status_condition", With::Has("condition", "DiskPressure"), When::One, What::DiskFull),
    // Clocks.
    row(
        "node_timex_offset_seconds node_timex_maxerror_seconds node_timex_estimated_error_seconds node_ntp_offset_seconds \
         node_ntp_stratum node_ntp_reference_timestamp_seconds ntp_offset_seconds ntp_drift_seconds ntp_stratum \
         chrony_tracking_system_time_seconds chrony_tracking_last_offset_seconds \
         windows_time_computed_time_offset_seconds",
        When::Any,
        What::ClockOff,
    ),
    row("node_timex_sync_status node_ntp_sanity", When::Zero, What::ClockOff),
    row("node_ntp_leap", When::Not(0.0), What::ClockOff),
    // Processor, memory, connections.
    row(
        "node_load1 node_load5 node_load15 instance:node_load1_per_cpu:ratio instance:node_cpu_utilisation:* \
         instance:node_memory_utilisation:ratio node_pressure_* node_vmstat_pgmajfault node_vmstat_oom_kill \
         node_nf_conntrack_entries node_filefd_allocated process_open_fds windows_cpu_processor_utility* \
         hrProcessorLoad redis_memory_used_bytes redis_connected_clients \
         jvm_memory_used_bytes jvm_memory_bytes_used pg_stat_activity_count pg_stat_database_numbackends \
         mysql_global_status_threads_connected mysql_global_status_threads_running elasticsearch_jvm_memory_used_bytes \
         node_disk_io_time_weighted_seconds_total rabbitmq_process_resident_memory_bytes",
        When::High,
        What::Overloaded,
    ),
    row(
        "node_memory_MemAvailable_bytes node_memory_MemFree_bytes node_memory_SwapFree_bytes :node_memory_MemAvailable_bytes:sum \
         windows_os_physical_memory_free_bytes windows_memory_available_bytes windows_memory_physical_free_bytes \
         wmi_os_physical_memory_free_bytes ssCpuIdle memAvailReal redis_memory_available_bytes",
        When::Low,
        What::Overloaded,
    ),
    with(
        "node_cpu_seconds_total windows_cpu_time_total wmi_cpu_time_total",
        With::Has("mode", "idle"),
        When::Low,
        What::Overloaded,
    ),
    with(
        "node_cpu_seconds_total windows_cpu_time_total wmi_cpu_time_total",
        With::Lacks("mode", "idle"),
        When::High,
        What::Overloaded,
    ),
    with("kube_node_status_condition", With::Has("condition", "MemoryPressure"), When::One, What::Overloaded),
    with("kube_node_status_condition", With::Has("condition", "PIDPressure"), When::One, What::Overloaded),
    // Disks and volumes that answer late.
    row("node_disk_read_time_seconds_total node_disk_write_time_seconds_total", When::High, What::Slow),
    // Nodes of Kubernetes, as its own plane sees them.
    with("kube_node_status_condition", With::Has("condition", "Ready"), When::Zero, What::Down),
    with("kube_node_spec_taint", With::Has("key", "node.kubernetes.io/unreachable"), When::One, What::Unreachable),
    // Power.
    row("upsBasicOutputStatus", When::Not(2.0), What::PowerLost),
    row("upsOutputSource", When::Not(3.0), What::PowerLost),
    row("upsSecondsOnBattery apcupsd_battery_time_on_seconds", When::High, What::PowerLost),
    with("network_ups_tools_ups_status nut_status nut_ups_status", With::Has("flag", "OB"), When::One, What::PowerLost),
    with(
        "network_ups_tools_ups_status nut_status nut_ups_status",
        With::Has("status", "OB"),
        When::One,
        What::PowerLost,
    ),
    // A part of the thing: it works with less. One port that is off does not make a switch unreachable.
    row("ifOperStatus", When::Not(1.0), What::Degraded),
    row(
        "node_network_up node_network_carrier *_peer_up *_link_up *_interface_up *_port_up *_session_up *_tunnel_up *_member_up \
         *_server_up *_osd_up *_channel_up smartmon_device_smart_healthy smartctl_device_smart_status",
        When::Zero,
        What::Degraded,
    ),
    row("ceph_health_status node_md_degraded", When::High, What::Degraded),
    with("node_md_disks", With::Has("state", "failed"), When::High, What::Degraded),
    row("node_bonding_active", When::Low, What::Degraded),
    with("node_systemd_unit_state", With::Has("state", "failed"), When::One, What::Degraded),
    // Names.
    with("coredns_dns_responses_total", With::Has("rcode", "SERVFAIL"), When::High, What::NameFails),
    // What a load balancer has behind it is not itself.
    row("haproxy_backend_up *_backend_up", When::Zero, What::Errors),
    row("slo:sli_error:ratio_rate*", When::High, What::Errors),
];

/// What is known to say nothing of the thing, though its name has the form of what does.
const SILENT: &str = "mainstay_check_up mainstay_check_duration_seconds kube_* prometheus_* alertmanager_* thanos_* loki_* \
     node_* windows_* wmi_* smart* ipmi_* scrape_* *network* *interface* *edac* *config* *reload* *backup* *_gc_* *scrape*";

/// What a metric says that is compared so, alone by what it is called and asked for.
pub(super) fn named(name: &str, selector: &Selector, fits: impl Fn(When) -> bool) -> Option<What> {
    let asked = |with: &With| match with {
        With::Has(label, value) => selector.matchers.iter().any(|one| {
            // A pattern that fits anything asks for nothing, and one of several words not for one of them.
            let one_thing = matches!(one.op(), MatchOp::Equal | MatchOp::Regex) && !one.accepts("\u{1}");
            let meant = || one.value().to_lowercase().contains(value);
            one.name() == *label && one_thing && !one.value().contains('|') && (one.accepts(value) || meant())
        }),
        With::Lacks(label, value) => selector.matchers.iter().any(|one| one.name() == *label && !one.accepts(value)),
    };
    let row = ROWS.iter().find(|row| {
        row.names.split_whitespace().any(|pattern| is_like(pattern, name))
            && row.with.iter().all(asked)
            && fits(row.when)
    });
    row.map(|row| row.what)
}

/// True for a name that the form of which says nothing.
pub(super) fn is_silent(name: &str) -> bool {
    SILENT.split_whitespace().any(|pattern| is_like(pattern, name))
        || ROWS
            .iter()
            .any(|row| row.names.split_whitespace().any(|pattern| !pattern.starts_with('*') && is_like(pattern, name)))
}

/// Whether a name is like a pattern in which `*` stands for anything.
fn is_like(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(left) = name.strip_prefix(start) else { return false };
    (0..=left.len()).any(|at| left.get(at..).is_some_and(|tail| is_like(rest, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, like) in [
            ("up", "up", true),
            ("up", "pg_up", false),
            ("*_up", "pg_up", true),
            ("*_up", "up", false),
            ("a_*_b*", "a_x_y_b", true),
            ("a_*_b*", "a_b", false),
            ("*network*", "node_network_up", true),
        ] {
            assert_eq!(is_like(pattern, name), like, "{pattern} {name}");
        }
    }
}
