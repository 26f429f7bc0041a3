//! The fields of all kinds as they arrive. They are declared once, for making and for changing a check; which of them
//! a kind has is told by [`Kind::fields`](super::Kind::fields).

use std::collections::BTreeMap;

use kernel::Change;
use serde::Serialize;
use serde_json::Value;

/// What was said of the fields: a value, or null for what is to be empty.
pub(crate) type Given = BTreeMap<&'static str, Value>;

/// Puts down what was said of a field.
pub(crate) fn put<T: Serialize>(given: &mut Given, field: &'static str, change: &Change<T>) {
    match change {
        Change::Keep => {}
        Change::Clear => {
            given.insert(field, Value::Null);
        }
        Change::Set(value) => {
            let value = serde_json::to_value(value).unwrap_or(Value::Null);
            let blank = value.as_str().is_some_and(|text| text.trim().is_empty())
                || value.as_array().is_some_and(Vec::is_empty);
            given.insert(field, if blank { Value::Null } else { value });
        }
    }
}

/// What was said over what is: the fields after a change.
pub(crate) fn over(current: &super::Probe, given: &Given) -> Given {
    let mut fields = Given::new();
    let now = serde_json::to_value(current).unwrap_or(Value::Null);
    for field in current.kind().fields() {
        if let Some(value) = now.get(field).filter(|value| !value.is_null()) {
            fields.insert(field, value.clone());
        }
    }
    // These stand for each other: the one that is said takes the place of the other.
    for (one, other) in [("process", "command_line"), ("every_s", "cron")] {
        for (said, gone) in [(one, other), (other, one)] {
            if given.get(said).is_some_and(|value| !value.is_null()) && given.get(gone).is_none_or(Value::is_null) {
                fields.remove(gone);
            }
        }
    }
    for (field, value) in given {
        if value.is_null() {
            fields.remove(field);
        } else {
            fields.insert(field, value.clone());
        }
    }
    fields
}

/// Declares an operation with its own fields and those of every kind of check.
macro_rules! with_probe_fields {
    ($(#[$meta:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::probe::fields::with_probe_fields! { @ [$(#[$meta])*] $name { $($own)* }
            /// Address to ask for, beginning with http:// or https://. (http)
            url: String,
            /// Method; GET if left out. (http)
            method: String,
            /// Header lines to send, `Name: value`, one a line. Values are kept sealed and shown as (set), which keeps them, but for a few harmless ones such as Accept. (http)
            headers: String,
            /// Body to send. It is kept sealed and shown as (set), which keeps it. (http)
            body: String,
            /// Status codes that are good; 200 to 299 if left out. (http)
            expect_status: Vec<i64>,
            /// A text that the answer must hold. (http)
            contains: String,
            /// A text that the answer must not hold. (http)
            not_contains: String,
            /// A regular expression that the answer must match. (http)
            matches: String,
            /// A value in an answer in JSON that must be there, for example data.items[0].name. (http)
            json_path: String,
            /// What that value must be. (http)
            json_equals: String,
            /// Header lines that the answer must have: `Name`, or `Name: a text in its value`, one a line. (http)
            expect_headers: String,
            /// Redirects to follow; 5 if left out, 0 to judge the redirect itself. (http)
            max_redirects: i64,
            /// The address that the answer must redirect to. (http)
            expect_location: String,
            /// Longest time to resolve the name, in milliseconds. (http)
            max_dns_ms: i64,
            /// Longest time to connect, in milliseconds. (http)
            max_connect_ms: i64,
            /// Longest time to secure the connection, in milliseconds. (http)
            max_tls_ms: i64,
            /// Longest time from the request to the first part of the answer, in milliseconds. (http)
            max_first_byte_ms: i64,
            /// Longest time of all, in milliseconds. (http, tcp, dns, smtp, imap, postgres, mysql)
            max_ms: i64,
            /// Any certificate will do. (http, smtp, imap, postgres, mysql)
            any_certificate: bool,
            /// Host name or address, as the one who looks knows it. (tls, tcp, icmp, smtp, imap, ssh, postgres, mysql)
            host: String,
            /// Port; the usual one of the kind if left out, except for tcp. (tls, tcp, smtp, imap, ssh, postgres, mysql)
            port: i64,
            /// Name that the certificate must be for; the host if left out. (tls)
            server_name: String,
            /// What makes the connection secure: none (it is from the first byte), smtp or imap. (tls)
            starttls: probes::tls::StartTls,
            /// Fewest days that the certificate must still hold; 14 if left out. (tls)
            min_days: i64,
            /// Any issuer of the certificate will do. (tls)
            any_issuer: bool,
            /// Any name of the certificate will do, and any issuer with it. (tls)
            any_name: bool,
            /// A text to send after connecting; \r and \n stand for ends of lines. It is kept sealed and shown as (set), which keeps it. (tcp)
            send: String,
            /// A text that must come: in the answer, the greeting, the version, or the first cell of the query's answer. (tcp, smtp, imap, ssh, postgres, mysql)
            expect: String,
            /// Fingerprint that one of the server's keys must have, SHA256: and what follows, as ssh-keygen -lf shows it. (ssh)
            host_key: String,
            /// How many pings, 200 ms apart; 3 if left out. (icmp)
            count: i64,
            /// Largest share of pings without an answer, in percent; 34 if left out. (icmp)
            max_loss_percent: f64,
            /// Longest mean round-trip time, in milliseconds. (icmp)
            max_rtt_ms: f64,
            /// Largest jitter, in milliseconds. (icmp)
            max_jitter_ms: f64,
            /// Name to ask for. (dns)
            domain: String,
            /// Kind of records: a, aaaa, cname, mx, ns, txt, srv, ptr or soa; a if left out. (dns)
            record: probes::dns::Record,
            /// What the records must be, one a line. (dns)
            values: String,
            /// Other records beside these are wrong too. (dns)
            exactly: bool,
            /// Response code that is good, for example NXDOMAIN; NOERROR if left out. (dns)
            rcode: String,
            /// Server to ask, as address or address:port; the machine's own if left out. (dns)
            resolver: String,
            /// How the connection is secured: starttls, tls (from the first byte) or none; starttls if left out. (smtp, imap, postgres, mysql)
            security: probes::mail::Security,
            /// Account to sign in with. (smtp, imap, postgres, mysql)
            user: String,
            /// Its password. It is kept sealed and never shown. (smtp, imap, postgres, mysql)
            password: String,
            /// Database. (postgres, mysql)
            database: String,
            /// Query whose first cell is judged; SELECT 1 if left out. (postgres, mysql)
            query: String,
            /// Least number that the query may answer. (postgres, mysql)
            min_value: f64,
            /// Greatest number that the query may answer. (postgres, mysql)
            max_value: f64,
            /// Seconds from one run of the job to the next, when it has no fixed times. (heartbeat)
            every_s: i64,
            /// Times of the job as in cron: minute, hour, day, month, day of the week. (heartbeat)
            cron: String,
            /// Time zone of those times, for example Europe/Oslo; UTC if left out. (heartbeat)
            time_zone: String,
            /// Seconds that a job may be late; 300 if left out. (heartbeat)
            grace_s: i64,
            /// Most seconds from the job's start to its end, when it tells both. (heartbeat)
            max_run_s: i64,
            /// Name of the process, for example nginx. (process)
            process: String,
            /// A text in the command line of the process, instead of its name. (process)
            command_line: String,
            /// Fewest processes that must run; 1 if left out. (process)
            min_count: i64,
            /// Name of the systemd unit, for example nginx.service. (unit)
            unit: String,
            /// Mount point of the file system, for example /var. (file_system, fill_up)
            mount: String,
            /// Highest percentage in use; 90 if left out. (file_system)
            max_used_percent: f64,
            /// Hours until the file system is full that are too few; 48 if left out. (fill_up)
            full_within_h: f64,
            /// Path of the file. (file, log)
            path: String,
            /// Most seconds since the file was changed. (file)
            max_age_s: i64,
            /// Fewest seconds since the file was changed. (file)
            min_age_s: i64,
            /// Fewest bytes of the file. (file)
            min_bytes: i64,
            /// Most bytes of the file. (file)
            max_bytes: i64,
            /// The file must not be there. (file)
            absent: bool,
            /// A regular expression; new lines of the log that match it count. (log)
            pattern: String,
            /// A regular expression; lines that match it too do not count. (log)
            ignore: String,
            /// Most new lines that are good; 0 if left out. (log)
            max_lines: i64,
            /// Path of the plugin, which the machine's policy must name. (plugin)
            plugin: String,
            /// Arguments of the plugin, one a line. All but names of options, thresholds and hosts are kept sealed and shown as (set), which keeps them. (plugin)
            arguments: String,
            /// A warning of the plugin is good enough. (plugin)
            warning_is_good: bool,
            /// Seconds without a message from the agent that are too many; 120 if left out. (silent)
            silent_after_s: i64,
        }
    };
    (@ [$($meta:tt)*] $name:ident { $($own:tt)* } $($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        $($meta)*
        pub struct $name {
            $($own)*
            $($(#[$doc])* pub $field: kernel::Change<$type>,)*
        }

        impl $name {
            /// What was said of the fields of the kinds.
            fn given(&self) -> $crate::probe::Given {
                let mut given = $crate::probe::Given::new();
                $($crate::probe::fields::put(&mut given, stringify!($field), &self.$field);)*
                given
            }
        }
    };
}

pub(crate) use with_probe_fields;
