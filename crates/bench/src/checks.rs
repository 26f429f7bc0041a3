//! Checks that the server runs itself: five thousand of mixed kinds, each every 30 seconds, against little servers of this
//! process, so that what is measured is the server alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::{Error, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use crate::Run;
use crate::process::{Server, pause};
use crate::report::Report;

const CHECKS: usize = 5_000;
const CHECKS_QUICK: usize = 1_000;
const INTERVAL_S: u64 = 30;
/// After the last check was made all of them have run once.
const SETTLE: Duration = Duration::from_secs(INTERVAL_S + 5);
/// How often each kind comes in a hundred.
const MIX: [(&str, usize); 7] =
    [("http", 30), ("tcp", 20), ("dns", 15), ("icmp", 10), ("ssh", 10), ("smtp", 10), ("heartbeat", 5)];

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let scratch = run.scratch()?;
    let targets = Targets::start()?;
    let data = scratch.path().join("data");
    // The targets are on this very machine, where a server does not look by itself.
    crate::engine::set(&data, "monitor.looks", json!({"loopback": true}))?;
    let server = Server::start(&run.mainstay, &data, false)?;
    let asset = server.client.post("/api/v1/assets", &json!({"name": "web-01", "kind": "server"}))?;
    let asset = asset.get("id").and_then(Value::as_i64).ok_or_else(|| Error::internal("asset-without-id", &asset))?;
    let many = if run.quick { CHECKS_QUICK } else { CHECKS };
    for n in 0..many {
        server.client.post("/api/v1/monitor/checks", &targets.check(asset, n))?;
    }
    pause(SETTLE);
    let time = Duration::from_secs(if run.quick { 30 } else { 90 });
    let (cpu, asked) = (server.process.cpu(), targets.asked.load(Ordering::Relaxed));
    pause(time);
    let cpu = server.process.cpu().saturating_sub(cpu);
    let asked = targets.asked.load(Ordering::Relaxed).saturating_sub(asked);
    let states = |state: &str| -> Result<i64> {
        let found = server.client.get(&format!("/api/v1/monitor/checks?state={state}&limit=1"))?;
        Ok(found.get("count").and_then(Value::as_i64).unwrap_or(0))
    };
    report.datum("checks", many);
    report.datum("interval_s", INTERVAL_S);
    report.datum("seconds", time.as_secs());
    report.datum("asked_per_s", asked / time.as_secs());
    report.datum("firing", states("firing")?);
    report.datum("probe_fails", states("error")?);
    // Pings and heartbeats are not counted by the targets.
    let least = 0.8 * (many as f64) * 0.85 * time.as_secs_f64() / INTERVAL_S as f64;
    if (asked as f64) < least {
        return Err(Error::unavailable(format!(
            "Only {asked} looks came in {} s; the server does not keep up.",
            time.as_secs()
        )));
    }
    report.figure("cores", cpu.as_secs_f64() / time.as_secs_f64());
    report.figure("rss_mb", server.process.memory().all as f64 / 1024.0);
    Ok(())
}

/// Servers that answer as they should, and count.
struct Targets {
    http: u16,
    lines: u16,
    dns: u16,
    mail: u16,
    asked: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

impl Targets {
    fn start() -> Result<Self> {
        let broken = |error: std::io::Error| Error::unavailable(format!("The targets cannot be started: {error}."));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(broken)?;
        let asked = Arc::new(AtomicU64::new(0));
        let bind = || -> Result<(TcpListener, u16)> {
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(broken)?;
            let port = listener.local_addr().map_err(broken)?.port();
            Ok((listener, port))
        };
        let (http, http_port) = bind()?;
        let (lines, lines_port) = bind()?;
        let (mail, mail_port) = bind()?;
        let dns = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).map_err(broken)?;
        let dns_port = dns.local_addr().map_err(broken)?.port();
        let body = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";
        runtime.spawn(say(http, asked.clone(), "", body));
        runtime.spawn(say(lines, asked.clone(), "SSH-2.0-bench\r\n", ""));
        runtime.spawn(say(mail, asked.clone(), "220 bench ESMTP\r\n", "250 bench\r\n"));
        runtime.spawn(resolve(dns, asked.clone()));
        Ok(Self { http: http_port, lines: lines_port, dns: dns_port, mail: mail_port, asked, _runtime: runtime })
    }

    /// The n-th check of the mix.
    fn check(&self, asset: i64, n: usize) -> Value {
        let mut place = n % 100;
        let mut kind = "tcp";
        for (word, share) in MIX {
            if place < share {
                kind = word;
                break;
            }
            place -= share;
        }
        let host = "127.0.0.1";
        let mut check = match kind {
            "http" => {
                json!({"url": format!("http://{host}:{}/{n}", self.http), "json_path": "status", "json_equals": "ok"})
            }
            "dns" => {
                json!({"domain": format!("n{n}.example"), "resolver": format!("{host}:{}", self.dns), "values": "192.0.2.7"})
            }
            "icmp" => json!({"host": host, "count": 1}),
            "ssh" => json!({"host": host, "port": self.lines}),
            "smtp" => json!({"host": host, "port": self.mail, "security": "none"}),
            "heartbeat" => json!({"every_s": 86_400}),
            _ => json!({"host": host, "port": self.lines, "expect": "SSH"}),
        };
        if let Some(fields) = check.as_object_mut() {
            for (name, value) in [
                ("asset", json!(asset)),
                ("kind", json!(kind)),
                ("interval_s", json!(INTERVAL_S)),
                ("vantage", json!(0)),
            ] {
                fields.insert(name.to_owned(), value);
            }
            fields.insert("name".to_owned(), json!(format!("check {n}")));
        }
        check
    }
}

/// Greets, and answers whatever comes.
async fn say(listener: TcpListener, asked: Arc<AtomicU64>, greeting: &'static str, answer: &'static str) {
    while let Ok((mut stream, _)) = listener.accept().await {
        asked.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let mut buffer = [0; 2_048];
            if stream.write_all(greeting.as_bytes()).await.is_err() {
                return;
            }
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() || greeting.is_empty() {
                    return;
                }
            }
        });
    }
}

/// Answers every question with one address (RFC 1035, section 4): the question, and a record that points back at its name.
async fn resolve(socket: UdpSocket, asked: Arc<AtomicU64>) {
    /// Bytes of the additional record that a question ends with (RFC 6891).
    const ADDITIONAL: usize = 11;
    let mut buffer = [0; 1_500];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        asked.fetch_add(1, Ordering::Relaxed);
        let question = buffer.get(12..length.saturating_sub(ADDITIONAL)).unwrap_or_default();
        let id = buffer.get(..2).unwrap_or_default();
        let head = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
        // Who does not get it asks again.
        let _ = socket.send_to(&[id, &head, question, &record].concat(), from).await;
    }
}
