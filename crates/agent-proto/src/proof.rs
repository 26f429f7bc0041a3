//! The answer to a challenge: a signature over the server's nonce *and* the TLS session's exported key material
//! (RFC 8446 section 7.5, RFC 5705), so that a proof relayed through another connection is worth nothing.

use crate::sign::{Signature, SigningKey, verify};

/// The label under which both sides export key material from their TLS session, without a context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-mainstay-agent";
/// Bytes to export.
pub const TLS_EXPORT_BYTES: usize = 32;

/// What a proof is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in with a known key.
    Prove,
    /// Presenting a new key together with a token.
    Enrol,
}

impl Purpose {
    fn context(self) -> &'static str {
        match self {
            Self::Prove => "mainstay agent prove v1",
            Self::Enrol => "mainstay agent enrol v1",
        }
    }
}

/// Signs the challenge of this connection.
pub fn prove(key: &SigningKey, purpose: Purpose, nonce: &[u8; 32], tls_export: &[u8; TLS_EXPORT_BYTES]) -> Signature {
    key.sign(purpose.context(), &[nonce, tls_export, &key.public()])
}

/// Was this challenge, on this connection, signed by that key?
pub fn verify_proof(
    public_key: &[u8; 32],
    purpose: Purpose,
    nonce: &[u8; 32],
    tls_export: &[u8; TLS_EXPORT_BYTES],
    signature: &Signature,
) -> bool {
    verify(public_key, purpose.context(), &[nonce, tls_export, public_key], signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_its_own_nonce_session_purpose_and_key_only() {
        let (key, _) = SigningKey::generate().unwrap();
        let (other, _) = SigningKey::generate().unwrap();
        let proof = prove(&key, Purpose::Prove, &[1; 32], &[2; 32]);
        let check = |key: &SigningKey, purpose, nonce: u8, export: u8| {
            verify_proof(&key.public(), purpose, &[nonce; 32], &[export; 32], &proof)
        };
        assert!(check(&key, Purpose::Prove, 1, 2));
        assert!(!check(&key, Purpose::Prove, 9, 2), "another nonce");
        assert!(!check(&key, Purpose::Prove, 1, 9), "another TLS session");
        assert!(!check(&key, Purpose::Enrol, 1, 2), "another purpose");
        assert!(!check(&other, Purpose::Prove, 1, 2), "another key");
    }
}
