//! Interfaces with their addresses, the way out, and who resolves names.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::Sheet;
use crate::platform::linux::netlink;
use crate::platform::linux::text::{whole, word};

const INTERFACES_MAX: usize = 256;
const PORTS_MAX: usize = 200;
const STORAGE_MAX: usize = 16;
/// From here on ports are given out by themselves (RFC 6335 begins later, Linux here).
const EPHEMERAL: u16 = 32_768;

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
    let storage = storage();
    if !storage.is_empty() {
        sheet.put_bare("network.storage".into(), storage.into_iter().collect::<Vec<_>>());
    }
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

/// Addresses of the file servers that are mounted and of the iSCSI targets that disks come from. The kernel knows them;
/// nobody is asked.
fn storage() -> BTreeSet<String> {
    let mut found = file_servers(&whole("/proc/self/mounts").unwrap_or_default());
    for entry in std::fs::read_dir("/sys/class/iscsi_connection").into_iter().flatten().flatten() {
        found.extend(word(entry.path().join("persistent_address")));
    }
    found.into_iter().take(STORAGE_MAX).collect()
}

/// The servers behind a table of mounts: nfs(5) and mount.cifs(8) keep their address as the option `addr`.
fn file_servers(mounts: &str) -> BTreeSet<String> {
    let options = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(2);
        let kind = words.next()?;
        matches!(kind, "nfs" | "nfs4" | "cifs" | "smb3").then(|| words.next())?
    });
    options
        .filter_map(|options| options.split(',').find_map(|one| one.strip_prefix("addr=")))
        .map(str::to_owned)
        .collect()
}

/// Ports that somebody takes connections on: for all, or for this machine alone. Which program it is, only root sees.
pub(super) fn listening(sheet: &mut Sheet) {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(whole);
    let mut ports = std::collections::BTreeMap::new();
    for (port, alone) in tables.iter().flatten().flat_map(|text| text.lines().skip(1).filter_map(listener)) {
        let known = ports.entry(port).or_insert(alone);
        *known = *known && alone;
    }
    for (port, alone) in ports.into_iter().take(PORTS_MAX) {
        sheet.put(&format!("tcp.{port}"), json!({ "for": if alone { "this machine" } else { "all" } }));
    }
}

/// Port of a line of /proc/net/tcp that listens (proc(5)), and whether it is on a loopback address. Ports that are given
/// out by themselves are nobody's service.
fn listener(line: &str) -> Option<(u16, bool)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (address, port) = words.next()?.split_once(':')?;
    let listens = words.nth(1)? == "0A";
    let port = u16::from_str_radix(port, 16).ok().filter(|port| listens && *port < EPHEMERAL)?;
    let loopback = address.len() == 8 && address.ends_with("7F");
    let loopback = loopback || address == "00000000000000000000000001000000";
    Some((port, loopback || (address.len() == 32 && address.ends_with("0100007F"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounted_file_servers_are_named_by_their_addresses() {
        let mounts = "/dev/sda1 / ext4 rw,addr=10.0.0.9 0 0\n\
            filer:/x /x nfs4 rw,vers=4.2,addr=10.0.0.7,clientaddr=10.0.0.5 0 0\n\
            filer:/y /y nfs rw,addr=10.0.0.7 0 0\n\
            //win/share /z cifs rw,addr=10.0.0.8 0 0\n\
            old:/v /v nfs rw 0 0\n\
            damaged nfs";
        assert_eq!(Vec::from_iter(file_servers(mounts)), ["10.0.0.7", "10.0.0.8"]);
    }

    #[test]
    fn a_line_of_the_kernel_is_a_port_or_nothing() {
        let line =
            |address: &str, state: &str| format!("   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000");
        assert_eq!(listener(&line("00000000:0050", "0A")), Some((80, false)));
        assert_eq!(listener(&line("0100007F:1538", "0A")), Some((5432, true)));
        assert_eq!(listener(&line("00000000000000000000000001000000:0019", "0A")), Some((25, true)));
        assert_eq!(listener(&line("00000000000000000000000000000000:0016", "0A")), Some((22, false)));
        assert_eq!(listener(&line("00000000:0050", "01")), None);
        assert_eq!(listener(&line("00000000:9C40", "0A")), None);
        assert_eq!(listener("damaged"), None);
    }
}
