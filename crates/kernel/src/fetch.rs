//! HTTP to the outside: bounded in time, size and redirects. The address that is really connected to is checked, for the
//! first request and again after each redirect, so that no name can lead to this machine's own doors or to the
//! credentials that clouds serve on link-local addresses.

mod answer;
mod line;
mod tls;

pub use line::{Ask, Failure, Heard, Line, Scratch, Server, header_line};
pub use tls::{Tls, TlsOptions};

use std::net::IpAddr;
use std::time::Duration;

use outbound::Allowed;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::error::{Error, Result};
use crate::limits;

/// A request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST` or `PUT`.
    pub method: &'a str,
    /// Where to, `http` or `https`.
    pub url: &'a str,
    /// Headers.
    pub headers: &'a [(&'a str, String)],
    /// What to send; nothing with GET.
    pub body: &'a [u8],
    /// The whole time it may take.
    pub timeout: Duration,
    /// Redirects that are followed, at most 3.
    pub redirects: u32,
    /// Also connect to loopback and private addresses; link-local and metadata addresses are refused all the same.
    pub allow_private: bool,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body, cut at [`limits::FETCH_BYTES_MAX`].
    pub body: Vec<u8>,
}

/// An answer with what a sender needs of its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The body, cut at the length that was asked for.
    pub body: Vec<u8>,
    /// False if the body was cut.
    pub is_whole: bool,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
}

/// Why an address is not connected to, or `None` when it may be.
pub fn refusal(address: IpAddr, allow_private: bool) -> Option<&'static str> {
    outbound::refused(address, Allowed { loopback: allow_private, private: allow_private })
}

/// Resolves as usual, then leaves out what must not be connected to. The connector only sees what is left.
#[derive(Debug)]
struct Guard {
    allow_private: bool,
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        let mut why = "no address";
        for address in found.iter() {
            match refusal(address.ip(), self.allow_private) {
                None => kept.push(*address),
                Some(reason) => why = reason,
            }
        }
        if kept.is_empty() {
            let host = uri.host().unwrap_or_default();
            let text = format!("{host} is {why}");
            return Err(ureq::Error::Io(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text)));
        }
        Ok(kept)
    }
}

/// Sends a request and reads the answer. A status of 400 or more is an answer, not an error.
pub fn fetch(request: &Request<'_>) -> Result<Fetched> {
    fetch_up_to(request, limits::FETCH_BYTES_MAX).map(|Answered { status, body, .. }| Fetched { status, body })
}

/// The same with a limit of its own for the body, in bytes, and with what the headers say about trying again.
pub fn fetch_up_to(request: &Request<'_>, body_bytes_max: u64) -> Result<Answered> {
    if !request.url.starts_with("https://") && !request.url.starts_with("http://") {
        return Err(Error::invalid("url", "An address starts with https:// or http://."));
    }
    let config = Config::builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(request.timeout))
        .max_redirects(request.redirects.min(limits::FETCH_REDIRECTS_MAX))
        .max_redirects_will_error(false)
        .max_response_header_size(32 * 1024)
        .user_agent("Mainstay")
        .build();
    let guard = Guard { allow_private: request.allow_private };
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), guard);
    let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url);
    for (name, value) in request.headers {
        builder = builder.header(*name, value);
    }
    let wrong = |error: ureq::http::Error| Error::invalid("url", format!("This request cannot be made: {error}."));
    let outcome = if request.method != "GET" {
        builder.body(request.body).map_err(wrong).map(|whole| agent.run(whole))?
    } else {
        builder.body(()).map_err(wrong).map(|whole| agent.run(whole))?
    };
    let mut answer = outcome.map_err(|error| failed(request.url, &error))?;
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let limit = body_bytes_max.saturating_add(1);
    std::io::Read::read_to_end(&mut std::io::Read::take(answer.body_mut().as_reader(), limit), &mut body)
        .map_err(|error| Error::unavailable(format!("{} stopped answering: {error}.", place(request.url))))?;
    let most = usize::try_from(body_bytes_max).unwrap_or(usize::MAX);
    let is_whole = body.len() <= most;
    body.truncate(most);
    Ok(Answered { status, body, is_whole, retry_after })
}

/// The address without its query, which may hold a token.
fn place(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

fn failed(url: &str, error: &ureq::Error) -> Error {
    match error {
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::PermissionDenied => {
            Error::invalid("url", format!("{} is not connected to: {io}.", place(url)))
        }
        ureq::Error::BadUri(why) => Error::invalid("url", format!("This is not an address: {why}.")),
        ureq::Error::Timeout(_) => Error::unavailable(format!("{} did not answer in time.", place(url))),
        other => Error::unavailable(format!("{} cannot be reached: {other}.", place(url))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_nothing_is_told_in_our_words() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?key=secret", listener.local_addr().unwrap());
        let request = Request {
            method: "POST",
            url: &url,
            headers: &[],
            body: b"x",
            timeout: Duration::from_millis(200),
            redirects: 0,
            allow_private: true,
        };
        let error = fetch(&request).unwrap_err();
        assert!(error.message.ends_with("/hook did not answer in time."), "{error}");
    }

    #[test]
    fn loopback_and_private_addresses_need_the_setting_and_link_local_ones_have_none() {
        for (address, public_only, private_too) in [
            ("127.0.0.1", false, true),
            ("10.0.0.1", false, true),
            ("::1", false, true),
            ("169.254.169.254", false, false),
            ("168.63.129.16", false, false),
            ("1.1.1.1", true, true),
        ] {
            let ip: IpAddr = address.parse().unwrap();
            let may = (refusal(ip, false).is_none(), refusal(ip, true).is_none());
            assert_eq!(may, (public_only, private_too), "{address}");
        }
    }

    #[test]
    fn other_schemes_and_refused_addresses_are_told_apart_from_failures() {
        let request = |url| Request {
            method: "GET",
            url,
            headers: &[],
            body: &[],
            timeout: Duration::from_secs(5),
            redirects: 3,
            allow_private: false,
        };
        for url in [
            "file:///etc/passwd",
            "gopher://x",
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
            "http://169.254.169.254/latest",
            "http://0x7f000001/",
            "http://2130706433/",
        ] {
            let error = fetch(&request(url)).unwrap_err();
            assert_eq!(
                error.field.as_deref().or(Some("host")),
                Some(if error.field.is_some() { "url" } else { "host" }),
                "{url}: {error}"
            );
            assert!(!error.message.contains("stopped answering"), "{url}: {error}");
        }
        assert_eq!(fetch(&request("http://169.254.169.254/latest")).unwrap_err().kind, crate::ErrorKind::Invalid);
    }
}
