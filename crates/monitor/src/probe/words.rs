//! What a check looks at, in one line.

use super::{Part, Probe};

/// The line.
pub(super) fn of(probe: &Probe) -> String {
    match probe {
        Probe::Http(http) if http.method == "GET" => format!("{} answers as expected", http.url),
        Probe::Http(http) => format!("{} {} is answered as expected", http.method, http.url),
        Probe::Tls(tls) => {
            let name = tls.server_name.as_deref().unwrap_or(&tls.host);
            let port = if tls.port == 443 { String::new() } else { format!(" on port {}", tls.port) };
            format!("the certificate of {name}{port} holds at least {} days more", tls.min_days)
        }
        Probe::Tcp(tcp) => {
            let says = tcp.expect.as_ref().map(|text| format!(" and says \"{text}\"")).unwrap_or_default();
            format!("{} port {} accepts connections{says}", tcp.host, tcp.port)
        }
        Probe::Icmp(icmp) => format!("{} answers to pings", icmp.host),
        Probe::Dns(dns) => format!("{} has the {} records it should have", dns.domain, dns.record.as_str()),
        Probe::Smtp(mail) => format!("mail server {} port {} {}", mail.host, mail.port, answers(mail.user.is_some())),
        Probe::Imap(mail) => {
            format!("mailbox server {} port {} {}", mail.host, mail.port, answers(mail.user.is_some()))
        }
        Probe::Ssh(ssh) => format!("{} port {} answers as an SSH server", ssh.host, ssh.port),
        Probe::Postgres(database) => format!("PostgreSQL on {} port {} answers a query", database.host, database.port),
        Probe::Mysql(database) => format!("MySQL on {} port {} answers a query", database.host, database.port),
        Probe::Heartbeat(heartbeat) => heartbeat.words(),
        Probe::Process { process, command_line, min_count } => {
            let which = match (process, command_line) {
                (Some(name), _) => format!("process {name}"),
                (None, text) => {
                    format!("a process with \"{}\" in its command line", text.as_deref().unwrap_or_default())
                }
            };
            if *min_count > 1 { format!("{which} runs at least {min_count} times") } else { format!("{which} runs") }
        }
        Probe::Unit { unit } => format!("unit {unit} is active"),
        Probe::FileSystem { mount, max_used_percent } => format!("{mount} is at most {max_used_percent} % full"),
        Probe::FillUp { mount, full_within_h } => {
            format!("{mount} will not be full within {}", hours(*full_within_h))
        }
        Probe::File(file) if file.absent => format!("{} is not there", file.path),
        Probe::File(file) => format!("{} has the age and size it should have", file.path),
        Probe::Log(log) => format!("no new lines of {} match {}", log.path, log.pattern),
        Probe::Plugin(plugin) => format!("plugin {} is content", plugin.plugin),
        Probe::Silent { silent_after_s } => {
            format!("the host was heard from within {}", web::ui::duration(*silent_after_s))
        }
        Probe::Own { part: Part::Disk } => "the server stores samples".to_owned(),
        Probe::Own { part: Part::Outbox } => "the server writes what it finds".to_owned(),
        Probe::Rule { labels, .. } => {
            // The name and the asset stand beside it.
            let telling = labels.iter().filter(|(name, _)| !matches!(name.as_str(), "alertname" | "asset"));
            let pairs: Vec<String> = telling.map(|(name, value)| format!("{name}={value}")).collect();
            if pairs.is_empty() { "its rule".to_owned() } else { format!("its rule, for {}", pairs.join(", ")) }
        }
    }
}

fn answers(login: bool) -> &'static str {
    if login { "takes the login" } else { "answers" }
}

/// Hours as people say them.
pub(crate) fn hours(hours: f64) -> String {
    web::ui::duration((hours * 3_600.0) as i64)
}
