//! At a glance: the few facts that say what a machine is, drawn from what its agent reports.

use std::collections::BTreeMap;

use kernel::Time;
use kernel::time::SECOND;
use serde_json::Value;
use web::ui;

/// Facts by section and key.
pub(super) type Known = BTreeMap<String, BTreeMap<String, Value>>;

/// The sections the overview is drawn from.
pub(super) const SECTIONS: &[&str] =
    &["os", "hardware", "cpu", "memory", "disks", "filesystems", "interfaces", "virtualisation", "users"];

/// Facts in words; what is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Glance {
    pub(super) system: Option<String>,
    pub(super) kernel: Option<String>,
    pub(super) processor: Option<String>,
    pub(super) memory: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) runs_in: Option<String>,
    pub(super) addresses: Vec<String>,
    pub(super) up_for: Option<String>,
    pub(super) logged_in: Vec<String>,
}

fn text(known: &Known, section: &str, key: &str) -> Option<String> {
    known.get(section)?.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn number(known: &Known, section: &str, key: &str) -> Option<u64> {
    known.get(section)?.get(key)?.as_u64()
}

impl Glance {
    /// Draws the glance from facts as they are known now.
    pub(super) fn of(known: &Known, now: Time) -> Self {
        let vendor = text(known, "hardware", "hardware.vendor");
        let model = text(known, "hardware", "hardware.model");
        Self {
            system: text(known, "os", "os.name"),
            kernel: text(known, "os", "os.kernel"),
            processor: processor(known),
            memory: number(known, "memory", "memory.total_bytes").map(ui::bytes),
            model: joined(vendor, model),
            serial: text(known, "hardware", "hardware.serial"),
            runs_in: runs_in(known),
            addresses: addresses(known),
            up_for: up_for(known, now),
            logged_in: logged_in(known),
        }
    }
}

fn joined(one: Option<String>, two: Option<String>) -> Option<String> {
    match (one, two) {
        (Some(one), Some(two)) if two.starts_with(&one) => Some(two),
        (Some(one), Some(two)) => Some(format!("{one} {two}")),
        (one, two) => one.or(two),
    }
}

fn processor(known: &Known) -> Option<String> {
    let threads = number(known, "cpu", "cpu.threads")
        .map(|count| if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") });
    match (text(known, "cpu", "cpu.model"), threads) {
        (Some(model), Some(threads)) => Some(format!("{model}, {threads}")),
        (model, threads) => model.or(threads),
    }
}

fn runs_in(known: &Known) -> Option<String> {
    let kind = |key: &str| text(known, "virtualisation", key).filter(|word| word != "none");
    let container = kind("virtualisation.container").map(|word| format!("Container ({word})"));
    container.or_else(|| kind("virtualisation.machine").map(|word| format!("Virtual machine ({word})")))
}

/// Addresses that others reach the machine by: not its own loop, not link-local, without the width of the network.
fn addresses(known: &Known) -> Vec<String> {
    let Some(interfaces) = known.get("interfaces") else { return Vec::new() };
    let listed = interfaces.iter().filter(|(key, _)| key.as_str() != "interfaces.lo");
    let listed = listed.filter_map(|(_, value)| value.get("addresses")?.as_array());
    let plain = listed.flatten().filter_map(|address| address.as_str()?.split('/').next());
    let mut all: Vec<String> =
        plain.filter(|ip| !ip.starts_with("fe80:") && !ip.starts_with("127.")).map(str::to_owned).collect();
    all.sort_by_key(|ip| ip.contains(':'));
    all.truncate(6);
    all
}

fn up_for(known: &Known, now: Time) -> Option<String> {
    let booted = known.get("os")?.get("os.booted_at_s")?.as_i64()?;
    let seconds = now.0 / SECOND - booted;
    (seconds >= 0).then(|| ui::duration(seconds))
}

fn logged_in(known: &Known) -> Vec<String> {
    let Some(users) = known.get("users") else { return Vec::new() };
    let mut names: Vec<String> =
        users.values().filter_map(|value| value.get("user")?.as_str().map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names.truncate(6);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn known(pairs: &[(&str, &str, Value)]) -> Known {
        let mut known = Known::new();
        for (section, key, value) in pairs {
            known.entry((*section).to_owned()).or_default().insert((*key).to_owned(), value.clone());
        }
        known
    }

    #[test]
    fn a_machine_is_summed_up_in_words() {
        let now = Time(1_000_000 * SECOND);
        let glance = Glance::of(
            &known(&[
                ("os", "os.name", json!("Debian GNU/Linux 12")),
                ("os", "os.booted_at_s", json!(1_000_000 - 7_200)),
                ("cpu", "cpu.model", json!("EPYC 7543P")),
                ("cpu", "cpu.threads", json!(64)),
                ("memory", "memory.total_bytes", json!(68_719_476_736_u64)),
                ("hardware", "hardware.vendor", json!("Dell")),
                ("hardware", "hardware.model", json!("PowerEdge R6515")),
                ("virtualisation", "virtualisation.container", json!("none")),
                ("virtualisation", "virtualisation.machine", json!("kvm")),
                ("interfaces", "interfaces.lo", json!({"addresses": ["127.0.0.1/8", "::1/128"]})),
                (
                    "interfaces",
                    "interfaces.eth0",
                    json!({"addresses": ["2001:db8::5/64", "10.20.0.5/24", "fe80::1/64"]}),
                ),
                ("users", "users.pts/0", json!({"user": "sam"})),
                ("users", "users.pts/1", json!({"user": "sam"})),
            ]),
            now,
        );
        assert_eq!(glance.system.as_deref(), Some("Debian GNU/Linux 12"));
        assert_eq!(glance.processor.as_deref(), Some("EPYC 7543P, 64 threads"));
        assert_eq!(glance.memory.as_deref(), Some("64 GiB"));
        assert_eq!(glance.model.as_deref(), Some("Dell PowerEdge R6515"));
        assert_eq!(glance.runs_in.as_deref(), Some("Virtual machine (kvm)"));
        assert_eq!(glance.addresses, ["10.20.0.5", "2001:db8::5"]);
        assert_eq!((glance.up_for.as_deref(), glance.logged_in.as_slice()), (Some("2 h"), &["sam".to_owned()][..]));
    }

    #[test]
    fn facts_of_the_wrong_shape_are_left_out() {
        let odd = known(&[
            ("os", "os.name", json!(5)),
            ("os", "os.booted_at_s", json!(9_000_000_000_i64)),
            ("interfaces", "interfaces.eth0", json!("x")),
            ("users", "users.tty", json!(null)),
            ("memory", "memory.total_bytes", json!(-1)),
        ]);
        assert_eq!(Glance::of(&odd, Time(SECOND)), Glance::default());
    }
}
