//! The one connection: TCP, perhaps through a proxy, TLS, WebSocket. Small buffers, limits on every message, a deadline
//! on every step. What is said on it is `session`'s business, when it is made again is `connector`'s.

mod address;
pub(crate) mod connector;
mod proxy;
pub(crate) mod session;
mod verifier;

use std::sync::Arc;
use std::time::Duration;

use agent_proto::limits::FRAME_BYTES_MAX;
use agent_proto::{EXPORTER_LABEL, TLS_EXPORT_BYTES};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub(crate) use address::Address;
pub(crate) use verifier::{Trust, is_usable};

/// Longest wait for each of TCP, proxy, TLS and WebSocket.
const STEP: Duration = Duration::from_secs(10);

pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A connection, and what binds a proof to it.
pub(crate) struct Link {
    pub(crate) socket: Socket,
    pub(crate) tls_export: [u8; TLS_EXPORT_BYTES],
}

/// Connects to a server.
///
/// # Errors
/// In words: which step failed, and why.
pub(crate) async fn dial(address: &Address, proxy: Option<&str>, trust: &Trust) -> Result<Link, String> {
    let name = ServerName::try_from(address.host.clone()).map_err(|_| format!("{} is not a name", address.host))?;
    let config = tls_config(trust)?;
    let stream = match proxy {
        Some(proxy) => step("the proxy", proxy::connect(proxy, address)).await?,
        None => step("the connection", tcp(&address.host, address.port)).await?,
    };
    let connector = TlsConnector::from(Arc::new(config));
    let stream = step("TLS", async { connector.connect(name, stream).await.map_err(|e| e.to_string()) }).await?;
    let mut tls_export = [0; TLS_EXPORT_BYTES];
    let (_, session) = stream.get_ref();
    session
        .export_keying_material(&mut tls_export, EXPORTER_LABEL, None)
        .map_err(|e| format!("TLS gives nothing to bind a proof to: {e}"))?;
    let socket = step("WebSocket", async {
        let handshake = tokio_tungstenite::client_async_with_config(&address.url, stream, Some(socket_config()));
        handshake.await.map(|(socket, _)| socket).map_err(|e| e.to_string())
    })
    .await?;
    Ok(Link { socket, tls_export })
}

async fn step<T>(what: &str, future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    match timeout(STEP, future).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) => Err(format!("{what} failed: {e}")),
        Err(_) => Err(format!("{what} took longer than {} s", STEP.as_secs())),
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, String> {
    let stream = TcpStream::connect((host, port)).await.map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    Ok(stream)
}

fn tls_config(trust: &Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier::new(trust, provider)?)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Can a connection be made ready that trusts these authorities?
pub(crate) fn check(trust: &[Vec<u8>]) -> Result<(), String> {
    tls_config(&Trust::Bundle(trust.to_vec())).map(|_| ())
}

fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(2048)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * FRAME_BYTES_MAX)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX))
}
