//! Passwords: the rules for new ones, and Argon2id (RFC 9106; 19 MiB, two passes, one lane, as OWASP recommends).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use kernel::{Error, PrepareCx, Result};

/// Fewest characters of a new password.
pub(crate) const CHARS_MIN: usize = 12;
/// Most bytes of a password; longer ones are refused before any work is done.
const BYTES_MAX: usize = 1_000;

/// A hash that no password has: checking it costs what a real check costs, so that unknown logins are not told apart.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bWFpbnN0YXktbm9ib2R5cw$w7DRTmEM8z8tcXpN4VlvIc0mOsZ8v4hnUG3ErhTbQyg";

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| Error::internal("argon2-params", error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Refuses a new password that is too short, too long, or the login itself.
pub(crate) fn check(field: &str, password: &str, login: &str) -> Result<()> {
    if password.chars().count() < CHARS_MIN {
        return Err(Error::invalid(field, format!("Use at least {CHARS_MIN} characters. Several words are good.")));
    }
    if password.len() > BYTES_MAX {
        return Err(Error::invalid(field, format!("Use at most {BYTES_MAX} bytes.")));
    }
    let plain = password.trim().to_lowercase();
    let login = login.trim().to_lowercase();
    let repeats = !login.is_empty() && plain.replace(&login, "").chars().count() < 4;
    let uniform = plain.chars().next().is_some_and(|first| plain.chars().all(|c| c == first));
    if repeats || uniform {
        return Err(Error::invalid(field, "This is too easy to guess from the login. Use other words."));
    }
    Ok(())
}

/// The stored form of a new password. Takes about 40 ms: only for `prepare`.
pub(crate) fn hash(cx: &PrepareCx<'_>, password: &str) -> Result<String> {
    let salt: [u8; 16] = cx.kernel.random()?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| Error::internal("argon2-salt", error))?;
    let hash = hasher()?.hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| Error::internal("argon2", error))
}

/// Whether a password is the one behind a stored form; an empty form has none. Takes the same time in every case.
pub(crate) fn verify(stored: &str, password: &str) -> Result<bool> {
    let known = !stored.is_empty() && password.len() <= BYTES_MAX;
    let parsed = PasswordHash::new(if known { stored } else { NOBODYS })
        .map_err(|error| Error::internal("argon2-stored-hash", error))?;
    let tried: &[u8] = if password.len() <= BYTES_MAX { password.as_bytes() } else { b"" };
    let right = hasher()?.verify_password(tried, &parsed).is_ok();
    Ok(known && right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_long_and_not_the_login() {
        assert!(check("password", "correct horse battery", "sam").is_ok());
        for (password, login) in [
            ("short", "sam"),
            ("elevenchars", "sam"),
            ("sam.reyes.long", "sam.reyes.long"),
            ("Sam.Reyes.Long12", "sam.reyes.long"),
            ("aaaaaaaaaaaaaaaa", "sam"),
            (&"x".repeat(1_001), "sam"),
        ] {
            assert_eq!(
                check("password", password, login).unwrap_err().field.as_deref(),
                Some("password"),
                "{password}"
            );
        }
    }

    #[test]
    fn nobodys_hash_is_well_formed_and_no_password_opens_it() {
        assert!(PasswordHash::new(NOBODYS).is_ok());
        for password in ["", "password", "mainstay-nobodys"] {
            assert!(!verify("", password).unwrap());
            assert!(!verify(NOBODYS, password).unwrap());
        }
    }
}
