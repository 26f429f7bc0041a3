//! The one way of looks and requests to an address: what may not be reached is refused after the name was resolved, and
//! once more on the connection itself.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use outbound::Allowed;
use tokio::net::TcpStream;

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Longest wait for the machine's own resolver, which may go on for half a minute: what then is said is the reason.
const RESOLVE_MAX: Duration = Duration::from_secs(4);
/// What is said when a name has no address.
const UNRESOLVED: &str = "cannot be resolved";

/// True of evidence that says that this name of what was looked at could not be looked up: nothing is known of itself. What
/// an answer of it says of other names, or of this one, begins otherwise.
pub fn is_unresolved(evidence: &str, name: &str) -> bool {
    evidence.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).is_some_and(|rest| rest.starts_with(UNRESOLVED))
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
pub async fn connect(host: &str, port: u16, allowed: Allowed) -> Result<Connected, String> {
    let mut last = format!("{host} has no address");
    let start = Instant::now();
    let addresses = resolve(host, port).await?;
    let resolved = start.elapsed();
    for address in addresses {
        if let Err(why) = judge(address.ip(), allowed) {
            last = why;
            continue;
        }
        let start = Instant::now();
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small questions and answers: waiting for more to send together only costs time.
                let _ = stream.set_nodelay(true);
                let stream = judge_peer(stream, allowed)?;
                return Ok(Connected { stream, address, resolved, connected: start.elapsed() });
            }
            Err(e) => last = format!("{address}: {}", plain(&e)),
        }
    }
    Err(last)
}

/// The other end as the kernel knows it, whatever the resolver said.
fn judge_peer(stream: TcpStream, allowed: Allowed) -> Result<TcpStream, String> {
    let peer = stream.peer_addr().map_err(|e| e.to_string())?;
    judge(peer.ip(), allowed).map(|()| stream)
}

/// Refuses an address that may not be reached, in words.
pub(crate) fn judge(address: IpAddr, allowed: Allowed) -> Result<(), String> {
    match outbound::refused(address, allowed) {
        Some(what) => Err(format!("{address} is refused: it is {what}")),
        None => Ok(()),
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

    #[tokio::test]
    async fn an_address_is_refused_after_it_was_resolved_and_loopback_only_to_whom_it_is_closed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(connect("localhost", port, Allowed::MACHINE).await.is_ok());
        for host in ["localhost", "127.0.0.1", "::ffff:127.0.0.1"] {
            let refused = connect(host, port, Allowed::NETWORK).await.unwrap_err();
            assert!(refused.contains("is refused: it is a loopback address"), "{refused}");
        }
        let metadata = connect("169.254.169.254", 80, Allowed::MACHINE).await.unwrap_err();
        assert!(metadata.contains("link-local"), "{metadata}");
    }
}
