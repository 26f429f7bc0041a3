//! Who this agent is: its private key, and what it was told at enrolment. Both are files that only its user may read.

use std::path::{Path, PathBuf};

use agent_proto::{Enrolled, SigningKey, hex, unhex, unhex_any};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;

const TRUST: &str = "trust.json";

/// Reads the agent's key, or makes it at the first start. The key never leaves this machine.
pub(crate) fn key(dir: &Path) -> Result<SigningKey, Error> {
    let path = dir.join("key");
    let seed = match files::read_if_there(&path).map_err(|e| Error::io("read the key", &path, &e))? {
        Some(bytes) => std::str::from_utf8(&bytes).ok().and_then(|text| unhex(text.trim())).ok_or_else(|| {
            Error::new(format!("the key in {} is damaged; restore it, or remove it and enrol again", path.display()))
        })?,
        None => {
            let (_, seed) = SigningKey::generate().ok_or_else(|| Error::new("the system gives no random numbers"))?;
            files::create(&path, hex(&seed).as_bytes()).map_err(|e| Error::io("keep the key in", &path, &e))?;
            seed
        }
    };
    SigningKey::from_seed(&seed).ok_or_else(|| Error::new("the key cannot be used"))
}

/// What the agent keeps from its enrolment. The executor writes it once; only the trust is renewed, by the collector and
/// in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrolment {
    pub(crate) agent_id: [u8; 16],
    pub(crate) server_public_key: [u8; 32],
    /// Certificate authorities in DER form: current and next.
    pub(crate) trust: Vec<Vec<u8>>,
    pub(crate) servers: Vec<String>,
}

/// The trust bundle as the server last renewed it, if it did.
pub(crate) fn renewed_trust(home: &Path) -> Option<Vec<Vec<u8>>> {
    let bytes = files::read_if_there(&home.join(TRUST)).ok()??;
    let ders: Vec<String> = serde_json::from_slice(&bytes).ok()?;
    ders.iter().map(|der| unhex_any(der)).collect()
}

/// Keeps a renewed trust bundle.
pub(crate) fn keep_trust(home: &Path, trust: &[Vec<u8>]) -> Result<(), Error> {
    let path = home.join(TRUST);
    let ders: Vec<String> = trust.iter().map(|der| hex(der)).collect();
    let json = serde_json::to_vec_pretty(&ders).map_err(|e| Error::new(e.to_string()))?;
    files::replace(&path, &json).map_err(|e| Error::io("keep the trust bundle in", &path, &e))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolmentFile {
    agent_id: String,
    server_public_key: String,
    trust: Vec<String>,
    servers: Vec<String>,
}

impl Enrolment {
    pub(crate) fn new(enrolled: Enrolled, servers: Vec<String>) -> Self {
        let Enrolled { agent_id, server_public_key, trust, pending: _ } = enrolled;
        Self { agent_id, server_public_key, trust, servers }
    }

    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, Error> {
        let path = Self::path(dir);
        let Some(bytes) = files::read_if_there(&path).map_err(|e| Error::io("read", &path, &e))? else {
            return Ok(None);
        };
        let read = || {
            let file: EnrolmentFile = serde_json::from_slice(&bytes).ok()?;
            Some(Self {
                agent_id: unhex(&file.agent_id)?,
                server_public_key: unhex(&file.server_public_key)?,
                trust: file.trust.iter().map(|der| unhex_any(der)).collect::<Option<_>>()?,
                servers: file.servers,
            })
        };
        match read() {
            Some(enrolment) => Ok(Some(enrolment)),
            None => Err(Error::new(format!("{} is damaged; remove it and enrol again", path.display()))),
        }
    }

    /// Writes it; there must be none yet.
    pub(crate) fn save(&self, dir: &Path) -> Result<(), Error> {
        let file = EnrolmentFile {
            agent_id: hex(&self.agent_id),
            server_public_key: hex(&self.server_public_key),
            trust: self.trust.iter().map(|der| hex(der)).collect(),
            servers: self.servers.clone(),
        };
        let path = Self::path(dir);
        let json = serde_json::to_vec_pretty(&file).map_err(|e| Error::new(e.to_string()))?;
        files::create(&path, &json).map_err(|e| Error::io("keep the enrolment in", &path, &e))
    }

    fn path(dir: &Path) -> PathBuf {
        dir.join("enrolment.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let first = key(folder.path()).unwrap().public();
        assert_eq!(key(folder.path()).unwrap().public(), first);
        let mode = folder.path().join("key").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.path().join("key"), "short").unwrap();
        assert!(key(folder.path()).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn a_renewed_trust_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(renewed_trust(folder.path()), None);
        keep_trust(folder.path(), &[vec![0x30, 0]]).unwrap();
        assert_eq!(renewed_trust(folder.path()), Some(vec![vec![0x30, 0]]));
    }

    #[test]
    fn the_enrolment_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Enrolment::load(folder.path()), Ok(None));
        let enrolment = Enrolment {
            agent_id: [1; 16],
            server_public_key: [2; 32],
            trust: vec![vec![0x30, 0], vec![]],
            servers: vec!["wss://a/agent".into()],
        };
        enrolment.save(folder.path()).unwrap();
        let other = Enrolment { server_public_key: [3; 32], ..enrolment.clone() };
        assert!(other.save(folder.path()).is_err(), "it is written once");
        assert_eq!(Enrolment::load(folder.path()), Ok(Some(enrolment)));
        std::fs::write(folder.path().join("enrolment.json"), "{}").unwrap();
        assert!(Enrolment::load(folder.path()).is_err());
    }
}
