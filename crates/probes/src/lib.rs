//! What it means to look at a thing: what is to be looked at ([`Look`]), how to observe it, and how to judge what was
//! observed. Shared by the agent and the server, so that a check means the same from wherever it is made.
//!
//! A look observes and changes nothing. It trusts nothing that comes back: every answer is bounded in bytes, and the
//! caller's deadline bounds it in time. Judging is a pure function of what was observed, so that it can be tested without
//! a network. It knows no clock of the day: [`Around::now_s`] is given.

use std::path::PathBuf;
use std::time::Duration;

use outbound::Allowed;
use serde::{Deserialize, Serialize};

mod closed;
pub mod database;
pub mod der;
pub mod dns;
pub mod exchange;
pub mod file;
pub mod guard;
pub mod http;
pub mod icmp;
mod json;
pub mod log;
pub mod mail;
mod mysql;
pub mod plugin;
mod postgres;
mod seen;
pub mod ssh;
mod talk;
pub mod tcp;
pub mod text;
pub mod tls;

pub use outbound;
pub use seen::{Figure, Outcome, Secret, Seen};

/// Most bytes of evidence.
pub const EVIDENCE_BYTES_MAX: usize = 1_000;
/// Most figures of one look.
pub const FIGURES_MAX: usize = 64;

/// What to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum Look {
    /// A web address answers as expected.
    Http(http::Http),
    /// A TCP port takes connections, and perhaps says something.
    Tcp(tcp::Tcp),
    /// A host answers to pings.
    Icmp(icmp::Icmp),
    /// A name has the records it should have.
    Dns(dns::Dns),
    /// A certificate is good and stays so for a while.
    Tls(tls::Tls),
    /// A mail server takes mail.
    Smtp(mail::Mail),
    /// A mailbox server lets people in.
    Imap(mail::Mail),
    /// An SSH server answers.
    Ssh(ssh::Ssh),
    /// A PostgreSQL server answers a query.
    Postgres(database::Database),
    /// A MySQL or MariaDB server answers a query.
    Mysql(database::Database),
    /// A file has the age and size it should have.
    File(file::File),
    /// A log has no new lines of a kind.
    Log(log::Log),
    /// A monitoring plugin is content.
    Plugin(plugin::Plugin),
}

/// What a look needs to know of where it is made.
#[derive(Clone, Debug)]
pub struct Around {
    /// The time of day, in seconds of Unix time.
    pub now_s: i64,
    /// Plugins that this machine's own policy lets run.
    pub plugins: Vec<plugin::Permit>,
    /// What may be reached from here over the network.
    pub allowed: Allowed,
    /// Files and folders that are not looked into, by their real paths.
    pub closed: Vec<PathBuf>,
}

/// An agent on its own machine: without plugins, with its loopback.
impl Default for Around {
    fn default() -> Self {
        Self { now_s: 0, plugins: Vec::new(), allowed: Allowed::MACHINE, closed: Vec::new() }
    }
}

/// What a look remembers from one time to the next. It belongs to one check and lasts as long as the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Where reading the log stopped.
    pub(crate) log: Option<log::Place>,
}

impl Look {
    /// True when only the machine itself can see it: not from the server, nor from another machine.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::File(_) | Self::Log(_) | Self::Plugin(_))
    }

    /// The look as it travels: text that an agent of another version can refuse without losing the rest.
    ///
    /// # Errors
    /// It cannot be written as JSON, which only numbers that are no numbers can cause.
    pub fn to_text(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|e| e.to_string())
    }

    /// Reads what [`Look::to_text`] wrote.
    ///
    /// # Errors
    /// This version does not know the look.
    pub fn from_text(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|_| "this agent is too old for this kind of check; update it".to_owned())
    }
}

/// Looks once, within a deadline. A service that does not answer in time is bad; a machine that cannot be looked at in
/// time leaves nothing known.
pub async fn look(look: &Look, around: &Around, memory: &mut Memory, deadline: Duration) -> Seen {
    let seen = tokio::time::timeout(deadline, once(look, around, memory, deadline)).await;
    let seen = seen.unwrap_or_else(|_| too_late(look, deadline));
    seen.bounded()
}

fn too_late(look: &Look, deadline: Duration) -> Seen {
    let ms = deadline.as_millis();
    if look.is_local() {
        Seen::unknown(format!("this machine could not be looked at within {ms} ms"))
    } else {
        Seen::bad(None, format!("no answer within {ms} ms"))
    }
}

async fn once(look: &Look, around: &Around, memory: &mut Memory, deadline: Duration) -> Seen {
    match look {
        Look::Http(http) => http::look(http, around).await,
        Look::Tcp(tcp) => tcp::look(tcp, around).await,
        Look::Icmp(icmp) => icmp::look(icmp, around, deadline).await,
        Look::Dns(dns) => dns::look(dns, around).await,
        Look::Tls(tls) => tls::look(tls, around).await,
        Look::Smtp(mail) => mail::smtp(mail, around).await,
        Look::Imap(mail) => mail::imap(mail, around).await,
        Look::Ssh(ssh) => ssh::look(ssh, around).await,
        Look::Postgres(database) => database::look(database, database::Engine::Postgres, around).await,
        Look::Mysql(database) => database::look(database, database::Engine::Mysql, around).await,
        Look::File(file) => file::look(file, around).await,
        Look::Log(log) => log::look(log, around, memory).await,
        Look::Plugin(plugin) => plugin::look(plugin, around, deadline).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_survives_the_way_to_an_agent_and_an_unknown_one_is_refused_in_words() {
        let look = Look::Tcp(tcp::Tcp { host: "db".into(), port: 5432, ..tcp::Tcp::default() });
        assert_eq!(Look::from_text(&look.to_text().unwrap()).unwrap(), look);
        assert!(Look::from_text(r#"{"look":"smell"}"#).is_err_and(|e| e.contains("update it")));
        // A field that this version does not know changes nothing.
        assert_eq!(Look::from_text(r#"{"look":"tcp","host":"db","port":5432,"later":1}"#).unwrap(), look);
    }

    #[tokio::test]
    async fn a_service_that_hangs_is_bad_and_says_how_long_was_waited() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hangs = Look::Ssh(ssh::Ssh { host: "127.0.0.1".into(), port, ..ssh::Ssh::default() });
        let seen = look(&hangs, &Around::default(), &mut Memory::default(), Duration::from_millis(80)).await;
        assert_eq!((seen.outcome, seen.evidence.as_str()), (Outcome::Bad, "no answer within 80 ms"));
    }
}
