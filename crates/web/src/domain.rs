//! A domain as the server sees it: what the kernel needs, and what people see of it.

use crate::page::{Door, Page, Panel};

/// A domain with its pages.
#[derive(Default)]
pub struct Domain {
    /// Operations, tables, events and the rest.
    pub kernel: kernel::Domain,
    /// Its pages.
    pub pages: Vec<Page>,
    /// Pages that a secret in their address opens, without signing in.
    pub doors: Vec<Door>,
    /// Parts it adds to other domains' pages.
    pub panels: Vec<Panel>,
    /// Its places in the navigation.
    pub nav: Vec<Place>,
    /// What "+ New" offers.
    pub creates: Vec<Create>,
    /// Figures of its own that `/metrics` tells.
    pub figures: Vec<Figure>,
    /// Counters of its own by labels, for `/metrics`.
    pub families: Vec<Family>,
}

/// The values of a counter's labels, in their order, and the count.
pub type Counted = (Vec<String>, u64);

/// A counter of the server itself that is told apart by labels.
#[derive(Clone, Copy)]
pub struct Family {
    /// Its name, as Prometheus names counters.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Reads it from memory: the values of the labels, in their order, and the count.
    pub read: fn(&kernel::Handle) -> Vec<Counted>,
}

/// A figure of the server itself, for whoever watches it.
#[derive(Clone, Copy)]
pub struct Figure {
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// Its name, as Prometheus names them.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Reads it from memory; nothing when it is not known.
    pub read: fn(&kernel::Handle) -> Option<u64>,
}

/// An entry of the navigation.
pub struct Place {
    /// The group it stands in.
    pub group: Group,
    /// Its name.
    pub label: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its page.
    pub href: &'static str,
    /// The operation whose grant shows it.
    pub grant: &'static str,
}

/// The groups of the navigation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Answer requests and faults.
    Respond,
    /// Know what there is.
    Know,
    /// Keep it safe.
    Protect,
    /// Make it better.
    Improve,
    /// At the foot.
    Foot,
}

/// Something that can be made from anywhere.
pub struct Create {
    /// What it is, for example "Ticket".
    pub label: &'static str,
    /// The page with its form.
    pub href: &'static str,
    /// The operation whose grant shows it.
    pub grant: &'static str,
}
