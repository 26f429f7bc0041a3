//! The key of an SSH server: one exchange of keys (RFC 4253, sections 7 and 8; RFC 8731), in which the server signs with
//! the key that it shows. Nothing is encrypted, and the conversation ends there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{self, RsaPublicKeyComponents};

use super::wire::{put, put_number, receive, send, take, take_number};
use crate::talk::Talk;

/// How we say who we are.
pub(super) const VERSION: &str = "SSH-2.0-mainstay";

/// The kinds of keys, and the names of signatures that each of them makes, best first.
pub(super) const KINDS: [&str; 4] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "rsa-sha2-512,rsa-sha2-256"];

const EXCHANGES: &str = "curve25519-sha256,curve25519-sha256@libssh.org";
const CIPHERS: &str =
    "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com";
const MACS: &str = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";

/// A server's key that was proven.
#[derive(Debug)]
pub(super) struct Proven {
    /// SHA-256 of the key as OpenSSH writes it: `SHA256:` and Base64 without padding.
    pub(super) fingerprint: String,
    /// The names of signatures that the server can make.
    pub(super) offers: Vec<String>,
}

/// Exchanges keys after both versions were said. `kinds` are the names of signatures that will do.
pub(super) async fn prove(talk: &mut Talk, their_version: &str, kinds: &str) -> Result<Proven, String> {
    let random = SystemRandom::new();
    let mut cookie = [0; 16];
    random.fill(&mut cookie).map_err(|_| "no random numbers")?;
    let ours = opening(&cookie, kinds);
    send(talk, &ours).await?;
    let theirs = receive(talk).await?;
    let lists = name_lists(&theirs).ok_or("the server's offer cannot be read")?;
    let [exchanges, offers] = lists;
    agreed(EXCHANGES, &exchanges, "exchange of keys")?;
    agreed(kinds, &offers, "kind of key")?;
    let secret = EphemeralPrivateKey::generate(&X25519, &random).map_err(|_| "no random numbers")?;
    let public = secret.compute_public_key().map_err(|_| "no key of our own can be made")?;
    let mut question = vec![30];
    put(&mut question, public.as_ref());
    send(talk, &question).await?;
    let answer = receive(talk).await?;
    let broken = "the server's half of the exchange cannot be read";
    let Some((31, mut rest)) = answer.split_first().map(|(kind, rest)| (*kind, rest)) else {
        return Err(broken.into());
    };
    let mut part = || take(&mut rest).ok_or_else(|| broken.to_owned());
    let (key, their_public, signed) = (part()?, part()?, part()?);
    let mut text = Vec::with_capacity(4_096);
    for bytes in [VERSION.as_bytes(), their_version.as_bytes(), &ours, &theirs, key, public.as_ref(), their_public] {
        put(&mut text, bytes);
    }
    let shared = agree_ephemeral(secret, &UnparsedPublicKey::new(&X25519, their_public), |shared| {
        put_number(&mut text, shared);
    });
    shared.map_err(|_| "the server's half of the exchange is no point of the curve")?;
    verify(key, signed, kinds, digest(&SHA256, &text).as_ref())
        .ok_or("the server shows a key and does not prove that it has it")?;
    let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, key)));
    Ok(Proven { fingerprint, offers })
}

/// What we offer, as the first packet of the exchange.
fn opening(cookie: &[u8; 16], kinds: &str) -> Vec<u8> {
    let mut packet = vec![20];
    packet.extend_from_slice(cookie);
    for list in [EXCHANGES, kinds, CIPHERS, CIPHERS, MACS, MACS, "none", "none", "", ""] {
        put(&mut packet, list.as_bytes());
    }
    packet.extend_from_slice(&[0; 5]);
    packet
}

/// The server's exchanges and kinds of keys.
fn name_lists(packet: &[u8]) -> Option<[Vec<String>; 2]> {
    let mut rest = packet.strip_prefix(&[20])?.get(16..)?;
    let mut list = || Some(String::from_utf8_lossy(take(&mut rest)?).split(',').map(str::to_owned).collect());
    Some([list()?, list()?])
}

fn agreed(ours: &str, theirs: &[String], what: &str) -> Result<(), String> {
    if ours.split(',').any(|one| theirs.iter().any(|other| other == one)) {
        return Ok(());
    }
    let theirs = crate::text::shorten(&theirs.join(", "), 200);
    Err(format!("the server has no {what} that this check can follow, only {theirs}"))
}

/// Whether the key that was shown made this signature.
fn verify(key: &[u8], signed: &[u8], kinds: &str, hash: &[u8]) -> Option<()> {
    let (mut key, mut signed) = (key, signed);
    let kind = std::str::from_utf8(take(&mut key)?).ok()?;
    let name = std::str::from_utf8(take(&mut signed)?).ok()?;
    let signature = take(&mut signed)?;
    if !kinds.split(',').any(|one| one == name) {
        return None;
    }
    let plain = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8], signature: &[u8]| {
        signature::UnparsedPublicKey::new(algorithm, key).verify(hash, signature).ok()
    };
    match (kind, name) {
        ("ssh-ed25519", "ssh-ed25519") => plain(&signature::ED25519, take(&mut key)?, signature),
        ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
            take(&mut key)?;
            plain(&signature::ECDSA_P256_SHA256_FIXED, take(&mut key)?, &pair(signature, 32)?)
        }
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => {
            take(&mut key)?;
            plain(&signature::ECDSA_P384_SHA384_FIXED, take(&mut key)?, &pair(signature, 48)?)
        }
        ("ssh-rsa", "rsa-sha2-256" | "rsa-sha2-512") => {
            let (e, n) = (take_number(&mut key)?, take_number(&mut key)?);
            let scheme = if name == "rsa-sha2-256" {
                &signature::RSA_PKCS1_2048_8192_SHA256
            } else {
                &signature::RSA_PKCS1_2048_8192_SHA512
            };
            RsaPublicKeyComponents { n, e }.verify(scheme, hash, signature).ok()
        }
        _ => None,
    }
}

/// The two numbers of a signature, each of full width (RFC 5656, section 3.1.2).
fn pair(signature: &[u8], width: usize) -> Option<Vec<u8>> {
    let mut from = signature;
    let mut both = Vec::with_capacity(width * 2);
    for number in [take_number(&mut from)?, take_number(&mut from)?] {
        both.resize(both.len() + width.checked_sub(number.len())?, 0);
        both.extend_from_slice(number);
    }
    Some(both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    fn strings(parts: &[&[u8]]) -> Vec<u8> {
        let mut all = Vec::new();
        parts.iter().for_each(|part| put(&mut all, part));
        all
    }

    #[test]
    fn a_signature_counts_only_for_its_key_its_text_and_a_kind_that_was_asked_for() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = strings(&[b"ssh-ed25519", pair.public_key().as_ref()]);
        let signed = strings(&[b"ssh-ed25519", pair.sign(b"hash").as_ref()]);
        assert!(verify(&key, &signed, "ssh-ed25519", b"hash").is_some());
        assert!(verify(&key, &signed, "ssh-ed25519", b"other").is_none());
        assert!(verify(&key, &signed, KINDS[1], b"hash").is_none());
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let wrong = strings(&[b"ssh-ed25519", other.public_key().as_ref()]);
        assert!(verify(&wrong, &signed, "ssh-ed25519", b"hash").is_none());
        assert!(verify(b"", b"", KINDS[0], b"").is_none());
    }

    #[test]
    fn the_numbers_of_a_curve_signature_are_filled_up() {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap();
        let key = strings(&[KINDS[1].as_bytes(), b"nistp256", pair.public_key().as_ref()]);
        for _ in 0..300 {
            let raw = pair.sign(&random, b"hash").unwrap();
            let (r, s) = raw.as_ref().split_at(32);
            let mut both = Vec::new();
            put_number(&mut both, r);
            put_number(&mut both, s);
            assert!(verify(&key, &strings(&[KINDS[1].as_bytes(), &both]), KINDS[1], b"hash").is_some());
        }
    }
}
