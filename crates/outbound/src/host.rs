//! Hosts as people write them: names that always mean the machine itself or a metadata service, and addresses in the
//! spellings that some programs read.

use std::net::IpAddr;

use crate::{Allowed, CREDENTIALS, LOOPBACK, refused};

/// Names that lead to metadata services.
const METADATA_NAMES: [&str; 5] =
    ["metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal", "instance-data"];

/// What a host is that may not be asked, to stand behind "it is"; `None` when nothing speaks against its name. Where the
/// name leads is judged when it is connected to, with [`refused`].
pub fn refused_host(host: &str, allowed: Allowed) -> Option<&'static str> {
    let name = host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let name = name.split('%').next().unwrap_or_default();
    if let Ok(address) = name.parse::<IpAddr>() {
        return refused(address, allowed);
    }
    if is_number(name) {
        return Some("not written as an address: write an IPv4 address as four numbers");
    }
    let of_ec2 = name.split_once('.').is_some_and(|(first, rest)| first == "instance-data" && rest == "ec2.internal");
    if METADATA_NAMES.contains(&name) || of_ec2 {
        return Some(CREDENTIALS);
    }
    let own = name == "localhost"
        || name.ends_with(".localhost")
        || matches!(name, "localhost.localdomain" | "localhost6" | "ip6-localhost" | "ip6-loopback");
    (own && !allowed.loopback).then_some(LOOPBACK)
}

/// Numbers such as 2852039166, 0xa9fea9fe or 127.1 are IPv4 addresses to some programs. No name ends in a number.
fn is_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_machine_itself_need_leave_and_metadata_names_get_none() {
        for (host, network, machine) in [
            ("db.example.org", true, true),
            ("10.0.0.5", true, true),
            ("localhost", false, true),
            ("LOCALHOST.", false, true),
            ("a.localhost", false, true),
            ("ip6-loopback", false, true),
            ("[::1]", false, true),
            ("127.0.0.1", false, true),
            ("localhost.example.org", true, true),
            ("metadata.google.internal", false, false),
            ("Metadata.", false, false),
            ("instance-data.ec2.internal", false, false),
            ("169.254.169.254.", false, false),
            ("[fe80::1%eth0]", false, false),
            ("2852039166", false, false),
            ("0xa9fea9fe", false, false),
            ("127.1", false, false),
            ("0x7f.1", false, false),
            ("web-01", true, true),
            ("0xylophone.example", true, true),
        ] {
            let may = [Allowed::NETWORK, Allowed::MACHINE].map(|allowed| refused_host(host, allowed).is_none());
            assert_eq!(may, [network, machine], "{host}");
        }
    }
}
