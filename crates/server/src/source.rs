//! Where a request comes from, for the limits on sign-ins, and the turns that sign-ins take.
//!
//! The console listens on loopback, so whoever comes from further away came through a proxy on this machine, which says in
//! `X-Forwarded-For` for whom it asks. Its own word is the last one there: what stands before it came from outside.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::http::request::Parts;
use kernel::{Answer, Call, Error, Result};
use serde_json::Value;
use tokio::sync::SemaphorePermit;

use crate::Shared;
use crate::listen::Peer;

/// Passwords that are checked at once: each takes 19 MiB and a processor for 40 ms.
pub(crate) const SIGN_INS_AT_ONCE: usize = 4;
/// How long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The address that a request comes from; `None` when it would be everybody's: this machine, or a proxy that does not
/// say for whom it asks. The limits of each login hold all the same.
pub(crate) fn of(parts: &Parts) -> Option<String> {
    let peer: IpAddr = parts.extensions.get::<Peer>()?.0.parse().ok()?;
    if !peer.is_loopback() {
        return Some(peer.to_string());
    }
    let told = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last: IpAddr = told.rsplit(',').next()?.trim().parse().ok()?;
    (!last.is_loopback()).then(|| last.to_string())
}

/// The network that failures are counted for: an address of IPv4, or the /64 of one of IPv6, which is the least that a single
/// customer is given (RFC 6177).
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// True when the browser spoke TLS: with us never, with a proxy on this machine when it says so.
pub(crate) fn is_secure(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<Peer>().and_then(|peer| peer.0.parse::<IpAddr>().ok());
    let told = parts.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    peer.is_some_and(|peer| !peer.is_loopback()) || told.is_some_and(|told| told.eq_ignore_ascii_case("https"))
}

/// How the browser reached us: the scheme, and the name and port in `Host`. Empty for a name that could be none, since it is
/// shown as part of a command.
pub(crate) fn origin(parts: &Parts) -> String {
    let host = parts.headers.get(axum::http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(fine) {
        return String::new();
    }
    format!("{}://{host}", if is_secure(parts) { "https" } else { "http" })
}

/// Waits for a turn to check a password.
pub(crate) async fn turn(app: &Shared) -> Result<SemaphorePermit<'_>> {
    match tokio::time::timeout(PATIENCE, app.sign_ins.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(Error::unavailable("Too many people sign in at this moment. Try again shortly.")),
    }
}

/// Signs in by whatever door, with the network that failures count for. What was sent as such is not believed.
pub(crate) fn sign_in(app: &Shared, parts: &Parts, mut call: Call) -> Result<Answer> {
    let source = of(parts).and_then(|address| address.parse().ok()).map(network).unwrap_or_default();
    if let Value::Object(input) = &mut call.input {
        input.insert("source".to_owned(), Value::String(source));
    }
    app.kernel.dispatch(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(peer: &str, forwarded: &[&str]) -> Parts {
        let mut request = axum::http::Request::get("/sign-in");
        for one in forwarded {
            request = request.header("x-forwarded-for", *one);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Peer(peer.to_owned()));
        parts
    }

    #[test]
    fn failures_are_counted_for_whom_the_proxy_names_and_never_for_everybody() {
        for (peer, forwarded, source) in [
            ("127.0.0.1", &[][..], None),
            ("127.0.0.1", &["nonsense"], None),
            ("127.0.0.1", &["::1"], None),
            ("127.0.0.1", &["203.0.113.7"], Some("203.0.113.7")),
            ("::1", &["198.51.100.1, 203.0.113.7"], Some("203.0.113.7")),
            ("127.0.0.1", &["198.51.100.1", "203.0.113.7"], Some("203.0.113.7")),
            ("192.0.2.4", &["198.51.100.1"], Some("192.0.2.4")),
        ] {
            assert_eq!(of(&parts(peer, forwarded)).as_deref(), source, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn one_customer_is_one_network() {
        for (address, source) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ] {
            assert_eq!(network(address.parse().unwrap()), source, "{address}");
        }
    }
}
