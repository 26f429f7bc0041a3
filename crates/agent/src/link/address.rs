//! A server's address: `wss://host:port/path`, and nothing without TLS.

use tokio_tungstenite::tungstenite::http::Uri;

use crate::error::Error;

/// Agents speak TLS on this port unless the address names another.
const PORT: u16 = 7301;

/// Where a server listens for agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// As WebSocket wants it.
    pub(crate) url: String,
    /// Name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            |why: &str| Error::new(format!("{text} is not a server's address: {why}; write wss://name:{PORT}/agent"));
        let uri: Uri = text.trim().parse().map_err(|_| wrong("it is not an address"))?;
        if uri.scheme_str() != Some("wss") {
            return Err(wrong("it does not start with wss://"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(wrong("it names no host, or a user"));
        }
        let port = authority.port_u16().unwrap_or(PORT);
        let path = if uri.path() == "/" { "/agent" } else { uri.path() };
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        Ok(Self { url: format!("wss://{bracketed}:{port}{path}"), host, port })
    }

    /// As a proxy wants it.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_a_path_even_when_it_names_none() {
        let check = |text: &str, url: &str| assert_eq!(Address::parse(text).unwrap().url, url);
        check("wss://mainstay.example.org", "wss://mainstay.example.org:7301/agent");
        check("wss://127.0.0.1:7302/agent", "wss://127.0.0.1:7302/agent");
        check("wss://[::1]/x", "wss://[::1]:7301/x");
        assert_eq!(Address::parse("wss://[::1]").unwrap().host, "::1");
    }

    #[test]
    fn an_address_without_tls_is_refused() {
        for text in ["ws://a", "https://a", "a:7301", "", "wss://", "wss://u@a"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
