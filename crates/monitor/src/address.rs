//! The address of an HTTP check: what may be asked for, and what never. The agent checks again where it connects to.

use std::net::{IpAddr, Ipv6Addr};

/// Refuses addresses that are no plain `http` or `https` address, carry a password, or lead to link-local and metadata
/// services. Answers what is wrong and what to write instead.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let example = "Write it like https://intranet.example.org/health.";
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!("An address has no spaces. {example}"));
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| {
            url.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).and(url.get(scheme.len()..))
        })
        .ok_or_else(|| format!("Only http and https addresses can be checked. {example}"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("An address with a user name or password in it would be shown to everybody who may see the check. Leave it out.".into());
    }
    if authority.contains('\\') {
        return Err(format!("A backslash does not belong here. {example}"));
    }
    let (host, port) =
        split_port(authority).ok_or_else(|| format!("The port is not a number from 1 to 65535. {example}"))?;
    if port == Some(0) {
        return Err(format!("The port is not a number from 1 to 65535. {example}"));
    }
    check_host(host)?;
    refuse_metadata(host)
}

/// Splits `host:port`, with brackets around IPv6 addresses.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            None if after.is_empty() => Some((host, None)),
            None => None,
            Some(port) => port.parse().ok().map(|port| (host, Some(port))),
        };
    }
    match authority.split_once(':') {
        None => Some((authority, None)),
        Some((host, port)) => port.parse().ok().map(|port| (host, Some(port))),
    }
}

/// Refuses what is no host name and no IP address.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    if host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(())
    } else {
        Err("This is no host name and no IP address. Write it like db.example.org or 10.0.0.5.".into())
    }
}

/// Refuses link-local addresses and the metadata services of cloud providers, however they are written.
fn refuse_metadata(host: &str) -> Result<(), String> {
    let refused = Err("Link-local and cloud metadata addresses are never asked: they give out credentials. Use the service's own address.".into());
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if ["metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal"].contains(&name.as_str()) {
        return refused;
    }
    // Numbers such as 2852039166 or 0xa9fea9fe are IPv4 addresses to some programs.
    if name
        .split('.')
        .next_back()
        .is_some_and(|last| last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit()))
        && name.parse::<IpAddr>().is_err()
    {
        return Err("This is no host name and no IP address. Write an IPv4 address as four numbers.".into());
    }
    match name.parse::<IpAddr>() {
        Ok(address) if is_metadata(address) => refused,
        _ => Ok(()),
    }
}

fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.octets() == [100, 100, 100, 200] || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| is_metadata(IpAddr::V4(v4)));
            mapped
                || v6.is_unspecified()
                || v6.is_unicast_link_local()
                || v6 == Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_taken_and_the_rest_is_refused() {
        for good in [
            "http://localhost:8080/health",
            "https://intranet.example.org",
            "HTTPS://Example.org/a?b=c#d",
            "http://127.0.0.1:7300/",
            "http://[::1]:80/",
            "http://10.0.0.5",
            "http://münchen.example/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ftp://x",
            "javascript:alert(1)",
            "http://",
            "http:///x",
            "http://a b/",
            "http://user:pw@host/",
            "http://host:0/",
            "http://host:99999/",
            "http://host:/",
            "http://-x/",
            "http://a..b/",
            "http://x\\@y/",
            "file:///etc/passwd",
            "http://169.254.169.254/latest",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://metadata.google.internal/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0.0.0.0/",
            "http://100.100.100.200/",
            "http://[fd00:ec2::254]/",
            "http://169.254.169.254./x",
            "http://x\r\ny/",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
