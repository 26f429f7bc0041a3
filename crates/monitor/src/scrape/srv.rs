//! SRV records (RFC 2782): which hosts offer a service, and on which port. A question over UDP, and over TCP when the
//! answer was cut (RFC 1035, RFC 7766); the resolvers are those of the machine. Addresses come from the system's resolver.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// How long one resolver may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Most records of an answer.
const RECORDS_MAX: usize = 1_000;
/// Most resolvers that are asked.
const RESOLVERS_MAX: usize = 3;
/// Most pointers in one name.
const POINTERS_MAX: usize = 32;

const SRV: u16 = 33;
const INTERNET: u16 = 1;

/// Hosts and ports that offer a service. `number` marks the question.
///
/// # Errors
/// In words: nobody answered, or the answer is damaged or says no.
pub(super) fn look_up(name: &str, number: u16) -> Result<Vec<(String, u16)>, String> {
    look_up_at(&resolvers(), name, number)
}

fn look_up_at(resolvers: &[SocketAddr], name: &str, number: u16) -> Result<Vec<(String, u16)>, String> {
    let question = question(name, number).ok_or_else(|| format!("{name} is no name"))?;
    let mut why = "this machine names no resolver in /etc/resolv.conf".to_owned();
    for resolver in resolvers {
        let told = by_udp(*resolver, &question).and_then(|answer| match read(&answer, number) {
            Err(Unread::Cut) => read(&by_tcp(*resolver, &question)?, number).map_err(|unread| unread.words(name)),
            outcome => outcome.map_err(|unread| unread.words(name)),
        });
        match told {
            Ok(found) => return Ok(found),
            Err(error) => why = error,
        }
    }
    Err(format!("{name} cannot be looked up: {why}"))
}

fn resolvers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let servers = servers.filter_map(|text| text.trim().parse::<IpAddr>().ok());
    servers.take(RESOLVERS_MAX).map(|ip| SocketAddr::new(ip, 53)).collect()
}

fn question(name: &str, number: u16) -> Option<Vec<u8>> {
    let mut out = number.to_be_bytes().to_vec();
    // Recursion is wanted; one question.
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        out.push(length);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out.extend_from_slice(&SRV.to_be_bytes());
    out.extend_from_slice(&INTERNET.to_be_bytes());
    (out.len() <= 12 + 255 + 4).then_some(out)
}

fn by_udp(resolver: SocketAddr, question: &[u8]) -> Result<Vec<u8>, String> {
    let any: SocketAddr = if resolver.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let ask = || {
        let socket = UdpSocket::bind(any)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(resolver)?;
        socket.send(question)?;
        let mut answer = vec![0; 4_096];
        let length = socket.recv(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    };
    ask().map_err(|error: std::io::Error| format!("{resolver} does not answer: {error}"))
}

fn by_tcp(resolver: SocketAddr, question: &[u8]) -> Result<Vec<u8>, String> {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&resolver, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut sent = u16::try_from(question.len()).unwrap_or(0).to_be_bytes().to_vec();
        sent.extend_from_slice(question);
        stream.write_all(&sent)?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length)).min(ANSWER_BYTES_MAX)];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().map_err(|error: std::io::Error| format!("{resolver} does not answer over TCP: {error}"))
}

#[derive(Debug, PartialEq, Eq)]
enum Unread {
    Cut,
    Refused(u8),
    Damaged,
}

impl Unread {
    fn words(&self, name: &str) -> String {
        match self {
            Self::Cut => "the answer is cut short".to_owned(),
            Self::Refused(3) => format!("there is no name {name}"),
            Self::Refused(code) => format!("the resolver answers with the code {code}"),
            Self::Damaged => "the answer cannot be read".to_owned(),
        }
    }
}

/// Reads the records of an answer to question `number`.
fn read(answer: &[u8], number: u16) -> Result<Vec<(String, u16)>, Unread> {
    let word = |at: usize| {
        let two = answer.get(at..at.checked_add(2)?)?;
        Some(u16::from_be_bytes(two.try_into().ok()?))
    };
    let part = |found: Option<u16>| found.ok_or(Unread::Damaged);
    let flags = part(word(2))?;
    if part(word(0))? != number || flags & 0x8000 == 0 {
        return Err(Unread::Damaged);
    }
    if flags & 0x0200 != 0 {
        return Err(Unread::Cut);
    }
    if flags & 0xf != 0 {
        return Err(Unread::Refused(u8::try_from(flags & 0xf).unwrap_or(0)));
    }
    let mut at = 12;
    for _ in 0..part(word(4))? {
        at = name(answer, at).ok_or(Unread::Damaged)?.1 + 4;
    }
    let mut found = Vec::new();
    for _ in 0..usize::from(part(word(6))?).min(RECORDS_MAX) {
        at = name(answer, at).ok_or(Unread::Damaged)?.1;
        let (kind, length) = (part(word(at))?, usize::from(part(word(at + 8))?));
        let data = at + 10;
        if kind == SRV {
            let port = part(word(data + 4))?;
            let (host, _) = name(answer, data + 6).ok_or(Unread::Damaged)?;
            // A single dot says that the service is not offered.
            if !host.is_empty() && port > 0 {
                found.push((host, port));
            }
        }
        at = data + length;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The name at a place and where what follows it begins.
fn name(answer: &[u8], mut at: usize) -> Option<(String, usize)> {
    let (mut text, mut after, mut pointers) = (String::new(), None, 0);
    loop {
        let length = usize::from(*answer.get(at)?);
        match length {
            0 => return Some((text, after.unwrap_or(at + 1))),
            0xc0.. => {
                let low = usize::from(*answer.get(at + 1)?);
                after = after.or(Some(at + 2));
                at = (length & 0x3f) << 8 | low;
                pointers += 1;
                if pointers > POINTERS_MAX {
                    return None;
                }
            }
            64.. => return None,
            _ => {
                let label = std::str::from_utf8(answer.get(at + 1..at + 1 + length)?).ok()?;
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(label);
                if text.len() > 255 {
                    return None;
                }
                at += 1 + length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with one question and SRV records whose hosts point at the question's domain.
    fn answer(number: u16, records: &[(&str, u16)]) -> Vec<u8> {
        let mut out = question("_metrics._tcp.example.org", number).unwrap();
        out[2..4].copy_from_slice(&[0x81, 0x80]);
        out[7] = u8::try_from(records.len()).unwrap();
        for (host, port) in records {
            let domain = 12 + 1 + "_metrics".len() + 1 + "_tcp".len();
            let host_bytes = 1 + host.len() + 2;
            out.extend_from_slice(&[
                0xc0,
                12,
                0,
                33,
                0,
                1,
                0,
                0,
                0,
                60,
                0,
                u8::try_from(6 + host_bytes).unwrap(),
                0,
                1,
                0,
                1,
            ]);
            out.extend_from_slice(&port.to_be_bytes());
            out.push(u8::try_from(host.len()).unwrap());
            out.extend_from_slice(host.as_bytes());
            out.extend_from_slice(&[0xc0, u8::try_from(domain).unwrap()]);
        }
        out
    }

    #[test]
    fn hosts_and_ports_are_read_and_damage_never_panics() {
        let whole = answer(7, &[("db-02", 9_100), ("db-01", 9_100), ("db-01", 9_100)]);
        let hosts = vec![("db-01.example.org".to_owned(), 9_100), ("db-02.example.org".to_owned(), 9_100)];
        assert_eq!(read(&whole, 7), Ok(hosts));
        assert_eq!(read(&whole, 8), Err(Unread::Damaged));
        for end in 0..whole.len() {
            assert!(read(&whole[..end], 7).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                drop(read(&damaged, 7));
            }
        }
        let mut circle = whole.clone();
        circle[12..14].copy_from_slice(&[0xc0, 12]);
        assert_eq!(read(&circle, 7), Err(Unread::Damaged));
        let mut cut = whole.clone();
        cut[2] |= 2;
        assert_eq!(read(&cut, 7), Err(Unread::Cut));
        let mut unknown = whole;
        unknown[3] |= 3;
        assert_eq!(read(&unknown, 7), Err(Unread::Refused(3)));
        assert!(question(&"a".repeat(64), 1).is_none() && question("a..b", 1).is_none());
    }

    #[test]
    fn an_answer_that_was_cut_is_asked_for_again_over_tcp() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = std::net::TcpListener::bind(address).unwrap();
        let server = std::thread::spawn(move || {
            let mut asked = [0; 512];
            let (length, from) = udp.recv_from(&mut asked).unwrap();
            let mut cut = asked[..length].to_vec();
            cut[2..4].copy_from_slice(&[0x83, 0x80]);
            udp.send_to(&cut, from).unwrap();
            let (mut stream, _) = tcp.accept().unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            stream.read_exact(&mut asked[..usize::from(u16::from_be_bytes(length))]).unwrap();
            let answer = answer(9, &[("web-01", 9_100)]);
            stream.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
        });
        let found = look_up_at(&[address], "_metrics._tcp.example.org", 9);
        assert_eq!(found, Ok(vec![("web-01.example.org".to_owned(), 9_100)]));
        server.join().unwrap();
    }
}
