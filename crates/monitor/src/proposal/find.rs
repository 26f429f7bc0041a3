//! What facts suggest: a pure function of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::probe::fields::put;
use crate::probe::{Given, Kind, Probe};

/// Facts of a section by key.
pub(crate) type Section = BTreeMap<String, Value>;

/// The facts that suggest anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) listening: Section,
    pub(crate) services: Section,
    pub(crate) processes: Section,
    pub(crate) filesystems: Section,
    /// The thing itself, while it is in use.
    pub(crate) thing: Option<Thing>,
}

/// What is known of a thing without any fact.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) kind: String,
}

impl Known {
    /// True when an agent tells of it.
    fn has_facts(&self) -> bool {
        [&self.listening, &self.services, &self.processes, &self.filesystems].iter().any(|section| !section.is_empty())
    }
}

/// A check that is suggested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suggested {
    /// What it would look at, so that nothing is suggested twice or beside a check that does it.
    pub(crate) target: String,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) fields: Map<String, Value>,
}

/// Most proposals of one asset.
const SUGGESTED_MAX: usize = 40;
/// Units whose end hurts, by the start of their names.
const UNITS: [&str; 26] = [
    "nginx",
    "apache2",
    "httpd",
    "caddy",
    "haproxy",
    "traefik",
    "postgresql",
    "mysql",
    "mariadb",
    "redis",
    "valkey",
    "mongod",
    "rabbitmq-server",
    "postfix",
    "exim4",
    "dovecot",
    "named",
    "bind9",
    "unbound",
    "docker",
    "containerd",
    "libvirtd",
    "cron",
    "crond",
    "ssh",
    "sshd",
];
/// Programs for machines without systemd.
const PROGRAMS: [&str; 10] =
    ["nginx", "apache2", "httpd", "postgres", "mysqld", "mariadbd", "redis-server", "haproxy", "cron", "sshd"];
/// The vantage that means this server.
const THIS_SERVER: i64 = 0;
/// Kinds of things that answer to pings and seldom have an agent.
const ANSWERING: [&str; 14] = [
    "switch",
    "router",
    "firewall",
    "gateway",
    "access_point",
    "load_balancer",
    "printer",
    "phone",
    "storage",
    "power",
    "ups",
    "pdu",
    "dns",
    "time_server",
];
/// File systems that hold what fills up.
const DISKS: [&str; 7] = ["ext4", "ext3", "xfs", "btrfs", "zfs", "f2fs", "jfs"];
/// Smaller ones are made for one purpose and full by design, in bytes.
const DISK_BYTES_MIN: u64 = 1 << 30;

/// What the facts suggest.
pub(crate) fn suggest(known: &Known) -> Vec<Suggested> {
    let mut found = Vec::new();
    for port in known.listening.keys().filter_map(|key| key.rsplit_once('.')?.1.parse().ok()) {
        found.extend(by_port(port));
    }
    found.extend(by_unit(&known.services));
    if known.services.is_empty() {
        found.extend(by_process(&known.processes));
    }
    found.extend(by_disk(&known.filesystems));
    if let Some(thing) = known.thing.as_ref().filter(|_| !known.has_facts()) {
        found.extend(by_kind(thing));
    }
    found.truncate(SUGGESTED_MAX);
    found
}

/// True for kinds of things of which something is suggested without facts.
pub(crate) fn tells(kind: &str) -> bool {
    ANSWERING.contains(&kind) || kind == "website"
}

/// What a thing is suggests how to look at it from outside, by its name. Nobody else tells of a switch or a printer.
fn by_kind(thing: &Thing) -> Vec<Suggested> {
    let host = thing.name.trim();
    if !tells(&thing.kind) || !is_host(host) {
        return Vec::new();
    }
    let words = thing.kind.replace('_', " ");
    let why = format!("It is a {words} without an agent; it is asked by its name, from this server.");
    let make = |kind, name: &str, fields: Value| {
        let mut found = suggested(kind, name, &why, fields)?;
        found.fields.insert("vantage".to_owned(), json!(THIS_SERVER));
        Some(found)
    };
    let tcp = |name: &str, port: u16| make(Kind::Tcp, name, json!({"host": host, "port": port}));
    let ping = || make(Kind::Icmp, &format!("{host} answers to pings"), json!({"host": host}));
    let found = match thing.kind.as_str() {
        "website" => vec![
            make(Kind::Http, &format!("{host} answers"), json!({"url": format!("https://{host}/")})),
            make(
                Kind::Tls,
                &format!("Certificate of {host} holds"),
                json!({"host": host, "port": 443, "min_days": 14}),
            ),
        ],
        "printer" => vec![ping(), tcp("Printer takes jobs", 9100)],
        "dns" => vec![ping(), tcp("Name server takes connections", 53)],
        _ => vec![ping()],
    };
    found.into_iter().flatten().collect()
}

/// True for what may be the name or the address of a host: a name of several words is what people call a thing.
fn is_host(name: &str) -> bool {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn by_port(port: u16) -> Vec<Suggested> {
    let why = format!("Port {port} takes connections.");
    let make = |kind, name: &str, fields: Value| suggested(kind, name, &why, fields);
    let tcp = |name: &str| make(Kind::Tcp, name, json!({"host": "localhost", "port": port}));
    let codes = [200, 204, 301, 302, 307, 308, 401, 403];
    let web = |scheme: &str, standard: u16| {
        let at = if port == standard { String::new() } else { format!(":{port}") };
        let name = format!("Web server answers on port {port}");
        let url = format!("{scheme}://localhost{at}/");
        make(
            Kind::Http,
            &name,
            json!({"url": url, "expect_status": codes, "max_redirects": 0, "any_certificate": scheme == "https"}),
        )
    };
    let certificate = |name: &str| {
        make(Kind::Tls, name, json!({"host": "localhost", "port": port, "any_name": true, "min_days": 14}))
    };
    let found = match port {
        80 | 3000 | 8000 | 8080 => vec![web("http", 80)],
        443 | 8443 => vec![web("https", 443), certificate("Certificate of the web server holds")],
        22 => vec![make(Kind::Ssh, "SSH server answers", json!({"host": "localhost"}))],
        25 => {
            vec![make(Kind::Smtp, "Mail server answers", json!({"host": "localhost", "port": 25, "security": "none"}))]
        }
        143 => vec![make(
            Kind::Imap,
            "Mailbox server answers",
            json!({"host": "localhost", "port": 143, "security": "none"}),
        )],
        465 => vec![certificate("Certificate of the mail server holds")],
        993 => vec![certificate("Certificate of the mailbox server holds")],
        3306 => vec![tcp("MySQL takes connections")],
        5432 => vec![tcp("PostgreSQL takes connections")],
        6379 => vec![make(
            Kind::Tcp,
            "Redis answers",
            json!({"host": "localhost", "port": 6379, "send": r"PING\r\n", "expect": "PONG"}),
        )],
        27017 => vec![tcp("MongoDB takes connections")],
        5672 => vec![tcp("RabbitMQ takes connections")],
        389 | 636 => vec![tcp("Directory takes connections")],
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

fn by_unit(services: &Section) -> Vec<Suggested> {
    let active = |value: &Value| value.get("active").and_then(Value::as_str) == Some("active");
    let hurts = |unit: &str| {
        let name = unit.strip_suffix(".service").unwrap_or_default();
        UNITS
            .iter()
            .any(|known| name == *known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with(['@', '-'])))
    };
    let units = services.iter().filter(|(_, value)| active(value)).filter_map(|(key, _)| key.strip_prefix("services."));
    units
        .filter(|unit| hurts(unit))
        .filter_map(|unit| {
            let name = format!("{} runs", unit.strip_suffix(".service").unwrap_or(unit));
            suggested(Kind::Unit, &name, "The unit is active.", json!({"unit": unit}))
        })
        .collect()
}

fn by_process(processes: &Section) -> Vec<Suggested> {
    let runs = |name: &&&str| processes.contains_key(&format!("processes.{name}"));
    let make =
        |name: &&str| suggested(Kind::Process, &format!("{name} runs"), "The program runs.", json!({"process": name}));
    PROGRAMS.iter().filter(runs).filter_map(make).collect()
}

fn by_disk(filesystems: &Section) -> Vec<Suggested> {
    let mut found = Vec::new();
    for (key, value) in filesystems {
        let Some(mount) = key.strip_prefix("filesystems.") else { continue };
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let size = value.get("size_bytes").and_then(Value::as_u64).unwrap_or(0);
        let writable = value.get("read_only").and_then(Value::as_bool) != Some(true);
        if !(DISKS.contains(&kind) && size >= DISK_BYTES_MIN && writable) {
            continue;
        }
        let why = format!("A file system of {} is mounted there.", web::ui::bytes(size));
        let full = json!({"mount": mount, "max_used_percent": 90});
        let soon = json!({"mount": mount, "full_within_h": 48, "severity": "warning"});
        found.extend(suggested(Kind::FileSystem, &format!("{mount} is not too full"), &why, full));
        found.extend(suggested(Kind::FillUp, &format!("{mount} will not be full soon"), &why, soon));
    }
    found
}

/// A suggestion, unless its fields make no check.
fn suggested(kind: Kind, name: &str, why: &str, fields: Value) -> Option<Suggested> {
    let Value::Object(fields) = fields else { return None };
    let mut given = Given::new();
    for field in kind.fields() {
        if let Some(value) = fields.get(*field) {
            put(&mut given, field, &kernel::Change::Set(value.clone()));
        }
    }
    let probe = Probe::new(kind, &given).ok()?;
    Some(Suggested { target: target(&probe), kind, name: name.to_owned(), why: why.to_owned(), fields })
}

/// What a probe looks at, in a word: two checks with the same say the same.
pub(crate) fn target(probe: &Probe) -> String {
    let kind = probe.kind().as_str();
    match probe {
        Probe::Http(http) => format!("{kind} {}", http.url),
        Probe::Tls(tls) => format!("{kind} {}", tls.port),
        Probe::Tcp(tcp) => format!("{kind} {}", tcp.port),
        Probe::Smtp(mail) | Probe::Imap(mail) => format!("{kind} {}", mail.port),
        // Who signs in says more than that a connection can be opened.
        Probe::Postgres(database) | Probe::Mysql(database) => format!("tcp {}", database.port),
        Probe::Unit { unit } => format!("{kind} {unit}"),
        Probe::Process { process, .. } => format!("{kind} {}", process.as_deref().unwrap_or_default()),
        Probe::FileSystem { mount, .. } | Probe::FillUp { mount, .. } => format!("{kind} {mount}"),
        _ => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(prefix: &str, facts: Value) -> Section {
        facts.as_object().unwrap().iter().map(|(key, value)| (format!("{prefix}.{key}"), value.clone())).collect()
    }

    fn targets(known: &Known) -> Vec<String> {
        suggest(known).into_iter().map(|one| one.target).collect()
    }

    #[test]
    fn a_web_server_is_asked_and_its_certificate_is_counted_down() {
        let listening =
            section("listening", json!({"tcp.443": {"for": "all"}, "tcp.80": {}, "tcp.22": {}, "tcp.9": {}}));
        let found = targets(&Known { listening, ..Known::default() });
        assert_eq!(found, ["ssh", "http https://localhost/", "tls 443", "http http://localhost/"]);
    }

    #[test]
    fn units_that_hurt_are_watched_and_others_are_not() {
        let services = section(
            "services",
            json!({
                "nginx.service": {"active": "active"}, "postgresql@15-main.service": {"active": "active"},
                "cron.service": {"active": "inactive"}, "getty@tty1.service": {"active": "active"},
            }),
        );
        let processes = section("processes", json!({"nginx": {}, "bash": {}}));
        let found = targets(&Known { services, processes: processes.clone(), ..Known::default() });
        assert_eq!(found, ["unit nginx.service", "unit postgresql@15-main.service"]);
        assert_eq!(targets(&Known { processes, ..Known::default() }), ["process nginx"]);
    }

    #[test]
    fn a_disk_is_watched_and_foretold_but_not_what_is_small_or_read_only() {
        let big = |kind: &str, read_only: bool| json!({"type": kind, "size_bytes": 50_000_000_000_u64, "read_only": read_only});
        let filesystems = section(
            "filesystems",
            json!({"/": big("ext4", false), "/iso": big("iso9660", true), "/ro": big("ext4", true),
                   "/boot": {"type": "ext4", "size_bytes": 500_000_000}}),
        );
        let found = suggest(&Known { filesystems, ..Known::default() });
        assert_eq!(found.iter().map(|one| one.target.as_str()).collect::<Vec<_>>(), ["file_system /", "fill_up /"]);
        assert!(found[1].why.contains("46.6 GiB"), "{}", found[1].why);
    }

    #[test]
    fn what_a_thing_is_suggests_a_look_from_outside_unless_an_agent_tells_of_it() {
        let of = |kind: &str, name: &str| Some(Thing { name: name.into(), kind: kind.into() });
        let found = |kind: &str, name: &str| targets(&Known { thing: of(kind, name), ..Known::default() });
        assert_eq!(found("switch", "sw-01"), ["icmp"]);
        assert_eq!(found("router", "192.0.2.1"), ["icmp"]);
        assert_eq!(found("printer", "printer-2.example.org"), ["icmp", "tcp 9100"]);
        assert_eq!(found("website", "www.example.org"), ["http https://www.example.org/", "tls 443"]);
        assert_eq!(found("server", "web-01"), Vec::<String>::new(), "a server gets an agent");
        assert_eq!(found("switch", "the one in the cellar"), Vec::<String>::new(), "that is no host");
        assert_eq!(found("printer", "-x;reboot"), Vec::<String>::new());
        let listening = section("listening", json!({"tcp.22": {}}));
        assert_eq!(targets(&Known { listening, thing: of("storage", "nas"), ..Known::default() }), ["ssh"]);
    }

    #[test]
    fn hostile_facts_suggest_nothing_that_is_no_check() {
        let filesystems =
            section("filesystems", json!({"not a path\n": {"type": "ext4", "size_bytes": 5_000_000_000_u64}}));
        let services = section(
            "services",
            json!({"nginx -x;.service": {"active": "active"}, "nginx@$(x).service": {"active": "active"}}),
        );
        let listening = section("listening", json!({"tcp.99999": {}, "tcp.x": {}}));
        assert_eq!(suggest(&Known { filesystems, services, listening, ..Known::default() }), []);
    }
}
