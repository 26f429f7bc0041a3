//! Why a frame could not be read or written.

use std::fmt;

/// What was wrong with a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer bytes than the header needs.
    Short {
        /// Bytes that were there.
        bytes: usize,
    },
    /// The first two bytes are not ours.
    NotAFrame,
    /// A version this program does not speak.
    Version(u8),
    /// Flag bits that this version does not define.
    Flags(u8),
    /// Longer than its limit.
    TooLong {
        /// Which length: `frame` or `body`.
        what: &'static str,
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// The compressed body cannot be unpacked.
    Compressed(String),
    /// A message that this program does not know: the other side is newer.
    Unknown(u32),
    /// The body is not the message it should be.
    Malformed(&'static str),
    /// Bytes are left after the message.
    Trailing {
        /// How many.
        bytes: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { bytes } => write!(f, "the frame ends after {bytes} bytes, inside its header"),
            Self::NotAFrame => write!(f, "these bytes are not a Mainstay frame"),
            Self::Version(version) => write!(
                f,
                "the frame has version {version}, this program speaks {}; upgrade the older side",
                crate::VERSION
            ),
            Self::Flags(flags) => write!(f, "the frame has unknown flags {flags:#010b}"),
            Self::TooLong { what, bytes_max } => write!(f, "the {what} is longer than {bytes_max} bytes"),
            Self::Compressed(cause) => write!(f, "the compressed body is damaged: {cause}"),
            Self::Unknown(number) => {
                write!(f, "the message has number {number}, which this program does not know; upgrade the older side")
            }
            Self::Malformed(what) => write!(f, "the body is malformed: {what}"),
            Self::Trailing { bytes } => write!(f, "{bytes} bytes are left after the message"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<postcard::Error> for FrameError {
    fn from(error: postcard::Error) -> Self {
        use postcard::Error as E;
        Self::Malformed(match error {
            E::DeserializeUnexpectedEnd => "it ends too early",
            E::DeserializeBadVarint => "a number is out of range",
            E::DeserializeBadBool => "a truth value is neither 0 nor 1",
            E::DeserializeBadUtf8 => "a text is not UTF-8",
            E::DeserializeBadOption => "an optional value is neither absent nor present",
            E::DeserializeBadEnum => "a message or variant is unknown",
            E::SerdeDeCustom => "a variant is unknown, or a list or text is longer than its limit",
            _ => "it cannot be read or written",
        })
    }
}
