//! What published expressions are taken as.

use super::*;

/// Expressions as they are published, and what they are taken as; `-` is nothing.
const PUBLISHED: &str = r#"
down | probe_success{job=~"icmp|http"} == 0
- | kube_node_status_condition{condition=~"MemoryPressure|DiskPressure|PIDPressure",status="true"} == 1
down | up == 0
down | up{job="node"} == 0
down | up != 1
down | up < 1
down | 0 == up
down | min by (instance) (up{job="node"}) == 0
down | max by (job) (up) < 1
down | sum by (job) (up{job="api"}) == 0
down | avg_over_time(up[5m]) < 0.5
down | avg by (job) (up) < 0.5
down | count by (job) (up == 0) > 2
down | 100 * (count by (job, namespace, service) (up == 0) / count by (job, namespace, service) (up)) > 10
down | up{job="node"} == 0 unless on (instance) maintenance == 1
down | up == 0 and on (instance) up offset 1h == 1
down | up * on (instance) group_left (nodename) node_uname_info == 0
down | (up == 0) * on (instance) group_left (nodename) node_uname_info
down | label_replace(up == 0, "host", "$1", "instance", "(.*):.*")
down | absent(up{job="kubelet", metrics_path="/metrics"} == 1)
no_data | absent(up{job="node"})
no_data | absent_over_time(orders_total[15m])
- | up == 1
- | count(up) < 3
- | sum(up) < 3
- | changes(up[15m]) > 3
- | up > 5
down | probe_success == 0
down | probe_success{job="blackbox"} == 0
down | probe_success{job=~".+"} == 0
unreachable | probe_success{job="blackbox-icmp"} == 0
unreachable | avg_over_time(probe_success{module="icmp"}[5m]) < 0.5
errors | probe_success{job="blackbox-http"} == 0
down | probe_success{job=~"blackbox-icmp|blackbox-http"} == 0
errors | probe_http_status_code <= 199 or probe_http_status_code >= 400
slow | avg_over_time(probe_http_duration_seconds[1m]) > 1
slow | avg_over_time(probe_icmp_duration_seconds[1m]) > 1
slow | avg_over_time(probe_duration_seconds[1m]) > 1
cert_invalid | probe_ssl_earliest_cert_expiry - time() < 86400 * 30
cert_invalid | 0 <= round((last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time()) / 86400, 0.1) < 3
cert_invalid | probe_ssl_earliest_cert_expiry < time() + 14 * 24 * 3600
cert_invalid | ((x509_cert_not_after - time()) / 86400) < 14
cert_invalid | x509_cert_expired == 1
cert_invalid | certmanager_certificate_expiration_timestamp_seconds - time() < 21 * 24 * 3600
cert_invalid | apiserver_client_certificate_expiration_seconds_count{job="apiserver"} > 0 and on (job) histogram_quantile(0.01, sum by (job, le) (rate(apiserver_client_certificate_expiration_seconds_bucket{job="apiserver"}[5m]))) < 604800
disk_full | (node_filesystem_avail_bytes * 100) / node_filesystem_size_bytes < 10 and on (instance, device, mountpoint) node_filesystem_readonly == 0
disk_full | (node_filesystem_avail_bytes{job="node",fstype!=""} / node_filesystem_size_bytes{job="node",fstype!=""} * 100 < 40 and predict_linear(node_filesystem_avail_bytes{job="node",fstype!=""}[6h], 24*60*60) < 0 and node_filesystem_readonly{job="node",fstype!=""} == 0)
disk_full | predict_linear(node_filesystem_free_bytes[4h], 4 * 3600) < 0
disk_full | 100 - node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 > 90
disk_full | (node_filesystem_size_bytes - node_filesystem_free_bytes) / node_filesystem_size_bytes > 0.9
disk_full | 1 - (node_filesystem_avail_bytes / node_filesystem_size_bytes) > 0.85
disk_full | node_filesystem_files_free < 0.1 * node_filesystem_files
disk_full | ((node_filesystem_avail_bytes * 100) / node_filesystem_size_bytes < 10) * on (instance) group_left (nodename) node_uname_info{nodename=~".+"}
disk_full | 100.0 - 100 * ((windows_logical_disk_free_bytes / 1024 / 1024) / (windows_logical_disk_size_bytes / 1024 / 1024)) > 80
disk_full | kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes * 100 < 10
disk_full | elasticsearch_filesystem_data_available_bytes / elasticsearch_filesystem_data_size_bytes * 100 < 10
disk_full | kube_node_status_condition{condition="DiskPressure",status="true"} == 1
- | node_filesystem_size_bytes < 1e9
- | deriv(node_filesystem_free_bytes[1h]) < 0
- | node_filesystem_readonly == 1
clock_off | (node_timex_offset_seconds > 0.05 and deriv(node_timex_offset_seconds[5m]) >= 0) or (node_timex_offset_seconds < -0.05 and deriv(node_timex_offset_seconds[5m]) <= 0)
clock_off | min_over_time(node_timex_sync_status[5m]) == 0 and node_timex_maxerror_seconds >= 16
clock_off | abs(node_ntp_offset_seconds) > 0.1
clock_off | windows_time_computed_time_offset_seconds > 5
overloaded | node_load1 > 4
overloaded | node_load15 / count without (cpu, mode) (node_cpu_seconds_total{mode="idle"}) > 2
overloaded | 100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[2m])) * 100) > 80
overloaded | 1 - avg without (cpu) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.9
overloaded | sum without (mode) (avg without (cpu) (rate(node_cpu_seconds_total{mode!="idle"}[2m]))) * 100 > 90
overloaded | node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 < 10
overloaded | (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) * 100 > 90
overloaded | (node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes) / node_memory_MemTotal_bytes > 0.95
overloaded | rate(node_vmstat_pgmajfault[1m]) > 1000
overloaded | increase(node_vmstat_oom_kill[1m]) > 0
overloaded | node_nf_conntrack_entries / node_nf_conntrack_entries_limit > 0.75
overloaded | process_open_fds / process_max_fds > 0.9
overloaded | sum by (instance) (pg_stat_activity_count) > min by (instance) (pg_settings_max_connections * 0.8)
overloaded | max_over_time(mysql_global_status_threads_connected[1m]) / mysql_global_variables_max_connections * 100 > 80
overloaded | redis_memory_used_bytes / redis_memory_max_bytes * 100 > 90
overloaded | 100 - (avg by (instance) (rate(windows_cpu_time_total{mode="idle"}[2m])) * 100) > 80
- | rate(node_cpu_seconds_total{mode="idle"}[2m]) > 0.9
- | node_hwmon_temp_celsius > 75
- | rate(node_network_receive_errs_total[2m]) / rate(node_network_receive_packets_total[2m]) > 0.01
- | increase(node_edac_uncorrectable_errors_total[1m]) > 0
slow | histogram_quantile(0.99, sum by (le, job) (rate(http_request_duration_seconds_bucket[5m]))) > 0.5
slow | histogram_quantile(0.95, sum(rate(traefik_service_request_duration_seconds_bucket[5m])) by (le)) > 1
slow | rate(http_server_requests_seconds_sum[5m]) / rate(http_server_requests_seconds_count[5m]) > 0.5
slow | http_request_duration_seconds{quantile="0.99"} > 2
slow | rate(node_disk_read_time_seconds_total[1m]) / rate(node_disk_reads_completed_total[1m]) > 0.1
- | backup_duration_seconds > 3600
errors | sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05
errors | sum by (service) (rate(traefik_service_requests_total{code=~"5.*"}[3m])) / sum by (service) (rate(traefik_service_requests_total[3m])) * 100 > 5
errors | sum(rate(nginx_http_requests_total{status=~"^5.."}[1m])) / sum(rate(nginx_http_requests_total[1m])) * 100 > 5
errors | sum(rate(envoy_cluster_upstream_rq_xx{envoy_response_code_class="5"}[5m])) > 1
errors | rate(errors[5m]) / rate(requests[5m]) > 0.1
errors | rate(app_errors_total[5m]) > 1
errors | sum(rate(grpc_server_handled_total{grpc_code=~"Internal|Unavailable|DataLoss"}[5m])) / sum(rate(grpc_server_handled_total[5m])) > 0.01
errors | haproxy_backend_up == 0
- | rate(http_requests_total{status=~"2.."}[5m]) > 100
- | rate(http_requests_total[5m]) < 1
- | sum(rate(http_requests_total{status!~"5.."}[5m])) > 1
- | rate(ssh_login_failures_total[5m]) > 1
down | pg_up == 0
down | mysql_up == 0
down | redis_up == 0
down | sum by (instance) (rabbitmq_up) < 1
down | mongodb_up != 1
down | nginx_up == 0 and on (instance) up == 1
down | kube_node_status_condition{job="kube-state-metrics",condition="Ready",status="true"} == 0
- | mainstay_check_up == 0
- | pg_up == 1
- | kube_deployment_spec_replicas != kube_deployment_status_replicas_available
- | increase(kube_pod_container_status_restarts_total[1h]) > 5
unreachable | kube_node_spec_taint{key="node.kubernetes.io/unreachable",effect="NoSchedule"} == 1
degraded | ifOperStatus != 1
degraded | ifOperStatus{ifAlias=~"uplink.*"} == 2 and ifAdminStatus == 1
degraded | node_network_up{device!="lo"} == 0
degraded | (node_bonding_active - node_bonding_slaves) < 0
degraded | node_systemd_unit_state{state="failed"} == 1
degraded | (node_md_disks{state="failed"} > 0) * on (instance) group_left (nodename) node_uname_info
degraded | smartmon_device_smart_healthy == 0
degraded | haproxy_server_up == 0
degraded | ceph_health_status > 0
- | ifOperStatus == 1
power_lost | upsBasicOutputStatus == 3
power_lost | upsBasicOutputStatus != 2
power_lost | upsOutputSource == 5
power_lost | network_ups_tools_ups_status{flag="OB"} == 1
power_lost | upsSecondsOnBattery > 30
- | network_ups_tools_ups_status{flag="OL"} == 1
- | upsBasicOutputStatus == 2
name_fails | sum(rate(coredns_dns_responses_total{rcode="SERVFAIL"}[5m])) / sum(rate(coredns_dns_responses_total[5m])) > 0.01
- | vector(1)
- | ALERTS{alertname="Watchdog"} offset 5m unless ALERTS
- | rate(orders_total[5m]) == 0
- | time() - backup_last_success_timestamp_seconds > 86400
- | node_load1 > 4 or node_filesystem_avail_bytes < 1e9
- | node_load1 > 4 and pg_up == 0
- | up == 0 or rate(orders_total[5m]) == 0
- | {__name__=~"up|probe_success"} == 0
- | prometheus_config_last_reload_successful == 0
- | rate(prometheus_notifications_errors_total[5m]) / rate(prometheus_notifications_sent_total[5m]) > 0.01
- | pg_replication_lag_seconds > 30
- | up3 == 0
"#;

#[test]
fn published_expressions_are_taken_as_what_they_look_for() {
    let mut count = 0;
    for line in PUBLISHED.lines().filter(|line| !line.is_empty()) {
        let (word, text) = line.split_once(" | ").unwrap();
        promql::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let found = taken(text);
        assert_eq!(found.as_ref().map_or("-", |taken| taken.what.as_str()), word, "{text} {found:?}");
        count += 1;
    }
    assert!(count > 120, "{count}");
}

#[test]
fn it_is_said_from_what_an_expression_is_taken_so() {
    let from = |text: &str| taken(text).map(|taken| taken.from).unwrap_or_default();
    assert_eq!(from("min by (job) (up) == 0"), "compares up");
    assert_eq!(from("absent(up{job=\"x\"})"), "asks whether up is absent");
    assert_eq!(from("{__name__=\"pg_up\"} == 0"), "compares pg_up");
    assert_eq!(from("this is no expression"), "");
}
