//! Which addresses a probe or request may reach. Link-local and cloud metadata addresses hand out credentials to
//! whoever asks from inside, so they are refused; the address is judged after it was resolved, on the connection itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Metadata services that do not live in a link-local range: Alibaba, Azure, and Amazon over IPv6.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Longest wait for the machine's own resolver, which may go on for half a minute: what then is said is the reason.
const RESOLVE_MAX: Duration = Duration::from_secs(4);
/// What is said when a name has no address.
const UNRESOLVED: &str = "cannot be resolved";

/// True of evidence that says that the name of what was looked at could not be looked up: nothing is known of itself.
pub fn is_unresolved(evidence: &str) -> bool {
    evidence.contains(UNRESOLVED)
}

/// Why this address may not be reached.
pub fn refused(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_link_local() => Some("it is link-local"),
        IpAddr::V4(v4) if METADATA_V4.contains(&v4) => Some("it is a metadata service"),
        IpAddr::V4(v4) if v4.is_multicast() || v4.is_broadcast() => Some("it is not one machine"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("it is link-local"),
        IpAddr::V6(v6) if v6 == METADATA_V6 => Some("it is a metadata service"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("it is not one machine"),
        IpAddr::V6(v6) => embedded_v4(v6).and_then(|v4| refused(IpAddr::V4(v4))),
        IpAddr::V4(_) => None,
    }
}

/// The IPv4 address inside `::a.b.c.d`, `64:ff9b::a.b.c.d` (RFC 6052) and `2002:aabb:ccdd::` (RFC 3056).
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => None,
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// A connection, and how long its parts took.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub stream: TcpStream,
    /// The address that answered.
    pub address: SocketAddr,
    /// From the question for the name's addresses to the answer; nothing for a plain address.
    pub resolved: Duration,
    /// From the first packet to the open connection.
    pub connected: Duration,
}

/// Connects to the first address of a name that answers and may be reached.
///
/// # Errors
/// In words: the name has no address, none may be reached, or none answers.
pub async fn connect(host: &str, port: u16) -> Result<Connected, String> {
    let mut last = format!("{host} has no address");
    let start = Instant::now();
    let addresses = resolve(host, port).await?;
    let resolved = start.elapsed();
    for address in addresses {
        if let Some(why) = refused(address.ip()) {
            last = format!("{} is refused: {why}", address.ip());
            continue;
        }
        let start = Instant::now();
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small questions and answers: waiting for more to send together only costs time.
                let _ = stream.set_nodelay(true);
                let stream = judge_peer(stream)?;
                return Ok(Connected { stream, address, resolved, connected: start.elapsed() });
            }
            Err(e) => last = format!("{address}: {}", plain(&e)),
        }
    }
    Err(last)
}

/// The other end as the kernel knows it, whatever the resolver said.
fn judge_peer(stream: TcpStream) -> Result<TcpStream, String> {
    let peer = stream.peer_addr().map_err(|e| e.to_string())?;
    match refused(peer.ip()) {
        Some(why) => Err(format!("{} is refused: {why}", peer.ip())),
        None => Ok(stream),
    }
}

/// The addresses of a name, in the order of the machine's own resolver. A plain address is its own.
///
/// # Errors
/// In words: the name cannot be resolved.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found = tokio::time::timeout(RESOLVE_MAX, tokio::net::lookup_host((host, port))).await;
    let late = |_| format!("{host} {UNRESOLVED}: no name server answers within {} s", RESOLVE_MAX.as_secs());
    let found = found.map_err(late)?.map_err(|e| format!("{host} {UNRESOLVED}: {}", plain(&e)))?;
    Ok(found.take(ADDRESSES_MAX).collect())
}

/// An error of the system in its own words, without its number.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    let mut text = text.get(..end).unwrap_or_default().replace("failed to lookup address information: ", "");
    if let Some(first) = text.get(..1).map(str::to_ascii_lowercase) {
        text.replace_range(..1, &first);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_and_metadata_addresses_are_refused_in_every_spelling() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(refused(text.parse().unwrap()).is_some(), "{text}");
        }
    }

    #[test]
    fn loopback_private_and_public_addresses_are_allowed() {
        for text in ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd12::1", "93.184.216.34", "2001:db8::1"] {
            assert_eq!(refused(text.parse().unwrap()), None, "{text}");
        }
    }
}
