//! The parameters of a check, judged one by one: an error names the field and what would fit.

use kernel::text::{body, line};
use kernel::{Error, Result};
use serde_json::{Map, Value, json};

use super::{Given, Kind, Probe, records, wrong};
use crate::address;

/// Least and greatest of the whole numbers.
const WHOLE: [(&str, i64, i64); 20] = [
    ("port", 1, 65_535),
    ("min_count", 1, 10_000),
    ("count", 1, probes::icmp::COUNT_MAX as i64),
    ("min_days", 0, 3_650),
    ("max_redirects", 0, probes::http::REDIRECTS_MAX as i64),
    ("max_ms", 1, 600_000),
    ("max_dns_ms", 1, 600_000),
    ("max_connect_ms", 1, 600_000),
    ("max_tls_ms", 1, 600_000),
    ("max_first_byte_ms", 1, 600_000),
    ("silent_after_s", 30, 604_800),
    ("every_s", 30, 31_622_400),
    ("grace_s", 0, 604_800),
    ("max_run_s", 1, 604_800),
    ("max_age_s", 1, 315_360_000),
    ("min_age_s", 0, 315_360_000),
    ("min_bytes", 0, i64::MAX),
    ("max_bytes", 0, i64::MAX),
    ("max_lines", 0, 1_000_000),
    ("expect_status", 100, 599),
];

/// Least and greatest of the numbers that may be broken ones.
const BROKEN: [(&str, f64, f64); 7] = [
    ("max_used_percent", 1.0, 100.0),
    ("full_within_h", 1.0, 8_760.0),
    ("max_loss_percent", 0.0, 100.0),
    ("max_rtt_ms", 0.01, 60_000.0),
    ("max_jitter_ms", 0.01, 60_000.0),
    ("min_value", f64::MIN, f64::MAX),
    ("max_value", f64::MIN, f64::MAX),
];

/// Most characters of texts of several lines.
const BODIES: [(&str, usize); 6] = [
    ("headers", 4_000),
    ("body", 8_000),
    ("expect_headers", 2_000),
    ("values", 4_000),
    ("arguments", 4_000),
    ("query", 4_000),
];

/// Most characters of texts of one line that are not 400.
const LINES: [(&str, usize); 11] = [
    ("host", 253),
    ("server_name", 253),
    ("domain", 253),
    ("url", 2_000),
    ("expect_location", 2_000),
    ("process", 255),
    ("unit", 255),
    ("path", 1_000),
    ("mount", 1_000),
    ("send", 1_000),
    ("plugin", 1_000),
];

/// The probe of a kind with these fields.
pub(super) fn probe(kind: Kind, given: &Given) -> Result<Probe> {
    refuse_foreign(kind, given)?;
    let mut object = Map::new();
    for (field, value) in given.iter().filter(|(field, value)| !value.is_null() && **field != "password") {
        object.insert((*field).to_owned(), field_value(field, value)?);
    }
    if let Some(field) = kind.required().iter().find(|field| !object.contains_key(**field)) {
        return Err(Error::invalid(field, "This kind of check needs it."));
    }
    usual_port(kind, &mut object);
    if object.contains_key("expect_location") {
        object.entry("max_redirects").or_insert(json!(0));
    }
    if kind == Kind::Unit {
        object.insert("unit".into(), json!(unit(object.get("unit").and_then(Value::as_str).unwrap_or_default())?));
    }
    object.insert("kind".into(), json!(kind.as_str()));
    let probe = serde_json::from_value(Value::Object(object))
        .map_err(|error| Error::invalid("kind", format!("The fields do not fit together: {error}.")))?;
    judge(&probe)?;
    Ok(probe)
}

/// A field of another kind is a misunderstanding worth naming.
fn refuse_foreign(kind: Kind, given: &Given) -> Result<()> {
    let foreign = given.iter().find(|(field, value)| !value.is_null() && !kind.fields().contains(field));
    let Some((field, _)) = foreign else { return Ok(()) };
    let of: Vec<&str> = Kind::ALL.into_iter().filter(|one| one.fields().contains(field)).map(Kind::as_str).collect();
    Err(Error::invalid(
        field,
        format!("This belongs to checks of the kind \"{}\". Leave it out, or change the kind.", of.join("\", \"")),
    ))
}

/// One field within its limits.
fn field_value(field: &str, value: &Value) -> Result<Value> {
    if let Some(items) = value.as_array() {
        if items.len() > 20 {
            return Err(Error::invalid(field, "At most 20 fit here."));
        }
        return items.iter().map(|item| field_value(field, item)).collect::<Result<Vec<_>>>().map(Value::Array);
    }
    if let Some((_, low, high)) = WHOLE.iter().find(|(name, ..)| *name == field) {
        let whole = value.as_i64().filter(|number| (low..=high).contains(&number));
        let top = if *high == i64::MAX { format!("from {low}") } else { format!("from {low} to {high}") };
        return whole.map(Value::from).ok_or_else(|| Error::invalid(field, format!("Use a whole number {top}.")));
    }
    if let Some((_, low, high)) = BROKEN.iter().find(|(name, ..)| *name == field) {
        let number = value.as_f64().filter(|number| (low..=high).contains(&number));
        let range = if *high == f64::MAX { String::new() } else { format!(" from {low} to {high}") };
        return number.map(Value::from).ok_or_else(|| Error::invalid(field, format!("Use a number{range}.")));
    }
    let Some(text) = value.as_str() else { return Ok(value.clone()) };
    match BODIES.iter().find(|(name, _)| *name == field) {
        Some((_, most)) => body(field, text, *most).map(Value::from),
        None => {
            let most = LINES.iter().find(|(name, _)| *name == field).map_or(400, |(_, most)| *most);
            line(field, text, most).map(Value::from)
        }
    }
}

fn usual_port(kind: Kind, object: &mut Map<String, Value>) {
    let security = object.get("security").and_then(Value::as_str).unwrap_or("starttls");
    let usual = match (kind, security) {
        (Kind::Tls, _) => match object.get("starttls").and_then(Value::as_str) {
            Some("smtp") => 587,
            Some("imap") => 143,
            _ => 443,
        },
        (Kind::Smtp, "tls") => 465,
        (Kind::Smtp, "none") => 25,
        (Kind::Smtp, _) => 587,
        (Kind::Imap, "tls") => 993,
        (Kind::Imap, _) => 143,
        (Kind::Ssh, _) => 22,
        (Kind::Postgres, _) => 5_432,
        (Kind::Mysql, _) => 3_306,
        _ => return,
    };
    object.entry("port").or_insert(json!(usual));
}

/// What the fields of a kind mean together.
fn judge(probe: &Probe) -> Result<()> {
    let host = |host: &str| {
        let reached = address::check_host(host).and_then(|()| address::check_reach(host));
        reached.map_err(wrong("host"))
    };
    match probe {
        Probe::Http(http) => judge_http(http),
        Probe::Tls(tls) => {
            let named = tls.server_name.as_deref().map_or(Ok(()), address::check_host);
            named.map_err(wrong("server_name")).and_then(|()| host(&tls.host))
        }
        Probe::Tcp(tcp) => host(&tcp.host),
        Probe::Icmp(icmp) => host(&icmp.host),
        Probe::Dns(dns) => judge_dns(dns),
        Probe::Smtp(mail) | Probe::Imap(mail) => host(&mail.host),
        Probe::Ssh(ssh) => {
            let print = ssh.host_key.as_deref().map_or(Ok(()), probes::ssh::check_fingerprint);
            print.map_err(wrong("host_key")).and_then(|()| host(&ssh.host))
        }
        Probe::Postgres(database) | Probe::Mysql(database) => host(&database.host),
        Probe::Heartbeat(heartbeat) => heartbeat.check(),
        Probe::Process { process, command_line, .. } => judge_process(process.as_deref(), command_line.as_deref()),
        Probe::Unit { .. } | Probe::Silent { .. } | Probe::Rule { .. } | Probe::Own { .. } => Ok(()),
        Probe::FileSystem { mount, .. } | Probe::FillUp { mount, .. } => {
            absolute("mount", mount, "A mount point begins with a slash, for example /var.")
        }
        Probe::File(file) => {
            absolute("path", &file.path, "A path begins with a slash, for example /var/backups/db.dump.")?;
            ordered("max_bytes", file.min_bytes, file.max_bytes)?;
            ordered("max_age_s", file.min_age_s, file.max_age_s)
        }
        Probe::Log(log) => {
            absolute("path", &log.path, "A path begins with a slash, for example /var/log/syslog.")?;
            probes::text::pattern(&log.pattern).map_err(wrong("pattern"))?;
            let ignored = log.ignore.as_deref().map(probes::text::pattern).transpose();
            ignored.map(|_| ()).map_err(wrong("ignore"))
        }
        Probe::Plugin(plugin) => {
            if probes::plugin::is_plain(&plugin.plugin) {
                return Ok(());
            }
            let example = "Give the plugin's whole path, for example /usr/lib/nagios/plugins/check_load.";
            Err(Error::invalid("plugin", example))
        }
    }
}

fn judge_http(http: &probes::http::Http) -> Result<()> {
    address::check_url(&http.url).map_err(wrong("url"))?;
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    if !known.contains(&http.method.as_str()) {
        return Err(Error::invalid("method", format!("Use one of {}.", known.join(", "))));
    }
    probes::http::header_lines(http.headers.as_deref()).map_err(wrong("headers"))?;
    http.matches.as_deref().map(probes::text::pattern).transpose().map_err(wrong("matches"))?;
    if let Some(path) = &http.json_path {
        probes::http::check_json_path(path).map_err(wrong("json_path"))?;
    } else if http.json_equals.is_some() {
        return Err(Error::invalid("json_path", "Say which value of the answer must be that."));
    }
    if http.expect_location.is_some() && http.max_redirects > 0 {
        return Err(Error::invalid("max_redirects", "Use 0: a redirect that is judged is not followed."));
    }
    Ok(())
}

fn judge_dns(dns: &probes::dns::Dns) -> Result<()> {
    let reverse = dns.record == probes::dns::Record::Ptr;
    if !(reverse && dns.domain.parse::<std::net::IpAddr>().is_ok()) {
        address::check_host(&dns.domain).map_err(wrong("domain"))?;
    }
    if !dns.rcode.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Error::invalid("rcode", "Use a code such as NOERROR, NXDOMAIN or REFUSED."));
    }
    records::check(dns.record, dns.values.as_deref().unwrap_or_default()).map_err(wrong("values"))?;
    let Some(resolver) = dns.resolver.as_deref() else { return Ok(()) };
    if let Ok(address) = resolver.parse::<std::net::SocketAddr>() {
        return address::check_reach(&address.ip().to_string()).map_err(wrong("resolver"));
    }
    let (host, port) = resolver.rsplit_once(':').filter(|(host, _)| !host.contains(':')).unwrap_or((resolver, "53"));
    if port.parse::<u16>().is_ok_and(|port| port > 0) {
        let reached = address::check_host(host).and_then(|()| address::check_reach(host));
        return reached.map_err(wrong("resolver"));
    }
    Err(Error::invalid("resolver", "Write it like 10.0.0.53 or 10.0.0.53:5353."))
}

fn judge_process(process: Option<&str>, command_line: Option<&str>) -> Result<()> {
    match (process, command_line) {
        (Some(_), Some(_)) => Err(Error::invalid("command_line", "Give the name or the command line, not both.")),
        (None, None) => Err(Error::invalid("process", "Give the name of the process, or a text in its command line.")),
        (Some(name), None) if name.contains('/') => {
            Err(Error::invalid("process", "Give the name without its folder, for example nginx."))
        }
        _ => Ok(()),
    }
}

fn absolute(field: &str, path: &str, message: &str) -> Result<()> {
    if path.starts_with('/') { Ok(()) } else { Err(Error::invalid(field, message)) }
}

fn ordered<T: PartialOrd>(field: &str, low: Option<T>, high: Option<T>) -> Result<()> {
    match (low, high) {
        (Some(low), Some(high)) if low > high => Err(Error::invalid(field, "This is less than the least.")),
        _ => Ok(()),
    }
}

/// A name of a unit, with its suffix.
fn unit(name: &str) -> Result<String> {
    let name = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if name.starts_with(['-', '.']) || !name.chars().all(fits) {
        return Err(Error::invalid("unit", "This is no name of a unit. Write it like nginx.service."));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, fields: Value, expected: std::result::Result<&str, &str>) {
        let mut given = Given::new();
        for (field, value) in fields.as_object().unwrap() {
            let known = Kind::ALL.into_iter().flat_map(|kind| kind.fields().iter()).find(|known| *known == field);
            given.insert(known.unwrap(), value.clone());
        }
        match (probe(kind, &given), expected) {
            (Ok(probe), Ok(words)) => assert_eq!(probe.words(), words),
            (Err(error), Err(field)) => assert_eq!(error.field.as_deref(), Some(field), "{error}"),
            (got, expected) => panic!("{kind:?} {fields}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn parameters_are_checked_and_errors_name_the_field() {
        check(Kind::Process, json!({"process": "nginx"}), Ok("process nginx runs"));
        check(Kind::Process, json!({}), Err("process"));
        check(Kind::Process, json!({"process": "/usr/bin/x"}), Err("process"));
        check(Kind::Process, json!({"process": "a", "command_line": "b"}), Err("command_line"));
        check(Kind::Process, json!({"process": "a", "min_count": 0}), Err("min_count"));
        check(Kind::Process, json!({"process": "a", "url": "http://x"}), Err("url"));
        check(Kind::Tcp, json!({"host": "db", "port": 5432}), Ok("db port 5432 accepts connections"));
        check(Kind::Tcp, json!({"host": "db", "port": 70_000}), Err("port"));
        check(Kind::Tcp, json!({"host": "db"}), Err("port"));
        check(Kind::Tcp, json!({"host": "a b", "port": 1}), Err("host"));
        check(Kind::FileSystem, json!({"mount": "/"}), Ok("/ is at most 90 % full"));
        check(Kind::FileSystem, json!({"mount": "C:"}), Err("mount"));
        check(Kind::FileSystem, json!({"mount": "/", "max_used_percent": 101}), Err("max_used_percent"));
        check(Kind::FillUp, json!({"mount": "/"}), Ok("/ will not be full within 2 d"));
        check(Kind::Unit, json!({"unit": "nginx"}), Ok("unit nginx.service is active"));
        check(Kind::Unit, json!({"unit": "--all"}), Err("unit"));
        check(Kind::Silent, json!({"silent_after_s": 5}), Err("silent_after_s"));
    }

    #[test]
    fn kinds_over_the_network_are_checked_field_by_field() {
        let url = "http://x/";
        check(Kind::Http, json!({}), Err("url"));
        check(Kind::Http, json!({"url": "http://169.254.169.254/"}), Err("url"));
        check(Kind::Http, json!({"url": url, "expect_status": [99]}), Err("expect_status"));
        check(Kind::Http, json!({"url": url, "method": "get it"}), Err("method"));
        check(Kind::Http, json!({"url": url, "method": "POST"}), Ok("POST http://x/ is answered as expected"));
        check(Kind::Http, json!({"url": url, "headers": "no colon"}), Err("headers"));
        check(Kind::Http, json!({"url": url, "matches": "("}), Err("matches"));
        check(Kind::Http, json!({"url": url, "json_path": "a..b"}), Err("json_path"));
        check(Kind::Http, json!({"url": url, "json_equals": "b"}), Err("json_path"));
        check(Kind::Http, json!({"url": url, "expect_location": "/x"}), Ok("http://x/ answers as expected"));
        check(Kind::Http, json!({"url": url, "expect_location": "/x", "max_redirects": 1}), Err("max_redirects"));
        check(Kind::Http, json!({"url": url, "max_ms": 0}), Err("max_ms"));
        check(Kind::Tls, json!({"host": "a"}), Ok("the certificate of a holds at least 14 days more"));
        check(Kind::Tls, json!({"host": "a", "server_name": "b c"}), Err("server_name"));
        check(Kind::Icmp, json!({"host": "10.0.0.1"}), Ok("10.0.0.1 answers to pings"));
        check(Kind::Icmp, json!({"host": "10.0.0.1", "count": 21}), Err("count"));
        check(Kind::Icmp, json!({"host": "10.0.0.1", "max_loss_percent": 101}), Err("max_loss_percent"));
        check(
            Kind::Dns,
            json!({"domain": "a.example", "record": "mx"}),
            Ok("a.example has the MX records it should have"),
        );
        check(Kind::Dns, json!({"domain": "a b"}), Err("domain"));
        check(Kind::Dns, json!({"domain": "a.example", "record": "mx", "values": "garbage"}), Err("values"));
        check(
            Kind::Dns,
            json!({"domain": "192.0.2.1", "record": "ptr"}),
            Ok("192.0.2.1 has the PTR records it should have"),
        );
        check(Kind::Dns, json!({"domain": "a", "resolver": "x:y"}), Err("resolver"));
        check(Kind::Smtp, json!({"host": "mx"}), Ok("mail server mx port 587 answers"));
        check(
            Kind::Smtp,
            json!({"host": "mx", "security": "tls", "user": "u"}),
            Ok("mail server mx port 465 takes the login"),
        );
        check(Kind::Imap, json!({"host": "mx", "security": "tls"}), Ok("mailbox server mx port 993 answers"));
        check(Kind::Ssh, json!({"host": "a"}), Ok("a port 22 answers as an SSH server"));
        check(Kind::Ssh, json!({"host": "a", "host_key": "MD5:16:27"}), Err("host_key"));
        check(Kind::Ssh, json!({"host": "169.254.169.254"}), Err("host"));
        check(Kind::Dns, json!({"domain": "a", "resolver": "169.254.169.253:53"}), Err("resolver"));
        check(Kind::Postgres, json!({"host": "db"}), Ok("PostgreSQL on db port 5432 answers a query"));
        check(Kind::Mysql, json!({"host": "db", "port": 0}), Err("port"));
    }

    #[test]
    fn kinds_of_a_machine_are_checked_field_by_field() {
        check(Kind::File, json!({"path": "x"}), Err("path"));
        check(Kind::File, json!({"path": "/x", "min_bytes": 2, "max_bytes": 1}), Err("max_bytes"));
        check(Kind::File, json!({"path": "/x", "absent": true}), Ok("/x is not there"));
        check(Kind::Log, json!({"path": "/x", "pattern": "("}), Err("pattern"));
        check(Kind::Log, json!({"path": "/x", "pattern": "a", "ignore": "["}), Err("ignore"));
        check(Kind::Log, json!({"path": "/x", "pattern": "a"}), Ok("no new lines of /x match a"));
        check(Kind::Plugin, json!({"plugin": "check_load"}), Err("plugin"));
        check(Kind::Plugin, json!({"plugin": "/p/../check"}), Err("plugin"));
        check(Kind::Plugin, json!({"plugin": "/p/check", "arguments": "-w\n5"}), Ok("plugin /p/check is content"));
        check(Kind::Heartbeat, json!({}), Err("every_s"));
        check(Kind::Heartbeat, json!({"cron": "0 3 * * *", "time_zone": "Mars/Base"}), Err("time_zone"));
        check(Kind::Heartbeat, json!({"cron": "0 25 * * *"}), Err("cron"));
    }

    #[test]
    fn a_password_is_no_part_of_what_is_kept_and_shown() {
        let given = Given::from([("host", json!("db")), ("user", json!("u")), ("password", json!("hunter2"))]);
        let probe = probe(Kind::Postgres, &given).unwrap();
        assert!(!serde_json::to_string(&probe).unwrap().contains("hunter2"));
        let secrets = super::super::Secrets { password: "hunter2".into(), ..Default::default() };
        let wire = probe.for_agent(&secrets);
        assert!(matches!(wire, Some(agent_proto::Probe::Look(text)) if text.contains("hunter2")));
    }
}
