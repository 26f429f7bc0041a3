//! The envelope: `M S version flags [to 16] [via 16] body`. Flags: 1 body is zstd, 2 `to` present, 4 `via` present.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::FrameError;
use crate::limits::{BODY_BYTES_MAX, COMPRESS_FROM_BYTES, FRAME_BYTES_MAX};
use crate::v1::{FromAgent, FromServer};

/// The first two bytes of every frame.
pub const MAGIC: [u8; 2] = *b"MS";
/// The version that [`encode`] writes.
pub const VERSION: u8 = 1;

const FLAG_ZSTD: u8 = 1;
const FLAG_TO: u8 = 2;
const FLAG_VIA: u8 = 4;
const ZSTD_LEVEL: i32 = 3;
/// 2^23 bytes: a window larger than the longest body is never needed.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// A message with its address. Without a relay both addresses are absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame<M> {
    /// The agent that a relay shall hand this frame to.
    pub to: Option<[u8; 16]>,
    /// The relay that this frame came through.
    pub via: Option<[u8; 16]>,
    /// The message.
    pub message: M,
}

impl<M> Frame<M> {
    /// A frame between the two ends of the connection.
    pub fn direct(message: M) -> Self {
        Self { to: None, via: None, message }
    }
}

/// What may travel in a frame: [`FromAgent`] or [`FromServer`].
pub trait Message: Serialize + Sized + sealed::Sealed {
    /// Reads a body of the given version.
    ///
    /// # Errors
    /// The version is unknown, or the body is not such a message.
    fn decode_body(version: u8, body: &[u8]) -> Result<Self, FrameError>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::v1::FromAgent {}
    impl Sealed for crate::v1::FromServer {}
}

impl Message for FromAgent {
    fn decode_body(version: u8, body: &[u8]) -> Result<Self, FrameError> {
        match version {
            1 => whole(body, FromAgent::KINDS),
            other => Err(FrameError::Version(other)),
        }
    }
}

impl Message for FromServer {
    fn decode_body(version: u8, body: &[u8]) -> Result<Self, FrameError> {
        match version {
            1 => whole(body, FromServer::KINDS),
            other => Err(FrameError::Version(other)),
        }
    }
}

/// Reads a message whose number is below `kinds`.
fn whole<T: DeserializeOwned>(body: &[u8], kinds: u32) -> Result<T, FrameError> {
    let (number, _) = postcard::take_from_bytes::<u32>(body)?;
    if number >= kinds {
        return Err(FrameError::Unknown(number));
    }
    let (message, rest) = postcard::take_from_bytes(body)?;
    if rest.is_empty() { Ok(message) } else { Err(FrameError::Trailing { bytes: rest.len() }) }
}

/// Writes a frame in the current version; the body is compressed when that makes it shorter.
///
/// # Errors
/// The message is beyond the length limits.
pub fn encode<M: Message>(frame: &Frame<M>) -> Result<Vec<u8>, FrameError> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    let flags = frame.to.map_or(0, |_| FLAG_TO) | frame.via.map_or(0, |_| FLAG_VIA);
    let body = postcard::to_allocvec(&frame.message)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(FrameError::TooLong { what: "body", bytes_max: BODY_BYTES_MAX });
    }
    let packed = if body.len() >= COMPRESS_FROM_BYTES {
        let packed = zstd::bulk::compress(&body, ZSTD_LEVEL).map_err(|e| FrameError::Compressed(e.to_string()))?;
        (packed.len() < body.len()).then_some(packed)
    } else {
        None
    };
    out.push(flags | packed.as_ref().map_or(0, |_| FLAG_ZSTD));
    for address in [frame.to, frame.via].into_iter().flatten() {
        out.extend_from_slice(&address);
    }
    out.extend_from_slice(packed.as_deref().unwrap_or(&body));
    if out.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong { what: "frame", bytes_max: FRAME_BYTES_MAX });
    }
    Ok(out)
}

/// Reads a frame of any version that is still spoken.
///
/// # Errors
/// Whatever is wrong with the bytes; see [`FrameError`].
pub fn decode<M: Message>(bytes: &[u8]) -> Result<Frame<M>, FrameError> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong { what: "frame", bytes_max: FRAME_BYTES_MAX });
    }
    let short = FrameError::Short { bytes: bytes.len() };
    let Some((&[magic_0, magic_1, version, flags], rest)) = bytes.split_first_chunk::<4>() else {
        return Err(short);
    };
    if [magic_0, magic_1] != MAGIC {
        return Err(FrameError::NotAFrame);
    }
    if version == 0 || version > VERSION {
        return Err(FrameError::Version(version));
    }
    if flags & !(FLAG_ZSTD | FLAG_TO | FLAG_VIA) != 0 {
        return Err(FrameError::Flags(flags));
    }
    let (to, rest) = address(rest, flags & FLAG_TO != 0).ok_or(short.clone())?;
    let (via, rest) = address(rest, flags & FLAG_VIA != 0).ok_or(short)?;
    let message =
        if flags & FLAG_ZSTD == 0 { M::decode_body(version, rest)? } else { M::decode_body(version, &unpack(rest)?)? };
    Ok(Frame { to, via, message })
}

fn address(bytes: &[u8], present: bool) -> Option<(Option<[u8; 16]>, &[u8])> {
    if !present {
        return Some((None, bytes));
    }
    let (address, rest) = bytes.split_first_chunk::<16>()?;
    Some((Some(*address), rest))
}

/// The buffer grows with what really comes out, so that a short bomb takes no memory that it did not fill.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, FrameError> {
    let damaged = |e: std::io::Error| FrameError::Compressed(e.to_string());
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(damaged)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(damaged)?;
    let mut body = Vec::new();
    decoder.take(BODY_BYTES_MAX as u64 + 1).read_to_end(&mut body).map_err(damaged)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(FrameError::TooLong { what: "body", bytes_max: BODY_BYTES_MAX });
    }
    Ok(body)
}
