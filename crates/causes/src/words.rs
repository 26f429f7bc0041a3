//! The words of symptoms and relations.

use serde::Deserialize;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant),+ }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Which one a stable word means.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What is wrong with a thing: what a look at it says, and the state a fault puts it in.
    What {
        /// Nobody gets to it.
        Unreachable = "unreachable",
        /// It, or the service looked at, does not run or does not answer.
        Down = "down",
        /// It answers late.
        Slow = "slow",
        /// It answers with errors.
        Errors = "errors",
        /// A name is not found, or found wrong.
        NameFails = "name_fails",
        /// A certificate is expired, not yet valid, or not trusted.
        CertInvalid = "cert_invalid",
        /// No room is left.
        DiskFull = "disk_full",
        /// Its clock is wrong.
        ClockOff = "clock_off",
        /// Results or measurements do not come.
        NoData = "no_data",
        /// It works with less than it should: one of two paths, disks or supplies.
        Degraded = "degraded",
        /// It has no power, or runs on battery.
        PowerLost = "power_lost",
        /// Processor, memory or connections are used up.
        Overloaded = "overloaded",
        /// Anything else that a rule of somebody's own finds wrong.
        Other = "other",
    }
}

impl What {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// Its place in [`What::ALL`].
    pub(crate) const fn place(self) -> usize {
        self as usize
    }

    /// In words, behind the name of a thing.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::Down => "is down",
            Self::Slow => "is slow",
            Self::Errors => "answers with errors",
            Self::NameFails => "does not resolve names",
            Self::CertInvalid => "has an invalid certificate",
            Self::DiskFull => "has a full disk",
            Self::ClockOff => "has a wrong clock",
            Self::NoData => "sends no data",
            Self::Degraded => "is degraded",
            Self::PowerLost => "has lost power",
            Self::Overloaded => "is overloaded",
            Self::Other => "has a problem",
        }
    }
}

words! {
    /// How one thing stands on another. It points from what would suffer to what it stands on.
    RelationKind {
        /// A virtual machine, container or service on its host.
        RunsOn = "runs_on",
        /// A machine to its switch, a switch to the next one.
        ConnectedTo = "connected_to",
        /// A service to what it needs.
        DependsOn = "depends_on",
        /// A machine to its power supply.
        PoweredBy = "powered_by",
        /// A part to its whole, a machine to its site.
        PartOf = "part_of",
        /// A machine or service to its name server.
        ResolvesBy = "resolves_by",
        /// A machine to its gateway.
        RoutesBy = "routes_by",
        /// A machine or service to its storage.
        StoresOn = "stores_on",
        /// A service to its certificate.
        SecuredBy = "secured_by",
        /// A machine to its time server.
        SyncedBy = "synced_by",
    }
}

impl RelationKind {
    /// True when several of them are taken as alternatives unless said otherwise: a machine with two uplinks loses
    /// nothing with one of them.
    pub const fn is_redundant(self) -> bool {
        matches!(self, Self::ConnectedTo | Self::PoweredBy | Self::ResolvesBy | Self::RoutesBy | Self::SyncedBy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_what_it_was_written_for() {
        for what in What::ALL {
            assert_eq!(What::parse(what.as_str()), Some(*what));
            assert_eq!(What::ALL.get(what.place()), Some(what));
        }
        for kind in RelationKind::ALL {
            assert_eq!(RelationKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(What::parse("Down"), None);
    }
}
