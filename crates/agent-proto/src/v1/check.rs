//! Checks: what an agent probes on a schedule, and what it found.

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::limits::{EVIDENCE_BYTES_MAX, FIGURES_MAX, ITEMS_MAX, LOOK_BYTES_MAX, TEXT_BYTES_MAX};

/// One check to run again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// The server's number of the check.
    pub check_id: i64,
    /// Grows when the check is changed; results carry it back.
    pub generation: i64,
    /// From one run to the next, in milliseconds. Agents never go below one second.
    pub interval_ms: u32,
    /// Longest run, in milliseconds; beyond it the result is an error.
    pub timeout_ms: u32,
    /// What to look at.
    pub probe: Probe,
}

/// What to look at. A probe observes and changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Probe {
    /// At least so many processes of this name run. Value: how many.
    Process {
        /// Which processes count.
        name: ProcessName,
        /// Fewest that must run; 0 is read as 1.
        min_count: u32,
    },
    /// A TCP connection can be opened. Value: milliseconds to connect.
    Tcp {
        /// Name or address.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        host: String,
        /// Port.
        port: u16,
    },
    /// A GET is answered as expected. Value: milliseconds to the end of the answer.
    Http {
        /// `http://` or `https://`.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        url: String,
        /// Status codes that are good; empty means 200 to 299.
        #[serde(deserialize_with = "bounded::list::<ITEMS_MAX, _, _>")]
        expect_status: Vec<u16>,
        /// A text that the body must hold.
        #[serde(deserialize_with = "bounded::optional_text::<TEXT_BYTES_MAX, _>")]
        contains: Option<String>,
        /// Redirects to follow, at most 10.
        max_redirects: u8,
    },
    /// The file system of this mount point is filled no further. Value: percent used.
    FileSystem {
        /// Mount point.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        mount: String,
        /// Highest percentage of blocks in use, as `df` counts it.
        max_used_percent: f64,
    },
    /// The systemd unit is active. Value: 1 or 0.
    Unit {
        /// Name with its suffix, such as `nginx.service`.
        #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
        name: String,
    },
    /// A look of the crate `probes`, in its own words (JSON), so that a new kind of look is no new shape of frames. An
    /// agent that does not know the kind answers with an error that says so. The value is the kind's own.
    Look(#[serde(deserialize_with = "bounded::text::<LOOK_BYTES_MAX, _>")] String),
}

/// Which processes count for [`Probe::Process`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessName {
    /// The kernel's name of the process (at most 15 bytes), or the base name of its first argument, is exactly this.
    Exact(#[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")] String),
    /// The command line, joined with spaces, holds this text.
    CommandLineContains(#[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")] String),
}

/// What one run of a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The server's number of the check.
    pub check_id: i64,
    /// The generation that was run.
    pub generation: i64,
    /// When the run ended, in milliseconds of Unix time.
    pub at_ms: i64,
    /// Good, bad, or not known.
    pub state: CheckState,
    /// The measured value, when there is one; see [`Probe`].
    pub value: Option<f64>,
    /// How long the run took, in microseconds.
    pub took_us: u64,
    /// What was seen, in plain words.
    #[serde(deserialize_with = "bounded::text::<EVIDENCE_BYTES_MAX, _>")]
    pub evidence: String,
}

/// What one run of a [`Probe::Look`] found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookResult {
    /// The result.
    pub result: CheckResult,
    /// Further numbers, by name.
    #[serde(deserialize_with = "bounded::list::<FIGURES_MAX, _, _>")]
    pub figures: Vec<Figure>,
}

/// A number beside the value, such as the loss of a ping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name.
    #[serde(deserialize_with = "bounded::text::<TEXT_BYTES_MAX, _>")]
    pub name: String,
    /// The number.
    pub value: f64,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Fail,
    /// The probe itself could not be made, so nothing is known.
    Error,
}
