//! Probes: what a check or a verification looks at.

use serde::{Deserialize, Serialize};

use super::Word;

/// What to look at. Exactly one field is set. A probe changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Processes of this name run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessProbe>,
    /// A TCP connection can be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpProbe>,
    /// A GET is answered as expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// The file system is filled no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system: Option<FileSystemProbe>,
    /// The systemd unit is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Word>,
}

/// Processes by name or by a part of their command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessProbe {
    /// The exact name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Word>,
    /// A part of the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<Word>,
    /// Fewest that must run; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u32>,
}

/// A TCP port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpProbe {
    /// Name or address.
    pub host: Word,
    /// Port.
    pub port: u16,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpProbe {
    /// The address.
    pub url: Word,
    /// Status codes that are good; empty means 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_status: Vec<u16>,
    /// A text that the answer must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

/// A file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSystemProbe {
    /// Mount point.
    pub mount: Word,
    /// Highest percentage in use.
    pub max_used_percent: f64,
}
