//! An SSH server answers with its version (RFC 4253, section 4.2). Keys are not looked at.

use serde::{Deserialize, Serialize};

use crate::talk::Talk;
use crate::text::{ms, shorten};
use crate::{Seen, guard};

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
}

impl Default for Ssh {
    fn default() -> Self {
        Self { host: String::new(), port: 22, expect: None }
    }
}

/// Looks.
pub(crate) async fn look(ssh: &Ssh) -> Seen {
    let start = std::time::Instant::now();
    let version = match guard::connect(&ssh.host, ssh.port).await {
        Ok(connected) => version(&mut Talk::plain(connected.stream)).await,
        Err(e) => Err(e),
    };
    let took = ms(start.elapsed());
    match version {
        Ok(version) => judge(ssh, took, &version),
        Err(e) => Seen::bad(None, e),
    }
}

async fn version(talk: &mut Talk) -> Result<String, String> {
    for _ in 0..LINES_MAX {
        let line = talk.line().await?;
        if line.starts_with("SSH-") {
            // A polite end: the server would log a broken conversation.
            let _ = talk.say(b"SSH-2.0-mainstay\r\n").await;
            return Ok(line);
        }
    }
    Err(format!("no version came within {LINES_MAX} lines"))
}

fn judge(ssh: &Ssh, took: f64, version: &str) -> Seen {
    let shown = shorten(version, 200);
    let wrong = if !version.starts_with("SSH-2.0-") && !version.starts_with("SSH-1.99-") {
        Some(format!("{shown} is no version of SSH 2"))
    } else {
        let missing = ssh.expect.as_ref().filter(|expect| !version.contains(expect.as_str()));
        missing.map(|expect| format!("{shown} does not contain {expect:?}"))
    };
    Seen::judged(took, wrong, shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn a_version_is_judged() {
        let ssh = Ssh { expect: Some("OpenSSH_9".into()), ..Ssh::default() };
        for (version, outcome) in [
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2", Outcome::Good),
            ("SSH-1.99-OpenSSH_9.2", Outcome::Good),
            ("SSH-2.0-OpenSSH_8.4", Outcome::Bad),
            ("SSH-1.5-OpenSSH_9.2", Outcome::Bad),
        ] {
            assert_eq!(judge(&ssh, 1.0, version).outcome, outcome, "{version}");
        }
    }
}
