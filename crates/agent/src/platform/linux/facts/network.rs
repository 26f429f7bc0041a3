//! Interfaces with their addresses, the way out, and who resolves names.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::Sheet;
use crate::platform::linux::netlink;
use crate::platform::linux::text::{whole, word};

const INTERFACES_MAX: usize = 256;

pub(super) fn interfaces(sheet: &mut Sheet) {
    let addresses = netlink::addresses().unwrap_or_default();
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return };
    for entry in entries.flatten().take(INTERFACES_MAX) {
        let path = entry.path();
        let index: Option<u32> = word(path.join("ifindex")).and_then(|text| text.parse().ok());
        let own = addresses.iter().filter(|address| Some(address.interface) == index);
        let mut own: Vec<String> = own.map(|address| format!("{}/{}", address.ip, address.prefix)).collect();
        own.sort();
        let speed: Option<i64> = word(path.join("speed")).and_then(|text| text.parse().ok()).filter(|mbit| *mbit > 0);
        let value = json!({
            "mac": word(path.join("address")).filter(|mac| mac != "00:00:00:00:00:00"),
            "mtu": word(path.join("mtu")).and_then(|text| text.parse::<u32>().ok()),
            "state": word(path.join("operstate")),
            "speed_mbit": speed,
            "physical": path.join("device").exists(),
            "addresses": own,
        });
        sheet.put(&entry.file_name().to_string_lossy(), value);
    }
    sheet.put_bare("network.gateway".into(), gateway().map_or(Value::Null, |ip| ip.to_string().into()));
    sheet.put_bare("network.resolvers".into(), resolvers());
}

/// The first route to everywhere. Addresses in `/proc/net/route` are hexadecimal in the machine's byte order.
fn gateway() -> Option<Ipv4Addr> {
    let text = whole("/proc/net/route")?;
    text.lines().skip(1).find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (destination, gateway) = (words.next()?, words.next()?);
        let gateway = u32::from_str_radix(gateway, 16).ok().filter(|ip| *ip != 0)?;
        (destination == "00000000").then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
    })
}

fn resolvers() -> Value {
    let text = whole("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    servers.map(|server| server.trim().to_owned()).take(8).collect::<Vec<_>>().into()
}
