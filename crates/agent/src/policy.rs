//! The machine's own policy: a file that its administrator writes and that beats the server. Without it the agent only
//! observes. `[[allow]]` names what the server's signature alone may do (class A); a pinned approver opens the rest
//! (class B); `[[never]]` beats both.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use agent_proto::{Action, Class, Job, ServiceVerb};
use probes::plugin::Permit;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::clock::CLOCKS_APART_US_MAX;
use crate::files;

/// What this machine lets its agent do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Monitoring plugins that checks may run, without rights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<Plugin>,
    /// Allowed with the server's signature alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Rule>,
    /// Never done, whoever signs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<Rule>,
    /// Whose signature over the plan opens everything that no rule names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Approver>,
    /// Whose signature on a release lets it take the place of the agent's program.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub release_keys: Vec<Approver>,
}

/// A plugin that checks may run: its path, or its whole folder as `/usr/lib/nagios/plugins/*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum Plugin {
    /// With any arguments that the server sends.
    Any(String),
    /// With these arguments only.
    Bound {
        /// Its path, or its folder.
        path: String,
        /// One by one: `*` in a word stands for any text in it, a last word `**` for any further arguments.
        arguments: Vec<String>,
    },
}

impl Plugin {
    pub(crate) fn permit(&self) -> Permit {
        match self {
            Self::Any(path) => Permit::any(path),
            Self::Bound { path, arguments } => Permit { path: path.clone(), arguments: Some(arguments.clone()) },
        }
    }
}

/// One rule: a command, a service or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum Rule {
    /// Program and arguments, word for word. A final `*` stands for any further arguments.
    Command {
        /// The words.
        command: Vec<String>,
        /// Names of variables that the job may set; none unless named.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        env: Vec<String>,
    },
    /// A systemd unit.
    Service {
        /// Its name with suffix.
        service: String,
        /// What may be asked for; all of them when left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        verbs: Vec<Verb>,
    },
    /// A request, word for word.
    Http {
        /// `GET`, `POST`, ..
        method: String,
        /// The whole address.
        url: String,
    },
}

/// What may be asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Restart it.
    Restart,
    /// Reload it.
    Reload,
}

/// A person, or a place where releases are signed, whose key this machine trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// For people.
    pub name: String,
    /// The Ed25519 public key, 64 hexadecimal digits.
    pub public_key: String,
}

/// The policy as it was found, with what must be reported about it.
pub(crate) struct Found {
    pub(crate) policy: Policy,
    /// SHA-256 of the file.
    pub(crate) digest: [u8; 32],
    /// Why the file is not followed, if it is not.
    pub(crate) trouble: Option<String>,
}

/// Reads the policy. A file that cannot be trusted or understood means: observe only, and say why.
pub(crate) fn find(path: &Path) -> Found {
    let (bytes, trouble) = match files::read_if_there(path) {
        Ok(bytes) => (bytes.unwrap_or_default(), writable_by_others(path)),
        Err(e) => (Vec::new(), Some(format!("the policy {} cannot be read: {e}", path.display()))),
    };
    let mut sum = [0; 32];
    for (to, from) in sum.iter_mut().zip(digest(&SHA256, &bytes).as_ref()) {
        *to = *from;
    }
    let parsed = std::str::from_utf8(&bytes).map_err(|e| e.to_string()).and_then(Policy::parse);
    let (policy, trouble) = match (parsed, trouble) {
        (Ok(policy), None) => (policy, None),
        (_, Some(trouble)) => (Policy::default(), Some(trouble)),
        (Err(e), None) => (Policy::default(), Some(format!("the policy {} has a mistake: {e}", path.display()))),
    };
    Found { policy, digest: sum, trouble }
}

fn writable_by_others(path: &Path) -> Option<String> {
    let file = path.metadata().ok()?;
    if let Some(why) = not_ours(file.uid(), rustix::process::geteuid().as_raw()) {
        return Some(format!("the policy {} {why}", path.display()));
    }
    let open = file.mode() & 0o022 != 0;
    open.then(|| format!("the policy {} can be written by others; use chmod go-w on it", path.display()))
}

/// An owner can always write, whatever the mode says: only root and whom the agent runs as may be it.
fn not_ours(owner: u32, us: u32) -> Option<&'static str> {
    (owner != 0 && owner != us).then_some("belongs to another user; use chown on it")
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// The mistake, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        let keys = policy.approvers.iter().chain(&policy.release_keys);
        match keys.clone().find(|holder| holder.key().is_none()) {
            Some(holder) => Err(format!("the key of {} is not 64 hexadecimal digits", holder.name)),
            None => Ok(policy),
        }
    }

    /// Writes a policy file that [`Policy::parse`] reads back.
    ///
    /// # Errors
    /// The policy cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, String> {
        toml::to_string_pretty(self).map_err(|e| e.to_string())
    }

    /// The keys whose releases may take the place of the agent's program.
    pub(crate) fn release_keys(&self) -> Vec<[u8; 32]> {
        self.release_keys.iter().filter_map(Approver::key).collect()
    }

    pub(crate) fn classes_allowed(&self) -> Vec<Class> {
        let a = (!self.allow.is_empty()).then_some(Class::A);
        let b = (!self.approvers.is_empty()).then_some(Class::B);
        a.into_iter().chain(b).collect()
    }

    /// May this job run? Signature, target, plan and time were judged before; `server_us` and `wall_us` are the two
    /// clocks, which must agree where an approval's end is to be judged.
    pub(crate) fn judge(&self, job: &Job, server_us: i64, wall_us: i64) -> Result<(), String> {
        if self.never.iter().any(|rule| rule.matches(&job.action, Strictness::Program)) {
            return Err("the machine's policy says never".into());
        }
        if job.action.is_observation() {
            return Ok(());
        }
        let named = self.allow.iter().any(|rule| rule.matches(&job.action, Strictness::Environment));
        if named && job.class == Class::A {
            return Ok(());
        }
        let Some(approval) = &job.approval else {
            let next = "add a rule to its policy, or have the plan signed by an approver it pins";
            return Err(format!("the machine's policy does not name this action; {next}"));
        };
        if !self.approvers.iter().any(|approver| approver.key() == Some(approval.public_key)) {
            return Err("the machine's policy does not pin this approver's key".into());
        }
        if server_us.saturating_sub(wall_us).saturating_abs() > CLOCKS_APART_US_MAX {
            return Err("this machine's clock and the server's are too far apart to judge an approval".into());
        }
        if wall_us > approval.not_after_us {
            return Err("the approval is over by this machine's clock".into());
        }
        Ok(())
    }
}

/// How a command rule looks at the environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// Not at all: what must never run must not run with another variable either.
    Program,
    /// Every variable must be named: a free environment is a way to run something else.
    Environment,
}

impl Rule {
    fn matches(&self, action: &Action, strictness: Strictness) -> bool {
        match (self, action) {
            (Self::Command { command, env }, Action::Command { argv, env: wanted, .. }) => {
                let free = strictness == Strictness::Program;
                words_match(command, argv) && (free || wanted.iter().all(|(name, _)| env.contains(name)))
            }
            (Self::Service { service, verbs }, Action::Service { unit, verb }) => {
                service == unit && (verbs.is_empty() || verbs.iter().any(|allowed| allowed.is(*verb)))
            }
            (Self::Http { method, url }, Action::Http { method: wanted, url: target, .. }) => {
                method == wanted && url == target
            }
            _ => false,
        }
    }
}

fn words_match(pattern: &[String], argv: &[String]) -> bool {
    match pattern.split_last() {
        Some((star, start)) if star == "*" && !start.is_empty() => argv.starts_with(start),
        Some(_) => pattern == argv,
        None => false,
    }
}

impl Verb {
    fn is(self, verb: ServiceVerb) -> bool {
        matches!(
            (self, verb),
            (Self::Start, ServiceVerb::Start)
                | (Self::Stop, ServiceVerb::Stop)
                | (Self::Restart, ServiceVerb::Restart)
                | (Self::Reload, ServiceVerb::Reload)
        )
    }
}

impl Approver {
    fn key(&self) -> Option<[u8; 32]> {
        agent_proto::unhex(&self.public_key)
    }
}

#[cfg(test)]
mod tests;
