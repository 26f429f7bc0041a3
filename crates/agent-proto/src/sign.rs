//! Ed25519 (RFC 8032) keys and signatures. Every signed text starts with a context string that ends in a zero byte, so
//! that a signature made for one purpose is worth nothing for another.

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An Ed25519 signature, 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut halves = [[0; 32]; 2];
        for (half, part) in halves.iter_mut().zip(self.0.chunks_exact(32)) {
            half.copy_from_slice(part);
        }
        halves.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let halves = <[[u8; 32]; 2]>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        for (part, half) in bytes.chunks_exact_mut(32).zip(halves) {
            part.copy_from_slice(&half);
        }
        Ok(Self(bytes))
    }
}

/// A private key. It is made from, and stored as, its 32-byte seed.
pub struct SigningKey(Ed25519KeyPair);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:02x?}..)", self.public().first_chunk::<4>())
    }
}

impl SigningKey {
    /// Makes a new key from the system's randomness. Returns it with its seed, which is the secret to store.
    /// `None` when the system has no randomness to give.
    pub fn generate() -> Option<(Self, [u8; 32])> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).ok()?;
        Some((Self::from_seed(&seed)?, seed))
    }

    /// The key of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed).ok().map(Self)
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        let mut public = [0; 32];
        for (to, from) in public.iter_mut().zip(self.0.public_key().as_ref()) {
            *to = *from;
        }
        public
    }

    /// Signs a context and the parts that belong to it.
    pub fn sign(&self, context: &str, parts: &[&[u8]]) -> Signature {
        let mut bytes = [0; 64];
        let made = self.0.sign(&signed_text(context, parts));
        for (to, from) in bytes.iter_mut().zip(made.as_ref()) {
            *to = *from;
        }
        Signature(bytes)
    }
}

/// Is this the signature of that key over context and parts?
pub fn verify(public_key: &[u8; 32], context: &str, parts: &[&[u8]], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(&signed_text(context, parts), &signature.0).is_ok()
}

/// Context, zero byte, then each part behind its length, so that no two lists of parts give the same text.
fn signed_text(context: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::with_capacity(context.len() + 1 + parts.iter().map(|part| part.len() + 8).sum::<usize>());
    text.extend_from_slice(context.as_bytes());
    text.push(0);
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_le_bytes());
        text.extend_from_slice(part);
    }
    text
}
