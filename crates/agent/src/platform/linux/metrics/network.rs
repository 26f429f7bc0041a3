//! `/proc/net/dev`, `/proc/net/snmp`, `/proc/net/snmp6`, `/proc/net/netstat` and `/proc/net/sockstat`.

use super::super::text::Kept;
use crate::register::Register;

const INTERFACES_MAX: usize = 16;

const COLUMNS: [&str; 16] = [
    "receive_bytes_total",
    "receive_packets_total",
    "receive_errs_total",
    "receive_drop_total",
    "receive_fifo_total",
    "receive_frame_total",
    "receive_compressed_total",
    "receive_multicast_total",
    "transmit_bytes_total",
    "transmit_packets_total",
    "transmit_errs_total",
    "transmit_drop_total",
    "transmit_fifo_total",
    "transmit_colls_total",
    "transmit_carrier_total",
    "transmit_compressed_total",
];

/// The counters of node_exporter's netstat collector.
const PROTOCOLS: [(&str, &[&str]); 6] = [
    ("Ip", &["Forwarding"]),
    ("IpExt", &["InOctets", "OutOctets"]),
    ("Icmp", &["InMsgs", "OutMsgs", "InErrors"]),
    ("Tcp", &["ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab", "InErrs"]),
    ("Udp", &["InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors", "InErrors"]),
    (
        "TcpExt",
        &[
            "ListenOverflows",
            "ListenDrops",
            "SyncookiesFailed",
            "SyncookiesRecv",
            "SyncookiesSent",
            "TCPSynRetrans",
            "TCPTimeouts",
            "TCPOFOQueue",
            "TCPRcvQDrop",
        ],
    ),
];

/// Protocol and counter of the list of IPv6, which joins them in one word.
const PROTOCOLS_V6: [(&str, &str); 11] = [
    ("Ip6", "InOctets"),
    ("Ip6", "OutOctets"),
    ("Icmp6", "InMsgs"),
    ("Icmp6", "OutMsgs"),
    ("Icmp6", "InErrors"),
    ("Udp6", "InDatagrams"),
    ("Udp6", "OutDatagrams"),
    ("Udp6", "NoPorts"),
    ("Udp6", "InErrors"),
    ("Udp6", "RcvbufErrors"),
    ("Udp6", "SndbufErrors"),
];

pub(super) struct Network {
    dev: Kept,
    snmp: Kept,
    snmp6: Kept,
    netstat: Kept,
    sockstat: Kept,
}

impl Network {
    pub(super) fn new() -> Self {
        Self {
            dev: Kept::new("/proc/self/net/dev"),
            snmp: Kept::new("/proc/self/net/snmp"),
            snmp6: Kept::new("/proc/self/net/snmp6"),
            netstat: Kept::new("/proc/self/net/netstat"),
            sockstat: Kept::new("/proc/self/net/sockstat"),
        }
    }

    pub(super) fn interfaces(&mut self, full: bool, buffer: &mut Vec<u8>, register: &mut Register) {
        let Some(text) = self.dev.read(buffer) else { return };
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let wanted = |name: &str| !name.starts_with("veth") && (full || name != "lo");
        let lines = lines.map(|(name, rest)| (name.trim(), rest)).filter(|(name, _)| wanted(name));
        for (name, rest) in lines.take(if full { INTERFACES_MAX } else { 4 }) {
            for (column, value) in COLUMNS.into_iter().zip(rest.split_ascii_whitespace()) {
                let kept = full || column.ends_with("_bytes_total");
                if let (true, Ok(value)) = (kept, value.parse::<f64>()) {
                    register.put(&["node_network_", column], &[("device", name)], value);
                }
            }
        }
    }

    pub(super) fn protocols(&mut self, buffer: &mut Vec<u8>, register: &mut Register) {
        for file in [&mut self.snmp, &mut self.netstat] {
            if let Some(text) = file.read(buffer) {
                put_pairs_of_lines(text, register);
            }
        }
        if let Some(text) = self.snmp6.read(buffer) {
            for (protocol, name) in PROTOCOLS_V6 {
                let words = text.lines().filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(name));
                if let Some(Ok(value)) = words.map(|value| value.trim().parse::<f64>()).next() {
                    register.put(&["node_netstat_", protocol, "_", name], &[], value);
                }
            }
        }
        let Some(text) = self.sockstat.read(buffer) else { return };
        for (protocol, rest) in text.lines().filter_map(|line| line.split_once(':')) {
            let mut words = rest.split_ascii_whitespace();
            while let (Some(key), Some(Ok(value))) = (words.next(), words.next().map(str::parse::<f64>)) {
                register.put(&["node_sockstat_", protocol, "_", key], &[], value);
            }
        }
    }
}

/// A line of names, then a line of values, both behind the protocol's name.
fn put_pairs_of_lines(text: &str, register: &mut Register) {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((_, values))) = (names.split_once(": "), values.split_once(": ")) else {
            continue;
        };
        let Some((_, wanted)) = PROTOCOLS.iter().find(|(name, _)| *name == protocol) else { continue };
        for (name, value) in names.split(' ').zip(values.split(' ')) {
            if let (true, Ok(value)) = (wanted.contains(&name), value.parse::<f64>()) {
                register.put(&["node_netstat_", protocol, "_", name], &[], value);
            }
        }
    }
}
