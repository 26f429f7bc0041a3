//! What can go wrong, said so that the reader knows what to do next.

use std::{fmt, io, path::Path, path::PathBuf};

/// The result of a store call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call was refused or failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    Io {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// Another process has this folder open.
    InUse {
        /// The store's folder.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u16,
    },
    /// One source has as many series as one source may have.
    SourceFull {
        /// The source that asked.
        source: String,
        /// The limit.
        limit: usize,
    },
    /// The store has as many active series as it may have.
    StoreFull {
        /// The source that asked.
        source: String,
        /// The source that holds the most series.
        largest: String,
        /// How many series that one holds.
        largest_series: usize,
        /// The limit.
        limit: usize,
    },
    /// A label set breaks a rule.
    BadLabels {
        /// The source that sent it.
        source: String,
        /// Which rule, with the label's name.
        reason: String,
    },
    /// A regular expression that cannot be used.
    BadPattern {
        /// The label it is about.
        label: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A class of series that cannot be.
    BadClass {
        /// Its name.
        name: String,
    },
    /// A call asked for more than it may have.
    TooMuch {
        /// What there is too much of: "series", "samples", "bytes", "samples in one batch", "label names", "label values".
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { doing, path, cause }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, cause } => write!(f, "could not {doing} {}: {cause}", path.display()),
            Self::InUse { path } => {
                write!(f, "{} is open in another process: stop that one first", path.display())
            }
            Self::NewerVersion { path, version } => write!(
                f,
                "{} has format version {version}, which this program does not know: start the newer program, or restore a \
                 backup made by this one",
                path.display()
            ),
            Self::SourceFull { source, limit } => write!(
                f,
                "source {source:?} already has {limit} series, the most one source may have: remove a label that takes too \
                 many values, or raise the limit"
            ),
            Self::StoreFull { source, largest, largest_series, limit } => write!(
                f,
                "the store already has {limit} active series, so source {source:?} may not add one: the largest source is \
                 {largest:?} with {largest_series} series"
            ),
            Self::BadLabels { source, reason } => write!(f, "source {source:?} sent labels that are refused: {reason}"),
            Self::BadPattern { label, reason } => {
                write!(f, "the regular expression for label {label:?} cannot be used: {reason}")
            }
            Self::BadClass { name } => write!(
                f,
                "there can be no class of series named {name:?}: take small letters, digits and _, each name once, and at most \
                 100 classes"
            ),
            Self::TooMuch { what, limit } => {
                write!(f, "more than {limit} {what}: ask for a shorter time or fewer series")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
