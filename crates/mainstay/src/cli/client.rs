//! A small HTTP client for our own API: over the local socket, plain on loopback, TLS elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::ArgMatches;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use kernel::address::percent;
use kernel::operation::Method;
use kernel::{Entry, Error, ErrorKind, Result};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Where systems keep the certificates they trust.
const TRUSTED: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// One call.
pub(crate) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(crate) dry_run: bool,
    pub(crate) confirmed: bool,
    pub(crate) idempotency_key: Option<String>,
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

impl Request {
    /// The request for an operation: path fields in the path, the rest in the query of a GET or the body of anything else.
    pub(crate) fn of(entry: &Entry, input: Value) -> Result<Self> {
        let mut fields = match input {
            Value::Object(fields) => fields,
            _ => serde_json::Map::new(),
        };
        let mut path = format!("/api/v1{}", entry.route.path);
        let names: Vec<String> = fields.keys().filter(|name| path.contains(&format!("{{{name}}}"))).cloned().collect();
        for name in names {
            let value = fields.remove(&name).unwrap_or_default();
            path = path.replace(&format!("{{{name}}}"), &percent(&plain(&value)));
        }
        if let Some(missing) = path.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            return Err(Error::invalid(missing.0, "This is required; see --help."));
        }
        let reads = entry.route.method == Method::Get;
        if reads && !fields.is_empty() {
            let pairs: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", percent(&plain(value)))).collect();
            path = format!("{path}?{}", pairs.join("&"));
        }
        let body = (!reads).then_some(Value::Object(fields));
        Ok(Self {
            method: entry.route.method.as_str(),
            path,
            body,
            dry_run: false,
            confirmed: false,
            idempotency_key: None,
        })
    }
}

/// Where requests go.
pub(crate) enum Client {
    /// The local socket.
    Socket(PathBuf),
    /// A server, with a token.
    Server { host: String, port: u16, tls: bool, token: Option<String> },
}

impl Client {
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self> {
        let Some(url) = matches.get_one::<String>("server") else {
            let data = matches.get_one::<String>("data").cloned().unwrap_or_else(|| "mainstay-data".into());
            return Ok(Self::Socket(PathBuf::from(data).join("mainstay.sock")));
        };
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => {
                return Err(Error::invalid("server", "Write the server as https://host or http://127.0.0.1:7300."));
            }
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| Error::invalid("server", "The port is not a number."))?)
            }
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        if !tls && !["127.0.0.1", "localhost", "::1"].contains(&host.as_str()) {
            return Err(Error::invalid(
                "server",
                "Plain HTTP is for this machine only: a token would be readable on the way. Use https.",
            ));
        }
        Ok(Self::Server { host, port, tls, token: token(matches)? })
    }

    /// Sends a request and answers its JSON; an error answer becomes an error.
    pub(crate) fn send(&self, request: &Request) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal("runtime", error))?;
        let (status, body) = runtime.block_on(async {
            tokio::time::timeout(ANSWER_TIME, self.exchange(request))
                .await
                .map_err(|_| Error::unavailable("The server did not answer within 60 seconds."))?
        })?;
        let value: Value = serde_json::from_slice(&body)
            .map_err(|_| Error::unavailable(format!("The server answered {status} without JSON. Is it Mainstay?")))?;
        match value.get("error") {
            Some(error) if status >= 300 || status == 202 => Err(read_error(error)),
            _ => Ok(value),
        }
    }

    async fn exchange(&self, request: &Request) -> Result<(u16, Bytes)> {
        match self {
            Self::Socket(path) => {
                let away = |error: std::io::Error| {
                    Error::unavailable(format!(
                        "No server runs on this data folder ({}: {error}). Start it with \"mainstay up\", or give --server.",
                        path.display()
                    ))
                };
                talk(UnixStream::connect(path).await.map_err(away)?, "mainstay", None, request).await
            }
            Self::Server { host, port, tls, token } => {
                let away =
                    |error: std::io::Error| Error::unavailable(format!("{host}:{port} cannot be reached: {error}."));
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(away)?;
                if !*tls {
                    return talk(stream, host, token.as_deref(), request).await;
                }
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| Error::invalid("server", "This is no host name."))?;
                let stream =
                    tokio_rustls::TlsConnector::from(Arc::new(trust()?)).connect(name, stream).await.map_err(away)?;
                talk(stream, host, token.as_deref(), request).await
            }
        }
    }
}

fn token(matches: &ArgMatches) -> Result<Option<String>> {
    if matches.get_flag("token-stdin") {
        let text = std::io::read_to_string(std::io::stdin())
            .map_err(|error| Error::invalid("token", format!("Standard input cannot be read: {error}.")))?;
        return Ok(Some(text.trim().to_owned()));
    }
    Ok(matches.get_one::<String>("token").cloned())
}

/// The certificates this system trusts, and those of `SSL_CERT_FILE`.
fn trust() -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let named = std::env::var("SSL_CERT_FILE").ok();
    let file = named.as_deref().into_iter().chain(TRUSTED).find(|path| std::path::Path::new(path).exists());
    let file = file.ok_or_else(|| {
        Error::unavailable("No trusted certificates were found. Install ca-certificates, or set SSL_CERT_FILE.")
    })?;
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| Error::unavailable(format!("{file} cannot be read: {error}.")))?;
    roots.add_parsable_certificates(certificates.filter_map(std::result::Result::ok));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("tls", error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    host: &str,
    token: Option<&str>,
    request: &Request,
) -> Result<(u16, Bytes)> {
    let lost = |error: hyper::Error| Error::unavailable(format!("The connection to the server was lost: {error}."));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let driver = tokio::spawn(connection);
    let mut builder = hyper::Request::builder()
        .method(request.method)
        .uri(&request.path)
        .header("host", host)
        .header("accept", "application/json");
    let optional = [
        ("authorization", token.map(|token| format!("Bearer {token}"))),
        ("idempotency-key", request.idempotency_key.clone()),
        ("mainstay-dry-run", request.dry_run.then(|| "1".to_owned())),
        ("mainstay-confirm", request.confirmed.then(|| "yes".to_owned())),
        ("content-type", request.body.as_ref().map(|_| "application/json".to_owned())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            builder = builder.header(name, value);
        }
    }
    let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
    let message =
        builder.body(Full::new(Bytes::from(body))).map_err(|error| Error::invalid("request", error.to_string()))?;
    let response = sender.send_request(message).await.map_err(lost)?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(lost)?.to_bytes();
    driver.abort();
    Ok((status, body))
}

fn read_error(error: &Value) -> Error {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let message = text("message");
    let mut read = match text("kind").as_str() {
        "not_found" => Error::of_kind(ErrorKind::NotFound, message),
        "invalid" => Error::of_kind(ErrorKind::Invalid, message),
        "conflict" => Error::conflict(message),
        "sign_in" => Error::of_kind(ErrorKind::SignIn, message),
        "denied" => Error::of_kind(ErrorKind::Denied, message),
        "unconfirmed" => Error::unconfirmed(message),
        "over_limit" => Error::over_limit(message),
        "held" => Error::of_kind(ErrorKind::Held, message),
        "internal" => Error::of_kind(ErrorKind::Internal, message),
        _ => Error::unavailable(message),
    };
    read.field = error.get("field").and_then(Value::as_str).map(str::to_owned);
    read
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_posted_has_a_body_even_when_it_only_reads() {
        let registry = crate::domains::registry().unwrap();
        let request = |name: &str, input: Value| Request::of(registry.operation(name).unwrap(), input).unwrap();
        let preview = request("people.rota.preview", json!({ "rotations": [{ "kind": "daily" }] }));
        assert_eq!(
            (preview.path.as_str(), preview.body),
            ("/api/v1/people/rotas/preview", Some(json!({ "rotations": [{ "kind": "daily" }] })))
        );
        let shifts = request("people.rota.shifts", json!({ "id": 4, "from": "2026-03-02" }));
        assert_eq!((shifts.path.as_str(), shifts.body), ("/api/v1/people/rotas/4/shifts?from=2026-03-02", None));
    }
}
