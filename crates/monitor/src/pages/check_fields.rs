//! The fields of a check's form: how each field of each kind is asked for, in one table.

use maud::{Markup, html};
use serde_json::Value;
use web::ui::{Field, Form};

use crate::probe::{Kind, Probe};

/// How a field is asked for.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    /// Text in which each letter counts.
    Code,
    /// Several lines of it.
    Lines,
    Number,
    Password,
    YesNo,
    Choice(&'static [(&'static str, &'static str)]),
}

use Shape::{Choice, Code, Lines, Number, Password, Text, YesNo};

const SECURITY: &[(&str, &str)] =
    &[("starttls", "STARTTLS"), ("tls", "TLS from the first byte"), ("none", "None, readable on the way")];
const STARTTLS: &[(&str, &str)] =
    &[("none", "Secure from the first byte"), ("smtp", "After STARTTLS of SMTP"), ("imap", "After STARTTLS of IMAP")];
const RECORDS: &[(&str, &str)] = &[
    ("a", "A"),
    ("aaaa", "AAAA"),
    ("cname", "CNAME"),
    ("mx", "MX"),
    ("ns", "NS"),
    ("txt", "TXT"),
    ("srv", "SRV"),
    ("ptr", "PTR"),
    ("soa", "SOA"),
];
const METHODS: &[(&str, &str)] = &[
    ("GET", "GET"),
    ("HEAD", "HEAD"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
    ("OPTIONS", "OPTIONS"),
];

/// Name, label, shape, what stands there while it is empty, help.
type Asked = (&'static str, &'static str, Shape, &'static str, &'static str);

const ASKED: [Asked; 71] = [
    ("url", "Address", Code, "https://intranet.example.org/health", ""),
    ("expect_status", "Good status codes", Text, "200, 204", "Left empty, 200 to 299 are good."),
    ("contains", "Text that the answer must hold", Text, "", ""),
    ("not_contains", "Text that it must not hold", Text, "", ""),
    ("matches", "Regular expression that it must match", Code, "", ""),
    ("json_path", "Value in JSON that must be there", Code, "data.items[0].name", ""),
    ("json_equals", "What that value must be", Code, "", "Left empty, any value will do."),
    (
        "expect_headers",
        "Headers that the answer must have",
        Lines,
        "Content-Type: json",
        "One a line; part of the value will do.",
    ),
    ("expect_location", "Address that it must redirect to", Code, "", "The redirect itself is judged then."),
    ("max_redirects", "Redirects to follow", Number, "5", ""),
    ("method", "Method", Choice(METHODS), "", ""),
    (
        "headers",
        "Headers to send",
        Lines,
        "Accept: application/json",
        "One a line. Values that may hold a key are sealed and shown as (set), which keeps them.",
    ),
    ("body", "Body to send", Lines, "", "Sealed, and shown as (set), which keeps it."),
    ("any_certificate", "Any certificate will do", YesNo, "", ""),
    ("max_ms", "Longest time of all (ms)", Number, "", ""),
    ("max_first_byte_ms", "Longest time to the first byte (ms)", Number, "", ""),
    ("max_tls_ms", "Longest time to secure the connection (ms)", Number, "", ""),
    ("max_connect_ms", "Longest time to connect (ms)", Number, "", ""),
    ("max_dns_ms", "Longest time to resolve the name (ms)", Number, "", ""),
    ("host", "Host", Code, "db.example.org", "Name or address, as the one who looks knows it."),
    ("port", "Port", Number, "", "Left empty, the usual one, where there is one."),
    ("server_name", "Name that the certificate must be for", Code, "", "Left empty, the host."),
    ("starttls", "When it becomes secure", Choice(STARTTLS), "", ""),
    ("min_days", "Fewest days it must still hold", Number, "14", ""),
    ("any_name", "Any name will do", YesNo, "", "Only the dates are judged then."),
    ("any_issuer", "Any issuer will do", YesNo, "", "For certificates of your own making."),
    (
        "send",
        "Text to send",
        Code,
        r"PING\r\n",
        r"\r and \n stand for ends of lines. Sealed, and shown as (set), which keeps it.",
    ),
    ("expect", "Text that must come", Code, "", "In the answer or greeting; for a query, its first cell."),
    (
        "host_key",
        "Fingerprint of its key",
        Code,
        "SHA256:..",
        "As ssh-keygen -lf shows it. Left empty, the key is not looked at.",
    ),
    ("count", "Pings", Number, "3", "200 ms apart."),
    ("max_loss_percent", "Largest loss (%)", Number, "34", ""),
    ("max_rtt_ms", "Longest mean round trip (ms)", Number, "", ""),
    ("max_jitter_ms", "Largest jitter (ms)", Number, "", ""),
    ("domain", "Name", Code, "www.example.org", ""),
    ("record", "Records", Choice(RECORDS), "", ""),
    ("values", "What they must be", Lines, "192.0.2.7", "One a line. Left empty, any will do."),
    ("exactly", "Nothing beside these", YesNo, "", ""),
    ("rcode", "Good response code", Code, "NOERROR", ""),
    ("resolver", "Server to ask", Code, "10.0.0.53", "Left empty, the one that the machine itself asks."),
    ("security", "Security", Choice(SECURITY), "", ""),
    ("user", "Account", Code, "", "Left empty where nobody has to sign in."),
    ("password", "Password", Password, "", "Kept sealed and never shown. Left empty, it stays as it is."),
    ("database", "Database", Code, "", ""),
    ("query", "Query", Lines, "select 1", "It is asked in a session that may only read."),
    ("min_value", "Least number it may answer", Number, "", ""),
    ("max_value", "Greatest number it may answer", Number, "", ""),
    ("every_s", "Seconds from one run to the next", Number, "3600", "Or times, below."),
    ("cron", "Times, as in cron", Code, "30 2 * * 1-5", "Minute, hour, day, month, day of the week."),
    ("time_zone", "Time zone of those times", Code, "UTC", ""),
    ("grace_s", "Seconds it may be late", Number, "300", ""),
    ("max_run_s", "Most seconds it may run", Number, "", "For jobs that tell their start too."),
    ("process", "Process", Code, "nginx", "The name as ps shows it."),
    ("command_line", "Or a text in its command line", Code, "", "For scripts and Java, where the name says nothing."),
    ("min_count", "Fewest that must run", Number, "1", ""),
    ("unit", "Unit", Code, "nginx.service", ""),
    ("mount", "Mount point", Code, "/", ""),
    ("max_used_percent", "Highest percentage in use", Number, "90", ""),
    ("full_within_h", "Hours until full that are too few", Number, "48", ""),
    ("path", "Path", Code, "/var/backups/db.dump", ""),
    ("max_age_s", "Most seconds since it was changed", Number, "", ""),
    ("min_age_s", "Fewest seconds since it was changed", Number, "", ""),
    ("min_bytes", "Fewest bytes", Number, "", ""),
    ("max_bytes", "Most bytes", Number, "", ""),
    ("absent", "It must not be there", YesNo, "", ""),
    ("pattern", "Lines that count (regular expression)", Code, "ERROR|FATAL", ""),
    ("ignore", "Except those (regular expression)", Code, "", ""),
    ("max_lines", "New lines that are still good", Number, "0", ""),
    (
        "plugin",
        "Plugin",
        Code,
        "/usr/lib/nagios/plugins/check_load",
        "The machine's own policy must name it or its folder.",
    ),
    (
        "arguments",
        "Arguments",
        Lines,
        "-w\n5,4,3",
        "One a line; no shell reads them. What may be a password is sealed and shown as (set), which keeps it.",
    ),
    ("warning_is_good", "A warning is good enough", YesNo, "", ""),
    ("silent_after_s", "Seconds without a message", Number, "120", ""),
];

/// How many fields of a kind stand open; the others are folded away.
const fn open(kind: Kind) -> usize {
    match kind {
        Kind::Http | Kind::Tcp | Kind::Dns => 3,
        Kind::Postgres | Kind::Mysql => 7,
        Kind::Smtp | Kind::Imap => 6,
        _ => usize::MAX,
    }
}

/// Puts the fields of a kind into a form, filled from a probe when there is one.
pub(super) fn put(mut form: Form, kind: Kind, probe: Option<&Probe>) -> Form {
    let now = probe.and_then(|probe| serde_json::to_value(probe).ok()).unwrap_or(Value::Null);
    let fields: Vec<Field> = kind.fields().iter().filter_map(|name| field(kind, name, now.get(*name))).collect();
    let (mut shown, mut folded) = (fields, Vec::new());
    if shown.len() > open(kind) {
        folded = shown.split_off(open(kind));
    }
    for field in shown {
        form = form.field(field);
    }
    // What says something stands open, so that nobody overlooks it.
    let says =
        kind.fields().iter().skip(open(kind)).any(|name| now.get(*name).is_some_and(|value| is_said(name, value)));
    if !folded.is_empty() {
        form = form.part(more(&folded, says));
    }
    form
}

fn more(fields: &[Field], open: bool) -> Markup {
    html! {
        details.form-more open[open] {
            summary { "More conditions and settings" }
            div.form-more-body { @for pair in fields.chunks(2) { div.row2 { @for field in pair { (field) } } } }
        }
    }
}

fn is_said(name: &str, value: &Value) -> bool {
    let usual = [("max_redirects", "5"), ("method", "GET"), ("rcode", "NOERROR"), ("security", "starttls")];
    let text = plain(value);
    !text.is_empty() && text != "false" && !usual.contains(&(name, text.as_str()))
}

/// A value as it is typed.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn field(kind: Kind, name: &'static str, value: Option<&Value>) -> Option<Field> {
    let (_, label, shape, placeholder, help) = ASKED.iter().find(|(known, ..)| *known == name).copied()?;
    let value = value.map(plain).unwrap_or_default();
    let mut field = match shape {
        Text => Field::text(name, label).value(value),
        Code => Field::text(name, label).value(value).mono(),
        Lines => Field::textarea(name, label).value(value).mono(),
        Number => Field::text(name, label).value(value).mono(),
        Password => Field::password(name, label).autocomplete("new-password"),
        YesNo => {
            let value = if value == "true" { "true" } else { "false" };
            Field::select(name, label, [("false", "No"), ("true", "Yes")]).value(value)
        }
        Choice(options) => Field::select(name, label, options.iter().copied()).value(value),
    };
    if !placeholder.is_empty() {
        field = field.placeholder(placeholder);
    }
    if !help.is_empty() {
        field = field.help(help);
    }
    Some(if kind.required().contains(&name) { field.required() } else { field })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_every_kind_is_asked_for() {
        for kind in Kind::ALL {
            let html = put_into(kind, None);
            for name in kind.fields() {
                assert!(html.contains(&format!("name=\"{name}\"")), "{kind:?} has no field for {name}");
            }
        }
    }

    #[test]
    fn what_says_something_stands_open() {
        let http = |method: &str| {
            Probe::Http(Box::new(probes::http::Http {
                url: "http://x/".into(),
                method: method.into(),
                ..Default::default()
            }))
        };
        assert!(put_into(Kind::Http, Some(&http("POST"))).contains("<details class=\"form-more\" open"));
        assert!(!put_into(Kind::Http, Some(&http("GET"))).contains("<details class=\"form-more\" open"));
    }

    fn put_into(kind: Kind, probe: Option<&Probe>) -> String {
        use maud::Render as _;
        put(Form::post("/x", "token"), kind, probe).render().into_string()
    }
}
