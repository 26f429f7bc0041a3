//! The agents' gateway: TLS, one WebSocket per agent, frames to and from `fleet`. What an agent says is stamped by `fleet`
//! from the connection; nothing here trusts a frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use fleet::link::{Reply, Session};
use kernel::{Error, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::{Shared, listen};

/// Connected agents at once.
const AGENTS_MAX: usize = 25_000;
/// TLS handshakes at once; more wait.
const HANDSHAKES_MAX: usize = 512;
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// An agent that says nothing, not even a pong, for so long is gone.
const SILENCE: Duration = Duration::from_secs(200);
/// How long a connection may take until its agent is let in: strangers hold no places.
const ENTRY_TIME: Duration = Duration::from_secs(30);
/// An agent that takes no frame for so long is gone.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Frames that may wait for a slow agent.
const OUTBOX: usize = 64;

/// What the TLS session says about itself: binds the agent's proof to this very connection (RFC 5705).
#[derive(Clone)]
struct Exported([u8; agent_proto::TLS_EXPORT_BYTES], SocketAddr);

pub(crate) async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    app: Shared,
    stop: watch::Receiver<bool>,
) {
    let router = Router::new().route("/agent", get(upgrade)).with_state(app);
    let acceptor = TlsAcceptor::from(tls);
    let (places, handshakes) = (Arc::new(Semaphore::new(AGENTS_MAX)), Arc::new(Semaphore::new(HANDSHAKES_MAX)));
    let mut stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = listen::asked_to_stop(&mut stopped) => return,
        };
        let Ok((stream, peer)) = accepted else {
            // No more file handles, mostly: without a pause the loop would spin until one is free.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let (acceptor, router, handshakes, stop) = (acceptor.clone(), router.clone(), handshakes.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            let Ok(turn) = handshakes.acquire_owned().await else { return };
            let opened = tokio::time::timeout(HANDSHAKE_TIME, shake(&acceptor, stream, peer)).await;
            drop(turn);
            match opened {
                Ok(Ok((stream, exported))) => {
                    let mark = move |request: &mut axum::extract::Request| {
                        request.extensions_mut().insert(exported.clone());
                    };
                    listen::connection(stream, router, mark, stop).await;
                }
                Ok(Err(error)) => tracing::debug!(%peer, error = error.message, "an agent's connection did not open"),
                Err(_) => tracing::debug!(%peer, "an agent's TLS handshake took too long"),
            }
        });
    }
}

async fn shake(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<(tokio_rustls::server::TlsStream<TcpStream>, Exported)> {
    let _ = stream.set_nodelay(true);
    let stream = acceptor.accept(stream).await.map_err(|error| Error::unavailable(format!("TLS: {error}")))?;
    let (_, connection) = stream.get_ref();
    let exported = connection
        .export_keying_material([0; agent_proto::TLS_EXPORT_BYTES], agent_proto::EXPORTER_LABEL, None)
        .map_err(|error| Error::internal("tls-exporter", error))?;
    Ok((stream, Exported(exported, peer)))
}

async fn upgrade(
    State(app): State<Shared>,
    Extension(exported): Extension<Exported>,
    socket: WebSocketUpgrade,
) -> Response {
    socket
        .read_buffer_size(2_048)
        .write_buffer_size(0)
        .max_message_size(agent_proto::limits::FRAME_BYTES_MAX)
        .max_frame_size(agent_proto::limits::FRAME_BYTES_MAX)
        .on_upgrade(move |socket| async move { talk(app, exported, socket).await })
}

/// Serves one agent until it goes, is refused, or falls silent.
async fn talk(app: Shared, exported: Exported, mut socket: WebSocket) {
    let (push, mut pushed) = mpsc::channel::<Vec<u8>>(OUTBOX);
    let peer = exported.1;
    // A full outbox closes the link: the agent comes back and everything durable is sent again.
    let sender: fleet::hub::Push = Arc::new(move |frame: Vec<u8>| push.try_send(frame).is_ok());
    let opened = app.blocking(move |app| Session::open(&app.kernel, exported.0, &peer.ip().to_string(), sender)).await;
    let Ok((session, challenge)) = opened else { return };
    let mut session = Some(session);
    let mut alive = write(&mut socket, challenge).await;
    let entry = tokio::time::Instant::now() + ENTRY_TIME;
    while alive {
        let open = session.as_ref().is_some_and(Session::is_open);
        let received = tokio::select! {
            received = tokio::time::timeout(SILENCE, socket.recv()) => received,
            frame = pushed.recv() => {
                let Some(frame) = frame else { break };
                alive = write(&mut socket, frame).await;
                continue;
            }
            () = tokio::time::sleep_until(entry), if !open => break,
        };
        let Ok(Some(Ok(message))) = received else { break };
        match message {
            Message::Binary(frame) => {
                let Some(mut held) = session.take() else { break };
                let handled = app
                    .blocking(move |_| {
                        let reply = held.receive(&frame);
                        Ok((held, reply))
                    })
                    .await;
                let Ok((back, reply)) = handled else { break };
                session = Some(back);
                alive = answer(&mut socket, reply, peer).await;
            }
            Message::Close(_) => break,
            Message::Text(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    if let Some(session) = session {
        let _ = app
            .blocking(move |_| {
                session.close();
                Ok(())
            })
            .await;
    }
}

/// Sends a frame; false when the agent does not take it.
async fn write(socket: &mut WebSocket, frame: Vec<u8>) -> bool {
    let sent = tokio::time::timeout(WRITE_TIME, socket.send(Message::Binary(Bytes::from(frame)))).await;
    matches!(sent, Ok(Ok(())))
}

async fn answer(socket: &mut WebSocket, reply: Result<Reply>, peer: SocketAddr) -> bool {
    match reply {
        Ok(reply) => {
            for frame in reply.frames {
                if !write(socket, frame).await {
                    return false;
                }
            }
            !reply.close
        }
        Err(error) => {
            tracing::warn!(%peer, error = error.message, cause = error.cause, "an agent's frame was refused; the link is closed");
            false
        }
    }
}
