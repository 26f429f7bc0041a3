//! The kinds of checks: their words, and which fields each of them has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A web address answers as expected.
    Http,
    /// A certificate is good and stays so for a while.
    Tls,
    /// A TCP port answers.
    Tcp,
    /// A host answers to pings.
    Icmp,
    /// A name has the records it should have.
    Dns,
    /// A mail server takes mail.
    Smtp,
    /// A mailbox server lets people in.
    Imap,
    /// An SSH server answers.
    Ssh,
    /// A PostgreSQL server answers a query.
    Postgres,
    /// A MySQL or MariaDB server answers a query.
    Mysql,
    /// A job that should run again and again said so.
    Heartbeat,
    /// A process runs.
    Process,
    /// A systemd unit is active.
    Unit,
    /// A file system is not too full.
    FileSystem,
    /// A file system will not be full soon.
    FillUp,
    /// A file has the age and size it should have.
    File,
    /// A log has no new lines of a kind.
    Log,
    /// A monitoring plugin is content.
    Plugin,
    /// The host was heard from.
    Silent,
    /// A rule over series; made by the rule, never by a person.
    Rule,
    /// What the server finds about itself; made by the server, never by a person.
    Own,
}

impl Kind {
    /// Every kind that a person can choose, in reading order.
    pub const ALL: [Self; 19] = [
        Self::Http,
        Self::Tls,
        Self::Tcp,
        Self::Icmp,
        Self::Dns,
        Self::Smtp,
        Self::Imap,
        Self::Ssh,
        Self::Postgres,
        Self::Mysql,
        Self::Heartbeat,
        Self::Process,
        Self::Unit,
        Self::FileSystem,
        Self::FillUp,
        Self::File,
        Self::Log,
        Self::Plugin,
        Self::Silent,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
            Self::Icmp => "icmp",
            Self::Dns => "dns",
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Ssh => "ssh",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Heartbeat => "heartbeat",
            Self::Process => "process",
            Self::Unit => "unit",
            Self::FileSystem => "file_system",
            Self::FillUp => "fill_up",
            Self::File => "file",
            Self::Log => "log",
            Self::Plugin => "plugin",
            Self::Silent => "silent",
            Self::Rule => "rule",
            Self::Own => "own",
        }
    }

    /// The kind of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Rule, Self::Own]).find(|kind| kind.as_str() == word)
    }

    /// The words people read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Http => "Web address",
            Self::Tls => "Certificate",
            Self::Tcp => "TCP port",
            Self::Icmp => "Ping",
            Self::Dns => "DNS record",
            Self::Smtp => "Mail server",
            Self::Imap => "Mailbox server",
            Self::Ssh => "SSH server",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Heartbeat => "Heartbeat of a job",
            Self::Process => "Process",
            Self::Unit => "systemd unit",
            Self::FileSystem => "File system",
            Self::FillUp => "Fill-up forecast",
            Self::File => "File",
            Self::Log => "Log",
            Self::Plugin => "Monitoring plugin",
            Self::Silent => "Host not heard from",
            Self::Rule => "Rule",
            Self::Own => "This server",
        }
    }

    /// Its fields, in the order of its form; those that it cannot do without come from [`Kind::required`].
    pub(crate) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Http => &[
                "url",
                "expect_status",
                "contains",
                "not_contains",
                "matches",
                "json_path",
                "json_equals",
                "expect_headers",
                "expect_location",
                "max_redirects",
                "method",
                "headers",
                "body",
                "any_certificate",
                "max_ms",
                "max_first_byte_ms",
                "max_tls_ms",
                "max_connect_ms",
                "max_dns_ms",
            ],
            Self::Tls => &["host", "port", "server_name", "starttls", "min_days", "any_issuer", "any_name"],
            Self::Tcp => &["host", "port", "send", "expect", "max_ms"],
            Self::Icmp => &["host", "count", "max_loss_percent", "max_rtt_ms", "max_jitter_ms"],
            Self::Dns => &["domain", "record", "values", "exactly", "rcode", "resolver", "max_ms"],
            Self::Smtp | Self::Imap => {
                &["host", "port", "security", "any_certificate", "user", "password", "expect", "max_ms"]
            }
            Self::Ssh => &["host", "port", "expect", "host_key"],
            Self::Postgres | Self::Mysql => &[
                "host",
                "port",
                "database",
                "user",
                "password",
                "security",
                "any_certificate",
                "query",
                "expect",
                "min_value",
                "max_value",
                "max_ms",
            ],
            Self::Heartbeat => &["every_s", "cron", "time_zone", "grace_s", "max_run_s"],
            Self::Process => &["process", "command_line", "min_count"],
            Self::Unit => &["unit"],
            Self::FileSystem => &["mount", "max_used_percent"],
            Self::FillUp => &["mount", "full_within_h"],
            Self::File => &["path", "max_age_s", "min_age_s", "min_bytes", "max_bytes", "absent"],
            Self::Log => &["path", "pattern", "ignore", "max_lines"],
            Self::Plugin => &["plugin", "arguments", "warning_is_good"],
            Self::Silent => &["silent_after_s"],
            Self::Rule | Self::Own => &[],
        }
    }

    /// The fields that it cannot do without.
    pub(crate) const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["url"],
            Self::Tcp => &["host", "port"],
            Self::Tls | Self::Icmp | Self::Smtp | Self::Imap | Self::Ssh | Self::Postgres | Self::Mysql => &["host"],
            Self::Dns => &["domain"],
            Self::Unit => &["unit"],
            Self::FileSystem | Self::FillUp => &["mount"],
            Self::File => &["path"],
            Self::Log => &["path", "pattern"],
            Self::Plugin => &["plugin"],
            Self::Heartbeat | Self::Process | Self::Silent | Self::Rule | Self::Own => &[],
        }
    }

    /// True when a password belongs to it.
    pub(crate) fn takes_password(self) -> bool {
        self.fields().contains(&"password")
    }

    /// True when the server can look by itself; the others need the machine's own agent, or only listen.
    pub(crate) const fn server_sees(self) -> bool {
        matches!(
            self,
            Self::Http
                | Self::Tls
                | Self::Tcp
                | Self::Icmp
                | Self::Dns
                | Self::Smtp
                | Self::Imap
                | Self::Ssh
                | Self::Postgres
                | Self::Mysql
        )
    }

    /// Bad results of how many, and good ones in a row: what suits the kind when nobody says. What is only ever said
    /// once, such as a new line of a log, must not wait for a second time.
    pub(crate) const fn usual_rule(self) -> (i64, i64, i64) {
        match self {
            Self::Heartbeat | Self::Silent | Self::FillUp | Self::Tls | Self::File | Self::Log => (1, 1, 1),
            _ => (2, 3, 2),
        }
    }

    /// Seconds from one run to the next, unless said otherwise.
    pub(crate) const fn usual_interval_s(self) -> i64 {
        match self {
            Self::Process | Self::Unit | Self::FileSystem | Self::Tcp | Self::Http => crate::limits::INTERVAL_S_DEFAULT,
            Self::Tls => 3_600,
            Self::FillUp => 600,
            Self::Heartbeat | Self::Silent => crate::limits::INTERVAL_S_DEFAULT,
            _ => 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_word_and_what_it_requires_among_its_fields() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert!(kind.required().iter().all(|field| kind.fields().contains(field)), "{kind:?}");
        }
        assert_eq!(Kind::parse("smell"), None);
    }
}
