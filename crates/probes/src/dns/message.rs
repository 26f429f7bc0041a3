//! Questions and answers of DNS as bytes (RFC 1035, section 4; SRV of RFC 2782). Names in answers may point backwards
//! only, so that none of them goes round in a circle.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Kinds of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Addresses of IPv4.
    #[default]
    A,
    /// Addresses of IPv6.
    Aaaa,
    /// Another name.
    Cname,
    /// Mail servers, as `10 mx.example.org`.
    Mx,
    /// Name servers.
    Ns,
    /// Texts.
    Txt,
    /// Services, as `priority weight port host`.
    Srv,
    /// The name of an address.
    Ptr,
    /// The zone, as `primary contact serial refresh retry expire minimum`.
    Soa,
}

impl Record {
    /// Every kind.
    pub const ALL: [Self; 9] =
        [Self::A, Self::Aaaa, Self::Cname, Self::Mx, Self::Ns, Self::Txt, Self::Srv, Self::Ptr, Self::Soa];

    /// The word of zone files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Txt => "TXT",
            Self::Srv => "SRV",
            Self::Ptr => "PTR",
            Self::Soa => "SOA",
        }
    }

    const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Soa => 6,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
            Self::Srv => 33,
        }
    }
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The response code in words, such as `NXDOMAIN`.
    pub rcode: String,
    /// The records of the wanted kind, as texts.
    pub values: Vec<String>,
    /// The shortest time that one of them may be kept, in seconds.
    pub ttl_s: Option<u32>,
    /// It did not fit, and the rest was cut off.
    pub cut: bool,
    /// Every record that was announced was read.
    pub whole: bool,
}

const CODES: [&str; 6] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const RECORDS_MAX: usize = 1_000;
const POINTERS_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 255;

/// The name that is asked for: an address becomes its name below `arpa` (RFC 1035, section 3.5; RFC 3596, section 2.5).
pub(super) fn asked_name(name: &str, record: Record) -> String {
    match (record, name.parse::<IpAddr>()) {
        (Record::Ptr, Ok(IpAddr::V4(v4))) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        (Record::Ptr, Ok(IpAddr::V6(v6))) => {
            let digits: Vec<String> =
                v6.octets().iter().rev().map(|byte| format!("{:x}.{:x}", byte & 15, byte >> 4)).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
        _ => name.to_owned(),
    }
}

/// One question, asking the server to find out for us, with room for 1,232 bytes (RFC 6891; DNS flag day 2020).
pub(super) fn question(id: u16, name: &str, record: Record) -> Result<Vec<u8>, String> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend_from_slice(&[0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|length| *length <= 63);
        out.push(length.ok_or_else(|| format!("{label} is longer than 63 bytes"))?);
        out.extend_from_slice(label.as_bytes());
    }
    if out.len() > NAME_BYTES_MAX {
        return Err(format!("{name} is longer than {NAME_BYTES_MAX} bytes"));
    }
    out.push(0);
    out.extend_from_slice(&record.number().to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    Ok(out)
}

/// Reads the answer to a question.
pub(super) fn answer(bytes: &[u8], question: &[u8]) -> Result<Answer, String> {
    parse(bytes, question).ok_or_else(|| "the answer cannot be read".to_owned())
}

fn parse(bytes: &[u8], question: &[u8]) -> Option<Answer> {
    let mut at = Cursor { bytes, at: 0 };
    let (_, flags) = (at.u16()?, at.u16()?);
    let (questions, answers) = (at.u16()?, at.u16()?);
    at.skip(4)?;
    if flags & 0x8000 == 0 || questions != 1 {
        return None;
    }
    at.name()?;
    let wanted = at.u16()?;
    at.skip(2)?;
    // The question comes back: an answer to another one is no answer.
    if !bytes.get(12..at.at)?.eq_ignore_ascii_case(question.get(12..at.at)?) {
        return None;
    }
    let code = usize::from(flags & 15);
    let rcode = CODES.get(code).map_or_else(|| format!("RCODE{code}"), |word| (*word).to_owned());
    let mut found = Answer { rcode, cut: flags & 0x0200 != 0, whole: true, ..Answer::default() };
    for _ in 0..usize::from(answers).min(RECORDS_MAX) {
        let Some((kind, ttl, value)) = record(&mut at) else {
            found.whole = false;
            break;
        };
        if kind == wanted {
            found.values.push(value);
            found.ttl_s = Some(found.ttl_s.map_or(ttl, |least: u32| least.min(ttl)));
        }
    }
    found.values.sort_unstable();
    Some(found)
}

fn record(at: &mut Cursor<'_>) -> Option<(u16, u32, String)> {
    at.name()?;
    let kind = at.u16()?;
    at.skip(2)?;
    let ttl = at.u32()?;
    let length = usize::from(at.u16()?);
    let end = at.at.checked_add(length).filter(|end| *end <= at.bytes.len())?;
    let data = at.bytes.get(at.at..end)?;
    let value = match kind {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).to_string(),
        28 => Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).to_string(),
        2 | 5 | 12 => at.name()?,
        15 => format!("{} {}", at.u16()?, at.name()?),
        33 => format!("{} {} {} {}", at.u16()?, at.u16()?, at.u16()?, at.name()?),
        16 => text(data),
        6 => {
            let (primary, contact) = (at.name()?, at.name()?);
            format!("{primary} {contact} {} {} {} {} {}", at.u32()?, at.u32()?, at.u32()?, at.u32()?, at.u32()?)
        }
        _ => String::new(),
    };
    at.at = end;
    Some((kind, ttl, value))
}

/// The parts of a text, put together.
fn text(mut data: &[u8]) -> String {
    let mut out = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let length = usize::from(*length).min(rest.len());
        let (part, rest) = rest.split_at(length);
        out.extend_from_slice(part);
        data = rest;
    }
    String::from_utf8_lossy(&out).into_owned()
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let from = self.at;
        self.skip(N)?;
        self.bytes.get(from..self.at)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A name, following pointers backwards; the cursor ends behind it where it began.
    fn name(&mut self) -> Option<String> {
        let mut out = String::new();
        let (mut at, mut behind, mut pointers) = (self.at, None, 0_usize);
        loop {
            let length = *self.bytes.get(at)?;
            match length {
                0 => {
                    self.at = behind.unwrap_or(at.checked_add(1)?);
                    return Some(if out.is_empty() { ".".into() } else { out });
                }
                1..=63 => {
                    let from = at.checked_add(1)?;
                    at = from.checked_add(usize::from(length))?;
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(&String::from_utf8_lossy(self.bytes.get(from..at)?));
                    if out.len() > 4 * NAME_BYTES_MAX {
                        return None;
                    }
                }
                0xc0.. => {
                    let low = *self.bytes.get(at.checked_add(1)?)?;
                    behind = behind.or(Some(at.checked_add(2)?));
                    let to = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    pointers = pointers.saturating_add(1);
                    if to >= at || pointers > POINTERS_MAX {
                        return None;
                    }
                    at = to;
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An answer to `question` with these records: kind, data.
    pub(crate) fn answering(question: &[u8], flags: u16, records: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let end = question.len() - 11;
        let mut out = question[..end].to_vec();
        out[2..4].copy_from_slice(&flags.to_be_bytes());
        out[7] = records.len() as u8;
        out[11] = 0;
        for (kind, data) in records {
            out.extend([0xc0, 12]);
            out.extend(kind.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 60]);
            out.extend((data.len() as u16).to_be_bytes());
            out.extend(data);
        }
        out
    }

    #[test]
    fn every_kind_of_record_becomes_a_text() {
        let name = |text: &str| {
            let mut out = Vec::new();
            for label in text.split('.') {
                out.push(label.len() as u8);
                out.extend(label.as_bytes());
            }
            out.push(0);
            out
        };
        for (record, data, text) in [
            (Record::A, vec![192, 0, 2, 7], "192.0.2.7"),
            (Record::Aaaa, vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "2001:db8::1"),
            (Record::Cname, vec![3, b'w', b'w', b'w', 0xc0, 12], "www.example.org"),
            (Record::Ns, name("ns.example.org"), "ns.example.org"),
            (Record::Mx, [vec![0, 10], name("mx.example.org")].concat(), "10 mx.example.org"),
            (Record::Txt, b"\x04v=sp\x02f1".to_vec(), "v=spf1"),
            (Record::Srv, [vec![0, 1, 0, 2, 1, 187], name("s.example.org")].concat(), "1 2 443 s.example.org"),
            (Record::Soa, [name("a"), name("b"), vec![0; 19], vec![9]].concat(), "a b 0 0 0 0 9"),
        ] {
            let question = question(7, "example.org", record).unwrap();
            let read = answer(&answering(&question, 0x8180, &[(record.number(), data)]), &question).unwrap();
            assert!(read.whole);
            assert_eq!((read.rcode.as_str(), read.values, read.ttl_s), ("NOERROR", vec![text.to_owned()], Some(60)));
        }
    }

    #[test]
    fn an_address_is_asked_for_by_its_name_below_arpa() {
        assert_eq!(asked_name("192.0.2.7", Record::Ptr), "7.2.0.192.in-addr.arpa");
        assert!(
            asked_name("2001:db8::1", Record::Ptr).starts_with("1.0.0.0.")
                && asked_name("2001:db8::1", Record::Ptr).ends_with("8.b.d.0.1.0.0.2.ip6.arpa")
        );
        assert_eq!(asked_name("192.0.2.7", Record::A), "192.0.2.7");
    }

    #[test]
    fn circles_cuts_and_answers_to_other_questions_are_refused() {
        let question = question(7, "example.org", Record::Cname).unwrap();
        let circle = answering(&question, 0x8180, &[(5, vec![0xc0, 40])]);
        let circle = answer(&circle, &question).unwrap();
        assert!(circle.values.is_empty() && !circle.whole);
        let good = answering(&question, 0x8180, &[(5, vec![1, b'a', 0])]);
        for end in 0..good.len() {
            let _ = answer(&good[..end], &question);
            let mut changed = good.clone();
            changed[end] ^= 0xff;
            let _ = answer(&changed, &question);
        }
        let other = super::question(7, "example.net", Record::Cname).unwrap();
        assert!(answer(&good, &other).is_err());
        assert!(answer(&answering(&question, 0x0100, &[]), &question).is_err(), "a question is no answer");
        assert_eq!(answer(&answering(&question, 0x8183, &[]), &question).unwrap().rcode, "NXDOMAIN");
        assert!(super::question(7, &"x".repeat(64), Record::A).is_err());
    }
}
