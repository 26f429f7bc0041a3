//! The enrolment token: `mst1_<secret>_<digest>`, both base64url without padding. The secret is 16 random bytes, the
//! digest is the SHA-256 of the certificate authority's DER: there is no trust on first use.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

const PREFIX: &str = "mst1_";

/// What an administrator hands to a new machine.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken {
    /// Proves to the server that this machine may enrol.
    pub secret: [u8; 16],
    /// Proves to the machine that it talks to the right server: SHA-256 of the authority's certificate.
    pub authority_sha256: [u8; 32],
}

/// The text is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenError(&'static str);

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not an enrolment token: {}; copy it again from the server", self.0)
    }
}

impl std::error::Error for TokenError {}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken(..)")
    }
}

impl fmt::Display for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        write!(f, "{PREFIX}{}_{}", encode(&self.secret), encode(&self.authority_sha256))
    }
}

impl FromStr for EnrolmentToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(TokenError("it does not start with mst1_"))?;
        // The alphabet of base64url holds the separator too: the secret's 16 bytes are always 22 letters.
        let (secret, rest) = rest.split_at_checked(22).ok_or(TokenError("it is too short"))?;
        let digest = rest.strip_prefix('_').ok_or(TokenError("its parts are not separated by _"))?;
        Ok(Self {
            secret: decode(secret).ok_or(TokenError("its secret is damaged"))?,
            authority_sha256: decode(digest).ok_or(TokenError("its fingerprint is damaged"))?,
        })
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The SHA-256 of a certificate in DER form.
pub fn certificate_digest(der: &[u8]) -> [u8; 32] {
    sha256(&[der])
}

/// The SHA-256 of the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let joined = parts.concat();
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, &joined).as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_from_its_text() {
        for byte in [0, 0x5a, 0xfb, 0xff] {
            let token = EnrolmentToken { secret: [byte; 16], authority_sha256: [!byte; 32] };
            assert_eq!(token.to_string().parse(), Ok(token.clone()));
            assert_eq!(format!(" {token}\n").parse(), Ok(token));
        }
    }

    #[test]
    fn a_damaged_token_says_what_is_wrong() {
        let token = EnrolmentToken { secret: [1; 16], authority_sha256: [2; 32] }.to_string();
        let check = |text: &str, part: &str| {
            let error = text.parse::<EnrolmentToken>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("", "mst1_");
        check("mst2_x", "mst1_");
        check("mst1_abc", "too short");
        check("mst1_\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}_x", "damaged");
        check(&token.replacen("_Ag", ".Ag", 1), "separated");
        check(token.get(..60).unwrap(), "fingerprint is damaged");
        check(&format!("{token}A"), "fingerprint is damaged");
    }
}
