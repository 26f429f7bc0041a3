//! Where the agent keeps its things and which servers it may call.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::collector;
use crate::error::Error;
use crate::files;
use crate::link::Address;

/// The disk ring's size when nothing else is said.
const RING_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Below this the ring could not keep one message of each lane.
const RING_BYTES_LEAST: u64 = 256 * 1024;
/// How long a new version may take until a server has acknowledged it, and within what that may be chosen.
const TRIAL: Duration = Duration::from_secs(300);
const TRIAL_LEAST: Duration = Duration::from_secs(10);
const TRIAL_MOST: Duration = Duration::from_secs(3_600);

/// How to run an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The agent's own folder: key, enrolment, ring, journal. Made private when it does not exist.
    pub dir: PathBuf,
    /// Addresses such as `wss://mainstay.example.org:7301/agent`, tried in turn. Empty: those of the enrolment.
    pub servers: Vec<String>,
    /// The machine's own policy file. When it does not exist the agent only observes.
    pub policy_path: PathBuf,
    /// Enrols with this token when the machine is not enrolled yet.
    pub token: Option<String>,
    /// An HTTP proxy, `http://[user:password@]host:port`, through which servers are reached with CONNECT.
    pub proxy: Option<String>,
    /// Most bytes that wait on disk for the server.
    pub ring_bytes_max: u64,
    /// End when the process that started this one ends.
    pub end_with_parent: bool,
    /// Whom the collector runs as when root starts the agent. `None`: `mainstay-agent`, or else `nobody`.
    pub user: Option<String>,
    /// Files and folders besides the agent's own that no check looks into.
    pub closed: Vec<PathBuf>,
    /// The program that runs is the agent's own, so that a signed release may take its place.
    pub updates: bool,
    /// How long a new version may take until a server has acknowledged it.
    pub trial: Duration,
}

/// `agent.toml` in the agent's folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    servers: Vec<String>,
    policy: Option<PathBuf>,
    proxy: Option<String>,
    ring_bytes_max: Option<u64>,
    user: Option<String>,
    trial_s: Option<u64>,
}

impl Config {
    /// The settings of a folder: its `agent.toml` if it has one, or else what suits everyone.
    ///
    /// # Errors
    /// The file cannot be read or has a mistake, which is named with its line.
    pub fn load(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        if collector::is_this() {
            // The executor read it, and says what it says; this process may not be able to.
            return Ok(Self::blank(dir));
        }
        let path = dir.join("agent.toml");
        let bytes = files::read_if_there(&path).map_err(|e| Error::io("read", &path, &e))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let file: ConfigFile =
            toml::from_str(&text).map_err(|e| Error::new(format!("{} has a mistake: {e}", path.display())))?;
        let blank = Self::blank(dir);
        Ok(Self {
            servers: file.servers,
            policy_path: file.policy.unwrap_or(blank.policy_path),
            proxy: file.proxy,
            ring_bytes_max: file.ring_bytes_max.unwrap_or(blank.ring_bytes_max),
            user: file.user,
            trial: file.trial_s.map_or(blank.trial, Duration::from_secs),
            ..blank
        })
    }

    /// What suits everyone.
    pub(crate) fn blank(dir: PathBuf) -> Self {
        Self {
            servers: Vec::new(),
            policy_path: dir.join("policy.toml"),
            token: None,
            proxy: None,
            ring_bytes_max: RING_BYTES_MAX,
            end_with_parent: false,
            user: None,
            closed: Vec::new(),
            updates: false,
            trial: TRIAL,
            dir,
        }
    }

    /// Takes the token from a file, or else as it was given.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn take_token(&mut self, given: Option<String>, file: Option<&Path>) -> Result<(), Error> {
        self.token = match file {
            None => given,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| Error::io("read the token in", path, &e))?;
                Some(text.trim().to_owned())
            }
        };
        Ok(())
    }

    /// What no check looks into, by real paths: the agent's own folder and what was named.
    pub(crate) fn really_closed(&self) -> Vec<PathBuf> {
        let real = |path: &PathBuf| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
        [&self.dir].into_iter().chain(&self.closed).filter_map(real).collect()
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.ring_bytes_max < RING_BYTES_LEAST {
            return Err(Error::new(format!("ring_bytes_max is below {RING_BYTES_LEAST}; make it larger")));
        }
        if !(TRIAL_LEAST..=TRIAL_MOST).contains(&self.trial) {
            let (least, most) = (TRIAL_LEAST.as_secs(), TRIAL_MOST.as_secs());
            return Err(Error::new(format!("trial_s is not between {least} and {most}; change it in agent.toml")));
        }
        for server in &self.servers {
            Address::parse(server)?;
        }
        files::make_folder(&self.dir).map_err(|e| Error::io("make the folder", &self.dir, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("agent.toml"), text).unwrap();
        Config::load(folder.path())
    }

    #[test]
    fn a_folder_without_a_file_has_settings_that_suit_everyone() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::load(folder.path()).unwrap();
        assert_eq!(config.ring_bytes_max, RING_BYTES_MAX);
        assert_eq!(config.policy_path, folder.path().join("policy.toml"));
        config.validate().unwrap();
    }

    #[test]
    fn a_mistake_in_the_file_is_named() {
        let error = load("server = [\"wss://a\"]").unwrap_err().to_string();
        assert!(error.contains("unknown field `server`"), "{error}");
        let config = load("servers = [\"http://a\"]").unwrap();
        assert!(config.validate().unwrap_err().to_string().contains("wss://"));
        assert!(load("ring_bytes_max = 1").unwrap().validate().is_err());
    }
}
