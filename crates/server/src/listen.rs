//! Listeners: the console on TCP, the local socket, the agents' port with TLS. Each has bounds on connections and on how
//! long a request's head may take.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::{TokioIo, TokioTimer};
use kernel::{Error, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

use crate::session::{FromLoopback, LocalOwner};
use crate::{Shared, door, gateway};

/// Connections to the console at once.
const CONNECTIONS_MAX: usize = 2_000;
/// How long a request's head may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Set on every request over TCP: the peer's address, for sign-in limits.
#[derive(Clone, Debug)]
pub(crate) struct Peer(pub(crate) String);

/// Where to listen.
pub struct Ports {
    /// The console, plain HTTP: loopback only.
    pub console: SocketAddr,
    /// The agents, TLS.
    pub agents: SocketAddr,
    /// The local socket for the command line on this machine.
    pub socket: PathBuf,
    /// TLS for the agents' port.
    pub tls: Arc<rustls::ServerConfig>,
}

/// Bound listeners, not serving yet.
pub struct Listening {
    console: TcpListener,
    agents: TcpListener,
    socket: UnixListener,
    tls: Arc<rustls::ServerConfig>,
    /// Where the console really listens (the port may have been 0).
    pub console_addr: SocketAddr,
    /// Where the agents' port really is.
    pub agents_addr: SocketAddr,
}

/// Binds everything; the console refuses any address but loopback, because it is plain HTTP.
pub async fn bind(ports: &Ports) -> Result<Listening> {
    if !ports.console.ip().is_loopback() {
        return Err(Error::invalid(
            "listen",
            format!(
                "The console speaks plain HTTP and listens on loopback only, not on {}. Put a TLS proxy in front of 127.0.0.1.",
                ports.console.ip()
            ),
        ));
    }
    let taken = |what: &str, address: SocketAddr| {
        let what = what.to_owned();
        move |error: std::io::Error| {
            Error::unavailable(format!(
                "{what} cannot listen on {address}: {error}. Choose another address, or stop what uses it."
            ))
        }
    };
    let console = TcpListener::bind(ports.console).await.map_err(taken("The console", ports.console))?;
    let agents = TcpListener::bind(ports.agents).await.map_err(taken("The agents' port", ports.agents))?;
    let socket = local_socket(&ports.socket)?;
    let real = |listener: &TcpListener| listener.local_addr().map_err(|error| Error::internal("local-address", error));
    Ok(Listening {
        console_addr: real(&console)?,
        agents_addr: real(&agents)?,
        console,
        agents,
        socket,
        tls: ports.tls.clone(),
    })
}

/// The socket is only for its owner: the folder lock makes sure that no other server uses it.
fn local_socket(path: &Path) -> Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt as _;
    let unusable = |error: std::io::Error| {
        Error::unavailable(format!("The local socket {} cannot be made: {error}.", path.display()))
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(unusable)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(unusable)?;
    Ok(listener)
}

impl Listening {
    /// Serves until `stop` turns true, then lets running requests finish for a moment.
    pub async fn serve(self, app: Shared, stop: watch::Receiver<bool>) {
        let router = door::router(&app);
        let console = console(self.console, router.clone(), stop.clone());
        let local = local(self.socket, router, stop.clone());
        let agents = gateway::serve(self.agents, self.tls, app, stop);
        tokio::join!(console, local, agents);
    }
}

async fn console(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = asked_to_stop(&mut stopped) => return,
        };
        let Ok((stream, peer)) = accepted else {
            // No more file handles, mostly: without a pause the loop would spin until one is free.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let _ = stream.set_nodelay(true);
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            let mark = move |request: &mut Request| {
                request.extensions_mut().insert(Peer(peer.ip().to_string()));
                if peer.ip().is_loopback() {
                    request.extensions_mut().insert(FromLoopback);
                }
            };
            connection(stream, router, mark, stop).await;
        });
    }
}

async fn local(listener: UnixListener, router: Router, stop: watch::Receiver<bool>) {
    let mut stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = asked_to_stop(&mut stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            // No more file handles, mostly: without a pause the loop would spin until one is free.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(peer) = stream.peer_cred() else { continue };
        let login = login_of(peer.uid());
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            let mark = move |request: &mut Request| {
                request.extensions_mut().insert(LocalOwner(login.clone()));
                request.extensions_mut().insert(FromLoopback);
            };
            connection(stream, router, mark, stop).await;
        });
    }
}

/// The login name of a user number; the number itself where the system knows no name.
pub fn login_of(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse::<u32>().ok()? == uid).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| uid.to_string())
}

/// Serves one connection of HTTP/1.1.
pub(crate) async fn connection<S>(
    stream: S,
    router: Router,
    mark: impl Fn(&mut Request) + Clone + Send + 'static,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        mark(&mut request);
        router.clone().oneshot(request)
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(64 * 1024);
    let serving = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(serving);
    let finished = tokio::select! {
        _ = &mut serving => true,
        () = asked_to_stop(&mut stop) => false,
    };
    if !finished {
        serving.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(Duration::from_secs(2), serving).await;
    }
}

/// Returns when the server is asked to stop.
pub(crate) async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    drop(stop.wait_for(|stop| *stop).await);
}
