//! What a certificate says of itself: names, issuer and dates (RFC 5280, section 4.1; DER of ITU-T X.690). It is read to
//! be shown and to count days; whether it is to be trusted is for webpki to say.

use std::net::IpAddr;

/// What was read from a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The name of its owner: the common name, else the organisation.
    pub subject: String,
    /// Who issued it, in the same way.
    pub issuer: String,
    /// From when it holds, in seconds of Unix time.
    pub not_before_s: i64,
    /// Until when it holds, in seconds of Unix time.
    pub not_after_s: i64,
    /// The DNS names that it is for.
    pub names: Vec<String>,
    /// The addresses that it is for.
    pub addresses: Vec<IpAddr>,
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
const NAMES_MAX: usize = 200;

/// Reads a certificate in DER form; `None` when it is none.
pub fn read(der: &[u8]) -> Option<Certificate> {
    let mut outer = Reader(Reader(der).expect(SEQUENCE)?);
    let mut body = Reader(outer.expect(SEQUENCE)?);
    let (tag, _) = body.next()?;
    if tag == VERSION {
        body.expect(INTEGER)?;
    }
    body.expect(SEQUENCE)?;
    let issuer = name(body.expect(SEQUENCE)?);
    let mut dates = Reader(body.expect(SEQUENCE)?);
    let not_before_s = time(dates.next()?)?;
    let not_after_s = time(dates.next()?)?;
    let subject = name(body.expect(SEQUENCE)?);
    body.expect(SEQUENCE)?;
    let mut read = Certificate { subject, issuer, not_before_s, not_after_s, ..Certificate::default() };
    while let Some((tag, content)) = body.next() {
        if tag == EXTENSIONS {
            alternatives(content, &mut read);
        }
    }
    Some(read)
}

/// Tag, length, content: one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let count = usize::from(*first & 0x7f);
            let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
            let length = digits.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, rest.get(count..)?)
        };
        let content = rest.get(..length)?;
        self.0 = rest.get(length..)?;
        Some((*tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// The common name of a distinguished name, else its organisation.
fn name(content: &[u8]) -> String {
    let mut sets = Reader(content);
    let (mut common, mut organisation) = (None, None);
    while let Some((_, set)) = sets.next() {
        let mut pairs = Reader(set);
        while let Some(pair) = pairs.expect(SEQUENCE) {
            let mut pair = Reader(pair);
            let (Some((_, kind)), Some((_, value))) = (pair.next(), pair.next()) else { continue };
            let value = String::from_utf8_lossy(value).into_owned();
            match kind {
                COMMON_NAME => common = Some(value),
                ORGANISATION => organisation = Some(value),
                _ => {}
            }
        }
    }
    common.or(organisation).unwrap_or_default()
}

fn alternatives(content: &[u8], into: &mut Certificate) {
    let mut list = Reader(Reader(content).expect(SEQUENCE).unwrap_or_default());
    while let Some(extension) = list.expect(SEQUENCE) {
        let mut extension = Reader(extension);
        if extension.next().is_none_or(|(_, kind)| kind != ALTERNATIVE_NAME) {
            continue;
        }
        // A flag may stand between the kind and the value.
        let mut value = extension.next();
        if value.is_some_and(|(tag, _)| tag == 0x01) {
            value = extension.next();
        }
        let mut names = Reader(value.and_then(|(_, octets)| Reader(octets).expect(SEQUENCE)).unwrap_or_default());
        while let Some((tag, value)) = names.next() {
            match tag {
                0x82 if into.names.len() < NAMES_MAX => into.names.push(String::from_utf8_lossy(value).into_owned()),
                0x87 if into.addresses.len() < NAMES_MAX => into.addresses.extend(address(value)),
                _ => {}
            }
        }
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(octets).ok().map(IpAddr::from)
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time((tag, content): (u8, &[u8])) -> Option<i64> {
    let digits = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: i64 = digits.get(..2)?.parse().ok()?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, digits.get(2..)?)
        }
        GENERALIZED_TIME => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2).and_then(|two| two.parse::<i64>().ok());
    let seconds = part(4)? * 3_600 + part(6)? * 60 + part(8).unwrap_or(0);
    Some(days_from_civil(year, part(0)?, part(2)?) * 86_400 + seconds)
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The day of a moment, as `2026-03-09`; the inverse of the above.
pub fn day(at_s: i64) -> String {
    let days = at_s.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

impl Certificate {
    /// True when it is for this name or address (RFC 6125: a star stands for one whole first label).
    pub fn is_for(&self, name: &str) -> bool {
        if let Ok(address) = name.parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let name = name.trim_end_matches('.');
        self.names.iter().any(|known| match known.strip_prefix("*.") {
            Some(rest) => name.split_once('.').is_some_and(|(_, tail)| tail.eq_ignore_ascii_case(rest)),
            None => known.eq_ignore_ascii_case(name),
        })
    }

    /// The names and addresses that it is for, as evidence.
    pub fn is_for_words(&self) -> String {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let mut all: Vec<String> = self.names.iter().cloned().chain(addresses).take(5).collect();
        if all.is_empty() {
            all.push("no name".into());
        }
        all.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (Vec<u8>, Certificate) {
        let names = vec!["www.example.org".to_owned(), "*.example.net".to_owned(), "192.0.2.7".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "www.example.org");
        params.not_before = rcgen::date_time_ymd(2024, 2, 29);
        params.not_after = rcgen::date_time_ymd(2051, 12, 1);
        let der = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let read = read(&der).unwrap();
        (der, read)
    }

    #[test]
    fn names_addresses_and_dates_are_read() {
        let (_, read) = made();
        assert_eq!(read.subject, "www.example.org");
        assert_eq!((day(read.not_before_s), day(read.not_after_s)), ("2024-02-29".into(), "2051-12-01".into()));
        assert_eq!(read.not_before_s, 1_709_164_800);
        for (name, fits) in [
            ("www.example.org", true),
            ("WWW.example.org.", true),
            ("a.example.net", true),
            ("a.b.example.net", false),
            ("example.net", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
        ] {
            assert_eq!(read.is_for(name), fits, "{name}");
        }
    }

    #[test]
    fn a_cut_or_changed_certificate_is_refused_or_read_and_never_a_panic() {
        let (der, _) = made();
        for end in 0..der.len() {
            let _ = read(&der[..end]);
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = der.clone();
                changed[end] = byte;
                let _ = read(&changed);
            }
        }
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x30\x84\xff\xff\xff\xff"), None);
    }

    #[test]
    fn days_go_both_ways() {
        for (at, text) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (-1, "1969-12-31"), (4_102_444_800, "2100-01-01")]
        {
            assert_eq!(day(at), text);
        }
    }
}
