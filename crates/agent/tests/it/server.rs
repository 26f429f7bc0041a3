//! A server for one agent, with real TLS and WebSocket, and the agent's program as a child process.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agent_proto::{
    Durable, Enrolled, EnrolmentToken, Frame, FromAgent, FromServer, Greeting, Hello, Job, Profile, ProfileKind,
    Purpose, Refusal, RefusalCode, SigningKey, TLS_EXPORT_BYTES, Welcome, certificate_digest, decode, encode, sign_job,
    verify_proof,
};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Longer than anything takes on a loaded machine; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const AGENT_ID: [u8; 16] = [7; 16];
pub(crate) const SECRET: [u8; 16] = [9; 16];

pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) authority: Vec<u8>,
    acceptor: TlsAcceptor,
    /// Signs jobs.
    pub(crate) key: SigningKey,
    pub(crate) stop_epoch: u64,
    /// Added to the server's clock.
    pub(crate) clock_shift_us: i64,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (authority, acceptor) = tls();
        let key = SigningKey::from_seed(&[1; 32]).unwrap();
        Self { listener, authority, acceptor, key, stop_epoch: 0, clock_shift_us: 0 }
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://{}/agent", self.listener.local_addr().unwrap())
    }

    pub(crate) fn token(&self) -> EnrolmentToken {
        EnrolmentToken { secret: SECRET, authority_sha256: certificate_digest(&self.authority) }
    }

    pub(crate) fn now_us(&self) -> i64 {
        wall_us() + self.clock_shift_us
    }

    /// The next connection whose TLS the agent accepts.
    pub(crate) async fn accept(&self) -> Peer {
        timeout(PATIENCE, async {
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                if let Some(peer) = self.shake_hands(stream).await {
                    return peer;
                }
            }
        })
        .await
        .expect("an agent connects")
    }

    /// Does the agent turn away from our certificate, before it has said a word?
    pub(crate) async fn handshake_fails(&self, stream: TcpStream) -> bool {
        match self.acceptor.accept(stream).await {
            Err(_) => true,
            // In TLS 1.3 the server may be done first: then the alert is the first thing it hears.
            Ok(stream) => tokio_tungstenite::accept_async(stream).await.is_err(),
        }
    }

    async fn shake_hands(&self, stream: TcpStream) -> Option<Peer> {
        let stream = self.acceptor.accept(stream).await.ok()?;
        let mut export = [0; TLS_EXPORT_BYTES];
        stream.get_ref().1.export_keying_material(&mut export, agent_proto::EXPORTER_LABEL, None).unwrap();
        let socket = tokio_tungstenite::accept_async(stream).await.ok()?;
        Some(Peer { socket, export })
    }

    /// Takes an enrolment.
    pub(crate) async fn enrol(&self) -> agent_proto::Enrol {
        let mut peer = self.accept().await;
        peer.challenge(self).await;
        let FromAgent::Enrol(enrol) = peer.hear().await else { panic!("not an enrolment") };
        assert!(verify_proof(&enrol.public_key, Purpose::Enrol, &[5; 32], &peer.export, &enrol.signature));
        assert_eq!(enrol.token_secret, SECRET);
        let trust = vec![self.authority.clone()];
        let server_public_key = self.key.public();
        peer.say(FromServer::Enrolled(Enrolled { agent_id: AGENT_ID, server_public_key, trust, pending: false })).await;
        enrol
    }

    /// Takes a proof.
    async fn proved(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.challenge(self).await;
        let FromAgent::Prove(prove) = peer.hear().await else { panic!("not a proof") };
        assert!(verify_proof(&prove.public_key, Purpose::Prove, &[5; 32], &peer.export, &prove.signature));
        peer
    }

    /// Refuses a greeting as a server does that does not know it.
    pub(crate) async fn refuse_greeting(&self) -> Greeting {
        let mut peer = self.proved().await;
        let FromAgent::Greeting(greeting) = peer.hear().await else { panic!("not a greeting with abilities") };
        let (code, text) = (RefusalCode::Protocol, "the body is malformed".to_owned());
        peer.say(FromServer::Refused(Refusal { code, text, retry_after_ms: 0 })).await;
        *greeting
    }

    /// Takes a sign-in of an agent that greets without abilities.
    pub(crate) async fn welcome_plainly(&self) -> Hello {
        let mut peer = self.proved().await;
        let FromAgent::Hello(hello) = peer.hear().await else { panic!("not a plain greeting") };
        *hello
    }

    /// Takes a sign-in and welcomes it.
    pub(crate) async fn welcome(&self) -> (Peer, Hello) {
        let mut peer = self.proved().await;
        let FromAgent::Greeting(greeting) = peer.hear().await else { panic!("not a greeting") };
        let hello = greeting.hello;
        let profile = Profile {
            kind: ProfileKind::Server,
            metrics_interval_ms: 1_000,
            facts_interval_ms: 600_000,
            ping_interval_ms: 1_000,
        };
        let (agent_id, server_time_us, stop_epoch) = (AGENT_ID, self.now_us(), self.stop_epoch);
        peer.say(FromServer::Welcome(Welcome { agent_id, profile, server_time_us, stop_epoch })).await;
        (peer, hello)
    }

    pub(crate) fn sign(&self, job: &Job) -> FromServer {
        FromServer::Job(sign_job(job, &self.key).unwrap())
    }
}

pub(crate) fn wall_us() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the server of the test has a clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64
}

/// A fresh authority, and a server certificate of it for 127.0.0.1.
fn tls() -> (Vec<u8>, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let chain = vec![leaf.der().clone(), authority.der().clone()];
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    (authority.der().to_vec(), TlsAcceptor::from(Arc::new(config)))
}

/// The agent at the other end.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TlsStream<TcpStream>>,
    pub(crate) export: [u8; TLS_EXPORT_BYTES],
}

impl Peer {
    async fn challenge(&mut self, server: &Server) {
        self.say(FromServer::Challenge { nonce: [5; 32], server_time_us: server.now_us() }).await;
    }

    pub(crate) async fn say(&mut self, message: FromServer) {
        self.say_bytes(encode(&Frame::direct(message)).unwrap()).await;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::Binary(Bytes::from(bytes))).await.unwrap();
    }

    /// The next message, or nothing when the agent is gone.
    pub(crate) async fn hear_or_end(&mut self) -> Option<FromAgent> {
        timeout(PATIENCE, async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Some(decode::<FromAgent>(&bytes).unwrap().message),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        })
        .await
        .expect("the agent says something")
    }

    pub(crate) async fn hear(&mut self) -> FromAgent {
        self.hear_or_end().await.expect("the agent is there")
    }

    /// Waits for what is looked for, acknowledging what goes by.
    pub(crate) async fn find<T>(&mut self, mut wanted: impl FnMut(&FromAgent) -> Option<T>) -> T {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            assert!(tokio::time::Instant::now() < end, "what is looked for does not come");
            let message = self.hear().await;
            if let FromAgent::Durable { lane, seq, .. } = &message {
                // It may have ended behind its last word.
                let ack = encode(&Frame::direct(FromServer::Ack { lane: *lane, seq: *seq })).unwrap();
                let _ = self.socket.send(Message::Binary(Bytes::from(ack))).await;
            }
            if let Some(found) = wanted(&message) {
                return found;
            }
        }
    }

    /// The result of a job.
    pub(crate) async fn result(&mut self, job_id: [u8; 16]) -> agent_proto::JobResult {
        self.find(|message| match message {
            FromAgent::Durable { event: Durable::JobResult(result), .. } if result.job_id == job_id => {
                Some(result.clone())
            }
            _ => None,
        })
        .await
    }

    /// Waits until a job was accepted.
    pub(crate) async fn accepted(&mut self, wanted: [u8; 16]) {
        self.find(|message| match message {
            FromAgent::Durable { event: Durable::JobAccepted { job_id, .. }, .. } if *job_id == wanted => Some(()),
            _ => None,
        })
        .await;
    }
}

/// The agent's program in a folder of its own.
pub(crate) struct Machine {
    pub(crate) dir: tempfile::TempDir,
    child: Option<Child>,
    /// A copy of its own that may be replaced.
    program: Option<PathBuf>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), child: None, program: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Gives it a program of its own, which may be replaced.
    pub(crate) fn install(&mut self) -> PathBuf {
        let path = self.path("bin/mainstay-agent");
        std::fs::create_dir(self.path("bin")).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_mainstay-agent"), &path).unwrap();
        self.program = Some(path.clone());
        path
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn program(&self, words: &[&str]) -> Command {
        let installed = self.program.clone();
        let mut command = Command::new(installed.unwrap_or_else(|| env!("CARGO_BIN_EXE_mainstay-agent").into()));
        command.arg("--dir").arg(self.dir.path()).args(words).stdin(Stdio::null());
        command
    }

    /// Runs a command of the program to its end.
    pub(crate) async fn obey(&self, words: &[&str]) -> (bool, String) {
        let mut command = tokio::process::Command::from(self.program(words));
        let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    }

    /// Starts the agent.
    pub(crate) fn run(&mut self, words: &[&str]) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.program(&[&["run"], words].concat());
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// Starts the agent as a version on trial that this process watches; true when it ended well.
    pub(crate) async fn run_on_trial(&self, watcher: &str, words: &[&str]) -> bool {
        let mut command = tokio::process::Command::from(self.program(&[&["run"], words].concat()));
        command.env("MAINSTAY_AGENT_TRIAL", watcher).kill_on_drop(true);
        let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        output.status.success()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// The process ends without a word; its collector hears that and ends too.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            self.wait_for_the_collectors_end();
        }
    }

    /// It holds this lock as long as it lives.
    pub(crate) fn wait_for_the_collectors_end(&self) {
        if let Ok(lock) = std::fs::File::open(self.path("collector/lock")) {
            rustix::fs::flock(lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        }
    }

    /// Asks the process to end, and says whether it ended well.
    pub(crate) async fn end(&mut self) -> bool {
        let mut child = self.child.take().expect("it runs");
        let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        tokio::task::spawn_blocking(move || child.wait().unwrap().success()).await.unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An enrolled machine whose agent is connected.
pub(crate) async fn connected(server: &Server, policy: &str) -> (Machine, Peer, Hello) {
    let mut machine = Machine::new();
    if !policy.is_empty() {
        machine.write("policy.toml", policy);
    }
    machine.run(&["--server", &server.url(), "--token", &server.token().to_string()]);
    server.enrol().await;
    let (peer, hello) = server.welcome().await;
    (machine, peer, hello)
}
