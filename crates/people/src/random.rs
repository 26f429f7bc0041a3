//! Secrets that leave the house once: 256 random bits as text, of which only the hash is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Kernel, Result};

/// 256 random bits in the URL-safe alphabet.
pub(crate) fn secret(kernel: &Kernel) -> Result<String> {
    let bits: [u8; 32] = kernel.random()?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// What is stored of a secret: SHA-256 in hexadecimal. Enough for 256 random bits; not for passwords.
pub(crate) fn fingerprint(secret: &str) -> String {
    kernel::text::sha256_hex(secret.as_bytes())
}
