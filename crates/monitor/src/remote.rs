//! Other engines beside our own: samples are sent to them, and questions that reach beyond what is kept here are answered
//! by them. The store itself is the queue: what is kept for an endpoint is a position in time, not a copy of samples.

use kernel::settings::Setting;
use kernel::{Cx, Error, Result};
use metrics_proto::write::Version;
use promql::Matcher;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod list;
mod request;
pub(crate) mod second;
pub mod secret;
pub(crate) mod send;
mod slice;

pub use send::flush;

/// Most endpoints.
const ENDPOINTS_MAX: usize = 8;
/// Most selectors of an endpoint.
const SELECTORS_MAX: usize = 50;

/// Other engines that get samples and answer questions that reach further back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Remotes {
    /// The endpoints, at most 8.
    pub endpoints: Vec<Remote>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// Where samples are sent by remote write, for example http://victoria:8428/api/v1/write; empty sends none.
    #[serde(default)]
    pub write_url: String,
    /// What comes before /api/v1/query of its Prometheus API; empty asks it nothing.
    #[serde(default)]
    pub read_url: String,
    /// The version of remote write.
    #[serde(default)]
    pub version: RemoteVersion,
    /// The user of basic authentication; empty sends the secret, if there is one, as a bearer token. The secret is set by
    /// monitor.remote.set-secret.
    #[serde(default)]
    pub user: String,
    /// Selectors of the series that are sent, for example {__name__=~"node_.*"}; all if there is none.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Selectors of series that are not sent.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Also connect to loopback and private addresses.
    #[serde(default)]
    pub allow_private: bool,
    /// Send nothing for now; the position stays.
    #[serde(default)]
    pub paused: bool,
}

/// A version of remote write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RemoteVersion {
    /// What every receiver takes.
    #[default]
    #[serde(rename = "1.0")]
    V1,
    /// Smaller; Prometheus 3, Mimir and others take it.
    #[serde(rename = "2.0")]
    V2,
}

impl RemoteVersion {
    fn wire(self) -> Version {
        match self {
            Self::V1 => Version::V1,
            Self::V2 => Version::V2,
        }
    }
}

impl Setting for Remotes {
    const KEY: &'static str = "monitor.remote";
    /// What is measured leaves the house.
    const GUARDED: bool = true;

    fn check(&self) -> Result<()> {
        if self.endpoints.len() > ENDPOINTS_MAX {
            return Err(Error::invalid("value.endpoints", format!("Name at most {ENDPOINTS_MAX} endpoints.")));
        }
        for (at, one) in self.endpoints.iter().enumerate() {
            one.check(&format!("value.endpoints.{at}"))?;
            if self.endpoints.iter().skip(at + 1).any(|other| other.name == one.name) {
                let message = format!("There are two endpoints \"{}\". Give each a name of its own.", one.name);
                return Err(Error::invalid(&format!("value.endpoints.{at}.name"), message));
            }
        }
        Ok(())
    }
}

impl Remote {
    fn check(&self, place: &str) -> Result<()> {
        let wrong = |field: &str, message: &str| Err(Error::invalid(&format!("{place}.{field}"), message));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) {
            return wrong("name", "A name has 1 to 40 small letters, digits and hyphens.");
        }
        if self.write_url.is_empty() && self.read_url.is_empty() {
            return wrong("write_url", "Say where samples are sent, or what answers questions.");
        }
        for (field, url) in [("write_url", &self.write_url), ("read_url", &self.read_url)] {
            if !url.is_empty() && !is_address(url) {
                return wrong(
                    field,
                    "Use an address that starts with https:// or http://, without a user or a password.",
                );
            }
        }
        if self.read_url.contains(['?', '#']) {
            return wrong("read_url", "Leave out what comes after the path: /api/v1/query is added.");
        }
        if self.user.contains([':', '\r', '\n']) || self.user.len() > 200 {
            return wrong("user", "A user has no colon and no line end, and at most 200 characters.");
        }
        for (field, texts) in [("keep", &self.keep), ("drop", &self.drop)] {
            if texts.len() > SELECTORS_MAX {
                return wrong(field, "At most 50 selectors fit.");
            }
            if let Some(error) = texts.iter().find_map(|text| promql::parse_selector(text).err()) {
                return wrong(field, &format!("This is not a selector: {error}"));
            }
        }
        Ok(())
    }

    /// The conditions of keep and drop.
    fn filter(&self) -> Filter {
        let read = |texts: &[String]| {
            let one = |text: &String| promql::parse_selector(text).ok().map(|selector| selector.matchers);
            texts.iter().filter_map(one).collect()
        };
        Filter { keep: read(&self.keep), drop: read(&self.drop) }
    }
}

fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    url.len() <= 1_000
        && host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Which series are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    keep: Vec<Vec<Matcher>>,
    drop: Vec<Vec<Matcher>>,
}

impl Filter {
    /// `label` answers the value of a label of the series; the empty text if it has none.
    fn sends<'a>(&self, label: impl Fn(&str) -> &'a str) -> bool {
        let fits = |all: &Vec<Matcher>| all.iter().all(|matcher| matcher.accepts(label(matcher.name())));
        (self.keep.is_empty() || self.keep.iter().any(fits)) && !self.drop.iter().any(fits)
    }

    /// Conditions that the store itself can look up: those of the only selector.
    fn first(&self) -> &[Matcher] {
        if let [only] = self.keep.as_slice() { only } else { &[] }
    }
}

/// The name under which an endpoint's secret is sealed.
fn secret_name(endpoint: &str) -> String {
    format!("monitor.remote.{endpoint}")
}

/// The endpoint of a name.
fn named(cx: &mut Cx, name: &str) -> Result<Remote> {
    let all: Remotes = cx.setting()?;
    let found = all.endpoints.into_iter().find(|one| one.name == name);
    found.ok_or_else(|| Error::not_found(format!("The endpoint \"{name}\" of the setting monitor.remote")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(change: impl FnOnce(&mut Remote)) -> Remote {
        let json = serde_json::json!({"name": "long-term", "write_url": "https://victoria.example.org/api/v1/write"});
        let mut remote: Remote = serde_json::from_value(json).unwrap();
        change(&mut remote);
        remote
    }

    #[test]
    fn mistakes_are_told_with_their_field() {
        let said = |remote: Remote| Remotes { endpoints: vec![remote] }.check().map_err(|error| error.field);
        assert_eq!(said(remote(|_| {})), Ok(()));
        let wrong = |field: &str| Err(Some(format!("value.endpoints.0.{field}")));
        assert_eq!(said(remote(|one| one.name = "Long Term".into())), wrong("name"));
        assert_eq!(said(remote(|one| one.write_url.clear())), wrong("write_url"));
        assert_eq!(said(remote(|one| one.write_url = "http://ada:pw@x/".into())), wrong("write_url"));
        assert_eq!(said(remote(|one| one.read_url = "ftp://x".into())), wrong("read_url"));
        assert_eq!(said(remote(|one| one.read_url = "http://x/?a=1".into())), wrong("read_url"));
        assert_eq!(said(remote(|one| one.user = "a:b".into())), wrong("user"));
        assert_eq!(said(remote(|one| one.drop = vec!["up{".into()])), wrong("drop"));
        let twice = Remotes { endpoints: vec![remote(|_| {}), remote(|_| {})] };
        assert_eq!(twice.check().map_err(|error| error.field), wrong("name"));
    }

    #[test]
    fn what_is_kept_and_not_dropped_is_sent() {
        let filter = remote(|one| {
            one.keep = vec!["{site=\"oslo\"}".into(), "{__name__=~\"node_.*\"}".into()];
            one.drop = vec!["node_scrape_collector_success".into()];
        })
        .filter();
        let sends = |name: &str, site: &str| filter.sends(|label| if label == "site" { site } else { name });
        assert!(sends("up", "oslo") && sends("node_load1", "bergen"));
        assert!(!sends("up", "bergen") && !sends("node_scrape_collector_success", "oslo"));
    }
}
