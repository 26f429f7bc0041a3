//! A name has the records it should have, as a resolver of choice answers (RFC 1034, RFC 1035).

use std::net::SocketAddr;
use std::time::Instant;

use outbound::Allowed;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Duration, timeout};

use crate::text::{self, ms, too_slow};
use crate::{Around, Seen, guard};

mod message;

pub use message::{Answer, Record};

/// A question over UDP is asked again after this long without an answer.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
const TRIES: usize = 3;
/// Most of the machine's own resolvers that are asked.
const RESOLVERS_MAX: usize = 3;
/// How long each of them may take when services are looked up.
const PATIENCE: Duration = Duration::from_secs(2);
const NO_RESOLVER: &str = "this machine names no resolver in /etc/resolv.conf";
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 65_535;

/// A name has the records it should have. Value: milliseconds to the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Dns {
    /// The name. For PTR, an address will do.
    pub domain: String,
    /// The kind of records.
    pub record: Record,
    /// The server that is asked, as `address` or `address:port`; the machine's own if absent.
    pub resolver: Option<String>,
    /// What the records must be, one a line.
    pub values: Option<String>,
    /// Other records beside these are wrong too.
    pub exactly: bool,
    /// The response code that is good, such as `NOERROR` or `NXDOMAIN`.
    pub rcode: String,
    /// Longest time to the answer, in milliseconds.
    pub max_ms: Option<u32>,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            domain: String::new(),
            record: Record::A,
            resolver: None,
            values: None,
            exactly: false,
            rcode: "NOERROR".into(),
            max_ms: None,
        }
    }
}

/// Asks and judges.
pub(crate) async fn look(dns: &Dns, around: &Around) -> Seen {
    let server = match server(dns.resolver.as_deref()).await {
        Ok(server) => server,
        Err(e) => return Seen::unknown(e),
    };
    // The machine's own resolver is what it asks all day, and often sits on its loopback.
    let allowed = if dns.resolver.is_some() { around.allowed } else { Allowed::MACHINE };
    if let Err(why) = guard::judge(server.ip(), allowed) {
        return Seen::unknown(why);
    }
    let start = Instant::now();
    match ask(server, &message::asked_name(&dns.domain, dns.record), dns.record).await {
        Ok(answer) => judge(dns, &server.to_string(), &answer, ms(start.elapsed())),
        Err(e) => Seen::bad(None, format!("{server} was asked for {}: {e}", dns.domain)),
    }
}

async fn server(named: Option<&str>) -> Result<SocketAddr, String> {
    if let Some(named) = named {
        if let Ok(address) = named.parse::<SocketAddr>() {
            return Ok(address);
        }
        let (host, port) = match named.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => {
                (host, port.parse().map_err(|_| format!("{named} is no resolver"))?)
            }
            _ => (named, 53),
        };
        let found = guard::resolve(host, port).await?;
        return found.first().copied().ok_or_else(|| format!("{host} has no address"));
    }
    own().await.first().copied().ok_or_else(|| NO_RESOLVER.to_owned())
}

/// The machine's own resolvers, in the order in which it asks them.
async fn own() -> Vec<SocketAddr> {
    let text = tokio::fs::read_to_string("/etc/resolv.conf").await.unwrap_or_default();
    let own = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok());
    own.take(RESOLVERS_MAX).map(|ip| SocketAddr::new(ip, 53)).collect()
}

/// Hosts and ports that offer a service (RFC 2782). The machine's own resolvers are asked, one after the other, until one
/// knows.
///
/// # Errors
/// In words: nobody answered, or the answer is damaged or says no.
pub async fn services(name: &str) -> Result<Vec<(String, u16)>, String> {
    services_at(&own().await, name).await
}

async fn services_at(resolvers: &[SocketAddr], name: &str) -> Result<Vec<(String, u16)>, String> {
    let mut why = NO_RESOLVER.to_owned();
    for resolver in resolvers {
        let asked = timeout(PATIENCE, ask(*resolver, name, Record::Srv)).await;
        match asked.unwrap_or_else(|_| Err("no answer came".into())).and_then(|answer| offered(&answer)) {
            Ok(found) => return Ok(found),
            Err(error) => why = format!("{resolver}: {error}"),
        }
    }
    Err(format!("{name} cannot be looked up: {why}"))
}

/// What SRV records offer, each host and port once.
fn offered(answer: &Answer) -> Result<Vec<(String, u16)>, String> {
    match answer.rcode.as_str() {
        "NOERROR" if answer.cut || !answer.whole => return Err("the answer cannot be read to its end".into()),
        "NOERROR" => {}
        "NXDOMAIN" => return Err("there is no such name".into()),
        code => return Err(format!("it answers {code}")),
    }
    let service = |text: &String| {
        let mut parts = text.splitn(4, ' ').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.to_owned()))
    };
    // A single dot says that the service is not offered.
    let there = answer.values.iter().filter_map(service).filter(|(port, host)| *port > 0_u16 && host != ".");
    let mut found: Vec<(String, u16)> = there.map(|(port, host)| (host, port)).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Over UDP, and over TCP when the answer did not fit (RFC 7766).
async fn ask(server: SocketAddr, name: &str, record: Record) -> Result<Answer, String> {
    let mut id = [0; 2];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut id).map_err(|_| "no random numbers")?;
    let question = message::question(u16::from_be_bytes(id), name, record)?;
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await.map_err(|e| guard::plain(&e))?;
    socket.connect(server).await.map_err(|e| guard::plain(&e))?;
    for _ in 0..TRIES {
        socket.send(&question).await.map_err(|e| guard::plain(&e))?;
        let Ok(answer) = timeout(AGAIN_AFTER, hear(&socket, &question)).await else { continue };
        let answer = answer?;
        return if answer.cut { over_tcp(server, &question).await } else { Ok(answer) };
    }
    Err("no answer came".into())
}

/// The answer to this very question; others are not heard.
async fn hear(socket: &UdpSocket, question: &[u8]) -> Result<Answer, String> {
    let mut buffer = vec![0; 4_096];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(|e| guard::plain(&e))?;
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes.get(..2) == question.get(..2) {
            return message::answer(bytes, question);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8]) -> Result<Answer, String> {
    let failed = |e: std::io::Error| format!("over TCP: {}", guard::plain(&e));
    let mut stream = TcpStream::connect(server).await.map_err(failed)?;
    let length = u16::try_from(question.len()).map_err(|_| "the question is too long")?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await.map_err(failed)?;
    let length = usize::from(stream.read_u16().await.map_err(failed)?);
    let mut bytes = vec![0; length.min(ANSWER_BYTES_MAX)];
    stream.read_exact(&mut bytes).await.map_err(failed)?;
    message::answer(&bytes, question)
}

/// Judges an answer.
fn judge(dns: &Dns, server: &str, answer: &Answer, took: f64) -> Seen {
    let record = dns.record.as_str();
    let found: Vec<&str> = answer.values.iter().map(String::as_str).collect();
    let shown = if found.is_empty() { "nothing".to_owned() } else { text::shorten(&found.join(", "), 300) };
    let same = |wanted: &str, have: &str| wanted.trim_end_matches('.').eq_ignore_ascii_case(have.trim_end_matches('.'));
    let wanted: Vec<&str> = text::lines(dns.values.as_deref().unwrap_or_default()).collect();
    let missing = wanted.iter().find(|wanted| !found.iter().any(|have| same(wanted, have)));
    let further = found.iter().find(|have| !wanted.iter().any(|wanted| same(wanted, have)));
    let wrong = if !answer.rcode.eq_ignore_ascii_case(&dns.rcode) {
        Some(format!("{server} answers {} for {} {record}, not {}", answer.rcode, dns.domain, dns.rcode))
    } else if found.is_empty() && wanted.is_empty() && answer.rcode == "NOERROR" {
        Some(format!("{} has no {record} records", dns.domain))
    } else if let Some(missing) = missing {
        Some(format!("{} {record} is {shown}, without {missing}", dns.domain))
    } else if let (true, Some(further)) = (dns.exactly, further) {
        Some(format!("{} {record} has {further} too, which it should not", dns.domain))
    } else {
        too_slow("the answer", took, dns.max_ms)
    };
    let fine = if found.is_empty() {
        format!("{server} answers {} for {}", answer.rcode, dns.domain)
    } else {
        format!("{} {record} is {shown}", dns.domain)
    };
    let seen = Seen::judged(took, wrong, fine).figure("records", found.len() as f64);
    match answer.ttl_s {
        Some(ttl) => seen.figure("ttl_s", f64::from(ttl)),
        None => seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn records_are_judged_by_code_values_and_time() {
        let answer = |rcode: &str, values: &[&str]| Answer {
            rcode: rcode.into(),
            values: values.iter().map(|text| (*text).to_owned()).collect(),
            ttl_s: Some(60),
            cut: false,
            whole: true,
        };
        let dns = |values: Option<&str>, exactly, rcode: &str| Dns {
            domain: "example.org".into(),
            values: values.map(str::to_owned),
            exactly,
            rcode: rcode.into(),
            max_ms: Some(100),
            ..Dns::default()
        };
        let two = answer("NOERROR", &["192.0.2.1", "192.0.2.2"]);
        for (dns, answer, took, outcome, part) in [
            (dns(None, false, "NOERROR"), &two, 5.0, Outcome::Good, "A is 192.0.2.1, 192.0.2.2"),
            (dns(Some("192.0.2.2"), false, "NOERROR"), &two, 5.0, Outcome::Good, ""),
            (dns(Some("192.0.2.2"), true, "NOERROR"), &two, 5.0, Outcome::Bad, "has 192.0.2.1 too"),
            (dns(Some("192.0.2.3"), false, "NOERROR"), &two, 5.0, Outcome::Bad, "without 192.0.2.3"),
            (dns(None, false, "NOERROR"), &answer("NXDOMAIN", &[]), 5.0, Outcome::Bad, "answers NXDOMAIN"),
            (dns(None, false, "nxdomain"), &answer("NXDOMAIN", &[]), 5.0, Outcome::Good, "answers NXDOMAIN"),
            (dns(None, false, "NOERROR"), &answer("NOERROR", &[]), 5.0, Outcome::Bad, "has no A records"),
            (dns(None, false, "NOERROR"), &two, 150.0, Outcome::Bad, "took 150 ms"),
        ] {
            let seen = judge(&dns, "192.0.2.53:53", answer, took);
            assert_eq!(seen.outcome, outcome, "{}", seen.evidence);
            assert!(seen.evidence.contains(part), "{}", seen.evidence);
        }
        let mx = Dns { record: Record::Mx, values: Some("10 mx.example.org".into()), ..Dns::default() };
        assert_eq!(judge(&mx, "r", &answer("NOERROR", &["10 MX.example.org."]), 1.0).outcome, Outcome::Good);
    }

    #[test]
    fn services_are_hosts_and_ports_and_what_is_damaged_or_refused_is_no_answer() {
        let of = |rcode: &str, values: &[&str]| Answer {
            rcode: rcode.into(),
            values: values.iter().map(|text| (*text).to_owned()).collect(),
            whole: true,
            ..Answer::default()
        };
        let values =
            ["0 5 9100 db-02.example.org", "0 5 9100 db-01.example.org", "1 5 9100 db-01.example.org", "0 0 0 ."];
        let hosts = ["db-01.example.org", "db-02.example.org"].map(|host| (host.to_owned(), 9_100));
        assert_eq!(offered(&of("NOERROR", &values)), Ok(hosts.to_vec()));
        assert_eq!(offered(&of("NOERROR", &[])), Ok(Vec::new()));
        assert!(offered(&Answer { whole: false, ..of("NOERROR", &values) }).is_err(), "a part of it is not all of it");
        assert!(offered(&Answer { cut: true, ..of("NOERROR", &values) }).is_err());
        assert!(offered(&of("NXDOMAIN", &[])).unwrap_err().contains("no such name"));
        assert!(offered(&of("SERVFAIL", &[])).unwrap_err().contains("SERVFAIL"));
    }

    #[test]
    fn an_answer_that_was_cut_is_asked_for_again_over_tcp_and_who_is_silent_is_passed_over() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = udp.local_addr().unwrap();
            let tcp = tokio::net::TcpListener::bind(address).await.unwrap();
            // Nobody listens here any more.
            let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
            let resolver = async {
                let mut asked = [0; 512];
                let (length, from) = udp.recv_from(&mut asked).await.unwrap();
                let question = asked[..length].to_vec();
                let said = |flags, records: &[(u16, Vec<u8>)]| message::tests::answering(&question, flags, records);
                udp.send_to(&said(0x8380, &[]), from).await.unwrap();
                let (mut stream, _) = tcp.accept().await.unwrap();
                let length = stream.read_u16().await.unwrap();
                stream.read_exact(&mut asked[..usize::from(length)]).await.unwrap();
                let record = [&[0, 0, 0, 0, 0x23, 0x8c, 6][..], b"web-01", &[0]].concat();
                let answer = said(0x8180, &[(33, record)]);
                stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            };
            let asks = [gone, address];
            let (found, ()) = tokio::join!(services_at(&asks, "_metrics._tcp.example.org"), resolver);
            assert_eq!(found, Ok(vec![("web-01".to_owned(), 9_100)]));
        });
    }
}
