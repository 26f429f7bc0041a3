//! Which addresses our own requests may be sent to: one list for webhooks, scrapes, the server's own looks and the looks
//! of agents. Link-local and metadata addresses hand out credentials to whoever asks from inside, so nobody reaches
//! them; a machine's own loopback and private networks are a matter of who asks.
//!
//! A name is judged by [`refused_host`] when it is saved, and what it leads to by [`refused`] on the connection itself:
//! the first alone can be led astray by a resolver, the second alone tells people too late.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod host;

pub use host::refused_host;

/// What may be reached besides public addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The machine itself, over its loopback.
    pub loopback: bool,
    /// Networks that are nobody else's: RFC 1918, shared and unique local addresses.
    pub private: bool,
}

impl Allowed {
    /// Public addresses only.
    pub const PUBLIC: Self = Self { loopback: false, private: false };
    /// The networks around, but not the machine itself.
    pub const NETWORK: Self = Self { loopback: false, private: true };
    /// The networks around and the machine itself.
    pub const MACHINE: Self = Self { loopback: true, private: true };
}

/// Metadata services outside of the link-local range: Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The same over IPv6: Amazon (machines, and pods of EKS), Google.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

const CREDENTIALS: &str = "a link-local or metadata address, which gives out credentials";
const NO_HOST: &str = "not an address of one host";
const LOOPBACK: &str = "a loopback address, which the setting does not allow";
const PRIVATE: &str = "a private address, which the setting does not allow";

/// What an address is that may not be reached, to stand behind "it is"; `None` when it may.
pub fn refused(address: IpAddr, allowed: Allowed) -> Option<&'static str> {
    match plain(address) {
        IpAddr::V4(ip) => refused_v4(ip, allowed),
        IpAddr::V6(ip) => refused_v6(ip, allowed),
    }
}

fn refused_v4(ip: Ipv4Addr, allowed: Allowed) -> Option<&'static str> {
    let [a, b, ..] = ip.octets();
    if ip.is_link_local() || METADATA_V4.contains(&ip) {
        Some(CREDENTIALS)
    } else if a == 0 || a >= 224 {
        // On most systems 0.0.0.0 is the machine itself.
        Some(NO_HOST)
    } else if !allowed.loopback && ip.is_loopback() {
        Some(LOOPBACK)
    } else if !allowed.private && (ip.is_private() || (a == 100 && (64..128).contains(&b))) {
        Some(PRIVATE)
    } else {
        None
    }
}

fn refused_v6(ip: Ipv6Addr, allowed: Allowed) -> Option<&'static str> {
    let [first, ..] = ip.segments();
    if ip.is_unicast_link_local() || METADATA_V6.contains(&ip) {
        Some(CREDENTIALS)
    } else if ip.is_unspecified() || ip.is_multicast() {
        Some(NO_HOST)
    } else if !allowed.loopback && ip.is_loopback() {
        Some(LOOPBACK)
    } else if !allowed.private && (ip.is_unique_local() || first & 0xffc0 == 0xfec0) {
        Some(PRIVATE)
    } else {
        None
    }
}

/// The IPv4 address that hides in an IPv6 one: mapped and compatible (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052 and
/// RFC 8215), 6to4 (RFC 3056) and Teredo (RFC 4380, where its bits are turned).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(ip) = address.to_canonical() else { return address.to_canonical() };
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0..=1] => IpAddr::V6(ip),
        [0, 0, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, .., high, low] => {
            v4(high, low)
        }
        [0x2002, high, low, ..] => v4(high, low),
        [0x2001, 0, .., high, low] => v4(!high, !low),
        _ => IpAddr::V6(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, public: bool, network: bool, machine: bool) {
        let ip = text.parse().unwrap();
        let may = [Allowed::PUBLIC, Allowed::NETWORK, Allowed::MACHINE].map(|allowed| refused(ip, allowed).is_none());
        assert_eq!(may, [public, network, machine], "{text}");
    }

    #[test]
    fn link_local_metadata_and_no_hosts_are_never_reached_in_any_disguise() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::",
            "ff02::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:0:1:2:3:4:5601:5601",
            "::ffff:168.63.129.16",
            "64:ff9b::192.0.0.192",
            "::ffff:0.0.0.0",
        ] {
            check(text, false, false, false);
        }
    }

    #[test]
    fn loopback_is_for_who_may_reach_the_machine_itself() {
        for text in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::"] {
            check(text, false, false, true);
        }
    }

    #[test]
    fn private_networks_are_for_who_watches_them_and_public_ones_for_all() {
        for text in ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fd12::1", "fec0::1", "::ffff:10.0.0.1"] {
            check(text, false, true, true);
        }
        for text in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            check(text, true, true, true);
        }
    }
}
