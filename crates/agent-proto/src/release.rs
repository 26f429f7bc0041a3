//! Releases of the agent's program: signed with a key that no server holds, judged by a key that the machine's own policy
//! pins. A signed release is a small text file beside the program.

use std::cmp::Ordering;
use std::fmt;

use crate::hex::{hex, unhex};
use crate::limits::{RELEASE_BYTES_MAX, RELEASE_TEXT_BYTES_MAX};
use crate::sign::{Signature, SigningKey, verify};
use crate::v1::{Release, SignedRelease};

const CONTEXT: &str = "mainstay agent release v1";
const HEAD: &str = "mainstay-release 1";

/// Signs a release.
pub fn sign_release(release: Release, key: &SigningKey) -> SignedRelease {
    let signature = signed(&release, |parts| key.sign(CONTEXT, parts));
    SignedRelease { release, public_key: key.public(), signature }
}

/// Is this the signature of the key it names?
pub fn verify_release(signed_release: &SignedRelease) -> bool {
    let SignedRelease { release, public_key, signature } = signed_release;
    signed(release, |parts| verify(public_key, CONTEXT, parts, signature))
}

fn signed<T>(release: &Release, with: impl FnOnce(&[&[u8]]) -> T) -> T {
    let Release { version, target, size_bytes, sha256, downgrade } = release;
    with(&[version.as_bytes(), target.as_bytes(), &size_bytes.to_le_bytes(), sha256, &[u8::from(*downgrade)]])
}

/// What is wrong with a release in itself, if something is.
pub fn unsound(release: &Release) -> Option<&'static str> {
    let word = |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if Version::parse(&release.version).is_none() || release.version.len() > 64 {
        Some("its version is not like 1.4.0 or 1.4.0-rc.1")
    } else if release.target.is_empty() || !word(&release.target) {
        Some("its target is not like x86_64-unknown-linux-gnu")
    } else if release.size_bytes == 0 || release.size_bytes > RELEASE_BYTES_MAX {
        Some("its program is empty or longer than 64 MiB")
    } else {
        None
    }
}

/// How two versions stand to each other; nothing when one of them is no version.
pub fn compare_versions(one: &str, other: &str) -> Option<Ordering> {
    Some(Version::parse(one)?.cmp(&Version::parse(other)?))
}

/// A version as it is ordered: numbers, then a version before its end (`-rc.1`) ahead of the one without.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Version<'a> {
    numbers: [u64; 3],
    /// A finished one comes last.
    finished: bool,
    before: Vec<Part<'a>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(u64),
    Word(&'a str),
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (numbers, before) = text.split_once('-').map_or((text, None), |(numbers, rest)| (numbers, Some(rest)));
        let mut parts = numbers.split('.').map(number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        if parts.next().is_some() {
            return None;
        }
        let before = match before {
            None => Vec::new(),
            Some(rest) => rest.split('.').map(part).collect::<Option<_>>()?,
        };
        Some(Self { numbers, finished: before.is_empty(), before })
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn part(text: &str) -> Option<Part<'_>> {
    let sound = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then(|| number(text).map_or(Part::Word(text), Part::Number))
}

/// The text beside a program is not a signed release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseError(&'static str);

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not a signed release: {}; make it with \"mainstay release sign\"", self.0)
    }
}

impl std::error::Error for ReleaseError {}

impl fmt::Display for SignedRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, public_key, signature } = self;
        writeln!(f, "{HEAD}\nversion {}\ntarget {}\nsize {}", release.version, release.target, release.size_bytes)?;
        writeln!(f, "sha256 {}\ndowngrade {}", hex(&release.sha256), if release.downgrade { "yes" } else { "no" })?;
        writeln!(f, "key {}\nsignature {}", hex(public_key), hex(&signature.0))
    }
}

impl std::str::FromStr for SignedRelease {
    type Err = ReleaseError;

    /// Reads the text and verifies its signature by the key it names.
    fn from_str(text: &str) -> Result<Self, ReleaseError> {
        if text.len() > RELEASE_TEXT_BYTES_MAX {
            return Err(ReleaseError("it is too long"));
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(ReleaseError("it does not begin with mainstay-release 1"));
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let mut fields = || {
            let version = field("version")?.to_owned();
            let target = field("target")?.to_owned();
            let size_bytes = number(field("size")?)?;
            let sha256 = unhex(field("sha256")?)?;
            let downgrade = match field("downgrade")? {
                "yes" => true,
                "no" => false,
                _ => return None,
            };
            let release = Release { version, target, size_bytes, sha256, downgrade };
            let (public_key, signature) = (unhex(field("key")?)?, Signature(unhex(field("signature")?)?));
            Some(Self { release, public_key, signature })
        };
        let read = fields().ok_or(ReleaseError("a line is missing or damaged"))?;
        if lines.next().is_some() {
            return Err(ReleaseError("something follows its signature"));
        }
        if !verify_release(&read) {
            return Err(ReleaseError("its signature does not hold"));
        }
        match unsound(&read.release) {
            Some(why) => Err(ReleaseError(why)),
            None => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SignedRelease {
        let target = "x86_64-unknown-linux-gnu".to_owned();
        let release = Release { version: "1.4.0".into(), target, size_bytes: 9, sha256: [3; 32], downgrade: false };
        sign_release(release, &SigningKey::from_seed(&[5; 32]).unwrap())
    }

    #[test]
    fn versions_are_ordered_by_number_and_what_comes_before_an_end_is_older() {
        let order = ["0.1.0", "0.9.0", "0.10.0-alpha", "0.10.0-rc.2", "0.10.0-rc.10", "0.10.0-rc.x", "0.10.0", "1.0.0"];
        for pair in order.windows(2) {
            assert_eq!(compare_versions(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
            assert_eq!(compare_versions(pair[1], pair[0]), Some(Ordering::Greater), "{pair:?}");
        }
        assert_eq!(compare_versions("1.2.3", "1.2.3"), Some(Ordering::Equal));
        for wrong in ["", "1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3", "1.2.3-", "1.2.3-a..b", "1.2.+3", "1.2.3-a b"] {
            assert_eq!(compare_versions(wrong, "1.0.0"), None, "{wrong}");
        }
    }

    #[test]
    fn every_word_of_a_release_is_signed() {
        let good = sample();
        assert!(verify_release(&good));
        let with = |change: fn(&mut Release)| {
            let mut changed = good.clone();
            change(&mut changed.release);
            verify_release(&changed)
        };
        assert!(!with(|release| release.version = "1.5.0".into()));
        assert!(!with(|release| release.target.push('x')));
        assert!(!with(|release| release.size_bytes += 1));
        assert!(!with(|release| release.sha256[31] ^= 1));
        assert!(!with(|release| release.downgrade = true));
        assert!(!verify_release(&SignedRelease { public_key: [1; 32], ..good }));
    }

    #[test]
    fn the_text_of_a_release_is_read_back_and_a_changed_one_is_not() {
        let good = sample();
        let text = good.to_string();
        assert_eq!(text.parse(), Ok(good));
        let refused = |text: &str| text.parse::<SignedRelease>().unwrap_err().to_string();
        assert!(refused(&text.replace("1.4.0", "1.4.1")).contains("signature does not hold"));
        assert!(refused(&format!("{text}more\n")).contains("follows"));
        assert!(refused(&text.replace("size 9", "size nine")).contains("damaged"));
        assert!(refused("").contains("begin"));
        assert!(refused(&"x".repeat(RELEASE_TEXT_BYTES_MAX + 1)).contains("too long"));
        let odd = Release { version: "new".into(), ..sample().release };
        let odd = sign_release(odd, &SigningKey::from_seed(&[5; 32]).unwrap());
        assert!(refused(&odd.to_string()).contains("version"));
    }
}
