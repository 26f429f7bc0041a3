//! The address of an HTTP check: what may be asked for, and what never. The agent checks again where it connects to.

use std::net::IpAddr;

use outbound::{Allowed, refused_host};

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
    check_reach(host)
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

/// Refuses hosts that nobody may ask, from wherever the look is made: link-local and metadata addresses, however they are
/// written.
pub(crate) fn check_reach(host: &str) -> Result<(), String> {
    match refused_host(host, Allowed::MACHINE) {
        Some(what) => Err(format!("{host} is never asked: it is {what}.")),
        None => Ok(()),
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
