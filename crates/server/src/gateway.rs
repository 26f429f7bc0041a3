//! The agents' gateway: TLS, one WebSocket per agent, frames to and from `fleet`. What an agent says is stamped by `fleet`
//! from the connection; nothing here trusts a frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use fleet::link::{Reply, Session};
use kernel::{Error, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::entrance::Guest;
use crate::lanes::Lane;
use crate::listen::Serving;
use crate::{Shared, listen};

/// TLS handshakes at once; more wait.
const HANDSHAKES_MAX: usize = 512;
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// An agent that says nothing, not even a pong, for so long is gone.
const SILENCE: Duration = Duration::from_secs(200);
/// How long a connection may take from its first packet until its agent is let in.
const ENTRY_TIME: Duration = Duration::from_secs(30);
/// An agent that takes no frame for so long is gone.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Frames that may wait for a slow agent.
const OUTBOX: usize = 64;

/// What a connection brings along until its agent is let in.
#[derive(Clone)]
struct Arrival {
    /// What the TLS session says about itself: binds the agent's proof to this very connection (RFC 5705).
    exported: [u8; agent_proto::TLS_EXPORT_BYTES],
    peer: SocketAddr,
    /// Until then the agent is let in, or the connection ends.
    deadline: Instant,
    guest: Arc<Guest>,
    serving: Serving,
    stop: watch::Receiver<bool>,
}

/// Everything that is not the link gets one answer and no second request.
fn router(app: Shared) -> Router {
    let once = |mut response: Response| async move {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    };
    Router::new().route("/agent", get(upgrade)).layer(middleware::map_response(once)).with_state(app)
}

pub(crate) async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    app: Shared,
    mut stop: watch::Receiver<bool>,
    serving: Serving,
) {
    let router = router(app.clone());
    let acceptor = TlsAcceptor::from(tls);
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = listen::asked_to_stop(&mut stop) => return,
        };
        let Ok((stream, peer)) = accepted else {
            // No more file handles, mostly: without a pause the loop would spin until one is free.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(guest) = app.entrance.admit(peer.ip()) else { continue };
        let deadline = Instant::now() + ENTRY_TIME;
        let (guest, serving, stop) = (Arc::new(guest), serving.clone(), stop.clone());
        let arrival = Arrival { exported: [0; agent_proto::TLS_EXPORT_BYTES], peer, deadline, guest, serving, stop };
        let (acceptor, router, handshakes) = (acceptor.clone(), router.clone(), handshakes.clone());
        tokio::spawn(async move {
            // The connection ends here when it becomes a link, which has the same deadline.
            if tokio::time::timeout_at(deadline, arrive(arrival, stream, acceptor, router, handshakes)).await.is_err() {
                tracing::debug!(%peer, "an agent's connection took too long to come in");
            }
        });
    }
}

async fn arrive(
    arrival: Arrival,
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    handshakes: Arc<Semaphore>,
) {
    let peer = arrival.peer;
    let Ok(turn) = handshakes.acquire_owned().await else { return };
    let opened = tokio::time::timeout(HANDSHAKE_TIME, shake(&acceptor, stream)).await;
    drop(turn);
    match opened {
        Ok(Ok((stream, exported))) => {
            let stop = arrival.stop.clone();
            let arrival = Arrival { exported, ..arrival };
            let mark = move |request: &mut axum::extract::Request| {
                request.extensions_mut().insert(arrival.clone());
            };
            listen::connection(stream, router, mark, stop).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, error = error.message, "an agent's connection did not open"),
        Err(_) => tracing::debug!(%peer, "an agent's TLS handshake took too long"),
    }
}

async fn shake(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
) -> Result<(tokio_rustls::server::TlsStream<TcpStream>, [u8; agent_proto::TLS_EXPORT_BYTES])> {
    let _ = stream.set_nodelay(true);
    let stream = acceptor.accept(stream).await.map_err(|error| Error::unavailable(format!("TLS: {error}")))?;
    let (_, connection) = stream.get_ref();
    let exported = connection
        .export_keying_material([0; agent_proto::TLS_EXPORT_BYTES], agent_proto::EXPORTER_LABEL, None)
        .map_err(|error| Error::internal("tls-exporter", error))?;
    Ok((stream, exported))
}

async fn upgrade(
    State(app): State<Shared>,
    Extension(arrival): Extension<Arrival>,
    socket: WebSocketUpgrade,
) -> Response {
    socket
        .read_buffer_size(2_048)
        .write_buffer_size(0)
        .max_message_size(agent_proto::limits::FRAME_BYTES_MAX)
        .max_frame_size(agent_proto::limits::FRAME_BYTES_MAX)
        .on_upgrade(move |socket| async move { talk(app, arrival, socket).await })
}

/// Serves one agent until it goes, is refused, falls silent, or the server stops.
async fn talk(app: Shared, arrival: Arrival, mut socket: WebSocket) {
    let Arrival { exported, peer, deadline, guest, serving: _serving, mut stop } = arrival;
    let (push, mut pushed) = mpsc::channel::<Vec<u8>>(OUTBOX);
    // A full outbox closes the link: the agent comes back and everything durable is sent again.
    let sender: fleet::hub::Push = Arc::new(move |frame: Vec<u8>| push.try_send(frame).is_ok());
    let open = move |app: &Shared| Session::open(&app.kernel, exported, &peer.ip().to_string(), sender);
    let Ok((session, challenge)) = app.blocking_in(Lane::Agents, open).await else { return };
    let mut session = Some(session);
    let (mut guest, mut place) = (Some(guest), None);
    let mut alive = write(&mut socket, challenge).await;
    while alive {
        let received = tokio::select! {
            received = tokio::time::timeout(SILENCE, socket.recv()) => received,
            frame = pushed.recv() => {
                let Some(frame) = frame else { break };
                alive = write(&mut socket, frame).await;
                continue;
            }
            () = tokio::time::sleep_until(deadline), if guest.is_some() => break,
            () = listen::asked_to_stop(&mut stop) => break,
        };
        let Ok(Some(Ok(message))) = received else { break };
        match message {
            Message::Binary(frame) => {
                let Some(mut held) = session.take() else { break };
                let handle = move |_: &Shared| {
                    let reply = held.receive(&frame);
                    Ok((held, reply))
                };
                let Ok((back, reply)) = app.blocking_in(Lane::Agents, handle).await else { break };
                if guest.is_some() && back.is_open() {
                    place = app.entrance.place(peer.ip());
                    guest = None;
                }
                session = Some(back);
                alive = (guest.is_some() || place.is_some()) && answer(&mut socket, reply, peer).await;
            }
            Message::Close(_) | Message::Text(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    if let Some(session) = session {
        let close = move |_: &Shared| {
            session.close();
            Ok(())
        };
        // It fails only when the server stops, and then nobody is connected anyway.
        drop(app.blocking_in(Lane::Agents, close).await);
    }
    drop(place);
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn who_asks_for_anything_but_the_link_gets_one_answer_and_is_shown_out() {
        let world = kernel::world::World::new(Vec::new()).unwrap();
        let app = crate::App::new(world.kernel.clone(), crate::Site::default(), Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for path in ["/", "/agent", "/api/v1/openapi.json"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = runtime.block_on(router(app.clone()).oneshot(request)).unwrap();
            assert_ne!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CONNECTION], "close", "{path}");
        }
    }
}
