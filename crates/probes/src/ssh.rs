//! An SSH server answers with its version (RFC 4253, section 4.2), and has the key that it should have.

use outbound::Allowed;
use serde::{Deserialize, Serialize};

use crate::talk::Talk;
use crate::text::{ms, shorten};
use crate::{Around, Seen, guard};

mod key;
#[cfg(test)]
mod played;
mod wire;

/// Most lines before the version.
const LINES_MAX: usize = 50;

/// An SSH server answers. Value: milliseconds to its version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Ssh {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// A text that the version must hold, such as `OpenSSH`.
    pub expect: Option<String>,
    /// The fingerprint that one of its keys must have, `SHA256:` and Base64 as `ssh-keygen -lf` shows it.
    pub host_key: Option<String>,
}

impl Default for Ssh {
    fn default() -> Self {
        Self { host: String::new(), port: 22, expect: None, host_key: None }
    }
}

/// Refuses a text that is no fingerprint of a key.
///
/// # Errors
/// What would fit.
pub fn check_fingerprint(text: &str) -> Result<(), String> {
    let digest = text.strip_prefix("SHA256:").unwrap_or_default();
    let fits = digest.len() == 43 && digest.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    if fits { Ok(()) } else { Err("write it as ssh-keygen -lf shows it: SHA256: and 43 letters".into()) }
}

/// What was seen of a server.
struct Found {
    took: f64,
    version: String,
    /// Fingerprints of its keys up to the one that was expected; nothing when none was.
    keys: Vec<String>,
}

/// Looks.
pub(crate) async fn look(ssh: &Ssh, around: &Around) -> Seen {
    match find(ssh, around.allowed).await {
        Ok(found) => judge(ssh, &found),
        Err(e) => Seen::bad(None, e),
    }
}

async fn find(ssh: &Ssh, allowed: Allowed) -> Result<Found, String> {
    let start = std::time::Instant::now();
    let mut talk = Talk::plain(guard::connect(&ssh.host, ssh.port, allowed).await?.stream);
    let version = version(&mut talk).await?;
    // A polite end when this is all: the server would log a broken conversation.
    let said = talk.say(format!("{}\r\n", key::VERSION).as_bytes()).await;
    let mut found = Found { took: ms(start.elapsed()), version, keys: Vec::new() };
    let Some(expected) = &ssh.host_key else { return Ok(found) };
    said?;
    let first = key::prove(&mut talk, &found.version, &key::KINDS.join(",")).await?;
    found.keys.push(first.fingerprint);
    // A server has several keys, and shows the first of those that are asked for.
    for kind in key::KINDS {
        let offered = kind.split(',').any(|name| first.offers.iter().any(|offer| offer == name));
        if found.keys.contains(expected) || !offered {
            continue;
        }
        // What goes wrong here changes nothing: the first key is known, and is another.
        if let Ok(shown) = again(ssh, allowed, kind).await
            && !found.keys.contains(&shown)
        {
            found.keys.push(shown);
        }
    }
    Ok(found)
}

/// The key of one kind, over a new connection.
async fn again(ssh: &Ssh, allowed: Allowed, kind: &str) -> Result<String, String> {
    let mut talk = Talk::plain(guard::connect(&ssh.host, ssh.port, allowed).await?.stream);
    let version = version(&mut talk).await?;
    talk.say(format!("{}\r\n", key::VERSION).as_bytes()).await?;
    Ok(key::prove(&mut talk, &version, kind).await?.fingerprint)
}

async fn version(talk: &mut Talk) -> Result<String, String> {
    for _ in 0..LINES_MAX {
        let line = talk.line().await?;
        if line.starts_with("SSH-") {
            return Ok(line);
        }
    }
    Err(format!("no version came within {LINES_MAX} lines"))
}

fn judge(ssh: &Ssh, found: &Found) -> Seen {
    let shown = shorten(&found.version, 200);
    let wrong = if !found.version.starts_with("SSH-2.0-") && !found.version.starts_with("SSH-1.99-") {
        Some(format!("{shown} is no version of SSH 2"))
    } else if let Some(expect) = ssh.expect.as_ref().filter(|expect| !found.version.contains(expect.as_str())) {
        Some(format!("{shown} does not contain {expect:?}"))
    } else {
        let other = ssh.host_key.as_ref().filter(|expected| !found.keys.contains(*expected));
        other.map(|expected| format!("the host key is {}, not {expected}", found.keys.join(" and ")))
    };
    let fine = match &ssh.host_key {
        Some(expected) => format!("{shown} with the host key {expected}"),
        None => shown.clone(),
    };
    Seen::judged(found.took, wrong, fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn found(version: &str, keys: &[&str]) -> Found {
        Found { took: 1.0, version: version.into(), keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    #[test]
    fn a_version_is_judged() {
        let ssh = Ssh { expect: Some("OpenSSH_9".into()), ..Ssh::default() };
        for (version, outcome) in [
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2", Outcome::Good),
            ("SSH-1.99-OpenSSH_9.2", Outcome::Good),
            ("SSH-2.0-OpenSSH_8.4", Outcome::Bad),
            ("SSH-1.5-OpenSSH_9.2", Outcome::Bad),
        ] {
            assert_eq!(judge(&ssh, &found(version, &[])).outcome, outcome, "{version}");
        }
    }

    #[test]
    fn another_host_key_is_bad_and_both_are_named() {
        let ssh = Ssh { host_key: Some("SHA256:b".into()), ..Ssh::default() };
        let seen = judge(&ssh, &found("SSH-2.0-x", &["SHA256:a", "SHA256:b"]));
        assert_eq!((seen.outcome, seen.evidence.as_str()), (Outcome::Good, "SSH-2.0-x with the host key SHA256:b"));
        let seen = judge(&ssh, &found("SSH-2.0-x", &["SHA256:a"]));
        assert_eq!((seen.outcome, seen.evidence.as_str()), (Outcome::Bad, "the host key is SHA256:a, not SHA256:b"));
        assert!(check_fingerprint("SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8").is_ok());
        for wrong in ["", "MD5:16:27:ac", "nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8", "SHA256:short"] {
            assert!(check_fingerprint(wrong).is_err(), "{wrong}");
        }
    }
}
