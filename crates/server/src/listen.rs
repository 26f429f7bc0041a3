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
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::crowd::{Crowd, Place};
use crate::heads::Heads;
use crate::session::{FromLoopback, LocalOwner};
use crate::{Shared, door, gateway};

/// Connections to the console at once.
const CONNECTIONS_MAX: usize = 2_000;
/// How long a request's head may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may rest between two requests, unless its place is needed. Clients that send every minute keep
/// theirs.
const IDLE_TIME: Duration = Duration::from_secs(75);

/// How long a connection goes on after the server was asked to stop.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// How long all of them are waited for.
const LAST_ENDS_WITHIN: Duration = Duration::from_secs(3);
/// How long calls that are at the database are waited for: each statement there has a limit of two seconds.
const CALLS_END_WITHIN: Duration = Duration::from_secs(10);

/// Held by whatever serves somebody. When all copies are gone, everybody has got the answer.
pub(crate) type Serving = mpsc::Sender<std::convert::Infallible>;

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
    /// Serves until `stop` turns true, then lets running requests finish. Nothing uses the database any more when it
    /// returns, unless a call took far longer than any may.
    pub async fn serve(self, app: Shared, stop: watch::Receiver<bool>) {
        let router = door::router(&app);
        let (serving, ended) = mpsc::channel(1);
        let console = console(self.console, router.clone(), stop.clone(), serving.clone());
        let local = local(self.socket, router, stop.clone(), serving.clone());
        let agents = gateway::serve(self.agents, self.tls, app.clone(), stop, serving);
        tokio::join!(console, local, agents);
        app.stopping.send_replace(true);
        if !last_ended(ended).await {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        if !app.close(CALLS_END_WITHIN).await {
            tracing::error!("a call still uses the database while the server ends");
        }
    }
}

/// Waits until everything that held a [`Serving`] is gone; false when that takes too long.
async fn last_ended(mut ended: mpsc::Receiver<std::convert::Infallible>) -> bool {
    tokio::time::timeout(LAST_ENDS_WITHIN, ended.recv()).await.is_ok()
}

async fn console(listener: TcpListener, router: Router, stop: watch::Receiver<bool>, serving: Serving) {
    let crowd = Crowd::new(CONNECTIONS_MAX);
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
        let _ = stream.set_nodelay(true);
        let (router, stop, serving, crowd) = (router.clone(), stop.clone(), serving.clone(), crowd.clone());
        tokio::spawn(async move {
            let _serving = serving;
            let Some(place) = crowd.place().await else { return turn_away(stream, &crowd).await };
            let mark = move |request: &mut Request| {
                request.extensions_mut().insert(Peer(peer.ip().to_string()));
                if peer.ip().is_loopback() {
                    request.extensions_mut().insert(FromLoopback);
                }
            };
            patient(stream, router, mark, stop, HEAD_TIME, Some(place)).await;
        });
    }
}

/// Says that every place is taken by somebody at work.
async fn turn_away(mut stream: TcpStream, crowd: &Crowd) {
    if crowd.say_so() {
        tracing::warn!("all {CONNECTIONS_MAX} connections to the console are at work; others are turned away");
    }
    let words = "Too many connections are at work. Try again in a few seconds.\n";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{words}",
        words.len()
    );
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What it asked is read to its end, or its side would call this a broken connection and not read the answer.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
}

async fn local(listener: UnixListener, router: Router, stop: watch::Receiver<bool>, serving: Serving) {
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
        let (router, stop, serving) = (router.clone(), stop.clone(), serving.clone());
        tokio::spawn(async move {
            let _serving = serving;
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
    stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    patient(stream, router, mark, stop, HEAD_TIME, None).await;
}

/// The same, when the head of a request may take so long, at a place that others may need.
async fn patient<S>(
    stream: S,
    router: Router,
    mark: impl Fn(&mut Request) + Clone + Send + 'static,
    mut stop: watch::Receiver<bool>,
    head_time: Duration,
    place: Option<Place>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let heads = Heads::new();
    let told = heads.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        told.whole();
        let mut request = request.map(axum::body::Body::new);
        mark(&mut request);
        let (answer, told) = (router.clone().oneshot(request), told.clone());
        async move { answer.await.map(|answer| answer.map(|body| told.answers(body))) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE_TIME).max_buf_size(64 * 1024);
    let serving = builder.serve_connection(TokioIo::new(heads.hear(stream)), service).with_upgrades();
    let wanted = async {
        match &place {
            Some(place) => place.wanted(&heads).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(serving);
    tokio::select! {
        _ = &mut serving => return,
        () = heads.overdue(head_time) => return,
        () = wanted => {}
        () = asked_to_stop(&mut stop) => {}
    }
    // One that rests ends at once, one that is at work with its answer.
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(ENDS_WITHIN, serving).await;
}

/// Returns when the server is asked to stop.
pub(crate) async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    drop(stop.wait_for(|stop| *stop).await);
}

#[cfg(test)]
mod tests {
    use axum::routing::{MethodRouter, get};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    use super::*;

    /// What answers when it may go on; and who is told that it was reached, and who lets it.
    fn slow(answer: &'static str) -> (MethodRouter, Arc<Notify>, Arc<Notify>) {
        let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (inside, held) = (reached.clone(), go_on.clone());
        let slow = move || async move {
            inside.notify_one();
            held.notified().await;
            answer
        };
        (get(slow), reached, go_on)
    }

    #[test]
    fn a_connection_rests_between_requests_and_a_head_that_dribbles_is_cut() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let router = Router::new().route("/", get(|| async { "well" }));
            let (mut client, server) = tokio::io::duplex(64 * 1024);
            let (_stop, stopped) = watch::channel(false);
            let head_time = Duration::from_millis(50);
            let serving = tokio::spawn(patient(server, router, |_| {}, stopped, head_time, None));
            for _ in 0..3 {
                client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"well") {
                    assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0, "it is closed while it rests");
                }
                let rests = tokio::time::timeout(2 * head_time, client.read_u8()).await;
                assert!(rests.is_err(), "it is open, and nothing comes: {rests:?}");
            }
            client.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            serving.await.unwrap();
            assert!(!rest.ends_with(b"well"), "nobody answers half a head");
        });
    }

    #[test]
    fn who_rests_longest_makes_room_when_no_place_is_free_and_nobody_else() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (slow, reached, go_on) = slow("late");
            let router = Router::new().route("/", get(|| async { "well" })).route("/slow", slow);
            let crowd = Crowd::new(4);
            let (_stop, stopped) = watch::channel(false);
            let open = async || {
                let place = crowd.place().await?;
                let (client, server) = tokio::io::duplex(64 * 1024);
                tokio::spawn(patient(server, router.clone(), |_| {}, stopped.clone(), HEAD_TIME, Some(place)));
                Some(client)
            };
            let ask = async |client: &mut tokio::io::DuplexStream, path: &str| {
                client.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                while path == "/" && !answer.ends_with(b"well") {
                    assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0);
                }
            };
            let (mut first, mut second) = (open().await.unwrap(), open().await.unwrap());
            let (mut works, mut fresh) = (open().await.unwrap(), open().await.unwrap());
            ask(&mut works, "/slow").await;
            reached.notified().await;
            for rests in [&mut first, &mut second] {
                ask(rests, "/").await;
                // It is at rest once its task has seen that the answer was taken.
                tokio::task::yield_now().await;
            }
            let mut new = open().await.expect("one that rests is closed for it");
            assert_eq!(first.read(&mut [0; 8]).await.unwrap(), 0, "the one that rested longest");
            for lives in [&mut second, &mut fresh, &mut new] {
                ask(lives, "/").await;
            }
            for lives in [&mut second, &mut fresh, &mut new] {
                ask(lives, "/slow").await;
                reached.notified().await;
            }
            assert!(open().await.is_none(), "all are at work");
            go_on.notify_waiters();
            let mut late = vec![0; 4096];
            let many = works.read(&mut late).await.unwrap();
            assert!(late[..many].ends_with(b"late"), "what was asked is answered");
        });
    }

    #[test]
    fn each_of_many_newcomers_gets_the_place_of_one_that_rests() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let crowd = Crowd::new(3);
            let all: Vec<_> = (0..3).map(|_| Heads::new()).collect();
            for heads in &all {
                let (place, heads) = (crowd.place().await.unwrap(), heads.clone());
                tokio::spawn(async move { place.wanted(&heads).await });
            }
            let newcomers = (0..3).map(|_| crowd.place());
            let rest = async {
                tokio::task::yield_now().await;
                for heads in &all {
                    heads.whole();
                    drop(heads.answers(axum::body::Body::empty()));
                }
            };
            let (found, ()) = tokio::join!(futures_util::future::join_all(newcomers), rest);
            assert!(found.iter().all(Option::is_some), "they waited before anybody rested");
        });
    }

    #[test]
    fn who_is_turned_away_in_the_middle_of_a_request_reads_the_whole_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf").await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            let crowd = Crowd::new(0);
            let turned_away = tokio::spawn(async move { turn_away(stream, &crowd).await });
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            let (head, words) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 503 ") && words.ends_with("in a few seconds.\n"), "{answer}");
            assert!(head.ends_with(&format!("Content-Length: {}", words.len())), "{answer}");
            client.write_all(b"full").await.expect("what it still says is heard, or it would see a broken connection");
            drop(client);
            turned_away.await.unwrap();
        });
    }

    #[test]
    fn stopping_waits_until_running_requests_have_their_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (slow, reached, go_on) = slow("the whole answer");
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stop, stopped) = watch::channel(false);
            let (serving, ended) = mpsc::channel(1);
            let router = Router::new().route("/", slow);
            let server = tokio::spawn(console(listener, router, stopped, serving));
            client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            reached.notified().await;
            stop.send_replace(true);
            server.await.unwrap();
            let mut waiting = Box::pin(last_ended(ended));
            let asked = std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending()));
            assert!(asked.await, "the server ends before the answer");
            go_on.notify_one();
            assert!(waiting.await);
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("the whole answer"), "{answer}");
        });
    }
}
