//! What the machine is made of.

use std::collections::BTreeSet;
use std::path::Path;

use super::Sheet;
use crate::platform::linux::text::{given, guarded, number, whole, word};

/// SMBIOS (DSP0134) leaves what a maker did not fill in like this.
const PLACEHOLDERS: [&str; 8] = [
    "default string",
    "to be filled by o.e.m.",
    "system product name",
    "system manufacturer",
    "not specified",
    "none",
    "0",
    "o.e.m.",
];

pub(super) fn hardware(sheet: &mut Sheet) {
    let fields = [
        ("vendor", "sys_vendor"),
        ("model", "product_name"),
        ("version", "product_version"),
        ("serial", "product_serial"),
        ("uuid", "product_uuid"),
        ("board", "board_name"),
        ("bios_vendor", "bios_vendor"),
        ("bios_version", "bios_version"),
        ("bios_date", "bios_date"),
        ("asset_tag", "chassis_asset_tag"),
    ];
    for (key, file) in fields {
        let value = guarded(&format!("/sys/class/dmi/id/{file}"));
        sheet.put_if(key, value.filter(|text| !PLACEHOLDERS.contains(&text.to_lowercase().as_str())));
    }
    let tree = word("/proc/device-tree/model");
    if let Some(model) = tree {
        sheet.put("model", model);
    }
    sheet.put_if("chassis", word("/sys/class/dmi/id/chassis_type").and_then(|kind| chassis(&kind)));
}

/// SMBIOS table 17.
fn chassis(kind: &str) -> Option<&'static str> {
    match kind.parse().ok()? {
        3..=7 | 13 | 15 | 16 | 24 | 35 | 36 => Some("desktop"),
        8..=10 | 14 => Some("laptop"),
        11 | 30 => Some("tablet"),
        31 | 32 => Some("convertible"),
        17 | 22 | 23 | 25 | 28 | 29 => Some("server"),
        _ => None,
    }
}

pub(super) fn cpu(sheet: &mut Sheet) {
    let text = whole("/proc/cpuinfo").unwrap_or_default();
    let values = |key: &'static str| {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(move |(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
    };
    let model = values("model name").next().or_else(|| values("Model").next()).or_else(|| values("cpu").next());
    sheet.put_if("model", model);
    sheet.put_if("vendor", values("vendor_id").next());
    sheet.put("architecture", std::env::consts::ARCH);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let listed = values("processor").count();
    sheet.put("threads", if listed > 0 { listed } else { threads });
    let sockets: BTreeSet<String> = values("physical id").collect();
    sheet.put("sockets", sockets.len().max(1));
    let cores: Option<usize> = values("cpu cores").next().and_then(|cores| cores.parse().ok());
    sheet.put_if("cores", cores.map(|cores| cores * sockets.len().max(1)));
    let khz: Option<u64> =
        word("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").and_then(|khz| khz.parse().ok());
    sheet.put_if("mhz_max", khz.map(|khz| khz / 1_000));
    sheet.put_if("microcode", values("microcode").next());
}

pub(super) fn memory(sheet: &mut Sheet) {
    let text = whole("/proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| {
        let line = text.lines().find(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))?;
        number(line, 1).map(|kib| kib as u64 * 1_024)
    };
    sheet.put_if("total_bytes", bytes("MemTotal"));
    sheet.put_if("swap_bytes", bytes("SwapTotal"));
}

/// Whole disks; partitions, loops and memory disks are not hardware.
pub(super) fn disks(sheet: &mut Sheet) {
    let Ok(entries) = std::fs::read_dir("/sys/block") else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if ["loop", "ram", "zram", "fd", "sr"].iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let sectors = word(path.join("size")).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        if sectors == 0 {
            continue;
        }
        let value = serde_json::json!({
            "size_bytes": sectors * 512,
            "model": word(path.join("device/model")),
            "vendor": word(path.join("device/vendor")),
            "serial": word(path.join("device/serial")).or_else(|| word(path.join("serial"))),
            "rotational": word(path.join("queue/rotational")).is_some_and(|text| text == "1"),
            "removable": word(path.join("removable")).is_some_and(|text| text == "1"),
            "virtual": !path.join("device").exists(),
        });
        sheet.put(&name, value);
    }
}

pub(super) fn virtualisation(sheet: &mut Sheet) {
    let container = container();
    let machine = machine();
    sheet.put("container", container.clone().unwrap_or_else(|| "none".into()));
    sheet.put("machine", machine.unwrap_or("none"));
    sheet.put("virtual", container.is_some() || machine.is_some());
}

fn container() -> Option<String> {
    if let Some(name) = word("/run/systemd/container") {
        return Some(name);
    }
    if Path::new("/.dockerenv").exists() {
        return Some("docker".into());
    }
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".into());
    }
    container_of_init().or_else(|| given(INIT))
}

/// Only root may read it.
pub(in crate::platform::linux) const INIT: &str = "/proc/1/environ";

/// What the first process was told about its container.
pub(in crate::platform::linux) fn container_of_init() -> Option<String> {
    let environment = std::fs::read(INIT).ok()?;
    let name = environment.split(|byte| *byte == 0).find_map(|pair| pair.strip_prefix(b"container="))?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// By what the firmware calls itself, or else by the processor's own word for it.
fn machine() -> Option<&'static str> {
    let vendor = word("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let product = word("/sys/class/dmi/id/product_name").unwrap_or_default();
    let names = [
        ("QEMU", "qemu"),
        ("KVM", "kvm"),
        ("VMware", "vmware"),
        ("VirtualBox", "virtualbox"),
        ("Xen", "xen"),
        ("Virtual Machine", "hyper-v"),
        ("Amazon EC2", "amazon"),
        ("Google Compute Engine", "google"),
        ("OpenStack", "openstack"),
        ("Bochs", "bochs"),
        ("Parallels", "parallels"),
        ("Firecracker", "firecracker"),
    ];
    let named = names.iter().find(|(part, _)| vendor.contains(part) || product.contains(part));
    if let Some((_, name)) = named {
        return Some(name);
    }
    let text = whole("/proc/cpuinfo")?;
    let flags = text.lines().find(|line| line.starts_with("flags"))?;
    flags.split(' ').any(|flag| flag == "hypervisor").then_some("other")
}
