//! One simulated agent: enrols with a token, signs in, tells its series and facts, then sends the values of every moment and
//! answers what it is asked, like the real one, without a machine behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use agent_proto::{
    Durable, EXPORTER_LABEL, Enrol, EnrolmentToken, Frame, FromAgent, FromServer, Greeting, Hello, IdentityHints, Lane,
    Profile, Prove, Purpose, Samples, SeriesName, SigningKey, TLS_EXPORT_BYTES, decode, encode, facts, prove,
};
use futures_util::{SinkExt as _, StreamExt as _};
use kernel::{Clock, Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval_at, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::Tally;
use super::series::Machine;

/// Longest wait for one step of the way in: many come at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where they connect, shared by all.
pub(crate) struct Target {
    address: String,
    url: String,
    token: EnrolmentToken,
    tls: TlsConnector,
    machine: Machine,
    series: Vec<SeriesName>,
}

impl Target {
    pub(crate) fn new(url: &str, token: EnrolmentToken, machine: Machine) -> Result<Self> {
        let address = url.trim_start_matches("wss://").split('/').next().unwrap_or_default().to_owned();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let config = config.map_err(|error| Error::internal("tls", error))?;
        let config =
            config.dangerous().with_custom_certificate_verifier(Arc::new(OwnServer(provider))).with_no_client_auth();
        let (series, tls) = (machine.series(), TlsConnector::from(Arc::new(config)));
        if series.len() != machine.count() {
            return Err(Error::internal("series-of-a-machine", series.len()));
        }
        Ok(Self { address, url: url.to_owned(), token, tls, machine, series })
    }
}

/// The server is one that this measurement started on this machine: its chain is not what is measured.
#[derive(Debug)]
struct OwnServer(Arc<CryptoProvider>);

impl ServerCertVerifier for OwnServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) type Outcome<T> = std::result::Result<T, String>;

/// One connection.
struct Link {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    export: [u8; TLS_EXPORT_BYTES],
    nonce: [u8; 32],
}

impl Link {
    async fn open(target: &Target) -> Outcome<Self> {
        let dialled = timeout(PATIENCE, async {
            let stream = TcpStream::connect(&target.address).await.map_err(|error| format!("connect: {error}"))?;
            let name = ServerName::try_from("127.0.0.1").map_err(|error| error.to_string())?;
            let stream = target.tls.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
            let export = stream.get_ref().1.export_keying_material([0; TLS_EXPORT_BYTES], EXPORTER_LABEL, None);
            let export = export.map_err(|error| format!("TLS export: {error}"))?;
            let (socket, _) = tokio_tungstenite::client_async(&target.url, stream)
                .await
                .map_err(|error| format!("WebSocket: {error}"))?;
            Ok::<_, String>(Self { socket, export, nonce: [0; 32] })
        });
        let mut link = dialled.await.map_err(|_| "the way in takes too long".to_owned())??;
        match link.hear().await? {
            FromServer::Challenge { nonce, .. } => link.nonce = nonce,
            other => return Err(format!("no challenge but {other:?}")),
        }
        Ok(link)
    }

    async fn hear(&mut self) -> Outcome<FromServer> {
        loop {
            let message =
                timeout(PATIENCE, self.socket.next()).await.map_err(|_| "the server says nothing".to_owned())?;
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    return decode::<FromServer>(&bytes).map(|frame| frame.message).map_err(|error| error.to_string());
                }
                Some(Ok(Message::Close(_))) | None => return Err("closed".to_owned()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.to_string()),
            }
        }
    }

    async fn say(&mut self, message: FromAgent) -> Outcome<()> {
        let bytes = encode(&Frame::direct(message)).map_err(|error| error.to_string())?;
        self.socket.send(Message::Binary(Bytes::from(bytes))).await.map_err(|error| error.to_string())
    }
}

/// An agent that is in.
pub(crate) struct Simulated {
    link: Link,
    number: usize,
    seq: u64,
    profile: Profile,
    series: u32,
}

impl Simulated {
    /// Enrols on one connection and signs in on the next.
    pub(crate) async fn enter(target: &Target, number: usize) -> Outcome<Self> {
        let (key, _) = SigningKey::generate().ok_or("no randomness")?;
        let mut link = Link::open(target).await?;
        let signature = prove(&key, Purpose::Enrol, &link.nonce, &link.export);
        let (token_secret, public_key, agent_version) =
            (target.token.secret, key.public(), env!("CARGO_PKG_VERSION").to_owned());
        link.say(FromAgent::Enrol(Enrol { token_secret, public_key, signature, agent_version, hints: hints(number) }))
            .await?;
        match link.hear().await? {
            FromServer::Enrolled(enrolled) if !enrolled.pending => {}
            other => return Err(format!("not enrolled: {other:?}")),
        }
        drop(link);
        let mut link = Link::open(target).await?;
        let signature = prove(&key, Purpose::Prove, &link.nonce, &link.export);
        link.say(FromAgent::Prove(Prove { public_key, signature })).await?;
        link.say(FromAgent::Greeting(Box::new(greeting(number)))).await?;
        let profile = match link.hear().await? {
            FromServer::Welcome(welcome) => welcome.profile,
            other => return Err(format!("no welcome but {other:?}")),
        };
        let register = (1..).zip(target.series.iter().cloned()).collect();
        link.say(FromAgent::Series { register }).await?;
        let series = u32::try_from(target.series.len()).unwrap_or(0);
        let mut agent = Self { link, number, seq: 0, profile, series };
        if profile.metrics_interval_ms != target.machine.profile().metrics_interval_ms {
            return Err(format!("the server asks for samples every {} ms", profile.metrics_interval_ms));
        }
        agent.keep(Lane::Facts, Durable::Facts(facts::whole("system", now_ms(), &section(number)))).await?;
        Ok(agent)
    }

    /// The next message, whenever it comes. Safe to give up waiting for.
    pub(crate) async fn hear(&mut self) -> Outcome<FromServer> {
        loop {
            match self.link.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    return decode::<FromServer>(&bytes).map(|frame| frame.message).map_err(|error| error.to_string());
                }
                Some(Ok(Message::Close(_))) | None => return Err("the server closed the connection".to_owned()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.to_string()),
            }
        }
    }

    /// Shows that it lives.
    pub(crate) async fn ping(&mut self) -> Outcome<()> {
        self.link.socket.send(Message::Ping(Bytes::new())).await.map_err(|error| error.to_string())
    }

    /// Sends, pings and listens until the link breaks.
    pub(crate) async fn work(&mut self, tally: &Tally) -> Outcome<()> {
        let every = Duration::from_millis(u64::from(self.profile.metrics_interval_ms));
        let first = every.mul_f64((self.number * 617 % 1_000) as f64 / 1_000.0);
        let mut moment = interval_at(Instant::now() + first, every);
        let mut ping =
            interval_at(Instant::now() + first / 2, Duration::from_millis(u64::from(self.profile.ping_interval_ms)));
        loop {
            tokio::select! {
                _ = moment.tick() => {
                    let samples = self.samples();
                    self.keep(Lane::Metrics, Durable::Samples(samples)).await?;
                    tally.sent.fetch_add(1, Ordering::Relaxed);
                    tally.samples.fetch_add(self.series as usize, Ordering::Relaxed);
                }
                _ = ping.tick() => self.ping().await?,
                heard = self.hear() => match heard? {
                    FromServer::Ack { lane: Lane::Metrics, .. } => { tally.acknowledged.fetch_add(1, Ordering::Relaxed); }
                    FromServer::Refused(refusal) => return Err(refusal.text),
                    _ => {}
                },
            }
        }
    }

    /// Says something that the server acknowledges.
    pub(crate) async fn keep(&mut self, lane: Lane, event: Durable) -> Outcome<()> {
        self.seq += 1;
        self.link.say(FromAgent::Durable { lane, seq: self.seq, event }).await
    }

    /// Half of the series count up, a quarter waver, a quarter stand still: as on a machine at rest.
    fn samples(&self) -> Samples {
        let (at_ms, moment) = (now_ms(), self.seq as f64);
        let value = |id: u32| match id % 4 {
            0 | 1 => (moment * 60.0 * f64::from(id) + self.number as f64).floor(),
            2 => (moment * 0.7 + f64::from(id)).sin() * 100.0,
            _ => f64::from(id) * 1_048_576.0,
        };
        Samples { at_ms, values: (1..=self.series).map(|id| (id, value(id))).collect() }
    }
}

pub(crate) fn now_ms() -> i64 {
    Clock::System.now().0 / 1_000
}

fn hints(number: usize) -> IdentityHints {
    let mac = format!(
        "02:00:{:02x}:{:02x}:{:02x}:{:02x}",
        number >> 24 & 255,
        number >> 16 & 255,
        number >> 8 & 255,
        number & 255
    );
    IdentityHints {
        hostname: hostname(number),
        machine_id: Some(format!("{number:032x}")),
        dmi_uuid: None,
        serial: Some(format!("BENCH{number:06}")),
        macs: vec![mac],
    }
}

/// What the machine of an agent is called.
pub(crate) fn hostname(number: usize) -> String {
    format!("ws-{number:05}")
}

/// It looks again when it is asked to, and cannot be updated.
fn greeting(number: usize) -> Greeting {
    let abilities = vec![agent_proto::ability::LOOK.to_owned()];
    Greeting { hello: hello(number), abilities, target: String::new() }
}

fn hello(number: usize) -> Hello {
    Hello {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: format!("00000000-0000-4000-8000-{number:012x}"),
        run_id: (number as u128).to_le_bytes(),
        hints: hints(number),
        policy_digest: [0; 32],
        classes_allowed: Vec::new(),
        clock_us: Clock::System.now().0,
        resume: Vec::new(),
        checks_generation: 0,
    }
}

fn section(number: usize) -> BTreeMap<String, String> {
    let pairs = [
        ("hostname", format!("\"ws-{number:05}\"")),
        ("os.name", "\"Debian GNU/Linux 12 (bookworm)\"".to_owned()),
        ("os.kernel", "\"6.1.0-18-amd64\"".to_owned()),
        ("hardware.vendor", "\"Northwind\"".to_owned()),
        ("hardware.model", "\"Workstation 5\"".to_owned()),
        ("cpu.cores", "8".to_owned()),
        ("memory.bytes", "17179869184".to_owned()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
