//! What a look finds in the world: good, bad with a word, or nothing, because nobody hears of it.

use causes::What;

use crate::file::LookKind;
use crate::scenario::LookAt;
use crate::world::{Flag, World};

impl LookKind {
    /// All of them, in the order of the documents.
    pub(crate) const ALL: [Self; 13] = [
        Self::Ping,
        Self::Tcp,
        Self::Http,
        Self::Agent,
        Self::Dns,
        Self::Certificate,
        Self::Latency,
        Self::Power,
        Self::Redundancy,
        Self::Disk,
        Self::Clock,
        Self::Load,
        Self::Process,
    ];

    /// Made by the thing's own agent; all others are made over the network.
    pub(crate) const fn is_local(self) -> bool {
        matches!(self, Self::Process | Self::Disk | Self::Clock | Self::Load)
    }

    /// The word for which it stands.
    pub(crate) const fn word(self) -> What {
        match self {
            Self::Ping => What::Unreachable,
            Self::Tcp | Self::Process => What::Down,
            Self::Http => What::Errors,
            Self::Agent => What::NoData,
            Self::Dns => What::NameFails,
            Self::Certificate => What::CertInvalid,
            Self::Disk => What::DiskFull,
            Self::Clock => What::ClockOff,
            Self::Latency => What::Slow,
            Self::Load => What::Overloaded,
            Self::Power => What::PowerLost,
            Self::Redundancy => What::Degraded,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::Agent => "agent",
            Self::Process => "process",
            Self::Dns => "dns",
            Self::Certificate => "certificate",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Latency => "latency",
            Self::Load => "load",
            Self::Power => "power",
            Self::Redundancy => "redundancy",
        }
    }
}

/// What a look finds: none when its result does not come; inside, what is wrong, or nothing.
pub(crate) type Found = Option<Option<What>>;

/// What a look finds now. `monitor` is where results go.
pub(crate) fn look(world: &mut World<'_>, at: &LookAt, monitor: usize) -> Found {
    let thing = at.thing;
    let runs = |world: &World<'_>, one: usize| !world.has(one, Flag::Stopped);
    // The looker must run, and be heard.
    let mute = at.kind.is_local() && world.has(thing, Flag::AgentDown);
    if mute || !runs(world, at.vantage) || (at.vantage != monitor && !world.gets_to(at.vantage, monitor)) {
        return None;
    }
    let there = runs(world, thing) && world.gets_to(at.vantage, thing);
    let has = |flags: &[(Flag, What)]| flags.iter().find(|(flag, _)| world.has(thing, *flag)).map(|(_, what)| *what);
    let away = |word: What| Some((!there).then_some(word));
    match at.kind {
        LookKind::Ping => away(What::Unreachable),
        LookKind::Tcp => away(What::Down),
        LookKind::Agent => {
            let silent = !runs(world, thing) || world.has(thing, Flag::AgentDown) || !world.gets_to(thing, monitor);
            Some(silent.then_some(What::NoData))
        }
        _ if !there => away(if at.kind == LookKind::Http { What::Down } else { What::Unreachable }),
        LookKind::Http => Some(has(&[
            (Flag::Cert, What::CertInvalid),
            (Flag::Errors, What::Errors),
            (Flag::Names, What::Errors),
            (Flag::Slow, What::Slow),
        ])),
        LookKind::Dns => Some(has(&[(Flag::Names, What::NameFails), (Flag::Errors, What::NameFails)])),
        LookKind::Certificate => Some(has(&[(Flag::Cert, What::CertInvalid)])),
        LookKind::Disk => Some(has(&[(Flag::Disk, What::DiskFull)])),
        LookKind::Clock => Some(has(&[(Flag::Clock, What::ClockOff)])),
        LookKind::Latency => Some(has(&[(Flag::Slow, What::Slow), (Flag::Overloaded, What::Slow)])),
        LookKind::Load => Some(has(&[(Flag::Overloaded, What::Overloaded)])),
        LookKind::Power => Some(has(&[(Flag::Battery, What::PowerLost)])),
        LookKind::Redundancy => Some(has(&[(Flag::Degraded, What::Degraded)])),
        LookKind::Process => Some(has(&[(Flag::Errors, What::Down)])),
    }
}
