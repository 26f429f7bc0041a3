//! What the server itself may look at. It stands where its own API, its database and the services beside it are, so that
//! its looks, which many people may order, go less far than those of an agent.

use kernel::settings::Setting;
use kernel::{Error, Result};
use outbound::{Allowed, refused_host};
use probes::Look;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::probe::Probe;

/// Methods that change nothing.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// What checks may do that the server itself makes (vantage 0).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Looks {
    /// Also look at the server's own machine over its loopback, where services listen that trust whoever is there.
    pub loopback: bool,
    /// Also send requests that may change something: POST, PUT, PATCH and DELETE.
    pub any_method: bool,
}

impl Setting for Looks {
    const KEY: &'static str = "monitor.looks";
    /// Whoever may make checks reaches further with it.
    const GUARDED: bool = true;

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Looks {
    /// What the server's looks may reach.
    pub(crate) const fn allowed(&self) -> Allowed {
        Allowed { loopback: self.loopback, ..Allowed::NETWORK }
    }

    /// Refuses a check that the server may not make. Names are judged here, where they lead when they are connected to.
    pub(crate) fn check(&self, probe: &Probe) -> Result<()> {
        let way = "Let an agent look, or allow it in the setting monitor.looks.";
        if let Some((field, host)) = host(probe)
            && let Some(what) = refused_host(&host, self.allowed())
        {
            return Err(Error::invalid(field, format!("This server does not ask {host}: it is {what}. {way}")));
        }
        match probe.look().and_then(|look| self.refuses(&look)) {
            Some(why) => Err(Error::invalid("method", format!("{why} {way}"))),
            None => Ok(()),
        }
    }

    /// Why a look is not made by the server, whatever it leads to.
    pub(crate) fn refuses(&self, look: &Look) -> Option<String> {
        let Look::Http(http) = look else { return None };
        let safe = self.any_method || SAFE.contains(&http.method.as_str());
        (!safe).then(|| format!("This server itself asks with {} only, not with {}.", SAFE.join(", "), http.method))
    }
}

/// The host that a check connects to, and the field that names it.
pub(crate) fn host(probe: &Probe) -> Option<(&'static str, String)> {
    let plain = |host: &str| Some(("host", host.to_owned()));
    match probe {
        Probe::Http(http) => probes::exchange::Target::parse(&http.url).ok().map(|target| ("url", target.host)),
        Probe::Tls(tls) => plain(&tls.host),
        Probe::Tcp(tcp) => plain(&tcp.host),
        Probe::Icmp(icmp) => plain(&icmp.host),
        Probe::Dns(dns) => dns.resolver.as_deref().map(|resolver| ("resolver", without_port(resolver).to_owned())),
        Probe::Smtp(mail) | Probe::Imap(mail) => plain(&mail.host),
        Probe::Ssh(ssh) => plain(&ssh.host),
        Probe::Postgres(database) | Probe::Mysql(database) => plain(&database.host),
        _ => None,
    }
}

/// `10.0.0.53:5353`, `[::1]:53`, `::1` and `dns.example` without a port.
fn without_port(resolver: &str) -> &str {
    if let Some((host, _)) = resolver.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host;
    }
    match resolver.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') => host,
        _ => resolver,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Given, Kind};
    use serde_json::json;

    fn refused(looks: &Looks, kind: Kind, fields: &[(&'static str, serde_json::Value)]) -> Option<String> {
        let given: Given = fields.iter().cloned().collect();
        let probe = Probe::new(kind, &given).unwrap();
        looks.check(&probe).err().and_then(|error| error.field)
    }

    #[test]
    fn the_server_looks_at_networks_with_harmless_methods_and_at_itself_only_when_it_is_allowed() {
        let (usual, own) = (Looks::default(), Looks { loopback: true, any_method: false });
        let any = Looks { loopback: false, any_method: true };
        for (kind, fields, field) in [
            (Kind::Http, vec![("url", json!("http://127.0.0.1:7300/metrics"))], "url"),
            (Kind::Http, vec![("url", json!("http://LOCALHOST./"))], "url"),
            (Kind::Http, vec![("url", json!("http://[::ffff:127.0.0.1]/"))], "url"),
            (Kind::Tcp, vec![("host", json!("localhost")), ("port", json!(5432))], "host"),
            (Kind::Icmp, vec![("host", json!("::1"))], "host"),
            (Kind::Dns, vec![("domain", json!("a")), ("resolver", json!("127.0.0.53"))], "resolver"),
            (Kind::Dns, vec![("domain", json!("a")), ("resolver", json!("[::1]:53"))], "resolver"),
            (Kind::Postgres, vec![("host", json!("localhost"))], "host"),
        ] {
            assert_eq!(refused(&usual, kind, &fields).as_deref(), Some(field), "{fields:?}");
            assert_eq!(refused(&own, kind, &fields), None, "{fields:?}");
        }
        for fields in [
            vec![("url", json!("http://10.0.0.5/"))],
            vec![("url", json!("https://example.org/")), ("method", json!("OPTIONS"))],
        ] {
            assert_eq!(refused(&usual, Kind::Http, &fields), None, "{fields:?}");
        }
        let post = [("url", json!("http://10.0.0.5/")), ("method", json!("POST"))];
        assert_eq!(refused(&usual, Kind::Http, &post).as_deref(), Some("method"));
        assert_eq!(refused(&own, Kind::Http, &post).as_deref(), Some("method"));
        assert_eq!(refused(&any, Kind::Http, &post), None);
        assert_eq!(refused(&usual, Kind::Dns, &[("domain", json!("a"))]), None, "its own resolver is its own matter");
    }
}
