//! The values that records of DNS must have, judged before anybody is asked: what could never be answered is a slip.

use std::net::{Ipv4Addr, Ipv6Addr};

use probes::dns::Record;

use crate::address::check_host;

/// Refuses the first value that no record of this kind can have.
///
/// # Errors
/// In words, with how such a value is written.
pub(super) fn check(record: Record, values: &str) -> Result<(), String> {
    for value in values.lines().map(str::trim).filter(|value| !value.is_empty()) {
        if let Some(like) = wrong(record, value) {
            let shown = kernel::text::shorten(value, 80);
            return Err(format!("\"{shown}\" is no {} record. Write it like {like}, one a line.", record.as_str()));
        }
    }
    Ok(())
}

/// How it is written, if this is not how.
fn wrong(record: Record, value: &str) -> Option<String> {
    let parts: Vec<&str> = value.split_whitespace().collect();
    let number = |text: &&str| text.parse::<u32>().is_ok();
    let small = |text: &str| text.parse::<u16>().is_ok();
    let (fits, like) = match (record, parts.as_slice()) {
        (Record::A, _) => (value.parse::<Ipv4Addr>().is_ok(), "192.0.2.1"),
        (Record::Aaaa, _) => match value.parse::<Ipv6Addr>() {
            // Answers are compared as they are usually written.
            Ok(address) if !address.to_string().eq_ignore_ascii_case(value) => return Some(address.to_string()),
            parsed => (parsed.is_ok(), "2001:db8::1"),
        },
        (Record::Mx, [preference, host]) => (small(preference) && is_name(host), "10 mx.example.org"),
        (Record::Mx, _) => (false, "10 mx.example.org"),
        (Record::Srv, [priority, weight, port, host]) => {
            (small(priority) && small(weight) && small(port) && is_name(host), "10 5 443 www.example.org")
        }
        (Record::Srv, _) => (false, "10 5 443 www.example.org"),
        (Record::Soa, [primary, contact, numbers @ ..]) => (
            is_name(primary) && is_name(contact) && numbers.len() == 5 && numbers.iter().all(number),
            "ns.example.org admin.example.org 7 3600 600 86400 60",
        ),
        (Record::Soa, _) => (false, "ns.example.org admin.example.org 7 3600 600 86400 60"),
        (Record::Cname | Record::Ns | Record::Ptr, [host]) => (is_name(host), "www.example.org"),
        (Record::Cname | Record::Ns | Record::Ptr, _) => (false, "www.example.org"),
        (Record::Txt, _) => (true, ""),
    };
    (!fits).then(|| like.to_owned())
}

/// A name, or the root, which says that there is none (RFC 7505).
fn is_name(host: &str) -> bool {
    host == "." || host.parse::<std::net::IpAddr>().is_err() && check_host(host).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_records_of_their_kind_can_be() {
        for (record, fits, wrong) in [
            (Record::A, vec!["192.0.2.1\n 192.0.2.2 \n\n", ""], vec!["garbage", "2001:db8::1", "192.0.2.1\nx"]),
            (Record::Aaaa, vec!["2001:db8::1", "2001:DB8::1"], vec!["192.0.2.1", "2001:db8:0::1", "garbage"]),
            (
                Record::Mx,
                vec!["10 mx.example.org.", "0 ."],
                vec!["garbage", "mx.example.org", "ten mx", "10 192.0.2.1"],
            ),
            (Record::Srv, vec!["1 2 443 s.example.org"], vec!["443 s.example.org", "1 2 70000 s.example.org"]),
            (Record::Cname, vec!["www.example.org"], vec!["www example org", "192.0.2.1"]),
            (Record::Ns, vec!["ns1.example.org."], vec!["a..b"]),
            (Record::Ptr, vec!["db-01.example.org"], vec!["10.0.0.1"]),
            (Record::Soa, vec!["a b 0 0 0 0 9"], vec!["a b 0 0 0 0", "a b c d e f g"]),
            (Record::Txt, vec!["v=spf1 -all", "anything"], vec![]),
        ] {
            fits.iter().for_each(|value| assert_eq!(check(record, value), Ok(()), "{value}"));
            for value in wrong {
                assert!(check(record, value).unwrap_err().contains(" record. Write it like "), "{record:?} {value}");
            }
        }
    }
}
