//! What a check looks at: kinds with typed parameters, checked field by field.

use std::collections::BTreeMap;

use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod arguments;
mod checked;
pub(crate) mod fields;
mod kind;
mod records;
mod secrets;
mod words;

pub(crate) use fields::Given;
pub use kind::Kind;
pub(crate) use secrets::{SEALED, SealedRequest, Secrets};

use crate::heartbeat::Heartbeat;

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Probe {
    /// A web address answers as expected.
    Http(Box<probes::http::Http>),
    /// A certificate is good and stays so for a while.
    Tls(probes::tls::Tls),
    /// A port takes connections, and perhaps answers as told.
    Tcp(probes::tcp::Tcp),
    /// A host answers to pings.
    Icmp(probes::icmp::Icmp),
    /// A name has the records it should have.
    Dns(probes::dns::Dns),
    /// A mail server takes mail.
    Smtp(probes::mail::Mail),
    /// A mailbox server lets people in.
    Imap(probes::mail::Mail),
    /// An SSH server answers.
    Ssh(probes::ssh::Ssh),
    /// A PostgreSQL server answers a query.
    Postgres(Box<probes::database::Database>),
    /// A MySQL or MariaDB server answers a query.
    Mysql(Box<probes::database::Database>),
    /// A job that should run again and again said so.
    Heartbeat(Heartbeat),
    /// At least so many processes run.
    Process {
        /// Name of the process.
        process: Option<String>,
        /// A text in its command line, instead of the name.
        command_line: Option<String>,
        /// Fewest that must run.
        #[serde(default = "one")]
        min_count: u32,
    },
    /// The unit is active.
    Unit {
        /// Name with its suffix.
        unit: String,
    },
    /// The file system is filled no further.
    FileSystem {
        /// Mount point.
        mount: String,
        /// Highest percentage in use.
        #[serde(default = "ninety")]
        max_used_percent: f64,
    },
    /// The file system will not be full soon.
    FillUp {
        /// Mount point.
        mount: String,
        /// Hours until it is full that are too few.
        #[serde(default = "two_days")]
        full_within_h: f64,
    },
    /// A file has the age and size it should have.
    File(probes::file::File),
    /// A log has no new lines of a kind.
    Log(probes::log::Log),
    /// A monitoring plugin is content.
    Plugin(probes::plugin::Plugin),
    /// The agent of the host sent something lately.
    Silent {
        /// Seconds without a message that are too many.
        #[serde(default = "silent_after")]
        silent_after_s: i64,
    },
    /// A rule over series gives none with these labels.
    Rule {
        /// The rule.
        rule: i64,
        /// The labels of its alert.
        labels: BTreeMap<String, String>,
    },
    /// Monitoring itself does what it should.
    Own {
        /// Which part of it.
        part: Part,
    },
}

/// A part of monitoring that finds out about itself that it does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Samples are stored.
    Disk,
    /// What was found is written.
    Outbox,
}

const fn one() -> u32 {
    1
}

const fn ninety() -> f64 {
    90.0
}

const fn two_days() -> f64 {
    48.0
}

const fn silent_after() -> i64 {
    crate::limits::SILENT_S_DEFAULT
}

/// Who finds out how a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judge {
    /// The vantage looks: an agent, or the server itself.
    Vantage,
    /// The server, from what it has heard and kept.
    Server,
}

impl Probe {
    /// Checks the parameters of a kind; an error names the field and what would fit.
    pub(crate) fn new(kind: Kind, given: &Given) -> Result<Self> {
        if kind == Kind::Own {
            return Err(Error::invalid("kind", "Checks of this kind are made by the server itself. Choose another."));
        }
        if kind == Kind::Rule {
            return Err(Error::invalid(
                "kind",
                "Checks of this kind are made by rules. Create a rule (monitor.rule.create).",
            ));
        }
        checked::probe(kind, given)
    }

    /// The name that it looks up first, so that it is bad too when that fails. `localhost` is known everywhere.
    pub(crate) fn name_looked_up(&self) -> Option<String> {
        let host = match self {
            Self::Http(http) => probes::exchange::Target::parse(&http.url).ok()?.host,
            Self::Tls(tls) => tls.host.clone(),
            Self::Tcp(tcp) => tcp.host.clone(),
            Self::Icmp(icmp) => icmp.host.clone(),
            Self::Smtp(mail) | Self::Imap(mail) => mail.host.clone(),
            Self::Ssh(ssh) => ssh.host.clone(),
            Self::Postgres(database) | Self::Mysql(database) => database.host.clone(),
            _ => return None,
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
        (!host.is_empty() && !address && !host.eq_ignore_ascii_case("localhost")).then_some(host)
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Http(_) => Kind::Http,
            Self::Tls(_) => Kind::Tls,
            Self::Tcp(_) => Kind::Tcp,
            Self::Icmp(_) => Kind::Icmp,
            Self::Dns(_) => Kind::Dns,
            Self::Smtp(_) => Kind::Smtp,
            Self::Imap(_) => Kind::Imap,
            Self::Ssh(_) => Kind::Ssh,
            Self::Postgres(_) => Kind::Postgres,
            Self::Mysql(_) => Kind::Mysql,
            Self::Heartbeat(_) => Kind::Heartbeat,
            Self::Process { .. } => Kind::Process,
            Self::Unit { .. } => Kind::Unit,
            Self::FileSystem { .. } => Kind::FileSystem,
            Self::FillUp { .. } => Kind::FillUp,
            Self::File(_) => Kind::File,
            Self::Log(_) => Kind::Log,
            Self::Plugin(_) => Kind::Plugin,
            Self::Silent { .. } => Kind::Silent,
            Self::Rule { .. } => Kind::Rule,
            Self::Own { .. } => Kind::Own,
        }
    }

    /// What it looks at, in one line.
    pub fn words(&self) -> String {
        words::of(self)
    }

    /// Who finds out how it stands.
    pub(crate) fn judge(&self) -> Judge {
        match self {
            Self::Heartbeat(_) | Self::FillUp { .. } | Self::Silent { .. } | Self::Rule { .. } | Self::Own { .. } => {
                Judge::Server
            }
            _ => Judge::Vantage,
        }
    }

    /// The look that server and agents share, without its password; nothing for what only an agent's platform, or only
    /// the server, can see.
    pub(crate) fn look(&self) -> Option<probes::Look> {
        use probes::Look;
        Some(match self {
            Self::Http(http) => Look::Http((**http).clone()),
            Self::Tls(tls) => Look::Tls(tls.clone()),
            Self::Tcp(tcp) => Look::Tcp(tcp.clone()),
            Self::Icmp(icmp) => Look::Icmp(icmp.clone()),
            Self::Dns(dns) => Look::Dns(dns.clone()),
            Self::Smtp(mail) => Look::Smtp(mail.clone()),
            Self::Imap(mail) => Look::Imap(mail.clone()),
            Self::Ssh(ssh) => Look::Ssh(ssh.clone()),
            Self::Postgres(database) => Look::Postgres((**database).clone()),
            Self::Mysql(database) => Look::Mysql((**database).clone()),
            Self::File(file) => Look::File(file.clone()),
            Self::Log(log) => Look::Log(log.clone()),
            Self::Plugin(plugin) => Look::Plugin(plugin.clone()),
            Self::Heartbeat(_)
            | Self::Process { .. }
            | Self::Unit { .. }
            | Self::FileSystem { .. }
            | Self::FillUp { .. }
            | Self::Silent { .. }
            | Self::Rule { .. }
            | Self::Own { .. } => return None,
        })
    }

    /// What the agent is asked to do, with the secrets that the look needs; nothing for what the server judges by itself.
    pub(crate) fn for_agent(&self, secrets: &Secrets) -> Option<agent_proto::Probe> {
        use agent_proto::{Probe as Wire, ProcessName};
        Some(match self {
            Self::Process { process, command_line, min_count } => Wire::Process {
                name: match (process, command_line) {
                    (Some(name), _) => ProcessName::Exact(name.clone()),
                    (None, text) => ProcessName::CommandLineContains(text.clone().unwrap_or_default()),
                },
                min_count: *min_count,
            },
            Self::FileSystem { mount, max_used_percent } => {
                Wire::FileSystem { mount: mount.clone(), max_used_percent: *max_used_percent }
            }
            Self::Unit { unit } => Wire::Unit { name: unit.clone() },
            _ => Wire::Look(secrets.put_into(self.look()?).to_text().ok()?),
        })
    }
}

fn wrong(field: &str) -> impl Fn(String) -> Error {
    move |message| Error::invalid(field, sentence(&message))
}

/// A message of a lower crate as a sentence of a form.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    let dot = if message.ends_with('.') { "" } else { "." };
    format!("{first}{}{dot}", chars.as_str())
}
