//! Signs of which machine this is. They are hints: the agent's key is its identity.

use agent_proto::IdentityHints;

use super::facts::hardware;
use super::text::{guarded, word};

const UUID: &str = "/sys/class/dmi/id/product_uuid";
const SERIAL: &str = "/sys/class/dmi/id/product_serial";

/// What this process can read and its collector perhaps cannot, by the file that holds it.
pub(crate) fn guarded_words() -> Vec<(String, String)> {
    let words = [UUID, SERIAL].into_iter().filter_map(|path| Some((path.to_owned(), word(path)?)));
    let container = hardware::container_of_init().map(|name| (hardware::INIT.to_owned(), name));
    words.chain(container).collect()
}

/// Names, ids and hardware addresses of this machine, as far as this user may read them.
pub(crate) fn identity_hints() -> IdentityHints {
    IdentityHints {
        hostname: hostname(),
        machine_id: word("/etc/machine-id").or_else(|| word("/var/lib/dbus/machine-id")),
        dmi_uuid: guarded(UUID).map(|uuid| uuid.to_ascii_lowercase()),
        serial: guarded(SERIAL).or_else(|| word("/proc/device-tree/serial-number")),
        macs: hardware_addresses(),
    }
}

/// The kernel's id of this boot.
pub(crate) fn boot_id() -> String {
    word("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

pub(super) fn hostname() -> String {
    word("/proc/sys/kernel/hostname").unwrap_or_else(|| "localhost".into())
}

/// Of interfaces that stand on a device: bridges, tunnels and containers make theirs up.
fn hardware_addresses() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return Vec::new() };
    let physical = entries.flatten().filter(|entry| entry.path().join("device").exists());
    let mut macs: Vec<String> = physical
        .filter_map(|entry| word(entry.path().join("address")))
        .filter(|mac| mac != "00:00:00:00:00:00")
        .take(64)
        .collect();
    macs.sort();
    macs.dedup();
    macs
}
