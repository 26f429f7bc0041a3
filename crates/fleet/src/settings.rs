//! Settings of the agent link.

use kernel::settings::Setting;
use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where agents find this server.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkSetting {
    /// The address agents connect to, such as wss://mainstay.example.org:7301/agent. Empty: this machine's own name.
    pub address: String,
    /// Further names and IP addresses that the server's certificate holds.
    pub names: Vec<String>,
}

impl LinkSetting {
    /// The host of the address, without brackets.
    pub(crate) fn host(&self) -> Option<String> {
        let rest = self.address.strip_prefix("wss://")?;
        let authority = rest.split('/').next()?;
        let host = match authority.strip_prefix('[') {
            Some(inside) => inside.split(']').next()?,
            None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
        };
        (!host.is_empty()).then(|| host.to_owned())
    }

    /// The address to give to a new machine.
    pub(crate) fn url(&self) -> String {
        if self.address.is_empty() {
            let host = crate::keys::host_name().unwrap_or_else(|| "localhost".to_owned());
            format!("wss://{host}:7301/agent")
        } else {
            self.address.clone()
        }
    }
}

impl Setting for LinkSetting {
    const KEY: &'static str = "fleet.link";

    fn check(&self) -> Result<()> {
        if !self.address.is_empty() && self.host().is_none() {
            return Err(Error::invalid("address", "Write the address like wss://mainstay.example.org:7301/agent."));
        }
        let sound = |name: &String| {
            !name.is_empty()
                && name.len() <= 253
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'*'))
        };
        match self.names.iter().chain(self.host().as_ref()).find(|name| !sound(name)) {
            None if self.names.len() <= 50 => Ok(()),
            None => Err(Error::invalid("names", "At most 50 names fit into a certificate.")),
            Some(name) => Err(Error::invalid("names", format!("\"{name}\" is not a host name or IP address."))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_out_of_the_address() {
        let host = |address: &str| LinkSetting { address: address.into(), names: Vec::new() }.host();
        assert_eq!(host("wss://m.example.org:7301/agent").as_deref(), Some("m.example.org"));
        assert_eq!(host("wss://m.example.org/agent").as_deref(), Some("m.example.org"));
        assert_eq!(host("wss://[::1]:7301/agent").as_deref(), Some("::1"));
        assert_eq!(host("https://m.example.org"), None);
    }

    #[test]
    fn an_address_or_name_that_no_certificate_can_hold_is_refused() {
        let check = |address: &str, name: &str| {
            LinkSetting { address: address.into(), names: vec![name.to_owned()] }.check().is_ok()
        };
        assert!(check("wss://a.example:7301/agent", "10.0.0.1"));
        assert!(!check("http://a.example", "10.0.0.1"));
        assert!(!check("wss://a.example", "a b"));
        assert!(!check("", ""));
    }
}
