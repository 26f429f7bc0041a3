//! Addresses: which thing has which, and which ones it names as its gateway, its name servers and its storage. Where
//! exactly one thing has the address, that is a relation (`relation/discover.rs`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use agent_proto::facts::Section;
use kernel::job::{Job, JobEntry, Running};
use kernel::{Actor, Cx, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::relation::{RelationKind, discover};

pub(crate) mod set;
pub(crate) mod store;

/// The section of facts that addresses are read from.
pub(crate) const SECTION: &str = "interfaces";
/// Most addresses of one role of one thing.
const ADDRESSES_MAX: usize = 64;
/// Beginnings of the names of interfaces whose networks end within the machine: others have the same addresses there.
const INNER: &[&str] =
    &["lo", "docker", "br-", "veth", "virbr", "vnet", "cni", "flannel", "cali", "lxc", "lxdbr", "podman", "kube"];
/// Facts that name others' addresses, and what the thing is to them.
const NAMED: &[(&str, RelationKind)] = &[
    ("network.gateway", RelationKind::RoutesBy),
    ("network.resolvers", RelationKind::ResolvesBy),
    ("network.storage", RelationKind::StoresOn),
];

const KIND: &str = "assets.follow-address";
/// Things that are looked at in one transaction.
const AT_ONCE: usize = 50;

/// Looks again at everything that names an address.
pub(crate) const JOB: JobEntry = JobEntry { kind: KIND, run };

/// What an address is to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Its agent says that it has it.
    Own,
    /// A person says that it has it.
    Given,
    /// It is that of what it stands on.
    Of(RelationKind),
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Given => "given",
            Self::Of(kind) => kind.as_str(),
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word {
            "own" => Some(Self::Own),
            "given" => Some(Self::Given),
            word => RelationKind::parse(word).map(Self::Of),
        }
    }

    /// The thing itself has the address.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::Own | Self::Given)
    }
}

/// An address and what it is to a thing.
pub(crate) type Said = BTreeSet<(Role, String)>;

/// An address that says who is meant, in one spelling; nothing for what is the same on every machine or link.
pub(crate) fn telling(text: &str) -> Option<String> {
    let ip: IpAddr = text.split('/').next()?.trim().parse().ok()?;
    let ip = ip.to_canonical();
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let nobody = ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || link_local;
    (!nobody).then(|| ip.to_string())
}

/// What a section of facts says about addresses.
fn said(section: &Section) -> Said {
    let texts = |value: &Value| match value {
        Value::Array(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Value::String(one) => vec![one.clone()],
        _ => Vec::new(),
    };
    let mut said = Said::new();
    for (key, value) in section {
        let value = crate::facts::parse(value);
        let (role, texts) = if let Some(name) = key.strip_prefix("interfaces.") {
            if INNER.iter().any(|inner| name.starts_with(inner)) {
                continue;
            }
            (Role::Own, texts(value.get("addresses").unwrap_or(&Value::Null)))
        } else if let Some((_, kind)) = NAMED.iter().find(|(named, _)| named == key) {
            (Role::Of(*kind), texts(&value))
        } else {
            continue;
        };
        for address in texts.iter().filter_map(|text| telling(text)) {
            if said.iter().filter(|(known, _)| *known == role).count() < ADDRESSES_MAX {
                said.insert((role, address));
            }
        }
    }
    said
}

/// Notes what new facts of a thing say about addresses, and what follows. Facts that say the same change nothing.
pub(crate) fn note(cx: &mut Cx, asset: i64, section: &Section) -> Result<()> {
    let old: Said = store::of(cx.tx, asset)?.into_iter().filter(|(role, _)| *role != Role::Given).collect();
    replace(cx, asset, &old, &said(section))
}

/// Puts what is said about addresses in the place of what was said, and what follows.
fn replace(cx: &mut Cx, asset: i64, old: &Said, new: &Said) -> Result<()> {
    if old == new {
        return Ok(());
    }
    for (role, address) in old.difference(new) {
        store::remove(cx.tx, asset, *role, address)?;
    }
    for (role, address) in new.difference(old) {
        store::put(cx.tx, asset, *role, address)?;
    }
    let moved: BTreeSet<&String> =
        old.symmetric_difference(new).filter(|(role, _)| role.is_own()).map(|(_, address)| address).collect();
    for address in moved {
        follow(cx, address)?;
    }
    discover::settle(cx, asset)
}

/// Whoever names an address of a thing is looked at again: the thing came into use, or was retired.
pub(crate) fn follow_all(cx: &mut Cx, asset: i64) -> Result<()> {
    let own = store::of(cx.tx, asset)?.into_iter().filter(|(role, _)| role.is_own());
    let own: BTreeSet<String> = own.map(|(_, address)| address).collect();
    own.iter().try_for_each(|address| follow(cx, address))?;
    discover::settle(cx, asset)
}

#[derive(Deserialize, Serialize)]
struct Follow {
    address: String,
}

/// Whoever names an address is looked at again, later and in slices: it may be everybody. Nobody names most addresses.
fn follow(cx: &mut Cx, address: &str) -> Result<()> {
    if store::naming(cx.tx, address, 0, 1)?.is_empty() {
        return Ok(());
    }
    cx.enqueue(&Job::new(KIND, &Follow { address: address.to_owned() })?)
}

/// Looks at everybody who names an address. Twice changes nothing more.
fn run(running: &Running<'_>) -> Result<()> {
    let address = running.input::<Follow>()?.address;
    let mut after = 0;
    loop {
        if running.kernel.stopping() {
            return Err(Error::unavailable("The server stops; the rest is looked at when it starts."));
        }
        let named = address.clone();
        let slice = move |cx: &mut Cx| {
            let assets = store::naming(cx.tx, &named, after, AT_ONCE)?;
            assets.iter().try_for_each(|asset| discover::settle(cx, *asset))?;
            Ok(assets.last().copied())
        };
        match running.kernel.write_as(Actor::service("assets.facts", &[]), KIND, slice)? {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// Reads the addresses in facts that an earlier version kept, in small steps. What is read already says nothing new.
pub(crate) fn read_kept(kernel: &kernel::Handle) -> Result<()> {
    let mut after = 0;
    loop {
        let step = move |cx: &mut Cx| {
            let assets = store::unread(cx.tx, SECTION, after, AT_ONCE)?;
            for asset in &assets {
                let section = crate::facts::store::section(cx.tx, *asset, SECTION)?;
                note(cx, *asset, &section)?;
            }
            Ok(assets.last().copied())
        };
        match kernel.write_as(Actor::service("assets.facts", &[]), "assets.addresses.read", step)? {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(pairs: &[(&str, &str)]) -> Section {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_address_counts_when_it_tells_machines_apart() {
        for (text, expected) in [
            ("10.0.0.5/24", Some("10.0.0.5")),
            (" 2001:DB8::5 ", Some("2001:db8::5")),
            ("::ffff:10.0.0.5", Some("10.0.0.5")),
            ("127.0.0.53", None),
            ("::1/128", None),
            ("169.254.3.4/16", None),
            ("fe80::1/64", None),
            ("fe80::1%eth0", None),
            ("0.0.0.0", None),
            ("224.0.0.1", None),
            ("server", None),
            ("", None),
        ] {
            assert_eq!(telling(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn facts_say_which_addresses_are_its_own_and_whose_it_uses() {
        let said = said(&section(&[
            ("interfaces.eth0", r#"{"addresses": ["10.0.0.5/24", "fe80::1/64"], "physical": true}"#),
            ("interfaces.docker0", r#"{"addresses": ["172.17.0.1/16"]}"#),
            ("interfaces.odd", "5"),
            ("network.gateway", r#""10.0.0.1""#),
            ("network.resolvers", r#"["10.0.0.2", "127.0.0.53", 7]"#),
            ("network.storage", r#"["10.0.0.9"]"#),
            ("network.other", r#""10.0.0.3""#),
        ]));
        let all: Vec<(&str, &str)> = said.iter().map(|(role, address)| (role.as_str(), address.as_str())).collect();
        assert_eq!(
            all,
            [("own", "10.0.0.5"), ("resolves_by", "10.0.0.2"), ("routes_by", "10.0.0.1"), ("stores_on", "10.0.0.9")]
        );
        assert!(super::said(&section(&[("network.gateway", "null")])).is_empty());
    }
}
