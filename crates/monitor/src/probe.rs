//! What a check looks at: kinds with typed parameters, checked field by field.

use std::collections::BTreeMap;

use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address;
use crate::limits::SILENT_S_DEFAULT;

/// The kind of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A process runs.
    Process,
    /// A TCP port answers.
    Tcp,
    /// A web address answers as expected.
    Http,
    /// A file system is not too full.
    FileSystem,
    /// A systemd unit is active.
    Unit,
    /// The host was heard from.
    Silent,
    /// A rule over series; made by the rule, never by a form.
    Rule,
}

impl Kind {
    /// Every kind that a person can choose, in reading order.
    pub const ALL: [Self; 6] = [Self::Process, Self::Tcp, Self::Http, Self::FileSystem, Self::Unit, Self::Silent];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::FileSystem => "file_system",
            Self::Unit => "unit",
            Self::Silent => "silent",
            Self::Rule => "rule",
        }
    }

    /// The kind of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Rule]).find(|kind| kind.as_str() == word)
    }

    /// The words people read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Process => "Process",
            Self::Tcp => "TCP port",
            Self::Http => "Web address",
            Self::FileSystem => "File system",
            Self::Unit => "systemd unit",
            Self::Silent => "Host not heard from",
            Self::Rule => "Rule",
        }
    }
}

/// The parameters of all kinds as they arrive: only those of the kind count, and the others must be absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Params<'a> {
    pub(crate) process: Option<&'a str>,
    pub(crate) command_line: Option<&'a str>,
    pub(crate) min_count: Option<i64>,
    pub(crate) host: Option<&'a str>,
    pub(crate) port: Option<i64>,
    pub(crate) url: Option<&'a str>,
    pub(crate) expect_status: Option<&'a [i64]>,
    pub(crate) contains: Option<&'a str>,
    pub(crate) mount: Option<&'a str>,
    pub(crate) max_used_percent: Option<f64>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) silent_after_s: Option<i64>,
}

impl<'a> Params<'a> {
    /// Forms send empty texts for what was not filled in.
    pub(crate) fn without_blanks(mut self) -> Self {
        let texts: [&mut Option<&'a str>; 7] = [
            &mut self.process,
            &mut self.command_line,
            &mut self.host,
            &mut self.url,
            &mut self.contains,
            &mut self.mount,
            &mut self.unit,
        ];
        for text in texts {
            *text = text.filter(|text| !text.trim().is_empty());
        }
        self
    }
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Probe {
    /// At least so many processes run.
    Process {
        /// Name of the process.
        process: Option<String>,
        /// A text in its command line, instead of the name.
        command_line: Option<String>,
        /// Fewest that must run.
        min_count: u32,
    },
    /// A connection can be opened.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A GET is answered as expected.
    Http {
        /// The address.
        url: String,
        /// Status codes that are good; empty means 200 to 299.
        expect_status: Vec<u16>,
        /// A text that the answer must hold.
        contains: Option<String>,
    },
    /// The file system is filled no further.
    FileSystem {
        /// Mount point.
        mount: String,
        /// Highest percentage in use.
        max_used_percent: f64,
    },
    /// The unit is active.
    Unit {
        /// Name with its suffix.
        unit: String,
    },
    /// The agent of the host sent something lately.
    Silent {
        /// Seconds without a message that are too many.
        silent_after_s: i64,
    },
    /// A rule over series gives none with these labels.
    Rule {
        /// The rule.
        rule: i64,
        /// The labels of its alert.
        labels: BTreeMap<String, String>,
    },
}

fn wrong(field: &str) -> impl Fn(String) -> Error {
    move |message| Error::invalid(field, message)
}

fn required<'a>(field: &str, text: Option<&'a str>) -> Result<&'a str> {
    text.filter(|text| !text.trim().is_empty()).ok_or_else(|| Error::invalid(field, "This kind of check needs it."))
}

fn whole<T: TryFrom<i64>>(field: &str, value: i64, low: i64, high: i64) -> Result<T> {
    let out = || Error::invalid(field, format!("Use a whole number from {low} to {high}."));
    if !(low..=high).contains(&value) {
        return Err(out());
    }
    T::try_from(value).map_err(|_| out())
}

impl Probe {
    /// Checks the parameters of a kind; an error names the field and what would fit.
    pub(crate) fn new(kind: Kind, given: &Params) -> Result<Self> {
        refuse_foreign(kind, given)?;
        match kind {
            Kind::Process => process(given),
            Kind::Tcp => {
                let host = kernel::text::line("host", required("host", given.host)?, 253)?;
                address::check_host(&host).map_err(wrong("host"))?;
                let port = given.port.ok_or_else(|| Error::invalid("port", "This kind of check needs it."))?;
                Ok(Self::Tcp { host, port: whole("port", port, 1, 65_535)? })
            }
            Kind::Http => http(given),
            Kind::FileSystem => file_system(given),
            Kind::Unit => unit(given),
            Kind::Silent => {
                let after = given.silent_after_s.unwrap_or(SILENT_S_DEFAULT);
                Ok(Self::Silent { silent_after_s: whole("silent_after_s", after, 30, 7 * 86_400)? })
            }
            Kind::Rule => Err(Error::invalid(
                "kind",
                "Checks of this kind are made by rules. Create a rule (monitor.rule.create).",
            )),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Process { .. } => Kind::Process,
            Self::Tcp { .. } => Kind::Tcp,
            Self::Http { .. } => Kind::Http,
            Self::FileSystem { .. } => Kind::FileSystem,
            Self::Unit { .. } => Kind::Unit,
            Self::Silent { .. } => Kind::Silent,
            Self::Rule { .. } => Kind::Rule,
        }
    }

    /// What it looks at, in one line.
    pub fn words(&self) -> String {
        match self {
            Self::Process { process, command_line, min_count } => {
                let which = match (process, command_line) {
                    (Some(name), _) => format!("process {name}"),
                    (None, text) => {
                        format!("a process with \"{}\" in its command line", text.as_deref().unwrap_or_default())
                    }
                };
                if *min_count > 1 {
                    format!("{which} runs at least {min_count} times")
                } else {
                    format!("{which} runs")
                }
            }
            Self::Tcp { host, port } => format!("{host} port {port} accepts connections"),
            Self::Http { url, .. } => format!("{url} answers as expected"),
            Self::FileSystem { mount, max_used_percent } => format!("{mount} is at most {max_used_percent} % full"),
            Self::Unit { unit } => format!("unit {unit} is active"),
            Self::Silent { silent_after_s } => {
                format!("the host was heard from within {}", web::ui::duration(*silent_after_s))
            }
            Self::Rule { labels, .. } => {
                let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("no alert with {}", pairs.join(", "))
            }
        }
    }

    /// What the agent is asked to do; nothing for what the server judges by itself.
    pub(crate) fn for_agent(&self) -> Option<agent_proto::Probe> {
        use agent_proto::{Probe as Wire, ProcessName};
        Some(match self {
            Self::Process { process, command_line, min_count } => Wire::Process {
                name: match (process, command_line) {
                    (Some(name), _) => ProcessName::Exact(name.clone()),
                    (None, text) => ProcessName::CommandLineContains(text.clone().unwrap_or_default()),
                },
                min_count: *min_count,
            },
            Self::Tcp { host, port } => Wire::Tcp { host: host.clone(), port: *port },
            Self::Http { url, expect_status, contains } => Wire::Http {
                url: url.clone(),
                expect_status: expect_status.clone(),
                contains: contains.clone(),
                max_redirects: 5,
            },
            Self::FileSystem { mount, max_used_percent } => {
                Wire::FileSystem { mount: mount.clone(), max_used_percent: *max_used_percent }
            }
            Self::Unit { unit } => Wire::Unit { name: unit.clone() },
            Self::Silent { .. } | Self::Rule { .. } => return None,
        })
    }
}

/// A parameter of another kind is a misunderstanding worth naming.
fn refuse_foreign(kind: Kind, given: &Params) -> Result<()> {
    let present = [
        ("process", given.process.is_some(), Kind::Process),
        ("command_line", given.command_line.is_some(), Kind::Process),
        ("min_count", given.min_count.is_some(), Kind::Process),
        ("host", given.host.is_some(), Kind::Tcp),
        ("port", given.port.is_some(), Kind::Tcp),
        ("url", given.url.is_some(), Kind::Http),
        ("expect_status", given.expect_status.is_some_and(|list| !list.is_empty()), Kind::Http),
        ("contains", given.contains.is_some(), Kind::Http),
        ("mount", given.mount.is_some(), Kind::FileSystem),
        ("max_used_percent", given.max_used_percent.is_some(), Kind::FileSystem),
        ("unit", given.unit.is_some(), Kind::Unit),
        ("silent_after_s", given.silent_after_s.is_some(), Kind::Silent),
    ];
    match present.iter().find(|(_, there, of)| *there && *of != kind) {
        None => Ok(()),
        Some((field, _, of)) => Err(Error::invalid(
            field,
            format!("This belongs to checks of the kind \"{}\". Leave it out, or change the kind.", of.as_str()),
        )),
    }
}

fn process(given: &Params) -> Result<Probe> {
    let min_count = whole("min_count", given.min_count.unwrap_or(1), 1, 10_000)?;
    let text = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match (text(given.process), text(given.command_line)) {
        (Some(_), Some(_)) => Err(Error::invalid("command_line", "Give the name or the command line, not both.")),
        (None, None) => Err(Error::invalid("process", "Give the name of the process, or a text in its command line.")),
        (Some(name), None) => {
            let name = kernel::text::line("process", &name, 255)?;
            if name.contains('/') {
                return Err(Error::invalid("process", "Give the name without its folder, for example nginx."));
            }
            Ok(Probe::Process { process: Some(name), command_line: None, min_count })
        }
        (None, Some(line)) => {
            let line = kernel::text::line("command_line", &line, 400)?;
            Ok(Probe::Process { process: None, command_line: Some(line), min_count })
        }
    }
}

fn http(given: &Params) -> Result<Probe> {
    let url = kernel::text::line("url", required("url", given.url)?, 2_000)?;
    address::check_url(&url).map_err(wrong("url"))?;
    let asked = given.expect_status.unwrap_or_default();
    if asked.len() > 20 {
        return Err(Error::invalid("expect_status", "At most 20 status codes fit here."));
    }
    let expect_status =
        asked.iter().map(|code| whole("expect_status", *code, 100, 599)).collect::<Result<Vec<u16>>>()?;
    let contains = given.contains.filter(|text| !text.trim().is_empty());
    let contains = contains.map(|text| kernel::text::line("contains", text, 400)).transpose()?;
    Ok(Probe::Http { url, expect_status, contains })
}

fn file_system(given: &Params) -> Result<Probe> {
    let mount = kernel::text::line("mount", required("mount", given.mount)?, 1_000)?;
    if !mount.starts_with('/') {
        return Err(Error::invalid("mount", "A mount point begins with a slash, for example /var."));
    }
    let max_used_percent = given.max_used_percent.unwrap_or(90.0);
    if !(1.0..=100.0).contains(&max_used_percent) {
        return Err(Error::invalid("max_used_percent", "Use a number from 1 to 100."));
    }
    Ok(Probe::FileSystem { mount, max_used_percent })
}

fn unit(given: &Params) -> Result<Probe> {
    let name = kernel::text::line("unit", required("unit", given.unit)?, 255)?;
    let name = if name.contains('.') { name } else { format!("{name}.service") };
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if name.starts_with(['-', '.']) || !name.chars().all(fits) {
        return Err(Error::invalid("unit", "This is no name of a unit. Write it like nginx.service."));
    }
    Ok(Probe::Unit { unit: name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, given: &Params, expected: std::result::Result<&str, &str>) {
        match (Probe::new(kind, given), expected) {
            (Ok(probe), Ok(words)) => assert_eq!(probe.words(), words),
            (Err(error), Err(field)) => assert_eq!(error.field.as_deref(), Some(field), "{error}"),
            (got, expected) => panic!("{got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn parameters_are_checked_and_errors_name_the_field() {
        let none = Params::default();
        check(Kind::Process, &Params { process: Some("nginx"), ..none.clone() }, Ok("process nginx runs"));
        check(Kind::Process, &none, Err("process"));
        check(Kind::Process, &Params { process: Some("/usr/bin/x"), ..none.clone() }, Err("process"));
        check(
            Kind::Process,
            &Params { process: Some("a"), command_line: Some("b"), ..none.clone() },
            Err("command_line"),
        );
        check(Kind::Process, &Params { process: Some("a"), min_count: Some(0), ..none.clone() }, Err("min_count"));
        check(Kind::Process, &Params { process: Some("a"), url: Some("http://x"), ..none.clone() }, Err("url"));
        let tcp = Params { host: Some("db"), port: Some(5432), ..none.clone() };
        check(Kind::Tcp, &tcp, Ok("db port 5432 accepts connections"));
        check(Kind::Tcp, &Params { port: Some(70_000), ..tcp.clone() }, Err("port"));
        check(Kind::Tcp, &Params { port: None, ..tcp.clone() }, Err("port"));
        check(Kind::Tcp, &Params { host: Some("a b"), ..tcp }, Err("host"));
        check(Kind::Http, &none, Err("url"));
        check(Kind::Http, &Params { url: Some("http://169.254.169.254/"), ..none.clone() }, Err("url"));
        check(
            Kind::Http,
            &Params { url: Some("http://x/"), expect_status: Some(&[99]), ..none.clone() },
            Err("expect_status"),
        );
        check(Kind::FileSystem, &Params { mount: Some("/"), ..none.clone() }, Ok("/ is at most 90 % full"));
        check(Kind::FileSystem, &Params { mount: Some("C:"), ..none.clone() }, Err("mount"));
        check(
            Kind::FileSystem,
            &Params { mount: Some("/"), max_used_percent: Some(f64::NAN), ..none.clone() },
            Err("max_used_percent"),
        );
        check(Kind::Unit, &Params { unit: Some("nginx"), ..none.clone() }, Ok("unit nginx.service is active"));
        check(Kind::Unit, &Params { unit: Some("-rf"), ..none.clone() }, Err("unit"));
        check(Kind::Silent, &none, Ok("the host was heard from within 2 min"));
        check(Kind::Silent, &Params { silent_after_s: Some(5), ..none }, Err("silent_after_s"));
    }

    #[test]
    fn every_kind_and_probe_is_read_back_from_its_text() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        let probe = Probe::Http { url: "https://x/".into(), expect_status: vec![204], contains: Some("ok".into()) };
        let text = serde_json::to_string(&probe).unwrap();
        assert_eq!(serde_json::from_str::<Probe>(&text).unwrap(), probe);
    }
}
