//! A host answers to pings: echo requests of ICMP (RFC 792) and ICMPv6 (RFC 4443), with loss, jitter and round-trip time.
//! It uses the system's ping sockets, which need no rights where `net.ipv4.ping_group_range` allows them, and raw ones
//! where the program may open them.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;

use crate::text::ms;
use crate::{Around, Seen, guard};

/// Most requests of one look.
pub const COUNT_MAX: u8 = 20;
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(200);
const ECHO_V4: u8 = 8;
const ECHO_REPLY_V4: u8 = 0;
const ECHO_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;
const TOKEN_BYTES: usize = 16;

/// A host answers to pings. Value: mean round-trip time in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Icmp {
    /// Host name or address.
    pub host: String,
    /// How many requests are sent, 200 ms apart.
    pub count: u8,
    /// Largest share that may get no answer, in percent.
    pub max_loss_percent: f64,
    /// Longest mean round-trip time, in milliseconds.
    pub max_rtt_ms: Option<f64>,
    /// Largest jitter (mean difference from one round trip to the next), in milliseconds.
    pub max_jitter_ms: Option<f64>,
}

impl Default for Icmp {
    fn default() -> Self {
        Self { host: String::new(), count: 3, max_loss_percent: 34.0, max_rtt_ms: None, max_jitter_ms: None }
    }
}

/// Pings.
pub(crate) async fn look(icmp: &Icmp, around: &Around, deadline: Duration) -> Seen {
    let addresses = match guard::resolve(&icmp.host, 0).await {
        Ok(addresses) => addresses,
        Err(e) => return Seen::bad(None, e),
    };
    let Some(address) = addresses.first().map(SocketAddr::ip) else {
        return Seen::bad(None, format!("{} has no address", icmp.host));
    };
    if let Err(why) = guard::judge(address, around.allowed) {
        return Seen::unknown(why);
    }
    let count = icmp.count.clamp(1, COUNT_MAX);
    // The last answer is waited for until shortly before the deadline, so that lost ones are a finding, not a timeout.
    let end = Instant::now() + deadline.mul_f64(0.9).saturating_sub(Duration::from_millis(20));
    match ping(address, count, end).await {
        Ok(times) => judge(icmp, address, &times),
        Err(e) => Seen::unknown(e),
    }
}

/// The round-trip time of each request; nothing for one without an answer.
async fn ping(address: IpAddr, count: u8, end: Instant) -> Result<Vec<Option<Duration>>, String> {
    let (fd, raw) = open(address)?;
    // A ping socket takes and gives datagrams as one of UDP does; only its making is different.
    let socket = UdpSocket::from_std(std::net::UdpSocket::from(fd)).map_err(|e| guard::plain(&e))?;
    let mut token = [0; TOKEN_BYTES];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut token).map_err(|_| "no random numbers")?;
    let mut sent: Vec<Instant> = Vec::new();
    let mut times: Vec<Option<Duration>> = Vec::new();
    let mut answered = 0_usize;
    let mut refused = None;
    while answered < usize::from(count) {
        let now = Instant::now();
        let due = sent.last().map_or(now, |last| *last + PAUSE);
        if sent.len() < usize::from(count) && due <= now {
            let sequence = u16::try_from(sent.len()).unwrap_or(0);
            let packet = request(address, sequence, &token);
            if let Err(e) = socket.send_to(&packet, SocketAddr::new(address, 0)).await {
                refused = Some(format!("{address} cannot be pinged: {}", guard::plain(&e)));
            }
            sent.push(Instant::now());
            times.push(None);
            continue;
        }
        let until = if sent.len() < usize::from(count) { due.min(end) } else { end };
        if now >= end {
            break;
        }
        let Ok(arrived) = tokio::time::timeout(until.saturating_duration_since(now), receive(&socket, raw)).await
        else {
            continue;
        };
        let Some(sequence) = arrived.and_then(|packet| reply(address, &packet, &token)) else { continue };
        if let (Some(slot @ None), Some(at)) = (times.get_mut(usize::from(sequence)), sent.get(usize::from(sequence))) {
            *slot = Some(at.elapsed());
            answered = answered.saturating_add(1);
        }
    }
    match refused {
        Some(e) if answered == 0 => Err(e),
        _ => Ok(times),
    }
}

/// A ping socket, else a raw one.
fn open(address: IpAddr) -> Result<(std::os::fd::OwnedFd, bool), String> {
    let (family, protocol) = match address {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    if let Ok(fd) = socket_with(family, SocketType::DGRAM, flags, Some(protocol)) {
        return Ok((fd, false));
    }
    socket_with(family, SocketType::RAW, flags, Some(protocol)).map(|fd| (fd, true)).map_err(|_| {
        "this machine lets nobody ping without rights: set net.ipv4.ping_group_range to \"0 2147483647\" with sysctl, or give the program the capability cap_net_raw".to_owned()
    })
}

/// One packet without its IP header. An unreachable network arrives as an error of the socket: no answer, and the next
/// may still come.
async fn receive(socket: &UdpSocket, raw: bool) -> Option<Vec<u8>> {
    let mut buffer = vec![0_u8; 1_500];
    let (length, _) = socket.recv_from(&mut buffer).await.ok()?;
    buffer.truncate(length);
    // A raw socket of IPv4 shows the IP header, whose length is in its first byte (RFC 791, section 3.1).
    let header = match buffer.first() {
        Some(first) if raw && first >> 4 == 4 => usize::from(first & 0x0f).saturating_mul(4),
        _ => 0,
    };
    buffer.get(header..).map(<[u8]>::to_vec)
}

/// An echo request. Ping sockets put in their own identifier, and the checksum with it.
fn request(address: IpAddr, sequence: u16, token: &[u8; TOKEN_BYTES]) -> Vec<u8> {
    let kind = if address.is_ipv4() { ECHO_V4 } else { ECHO_V6 };
    let [high, low] = sequence.to_be_bytes();
    let mut packet = vec![kind, 0, 0, 0, token[0], token[1], high, low];
    packet.extend_from_slice(token);
    packet.extend_from_slice(b"mainstay");
    if address.is_ipv4() {
        let sum = checksum(&packet).to_be_bytes();
        for (to, from) in packet.iter_mut().skip(2).zip(sum) {
            *to = from;
        }
    }
    packet
}

/// The sequence number of an answer to one of ours.
fn reply(address: IpAddr, packet: &[u8], token: &[u8; TOKEN_BYTES]) -> Option<u16> {
    let wanted = if address.is_ipv4() { ECHO_REPLY_V4 } else { ECHO_REPLY_V6 };
    let fits = packet.first() == Some(&wanted) && packet.get(8..8 + TOKEN_BYTES) == Some(token.as_slice());
    if !fits {
        return None;
    }
    packet.get(6..8).and_then(|two| <[u8; 2]>::try_from(two).ok()).map(u16::from_be_bytes)
}

/// The sum of RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let high = pair.first().copied().unwrap_or(0);
        let low = pair.get(1).copied().unwrap_or(0);
        sum = sum.wrapping_add(u32::from(u16::from_be_bytes([high, low])));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Judges round trips.
fn judge(icmp: &Icmp, address: IpAddr, times: &[Option<Duration>]) -> Seen {
    let came: Vec<f64> = times.iter().flatten().map(|time| ms(*time)).collect();
    let sent = times.len().max(1) as f64;
    let loss = 100.0 * (1.0 - came.len() as f64 / sent);
    let named = if icmp.host == address.to_string() { icmp.host.clone() } else { format!("{} ({address})", icmp.host) };
    if came.is_empty() {
        return Seen::bad(None, format!("{named} answers none of {} pings", times.len())).figure("loss_percent", 100.0);
    }
    let mean = came.iter().sum::<f64>() / came.len() as f64;
    let steps: Vec<f64> = came.iter().zip(came.iter().skip(1)).map(|(a, b)| (a - b).abs()).collect();
    let jitter = if steps.is_empty() { 0.0 } else { steps.iter().sum::<f64>() / steps.len() as f64 };
    let wrong = if loss > icmp.max_loss_percent {
        Some(format!(
            "{named} lost {loss:.0} % of {} pings, at most {} % may be lost",
            times.len(),
            icmp.max_loss_percent
        ))
    } else if let Some(max) = icmp.max_rtt_ms.filter(|max| mean > *max) {
        Some(format!("{named} answers in {mean:.1} ms, at most {max} ms are allowed"))
    } else {
        let max = icmp.max_jitter_ms.filter(|max| jitter > *max);
        max.map(|max| format!("{named} answers with a jitter of {jitter:.1} ms, at most {max} ms are allowed"))
    };
    let fine = format!("{named} answers in {mean:.1} ms, jitter {jitter:.1} ms, {loss:.0} % lost");
    let worst = came.iter().copied().fold(0.0, f64::max);
    Seen::judged(mean, wrong, fine).figure("loss_percent", loss).figure("jitter_ms", jitter).figure("rtt_max_ms", worst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn round_trips_are_judged_by_loss_time_and_jitter() {
        let at = |ms: u64| Some(Duration::from_millis(ms));
        let icmp = Icmp {
            host: "10.0.0.1".into(),
            max_loss_percent: 34.0,
            max_rtt_ms: Some(20.0),
            max_jitter_ms: Some(5.0),
            ..Icmp::default()
        };
        for (times, outcome, part) in [
            (vec![at(10), at(12), at(11)], Outcome::Good, "answers in 11.0 ms, jitter 1.5 ms, 0 % lost"),
            (vec![at(10), None, at(12)], Outcome::Good, "33 % lost"),
            (vec![at(10), None, None], Outcome::Bad, "lost 67 % of 3 pings"),
            (vec![None, None], Outcome::Bad, "answers none of 2 pings"),
            (vec![at(30), at(30)], Outcome::Bad, "answers in 30.0 ms, at most 20 ms"),
            (vec![at(1), at(19)], Outcome::Bad, "jitter of 18.0 ms"),
        ] {
            let seen = judge(&icmp, "10.0.0.1".parse().unwrap(), &times);
            assert_eq!(seen.outcome, outcome, "{}", seen.evidence);
            assert!(seen.evidence.contains(part), "{}", seen.evidence);
        }
    }

    #[test]
    fn only_answers_to_our_own_requests_count() {
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        let token = [7; TOKEN_BYTES];
        let mut packet = request(address, 515, &token);
        assert_eq!(checksum(&packet), 0, "a packet with its checksum sums to nothing");
        assert_eq!(reply(address, &packet, &token), None, "a request is no answer");
        packet[0] = ECHO_REPLY_V4;
        assert_eq!(reply(address, &packet, &token), Some(515));
        assert_eq!(reply(address, &packet, &[8; TOKEN_BYTES]), None);
        assert_eq!(reply(address, &packet[..10], &token), None);
    }
}
